"""`wikitopics score`: topics for any pictures, by a trained run."""

import argparse
import time
from pathlib import Path

from wikitopics.commands.parsers import add_command, add_shared, print_done

HELP = """\
Gives topics to pictures with a finished run of 03_train, at the thresholds that a run of 04_evaluate froze.
INPUT is a picture, a folder of them, a table (.parquet, .csv) with a column path or title, or the title of a
file of Wikimedia Commons (File:Owl.jpg), which is fetched politely and kept in data/downloads. For a run
that learned from given features INPUT is one Parquet file of such (docs/features.md).

OUT.parquet has one row a picture, in order: path, labels (above their thresholds, with those above them),
probabilities (calibrated, of every label), scores (as the network gives them), sureness, abstained, reason
and detail (why a file could not be used), source, model, key, version; its metadata holds the order of
labels. OUT.jsonl has the same in the shape of LiftWing's article topics, OUT.csv a column a label, for
spreadsheets. An OUT that is there is replaced when the new one is whole. Stopped at any moment, the same
command goes on."""
EXAMPLES = """\
examples:
  wikitopics score ~/pictures --model commons-10-lite0 --out topics.parquet
  wikitopics score "File:Red fox.jpg" --model commons-10-lite0 --out fox.jsonl --contact me@example.org
  wikitopics score list.csv --model commons-10-lite0 --out topics.parquet --dask tcp://scheduler:8786

exit code: 0 every picture has its row, 2 a mistake, 130 stopped by Ctrl-C"""


def add_parser(commands: argparse._SubParsersAction) -> None:
    """Add the command to the command line."""
    from wikitopics.scoring.pictures import WIDTH
    from wikitopics.scoring.settings import ABSTAIN
    from wikitopics.sources.commons_api import COMMONS

    score = add_command(commands, "score", run, HELP, EXAMPLES)
    add = score.add_argument
    add("inputs", nargs="+", metavar="INPUT", help="a picture, a folder, a table, or File:TITLE")
    add_shared(score, "--model")
    add("--evaluation", metavar="RUN", help="a run of 04_evaluate (default: the model's name)")
    add("--out", type=Path, required=True, metavar="FILE", help="OUT.parquet, OUT.jsonl or OUT.csv")
    add(
        "--abstain",
        type=float,
        default=ABSTAIN,
        metavar="SHARE",
        help="leave the least sure to a person, without labels: this share of pictures like the "
        "validation's, more of stranger ones (default: %(default)s; 0: none)",
    )
    add_shared(score, "--jobs")
    add(
        "--dask",
        default="",
        metavar="ADDRESS",
        help="spread the work over a Dask cluster, e.g. tcp://scheduler:8786, whose workers see the same "
        "folders (pip install -e '.[cluster]')",
    )
    titles = score.add_argument_group("titles of Wikimedia Commons")
    add_shared(titles, "--contact")
    titles.add_argument(
        "--width", type=int, default=WIDTH, help="pixels; the next standard width (default: %(default)s)"
    )
    titles.add_argument(
        "--pictures", default="", metavar="DIR", help="where pictures are kept (default: data/downloads/...)"
    )
    add_shared(titles, "--api", default=COMMONS)


def run(options: argparse.Namespace) -> int:
    """Score as the options say; the exit code."""
    from wikitopics.scoring.api import score

    started = time.monotonic()
    given = {name: value for name, value in vars(options).items() if name not in ("command", "call", "root")}
    counts = score(**given)
    print_done(counts, options.out, started)
    return 0
