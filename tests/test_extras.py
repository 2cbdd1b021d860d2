"""`pip install wikitopics` alone: enough for all but networks, and where it is not a sentence says so."""

import os
import re
import subprocess
import sys
import tomllib

import pytest

from wikitopics.paths import PROJECT

EXTRAS = tomllib.loads((PROJECT / "pyproject.toml").read_text("utf-8"))["project"]["optional-dependencies"]
MISSING = {re.match(r"[\w-]+", line)[0] for extra in ("train", "deep", "lab") for line in EXTRAS[extra]}

# Read by Python at its start: the machinery of imports, and of versions, finds none of these packages.
POORER = f"""
import sys
from importlib.machinery import PathFinder

MISSING = {MISSING | {name.replace("-", "_") for name in MISSING}!r}

class Poorer(PathFinder):
    @classmethod
    def find_spec(cls, name, path=None, target=None):
        return None if name.partition(".")[0] in MISSING else super().find_spec(name, path, target)

    @classmethod
    def find_distributions(cls, *given, **named):
        return (one for one in super().find_distributions(*given, **named) if one.name not in MISSING)

sys.meta_path[sys.meta_path.index(PathFinder)] = Poorer
"""

IMPORT_ALL = """
import importlib, json, sys
from pathlib import Path
import wikitopics, wikitopics.paths
library = Path(wikitopics.__file__).parent
PARTS = "sources runs labels images evaluate compare show batch commands site"
for part in PARTS.split():
    for file in sorted((library / part).rglob("*.py")):
        if file.parent.name == "deep" and file.stem in ("encoder", "labeller"):
            continue  # the engine, and what cannot do without it
        importlib.import_module(".".join(file.relative_to(library.parent).with_suffix("").parts))
for stage in ("01_labels", "02_images", "04_evaluate", "05_compare"):
    cells = json.loads(wikitopics.paths.notebook(stage).read_text("utf-8"))["cells"]
    code = ["".join(cell["source"]) for cell in cells if cell["cell_type"] == "code"]
    exec(next(text for text in code if "import finish_run" in text))
print("without", *sorted(MISSING & {name.partition(".")[0] for name in sys.modules}))
""".replace("MISSING", repr(MISSING))


@pytest.fixture(scope="module")
def poorer(tmp_path_factory):
    """Runs this Python in a folder of its own, with a laboratory, as if these extras were not installed."""
    tmp_path = tmp_path_factory.mktemp("poorer")
    (tmp_path / "poorer").mkdir()
    (tmp_path / "poorer" / "sitecustomize.py").write_text(POORER)
    environment = {name: value for name, value in os.environ.items() if name != "WIKITOPICS_ROOT"}
    environment["PYTHONPATH"] = f"{tmp_path / 'poorer'}{os.pathsep}{PROJECT / 'lib'}"

    def run(*arguments: str, code: int = 0) -> str:
        done = subprocess.run(
            [sys.executable, *arguments], cwd=tmp_path, env=environment, capture_output=True, text=True
        )
        said = done.stdout + done.stderr
        assert done.returncode == code and "Traceback" not in said, said
        return said.strip()

    run("-m", "wikitopics", "new", "lab")
    return run


def test_all_but_networks_is_imported_without_the_extras(poorer):
    assert poorer("-c", IMPORT_ALL) == "without"


def needs(what: str, package: str, extra: str) -> str:
    return (
        f"wikitopics: {what} needs {package}, which is not installed; run: pip install 'wikitopics[{extra}]'"
    )


@pytest.mark.parametrize(
    ("command", "sentence"),
    [
        ("run 03_train/ores-10-lite0", needs("03_train", "keras", "train")),
        ("run 06_score", needs("03_train", "keras", "train")),  # which it reads
        ("export x --out y", needs("training or asking a network", "keras", "train")),
        ("browse x", needs("`wikitopics browse`", "jupyterlab", "lab")),
    ],
)
def test_what_needs_more_says_which_line_installs_it(poorer, command: str, sentence: str):
    assert poorer("-m", "wikitopics", *command.split(), "--root", "lab", code=2) == sentence


def test_one_label_source_needs_the_extra_deep_and_no_other_does(poorer):
    sentence = needs("commons-learned-deep", "onnxruntime", "deep")
    given = "run: slow\\nlabel_source: commons-learned-deep"
    poorer("-c", f"open('lab/params/01_labels/slow.yaml', 'w').write('{given}')")
    assert poorer("-m", "wikitopics", "run", "01_labels/slow", "--root", "lab", code=2) == sentence
    told = poorer("-m", "wikitopics", "status", "--root", "lab")
    poorer("-c", "import os; os.remove('lab/params/01_labels/slow.yaml')")
    assert re.findall(r"(01_labels/\S+) .*needs onnxruntime", told) == ["01_labels/slow"]


def test_no_photograph_is_asked_for_where_nothing_can_learn_from_it(poorer):
    poorer("-c", "import os; os.mkdir('pictures')")
    asked = ["--root", "pictures", "--contact", "me@example.org", "--api", "ftp://127.0.0.1:9/w/api.php"]
    said = poorer("-m", "wikitopics", "photographs", *asked, code=2)
    assert said.splitlines()[-1] == needs("03_train", "keras", "train")
    assert poorer("-c", "import os; print(os.listdir('pictures'))") == "[]"


def test_the_page_on_paws_promises_the_notebooks_that_run(poorer):
    page = (PROJECT / "docs" / "paws.md").read_text("utf-8")
    promised = re.findall(r"\d\d", re.search(r"Now the notebooks of ([\d, and]+) run", page)[1])
    told = poorer("-m", "wikitopics", "status", "--root", "lab").splitlines()
    stages = {line.split()[0][:2] for line in told if re.match(r"  \d\d_", line)}
    assert set(promised) == stages - {line.split()[0][:2] for line in told if "needs keras" in line}


def test_status_and_a_dry_run_tell_what_cannot_be_made_here(poorer):
    told = poorer("-m", "wikitopics", "status", "--root", "lab")
    assert re.search(r"01_labels/ores +not made: it was never finished here", told)
    assert re.search(r"03_train/ores-10-lite0 +not made: 03_train needs keras, which is not installed", told)
    assert "cannot run: 03_train needs keras" in poorer(
        "-m", "wikitopics", "run", "--dry-run", "--root", "lab", code=2
    )
