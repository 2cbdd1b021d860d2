"""What a run's result depends on, as content: whatever is not in here may change without a rerun.

In: the notebook's code cells, the parameters, the source's data (only where a source is read), every module
of this library that the notebook leads to, with the data files beside them, and the versions of the packages
that compute; beside them, in `runs.record`, the content of the runs it reads. Of these full versions are
used, since a patch release has changed numbers before; packages that draw or drive (plotly, papermill) do not
count. Out: outputs, prose, times, how a notebook is shown or spread over cores, and the modules that only
check and drive.
"""

import ast
import hashlib
import json
from collections.abc import Iterable
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from wikitopics import paths
from wikitopics.errors import UserError, not_installed
from wikitopics.known_digests import known_digest, remember
from wikitopics.rules import files_read, is_preset
from wikitopics.sources import open_source

PACKAGE = Path(__file__).resolve().parents[1]
PLUMBING = {  # checks and drives, and decides nothing of what comes out
    "wikitopics",
    *(f"wikitopics.{name}" for name in ("params", "rules", "progress", "errors")),
    *(f"wikitopics.runs{name}" for name in ("", ".record", ".fingerprint", ".notebook_cells")),
}

# Parameters that change how a run is shown, how fast it is or under whose name one judges, not its result.
NOT_RESULT = {"annotator", "contact", "interactive", "jobs", "scheduler"}
SOURCE_OPTIONS = ("table", "image_root", "dump", "wit", "max_files")
COMPUTING = {
    "numpy": ["numpy"],
    "pandas": ["pandas"],
    "scipy": ["scipy"],
    "sklearn": ["scikit-learn"],
    "PIL": ["pillow"],
    "keras": ["keras", "tensorflow"],
    "tensorflow": ["tensorflow"],
}
ENGINES = {"commons-learned-deep": ("deep", "onnxruntime")}  # label source: its extra, what of it computes
PRESETS = ("hub", "keras-hub")  # the same of backbones that are presets


def ingredients(stage: str, parameters: dict[str, Any]) -> dict[str, Any]:
    """All that a run depends on beside the runs it reads, as a small JSON-like dict; `key` of it names it."""
    parts = {"parameters": deciding(parameters), "data": data(stage, parameters)}
    return code(stage) | parts | engine(parameters)


def deciding(parameters: dict[str, Any]) -> dict[str, Any]:
    """The parameters that change what comes out."""
    return {name: value for name, value in parameters.items() if name not in NOT_RESULT}


def engine(parameters: dict[str, Any]) -> dict[str, Any]:
    """What only some runs of a stage compute with, and its version; UserError where it is not installed."""
    source, backbone = parameters.get("label_source"), parameters.get("backbone")
    engines = {source: ENGINES[source]} if source in ENGINES else {}
    engines |= {backbone: PRESETS} if is_preset(backbone) else {}
    found = {package: _version(package, what, extra) for what, (extra, package) in engines.items()}
    return {"engine": found} if found else {}


def code(stage: str) -> dict[str, Any]:
    """The code that makes a stage's runs: its notebook's cells, this library, the packages that compute."""
    cells = code_cells(paths.notebook(stage))
    modules, packages = reached(cells)
    computing = {name for module in packages & COMPUTING.keys() for name in COMPUTING[module]}
    return {
        "notebook": digest(*cells),
        "library": {
            name: digest(file.read_bytes())[:16] for name, file in sorted(library_files(modules).items())
        },
        "versions": {name: _version(name, stage) for name in sorted(computing)},
    }


def _version(package: str, what: str, extra: str = "train") -> str:
    try:
        return version(package)
    except PackageNotFoundError as missing:  # only what the extra brings can be missing where this runs
        raise UserError(not_installed(extra, what, package)) from missing


def unchanged(stage: str, parts: dict[str, Any]) -> bool:
    """Whether the code is still what it was when `parts` were collected."""
    return code(stage).items() <= parts.items()


def key(parts: dict[str, Any]) -> str:
    """The name of a result: hex digest over its ingredients."""
    return digest(json.dumps(parts, sort_keys=True))


def digest(*texts: str | bytes) -> str:
    """Hex digest of a sequence of texts, not of their concatenation.

    >>> digest("a", "bc") == digest("ab", "c")
    False
    """
    total = hashlib.sha256()
    for text in texts:
        data = text.encode() if isinstance(text, str) else text
        total.update(hashlib.sha256(data).digest())
    return total.hexdigest()


