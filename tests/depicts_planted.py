"""Structured data of a few files, of every kind that a dump may hold, and Wikidata's pages of its items."""

import bz2
import gzip
import json
from pathlib import Path
from typing import Any

from sql_text import write_sql

HEAD = {"lastrevid": 1, "modified": "2026-01-01T00:00:00Z", "labels": {}, "descriptions": {}}
SITE = {
    "ips_row_id": "bigint(20) unsigned",
    "ips_item_id": "int(10) unsigned",
    "ips_site_id": "varbinary(32)",
    "ips_site_page": "varbinary(310)",
}
PAGES = [  # row, item, wiki, page: as Wikidata has them, with blanks
    (1, 146, b"enwiki", b"Cat"), (2, 146, b"commonswiki", b"Category:Cats"), (3, 146, b"dewiki", b"Katze"),
    (4, 4006, b"commonswiki", b"Category:Maps"), (5, 42, b"commonswiki", b"Douglas Adams"),
    (6, 42, b"enwiki", b"Douglas Adams"), (7, 7, b"enwiki", b"Template:Cat"), (8, 8, b"dewiki", b"Nur hier"),
    (9, 99, b"commonswiki", b"Category:A red link"), (10, 5, b"enwiki", b"Star Wars: It's here"),
]  # fmt: skip


def item(number: int, rank: str = "normal", **value: Any) -> dict:
    """A depicts statement as dumps have it."""
    value = {"entity-type": "item", "numeric-id": number, "id": f"Q{number}", **value}
    snak = {"snaktype": "value", "property": "P180", "hash": "x"}
    snak["datavalue"] = {"value": value, "type": "wikibase-entityid"}
    return {"mainsnak": snak, "type": "statement", "id": f"M1$%{number}", "rank": rank}


def none(kind: str, rank: str = "normal") -> dict:
    """A statement of something unknown (somevalue) or of nothing (novalue)."""
    return {"mainsnak": {"snaktype": kind, "property": "P180"}, "type": "statement", "rank": rank}


def entity(page: int, title: str, statements: Any) -> dict:
    """An entity as the dump has it; `statements`: those of P180, or what stands in their place."""
    place = {"pageid": page, "ns": 6, "title": title} if title else {}
    said = (
        {"P180": statements, "P31": [item(1)]} if isinstance(statements, list) and statements else statements
    )
    return {**place, "type": "mediainfo", "id": f"M{page}", **HEAD, "statements": said}


def text(entities: list[dict | bytes]) -> bytes:
    """A whole dump, as dumpJson writes it; bytes are lines that stand for themselves."""
    lines = [
        e if isinstance(e, bytes) else json.dumps(e, separators=(",", ":"), ensure_ascii=False).encode()
        for e in entities
    ]
    return b"[\n" + b",\n".join(lines) + b"\n]\n"


def write_mediainfo(path: Path, entities: list[dict | bytes]) -> Path:
    """Write a dump, packed as its name says."""
    path.parent.mkdir(parents=True, exist_ok=True)
    pack = {".bz2": bz2.compress, ".gz": gzip.compress}.get(path.suffix, bytes)
    path.write_bytes(pack(text(entities)))
    return path


MERGED = [  # page, the item that was, the item that is
    (1, 1460, 146), (2, 1461, 8), (3, 42, 146), (4, 1462, 99),
]  # fmt: skip


def write_merged(folder: Path) -> None:
    """Write Wikidata's tables page and redirect: items that were merged, and pages that are none."""
    page = {
        "page_id": "int",
        "page_namespace": "int",
        "page_title": "varbinary(255)",
        "page_is_redirect": "tinyint",
    }
    rows = [(n, 0, b"Q%d" % old, 1) for n, old, _ in MERGED]
    rows += [(5, 0, b"Q7", 0), (6, 120, b"P180", 1), (7, 0, b"Main_Page", 1), (8, 1, b"Q146", 1)]
    write_sql(folder / "wikidatawiki-20260101-page.sql.gz", page, rows)
    redirect = {"rd_from": "int", "rd_namespace": "int", "rd_title": "varbinary(255)"}
    rows = [(n, 0, b"Q%d" % new) for n, _, new in MERGED]
    write_sql(
        folder / "wikidatawiki-20260101-redirect.sql.gz", redirect, [*rows, (6, 120, b"P1"), (7, 0, b"Q1_")]
    )


def write_pages(path: Path, form: str = "rows") -> Path:
    """Write Wikidata's table wb_items_per_site."""
    return write_sql(path, SITE, PAGES, form)
