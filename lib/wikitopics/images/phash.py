"""A perceptual hash: 64 bits that stay when a picture is scaled, recompressed or slightly retouched.

The DCT hash of Zauner, "Implementation and Benchmarking of Perceptual Image Hash Functions" (2010), section
3.2.1: grey, 32 x 32, the 8 x 8 cosine coefficients of frequencies 1 to 8, each above the median or not.
"""

import numpy as np
from PIL import Image

SIDE, FREQUENCIES = 32, 8
_COSINES = np.cos(np.pi / SIDE * np.outer(np.arange(1, FREQUENCIES + 1), np.arange(SIDE) + 0.5))


def perceptual_hash(image: Image.Image) -> int:
    """The hash of an RGB image as an int of 64 bits; 0 for a picture of one colour.

    >>> ramp = Image.linear_gradient("L").convert("RGB")
    >>> (perceptual_hash(ramp) ^ perceptual_hash(ramp.resize((90, 60)))).bit_count()
    0
    >>> perceptual_hash(Image.new("RGB", (9, 9), "red"))
    0
    """
    grey = np.asarray(image.convert("L").resize((SIDE, SIDE), Image.Resampling.BOX), dtype=np.float64)
    # Rounded, so that coefficients which are zero but for arithmetic noise are zero everywhere.
    waves = np.round(_COSINES @ grey @ _COSINES.T, 3) + 0.0
    return int.from_bytes(np.packbits(waves > np.median(waves)).tobytes())


def hex_of(phash: int) -> str:
    """The 16 hex digits that tables hold."""
    return f"{phash:016x}"
