"""The executed notebooks of the root, read and checked, in a reader's order, and links between them."""

import posixpath
import re
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any
from urllib.parse import quote

import nbformat

from wikitopics.errors import UserError

STAGE = re.compile(r"\d\d_\w+")
# Set for every run by the batch command: they say nothing about what the run is.
ORDINARY = {"run", "interactive", "jobs"}

NOTEBOOK = re.compile(r"(?:.*/)?(?:(?P<stage>\d\d_\w+)/(?P<run>[^/]+)|(?P<source>\d\d_\w+))\.ipynb")


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


def read_all(root: Path, runs: bool = False) -> list[Notebook]:
    """The notebooks of root/executed/STAGE/RUN.ipynb, or with `runs` of root/data/STAGE/RUN/notebook.ipynb.

    By stage and run. Raises UserError where there is none, and for one that is damaged.
    """
    place, pattern = (root / "data", "*/notebook.ipynb") if runs else (root / "executed", "*.ipynb")
    folders = [folder for folder in sorted(place.glob("*/")) if STAGE.fullmatch(folder.name)]
    files = [file for folder in folders for file in sorted(folder.glob(pattern)) if _is_run(file)]
    if not files:
        remedy = "`wikitopics run` first" if runs else "`wikitopics share` first, or name --runs"
        raise UserError(f"a site is made of executed notebooks, but {place} has none; run {remedy}")
    return [read(file, *((file.parts[-3], file.parts[-2]) if runs else ())) for file in files]


def _is_run(file: Path) -> bool:
    return not any(part.startswith(".") for part in file.parts[-2:]) and not file.name.endswith(".part.ipynb")


def read(path: Path, stage: str = "", run: str = "") -> Notebook:
    """One executed notebook; UserError if it is no whole notebook of nbformat 4.

    Its stage and run are those of its path in executed/ where they are not given.
    """
    stage, run = stage or path.parent.name, run or path.stem
    try:
        notebook = nbformat.from_dict(nbformat.reader.reads(path.read_text("utf-8")))
        nbformat.validate(notebook)
        if notebook["nbformat"] != 4:
            raise ValueError(f"nbformat {notebook['nbformat']}")
    except (OSError, ValueError, KeyError, AttributeError, TypeError, nbformat.ValidationError) as error:
        raise damaged(f"{stage}/{run}", error) from error
    parameters = notebook.metadata.get("papermill", {}).get("parameters", {})
    return Notebook(stage, run, notebook.cells, dict(parameters))


def damaged(name: str, error: Exception) -> UserError:
    """What is said of a notebook that cannot be shown."""
    reason = (str(error) or type(error).__name__).splitlines()[0][:120]
    return UserError(
        f"an executed notebook must be whole, but executed/{name}.ipynb is not ({reason}); "
        f"restore it, or make and share it again with `wikitopics run --again {name}` and `wikitopics share "
        f"{name}`"
    )


class Links:
    """Where addresses in notebooks lead, for a site of these notebooks."""

    def __init__(self, notebooks: list[Notebook]) -> None:
        self.notebooks = notebooks

    def resolve(self, here: Notebook, url: str) -> str | None:
        """The address to use on `here`'s page, or None where the site has nothing of that name."""
        if re.match(r"https?://", url):
            return url
        found = NOTEBOOK.fullmatch(url.partition("#")[0])
        if not found:
            return None
        there = self.run(found["stage"], found["run"]) if found["run"] else self.stage(found["source"], here)
        return relative(there.address, here.address) if there else None

    def run(self, stage: str, run: str) -> Notebook | None:
        """The notebook of that stage and run."""
        return next((one for one in self.notebooks if (one.stage, one.run) == (stage, run)), None)

    def stage(self, stage: str, here: Notebook) -> Notebook | None:
        """The stage's run of the same name, or one that reads this run or is read by it, or the first."""
        runs = [one for one in self.notebooks if one.stage == stage]
        related = [one for one in runs if one.run == here.run or reads(one, here) or reads(here, one)]
        return next(iter(sorted(related, key=lambda one: one.run != here.run) or runs), None)

    def stages(self, here: Notebook) -> list[Notebook]:
        """One run of each stage, as near to `here` as there is."""
        found = [self.stage(stage, here) for stage in dict.fromkeys(one.stage for one in self.notebooks)]
        return [one for one in found if one is not None]


def reads(later: Notebook, earlier: Notebook) -> bool:
    """Whether a run names another one among its parameters."""
    return any(
        earlier.run == value or isinstance(value, list) and earlier.run in value
        for value in later.differing.values()
    )


def relative(target: str, page: str) -> str:
    """An address in the site as seen from a page.

    >>> relative("index.html", "04_evaluate/a.html"), relative("04_evaluate/b.html", "04_evaluate/a.html")
    ('../index.html', 'b.html')
    """
    return posixpath.relpath(target, posixpath.dirname(page) or ".")
