"""The runs that params files name, how they depend on each other, and which of them are out of date."""

import difflib
import os
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from wikitopics import paths
from wikitopics.artefacts import RECORD
from wikitopics.errors import UserError
from wikitopics.params import params_files, read_params
from wikitopics.rules import inputs
from wikitopics.runs import fingerprint, record
from wikitopics.runs.notebook_cells import BY_RUN

MAY_CHANGE = "is made before it and may come out otherwise"


@dataclass(frozen=True)
class Run:
    """One params file: what it says, the runs it reads, and all else that it depends on.

    missing: why it cannot be made, a sentence, where `plan` was asked to go on behind a mistake; else "".
    """

    stage: str
    run: str
    given: dict[str, Any]
    inputs: tuple[str, ...]
    ingredients: dict[str, Any] = field(repr=False)
    missing: str = ""

    @property
    def name(self) -> str:
        """`STAGE/RUN`, as the command line has it."""
        return f"{self.stage}/{self.run}"

    @property
    def by_hand(self) -> bool:
        """Finished in JupyterLab, without a params file: read by others, never made here."""
        return not self.given and not self.missing

    @property
    def key(self) -> str:
        """Names what the run is made from beside the runs it reads."""
        return fingerprint.key(self.ingredients)

    @property
    def content(self) -> str:
        """Digest of what the finished run holds; "" where it is unfinished."""
        return record.content(self.stage, self.run)


def plan(names: Iterable[str] = (), to_the_end: bool = False) -> dict[str, Run]:
    """The named runs (all where none is named) and what they need, each after the runs it reads.

    `names` are STAGE or STAGE/RUN. A run that has no params file but was finished in JupyterLab is taken as
    it is. Raises UserError for the first mistake found, before anything is computed; `to_the_end`: each is
    kept as what its run is missing.
    """
    runs: dict[str, Run] = {}
    for name in chosen_runs(list(names)):
        _add(name, runs, to_the_end)
    return runs


def chosen_runs(names: list[str]) -> list[str]:
    """STAGE/RUN of each params file that `names` name (all where none is named); else a UserError."""
    there = [f"{path.parent.name}/{path.stem}" for path in params_files()]
    for name in there:
        if name.split("/")[0] not in paths.STAGES:
            raise UserError(
                f"a folder of params/ must be one of {', '.join(paths.STAGES)}, but is {name}; move it"
            )
    if not there:
        raise UserError(f"params/ must hold STAGE/RUN.yaml files, but {paths.root()} has none; write one")
    chosen = []
    for name in map(_run_name, names or there):
        found = [run for run in there if name in (run, run.split("/")[0])]
        if not found:
            close = difflib.get_close_matches(name, there, 1) or there[:1]
            raise UserError(
                f"a run to make must have a params file, but {name!r} has none; did you mean {close[0]}?"
            )
        chosen += found
    return chosen


def _run_name(name: str) -> str:
    """STAGE/RUN of the path of a params file; any other name as it is.

    >>> _run_name("params/03_train/x.yaml"), _run_name("03_train/x"), _run_name("03_train/")
    ('03_train/x', '03_train/x', '03_train')
    """
    path = Path(name)
    return "/".join(path.with_suffix("").parts[-2:]) if path.suffix == ".yaml" else name.rstrip("/")


def _add(name: str, runs: dict[str, Run], to_the_end: bool, below: tuple[str, ...] = ()) -> None:
    """Depth first, so that a run comes after its inputs; below: the runs that read it, which it may not."""
    if name in runs:
        return
    if name in below:
        circle = " reads ".join([*below[below.index(name) :], name])
        raise UserError(f"a run must not read itself, but {circle}; name other runs in one of them")
    stage, run = name.split("/")
    if not os.path.lexists(paths.params_file(stage, run)):  # a link to nothing is read, and told
        runs[name] = Run(stage, run, {}, (), {})
        return
    needs: tuple[str, ...] = ()
    try:
        given, parameters = read_params(stage, run)
        needs = tuple("/".join(pair) for pair in inputs(stage, parameters))
        for need in needs:
            _add(need, runs, to_the_end, (*below, name))
        runs[name] = Run(stage, run, given, needs, fingerprint.ingredients(stage, parameters))
    except UserError as mistake:
        if not to_the_end:
            raise
        runs[name] = Run(stage, run, {}, needs, {}, str(mistake))


def unmade(runs: dict[str, Run]) -> dict[str, str]:
    """Why runs of a plan that went on behind mistakes cannot be made: their mistake, or what they read."""
    why: dict[str, str] = {}
    for run in runs.values():
        lost = next((need for need in run.inputs if need in why), "")
        if run.missing or lost:
            why[run.name] = run.missing or f"it reads {lost}"
    return why


def reasons(runs: dict[str, Run]) -> dict[str, str]:
    """Why each run must be made, in the order of `runs`; "" where it is up to date.

    A run that is up to date but reads one that is not is made only if that one comes out otherwise.
    """
    why: dict[str, str] = {}
    for run in runs.values():
        again = [need for need in run.inputs if why[need]]
        may = f"{again[0]} {MAY_CHANGE}" if again else ""
        why[run.name] = itself_outdated(run) or may or outdated(run)
    return why


def outdated(run: Run) -> str:
    """Why a run must be made as things stand, or "" where it need not be."""
    known = record.made_from(run.stage, run.run)
    changed = [
        need for need in run.inputs if known.get("inputs", {}).get(need) != record.content(*need.split("/"))
    ]
    return itself_outdated(run) or (f"{changed[0]} was changed" if changed else "")


def itself_outdated(run: Run) -> str:
    """Why a run must be made whatever the runs that it reads hold, or ""."""
    if run.by_hand:
        return ""
    known = record.made_from(run.stage, run.run)
    if not known:
        finished = (paths.run_folder(run.stage, run.run) / RECORD).exists()
        return "an earlier version of this program made it" if finished else "it was never finished here"
    if known["key"] == record.EDITED:
        return "it was edited while it was made"
    if known["key"] == record.OTHER_CELLS:
        return f"it was made {known['made']} by other cells than its notebook's"
    if known["key"] != run.key:
        return _difference(known, run.ingredients)
    if known["made"] == BY_RUN and not paths.run_notebook(run.stage, run.run).exists():
        return "its executed notebook is missing"
    return record.changed_artefact(run.stage, run.run)


def _difference(known: dict[str, Any], new: dict[str, Any]) -> str:
    """The first ingredient that differs, in words."""
    old = known["ingredients"]
    if old.get("notebook") != new["notebook"]:
        return "its notebook's code was changed"
    for part in ("parameters", "data", "library", "versions", "engine"):
        before, after = old.get(part, {}), new.get(part, {})
        for name in sorted(before.keys() | after.keys()):
            if before.get(name) != after.get(name):
                return _told(part, name, before.get(name), after.get(name), known["made"])
    return "another version of the batch engine made it"


def _told(part: str, name: str, before: Any, after: Any, made: str) -> str:
    if part == "data":
        return f"what its {name} names was changed"
    if part == "parameters" and made != BY_RUN:
        return f"it was made {made} with {name} {before!r}, not {after!r}"
    return f"{name} is {after!r}, was {before!r}" if part != "library" else f"{name} was changed"
