"""Reading foreign files: never outside the root, never more than allowed, large ones once."""

import hashlib
import math
import os
import stat
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from functools import lru_cache
from pathlib import Path
from typing import Any

import pandas as pd

from wikitopics.artefacts import RECORD, clear_leftovers, take_lock, write_json
from wikitopics.known_digests import known_as, known_digest, state_of
from wikitopics.paths import as_there, root
from wikitopics.titles import digest_folders

HASHED_BYTES = 64 << 20  # of a larger file its size and this many first bytes stand for its content

MANIFEST, PICTURES = "manifest.parquet", "pictures"  # of a folder that `wikitopics download` has filled


class TooLarge(OSError):
    """The file holds more bytes than the limit."""


class Refused(OSError):
    """The path is not a regular file inside the root."""


def inside(root: Path, path: str | os.PathLike) -> Path:
    """The real place of `root / path`, links followed; Refused where that is outside of `root`.

    A name that is only there composed (NFC) or decomposed (NFD), as a Mac may write it, is found too.

    Raises FileNotFoundError for a missing file and OSError for a loop of links or an impossible name.
    """
    try:
        real = Path(os.path.realpath(as_there(Path(root) / path), strict=True))
    except ValueError as error:  # a NUL character in the name
        raise Refused(f"not a possible file name: {error}") from None
    if not real.is_relative_to(os.path.realpath(root)):
        raise Refused("the path leads out of the root folder")
    return real


def is_file(top: Path, path: str) -> bool:
    """Whether a path below `top` leads to a file, however its letters are composed."""
    try:
        return os.path.isfile(as_there(top / path))
    except ValueError:  # a name that cannot be
        return False


