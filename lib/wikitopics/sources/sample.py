"""The embedded sample: one Parquet file of pictures with the librarian's folders as the human view."""

import hashlib
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import ClassVar

import pandas as pd
import pyarrow.parquet as pq

from wikitopics.errors import UserError
from wikitopics.paths import sample_folder
from wikitopics.sources.files import files_table
from wikitopics.sources.reading import TooLarge

TABLES = ("sample.parquet", "categories.csv", "articles.csv", "items.csv", "folders.csv")


@dataclass(frozen=True)
class Sample:
    """The pictures of sample/sample.parquet; a file's path is its title."""

    name: ClassVar[str] = "sample"

    def files(self) -> pd.DataFrame:
        """One row per picture of the sample, in the order of the Parquet file."""
        columns = ["title", "creator", "licence", "categories", "articles", "items"]
        table = pq.read_table(_sample_file(), columns=columns).to_pydict()
        frame = files_table(path=table["title"], **table)
        frame["title"] = frame[
            "path"
        ]  # the sample's titles are MediaWiki's already, and are the human view's key
        return frame

    def read(self, path: str, max_bytes: int) -> bytes:
        """The picture as found; FileNotFoundError for a title the sample does not have, or TooLarge."""
        file = _sample_file()
        images = _images(file, file.stat().st_mtime_ns)
        if path not in images:
            raise FileNotFoundError(f"the sample has no file {path!r}")
        if len(images[path]) > max_bytes:
            raise TooLarge(f"{len(images[path]):,} bytes, limit {max_bytes:,}")
        return images[path]

    def graph(self) -> Path:
        """The sample's own small graph."""
        return sample_folder()

    def items(self) -> Path:
        """The sample's own table of the items that its files depict."""
        return sample_folder() / "items.csv"

    def human(self, taxonomy: str) -> pd.DataFrame | None:
        """The librarian's folder of each picture in that taxonomy's labels: title, labels.

        One row per picture whose folder has any; None where no folder is mapped to the taxonomy.
        """
        mapped = pd.read_csv(sample_folder() / "folders.csv", dtype=str, keep_default_na=False)
        mapped = mapped[mapped["taxonomy"] == taxonomy]
        if mapped.empty:
            return None
        labels = mapped.groupby("folder", sort=False)["label"].agg(list).rename("labels")
        files = pd.read_parquet(_sample_file(), columns=["title", "folder"])
        return files.join(labels, on="folder", how="inner")[["title", "labels"]].reset_index(drop=True)

    def fingerprint(self) -> str:
        """Hex digest of the Parquet file and the curated tables beside it."""
        digest = hashlib.blake2b(digest_size=16)
        for table in TABLES:
            digest.update(hashlib.blake2b((_sample_file().parent / table).read_bytes()).digest())
        return digest.hexdigest()


def _sample_file() -> Path:
    file = sample_folder() / "sample.parquet"
    if not file.exists():
        raise UserError(
            "source 'sample' reads sample/sample.parquet, which is missing; take it from the repository "
            "or build it with sample/build.py"
        )
    return file


@lru_cache(maxsize=1)
def _images(file: Path, modified: int) -> dict[str, bytes]:
    """All pictures (a few MB), read once per process and version of the file."""
    table = pq.read_table(file, columns=["title", "image"]).to_pydict()
    return dict(zip(table["title"], table["image"], strict=True))
