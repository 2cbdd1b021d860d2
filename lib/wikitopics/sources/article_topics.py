"""Topics of the articles that show some files: from a table, or from dumps of search indices, read once."""

import bz2
import csv
import gzip
import io
import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import IO, Any, BinaryIO

import joblib
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from wikitopics.artefacts import RECORD, read_json, replacing
from wikitopics.errors import UserError
from wikitopics.progress import report
from wikitopics.sources.files import article_key, article_name
from wikitopics.sources.online.answers import Needed, fitting, parsed
from wikitopics.sources.reading import fingerprint_of, made_once

FORM = "1"
DUMPS = ("*.json", "*.json.gz", "*.json.bz2")

NAMES = files("wikitopics") / "labels" / "taxonomies" / "ores-64.csv"  # a column of it is `label`
PREFIXES = ("classification.prediction.articletopic/", "classification.ores.articletopic/")  # new, old
PER_MILLE = 1000  # scores of the search index are whole numbers

OPENERS: dict[str, Callable[[BinaryIO], io.BufferedIOBase]] = {".bz2": bz2.open, ".gz": gzip.open}
TAGGED = re.compile(rb"articletopic/")
WIKI = re.compile(r"(\w+?)_content|(\w+wiki)\b")  # enwiki_content-20261101-00000.json.bz2
TOPICS = pa.schema({"article": pa.string(), "topic": pa.string(), "score": pa.float32()})
PAGE = {"title": Needed(str), "namespace": int, "wiki": str, "weighted_tags": [str]}
TOGETHER = 200_000  # rows written at once
BUFFER = 1 << 20  # bytes unpacked at once


def search_dumps(path: Path) -> list[Path]:
    """The dumps of search indices at `path`: itself, or all below a folder; empty where there are none."""
    if path.is_dir():
        return sorted(file for pattern in DUMPS for file in path.rglob(pattern))
    return [path] if any(path.match(pattern) for pattern in DUMPS) else []


def topics_from_dumps(path: Path, articles: Iterable[str], jobs: int = -1) -> pd.DataFrame:
    """The topics of these articles (article, topic, score), in the dumps' order; `attrs["notes"]`: counts.

    Articles are named with their wiki's language ("en:Cat"); where all dumps are of one wiki, plain titles
    are found too. Each dump is read once, `jobs` at a time (-1: all cores), and kept under data/sources.
    Raises UserError where there is no dump.
    """
    dumps = search_dumps(path)
    if not dumps:
        raise UserError(
            f"topics must be a table or hold dumps of search indices (.json, .json.gz, .json.bz2), but "
            f"{path} holds none; correct the path"
        )
    made = joblib.Parallel(n_jobs=jobs)(joblib.delayed(_made)(dump) for dump in dumps)
    wanted = pa.array(sorted({article_key(article) for article in articles}), pa.string())
    plain = len({wiki_of(dump) for dump in dumps}) == 1
    tables = [_of_articles(folder / "topics.parquet", wanted, plain) for folder in made]
    topics = pa.concat_tables(tables).to_pandas()
    counts = pd.DataFrame([read_json(folder / RECORD)["counts"] for folder in made]).sum()
    topics.attrs["notes"] = {what: int(count) for what, count in counts.items() if count}
    return topics


def _made(dump: Path) -> Path:
    def make(folder: Path) -> dict[str, Any]:
        return {"dump": dump.name, "counts": write_topics(dump, folder / "topics.parquet")}

    return made_once("search_index", fingerprint_of([dump], FORM), make)


def _of_articles(path: Path, wanted: pa.Array, plain: bool) -> pa.Table:
    """The rows of these articles, one row group after the other; `plain`: named without a language too."""
    file = pq.ParquetFile(path)
    kept = [file.schema_arrow.empty_table()]
    for i in range(file.num_row_groups):
        table = file.read_row_group(i)
        kept.append(table.filter(pc.is_in(table["article"], wanted)))
        if plain:
            title = pc.replace_substring_regex(table["article"], "^[^:]*:", "")
            named = table.set_column(0, "article", title)
            kept.append(named.filter(pc.is_in(title, wanted)))
    return pa.concat_tables(kept)


# --- The 64 article topics in every spelling that Wikimedia's services use, and scores as they write them


@cache
def spellings() -> dict[str, str]:
    """Every spelling of a topic -> its name in the taxonomy ores-64.

    With blanks (ORES), with underscores (LiftWing, today's search index), or as a word to search for.

    >>> spelled = spellings()
    >>> spelled["STEM.Medicine_&_Health"], spelled["medicine-and-health"], spelled["europe"]
    ('STEM.Medicine & Health', 'STEM.Medicine & Health', 'Geography.Regions.Europe.Europe*')
    """
    known: dict[str, str] = {}
    for row in csv.DictReader(NAMES.read_text("utf-8").splitlines()):
        name = row["label"]
        word = name.rpartition(".")[2].rstrip("*").lower().replace("&", "and").replace(" ", "-")
        known |= {name: name, name.replace(" ", "_"): name, word: name}
    return known


def topic_name(spelled: str) -> str | None:
    """The topic's name in the taxonomy ores-64, None where it has none of that spelling."""
    return spellings().get(spelled)


def tagged_topics(tags: object) -> tuple[dict[str, float], int]:
    """Topics with scores in [0, 1] from the search index's weighted tags, and how many topics are unknown.

    >>> tagged_topics(["classification.ores.articletopic/STEM.Biology|939", "recommendation.link/exists|1"])
    ({'STEM.Biology': 0.939}, 0)
    """
    scores: dict[str, float] = {}
    unknown = 0
    for tag in tags if isinstance(tags, Iterable) and not isinstance(tags, str) else ():
        prefix = next(
            (prefix for prefix in PREFIXES if isinstance(tag, str) and tag.startswith(prefix)), None
        )
        if prefix is None:
            unknown += not isinstance(tag, str)
            continue
        spelled, _, value = tag.removeprefix(prefix).rpartition("|")
        name = topic_name(spelled)
        if name is None or not re.fullmatch(r"\d{1,9}", value, re.ASCII):
            unknown += 1
        else:
            scores[name] = max(scores.get(name, 0.0), min(int(value) / PER_MILLE, 1.0))
    return scores, unknown


# --- Topics of a wiki's articles from the dump of its search index (CirrusSearch): two lines of JSON a page


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
    if counts["pages that make no sense"] and not counts["articles with topics"]:
        raise _unreadable(dump, ValueError("no page with topics makes sense"))
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
        page = _read(line)
        if page is None and not line.endswith(b"\n"):
            raise _unreadable(dump, ValueError("its last line is cut off"))
        if page is None:
            counts["pages that make no sense"] += 1
            continue
        if page.get("namespace", 0) != 0:
            counts["pages that are no articles"] += 1
            continue
        scores, unknown = tagged_topics(page.get("weighted_tags", []))
        counts["topics of another taxonomy"] += unknown
        counts["articles with topics"] += bool(scores)
        if scores:
            yield article_name(page.get("wiki", wiki), page["title"]), scores


def _read(line: bytes) -> dict[str, Any] | None:
    """What is read of a page; None where that makes no sense."""
    try:
        return fitting(parsed(line), PAGE)
    except ValueError:
        return None


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
