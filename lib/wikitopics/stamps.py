"""Stamps: written last, they say from what a run was made; a run without a fitting stamp is out of date."""

import json
import uuid
from pathlib import Path
from typing import Any

from wikitopics import paths
from wikitopics.artefacts import STAMP, read_json, write_json
from wikitopics.graph import Run

EDITED = "edited"  # the key of a run whose code was edited while it was made
NOT_ARTEFACTS = {STAMP, "reviews.parquet", "features"}  # people's verdicts; a cache that later runs fill


def read(stage: str, run: str) -> dict[str, Any]:
    """The stamp of a run, {} where there is none that can be read."""
    try:
        return read_json(paths.run_folder(stage, run) / STAMP)
    except (FileNotFoundError, json.JSONDecodeError, UnicodeDecodeError):
        return {}


def built(run: Run) -> str:
    """Identifies one making of a run: made again, even from the same ingredients, it is another."""
    return run.key if run.by_hand else read(run.stage, run.run).get("built", "")


def write(run: Run, inputs: dict[str, str], **facts: Any) -> None:
    """Say that the run is whole; `inputs` are the `built` of the runs it read, as they were when it began."""
    folder = paths.run_folder(run.stage, run.run)
    stamp = {"key": run.key, "built": uuid.uuid4().hex, "inputs": inputs, **facts}
    stamp |= {"artefacts": artefacts(folder), "ingredients": run.ingredients}
    write_json(folder / STAMP, stamp)


def forget(run: Run) -> None:
    """Take away the stamp and what it lists, so that nothing of an earlier making is taken for this one's."""
    folder = paths.run_folder(run.stage, run.run)
    listed = read(run.stage, run.run).get("artefacts", {})
    for name in (STAMP, *listed):
        (folder / name).unlink(missing_ok=True)


def artefacts(folder: Path) -> dict[str, int]:
    """Sizes in bytes of the files of a run's folder, by their path in it."""
    sizes = {}
    for path in sorted(folder.rglob("*")):
        inside = path.relative_to(folder)
        if path.is_file() and inside.parts[0] not in NOT_ARTEFACTS and not path.name.startswith("."):
            sizes[inside.as_posix()] = path.stat().st_size
    return sizes


def outdated(run: Run, inputs: dict[str, str]) -> str:
    """Why a run must be made, or "" where it need not be; `inputs` are the `built` of what it reads."""
    stamp = read(run.stage, run.run)
    if run.by_hand:
        return ""
    if not stamp:
        return "it was never finished here"
    if stamp["key"] == EDITED:
        return "it was edited while it was made"
    if stamp["key"] != run.key:
        return _difference(stamp["ingredients"], run.ingredients)
    for name, identity in inputs.items():
        if stamp["inputs"].get(name) != identity:
            return f"{name} was made again"
    there = artefacts(paths.run_folder(run.stage, run.run))
    for name, size in stamp["artefacts"].items():
        if there.get(name) != size:
            return f"its {name} is missing" if name not in there else f"its {name} was changed"
    return "" if paths.executed(run.stage, run.run).exists() else "its executed notebook is missing"


def _difference(old: dict[str, Any], new: dict[str, Any]) -> str:
    """The first ingredient that differs, in words."""
    if old["notebook"] != new["notebook"]:
        return "its notebook's code was changed"
    for part in ("parameters", "data", "library", "versions", "inputs"):
        for name in sorted(old[part].keys() | new[part].keys()):
            before, after = old[part].get(name), new[part].get(name)
            if before != after:
                if part == "data":
                    return f"what its {name} names was changed"
                told = part in ("parameters", "versions")
                return f"{name} is {after!r}, was {before!r}" if told else f"{name} was changed"
    return "it was made by another version of the batch engine"
