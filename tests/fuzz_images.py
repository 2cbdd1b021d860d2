"""Fuzzing the check of images: python tests/fuzz_images.py SECONDS

Guided by coverage of this library and of Pillow's Python code (atheris). Whatever the bytes, `decode`
returns a square with its facts or raises Rejected with a known reason, in seconds. Memory is not looked at
here: one cause of a gigabyte was found and mended (a TIFF of one pixel in a tile of 32,000 x 32,000), but
with a limit of 800 MB this process has since been seen at 3 GB. The child that decodes for a run has a limit
of its own. Needs `pip install atheris`; what it finds becomes a file in hostile_structures.py.
"""

import sys
import tempfile
from pathlib import Path

import atheris

with atheris.instrument_imports(include=["wikitopics.images", "wikitopics.sources.file_kinds", "PIL"]):
    from PIL import Image

    from wikitopics.images.decode import Picture, Recipe, decode
    from wikitopics.images.reasons import REASONS, Rejected
    from wikitopics.sources.file_kinds import SUPPORTED

from hostile import headers, modes_and_frames, picture, saved
from hostile_structures import lies, many_profiles

LARGEST = 4096  # bytes of an input
RECIPE = Recipe(store_size=32, max_bytes=LARGEST, max_pixels=4_000_000)


def check(data: bytes) -> None:
    """Raises what no caller of `decode` expects."""
    try:
        found = decode(data, RECIPE)
    except Rejected as rejected:
        assert rejected.reason in REASONS and len(rejected.detail) < 300, rejected
        rejected.detail.encode()
        return
    assert isinstance(found, Picture) and found.format in (*SUPPORTED, "MPO"), found
    assert found.pixels.shape == (32, 32, 3) and found.pixels.dtype == "uint8"
    assert 0 < found.width * found.height <= RECIPE.max_pixels
    assert len(found.sha1) == 40 and 0 <= found.phash < 1 << 64


def seeds() -> list[bytes]:
    """Small files of every format, mode and disguise."""
    small = [saved(picture(16, 12), form) for form in ("JPEG", "PNG", "GIF", "WEBP", "TIFF", "BMP")]
    small += [
        saved(picture(16, 12), "JPEG", progressive=True),
        saved(picture(8, 8), "TIFF", compression="jpeg"),
    ]
    groups = (headers, modes_and_frames, many_profiles, lies)
    return small + [data for group in groups for data, _ in group().values() if len(data) <= LARGEST]


def main(seconds: int) -> None:
    """Fuzz for so long; an input that fails is written to a temporary folder and ends with an error."""
    Image.init()
    folder = Path(tempfile.mkdtemp())
    corpus = folder / "seeds"
    corpus.mkdir()
    for number, seed in enumerate(seeds()):
        (corpus / str(number)).write_bytes(seed)
    options = [f"-max_total_time={seconds}", f"-max_len={LARGEST}", "-timeout=20", "-rss_limit_mb=0"]
    atheris.Setup([sys.argv[0], *options, f"-artifact_prefix={folder}/", str(corpus)], check)
    atheris.Fuzz()


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 60)
