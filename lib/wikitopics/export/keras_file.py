"""Is a .keras file made of our layers only? Asked of its text, before Keras makes an object of it.

Keras' safe mode refuses code inside a file, but lets it choose among all of Keras' classes, some of which
open files or grow without bound. A model of ours needs few of them: everything else is refused.
"""

import json
import math
from pathlib import Path
from typing import Any

from wikitopics.errors import UserError
from wikitopics.export.keras_sizes import check_sizes
from wikitopics.export.listing import refuse, zip_listing

FILES = {"metadata.json", "config.json", "model.weights.h5"}
LONGEST, NUMBER = 16 << 20, 16384  # bytes of config.json; the largest size or count in it
LAYERS = ["Activation", "Add", "BatchNormalization", "Conv2D", "Dense", "DepthwiseConv2D", "Dropout"]
LAYERS += ["GlobalAveragePooling2D", "InputLayer", "Multiply", "Normalization", "ReLU", "Rescaling"]
LAYERS += ["Reshape", "Resizing", "ZeroPadding2D"]
CLASSES = {("keras.layers", name, None) for name in LAYERS}
CLASSES |= {("keras.initializers", name, None) for name in ("GlorotUniform", "Ones", "VarianceScaling")}
CLASSES |= {("keras.initializers", "Zeros", None), ("keras", "DTypePolicy", None)}
CLASSES |= {
    ("keras.src.models.functional", "Functional", "Functional"),
    ("wikitopics.train.coherence", "MaxConstraint", "wikitopics>MaxConstraint"),
    (None, "__keras_tensor__", None),
}
FREE = {"seed", "shared_object_id"}  # numbers that are no sizes


def check_keras_file(path: Path, where: str) -> None:
    """Raise UserError unless the .keras file at `path`, part of the bundle `where`, is made as ours are."""
    try:
        with zip_listing(path) as found:
            if set(found.sizes) != FILES or found.sizes["config.json"] > LONGEST:
                refuse(where, f"has a {path.name} with other files than Keras writes")
            with found.open("config.json") as file:
                config = json.loads(file.read(LONGEST))
            config = {**config, "compile_config": None}  # it is loaded without that
            _check(config, "", where)
            check_sizes(config, found.sizes["model.weights.h5"], where)
    except (KeyError, TypeError, ValueError, RecursionError) as error:
        if isinstance(error, UserError):
            raise
        refuse(where, f"has a {path.name} whose config.json cannot be read ({type(error).__name__})")
    check_weights(path, where)


def _check(value: Any, key: str, where: str) -> None:
    """Only known classes, by module, name and registered name; only sizes that a network of ours can have."""
    if isinstance(value, dict):
        of = tuple(value.get(name) for name in ("module", "class_name", "registered_name"))
        if any(name in value for name in ("module", "class_name", "registered_name")) and of not in CLASSES:
            refuse(where, f"has a model with {ascii(of[1])[:60]} of {ascii(of[0])[:60]}, no layer of ours")
        for name, item in value.items():
            _check(item, name, where)
    elif isinstance(value, list):
        for item in value:
            _check(item, key, where)
    elif isinstance(value, int | float) and key not in FREE and not abs(value) <= NUMBER:
        refuse(where, f"has a model with {ascii(key)[:60]} {value}, which no layer of ours has")


def check_weights(path: Path, where: str) -> None:
    """Raise UserError unless all weights lie in the file itself, once, and are no larger than it."""
    import h5py

    with zip_listing(path) as found, found.open("model.weights.h5") as raw:
        try:
            with h5py.File(raw, "r") as file:
                _check_group(file, found.sizes["model.weights.h5"], {_place(file)}, where)
        except (OSError, RuntimeError, KeyError, RecursionError) as error:
            refuse(where, f"has weights that cannot be read ({' '.join(str(error).split())[:100]})")


def _check_group(group: Any, size: int, met: set[int], where: str) -> None:
    """Nothing in it points to another place or file, or to what was `met`: two ways to each thing double at
    every step, and Keras writes one.
    """
    import h5py

    for name in group:
        if not isinstance(group.get(name, getlink=True), h5py.HardLink):
            refuse(where, f"has weights with a link, {ascii(name)[:60]}")
        item = group[name]
        if _place(item) in met:
            refuse(where, f"has weights with a second way to one place, {ascii(name)[:60]}")
        met.add(_place(item))
        if isinstance(item, h5py.Group):
            _check_group(item, size, met, where)
        elif not isinstance(item, h5py.Dataset) or not _inside(item, size):
            refuse(where, f"has weights {ascii(name)[:60]} that are not in it")


def _inside(item: Any, size: int) -> bool:
    """Whether a dataset's numbers are in the file of `size` bytes, as they are."""
    if item.external or item.is_virtual or item.shape is None:
        return False
    return math.prod(item.shape) * item.dtype.itemsize <= max(min(item.id.get_storage_size(), size), 8)


def _place(item: Any) -> int:
    """Where in its file an object lies: what two links have in common."""
    import h5py

    return h5py.h5o.get_info(item.id).addr
