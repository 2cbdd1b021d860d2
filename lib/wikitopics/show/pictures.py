"""Pictures in a notebook: as small bytes, with captions, on contact sheets and in tables."""

import base64
import html
import io
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Protocol

import numpy as np
import pandas as pd
from PIL import Image, ImageDraw, ImageFont

from wikitopics.errors import UserError
from wikitopics.show.theme import GRID, INK, MUTED

JPEG_QUALITY = 82
PNG_COLOURS = 64
DRAWN_COLOURS = (
    1 << 14
)  # a picture of more is no drawing: a palette of its most frequent colours would not fit it

WIDTH = 900  # CSS pixels of a contact sheet
GAP = 12
TEXT, LINE = 11, 14  # pixels: size of the captions, distance of their lines
LINES = 2  # a caption's first part may take so many lines; each further part takes one

MISSING = "□"  # stands for a run of characters the font cannot draw (Chinese, Japanese, emoji ...)
ELLIPSIS = "…"

QUALITY = 85


class Pictures(Protocol):
    """Pictures (h, w, 3) uint8 by number: an array, a list, or what decodes each when it is asked for.

    The last may have `several(numbers)`, a list of pictures that are decoded together.
    """

    def __len__(self) -> int: ...

    def __getitem__(self, row: int, /) -> np.ndarray: ...


def picture_bytes(image: Image.Image, format: str = "jpeg") -> bytes:
    """The picture as a JPEG, or as a PNG of at most 64 colours where `format` is "png" (for drawings)."""
    buffer = io.BytesIO()
    if format == "png":
        with_few_colours(image.convert("RGB")).save(buffer, "PNG", optimize=True)
    else:
        image.convert("RGB").save(buffer, "JPEG", quality=JPEG_QUALITY, optimize=True)
    return buffer.getvalue()


def with_few_colours(image: Image.Image) -> Image.Image:
    """An RGB drawing in its 64 most frequent colours, each other one as the nearest of these.

    The areas of a drawing have few colours; what moves are the softened edges of letters. Pictures of very
    many colours are parted by Pillow's median cut, which takes four times as long.

    >>> with_few_colours(Image.new("RGB", (4, 4), "#123456")).convert("RGB").getpixel((0, 0))
    (18, 52, 86)
    """
    counted = image.getcolors(DRAWN_COLOURS)
    if counted is None:
        return image.quantize(PNG_COLOURS, dither=Image.Dither.NONE)
    colours = np.array([colour for _, colour in sorted(counted, reverse=True)], dtype=np.int32)
    palette = colours[:PNG_COLOURS]
    apart = ((colours[:, None] - palette) ** 2).sum(axis=2)
    nearest = np.zeros(1 << 24, np.uint8)  # place in the palette of every colour, as a number
    nearest[colours @ (1, 1 << 8, 1 << 16)] = apart.argmin(axis=1)
    numbers = np.asarray(image.convert("RGBX")).view("<u4")[..., 0] & 0xFFFFFF
    quantised = Image.fromarray(nearest[numbers])
    quantised.putpalette(palette.astype(np.uint8).tobytes())
    return quantised


def encoded(image: Image.Image, format: str = "jpeg") -> str:
    """The picture's bytes in base64, as notebook outputs hold them."""
    return base64.b64encode(picture_bytes(image, format)).decode("ascii")


def img_tag(image: Image.Image, alt: str, width: int, format: str = "jpeg") -> str:
    """An <img> that carries its own bytes; sized by attributes, since code hosts strip styles.

    >>> img_tag(Image.new("RGB", (2, 2)), 'a "b" <i>', 2)[-50:].split("alt=")[1]
    '"a &quot;b&quot; &lt;i&gt;" width="2">'
    """
    source = f"data:image/{format};base64,{encoded(image, format)}"
    return f'<img src="{source}" alt="{html.escape(alt, quote=True)}" width="{width}">'


# --- Static galleries: what stands in an executed notebook where no kernel answers clicks
#
# A contact sheet is a picture, so it shows everywhere; the table beside it has real text and escapes it.


