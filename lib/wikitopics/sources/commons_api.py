"""Files of a wiki, most often Wikimedia Commons, that `wikitopics download` has described and fetched."""

from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

import pandas as pd

from wikitopics.errors import UserError
from wikitopics.paths import located
from wikitopics.sources.files import COLUMNS
from wikitopics.sources.reading import MANIFEST, digest_of, fingerprint_of, read_stored, stored_fingerprint

COMMONS = "https://commons.wikimedia.org/w/api.php"
FILES, CATEGORIES, TOPICS = "files.parquet", "categories.parquet", "topics.parquet"
ITEMS = "items.parquet"


@dataclass(frozen=True)
class CommonsApi:
    """Files that `wikitopics download` has brought into the folder `image_root`, relative to the root folder.

    The network is never asked here: a run reads what the command has brought, and is the same every time.
    """

    name: ClassVar[str] = "commons_api"
    image_root: str

    def files(self) -> pd.DataFrame:
        """One row per file that the wiki has, in the order of the walk or the list; paths are titles."""
        frame = pd.read_parquet(self._file(FILES))
        frame = frame[[name for name in (*COLUMNS, "items") if name in frame]]
        waiting = len(frame) - len(set(frame["path"]) & self._stored().keys())
        frame.attrs["notes"] = {"files whose picture is not downloaded": waiting} if waiting else {}
        return frame

    def read(self, path: str, max_bytes: int) -> bytes:
        """The picture as it came over the network; see `sources.reading.read_stored`."""
        return read_stored(located(self.image_root), path, max_bytes)

    def human(self, taxonomy: str) -> pd.DataFrame | None:
        """None: nobody was asked."""
        return None

    def graph(self) -> Path:
        """The categories above the files, as the wiki has them."""
        return self._file(CATEGORIES)

    def items(self) -> Path | None:
        """The table of the items that the files depict; None where it was not asked for (--depicts)."""
        return self._file(ITEMS) if (located(self.image_root) / ITEMS).is_file() else None

    def fingerprint(self) -> str:
        """Hex digest of the table of files and of all pictures."""
        tables = [self._file(FILES), *filter(None, [self.items()])]
        return digest_of(fingerprint_of(tables), stored_fingerprint(located(self.image_root)))

    def _stored(self) -> dict[str, str]:
        """Title -> path below the pictures, of those that were downloaded."""
        manifest = located(self.image_root) / MANIFEST
        if not manifest.exists():
            return {}
        table = pd.read_parquet(manifest, columns=["title", "path"])
        table = table[table["path"] != ""]
        return dict(zip(table["title"], table["path"], strict=True))

    def _file(self, name: str) -> Path:
        file = located(self.image_root) / name
        if not file.is_file():
            raise UserError(
                f"image_root must be a folder made by `wikitopics download`, but {self.image_root} has no "
                f"{name}; run that command to its end, or correct the path"
            )
        return file
