"""A trained run made ready to score: its network, calibration, thresholds, and how its pictures are made."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq

from wikitopics.artefacts import RECORD, read_json
from wikitopics.errors import UserError
from wikitopics.evaluate.calibration import apply_platt, fit_platt
from wikitopics.evaluate.prediction_checks import matrix
from wikitopics.evaluate.predictions import read_frozen
from wikitopics.images.decode import Recipe
from wikitopics.labels import lineage


@dataclass(frozen=True)
class Scorer:
    """What turns pictures into topics.

    name, key: the run's name and the SHA-256 of its model; label_names (L names) is the order of thresholds
    (L,) on the scores, platt (L, 2) and of every score; descent: (L, L) bool of a coherent model, or None.
    """

    name: str
    key: str
    label_names: list[str]
    thresholds: np.ndarray
    platt: np.ndarray
    descent: np.ndarray | None
    recipe: Recipe
    forward: Callable[[np.ndarray], np.ndarray]

    def probabilities(self, scores: np.ndarray) -> np.ndarray:
        """Calibrated scores (n, L) float32; no label less sure than one below it where the model is so."""
        calibrated = apply_platt(scores, self.platt)
        if self.descent is None:
            return calibrated
        return np.stack([calibrated[:, below].max(axis=1) for below in self.descent], axis=1)

    def description(self) -> str:
        """What results depend on, as JSON: written into them, and compared before a stopped run goes on."""
        return json.dumps(
            {
                "model": self.name,
                "key": self.key,
                "label_names": self.label_names,
                "thresholds": self.thresholds.tolist(),
                "platt": self.platt.tolist(),
                "recipe": [self.recipe.store_size, self.recipe.fit],
            }
        )


def load_scorer(model_folder: Path, evaluation: Path | None = None) -> Scorer:
    """The scorer of the finished 03_train run in `model_folder`.

    Thresholds are those that the 04_evaluate run in the folder `evaluation` froze, 0.5 each without one;
    calibration is Platt's, fitted on the run's own validation predictions. Raises UserError where the model
    is not the run's (train.record.read_trained) or the thresholds are for other labels.
    """
    from wikitopics.score.forward import forward
    from wikitopics.train.record import file_digest, read_trained

    model, names = read_trained(model_folder)
    truth, scores = _validation(model_folder, len(names))
    about = read_json(model_folder / "label_names.json")
    coherent = read_json(model_folder / RECORD)["parameters"].get("hierarchy", "none") != "none"
    return Scorer(
        model_folder.name,
        file_digest(model_folder / "model.keras"),
        names,
        _thresholds(evaluation, names),
        fit_platt(truth, scores),
        lineage.descent(names, about["parents"]) if coherent else None,
        Recipe(model.inputs[0].shape[1], _fit(model_folder)),
        forward(model),
    )


def _validation(folder: Path, labels: int) -> tuple[np.ndarray, np.ndarray]:
    table = pq.read_table(folder / "predictions_validation.parquet", columns=["truth", "scores"])
    return tuple(matrix(table[name], labels, f"{name} of {folder.name!r}") for name in ("truth", "scores"))


def _thresholds(evaluation: Path | None, names: list[str]) -> np.ndarray:
    if evaluation is None:
        return np.full(len(names), 0.5)
    frozen = read_frozen(evaluation)
    if frozen.label_names != names or not ((frozen.thresholds >= 0) & (frozen.thresholds <= 1)).all():
        raise UserError(
            f"thresholds must be in [0, 1] and for the model's labels {names}, but those of "
            f"{evaluation.name!r} are {dict(zip(frozen.label_names, frozen.thresholds, strict=True))}; "
            "name an evaluation of this model"
        )
    return frozen.thresholds


def _fit(model_folder: Path) -> str:
    """How the pictures it learned from were fitted into their square: as its images run says."""
    images = read_json(model_folder / RECORD)["parameters"].get("images", "")
    record = model_folder.parents[1] / "02_images" / images / RECORD
    if not record.is_file():
        raise UserError(
            f"a model must lie beside the images run it was made from, but {model_folder.name!r} has no "
            f"02_images/{images}/{RECORD} there; bring that file too"
        )
    return read_json(record)["parameters"].get("fit", "pad")