def contact_sheet(
    images: Sequence[np.ndarray], captions: Sequence[str], columns: int = 6, width: int = WIDTH
) -> Image.Image:
    """Images (each (h, w, 3) uint8) in a grid `width` pixels wide, each with its caption under it.

    A caption's lines are set one under the other: the first may wrap once, the others are cut to the
    width. Characters the bundled font lacks become a box. No image at all gives a small empty sheet.

    >>> contact_sheet([np.zeros((8, 8, 3), np.uint8)] * 3, ["a", "b", "c"], columns=2).size
    (900, 932)
    """
    if len(images) != len(captions):
        raise UserError(
            f"a contact sheet needs one caption an image, but there are {len(images)} images and "
            f"{len(captions)} captions; give lists of the same length"
        )
    side = (width - GAP) // columns - GAP
    texts = [_caption(caption, side) for caption in captions]
    deepest = max((len(lines) for lines in texts), default=0)
    height = side + (deepest + 1) * LINE
    rows = max(1, -(-len(images) // columns))
    sheet = Image.new("RGB", (width, GAP + rows * height), "white")
    for i, (image, lines) in enumerate(zip(images, texts, strict=True)):
        corner = (GAP + i % columns * (side + GAP), GAP + i // columns * height)
        _cell(sheet, corner, side, image, lines)
    return sheet


def _caption(caption: str, side: int) -> list[tuple[str, str]]:
    """The lines of a caption and their colours: what it is about in ink, the rest softer."""
    first, *others = str(caption).split("\n")
    lines = [(line, INK) for line in wrapped(first, side, TEXT, LINES)]
    return lines + [(line, MUTED) for other in others for line in wrapped(other, side, TEXT, 1)]


def _cell(
    sheet: Image.Image, corner: tuple[int, int], side: int, image: np.ndarray, lines: list[tuple[str, str]]
) -> None:
    x, y = corner
    picture = fitted(image, side)
    sheet.paste(picture, (x + (side - picture.width) // 2, y + (side - picture.height) // 2))
    draw = ImageDraw.Draw(sheet)
    draw.rectangle((x - 1, y - 1, x + side, y + side), outline=GRID)
    for i, (line, colour) in enumerate(lines):
        draw.text((x, y + side + 4 + i * LINE), line, font=font(TEXT), fill=colour)


def fitted(image: np.ndarray, side: int) -> Image.Image:
    """An image ((h, w, 3) uint8) scaled, up or down, to fit a square of `side` pixels."""
    picture = Image.fromarray(np.ascontiguousarray(image))
    scale = side / max(picture.size)
    width, height = (max(1, round(length * scale)) for length in picture.size)
    return picture.resize((width, height), Image.Resampling.LANCZOS)


def mistakes_table(
    frame: pd.DataFrame,
    images: Sequence[np.ndarray] | None = None,
    columns: Sequence[str] = ("title", "label", "kind", "score", "threshold"),
    rows: int = 24,
    thumbnail: int = 72,
) -> str:
    """The first `rows` rows of a table as HTML, every cell escaped, with a thumbnail each.

    `images` is indexed by the frame's `row` (left out where None); `columns` are shown in that order where
    the frame has them; `thumbnail` is in CSS pixels. Sized by attributes: code hosts strip styles.
    """
    shown = frame.head(rows)
    names = [name for name in columns if name in shown]
    head = ([] if images is None else ["image"]) + names
    body = [_row(record, names, images, thumbnail) for record in shown.to_dict("records")]
    header = "".join(f'<th align="left" scope="col">{html.escape(name)}</th>' for name in head)
    left = f"<p>{len(frame) - len(shown):,} more not shown.</p>" if len(frame) > len(shown) else ""
    return f"<table><thead><tr>{header}</tr></thead><tbody>{''.join(body)}</tbody></table>{left}"


def _row(record: dict, names: list[str], images: Sequence[np.ndarray] | None, thumbnail: int) -> str:
    cells = [f'<td align="left">{_told(record[name])}</td>' for name in names]
    if images is not None:
        picture = fitted(images[int(record["row"])], thumbnail)
        cells.insert(0, f"<td>{img_tag(picture, str(record.get('title', '')), picture.width)}</td>")
    return f"<tr>{''.join(cells)}</tr>"


def _told(value: object) -> str:
    if isinstance(value, float | np.floating):
        return f"{value:.3f}"
    if isinstance(value, list | tuple | np.ndarray):
        return html.escape(", ".join(str(part) for part in value))
    return html.escape(str(value), quote=True)


# --- Text drawn into pictures with the one font that is always there (DejaVu Sans, inside matplotlib)


def _font_path() -> Path:
    import matplotlib  # only where text is drawn: a live figure needs none of it

    return Path(matplotlib.get_data_path()) / "fonts" / "ttf" / "DejaVuSans.ttf"


@cache
def font(size: int) -> ImageFont.FreeTypeFont:
    """DejaVu Sans at `size` pixels."""
    return ImageFont.truetype(str(_font_path()), size)


@cache
def _known() -> frozenset[int]:
    from matplotlib.ft2font import FT2Font

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


class Thumbnails:
    """JPEGs of `images` ((m, S, S, 3) uint8, indexed by row, may be memory-mapped); recent ones are kept.

    kept: how many, at least a page of them.
    """

    def __init__(self, images: Pictures, kept: int = 4096) -> None:
        self.images, self.kept = images, kept
        self._made: dict[tuple[int, int | None], bytes] = {}  # the latest last

    def jpeg(self, row: int, side: int | None = None) -> bytes:
        """The image of a row, scaled down to `side` pixels (never up); as it is where `side` is None."""
        known = self._made.pop((row, side), None)
        return self._keep(row, side, self._jpeg(self.images[row], side) if known is None else known)

    def ahead(self, rows: Sequence[int], side: int | None = None) -> None:
        """Make those of `rows` that will be asked for next and are not kept."""
        several = getattr(self.images, "several", None)
        if several is None:
            return
        new = []
        for row in dict.fromkeys(rows):
            if (row, side) in self._made:
                self.jpeg(row, side)  # the latest again, so that the new ones do not push it out
            else:
                new.append(row)
        for row, image in zip(new, several(new) if new else (), strict=True):
            self._keep(row, side, self._jpeg(image, side))

    def _keep(self, row: int, side: int | None, made: bytes) -> bytes:
        self._made[row, side] = made
        if len(self._made) > self.kept:
            del self._made[next(iter(self._made))]
        return made

    def _jpeg(self, image: np.ndarray, side: int | None) -> bytes:
        image = np.asarray(image)
        if side is not None and max(image.shape[:2]) > side:
            picture = fitted(image, side)
        else:
            picture = Image.fromarray(np.ascontiguousarray(image))
        buffer = io.BytesIO()
        picture.save(buffer, "JPEG", quality=QUALITY if side else 92)
        return buffer.getvalue()
