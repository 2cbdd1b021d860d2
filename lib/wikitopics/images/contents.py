"""A file's bytes, or the reason why it cannot be read."""

import hashlib
from typing import Protocol

from wikitopics.images.reasons import Rejected
from wikitopics.sources.reading import Refused, TooLarge


class Readable(Protocol):
    """What files are read from: a source (sources.Source), or anything else that reads."""

    def read(self, path: str, max_bytes: int) -> bytes:
        """The bytes at `path`; OSError where there are none, TooLarge above `max_bytes`."""


def read(source: Readable, path: str, max_bytes: int) -> bytes | Rejected:
    """The file's bytes, or "too_many_bytes", "refused", "missing" or "unreadable"."""
    try:
        return source.read(path, max_bytes)
    except TooLarge as error:
        return Rejected("too_many_bytes", str(error))
    except Refused as error:
        return Rejected("refused", str(error))
    except (FileNotFoundError, NotADirectoryError):
        return Rejected("missing")
    except OSError as error:
        return Rejected("unreadable", error.strerror or str(error))


def content(data: bytes | Rejected) -> str:
    """A digest that is equal for equal bytes, or for equal reasons.

    >>> content(b""), content(Rejected("missing"))
    ('da39a3ee5e6b4b0d3255bfef95601890afd80709', 'missing: ')
    """
    return hashlib.sha1(data).hexdigest() if isinstance(data, bytes) else f"{data.reason}: {data.detail}"
