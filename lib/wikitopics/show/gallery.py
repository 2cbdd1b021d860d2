"""Static galleries: what stands in an executed notebook where no kernel answers clicks.

A contact sheet is a picture, so it shows everywhere; the table beside it has real text and escapes it.
"""

import html
from collections.abc import Sequence

import numpy as np
import pandas as pd
from PIL import Image, ImageDraw

from wikitopics.errors import UserError
from wikitopics.show.captions import font, wrapped
from wikitopics.show.pictures import img_tag
from wikitopics.show.theme import GRID, INK, MUTED

WIDTH = 900  # CSS pixels of a contact sheet
GAP = 12
TEXT, LINE = 11, 14  # pixels: size of the captions, distance of their lines
LINES = 2  # a caption's first part may take so many lines; each further part takes one


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
