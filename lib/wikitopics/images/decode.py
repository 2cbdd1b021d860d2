"""From a file's bytes to a small RGB square, or to the reason why not. Every file is decoded in full.

Opening an image lazily proves nothing: libraries read the header and stop. Here limits are checked on the
header, then every pixel is decoded, turned as EXIF says, laid on white where it is transparent and fitted.
White, because drawings have it already, Wikipedia shows its pages on it, and bars of the same colour as
composed transparency are no edge that a network could learn.
"""

import hashlib
import io
import warnings
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from PIL import Image

from wikitopics.images.containers import TooComplex, slim
from wikitopics.images.kinds import SUPPORTED, kind_of
from wikitopics.images.phash import perceptual_hash
from wikitopics.images.pixels import on_square, reduced_rgb, turned
from wikitopics.images.reasons import Rejected, as_reason
from wikitopics.images.svg import rasterised

FITS = ("pad", "stretch")


@dataclass(frozen=True)
class Recipe:
    """How pictures are made: a square of `store_size` pixels, `fit` "pad" (on white) or "stretch", limits.

    `max_pixels` bounds memory at about 6 bytes a pixel (50 million: 300 MB); of WebP, which takes twice that,
    half as many are allowed. `max_seconds`: CPU time of one file. `svg`: draw vector graphics too.
    """

    store_size: int = 128
    fit: str = "pad"
    max_bytes: int = 50_000_000
    max_pixels: int = 50_000_000
    max_seconds: float = 2.0
    svg: bool = False

    @property
    def max_memory(self) -> int:
        """Bytes that decoding one file may take: 10 a pixel, and not less than 512 MB."""
        return max(512 << 20, 10 * self.max_pixels)


class Picture(NamedTuple):
    """A decoded file.

    pixels: (store_size, store_size, 3) uint8. width, height: pixels of the original after EXIF rotation.
    format, mode: the file's own, in Pillow's words. sha1: hex, see `decode`. phash: int of 64 bits.
    """

    pixels: np.ndarray
    width: int
    height: int
    format: str
    mode: str
    sha1: str
    phash: int


def decode(data: bytes, recipe: Recipe) -> Picture:
    """Decode a file in full; raises Rejected.

    JPEG is decoded at the smallest of the scales 1, 1/2, 1/4, 1/8 that still covers the square: all its data
    is read and checked, only the finest detail is never computed. sha1 is taken of the upright size and the
    RGB pixels as fitted: equal sha1 means equal in everything that any later step can see.

    >>> import io; file = io.BytesIO(); Image.new("L", (40, 20)).save(file, "PNG")
    >>> picture = decode(file.getvalue(), Recipe(store_size=8))
    >>> picture.pixels.shape, picture.width, picture.mode, picture.pixels[:, 0, 0].tolist()
    ((8, 8, 3), 40, 'L', [255, 255, 0, 0, 0, 0, 255, 255])
    """
    kind = _supported_kind(data, recipe)
    if kind == "svg":
        return decode(rasterised(data, recipe), recipe)._replace(format="SVG")
    try:
        data, turn = slim(kind, data)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # Pillow's remarks about odd files; what matters is raised
            with Image.open(io.BytesIO(data), formats=[kind]) as image:
                return _picture(image, turn, recipe)
    except TooComplex as error:
        raise Rejected("too_complex", str(error)) from None
    except Image.DecompressionBombError as error:
        raise Rejected("too_many_pixels", str(error).split(", could")[0]) from None
    # Decoders meet foreign bytes with every exception there is (SyntaxError, struct.error, KeyError,
    # MemoryError ...): all of them mean that this file is not usable, and none may end the run.
    except Exception as error:
        raise error if isinstance(error, Rejected) else as_reason(error) from None


def _supported_kind(data: bytes, recipe: Recipe) -> str:
    if not data:
        raise Rejected("empty")
    kind = kind_of(data)
    if kind in ("html", "text", "unknown", "riff"):
        raise Rejected("not_an_image", f"{kind}: {data[:24]!r}")
    if kind not in SUPPORTED and not (kind == "svg" and recipe.svg):
        raise Rejected("unsupported_kind", kind)
    return kind


def _picture(image: Image.Image, turn: int, recipe: Recipe) -> Picture:
    mode, (width, height) = image.mode, image.size
    limit = recipe.max_pixels // (2 if image.format == "WEBP" else 1)  # its decoder holds four copies of all
    if width * height > limit:
        raise Rejected("too_many_pixels", f"{width:,} x {height:,}, limit {limit:,}")
    size = fitted((width, height), recipe)
    image.draft(None, size)  # JPEG only: decode at a scale not smaller than `size`
    image.load()
    small = turned(reduced_rgb(image, size).resize(size, Image.Resampling.BICUBIC), turn)
    if turn >= 5:  # a quarter turn
        width, height = height, width
    fine = small.tobytes()
    digest = hashlib.sha1(b"%d %d " % (width, height) + fine).hexdigest()
    pixels = on_square(fine, small.size, recipe.store_size)
    return Picture(pixels, width, height, image.format or "", mode, digest, perceptual_hash(small))


def fitted(size: tuple[int, int], recipe: Recipe) -> tuple[int, int]:
    """(width, height) that a picture of `size` takes inside the square.

    >>> fitted((400, 200), Recipe(store_size=128)), fitted((400, 200), Recipe(store_size=128, fit="stretch"))
    ((128, 64), (128, 128))
    """
    side, longest = recipe.store_size, max(size)
    if recipe.fit == "stretch":
        return side, side
    return max(1, round(size[0] * side / longest)), max(1, round(size[1] * side / longest))
