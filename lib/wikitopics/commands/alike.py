"""`wikitopics alike`: near duplicates in a set of pictures, and the pictures nearest to others."""

import argparse
import tempfile
import time
from pathlib import Path

from wikitopics.commands.parsers import add_command, add_shared

HELP = """\
Compares pictures by the features that `wikitopics embed` wrote (FEATURES.parquet).

--near-duplicates writes all pairs of pictures that look alike: path_a, path_b, similarity (cosine), and
pixels_agree, which is true for copies and false for crops, mirrored pictures and variants of one drawing;
each picture is paired with its 16 nearest at the most. --query writes the pictures nearest to others: query,
rank, path, similarity, reason (why a query cannot be used). --text writes the same for pictures nearest to
what is said in words, where the features are of a network that was taught pictures with texts: their vectors
come from --texts FILE (Parquet: text, and a list of numbers) or from a preset (--model keras_hub:PRESET).
But for --query, which embeds pictures itself, FEATURES may be any file that 03_train takes.

Above 20,000 pictures (100,000 for --query) it uses the package faiss if that is installed
(pip install -e '.[alike]'): nearly the same answers, much sooner."""
EXAMPLES = """\
examples:
  wikitopics alike features.parquet --near-duplicates --out pairs.parquet
  wikitopics alike features.parquet --query owl.jpg --count 20 --out like_the_owl.parquet
  wikitopics alike features.parquet --text "a red fox" --texts texts.parquet --out foxes.parquet

exit code: 0 done, 2 a mistake, 130 stopped by Ctrl-C"""


def add_parser(commands: argparse._SubParsersAction) -> None:
    """Add the command to the command line."""
    from wikitopics.alike.nearest import ABOVE

    alike = add_command(commands, "alike", run, HELP, EXAMPLES)
    add = alike.add_argument
    add("features", type=Path, metavar="FEATURES", help="a file of `wikitopics embed`, or made elsewhere")
    what = alike.add_mutually_exclusive_group(required=True).add_argument
    what("--near-duplicates", action="store_true", help="all pairs that look alike")
    what("--query", nargs="+", metavar="INPUT", help="pictures, folders or tables of them")
    what("--text", nargs="+", metavar="WORDS", help="what pictures are to show, each in quotes")
    add("--texts", type=Path, metavar="FILE", help="vectors of texts, by the network of FEATURES")
    add("--out", type=Path, required=True, metavar="FILE", help="OUT.parquet")
    add(
        "--above",
        type=float,
        default=ABOVE,
        metavar="X",
        help="least similarity of near duplicates, -1 to 1 (%(default)s)",
    )
    add("--count", type=int, default=8, metavar="N", help="nearest pictures of each query (%(default)s)")
    embeds = "run, bundle or keras_hub:PRESET that embeds queries or texts (default: that of FEATURES)"
    add_shared(alike, "--model", required=False, help=embeds)
    add_shared(alike, "--jobs")


def run(options: argparse.Namespace) -> int:
    """Do as the options say; the exit code."""
    from wikitopics.alike.features import read_about, read_features
    from wikitopics.alike.nearest import COLUMNS, PAIRS
    from wikitopics.artefacts import write_table
    from wikitopics.errors import UserError
    from wikitopics.scoring.shards import writable
    from wikitopics.sources.inputs import check_out
    from wikitopics.vectors.vector_files import opened

    if options.out.suffix != ".parquet":
        raise UserError(f"results must go to a file in .parquet, but --out is {options.out}; rename it")
    if not -1 <= options.above <= 1 or options.count < 1 or options.jobs < 0:
        raise UserError(
            "--above must be -1 to 1, --count at least 1 and --jobs at least 0, but are "
            f"{options.above}, {options.count} and {options.jobs}; correct them"
        )
    columns = PAIRS if options.near_duplicates else COLUMNS
    check_out([str(options.features), *(options.query or [])], options.out, columns)
    if options.text:
        return _by_text(options)
    check = read_about if options.query else opened  # a file that is none is told before a folder is made
    check(options.features)
    started, out = time.monotonic(), options.out.absolute()
    with writable(out):
        out.parent.mkdir(parents=True, exist_ok=True)
        scratch = tempfile.TemporaryDirectory(dir=out.parent)
    with scratch as folder:
        features = read_features(options.features, Path(folder))
        print(f"{len(features.paths):,} pictures with features, {len(features.unreadable):,} without")
        table = _pairs(features, options) if options.near_duplicates else _nearest(features, options)
        write_table(options.out, table)
    print(f"{len(table):,} rows written to {options.out} in {time.monotonic() - started:.1f} s")
    return 0


def _by_text(options: argparse.Namespace) -> int:
    from wikitopics.alike.by_text import nearest_to_texts, side_of
    from wikitopics.artefacts import write_table
    from wikitopics.scoring.shards import writable

    started, side = time.monotonic(), side_of(options.features, options.texts, options.model)
    table = nearest_to_texts(options.features, side, options.text, options.count)
    with writable(options.out.absolute()):
        options.out.absolute().parent.mkdir(parents=True, exist_ok=True)
        write_table(options.out, table)
    print(f"{len(table):,} rows written to {options.out} in {time.monotonic() - started:.1f} s")
    return 0


def _pairs(features, options: argparse.Namespace):
    from wikitopics.alike.nearest import duplicates_table, index_for_all

    return duplicates_table(features.paths, index_for_all(features.vectors), options.above, options.jobs)


def _nearest(features, options: argparse.Namespace):
    from wikitopics.alike.features import load_embedder, model_of
    from wikitopics.alike.nearest import nearest_table
    from wikitopics.evaluate.neighbours import Index
    from wikitopics.sources.inputs import pictures_of

    paths = pictures_of(options.query)
    embedder = load_embedder(model_of(features.about, options.model))
    return nearest_table(features, Index(features.vectors), embedder, paths, options.count, options.jobs)
