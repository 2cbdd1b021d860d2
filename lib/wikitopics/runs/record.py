"""Runs begun and finished, and what they were made from, so that the same making is never done twice.

A run is *finished* when its folder holds run.json, which is written last. made_from.json beside it says from
what the run was made (code, parameters, data, the content of the runs it read) and what came out, as digests.
Whoever executes the notebook writes both: `wikitopics run`, papermill or a person in JupyterLab.
"""

import atexit
import os
import platform
import shutil
import time
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

from wikitopics import paths
from wikitopics.artefacts import MADE_FROM, RECORD, clear_leftovers, read_json, still_runs, write_json
from wikitopics.errors import UserError
from wikitopics.rules import inputs
from wikitopics.runs import fingerprint
from wikitopics.runs.notebook_cells import BY_RUN, as_written, cells_run, where

EDITED = "edited"  # the key of a run whose code was changed while it was made
OTHER_CELLS = "other cells"  # the key of a run that was made by cells which its notebook does not have
NOTEBOOK = "notebook.ipynb"  # as it was executed by `wikitopics run`
NOT_ARTEFACTS = {MADE_FROM, RECORD, NOTEBOOK, "notebook.part.ipynb", "features"}
PEOPLES = {  # judgements, where they lay before version 0.3
    f"{name}{state}.parquet" for name in ("reviews", "annotations") for state in ("", ".taken_over")
}
STARTED = time.time()  # code that is newer than this process may not be what the process has loaded


@dataclass(frozen=True)
class Origin:
    """What a run is made from: `ingredients` as in `fingerprint`, `inputs` (run -> content as read)."""

    ingredients: dict[str, Any]
    inputs: dict[str, str]

    @property
    def key(self) -> str:
        """Names what the run is made from beside its inputs."""
        return fingerprint.key(self.ingredients)


_BEGUN: dict[Path, Origin] = {}


def start_run(stage: str, parameters: dict[str, Any]) -> Path:
    """The folder in which the run `parameters["run"]` of `stage` is made.

    It is the run's own; where the run is finished already and somebody executes its notebook again, a
    folder beside it, so that looking at a run never takes it away. `finish_run` puts it in place.
    """
    run = parameters["run"]
    final = paths.run_folder(stage, run)
    folder = final
    if (final / RECORD).exists() and where() != BY_RUN:
        folder = _folder_beside(final)
    folder.mkdir(parents=True, exist_ok=True)
    for name in (RECORD, MADE_FROM, NOTEBOOK):
        (folder / name).unlink(missing_ok=True)
    clear_leftovers(folder)
    reads = {"/".join(pair): content(*pair) for pair in inputs(stage, parameters)}
    _BEGUN[folder] = Origin(fingerprint.ingredients(stage, parameters), reads)
    return folder


def finish_run(folder: Path, parameters: dict[str, Any], started: float, **facts: Any) -> dict[str, Any]:
    """Write made_from.json and, last, run.json, which is returned: parameters, facts, versions, seconds.

    folder: of `start_run`; started: time.time() when the run began; facts: measured, as JSON. Where the
    finished run that lies there already was made from the same, it stays as it is.
    """
    final = _final(folder)
    record = {
        "stage": final.parent.name,
        "run": final.name,
        "parameters": parameters,
        **facts,
        "versions": {"python": platform.python_version(), "wikitopics": version("wikitopics")},
        "seconds": round(time.time() - started, 2),
    }
    origin = _BEGUN.get(folder)
    made = _made_from(folder, final.parent.name, origin, parameters) if origin else {}
    if folder == final:
        _write(final, made, record)
    elif _same(made, final):
        print(f"{_name(final)} was made from the same code, parameters and inputs before; it stays as it is")
    else:
        _put_in_place(folder, final)
        _write(final, made, record)
    return record


def _write(folder: Path, made: dict[str, Any], record: dict[str, Any]) -> None:
    if made:
        write_json(folder / MADE_FROM, made)
    write_json(folder / RECORD, record)


def _made_from(folder: Path, stage: str, origin: Origin, parameters: dict[str, Any]) -> dict[str, Any]:
    key, cells = origin.key, cells_run()
    if not as_known(stage, origin):
        key = EDITED
    elif cells and not as_written(stage, cells, parameters):
        key = OTHER_CELLS
    files = digests(folder)
    return {
        "key": key,
        "made": where(),
        "inputs": origin.inputs,
        "content": fingerprint.key(_content(origin, parameters, files)),
        "artefacts": files,
        "ingredients": origin.ingredients,
    }


def _content(origin: Origin, parameters: dict[str, Any], files: dict[str, Any]) -> dict[str, Any]:
    """What another run can tell of this one: who reads a run's labels reads its source's pictures, too, and
    what its own table of a taxonomy says of them beside their names (anchors, prompts)."""
    data = origin.ingredients["data"]
    beside = {name: data[name] for name in ("taxonomy",) if name in data} | {"source": data.get("source", "")}
    return {"parameters": fingerprint.deciding(parameters), "files": files, **beside}


