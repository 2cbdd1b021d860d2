"""A Commons dump joined into files and categories, once for all runs that read it.

Links are dumped in the order of the pages they stand on, so a window reads its own part of each table only,
and memory does not grow with the dump. DuckDB spills to disk what exceeds its limit.
"""

import bz2
import gzip
import re
import shutil
from collections.abc import Callable, Iterator
from io import BufferedIOBase
from pathlib import Path
from typing import Any, BinaryIO
from xml.etree import ElementTree

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from wikitopics.artefacts import RECORD, read_json, replacing
from wikitopics.errors import UserError
from wikitopics.progress import report
from wikitopics.sources.dumps.commons_tables import (
    WRITTEN,
    dump_files,
    open_tables,
    write_tables,
    xml_files,
)
from wikitopics.sources.dumps.database import connected, text
from wikitopics.sources.files import ROOT
from wikitopics.sources.reading import fingerprint_of, made_once
from wikitopics.titles import normal

WINDOW = 1_000_000  # links
SUFFIXES = ("jpg", "jpeg", "jpe", "png", "gif", "webp", "tif", "tiff", "bmp", "svg")  # what may be a picture
TITLE = [pa.field("title", pa.string())]
LISTS = """
WITH pages AS (SELECT * FROM {pages} WHERE id BETWEEN {first} AND {last}),
named AS (
    SELECT l.page, coalesce(l.name, t.title) AS name
    FROM links l {targets} WHERE l.page BETWEEN {first} AND {last}),
led AS (
    SELECT n.page, coalesce(r.target, n.name) AS name, count(*) AS links
    FROM named n LEFT JOIN redirects r USING (name) GROUP BY ALL),
lists AS (
    SELECT page, list(name ORDER BY name) FILTER (name IS NOT NULL) AS names,
        sum(links) AS links, sum(links) FILTER (name IS NULL) AS lost
    FROM led GROUP BY page)
SELECT p.*, coalesce(names, []::VARCHAR[]) AS names, coalesce(links, 0) AS links, coalesce(lost, 0) AS lost
FROM pages p LEFT JOIN lists ON page = p.id ORDER BY p.id
"""

CATEGORY = "14"
SOFT = re.compile(  # the template and its redirects on Commons
    r"\{\{\s*(?:category[ _]?redirect|cat(?:egory)?[ _-]?red(?:irect)?|redirect[ _]category|see[ _]?cat)"
    r"\s*\|\s*(?:1\s*=)?\s*:?(?:category\s*:)?\s*([^|{}\[\]#\n]+?)\s*(?:\||\}\})",
    re.IGNORECASE,
)
OPENERS: dict[str, Callable[[BinaryIO], BufferedIOBase]] = {".bz2": bz2.open, ".gz": gzip.open}

FORM = "1"  # of the tables made here; another number makes them anew


