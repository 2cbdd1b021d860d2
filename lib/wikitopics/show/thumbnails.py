"""JPEG bytes of images, at two sizes, remembered."""

import io
from collections.abc import Sequence
from functools import lru_cache

import numpy as np
from PIL import Image

from wikitopics.show.gallery import fitted

QUALITY = 85


class Thumbnails:
    """JPEGs of `images` ((m, S, S, 3) uint8, indexed by row, may be memory-mapped); recent ones are kept."""

    def __init__(self, images: np.ndarray | Sequence[np.ndarray], kept: int = 4096) -> None:
        self.images = images
        self.jpeg = lru_cache(maxsize=kept)(self._jpeg)

    def _jpeg(self, row: int, side: int | None = None) -> bytes:
        """The image of a row, scaled down to `side` pixels (never up); as it is where `side` is None."""
        image = np.asarray(self.images[row])
        if side is not None and max(image.shape[:2]) > side:
            picture = fitted(image, side)
        else:
            picture = Image.fromarray(np.ascontiguousarray(image))
        buffer = io.BytesIO()
        picture.save(buffer, "JPEG", quality=QUALITY if side else 92)
        return buffer.getvalue()
