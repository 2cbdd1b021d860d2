"""The CSV file of a taxonomy: read and checked, so that a wrong one is told in one sentence."""

import csv
from typing import NamedTuple

from wikitopics.errors import UserError

COLUMNS = ["label", "parent", "anchors"]
MAX_LABELS = 64  # a set of labels is one uint64


class Row(NamedTuple):
    """One label of the file; `shared` are those of its anchors that other labels may have too."""

    label: str
    parent: str | None
    anchors: tuple[str, ...]
    shared: tuple[str, ...]


def parse(name: str, text: str) -> list[Row]:
    """The rows of a taxonomy file, in its order; `name` is how errors call it.

    Raises UserError for a wrong header or row, a label twice, more than 64 labels, an unknown parent, parents
    in a circle, and an anchor that two labels have without declaring it in the column `shared`.
    """
    rows = _rows(name, text)
    _check_labels(name, [row.label for row in rows])
    _check_parents(name, {row.label: row.parent for row in rows})
    _check_anchors(name, rows)
    return rows


def _rows(name: str, text: str) -> list[Row]:
    reader = csv.DictReader(text.splitlines())
    header = list(reader.fieldnames or [])
    if header[:3] != COLUMNS or header[3:] not in ([], ["shared"]):
        raise UserError(
            f"{name}: a taxonomy must start with the line label,parent,anchors (and perhaps ,shared), "
            f"but starts with {','.join(header)!r}; correct it"
        )
    rows = []
    for cells in reader:
        if None in cells or None in cells.values():
            raise UserError(
                f"{name}: line {reader.line_num} must have {len(header)} cells, but has more or fewer; "
                f"write {','.join(header)}, in quotes where a cell has a comma"
            )
        label, parent, anchors, shared = [cells[key].strip() for key in COLUMNS] + [cells.get("shared", "")]
        rows.append(Row(label, parent or None, _split(anchors), _split(shared)))
    return rows


def _split(cell: str) -> tuple[str, ...]:
    return tuple(part.strip() for part in cell.split("|") if part.strip())


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
