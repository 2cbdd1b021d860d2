"""Items of Wikidata with their category on Commons and their article, from its SQL dumps.

A row of `wb_items_per_site` is an item's page on one wiki, so that an item has one page of Commons at most: a
category, or a gallery, which says nothing here. Items that were merged into others have no rows any more;
their pages are redirects, as the tables `page` and `redirect` tell.
"""

from collections import Counter
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from wikitopics.artefacts import replacing
from wikitopics.errors import UserError
from wikitopics.sources.dumps.commons_tables import Facts, Reduced, names, the_one, write_reduced
from wikitopics.sources.dumps.database import connected, text
from wikitopics.sources.dumps.sql import SqlDump, open_dump
from wikitopics.sources.files import language
from wikitopics.sources.reading import fingerprint_of, made_once

FORM = "1"  # of the tables made here; another number makes them anew
NAME = r"(?:.*-)?wb_items_per_site\.sql(?:\.gz)?"  # wikidatawiki-20260101-wb_items_per_site.sql.gz
WANTED = "wb_items_per_site"
TABLES = (WANTED, "page", "redirect")
COMMONS, WIKI = "commonswiki", "enwiki"
CATEGORY = "Category:"
OTHER_PAGES = r"^(Category|Template|Module|Wikipedia|Portal|Help|File|MediaWiki|User|Draft):"
PAGES = pa.schema({"item": pa.int64(), "category": pa.string(), "article": pa.string()})
NUMBERED = pa.schema({"page": pa.int64(), "item": pa.int64()})
ITEMS = 0  # the namespace
GROUPED = """
COPY (
    WITH known AS (
        SELECT item, min(category) AS category, min(article) AS article
        FROM read_parquet({pages}) GROUP BY item),
    merged AS (
        SELECT old.item, category, article FROM read_parquet({old}) old
        JOIN read_parquet({into}) into_ USING (page) JOIN known ON known.item = into_.item
        WHERE old.item NOT IN (SELECT item FROM known))
    SELECT 'Q' || number AS item, category, article
    FROM (SELECT item AS number, category, article FROM (FROM known UNION ALL FROM merged)) ORDER BY number)
TO {out} (FORMAT parquet, COMPRESSION zstd, ROW_GROUP_SIZE 250_000, USE_TMP_FILE false)
"""


def items_from(place: Path) -> Path:
    """The table of a dump of wb_items_per_site (see `write_items`), made if it is missing.

    place: the file, or a folder with it and, where merged items are to be followed, page and redirect.
    """
    files = {WANTED: place} if place.is_file() else _beside_each_other(place)

    def make(folder: Path) -> dict[str, Any]:
        tables = {name: open_dump(file) for name, file in files.items()}
        return {"dump": place.name, "counts": write_items(tables, folder)}

    return made_once("wikidata_items", fingerprint_of(list(files.values()), FORM), make) / "items.parquet"


def _beside_each_other(folder: Path) -> dict[str, Path]:
    found = {table: the_one(str(folder), table, rf"(?:.*-)?{table}\.sql(?:\.gz)?") for table in TABLES}
    if not found[WANTED]:
        raise UserError(
            f"items must be a table, or Wikidata's {WANTED} or a folder with it, but {folder} has none; add "
            f"wikidatawiki-DATE-{WANTED}.sql.gz"
        )
    return {table: file for table, file in found.items() if file}


def write_items(tables: dict[str, SqlDump], folder: Path) -> dict[str, int]:
    """Write items.parquet to `folder`: item (Q-id), category (of Commons, bare), article (like "en:Cat").

    One of the two may be null. An item that was merged into another has what that one has, where the tables
    page and redirect are there. Returns counts of what was read.
    """
    counts: Counter[str] = Counter()
    read = {name: folder / f"{name}.parquet" for name in ("pages", "old", "into")}

    def pages(dump: SqlDump, facts: Facts) -> Reduced:
        for batch in dump.batches(["ips_item_id", "ips_site_id", "ips_site_page"]):
            counts["pages of items"] += len(batch)
            yield len(batch), _known(batch, dump, counts)

    write_reduced(read["pages"], pages, tables[WANTED], PAGES)
    if {"page", "redirect"} <= tables.keys():
        write_reduced(read["old"], _old, tables["page"], NUMBERED)
        write_reduced(read["into"], _into, tables["redirect"], NUMBERED)
        counts["items merged into another"] = pq.read_metadata(read["into"]).num_rows
    else:
        for name in ("old", "into"):
            pq.write_table(NUMBERED.empty_table(), read[name])
    with replacing(folder / "items.parquet") as temporary:
        places = {name: text(path) for name, path in read.items()}
        connected(folder / "spilled").execute(GROUPED.format(out=text(temporary), **places))
        counts["items"] = pq.read_metadata(temporary).num_rows
    for path in read.values():
        path.unlink()
    return dict(counts)


def _old(dump: SqlDump, facts: Facts) -> Reduced:
    """Pages of items that are redirects."""
    for batch in dump.batches(["page_id", "page_namespace", "page_is_redirect", "page_title"]):
        moved = pc.not_equal(batch["page_is_redirect"], 0)
        kept = batch.filter(pc.and_(pc.equal(batch["page_namespace"], ITEMS), moved))
        yield len(batch), _numbered(kept["page_id"], names(kept["page_title"], dump))


def _into(dump: SqlDump, facts: Facts) -> Reduced:
    """Pages that are redirects, and the items that they lead to."""
    for batch in dump.batches(["rd_from", "rd_namespace", "rd_title"]):
        kept = batch.filter(pc.equal(batch["rd_namespace"], ITEMS))
        yield len(batch), _numbered(kept["rd_from"], names(kept["rd_title"], dump))


def _numbered(page: pa.Array, title: pa.Array) -> list[pa.Array]:
    """Pages whose title is a Q-id, with its number."""
    is_item = pc.match_substring_regex(title, r"^Q[1-9][0-9]{0,9}$")
    number = pc.utf8_slice_codeunits(title.filter(is_item), 1).cast(pa.int64())
    return [page.filter(is_item), number]


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
