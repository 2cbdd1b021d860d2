"""Which topics a picture has: those above their thresholds with what lies above them, or none at all."""

import numpy as np

from wikitopics.errors import UserError
from wikitopics.labels.lineage import closed_upwards, descent
from wikitopics.scoring.settings import Settings

ABSTAIN = 0.05  # of pictures like those of the validation


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

    evaluate.abstention.sureness says what it measures; 0 leaves none. Raises UserError outside [0, 1].

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
