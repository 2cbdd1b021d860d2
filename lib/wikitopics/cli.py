"""The command line: `wikitopics run`, and the commands that other parts bring."""

import argparse
import errno
import os
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module
from pathlib import Path
from typing import NoReturn

from wikitopics import __version__
from wikitopics.errors import UserError

RUN_HELP = """\
Makes the runs of params/STAGE/RUN.yaml that are out of date, in the order in which they need each other:
notebooks/STAGE.ipynb + params/STAGE/RUN.yaml -> data/STAGE/RUN/ with its artefacts and notebook.ipynb

A run is out of date when its notebook's code, its parameters, the library, its data, a package that computes,
or the content of a run that it reads has changed, or when one of its files is missing. Times never matter,
and neither does who executed the notebook: a run made in JupyterLab from the same things is the run.
It can be stopped at any moment and goes on where it was; several may work on one tree at the same time."""

RUN_EXAMPLES = """\
examples:
  wikitopics run                              everything that is out of date
  wikitopics run --dry-run                    only say what would run, and why
  wikitopics run 03_train/commons-10-lite0    one run and what it needs (a job of a cluster can call this)
  wikitopics run 03_train 04_evaluate -j 4    all runs of two stages, four at once (about 1 GB each)
  wikitopics run params/03_train/mine.yaml    the same by the path of its params file
  wikitopics run --again 05_compare           make it even if it is up to date
  wikitopics run --root ~/birds               another folder with its own params/ and data/

exit code: 0 all is up to date, 1 a run failed, 2 a mistake in the parameters or the command"""

ROOT_HELP = (
    "root folder, with params/ and data/ (default: $WIKITOPICS_ROOT, else the nearest folder from here "
    "upwards that has params/STAGE/, else the checkout)"
)

# Commands of other parts: the module that has `add_parser(commands)` is imported when its command is used.
OTHERS = {
    "browse": ("wikitopics.commands.browse", "open the browser of a run's mistakes, or of what it scored"),
    "clean": ("wikitopics.commands.clean", "remove the runs in data/, and nothing that people made"),
    "new": ("wikitopics.commands.new", "lay out a laboratory of your own in a new folder"),
    "share": ("wikitopics.commands.share", "copy the executed notebooks of runs to executed/"),
    "status": ("wikitopics.commands.status", "what is here, what is out of date, where the notebooks are"),
    "alike": ("wikitopics.commands.alike", "nearest pictures and near duplicates, by features"),
    "download": ("wikitopics.commands.download", "bring files of Wikimedia Commons here"),
    "embed": ("wikitopics.commands.embed", "features of any pictures, by a trained run"),
    "export": ("wikitopics.commands.export", "one folder or zip with a model and all that is known of it"),
    "photographs": ("wikitopics.commands.photographs", "the demo's experiment on photographs of Commons"),
    "label": ("wikitopics.commands.label", "label a table of files, without a notebook"),
    "score": ("wikitopics.commands.score", "topics for any pictures, by a trained run"),
    "site": ("wikitopics.commands.site", "the executed notebooks as a static site"),
}


def parser(command: str = "") -> argparse.ArgumentParser:
    """The command line; of the commands of other parts only `command` in full."""
    top = argparse.ArgumentParser("wikitopics", description="Topics for Wikimedia images: runs and labels.")
    top.add_argument("--version", action="version", version=f"wikitopics {__version__}")
    commands = top.add_subparsers(dest="command", required=True, metavar="COMMAND")
    _add_run(commands)
    for name, (module, summary) in sorted(OTHERS.items()):
        if name == command:
            import_module(module).add_parser(commands)
        else:
            commands.add_parser(name, help=summary)
    for name, one in commands.choices.items():
        if name != "new":
            one.add_argument("--root", metavar="DIR", help=ROOT_HELP)
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
        "--again", action="store_true", help="make the named runs even where they are up to date"
    )
    run.add_argument(
        "--dask", metavar="ADDRESS", help="send the runs to a Dask cluster, e.g. tcp://scheduler:8786"
    )
    run.set_defaults(call=_run)


def main(arguments: list[str] | None = None) -> int:
    """Run one command; its exit code. A person's mistake is one line on the error stream and exit code 2."""
    if sys.platform == "win32":
        print("wikitopics: it runs on Linux and macOS, but this is Windows; use WSL", file=sys.stderr)
        return 2
    arguments = sys.argv[1:] if arguments is None else arguments
    options = parser(arguments[0] if arguments else "").parse_args(arguments)
    with _stopping():
        try:
            _settle_root(vars(options).pop("root", None))
            return options.call(options) or 0
        except UserError as error:
            print(f"wikitopics: {error}", file=sys.stderr)
            return 2
        except OSError as error:
            if error.errno not in (errno.EACCES, errno.EPERM, errno.EROFS):
                raise
            print(f"wikitopics: {_not_allowed(error)}", file=sys.stderr)
            return 2
        except KeyboardInterrupt:
            _stop(signal.SIGINT)


@contextmanager
def _stopping() -> Iterator[None]:
    """A block that a signal to end stops with a sentence; under nohup a hang-up is nobody's business."""
    before = {number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGHUP)}
    for number, handler in before.items():
        if handler != signal.SIG_IGN:
            signal.signal(number, _stop)
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _not_allowed(error: OSError) -> str:
    """What a person is told who may not read or write something, of others or on a disk to be read only."""
    return (
        f"files and folders must be yours to read and write, but {error.filename} is not ({error.strerror}); "
        "ask whose it is for the right, or work in another --root"
    )


def _settle_root(given: str | None) -> None:
    """From here on, and in all that is started from here, the root folder is this command's."""
    from wikitopics import paths

    if given:
        os.environ[paths.VARIABLE] = str(paths.checked_root(given))
    elif not os.environ.get(paths.VARIABLE):
        around = paths.laboratory_around(Path.cwd())
        if around and around != paths.CHECKOUT:
            os.environ[paths.VARIABLE] = str(around)
            print(f"wikitopics: root folder {around}", file=sys.stderr)


def _stop(number: int, _: object = None) -> NoReturn:
    print(
        f"\nwikitopics: stopped by {signal.Signals(number).name}; the same command goes on", file=sys.stderr
    )
    sys.exit(128 + number)


def _run(options: argparse.Namespace) -> int:
    from wikitopics.batch.run import conclude, run_batch, tell
    from wikitopics.judgements import take_over_all

    if options.jobs is not None and options.jobs < 1:
        raise UserError(f"--jobs must be at least 1, but is {options.jobs}; leave it out for two at once")
    if options.dry_run:
        tell(options.names)
        return 0
    for sentence in take_over_all():
        print(sentence)
    lost = run_batch(options.names, options.jobs, options.dask, options.again)
    if not options.names and not lost:
        conclude()
    return int(bool(lost))


if __name__ == "__main__":
    sys.exit(main())
