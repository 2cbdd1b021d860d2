"""Your own images described by a table: a column `path`, files under `image_root`, labels in any form."""

import hashlib
import os
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

import pandas as pd

from wikitopics.errors import UserError
from wikitopics.paths import located
from wikitopics.sources.copies import joined_copies
from wikitopics.sources.files import files_table
from wikitopics.sources.given_split import split_names
from wikitopics.sources.huggingface.dataset_folder import DatasetFolder
from wikitopics.sources.reading import digest_of, is_file, named_digest, read_inside
from wikitopics.sources.table_cells import add_one_hot, as_list, as_text, check_divided, in_capitals
from wikitopics.sources.tables import read_table
from wikitopics.titles import category_name, item_key, names_an_item

PARTED = re.compile(r"[\s|,;\[\]'\"]+")  # what stands between the items of a cell, in any form
LISTS = ("labels", "categories", "articles", "items", "human")
TEXTS = ("title", "creator", "licence")
OWN = ("path", "split", "group", *TEXTS, *LISTS)  # what is no label, whatever it holds


@dataclass(frozen=True)
class Table:
    """The pictures that a table describes.

    `table`: CSV, lines of JSON or Parquet, relative to the root folder; `image_root`: folder its paths start
    at, "" for the table's own. Or the folder of a data set, see `huggingface.dataset_folder`.
    Columns: path (or file_name); optionally title, creator, licence (text), split (train, validation, test),
    labels, categories, articles, items (Q-ids), human (lists, as `table_cells.as_list` reads them). Without
    labels, columns of 0 and 1 are: their names. A path in several rows is one file, with the labels of all
    of them, where each of those rows says something. Other columns are left alone, and so is a column items
    without a Q-id in it.
    """

    name: ClassVar[str] = "table"
    table: str
    image_root: str = ""

    def files(self) -> pd.DataFrame:
        """One row per file, in the table's order; `labels`, `human` and `split` where the table has them.

        attrs["notes"] tells how the table was understood.
        """
        data_set = self._data_set()
        frame = data_set.rows(OWN) if data_set else read_table(self._table_file(), "table", ["path"], OWN)
        columns = {name: frame[name].tolist() for name in frame}
        columns["path"] = [as_text("path", cell) for cell in columns["path"]]
        empty = sum(not path for path in columns["path"])
        if empty:
            raise UserError(
                f"every row of {self.table} must have a path, but {empty} of {len(frame)} rows have none; "
                "fill them in or delete those rows"
            )
        if frame.empty:
            raise UserError(f"table must have rows, but {self.table} has only the names of columns; add some")
        named = set(columns["path"])
        top = self._top()
        gone = data_set.lacks(named) if data_set else sum(not is_file(top, path) for path in named)
        if "items" in columns and not _of_wikidata(columns["items"]):
            del columns["items"]  # a museum's number of objects, and nothing that a file depicts
        labels = add_one_hot(columns, OWN)
        left = [
            name for name in frame if name not in (*OWN, *labels) or (name in OWN and name not in columns)
        ]
        notes = {"labels from one-hot columns": len(labels), "paths that lead to no file": gone}
        notes[f"columns left alone ({', '.join(left)[:200]})"] = len(left)
        lists = _lists(columns)
        notes["labels that differ from another only in capitals"] = in_capitals(lists.get("labels", []))
        if "categories" in lists:
            lists["categories"] = [[category_name(name) for name in names] for names in lists["categories"]]
        if "items" in lists:
            lists["items"] = [list(dict.fromkeys(map(item_key, names))) for names in lists["items"]]
        texts = {name: [as_text(name, cell) for cell in columns[name]] for name in TEXTS if name in columns}
        if "split" in columns:
            texts["split"] = split_names(columns["split"], self.table)
        paths, notes["rows joined to one file"] = _joined(columns["path"], lists, texts)
        kept = joined_copies(top, paths, lists, texts.get("split"))
        notes["copies with other labels, joined to the first"] = len(paths) - len(kept)
        _keep(kept, paths, *lists.values(), *texts.values())
        titles = texts.pop("title", [""] * len(paths))
        titles = [title or os.path.basename(path) for title, path in zip(titles, paths, strict=True)]
        return files_table(titles, paths, notes, **texts, **lists)

    def read(self, path: str, max_bytes: int) -> bytes:
        """The file's bytes; see `sources.reading.read_inside`."""
        data_set = self._data_set()
        return data_set.read(path, max_bytes) if data_set else read_inside(self._top(), path, max_bytes)

    def graph(self) -> None:
        """None: it may be named by a parameter of its own."""

    def items(self) -> None:
        """None: they may be named by a parameter of their own."""

    def human(self, taxonomy: str) -> pd.DataFrame | None:
        """The column `human`, taken to be in the vocabulary of the run that asks; None without one."""
        files = self.files()
        if "human" not in files:
            return None
        said = files[files["human"].map(len) > 0]
        return said[["title", "human"]].rename(columns={"human": "labels"}).reset_index(drop=True)

    def fingerprint(self) -> str:
        """Hex digest of the table and of every file it names."""
        if data_set := self._data_set():
            return data_set.fingerprint(self.files()["path"])
        table = self._table_file()
        named = dict.fromkeys(
            as_text("path", cell) for cell in read_table(table, "table", ["path"], OWN)["path"]
        )
        digest = hashlib.blake2b(table.read_bytes(), digest_size=16)
        return digest_of(digest.hexdigest(), named_digest(self._top(), named))

    def _data_set(self) -> DatasetFolder | None:
        """The data set where `table` is a folder; None where it is a file."""
        top = located(self.table)
        if top.is_dir() and self.image_root:
            raise UserError(
                "image_root must be empty where table is the folder of a data set, but is "
                f"{self.image_root!r}; leave it out"
            )
        return DatasetFolder(top) if top.is_dir() else None

    def _top(self) -> Path:
        if located(self.table).is_dir():
            return located(self.table)
        return located(self.image_root) if self.image_root else located(self.table).parent

    def _table_file(self) -> Path:
        file = located(self.table)
        if not file.is_file():
            raise UserError(
                f"table must be a CSV or Parquet file, but {self.table} is none; correct the path"
            )
        if not self._top().is_dir():
            raise UserError(
                f"image_root must be the folder the table's paths start at, but {self.image_root} is none; "
                "correct the path"
            )
        return file


