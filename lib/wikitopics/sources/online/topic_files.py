"""Files of many topics: a list of categories, walked down, and a fair draw of each one's files."""

import hashlib
import re
from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

import pandas as pd

from wikitopics.artefacts import read_json, read_table, write_json, write_table
from wikitopics.errors import UserError
from wikitopics.sources import tables
from wikitopics.sources.online.action_api import ActionApi
from wikitopics.sources.online.harvest import resolved
from wikitopics.sources.online.wiki_pages import categories_above, walk_down
from wikitopics.sources.table_cells import as_text
from wikitopics.titles import category_title

LISTED = "listed.parquet"
ASKED = "listed.json"  # written last: the table beside it answers exactly this list
WALKED = 5  # times as many files as are drawn are walked past at most, so that one subcategory is not all
FEW = 30  # files of a topic below which a person is told
PICTURES = ("jpg", "jpeg", "png", "gif", "webp", "tif", "tiff")  # drawings (SVG) are left out, as sounds are


class Row(NamedTuple):
    """A category of a topic, how many levels below it count, and how many files are drawn at most."""

    topic: str
    category: str
    depth: int
    max_files: int


def read_categories(path: Path) -> list[Row]:
    """The rows of a table: topic, category, and, if they are there, depth (else 0) and max_files (else 100).

    Raises UserError for a table without rows, a category that is none, and numbers that cannot be.
    """
    table = tables.read_table(path, "--categories", ["topic", "category"], ["depth", "max_files"])
    columns = {name: table[name] if name in table else [""] * len(table) for name in Row._fields}
    rows = [_row(path, *cells) for cells in zip(*columns.values(), strict=True)]
    if not rows:
        raise UserError(
            f"--categories must name categories, but {path} has no row; write one a line: topic, category"
        )
    return rows


def _row(path: Path, topic: object, category: object, depth: object, files: object) -> Row:
    name = category_title(as_text("category", category))
    levels, most = _whole(depth, 0), _whole(files, 100)
    if levels is None or not most:
        raise UserError(
            f"depth must be a whole number from 0 and max_files one from 1, but {path.name} has {depth!r} "
            f"and {files!r} for {name!r}; correct them"
        )
    return Row(as_text("topic", topic), name, levels, most)


def _whole(cell: object, usual: int) -> int | None:
    """A cell as a whole number from 0, `usual` where it is empty, None where it is none."""
    text = as_text("number", cell)
    return usual if not text else int(text) if re.fullmatch("[0-9]{1,6}", text) else None


def list_files(rows: list[Row], api: ActionApi, folder: Path) -> tuple[list[str], list[str]]:
    """The titles of the files drawn, each once; and what a person should know of the list, in sentences.

    `listed.parquet` in `folder` has title, topic and category, the first that named a file. Where the same
    list was answered there before nobody is asked. Raises UserError where another list was, and where no
    category has a file.
    """
    asked = [list(row) for row in rows]
    if (folder / ASKED).exists():
        known = read_json(folder / ASKED)
        if known["asked"] != asked:
            raise UserError(
                f"a folder holds the answer to one list of categories, but {folder.name} holds that to "
                "another; take another name, or delete the folder"
            )
        return read_table(folder / LISTED)["title"].tolist(), known["told"]
    found, gone, others = _walk(rows, api)
    if not found:
        raise UserError(
            f"a list of categories must have files, but none of its {len(rows)} categories has one at "
            f"{api.address}; check their names and the address"
        )
    table = pd.DataFrame(
        [(title, row.topic, row.category) for title, row in found.items()],
        columns=["title", "topic", "category"],
    )
    told = in_words(rows, table, gone, others)
    write_table(folder / LISTED, table)
    write_json(folder / ASKED, {"asked": asked, "told": told})
    return list(found), told


def _walk(rows: list[Row], api: ActionApi) -> tuple[dict[str, Row], list[str], int]:
    """Title -> the first row that drew it; the categories without a file; how many files are no pictures."""
    found: dict[str, Row] = {}
    gone, others = [], 0
    graph = categories_above(api, dict.fromkeys(row.category for row in rows), 1)
    for row in rows:
        (category,) = resolved([row.category], graph)
        titles = walk_down(api, category, row.depth, WALKED * row.max_files)
        pictures = [title for title in titles if title.lower().rpartition(".")[2] in PICTURES]
        others += len(titles) - len(pictures)
        gone += [] if pictures else [row.category]
        for title in drawn(pictures, row.max_files):
            found.setdefault(title, row)
    return found, gone, others


def drawn(titles: Iterable[str], count: int) -> list[str]:
    """At most `count` titles, always the same ones: those whose digest comes first.

    >>> drawn(["A.jpg", "B.jpg", "C.jpg"], 2)
    ['C.jpg', 'B.jpg']
    """
    return sorted(titles, key=lambda title: hashlib.md5(title.encode(), usedforsecurity=False).digest())[
        :count
    ]


def in_words(rows: list[Row], table: pd.DataFrame, gone: list[str], others: int) -> list[str]:
    """How many files and topics, and what is missing: a sentence each."""
    counts = Counter(dict.fromkeys([row.topic for row in rows], 0))
    counts.update(table["topic"])
    few = [f"{topic} ({count})" for topic, count in counts.items() if count < FEW]
    told = [f"{len(table):,} files of {len(counts)} topics, from {len(rows) - len(gone)} categories"]
    if gone:
        names = ", ".join(gone)
        told.append(f"categories that are gone, or have no pictures, and were skipped ({len(gone)}): {names}")
    if others:
        told.append(f"{others:,} files that are no pictures by their names were left out")
    if few:
        told.append(f"topics with fewer than {FEW} files, which may be too few to learn: {', '.join(few)}")
    return told
