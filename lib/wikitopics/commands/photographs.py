"""`wikitopics photographs`: the demo's experiment on photographs of Wikimedia Commons, from nothing."""

import argparse
import os
import shlex
import shutil
from pathlib import Path

from wikitopics import paths
from wikitopics.artefacts import replacing, replacing_folder
from wikitopics.commands import download
from wikitopics.commands.parsers import add_command, add_shared
from wikitopics.errors import UserError
from wikitopics.sources.commons_api import COMMONS
from wikitopics.sources.online.http import Manners
from wikitopics.sources.online.structured_data import WIKIDATA
from wikitopics.sources.online.topic_files import Row, read_categories

HELP = """\
Fetches some 2,000 photographs of 20 topics from Wikimedia Commons, with credits, within Wikimedia's limits;
labels them by Commons' categories, by what people said they depict, and by the topics of Wikipedia's
articles; and makes the demo's experiment on them: two networks, 10 and 20 labels, each label source.

It works in a root folder of its own, which it lays out where it is empty. The list of categories,
categories.csv, and params/ are yours to change. It can be stopped at any moment; the same command goes on."""
EXAMPLES = """\
examples:
  wikitopics photographs --root photographs --contact me@example.org
  mkdir pictures; wikitopics photographs --root pictures --contact me@example.org
  wikitopics photographs --root photographs --dry-run       what it would ask for, and how long it takes

exit code: 0 everything is made, 1 a run failed, 2 a mistake, or a server that is to be left alone"""

NAME, LIST = "photographs", "categories.csv"
WIKI = "en.wikipedia.org"

# What it costs; see docs/photographs.md for where the figures come from.
PICTURE_KB = 60  # of a thumbnail of 330 pixels
QUESTIONS_A_FILE = 0.55  # of them 0.4 for the categories above, of which each file brings some 20
QUESTIONS_A_CATEGORY = 6  # of the list
USUAL_QUESTIONS, USUAL_PICTURES = 2.0, 10.0  # a second, as a rule


def add_parser(commands: argparse._SubParsersAction) -> None:
    """Add the command to the command line."""
    parser = add_command(commands, NAME, run, HELP, EXAMPLES)
    add_shared(parser, "--contact")
    parser.add_argument("--dry-run", action="store_true", help="say what it takes, and ask nobody")
    add_shared(parser, "--api", default=COMMONS)
    for name, usual in (("--articles", WIKI), ("--articles-api", ""), ("--items-api", WIKIDATA)):
        parser.add_argument(name, default=usual, help=argparse.SUPPRESS)


def run(options: argparse.Namespace) -> int:
    """Lay out, download, make the experiment; the exit code."""
    from wikitopics.batch.run import conclude, run_batch
    from wikitopics.runs.fingerprint import code

    root = own_root()
    rows = read_categories(list_in(root))
    if options.dry_run:
        print(expected(rows))
        return 0
    Manners(options.contact).user_agent()  # without a contact nothing is laid out, and nobody asked
    code("03_train")  # nor without the packages that it needs
    print(expected(rows))
    lay_out(root)
    fetch(options, root)
    lost = run_batch([])
    if not lost:
        conclude()
    return int(bool(lost))


def own_root() -> Path:
    """The root folder, if it is this experiment's or holds no laboratory yet; else a UserError."""
    named = os.environ.get(paths.VARIABLE) or paths.laboratory_around(Path.cwd())
    root = paths.root() if named else Path()
    if not named or (not (root / LIST).exists() and (root / "params").exists()):
        there = f"{root} is another laboratory" if named else "none is named"
        raise UserError(
            f"the photographs need a root folder of their own, but {there}; name one: in a checkout "
            "--root photographs, elsewhere any empty folder"
        )
    return root


def experiment() -> Path:
    """The experiment as it comes with the program."""
    return paths.PROJECT / NAME


def list_in(root: Path) -> Path:
    """The list of categories that counts in this root folder."""
    own = root / LIST
    return own if own.exists() else experiment() / LIST


def lay_out(root: Path) -> None:
    """Put the list of categories and the params into a root folder that has none; what is there stays."""
    if not (root / LIST).exists():
        with replacing(root / LIST) as part:
            shutil.copyfile(experiment() / LIST, part)
    if not (root / "params").exists():
        with replacing_folder(root / "params", "the params of 29 runs") as new:
            shutil.copytree(experiment() / "params", new, dirs_exist_ok=True)


def fetch(options: argparse.Namespace, root: Path) -> None:
    """Download what is not here yet, by the same command that people use, and say which."""
    asked = ["download", NAME, "--categories", str(root / LIST), "--depicts", "--topics", "index"]
    for name in ("contact", "api", "articles", "articles_api", "items_api"):
        asked += [f"--{name.replace('_', '-')}", getattr(options, name)]
    print(f"wikitopics {shlex.join(asked)}")
    parser = argparse.ArgumentParser()
    download.add_parser(parser.add_subparsers())
    options = parser.parse_args(asked)
    if options.call(options):
        print("the experiment is made of the pictures that came; the same command asks for the others later")


def expected(rows: list[Row]) -> str:
    """What a download of these categories takes, in two lines: questions, pictures and time."""
    files = sum(row.max_files for row in rows)
    questions = round(files * QUESTIONS_A_FILE + len(rows) * QUESTIONS_A_CATEGORY)
    megabytes = files * PICTURE_KB / 1000
    manners = Manners("")
    least = questions * manners.api_pause + megabytes * 8 / manners.megabits
    usual = questions / USUAL_QUESTIONS + files / USUAL_PICTURES
    topics = len({row.topic for row in rows})
    return (
        f"at most {files:,} files of {topics} topics: about {questions:,} questions, {megabytes:.0f} MB of "
        f"pictures\nWikimedia's limits allow that in {least / 60:.0f} minutes; expect about {usual / 60:.0f}"
    )
