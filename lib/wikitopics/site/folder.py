"""The site's folder: built beside its place and put there whole; what is not a site of ours stays."""

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from wikitopics.artefacts import NO_ROOM
from wikitopics.errors import UserError

MARK = ".wikitopics-site"  # a file in every site of ours: only a folder with it is ever replaced
SAID = "Made by `wikitopics site`, which replaces this folder.\n"


def check_place(place: Path) -> None:
    """UserError where `place` holds what this command did not make."""
    ours = not place.exists() or place.is_dir() and ((place / MARK).is_file() or not any(place.iterdir()))
    if not ours:
        raise UserError(
            f"--out must be a new folder, an empty one or a site made before, but {place} is neither; "
            "name another one"
        )


@contextmanager
def replaced_folder(place: Path) -> Iterator[Path]:
    """A new folder that takes the name `place` when the block ends without an error.

    Raises UserError where `place` may not be replaced, and where the disk is full; what was there then stays.
    """
    place = place.resolve()
    check_place(place)
    place.parent.mkdir(parents=True, exist_ok=True)
    new, old = (place.with_name(f".{place.name}.{os.getpid()}.{word}") for word in ("part", "old"))
    _clear_leftovers(place)
    try:
        new.mkdir()
        (new / MARK).write_text(SAID, "utf-8")
        yield new
        if place.exists():
            place.rename(old)
        new.rename(place)
    except OSError as error:
        if error.errno not in NO_ROOM:
            raise
        raise UserError(
            f"the disk must have room for the site, but found none ({error.strerror}); "
            "free some and run again"
        ) from error
    finally:
        if old.exists() and not place.exists():
            old.rename(place)
        for folder in (new, old):
            shutil.rmtree(folder, ignore_errors=True)


def _clear_leftovers(place: Path) -> None:
    """What a killed build left beside `place`; that of one that still runs stays."""
    for folder in place.parent.glob(f".{place.name}.*.*"):
        number = folder.name.split(".")[-2]
        if folder.suffix in (".part", ".old") and number.isdigit() and not _runs(int(number)):
            shutil.rmtree(folder, ignore_errors=True)


def _runs(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
