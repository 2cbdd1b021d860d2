"""Images of Commons on disk: as `wikitopics download` keeps them, or in folders as Wikimedia does."""

import hashlib
from functools import lru_cache
from pathlib import Path

import pandas as pd

from wikitopics.sources.reading import read_inside

MANIFEST, PICTURES = "manifest.parquet", "pictures"  # of a folder that `wikitopics download` has filled


def stored_path(title: str) -> str:
    """Where a file of this title lies on Wikimedia's servers: folders by the digest of its name.

    >>> stored_path("A red fox.jpg")
    '8/87/A_red_fox.jpg'
    """
    name = title.replace(" ", "_")
    digest = hashlib.md5(name.encode(), usedforsecurity=False).hexdigest()
    return f"{digest[0]}/{digest[:2]}/{name}"


def read_stored(folder: Path, title: str, max_bytes: int) -> bytes:
    """The bytes of the file of this title; FileNotFoundError where it was not downloaded, or TooLarge."""
    manifest = folder / MANIFEST
    if not manifest.is_file():
        return read_inside(folder, stored_path(title), max_bytes)
    path = _paths(manifest, manifest.stat().st_mtime_ns).get(title)
    if not path:
        raise FileNotFoundError(f"no picture of {title!r} was downloaded")
    return read_inside(folder / PICTURES, path, max_bytes)


@lru_cache(maxsize=2)
def _paths(manifest: Path, modified: int) -> dict[str, str]:
    """Title -> path below the pictures, of one version of the manifest."""
    table = pd.read_parquet(manifest, columns=["title", "path"])
    return dict(zip(table["title"], table["path"], strict=True))
