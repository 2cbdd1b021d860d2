"""What a bundle, as a zip or as a folder, says it holds: checked before one byte of it is believed."""

import os
import re
import stat
import struct
import zipfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import BinaryIO, NoReturn

from wikitopics.artefacts import NO_ROOM
from wikitopics.errors import UserError

ENTRIES, LARGEST = 200, 2 << 30  # files in a bundle, and bytes of all of them
TOLD = 1024  # bytes that the list of contents has for one file, at most
_PART = "[A-Za-z0-9_][A-Za-z0-9._-]{0,119}"
NAME = re.compile(f"{_PART}(/{_PART}){{0,3}}")
END, END_64 = struct.Struct("<4s4H2LH"), 20  # a zip's last 22 bytes; before them what announces a zip64


@dataclass(frozen=True)
class Listing:
    """Names and sizes (bytes) of the files in `where`, and how one is opened for reading."""

    where: str
    sizes: dict[str, int]
    open: Callable[[str], BinaryIO]


def refuse(where: str, what: str) -> NoReturn:
    """Raise the UserError of a bundle that is not as it was written."""
    raise UserError(
        f"a bundle must be as `wikitopics export` wrote it, but {where} {what}; get it or export it again"
    )


@contextmanager
def listing(path: Path) -> Iterator[Listing]:
    """The checked contents of the folder or zip at `path`. Raises UserError, see `refuse`."""
    if path.is_dir():
        with _readable(path.name):
            files = dict(islice(_files(path, path.name), ENTRIES + 1))
            yield _checked(Listing(path.name, files, lambda name: (path / name).open("rb")))
        return
    with zip_listing(path) as found:
        yield found


@contextmanager
def zip_listing(path: Path) -> Iterator[Listing]:
    """The checked contents of a zip whose entries are plain, stored files.

    Stored means that no entry can be larger than the zip, so that nothing in it can swell when it is read.
    """
    where = path.name
    with _readable(where), open(path, "rb") as file:
        _check_end(file, where)
        with zipfile.ZipFile(file) as archive:
            yield _checked(_of_zip(archive, where, path.stat().st_size))


@contextmanager
def _readable(where: str) -> Iterator[None]:
    """What Python's readers raise for broken bytes becomes a refusal; a full disk is told as such."""
    try:
        yield
    except (zipfile.BadZipFile, OSError, NotImplementedError, EOFError, UnicodeError, struct.error) as error:
        reason = " ".join(str(error).split())[:120] or type(error).__name__
        if getattr(error, "errno", None) in NO_ROOM:
            raise UserError(
                f"there must be room to unpack a bundle, but for {where} was none ({reason}); free some, "
                "or let TMPDIR name another folder"
            ) from error
        refuse(where, f"cannot be read ({reason})")


def _check_end(file: BinaryIO, where: str) -> None:
    """The list of contents is short and where it belongs, before Python's reader takes it into memory."""
    size = file.seek(0, os.SEEK_END)
    file.seek(max(0, size - END.size - END_64))
    tail = file.read()
    if len(tail) < END.size or tail[-END.size :][:4] != b"PK\x05\x06":
        refuse(where, "is no zip, or one that was cut off")
    *_, entries, length, start, _ = END.unpack(tail[-END.size :])
    long = entries > ENTRIES or length > ENTRIES * TOLD  # a list may say that it is shorter than it is
    if tail.startswith(b"PK\x06\x07") or long or start + length + END.size != size:
        refuse(where, f"has another list of contents ({entries:,} entries, {length:,} bytes) than a bundle")
    file.seek(0)


def _of_zip(archive: zipfile.ZipFile, where: str, size: int) -> Listing:
    sizes: dict[str, int] = {}
    for entry in archive.infolist():
        name, kind = entry.filename, stat.S_IFMT(entry.external_attr >> 16)
        if name in sizes:
            refuse(where, f"names {_shown(name)} twice")
        if entry.flag_bits & 0x2041 or entry.compress_type != zipfile.ZIP_STORED:
            refuse(where, f"has {_shown(name)} encrypted or compressed, which a bundle's files are not")
        if not name or name.endswith("/") or kind not in (0, stat.S_IFREG):
            refuse(where, f"has {_shown(name)}, which is no plain file")
        if entry.file_size != entry.compress_size or entry.file_size > size:
            refuse(where, f"says that {_shown(name)} has {entry.file_size:,} bytes, which cannot be")
        sizes[name] = entry.file_size
    if sum(sizes.values()) > size:
        refuse(where, "has files that lie on one another")
    return Listing(where, sizes, archive.open)


def _files(folder: Path, where: str, above: str = "") -> Iterator[tuple[str, int]]:
    """Name and size of each file below `folder`; links and the like are refused, and so are too many."""
    with os.scandir(folder) as entries:
        for number, entry in enumerate(entries):
            name = above + entry.name
            plain = entry.is_file(follow_symlinks=False) or entry.is_dir(follow_symlinks=False)
            if not plain or number > ENTRIES or not NAME.fullmatch(name):
                refuse(where, f"has {_shown(name)}, which does not belong into a bundle")
            if entry.is_dir(follow_symlinks=False):
                yield from _files(Path(entry.path), where, name + "/")
            else:
                yield name, entry.stat(follow_symlinks=False).st_size


def _checked(found: Listing) -> Listing:
    """Names that stay inside on every system and differ in more than case; few, and not too large."""
    for name in found.sizes:
        if not NAME.fullmatch(name):
            refuse(found.where, f"names {_shown(name)}, which does not belong into a bundle")
    if len({name.lower() for name in found.sizes}) < len(found.sizes):
        refuse(found.where, "has names that differ only in case")
    if len(found.sizes) > ENTRIES or sum(found.sizes.values()) > LARGEST:
        refuse(found.where, f"has more than {ENTRIES} files or {LARGEST >> 30} GiB")
    return found


def _shown(name: str) -> str:
    return ascii(name[:80])
