"""KerasHub's presets: networks that others trained and published, each with the way it wants its pictures.

A preset is a folder that `save_to_preset` of KerasHub wrote: what the network is built of, its weights, how
pictures are prepared (an image converter) and, where it reads texts too, its words.
"""

import json
import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, fields
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from types import ModuleType
from typing import Any, NamedTuple

import keras
import numpy as np
from keras import layers

from wikitopics.errors import UserError
from wikitopics.paths import located
from wikitopics.progress import without_chatter
from wikitopics.rules import PRESET

INSTALL = "pip install -e '.[hub]'"
SCHEMES = ("hf", "kaggle")


class Family(NamedTuple):
    """How a kind of network gives features.

    encoder: KerasHub's class of the part that sees pictures. gives: `vector` (n, d), the features
    themselves; `tokens` (n, 1 + m, d), of which the first stands for the whole picture; `map` (n, h, w, d),
    whose mean they are. any_size: whether pictures may have another size than those that it learned from.
    """

    encoder: str
    gives: str
    any_size: bool


FAMILIES = {
    "CLIPBackbone": Family("CLIPVisionEncoder", "tokens", False),
    "SigLIPBackbone": Family("SigLIPVisionEncoder", "vector", False),  # SigLIP 2 is of this class, too
    "DINOV2Backbone": Family("DINOV2Backbone", "tokens", True),
    "DINOV3Backbone": Family("DINOV3Backbone", "tokens", True),
    "ViTBackbone": Family("ViTBackbone", "tokens", False),
    "ResNetBackbone": Family("ResNetBackbone", "map", True),
    "EfficientNetBackbone": Family("EfficientNetBackbone", "map", True),
}
NAMED = "keras_hub."  # what the name of such a network begins with
OWN = ("name", "trainable", "dtype")  # of a configuration, what a network built here has of its own
LARGEST, DEEPEST = 1 << 16, 256  # of any number in a configuration; layers, or blocks of layers
REPEATED = ("num_layers", "stackwise_num_blocks", "stackwise_num_repeats")  # how many are built in a loop,
DEEPER = ("depth_coefficient", "stackwise_depth_coefficients")  # ... and what multiplies them
KINDS = ", ".join(sorted(name.removesuffix("Backbone") for name in FAMILIES))


def keras_hub() -> ModuleType:
    """The package KerasHub; UserError where it is not installed. It is imported nowhere else."""
    if find_spec("keras_hub") is None:
        raise UserError(
            f"a network of KerasHub must have keras-hub beside it, which is not installed; `{INSTALL}`"
        )
    with without_chatter():
        return import_module("keras_hub")


# --- Presets, wherever they are


@contextmanager
def opened(preset: str) -> Iterator[str]:
    """What KerasHub calls `preset`; in the block what goes wrong with it becomes one sentence.

    `preset` is a name of KerasHub, `hf://OWNER/NAME`, `kaggle://OWNER/MODEL/keras/NAME` or the path of a
    folder. Raises UserError where there is no such preset, where it cannot be downloaded or read.
    """
    hub = keras_hub()
    name = _found(hub, preset)
    try:
        yield name
    except UserError:
        raise
    except (OSError, ValueError, TypeError, KeyError, ImportError) as error:
        reason = " ".join(f"{type(error).__name__}: {error}".split())[:120]
        if Path(name).is_dir():
            raise UserError(
                f"a preset must be a whole folder that KerasHub's save_to_preset wrote, but {preset!r} "
                f"cannot be read ({reason}); save it or copy it again"
            ) from error
        raise UserError(
            f"the preset {preset!r} must be downloaded once by KerasHub, which failed ({reason}); where the "
            f"network allows it run `{_fetching(hub, name)}`, put the folder that it names into the "
            f"laboratory and write backbone: {PRESET}FOLDER"
        ) from error


def _found(hub: ModuleType, preset: str) -> str:
    scheme, separator, _ = preset.partition("://")
    if scheme in SCHEMES and separator or preset in hub.models.Backbone.presets:
        return preset
    folder = located(preset)
    if not preset or separator or not folder.is_dir():
        raise UserError(
            "a preset must be a name of KerasHub, hf://OWNER/NAME, kaggle://OWNER/MODEL/keras/NAME or a "
            f"folder that save_to_preset wrote, but there is no {preset!r}; correct it"
        )
    return os.fspath(folder)


def _fetching(hub: ModuleType, preset: str) -> str:
    """The command that downloads a preset and says into which folder."""
    if preset.startswith("hf://"):
        return f"hf download {preset.removeprefix('hf://')}"
    handle = hub.models.Backbone.presets.get(preset, {}).get("kaggle_handle", preset)
    call = f"import kagglehub; print(kagglehub.model_download('{handle.removeprefix('kaggle://')}'))"
    return f'python -c "{call}"'