def as_known(stage: str, origin: Origin) -> bool:
    """Whether the stage's code is what it was when the run began, and no newer than this process."""
    if not fingerprint.unchanged(stage, origin.ingredients):
        return False
    modules, _ = fingerprint.reached(fingerprint.code_cells(paths.notebook(stage)))
    changed = [file.stat().st_mtime for file in modules.values()]
    return not any(STARTED < when <= time.time() for when in changed)


def made_from(stage: str, run: str) -> dict[str, Any]:
    """What a finished run was made from; {} where it is not finished or says nothing that can be read."""
    folder = paths.run_folder(stage, run)
    if not (folder / RECORD).exists():
        return {}
    try:
        found = read_json(folder / MADE_FROM)
    except (FileNotFoundError, UserError):  # gone, or damaged
        return {}
    wanted = {"key": str, "made": str, "inputs": dict, "content": str, "artefacts": dict, "ingredients": dict}
    whole = isinstance(found, dict) and all(
        isinstance(found.get(name), kind) for name, kind in wanted.items()
    )
    return found if whole else {}


def content(stage: str, run: str) -> str:
    """Digest of what a finished run holds: equal for equal artefacts and parameters; "" if unfinished.

    A run that does not say what came out (made before version 0.3) is known by its run.json.
    """
    record = paths.run_folder(stage, run) / RECORD
    if not record.exists():
        return ""
    return made_from(stage, run).get("content") or fingerprint.content(record)


def digests(folder: Path) -> dict[str, dict[str, Any]]:
    """Size in bytes and SHA-256 of each artefact in a run's folder, by its path in it."""
    return {
        name: {"bytes": path.stat().st_size, "sha256": fingerprint.content(path)}
        for name, path in artefact_files(folder).items()
    }


def artefact_files(folder: Path) -> dict[str, Path]:
    """The artefacts of a run's folder by their path in it: no records, caches, notebooks or judgements, and
    nothing hidden (begun by a process, or Jupyter's checkpoints)."""
    found = {}
    for path in sorted(folder.rglob("*")):
        inside = path.relative_to(folder)
        hidden = any(part.startswith(".") for part in inside.parts)
        if inside.parts[0] not in NOT_ARTEFACTS | PEOPLES and not hidden and path.is_file():
            found[inside.as_posix()] = path
    return found


def changed_artefact(stage: str, run: str) -> str:
    """Which artefact of a finished run is no longer what it was, in words; "" where all are there.

    Sizes are compared, and contents where a file is newer than the run's record.
    """
    folder = paths.run_folder(stage, run)
    there, since = artefact_files(folder), (folder / RECORD).stat().st_mtime
    for name, known in made_from(stage, run)["artefacts"].items():
        if name not in there:
            return f"its {name} is missing"
        now = there[name].stat()
        if now.st_size != known["bytes"]:
            return f"its {name} was changed"
        if now.st_mtime > since and fingerprint.content(there[name]) != known["sha256"]:
            return f"its {name} was changed"
    return ""


def forget(stage: str, run: str) -> None:
    """Take away a run's records and artefacts, so that nothing of an earlier making is taken for this one's.

    What people made, caches and files that the run did not write stay.
    """
    folder = paths.run_folder(stage, run)
    known = made_from(stage, run).get("artefacts", {})
    ours = [path for name, path in artefact_files(folder).items() if name in known]  # no name leads elsewhere
    for path in [folder / RECORD, folder / MADE_FROM, folder / NOTEBOOK, *ours]:
        path.unlink(missing_ok=True)
    for inner in {path.parent for path in ours} - {folder}:  # left empty, it looks like squares that are lost
        if not any(inner.iterdir()):
            inner.rmdir()


# -- a run made again beside the finished one ------------------------------------------------------


def _folder_beside(final: Path) -> Path:
    """A new folder `.RUN.PID.again` beside a finished run, gone when this process ends."""
    for old in final.parent.glob(f".{final.name}.*.again"):
        number = old.name.split(".")[-2]
        if number == str(os.getpid()) or number.isdigit() and not still_runs(int(number)):
            shutil.rmtree(old, ignore_errors=True)
    folder = final.with_name(f".{final.name}.{os.getpid()}.again")
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    return folder


def _final(folder: Path) -> Path:
    if folder.name.startswith(".") and folder.name.endswith(".again"):
        return folder.with_name(folder.name[1:].rsplit(".", 2)[0])
    return folder


def _same(made: dict[str, Any], final: Path) -> bool:
    """Whether the finished run was made from the same, and is whole."""
    known = made_from(final.parent.name, final.name)
    if not known or made["key"] in (EDITED, OTHER_CELLS):
        return False
    same = all(made[name] == known[name] for name in ("key", "inputs"))
    return same and not changed_artefact(final.parent.name, final.name)


def _put_in_place(folder: Path, final: Path) -> None:
    """Exchange a finished run's artefacts for those in `folder`, which stay readable there, too."""
    forget(final.parent.name, final.name)
    for name, path in artefact_files(folder).items():
        target = final / name
        target.parent.mkdir(parents=True, exist_ok=True)
        target.unlink(missing_ok=True)
        try:
            os.link(path, target)
        except OSError:  # a file system without links
            shutil.copy2(path, target)


def _name(final: Path) -> str:
    return f"{final.parent.name}/{final.name}"
