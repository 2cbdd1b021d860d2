"""`wikitopics new`: a laboratory of one's own: notebooks, params and a short README in a new folder."""

import argparse
import shutil
from pathlib import Path

from wikitopics import paths
from wikitopics.commands.parsers import add_command
from wikitopics.errors import UserError

HELP = """\
Lays out a laboratory in a new folder: the notebooks, the params of the experiment on the embedded sample,
and a README of ten lines. `wikitopics run` in that folder makes everything."""

README = """\
# {name}

A laboratory of Wiki Image Topics.

- `params/STAGE/RUN.yaml` says how a run differs from the defaults in the parameters cell of
`notebooks/STAGE.ipynb`.
- `wikitopics run` makes what is out of date, `wikitopics status` says what is there.
- `data/STAGE/RUN/` holds a run's artefacts and its executed notebook; it can be made again at any time.
- `judgements/` holds what people judged in the browsers. Nothing here ever deletes it; keep it.
- `wikitopics browse RUN` opens the browser of mistakes of a run, `jupyter lab notebooks` the notebooks.
- `wikitopics share` copies executed notebooks to `executed/`, `wikitopics site` makes a site of them.
"""


def add_parser(commands: argparse._SubParsersAction) -> None:
    """Add the command to the command line."""
    new = add_command(commands, "new", run, HELP)
    new.add_argument("folder", type=Path, metavar="DIR", help="a new or empty folder")


def run(options: argparse.Namespace) -> int:
    """Lay out the folder that the options name; the exit code."""
    lay_out(options.folder)
    print(f"a laboratory in {options.folder}; go on with: cd {options.folder} && wikitopics run")
    return 0


def lay_out(folder: Path) -> None:
    """Write notebooks, params and a README to `folder`; UserError where something lies there already."""
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise UserError(
            f"a laboratory needs a new or empty folder, but {folder} is neither; name another one"
        )
    folder.mkdir(parents=True, exist_ok=True)
    for name in ("notebooks", "params"):
        ignored = shutil.ignore_patterns(".*", "__pycache__")
        shutil.copytree(paths.PROJECT / name, folder / name, ignore=ignored)
    (folder / "README.md").write_text(README.format(name=folder.resolve().name), "utf-8")
    (folder / ".gitignore").write_text("/data/\n/site/\n.ipynb_checkpoints/\n", "utf-8")
