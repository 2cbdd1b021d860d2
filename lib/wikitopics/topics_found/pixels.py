"""The pixels of scored pictures, read again where somebody looks at them: none are kept on disk."""

from collections.abc import Sequence

import numpy as np

from wikitopics.images.contents import read
from wikitopics.images.decode import Recipe, decode
from wikitopics.images.reasons import Rejected
from wikitopics.scoring.decoding import Reads

SIDE = 128  # pixels of a picture that is shown
WHITE, GREY = 255, 236  # of a place without a picture; of a picture that can no longer be read


class Pictures:
    """Pictures (side, side, 3) uint8 by row, decoded when asked for: `pictures[row]`, as of an array.

    Only for files that were scored, which proves that decoding them does no harm here.
    """

    def __init__(self, source: Reads, paths: Sequence[str], fit: str = "pad", side: int = SIDE) -> None:
        self.source, self.paths = source, list(paths)
        self.recipe = Recipe(side, fit)

    def __len__(self) -> int:
        return len(self.paths)

    def __getitem__(self, row: int) -> np.ndarray:
        if row < 0:
            return self._blank(WHITE)
        data = read(self.source, self.paths[row], self.recipe.max_bytes)
        try:
            return self._blank(GREY) if isinstance(data, Rejected) else decode(data, self.recipe).pixels
        except Rejected:
            return self._blank(GREY)

    def _blank(self, shade: int) -> np.ndarray:
        return np.full((self.recipe.store_size, self.recipe.store_size, 3), shade, np.uint8)
