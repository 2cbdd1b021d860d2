"""The tables of a Commons dump, cut down to what labels need and written as Parquet: one pass over each."""

import re
from collections.abc import Callable, Iterator
from datetime import datetime
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from wikitopics.artefacts import replacing
from wikitopics.errors import UserError
from wikitopics.paths import located
from wikitopics.sources.dumps.sql import SqlDump, open_dump

FILE, CATEGORY = 6, 14  # namespaces
ROW_GROUP = 250_000
PICTURES = ("BITMAP", "DRAWING")  # media types of `image`
TEXT, WHOLE = pa.string(), pa.int64()
Facts = dict[str, str]  # kept in the metadata of the table that is made
Reduced = Iterator[tuple[int, list[pa.Array]]]  # rows read, the columns of those that are kept
Reduce = Callable[[SqlDump, Facts], Reduced]

WRITTEN = ("page", "links", "target", "hidden", "redirect", "image")  # by `write_tables`
NEEDED = ("page", "categorylinks", "page_props", "redirect")
OPTIONAL = ("linktarget", "image")
NAME = r"(?:.*-)?{table}\.sql(?:\.gz)?"  # commonswiki-20260101-page.sql.gz, or page.sql
XML = r"(?:.*-)?pages-articles(?:-multistream)?\d*\.xml(?:-p\d+p\d+)?(?:\.gz|\.bz2)?"


def write_tables(tables: dict[str, SqlDump], folder: Path) -> dict[str, int]:
    """Write page, links, target, hidden, redirect (and image) to `folder`; those already there are kept.

    page: id, file (bool), redirect (bool), title. links: page, name, target (of which one may be null), in
    the dump's order. target: id, title. hidden: page. redirect: page, title. image: title, of pictures only.
    Names have blanks. Returns "rows of page" and "rows of page kept", and so on for each table, and how many
    days before the date in its name the newest row of categorylinks was made.
    """
    counts: dict[str, int] = {}
    for name, (table, reduce, schema) in _reductions(tables).items():
        path = folder / f"{name}.parquet"
        if not path.exists():
            write_reduced(path, reduce, tables[table], schema)
        metadata = pq.read_metadata(path)
        rows = int(metadata.metadata[b"rows"])
        counts |= {f"rows of {table}": rows, f"rows of {table} kept": metadata.num_rows}
        newest, made = metadata.metadata.get(b"newest"), re.search(r"-(\d{8})-", tables[table].path.name)
        if newest and made:
            age = datetime.strptime(made[1], "%Y%m%d") - datetime.fromisoformat(newest.decode())
            counts["days between the newest category link and the dump"] = max(0, age.days)
    return counts


def _reductions(tables: dict[str, SqlDump]) -> dict[str, tuple[str, Reduce, pa.Schema]]:
    page = pa.schema({"id": WHOLE, "file": pa.bool_(), "redirect": pa.bool_(), "title": TEXT})
    all_ = {
        "page": ("page", _page, page),
        "links": ("categorylinks", _links, pa.schema({"page": WHOLE, "name": TEXT, "target": WHOLE})),
        "target": ("linktarget", _target, pa.schema({"id": WHOLE, "title": TEXT})),
        "hidden": ("page_props", _hidden, pa.schema({"page": WHOLE})),
        "redirect": ("redirect", _redirect, pa.schema({"page": WHOLE, "title": TEXT})),
        "image": ("image", _image, pa.schema({"title": TEXT})),
    }
    return {name: entry for name, entry in all_.items() if entry[0] in tables}


def _page(dump: SqlDump, facts: Facts) -> Reduced:
    for batch in dump.batches(["page_id", "page_namespace", "page_is_redirect", "page_title"]):
        kept = batch.filter(pc.is_in(batch["page_namespace"], pa.array([FILE, CATEGORY])))
        file, redirect = pc.equal(kept["page_namespace"], FILE), pc.not_equal(kept["page_is_redirect"], 0)
        yield len(batch), [kept["page_id"], file, redirect, names(kept["page_title"], dump)]


def _links(dump: SqlDump, facts: Facts) -> Reduced:
    """A dump whose newest link is old is a frozen copy, as Commons' was for some months: its age is kept."""
    both = [name for name in ("cl_to", "cl_target_id") if name in dump.columns] or ["cl_target_id"]
    time = [name for name in ("cl_timestamp",) if name in dump.columns]
    for batch in dump.batches(["cl_from", "cl_type", *both, *time]):
        if time and len(batch):
            newest = pc.max(batch["cl_timestamp"].cast(TEXT)).as_py() or ""
            facts["newest"] = max(facts.get("newest", ""), newest)
        kept = batch.filter(pc.not_equal(batch["cl_type"], b"page"))
        name = names(kept["cl_to"], dump) if "cl_to" in both else pa.nulls(len(kept), TEXT)
        name = pc.if_else(pc.equal(name, ""), pa.scalar(None, TEXT), name)  # emptied while tables moved
        target = kept["cl_target_id"] if "cl_target_id" in both else pa.nulls(len(kept), WHOLE)
        yield len(batch), [kept["cl_from"], name, target]


