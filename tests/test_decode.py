"""Decoding: every file ends as a reason or a valid image, in little time and memory; the pixels are right."""

import io
import json
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from hostile import exif, jpeg_segment, mutations, picture, saved, with_segments
from hostile_structures import LIMITS, all_files
from wikitopics.images.decode import Recipe, decode
from wikitopics.images.reasons import REASONS, Rejected
from wikitopics.images.sandbox import decode_in_child
from wikitopics.sources.file_kinds import kind_of

CASES = {name: allowed for name, (_, allowed) in all_files().items()}


def outcome(data: bytes) -> str:
    try:
        decode(data, Recipe())
    except Rejected as rejected:
        return rejected.reason
    return "valid"


def run_all() -> dict:
    """What came of each hostile file, its CPU seconds, and by how much the memory grew (MB)."""
    files, outcomes, seconds = all_files(), {}, {}
    before = peak_memory_mb()
    for name, (data, _) in files.items():
        started = time.process_time()
        outcomes[name] = outcome(data)
        seconds[name] = time.process_time() - started
    return {"outcomes": outcomes, "seconds": seconds, "grown": peak_memory_mb() - before}


def peak_memory_mb() -> float:
    """This process's own peak (getrusage would count its parent's); 0 where there is no /proc."""
    if not Path("/proc/self/status").exists():
        return 0.0
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmHWM")) / 1024


@pytest.fixture(scope="module")
def hostile():
    """All hostile files decoded in a process of their own, where memory can be measured."""
    here = Path(__file__)
    done = subprocess.run([sys.executable, here], capture_output=True, text=True, cwd=here.parent)
    assert done.returncode == 0, done.stderr
    return {**json.loads(done.stdout), "noise": done.stderr}


@pytest.mark.parametrize("name", CASES)
def test_a_hostile_file_ends_as_a_reason_or_an_image(hostile, name):
    assert hostile["outcomes"][name] in CASES[name]
    assert hostile["seconds"][name] < 2


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="peak memory is read from /proc")
def test_hostile_files_take_little_memory_and_make_no_noise(hostile):
    assert hostile["grown"] < 512
    assert "Warning" not in hostile["noise"]


def test_no_hostile_file_needs_more_than_its_time_and_memory():
    """All in one child, where the system ends what takes over 2 s of CPU or 512 MB more than before."""
    files = all_files()
    assert len(files) >= 300
    outcomes = decode_in_child([data for data, _ in files.values()], Recipe())
    reasons = [getattr(found, "reason", "valid") for found in outcomes]
    assert not LIMITS & set(reasons)
    assert all(reason in allowed for reason, (_, allowed) in zip(reasons, files.values(), strict=True))


def test_mutated_files_never_escape_as_exceptions():
    outcomes = {outcome(data) for _, data in mutations(300)}
    assert outcomes <= {"valid", *REASONS} and len(outcomes) >= 3


@settings(max_examples=200, deadline=None)
@given(
    st.sampled_from([b"", b"\xff\xd8\xff", b"GIF89a", b"\x89PNG\r\n\x1a\n", b"II*\0", b"BM", b"RIFF"]),
    st.binary(),
)
def test_any_bytes_end_as_a_reason_or_an_image(start, data):
    assert outcome(start + data) in {"valid", *REASONS}
    assert isinstance(kind_of(start + data), str)


# --- the pixels are right ------------------------------------------------------------------------------


def corners(pixels: np.ndarray) -> list[str]:
    """The strongest colour of each quarter, clockwise from the upper left."""
    half = pixels.shape[0] // 2
    quarters = [pixels[:half, :half], pixels[:half, half:], pixels[half:, half:], pixels[half:, :half]]
    means = [quarter.mean(axis=(0, 1)) for quarter in quarters]
    return ["rgb"[int(mean.argmax())] if mean.mean() < 200 else "w" for mean in means]


def upright() -> Image.Image:
    image = Image.new("RGB", (64, 48), "white")
    for box, colour in [((0, 0, 32, 24), "red"), ((32, 0, 64, 24), "lime"), ((32, 24, 64, 48), "blue")]:
        image.paste(colour, box)
    return image


@pytest.mark.parametrize("turn", range(1, 9))
def test_exif_orientation_is_undone(turn):
    undo = {2: 0, 3: 3, 4: 1, 5: 5, 6: 2, 7: 6, 8: 4}  # orientation -> Image.Transpose that the camera did
    stored = upright().transpose(Image.Transpose(undo[turn])) if turn > 1 else upright()
    stretch = Recipe(store_size=64, fit="stretch")
    jpeg = decode(with_segments(saved(stored, "JPEG", quality=95), jpeg_segment(0xE1, exif(turn))), stretch)
    others = [decode(saved(stored, form, exif=exif(turn)), stretch) for form in ("PNG", "WEBP")]
    tiff = decode(saved(stored, "TIFF", tiffinfo={0x0112: turn}), stretch)
    for found in [jpeg, *others, tiff]:
        assert corners(found.pixels) == ["r", "g", "b", "w"], found.format
        assert (found.width, found.height) == (64, 48)


