"""A trained model made ready to score: its network, and what turns its scores into topics."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from wikitopics.images.decode import Recipe
from wikitopics.scoring.settings import Settings, settings_of


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
    """The scorer of the finished 03_train run in the folder `model`; settings as `settings_of` says.

    Raises UserError where the model is not the run's (train.record.read_trained), and as `settings_of` does.
    """
    from wikitopics.scoring.forward import forward
    from wikitopics.train.record import read_trained

    network, _ = read_trained(model)
    return Scorer(settings_of(model, evaluation, network.inputs[0].shape[1]), forward(network))