def code_cells(notebook: Path) -> list[str]:
    """Sources of the code cells, without the parameters cell (its values are in the parameters)."""
    cells = json.loads(notebook.read_text("utf-8"))["cells"]
    code = [cell for cell in cells if cell["cell_type"] == "code"]
    return ["".join(cell["source"]) for cell in code if "parameters" not in cell["metadata"].get("tags", [])]


def data(stage: str, parameters: dict[str, Any]) -> dict[str, str]:
    """Digests of what a run reads beside other runs: its source, and files that its parameters name."""
    found = {name: content(path) for name, path in files_read(stage, parameters).items()}
    if "source" in parameters:
        options = {name: parameters[name] for name in SOURCE_OPTIONS if name in parameters}
        found["source"] = open_source(parameters["source"], **options).fingerprint()
    if parameters.get("inputs"):
        from wikitopics.sources.inputs import inputs_digest  # a no-op without 06 need not import it

        found["inputs"] = inputs_digest(parameters["inputs"])
    remember()
    return found


def content(path: Path) -> str:
    """Digest of a file, or of a folder's files and their names."""
    if path.is_dir():
        files = [file for file in sorted(path.rglob("*")) if file.is_file()]
        return digest(*(part for file in files for part in (str(file.relative_to(path)), content(file))))
    return known_digest("whole", path.resolve(), _of_the_whole)


def _of_the_whole(path: Path) -> str:
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def reached(sources: Iterable[str]) -> tuple[dict[str, Path], set[str]]:
    """This library's modules that some code leads to (name -> file), and all packages imported on the way."""
    modules: dict[str, Path] = {}
    packages: set[str] = set()
    waiting = [name for source in sources for name in _imports(source, "")]
    while waiting:
        name = waiting.pop()
        packages.add(name.partition(".")[0])
        file = _module_file(name)
        if file is None or name in modules or name in PLUMBING:
            continue
        modules[name] = file
        package = name if file.name == "__init__.py" else name.rpartition(".")[0]
        waiting += _imports(file.read_text("utf-8"), package)
        waiting.append(name.rpartition(".")[0])  # importing a module runs its package's __init__
    return modules, packages


@cache
def _imports(source: str, package: str) -> tuple[str, ...]:
    """Names that may be modules: imported ones, also inside functions, and texts like "wikitopics.x:Y"."""
    lines = (line for line in source.splitlines() if package or not line.lstrip().startswith(("%", "!")))
    names = []
    for node in ast.walk(ast.parse("\n".join(lines))):
        if isinstance(node, ast.Import):
            names += [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            parents = package.split(".")[: len(package.split(".")) - node.level + 1] if node.level else []
            base = ".".join([*parents, *([node.module] if node.module else [])])
            names += [base, *(f"{base}.{alias.name}" for alias in node.names)]
        elif (
            isinstance(node, ast.Constant)
            and isinstance(node.value, str)
            and node.value.startswith("wikitopics.")
        ):
            names.append(node.value.partition(":")[0])
    return tuple(names)


def _module_file(name: str) -> Path | None:
    top, *rest = name.split(".")
    if top != "wikitopics" or not all(part.isidentifier() for part in rest):
        return None
    place = PACKAGE.joinpath(*rest)
    return next((file for file in (place / "__init__.py", place.with_suffix(".py")) if file.is_file()), None)


def library_files(modules: dict[str, Path]) -> dict[str, Path]:
    """The modules themselves and each data file that belongs to one of their packages, by name."""
    files = dict(modules)
    for folder in {file.parent for file in modules.values()} - {PACKAGE}:
        files |= {str(file.relative_to(PACKAGE)): file for file in _data_files(folder)}
    return files


def _data_files(folder: Path) -> list[Path]:
    """Files under a package's folder, in no package within it, that are neither code nor text for people."""
    found = []
    for entry in folder.iterdir():
        if entry.name.startswith((".", "__")):
            continue
        if entry.is_dir() and not (entry / "__init__.py").exists():
            found += _data_files(entry)
        elif entry.is_file() and entry.suffix not in (".py", ".md"):
            found.append(entry)
    return found
