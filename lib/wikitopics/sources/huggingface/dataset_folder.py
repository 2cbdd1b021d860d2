"""A folder with an image data set as a table of pictures: rows as `sources.tables` has them, bytes by key."""

import hashlib
import os
import re
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property, lru_cache
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from wikitopics.errors import UserError
from wikitopics.sources.given_split import PART_OF, folder_split
from wikitopics.sources.huggingface.class_names import CARD, Said, said_by_card, said_by_schema
from wikitopics.sources.huggingface.parquet_pictures import (
    MARK,
    names_of_pictures,
    picture_column,
    read_picture,
)
from wikitopics.sources.reading import Refused, hash_inside, inside, is_file, read_inside
from wikitopics.sources.table_cells import as_list, text_of
from wikitopics.sources.tables import ALIASES, read_table

METADATA = ("metadata.csv", "metadata.jsonl", "metadata.parquet")
MOST = 100_000  # shards, or tables
ROW = re.compile(rf"\.parquet{MARK}\d+$")
NUMBER = re.compile(r"-?\d+")
LABELS = ("labels", *ALIASES["labels"])
PATHS = ("path", *ALIASES["path"])


@dataclass(frozen=True)
class DatasetFolder:
    """The data set in the folder `top`: shards of Parquet with the pictures in them, or files and metadata.

    Files and metadata: metadata.csv, .jsonl or .parquet, alone or one a folder, whose file_name leads from
    its own folder to a file.
    """

    top: Path

    def rows(self, known: Iterable[str]) -> pd.DataFrame:
        """A row a picture: `path` (a key for `read`), `labels` as names, `split` where the folder tells it.

        Cells as `tables.read_table` gives them; known: columns that it is to find under other names too.
        Raises UserError for a folder that holds no such data set, for numbers of labels that nothing names,
        and for pictures that are not in it.
        """
        if not self._shards and not self._tables:
            raise UserError(
                f"a folder named as table must hold an image data set (shards of Parquet, or {METADATA[0]} "
                f"beside files), but {self.top} does not; name the table itself, or use source: folder"
            )
        for path in self._tables or self._shards:
            self._check_inside(path)
        read = self._of_table if self._tables else self._of_shard
        frames = [read(path, tuple(known)) for path in self._tables or self._shards]
        columns = {tuple(sorted(set(frame.columns) - {"split"})) for frame in frames}
        if len(columns) > 1:
            raise UserError(
                f"all files of a data set must have the same columns, but those of {self.top} have not; name "
                f"the folder of one configuration, or say in {CARD} which files are meant"
            )
        frame = pd.concat(frames, ignore_index=True)
        return _with_split(frame, bool(self._tables))

    def read(self, path: str, max_bytes: int) -> bytes:
        """The picture of a key; see `parquet_pictures.read_picture` and `sources.reading.read_inside`."""
        if not ROW.search(path):
            return read_inside(self.top, path, max_bytes)
        shard = inside(self.top, path.rpartition(MARK)[0])
        column = _column_of(self.top, shard, shard.stat().st_mtime_ns)
        return read_picture(self.top, path, column, max_bytes)

    def lacks(self, paths: Iterable[str]) -> int:
        """How many of the paths lead to no file; keys of rows always lead to one."""
        return sum(not is_file(self.top, path) for path in set(paths)) if self._tables else 0

    def fingerprint(self, paths: Iterable[str]) -> str:
        """Hex digest of the card, of shards or tables, and of the files that `paths` name."""
        digest = hashlib.blake2b(digest_size=16)
        for path in (CARD, *self._tables, *([] if self._tables else self._shards)):
            digest.update(f"{path}\0{hash_inside(self.top, path)}".encode("utf-8", "surrogateescape"))
        if self._tables:
            for path in paths:
                digest.update(hash_inside(self.top, path).encode())
        for path in () if self._tables else self._shards:  # of large files only the beginning was hashed
            digest.update(_end(self.top / path))
        return digest.hexdigest()

    # --- what lies in the folder

    def _check_inside(self, path: str) -> None:
        try:
            inside(self.top, path)
        except Refused:
            raise UserError(
                f"the files of a data set must lie in its folder, but {path} is a link out of {self.top}, as "
                "in a cache; copy it with `cp -rL`, or fetch it with `hf download --local-dir`"
            ) from None

    @cached_property
    def _said(self) -> Said:
        return said_by_card(self.top)

    @cached_property
    def _found(self) -> list[str]:
        """Files that may be meant, sorted; hidden folders and linked ones are left out."""
        found = []
        for folder, below, names in os.walk(self.top):
            place = os.path.relpath(folder, self.top)
            below[:] = [name for name in below if not name.startswith((".", "__"))]
            wanted = [name for name in names if name.endswith(".parquet") or name in METADATA]
            found += [name if place == "." else f"{place}/{name}" for name in wanted]
            if len(found) > MOST:
                raise UserError(
                    f"a data set must have at most {MOST:,} files of rows, but {self.top} has more"
                )
        return sorted(path for path in found if not path.startswith("."))

    @cached_property
    def _tables(self) -> list[str]:
        return [path for path in self._found if os.path.basename(path) in METADATA]

    @cached_property
    def _shards(self) -> list[str]:
        """Those that README.md names, if it does; else all."""
        meant = [path for path in self._found if self._said.part_of(path) is not None]
        return meant if self._said.parts else self._found

    # --- rows

    def _of_shard(self, path: str, known: tuple[str, ...]) -> pd.DataFrame:
        with _whole(self.top / path), pq.ParquetFile(self.top / path, memory_map=False) as file:
            schema = file.schema_arrow
            said = said_by_schema(schema)
            titled = "title" in map(
                str.casefold, schema.names
            )  # else a column image would be taken for titles
            wanted = [name for name in known if name != "path" and (titled or name != "title")]
            frame = read_table(self.top / path, "a shard", known=wanted)
            names = names_of_pictures(
                file, picture_column(schema, self._said.pictures | said.pictures, path), path
            )
            numbers = [one.name for one in schema if _holds_numbers(one.type)]
        if len(frame.columns) and len(frame) != len(names):
            raise UserError(f"a shard must have as many pictures as rows, but {path} has not; fetch it again")
        frame = frame.drop(columns=[name for name in (*PATHS, "split") if name in frame])
        frame["path"] = [f"{path}{MARK}{row}" for row in range(len(names))]
        if "title" not in frame:
            stem = path.removesuffix(".parquet").replace("/", " ")
            frame["title"] = [os.path.basename(name) or f"{stem} {row}" for row, name in enumerate(names)]
        frame["split"] = self._said.part_of(path) or _part_in(path)
        return self._named(frame, self._said.names | said.names, numbers, path)

    def _of_table(self, path: str, known: tuple[str, ...]) -> pd.DataFrame:
        frame = read_table(self.top / path, "a table of files", ["path"], known)
        place = os.path.dirname(path)
        frame["path"] = [f"{place}/{text_of(name)}" if place else text_of(name) for name in frame["path"]]
        numbers = []
        if path.endswith(".parquet"):
            numbers = [one.name for one in _schema(self.top / path) if _holds_numbers(one.type)]
        return self._named(frame, self._said.names, numbers, path)

    def _named(
        self, frame: pd.DataFrame, names: dict[str, list[str]], numbers: list[str], path: str
    ) -> pd.DataFrame:
        """The frame with `labels` as names; UserError where they stay numbers or it is unclear which."""
        own = sorted((name for name in frame if str(name).casefold() in LABELS), key="labels".__ne__)
        classes = [name for name in names if name in frame]
        column = own[0] if own else classes[0] if len(classes) == 1 else None
        if column is None and classes:
            raise UserError(
                f"a data set must have one column of labels, or one called labels, but {path} has "
                f"{', '.join(map(str, classes))[:200]}; rename the one you mean"
            )
        if column is None:
            return frame
        alike = (name for name in names if column == _known(name) and name not in frame)
        spelled = column if column in names else next(alike, None)
        if spelled is not None:
            frame[column] = [_by_name(cell, names[spelled], path) for cell in frame[column]]
        elif column in numbers or any(column == _known(name) and name not in frame for name in numbers):
            raise UserError(
                f"labels must be names, but the column {column} of {path} holds numbers and nothing names "
                f"them; write the names as a class_label into {CARD}, or as texts into the column"
            )
        return frame.rename(columns={column: "labels"})


