"""Which of this library's modules some code leads to, found by reading it and never by running it."""

import ast
from collections.abc import Iterable
from functools import cache
from pathlib import Path

PACKAGE = Path(__file__).resolve().parent
PLUMBING = {
    "wikitopics",
    *(f"wikitopics.{name}" for name in ("params", "declarations", "rules", "progress", "errors")),
}


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
    """Files under a package's folder that are not code and not in a package within it."""
    found = []
    for entry in folder.iterdir():
        if entry.name.startswith((".", "__")):
            continue
        if entry.is_dir() and not (entry / "__init__.py").exists():
            found += _data_files(entry)
        elif entry.is_file() and entry.suffix != ".py":
            found.append(entry)
    return found
