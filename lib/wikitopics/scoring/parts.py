"""Results of any number of files, shard by shard, so that a stopped run goes on.

The shards lie in a folder beside the result, which one process fills at a time.
"""

import fcntl
import hashlib
import os
import re
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from pathlib import Path
from typing import NamedTuple

import pyarrow as pa
import pyarrow.parquet as pq

from wikitopics.artefacts import read_json, replacing, room_for, write_json
from wikitopics.errors import UserError
from wikitopics.progress import report
from wikitopics.scoring.decoding import NamedFiles, Reads
from wikitopics.scoring.titles import PREFIX, WithTitles

LOCK, KEY = "lock", "key.json"
OURS = re.compile(r"lock|key\.json|\d{6,}-[0-9a-f]{16}\.parquet")  # and what becomes one of these


def key_of(what: str, paths: list[str], source: Reads) -> str:
    """Hex digest of what a result depends on: the model and all settings in `what`, and the pictures.

    A relative name is another picture in another folder, so the folder one is in counts with it; a source of
    its own knows where its paths begin.
    """
    digest = hashlib.sha256(what.encode())
    for path in paths:
        digest.update(path.encode("utf-8", "surrogateescape") + b"\0")
    files = source.files if isinstance(source, WithTitles) else source
    if isinstance(files, NamedFiles) and not all(path.startswith(("/", PREFIX)) for path in paths):
        digest.update(os.fsencode(files.base or os.getcwd()))
    return digest.hexdigest()


@contextmanager
def parts_of(out: Path, key: str) -> Iterator[Path]:
    """The folder OUT.parts, held until the block ends, with the shards of `key` that are there already.

    Shards of something else are thrown away. It goes when the block ends well, or without a shard, and
    stays for the same command otherwise. Raises UserError where another process has it, where it holds
    anything else, or where nothing can be written.
    """
    parts = out.with_name(out.name + ".parts")
    with writable(out), _held(parts, out):
        known = parts / KEY
        if not known.exists() or read_json(known) != key:
            _remove(parts, but=LOCK)
            write_json(known, key)
        whole = False
        try:
            yield parts
            whole = True
        finally:
            if whole or not any(parts.glob("*.parquet")):
                # A worker whose driver was killed may still write a shard here: nobody will take it.
                with suppress(OSError):
                    _remove(parts)
                    parts.rmdir()


@contextmanager
def _held(parts: Path, out: Path) -> Iterator[None]:
    parts.mkdir(parents=True, exist_ok=True)
    theirs = sorted(entry.name for entry in os.scandir(parts) if not _is_ours(entry))
    if theirs:
        raise UserError(
            f"{parts} must hold nothing but shards, but it holds {theirs[0]!r}; move it away or write "
            f"{out.name} elsewhere"
        )
    with open(parts / LOCK, "ab") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)  # given up when its process ends, however
        except BlockingIOError:
            raise UserError(
                f"one process writes a result at a time, but another one writes {out}; wait for it or name "
                "another file"
            ) from None
        yield


def _is_ours(entry: os.DirEntry) -> bool:
    whole = re.fullmatch(r"\.(.+)\.\d+\.part", entry.name)  # as artefacts.replacing names what is begun
    return bool(OURS.fullmatch(whole[1] if whole else entry.name)) and entry.is_file(follow_symlinks=False)


def _remove(parts: Path, but: str = "") -> None:
    for entry in os.scandir(parts):
        if entry.name != but and _is_ours(entry):
            Path(entry).unlink(missing_ok=True)


@contextmanager
def writable(out: Path) -> Iterator[None]:
    """A block in which it is a UserError that `out` (absolute) cannot be written, or is a folder."""
    if os.path.isdir(out):
        raise UserError(f"results must go to a file, but {out} is a folder; name a file in it")
    try:
        with room_for("what is written", str(out.parent), ": it goes on where it was"):
            yield
    except OSError as error:
        where = Path(os.fsdecode(error.filename or ""))
        if not where.is_absolute() or not (where.is_relative_to(out.parent) or where in out.parents):
            raise
        raise UserError(
            f"results must go to a folder that can be written, but {out.parent} cannot "
            f"({os.strerror(error.errno)}); name another"
        ) from error


class Shard(NamedTuple):
    """Paths whose rows are computed together, and the file that they go to."""

    file: Path
    paths: list[str]


class Result(NamedTuple):
    """A table with one row a path, in order: where it goes, what it depends on, and how it is told of.

    out: an absolute path; key: see key_of; schema: of its shards, which have a column "reason" that is empty
    for a good row; doing, done: of a path, as in "scoring" and "scored".
    """

    out: Path
    key: str
    schema: pa.Schema
    doing: str
    done: str


Write = Callable[[pa.Table], None]
Tables = Callable[[list[str]], Iterator[pa.Table]]


@contextmanager
def parquet_writer(path: Path, schema: pa.Schema) -> Iterator[Write]:
    """A function that appends tables to one Parquet file."""
    with pq.ParquetWriter(path, schema, compression="zstd") as writer:
        yield writer.write_table


def write_result(
    result: Result,
    paths: list[str],
    size: int,
    tables: Tables,
    writer: Callable[[Path, pa.Schema], AbstractContextManager[Write]] = parquet_writer,
    elsewhere: Callable[[list[Shard]], Iterator[int]] | None = None,
) -> dict[str, int]:
    """How many files there were, were good, and had each reason, once the result is whole in its place.

    Until then its shards, of `size` paths each, lie beside it, see parts_of; those that are there already are
    taken. `tables` gives the rows of some paths, in order; `writer`: of the result's own format; `elsewhere`
    writes shards on other machines, and gives the number of files of each that is done.
    """
    with parts_of(result.out, result.key) as parts:
        shards = [
            Shard(parts / f"{number:06}-{result.key[:16]}.parquet", paths[start : start + size])
            for number, start in enumerate(range(0, len(paths), size))
        ]
        missing = [shard for shard in shards if not shard.file.exists()]
        here = (files for shard in missing for files in write_shard(shard, tables, result.schema))
        total, done = sum(len(shard.paths) for shard in missing), 0
        report(result.doing, 0, total)
        for files in elsewhere(missing) if elsewhere else here:
            report(result.doing, done := done + files, total)
        return join([shard.file for shard in shards], result, writer)


def write_shard(shard: Shard, tables: Tables, schema: pa.Schema) -> Iterator[int]:
    """The number of rows of each table, as it is written; the shard is there when all of them are."""
    with replacing(shard.file) as temporary, parquet_writer(temporary, schema) as write:
        for table in tables(shard.paths):
            write(table)
            yield len(table)


def join(files: list[Path], result: Result, writer: Callable = parquet_writer) -> dict[str, int]:
    """How many files were good, were abstained from, or why not good; all shards are one file then."""
    counts: dict[str, int] = {"files": 0, result.done: 0}
    with replacing(result.out) as temporary, writer(temporary, result.schema) as write:
        for file in files:
            table = pq.read_table(file)
            write(table)
            counts["files"] += len(table)
            for reason in table["reason"].to_pylist():
                counts[reason or result.done] = counts.get(reason or result.done, 0) + 1
            abstained = sum(table["abstained"].to_pylist()) if "abstained" in table.column_names else 0
            if abstained:
                counts["abstained"] = counts.get("abstained", 0) + abstained
    return counts
