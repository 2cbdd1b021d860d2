"""`wikitopics clean`: the runs' artefacts away, people's work kept."""

import argparse
import shutil
from pathlib import Path

from wikitopics import paths
from wikitopics.artefacts import clear_leftovers
from wikitopics.commands.parsers import add_command

HELP = """\
Removes the runs in data/: artefacts, executed notebooks, caches, logs. What people judged lies in
judgements/ and stays; so do executed/, downloads, and files in a run's folder that no run writes."""

# What the notebooks write, for runs that do not say it: unfinished, or of an earlier version.
# fmt: off
WRITTEN = {
    "run.json", "made_from.json", "stamp.json", "notebook.ipynb", "notebook.part.ipynb", "files.parquet",
    "labels.parquet", "label_names.json", "why.parquet", "human.parquet", "source.json", "funnel.json",
    "images.npy", "images.parquet", "rejected.parquet", "duplicates.parquet", "model.keras",
    "history.csv", "checkpoint.npz", "prior.json", "predictions_validation.parquet",
    "predictions_test.parquet", "thresholds.parquet", "metrics.json", "per_label.parquet",
    "curves.parquet", "mistakes.parquet", "label_issues.parquet", "predictions.parquet",
    "comparison.parquet", "differences.parquet", "seeds.parquet", "claims.json", "topics.parquet",
    "counts.parquet", "groups.parquet", "learning_curve.parquet", "names.parquet", "items.parquet",
    "coverage.parquet", "agreement.parquet",
}
# fmt: on
CACHES = ("features", "chunks", "squares")


def add_parser(commands: argparse._SubParsersAction) -> None:
    """Add the command to the command line."""
    add_command(commands, "clean", run, HELP)


def run(options: argparse.Namespace) -> int:
    """Remove the runs; the exit code."""
    from wikitopics.judgements import take_over_all

    for sentence in take_over_all():
        print(sentence)
    data, kept = paths.root() / "data", []
    for stage in paths.STAGES:
        for folder in sorted((data / stage).glob("*/")):
            kept += remove_run(stage, folder.name)
        clear_leftovers(data / stage)
    shutil.rmtree(data / ".batch", ignore_errors=True)
    for path in kept:
        print(f"kept, since no run wrote it: {path.relative_to(paths.root())}")
    print(f"the runs in {data} are gone")
    return 0


def remove_run(stage: str, run: str) -> list[Path]:
    """Remove what a run left in its folder; returns the files that stay, which somebody else put there."""
    from wikitopics.runs.record import forget, made_from

    folder = paths.run_folder(stage, run)
    if made_from(stage, run):
        forget(stage, run)
    else:  # unfinished, or of an earlier version
        for name in WRITTEN:
            (folder / name).unlink(missing_ok=True)
    clear_leftovers(folder)
    for name in CACHES:
        if (folder / name).is_dir() and not (folder / name).is_symlink():
            shutil.rmtree(folder / name)
    rest = [path for path in sorted(folder.rglob("*")) if path.is_symlink() or not path.is_dir()]
    if not rest:
        shutil.rmtree(folder)
    return rest
