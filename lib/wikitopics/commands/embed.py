"""`wikitopics embed`: features of any pictures, by a trained run."""

import argparse
import os
import time
from pathlib import Path

from wikitopics.commands.parsers import add_command, add_shared, print_done

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
    embed = add_command(commands, "embed", run, HELP, EXAMPLES)
    add = embed.add_argument
    add("inputs", nargs="+", metavar="INPUT", help="a picture, a folder, or a table")
    add_shared(embed, "--model")
    add("--out", type=Path, required=True, metavar="FILE", help="OUT.parquet")
    add_shared(embed, "--jobs")


def run(options: argparse.Namespace) -> int:
    """Embed as the options say; the exit code."""
    from wikitopics.alike.features import SCHEMA, embed_files, model_path
    from wikitopics.sources.inputs import check_out, pictures_of

    started = time.monotonic()
    names = [os.fspath(name) for name in options.inputs]
    check_out(names, options.out, SCHEMA.names)
    paths = pictures_of(names, options.jobs)
    counts = embed_files(model_path(options.model), paths, options.out, options.jobs)
    print_done(counts, options.out, started)
    return 0
