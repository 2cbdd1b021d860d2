"""What comes from the net, made values without surprises: the one place where foreign answers are parsed.

An answer may be anything: JSON nested a thousand deep, a text where a list was asked for, a width of 2^70,
half a letter. Whoever asks names the shape that is wanted; what has another is left out, as if it had not
been said. So a reader of answers meets only what it named, or nothing, and no wiki can end it with an error.
"""

import json
import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from typing import Any
from urllib.parse import urljoin, urlsplit

LARGEST = 2**53  # of a whole number: what JSON holds exactly, and a column of 64 bits too
LONGEST = 1 << 16  # letters of one text; a title has 255 bytes, an article 64 topics
MAX_DEPTH = 50  # lists and objects in each other; MediaWiki needs 6
HALF_LETTERS = re.compile("[\ud800-\udfff]")  # surrogates: no file and no table can hold them
LONGEST_PAUSE = 1e9  # seconds; more is no number to wait for


def parsed(body: bytes) -> Any:
    """The value of a JSON text; ValueError where it is none, or nested more than MAX_DEPTH deep.

    Halves of letters become the sign for an unknown one.

    >>> parsed(b'{"title": "A \\\\ud800"}')
    {'title': 'A \ufffd'}
    """
    try:
        return _whole(json.loads(body, parse_constant=_no_number), 0)
    except RecursionError:
        raise ValueError("it is nested too deep") from None


def _no_number(text: str) -> float:
    raise ValueError(f"{text} is no number")


def _whole(value: Any, depth: int) -> Any:
    if depth > MAX_DEPTH:
        raise ValueError("it is nested too deep")
    if isinstance(value, str):
        return HALF_LETTERS.sub("\ufffd", value)
    if isinstance(value, list):
        return [_whole(item, depth + 1) for item in value]
    if isinstance(value, dict):
        return {_whole(name, depth + 1): _whole(item, depth + 1) for name, item in value.items()}
    return value


@dataclass(frozen=True)
class Needed:
    """A part of a dict without which the whole does not fit."""

    shape: Any


def fitting(value: Any, shape: Any) -> Any:
    """What of a value has the shape; None where nothing has.

    A shape is a type (str, int, float, bool), a list with the shape of its items, a dict with that of each
    name, `{str: shape}` for a dict of any names, or a tuple of shapes, of which the first that fits counts.
    Parts of dicts may be missing unless they are Needed; items of lists that do not fit are left out. Whole
    numbers are at least 0 and at most LARGEST; texts have at most LONGEST letters.

    >>> fitting({"title": "A", "width": 2**70, "more": 1}, {"title": str, "width": int})
    {'title': 'A'}
    >>> fitting(["a", None, 7], [str]), fitting("a", [str]), fitting({"a": "0"}, {str: (int, str)})
    (['a'], None, {'a': '0'})
    >>> fitting([{"title": "A"}, {"width": 1}], [{"title": Needed(str), "width": int}])
    [{'title': 'A'}]
    """
    if isinstance(shape, tuple):
        return next((found for part in shape if (found := fitting(value, part)) is not None), None)
    if isinstance(shape, list):
        return _items(value, shape[0]) if isinstance(value, list) else None
    if isinstance(shape, dict):
        if not isinstance(value, dict):
            return None
        shapes = dict.fromkeys(value, shape[str]) if str in shape else shape
        found = {name: fitting(value.get(name), _bare(part)) for name, part in shapes.items()}
        lacks = any(found[name] is None for name, part in shapes.items() if isinstance(part, Needed))
        return None if lacks else {name: part for name, part in found.items() if part is not None}
    return value if _is_a(value, shape) else None


def _bare(shape: Any) -> Any:
    return shape.shape if isinstance(shape, Needed) else shape


def _items(values: list, shape: Any) -> list:
    return [found for value in values if (found := fitting(value, shape)) is not None]


def _is_a(value: Any, type_: type) -> bool:
    if isinstance(value, bool) or type_ is bool:
        return type_ is bool and isinstance(value, bool)
    if type_ is str:
        return isinstance(value, str) and len(value) <= LONGEST
    if type_ is int:
        return isinstance(value, int) and 0 <= value <= LARGEST
    return isinstance(value, int | float) and abs(value) <= LARGEST and math.isfinite(value)


def web_address(text: str) -> str | None:
    """An address of the web as it is, None for what is none.

    >>> web_address("https://x.org/a"), web_address("http://[bad"), web_address("file:///etc/passwd")
    ('https://x.org/a', None, None)
    """
    try:
        parts = urlsplit(text)
        real = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:  # a bracket that does not close, a port that is no number
        return None
    return text if real else None


def joined(url: str, location: str) -> str | None:
    """Where a redirect from `url` leads, None where that is no address of the web.

    >>> joined("https://x.org/a", "/b"), joined("https://x.org/a", "http://[bad")
    ('https://x.org/b', None)
    """
    try:
        return web_address(urljoin(url, location))
    except ValueError:
        return None


def declared_length(headers: Mapping[str, str]) -> int:
    """The bytes that the header Content-Length declares; 0 where it declares none, or nonsense.

    >>> declared_length({"Content-Length": "12"}), declared_length({"Content-Length": "²"})
    (12, 0)
    """
    said = headers.get("Content-Length", "").strip()
    return min(int(said), LARGEST) if re.fullmatch(r"\d{1,4000}", said, re.ASCII) else 0


def asked_pause(headers: Mapping[str, str]) -> float | None:
    """Seconds that the header Retry-After asks for; None without one, or without sense.

    A date is counted from the server's own Date.

    >>> asked_pause({"Retry-After": "7"}), asked_pause({}), asked_pause({"Retry-After": "soon"})
    (7.0, None, None)
    >>> asked_pause({"Date": "Mon, 01 Jan 2001 00:00:00 GMT", "Retry-After": "Mon, 01 Jan 2001 00:00:09 GMT"})
    9.0
    """
    asked = headers.get("Retry-After", "").strip()
    if re.fullmatch(r"\d+", asked, re.ASCII):
        return min(float(asked[:400]), LONGEST_PAUSE)
    try:
        pause = parsedate_to_datetime(asked) - parsedate_to_datetime(headers.get("Date", ""))
    except (TypeError, ValueError, OverflowError, IndexError):
        return None
    return min(max(0.0, pause.total_seconds()), LONGEST_PAUSE)
