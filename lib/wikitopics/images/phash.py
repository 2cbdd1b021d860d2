"""A perceptual hash: 64 bits that stay when a picture is scaled, recompressed or slightly retouched.

The difference hash (Krawetz, "Kind of Like That", hackerfactor.com, 2013): a bit for each pixel of the
grey picture, 9 x 8, that is brighter than its left neighbour; here by more than 2 of 255 levels, so that
white paper is no coin toss. Chosen by measuring on 2,200 drawings and 730 planted copies of each kind, within
6 bits:

    found of        recompressed  scaled  darkened  cropped 4 %  a grey mark added
    this hash             100 %   99.9 %    99.9 %         86 %              100 %
    DCT hash (pHash)     92.5 %   93.7 %    93.4 %         53 %               43 %

The DCT hash compares coefficients with their median, and in symmetric drawings most of them are zero.
"""

import numpy as np
from PIL import Image

BITS = 64
DEAD_ZONE = 2  # grey levels
_WITH_LEFT = [place for place in range(9 * 8) if place % 9]  # of the 9 x 8 cells, those with a left neighbour


def perceptual_hash(image: Image.Image) -> int:
    """The hash of an RGB image as an int of 64 bits; 0 for a picture of one colour.

    >>> ramp = Image.linear_gradient("L").convert("RGB").rotate(90)
    >>> f"{perceptual_hash(ramp):x}", f"{perceptual_hash(ramp.resize((90, 60))):x}"
    ('ffffffffffffffff', 'ffffffffffffffff')
    >>> perceptual_hash(Image.new("RGB", (9, 9), "red"))
    0
    """
    cells = image.convert("L").resize((9, 8), Image.Resampling.BOX).tobytes()
    # So few numbers are compared faster without arrays.
    return int("".join(["01"[cells[place] > cells[place - 1] + DEAD_ZONE] for place in _WITH_LEFT]), 2)


def hex_digits(hashes: list[int]) -> list[str]:
    """The 16 hex digits of each hash, as tables hold them."""
    return [f"{phash:016x}" for phash in hashes]


def from_hex(digits: list[str]) -> np.ndarray:
    """The inverse of `hex_digits`: (n,) uint64.

    >>> from_hex(hex_digits([3, 2**64 - 1])).tolist()
    [3, 18446744073709551615]
    """
    return np.array([int(text, 16) for text in digits], dtype=np.uint64)
