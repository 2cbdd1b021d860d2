"""`wikitopics browse`: the browser of any run in JupyterLab, without editing a notebook."""

import argparse
import importlib.util
import json
import os
import sys
from pathlib import Path

from wikitopics import paths
from wikitopics.artefacts import replacing
from wikitopics.commands.parsers import add_command
from wikitopics.errors import UserError, not_installed

HELP = """\
Opens JupyterLab on a small notebook with the browser of a run: of its mistakes (04_evaluate) or of the
pictures it scored (06_score). Press Shift+Enter in its cell. In a notebook of your own the same is
`wikitopics.browse("RUN")`."""


def add_parser(commands: argparse._SubParsersAction) -> None:
    """Add the command to the command line."""
    browse = add_command(commands, "browse", run, HELP)
    browse.add_argument(
        "name", metavar="RUN", help="RUN or STAGE/RUN, e.g. commons-20-lite2 or 06_score/sample"
    )
    browse.add_argument("--against", metavar="RUN", default="", help="a second run of 04_evaluate beside it")
    browse.add_argument(
        "--no-browser", action="store_true", help="start JupyterLab, and only say its address"
    )
    browse.add_argument(
        "--port", type=int, metavar="N", help="port of JupyterLab (8888, or the next free one)"
    )


def run(options: argparse.Namespace) -> int:
    """Write the notebook and become JupyterLab."""
    from wikitopics.browsers import browsable

    if importlib.util.find_spec("jupyterlab") is None:
        raise UserError(not_installed("lab", "`wikitopics browse`", "jupyterlab"))
    against = browsable(f"04_evaluate/{options.against.rpartition('/')[2]}")[1] if options.against else ""
    notebook = write_notebook(*browsable(options.name), against)
    command = [sys.executable, "-m", "jupyterlab", str(notebook), f"--ServerApp.root_dir={paths.root()}"]
    command += ["--no-browser"] if options.no_browser else []
    command += [f"--port={options.port}"] if options.port else []
    if hasattr(os, "geteuid") and os.geteuid() == 0:
        command.append("--allow-root")
    print(f"opening {notebook.relative_to(paths.root())} in JupyterLab; press Shift+Enter there", flush=True)
    os.environ["WIKITOPICS_ROOT"] = str(paths.root())
    os.execv(sys.executable, command)


def write_notebook(stage: str, run: str, against: str = "") -> Path:
    """A notebook with one cell that shows the run's browser, in data/browse/."""
    import nbformat

    told = f"# {run}\n\nPress **Shift+Enter** in the next cell. `?` tells the keys."
    other = f", against={against!r}" if against else ""
    code = f'import wikitopics\n\nwikitopics.browse("{stage}/{run}"{other})'
    cells = [nbformat.v4.new_markdown_cell(told, id="about"), nbformat.v4.new_code_cell(code, id="browser")]
    notebook = nbformat.v4.new_notebook(cells=cells)
    notebook.metadata["kernelspec"] = {"name": "python3", "display_name": "Python 3", "language": "python"}
    path = paths.root() / "data" / "browse" / f"{stage}-{run}{'-' if against else ''}{against}.ipynb"
    if not path.exists():  # somebody may have gone on writing in it
        with replacing(path) as temporary:
            temporary.write_text(json.dumps(notebook, indent=1) + "\n", "utf-8")
    return path
