"""Why a file is not used: code words that tables hold, with what they mean."""

from wikitopics.fence import said_by

REASONS = {
    "missing": "the source has no such file",
    "not_fetched": "the wiki did not give it; the detail says why, and another call tries again",
    "refused": "not a regular file inside the source's folder",
    "unreadable": "the system could not read it",
    "empty": "no bytes",
    "too_many_bytes": "more bytes than max_bytes",
    "too_many_pixels": "more pixels than max_pixels, or a side of more than a million, by its header",
    "too_complex": "more parts (chunks, tags, scans) than honest files have",
    "too_slow": "took more CPU time than max_seconds, or stood still",
    "too_much_memory": "needed more memory than its pixels account for",
    "not_an_image": "a web page, text or unknown bytes, whatever its name says",
    "unsupported_kind": "a vector drawing, document, sound, video or image format that is not decoded here",
    "truncated": "the pixels end too early",
    "damaged": "the decoder gave up",
    "crashed": "the decoder brought its process down",
}


class Rejected(Exception):
    """A file that is not used: `reason` is a key of REASONS, `detail` says more."""

    def __init__(self, reason: str, detail: str = ""):
        super().__init__(reason, detail)
        self.reason, self.detail = reason, detail


def as_reason(error: Exception) -> Rejected:
    """The reason behind whatever a decoder raised.

    >>> as_reason(ValueError("image file is truncated")).reason, as_reason(KeyError("x")).reason
    ('truncated', 'damaged')
    """
    text = said_by(error)
    if isinstance(error, MemoryError):
        return Rejected("too_much_memory", text)
    early = isinstance(error, EOFError) or any(
        word in text.lower() for word in ("truncated", "not enough", "eof")
    )
    return Rejected("truncated" if early else "damaged", text)
