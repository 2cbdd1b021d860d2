"""A trained model up to its features: what turns pictures into vectors, and what is known of it."""

import json
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np

from wikitopics import __version__
from wikitopics.artefacts import finished_run
from wikitopics.errors import UserError
from wikitopics.images.decode import Recipe
from wikitopics.scoring.archive import bundle_path
from wikitopics.scoring.scorer import read_network


@dataclass(frozen=True)
class About:
    """Where vectors come from. Two are comparable where backbone, weights, side and fit are the same.

    model: the run's name; backbone, weights: its network and the SHA-256 (hex) of that part's weights; side,
    fit: how its pictures are made, see images.decode.Recipe; width: numbers in a vector.
    """

    model: str
    backbone: str
    weights: str
    side: int
    fit: str
    width: int
    version: str = __version__

    def text(self) -> str:
        """As JSON, for a table's metadata."""
        return json.dumps(asdict(self))

    def comparable(self, other: "About") -> bool:
        """Whether vectors of both may stand in one index."""
        same = ("backbone", "weights", "side", "fit", "width")
        return all(getattr(self, name) == getattr(other, name) for name in same)


@dataclass(frozen=True)
class Embedder:
    """What turns pictures into features: (n, side, side, 3) uint8, n at most BATCH -> (n, width) float32."""

    about: About
    forward: Callable[[np.ndarray], np.ndarray]

    @property
    def recipe(self) -> Recipe:
        """How its pictures are made."""
        return Recipe(self.about.side, self.about.fit)


def model_path(model: str) -> Path:
    """The folder of the finished 03_train run `model`, or the bundle at that path."""
    return bundle_path(model, None) or finished_run("03_train", model)


def load_embedder(model: Path) -> Embedder:
    """The part of a trained model (a run's folder, or a bundle) up to its features.

    Raises UserError as scoring.scorer.load_scorer, and where the model has no features to take.
    """
    from wikitopics.scoring.forward import forward
    from wikitopics.train.backbones import weights_checksum
    from wikitopics.train.model import FEATURES, backbone_of, features_of

    network, settings = read_network(model)
    if FEATURES not in [layer.name for layer in network.layers]:
        raise UserError(
            f"features are taken from a layer named {FEATURES!r}, but the model {settings.name!r} has none; "
            "name a run of 03_train"
        )
    features = features_of(network)
    about = About(
        model=settings.name,
        backbone=backbone_of(network).name,
        weights=weights_checksum(features),
        side=settings.side,
        fit=settings.fit,
        width=features.output.shape[-1],
    )
    return Embedder(about, forward(features))
