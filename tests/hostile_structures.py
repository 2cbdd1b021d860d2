"""More bad files: cut at every structure, frames and profiles without end, polyglots, seeded mutations.

`all_files()` is the whole corpus, these and those of hostile.py: name -> (bytes, what must come of it).
"""

import functools
import io
import struct
import zipfile
import zlib

from PIL import Image

from hostile import (
    BROKEN,
    SURVIVES,
    VALID,
    hostile_files,
    jpeg_segment,
    mutations,
    picture,
    png,
    png_chunk,
    saved,
    tiff_directory,
    with_segments,
)

REFUSED = BROKEN | {"too_complex", "too_many_pixels", "not_an_image"}
LOOSE = VALID | REFUSED
LIMITS = {"crashed", "too_slow", "too_much_memory"}  # what none of these files may need


@functools.cache
def all_files() -> dict[str, tuple[bytes, set[str]]]:
    """The corpus."""
    groups = (cut_at_structures, many_frames, many_profiles, polyglots, lies, mutated)
    return hostile_files() | {name: case for group in groups for name, case in group().items()}


def cut_at_structures() -> dict[str, tuple[bytes, set[str]]]:
    """Each format cut before, within and after the head of each of its parts."""
    frames = [picture(48, 32, seed=s).quantize(16) for s in range(3)]
    forms = {
        "jpeg": (saved(picture(), "JPEG", exif=b"Exif\0\0" + tiff_directory([])), jpeg_places),
        "progressive": (saved(picture(), "JPEG", progressive=True), jpeg_places),
        "png": (saved(picture().quantize(16), "PNG", transparency=1), png_places),
        "gif": (saved(frames[0], "GIF", save_all=True, append_images=frames[1:]), gif_places),
        "webp": (saved(picture(), "WEBP", save_all=True, append_images=[picture(seed=1)]), riff_places),
        "tiff": (saved(picture(), "TIFF", compression="tiff_lzw"), tiff_places),
        "bmp": (saved(picture(), "BMP"), lambda data: [2, 10, 14, 30, 54]),
    }
    cases = {}
    for name, (data, places) in forms.items():
        for place in sorted({p + shift for p in places(data) for shift in (0, 3)}):
            if 2 < place < len(data):
                cases[f"{name} cut at byte {place}"] = (data[:place], LOOSE)
    return cases


def jpeg_places(data: bytes) -> list[int]:
    return [at for at in range(len(data) - 1) if data[at] == 0xFF and 0xC0 <= data[at + 1] < 0xFF]


def png_places(data: bytes) -> list[int]:
    places = [8]
    while places[-1] + 8 <= len(data):
        places.append(places[-1] + 12 + struct.unpack_from(">I", data, places[-1])[0])
    return [place + shift for place in places for shift in (0, 8)]


def gif_places(data: bytes) -> list[int]:
    return [6, 13, *(at for at in range(13, len(data)) if data[at : at + 2] in (b"!\xf9", b"!\xff", b"\0,"))]


def riff_places(data: bytes) -> list[int]:
    places = [8, 12]
    while places[-1] + 8 <= len(data):
        length = struct.unpack_from("<I", data, places[-1] + 4)[0]
        places.append(places[-1] + 8 + length + (length & 1))
    return places


def tiff_places(data: bytes) -> list[int]:
    start = struct.unpack_from("<I", data, 4)[0]
    number = struct.unpack_from("<H", data, start)[0]
    return [4, 8, start, *(start + 2 + 12 * entry for entry in range(number + 1))]


