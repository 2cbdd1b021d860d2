"""Text drawn into pictures with the one font that is always there (DejaVu Sans, inside matplotlib)."""

from functools import cache
from pathlib import Path

import matplotlib
from matplotlib.ft2font import FT2Font
from PIL import ImageFont

MISSING = "□"  # stands for a run of characters the font cannot draw (Chinese, Japanese, emoji ...)
ELLIPSIS = "…"


def _font_path() -> Path:
    return Path(matplotlib.get_data_path()) / "fonts" / "ttf" / "DejaVuSans.ttf"


@cache
def font(size: int) -> ImageFont.FreeTypeFont:
    """DejaVu Sans at `size` pixels."""
    return ImageFont.truetype(str(_font_path()), size)


@cache
def _known() -> frozenset[int]:
    return frozenset(FT2Font(str(_font_path())).get_charmap())


def drawable(text: str) -> str:
    """`text` in one line, with its spaces made single and what the font lacks as boxes.

    >>> drawable("Kyoto  京都 (2).jpg")
    'Kyoto □ (2).jpg'
    """
    return known_glyphs(" ".join(text.split()))


def known_glyphs(text: str) -> str:
    """`text` with each run of characters the font lacks, and of control characters, as one box."""
    out: list[str] = []
    for character in text:
        if character == "\n" or (ord(character) in _known() and character.isprintable()):
            out.append(character)
        elif not out or out[-1] != MISSING:
            out.append(MISSING)
    return "".join(out)


def cut(text: str, width: float, size: int) -> str:
    """`text`, shortened in its end with an ellipsis until it is at most `width` pixels wide.

    >>> cut("short", 100, 11), cut("a very long title indeed", 60, 11)[-1]
    ('short', '…')
    """
    if font(size).getlength(text) <= width:
        return text
    low, high = 0, len(text)
    while low < high:
        middle = (low + high + 1) // 2
        if font(size).getlength(text[:middle].rstrip() + ELLIPSIS) <= width:
            low = middle
        else:
            high = middle - 1
    return text[:low].rstrip() + ELLIPSIS


def wrapped(text: str, width: float, size: int, lines: int) -> list[str]:
    """`text` on at most `lines` lines of `width` pixels; broken between words, the last line cut.

    >>> wrapped("one two three four", 60, 11, 2)
    ['one two', 'three four']
    """
    rows: list[str] = []
    left = drawable(text)[:400]
    while left and len(rows) < lines - 1:
        row = _words_that_fit(left, width, size)
        rows.append(row)
        left = left[len(row) :].lstrip()
    return rows + [cut(left, width, size)] if left else rows


def _words_that_fit(text: str, width: float, size: int) -> str:
    fitting = ""
    for word in text.split(" "):
        longer = f"{fitting} {word}" if fitting else word
        if font(size).getlength(longer) > width:
            break
        fitting = longer
    if fitting:
        return fitting
    end = len(text)
    while end > 1 and font(size).getlength(text[:end]) > width:
        end -= 1
    return text[:end]
