"""Labelled pictures from which a model did not learn, and its probabilities for them."""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from wikitopics.artefacts import finished_run
from wikitopics.evaluate.intervals import group_codes
from wikitopics.evaluate.predictions import joined, read_frozen, read_test, read_validation
from wikitopics.scoring.settings import Settings


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
