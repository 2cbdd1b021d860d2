"""`wikitopics score`: topics for any pictures, by a trained run."""

import argparse
import time
from pathlib import Path

from wikitopics.artefacts import RECORD, finished_run, read_json
from wikitopics.errors import UserError
from wikitopics.export.named import bundle_path

HELP = """\
Gives topics to pictures with a finished run of 03_train, at the thresholds that a run of 04_evaluate froze.
INPUT is a picture, a folder of them, or a table (.parquet, .csv) with a column path.

OUT.parquet has one row a picture, in order: path, labels (above their thresholds), probabilities (calibrated,
of every label), scores (as the network gives them), sureness, reason and detail (why a file could not be
used), model, key; its metadata holds the order of labels. OUT.jsonl has the same in the shape of LiftWing's
article topics. Stopped at any moment, the same command goes on."""


def add_parser(commands: argparse._SubParsersAction) -> None:
    """Add the command to the command line."""
    score = commands.add_parser(
        "score",
        help="topics for any pictures, by a trained run",
        description=HELP,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    score.add_argument("inputs", nargs="+", metavar="INPUT", help="a picture, a folder, or a table of paths")
    score.add_argument(
        "--model",
        required=True,
        metavar="RUN",
        help="a finished run of 03_train, or a bundle of `wikitopics export`",
    )
    score.add_argument(
        "--evaluation",
        metavar="RUN",
        help="a run of 04_evaluate: its thresholds (default: the model's name)",
    )
    score.add_argument("--out", type=Path, required=True, metavar="FILE", help="OUT.parquet or OUT.jsonl")
    score.add_argument(
        "--jobs", type=int, default=0, metavar="N", help="processes that decode (default: half of the cores)"
    )
    score.set_defaults(call=run)


def run(options: argparse.Namespace) -> int:
    """Score as the options say; the exit code."""
    from wikitopics.scoring.inputs import check_apart, paths_of
    from wikitopics.scoring.shards import score_files

    if options.jobs < 0:
        raise UserError(f"--jobs must be at least 1, but is {options.jobs}; leave it out for half the cores")
    check_apart(options.inputs, options.out)
    started = time.monotonic()
    model, evaluation = _runs(options.model, options.evaluation)
    counts = score_files(model, paths_of(options.inputs), options.out, evaluation, options.jobs)
    print(", ".join(f"{number:,} {what}" for what, number in counts.items()))
    print(f"written to {options.out} in {time.monotonic() - started:.1f} s")
    return 0


def _runs(model: str, evaluation: str | None) -> tuple[Path, Path | None]:
    """The folders of the model and of its evaluation, or a bundle alone (export.named.bundle_path).

    Raises UserError where one is not finished or of another.
    """
    bundle = bundle_path(model, evaluation)
    if bundle is not None:
        return bundle, None
    folder = finished_run("03_train", model)
    judged = finished_run("04_evaluate", evaluation or model)
    of = read_json(judged / RECORD).get("model")
    if of != model:
        raise UserError(
            f"--evaluation must be a run that judged {model!r}, but {judged.name!r} judged {of!r}; "
            "name another"
        )
    return folder, judged
