"""Copies that are meant: files uploaded twice, and slightly changed ones, under another title."""

from dataclasses import replace

import numpy as np
from PIL import Image

from making.rows import Row
from making.thumbnails import encoded, on_white, open_bounded

EXACT, NEAR = 12, 15
ASIDE = ("{} (copy)", "My {}", "{} new version", "{} 2006", "{} improved")


def planted_copies(rows: list[Row], generator: np.random.Generator) -> list[Row]:
    """EXACT pixel-for-pixel and NEAR changed copies of randomly chosen rows."""
    chosen = generator.choice(len(rows), EXACT + NEAR, replace=False)
    copies = []
    for number, index in enumerate(chosen):
        original = rows[index]
        image = open_bounded(original.image)
        changed, extension = _same(image) if number < EXACT else _altered(image, number)
        stem, _, _ = original.title.rpartition(".")
        name = ASIDE[number % len(ASIDE)].format(stem)
        fewer = original.categories[: max(1, len(original.categories) - 1)]
        copies.append(replace(original, title=f"{name[:1].upper()}{name[1:]}.{extension}", image=changed,
                              categories=fewer, copy_of=original.title))  # fmt: skip
    return copies


def _same(image: Image.Image) -> tuple[bytes, str]:
    """The same pixels in another wrapping."""
    return encoded(on_white(image), "PNG", optimize=True), "png"


def _altered(image: Image.Image, number: int) -> tuple[bytes, str]:
    """Compressed harder, made smaller, or with its edge cut off, in turn."""
    flat = on_white(image)
    if number % 3 == 1:
        flat = flat.resize(
            (max(16, flat.width * 4 // 5), max(16, flat.height * 4 // 5)), Image.Resampling.BICUBIC
        )
    elif number % 3 == 2:
        edge = max(1, min(flat.size) // 40)
        flat = flat.crop((edge, edge, flat.width - edge, flat.height - edge))
    return encoded(flat, "JPEG", quality=60), "jpg"
