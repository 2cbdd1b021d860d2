"""What a source makes once from large files and reads again: under data/sources, named by its content."""

import fcntl
import hashlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

from wikitopics.artefacts import RECORD, write_json
from wikitopics.paths import root
from wikitopics.sources.reading import hash_inside


def fingerprint_of(files: list[Path], *more: str) -> str:
    """Hex digest of the names and contents of files (as `reading.hash_inside` takes them), and of texts."""
    digest = hashlib.blake2b(digest_size=16)
    for file in files:
        digest.update(file.name.encode() + b"\0" + hash_inside(file.parent, file.name).encode())
    return digest_of(digest.hexdigest(), *more)


def digest_of(*texts: str) -> str:
    """Hex digest of a sequence of texts."""
    return hashlib.blake2b("\0".join(texts).encode(), digest_size=16).hexdigest()


def made_once(name: str, key: str, make: Callable[[Path], dict[str, Any]]) -> Path:
    """The folder data/sources/NAME-KEY, filled by `make(folder)` unless it was filled before.

    What `make` returns is written last, as run.json: a folder without it is not whole. Of several runs that
    want the same folder one makes it and the others wait.
    """
    folder = root() / "data" / "sources" / f"{name}-{key[:16]}"
    folder.mkdir(parents=True, exist_ok=True)
    if not (folder / RECORD).exists():
        with open(folder / "lock", "wb") as file:
            fcntl.flock(file, fcntl.LOCK_EX)  # given up when its process ends, however that ends
            if not (folder / RECORD).exists():
                write_json(folder / RECORD, make(folder))
    return folder
