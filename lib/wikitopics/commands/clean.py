"""`wikitopics clean`: the runs' artefacts away, people's work kept."""

import argparse
import shutil
from pathlib import Path

from wikitopics import paths
from wikitopics.commands.parsers import add_command

HELP = """\
Removes the runs in data/: artefacts, executed notebooks, caches, logs. What people judged lies in
judgements/ and stays; so do executed/, downloads, and files that lie in a finished run's folder and are none
of the run's."""


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
    shutil.rmtree(data / ".batch", ignore_errors=True)
    for path in kept:
        print(f"kept, since no run wrote it: {path.relative_to(paths.root())}")
    print(f"the runs in {data} are gone")
    return 0


def remove_run(stage: str, run: str) -> list[Path]:
    """Remove what a run left in its folder; the files that stay because somebody else put them there."""
    from wikitopics.runs.record import forget, made_from

    folder = paths.run_folder(stage, run)
    if made_from(stage, run):
        forget(stage, run)
        shutil.rmtree(folder / "features", ignore_errors=True)
        rest = [path for path in sorted(folder.rglob("*")) if path.is_file()]
    else:  # unfinished, or of an earlier version: only old tables of judgements are known to be a person's
        rest = sorted(folder.glob("*.taken_over.parquet"))
        for path in folder.iterdir():
            if path not in rest:
                shutil.rmtree(path) if path.is_dir() and not path.is_symlink() else path.unlink()
    if not rest:
        shutil.rmtree(folder)
    return rest
