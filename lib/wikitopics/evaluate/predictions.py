"""Predictions of a training run, and the gate that keeps the test set shut until thresholds are frozen."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from wikitopics.artefacts import finished_run, read_arrow, read_json, read_table, write_table
from wikitopics.errors import UserError
from wikitopics.evaluate.metrics import predict

THRESHOLDS, JOINED = "thresholds.parquet", "predictions.parquet"


@dataclass(frozen=True)
class Predictions:
    """One split of a run's predictions; rows of `frame`, `truth` and `scores` belong together.

    frame: title, row (of its square), group (duplicates share it), split; truth: (n, L) uint8 {0, 1};
    scores: (n, L) float32 in [0, 1]; both in the order of label_names (L names).
    """

    frame: pd.DataFrame
    truth: np.ndarray
    scores: np.ndarray
    label_names: list[str]

    def reaching(self, thresholds: np.ndarray) -> np.ndarray:
        """What is predicted at these thresholds, by metrics.predict: (n, L) uint8 {0, 1}."""
        return predict(self.scores, thresholds)

    def rows(self, selection: np.ndarray) -> "Predictions":
        """The same predictions for some images only: boolean mask or indices."""
        frame = self.frame.iloc[np.flatnonzero(selection) if selection.dtype == bool else selection]
        return Predictions(
            frame.reset_index(drop=True), self.truth[selection], self.scores[selection], self.label_names
        )


def joined(*splits: Predictions | None) -> Predictions:
    """Splits of one run, one under the other; None is passed over."""
    there = [split for split in splits if split is not None]
    return Predictions(
        pd.concat([split.frame for split in there], ignore_index=True),
        np.concatenate([split.truth for split in there]),
        np.concatenate([split.scores for split in there]),
        there[0].label_names,
    )


@dataclass(frozen=True)
class Frozen:
    """Proof that thresholds were written down in `folder` before the test set was opened."""

    folder: Path
    label_names: list[str]
    thresholds: np.ndarray


def seeds(run: str) -> list[int]:
    """Seeds of the networks of the 03_train run, in order; the first one's scores are all that 04 reads."""
    record = read_json(finished_run("03_train", run) / "run.json")
    return [int(seed) for seed in record.get("seeds") or [record["parameters"].get("seed", 0)]]


def read_validation(run: str, seed: int | None = None) -> Predictions:
    """Validation predictions of the 03_train run: all that thresholds and calibration may be chosen on.

    seed: one of `seeds(run)`, by default the first.
    """
    return _read(run, "validation", seed)


def freeze_thresholds(folder: Path, label_names: list[str], thresholds: np.ndarray) -> Frozen:
    """Write thresholds.parquet (label, threshold) into `folder` and return the key that `read_test` asks for.

    thresholds: (n_labels,) in label_names order; a prediction is `score >= threshold`.
    Raises UserError where there is not one finite threshold for each label.
    """
    thresholds = np.asarray(thresholds, dtype=np.float64)
    if thresholds.shape != (len(label_names),) or not np.isfinite(thresholds).all():
        raise UserError(
            f"there must be one finite threshold for each of the {len(label_names)} labels, but they are "
            f"{thresholds.tolist()}; choose them with evaluate.thresholds.choose on the validation split"
        )
    write_table(Path(folder) / THRESHOLDS, pd.DataFrame({"label": label_names, "threshold": thresholds}))
    return Frozen(Path(folder), list(label_names), thresholds)


def read_frozen(folder: Path) -> Frozen:
    """The thresholds that a finished 04_evaluate run froze in its folder."""
    table = read_table(Path(folder) / THRESHOLDS)
    return Frozen(Path(folder), list(table["label"]), table["threshold"].to_numpy(dtype=np.float64))


def read_test(run: str, frozen: Frozen, seed: int | None = None) -> Predictions:
    """Test predictions of the 03_train run, readable only with thresholds that are already frozen.

    seed: one of `seeds(run)`, by default the first.

    Raises UserError before the file is opened where nothing is frozen, where thresholds.parquet no longer
    says what was frozen, or where the labels differ; and afterwards where validation and test share a
    title or a group (thresholds chosen on test images: the leak of the prior work).
    """
    _check_frozen(frozen)
    if frozen.label_names != label_names(run):
        raise UserError(
            f"thresholds must be frozen for the labels of {run!r}, {label_names(run)}, but are for "
            f"{frozen.label_names}; freeze thresholds chosen on read_validation({run!r})"
        )
    test = _read(run, "test", seed)
    _check_disjoint(run, read_validation(run).frame, test.frame)
    return test


