"""Pictures that cells put out, as files of the site: checked to be pictures, named by their cell."""

import base64
import binascii
from typing import Any

SIGNATURES = {"image/png": b"\x89PNG\r\n\x1a\n", "image/jpeg": b"\xff\xd8\xff"}
SUFFIX = {"image/png": "png", "image/jpeg": "jpg"}


def picture_of(data: dict[str, Any]) -> str | None:
    """The kind of picture that an output holds; None if it holds none that the site shows."""
    return next((kind for kind in SUFFIX if kind in data), None)


def content(data: dict[str, Any], kind: str) -> bytes:
    """The picture's bytes; ValueError if they are not what the output says.

    >>> content({"image/png": "R0lGODlh"}, "image/png")
    Traceback (most recent call last):
    ...
    ValueError: a picture is not image/png
    """
    try:
        found = base64.b64decode("".join(data[kind]))
    except binascii.Error as error:
        raise ValueError(f"a picture is damaged: {error}") from error
    if not found.startswith(SIGNATURES[kind]):
        raise ValueError(f"a picture is not {kind}")
    return found


def described(output: dict[str, Any], kind: str) -> tuple[str, int, int]:
    """Alternative text, width and height in CSS pixels (0 where the output does not say)."""
    said = output.get("metadata", {}).get(kind, {})
    alt = said.get("alt") or "".join(output["data"].get("text/plain", "")) or "picture without a description"
    sizes = [said.get(name) for name in ("width", "height")]
    width, height = (size if isinstance(size, int) and 0 < size < 10_000 else 0 for size in sizes)
    return str(alt), width, height
