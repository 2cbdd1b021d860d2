"""How large will a network become that a .keras file describes? Asked of its text, before Keras makes it.

A few bytes of text can ask Keras for gigabytes. Weights that were really written are the measure: a network
of ours has as many numbers as its file of weights, which is stored as it is and cannot swell.
"""

import math
from collections.abc import Callable, Iterator
from typing import Any

from wikitopics.export.listing import refuse

OBJECTS = 10_000  # layers and their parts; our largest network, EfficientNetB2, has 1,600
TENSOR = 1 << 26  # numbers of one picture inside the network; 4,096 x 4,096 pixels are fewer
TYPES = {"float32", "mixed_float16", "mixed_bfloat16"}  # all have weights of 4 bytes a number
UNUSUAL = ("lora_rank", "quantization_config", "renorm")  # they add weights, and we set none
SIZED: dict[str, Callable[[dict, int], int]] = {
    "Dense": lambda of, channels: (channels + _bias(of)) * _whole(of["units"]),
    "Conv2D": lambda of, channels: (_kernel(of) * channels + _bias(of)) * _whole(of["filters"]),
    "DepthwiseConv2D": lambda of, channels: (
        (_kernel(of) + _bias(of)) * channels * _whole(of["depth_multiplier"])
    ),
    "BatchNormalization": lambda of, channels: channels * (2 + bool(of["center"]) + bool(of["scale"])),
    "Normalization": lambda of, channels: 2 * channels + 1,
}


def check_sizes(config: Any, stored: int, where: str) -> None:
    """Raise UserError where the layers in `config` are many or need more numbers than `stored` bytes hold.

    Raises ValueError, TypeError or KeyError where a layer with weights does not say its sizes as Keras writes
    them.
    """
    objects = list(_objects(config))
    if len(objects) > OBJECTS:
        refuse(where, f"has a model of {len(objects):,} parts, more than ours have")
    numbers = sum(weights(one) for one in objects)
    if 4 * numbers > stored:
        refuse(where, f"has a model of {numbers:,} numbers, which its {stored:,} bytes of weights are not")


def weights(layer: dict[str, Any]) -> int:
    """How many numbers Keras sets aside for one layer when it builds it for the input that it names.

    >>> config = {"units": 10, "use_bias": True, "dtype": "float32"}
    >>> weights({"class_name": "Dense", "config": config, "build_config": {"input_shape": [None, 4]}})
    50
    """
    if layer["class_name"] not in SIZED:
        return 0
    config, shape = layer["config"], layer["build_config"]["input_shape"]
    kind = config["dtype"] if isinstance(config["dtype"], str) else config["dtype"]["config"]["name"]
    axis = config.get("axis", -1)
    last = axis in (-1, [-1], len(shape) - 1, [len(shape) - 1])
    if kind not in TYPES or not last or config.get("data_format", "channels_last") != "channels_last":
        raise ValueError("another type of numbers, or channels that do not come last")
    if any(config.get(name) for name in UNUSUAL):
        raise ValueError("weights beside those of the layer")
    return SIZED[layer["class_name"]](config, _whole(shape[-1]))


def check_tensors(model: Any, where: str) -> None:
    """Raise UserError where a picture becomes larger inside the network (keras.Model) than TENSOR."""
    for layer in model._flatten_layers():
        for node in layer._inbound_nodes:
            for tensor in node.output_tensors:
                size = math.prod(side or TENSOR + 1 for side in tensor.shape[1:])
                if size > TENSOR:
                    refuse(where, f"has a model that makes {size:,} numbers of one picture")


def _objects(value: Any) -> Iterator[dict[str, Any]]:
    """All that has a class, at any depth."""
    if isinstance(value, dict):
        if "class_name" in value:
            yield value
        value = list(value.values())
    if isinstance(value, list):
        for item in value:
            yield from _objects(item)


def _kernel(config: dict[str, Any]) -> int:
    return math.prod(_whole(side) for side in config["kernel_size"])


def _bias(config: dict[str, Any]) -> int:
    return int(bool(config["use_bias"]))


def _whole(value: Any) -> int:
    """A count from 1: what is negative could hide what is large."""
    if type(value) is not int or value < 1:
        raise ValueError(f"{ascii(value)[:40]} is no count")
    return value
