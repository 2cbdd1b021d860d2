"""Taxonomies: labels, their parents, and the Commons categories (anchors) that mean them."""

import csv
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from importlib.resources import files
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from wikitopics.errors import UserError
from wikitopics.paths import located
from wikitopics.sources.table_cells import as_list, as_text, check_divided
from wikitopics.sources.tables import SUFFIXES, read_table, suffix_of
from wikitopics.titles import category_title

SHIPPED = files("wikitopics.labels") / "taxonomies"

COLUMNS = ["label", "parent", "anchors"]
OPTIONAL = ["shared", "prompt"]
MAX_LABELS = 64  # a set of labels is one uint64


@dataclass(frozen=True)
class Taxonomy:
    """Labels in a frozen depth-first order, closed upward: with a label come its ancestors.

    `parents` and `anchors` have one entry per label of `label_names`, in that order. `left_out`: labels that
    it had before some were dropped. `prompts`: of labels that have some, what a network with a text side is
    asked.

    >>> t = load("v1.4")
    >>> len(t.label_names), t.parents["Plants"], t.ancestors("Plants"), t.anchors["Space"]
    (28, 'Nature', ('Nature', 'STEM'), ('Astronomy',))
    """

    name: str
    label_names: tuple[str, ...]
    parents: dict[str, str | None]
    anchors: dict[str, tuple[str, ...]]
    left_out: tuple[str, ...] = ()
    prompts: dict[str, tuple[str, ...]] = field(default_factory=dict)

    def ancestors(self, label: str) -> tuple[str, ...]:
        """Parent, grandparent ... of a label, nearest first."""
        parent = self.parents[label]
        return () if parent is None else (parent, *self.ancestors(parent))

    def flat(self) -> "Taxonomy":
        """The same labels without a hierarchy: a label brings no other with it."""
        return replace(self, parents=dict.fromkeys(self.label_names))

    def with_anchors(self, added: Iterable[tuple[str, str]]) -> "Taxonomy":
        """The same with more anchors, as (category, label). Raises UserError for a label it does not have.

        >>> load("v1.4").with_anchors([("Telescopes", "Space")]).anchors["Space"]
        ('Astronomy', 'Telescopes')
        """
        anchors = dict(self.anchors)
        for category, label in added:
            if label not in anchors:
                raise UserError(
                    f"an added anchor must lead to a label of the taxonomy {self.name}, but {category!r} "
                    f"leads to {label!r}; name other corrections, or another taxonomy"
                )
            anchors[label] = tuple(dict.fromkeys((*anchors[label], category)))
        return replace(self, anchors=anchors)

    def mask(self, labels: Iterable[str]) -> int:
        """Bit mask of the labels and their ancestors. Raises UserError for a label it does not have.

        >>> bin(load("v1.4").mask(["Plants"]))  # STEM, Nature, Plants
        '0b1100000001'
        """
        bits = 0
        for label in labels:
            if label not in self.parents:
                raise UserError(
                    f"a label must be in the taxonomy {self.name}, but {label!r} is not; "
                    f"it has {', '.join(self.label_names)}"
                )
            for name in (label, *self.ancestors(label)):
                bits |= 1 << self.label_names.index(name)
        return bits

    def labels(self, mask: int) -> list[str]:
        """The labels of a bit mask in label_names order; the inverse of `mask` on closed sets."""
        return [name for i, name in enumerate(self.label_names) if int(mask) >> i & 1]

    def close(self, labels: Iterable[str]) -> list[str]:
        """The labels and their ancestors, in label_names order."""
        return self.labels(self.mask(labels))

    def anchor_masks(self) -> dict[str, int]:
        """Anchor category -> bit mask of what it gives. Raises UserError where there are no anchors."""
        masks: dict[str, int] = {}
        for label in self.label_names:
            for anchor in self.anchors[label]:
                masks[anchor] = masks.get(anchor, 0) | self.mask([label])
        if not masks:
            raise UserError(
                f"walking up categories needs a taxonomy with anchors, but {self.name} has none; "
                f"choose one of {', '.join(n for n in shipped() if n != 'ores-64')}"
            )
        return masks


def shipped() -> list[str]:
    """Names of the taxonomies that come with the library.

    >>> shipped()
    ['ores-64', 'v0.0', 'v1.1', 'v1.2', 'v1.3', 'v1.4']
    """
    return sorted(
        f.name[:-4] for f in SHIPPED.iterdir() if f.name.endswith(".csv") and f.name != "bridge.csv"
    )


def load(name: str | Taxonomy) -> Taxonomy:
    """A shipped taxonomy by name, or your own by the path of its table; one that is loaded stays as it is.

    Its columns are label, parent, anchors, perhaps shared and prompt; paths are relative to the root folder.

    Raises UserError for an unknown name and for a file that is not a taxonomy: an unknown parent, a cycle,
    a label twice, an anchor that two labels have without declaring it, more than 64 labels.
    """
    if isinstance(name, Taxonomy):
        return name
    if name in shipped():
        return _of_rows(name, rows_of(Path(str(SHIPPED / f"{name}.csv"))))
    path = located(name)
    if not (suffix_of(path) in SUFFIXES and path.is_file()):
        raise UserError(
            f"taxonomy must be one of {', '.join(shipped())} or the path of a CSV file, "
            f"but is {name!r}; choose one"
        )
    return _of_rows(path.stem, rows_of(path))


def bridge() -> list[tuple[str, str, str]]:
    """Pairs (v1.4 label, ORES topic, reason) that mean nearly the same: common ground of two sources."""
    rows = csv.reader((SHIPPED / "bridge.csv").read_text("utf-8").splitlines()[1:])
    return [(label, topic, reason) for label, topic, reason in rows]


