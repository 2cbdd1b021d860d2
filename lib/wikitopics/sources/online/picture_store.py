"""Pictures on disk under the sha1 of their bytes: equal ones once, no folder with more than some thousand."""

import hashlib
import re
import threading
from pathlib import Path

from wikitopics.artefacts import replacing

SUFFIXES = {"JPEG": ".jpg", "PNG": ".png", "GIF": ".gif", "WEBP": ".webp", "TIFF": ".tiff", "BMP": ".bmp"}
_writing = threading.Lock()  # two threads with equal pictures would share one temporary file


def address(sha1: str, form: str) -> str:
    """Where a picture lies below the store: two levels of 256 folders, so 100 million make 1,526 in each.

    >>> address("0beec7b5ea3f0fdbc95d0dd47f3c5bc275da8a33", "JPEG")
    '0b/ee/0beec7b5ea3f0fdbc95d0dd47f3c5bc275da8a33.jpg'
    """
    if not re.fullmatch("[0-9a-f]{40}", sha1):
        raise ValueError(f"not a sha1: {sha1!r}")
    return f"{sha1[:2]}/{sha1[2:4]}/{sha1}{SUFFIXES.get(form, '')}"


def put(store: Path, data: bytes, form: str) -> tuple[str, str]:
    """Write a picture, whole or not at all; its sha1 and its address. One that is there stays as it is."""
    sha1 = hashlib.sha1(data).hexdigest()
    path = address(sha1, form)
    with _writing:
        if not holds(store, path, len(data)):
            with replacing(store / path) as temporary:
                temporary.write_bytes(data)
    return sha1, path


def holds(store: Path, path: str, size: int) -> bool:
    """Whether the store has this picture with all its bytes."""
    try:
        return (store / path).stat().st_size == size
    except FileNotFoundError:
        return False
