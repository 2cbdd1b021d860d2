"""Your own images in folders: the folders a file lies in are its categories, the deepest first."""

import os
import unicodedata
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar
from urllib.parse import quote_from_bytes, unquote_to_bytes

import pandas as pd

from wikitopics.errors import UserError
from wikitopics.paths import located
from wikitopics.sources.copies import joined_copies
from wikitopics.sources.files import files_table
from wikitopics.sources.given_split import folder_split, parts_as_categories
from wikitopics.sources.reading import contents_digest, read_inside
from wikitopics.sources.table_cells import in_capitals, stripped

# Listed: what is or could be meant as a picture (SVG is, and is rejected later with its reason).
SUFFIXES = {"", ".jpg", ".jpeg", ".jpe", ".jfif", ".png", ".gif", ".webp", ".tif", ".tiff", ".bmp", ".svg"}
SUFFIXES |= {".heic", ".heif", ".avif", ".jp2", ".jxl", ".jpg_large"}  # as SVG
HIDDEN = (".", "@eaDir", "__MACOSX")  # folders that systems make beside people's own
BYTES = "bytes:"  # marks a path whose name is no UTF-8 text and is written percent-encoded


@dataclass(frozen=True)
class Folder:
    """The pictures below the folder `image_root`, which is relative to the root folder; no linked folders.

    Folders train, val and test at the top, as other programs want them, are parts of a split and no
    categories. A picture that lies in several folders is one file with the names of all. Hidden files and
    those with another suffix than a picture's are left out and counted, so that a folder of pictures with
    texts and sounds beside them works as it is.
    """

    name: ClassVar[str] = "folder"
    image_root: str

    def files(self) -> pd.DataFrame:
        """One row per file, sorted by path; `split` where the top folders are train, val and test.

        attrs["parents"]: the folder that each folder always lies in.
        """
        skipped: Counter[str] = Counter()
        found = sorted(self._walk(skipped))
        split = folder_split(found)
        folders = [[_category(part) for part in path.split("/")[-2::-1]] for path in found]
        if split:
            skipped["files in folders that are parts of a split"] = len(found)
            folders = [names[:-1] for names in folders]
        skipped["folders named as parts of a split that are categories here"] = parts_as_categories(folders)
        skipped["folders that differ from another only in capitals"] = in_capitals(folders)
        parents = parents_of(folders)  # before copies are joined, which have folders of several places
        kept = joined_copies(self._top(), found, {"categories": folders}, split)
        skipped["copies in other folders, joined to the first"] += len(found) - len(kept)
        found, folders = [found[row] for row in kept], [folders[row] for row in kept]
        split = [split[row] for row in kept] if split else None
        frame = files_table(
            title=[_readable(os.path.basename(path)) for path in found],
            path=[path_key(path) for path in found],
            notes=dict(skipped),
            categories=folders,
            **({"split": split} if split else {}),
        )
        frame.attrs["parents"] = parents
        return frame

    def read(self, path: str, max_bytes: int) -> bytes:
        """The file's bytes; see `sources.reading.read_inside`."""
        return read_inside(located(self.image_root), path_of_key(path), max_bytes)

    def graph(self) -> None:
        """None: it may be named by a parameter of its own."""

    def items(self) -> None:
        """None: a folder knows no items."""

    def human(self, taxonomy: str) -> pd.DataFrame | None:
        """None: folders are categories, not labels that people gave in a taxonomy."""
        return None

    def fingerprint(self) -> str:
        """Hex digest of all paths and contents listed."""
        return contents_digest(self._top(), self._walk(Counter()))

    def _top(self) -> Path:
        top = located(self.image_root)
        if not top.is_dir():
            raise UserError(
                f"image_root must be a folder of images, but {self.image_root} is none; correct the path"
            )
        return top

    def _walk(self, skipped: Counter[str]) -> Iterator[str]:
        """Paths relative to the top, folders joined by '/'; what is left out is counted in `skipped`."""
        top = self._top()
        closed = lambda error: skipped.update({"folders that cannot be opened": 1})  # noqa: E731
        for folder, subfolders, names in os.walk(top, onerror=closed):  # follows no links: it cannot loop
            inside = os.path.relpath(folder, top)
            hidden = [name for name in subfolders if name.startswith(HIDDEN)]
            skipped["hidden folders left out"] += len(hidden)
            links = [n for n in subfolders if n not in hidden and os.path.islink(os.path.join(folder, n))]
            skipped["links to folders not followed"] += len(links)
            subfolders[:] = [name for name in subfolders if name not in {*hidden, *links}]
            for name in names:
                suffix = os.path.splitext(name)[1].lower()
                if name.startswith(".") or suffix not in SUFFIXES:
                    skipped["files left out that are not named as pictures"] += 1
                else:
                    yield name if inside == "." else f"{inside}/{name}"


def path_key(path: str) -> str:
    """A path as text that any table can hold; ordinary paths stay as they are.

    >>> path_key("a/b.jpg"), path_key("caf\\udce9.jpg")
    ('a/b.jpg', 'bytes:caf%E9.jpg')
    """
    plain = _readable(path) == path and not path.startswith(BYTES)
    return path if plain else BYTES + quote_from_bytes(os.fsencode(path))


def path_of_key(key: str) -> str:
    """The inverse of `path_key`."""
    return os.fsdecode(unquote_to_bytes(key[len(BYTES) :])) if key.startswith(BYTES) else key


def _category(folder: str) -> str:
    """The name of a folder as a category: without blanks around it, letters with marks composed (NFC)."""
    name = _readable(folder)
    return unicodedata.normalize("NFC", stripped(name)) or name


def _readable(name: str) -> str:
    return os.fsencode(name).decode("utf-8", "replace")


def parents_of(folders: Iterable[Sequence[str]]) -> dict[str, str | None]:
    """What each folder always lies in, by its name; None where it is at the top, or lies in several.

    folders: of each file, the deepest first.

    >>> parents_of([["Owls", "Birds"], ["Birds"], ["2020", "Owls", "Birds"], ["2020", "Cars"]])
    {'Owls': 'Birds', 'Birds': None, '2020': None, 'Cars': None}
    """
    above: dict[str, set[str | None]] = {}
    for names in map(list, folders):
        for name, parent in zip(names, [*names[1:], None], strict=False):  # a file at the top has none
            above.setdefault(name, set()).add(parent)
    return {name: next(iter(each)) if len(each) == 1 else None for name, each in above.items()}
