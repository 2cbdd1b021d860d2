"""All of Wikimedia Commons from its dumps: pictures with their categories, and the category graph."""

from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

import pandas as pd

from wikitopics.paths import located
from wikitopics.sources.dumps import mediainfo, wikidata_items
from wikitopics.sources.dumps.commons_graph import counts_of, dump_fingerprint, made_from
from wikitopics.sources.dumps.commons_tables import the_one
from wikitopics.sources.dumps.database import connected, text
from wikitopics.sources.dumps.wit_images import images_of, wit_fingerprint
from wikitopics.sources.files import COLUMNS
from wikitopics.sources.reading import digest_of, fingerprint_of, read_stored, stored_fingerprint

LISTS = ("categories", "articles", "items")
NOTED = ("file", "category redirects", "soft category redirects", "links", "days", "roots")  # first words


NO_ITEMS = "(SELECT NULL::VARCHAR AS title, NULL::VARCHAR[] AS items)"
NO_ARTICLES = "(SELECT NULL::VARCHAR AS title, NULL::VARCHAR[] AS articles)"
# Names are chosen first, so that lists are carried for the files that are chosen only.
CHOSEN = """
WITH chosen AS MATERIALIZED (SELECT title, file_row_number AS row FROM {files} {shown} {draw}),
depicting AS (SELECT title, min(items) AS items FROM {depicted} JOIN chosen USING (title) GROUP BY title)
SELECT title, categories, coalesce(articles, []) AS articles, coalesce(items, []) AS items
FROM chosen JOIN (SELECT file_row_number AS row, categories FROM {files}) USING (row)
LEFT JOIN {images} USING (title) LEFT JOIN depicting USING (title) ORDER BY row
"""


@dataclass(frozen=True)
class CommonsDump:
    """All pictures of Commons, from its dumps.

    `dump`: folder of SQL dumps (page, categorylinks, page_props, redirect; linktarget, image, XML if any);
    what files depict if there is the dump of structured data, and wb_items_per_site of Wikidata beside it.
    `wit`: folder of WIT shards: only its images, with the articles that use them. `max_files`: at most so
    many, drawn by their titles' digest (0: all). `image_root`: folder of the images downloaded. All paths
    relative to the root folder.
    """

    name: ClassVar[str] = "commons_dump"
    dump: str
    wit: str = ""
    image_root: str = ""
    max_files: int = 0

    def files(self) -> pd.DataFrame:
        """One row per picture, in the order of the dump's pages; the dump is read on the first call only.

        `items` (Q-ids) are there where the folder has the dump of structured data.
        """
        made, said = made_from(self.dump), the_one(self.dump, "mediainfo", mediainfo.NAME)
        depicted, counts = mediainfo.depicted_from(said) if said else (None, {})
        items = f"read_parquet({text(depicted)})" if depicted else NO_ITEMS
        files = f"read_parquet({text(made / 'files.parquet')}, file_row_number = true)"
        images = f"read_parquet({text(images_of(self.wit))})" if self.wit else NO_ARTICLES
        draw = f"ORDER BY md5(title) LIMIT {self.max_files}" if self.max_files else ""
        shown = f"WHERE title IN (SELECT title FROM {images})" if self.wit else ""
        query = CHOSEN.format(files=files, images=images, depicted=items, shown=shown, draw=draw)
        frame = connected(made / "spilled").sql(query).df()
        frame = _described(frame if said else frame.drop(columns="items"))
        read = {what: count for what, count in counts_of(made).items() if count and what.startswith(NOTED)}
        frame.attrs["notes"] = read | counts
        return frame

    def graph(self) -> Path:
        """The folder with the dump's categories.parquet."""
        return made_from(self.dump)

    def read(self, path: str, max_bytes: int) -> bytes:
        """The image downloaded under this title; see `sources.reading.read_stored`."""
        return read_stored(located(self.image_root), path, max_bytes)

    def human(self, taxonomy: str) -> pd.DataFrame | None:
        """None: categories are what people wrote, but not in a taxonomy."""
        return None

    def items(self) -> Path | None:
        """Wikidata's wb_items_per_site in the folder of the dump; None without it."""
        return the_one(self.dump, "wb_items_per_site", wikidata_items.NAME)

    def fingerprint(self) -> str:
        """Hex digest of the dump's files, of WIT's, of the pictures, and of how many are drawn."""
        wit = wit_fingerprint(self.wit) if self.wit else ""
        pictures = stored_fingerprint(located(self.image_root)) if self.image_root else ""
        beside = [file for file in (the_one(self.dump, "mediainfo", mediainfo.NAME), self.items()) if file]
        said = [fingerprint_of(beside)] if beside else []
        return digest_of(dump_fingerprint(self.dump), wit, str(self.max_files), pictures, *said)


def _described(frame: pd.DataFrame) -> pd.DataFrame:
    columns = [*COLUMNS, *(["items"] if "items" in frame else [])]
    lists = {name: [list(value) for value in frame[name]] for name in columns if name in LISTS}
    return pd.DataFrame({**frame, **lists, "path": frame["title"], "creator": "", "licence": ""})[columns]
