"""What turns a network's scores into topics: settings of a run, as JSON, and what they give."""

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, get_origin, get_type_hints

import numpy as np

from wikitopics import __version__
from wikitopics.artefacts import RECORD, file_digest, finished_run, read_arrow, read_json
from wikitopics.errors import UserError
from wikitopics.evaluate.calibration import apply_platt, fit_platt, sureness
from wikitopics.evaluate.predictions import matrix, read_frozen
from wikitopics.images.decode import FITS
from wikitopics.labels import taxonomy
from wikitopics.labels.taxonomy import closed_upwards, descent

LABELS = 10_000  # of a foreign file: what lies below what is a square of as many bytes

ABSTAIN = 0.05  # of pictures like those of the validation


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
        return taxonomy.closed_upwards(calibrated, taxonomy.descent(self.label_names, self.parents))

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
    except (KeyError, TypeError, ValueError, OverflowError) as error:
        raise _foreign(where, ascii(str(error))[:100]) from error
    for name, declared in get_type_hints(Settings).items():
        kind = get_origin(declared) or declared
        if kind is not np.ndarray and type(getattr(settings, name)) is not kind:
            raise _foreign(where, f"{name} is no {kind.__name__}")
    if not all(isinstance(name, str) for name in settings.label_names):
        raise _foreign(where, "a label is no text")
    if not all(isinstance(above, str | None) for above in settings.parents.values()):
        raise _foreign(where, "a parent is no text")
    if len(settings.label_names) > LABELS:
        raise _foreign(where, f"there are more than {LABELS:,} labels")
    return checked(settings, where)


def checked(settings: Settings, where: str) -> Settings:
    """The settings themselves; UserError naming `where` if a length, a name or a number cannot be."""
    names, thresholds = settings.label_names, settings.thresholds
    if thresholds.shape != (len(names),) or not ((thresholds >= 0) & (thresholds <= 1)).all():
        raise UserError(
            f"thresholds must be in [0, 1], one for each of {len(names)} labels, but those of {where} are "
            f"{str(thresholds.tolist())[:200]}; name an evaluation of this model"
        )
    if settings.platt.shape != (len(names), 2) or not set(settings.parents) >= set(names):
        raise UserError(
            f"calibration and parents must be there for each of {len(names)} labels, but those of {where} "
            "are for others; export again"
        )
    numbers = np.concatenate([settings.platt.ravel(), settings.sureness.ravel()])
    if settings.sureness.shape != (101,) or not np.isfinite(numbers).all():
        raise _foreign(where, "calibration or sureness is no list of numbers")
    if len(set(names)) < len(names):
        raise _foreign(where, "a label is there twice")
    if settings.fit not in FITS or not 1 <= settings.side <= 4096:
        raise _foreign(where, f"pictures are {ascii(settings.fit)[:40]}, {str(settings.side)[:40]} pixels")
    taxonomy.descent(names, settings.parents)  # raises where a parent is no label
    return settings


def _foreign(where: str, what: str) -> UserError:
    return UserError(
        f"settings must be as `wikitopics export` writes them, but those of {where} differ ({what}); "
        "export again"
    )


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
    table = read_arrow(folder / "predictions_validation.parquet", columns=["truth", "scores"])
    truth, scores = (
        matrix(table[name], labels, f"{name} of {folder.name!r}") for name in ("truth", "scores")
    )
    return truth, scores


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


def topics(scores: np.ndarray, settings: Settings) -> list[list[str]]:
    """For each row of scores (n, L) the labels that reach their thresholds and all labels above those.

    In label_names order, and always closed upwards. A parent is added where only its child reaches its
    threshold, rather than the child dropped: so do truth (labels are closed upwards) and the hierarchical
    measures of 04 (evaluate.hierarchy.hierarchical), and docs/scoring.md has what either costs.
    """
    reached = scores >= settings.thresholds
    closed = closed_upwards(reached, descent(settings.label_names, settings.parents))
    names = np.array(settings.label_names, object)
    return [list(names[row]) for row in closed]


def least_sure(settings: Settings, abstain: float) -> float:
    """The sureness below which a picture is left to a person: so were the share `abstain` of validation.

    evaluate.calibration.sureness says what it measures; 0 leaves none. Raises UserError outside [0, 1].

    >>> from types import SimpleNamespace; known = SimpleNamespace(sureness=np.linspace(0.5, 1, 101))
    >>> least_sure(known, 0.2), least_sure(known, 0)
    (0.6, 0.0)
    """
    if not 0 <= abstain <= 1:
        raise UserError(
            f"--abstain must be a share from 0 to 1, but is {abstain:g}; 0.05 is one picture in twenty"
        )
    if abstain == 0:
        return 0.0
    return round(float(np.interp(abstain, np.linspace(0, 1, 101), settings.sureness)), 6)
