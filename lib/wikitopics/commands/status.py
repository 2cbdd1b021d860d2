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
    from wikitopics.batch.plan import plan, reasons, unmade

    runs = plan(to_the_end=True)
    lost = unmade(runs)
    why = reasons({name: run for name, run in runs.items() if name not in lost})
    width = max(map(len, runs))
    yield f"root folder: {paths.root()}"
    for name, run in runs.items():
        yield f"  {name:<{width}}  {_state(run.stage, run.run, why.get(name, ''), lost.get(name, ''))}"
    stale = sum(map(bool, why.values()))
    unsure = f", {len(lost)} cannot be made here" if lost else ""
    told = f"{stale} out of date" if stale or lost else "everything is up to date"
    yield f"{len(runs)} runs, {told}{unsure}"
    yield f"notebooks to work in: {paths.notebook('01_labels').parent}"
    yield "executed notebooks: data/STAGE/RUN/notebook.ipynb; shared copies: executed/"
    yield from _judged()


def _state(stage: str, run: str, why: str, lost: str) -> str:
    from wikitopics.artefacts import RECORD
    from wikitopics.runs.record import made_from

    record = paths.run_folder(stage, run) / RECORD
    if not record.exists():
        return f"not made: {why or lost}"
    when = time.strftime("%Y-%m-%d %H:%M", time.localtime(record.stat().st_mtime))
    made = f"made {made_from(stage, run).get('made', '')} {when}".replace("  ", " ")
    if lost:
        return f"{made}; cannot be made here: {lost}"
    return f"{made}; out of date: {why}" if why else f"{made}; up to date"


def _judged() -> Iterator[str]:
    from wikitopics.judgements import annotations, verdicts

    for stage, read, what in (
        ("04_evaluate", verdicts, "verdicts"),
        ("01_labels", annotations, "annotations"),
    ):
        for folder in sorted((paths.root() / "judgements" / stage).glob("*/")):
            yield f"judgements/{stage}/{folder.name}: {len(read(folder)):,} {what}"
