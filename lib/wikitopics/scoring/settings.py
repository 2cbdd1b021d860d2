"""What turns a network's scores into topics: small facts of a run that travel as JSON beside its model."""

import json
from dataclasses import asdict, dataclass, fields
from typing import Any, get_origin

import numpy as np

from wikitopics import __version__
from wikitopics.errors import UserError
from wikitopics.evaluate.calibration import apply_platt
from wikitopics.images.decode import FITS
from wikitopics.labels import lineage

LABELS = 10_000  # of a foreign file: what lies below what is a square of as many bytes


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
        return lineage.closed_upwards(calibrated, lineage.descent(self.label_names, self.parents))

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
    for field in fields(Settings):
        kind = get_origin(field.type) or field.type
        if kind is not np.ndarray and type(getattr(settings, field.name)) is not kind:
            raise _foreign(where, f"{field.name} is no {kind.__name__}")
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
    lineage.descent(names, settings.parents)  # raises where a parent is no label
    return settings


def _foreign(where: str, what: str) -> UserError:
    return UserError(
        f"settings must be as `wikitopics export` writes them, but those of {where} differ ({what}); "
        "export again"
    )
