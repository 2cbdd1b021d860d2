"""Notebooks without what running them leaves behind: no outputs in sources, no times in executed copies."""

import argparse
import json
import sys
from pathlib import Path
from typing import Any

Notebook = dict[str, Any]
KEPT_OF_A_CELL = {"tags"}
KEPT_OF_A_NOTEBOOK = {"kernelspec", "language_info"}


def stripped(notebook: Notebook) -> Notebook:
    """A source notebook without outputs, execution counts and metadata, but with its tags."""
    cells = []
    for cell in notebook["cells"]:
        kept = {name: value for name, value in cell["metadata"].items() if name in KEPT_OF_A_CELL}
        emptied: Notebook = {"execution_count": None, "outputs": []} if cell["cell_type"] == "code" else {}
        cells.append(cell | {"metadata": kept} | emptied)
    metadata = {
        "kernelspec": {"display_name": "Python 3 (ipykernel)", "language": "python", "name": "python3"},
        "language_info": {"name": "python"},
    }
    return notebook | {"cells": cells, "metadata": metadata}


def timeless(notebook: Notebook) -> Notebook:
    """An executed notebook as it is kept: outputs and parameters; no times, widget states or own paths."""
    cells = []
    for cell in notebook["cells"]:
        kept = {name: value for name, value in cell["metadata"].items() if name in KEPT_OF_A_CELL}
        # papermill names the cell it adds at random: two equal runs would differ.
        named = {"id": "injected-parameters"} if "injected-parameters" in kept.get("tags", []) else {}
        cells.append(cell | {"metadata": kept} | named)
    metadata = {name: value for name, value in notebook["metadata"].items() if name in KEPT_OF_A_NOTEBOOK}
    papermill = notebook["metadata"].get("papermill", {})
    return notebook | {
        "cells": cells,
        "metadata": metadata | {"papermill": {"parameters": papermill.get("parameters", {})}},
    }


def as_text(notebook: Notebook) -> str:
    """A notebook's JSON as Jupyter writes it."""
    return json.dumps(notebook, indent=1, ensure_ascii=False) + "\n"


def strip_file(path: Path, check: bool = False) -> bool:
    """Strip one notebook in place (or only look); whether there was anything to strip."""
    text = path.read_text("utf-8")
    wanted = as_text(stripped(json.loads(text)))
    if wanted != text and not check:
        path.write_text(wanted, "utf-8")
    return wanted != text


def main(arguments: list[str] | None = None) -> int:
    """Command line: strip the notebooks of the folders named, or only say which would change."""
    parser = argparse.ArgumentParser("wikitopics.batch.strip", description=__doc__)
    parser.add_argument("folders", nargs="+", type=Path, help="folders with source notebooks")
    parser.add_argument(
        "--check", action="store_true", help="change nothing; exit 1 if a notebook is not stripped"
    )
    options = parser.parse_args(arguments)
    changed = [
        path
        for folder in options.folders
        for path in sorted(folder.glob("*.ipynb"))
        if strip_file(path, options.check)
    ]
    for path in changed:
        print(f"{path} {'is not stripped' if options.check else 'stripped'}")
    return int(options.check and bool(changed))


if __name__ == "__main__":
    sys.exit(main())