def from_labels(
    name: str, labels: Iterable[str], parents: Mapping[str, str | None] | None = None
) -> Taxonomy:
    """A taxonomy of plain labels: no anchors, any number of them; flat and in the given order, or by parents.

    parents: of each label or None; then each label comes after its parent, in the given order among equals.

    >>> from_labels("mine", ["Owls", "Birds"], {"Owls": "Birds", "Birds": None}).label_names
    ('Birds', 'Owls')
    """
    names = tuple(dict.fromkeys(labels))
    above = {label: (parents or {}).get(label) for label in names}
    names = tuple(_depth_first(above)) if parents else names
    return Taxonomy(name, names, {n: above[n] for n in names}, dict.fromkeys(names, ()))


def _of_rows(name: str, rows: "list[Row]") -> Taxonomy:
    parents = {row.label: row.parent for row in rows}
    order = tuple(_depth_first(parents))
    anchors = {row.label: row.anchors for row in rows}
    prompts = {row.label: row.prompts for row in rows if row.prompts}
    above, below = {n: parents[n] for n in order}, {n: anchors[n] for n in order}
    return Taxonomy(name, order, above, below, prompts=prompts)


def _depth_first(parents: Mapping[str, str | None]) -> list[str]:
    """Each label behind its parent and before its parent's next child; as deep as folders may be nested."""
    children: dict[str | None, list[str]] = {}
    for label, parent in parents.items():
        children.setdefault(parent, []).append(label)
    order, waiting = [], children.get(None, [])[::-1]
    while waiting:
        order.append(waiting.pop())
        waiting += children.get(order[-1], [])[::-1]
    return order


# --- The CSV file of a taxonomy: read and checked, so that a wrong one is told in one sentence


class Row(NamedTuple):
    """One label of the file; `shared` are those of its anchors that other labels may have too; `prompts`:
    texts that mean it."""

    label: str
    parent: str | None
    anchors: tuple[str, ...]
    shared: tuple[str, ...]
    prompts: tuple[str, ...] = ()


def rows_of(path: Path) -> list[Row]:
    """The rows of a taxonomy file, in its order; errors call it by its name.

    Raises UserError for a table that cannot be read, for a missing or foreign column, a label twice, more
    than 64 labels, an unknown parent, parents in a circle, and an anchor that two labels have without
    declaring it in the column `shared`.
    """
    table = read_table(path, "a taxonomy", COLUMNS, OPTIONAL)
    foreign = [name for name in table if name not in (*COLUMNS, *OPTIONAL)]
    if foreign:
        raise UserError(
            f"{path.stem}: a taxonomy must have the columns label,parent,anchors (perhaps shared, prompt), "
            f"but has {foreign[0]!r} too; leave it out"
        )
    labels, parents = ([_label(name, cell) for cell in table[name]] for name in COLUMNS[:2])
    anchors, shared = (
        _categories(name, table.get(name, [""] * len(table))) for name in ("anchors", "shared")
    )
    prompts = [tuple(as_list(cell)) for cell in table.get("prompt", [""] * len(table))]
    rows = [
        Row(label, parent or None, *names)
        for label, parent, *names in zip(labels, parents, anchors, shared, prompts, strict=True)
    ]
    _check_labels(path.stem, [row.label for row in rows])
    _check_parents(path.stem, {row.label: row.parent for row in rows})
    _check_anchors(path.stem, rows)
    return rows


def _label(name: str, cell: Any) -> str:
    return unicodedata.normalize("NFC", as_text(name, cell))


def _categories(name: str, cells: Iterable[Any]) -> list[tuple[str, ...]]:
    """The categories of each cell; UserError for what names none and where they are not divided by |."""
    check_divided(name, cells)
    return [tuple(map(category_title, as_list(cell))) for cell in cells]


def _check_labels(name: str, labels: list[str]) -> None:
    if not labels or "" in labels:
        found = "one row has none" if labels else "there is no row"
        raise UserError(f"{name}: every row must have a label, but {found}; fill it in")
    twice = next((label for label in labels if labels.count(label) > 1), None)
    if twice is not None:
        raise UserError(f"{name}: a label must stand in one row, but {twice!r} stands in several; keep one")
    if len(labels) > MAX_LABELS:
        raise UserError(
            f"{name}: a taxonomy must have at most {MAX_LABELS} labels, but has {len(labels)}; leave some out"
        )


def _check_parents(name: str, parents: dict[str, str | None]) -> None:
    for label, parent in parents.items():
        if parent is not None and parent not in parents:
            raise UserError(
                f"{name}: a parent must be a label of the same file, but that of {label!r} is {parent!r}; "
                f"add a row for it or correct it"
            )
    for label in parents:
        above, steps = parents[label], 0
        while above is not None and steps <= len(parents):
            above, steps = parents[above], steps + 1
        if above is not None:
            raise UserError(
                f"{name}: parents must lead to a top label, but those of {label!r} run in a circle; cut it"
            )


def _check_anchors(name: str, rows: list[Row]) -> None:
    owner: dict[str, Row] = {}
    for row in rows:
        for anchor in row.anchors:
            first = owner.setdefault(anchor, row)
            if first is not row and not (anchor in first.shared and anchor in row.shared):
                raise UserError(
                    f"{name}: an anchor must belong to one label, but {anchor!r} is in {first.label!r} and "
                    f"{row.label!r}; take it from one, or name it in the column `shared` of both"
                )


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
