"""Which files are scored: those that somebody names, or those of the model's source it did not learn from."""

import os
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from wikitopics import paths
from wikitopics.artefacts import RECORD, finished_run, read_json, read_table
from wikitopics.errors import UserError
from wikitopics.evaluate.context import lineage
from wikitopics.evaluate.intervals import group_codes
from wikitopics.scoring.decoding import FILES, Reads
from wikitopics.scoring.inputs import TABLES, paths_of
from wikitopics.scoring.results import readable
from wikitopics.sources import open_source
from wikitopics.sources.table import as_list

LEARNED_FROM = ("train", "validation")  # weights from the one; epoch, thresholds, calibration from the other
ABOUT = ("categories", "articles", "group", "human")


@dataclass(frozen=True)
class Chosen:
    """Files to score. source reads the paths; frame has one row a file: path, title (for people), duplicates
    (code, equal for copies), folder (str), and lists: categories, articles, group, human (None where nobody
    was asked); funnel: {"step", "files"} so far; own: whether they are of the model's own source."""

    source: Reads
    frame: pd.DataFrame
    funnel: list[dict[str, Any]]
    own: bool

    def rows(self, mask: np.ndarray) -> pd.DataFrame:
        """The frame's rows where `mask` holds, numbered anew."""
        return self.frame[mask].reset_index(drop=True)


def model_of(evaluation: str) -> str:
    """The 03_train run that a finished run of 04_evaluate judged."""
    return read_json(finished_run("04_evaluate", evaluation) / RECORD)["model"]


def choose(model: str, inputs: list[str]) -> Chosen:
    """The files that `inputs` name (see scoring.inputs.paths_of), relative to the root folder.

    Without inputs: files of the source of `model`, a 03_train run, but no training or validation image.
    Raises UserError where nothing is left to score, and as paths_of does.
    """
    chosen = _named(inputs) if inputs else _own(model)
    if chosen.frame.empty:
        where = ", ".join(repr(name) for name in inputs) or f"the source of {model!r}"
        raise UserError(f"there must be at least one file to score, but {where} has none; name other inputs")
    return chosen


def _own(model: str) -> Chosen:
    made_from = lineage(model)
    labels, images = (
        finished_run("01_labels", made_from["labels"]),
        finished_run("02_images", made_from["images"]),
    )
    described = read_json(labels / "source.json")
    files, known = read_table(labels / "files.parquet"), read_table(images / "images.parquet")
    copies = read_table(images / "duplicates.parquet")
    learned = set(known.loc[known["split"].isin(LEARNED_FROM), "title"])
    learned |= set(copies.loc[(copies["kind"] == "exact") & copies["duplicate_of"].isin(learned), "title"])
    left = files[~files["title"].isin(learned)].reset_index(drop=True)
    group = left["title"].map(known.set_index("title")["group"]).astype(object)
    left["duplicates"] = group_codes(group.where(group.notna(), left["title"]).map(str))
    left["folder"] = left["path"].map(os.path.dirname)
    steps = {"files of the source": len(files), "nothing was learned from": len(left)}
    source = open_source(described["source"], **described["options"])
    return Chosen(source, _with_lists(left, _people(labels)), _steps(steps), True)


def _people(labels: Path) -> pd.Series | None:
    path = labels / "human.parquet"
    return read_table(path).set_index("title")["labels"] if path.exists() else None


def _with_lists(files: pd.DataFrame, people: pd.Series | None) -> pd.DataFrame:
    files["human"] = None if people is None else files["title"].map(people)
    files["human"] = files["human"].map(lambda value: list(value) if isinstance(value, np.ndarray) else None)
    files["group"] = [[] for _ in range(len(files))]
    return files[["path", "title", "duplicates", "folder", *ABOUT]]


def _named(inputs: list[str]) -> Chosen:
    tables = [_table(str(paths.root() / Path(name).expanduser())) for name in inputs]
    named = pd.concat(tables, ignore_index=True)
    frame = named.drop_duplicates("path", ignore_index=True)
    folders = [os.path.dirname(os.path.abspath(path)) for path in frame["path"]]
    above = os.path.dirname(os.path.commonpath(folders)) if folders else ""
    frame["folder"] = [readable(os.path.relpath(folder, above)) for folder in folders]
    frame["title"] = [readable(os.path.relpath(os.path.abspath(path), above)) for path in frame["path"]]
    frame["duplicates"] = np.arange(len(frame))
    steps = Counter({"files named": len(named)})
    if len(frame) < len(named):
        steps["each once"] = len(frame)
    return Chosen(FILES, frame[["path", "title", "duplicates", "folder", *ABOUT]], _steps(steps), False)


def _table(name: str) -> pd.DataFrame:
    """path and ABOUT of one input; only a table says anything about its files."""
    frame = pd.DataFrame({"path": paths_of([name])}, dtype=object)
    told = TABLES[Path(name).suffix](name) if Path(name).suffix in TABLES else pd.DataFrame()
    for column in ABOUT:
        values = told[column] if column in told else [None] * len(frame)
        frame[column] = [None if column == "human" and value is None else as_list(value) for value in values]
    return frame


def _steps(counts: dict[str, int]) -> list[dict[str, Any]]:
    return [{"step": step, "files": files} for step, files in counts.items()]
