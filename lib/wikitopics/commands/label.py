"""`wikitopics label`: label a table of files, without a notebook."""

import argparse
import time
from pathlib import Path

import pandas as pd
import pyarrow as pa

from wikitopics.artefacts import replacing
from wikitopics.commands.parsers import add_command, print_done
from wikitopics.errors import UserError
from wikitopics.labels import taxonomy as taxonomies
from wikitopics.labels.bulk import as_parquet, check_files, label_parquet, schema
from wikitopics.labels.category_graph import CategoryGraph, open_graph
from wikitopics.labels.file_labels import COLUMNS, label_files, why_files
from wikitopics.labels.heuristics import label_categories, parse
from wikitopics.sources.inputs import check_out
from wikitopics.sources.tables import check_written, table_writer

LEARNED = "commons-learned"
HELP = """\
Labels files by their categories. FILES (.parquet, .csv, .tsv or .jsonl) has the columns title and categories
(lists, or texts divided by |). OUT (.parquet, .csv or .jsonl) gets one row for each, in the same order:
title, labels (those above included), scores (0 to 1).

The graph is a folder with categories.parquet (title, parents; optionally depth, head, hiddencat) or with
categories.csv (title,parent,hidden). The source is the trained labeller commons-learned, or rules of a walk
up the graph, joined by +, of which the first that labels wins: all, depth, head, headJ, lookahead."""


def add_parser(commands: argparse._SubParsersAction) -> None:
    """Add the command to the command line."""
    label = add_command(commands, "label", run, HELP)
    label.add_argument("--graph", type=Path, required=True, metavar="DIR", help="the category graph")
    label.add_argument("--files", type=Path, required=True, metavar="FILES", help="what to label")
    label.add_argument(
        "--source", default="headJ+depth", help="commons-learned or rules (default: %(default)s)"
    )
    label.add_argument("--taxonomy", default="v1.4", help="name, or CSV file (default: %(default)s)")
    label.add_argument("--out", type=Path, required=True, metavar="OUT", help="the labelled table")
    label.add_argument("--why", type=Path, metavar="WHY", help="also write the path of every label")


def run(options: argparse.Namespace) -> int:
    """Label as the options say; the exit code."""
    started = time.monotonic()
    own = Path(options.taxonomy).expanduser()  # of the folder one is in, as all paths of a command
    taxonomy = taxonomies.load(str(own.absolute()) if own.is_file() else options.taxonomy)
    _check(options)
    graph = open_graph(options.graph)
    with as_parquet(options.files) as (files, form):
        print(f"{options.files.name} is read as {form}")
        counts = _label(graph, taxonomy, files, options)
    print_done(counts, options.out, started)
    return 0


def _check(options: argparse.Namespace) -> None:
    """What can be known to be wrong before anything is computed."""
    if options.source != LEARNED:
        parse(options.source)
    elif options.why:
        raise UserError(f"--why needs rules of a walk, but the source is {LEARNED}; leave out --why")
    graph = options.graph
    brought = [options.files, graph, graph / "categories.csv", graph / "categories.parquet", options.taxonomy]
    for out, columns in ((options.out, schema().names), (options.why, COLUMNS)):
        if out:
            check_written(out)
            check_out([str(path) for path in brought if Path(path).is_file()], out, columns)
    if options.why and options.why.absolute() == options.out.absolute():
        raise UserError(f"--out and --why must be two files, but both are {options.out}; rename one")
    if not options.files.is_file():
        raise UserError(f"--files must be a table, but {options.files} is none; correct the path")


def _label(
    graph: CategoryGraph, taxonomy: taxonomies.Taxonomy, files: Path, options: argparse.Namespace
) -> dict[str, int]:
    if options.source == LEARNED:
        return _learned(graph, taxonomy, files, options.out)
    counts = label_parquet(graph, taxonomy, options.source, files, options.out)
    if options.why:
        frame, found = _read_files(files), label_categories(graph, taxonomy, options.source)
        why = why_files(found, frame, label_files(found, frame))
        _write(options.why, pa.Table.from_pandas(why, preserve_index=False))
    return counts


def _learned(graph: CategoryGraph, taxonomy: taxonomies.Taxonomy, files: Path, out: Path) -> dict[str, int]:
    from wikitopics.labels.learned import label_files as label_files_learned  # reads its model only here

    labels = label_files_learned(graph, taxonomy, _read_files(files))
    columns = labels[["title", "labels", "scores"]]
    _write(out, pa.Table.from_pandas(columns, schema(), preserve_index=False))
    sizes = labels["labels"].map(len)
    return {"files": len(labels), "files with a label": int((sizes > 0).sum()), "labels": int(sizes.sum())}


def _write(out: Path, table: pa.Table) -> None:
    with replacing(out) as temporary, table_writer(temporary, check_written(out), table.schema) as write:
        write(table)


def _read_files(path: Path) -> pd.DataFrame:
    check_files(path)
    frame = pd.read_parquet(path, columns=["title", "categories"])
    lists = [
        [] if names is None else [str(n) for n in names if n is not None] for names in frame["categories"]
    ]
    return frame.assign(categories=lists)
