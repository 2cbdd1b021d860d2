"""Topics of a wiki's articles from the dump of its search index (CirrusSearch): two lines of JSON a page."""

import bz2
import gzip
import io
import json
import re
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import IO, Any, BinaryIO

import pyarrow as pa
import pyarrow.parquet as pq

from wikitopics.artefacts import replacing
from wikitopics.errors import UserError
from wikitopics.progress import report
from wikitopics.sources.articles import article_name
from wikitopics.sources.topic_names import tagged_topics

OPENERS: dict[str, Callable[[BinaryIO], io.BufferedIOBase]] = {".bz2": bz2.open, ".gz": gzip.open}
TAGGED = re.compile(rb"articletopic/")
WIKI = re.compile(r"(\w+?)_content|(\w+wiki)\b")  # enwiki_content-20261101-00000.json.bz2
TOPICS = pa.schema({"article": pa.string(), "topic": pa.string(), "score": pa.float32()})
TOGETHER = 200_000  # rows written at once
BUFFER = 1 << 20  # bytes unpacked at once


def write_topics(dump: Path, out: Path) -> dict[str, int]:
    """Write article, topic, score (in [0, 1], names of ores-64) of all articles of a dump; returns counts.

    `dump`: .json, .json.gz or .json.bz2 in the bulk form. Only pages of namespace 0. Raises UserError where
    the file is cut off or has another form.
    """
    counts: Counter[str] = Counter({"pages": 0, "articles with topics": 0})
    with replacing(out) as temporary, pq.ParquetWriter(temporary, TOPICS, compression="zstd") as writer:
        rows: list[tuple[str, str, float]] = []
        for article, scores in articles(dump, counts):
            rows += [(article, topic, score) for topic, score in scores.items()]
            if len(rows) >= TOGETHER:
                _write(writer, rows)
                rows = []
        _write(writer, rows)
    return dict(counts)


def _write(writer: pq.ParquetWriter, rows: list[tuple[str, str, float]]) -> None:
    columns = [pa.array(values) for values in zip(*rows, strict=True)] if rows else [[], [], []]
    writer.write_table(pa.table(columns, names=TOPICS.names).cast(TOPICS))


def articles(dump: Path, counts: Counter[str]) -> Iterator[tuple[str, dict[str, float]]]:
    """(name of the article, topic -> score) of every article that has a topic; the rest is counted."""
    wiki = wiki_of(dump)
    for line in _documents(dump):
        counts["pages"] += 1
        if not TAGGED.search(line):  # spares reading the whole text of a page without topics
            continue
        page = _read(line, dump)
        if page.get("namespace", 0) != 0:
            counts["pages that are no articles"] += 1
            continue
        scores, unknown = tagged_topics(page.get("weighted_tags", []))
        counts["topics of another taxonomy"] += unknown
        counts["articles with topics"] += bool(scores)
        if scores:
            yield article_name(page.get("wiki", wiki), page["title"]), scores


def _read(line: bytes, dump: Path) -> dict[str, Any]:
    try:
        return {"title": "", **json.loads(line)}
    except (ValueError, TypeError) as error:
        raise _unreadable(dump, error) from error


def wiki_of(dump: Path) -> str:
    """The wiki's database, from the file's name or its folder's.

    >>> wiki_of(Path("index_name=enwiki_content/enwiki_content-20261101-00000.json.bz2"))
    'enwiki'
    """
    found = WIKI.search(dump.name) or WIKI.search(dump.parent.name)
    if not found:
        raise UserError(
            f"a search index must be named by its wiki (enwiki_content-...), but is named "
            f"{dump.name}; rename it"
        )
    return found[1] or found[2]


def _documents(dump: Path) -> Iterator[bytes]:
    """The second line of every pair: a page; the first says which."""
    size, expected = dump.stat().st_size, False
    try:
        with open(dump, "rb") as raw, OPENERS.get(dump.suffix, lambda file: file)(raw) as stream:
            for number, line in enumerate(io.BufferedReader(stream, BUFFER)):
                if expected:
                    yield line
                elif not line.startswith(b'{"index"'):
                    raise ValueError(f'line {number + 1} is no {{"index": ...}}')
                expected = not expected
                _tell(dump, raw, number, size)
            if expected:
                raise ValueError("it ends behind the first line of a pair")
    except (ValueError, KeyError, EOFError, OSError) as error:
        raise _unreadable(dump, error) from error
    report(f"reading bytes of {dump.name}", size, size)


def _unreadable(dump: Path, error: Exception) -> UserError:
    return UserError(
        f"{dump.name} must be a whole dump of a search index, but is not ({error}); download it again"
    )


def _tell(dump: Path, raw: IO[bytes], number: int, size: int) -> None:
    if number % 1000 == 0 and raw.tell() < size:
        report(f"reading bytes of {dump.name}", raw.tell(), size)
