"""Ways to read dumps that benchmarks/dump_parse.py compares; each returns how many rows it found."""

import csv
import gzip
import json
import re
from collections import Counter
from pathlib import Path

WANTED = {
    "categorylinks": ["cl_from", "cl_type", "cl_target_id"],
    "page": ["page_id", "page_namespace", "page_title", "page_is_redirect"],
}


def ours(path: Path) -> int:
    """This library: the columns that labels need, as Arrow."""
    from wikitopics.sources.dumps.sql import open_dump

    table = open_dump(path)
    return sum(len(batch) for batch in table.batches(WANTED[table.table]))


def ours_all_columns(path: Path) -> int:
    """This library, every column."""
    from wikitopics.sources.dumps.sql import open_dump

    table = open_dump(path)
    return sum(len(batch) for batch in table.batches(list(table.columns)))


def plain(path: Path) -> int:
    """Rows cut at "),(", each read by the csv module."""
    rows = 0
    with open(path, encoding="latin-1", newline="\n") as file:
        for line in file:
            if line.startswith("INSERT INTO"):
                values = line[line.index("(") + 1 : -3].split("),(")
                rows += sum(1 for _ in csv.reader(values, quotechar="'", escapechar="\\", doublequote=False))
    return rows


def pattern(path: Path) -> int:
    """A regular expression of the whole row, unrolled; lines or INSERTs at a time."""
    text, number = rb"'([^'\\]*(?:\\.[^'\\]*)*)'|NULL", rb"([^,)]*)"
    kinds = {"categorylinks": "nttttnn", "page": "nntnnnttnntt"}[path.stem]
    row = re.compile(
        rb"\(" + rb",".join(rb"(?:" + {"n": number, "t": text}[k] + rb")" for k in kinds) + rb"\)"
    )
    with open(path, "rb") as file:
        return sum(len(row.findall(line)) for line in file if line.startswith((b"(", b"INSERT INTO")))


def duckdb_csv(path: Path) -> int:
    """DuckDB's CSV reader."""
    import duckdb

    skip = next(i for i, line in enumerate(open(path, "rb")) if line.startswith(b"INSERT")) + 1  # noqa: SIM115
    columns = {f"c{i}": "VARCHAR" for i in range({"categorylinks": 8, "page": 13}[path.stem])}
    query = (
        f"SELECT count(c0), count(c2), count(c6) FROM read_csv('{path}', quote='''', escape='\\', delim=',', "
        f"header=false, skip={skip}, columns={columns}, strict_mode=false, null_padding=true, "
        "auto_detect=false, max_line_size=4000000, ignore_errors=true) WHERE c0 LIKE '(%'"
    )
    return duckdb.connect().execute(query).fetchall()[0][0]


def gunzip(path: Path) -> int:
    """Unpacking alone, with the standard library."""
    with gzip.open(f"{path}.gz") as file:
        while file.read(1 << 20):
            pass
    return 0


def ours_packed(path: Path) -> int:
    """This library from .gz."""
    return ours(Path(f"{path}.gz"))


def structured(path: Path) -> int:
    """This library, the JSON dump of structured data: files that depict something."""
    from wikitopics.sources.dumps import mediainfo

    unpack = mediainfo.OPENERS.get(path.suffix, lambda file: file)
    with open(path, "rb") as raw, unpack(raw) as stream:
        return sum(1 for _ in mediainfo.depicted(mediainfo.entities(stream), Counter()))


def structured_packed(path: Path) -> int:
    """This library, the same from .gz."""
    return structured(Path(f"{path}.gz"))


def each_line_parsed(path: Path) -> int:
    """json.loads of every line, as is usual."""
    with open(path, "rb") as file:
        return sum("P180" in json.loads(line.strip(b",\n"))["statements"] for line in file if len(line) > 2)


WAYS_OF_JSON = {way.__name__: way for way in (structured, structured_packed, each_line_parsed, gunzip)}
WAYS = {
    way.__name__: way for way in (ours, ours_all_columns, ours_packed, plain, pattern, duckdb_csv, gunzip)
}
