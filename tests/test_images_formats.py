"""Every format: what is decoded looks right, what is not is rejected by kind; SVG is drawn on demand."""

import shutil
import socket
import time
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from hostile import picture, saved
from wikitopics.errors import UserError
from wikitopics.images.decode import LONGEST_SIDE, Recipe, decode
from wikitopics.images.image_set import decode_files
from wikitopics.images.reasons import Rejected
from wikitopics.images.sandbox import decode_in_child
from wikitopics.sources import open_source

DRAWN = Recipe(store_size=32, svg=True)
needs_rsvg = pytest.mark.skipif(not shutil.which("rsvg-convert"), reason="rsvg-convert is not installed")
FORMS = {
    "JPEG": {"quality": 95},
    "PNG": {},
    "WEBP": {"lossless": True},
    "TIFF": {"compression": "tiff_lzw"},
    "BMP": {},
}
OTHERS = {
    b"AT&TFORM\0\0\0\x09DJVU": "djvu",
    b"%PDF-1.7": "pdf",
    b"OggS\0\x02": "ogg (sound or video)",
    b"\x1aE\xdf\xa3": "webm (video)",
    b"\0\0\0\x20ftypmp42": "mp4 (video)",
    b"fLaC": "flac (sound)",
    b"ID3\x04": "mp3 (sound)",
    b"MThd": "midi (sound)",
    b"RIFF\0\0\0\0WAVE": "wav (sound)",
    b"<svg/>": "svg",
    b"\0\0\0\x20ftypavif": "avif",
}


def svg(body: str, size: str = 'width="64" height="64"', head: str = "") -> bytes:
    xlink = 'xmlns:xlink="http://www.w3.org/1999/xlink" xmlns:xi="http://www.w3.org/2001/XInclude"'
    text = f'<?xml version="1.0"?>{head}<svg xmlns="http://www.w3.org/2000/svg" {xlink} {size}>{body}</svg>'
    return text.encode()


@pytest.mark.parametrize("form", FORMS)
def test_each_format_gives_the_same_picture(form):
    found = decode(saved(picture(64, 64), form, **FORMS[form]), Recipe(64))
    assert found.format == form and (found.width, found.height) == (64, 64)
    assert np.abs(found.pixels.astype(int) - np.asarray(picture(64, 64))).mean() < 8


def test_of_a_gif_the_first_frame_counts():
    red, blue = (Image.new("P", (16, 16), 0) for _ in range(2))
    red.putpalette([255, 0, 0])
    blue.putpalette([0, 0, 255])
    found = decode(saved(red, "GIF", save_all=True, append_images=[blue] * 3), Recipe(16))
    assert found.format == "GIF" and found.pixels[8, 8].tolist() == [255, 0, 0]


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="memory is bounded on Linux only")
def test_pictures_of_as_many_pixels_as_allowed_fit_into_the_memory_allowed():
    """Whatever their mode and form: long lines, 32 bits each, 16 bits, multiplied alpha."""
    recipe = Recipe(32, max_pixels=36_000_000, max_seconds=60)
    square = (6000, 6000)
    files = [
        saved(Image.new(mode, size), form)
        for size, mode, form in [
            ((LONGEST_SIDE, 36), "L", "PNG"),
            ((36, LONGEST_SIDE), "F", "TIFF"),
            (square, "F", "TIFF"),
            (square, "I;16", "PNG"),
            (square, "RGBA", "TIFF"),
            ((LONGEST_SIDE + 1, 1), "L", "PNG"),
        ]
    ]
    outcomes = decode_in_child(files, recipe)
    assert [getattr(found, "reason", "") for found in outcomes] == [""] * 5 + ["too_many_pixels"]


@pytest.mark.parametrize(("start", "kind"), OTHERS.items(), ids=OTHERS.values())
def test_other_kinds_are_rejected_by_kind(start, kind):
    with pytest.raises(Rejected) as rejected:
        decode(start + bytes(100), Recipe())
    assert (rejected.value.reason, rejected.value.detail) == ("unsupported_kind", kind)


