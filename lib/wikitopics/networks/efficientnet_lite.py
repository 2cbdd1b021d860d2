"""EfficientNet-Lite: EfficientNet without squeeze-and-excitation and swish, as one column of Keras layers.

Lite keeps EfficientNet's stages (Tan & Le 2019, table 1) but fixes the stem at 32 and the head at 1,280
channels, does not repeat the first and last stage more often in larger networks, and uses ReLU6. Layers are
named after the published weights (`_blocks.3._expand_conv` is `blocks_3_expand_conv`), so that loading needs
no table of names.
"""

import math
from typing import NamedTuple

import keras
import numpy as np
from keras import layers

from wikitopics.errors import UserError


class Stage(NamedTuple):
    """A row of EfficientNet's table: how often, kernel, stride, expansion, channels out."""

    repeats: int
    kernel: int
    stride: int
    expansion: int
    channels: int


STAGES = (
    Stage(1, 3, 1, 1, 16),
    Stage(2, 3, 2, 6, 24),
    Stage(2, 5, 2, 6, 40),
    Stage(3, 3, 2, 6, 80),
    Stage(3, 5, 1, 6, 112),
    Stage(4, 5, 2, 6, 192),
    Stage(1, 3, 1, 6, 320),
)
STEM_CHANNELS, HEAD_CHANNELS = 32, 1280


def efficientnet_lite(
    width: float, depth: float, image_size: int, name: str, classes: int = 0
) -> keras.Model:
    """The network: pictures (n, image_size, image_size, 3) of 0..255 -> feature maps (n, h, w, 1280).

    `width` and `depth` scale channels and repeats (Lite0 1.0/1.0, Lite1 1.0/1.1, Lite2 1.1/1.2). With
    `classes` the column goes on to class probabilities (n, classes) instead.
    """
    inputs = keras.Input((image_size, image_size, 3), name="image")
    x = layers.Rescaling(1 / 128, offset=-127 / 128, name="rescaling")(inputs)
    x = _conv_bn(x, STEM_CHANNELS, 3, 2, "conv_stem", "bn0")
    block = 0
    for number, stage in enumerate(STAGES):
        fixed = number in (0, len(STAGES) - 1)
        for repeat in range(stage.repeats if fixed else math.ceil(stage.repeats * depth)):
            stride = stage.stride if repeat == 0 else 1
            x = _inverted_residual(
                x, stage, stride, scaled_channels(stage.channels, width), f"blocks_{block}"
            )
            block += 1
    x = _conv_bn(x, HEAD_CHANNELS, 1, 1, "conv_head", "bn1")
    if classes:
        x = layers.GlobalAveragePooling2D(name="pool")(x)
        x = layers.Dense(classes, activation="softmax", name="fc")(x)
    return keras.Model(inputs, x, name=name)


def scaled_channels(channels: int, width: float) -> int:
    """Channels times width, rounded to a multiple of 8 and never down by more than a tenth.

    >>> [scaled_channels(c, 1.1) for c in (16, 24, 40, 80)]
    [16, 24, 48, 88]
    """
    rounded = max(8, int(channels * width + 4) // 8 * 8)
    return rounded + 8 if rounded < 0.9 * channels * width else rounded


def _inverted_residual(x, stage: Stage, stride: int, channels: int, name: str):
    """Widen by 1x1, look around channel by channel, narrow by 1x1; add the input where shapes agree."""
    entry, wide = x, x.shape[-1] * stage.expansion
    if stage.expansion != 1:
        x = _conv_bn(x, wide, 1, 1, f"{name}_expand_conv", f"{name}_bn0")
    x = layers.DepthwiseConv2D(
        stage.kernel, stride, padding="same", use_bias=False, name=f"{name}_depthwise_conv"
    )(x)
    x = layers.ReLU(6.0, name=f"{name}_depthwise_relu")(_batch_norm(x, f"{name}_bn1"))
    x = layers.Conv2D(channels, 1, use_bias=False, name=f"{name}_project_conv")(x)
    x = _batch_norm(x, f"{name}_bn2")
    if stride == 1 and entry.shape[-1] == channels:
        x = layers.Add(name=f"{name}_add")([entry, x])
    return x


def _conv_bn(x, channels: int, kernel: int, stride: int, conv: str, norm: str):
    x = layers.Conv2D(channels, kernel, stride, padding="same", use_bias=False, name=conv)(x)
    return layers.ReLU(6.0, name=f"{conv}_relu")(_batch_norm(x, norm))


def _batch_norm(x, name: str):
    return layers.BatchNormalization(momentum=0.99, epsilon=1e-3, name=name)(x)


def set_torch_weights(model: keras.Model, arrays: dict[str, np.ndarray]) -> None:
    """Give every layer its published weights; every layer must get some, and nothing may be left over.

    `arrays` maps names like `_blocks.3._bn1.running_var` to arrays in PyTorch's axis order. The classifier's
    are left out where the model has none. Raises UserError where names or shapes do not fit the network.
    """
    wanted = {layer.name: layer for layer in model.layers if layer.weights}
    given: dict[str, dict[str, np.ndarray]] = {}
    for name, array in arrays.items():
        prefix, kind = name.rsplit(".", 1)
        if kind != "num_batches_tracked" and (prefix != "_fc" or "fc" in wanted):
            given.setdefault(prefix.replace("._", "_").replace(".", "_").lstrip("_"), {})[kind] = array
    if set(wanted) != set(given):
        odd = sorted(set(wanted) ^ set(given))
        raise UserError(
            f"weights must fit {model.name} layer by layer, but {len(odd)} layers differ, {odd[0]} first; "
            "give the file of the same network"
        )
    for name, layer in wanted.items():
        try:
            layer.set_weights(_keras_order(layer, given[name]))
        except (KeyError, ValueError) as error:
            raise UserError(
                f"weights must have the shapes of {model.name}, but those of layer {name} do not fit "
                f"({error}); give the file of the same network"
            ) from error


def _keras_order(layer: layers.Layer, arrays: dict[str, np.ndarray]) -> list[np.ndarray]:
    """One layer's arrays in Keras' order of weights and of axes."""
    if isinstance(layer, layers.BatchNormalization):
        return [arrays[kind] for kind in ("weight", "bias", "running_mean", "running_var")]
    if isinstance(layer, layers.DepthwiseConv2D):
        return [arrays["weight"].transpose(2, 3, 0, 1)]
    if isinstance(layer, layers.Conv2D):
        return [arrays["weight"].transpose(2, 3, 1, 0)]
    return [arrays["weight"].T, arrays["bias"]]
