"""Items of Wikidata with their category on Commons and their article: `wb_items_per_site` of its SQL dumps.

A row of that table is an item's page on one wiki, so that an item has one page of Commons at most: a
category, or a gallery, which says nothing here. Items that were merged into others have no rows any more.
"""

from collections import Counter
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from wikitopics.artefacts import replacing
from wikitopics.sources.dumps.commons_tables import Facts, Reduced, names, write_reduced
from wikitopics.sources.dumps.database import connected, text
from wikitopics.sources.dumps.sql import SqlDump, open_dump
from wikitopics.sources.files import language
from wikitopics.sources.reading import fingerprint_of, made_once

FORM = "1"  # of the tables made here; another number makes them anew
NAME = r"(?:.*-)?wb_items_per_site\.sql(?:\.gz)?"  # wikidatawiki-20260101-wb_items_per_site.sql.gz
COMMONS, WIKI = "commonswiki", "enwiki"
CATEGORY = "Category:"
OTHER_PAGES = r"^(Category|Template|Module|Wikipedia|Portal|Help|File|MediaWiki|User|Draft):"
PAGES = pa.schema({"item": pa.int64(), "category": pa.string(), "article": pa.string()})
GROUPED = """
COPY (
    SELECT 'Q' || number AS item, category, article FROM (
        SELECT item AS number, min(category) AS category, min(article) AS article
        FROM read_parquet({pages}) GROUP BY item) ORDER BY number)
TO {out} (FORMAT parquet, COMPRESSION zstd, ROW_GROUP_SIZE 250_000)
"""


def items_from(dump: Path) -> Path:
    """The table of a dump of wb_items_per_site (see `write_items`), made if it is missing."""

    def make(folder: Path) -> dict[str, Any]:
        return {"dump": dump.name, "counts": write_items(open_dump(dump), folder)}

    return made_once("wikidata_items", fingerprint_of([dump], FORM), make) / "items.parquet"


def write_items(dump: SqlDump, folder: Path) -> dict[str, int]:
    """Write items.parquet to `folder`: item (Q-id), category (of Commons, bare), article (like "en:Cat").

    One of the two may be null. Returns counts of what was read.
    """
    counts: Counter[str] = Counter()
    pages = folder / "pages.parquet"

    def reduced(dump: SqlDump, facts: Facts) -> Reduced:
        for batch in dump.batches(["ips_item_id", "ips_site_id", "ips_site_page"]):
            counts["pages of items"] += len(batch)
            yield len(batch), _known(batch, dump, counts)

    write_reduced(pages, reduced, dump, PAGES)
    with replacing(folder / "items.parquet") as temporary:
        connected(folder / "spilled").execute(GROUPED.format(pages=text(pages), out=text(temporary)))
        counts["items"] = pq.read_metadata(temporary).num_rows
    pages.unlink()
    return dict(counts)


def _known(batch: pa.RecordBatch, dump: SqlDump, counts: Counter[str]) -> list[pa.Array]:
    """Item, category, article: of pages of items the categories of Commons, and one Wikipedia's articles."""
    kept = batch.filter(pc.is_in(batch["ips_site_id"], pa.array([COMMONS.encode(), WIKI.encode()])))
    title, commons = names(kept["ips_site_page"], dump), pc.equal(kept["ips_site_id"], COMMONS.encode())
    filed = pc.and_(commons, pc.starts_with(title, CATEGORY))
    told = pc.and_not(pc.invert(commons), pc.match_substring_regex(title, OTHER_PAGES))
    nothing = pa.scalar(None, pa.string())
    category = pc.if_else(filed, pc.utf8_slice_codeunits(title, len(CATEGORY)), nothing)
    article = pc.if_else(told, pc.binary_join_element_wise(f"{language(WIKI)}:", title, ""), nothing)
    counts["items with a category on Commons"] += pc.sum(filed).as_py() or 0
    counts["items with a gallery on Commons"] += pc.sum(pc.and_not(commons, filed)).as_py() or 0
    found = pc.or_(filed, told)
    return [column.filter(found) for column in (kept["ips_item_id"], category, article)]
