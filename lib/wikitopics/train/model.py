"""The model as a visible column: picture -> backbone -> mean over the picture -> head -> scores."""

import json
import re
import zipfile
from collections.abc import Iterable, Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pandas as pd
from keras import layers

from wikitopics.artefacts import replacing
from wikitopics.errors import UserError
from wikitopics.networks import hub
from wikitopics.networks.backbones import build_backbone
from wikitopics.rules import PRESET, is_preset
from wikitopics.train.coherence import MaxConstraint
from wikitopics.vectors.vector_files import units

GIVEN = "features"  # the backbone of a run whose features somebody else made
FEATURES = "features"  # the layer whose output is cached; what comes after it is the head
RESIZE = "resize"  # the layer of stored pictures that have another size than the backbone sees
SCORES, COHERENT = "scores", "coherent"  # where learning ends, and what may still come after it

ALL_LAYERS = -1
ROUNDING = 1e-10  # of a variance of cosines: pictures that differ by less do not differ


def set_seed(seed: int) -> None:
    """Start Keras, NumPy and Python from `seed`: the one place where global random state is touched.

    For the training notebook, at the start of its own kernel: random backbones and dropout draw from it.
    """
    keras.utils.set_random_seed(seed)


def build_model(
    n_labels: int,
    backbone: str | hub.Architecture = "EfficientNetLite0",
    image_size: int = 128,
    head_units: int = 128,
    weights: str = "imagenet",
    trainable_layers: int = 0,
    store_size: int = 0,
    seed: int = 0,
    descent: np.ndarray | None = None,
    given_width: int = 0,
    names: np.ndarray | None = None,
) -> keras.Model:
    """The whole model: pictures (n, s, s, 3) of 0..255 (uint8 or float) -> scores (n, n_labels) in [0, 1].

    `s` is `store_size`, by default `image_size`; pictures of another size than the backbone's are resized
    inside. `head_units` 0 leaves the hidden layer out (a linear probe). The last `trainable_layers` layers
    of the backbone learn too, with ALL_LAYERS (-1) all of them; its batch norms never do (see `thaw`).
    With `descent` (labels.taxonomy.descent) a last layer makes the scores coherent with the hierarchy.
    With the backbone GIVEN there is none: features (n, given_width) come in where pictures would. With
    `names`, vectors (n_labels, d) of the labels in words, these are the head, which does not learn; they are
    (n_labels, 0) where they come later, with all weights. With
    `keras_hub:PRESET` it is the part of that preset that sees pictures (networks.hub.load), and image_size
    may be 0, the preset's own; with an Architecture one like it, its weights random.
    Raises UserError as `build_backbone` and `hub.load`, where there is no label, and where `names` are not
    as wide as features.
    """
    if n_labels < 1:
        raise UserError(f"a model must have at least one label, but has {n_labels}; choose other labels")
    if backbone == GIVEN:
        seen = x = keras.Input((given_width,), name=FEATURES)
    else:
        network, resizing = _backbone(backbone, image_size, weights)
        thaw(network, trainable_layers)
        seen, x = _looking(network, store_size, resizing)
        backbone = network.name
    scores = _head(x, n_labels, head_units, seed) if names is None else _names_head(x, names)
    if descent is not None:
        scores = MaxConstraint(descent, name=COHERENT, dtype="float32")(scores)
    return keras.Model(seen, scores, name=f"{backbone}_{n_labels}_labels")


def takes_features(model: keras.Model) -> bool:
    """Whether a model was built on given features, and takes these instead of pictures."""
    return len(model.input_shape) == 2


def _backbone(
    backbone: str | hub.Architecture, image_size: int, weights: str
) -> tuple[keras.Model, dict[str, Any]]:
    """A network, and how pictures of another size are resized for it."""
    if isinstance(backbone, hub.Architecture):
        network, architecture = hub.build(backbone), backbone
    elif is_preset(backbone):
        network, architecture = hub.load(backbone.removeprefix(PRESET), image_size, weights)
    else:
        return build_backbone(backbone, image_size, weights), {"antialias": True}
    return network, {"interpolation": architecture.interpolation, "antialias": architecture.antialias}


def _looking(network: keras.Model, store_size: int, resizing: dict[str, Any]):
    """Stored pictures, and their features by a backbone."""
    side = network.input_shape[1]
    pictures = x = keras.Input((store_size or side, store_size or side, 3), name="picture")
    if x.shape[1] != side:
        x = layers.Resizing(side, side, **resizing, name=RESIZE)(x)
    x = network(x, training=False)
    mean = layers.GlobalAveragePooling2D if len(x.shape) == 4 else layers.Identity
    return pictures, mean(name=FEATURES)(x)


