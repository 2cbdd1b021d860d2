"""Small pictures: opened with a bound on their pixels, reduced, encoded, and compared."""

import hashlib
import io
import warnings
from pathlib import Path

import numpy as np
from PIL import Image, ImageChops
from scipy.fft import dctn

from making.svg_metadata import Refused

LONGEST_SIDE = 128
MAX_PIXELS = 30_000_000
SMALL_PNG = 3_000  # bytes; a drawing that takes more as PNG becomes WebP


def open_bounded(source: Path | bytes) -> Image.Image:
    """The decoded picture as RGBA; raises `Refused` if its header claims more than MAX_PIXELS."""
    stream = io.BytesIO(source) if isinstance(source, bytes) else source
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", Image.DecompressionBombWarning)  # ours is the stricter check
            with Image.open(stream) as image:
                if image.width * image.height > MAX_PIXELS:
                    raise Refused("picture claims too many pixels")
                return image.convert("RGBA")
    except Image.DecompressionBombError:
        raise Refused("picture claims too many pixels") from None
    except OSError:
        raise Refused("picture cannot be decoded") from None


def reduced(image: Image.Image) -> Image.Image:
    """A copy with longest side at most LONGEST_SIDE, aspect ratio kept."""
    copy = image.copy()
    copy.thumbnail((LONGEST_SIDE, LONGEST_SIDE), Image.Resampling.LANCZOS)
    return copy


def on_white(image: Image.Image) -> Image.Image:
    """RGB, transparency composed on white."""
    ground = Image.new("RGBA", image.size, "white")
    ground.alpha_composite(image.convert("RGBA"))
    return ground.convert("RGB")


def encoded(image: Image.Image, form: str, **options: object) -> bytes:
    """The picture's bytes in a Pillow format."""
    stream = io.BytesIO()
    image.save(stream, form, **options)
    return stream.getvalue()


def drawing_bytes(image: Image.Image) -> tuple[bytes, str]:
    """(bytes, extension): PNG with its transparency where that is small, else WebP on white."""
    png = encoded(image, "PNG", optimize=True)
    if len(png) <= SMALL_PNG:
        return png, "png"
    return encoded(on_white(image), "WEBP", quality=80, method=6), "webp"


def photograph_bytes(image: Image.Image, extension: str) -> bytes:
    """JPEG for a .jpg title, PNG for a .png one."""
    if extension == "png":
        return encoded(image, "PNG", optimize=True)
    return encoded(on_white(image), "JPEG", quality=82, optimize=True)


def pixel_sha1(image: Image.Image) -> str:
    """Hex sha1 of size and RGB pixels, transparency on white."""
    flat = on_white(image)
    return hashlib.sha1(repr(flat.size).encode() + flat.tobytes()).hexdigest()


def drawn_share(image: Image.Image) -> float:
    """Share of the picture inside the bounding box of what is not white."""
    box = ImageChops.invert(on_white(image).convert("L")).point(lambda value: 255 * (value > 8)).getbbox()
    return 0.0 if box is None else (box[2] - box[0]) * (box[3] - box[1]) / (image.width * image.height)


def signature(image: Image.Image) -> tuple[np.ndarray, np.ndarray]:
    """(64 bits of a DCT perceptual hash, 8 x 8 x 3 mean colours): what makes two pictures look the same."""
    flat = on_white(image)
    grey = np.asarray(flat.convert("L").resize((32, 32), Image.Resampling.LANCZOS), float)
    low = dctn(grey, norm="ortho")[:8, :8].ravel()
    return low > np.median(low[1:]), np.asarray(flat.resize((8, 8), Image.Resampling.BOX), float)


class Seen:
    """The signatures so far, to find near duplicates: at most 6 of 64 bits and 10 of 255 in colour apart."""

    def __init__(self) -> None:
        self.bits, self.colours = np.zeros((0, 64), bool), np.zeros((0, 8, 8, 3))

    def alike(self, sign: tuple[np.ndarray, np.ndarray]) -> bool:
        """True if a picture seen before looks the same."""
        near = np.flatnonzero((self.bits != sign[0]).sum(axis=1) <= 6)
        return bool((np.abs(self.colours[near] - sign[1]).mean(axis=(1, 2, 3)) < 10).any())

    def add(self, sign: tuple[np.ndarray, np.ndarray]) -> None:
        """Remember a picture."""
        self.bits = np.vstack([self.bits, sign[0][None]])
        self.colours = np.concatenate([self.colours, sign[1][None]])