@needs_rsvg
def test_a_drawing_is_drawn_where_asked_for():
    data = svg('<rect width="64" height="32" fill="lime"/>')
    found = decode_in_child([data], DRAWN)[0]
    assert found.format == "SVG" and found.pixels[4, 16].tolist() == [0, 255, 0]
    assert found.pixels[28, 16].tolist() == [255, 255, 255]  # what is not drawn is white
    wide = decode(svg('<rect width="4000" height="9" fill="red"/>', 'viewBox="0 0 4000 1000"'), DRAWN)
    assert (wide.width, wide.height) == (128, 32)


@needs_rsvg
def test_a_drawing_reaches_neither_files_nor_the_network(tmp_path):
    secret = tmp_path / "secret.png"
    secret.write_bytes(saved(Image.new("RGB", (64, 64), "red"), "PNG"))
    (tmp_path / "secret.txt").write_text("<rect width='64' height='64' fill='red'/>")
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(0.5)
        web = f"http://127.0.0.1:{server.getsockname()[1]}/a.png"
        entity = f'<!DOCTYPE svg [<!ENTITY x SYSTEM "file://{tmp_path}/secret.txt">]>'
        attempts = [
            *(
                svg(f'<image width="64" height="64" {a}="{u}"/>')
                for a in ("href", "xlink:href")
                for u in (f"file://{secret}", str(secret), "secret.png", web)
            ),
            svg("&x;", head=entity),
            svg(f'<xi:include href="file://{tmp_path}/secret.txt" parse="xml"/>'),
            svg(f"<style>@import url({web});</style>"),
            svg("", head=f'<?xml-stylesheet href="{web}" type="text/css"?>'),
            svg(f'<rect width="64" height="64" style="fill:url({web}#a)"/>'),
        ]
        for found in decode_in_child(attempts, DRAWN):
            assert isinstance(found, Rejected) or not (found.pixels[..., 0] > found.pixels[..., 1]).any()
        with pytest.raises(TimeoutError):
            server.accept()


@needs_rsvg
def test_drawings_that_are_bombs_end_as_reasons():
    laughs = "".join(f'<!ENTITY l{k} "{f"&l{k - 1};" * 10}">' for k in range(1, 10))
    uses = "".join(f'<g id="g{k}">{f"""<use href="#g{k - 1}"/>""" * 20}</g>' for k in range(1, 9))
    blur = '<filter id="f"><feGaussianBlur stdDeviation="1e9"/></filter>'
    bombs = [
        svg("&l9;", head=f'<!DOCTYPE svg [<!ENTITY l0 "lol">{laughs}]>'),
        svg(f'<defs><path id="g0" d="M0 0h9"/>{uses}</defs><use href="#g8"/>'),
        svg("", 'width="1e9" height="1e9"'),
        svg("<g>" * 100_000),
        svg(blur + '<rect width="1e9" height="1e9" filter="url(#f)"/>'),
        b"<svg" + bytes(1000),
        svg("")[:60],
    ]
    started = time.monotonic()
    for found in decode_in_child(bombs, DRAWN):
        assert not isinstance(found, Rejected) or found.reason in ("damaged", "too_slow")
    assert time.monotonic() - started < 30


def test_svg_without_its_program_is_one_sentence(tmp_path, monkeypatch):
    monkeypatch.setenv("WIKITOPICS_ROOT", str(tmp_path))
    monkeypatch.setenv("PATH", str(tmp_path))
    (tmp_path / "set").mkdir()
    (tmp_path / "set" / "a.svg").write_bytes(svg(""))
    source = open_source("folder", image_root="set")
    with pytest.raises(UserError, match="needs rsvg-convert, but it is not installed; install"):
        decode_files(source.files(), source, DRAWN, tmp_path / "a.npy", jobs=1)
