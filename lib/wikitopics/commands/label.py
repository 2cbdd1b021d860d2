"""`wikitopics label`: label a table of files, without a notebook."""

import argparse
import re
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

import pandas as pd
import pyarrow as pa

from wikitopics.artefacts import replacing
from wikitopics.commands.parsers import add_command, print_done
from wikitopics.errors import UserError
from wikitopics.labels import depicts
from wikitopics.labels import taxonomy as taxonomies
from wikitopics.labels.bulk import (
    as_parquet,
    check_files,
    items_named,
    label_parquet,
    schema,
    write_walked,
)
from wikitopics.labels.category_graph import CategoryGraph, open_graph
from wikitopics.labels.deep.forms import LEARNED, learned_labels
from wikitopics.labels.file_labels import COLUMNS, label_files, why_files
from wikitopics.labels.heuristics import label_categories, parse
from wikitopics.labels.label_sources import label_from
from wikitopics.sources.dumps import mediainfo
from wikitopics.sources.inputs import check_out
from wikitopics.sources.tables import check_written, table_writer

DEPICTS = "depicts"
RULES = "headJ+depth"  # of the walk from items, as 01_labels walks
HELP = """\
Labels files by their categories. FILES (.parquet, .csv, .tsv or .jsonl) has the columns title and categories
(lists, or texts divided by |). OUT (.parquet, .csv or .jsonl) gets one row for each, in the same order:
title, labels (those above included), scores (0 to 1).

With --source depicts it labels them by what they depict: FILES has title and items (Q146|Q7802), or is the
dump of Commons' structured data (commons-DATE-mediainfo.json.gz), whose files with such a statement are
labelled. ITEMS says which category of Commons each item has: a table of item, category and, if there is one,
name; or Wikidata's wb_items_per_site (.sql.gz), or a folder with it, page and redirect.

The graph is a folder with categories.parquet (title, parents; optionally depth, head, hiddencat) or with
categories.csv (title,parent,hidden). The source is the trained labeller commons-learned, its slower and
better form commons-learned-deep, or rules of a walk up the graph, joined by +, of which the first that labels
wins: all, depth, head, headJ, lookahead."""


def add_parser(commands: argparse._SubParsersAction) -> None:
    """Add the command to the command line."""
    label = add_command(commands, "label", run, HELP)
    label.add_argument("--graph", type=Path, required=True, metavar="DIR", help="the category graph")
    label.add_argument("--files", type=Path, required=True, metavar="FILES", help="what to label")
    label.add_argument(
        "--source", default=RULES, help="commons-learned(-deep), depicts or rules (default: %(default)s)"
    )
    label.add_argument("--items", type=Path, metavar="ITEMS", help="which category each item has")
    label.add_argument("--taxonomy", default="v1.4", help="name, or CSV file (default: %(default)s)")
    label.add_argument("--out", type=Path, required=True, metavar="OUT", help="the labelled table")
    label.add_argument("--why", type=Path, metavar="WHY", help="also write the path of every label")


def run(options: argparse.Namespace) -> int:
    """Label as the options say; the exit code."""
    started = time.monotonic()
    own = Path(options.taxonomy).expanduser()  # of the folder one is in, as all paths of a command
    taxonomy = taxonomies.load(str(own.absolute()) if own.is_file() else options.taxonomy)
    _check(options)
    if options.source not in LEARNED:
        taxonomy.anchor_masks()  # which a walk needs: told before a dump is read for hours
    graph = open_graph(options.graph)
    label = _from_items if options.source == DEPICTS else _from_categories
    print_done(label(graph, taxonomy, options), options.out, started)
    return 0


def _check(options: argparse.Namespace) -> None:
    """What can be known to be wrong before anything is computed."""
    if options.source not in (*LEARNED, DEPICTS):
        parse(options.source)
    if options.source in LEARNED and options.why:
        raise UserError(f"--why needs rules of a walk, but the source is {options.source}; leave out --why")
    _check_items(options.source, options.items)
    graph = options.graph
    brought = [options.files, graph, graph / "categories.csv", graph / "categories.parquet", options.taxonomy]
    brought += [options.items] if options.items else []
    for out, columns in ((options.out, schema().names), (options.why, COLUMNS)):
        if out:
            check_written(out)
            check_out([str(path) for path in brought if Path(path).is_file()], out, columns)
    if options.why and options.why.absolute() == options.out.absolute():
        raise UserError(f"--out and --why must be two files, but both are {options.out}; rename one")
    if not options.files.is_file():
        raise UserError(f"--files must be a table, but {options.files} is none; correct the path")


