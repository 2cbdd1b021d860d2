"""Whether what a kernel has run is what the stage's notebook says, cell by cell."""

import ast
import os
import sys
from collections.abc import Iterable
from typing import Any

from wikitopics import paths
from wikitopics.runs.fingerprint import code_cells

BATCH = "WIKITOPICS_BATCH"  # set in the kernels that `wikitopics run` starts
BY_RUN = "by wikitopics run"
INJECTED = "# Parameters\n"  # how the cell begins that papermill adds


def cells_run() -> list[str]:
    """The sources that this kernel has been given so far, oldest first; none outside of IPython."""
    ipython = sys.modules.get("IPython")
    shell = ipython.get_ipython() if ipython else None
    return [] if shell is None else [cell for cell in shell.user_ns.get("In", []) if cell.strip()]


def where() -> str:
    """Who drives this process: "by wikitopics run", "by papermill", "in JupyterLab" or "in Python"."""
    if os.environ.get(BATCH):
        return BY_RUN
    given = cells_run()
    if any(cell.startswith(INJECTED) for cell in given):
        return "by papermill"
    return "in JupyterLab" if given else "in Python"


def as_written(stage: str, given: Iterable[str], parameters: Iterable[str]) -> bool:
    """Whether the last of the cells `given` are those of the stage's notebook, in its order.

    Looked at is the notebook from its first cell to the one that finishes the run. Cells that only set
    `parameters` do not count, and a cell that was run twice in a row counts once.
    """
    wanted = _to_the_end(cell.strip() for cell in code_cells(paths.notebook(stage)))
    known, ran = set(parameters), list[str]()
    for cell in map(str.strip, given):
        if not _only_sets(cell, known) and ran[-1:] != [cell]:
            ran.append(cell)
    return ran[-len(wanted) :] == wanted


def _to_the_end(cells: Iterable[str]) -> list[str]:
    kept = []
    for cell in cells:
        kept.append(cell)
        if "finish_run(" in cell:
            break
    return kept


def _only_sets(cell: str, names: set[str]) -> bool:
    """Whether a cell does nothing but give values to these names."""
    try:
        statements: list[Any] = ast.parse(cell).body
    except SyntaxError:
        return False
    targets: list[ast.expr] = []
    for statement in statements:
        if isinstance(statement, ast.AnnAssign):
            targets.append(statement.target)
        elif isinstance(statement, ast.Assign):
            targets += statement.targets
        else:
            return False
    return all(isinstance(target, ast.Name) and target.id in names for target in targets)
