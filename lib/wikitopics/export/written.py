"""A bundle written whole or not at all, with its checksums: a folder, or a zip of one."""

import os
import shutil
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from wikitopics.artefacts import clear_leftovers, file_digest, replacing, replacing_folder, room_for
from wikitopics.errors import UserError
from wikitopics.scoring.archive import SUMS, listed, listing, sums_text
from wikitopics.scoring.bundle import SETTINGS, WEIGHTS

MODELS = {WEIGHTS, "model.keras"}  # every bundle has one of them, those of format 1 the second
LONG_AGO = (1980, 1, 1, 0, 0, 0)  # the time of every entry: equal files make equal zips


def check_place(out: Path) -> None:
    """Raise UserError where `out` is something else than a bundle, which must not be written over."""
    if not out.exists() and not out.is_symlink():
        return
    try:
        with listing(out) as found:
            names = set(found.sizes)  # with nothing of somebody's beside what the sums name
            ours = not names or bool(MODELS & names) and {SUMS, SETTINGS} <= names == {SUMS, *listed(found)}
    except UserError:
        ours = False
    if not ours or out.is_symlink() or out.is_dir() == (out.suffix == ".zip"):
        raise UserError(
            f"--out must be a new path or an earlier bundle, but {out} is something else; choose another"
        )


@contextmanager
def whole_bundle(out: Path) -> Iterator[Path]:
    """A folder to fill; when the block ends without an error it is at `out` with its sums, or zipped there.

    Raises UserError where `out` must not be written over, where nothing can be written and where the disk is
    full; what was there before is then still there, and nothing else.
    """
    check_place(out)
    check_writable(out)
    if out.suffix != ".zip":
        with replacing_folder(out, "the bundle") as folder:
            yield folder
            _write_sums(folder)
        return
    clear_leftovers(out.parent, out.name)
    with (
        TemporaryDirectory(f".{os.getpid()}.making", f".{out.name}.", out.parent) as folder,
        room_for("the bundle", out.name),
    ):
        yield Path(folder)
        _write_sums(Path(folder))
        _zip(Path(folder), out)


def check_writable(out: Path) -> None:
    """Raise UserError where nothing can be written beside `out`."""
    try:
        out.parent.mkdir(parents=True, exist_ok=True)
        TemporaryDirectory(prefix=f".{out.name}.", dir=out.parent).cleanup()
    except OSError as error:
        raise UserError(
            f"--out must be a place to write to, but {out} is none ({error.strerror}); choose another"
        ) from error


def names_in(folder: Path) -> list[str]:
    """All files below `folder`, by their path in it, sorted."""
    return sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file())


def _write_sums(folder: Path) -> None:
    digests = {name: file_digest(folder / name) for name in names_in(folder)}
    (folder / SUMS).write_text(sums_text(digests), "utf-8")


def _zip(folder: Path, out: Path) -> None:
    with replacing(out) as temporary, zipfile.ZipFile(temporary, "w") as archive:
        for name in names_in(folder):
            entry = zipfile.ZipInfo(name, LONG_AGO)
            entry.create_system, entry.external_attr = 3, 0o100644 << 16
            entry.file_size = (folder / name).stat().st_size
            with open(folder / name, "rb") as file, archive.open(entry, "w") as copy:
                shutil.copyfileobj(file, copy, 1 << 20)
