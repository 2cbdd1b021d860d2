"""Digests of files that were read before, so that only what changed is read again: a memory beside the runs.

Results depend on content, so every plan needs the digest of every file. A digest is taken from the memory
where the file's place, size, times and inode are what they were when it was read; of a folder of pictures,
where those of all its files are. It is only a memory: who
deletes it, or cannot write it, waits longer and gets the same answers.
"""

import atexit
import os
import sqlite3
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from wikitopics.paths import VARIABLE, root

NAME = ".digests.sqlite"  # in data/
SETTLED = 2.0  # seconds: what was written a moment ago may be written again within one tick of its clock
AT_ONCE = 1000  # digests that are written together
TABLE = """CREATE TABLE IF NOT EXISTS digests
(kind TEXT, place BLOB, state TEXT, digest TEXT, PRIMARY KEY (kind, place)) WITHOUT ROWID"""
FIND = "SELECT digest FROM digests WHERE kind = ? AND place = ? AND state = ?"


class Memory:
    """The digests that are known of one file of them; without such a file it forgets everything."""

    def __init__(self, file: Path) -> None:
        self.file = file
        self.new: dict[tuple[str, bytes], tuple[str, bytes, str, str]] = {}
        self.database = self._opened(create=False)

    def get(self, kind: str, place: str | Path, state: str) -> str | None:
        """The digest of this kind of what is at `place` in this state, if it is known."""
        if self.database is None:
            return None
        try:
            row = self.database.execute(FIND, (kind, os.fsencode(place), state)).fetchone()
        except sqlite3.Error as error:
            self._lose(error)
            return None
        return row[0] if row else None

    def put(self, kind: str, place: str | Path, state: str, changed: float, digest: str) -> None:
        """Remember a digest, unless what it is of was `changed` (seconds) a moment ago."""
        if changed + SETTLED < time.time():
            self.new[kind, os.fsencode(place)] = kind, os.fsencode(place), state, digest
            if len(self.new) >= AT_ONCE:
                self.write()

    def write(self) -> None:
        """Bring what is new to the disk; where that cannot be, it stays unknown."""
        rows, self.new = list(self.new.values()), {}
        if rows:
            self.database = self.database or self._opened(create=True)
        if not rows or self.database is None:
            return
        try:
            with self.database:
                self.database.executemany("REPLACE INTO digests VALUES (?, ?, ?, ?)", rows)
        except sqlite3.Error as error:
            self._lose(error)

    def _lose(self, error: Exception) -> None:
        """Go on without the memory, which a disk refuses, or which is held for long; a damaged one goes."""
        self.database = None
        if type(error) is sqlite3.DatabaseError:
            self.file.unlink(missing_ok=True)

    def _opened(self, create: bool) -> sqlite3.Connection | None:
        if not create and not self.file.is_file():
            return None
        try:
            self.file.parent.mkdir(parents=True, exist_ok=True)
            database = sqlite3.connect(self.file, timeout=10)
            database.execute(TABLE)
            return database
        except (sqlite3.Error, OSError) as error:
            self._lose(error)
            return None


def state_of(status: os.stat_result) -> tuple[str, float]:
    """What a file is known by, as text, and when it was changed last (seconds)."""
    text = f"{status.st_size} {status.st_mtime_ns} {status.st_ctime_ns} {status.st_ino}"
    return text, max(status.st_mtime, status.st_ctime)


_MEMORIES: dict[tuple, Memory] = {}


def memory() -> Memory:
    """The memory of the root folder, a connection of its own for each process and thread."""
    key = (os.environ.get(VARIABLE), os.getcwd(), os.getpid(), threading.get_ident())  # root() takes longer
    if key not in _MEMORIES:
        _MEMORIES[key] = Memory(root() / "data" / NAME)
    return _MEMORIES[key]


def remember() -> None:
    """Write down the digests that this thread has found."""
    memory().write()


@atexit.register
def _write_all() -> None:
    for (*_, process, thread), known in _MEMORIES.items():
        if (process, thread) == (os.getpid(), threading.get_ident()):
            known.write()


def known_digest(kind: str, place: str | Path, compute: Callable[[Any], str]) -> str:
    """The digest of the file at the real path `place`: remembered, or what `compute(place)` gives.

    kind: what `compute` computes. A file that changes while it is read is not remembered. Raises OSError
    where the file is not there, and as `compute`.
    """
    return known_as(kind, place, lambda: state_of(os.stat(place)), lambda: compute(place))


def known_as(
    kind: str, place: str | Path, look: Callable[[], tuple[str, float]], compute: Callable[[], str]
) -> str:
    """The digest of what is at `place`, in the state and of the age (as `state_of`) that `look()` tells.

    Remembered, or what `compute()` gives; what changes while it is computed is not remembered.
    """
    before, _ = look()
    known = memory().get(kind, place, before)
    if known is not None:
        return known
    digest = compute()
    after, changed = look()
    if before == after:
        memory().put(kind, place, after, changed, digest)
    return digest
