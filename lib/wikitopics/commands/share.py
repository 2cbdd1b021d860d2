"""`wikitopics share`: the executed notebooks of runs as copies to be shared, in executed/."""

import argparse
from pathlib import Path

from wikitopics import paths
from wikitopics.commands.parsers import add_command
from wikitopics.errors import UserError

HELP = """\
Copies the executed notebooks of runs, data/STAGE/RUN/notebook.ipynb, to executed/STAGE/RUN.ipynb: the copies
that others open, and that `wikitopics site` shows. Only what is up to date and was made by `wikitopics run`
is shared, so that copies and artefacts are of one making."""


def add_parser(commands: argparse._SubParsersAction) -> None:
    """Add the command to the command line."""
    share = add_command(commands, "share", run, HELP)
    share.add_argument("names", nargs="*", metavar="STAGE/RUN", help="a run or a stage; none: all runs")


def run(options: argparse.Namespace) -> int:
    """Share the runs that the options name; the exit code."""
    copied = share_notebooks(options.names)
    print(f"{len(copied)} executed notebooks in {paths.root() / 'executed'}")
    return 0


def share_notebooks(names: list[str]) -> list[Path]:
    """The copies in executed/ of the named runs (all where none is named).

    Raises UserError, and copies nothing, where a run is out of date or has no executed notebook.
    """
    from wikitopics.artefacts import replacing
    from wikitopics.batch.plan import chosen_runs, plan, reasons

    chosen, why = chosen_runs(names), reasons(plan(names))
    for name in chosen:
        if why[name]:
            raise UserError(
                f"what is shared must be up to date, but {name} is not ({why[name]}); run `wikitopics run "
                f"{name}`"
            )
        if not paths.run_notebook(*name.split("/")).exists():
            raise UserError(
                f"a shared run must have been made by `wikitopics run`, but {name} has no executed notebook; "
                f"run `wikitopics run --again {name}`"
            )
    for name in chosen:
        with replacing(paths.shared_notebook(*name.split("/"))) as temporary:
            temporary.write_bytes(paths.run_notebook(*name.split("/")).read_bytes())
    return [paths.shared_notebook(*name.split("/")) for name in chosen]
