"""`wikitopics site`: the executed notebooks as a static site."""

import argparse
import time
from pathlib import Path

from wikitopics import paths
from wikitopics.commands.parsers import add_command

HELP = """\
Turns the shared copies in executed/ (see `wikitopics share`), or with --runs the executed notebooks of the
runs in data/, into a static site: an index with the comparison, and a page for each notebook with its
figures live. It asks no other host for anything, and can be opened from a folder as it is.

A folder that exists is replaced only if it is a site made by this command."""


def add_parser(commands: argparse._SubParsersAction) -> None:
    """Add the command to the command line."""
    site = add_command(commands, "site", run, HELP)
    site.add_argument("--out", type=Path, metavar="DIR", help="the site's folder (site/ in the project)")
    site.add_argument(
        "--runs", action="store_true", help="show the runs of data/ as they are now, not the shared copies"
    )


def run(options: argparse.Namespace) -> int:
    """Make the site as the options say; the exit code."""
    from wikitopics.site.build import build

    started = time.monotonic()
    place = options.out or paths.root() / "site"
    made = build(paths.root(), place, options.runs)
    for name, figures in made.still.items():
        print(f"{name}: too heavy, {figures} figures are pictures only")
    browsers = f"{made.browsers} browsers of mistakes, " if made.browsers else ""
    told = f"{made.pages} pages, {made.figures} live figures, {browsers}"
    print(f"{told}the heaviest page {made.heaviest / 1e6:.2f} MB")
    print(f"{place / 'index.html'} written in {time.monotonic() - started:.1f} s")
    return 0
