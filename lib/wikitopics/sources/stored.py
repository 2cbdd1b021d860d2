"""Images kept as Wikimedia keeps them: a folder by the digest of the name, so that none holds too many."""

import hashlib
from pathlib import Path

from wikitopics.sources.reading import read_inside


def stored_path(title: str) -> str:
    """Where a file of this title lies, on Wikimedia's servers and below `image_root`.

    >>> stored_path("A red fox.jpg")
    '8/87/A_red_fox.jpg'
    """
    name = title.replace(" ", "_")
    digest = hashlib.md5(name.encode(), usedforsecurity=False).hexdigest()
    return f"{digest[0]}/{digest[:2]}/{name}"


def read_stored(folder: Path, title: str, max_bytes: int) -> bytes:
    """The bytes of a file of this title; FileNotFoundError where it was not downloaded, or TooLarge."""
    return read_inside(folder, stored_path(title), max_bytes)
