"""Fuzzing the check of images: python tests/fuzz_images.py SECONDS

Guided by coverage of this library and of Pillow's Python code (atheris). Whatever the bytes, `decode`
returns a square with its facts or raises Rejected with a known reason, in seconds and within MEMORY, which is
measured for each input alone (what the process itself gathers is none of an input's). Needs `pip install
atheris`; what it finds becomes a file in hostile_structures.py.
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
MEMORY = (
    400 << 20
)  # bytes that decoding one input may add: 4,000,000 pixels of the dearest kind, and some air


def most_memory(key: bytes) -> int:
    """Bytes that this process holds (b"VmRSS") or held at most (b"VmHWM") since `forget_most`; Linux."""
    with open("/proc/self/status", "rb") as status:
        return next(int(line.split()[1]) << 10 for line in status if line.startswith(key))


def forget_most() -> None:
    """Begin anew with the most memory that was held."""
    Path("/proc/self/clear_refs").write_text("5")


def check(data: bytes) -> None:
    """Raises what no caller of `decode` expects, and where the memory goes beyond MEMORY."""
    forget_most()
    before = most_memory(b"VmRSS")
    outcome(data)
    added = most_memory(b"VmHWM") - before
    assert added <= MEMORY, f"{added >> 20} MB for {len(data)} bytes"


def outcome(data: bytes) -> None:
    """Decode, and raise where the picture or the reason is none."""
    try:
        found = decode(data, RECIPE)
    except Rejected as rejected:
        assert rejected.reason in REASONS and len(rejected.detail) < 300, rejected
        rejected.detail.encode()
        return
    assert isinstance(found, Picture) and found.format in (*SUPPORTED, "MPO"), found
    assert found.pixels.shape == (32, 32, 3) and found.pixels.dtype == "uint8"
    assert 0 < found.width * found.height <= RECIPE.max_pixels
    assert len(found.sha1) == 40


def seeds() -> list[bytes]:
    """Small files of every format, mode and disguise."""
    small = [saved(picture(16, 12), form) for form in ("JPEG", "PNG", "GIF", "WEBP", "TIFF", "BMP")]
    small += [
        saved(picture(16, 12), "JPEG", progressive=True),
        saved(picture(8, 8), "TIFF", compression="jpeg"),
    ]
    groups = (headers, modes_and_frames, many_profiles, lies)
    return small + [data for group in groups for data, _ in group().values() if len(data) <= LARGEST]


def main(seconds: int, *more: str) -> None:
    """Fuzz for so long, or as options of libFuzzer's say; what fails is written to a temporary folder."""
    Image.init()
    folder = Path(tempfile.mkdtemp())
    corpus = folder / "seeds"
    corpus.mkdir()
    for number, seed in enumerate(seeds()):
        (corpus / str(number)).write_bytes(seed)
    # No limit of memory: the fuzzer asks for this process' peak, which begins with that of the process
    # that started it (getrusage keeps it across exec), so after tests of large networks it would be reached.
    options = [f"-max_total_time={seconds}", f"-max_len={LARGEST}", "-timeout=20", "-rss_limit_mb=0"]
    atheris.Setup([sys.argv[0], *options, f"-artifact_prefix={folder}/", *more, str(corpus)], check)
    atheris.Fuzz()


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 60, *sys.argv[2:])
