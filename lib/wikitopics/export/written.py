"""A bundle written whole or not at all: a folder beside its place, renamed when nothing is missing."""

import os
import shutil
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from wikitopics.artefacts import NO_ROOM, replacing
from wikitopics.errors import UserError
from wikitopics.export.listing import listing
from wikitopics.export.named import SUMS
from wikitopics.export.sums import listed, sums_text
from wikitopics.train.record import file_digest

ALWAYS = ("model.keras", "settings.json")  # what every bundle has
LONG_AGO = (1980, 1, 1, 0, 0, 0)  # the time of every entry: equal files make equal zips


def check_place(out: Path) -> None:
    """Raise UserError where `out` is something else than a bundle, which must not be written over."""
    if not out.exists() and not out.is_symlink():
        return
    try:
        with listing(out) as found:
            ours = not found.sizes or (
                {SUMS, *ALWAYS}
                <= set(found.sizes)
                == {SUMS, *listed(found)}  # nothing of somebody's beside it
            )
    except UserError:
        ours = False
    if not ours or out.is_symlink() or out.is_dir() == (out.suffix == ".zip"):
        raise UserError(
            f"--out must be a new path or an earlier bundle, but {out} is something else; choose another"
        )


@contextmanager
def whole_bundle(out: Path) -> Iterator[Path]:
    """A folder to fill; when the block ends without an error it is at `out` with its sums, or zipped there.

    Raises UserError where `out` must not be written over and where the disk is full; what was there before
    is then still there, and nothing else.
    """
    check_place(out)
    folder = _beside(out)
    try:
        yield folder
        names = names_in(folder)
        digests = {name: file_digest(folder / name) for name in names}
        (folder / SUMS).write_text(sums_text(digests), "utf-8")
        if out.suffix == ".zip":
            _zip(folder, [*names, SUMS], out)
        else:
            _exchange(folder, out)
    except OSError as error:
        if error.errno not in NO_ROOM:
            raise
        raise UserError(
            f"the disk must have room for the bundle, but {out.name} found none ({error.strerror}); "
            "free some and run again"
        ) from error
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _beside(out: Path) -> Path:
    """A new folder where `out` will be, since only there a rename is all that is left to do."""
    folder = out.with_name(f".{out.name}.{os.getpid()}.making")
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir()
    except OSError as error:
        raise UserError(
            f"--out must be a place to write to, but {out} is none ({error.strerror}); choose another"
        ) from error
    return folder


def names_in(folder: Path) -> list[str]:
    """All files below `folder`, by their path in it, sorted."""
    return sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file())


def _zip(folder: Path, names: list[str], out: Path) -> None:
    with replacing(out) as temporary, zipfile.ZipFile(temporary, "w") as archive:
        for name in sorted(names):
            entry = zipfile.ZipInfo(name, LONG_AGO)
            entry.create_system, entry.external_attr = 3, 0o100644 << 16
            entry.file_size = (folder / name).stat().st_size
            with open(folder / name, "rb") as file, archive.open(entry, "w") as copy:
                shutil.copyfileobj(file, copy, 1 << 20)


def _exchange(folder: Path, out: Path) -> None:
    """`folder` takes the name `out`; what had it before goes only when that is done."""
    old = out.with_name(f".{out.name}.{os.getpid()}.old")
    if out.exists():
        os.replace(out, old)
    try:
        os.replace(folder, out)
    except BaseException:
        if old.exists():
            os.replace(old, out)
        raise
    shutil.rmtree(old, ignore_errors=True)
