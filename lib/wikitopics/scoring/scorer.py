"""A trained model made ready to score: its network, and what turns its scores into topics."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from wikitopics.images.decode import Recipe
from wikitopics.scoring.archive import is_bundle
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
    """The scorer of a finished 03_train run (its folder) or of a bundle; raises as `read_network`."""
    from wikitopics.scoring.forward import forward

    network, settings = read_network(model, evaluation)
    return Scorer(settings, forward(network))


def read_network(model: Path, evaluation: Path | None = None) -> tuple:
    """The network (keras.Model) and the Settings of a finished 03_train run, or of a bundle of `export`.

    Settings of a run are as `settings_of` says; a bundle brings its own, `evaluation` is not for it. Raises
    UserError where the model is not the run's (train.record.read_trained), as `settings_of` does, and where
    a bundle is not as it was written (bundle.load_bundle).
    """
    if is_bundle(model):
        from wikitopics.scoring.bundle import load_bundle

        return load_bundle(model)
    from wikitopics.train.record import read_trained

    network, _ = read_trained(model)
    return network, settings_of(model, evaluation, network.inputs[0].shape[1])
