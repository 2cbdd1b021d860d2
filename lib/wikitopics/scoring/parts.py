"""The shards of a result that is not whole yet: a folder beside it, which one process fills at a time."""

import fcntl
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pyarrow.parquet as pq

from wikitopics.artefacts import NO_ROOM, read_json, replacing, write_json
from wikitopics.errors import UserError
from wikitopics.scoring.settings import Settings
from wikitopics.scoring.writing import FORMATS

LOCK, KEY = "lock", "key.json"


@contextmanager
def parts_of(out: Path, key: str) -> Iterator[Path]:
    """The folder OUT.parts, held until the block ends, with the shards of `key` that are there already.

    Shards of something else are thrown away. It goes when the block ends well, or without a shard, and
    stays for the same command otherwise. Raises UserError where another process has it, or where nothing can
    be written.
    """
    parts = out.with_name(out.name + ".parts")
    with _writable(out), _held(parts, out):
        known = parts / KEY
        if not known.exists() or read_json(known) != key:
            for old in parts.iterdir():
                if old.name != LOCK:
                    shutil.rmtree(old) if old.is_dir() else old.unlink()
            write_json(known, key)
        whole = False
        try:
            yield parts
            whole = True
        finally:
            if whole or not any(parts.glob("*.parquet")):
                # A worker whose driver was killed may still write a shard here: nobody will take it.
                shutil.rmtree(parts, ignore_errors=True)


@contextmanager
def _held(parts: Path, out: Path) -> Iterator[None]:
    parts.mkdir(parents=True, exist_ok=True)
    with open(parts / LOCK, "ab") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)  # given up when its process ends, however
        except BlockingIOError:
            raise UserError(
                f"one process writes a result at a time, but another one writes {out}; wait for it or name "
                "another file"
            ) from None
        yield


@contextmanager
def _writable(out: Path) -> Iterator[None]:
    if os.path.isdir(out):
        raise UserError(f"results must go to a file, but {out} is a folder; name a file in it")
    try:
        yield
    except OSError as error:
        if error.errno in NO_ROOM:
            raise UserError(
                f"the disk must have room for what is written, but {out.parent} has none "
                f"({os.strerror(error.errno)}); free some and run again: it goes on where it was"
            ) from error
        if error.filename is None or not Path(os.fsdecode(error.filename)).is_relative_to(out.parent):
            raise
        raise UserError(
            f"results must go to a folder that can be written, but {out.parent} cannot "
            f"({os.strerror(error.errno)}); name another"
        ) from error


def join(files: list[Path], out: Path, settings: Settings) -> dict[str, int]:
    """All shards as one file, in order; how many files were scored, abstained from, or why not scored."""
    counts: dict[str, int] = {"files": 0, "scored": 0}
    with replacing(out) as temporary, FORMATS[out.suffix](temporary, settings) as write:
        for file in files:
            table = pq.read_table(file)
            write(table)
            counts["files"] += len(table)
            for reason in table["reason"].to_pylist():
                counts[reason or "scored"] = counts.get(reason or "scored", 0) + 1
            abstained = sum(table["abstained"].to_pylist())
            if abstained:
                counts["abstained"] = counts.get("abstained", 0) + abstained
    return counts
