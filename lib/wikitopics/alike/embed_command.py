"""`wikitopics embed`: features of any pictures, by a trained run."""

import argparse
import os
import time
from pathlib import Path

HELP = """\
Writes the features of pictures: the pooled output of the backbone of a finished run of 03_train, which are
what `wikitopics alike` compares. INPUT is a picture, a folder of them, or a table (.parquet, .csv) with a
column path.

OUT.parquet has one row a picture, in order: path, features (empty for a file that cannot be used), reason and
detail (why not); its metadata names backbone, checksum of the weights, size and fit. An OUT that is there is
replaced when the new one is whole. Stopped at any moment, the same command goes on."""
EXAMPLES = """\
example:
  wikitopics embed ~/pictures --model commons-10-lite0 --out features.parquet

exit code: 0 every picture has its row, 2 a mistake, 130 stopped by Ctrl-C"""


def add_parser(commands: argparse._SubParsersAction) -> None:
    """Add the command to the command line."""
    embed = commands.add_parser(
        "embed",
        help="features of any pictures, by a trained run",
        description=HELP,
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    embed.set_defaults(call=run)
    add = embed.add_argument
    add("inputs", nargs="+", metavar="INPUT", help="a picture, a folder, or a table")
    add("--model", required=True, metavar="RUN", help="a finished run of 03_train, or a bundle of `export`")
    add("--out", type=Path, required=True, metavar="FILE", help="OUT.parquet")
    add("--jobs", type=int, default=0, metavar="N", help="processes that decode (default: half of the cores)")


def run(options: argparse.Namespace) -> int:
    """Embed as the options say; the exit code."""
    from wikitopics.alike.embedder import model_path
    from wikitopics.alike.embedding import embed_files
    from wikitopics.alike.inputs import pictures_of
    from wikitopics.scoring.inputs import check_apart

    started = time.monotonic()
    names = [os.fspath(name) for name in options.inputs]
    check_apart(names, options.out)
    paths = pictures_of(names, options.jobs)
    counts = embed_files(model_path(options.model), paths, options.out, options.jobs)
    print(", ".join(f"{number:,} {what}" for what, number in counts.items()))
    print(f"written to {options.out} in {time.monotonic() - started:.1f} s")
    return 0
