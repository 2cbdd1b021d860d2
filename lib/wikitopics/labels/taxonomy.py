"""Taxonomies: labels, their parents, and the Commons categories (anchors) that mean them."""

import csv
from collections.abc import Iterable
from dataclasses import dataclass, replace
from importlib.resources import files
from pathlib import Path

from wikitopics.errors import UserError
from wikitopics.labels.taxonomy_file import parse

SHIPPED = files("wikitopics.labels") / "taxonomies"


@dataclass(frozen=True)
class Taxonomy:
    """Labels in a frozen depth-first order, closed upward: with a label come its ancestors.

    `parents` and `anchors` have one entry per label of `label_names`, in that order.

    >>> t = load("v1.4")
    >>> len(t.label_names), t.parents["Plants"], t.ancestors("Plants"), t.anchors["Space"]
    (28, 'Nature', ('Nature', 'STEM'), ('Astronomy',))
    """

    name: str
    label_names: tuple[str, ...]
    parents: dict[str, str | None]
    anchors: dict[str, tuple[str, ...]]

    def ancestors(self, label: str) -> tuple[str, ...]:
        """Parent, grandparent ... of a label, nearest first."""
        parent = self.parents[label]
        return () if parent is None else (parent, *self.ancestors(parent))

    def flat(self) -> "Taxonomy":
        """The same labels without a hierarchy: a label brings no other with it."""
        return replace(self, parents=dict.fromkeys(self.label_names))

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


def load(name: str) -> Taxonomy:
    """A shipped taxonomy by name, or your own by the path of its CSV file (label,parent,anchors[,shared]).

    Raises UserError for an unknown name and for a file that is not a taxonomy: an unknown parent, a cycle,
    a label twice, an anchor that two labels have without declaring it, more than 64 labels.
    """
    if name in shipped():
        return _of_file(name, (SHIPPED / f"{name}.csv").read_text("utf-8"))
    path = Path(name)
    if not (path.suffix == ".csv" and path.is_file()):
        raise UserError(
            f"taxonomy must be one of {', '.join(shipped())} or the path of a CSV file, "
            f"but is {name!r}; choose one"
        )
    return _of_file(path.stem, path.read_text("utf-8-sig"))


def bridge() -> list[tuple[str, str, str]]:
    """Pairs (v1.4 label, ORES topic, reason) that mean nearly the same: common ground of two sources."""
    rows = csv.reader((SHIPPED / "bridge.csv").read_text("utf-8").splitlines()[1:])
    return [(label, topic, reason) for label, topic, reason in rows]


def from_labels(name: str, labels: Iterable[str]) -> Taxonomy:
    """A flat taxonomy of plain labels in the given order: no parents, no anchors, any number of them."""
    names = tuple(dict.fromkeys(labels))
    return Taxonomy(name, names, dict.fromkeys(names), dict.fromkeys(names, ()))


def _of_file(name: str, text: str) -> Taxonomy:
    rows = parse(name, text)
    parents = {row.label: row.parent for row in rows}
    order = tuple(_depth_first(None, parents))
    anchors = {row.label: row.anchors for row in rows}
    return Taxonomy(name, order, {n: parents[n] for n in order}, {n: anchors[n] for n in order})


def _depth_first(top: str | None, parents: dict[str, str | None]) -> list[str]:
    children = [label for label, parent in parents.items() if parent == top]
    return [name for child in children for name in (child, *_depth_first(child, parents))]