def test_transparency_is_laid_on_white():
    clear = Image.new("RGBA", (8, 8), (255, 0, 0, 0))
    half = Image.new("RGBA", (8, 8), (0, 0, 0, 128))
    key = saved(Image.new("RGB", (8, 8), "red"), "PNG", transparency=(255, 0, 0))
    assert decode(saved(clear, "PNG"), Recipe(8)).pixels.min() == 255
    assert decode(saved(clear, "WEBP", lossless=True), Recipe(8)).pixels.min() == 255
    assert decode(key, Recipe(8)).pixels.min() == 255
    assert abs(int(decode(saved(half, "PNG"), Recipe(8)).pixels[4, 4, 0]) - 127) <= 1


def test_sixteen_bits_and_real_numbers_are_scaled_not_clipped():
    ramp = np.linspace(0, 65535, 64 * 64).reshape(64, 64)
    for data in [
        saved(Image.fromarray(ramp.astype(np.uint16)), "PNG"),
        saved(Image.fromarray(ramp.astype(np.uint16)), "TIFF"),
        saved(Image.fromarray((ramp - 7).astype(np.float32)), "TIFF"),
        saved(Image.fromarray((ramp * 100 - 5).astype(np.int32)), "TIFF"),
    ]:
        pixels = decode(data, Recipe(64)).pixels[..., 0].astype(int)
        assert np.abs(pixels - ramp / 257).max() <= 1.01


def test_cmyk_keeps_its_colours():
    red = Image.new("RGB", (16, 16), (220, 30, 30))
    for form in ("JPEG", "TIFF"):
        found = decode(saved(red.convert("CMYK"), form), Recipe(16))
        assert found.mode == "CMYK" and np.abs(found.pixels.astype(int) - (220, 30, 30)).max() < 12


def test_pad_is_white_and_keeps_the_shape_and_stretch_fills():
    data = saved(Image.new("RGB", (40, 20), "black"), "PNG")
    padded, stretched = decode(data, Recipe(16)), decode(data, Recipe(16, fit="stretch"))
    assert padded.pixels[:4].min() == padded.pixels[12:].min() == 255 and padded.pixels[4:12].max() == 0
    assert stretched.pixels.max() == 0
    assert (padded.width, padded.height) == (40, 20)


def test_only_the_first_frame_counts():
    first, second = picture(seed=1), picture(seed=2)
    for form in ("PNG", "TIFF", "WEBP"):
        moving = decode(saved(first, form, save_all=True, append_images=[second], lossless=True), Recipe())
        assert np.array_equal(moving.pixels, decode(saved(first, "PNG"), Recipe()).pixels)


def test_sha1_is_of_the_pixels_not_of_the_file():
    image = picture()
    png, other = saved(image, "PNG"), saved(image, "PNG", compress_level=1, dpi=(72, 72))
    assert png != other
    same = {decode(data, Recipe()).sha1 for data in (png, other, saved(image, "BMP"))}
    assert len(same) == 1
    touched = image.copy()
    touched.putpixel((5, 5), (1, 2, 3))
    assert decode(saved(touched, "PNG"), Recipe()).sha1 not in same


def test_strips_do_not_show():
    """A large picture is converted in strips and reduced on the way; it looks like one careful resize."""
    image = picture().resize((2300, 1700))
    found = decode(saved(image, "PNG", compress_level=1), Recipe(64, fit="stretch")).pixels.astype(int)
    whole = np.asarray(image.resize((64, 64), Image.Resampling.BICUBIC, reducing_gap=4.0)).astype(int)
    assert np.abs(found - whole).mean() < 3


def test_scaled_jpeg_decoding_looks_like_full_decoding():
    image = picture().resize((1200, 900))
    full = decode(saved(image, "PNG", compress_level=1), Recipe()).pixels.astype(int)
    scaled = decode(saved(image, "JPEG", quality=95), Recipe()).pixels.astype(int)
    assert np.abs(full - scaled).mean() < 3


def test_limits_are_checked_before_decoding(monkeypatch):
    def never(*_):
        raise AssertionError("decoded")

    monkeypatch.setattr("PIL.ImageFile.ImageFile.load", never)
    with pytest.raises(Rejected) as rejected:
        decode(saved(picture(), "PNG"), Recipe(max_pixels=96 * 64 - 1))
    assert rejected.value.reason == "too_many_pixels"


def test_a_lazy_open_is_not_a_check():
    data = saved(picture(), "JPEG")[:-400]
    Image.open(io.BytesIO(data)).close()  # Pillow opens it without a word
    assert outcome(data) == "truncated"


if __name__ == "__main__":
    print(json.dumps(run_all()))