def many_frames() -> dict[str, tuple[bytes, set[str]]]:
    """Only the first frame is looked at, however many there are."""
    image, small = picture(), Image.new("RGB", (4, 4), "red")
    webp = saved(small, "WEBP", save_all=True, append_images=[Image.new("RGB", (4, 4), "blue")])
    frame = webp[webp.rindex(b"ANMF") :]
    long_webp = webp + frame * 15_000
    pages = saved(small, "TIFF", save_all=True, append_images=[small] * 300)
    apng = saved(small, "PNG", save_all=True, append_images=[Image.new("RGB", (4, 4), "blue")])
    control = apng.index(b"fcTL", apng.index(b"IDAT")) - 4
    return {
        "300 pages.tif": (pages, VALID),
        "15,000 frames.webp": (
            long_webp[:4] + struct.pack("<I", len(long_webp) - 8) + long_webp[8:],
            LOOSE,
        ),
        "30,000 frames.png": (apng[:-12] + apng[control:-12] * 30_000 + apng[-12:], LOOSE),
        "10,000 pictures.mpo": (saved(image, "MPO", save_all=True, append_images=[image]) * 100, LOOSE),
        "a frame larger than its gif.gif": (
            b"GIF89a\x08\0\x08\0\x80\0\0\0\0\0\xff\xff\xff,\0\0\0\0\xff\x3f\xff\x3f\0\x02\x02\x44\x01\0;",
            LOOSE,
        ),
    }


def many_profiles() -> dict[str, tuple[bytes, set[str]]]:
    """Colour profiles and EXIF blocks that are huge, many, nested or compressed a thousandfold."""
    jpeg, image = saved(picture(), "JPEG"), picture()
    zipped = zlib.compress(bytes(100_000_000), 9)
    parts = [jpeg_segment(0xE2, b"ICC_PROFILE\0" + bytes([k, 255]) + bytes(65_000)) for k in range(1, 255)]
    blocks = [jpeg_segment(0xE1, b"Exif\0\0" + tiff_directory([(0x0112, 3, 1, 6)]))] * 5_000
    loop = tiff_directory([(0x8769, 4, 1, 8), (0x8825, 4, 1, 8), (0xA005, 4, 1, 8)], 8)
    return {
        "254 profiles of 64 KB.jpg": (with_segments(jpeg, *parts), VALID),
        "5,000 exif blocks.jpg": (with_segments(jpeg, *blocks), VALID),
        "profile of 100 MB.png": (png(8, 8, png_chunk(b"iCCP", b"k\0\0" + zipped)), VALID),
        "text of 100 MB.png": (png(8, 8, png_chunk(b"iTXt", b"k\0\1\0\0\0" + zipped)), VALID),
        "a thousand profiles.png": (png(8, 8, png_chunk(b"iCCP", b"k\0\0" + zipped[:900]) * 1000), VALID),
        "profile of 8 MB.webp": (saved(image, "WEBP", icc_profile=bytes(8 << 20)), VALID),
        "profile of 8 MB.tif": (saved(image, "TIFF", icc_profile=bytes(8 << 20)), VALID),
        "exif that contains itself.jpg": (
            with_segments(jpeg, jpeg_segment(0xE1, b"Exif\0\0" + loop)),
            VALID,
        ),
        "exif that contains itself.tif": (loop, BROKEN),
    }


def polyglots() -> dict[str, tuple[bytes, set[str]]]:
    """Files that are two things at once; the first bytes decide."""
    image, gif, bmp = (saved(picture().convert("P"), form) for form in ("PNG", "GIF", "BMP"))
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as file:
        file.writestr("../../outside.txt", "no")
    script = b"<script>alert(1)</script>"
    return {
        "png and zip.png": (image + archive.getvalue(), VALID),
        "gif and zip.gif": (gif + archive.getvalue(), VALID),
        "bmp and zip.bmp": (bmp + archive.getvalue(), VALID),
        "pdf and png.pdf": (b"%PDF-1.4\n" + image, {"unsupported_kind"}),
        "zip and png.png": (archive.getvalue() + image, {"unsupported_kind"}),
        "gif and page.gif": (b"GIF89a/*" + script + gif[14:], LOOSE),
        "png with script.png": (png(8, 8, png_chunk(b"tEXt", b"Comment\0" + script)), VALID),
        "svg in png.png": (png(8, 8) + b"<svg onload='alert(1)'/>", VALID),
        "png in svg.svg": (b"<svg/>" + image, {"unsupported_kind"}),
        "bm, then text.bmp": (b"BMW is a maker of cars " * 9, REFUSED),
        "ii, then text.tif": (b"II*\0 is how TIFF begins " * 9, REFUSED),
        "riff of nothing.webp": (b"RIFF\0\0\0\0WEBP", REFUSED),
    }


