"""A folder of Wikimedia dumps: which of its files holds which table."""

import re
from pathlib import Path

from wikitopics.errors import UserError
from wikitopics.paths import root
from wikitopics.sources.dumps.sql_dump import SqlDump, open_dump

NEEDED = ("page", "categorylinks", "page_props", "redirect")
OPTIONAL = ("linktarget", "image")
NAME = r"(?:.*-)?{table}\.sql(?:\.gz)?"  # commonswiki-20260101-page.sql.gz, or page.sql
XML = r"(?:.*-)?pages-articles(?:-multistream)?\d*\.xml(?:-p\d+p\d+)?(?:\.gz|\.bz2)?"


def dump_files(folder: str) -> dict[str, Path]:
    """The file of each table in a folder below the root folder: table -> file.

    Raises UserError where a table that is always needed is missing, or stands there twice.
    """
    found = {table: _matching(folder, NAME.format(table=table)) for table in (*NEEDED, *OPTIONAL)}
    for what, files in found.items():
        if len(files) > 1:
            raise UserError(
                f"dump must hold one file of {what}, but {folder} has "
                f"{', '.join(file.name for file in files)}; keep one of them"
            )
    for table in NEEDED:
        if not found[table]:
            raise UserError(
                f"dump must hold the files of {', '.join(NEEDED)}, but {folder} has none of {table}; "
                f"add WIKI-DATE-{table}.sql.gz"
            )
    return {what: files[0] for what, files in found.items() if files}


def xml_files(folder: str) -> list[Path]:
    """The XML dumps of the pages' text in that folder: none, one, or the parts that Commons is cut into."""
    return _matching(folder, XML)


def _matching(folder: str, pattern: str) -> list[Path]:
    place = root() / Path(folder).expanduser()
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