def open_regular(real: str | os.PathLike) -> int:
    """A descriptor of a regular file; Refused, unopened, for folders, pipes, sockets and devices."""
    refuse_special(os.stat(real).st_mode)
    # Between the look and the open the file may have been swapped: do not follow, do not block, look again.
    descriptor = os.open(real, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    try:
        refuse_special(os.fstat(descriptor).st_mode)
    except Refused:
        os.close(descriptor)
        raise
    return descriptor


def refuse_special(mode: int) -> None:
    """Refused unless `mode` is a regular file's."""
    kinds = {stat.S_IFDIR: "a folder", stat.S_IFIFO: "a pipe", stat.S_IFSOCK: "a socket"}
    if not stat.S_ISREG(mode):
        raise Refused(f"{kinds.get(stat.S_IFMT(mode), 'a device')}, not a file")


def read_inside(root: Path, path: str | os.PathLike, max_bytes: int) -> bytes:
    """Bytes of a regular file under `root`, at most `max_bytes` of them ever read; else TooLarge."""
    with os.fdopen(open_regular(inside(root, path)), "rb") as file:
        size = os.fstat(file.fileno()).st_size
        data = b"" if size > max_bytes else file.read(max_bytes + 1)
    if size > max_bytes or len(data) > max_bytes:
        raise TooLarge(f"{max(size, len(data)):,} bytes, limit {max_bytes:,}")
    return data


def hash_inside(root: Path, path: str | os.PathLike) -> str:
    """Hex digest of one file's content, or of the reason why it cannot be read."""
    return _hash_or_reason(lambda: known_digest("beginning", inside(root, path), _of_the_beginning))


def _hash_or_reason(digest: Callable[[], str]) -> str:
    try:
        return digest()
    except OSError as error:
        return _reason(error)


def _reason(error: OSError) -> str:
    """What stands for the content of a file that cannot be read."""
    return hashlib.blake2b(type(error).__name__.encode(), digest_size=16).hexdigest()


def _of_the_beginning(real: str | os.PathLike) -> str:
    with os.fdopen(open_regular(real), "rb") as file:
        digest = hashlib.blake2b(str(os.fstat(file.fileno()).st_size).encode(), digest_size=16)
        left = HASHED_BYTES
        while left > 0 and (block := file.read(min(left, 1 << 20))):
            digest.update(block)
            left -= len(block)
    return digest.hexdigest()


# --- Images of Commons on disk: as `wikitopics download` keeps them, or in folders as Wikimedia does


def stored_path(title: str) -> str:
    """Where a file of this title lies on Wikimedia's servers: folders by the digest of its name.

    >>> stored_path("A red fox.jpg")
    '8/87/A_red_fox.jpg'
    """
    return f"{digest_folders(title)}/{title.replace(' ', '_')}"


def read_stored(folder: Path, title: str, max_bytes: int) -> bytes:
    """The bytes of the file of this title; FileNotFoundError where it was not downloaded, or TooLarge."""
    manifest = folder / MANIFEST
    if not manifest.is_file():
        return read_inside(folder, stored_path(title), max_bytes)
    path = _paths(manifest, manifest.stat().st_mtime_ns).get(title)
    if not path:
        raise FileNotFoundError(f"no picture of {title!r} was downloaded")
    return read_inside(folder / PICTURES, path, max_bytes)


def stored_fingerprint(folder: Path) -> str:
    """Hex digest of all pictures in a folder that `read_stored` reads: titles or places, and contents."""
    manifest, digest = folder / MANIFEST, hashlib.blake2b(digest_size=16)
    if manifest.is_file():
        for title, path in sorted(_paths(manifest, manifest.stat().st_mtime_ns).items()):
            digest.update(f"{title}\0{path}\0".encode("utf-8", "surrogateescape"))
        folder = folder / PICTURES
    return digest_of(digest.hexdigest(), contents_digest(folder, _below(folder)))


# --- Many files at once: a folder in which nothing has changed is known as one


def contents_digest(top: Path, paths: Iterable[str]) -> str:
    """Hex digest of the places and contents of files below `top`, in whatever order they come.

    paths: relative, parts joined by "/", none through a link to a folder; files themselves may be links. Of a
    folder whose files have the names, sizes and times that they had, no file is opened or looked up: known
    ones take little more than asking the system for their sizes and times.
    """
    real, names, digest = os.path.realpath(top), defaultdict(list), hashlib.blake2b(digest_size=16)
    for path in paths:
        folder, _, name = path.rpartition("/")
        names[folder].append(name)
    for folder, inside_it in sorted(names.items()):
        digest.update(os.fsencode(folder) + b"\0" + _folder_digest(real, folder, inside_it).encode())
    return digest.hexdigest()


def named_digest(top: Path, paths: Iterable[str]) -> str:
    """Hex digest of the places and contents of files that somebody named, as `read_inside` reads them.

    Those that lie below `top` as they are named are looked at by folder, see `contents_digest`; the others
    (through a link, composed otherwise, outside, missing) one by one, each as `hash_inside` takes it.
    """
    real = os.path.realpath(top)
    others: list[str] = []
    straight: list[str] = []
    plain: dict[str, bool] = {}  # folder -> whether it is below `top` where its name says
    for path in paths:
        folder = path.rpartition("/")[0]
        if folder not in plain:
            plain[folder] = _is_plain(real, folder)
        there = plain[folder] and os.path.lexists(os.path.join(real, path))
        (straight if there else others).append(path)
    digest = hashlib.blake2b(contents_digest(top, straight).encode(), digest_size=16)
    for path in others:
        digest.update(ascii(path).encode() + hash_inside(top, path).encode())
    return digest.hexdigest()


def _is_plain(top: str, folder: str) -> bool:
    """Whether a folder named below the real folder `top` is there without a link or a step up."""
    place = os.path.join(top, folder).rstrip("/")
    try:
        return not folder.startswith("/") and os.path.realpath(place) == place
    except ValueError:  # a name that cannot be
        return False


def _folder_digest(top: str, folder: str, names: list[str]) -> str:
    """Hex digest of the names and contents of these files of a folder below the real folder `top`."""
    place, unread = os.path.join(top, folder), []

    def compute() -> str:
        digest = hashlib.blake2b(digest_size=16)
        for name in sorted(names):
            try:
                found = _hash_below(top, os.path.join(folder, name))
            except OSError as error:
                unread.append(name)
                found = _reason(error)
            digest.update(os.fsencode(name) + b"\0" + found.encode())
        return digest.hexdigest()

    def look() -> tuple[str, float]:
        state, changed = _state_of_folder(place, set(names))
        return state, math.inf if unread else changed  # what could not be read may be readable next time

    return known_as("folder", place, look, compute)


def _state_of_folder(place: str, names: set[str]) -> tuple[str, float]:
    """What some files of a folder are known by, as one text, and when the last of them was changed.

    "" and infinity, which is not remembered, where the folder does not list all of them.
    """
    states, latest = [], 0.0
    try:
        with os.scandir(place) as entries:
            for entry in entries:
                if entry.name in names:
                    state, changed = _state_of_entry(entry)
                    states.append(f"{entry.name}\0{state}")
                    latest = max(latest, changed)
    except OSError:  # it went while we looked
        return "", math.inf
    if len(states) < len(names):  # gone, or listed otherwise than named: a Mac's disk finds a.jpg as A.JPG
        return "", math.inf
    text = "\0".join(sorted(states)).encode("utf-8", "surrogateescape")  # a name need not be text
    return hashlib.blake2b(text, digest_size=16).hexdigest(), latest


def _state_of_entry(entry: os.DirEntry) -> tuple[str, float]:
    """As `state_of` a file; of a link what it leads to, and where that is."""
    if not entry.is_symlink():
        return state_of(entry.stat(follow_symlinks=False))
    try:
        state, changed = state_of(entry.stat())
    except OSError:  # it leads nowhere
        state, changed = "", 0.0
    return f"{state} {os.path.realpath(entry.path)}", changed


def _hash_below(top: str, place: str) -> str:
    """Hex digest of a file below a real folder, as `hash_inside`, sooner where no link is followed."""
    path = os.path.join(top, place)
    real = inside(Path(top), place) if os.path.islink(path) else path
    return known_digest("beginning", real, _of_the_beginning)


def _below(folder: Path) -> Iterator[str]:
    """Paths of the files below a folder, relative to it, without hidden ones, of downloads under way."""
    for place, folders, names in os.walk(folder):
        folders[:] = [name for name in folders if not name.startswith(".")]
        inner = Path(place).relative_to(folder).as_posix()
        start = "" if inner == "." else f"{inner}/"
        yield from (start + name for name in names if not name.startswith("."))


@lru_cache(maxsize=2)
def _paths(manifest: Path, modified: int) -> dict[str, str]:
    """Title -> path below the pictures, of one version of the manifest."""
    table = pd.read_parquet(manifest, columns=["title", "path"])
    return dict(zip(table["title"], table["path"], strict=True))


def fingerprint_of(files: list[Path], *more: str) -> str:
    """Hex digest of the names and contents of files (as `reading.hash_inside` takes them), and of texts."""
    digest = hashlib.blake2b(digest_size=16)
    for file in files:
        digest.update(file.name.encode() + b"\0" + hash_inside(file.parent, file.name).encode())
    return digest_of(digest.hexdigest(), *more)


def digest_of(*texts: str) -> str:
    """Hex digest of a sequence of texts."""
    return hashlib.blake2b("\0".join(texts).encode(), digest_size=16).hexdigest()


def made_once(name: str, key: str, make: Callable[[Path], dict[str, Any]]) -> Path:
    """The folder data/sources/NAME-KEY, filled by `make(folder)` unless it was filled before.

    What `make` returns is written last, as run.json: a folder without it is not whole. Of several runs that
    want the same folder one makes it and the others wait.
    """
    folder = root() / "data" / "sources" / f"{name}-{key[:16]}"
    folder.mkdir(parents=True, exist_ok=True)
    if not (folder / RECORD).exists():
        with open(folder / "lock", "wb") as file:
            take_lock(file.fileno(), folder)
            if not (folder / RECORD).exists():
                clear_leftovers(folder)
                write_json(folder / RECORD, make(folder))
    return folder
