"""A bundle as a folder or a zip of files: told from a run, and checked before one byte of it is believed.

SHA256SUMS names every other file of a bundle. Sums tell damage, not who made it.
"""

import hashlib
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
from tempfile import TemporaryDirectory
from typing import IO, BinaryIO, NoReturn

from wikitopics import paths
from wikitopics.artefacts import NO_ROOM
from wikitopics.errors import UserError

SUMS = "SHA256SUMS"  # the file that every bundle has
BLOCK = 1 << 20
ENTRIES, LARGEST = 200, 2 << 30  # files in a bundle, and bytes of all of them
TOLD = 1024  # bytes that the list of contents has for one file, at most
_PART = "[A-Za-z0-9_][A-Za-z0-9._-]{0,119}"
NAME = re.compile(f"{_PART}(/{_PART}){{0,3}}")
_LINE = re.compile(r"([0-9a-f]{64})  ([A-Za-z0-9._/-]+)")
END, END_64 = struct.Struct("<4s4H2LH"), 20  # a zip's last 22 bytes; before them what announces a zip64


def is_bundle(model: str | Path) -> bool:
    """Whether `model` is to be read as a bundle of `wikitopics export`: a file, or a folder with SHA256SUMS.

    >>> is_bundle("commons-10-lite2")
    False
    """
    return Path(model).is_file() or (Path(model) / SUMS).is_file()


def bundle_path(model: str, evaluation: str | None) -> Path | None:
    """The path of the bundle that `--model` names, or None where it names a run.

    A path is told by its separator or its ending .zip, or by a bundle being there; a bundle brings its own
    thresholds. Raises UserError where a path leads to no file or folder, or to a folder that is no bundle,
    which would be used unchecked like a run without an evaluation; and where an evaluation is named.
    """
    is_path = os.sep in model or model.endswith(".zip")
    if not (is_path or (Path(model) / SUMS).is_file()):
        return None
    if not Path(model).exists():
        raise UserError(
            f"--model must be a run or the path of a bundle, but there is nothing at {model!r}; "
            "correct the path"
        )
    if Path(model).is_dir() and not (Path(model) / SUMS).is_file():
        run = Path(model).resolve()
        ours = run.parent == paths.run_folder("03_train", run.name).resolve().parent
        raise UserError(
            f"a folder named by --model must be a bundle, but {model!r} has no {SUMS}; "
            + (f"name the run: --model {run.name}" if ours else "name a run by its name alone")
        )
    if evaluation is not None:
        raise UserError(
            f"a bundle has thresholds of its own, but --evaluation is {evaluation!r}; leave --evaluation out"
        )
    return Path(model)


@dataclass(frozen=True)
class Listing:
    """Names and sizes (bytes) of the files in `where`, and how one is opened for reading."""

    where: str
    sizes: dict[str, int]
    open: Callable[[str], IO[bytes]]


def refuse(where: str, what: str) -> NoReturn:
    """Raise the UserError of a bundle that is not as it was written."""
    raise UserError(
        f"a bundle must be as `wikitopics export` wrote it, but {where} {what}; get it or export it again"
    )


@contextmanager
def listing(path: Path) -> Iterator[Listing]:
    """The checked contents of the folder at `path`, or of the zip, whose entries are plain, stored files.

    Stored means that no entry can be larger than the zip, so that nothing in it can swell when it is read.
    Raises UserError, see `refuse`.
    """
    if path.is_dir():
        with _readable(path.name):
            files = dict(islice(_files(path, path.name), ENTRIES + 1))
            yield _checked(Listing(path.name, files, lambda name: (path / name).open("rb")))
        return
    with _readable(path.name), open(path, "rb") as file:
        _check_end(file, path.name)
        with zipfile.ZipFile(file) as archive:
            yield _checked(_of_zip(archive, path.name, path.stat().st_size))


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


def sums_text(digests: dict[str, str]) -> str:
    """SHA-256 (hex) by name as `sha256sum --check` reads them, in the order of the names."""
    return "".join(f"{digests[name]}  {name}\n" for name in sorted(digests))


@contextmanager
def verified(path: Path, names: tuple[str, ...]) -> Iterator[Path]:
    """A temporary folder with those of the files `names` that the bundle at `path` has, all of it unchanged.

    Of every other file only size and sum are asked. What is checked is what is copied: nobody can exchange
    it in between. Raises UserError where the bundle is damaged or is none.
    """
    with listing(path) as found, TemporaryDirectory(prefix="wikitopics-") as folder:
        wanted = listed(found)
        _same_names(found, wanted)
        for name in sorted(wanted):
            if _copied(found, name, Path(folder) / name if name in names else None) != wanted[name]:
                refuse(found.where, f"has another {name} than {SUMS} says")
        yield Path(folder)


def listed(found: Listing) -> dict[str, str]:
    """What SHA256SUMS says, name by name. Raises UserError where there is none."""
    if found.sizes.get(SUMS, BLOCK) >= BLOCK:
        refuse(found.where, f"has no {SUMS}")
    with found.open(SUMS) as file:
        lines = file.read(BLOCK).decode("utf-8", "replace").splitlines()
    matches = [match for line in lines if (match := _LINE.fullmatch(line))]
    if len(matches) < len(lines):
        refuse(found.where, f"has a {SUMS} that is none")
    return {match[2]: match[1] for match in matches}


def _same_names(found: Listing, wanted: dict[str, str]) -> None:
    there = set(found.sizes) - {SUMS}
    odd = sorted(there ^ set(wanted))
    if odd:
        refuse(found.where, f"has no {odd[0]}" if odd[0] not in there else f"has one file more, {odd[0]}")


def _copied(found: Listing, name: str, to: Path | None) -> str:
    """SHA-256 of a file, written to `to` meanwhile."""
    digest, left = hashlib.sha256(), found.sizes[name]
    if to:
        to.parent.mkdir(parents=True, exist_ok=True)
    with found.open(name) as file, open(to or os.devnull, "wb") as copy:
        while block := file.read(min(BLOCK, left + 1)):
            left -= len(block)
            if left < 0:
                refuse(found.where, f"has a {name} that is longer than it says")
            digest.update(block)
            copy.write(block)
    return digest.hexdigest()
