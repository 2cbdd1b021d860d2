"""Which layers of a backbone learn. None by default; never its batch norms."""

import keras
from keras import layers

from wikitopics.errors import UserError

ALL_LAYERS = -1


def thaw(network: keras.Model, trainable_layers: int) -> None:
    """Let the last `trainable_layers` layers with weights learn (0 none, -1 all), but no batch norm.

    A batch norm that learned on small batches of one topic would overwrite statistics of a million
    pictures; it keeps them, and is called in inference mode.
    """
    weighty = [layer for layer in network.layers if layer.weights and not _is_norm(layer)]
    chosen = weighty if trainable_layers == ALL_LAYERS else weighty[len(weighty) - trainable_layers :]
    if trainable_layers > len(weighty) or trainable_layers < ALL_LAYERS:
        raise UserError(
            f"trainable_layers must be -1 (all) or 0 to {len(weighty)} for {network.name}, "
            f"but is {trainable_layers}; choose one in that range"
        )
    network.trainable = bool(chosen)
    for layer in network.layers:
        layer.trainable = layer in chosen


def _is_norm(layer: layers.Layer) -> bool:
    return isinstance(layer, layers.BatchNormalization | layers.Normalization)
