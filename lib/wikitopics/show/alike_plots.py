"""A picture and those nearest to it, as one contact sheet."""

from collections.abc import Sequence

import numpy as np
from PIL import Image

from wikitopics.show.gallery import contact_sheet

COLUMNS = 9  # the picture asked about and eight others


def nearest_sheet(
    images: Sequence[np.ndarray],
    titles: Sequence[str],
    queries: Sequence[int],
    rows: np.ndarray,
    similarity: np.ndarray,
) -> Image.Image:
    """One line for each of `queries`: the picture, then its nearest with their similarity.

    images: (h, w, 3) uint8 each, and titles, indexed by row; queries: q rows; rows, similarity: (q, k) as
    alike.index.nearest gives them, of which the first eight are shown.
    """
    shown, captions = [], []
    for query, others, likeness in zip(queries, rows, similarity, strict=True):
        line = [int(query), *(int(row) for row in others[: COLUMNS - 1])]
        told = ["asked about", *(f"{value:.2f}" for value in likeness[: COLUMNS - 1])]
        missing = COLUMNS - len(line) if len(queries) > 1 else 0  # the next line begins anew
        shown += [images[row] for row in line] + [_blank()] * missing
        captions += [f"{titles[row]}\n{text}" for row, text in zip(line, told, strict=True)] + [""] * missing
    return contact_sheet(shown, captions, COLUMNS)


def _blank() -> np.ndarray:
    return np.full((2, 2, 3), 255, np.uint8)
