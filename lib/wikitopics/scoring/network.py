"""A trained model made ready to score: its network as one function of pictures, its settings."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from wikitopics.errors import UserError
from wikitopics.images.decode import Recipe
from wikitopics.progress import without_chatter
from wikitopics.scoring.archive import is_bundle
from wikitopics.scoring.settings import Settings, settings_of

BATCH = 64  # pictures of one call
# Pictures that the network sees together: on a processor few, whose activations stay in its cache (Lite0 at
# 224 px: 29 ms of CPU a picture at 16 together, 38 at 64), on a GPU all of a call.
TOGETHER = {"CPU": 16, "GPU": 64}
FOLDED = 16_000_000  # numbers: the EfficientNets have up to 8 million, a CLIP of 88 million took 6.7 GB so


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
    from wikitopics.train.model import takes_features
    from wikitopics.train.record import read_trained

    network, _ = read_trained(model)
    if takes_features(network):
        raise UserError(
            f"pictures must go through a backbone, but the run {model.name!r} has none and learned from "
            "features that were given; name a run with a backbone"
        )
    return network, settings_of(model, evaluation, network.inputs[0].shape[1])


def forward(model) -> Callable[[np.ndarray], np.ndarray]:
    """A function of pictures (n, s, s, 3) uint8, n at most BATCH, that gives the model's scores (n, L).

    On TensorFlow the weights become constants of the graph, which lets it fold each batch norm into its
    convolution: the same scores up to rounding, and less work. Other backends call the model as it is, and so
    does TensorFlow with a network of more than FOLDED numbers: as constants they would be copied many times.
    """
    from wikitopics.networks.engine import keras

    together = TOGETHER["GPU" if keras.distribution.list_devices("gpu") else "CPU"]
    constant = keras.backend.backend() == "tensorflow" and model.count_params() <= FOLDED
    if not constant:
        model.compile(jit_compile=False)  # see train.features: on a processor XLA is slower
    work = _constant(model, together) if constant else model.predict_on_batch

    def scores(pictures: np.ndarray) -> np.ndarray:
        missing = -len(pictures) % together  # a last batch is filled up: another shape is compiled anew
        padded = np.pad(pictures, [(0, missing), (0, 0), (0, 0), (0, 0)]) if missing else pictures
        starts = range(0, len(padded), together)
        parts = [np.asarray(work(padded[start : start + together]), np.float32) for start in starts]
        return np.concatenate(parts)[: len(pictures)] if parts else np.empty((0, outputs), np.float32)

    outputs = model.outputs[0].shape[-1]
    return scores


def _constant(model, together: int) -> Callable[[np.ndarray], np.ndarray]:
    import tensorflow as tf
    from tensorflow.python.framework.convert_to_constants import convert_variables_to_constants_v2

    def call(pictures):
        return model(pictures, training=False)

    pictures = tf.TensorSpec((together, *model.inputs[0].shape[1:]), tf.uint8)
    traced = tf.function(call, autograph=False).get_concrete_function(pictures)
    with without_chatter():
        graph = convert_variables_to_constants_v2(traced)

    def work(padded: np.ndarray) -> np.ndarray:
        return graph(tf.constant(padded))[0].numpy()

    return work
