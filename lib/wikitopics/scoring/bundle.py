"""What is read of a bundle: settings in JSON and weights in safetensors, so numbers and no objects.

The network itself is made by our own build_model from a few facts in the settings, and given the weights. The
model files for other programs (.keras, ONNX, TFLite) lie beside them and are never opened here.
"""

import json
import math
import re
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from typing import Any

import numpy as np

from wikitopics.artefacts import file_digest, write_json
from wikitopics.errors import UserError, brought_by
from wikitopics.labels.taxonomy import descent
from wikitopics.networks import hub
from wikitopics.networks.backbones import rescaled
from wikitopics.networks.efficientnet_lite import HEAD_CHANNELS
from wikitopics.networks.engine import keras, without_memory
from wikitopics.scoring.archive import refuse, verified
from wikitopics.scoring.settings import Settings, from_json
from wikitopics.train.model import FEATURES, architecture_of, backbone_of, build_model, of_names

with brought_by("train", "a bundle"):
    from safetensors import SafetensorError, safe_open
    from safetensors.numpy import save_file

FORMAT = 2  # 1 held its network in model.keras alone, which only Keras can read
SETTINGS, WEIGHTS = "settings.json", "model.safetensors"
LONGEST, HEADER = 16 << 20, 1 << 20  # bytes of settings.json; of the list of tensors before the weights
COHERENT = 4096  # labels of a coherent network, which makes the square of their number for every picture
LATER: dict[str, Any] = {"preset": {}, "by_names": False}  # not told where a network has nothing of the kind
PRECISIONS = ("float32", "mixed_float16", "mixed_bfloat16")


@dataclass(frozen=True)
class Network:
    """What build_model must be told to make a network again, beside the settings that come with it.

    backbone, image_size, head_units: see build_model. precision: Keras' policy when it was made. rescaled:
    whether colours are scaled a second time, as in Keras' EfficientNetB where it began from ImageNet.
    weights: SHA-256 (hex) of the file of weights. preset: of a preset of KerasHub what it is built of
    (networks.hub.Architecture, as a dict), else empty; then backbone and image_size are its name and size.
    by_names: whether vectors of the labels in words are the head.
    """

    backbone: str
    image_size: int
    head_units: int
    precision: str
    rescaled: bool
    weights: str
    preset: dict = field(default_factory=dict)
    by_names: bool = False


def load_bundle(path: Path) -> tuple[keras.Model, Settings]:
    """The network and the settings of the bundle, a folder or zip, at `path`.

    Raises UserError where it is damaged, foreign, of another format, or made of parts that do not belong
    together.
    """
    with verified(Path(path), (SETTINGS, WEIGHTS)) as folder:
        return read_model(folder, Path(path).name)


def write_model(folder: Path, model: keras.Model, settings: Settings) -> None:
    """Write settings.json and model.safetensors, of which `read_model` makes `model` again.

    Raises UserError where it is none of build_model's.
    """
    arrays = dict(zip(_shapes(model), model.get_weights(), strict=True))
    save_file({name: np.asarray(array, order="C") for name, array in arrays.items()}, folder / WEIGHTS)
    network = _described(model, file_digest(folder / WEIGHTS))
    told = {name: value for name, value in asdict(network).items() if name not in LATER or value}
    write_json(folder / SETTINGS, {"format": FORMAT, "network": told} | settings.as_json())


def read_model(folder: Path, where: str) -> tuple[keras.Model, Settings]:
    """The network and the settings in `folder`; UserError naming the bundle `where` if they are not ours."""
    network, settings = _read_settings(folder / SETTINGS, where)
    if not (folder / WEIGHTS).is_file():
        refuse(where, f"has no {WEIGHTS}")
    if file_digest(folder / WEIGHTS) != network.weights:
        refuse(where, f"has a {SETTINGS} for another {WEIGHTS}")
    _check_size(network, settings, (folder / WEIGHTS).stat().st_size, where)
    try:
        model = _made(network, settings)
    except UserError as error:
        refuse(where, f"has a network that cannot be made ({ascii(str(error))[:120]})")
    _set_weights(model, _read_weights(folder / WEIGHTS, _shapes(model), where))
    return model, settings


def _described(model: keras.Model, weights: str) -> Network:
    if FEATURES not in [layer.name for layer in model.layers]:
        raise UserError(
            f"a bundle's network must be one that 03_train builds, but {model.name!r} has no layer "
            f"{FEATURES!r}; export a run of 03_train"
        )
    architecture = architecture_of(model)
    backbone, head = backbone_of(model), [layer for layer in model.layers if layer.name == "head"]
    return Network(
        backbone=backbone.name,
        image_size=backbone.input_shape[1],
        head_units=head[0].units if head else 0,
        precision=model.get_layer(FEATURES).dtype_policy.name,
        rescaled=sum(isinstance(layer, keras.layers.Rescaling) for layer in backbone.layers) > 1,
        weights=weights,
        preset=asdict(architecture) if architecture else {},
        by_names=of_names(model),
    )


