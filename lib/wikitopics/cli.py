"""The command line: `wikitopics run`, and the commands that other parts bring."""

import argparse
import os
import signal
import sys
from importlib import import_module
from pathlib import Path
from typing import NoReturn

from wikitopics.errors import UserError

RUN_HELP = """\
Makes the runs of params/STAGE/RUN.yaml that are out of date, in the order in which they need each other:
notebooks/STAGE.ipynb + params/STAGE/RUN.yaml -> executed/STAGE/RUN.ipynb + data/STAGE/RUN/

A run is out of date when its notebook's code, its parameters, the library, its data, a package that computes,
or a run that it reads has changed in content, or when one of its files is missing. Times never matter.
It can be stopped at any moment and goes on where it was; several may work on one tree at the same time."""

RUN_EXAMPLES = """\
examples:
  wikitopics run                              everything that is out of date
  wikitopics run --dry-run                    only say what would run, and why
  wikitopics run 03_train/commons-10-lite0    one run and what it needs (a job of a cluster can call this)
  wikitopics run 03_train 04_evaluate -j 4    all runs of two stages, four at once (about 1 GB each)
  wikitopics run --root ~/birds               another folder with its own params/, data/ and executed/

exit code: 0 all is up to date, 1 a run failed, 2 a mistake in the parameters or the command"""

# Commands of other parts: the module that has `add_parser(commands)` is imported when its command is used.
OTHERS = {
    "alike": ("wikitopics.alike.command", "nearest pictures and near duplicates, by features"),
    "download": ("wikitopics.sources.online.download_command", "bring files of Wikimedia Commons here"),
    "embed": ("wikitopics.alike.embed_command", "features of any pictures, by a trained run"),
    "export": ("wikitopics.export.command", "one folder or zip with a model and all that is known of it"),
    "label": ("wikitopics.labels.command", "label a table of files, without a notebook"),
    "score": ("wikitopics.scoring.command", "topics for any pictures, by a trained run"),
    "site": ("wikitopics.site.command", "the executed notebooks as a static site"),
}


def parser(command: str = "") -> argparse.ArgumentParser:
    """The command line; of the commands of other parts only `command` in full."""
    top = argparse.ArgumentParser("wikitopics", description="Topics for Wikimedia images: runs and labels.")
    commands = top.add_subparsers(dest="command", required=True, metavar="COMMAND")
    _add_run(commands)
    for name, (module, summary) in OTHERS.items():
        if name == command:
            import_module(module).add_parser(commands)
        else:
            commands.add_parser(name, help=summary)
    return top


def _add_run(commands: argparse._SubParsersAction) -> None:
    run = commands.add_parser(
        "run",
        help="make the runs that are out of date",
        description=RUN_HELP,
        epilog=RUN_EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    run.add_argument(
        "names", nargs="*", metavar="STAGE/RUN", help="a run, or a stage for all its runs; none: everything"
    )
    run.add_argument(
        "-j", "--jobs", type=int, metavar="N", help="runs at the same time (2, or 1 on a single core)"
    )
    run.add_argument("--dry-run", action="store_true", help="say what would run and why, and make nothing")
    run.add_argument(
        "--root", type=Path, metavar="DIR", help="folder with params/, data/ and executed/ (this project)"
    )
    run.add_argument(
        "--dask", metavar="ADDRESS", help="send the runs to a Dask cluster, e.g. tcp://scheduler:8786"
    )
    run.set_defaults(call=_run)


def main(arguments: list[str] | None = None) -> int:
    """Run one command; its exit code. A person's mistake is one line on the error stream and exit code 2."""
    arguments = sys.argv[1:] if arguments is None else arguments
    options = parser(arguments[0] if arguments else "").parse_args(arguments)
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, _stop)
    try:
        return options.call(options) or 0
    except UserError as error:
        print(f"wikitopics: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        _stop(signal.SIGINT)


def _stop(number: int, _: object = None) -> NoReturn:
    print(
        f"\nwikitopics: stopped by {signal.Signals(number).name}; the same command goes on", file=sys.stderr
    )
    sys.exit(128 + number)


def _run(options: argparse.Namespace) -> int:
    from wikitopics import batch

    if options.root:
        if not options.root.is_dir():
            raise UserError(
                f"--root must be a folder, but {options.root} is none; correct the path or make it"
            )
        os.environ["WIKITOPICS_ROOT"] = str(options.root.resolve())
    if options.jobs is not None and options.jobs < 1:
        raise UserError(f"--jobs must be at least 1, but is {options.jobs}; leave it out for two at once")
    if options.dry_run:
        batch.tell(options.names)
        return 0
    lost = batch.run_batch(options.names, options.jobs, options.dask)
    if not options.names and not lost:
        _conclude()
    return int(bool(lost))


def _conclude() -> None:
    """What a person looks at after everything has run: the comparison, and where the notebooks are."""
    from wikitopics import paths
    from wikitopics.compare.tables import headline

    for file in sorted((paths.root() / "params" / "05_compare").glob("*.yaml")):
        print(f"\n{file.stem}, on the test images; in brackets 95 % intervals; * the best of a column")
        print(headline(paths.run_folder("05_compare", file.stem)).to_string(index=False))
    print(f"\nexecuted notebooks: {paths.root() / 'executed'}")


if __name__ == "__main__":
    sys.exit(main())
