"""Which files are scored: those that somebody names, or those of the model's source it did not learn from."""

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from wikitopics.artefacts import RECORD, finished_run, read_json, read_table
from wikitopics.errors import UserError
from wikitopics.evaluate.context import lineage
from wikitopics.evaluate.intervals import group_codes
from wikitopics.scoring.decoding import Reads
from wikitopics.scoring.titles import PREFIX
from wikitopics.sources import open_source
from wikitopics.sources.reading import hash_inside
from wikitopics.topics_found.met_before import recipe_of, titles_in_set
from wikitopics.topics_found.named import ABOUT, named_files

LEARNED_FROM = ("train", "validation")  # weights from the one; epoch, thresholds, calibration from the other
COLUMNS = ["path", "title", "known", "duplicates", "folder", *ABOUT]


@dataclass(frozen=True)
class Chosen:
    """Files to score. source reads the paths; frame has one row a file: path, title (for people), known (its
    title in the model's image set, or None), duplicates (code, equal for copies), folder (str), and lists:
    categories, articles, group, human (None where nobody was asked); funnel: {"step", "files"} so far; own:
    whether they are of the model's own source."""

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


def choose(model: str, inputs: list[str], contact: str = "") -> Chosen:
    """The files that `inputs` name (see scoring.inputs.paths_of), relative to the root folder.

    Titles of Commons among them are fetched, for which `contact` is needed (scoring.titles.fetched).
    Without inputs: the files of the source of `model`, a 03_train run. Either way no picture is among them
    that the model learned from, its training and validation images: by title, and files by their pixels.
    Raises UserError where nothing is left to score, and as paths_of does.
    """
    chosen = _given(inputs, contact, model) if inputs else _own(model)
    if chosen.frame.empty:
        where = ", ".join(repr(name) for name in inputs) or f"the source of {model!r}"
        raise UserError(f"there must be at least one file to score, but {where} has none; name other inputs")
    return chosen


def _given(inputs: list[str], contact: str, model: str) -> Chosen:
    source, named = named_files(inputs, contact)
    frame = named.drop_duplicates("path", ignore_index=True)
    steps = {"files named": len(named)} | ({"each once": len(frame)} if len(frame) < len(named) else {})
    files = frame.loc[~frame["path"].str.startswith(PREFIX), "path"]
    images = _images_of(model)
    known, recipe = read_table(images / "images.parquet"), recipe_of(read_json(images / RECORD)["parameters"])
    met = {PREFIX + title: title for title in known["title"]} | titles_in_set(files, known, recipe)
    frame["known"] = pd.Series([met.get(path) for path in frame["path"]], dtype=object)
    contents = {path: hash_inside(Path("/"), os.path.abspath(path)) for path in files}
    frame["duplicates"] = group_codes(frame["path"].map(lambda path: contents.get(path, path)))
    left = frame[~frame["known"].isin(_learned(known))].reset_index(drop=True)
    steps |= {"not learned from": len(left)} if len(left) < len(frame) else {}
    return Chosen(source, left[COLUMNS], _steps(steps), False)


def _own(model: str) -> Chosen:
    images, labels = _images_of(model), finished_run("01_labels", lineage(model)["labels"])
    described = read_json(labels / "source.json")
    files, known = read_table(labels / "files.parquet"), read_table(images / "images.parquet")
    copies = read_table(images / "duplicates.parquet")
    original = copies[copies["kind"] == "exact"].set_index("title")["duplicate_of"]
    files["known"] = files["title"].map(lambda title: original.get(title, title))
    left = files[~files["known"].isin(_learned(known))].reset_index(drop=True)
    group = left["known"].map(known.set_index("title")["group"]).astype(object)
    left["duplicates"] = group_codes(group.where(group.notna(), left["known"]).map(str))
    left["folder"] = left["path"].map(os.path.dirname)
    steps = {"files of the source": len(files), "not learned from": len(left)}
    source = open_source(described["source"], **described["options"])
    return Chosen(source, _with_lists(left, _people(labels)), _steps(steps), True)


def _images_of(model: str) -> Path:
    return finished_run("02_images", lineage(model)["images"])


def _learned(images: pd.DataFrame) -> set[str]:
    return set(images.loc[images["split"].isin(LEARNED_FROM), "title"])


def _people(labels: Path) -> pd.Series | None:
    path = labels / "human.parquet"
    return read_table(path).set_index("title")["labels"] if path.exists() else None


def _with_lists(files: pd.DataFrame, people: pd.Series | None) -> pd.DataFrame:
    files["human"] = None if people is None else files["title"].map(people)
    files["human"] = files["human"].map(lambda value: list(value) if isinstance(value, np.ndarray) else None)
    files["group"] = [[] for _ in range(len(files))]
    return files[COLUMNS]


def _steps(counts: dict[str, int]) -> list[dict[str, Any]]:
    return [{"step": step, "files": files} for step, files in counts.items()]