def _of_wikidata(cells: list[Any]) -> bool:
    """Whether any cell of a column names an item of Wikidata, alone or among others."""
    return any(names_an_item(name) for cell in cells for name in PARTED.split(str(cell)))


def _lists(columns: dict[str, list[Any]]) -> dict[str, list[list[str]]]:
    """The columns of lists; UserError where one is divided by other marks than |."""
    for name in ("labels", "human"):
        check_divided(name, columns.get(name, []))
    for name in ("categories", "articles"):  # whose names may have commas
        check_divided(name, columns.get(name, []), never="", perhaps=";")
    check_divided("items", columns.get("items", []), never=";,", perhaps="")
    return {name: [as_list(cell) for cell in columns[name]] for name in LISTS if name in columns}


def _joined(
    paths: list[str], lists: dict[str, list[list[str]]], texts: dict[str, list[str]]
) -> tuple[list[str], int]:
    """The paths, each once, `lists` and `texts` shortened to match; and how many rows went into others.

    Rows are joined where each of a path's rows says something in a list: one row a label. Raises UserError
    for rows of one file that are in several parts of a split.
    """
    rows: dict[str, list[int]] = {}
    for number, path in enumerate(paths):
        rows.setdefault(path, []).append(number)
    kept = list(range(len(paths)))
    for path, same in rows.items():
        if len(same) == 1 or not all(any(cells[row] for cells in lists.values()) for row in same):
            continue
        if "split" in texts and len({texts["split"][row] for row in same}) > 1:
            raise UserError(f"a file must be in one part of the split, but {path!r} is in two; choose one")
        for said in lists.values():
            said[same[0]] = list(dict.fromkeys(item for row in same for item in said[row]))
        for told in texts.values():
            told[same[0]] = next((told[row] for row in same if told[row]), "")
        for row in same[1:]:
            kept[row] = -1
    kept = [row for row in kept if row >= 0]
    _keep(kept, *lists.values(), *texts.values())
    return [paths[row] for row in kept], len(paths) - len(kept)


def _keep(rows: list[int], *columns: list[Any]) -> None:
    """Leave only these rows in each column."""
    for cells in columns:
        cells[:] = [cells[row] for row in rows]