def lies() -> dict[str, tuple[bytes, set[str]]]:
    """Headers that promise what is not there."""
    tiles = {
        f"tiff of one pixel in a tile of {side:,}, {order}{kind}": (
            tiff_of_a_tile(1, 1, side, order, kind),
            {"too_complex"},
        )
        for side, order, kind in ((32_000, "<", 4), (46_000, ">", 4), (32_000, "<", 16), (60_000, ">", 3))
    }
    tiffs = {
        "a million bits a sample": [(256, 3, 1, 8), (257, 3, 1, 8), (258, 3, 60_000, 8)],
        "65,535 samples": [(256, 3, 1, 8), (257, 3, 1, 8), (277, 3, 1, 65_535), (273, 4, 1, 8)],
        "rows per strip 0": [(256, 3, 1, 8), (257, 3, 1, 8), (278, 4, 1, 0), (273, 4, 1, 8)],
        "unknown compression": [(256, 3, 1, 8), (257, 3, 1, 8), (259, 3, 1, 31_337)],
        "2 gigapixels": [(256, 4, 1, 46_000), (257, 4, 1, 46_000), (262, 3, 1, 2)],
        "a million strips": [(256, 4, 1, 1), (257, 4, 1, 10**6), (273, 4, 10**6, 8)],
    }
    cases = {f"{name}.tif": (tiff_directory(entries), REFUSED) for name, entries in tiffs.items()}
    for depth, colour in [(16, 3), (3, 0), (8, 7), (255, 255)]:
        head = struct.pack(">IIBBBBB", 8, 8, depth, colour, 0, 0, 0)
        cases[f"depth {depth} of colour {colour}.png"] = (
            b"\x89PNG\r\n\x1a\n" + png_chunk(b"IHDR", head) + png(8, 8)[33:],
            LOOSE,
        )
    for offset in (10, 14, 28, 30, 46):
        bmp = bytearray(saved(picture().quantize(16), "BMP"))
        bmp[offset : offset + 4] = b"\xff\xff\xff\x7f"
        cases[f"absurd field {offset}.bmp"] = (bytes(bmp), LOOSE)
    return cases | tiles


def tiff_of_a_tile(width: int, height: int, side: int, order: str = "<", kind: int = 4) -> bytes:
    """A packed TIFF of some pixels in one tile of `side` x `side`; libtiff makes room for all of the tile."""
    sizes = {3: "H", 4: "I", 16: "Q"}
    fields = [(256, 4, width), (257, 4, height), (258, 3, 8), (259, 3, 8), (262, 3, 1), (277, 3, 1)]
    fields += [(322, kind, side), (323, kind, side), (324, 4, 8), (325, 4, 10)]
    big = kind == 16  # only BigTIFF has numbers of 64 bits
    room, count = (8, "Q") if big else (4, "I")
    entries = [
        struct.pack(order + "HH" + count, tag, type_, 1)
        + struct.pack(order + sizes[type_], value).ljust(room, b"\0")
        for tag, type_, value in fields
    ]
    start = (43, 8, 0, 16, len(entries)) if big else (42, 8, len(entries))
    head = struct.pack(order + ("HHHQQ" if big else "HIH"), *start)
    return {"<": b"II", ">": b"MM"}[order] + head + b"".join(entries) + bytes(8)


def mutated() -> dict[str, tuple[bytes, set[str]]]:
    return {name: (data, SURVIVES) for name, data in mutations(60, seed=1)}
