"""What a run's result depends on, as content: whatever is not in here may change without a rerun.

In: the notebook's code cells, the parameters, the keys of the runs it names, the source's data (only where a
source is read), every module of this library that the notebook leads to, with the data files beside them, and
the versions of the packages that compute. Of these full versions are used, since a patch release has changed
numbers before; packages that draw or drive (plotly, papermill, JupyterLab) do not count. Out: outputs, prose,
times, how a notebook is shown or spread over cores, and the modules that only check and drive.
"""

import hashlib
import json
from importlib.metadata import version
from pathlib import Path
from typing import Any

from wikitopics import paths
from wikitopics.reached_code import library_files, reached
from wikitopics.rules import files_read
from wikitopics.sources import open_source

NOT_RESULT = {
    "contact",
    "interactive",
    "jobs",
    "scheduler",
}  # parameters that change how it is shown or how fast it is, not the result
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


def ingredients(stage: str, parameters: dict[str, Any], input_keys: dict[str, str]) -> dict[str, Any]:
    """All that a run depends on, as a small JSON-like dict; `key` of it names the result."""
    return code(stage) | {
        "parameters": {name: value for name, value in parameters.items() if name not in NOT_RESULT},
        "data": data(stage, parameters),
        "inputs": input_keys,
    }


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
        "versions": {name: version(name) for name in sorted(computing)},
    }


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
        from wikitopics.topics_found.named import inputs_digest  # a no-op without 06 need not import it

        found["inputs"] = inputs_digest(parameters["inputs"])
    return found


def content(path: Path) -> str:
    """Digest of a file, or of a folder's files and their names."""
    if path.is_dir():
        files = [file for file in sorted(path.rglob("*")) if file.is_file()]
        return digest(*(part for file in files for part in (str(file.relative_to(path)), content(file))))
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
