"""The runs that params files name, and how they depend on each other."""

import difflib
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from wikitopics import fingerprint, paths
from wikitopics.artefacts import RECORD, read_json
from wikitopics.errors import UserError
from wikitopics.params import read_params
from wikitopics.rules import inputs


@dataclass(frozen=True)
class Run:
    """One params file: what it says, the whole parameters, the runs it reads, and all that it depends on."""

    stage: str
    run: str
    given: dict[str, Any]
    inputs: tuple[str, ...]
    ingredients: dict[str, Any] = field(repr=False)

    @property
    def name(self) -> str:
        """`STAGE/RUN`, as the command line has it."""
        return f"{self.stage}/{self.run}"

    @property
    def by_hand(self) -> bool:
        """Finished in JupyterLab, without a params file: read by others, never made here."""
        return not self.given

    @property
    def key(self) -> str:
        """Names the result: another key, another result."""
        return fingerprint.key(self.ingredients)


def plan(names: Iterable[str] = ()) -> dict[str, Run]:
    """The named runs (all where none is named) and what they need, each after the runs it reads.

    `names` are STAGE or STAGE/RUN. A run that has no params file but was finished in JupyterLab is taken as
    it is. Raises UserError for the first mistake found, before anything is computed.
    """
    runs: dict[str, Run] = {}
    for name in _named(list(names)):
        _add(name, runs)
    return runs


def _named(names: list[str]) -> list[str]:
    there = [f"{path.parent.name}/{path.stem}" for path in sorted((paths.root() / "params").glob("*/*.yaml"))]
    for name in there:
        if name.split("/")[0] not in paths.STAGES:
            raise UserError(
                f"a folder of params/ must be one of {', '.join(paths.STAGES)}, but is {name}; move it"
            )
    if not there:
        raise UserError(f"params/ must hold STAGE/RUN.yaml files, but {paths.root()} has none; write one")
    chosen = []
    for name in names or there:
        found = [run for run in there if name in (run, run.split("/")[0])]
        if not found:
            close = difflib.get_close_matches(name, there, 1) or there[:1]
            raise UserError(
                f"a run to make must have a params file, but {name!r} has none; did you mean {close[0]}?"
            )
        chosen += found
    return chosen


def _add(name: str, runs: dict[str, Run]) -> None:
    """Depth first, so that a run comes after its inputs; stages only read earlier ones, so this ends."""
    if name in runs:
        return
    stage, run = name.split("/")
    if not paths.params_file(stage, run).exists():
        record = read_json(paths.run_folder(stage, run) / RECORD)
        runs[name] = Run(stage, run, {}, (), {"record": record})
        return
    given, parameters = read_params(stage, run)
    needs = tuple("/".join(pair) for pair in inputs(stage, parameters))
    for need in needs:
        _add(need, runs)
    parts = fingerprint.ingredients(stage, parameters, {need: runs[need].key for need in needs})
    runs[name] = Run(stage, run, given, needs, parts)
