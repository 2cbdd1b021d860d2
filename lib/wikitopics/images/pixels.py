"""Any mode of pixels to RGB on white, upright on a square, in little more memory than the file's pixels."""

from collections.abc import Callable

import numpy as np
from PIL import Image

STRIP_PIXELS = 1 << 21  # pixels converted at a time
_TURNS = {  # EXIF orientation -> what makes it upright
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}


def reduced_rgb(image: Image.Image, size: tuple[int, int]) -> Image.Image:
    """A loaded image as RGB on white, averaged down by a whole factor to not less than twice `size`."""
    width, height = image.size
    factor = max(1, min(width // size[0], height // size[1]) // 2)
    rows = max(1, STRIP_PIXELS // width // factor) * factor
    to_8_bit = _eight_bit(image)
    if factor == 1 and rows >= height:  # nothing to reduce, one strip: nothing to copy
        return on_white(to_8_bit(image))
    reduced = Image.new("RGB", (-(-width // factor), -(-height // factor)))
    for top in range(0, height, rows):
        strip = on_white(to_8_bit(image.crop((0, top, width, min(top + rows, height)))))
        reduced.paste(strip if factor == 1 else strip.reduce(factor), (0, top // factor))
    return reduced


def on_white(image: Image.Image) -> Image.Image:
    """An 8-bit image of any mode as RGB, laid on white where it is transparent.

    >>> on_white(Image.new("LA", (1, 1), (0, 51))).getpixel((0, 0))
    (204, 204, 204)
    """
    if not image.has_transparency_data:
        return image if image.mode == "RGB" else image.convert("RGB")
    image = image.convert("RGBA")
    white = Image.new("RGB", image.size, "white")
    white.paste(image, mask=image.getchannel("A"))
    return white


def turned(image: Image.Image, orientation: int) -> Image.Image:
    """The image upright, given its EXIF orientation 1 to 8."""
    return image.transpose(_TURNS[orientation]) if orientation in _TURNS else image


def on_square(rgb: bytes, size: tuple[int, int], side: int) -> np.ndarray:
    """The RGB bytes of a picture of `size` (width, height) in the middle of a white (side, side, 3) uint8.

    >>> on_square(bytes(6), (1, 2), 2)[..., 0].tolist(), on_square(bytes(6), (2, 1), 2)[..., 0].tolist()
    ([[0, 255], [0, 255]], [[0, 0], [255, 255]])
    """
    width, height = size
    above = (side - height) // 2
    if width == side:  # as most are; put together without arrays, which is noticeably faster
        white = b"\xff" * (3 * side)
        rows = b"".join([white * above, rgb, white * (side - height - above)])
        return np.frombuffer(rows, np.uint8).reshape(side, side, 3)
    square, left = np.full((side, side, 3), 255, np.uint8), (side - width) // 2
    square[above : above + height, left : left + width] = np.frombuffer(rgb, np.uint8).reshape(
        height, width, 3
    )
    return square


def _eight_bit(image: Image.Image) -> Callable[[Image.Image], Image.Image]:
    """What makes 8 bits of a strip: 16 bits are divided by 257, other numbers span the image's own range."""
    if not image.mode.startswith(("I", "F")):
        return lambda strip: strip
    low, high = (0.0, 65535.0) if image.mode.startswith("I;16") else _finite_range(image)
    scale = 255 / (high - low) if high > low else 0.0

    def convert(strip: Image.Image) -> Image.Image:
        values = np.nan_to_num(np.asarray(strip).astype(np.float64), nan=low, posinf=high, neginf=low)
        return Image.fromarray(np.round((values - low) * scale).astype(np.uint8))

    return convert


def _finite_range(image: Image.Image) -> tuple[float, float]:
    values = np.asarray(image)
    finite = values[np.isfinite(values)]
    return (float(finite.min()), float(finite.max())) if finite.size else (0.0, 0.0)