@lru_cache(maxsize=64)
def _column_of(top: Path, shard: Path, modified: int) -> str:
    """Which column of a shard holds the pictures, found once for each version of it."""
    schema = _schema(shard)
    said = said_by_card(top).pictures | said_by_schema(schema).pictures
    return picture_column(schema, said, shard.name)


def _known(name: str) -> str:
    """A column of labels under the name that `read_table` gives it."""
    return "labels" if name.casefold() in LABELS else name


def _by_name(cell: Any, names: list[str], path: str) -> list[str]:
    """The names of a cell's numbers; -1 and nothing are no label, and what is no number is a name already."""
    return [_name(item, names, path) for item in as_list(cell) if item != "-1"]


def _name(item: str, names: list[str], path: str) -> str:
    if not NUMBER.fullmatch(item):
        return item
    if not 0 <= int(item) < len(names):
        raise UserError(
            f"the number of a label must be 0 to {len(names) - 1}, which have names, but one of {path} is "
            f"{item[:20]}; correct the names or the number"
        )
    return names[int(item)]


def _with_split(frame: pd.DataFrame, tables: bool) -> pd.DataFrame:
    """The frame with `split` where parts are told for every row, and more than one; else without it."""
    if tables and "split" not in frame:
        parts = folder_split(frame["path"].tolist())
        return frame.assign(split=parts) if parts else frame
    if not tables and (frame["split"].isna().any() or frame["split"].nunique() < 2):
        return frame.drop(columns="split")
    return frame


def _part_in(path: str) -> str | None:
    """The part that a shard's name or folder tells.

    >>> _part_in("data/train-00000-of-00001.parquet"), _part_in("valid/0.parquet"), _part_in("trains.parquet")
    ('train', 'validation', None)
    """
    words = re.split(r"[^a-z]+", path.removesuffix(".parquet").lower())
    return next((PART_OF[word] for word in reversed(words) if word in PART_OF), None)


def _holds_numbers(kind: pa.DataType) -> bool:
    inside = getattr(kind, "value_type", kind)
    return pa.types.is_integer(inside) or pa.types.is_floating(inside)


def _schema(file: Path) -> pa.Schema:
    with _whole(file):
        return pq.read_schema(file)


@contextmanager
def _whole(file: Path) -> Iterator[None]:
    """A block that reads a shard, in which a damaged one is a UserError."""
    try:
        yield
    except (pa.ArrowException, OSError, UnicodeError) as error:
        raise UserError(
            f"a shard must be a whole Parquet file, but {file} is not ({str(error)[:100]!r}); fetch it again"
        ) from None


def _end(file: Path, most: int = 1 << 20) -> bytes:
    """The last bytes of a file, where Parquet says what lies where."""
    with open(file, "rb") as opened:
        opened.seek(max(0, os.fstat(opened.fileno()).st_size - most))
        return opened.read(most)
