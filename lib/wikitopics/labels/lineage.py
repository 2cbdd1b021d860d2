"""Labels as matrices, in the order of the label names: which files have them, and which lies below which."""

from collections.abc import Iterable, Mapping, Sequence

import numpy as np

from wikitopics.errors import UserError


def descent(label_names: Sequence[str], parents: Mapping[str, str | None]) -> np.ndarray:
    """Which label lies below which: (L, L) bool, [a, b] is true where b is a itself or lies below a.

    By name, not by position. `parents` gives each label's nearest label above it that is also among
    `label_names`, or None. Raises UserError where a parent is not among them and where a label lies below
    itself.

    >>> descent(["STEM", "Plants"], {"STEM": None, "Plants": "STEM"}).astype(int).tolist()
    [[1, 1], [0, 1]]
    """
    position = {name: place for place, name in enumerate(label_names)}
    below = np.eye(len(label_names), dtype=bool)
    for name in label_names:
        above = parents.get(name)
        while above is not None:
            if above not in position or below[position[above], position[name]]:
                wrong = "is not a label" if above not in position else "lies below itself"
                raise UserError(
                    f"parents must lead from every label up to a root, but {above!r} above {name!r} {wrong}; "
                    "repeat the labels run"
                )
            below[position[above], position[name]] = True
            above = parents.get(above)
    return below


def closed_upwards(values: np.ndarray, descent: np.ndarray) -> np.ndarray:
    """Scores or {0, 1} labels (n, L) in which no label has less than a label below it; same dtype.

    Each gets the highest of its own value and those below it (`descent`), so labels bring those above them.
    This is the max-constraint module of C-HMCNN(h), see train.coherence.

    >>> closed_upwards(np.array([[0.2, 0.7]]), np.array([[True, True], [False, True]])).tolist()
    [[0.7, 0.7]]
    """
    closed = np.empty_like(values)
    for label, below in enumerate(descent):
        closed[:, label] = values[:, below].max(axis=1)
    return closed


def label_matrix(
    labels: Sequence[Sequence[str]],
    label_names: Sequence[str],
    values: Iterable[Sequence[float]] | None = None,
) -> np.ndarray:
    """Each file's labels as a row of (n, L): 1 (uint8), or the label's value (float32); 0 elsewhere.

    Labels that are not in `label_names` are passed over. `values` has one number a label, as `labels` has.

    >>> label_matrix([["b"], [], ["a", "z"]], ["a", "b"]).tolist()
    [[0, 1], [0, 0], [1, 0]]
    """
    column = {name: place for place, name in enumerate(label_names)}
    row = np.repeat(np.arange(len(labels)), np.array([len(names) for names in labels], dtype=int))
    place = np.array([column.get(name, -1) for names in labels for name in names], dtype=int)
    known = place >= 0
    matrix = np.zeros((len(labels), len(label_names)), np.uint8 if values is None else np.float32)
    matrix[row[known], place[known]] = 1 if values is None else np.concatenate([*values, []])[known]
    return matrix