def _check_items(source: str, items: Path | None) -> None:
    if source != DEPICTS and items:
        raise UserError(
            f"--items must be left out unless the source is {DEPICTS}, but the source is {source}; leave it "
            f"out, or say --source {DEPICTS}"
        )
    if source == DEPICTS and not (items and items.exists()):
        said = f"{items} is not there" if items else "has none"
        raise UserError(
            f"--source {DEPICTS} needs --items, but {said}; name a table of item and category, or Wikidata's "
            "wb_items_per_site"
        )


def _from_categories(
    graph: CategoryGraph, taxonomy: taxonomies.Taxonomy, options: argparse.Namespace
) -> dict[str, int]:
    with as_parquet(options.files) as (files, form):
        print(f"{options.files.name} is read as {form}")
        if options.source in LEARNED:
            return _learned(graph, taxonomy, files, options)
        counts = label_parquet(graph, taxonomy, options.source, files, options.out)
        if options.why:
            frame, found = _read_files(files), label_categories(graph, taxonomy, options.source)
            _write_why(options.why, why_files(found, frame, label_files(found, frame)))
    return counts


def _from_items(
    graph: CategoryGraph, taxonomy: taxonomies.Taxonomy, options: argparse.Namespace
) -> dict[str, int]:
    """The walk from the categories of the items, in portions as that of the files' own categories."""
    with _with_items(options.files) as files, TemporaryDirectory() as folder:
        named, walked = items_named(files), Path(folder) / "files.parquet"
        items = depicts.read_items(options.items, named.values())
        led = write_walked(files, named, depicts.categories_of(items, graph), walked)
        counts = label_parquet(graph, taxonomy, RULES, walked, options.out)
        if options.why:
            frame = _read_files(files, "items")
            frame["items"] = [list(dict.fromkeys(map(named.get, names))) for names in frame["items"]]
            _write_why(options.why, label_from(DEPICTS, frame, taxonomy, RULES, graph=graph, items=items).why)
    return counts | led | depicts.unused(set(named.values()), items)


@contextmanager
def _with_items(files: Path) -> Iterator[Path]:
    """A Parquet table of title, items: of a dump of structured data, else of any table."""
    if re.fullmatch(mediainfo.NAME, files.name):
        depicted, counts = mediainfo.depicted_from(files)
        told = ", ".join(f"{count:,} {what}" for what, count in counts.items())
        print(f"{files.name} is read as structured data: {told}")
        yield depicted
        return
    with as_parquet(files, "items") as (table, form):
        print(f"{files.name} is read as {form}")
        yield table


def _learned(
    graph: CategoryGraph, taxonomy: taxonomies.Taxonomy, files: Path, options: argparse.Namespace
) -> dict[str, int]:
    labels = learned_labels(options.source, graph, taxonomy, _read_files(files))
    columns = labels[["title", "labels", "scores"]]
    _write(options.out, pa.Table.from_pandas(columns, schema(), preserve_index=False))
    sizes = labels["labels"].map(len)
    return {"files": len(labels), "files with a label": int((sizes > 0).sum()), "labels": int(sizes.sum())}


def _write(out: Path, table: pa.Table) -> None:
    with replacing(out) as temporary, table_writer(temporary, check_written(out), table.schema) as write:
        write(table)


def _write_why(out: Path, why: pd.DataFrame) -> None:
    _write(out, pa.Table.from_pandas(why, preserve_index=False))


def _read_files(path: Path, column: str = "categories") -> pd.DataFrame:
    check_files(path, column)
    frame = pd.read_parquet(path, columns=["title", column])
    lists = [[] if names is None else [str(n) for n in names if n is not None] for names in frame[column]]
    return frame.assign(**{column: lists})