def described(name: str, preset: str) -> tuple[str, dict[str, Any]]:
    """The name in FAMILIES of an opened preset, and what its file says of it, before its weights are read.

    Raises UserError for any other network.
    """
    from keras_hub.src.utils.preset_utils import get_preset_loader  # from_preset would read gigabytes first

    loader = get_preset_loader(name)
    found = loader.check_backbone_class().__name__
    if found not in FAMILIES:
        raise UserError(
            f"a preset must be an image network ({KINDS}), but {preset!r} is a {found}; choose another preset"
        )
    return found, loader.config.get("config", loader.config)


# --- What a preset's seeing part is built of, and the network made of it


@dataclass(frozen=True)
class Architecture:
    """The part of a preset that sees pictures, in numbers and words alone: it can stand in a JSON file.

    name: of the network. family: see FAMILIES. encoder: what KerasHub's class of it is made with. projection:
    numbers of a vector that is comparable with the preset's texts, 0 where features are the encoder's own.
    image_size: pixels a side. scale, offset: of the colours, colour * scale + offset. interpolation,
    antialias: how pictures of another size are resized, as Keras' Resizing has it.
    """

    name: str
    family: str
    encoder: dict[str, Any]
    projection: int
    image_size: int
    scale: list[float]
    offset: list[float]
    interpolation: str
    antialias: bool


def check_architecture(given: dict[str, Any]) -> None:
    """Raise UserError where `given` is no Architecture, or one that no preset has.

    Numbers are bounded, so that no loop and no list of layers is endless; how large the network gets is to be
    counted by who builds it.
    """
    kinds = {field.name: field.type for field in fields(Architecture)}
    kinds |= {"encoder": dict, "scale": list, "offset": list}
    wrong = [name for name, kind in kinds.items() if type(given.get(name)) is not kind]
    numbers = [given.get("image_size"), given.get("projection"), *_leaves(given.get("encoder"))]
    large = [one for one in numbers if isinstance(one, int | float) and not 0 <= one <= LARGEST]
    deep = not wrong and (len(numbers) > LARGEST or _depth(given["encoder"]) > DEEPEST)
    if given.keys() != kinds.keys() or wrong or given["family"] not in FAMILIES or large or deep:
        raise UserError(
            f"a preset's network must be told in numbers up to {LARGEST} and at most {DEEPEST} layers, but "
            f"{', '.join(wrong) or 'something in it'} is otherwise; export its run again"
        )


def _depth(encoder: dict[str, Any]) -> float:
    """Layers, or blocks of them, that a configuration asks for, at most.

    >>> _depth({"stackwise_num_repeats": [2, 4], "depth_coefficient": 1.5})
    9.0
    """
    repeats, coefficients = (
        [one for name in names for one in _leaves(encoder.get(name)) if isinstance(one, int | float)]
        for names in (REPEATED, DEEPER)
    )
    lists = [len(one) for one in encoder.values() if isinstance(one, list)]
    return max(sum(repeats) * max([1, *coefficients]), *lists, 0)


def _leaves(value: Any) -> list:
    parts = value.values() if isinstance(value, dict) else value
    return [leaf for part in parts for leaf in _leaves(part)] if isinstance(value, dict | list) else [value]


def build(architecture: Architecture) -> keras.Model:
    """The network, its weights random: pictures (n, image_size, image_size, 3) of 0..255 -> features (n, d).

    A network of maps gives them as they are, (n, h, w, d); preprocessing is inside, but for the resizing.
    """
    family = FAMILIES[architecture.family]
    kind, dtype = getattr(keras_hub().models, family.encoder), keras.config.dtype_policy().name
    encoder = kind(**architecture.encoder, name="encoder", dtype=dtype)
    side = architecture.image_size
    pictures = keras.Input((side, side, 3), name="preset_picture")
    x = layers.Rescaling(architecture.scale, architecture.offset, name="colours")(pictures)
    x = encoder({next(iter(encoder.input)): x} if isinstance(encoder.input, dict) else x)
    if family.gives == "tokens":
        x = x[:, 0]
    if architecture.projection:
        x = layers.Dense(architecture.projection, use_bias=False, name="projection")(x)
    return keras.Model(pictures, x, name=architecture.name)


