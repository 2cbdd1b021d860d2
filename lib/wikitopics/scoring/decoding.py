"""Files decoded by worker processes a few chunks ahead of whoever uses the pictures."""

import os
from collections import deque
from collections.abc import Iterator
from concurrent.futures import Future
from dataclasses import dataclass, field
from functools import lru_cache
from itertools import islice
from pathlib import Path
from typing import ClassVar, Protocol

import numpy as np
import pandas as pd
from joblib import cpu_count
from joblib.externals.loky import ProcessPoolExecutor
from joblib.externals.loky.process_executor import BrokenProcessPool

from wikitopics.errors import UserError
from wikitopics.images.contents import read
from wikitopics.images.decode import Recipe
from wikitopics.images.expendable import decode_in_child
from wikitopics.images.reasons import Rejected
from wikitopics.sources.reading import read_inside

Bad = tuple[int, str, str, str]  # a file that cannot be used: place, path, reason, detail
AHEAD = 2  # chunks a worker may be ahead: enough never to wait, and memory stays flat


class Reads(Protocol):
    """What pictures are read from: any source (sources.Source), or anything else that can be pickled.

    name tells whose the paths are; read: the bytes at a path, or OSError as sources.Source.read raises it, or
    Rejected with the reason to tell.
    """

    name: ClassVar[str]

    def read(self, path: str, max_bytes: int) -> bytes:
        """The bytes at `path`; TooLarge above `max_bytes`."""


@dataclass(frozen=True)
class NamedFiles:
    """Files that somebody named, wherever they lie.

    base: the folder of relative names, "" for that of this process. Who sends it to another process, which
    may be in another folder or on another machine, sends its own folder along.
    """

    name: ClassVar[str] = "files"
    base: str = field(default="", repr=False, compare=False)

    def __reduce__(self):
        return NamedFiles, (self.base or os.getcwd(),)

    def read(self, path: str, max_bytes: int) -> bytes:
        """The bytes of a regular file, links followed; raises as sources.reading.read_inside."""
        return read_inside(Path("/"), os.path.abspath(os.path.join(self.base, path)), max_bytes)


FILES = NamedFiles()


def decoded(
    paths: list[str], recipe: Recipe, chunk: int, jobs: int = 0, source: Reads = FILES
) -> Iterator[tuple[list[str], np.ndarray, pd.DataFrame]]:
    """For each `chunk` of paths, in order: the paths, pixels (k, s, s, 3) uint8 of the k that can be used,
    and a table of the others (path, reason, detail), whose index is their places among these paths.

    A file that is named twice is read twice, and may be gone the second time: only a place tells which.

    Unlike joblib's own generator it stops decoding when nobody takes the pictures. jobs: worker processes,
    0 for half of the cores (a network on a processor wants the others). source: what reads the paths.
    """
    jobs = jobs or max(1, cpu_count() // 2)
    workers = _workers(jobs)
    starts = iter(range(0, len(paths), chunk))
    waiting: deque = deque()

    def begin() -> None:
        for start in islice(starts, 1):
            some = paths[start : start + chunk]
            waiting.append((some, workers.submit(decode_some, some, recipe, source)))

    for _ in range(AHEAD * jobs):
        begin()
    while waiting:
        some, task = waiting.popleft()
        pixels, rejected = _result(task)
        begin()
        yield some, pixels, _table(rejected)


def _table(rejected: list[Bad]) -> pd.DataFrame:
    columns = ["place", "path", "reason", "detail"]
    return pd.DataFrame(rejected, columns=columns).astype({"place": np.int64}).set_index("place")


@lru_cache(maxsize=1)
def _workers(jobs: int) -> ProcessPoolExecutor:
    """Processes of our own, for all shards: joblib cannot use its reusable ones after somebody else did."""
    return ProcessPoolExecutor(max_workers=jobs, timeout=60)


def _result(task: Future) -> tuple[np.ndarray, list[Bad]]:
    try:
        return task.result()
    except BrokenProcessPool as error:
        _workers.cache_clear()
        raise UserError(
            "processes that decode must live until they are done, but one was killed from outside; free "
            "memory and run again: it goes on where it was"
        ) from error


def decode_some(paths: list[str], recipe: Recipe, source: Reads = FILES) -> tuple[np.ndarray, list[Bad]]:
    """Pixels (k, s, s, 3) uint8 of the k files that can be used; place in `paths`, path, reason, detail of
    the others."""
    found = [_read(source, path, recipe.max_bytes) for path in paths]
    decoded = iter(decode_in_child([data for data in found if isinstance(data, bytes)], recipe))
    outcomes = [next(decoded) if isinstance(data, bytes) else data for data in found]
    pixels = [outcome.pixels for outcome in outcomes if not isinstance(outcome, Rejected)]
    shape = (len(pixels), recipe.store_size, recipe.store_size, 3)
    rejected = [
        (place, path, outcome.reason, outcome.detail)
        for place, (path, outcome) in enumerate(zip(paths, outcomes, strict=True))
        if isinstance(outcome, Rejected)
    ]
    return np.stack(pixels) if pixels else np.empty(shape, np.uint8), rejected


def _read(source: Reads, path: str, max_bytes: int) -> bytes | Rejected:
    try:
        return read(source, path, max_bytes)
    except Rejected as reason:  # a source may know more than the system does
        return reason