def _read_settings(path: Path, where: str) -> tuple[Network, Settings]:
    if not path.is_file() or path.stat().st_size > LONGEST:
        refuse(where, f"has no {SETTINGS} of at most {LONGEST >> 20} MiB")
    try:
        given = json.loads(path.read_text("utf-8"))
    except (ValueError, RecursionError) as error:
        refuse(where, f"has a {SETTINGS} that is no JSON ({type(error).__name__})")
    if not isinstance(given, dict):
        refuse(where, f"has a {SETTINGS} that holds no settings")
    _check_format(given.pop("format", 1), where)
    return _network(given.pop("network", None), where), from_json(given, where)


def _check_format(number: Any, where: str) -> None:
    if type(number) is not int or number != FORMAT:
        raise UserError(
            f"a bundle must have the format {FORMAT} of this version of wikitopics, but {where} has "
            f"{ascii(number)[:20]}; export it again with this version, from its run: "
            "`wikitopics export RUN --out NEW.zip`"
        )


def _network(given: Any, where: str) -> Network:
    kinds = {field.name: field.type for field in fields(Network)}
    if isinstance(given, dict):
        given = LATER | given
    if not isinstance(given, dict) or {name: type(value) for name, value in given.items()} != kinds:
        refuse(where, f"has a {SETTINGS} that does not say what its network is")
    network = Network(**given)
    if network.precision not in PRECISIONS or network.head_units < 0:
        told = f"{ascii(network.precision)[:40]}, {str(network.head_units)[:40]} units"
        refuse(where, f"has a network that is none of ours ({told})")
    return network


def _check_size(network: Network, settings: Settings, size: int, where: str) -> None:
    """What the text asks for is no larger than what is there: some digits could mean gigabytes."""
    labels = len(settings.label_names)
    if network.preset:
        numbers = _numbers(network, settings, where)
    else:
        numbers = network.head_units * (HEAD_CHANNELS + labels) or HEAD_CHANNELS * labels
    if 4 * numbers > size:
        refuse(where, f"has a network of more than {numbers:,} numbers, but {size:,} bytes of weights")
    if settings.coherent and labels > COHERENT:
        refuse(where, f"has a hierarchy of more than {COHERENT:,} labels")


def _numbers(network: Network, settings: Settings, where: str) -> int:
    """How many numbers a network with a preset's part holds, told without any memory for them."""
    hub.keras_hub()  # whose absence is no fault of the bundle
    try:
        hub.check_architecture(network.preset)
        with without_memory():
            model = _made(network, settings)
        built = architecture_of(model)
        if built is None or asdict(built) != network.preset:  # KerasHub passes over words it does not know
            raise UserError("its preset is described otherwise")
        return sum(math.prod(weight.shape) for weight in model.weights)
    except (TypeError, ValueError, KeyError, AttributeError, ArithmeticError) as error:
        refuse(where, f"has a network that cannot be made ({ascii(str(error))[:120]})")


def _made(network: Network, settings: Settings) -> keras.Model:
    """The network, its weights not yet set. Raises UserError as build_model."""
    names, before = settings.label_names, keras.config.dtype_policy()
    keras.config.set_dtype_policy(network.precision)
    try:
        model = build_model(
            len(names),
            hub.Architecture(**network.preset) if network.preset else network.backbone,
            network.image_size,
            network.head_units,
            weights="none",
            store_size=settings.side,
            descent=descent(names, settings.parents) if settings.coherent else None,
            names=np.zeros((len(names), 0)) if network.by_names else None,
        )
        return rescaled(model) if network.rescaled else model
    finally:
        keras.config.set_dtype_policy(before)


def _shapes(model: keras.Model) -> dict[str, tuple[list[int], str]]:
    """Shape and type (in the words of safetensors) of each tensor of a network, by its place and its kind."""
    kinds = {"float32": "F32", "int32": "I32", "int64": "I64"}
    # Keras numbers variables without a name by how many a process has made: that says nothing of the network.
    names = [re.sub(r"^variable_\d+$", "variable", weight.name) for weight in model.weights]
    return {
        f"{place:04}.{name}": (list(weight.shape), kinds[weight.dtype])
        for place, (name, weight) in enumerate(zip(names, model.weights, strict=True))
    }


def _read_weights(path: Path, shapes: dict[str, tuple[list[int], str]], where: str) -> list[np.ndarray]:
    """The tensors, once the file is known to hold just those of `shapes` and nothing else."""
    with open(path, "rb") as file:
        length = int.from_bytes(file.read(8), "little")
    if length > HEADER:
        refuse(where, f"has a {WEIGHTS} that begins with {length:,} bytes of names, more than ours has")
    try:
        with safe_open(path, "numpy") as file:
            found = {name: file.get_slice(name) for name in file.keys()}  # noqa: SIM118
            told = {name: (one.get_shape(), one.get_dtype()) for name, one in found.items()}
            odd = [name for name in {**shapes, **told} if shapes.get(name) != told.get(name)]
            if odd:
                refuse(where, f"has weights {ascii(odd[0])[:60]} that are not those of its network")
            return [file.get_tensor(name) for name in shapes]
    except SafetensorError as error:
        refuse(where, f"has a {WEIGHTS} that cannot be read ({' '.join(ascii(str(error)).split())[:120]})")


def _set_weights(model: keras.Model, arrays: list[np.ndarray]) -> None:
    model.set_weights(arrays)
    for layer in model._flatten_layers():
        if isinstance(layer, keras.layers.Normalization):
            layer.finalize_state()  # it computes with copies of its weights
