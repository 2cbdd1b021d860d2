"""What a source makes once from large files and reads again: under data/sources, named by its content."""

import hashlib
from pathlib import Path

from wikitopics.artefacts import RECORD
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


def cache_folder(name: str, key: str) -> Path:
    """data/sources/NAME-KEY, made if missing; the same for every run that reads the same content."""
    folder = root() / "data" / "sources" / f"{name}-{key[:16]}"
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def complete(folder: Path) -> bool:
    """Whether all was made: its record is written last."""
    return (folder / RECORD).exists()
