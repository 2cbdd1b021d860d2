"""What turns a network's scores into topics: small facts of a run that travel as JSON beside its model."""

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq

from wikitopics import __version__
from wikitopics.artefacts import RECORD, read_json
from wikitopics.errors import UserError
from wikitopics.evaluate.abstention import sureness
from wikitopics.evaluate.calibration import apply_platt, fit_platt
from wikitopics.evaluate.prediction_checks import matrix
from wikitopics.evaluate.predictions import read_frozen
from wikitopics.labels import lineage


@dataclass(frozen=True)
class Settings:
    """Everything but the network.

    name, key: the run's name and the SHA-256 of its model file; version: of the library that made this.
    label_names (L names) is the order of thresholds (L,) on the scores, of platt (L, 2) and of every score;
    parents: of each label or None. coherent: no label is less sure than one below it. side, fit: how its
    pictures are made, see images.decode.Recipe. sureness: of the validation images, at 0, 1, ... 100 %
    (101,), from which a cut for abstention is taken.
    """

    name: str
    key: str
    label_names: list[str]
    parents: dict[str, str | None]
    thresholds: np.ndarray
    platt: np.ndarray
    coherent: bool
    side: int
    fit: str
    sureness: np.ndarray
    version: str = __version__

    def probabilities(self, scores: np.ndarray) -> np.ndarray:
        """Calibrated scores (n, L) float32; no label less sure than one below it where the model is so."""
        calibrated = apply_platt(scores, self.platt)
        if not self.coherent:
            return calibrated
        descent = lineage.descent(self.label_names, self.parents)
        return np.stack([calibrated[:, below].max(axis=1) for below in descent], axis=1)

    def as_json(self) -> dict[str, Any]:
        """All of it in JSON's types; `from_json` is the way back."""
        plain = asdict(self)
        return plain | {name: plain[name].tolist() for name in ("thresholds", "platt", "sureness")}

    def text(self) -> str:
        """What results depend on: written into them, and compared before a stopped run goes on."""
        return json.dumps(self.as_json())


def from_json(given: dict[str, Any], where: str) -> Settings:
    """The settings that `as_json` gave; UserError naming `where` if they are not such, or impossible."""
    try:
        arrays = {name: np.asarray(given[name], float) for name in ("thresholds", "platt", "sureness")}
        settings = Settings(**(given | arrays))
    except (KeyError, TypeError, ValueError) as error:
        raise UserError(
            f"settings must be as `wikitopics export` writes them, but {where} differs ({error}); "
            "export again"
        ) from error
    return checked(settings, where)


def settings_of(model_folder: Path, evaluation: Path | None, side: int) -> Settings:
    """The settings of the finished 03_train run in `model_folder`, whose network sees `side` pixels.

    Thresholds are those that the 04_evaluate run in the folder `evaluation` froze, 0.5 each without one;
    calibration is Platt's, fitted on the run's own validation predictions. Raises UserError where the
    thresholds are for other labels or outside [0, 1].
    """
    from wikitopics.train.record import file_digest

    about, record = read_json(model_folder / "label_names.json"), read_json(model_folder / RECORD)
    names = about["label_names"]
    truth, scores = _validation(model_folder, len(names))
    platt = fit_platt(truth, scores)
    settings = Settings(
        name=model_folder.name,
        key=file_digest(model_folder / "model.keras"),
        label_names=names,
        parents=about["parents"],
        thresholds=_thresholds(evaluation, names),
        platt=platt,
        coherent=record["parameters"].get("hierarchy", "none") != "none",
        side=side,
        fit=_fit(model_folder, record["parameters"]),
        sureness=np.quantile(sureness(apply_platt(scores, platt)), np.linspace(0, 1, 101)),
    )
    return checked(settings, repr(evaluation.name if evaluation else model_folder.name))


def checked(settings: Settings, where: str) -> Settings:
    """The settings themselves; UserError naming `where` if a length or a threshold cannot be."""
    names, thresholds = settings.label_names, settings.thresholds
    if thresholds.shape != (len(names),) or not ((thresholds >= 0) & (thresholds <= 1)).all():
        raise UserError(
            f"thresholds must be in [0, 1], one for each of {len(names)} labels, but those of {where} are "
            f"{thresholds.tolist()}; name an evaluation of this model"
        )
    if settings.platt.shape != (len(names), 2) or set(settings.parents) < set(names):
        raise UserError(
            f"calibration and parents must be there for each of {len(names)} labels, but those of {where} "
            "are for others; export again"
        )
    return settings


def _validation(folder: Path, labels: int) -> tuple[np.ndarray, np.ndarray]:
    table = pq.read_table(folder / "predictions_validation.parquet", columns=["truth", "scores"])
    return tuple(matrix(table[name], labels, f"{name} of {folder.name!r}") for name in ("truth", "scores"))


def _thresholds(evaluation: Path | None, names: list[str]) -> np.ndarray:
    if evaluation is None:
        return np.full(len(names), 0.5)
    frozen = read_frozen(evaluation)
    if frozen.label_names != names:
        raise UserError(
            f"thresholds must be for the model's labels {names}, but those of {evaluation.name!r} are for "
            f"{frozen.label_names}; name an evaluation of this model"
        )
    return frozen.thresholds


def _fit(model_folder: Path, parameters: dict[str, Any]) -> str:
    """How the pictures it learned from were fitted into their square: as its images run says."""
    images = parameters.get("images", "")
    record = model_folder.parents[1] / "02_images" / images / RECORD
    if not record.is_file():
        raise UserError(
            f"a model must lie beside the images run it was made from, but {model_folder.name!r} has no "
            f"02_images/{images}/{RECORD} there; bring that file too"
        )
    return read_json(record)["parameters"].get("fit", "pad")
