"""What people said that a file of Commons depicts: the JSON dump of its structured data, read in a stream.

The dump is one array with an entity a line (dumpJson of Wikibase; mediawiki.org describes entities under
"Extension:WikibaseMediaInfo/Data Model/JSON"). Statements of the property P180 say what is depicted. Only
those of the best rank count, as in Wikidata's truthy statements: a preferred one ("prominent" on Commons) is
there to be chosen over the others, so that the cup on the table is left aside where the picture is said to be
of the cat.
"""

import bz2
import gzip
import io
import json
import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any, BinaryIO

import pyarrow as pa
import pyarrow.parquet as pq

from wikitopics.artefacts import RECORD, read_json, replacing
from wikitopics.errors import UserError
from wikitopics.progress import report
from wikitopics.sources.reading import fingerprint_of, made_once

FORM = "1"  # of the tables made here; another number makes them anew
NAME = r"(?:.*-)?mediainfo\.json(?:\.gz|\.bz2)?"  # commons-20260105-mediainfo.json.gz
OPENERS: dict[str, Callable[[BinaryIO], io.BufferedIOBase]] = {".bz2": bz2.open, ".gz": gzip.open}
BUFFER = 1 << 20  # bytes unpacked at once
LONGEST = 1 << 24  # bytes of one line; a wiki keeps entities of some MB at most
TOGETHER = 100_000  # files written at once
DEPICTED = pa.schema({"title": pa.string(), "items": pa.list_(pa.string())})

DEPICTS, KIND = b'"P180"', b'"type":"mediainfo"'
RANKS = ("deprecated", "normal", "preferred")
KINDS = ("value", "somevalue", "novalue")
ITEM, FILE = re.compile(r"Q[1-9]\d{0,9}", re.ASCII), re.compile(r"M[1-9]\d*", re.ASCII)  # ids of entities
HALF_LETTERS = re.compile("[\ud800-\udfff]")  # no table can hold them

FILES = "files with structured data"
DEPRECATED, LESS = "that are deprecated", "that are less prominent than another"
UNKNOWN, ODD = "of something unknown, or of nothing", "that make no sense"  # somevalue, novalue


def depicted_from(dump: Path) -> tuple[Path, dict[str, int]]:
    """The table of a dump (title, items), made if it is missing, and what was read and left out, in words."""

    def make(folder: Path) -> dict[str, Any]:
        return {"dump": dump.name, "counts": write_depicted(dump, folder / "depicted.parquet")}

    folder = made_once("mediainfo", fingerprint_of([dump], FORM), make)
    return folder / "depicted.parquet", read_json(folder / RECORD)["counts"]


def write_depicted(dump: Path, out: Path) -> dict[str, int]:
    """Write title, items of each file of a dump (.json, .gz or .bz2) that depicts any; returns counts.

    Titles have blanks and no namespace. Raises UserError where the dump is cut off, or has no file in it.
    """
    counts: Counter[str] = Counter({FILES: 0})
    with replacing(out) as temporary, pq.ParquetWriter(temporary, DEPICTED, compression="zstd") as writer:
        rows: list[tuple[str, list[str]]] = []
        for row in depicted(_told(dump), counts):
            rows.append(row)
            if len(rows) == TOGETHER:
                writer.write_table(_table(rows))
                rows = []
        writer.write_table(_table(rows))
    if not counts[FILES]:
        raise _unreadable(dump, ValueError("no line of it is a file with structured data"))
    return {what: count for what, count in counts.items() if count}


def _table(rows: list[tuple[str, list[str]]]) -> pa.Table:
    return pa.table([[title for title, _ in rows], [items for _, items in rows]], schema=DEPICTED)


def _told(dump: Path) -> Iterator[bytes]:
    """The entities of a dump, with progress; UserError where it cannot be read to its end."""
    size = dump.stat().st_size
    try:
        with open(dump, "rb") as raw, OPENERS.get(dump.suffix, lambda file: file)(raw) as stream:
            for number, line in enumerate(entities(stream)):
                yield line
                if number % 1000 == 0 and raw.tell() < size:
                    report(f"reading bytes of {dump.name}", raw.tell(), size)
    except (ValueError, EOFError, OSError) as error:
        raise _unreadable(dump, error) from error
    report(f"reading bytes of {dump.name}", size, size)


def _unreadable(dump: Path, error: Exception) -> UserError:
    return UserError(
        f"{dump.name} must be a whole JSON dump of structured data, but is not ({error}); download it again"
    )


