"""Which files are scored: those that somebody names, or those that the model did not learn from."""

import hashlib
import os
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from wikitopics.artefacts import RECORD, finished_run, read_json, read_table
from wikitopics.errors import UserError
from wikitopics.evaluate.bootstrap import group_codes
from wikitopics.evaluate.predictions import joined, lineage, read_frozen, read_test, read_validation
from wikitopics.images.decode import Recipe, read
from wikitopics.images.reasons import Rejected
from wikitopics.images.sandbox import decode_in_child
from wikitopics.progress import report
from wikitopics.scoring.pictures import FILES, Reads, fetched
from wikitopics.scoring.results import readable
from wikitopics.scoring.settings import Settings
from wikitopics.sources import open_source, tables
from wikitopics.sources.inputs import PREFIX, located_input, paths_of
from wikitopics.sources.reading import hash_inside
from wikitopics.sources.table_cells import as_list

LEARNED_FROM = ("train", "validation")  # weights from the one; epoch, thresholds, calibration from the other

ABOUT = ("categories", "articles", "group", "human")  # columns of lists that a table may have

COLUMNS = ["path", "title", "known", "duplicates", "folder", *ABOUT]

AT_ONCE = 64  # files decoded in one child


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
    """The files that `inputs` name (see sources.inputs.paths_of), relative to the root folder.

    Titles of Commons among them are fetched, for which `contact` is needed (scoring.pictures.fetched).
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


# --- Which pictures belong to an image set, so that a model has learned from them or was judged on them


def titles_in_set(paths: Iterable[str], images: pd.DataFrame, recipe: Recipe) -> dict[str, str]:
    """Of the files at `paths` those that are pictures of an image set, by its title for them.

    images: the set's images.parquet; recipe: how its pictures were made. Only a file of the same number of
    bytes as one of them is looked at; it is the same picture if its bytes have the same sha1, or, where they
    do not, its decoded pixels: so few of them need be decoded.
    """
    sizes = set(images["bytes"])
    alike = [path for path in paths if _size(path) in sizes]
    by_bytes = dict(zip(images["file_sha1"], images["title"], strict=True)) if "file_sha1" in images else {}
    by_pixels = dict(zip(images["sha1"], images["title"], strict=True))
    met: dict[str, str] = {}
    for start in range(0, len(alike), AT_ONCE):
        some = alike[start : start + AT_ONCE]
        found = {path: read(FILES, path, recipe.max_bytes) for path in some}
        whole = {path: data for path, data in found.items() if isinstance(data, bytes)}
        sums = {path: hashlib.sha1(data).hexdigest() for path, data in whole.items()}
        met |= {path: by_bytes[digest] for path, digest in sums.items() if digest in by_bytes}
        others = {path: data for path, data in whole.items() if path not in met}
        for path, picture in zip(others, decode_in_child(list(others.values()), recipe), strict=True):
            if not isinstance(picture, Rejected) and picture.sha1 in by_pixels:
                met[path] = by_pixels[picture.sha1]
        report("looking which are known", min(start + AT_ONCE, len(alike)), len(alike))
    return met


def _size(path: str) -> int:
    try:
        return os.stat(path).st_size
    except OSError:  # told of its row when it is scored
        return -1


def recipe_of(images_run: dict) -> Recipe:
    """The recipe of a 02_images run, from the parameters in its record."""
    names = ("store_size", "fit", "max_bytes", "max_pixels", "max_seconds", "svg")
    return Recipe(**{name: images_run[name] for name in names if name in images_run})


@dataclass(frozen=True)
class HeldOut:
    """Truth and probabilities of held-out pictures.

    truth (n, L) uint8 {0, 1}; probabilities (n, L) in [0, 1], calibrated; groups (n,) int in [0, G), of
    duplicates; rows belong together, columns are in the model's order of labels.
    """

    truth: np.ndarray
    probabilities: np.ndarray
    groups: np.ndarray


def read_held_out(model: str, evaluation: str, settings: Settings, scored: Iterable[str]) -> HeldOut:
    """Validation and test pictures of the 03_train run `model` that are not among the titles `scored`.

    The test pictures are opened with the thresholds that the 04_evaluate run `evaluation` froze: nothing is
    chosen by them here. A picture that is scored must not tell how to correct its own score.
    """
    frozen = read_frozen(finished_run("04_evaluate", evaluation))
    known = joined(read_validation(model), read_test(model, frozen))
    apart = known.rows(~known.frame["title"].isin(set(scored)).to_numpy())
    return HeldOut(apart.truth, settings.probabilities(apart.scores), group_codes(apart.frame["group"]))


def named_files(inputs: list[str], contact: str) -> tuple[Reads, pd.DataFrame]:
    """What reads them, and one row a file: path, title (what tells it from the others), folder, and ABOUT.

    ABOUT are lists, empty where nothing is said; human is None there. Titles of Commons are fetched, which
    needs a `contact` (scoring.pictures.fetched).
    """
    frame = pd.concat([_table(located_input(name)) for name in inputs], ignore_index=True)
    titles = frame["path"].str.startswith(PREFIX).to_numpy(dtype=bool)
    files = [os.path.abspath(path) for path in frame.loc[~titles, "path"]]
    folders = [os.path.dirname(path) for path in files]
    above = os.path.dirname(os.path.commonpath(folders)) if folders else ""
    frame["title"], frame["folder"] = frame["path"].str.removeprefix(PREFIX), ""
    frame.loc[~titles, "title"] = [readable(os.path.relpath(path, above)) for path in files]
    frame.loc[~titles, "folder"] = [readable(os.path.relpath(folder, above)) for folder in folders]
    return fetched(list(frame["path"]), contact) if titles.any() else FILES, frame


def _table(name: str) -> pd.DataFrame:
    """path and ABOUT of the files of one input; only a table says anything about them."""
    frame = pd.DataFrame({"path": paths_of([name], print)}, dtype=object)
    told = pd.DataFrame()
    if tables.is_table(name) and os.path.isfile(name):
        told = tables.read_table(Path(name), "a table of pictures", known=("path", "title", *ABOUT))
    for column in ABOUT:
        lists = [as_list(value) for value in told[column]] if column in told else [[]] * len(frame)
        frame[column] = [(found or None) if column == "human" else found for found in lists]
    return frame