class Joins:
    """The tables of `write_tables` in `folder`, and redirects (soft ones given: name -> target).

    `counts`: what was followed and what could not be.
    """

    def __init__(self, folder: Path, soft: dict[str, str]) -> None:
        self.folder, self.database = folder, connected(folder / "spilled")
        # By name: a run that was stopped may have left others half written.
        named = {name: folder / f"{name}.parquet" for name in WRITTEN}
        whole = {name: file for name, file in named.items() if file.exists()}
        for name, file in whole.items():
            self.database.execute(f"CREATE VIEW {name} AS SELECT * FROM read_parquet({text(file)})")
        self.has_targets, self.has_images = "target" in whole, "image" in whole
        self.counts: dict[str, int] = {}
        self._redirects(soft)

    def _redirects(self, soft: dict[str, str]) -> None:
        """Make the table redirects: name, target (the last one)."""
        rows = "SELECT p.title, r.title FROM redirect r JOIN page p ON p.id = r.page WHERE NOT p.file"
        hard = dict(self.database.execute(rows).fetchall())
        last, circles = resolved({**soft, **hard})
        texts = pa.schema({"name": pa.string(), "target": pa.string()})
        table = pa.table({"name": list(last), "target": list(last.values())}, texts)
        self.database.register("given_redirects", table)
        self.database.execute("CREATE TABLE redirects AS SELECT * FROM given_redirects")
        self.counts |= {
            "category redirects followed": len(hard.keys() & last.keys()),
            "soft category redirects followed": len(soft.keys() & last.keys() - hard.keys()),
            "category redirects in a circle, left as they are": circles,
        }

    def files(self, path: Path) -> None:
        """Write title, categories of every picture that is no redirect, in the order of their pages."""
        count = "SELECT count(*) FILTER (file), count(*) FILTER (file AND redirect) FROM page"
        named, moved = self.database.execute(count).fetchall()[0]
        suffix = f"regexp_matches(lower(title), '\\.({'|'.join(SUFFIXES)})$')"
        known = "title IN (SELECT title FROM image)" if self.has_images else suffix
        select = f"SELECT id, title FROM page WHERE file AND NOT redirect AND {known}"
        kept = self._write(path, select, [*TITLE, pa.field("categories", pa.list_(pa.string()))])
        left = named - moved - kept
        self.counts |= {"file redirects left out": moved, "files left out that are no pictures": left}

    def categories(self, path: Path) -> None:
        """Write title, hiddencat, parents of every category that is no redirect followed, by page."""
        select = (
            "SELECT id, title, id IN (SELECT page FROM hidden) AS hiddencat FROM page "
            "WHERE NOT file AND title NOT IN (SELECT name FROM redirects)"
        )
        if self._root_is_red():
            select += f" UNION ALL SELECT 0, {text(ROOT)}, false"
            self.counts["roots added, which have no page"] = 1
        parents = [pa.field("hiddencat", pa.bool_()), pa.field("parents", pa.list_(pa.string()))]
        self.counts["categories"] = self._write(path, select, [*TITLE, *parents])

    def _root_is_red(self) -> bool:
        """Whether categories lie below the root, but it has no page; without it no depth is known."""
        page = f"SELECT 1 FROM page WHERE NOT file AND title = {text(ROOT)}"
        named = f"SELECT 1 FROM links WHERE name = {text(ROOT)}"
        if self.has_targets:
            named += f" UNION ALL SELECT 1 FROM target WHERE title = {text(ROOT)}"
        found, linked = (self.database.execute(f"{query} LIMIT 1").fetchall() for query in (page, named))
        return bool(linked) and not found

    def _write(self, path: Path, select: str, fields: list[pa.Field]) -> int:
        """Write the pages selected with their lists; what becomes of the links is counted."""
        schema, rows = pa.schema(fields), 0
        ordered = text(self.folder / "selected.parquet")
        options = "ROW_GROUP_SIZE 100_000, USE_TMP_FILE false"
        self.database.execute(f"COPY ({select} ORDER BY id) TO {ordered} ({options})")
        self.database.execute(f"CREATE OR REPLACE VIEW selected AS SELECT * FROM read_parquet({ordered})")
        with replacing(path) as temporary, pq.ParquetWriter(temporary, schema, compression="zstd") as writer:
            for table in self._windows(path.name):
                rows += len(table)
                for count in ("links", "lost"):
                    self.counts[count] = self.counts.get(count, 0) + int(pc.sum(table[count]).as_py() or 0)
                lists = table.drop_columns(["id", "links", "lost"])
                writer.write_table(lists.rename_columns(schema.names).cast(schema))
        return rows

    def _windows(self, what: str) -> Iterator[pa.Table]:
        low, high = self.database.execute("SELECT min(id), max(id) FROM selected").fetchall()[0]
        if low is None:
            return
        links = self.database.execute("SELECT count(*) FROM links").fetchall()[0][0]
        step = max(1, (high - low + 1) // (links // WINDOW + 1))
        targets = "target t ON t.id = l.target" if self.has_targets else "(SELECT NULL AS title) t ON true"
        for first in range(low, high + 1, step):
            window = {"first": first, "last": first + step - 1, "pages": "selected"}
            yield self.database.sql(LISTS.format(targets=f"LEFT JOIN {targets}", **window)).to_arrow_table()
            report(f"joining pages of {what}", min(first + step, high + 1) - low, high + 1 - low)


# --- Where redirected categories lead: hard ones from the table `redirect`, soft ones from pages' text


def resolved(targets: dict[str, str]) -> tuple[dict[str, str], int]:
    """Each redirect's last target, chains followed, and how many lead into a circle (they are left out).

    >>> resolved({"Cat": "Cats", "Kitty": "Cat", "A": "B", "B": "A"})
    ({'Cat': 'Cats', 'Kitty': 'Cats'}, 2)
    """
    last = {}
    for start in targets:
        seen, at = {start}, targets[start]
        while at in targets and at not in seen:
            seen.add(at)
            at = targets[at]
        if at not in targets:
            last[start] = at
    return last, len(targets) - len(last)


def soft_target(wikitext: str) -> str | None:
    """The category that a soft redirect names, None where the page is none.

    >>> soft_target("{{Category redirect|1=:Category:cats_of Rome|reason}}")
    'Cats of Rome'
    """
    found = SOFT.search(wikitext)
    if not found:
        return None
    return normal(found[1])


def soft_redirects(paths: list[Path]) -> dict[str, str]:
    """Category -> target of all soft redirects in XML dumps of pages (.xml, .gz or .bz2), read in a stream.

    Raises UserError where a file is no whole XML.
    """
    targets = {}
    for path in paths:
        try:
            for title, text in _category_pages(path):
                if target := soft_target(text):
                    targets[normal(title.partition(":")[2])] = target
        except (ElementTree.ParseError, EOFError, OSError) as error:
            raise UserError(
                f"{path.name} must be a whole XML dump of pages, but is not ({error}); download it again"
            ) from error
    return targets


def _category_pages(path: Path) -> Iterator[tuple[str, str]]:
    size = path.stat().st_size
    with open(path, "rb") as raw, OPENERS.get(path.suffix, lambda file: file)(raw) as stream:
        events = ElementTree.iterparse(stream, events=("start", "end"))
        _, top = next(events)
        for event, element in events:
            if event == "end" and element.tag.endswith("}page"):
                space = element.tag.removesuffix("page")
                if element.findtext(f"{space}ns") == CATEGORY:
                    yield element.findtext(f"{space}title", ""), _text(element, space)
                top.clear()  # what was read is let go, so that memory stays small
                if raw.tell() < size:
                    report(f"reading bytes of {path.name}", raw.tell(), size)
    report(f"reading bytes of {path.name}", size, size)


def _text(page: ElementTree.Element, space: str) -> str:
    return page.findtext(f"{space}revision/{space}text") or ""


def dump_fingerprint(dump: str) -> str:
    """Hex digest of the dump's files."""
    return fingerprint_of([*dump_files(dump).values(), *xml_files(dump)], FORM)


def made_from(dump: str) -> Path:
    """The folder with files.parquet, categories.parquet and run.json (counts) of a dump; made if missing.

    Stopped half way, it goes on behind the last table that was written whole.
    """

    def make(folder: Path) -> dict[str, Any]:
        tables = folder / "tables"
        tables.mkdir(exist_ok=True)
        counts = write_tables(open_tables(dump_files(dump)), tables)
        joins = Joins(tables, soft_redirects(xml_files(dump)))
        joins.files(folder / "files.parquet")
        joins.categories(folder / "categories.parquet")
        shutil.rmtree(tables)
        return {"dump": dump, "counts": accounted(counts, joins.counts)}

    return made_once("commons_dump", dump_fingerprint(dump), make)


def counts_of(folder: Path) -> dict[str, int]:
    """What was read, followed and left out, in words."""
    return read_json(folder / RECORD)["counts"]


def accounted(read: dict[str, int], joined: dict[str, int]) -> dict[str, int]:
    """All counts; every link kept from the dump is used, lost, or was on a page left out."""
    joined = dict(joined)
    used, lost = joined.pop("links", 0), joined.pop("lost", 0)
    return {
        **read,
        **joined,
        "links that give a file or category its categories": used - lost,
        "links whose target is in no table": lost,
        "links on pages left out": read["rows of categorylinks kept"] - used,
    }
