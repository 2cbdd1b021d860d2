"""Your own images described by a table: CSV or Parquet with a column `path`, files under `image_root`."""

import hashlib
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

import pandas as pd

from wikitopics.errors import UserError
from wikitopics.paths import located
from wikitopics.sources.files import files_table
from wikitopics.sources.reading import hash_inside, read_inside

LISTS = ("labels", "categories", "articles", "human")
TEXTS = ("title", "creator", "licence")


@dataclass(frozen=True)
class Table:
    """The pictures that a table describes.

    `table`: CSV or Parquet file, relative to the root folder; `image_root`: folder its paths start at, "" for
    the table's own.
    Columns: path; optionally title, creator, licence (text), labels, categories, articles, human (lists or
    text separated by |). Other columns are left alone.
    """

    name: ClassVar[str] = "table"
    table: str
    image_root: str = ""

    def files(self) -> pd.DataFrame:
        """One row per row of the table, in its order; `labels` and `human` where the table has them."""
        frame = self._read_table()
        paths = [str(path) for path in frame["path"]]
        empty = sum(not path for path in paths)
        if empty:
            raise UserError(
                f"every row of {self.table} must have a path, but {empty} of {len(paths)} rows have none; "
                "fill them in or delete those rows"
            )
        lists = {name: [as_list(value) for value in frame[name]] for name in LISTS if name in frame}
        texts = {name: [_text(value) for value in frame[name]] for name in TEXTS if name in frame}
        titles = texts.pop("title", [""] * len(paths))
        titles = [title or os.path.basename(path) for title, path in zip(titles, paths, strict=True)]
        return files_table(titles, paths, None, **texts, **lists)

    def read(self, path: str, max_bytes: int) -> bytes:
        """The file's bytes; see `sources.reading.read_inside`."""
        return read_inside(self._top(), path, max_bytes)

    def graph(self) -> None:
        """None: it may be named by a parameter of its own."""

    def human(self, taxonomy: str) -> pd.DataFrame | None:
        """The column `human`, taken to be in the vocabulary of the run that asks; None without one."""
        files = self.files()
        if "human" not in files:
            return None
        said = files[files["human"].map(len) > 0]
        return said[["title", "human"]].rename(columns={"human": "labels"}).reset_index(drop=True)

    def fingerprint(self) -> str:
        """Hex digest of the table and of every file it names."""
        digest = hashlib.blake2b(self._table_file().read_bytes(), digest_size=16)
        for path in self.files()["path"]:
            digest.update(hash_inside(self._top(), path).encode())
        return digest.hexdigest()

    def _top(self) -> Path:
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

    def _read_table(self) -> pd.DataFrame:
        file = self._table_file()
        try:
            if file.suffix == ".parquet":
                frame = pd.read_parquet(file)
            else:
                frame = pd.read_csv(file, dtype=str, keep_default_na=False, encoding="utf-8-sig")
        except (ValueError, OSError) as error:  # pandas' and pyarrow's errors are ValueErrors
            first = str(error).splitlines()[0]
            raise UserError(
                f"table must be CSV in UTF-8 or Parquet, but {self.table} cannot be read ({first}); "
                "save it again in one of these forms"
            ) from error
        if "path" not in frame:
            raise UserError(
                f"table must have a column 'path', but {self.table} has {', '.join(frame.columns.map(str))}; "
                "rename the column that holds the file paths"
            )
        return frame.assign(path=[_text(value) for value in frame["path"]])


def as_list(value: Any) -> list[str]:
    """A cell's list: text is split at |, blanks and repetitions go, order stays.

    >>> as_list("Cats| Pets |Cats|"), as_list(["Cats", None]), as_list(None)
    (['Cats', 'Pets'], ['Cats'], [])
    """
    if isinstance(value, str):
        value = value.split("|")
    elif value is None or (not hasattr(value, "__len__") and pd.isna(value)):
        value = []
    return list(dict.fromkeys(text for item in value if (text := _text(item))))


def _text(value: Any) -> str:
    return "" if value is None or pd.isna(value) else str(value).strip()
