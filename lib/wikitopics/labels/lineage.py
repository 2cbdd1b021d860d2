"""Which label lies below which, as a matrix in the order of the label names."""

from collections.abc import Mapping, Sequence

import numpy as np

from wikitopics.errors import UserError


def descent(label_names: Sequence[str], parents: Mapping[str, str | None]) -> np.ndarray:
    """(L, L) bool: [a, b] is true where label b is a itself or lies below a; by name, not by position.

    `parents` gives each label's nearest label above it that is also among `label_names`, or None. Raises
    UserError where a parent is not among them and where a label lies below itself.

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
