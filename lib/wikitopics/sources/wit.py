"""WIT, Google's and Wikimedia's table of images and the articles that show them, as a source of its own."""

from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import ClassVar

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from wikitopics.paths import located
from wikitopics.sources.dumps.database import connected, text
from wikitopics.sources.dumps.wit_images import images_of, wit_counts, wit_fingerprint, wit_shards
from wikitopics.sources.files import COLUMNS
from wikitopics.sources.reading import TooLarge, digest_of, inside, read_stored, stored_fingerprint

PLACE = "wit:"  # marks a path that leads into a shard


@dataclass(frozen=True)
class Wit:
    """The images of WIT that are on Commons.

    `wit`: folder of shards: TSV (images lie in `image_root`), or Parquet with the images. `max_files`: at
    most so many, drawn by their titles' digest (0: all). Paths relative to the root folder.
    """

    name: ClassVar[str] = "wit"
    wit: str
    image_root: str = ""
    max_files: int = 0

    def files(self) -> pd.DataFrame:
        """One row per image that is on Commons, sorted by title; WIT has no categories."""
        chosen = f"SELECT title, articles, place FROM read_parquet({text(images_of(self.wit))})"
        if self.max_files:
            chosen += f" ORDER BY md5(title) LIMIT {self.max_files}"
        database = connected(images_of(self.wit).parent / "spilled")
        frame = database.sql(f"SELECT * FROM ({chosen}) ORDER BY title").df()
        inside_shards = PLACE + frame["place"]
        frame = frame.assign(
            path=inside_shards.where(frame["place"].notna(), frame["title"]),
            articles=[list(names) for names in frame["articles"]],
            categories=[[] for _ in range(len(frame))],
            creator="",
            licence="",
        )[COLUMNS]
        frame.attrs["notes"] = {what: count for what, count in wit_counts(self.wit).items() if count}
        return frame

    def graph(self) -> None:
        """None: WIT knows no categories."""

    def items(self) -> None:
        """None: WIT knows no items."""

    def read(self, path: str, max_bytes: int) -> bytes:
        """The image's bytes, from its shard or as downloaded; FileNotFoundError without, or TooLarge."""
        if not path.startswith(PLACE):
            return read_stored(located(self.image_root), path, max_bytes)
        shard, _, row = path.removeprefix(PLACE).rpartition("#")
        data = _image(str(inside(wit_shards(self.wit)[0].parent, shard)), int(row))
        if len(data) > max_bytes:
            raise TooLarge(f"{len(data):,} bytes, limit {max_bytes:,}")
        return data

    def human(self, taxonomy: str) -> pd.DataFrame | None:
        """None: nobody has judged WIT's images."""
        return None

    def fingerprint(self) -> str:
        """Hex digest of the shards, of the pictures beside them, and of how many are drawn."""
        pictures = stored_fingerprint(located(self.image_root)) if self.image_root else ""
        return digest_of(wit_fingerprint(self.wit), str(self.max_files), pictures)


def _image(shard: str, row: int) -> bytes:
    starts = _starts(shard)
    group = max(i for i, start in enumerate(starts) if start <= row)
    data = _group(shard, group)[row - starts[group]].as_py()
    if not data or not data.get("bytes"):
        raise FileNotFoundError(f"row {row} of {Path(shard).name} holds no image")
    return data["bytes"]


@lru_cache(maxsize=64)
def _starts(shard: str) -> list[int]:
    """The first row of each row group."""
    metadata, starts = pq.read_metadata(shard), [0]
    for group in range(metadata.num_row_groups - 1):
        starts.append(starts[-1] + metadata.row_group(group).num_rows)
    return starts


@lru_cache(maxsize=1)
def _group(shard: str, group: int) -> pa.ChunkedArray:
    """The images of one row group: files are asked for one after the other."""
    return pq.ParquetFile(shard).read_row_group(group, columns=["image"])["image"]
