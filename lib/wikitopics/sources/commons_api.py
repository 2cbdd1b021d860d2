"""Files of a wiki, most often Wikimedia Commons, that `wikitopics download` has described and fetched."""

import hashlib
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import ClassVar

import pandas as pd

from wikitopics.errors import UserError
from wikitopics.paths import root
from wikitopics.sources.files import COLUMNS
from wikitopics.sources.reading import read_inside

FILES, CATEGORIES, TOPICS = "files.parquet", "categories.parquet", "topics.parquet"
MANIFEST, PICTURES = "manifest.parquet", "pictures"


@dataclass(frozen=True)
class CommonsApi:
    """`image_root`: a folder that `wikitopics download` has filled, relative to the root folder.

    The network is never asked here: a run reads what the command has brought, and is the same every time.
    """

    name: ClassVar[str] = "commons_api"
    image_root: str

    def files(self) -> pd.DataFrame:
        """One row per file that the wiki has, in the order of the walk or the list; paths are titles."""
        frame = pd.read_parquet(self._file(FILES), columns=COLUMNS)
        waiting = len(frame) - len(set(frame["path"]) & _stored(self._manifest()).keys())
        frame.attrs["notes"] = {"files whose picture is not downloaded": waiting} if waiting else {}
        return frame

    def read(self, path: str, max_bytes: int) -> bytes:
        """The picture as it came over the network; FileNotFoundError where there is none, or TooLarge."""
        stored = _stored(self._manifest())
        if path not in stored:
            raise FileNotFoundError(f"no picture of {path!r} was downloaded")
        return read_inside(root() / self.image_root / PICTURES, stored[path], max_bytes)

    def human(self, taxonomy: str) -> pd.DataFrame | None:
        """None: nobody was asked."""
        return None

    def graph(self) -> Path:
        """The categories above the files, as the wiki has them."""
        return self._file(CATEGORIES)

    def fingerprint(self) -> str:
        """Hex digest of the table of files and of the sha1 of all pictures."""
        digest = hashlib.blake2b(self._file(FILES).read_bytes(), digest_size=16)
        for title, path in sorted(_stored(self._manifest()).items()):
            digest.update(f"{title}\0{path}\0".encode())  # a path holds the sha1 of what lies there
        return digest.hexdigest()

    def _manifest(self) -> tuple[Path, int]:
        """The manifest and when it was written, by which it is remembered; time 0 where there is none."""
        file = root() / self.image_root / MANIFEST
        return file, file.stat().st_mtime_ns if file.exists() else 0

    def _file(self, name: str) -> Path:
        file = root() / self.image_root / name
        if not file.is_file():
            raise UserError(
                f"image_root must be a folder made by `wikitopics download`, but {self.image_root} has no "
                f"{name}; run that command to its end, or correct the path"
            )
        return file


def _stored(manifest: tuple[Path, int]) -> dict[str, str]:
    """Title -> path below the folder of pictures."""
    return _read_stored(*manifest) if manifest[1] else {}


@lru_cache(maxsize=2)
def _read_stored(file: Path, modified: int) -> dict[str, str]:
    table = pd.read_parquet(file, columns=["title", "path"])
    known = table[table["path"] != ""]
    return dict(zip(known["title"], known["path"], strict=True))