def _target(dump: SqlDump, facts: Facts) -> Reduced:
    for batch in dump.batches(["lt_id", "lt_namespace", "lt_title"]):
        kept = batch.filter(pc.equal(batch["lt_namespace"], CATEGORY))
        yield len(batch), [kept["lt_id"], names(kept["lt_title"], dump)]


def _hidden(dump: SqlDump, facts: Facts) -> Reduced:
    for batch in dump.batches(["pp_page", "pp_propname"]):
        yield len(batch), [batch["pp_page"].filter(pc.equal(batch["pp_propname"], b"hiddencat"))]


def _redirect(dump: SqlDump, facts: Facts) -> Reduced:
    for batch in dump.batches(["rd_from", "rd_namespace", "rd_title"]):
        kept = batch.filter(pc.equal(batch["rd_namespace"], CATEGORY))
        yield len(batch), [kept["rd_from"], names(kept["rd_title"], dump)]


def _image(dump: SqlDump, facts: Facts) -> Reduced:
    pictures = pa.array([kind.encode() for kind in PICTURES])
    for batch in dump.batches(["img_name", "img_media_type"]):
        yield len(batch), [names(batch["img_name"].filter(pc.is_in(batch["img_media_type"], pictures)), dump)]


def names(titles: pa.Array, dump: SqlDump) -> pa.Array:
    """Titles as people read them: text with blanks; UserError where one is not UTF-8."""
    try:
        return pc.replace_substring(titles.cast(TEXT), "_", " ")
    except pa.ArrowInvalid as error:
        raise UserError(
            f"{dump.path.name} must have titles in UTF-8, but one is not ({error}); download it again"
        ) from error


def write_reduced(path: Path, reduce: Reduce, dump: SqlDump, schema: pa.Schema) -> None:
    """Rows in groups; how many were read, and other facts, in the file's own metadata."""
    facts: Facts = {}
    rows, waiting, kept = 0, [], 0
    with replacing(path) as temporary, pq.ParquetWriter(temporary, schema, compression="zstd") as writer:
        for read, columns in reduce(dump, facts):
            rows, kept = rows + read, kept + len(columns[0])
            waiting.append(pa.record_batch(columns, schema=schema))
            if kept >= ROW_GROUP:
                writer.write_table(pa.Table.from_batches(waiting))
                waiting, kept = [], 0
        if waiting:
            writer.write_table(pa.Table.from_batches(waiting))
        writer.add_key_value_metadata({"rows": str(rows), **facts})


def dump_files(folder: str) -> dict[str, Path]:
    """The file of each table in a folder below the root folder: table -> file.

    Raises UserError where a table that is always needed is missing, or stands there twice.
    """
    found = {table: the_one(folder, table, NAME.format(table=table)) for table in (*NEEDED, *OPTIONAL)}
    for table in NEEDED:
        if not found[table]:
            raise UserError(
                f"dump must hold the files of {', '.join(NEEDED)}, but {folder} has none of {table}; "
                f"add WIKI-DATE-{table}.sql.gz"
            )
    return {table: file for table, file in found.items() if file}


def the_one(folder: str, what: str, pattern: str) -> Path | None:
    """The file of that name in a folder below the root folder, None without; UserError for several."""
    files = matching(folder, pattern)
    if len(files) > 1:
        raise UserError(
            f"dump must hold one file of {what}, but {folder} has "
            f"{', '.join(file.name for file in files)}; keep one of them"
        )
    return files[0] if files else None


def xml_files(folder: str) -> list[Path]:
    """The XML dumps of the pages' text in that folder: none, one, or the parts that Commons is cut into."""
    return matching(folder, XML)


def matching(folder: str, pattern: str) -> list[Path]:
    """The files in that folder whose whole name fits the pattern; UserError where it is no folder."""
    place = located(folder)
    if not place.is_dir():
        raise UserError(f"dump must be a folder of SQL dumps, but {folder} is none; correct the path")
    return sorted(file for file in place.iterdir() if file.is_file() and re.fullmatch(pattern, file.name))


def open_tables(files: dict[str, Path]) -> dict[str, SqlDump]:
    """The tables of `dump_files`, their columns read; UserError where linktarget is needed but not there."""
    tables = {name: open_dump(path) for name, path in files.items()}
    links = tables["categorylinks"]
    if "cl_to" not in links.columns and "linktarget" not in tables:
        raise UserError(
            f"dump must hold the file of linktarget where categorylinks has no column cl_to, but "
            f"{links.path.name} comes without it; add WIKI-DATE-linktarget.sql.gz of the same date"
        )
    return tables
