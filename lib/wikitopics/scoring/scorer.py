"""A trained model made ready to score: its network, and what turns its scores into topics."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from wikitopics.export.named import is_bundle
from wikitopics.images.decode import Recipe
from wikitopics.scoring.of_run import settings_of
from wikitopics.scoring.settings import Settings


@dataclass(frozen=True)
class Scorer:
    """What turns pictures into topics.

    forward: pictures (n, side, side, 3) uint8 -> scores (n, L) float32, see scoring.forward.
    """

    settings: Settings
    forward: Callable[[np.ndarray], np.ndarray]

    @property
    def recipe(self) -> Recipe:
        """How its pictures are made."""
        return Recipe(self.settings.side, self.settings.fit)


def load_scorer(model: Path, evaluation: Path | None = None) -> Scorer:
    """The scorer of a finished 03_train run (its folder) or of a bundle (a folder or zip of `export`).

    Settings of a run are as `settings_of` says; a bundle brings its own, `evaluation` is not for it. Raises
    UserError where the model is not the run's (train.record.read_trained), as `settings_of` does, and where
    a bundle is not as it was written (export.load.load_bundle).
    """
    from wikitopics.scoring.forward import forward

    if is_bundle(model):
        from wikitopics.export.load import load_bundle

        network, settings = load_bundle(model)
        return Scorer(settings, forward(network))
    from wikitopics.train.record import read_trained

    network, _ = read_trained(model)
    return Scorer(settings_of(model, evaluation, network.inputs[0].shape[1]), forward(network))
