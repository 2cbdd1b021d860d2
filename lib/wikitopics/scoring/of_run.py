"""The settings of a finished run: its labels, its calibration, and the thresholds of its evaluation."""

from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq

from wikitopics.artefacts import RECORD, finished_run, read_json
from wikitopics.errors import UserError
from wikitopics.evaluate.abstention import sureness
from wikitopics.evaluate.calibration import apply_platt, fit_platt
from wikitopics.evaluate.prediction_checks import matrix
from wikitopics.evaluate.predictions import read_frozen
from wikitopics.scoring.settings import Settings, checked


def finished_pair(model: str, evaluation: str | None = None) -> tuple[Path, Path]:
    """The folders of the 03_train run `model` and of the 04_evaluate run (default: its name) that judged it.

    Raises UserError where one is not finished, and where the evaluation is of another model.
    """
    folder, judged = finished_run("03_train", model), finished_run("04_evaluate", evaluation or model)
    of = read_json(judged / RECORD).get("model")
    if of != model:
        raise UserError(
            f"--evaluation must be a run that judged {model!r}, but {judged.name!r} judged {of!r}; "
            "name another"
        )
    return folder, judged


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
