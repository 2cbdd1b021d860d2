"""From a file's bytes to a small RGB square, or to the reason why not. Every file is decoded in full.

Opening an image lazily proves nothing: libraries read the header and stop. Here limits are checked on the
header, then every pixel is decoded, turned as EXIF says, laid on white where it is transparent and fitted.
White, because drawings have it already, Wikipedia shows its pages on it, and bars of the same colour as
composed transparency are no edge that a network could learn.
"""

import hashlib
import io
import os
import resource
import subprocess
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from functools import reduce
from shutil import which
from typing import NamedTuple, Protocol

import numpy as np
from PIL import Image, ImageChops

from wikitopics.errors import UserError
from wikitopics.images.formats import TooComplex, slim
from wikitopics.images.reasons import Rejected, as_reason
from wikitopics.sources.file_kinds import SUPPORTED, kind_of
from wikitopics.sources.reading import Refused, TooLarge

FITS = ("pad", "stretch")

BYTES_A_PIXEL = 16  # measured: RGB 6, RGBA and CMYK 7, progressive CMYK 8, 16 bits 10, 32 bits 13
LONGEST_SIDE = 1_000_000  # pixels: each takes 40 bytes besides, whatever the other side

STRIP_PIXELS = 1 << 21  # pixels converted at a time
_STEPS = {"L;2": 85, "L;4": 17}  # forms of grey in a PNG -> what 1 becomes in 8 bits
_BITS, _PHOTOMETRIC, _WHITE_IS_ZERO = 258, 262, 0  # tags of TIFF: bits a sample, what numbers mean
_STRAIGHT = {"La": "LA", "RGBa": "RGBA"}  # modes whose colours are multiplied by their alpha -> as usual
_TURNS = {  # EXIF orientation -> what makes it upright
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}

PROGRAM = "rsvg-convert"
MEMORY = 512 << 20  # bytes of address space
OVERSIZE = 4  # times the square: lines thinner than its pixels come out grey, not by chance


@dataclass(frozen=True)
class Recipe:
    """How pictures are made: a square of `store_size` pixels, `fit` "pad" (on white) or "stretch", limits.

    `max_pixels` bounds memory, at most BYTES_A_PIXEL each (50 million: 800 MB); of WebP, whose decoder holds
    four copies of all, half as many are allowed. `max_seconds`: CPU time of one file. `svg`: draw
    vector graphics too.
    """

    store_size: int = 128
    fit: str = "pad"
    max_bytes: int = 50_000_000
    max_pixels: int = 50_000_000
    max_seconds: float = 2.0
    svg: bool = False

    @property
    def max_memory(self) -> int:
        """Bytes that decoding one file may take: BYTES_A_PIXEL, and not less than 512 MB."""
        return max(512 << 20, BYTES_A_PIXEL * self.max_pixels)


class Picture(NamedTuple):
    """A decoded file.

    pixels: (store_size, store_size, 3) uint8. width, height: pixels of the original after EXIF rotation.
    format, mode: the file's own, in Pillow's words. sha1: hex, see `decode`.
    """

    pixels: np.ndarray
    width: int
    height: int
    format: str
    mode: str
    sha1: str


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
                _check_pixels(image, recipe)
                return _picture(image, turn, recipe, transparent_colour(image, data))
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


def _check_pixels(image: Image.Image, recipe: Recipe) -> None:
    width, height = image.size
    limit = recipe.max_pixels // (2 if image.format == "WEBP" else 1)  # its decoder holds four copies of all
    if width * height > limit:
        raise Rejected("too_many_pixels", f"{width:,} x {height:,}, limit {limit:,}")
    if max(width, height) > LONGEST_SIDE:
        raise Rejected("too_many_pixels", f"{width:,} x {height:,}, limit of a side {LONGEST_SIDE:,}")


def _picture(
    image: Image.Image, turn: int, recipe: Recipe, transparent: Callable[[Image.Image], None]
) -> Picture:
    mode, (width, height) = image.mode, image.size
    image.draft(None, fitted((width, height), recipe))  # JPEG only: decode at a scale that covers the square
    image.load()
    if image.format == "TIFF":
        width, height = image.size  # Pillow has turned it
    size = fitted((width, height), recipe)
    transparent(image)
    small = turned(reduced_rgb(image, size).resize(size, Image.Resampling.BICUBIC), turn)
    if turn >= 5:  # a quarter turn
        width, height = height, width
    fine = small.tobytes()
    digest = hashlib.sha1(b"%d %d " % (width, height) + fine).hexdigest()
    pixels = on_square(fine, small.size, recipe.store_size)
    return Picture(pixels, width, height, image.format or "", mode, digest)


def fitted(size: tuple[int, int], recipe: Recipe) -> tuple[int, int]:
    """(width, height) that a picture of `size` takes inside the square.

    >>> fitted((400, 200), Recipe(store_size=128)), fitted((400, 200), Recipe(store_size=128, fit="stretch"))
    ((128, 64), (128, 128))
    """
    side, longest = recipe.store_size, max(size)
    if recipe.fit == "stretch":
        return side, side
    return max(1, round(size[0] * side / longest)), max(1, round(size[1] * side / longest))


# --- Any mode of pixels to RGB on white, upright on a square, in little more memory than the file's pixels


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
    image = image.convert(_STRAIGHT.get(image.mode, image.mode)).convert("RGBA")
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