def _head(features, n_labels: int, head_units: int, seed: int):
    """From features (n, d) to scores (n, n_labels), started from `seed`."""
    x = features
    if head_units:
        x = layers.Dense(head_units, "relu", kernel_initializer=_initial(seed), name="head")(x)
    return layers.Dense(  # in 32 bits whatever the rest computes in: 16 cannot tell 0.9997 from 1
        n_labels, "sigmoid", kernel_initializer=_initial(seed + 1), name=SCORES, dtype="float32"
    )(x)


def _names_head(features, names: np.ndarray):
    """From features (n, d) to scores (n, n_labels) by how near they are to `names` (n_labels, d), in words.

    A score is sigmoid(cosine) until `spread` knows how cosines lie. It ranks as the cosine does; from where
    on it means "yes" is for the thresholds of validation.
    """
    if names.shape[1] not in (0, features.shape[-1]):
        raise UserError(
            f"names must be embedded by the text side of the network of the features, {features.shape[-1]:,} "
            f"numbers each, but have {names.shape[1]:,}; take both from one network"
        )
    unit = layers.UnitNormalization(name="unit", dtype="float32")(features)
    near = layers.Dense(len(names), "sigmoid", name=SCORES, dtype="float32", trainable=False)
    scores = near(unit)
    if names.shape[1]:
        near.set_weights([units(names).T, np.zeros(len(names))])
    return scores


def of_names(model: keras.Model) -> bool:
    """Whether vectors of the labels in words are the head."""
    return not model.get_layer(SCORES).trainable


def spread(model: keras.Model, features: Iterable[np.ndarray]) -> None:
    """Make the scores of a head of names sigmoid((cosine - mean) / sd), of the cosines of some pictures.

    features: (n, d) of these pictures, as parts. A network's cosines lie close together (CLIP's between 0.1
    and 0.35); so they fill the room between 0 and 1, as thresholds and calibration expect it, and keep their
    order. The pictures' labels are not asked for. One mean and one sd are of all labels together.
    """
    near, count, total, squares = model.get_layer(SCORES), 0, 0.0, 0.0
    names = units(near.get_weights()[0].T)
    for part in features:
        cosines = (units(part) @ names.T).astype(np.float64)
        count, total, squares = count + cosines.size, total + cosines.sum(), squares + (cosines**2).sum()
    mean = total / max(count, 1)
    variance = squares / max(count, 1) - mean**2
    sd = variance**0.5 if variance > ROUNDING else 1.0
    near.set_weights([names.T / sd, np.full(len(names), -mean / sd)])


def _initial(seed: int) -> keras.Initializer:
    """Glorot's uniform start, the same whatever was built before."""
    return keras.initializers.GlorotUniform(seed=seed)


def backbone_of(model: keras.Model) -> keras.Model:
    """The backbone inside a model: the layer just before its features."""
    return model.layers[[layer.name for layer in model.layers].index(FEATURES) - 1]


def features_of(model: keras.Model) -> keras.Model:
    """The part up to the head, sharing the model's layers: pictures -> features (n, d) float32."""
    return keras.Model(model.input, model.get_layer(FEATURES).output, name="features_of_" + model.name)


def architecture_of(model: keras.Model) -> hub.Architecture | None:
    """What the preset inside a model, or in its part up to the features, is built of; None without one."""
    named = {layer.name: layer for layer in model.layers}
    return hub.architecture_of(backbone_of(model), named.get(RESIZE)) if FEATURES in named else None


def preset_text(model: keras.Model) -> str:
    """The same as text, for a key; empty where there is none."""
    architecture = architecture_of(model)
    return json.dumps(asdict(architecture), sort_keys=True) if architecture else ""


def head_of(model: keras.Model) -> keras.Model:
    """The part from the features to the scores, sharing the model's layers: (n, d) -> (n, n_labels).

    Because the layers are shared, training the head on cached features trains the whole model. A hierarchy's
    constraint is left out: its loss needs the scores that it is put on (see losses).
    """
    names = [layer.name for layer in model.layers]
    features = keras.Input(model.get_layer(FEATURES).output.shape[1:], name="features")
    x = features
    for layer in model.layers[names.index(FEATURES) + 1 : names.index(SCORES) + 1]:
        x = layer(x)
    return keras.Model(features, x, name="head_of_" + model.name)


def head_like(head: keras.Model, seed: int) -> keras.Model:
    """A head like `head` (of head_of), with the weights that build_model starts it with from `seed`."""
    *hidden, n_labels = (layer.units for layer in head.layers if isinstance(layer, layers.Dense))
    features = keras.Input(head.input.shape[1:], name="features")
    return keras.Model(features, _head(features, n_labels, sum(hidden), seed), name=head.name)


