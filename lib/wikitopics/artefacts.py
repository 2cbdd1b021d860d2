"""Artefacts of a run: written whole or not at all, and known to be complete by their run.json.

A run's folder is *finished* when it holds run.json, which is written last (`runs.record`), so that a notebook
that dies half way leaves a folder that nobody takes for a whole one.
"""

import errno
import fcntl
import glob
import hashlib
import json
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from wikitopics import paths
from wikitopics.errors import UserError

RECORD = "run.json"
MADE_FROM = "made_from.json"  # what a run was made from and what came out, as digests
NO_ROOM = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}


@contextmanager
def room_for(what: str, place: str, then: str = "") -> Iterator[None]:
    """A block in which a full disk is a UserError, naming `what` is written and its `place`.

    `then`: what comes after "free some and run again".
    """
    try:
        yield
    except OSError as error:
        if error.errno not in NO_ROOM:
            raise
        raise UserError(
            f"the disk must have room for {what}, but {place} found none ({os.strerror(error.errno)}); "
            f"free some and run again{then}"
        ) from error


def take_lock(descriptor: int, place: str | Path, wait: bool = True) -> None:
    """Hold the lock of an open file, which the system gives up when its process ends, however that ends.

    Raises BlockingIOError where another has it and `wait` is False; UserError where the file system knows no
    locks.
    """
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
    except BlockingIOError:
        raise
    except OSError as error:
        raise UserError(
            f"the file system must know locks (flock), but that of {place} does not ({error.strerror}); work "
            "on a local disk, or mount it with locks"
        ) from error


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """A temporary path beside `path` that takes its name when the block ends without an error.

    Raises UserError where the disk is full; what was at `path` before is then still there.
    """
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        with room_for("what is written", path.name):
            yield temporary
            os.replace(temporary, path)
    finally:
        temporary.unlink(missing_ok=True)


@contextmanager
def replacing_folder(path: Path, what: str) -> Iterator[Path]:
    """A new folder beside `path` that takes its name when the block ends without an error.

    Raises UserError where the disk has no room for `what`; what was at `path` before is then still there.
    What a killed process left beside it goes.
    """
    path = Path(path).resolve()
    path.parent.mkdir(parents=True, exist_ok=True)
    new, old = (path.with_name(f".{path.name}.{os.getpid()}.{end}") for end in ("part", "old"))
    clear_leftovers(path.parent, path.name)
    shutil.rmtree(new, ignore_errors=True)  # of a killed process that had our number
    try:
        with room_for(what, path.name):
            new.mkdir()
            yield new
            if path.exists():
                path.rename(old)
            new.rename(path)
    finally:
        if old.exists() and not path.exists():
            old.rename(path)
        for folder in (new, old):
            shutil.rmtree(folder, ignore_errors=True)


def clear_leftovers(folder: Path, name: str = "") -> None:
    """Take away what killed processes left in a folder, begun as `replacing` does (of `name`).

    What a process left that still runs stays.
    """
    for left in folder.glob(f".{glob.escape(name)}.*.*" if name else ".*.*.*"):
        number = left.name.split(".")[-2]
        if (
            left.suffix in (".part", ".old", ".making", ".again")
            and number.isdigit()
            and not still_runs(int(number))
        ):
            if left.is_dir() and not left.is_symlink():
                shutil.rmtree(left, ignore_errors=True)
            else:
                left.unlink(missing_ok=True)


def still_runs(process: int) -> bool:
    """Whether a process of this machine is there."""
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def write_json(path: Path, value: Any) -> None:
    """Write `value` as JSON (UTF-8, sorted as given); NaN is refused, since JSON has none."""
    with replacing(path) as temporary:
        temporary.write_text(json.dumps(value, indent=1, ensure_ascii=False, allow_nan=False) + "\n", "utf-8")


@contextmanager
def as_written(path: Path) -> Iterator[None]:
    """A block that reads an artefact, in which it is a UserError that names the file if it is damaged."""
    try:
        yield
    except FileNotFoundError:
        raise
    except (ValueError, EOFError, OSError, pa.ArrowException) as error:  # JSON's, NumPy's, Parquet's
        if isinstance(error, UserError | PermissionError):
            raise
        place = Path(path)
        stage, run = place.parts[-3:-1] if len(place.parts) > 2 else ("", "")
        remedy = f"run `wikitopics run --again {stage}/{run}`" if stage in paths.STAGES else "make it again"
        reason = (str(error).splitlines() or [type(error).__name__])[0][:120]
        raise UserError(
            f"a file must be as it was written, but {place} is damaged ({reason}); {remedy}"
        ) from error


def read_json(path: Path) -> Any:
    """What a JSON file holds; UserError where it is damaged."""
    with as_written(path):
        return json.loads(Path(path).read_text("utf-8"))


def read_arrow(path: Path, columns: list[str] | None = None, **options: Any) -> pa.Table:
    """An artefact in Parquet as Arrow's table, or only some of its columns; UserError where it is damaged."""
    with as_written(path):
        return pq.read_table(path, columns=columns, **options)


def write_table(path: Path, frame: pd.DataFrame) -> None:
    """Write a table as Parquet (zstd), without its index."""
    with replacing(path) as temporary:
        frame.to_parquet(temporary, index=False, compression="zstd")


def read_table(path: Path, columns: list[str] | None = None) -> pd.DataFrame:
    """A Parquet table, or only some of its columns; UserError where it is damaged."""
    with as_written(path):
        return pd.read_parquet(path, columns=columns)


def write_array(path: Path, array: np.ndarray) -> None:
    """Write one array as .npy (no pickle)."""
    with replacing(path) as temporary, open(temporary, "wb") as file:
        np.save(file, array, allow_pickle=False)


def read_array(path: Path, mmap: bool = True) -> np.ndarray:
    """The array of an .npy file, memory-mapped read-only unless `mmap` is False (no pickle).

    Raises UserError where it is damaged.
    """
    with as_written(path):
        return np.load(path, mmap_mode="r" if mmap else None, allow_pickle=False)


def file_digest(path: Path) -> str:
    """SHA-256 (hex) of a file."""
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def finished_run(stage: str, run: str) -> Path:
    """The folder of a finished run; a UserError with the command that makes it, where there is none."""
    folder = paths.run_folder(stage, run)
    if not (folder / RECORD).exists():
        raise UserError(
            f"{stage} must have finished the run {run!r} before this one can read it, but "
            f"data/{stage}/{run} has no {RECORD}; run `wikitopics run {stage}/{run}` or that notebook first"
        )
    return folder