def transparent_colour(image: Image.Image, data: bytes) -> Callable[[Image.Image], None]:
    """What makes a PNG's one transparent colour exact, once the image is loaded; `image` is not loaded yet.

    Pillow compares the colour as the file has it with pixels brought to 8 bits, which agree only where the
    file has 8 bits. `data`: the file's bytes, read once more where 16 bits a channel were cut.
    """
    colour = image.info.get("transparency")
    tiles = getattr(image, "tile", [])  # of images that come from a file
    form = tiles[0].args if image.format == "PNG" and tiles else ""
    if form in _STEPS and isinstance(colour, int):
        image.info["transparency"] = min(colour * _STEPS[form], 255)
    if form != "RGB;16B" or not isinstance(colour, tuple):
        return lambda loaded: None
    del image.info["transparency"]
    same_low = _equal(_low_bytes(data), [value & 0xFF for value in colour])

    def lay(loaded: Image.Image) -> None:
        same = ImageChops.darker(same_low, _equal(loaded, [value >> 8 for value in colour]))
        loaded.putalpha(ImageChops.invert(same))

    return lay


def _low_bytes(data: bytes) -> Image.Image:
    """The lower 8 bits of a PNG of 16 bits a channel."""
    with Image.open(io.BytesIO(data), formats=["PNG"]) as image:
        image.tile = [image.tile[0]._replace(args="RGB;16L")]  # the other order of bytes
        image.info.pop("transparency", None)
        image.load()
    return image


def _equal(image: Image.Image, colour: list[int]) -> Image.Image:
    """255 where an 8-bit image has this colour, else 0."""
    pairs = zip(image.split(), colour, strict=True)
    return reduce(ImageChops.darker, [band.point([255 * (v == c) for v in range(256)]) for band, c in pairs])


def _eight_bit(image: Image.Image) -> Callable[[Image.Image], Image.Image]:
    """What makes 8 bits of a strip: whole numbers of 12 or 16 bits are divided by the largest that there is,
    other numbers span the image's own range. A transparent grey becomes alpha."""
    if not image.mode.startswith(("I", "F")):
        return lambda strip: strip
    low, high = _range_of_mode(image) if image.mode.startswith("I;16") else _finite_range(image)
    scale = 255 / (high - low) if high != low else 0.0
    clear = image.info.get("transparency") if image.format == "PNG" else None

    def convert(strip: Image.Image) -> Image.Image:
        given = np.asarray(strip)
        values = np.nan_to_num(given.astype(np.float64), nan=low, posinf=high, neginf=low)
        grey = Image.fromarray(np.round((values - low) * scale).astype(np.uint8))
        if clear is not None:
            grey.putalpha(Image.fromarray(np.where(given == clear, 0, 255).astype(np.uint8)))
        return grey

    return convert


def _range_of_mode(image: Image.Image) -> tuple[float, float]:
    """The numbers that are black and white: TIFF may have 12 bits, and may count from white."""
    tags = getattr(image, "tag_v2", {})
    most = 2.0 ** tags.get(_BITS, (16,))[0] - 1
    return (most, 0.0) if tags.get(_PHOTOMETRIC) == _WHITE_IS_ZERO else (0.0, most)


def _finite_range(image: Image.Image) -> tuple[float, float]:
    values = np.asarray(image)
    finite = values[np.isfinite(values)]
    return (float(finite.min()), float(finite.max())) if finite.size else (0.0, 0.0)


# --- Vector drawings made pixels by rsvg-convert where somebody asks for it, in a confined process
#
# SVG is a program in other people's hands. The text comes in by a pipe, so that it has no folder to refer to
# (librsvg then loads nothing but data: URLs, and has no network code); the process gets no environment, no
# file that it could write, and little time and memory.


def rasterised(svg: bytes, recipe: "Recipe") -> bytes:
    """The drawing as PNG, its longer side OVERSIZE times the square; raises Rejected.

    UserError where rsvg-convert is not installed.
    """
    side = str(OVERSIZE * recipe.store_size)
    command = [required(), "--format=png", "--keep-aspect-ratio", f"--width={side}", f"--height={side}"]
    seconds = max(1, round(recipe.max_seconds))

    def confine() -> None:
        resource.setrlimit(resource.RLIMIT_CPU, (seconds, seconds))
        resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
        resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))

    try:
        done = subprocess.run(
            command,
            input=svg,
            capture_output=True,
            env={"LC_ALL": "C.UTF-8", "GIO_USE_VFS": "local"},
            cwd="/",
            preexec_fn=confine,
            timeout=10 * seconds,
            check=False,
        )
    except subprocess.TimeoutExpired:
        raise Rejected("too_slow", f"{PROGRAM} stood still") from None
    if done.returncode < 0:
        slow = -done.returncode in (9, 24)  # SIGKILL and SIGXCPU end what uses up its CPU time
        raise Rejected("too_slow" if slow else "crashed", f"{PROGRAM} ended by signal {-done.returncode}")
    if done.returncode:
        said = done.stderr.decode("utf-8", "replace").strip()
        raise Rejected("damaged", said.rpartition("\n")[2][:200])
    return done.stdout


def required() -> str:
    """Where rsvg-convert is; UserError where it is not."""
    found = which(PROGRAM, path=os.environ.get("PATH", os.defpath))
    if not found:
        raise UserError(
            f"svg: true needs {PROGRAM}, but it is not installed; install librsvg2-bin or leave svg: false"
        )
    return found


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