def load(preset: str, image_size: int = 0, weights: str = "imagenet") -> tuple[keras.Model, Architecture]:
    """The network of a `preset` (see `opened`), without its texts, and what it is built of.

    image_size: pixels a side, 0 for the preset's own. weights: "imagenet" for the preset's own, whatever it
    learned them from, or "none" (random, from Keras' global seed). Raises UserError as `opened`, where the
    preset is no image network, for a size that it cannot see and for other weights.
    """
    if weights not in ("imagenet", "none"):
        raise UserError(
            f"weights must be imagenet (a preset's own) or none beside {PRESET}{preset}, but are "
            f"{weights!r}; save the network with these weights as a preset, and name that"
        )
    hub = keras_hub()
    with opened(preset) as name:
        family, config = described(name, preset)
        converter = hub.layers.ImageConverter.from_preset(name)
        side = _side(family, config, converter, image_size, preset)
        shape = {"image_shape": (side, side, 3)} if FAMILIES[family].any_size else {}
        read = {"load_weights": weights != "none", "dtype": "float32"}
        whole = hub.models.Backbone.from_preset(name, **read, **shape)
    architecture = _architecture(preset, family, whole, converter, side)
    network = build(architecture)
    if weights != "none":
        network.set_weights(_learned(whole))
    return network, architecture


def _side(family: str, config: dict, converter, image_size: int, preset: str) -> int:
    """The side of the pictures that the network sees."""
    config = config.get("vision_encoder", {}).get("config", config)
    shape = config.get("image_shape") or converter.image_size
    prepared, seen = (list(size[:2]) for size in (converter.image_size or shape, shape))
    native, free, patch = prepared[0], FAMILIES[family].any_size, config.get("patch_size", 1)
    if prepared != [native, native] or not (free or seen == prepared) or not (native or image_size):
        raise UserError(
            f"a preset must prepare square pictures as its network sees them, but {preset!r} prepares "
            f"{prepared} for {seen}; save it with another image converter"
        )
    if image_size and (image_size % patch if free else image_size != native):
        multiple = f" or a multiple of {patch}" if free else ""
        raise UserError(
            f"image_size must be 0 (the preset's own {native} pixels){multiple} beside {PRESET}{preset}, but "
            f"is {image_size}; write image_size: 0"
        )
    return image_size or native


def _architecture(preset: str, family: str, whole, converter, side: int) -> Architecture:
    projection = getattr(whole, "vision_projection", None)
    return Architecture(
        name=NAMED + re.sub(r"[^A-Za-z0-9_.-]", "_", preset.rstrip("/").rsplit("/", 1)[-1])[:80],
        family=family,
        encoder=_configuration(getattr(whole, "vision_encoder", whole)),
        projection=projection.units if projection else 0,
        image_size=side,
        scale=_each_colour(converter.scale, 1.0),
        offset=_each_colour(converter.offset, 0.0),
        interpolation=converter.interpolation,
        antialias=converter.antialias,
    )


def architecture_of(network: keras.Model, resizing: layers.Resizing | None) -> Architecture | None:
    """What a network of `build` is built of, and how pictures are resized before it; None for any other."""
    if not network.name.startswith(NAMED):
        return None
    parts = {layer.name: layer for layer in network.layers}
    encoder, colours = parts["encoder"], parts["colours"]
    kinds = {family.encoder: name for name, family in FAMILIES.items()}
    return Architecture(
        name=network.name,
        family=kinds[type(encoder).__name__],
        encoder=_configuration(encoder),
        projection=parts["projection"].units if "projection" in parts else 0,
        image_size=network.input_shape[1],
        scale=_each_colour(colours.scale, 1.0),
        offset=_each_colour(colours.offset, 0.0),
        interpolation=resizing.interpolation if resizing else "bilinear",
        antialias=resizing.antialias if resizing else False,
    )


def _configuration(encoder) -> dict[str, Any]:
    config = {key: value for key, value in encoder.get_config().items() if key not in OWN}
    if "use_mask_token" in config:
        config["use_mask_token"] = False  # hides patches when such a network is trained, and nothing else
    if "position_embedding_shape" in config:
        config["position_embedding_shape"] = config["image_shape"]  # see _learned
    return json.loads(json.dumps(config))


def _each_colour(value: Any, otherwise: float) -> list[float]:
    """
    >>> _each_colour(None, 1.0), _each_colour((1, 2, 3), 1.0)
    ([1.0, 1.0, 1.0], [1.0, 2.0, 3.0])
    """
    value = otherwise if value is None else value
    return [float(value)] * 3 if isinstance(value, int | float) else [float(one) for one in value]


def _learned(whole) -> list[np.ndarray]:
    """The weights of what sees pictures, in the order of `build`.

    Where DINOv2 sees pictures of another size than it learned from, KerasHub has its position embeddings
    twice, and reads those of that size anew from the others; a network built here has only those of its size.
    """
    projection = getattr(whole, "vision_projection", None)
    weights = [*getattr(whole, "vision_encoder", whole).weights, *(projection.weights if projection else [])]
    named = {weight.name: weight for weight in weights}
    used = [weight for weight in weights if weight.name != "mask_token"]
    return [named.get(f"interpolated_{weight.name}", weight).numpy() for weight in used]
