"""The shards of a result that is not whole yet: a folder beside it, which one process fills at a time."""

import fcntl
import hashlib
import os
import re
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pyarrow.parquet as pq

from wikitopics.artefacts import NO_ROOM, read_json, replacing, write_json
from wikitopics.errors import UserError
from wikitopics.scoring.decoding import NamedFiles, Reads
from wikitopics.scoring.settings import Settings
from wikitopics.scoring.titles import PREFIX, WithTitles
from wikitopics.scoring.writing import FORMATS

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
    """What cannot be written beside `out` (absolute), or for lack of room, is a UserError; so is a folder."""
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
        where = Path(os.fsdecode(error.filename or ""))
        if not where.is_absolute() or not (where.is_relative_to(out.parent) or where in out.parents):
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