def entities(stream: io.RawIOBase | io.BufferedIOBase | BinaryIO) -> Iterator[bytes]:
    """The lines of a dump without the array's brackets and commas; in memory there is one at a time.

    Lines that stand in no array are read too. Raises ValueError where an array is not closed, or a line has
    more than LONGEST bytes.
    """
    reader, is_open = io.BufferedReader(stream, BUFFER), False  # type: ignore[type-var]
    while line := reader.readline(LONGEST + 1):
        if len(line) > LONGEST:
            raise ValueError(f"a line has more than {LONGEST >> 20} MB")
        line = line.strip(b" \t\r\n,")
        if line in (b"[", b"]"):
            is_open = line == b"["
        elif line:
            yield line
    if is_open:
        raise ValueError("it ends before its array is closed")


# --- One entity: which file it is of, and what that depicts


def depicted(lines: Iterable[bytes], counts: Counter[str]) -> Iterator[tuple[str, list[str]]]:
    """(title of the file, Q-ids of what it depicts) of each entity that names any; the rest is counted."""
    for line in lines:
        if DEPICTS not in line and KIND in line and line.startswith(b"{") and line.endswith(b"}"):
            counts[FILES] += 1  # spares parsing what says nothing of what is depicted, however damaged within
            counts["files without a depicts statement"] += 1
            continue
        entity = _entity(line, counts)
        if entity is None:
            continue
        counts[FILES] += 1
        items, title = depicted_items(entity, counts), title_of(entity)
        if not title:
            counts["files with structured data but without a title"] += 1
        elif items:
            yield title, items


def _entity(line: bytes, counts: Counter[str]) -> dict[str, Any] | None:
    """The entity of a line, None (and counted, with the reason) where that is no file's."""
    try:
        entity = json.loads(line.decode())
    except (ValueError, RecursionError):
        entity = None
    if not isinstance(entity, dict):
        counts["lines that are no JSON object"] += 1
    elif "redirect" in entity:
        counts["entities that are redirects"] += 1
    elif not _is_of_a_file(entity):
        counts["entities that are no file's"] += 1
    else:
        return entity
    return None


def _is_of_a_file(entity: dict[str, Any]) -> bool:
    name = entity.get("id")
    return (
        isinstance(name, str)
        and bool(FILE.fullmatch(name))
        and entity.get("type", "mediainfo") == "mediainfo"
    )


def title_of(entity: dict[str, Any]) -> str:
    """The bare title of an entity's file, "" where it names none.

    >>> title_of({"title": "File:Red_fox.jpg"}), title_of({"title": "Q42"})
    ('Red fox.jpg', '')
    """
    title = entity.get("title")
    if not isinstance(title, str) or not title.startswith("File:") or HALF_LETTERS.search(title):
        return ""
    return title.removeprefix("File:").replace("_", " ")


def depicted_items(entity: dict[str, Any], counts: Counter[str]) -> list[str]:
    """The Q-ids of an entity's depicts statements of the best rank, each once; the others are counted.

    entity: in the form of the dump (`statements`) or of older ones (`claims`).

    >>> cat = {"snaktype": "value", "datavalue": {"value": {"entity-type": "item", "id": "Q146"}}}
    >>> depicted_items({"statements": {"P180": [{"mainsnak": cat, "rank": "normal"}]}}, Counter())
    ['Q146']
    """
    said = [_read(statement) for statement in _statements(entity)]
    if not said:
        counts["files without a depicts statement"] += 1
        return []
    best = max(rank for rank, _ in said)
    told = [value if rank < 0 or 0 < rank == best else LESS if rank else DEPRECATED for rank, value in said]
    items = list(dict.fromkeys(value for value in told if value.startswith("Q")))
    counts["depicts statements"] += len(said)
    counts.update(f"depicts statements {why}" for why in told if not why.startswith("Q"))
    counts["files whose depicts statements give no item"] += not items
    return items


def _read(statement: Any) -> tuple[int, str]:
    """The rank of a statement, by its place in RANKS, and the item or why there is none; -1 for nonsense."""
    if not isinstance(statement, dict):
        return -1, ODD
    snak = _part(statement, "mainsnak")
    rank, kind = statement.get("rank"), snak.get("snaktype")
    if rank not in RANKS or kind not in KINDS:
        return -1, ODD
    return RANKS.index(rank), _item(snak) or ODD if kind == "value" else UNKNOWN


def _part(value: dict[str, Any], name: str) -> dict[str, Any]:
    part = value.get(name)
    return part if isinstance(part, dict) else {}


def _statements(entity: dict[str, Any]) -> list[Any]:
    """The statements of P180; where an entity has no statements at all, dumps write [] for {}."""
    all_ = entity.get("statements") or entity.get("claims")
    said = all_.get("P180") if isinstance(all_, dict) else None
    return said if isinstance(said, list) else []


def _item(snak: dict[str, Any]) -> str:
    """The Q-id of a value, "" where it is no item; old dumps have its number only."""
    value = _part(_part(snak, "datavalue"), "value")
    written, number = value.get("id", ""), value.get("numeric-id")
    if not written and value.get("entity-type") == "item":
        written = f"Q{number}"
    return written if isinstance(written, str) and ITEM.fullmatch(written) else ""
