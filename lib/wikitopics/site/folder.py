"""The site's folder: built beside its place and put there whole; what is not a site of ours stays."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from wikitopics.artefacts import replacing_folder
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
    check_place(place.resolve())
    with replacing_folder(place) as folder:
        (folder / MARK).write_text(SAID, "utf-8")
        yield folder