def write_joined(folder: Path, predictions: Predictions) -> None:
    """Write predictions.parquet into `folder`: title, row, group, split, truth, scores."""
    frame = predictions.frame[["title", "row", "group", "split"]]
    write_table(
        Path(folder) / JOINED,
        frame.assign(truth=list(predictions.truth), scores=list(np.asarray(predictions.scores, np.float32))),
    )


def read_joined(folder: Path) -> Predictions:
    """What `write_joined` wrote into the folder of a finished 04_evaluate run."""
    names = read_frozen(folder).label_names
    if not (Path(folder) / JOINED).exists():
        raise UserError(
            f"an evaluation must hold {JOINED} to be browsed, but {Path(folder).name} has none (an earlier "
            "version "
            f"made it); run `wikitopics run 04_evaluate/{Path(folder).name}`"
        )
    table = read_arrow(Path(folder) / JOINED)
    truth = matrix(table["truth"], len(names), "truth").astype(np.uint8)
    scores = matrix(table["scores"], len(names), "scores").astype(np.float32)
    return Predictions(table.select(["title", "row", "group", "split"]).to_pandas(), truth, scores, names)


def lineage(run: str) -> dict[str, Any]:
    """Parameters of the 03_train run: among them `images` and `labels`, the runs it was made from."""
    return read_json(finished_run("03_train", run) / "run.json")["parameters"]


def label_names(run: str) -> list[str]:
    """The frozen label order of the 03_train run."""
    return read_json(finished_run("03_train", run) / "label_names.json")["label_names"]


def parents(run: str) -> dict[str, str | None]:
    """The label above each label of the 03_train run, None at the top."""
    return read_json(finished_run("03_train", run) / "label_names.json")["parents"]


def _check_frozen(frozen: Frozen) -> None:
    if not isinstance(frozen, Frozen):
        raise UserError(
            f"the test predictions open only after thresholds are frozen, but frozen is {frozen!r}; "
            "choose thresholds on read_validation(run), then pass what freeze_thresholds(...) returns"
        )
    path = frozen.folder / THRESHOLDS
    written = read_table(path) if path.exists() else pd.DataFrame({"label": [], "threshold": []})
    if list(written["label"]) != frozen.label_names or list(written["threshold"]) != list(frozen.thresholds):
        raise UserError(
            f"{THRESHOLDS} must hold the thresholds that were frozen, but holds {len(written)} others; "
            "run the notebook again from its first cell"
        )


def _check_disjoint(run: str, validation: pd.DataFrame, test: pd.DataFrame) -> None:
    for column in ("title", "group"):
        shared = np.intersect1d(validation[column], test[column])
        if len(shared):
            raise UserError(
                f"validation and test must share no {column}, but {len(shared)} are in both in {run!r} "
                f"(for example {shared[0]!r}); build the split again with 02_images and train again"
            )


def _read(run: str, split: str, seed: int | None = None) -> Predictions:
    names = label_names(run)
    table = read_arrow(finished_run("03_train", run) / f"predictions_{split}.parquet")
    column = "scores" if seed in (None, seeds(run)[0]) else f"scores_seed_{seed}"
    if column not in table.column_names:
        raise UserError(
            f"predictions_{split}.parquet of {run!r} must have the column {column!r}, but has "
            f"{', '.join(table.column_names)}; train that run again"
        )
    truth = matrix(table["truth"], len(names), f"truth of {run!r}").astype(np.uint8)
    scores = matrix(table[column], len(names), f"scores of {run!r}").astype(np.float32)
    check_range(truth, scores, run)
    frame = table.select(["title", "row", "group"]).to_pandas()
    return Predictions(frame.assign(split=split), truth, scores, names)


def matrix(column: pa.ChunkedArray, width: int, what: str) -> np.ndarray:
    """List column -> (n, width), every list checked to have `width` values (no ragged row slips through)."""
    lengths = set(pc.list_value_length(column).to_pylist())
    if lengths - {width}:
        raise UserError(
            f"every row of the {what} must have {width} values, one a label, but some have "
            f"{sorted(lengths - {width}, key=str)[:3]}; train that run again"
        )
    return pc.list_flatten(column).to_numpy().reshape(-1, width)


def check_range(truth: np.ndarray, scores: np.ndarray, run: str) -> None:
    """Raise UserError unless all scores are in [0, 1] and all truth is 0 or 1."""
    bad = int((~((scores >= 0) & (scores <= 1))).sum())  # NaN compares false, so it counts as bad
    if bad or (truth > 1).any():
        raise UserError(
            f"scores must be in [0, 1] and truth 0 or 1, but {bad} scores of {run!r} are not (NaN counts); "
            "lower its learning_rate if training diverged, and train it again"
        )
