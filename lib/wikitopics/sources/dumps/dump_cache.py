"""A Commons dump made into files.parquet and categories.parquet, once for all runs that read it."""

import shutil
from pathlib import Path
from typing import Any

from wikitopics.artefacts import RECORD, read_json
from wikitopics.sources.cache import fingerprint_of, made_once
from wikitopics.sources.dumps.category_redirects import soft_redirects
from wikitopics.sources.dumps.dump_folder import dump_files, open_tables, xml_files
from wikitopics.sources.dumps.dump_joins import Joins
from wikitopics.sources.dumps.dump_tables import write_tables

FORM = "1"  # of the tables made here; another number makes them anew


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
