"""The executed notebooks of the root, read and checked, in the order in which a reader meets them."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any
from urllib.parse import quote

import nbformat

from wikitopics.errors import UserError

STAGE = re.compile(r"\d\d_\w+")
PART = ".part.ipynb"
# Set for every run by the batch command: they say nothing about what the run is.
ORDINARY = {"run", "interactive", "jobs"}


@dataclass(frozen=True)
class Notebook:
    """One executed notebook: its stage, its run and its cells (nbformat 4)."""

    stage: str
    run: str
    cells: list[dict[str, Any]]
    parameters: dict[str, Any]  # of params/STAGE/RUN.yaml

    @property
    def name(self) -> str:
        """STAGE/RUN."""
        return f"{self.stage}/{self.run}"

    @property
    def address(self) -> str:
        """Where its page is in the site, as an address relative to the site's folder."""
        return quote(f"{self.name}.html")

    @property
    def differing(self) -> dict[str, Any]:
        """The parameters that make this run what it is."""
        return {name: value for name, value in self.parameters.items() if name not in ORDINARY}

    @cached_property
    def title(self) -> str:
        """The first heading, or the stage's name."""
        found = re.search(r"^# +(.+?) *#*$", self.prose, re.MULTILINE)
        return found[1] if found else self.stage.replace("_", " ", 1).title()

    @cached_property
    def question(self) -> str:
        """The paragraph in bold that follows the first heading; empty where there is none."""
        found = re.search(r"^\*\*(.+?)\*\*$", self.prose, re.MULTILINE)
        return found[1] if found else ""

    @cached_property
    def prose(self) -> str:
        """All that is written between the code."""
        return "\n\n".join(cell["source"] for cell in self.cells if cell["cell_type"] == "markdown")

    def cell(self, name: str) -> dict[str, Any]:
        """The cell of that id; an empty one where there is none."""
        return next((cell for cell in self.cells if cell.get("id") == name), {})


def read_all(root: Path) -> list[Notebook]:
    """The notebooks of root/executed/STAGE/RUN.ipynb, by stage and run; unfinished ones are left out.

    Raises UserError where there is none, and for one that is damaged.
    """
    folders = sorted((root / "executed").glob("*/"))
    files = [file for folder in folders if STAGE.fullmatch(folder.name) for file in _notebooks(folder)]
    if not files:
        raise UserError(
            f"a site is made of executed notebooks, but {root / 'executed'} has none; "
            "run `wikitopics run` first"
        )
    return [read(file) for file in files]


def _notebooks(folder: Path) -> Iterable[Path]:
    return sorted(
        file
        for file in folder.glob("*.ipynb")
        if not file.name.startswith(".") and not file.name.endswith(PART)
    )


def read(path: Path) -> Notebook:
    """One executed notebook; UserError if it is no whole notebook of nbformat 4."""
    try:
        notebook = nbformat.from_dict(nbformat.reader.reads(path.read_text("utf-8")))
        nbformat.validate(notebook)
        if notebook["nbformat"] != 4:
            raise ValueError(f"nbformat {notebook['nbformat']}")
    except (OSError, ValueError, KeyError, AttributeError, TypeError, nbformat.ValidationError) as error:
        raise damaged(f"{path.parent.name}/{path.stem}", error) from error
    parameters = notebook.metadata.get("papermill", {}).get("parameters", {})
    return Notebook(path.parent.name, path.stem, notebook.cells, dict(parameters))


def damaged(name: str, error: Exception) -> UserError:
    """What is said of a notebook that cannot be shown."""
    reason = (str(error) or type(error).__name__).splitlines()[0][:120]
    return UserError(
        f"an executed notebook must be whole, but executed/{name}.ipynb is not ({reason}); "
        f"restore it, or delete it and run `wikitopics run {name}`"
    )
