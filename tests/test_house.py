"""How the library is laid out: nothing is imported upwards or in a circle, a name means one thing."""

import ast
import json
from collections import Counter
from graphlib import TopologicalSorter

import pytest

from wikitopics.paths import PROJECT, STAGES

LIBRARY = PROJECT / "lib" / "wikitopics"
GROUND = {
    "errors",
    "paths",
    "artefacts",
    "progress",
    "params",
    "rules",
    "readme",
    "judgements",
    "known_digests",
    "fence",
    "titles",
    "ranking",
}
LABORATORY = ["sources", "runs", "labels", "images", "networks", "vectors", "train"]
LABORATORY += ["evaluate", "compare", "show"]
USERS = ["scoring", "alike", "browsers", "export", "site", "batch", "commands", "cli", "__main__"]
LAYERS = LABORATORY + USERS
MODULES = {
    ".".join(file.relative_to(LIBRARY.parent).with_suffix("").parts).removesuffix(".__init__"): file
    for file in LIBRARY.rglob("*.py")
}
# One word for the same thing at two stages: what is computed, and what is shown, fetched or asked for.
BOTH = {
    "article_topics", "download", "export", "features", "figures", "mistakes", "people", "pictures", "record",
    "tables",
}  # fmt: skip


def imported(text: str) -> set[str]:
    """The library's modules that some code imports, also inside functions."""
    names = set()
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.ImportFrom) and node.module:
            full = {f"{node.module}.{alias.name}" for alias in node.names}
            names |= full & MODULES.keys() or {node.module} & MODULES.keys()
        elif isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names} & MODULES.keys()
    return names - {"wikitopics"}  # of it only __version__ is imported, and it opens the door to `score`


def layer(module: str) -> int:
    part = module.split(".")[1]
    return -1 if part in GROUND else LAYERS.index(part)


IMPORTS = {name: imported(file.read_text("utf-8")) for name, file in MODULES.items() if name != "wikitopics"}


def test_nothing_is_imported_upwards():
    upwards = [(name, to) for name, all_ in IMPORTS.items() for to in all_ if layer(to) > layer(name)]
    assert not upwards


def test_nothing_is_imported_in_a_circle():
    others = {name: all_ - {name} for name, all_ in IMPORTS.items()}
    TopologicalSorter(others).prepare()  # raises CycleError


@pytest.mark.parametrize("stage", STAGES[:5])
def test_the_notebooks_of_the_laboratory_meet_nothing_that_uses_it(stage: str):
    notebook = PROJECT / "notebooks" / f"{stage}.ipynb"
    cells = json.loads(notebook.read_text("utf-8"))["cells"]
    code = "\n".join("".join(cell["source"]) for cell in cells if cell["cell_type"] == "code")
    found = imported("\n".join(line for line in code.splitlines() if not line.startswith("%")))
    assert {name.split(".")[1] for name in found} <= {*GROUND, *LABORATORY}


def test_a_package_has_at_most_fifteen_modules_and_a_file_name_one_meaning():
    files = [file for file in MODULES.values() if file.name != "__init__.py"]
    assert max(Counter(file.parent for file in files).values()) <= 15
    assert {name for name, count in Counter(file.stem for file in files).items() if count > 1} <= BOTH
