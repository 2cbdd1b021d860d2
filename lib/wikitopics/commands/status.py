"""`wikitopics status`: what is here, what is out of date, and where to look."""

import argparse
import time
from collections.abc import Iterator

from wikitopics import paths
from wikitopics.commands.parsers import add_command

HELP = "Says which runs there are, which of them are out of date and why, and where their notebooks are."


def add_parser(commands: argparse._SubParsersAction) -> None:
    """Add the command to the command line."""
    add_command(commands, "status", run, HELP)


def run(options: argparse.Namespace) -> int:
    """Print the state of the root folder; the exit code."""
    print("\n".join(lines()))
    return 0


def lines() -> Iterator[str]:
    """What is said: a line a run, then where notebooks and judgements are."""
    from wikitopics.batch.plan import plan, reasons

    runs = plan()
    why = reasons(runs)
    width = max(map(len, runs))
    yield f"root folder: {paths.root()}"
    for name, run in runs.items():
        yield f"  {name:<{width}}  {_state(run.stage, run.run, why[name])}"
    stale = sum(map(bool, why.values()))
    yield f"{len(runs)} runs, {stale} out of date" if stale else f"{len(runs)} runs, everything is up to date"
    yield f"notebooks to work in: {paths.notebook('01_labels').parent}"
    yield "executed notebooks: data/STAGE/RUN/notebook.ipynb; shared copies: executed/"
    yield from _judged()


def _state(stage: str, run: str, why: str) -> str:
    from wikitopics.artefacts import RECORD
    from wikitopics.runs.record import made_from

    record = paths.run_folder(stage, run) / RECORD
    if not record.exists():
        return f"not made: {why}"
    when = time.strftime("%Y-%m-%d %H:%M", time.localtime(record.stat().st_mtime))
    made = f"made {made_from(stage, run).get('made', '')} {when}".replace("  ", " ")
    return f"{made}; out of date: {why}" if why else f"{made}; up to date"


def _judged() -> Iterator[str]:
    from wikitopics.judgements import annotations, verdicts

    for stage, read, what in (
        ("04_evaluate", verdicts, "verdicts"),
        ("01_labels", annotations, "annotations"),
    ):
        for folder in sorted((paths.root() / "judgements" / stage).glob("*/")):
            yield f"judgements/{stage}/{folder.name}: {len(read(folder)):,} {what}"