def open_end(model: keras.Model) -> keras.Model:
    """The whole model up to the scores, without a hierarchy's constraint; it shares the model's layers."""
    return keras.Model(model.input, model.get_layer(SCORES).output, name="open_" + model.name)


def column(model: keras.Model) -> pd.DataFrame:
    """The model as a table, one row a layer: layer, kind, output (shape), parameters, trainable (counts)."""
    return pd.DataFrame(
        {
            "layer": layer.name,
            "kind": type(layer).__name__,
            "output": " x ".join(str(n) for n in layer.output.shape[1:]),
            "parameters": layer.count_params(),
            "trainable": sum(int(weight.size) for weight in map(_array, layer.trainable_weights)),
        }
        for layer in model.layers
    )


def _array(variable):
    return variable.numpy() if hasattr(variable, "numpy") else variable


def save_model(model: keras.Model, path: Path) -> None:
    """Write the whole model as .keras, or nothing; equal models give equal bytes, whenever they are saved."""
    with replacing(path) as temporary:
        whole = temporary.with_name(temporary.name + ".keras")  # Keras insists on the suffix
        try:
            model.save(whole)
            _reproducible(whole, temporary)
        finally:
            whole.unlink(missing_ok=True)


def _reproducible(saved: Path, target: Path) -> None:
    """Copy a .keras file (a zip) without its dates and with objects numbered instead of by their address."""
    with zipfile.ZipFile(saved) as old, zipfile.ZipFile(target, "w") as new:
        for name in old.namelist():
            data = old.read(name)
            if name == "metadata.json":
                data = json.dumps({**json.loads(data), "date_saved": ""}).encode()
            elif name == "config.json":
                data = _numbered(data.decode()).encode()
            new.writestr(zipfile.ZipInfo(name), data)


def _numbered(config: str) -> str:
    """Keras' config with the identities of shared objects counted in their order of appearance.

    >>> _numbered('{"shared_object_id": 1403, "other": {"shared_object_id": 1399, "shared_object_id": 1403}}')
    '{"shared_object_id": 1, "other": {"shared_object_id": 2, "shared_object_id": 1}}'
    """
    numbers: dict[str, int] = {}
    return re.sub(
        r'(?<="shared_object_id": )\d+',
        lambda found: str(numbers.setdefault(found[0], len(numbers) + 1)),
        config,
    )


def load_model(path: Path) -> keras.Model:
    """Read a .keras file in safe mode (nothing of it is executed); UserError where it cannot be read.

    A network of KerasHub needs that package, but not the preset that it came from.
    """
    try:
        with zipfile.ZipFile(path) as saved:
            if b"keras_hub" in saved.read("config.json"):
                hub.keras_hub()
        return keras.saving.load_model(path, compile=False, safe_mode=True)
    except UserError:
        raise
    except (OSError, ValueError, TypeError, KeyError, zipfile.BadZipFile) as error:
        raise UserError(
            f"a model must be a whole .keras file without code of its own, but {Path(path).name} cannot be "
            f"read ({' '.join(str(error).split())[:160]}); run its 03_train again"
        ) from error


# --- Which layers of a backbone learn. None by default; never its batch norms


def thaw(network: keras.Model, trainable_layers: int) -> None:
    """Let the last `trainable_layers` layers with weights learn (0 none, -1 all), but no batch norm.

    A batch norm that learned on small batches of one topic would overwrite statistics of a million
    pictures; it keeps them, and is called in inference mode.
    """
    weighty = [layer for layer in _owners(network) if not _is_norm(layer)]
    chosen = weighty if trainable_layers == ALL_LAYERS else weighty[len(weighty) - trainable_layers :]
    if trainable_layers > len(weighty) or trainable_layers < ALL_LAYERS:
        raise UserError(
            f"trainable_layers must be -1 (all) or 0 to {len(weighty)} for {network.name}, "
            f"but is {trainable_layers}; choose one in that range"
        )
    network.trainable = bool(chosen)
    for layer in _owners(network):
        if layer in chosen:
            continue
        if not layer._layers:
            layer.trainable = False
        for weight in layer._trainable_variables:  # its parts may learn, and would not if it did not
            weight.trainable = False


def _owners(layer: layers.Layer) -> Iterator[layers.Layer]:
    """The layers at and below one that hold weights of their own, from the picture to the features."""
    if layer._trainable_variables or layer._non_trainable_variables:
        yield layer
    for part in layer._layers:
        yield from _owners(part)


def _is_norm(layer: layers.Layer) -> bool:
    return isinstance(layer, layers.BatchNormalization | layers.Normalization)
