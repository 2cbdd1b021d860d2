"""A folder as an enemy would leave it: names, links, pipes, devices; nothing outside the store is touched."""

import contextlib
import os
import socket
import stat
import time
from pathlib import Path

import pytest

from hostile import picture, saved
from hostile_structures import LIMITS, all_files
from wikitopics.artefacts import read_table, write_table
from wikitopics.images.decode import Recipe
from wikitopics.images.image_set import decode_files
from wikitopics.images.reasons import REASONS
from wikitopics.sources import open_source

NAMES = [
    "new\nline.jpg",
    "tab\t and \r return.jpg",
    "up..jpg..jpg",
    "%2e%2e%2fup.jpg",
    "'; drop table files; --.jpg",
    "$(touch outside).jpg",
    "-rf.jpg",
    "con.jpg",
    "exe\u202egpj.jpg",  # a mark that turns the rest from right to left
    "\u2066isolated\u2069.jpg",
    "zero\u200bwidth.jpg",
    "e\u0301 and \u00e9.jpg",
    "<script>alert(1)<script>.jpg",
    " .jpg",
    "\U0001f600.jpg",
    "x" * 251 + ".jpg",
    "\u00fc" * 125 + "x.jpg",
]


def tree(top: Path) -> dict[str, tuple[int, int]]:
    """Everything under a folder with size and time of change."""
    return {
        str(path): (path.lstat().st_size, path.lstat().st_mtime_ns)
        for path in top.rglob("*")
        if not path.is_relative_to(top / "store")
    }


@pytest.fixture
def enemy(tmp_path, monkeypatch):
    """root/set full of traps, root/secret.png beside it."""
    monkeypatch.setenv("WIKITOPICS_ROOT", str(tmp_path))
    top, good = tmp_path / "set", saved(picture(), "PNG")
    top.mkdir()
    (tmp_path / "secret.png").write_bytes(good)
    for number, name in enumerate(NAMES):
        (top / name).write_bytes(saved(picture(seed=number), "JPEG"))
    (top / "caf\udce9.jpg").write_bytes(good[:200])  # a name that is no UTF-8
    (top / "empty.jpg").touch()
    with open(top / "sparse.jpg", "wb") as file:
        file.truncate(2 << 30)
    with open(top / "sparse picture.png", "wb") as file:
        file.write(good)
        file.truncate(2 << 30)
    (top / "folder.jpg").mkdir()
    os.mkfifo(top / "pipe.jpg")
    socket.socket(socket.AF_UNIX).bind(os.path.relpath(top / "socket.jpg"))
    os.symlink("loop2.jpg", top / "loop1.jpg")
    os.symlink("loop1.jpg", top / "loop2.jpg")
    os.symlink("self.jpg", top / "self.jpg")
    os.symlink("..", top / "up")
    os.symlink("../secret.png", top / "relative.png")
    os.symlink(tmp_path / "secret.png", top / "absolute.png")
    os.symlink("/dev/zero", top / "zero.jpg")
    os.symlink("/proc/self/mem", top / "memory.jpg")
    os.symlink("nowhere.jpg", top / "dangling.jpg")
    os.symlink("empty.jpg", top / "inside.jpg")
    if os.geteuid() == 0:
        with contextlib.suppress(PermissionError):
            os.mknod(top / "device.jpg", 0o666 | stat.S_IFCHR, os.makedev(1, 5))
    return tmp_path


REFUSED = {"pipe.jpg", "socket.jpg", "relative.png", "absolute.png", "zero.jpg", "memory.jpg", "device.jpg"}
EXPECTED = dict.fromkeys(REFUSED, "refused")
EXPECTED |= {"loop1.jpg": "unreadable", "loop2.jpg": "unreadable", "self.jpg": "unreadable"}
EXPECTED |= {"empty.jpg": "empty", "inside.jpg": "empty", "dangling.jpg": "missing"}
EXPECTED |= {"sparse.jpg": "too_many_bytes", "sparse picture.png": "too_many_bytes"}
EXPECTED |= {"bytes:caf%E9.jpg": "truncated"}


def test_an_enemys_folder_ends_in_the_tables(enemy):
    before, started = tree(enemy), time.monotonic()
    source = open_source("folder", image_root="set")
    decoded = decode_files(source.files(), source, Recipe(32), enemy / "store" / "images.npy", jobs=1)
    assert time.monotonic() - started < 20
    found = dict(zip(decoded.rejected["path"], decoded.rejected["reason"], strict=True))
    assert found == {path: reason for path, reason in EXPECTED.items() if path in found}
    assert EXPECTED.keys() - found.keys() <= {"device.jpg"}
    assert sorted(decoded.images["path"]) == sorted(NAMES) and decoded.images["title"].is_unique
    assert tree(enemy) == before
    for table in (decoded.images, decoded.rejected):
        write_table(enemy / "store" / "t.parquet", table)
        assert len(read_table(enemy / "store" / "t.parquet")) == len(table)


def test_the_whole_corpus_under_wrong_names_ends_in_the_tables(tmp_path, monkeypatch):
    monkeypatch.setenv("WIKITOPICS_ROOT", str(tmp_path))
    (tmp_path / "set").mkdir()
    suffixes = [".jpg", ".png", ".gif", ".webp", ".tif", ".bmp", ""]
    for number, (data, _) in enumerate(all_files().values()):
        (tmp_path / "set" / f"{number}{suffixes[number % len(suffixes)]}").write_bytes(data)
    source = open_source("folder", image_root="set")
    decoded = decode_files(source.files(), source, Recipe(), tmp_path / "store" / "images.npy", jobs=1)
    assert len(decoded.images) + len(decoded.rejected) + len(decoded.exact) == len(all_files())
    reasons = set(decoded.rejected["reason"])
    assert reasons <= REASONS.keys() and not reasons & LIMITS
    assert decoded.rejected["detail"].str.len().max() < 300
