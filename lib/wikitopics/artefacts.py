"""Artefacts of a run: written whole or not at all, and known to be complete by their run.json.

A run's folder is *finished* when it holds run.json, which is written last (`runs.record`), so that a notebook
that dies half way leaves a folder that nobody takes for a whole one.
"""

import errno
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from wikitopics import paths
from wikitopics.errors import UserError

RECORD = "run.json"
MADE_FROM = "made_from.json"  # what a run was made from and what came out, as digests
NO_ROOM = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """A temporary path beside `path` that takes its name when the block ends without an error.

    Raises UserError where the disk is full; what was at `path` before is then still there.
    """
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        yield temporary
        os.replace(temporary, path)
    except OSError as error:
        if error.errno not in NO_ROOM:
            raise
        raise UserError(
            f"the disk must have room for what is written, but {path.name} found none ({error.strerror}); "
            "free some and run again"
        ) from error
    finally:
        temporary.unlink(missing_ok=True)


def write_json(path: Path, value: Any) -> None:
    """Write `value` as JSON (UTF-8, sorted as given); NaN is refused, since JSON has none."""
    with replacing(path) as temporary:
        temporary.write_text(json.dumps(value, indent=1, ensure_ascii=False, allow_nan=False) + "\n", "utf-8")


def read_json(path: Path) -> Any:
    """Read a JSON file."""
    return json.loads(Path(path).read_text("utf-8"))


def write_table(path: Path, frame: pd.DataFrame) -> None:
    """Write a table as Parquet (zstd), without its index."""
    with replacing(path) as temporary:
        frame.to_parquet(temporary, index=False, compression="zstd")


def read_table(path: Path, columns: list[str] | None = None) -> pd.DataFrame:
    """Read a Parquet table, or only some of its columns."""
    return pd.read_parquet(path, columns=columns)


def write_array(path: Path, array: np.ndarray) -> None:
    """Write one array as .npy (no pickle)."""
    with replacing(path) as temporary, open(temporary, "wb") as file:
        np.save(file, array, allow_pickle=False)


def read_array(path: Path, mmap: bool = True) -> np.ndarray:
    """Open an .npy array, memory-mapped read-only unless `mmap` is False (no pickle)."""
    return np.load(path, mmap_mode="r" if mmap else None, allow_pickle=False)


def finished_run(stage: str, run: str) -> Path:
    """The folder of a finished run; a UserError with the command that makes it, where there is none."""
    folder = paths.run_folder(stage, run)
    if not (folder / RECORD).exists():
        raise UserError(
            f"{stage} must have finished the run {run!r} before this one can read it, but "
            f"data/{stage}/{run} has no {RECORD}; run `wikitopics run {stage}/{run}` or that notebook first"
        )
    return folder
