"""A trained model for other programs: Keras, ONNX and TFLite, each checked against the scores of its run."""

import importlib.util
import io
import logging
import math
import sys
import warnings
from collections.abc import Callable, Iterable, Iterator, MutableSet, Sequence
from contextlib import ExitStack, contextmanager, redirect_stderr
from itertools import count
from pathlib import Path
from types import ModuleType
from unittest.mock import patch

import numpy as np

from wikitopics.errors import UserError
from wikitopics.networks.engine import keras
from wikitopics.progress import without_chatter
from wikitopics.scoring.bundle import read_model
from wikitopics.scoring.network import forward
from wikitopics.train.model import load_model

TOLERANCE = 1e-3  # the tolerance that 03_train has for the file it writes
REMEDY = {".safetensors": "train the run again, its network is none that 03_train builds now"}
OPSET = 17  # what ONNX Runtime reads since 1.12
PACKAGES = {"keras": (), "onnx": ("onnx", "onnxruntime", "tf2onnx"), "tflite": ()}
FORMATS = tuple(PACKAGES)
LOGGERS = ("tensorflow", "absl", "tf2onnx")


def missing_packages(name: str) -> list[str]:
    """What must still be installed before the format `name` can be written."""
    return [package for package in PACKAGES[name] if importlib.util.find_spec(package) is None]


def check_formats(formats: Sequence[str] | None) -> list[str]:
    """`formats` in the order of FORMATS, or all that can be written here where none are named.

    Raises UserError for an unknown one, and for one that is named and whose packages are missing.
    """
    if formats is None:
        return [name for name in FORMATS if not missing_packages(name)]
    if not set(formats) <= set(FORMATS):
        raise UserError(
            f"--formats must be any of {', '.join(FORMATS)}, but are {','.join(formats)}; "
            f"write for example --formats {','.join(FORMATS)}"
        )
    for name in formats:
        if missing_packages(name):
            raise UserError(
                f"the format {name} needs {' and '.join(missing_packages(name))}, which are not installed; "
                "`pip install -e '.[export]'`, or leave it out with --formats keras,tflite"
            )
    return [name for name in FORMATS if name in formats]


def frozen(model: keras.Model):
    """The model as one TensorFlow function of pictures (n, s, s, 3) uint8, its weights constants.

    A resizing layer becomes two matrix products, since neither engine has TensorFlow's way to resize, and
    layers that compute in 16 bits compute in 32: `model` itself is changed in that. Raises UserError where
    Keras runs on another engine.
    """
    if keras.backend.backend() != "tensorflow":
        raise UserError(
            f"onnx and tflite are made on TensorFlow, but Keras runs on {keras.backend.backend()}; "
            "unset KERAS_BACKEND, or export with --formats keras"
        )
    import tensorflow as tf
    from tensorflow.python.framework.convert_to_constants import convert_variables_to_constants_v2

    for layer in model._flatten_layers():
        layer.dtype_policy = keras.DTypePolicy("float32")
    plain = keras.models.clone_model(model, clone_function=_without_resizing)

    def call(pictures):
        return plain(tf.cast(pictures, tf.float32), training=False)

    pictures = tf.TensorSpec((None, *model.inputs[0].shape[1:]), tf.uint8, name="pictures")
    with quietly():
        traced = tf.function(call, autograph=False).get_concrete_function(pictures)
        return convert_variables_to_constants_v2(traced)


def onnx_bytes(function) -> bytes:
    """What `frozen` gave as an ONNX file: input `pictures`, output `scores`; the same bytes every time."""
    with quietly():
        import tf2onnx

    names = {"input_names": [function.inputs[0].name], "output_names": [function.outputs[0].name]}
    with quietly(), ordered_sets(tf2onnx.graph, tf2onnx.optimizer.back_to_back_optimizer):
        model, _ = tf2onnx.convert.from_graph_def(function.graph.as_graph_def(), opset=OPSET, **names)
    return named_in_order(model, "pictures", "scores").SerializeToString(deterministic=True)


@contextmanager
def ordered_sets(*modules: ModuleType) -> Iterator[None]:
    """In the block a set made in these modules keeps the order in which it was filled.

    tf2onnx remembers in sets of names which nodes use a node, and simplifies in their order. That of a real
    set is another in each process, and for each name; of a hundred conversions one had a node less.
    """
    with ExitStack() as stack:
        for module in modules:
            stack.enter_context(patch.object(module, "set", InOrder, create=True))
        yield


class InOrder(MutableSet):
    """A set in the order in which it was filled.

    >>> list(InOrder("cab") | InOrder("bad"))
    ['c', 'a', 'b', 'd']
    """

    def __init__(self, items: Iterable = ()):
        self.items = dict.fromkeys(items)

    def __contains__(self, item) -> bool:
        return item in self.items

    def __iter__(self) -> Iterator:
        return iter(self.items)

    def __len__(self) -> int:
        return len(self.items)

    def add(self, item) -> None:
        self.items[item] = None

    def discard(self, item) -> None:
        self.items.pop(item, None)

    def union(self, other: Iterable) -> "InOrder":
        return InOrder([*self, *other])


def tflite_bytes(function) -> bytes:
    """What `frozen` gave as a TFLite file, its weights as they are; the same bytes every time."""
    import tensorflow as tf

    with quietly():
        return tf.lite.TFLiteConverter.from_concrete_functions([function]).convert()


CONVERTERS: dict[str, Callable[..., bytes]] = {"onnx": onnx_bytes, "tflite": tflite_bytes}


def _without_resizing(layer: keras.Layer) -> keras.Layer:
    return Resized(layer) if isinstance(layer, keras.layers.Resizing) else layer


class Resized(keras.Layer):
    """What a resizing layer does, as products with two matrices: (n, h, w, c) -> (n, height, width, c)."""

    def __init__(self, resizing: keras.layers.Resizing):
        super().__init__(name=resizing.name, trainable=False, dtype="float32")
        self.resizing = resizing

    def build(self, shape):
        options = {name: getattr(self.resizing, name) for name in ("interpolation", "antialias")}
        sides = ((shape[1], self.resizing.height), (shape[2], self.resizing.width))
        self.matrices = [_matrix(old, new, options) for old, new in sides]

    def call(self, pictures):
        _, height, width, colours = pictures.shape
        down, across = self.matrices
        x = keras.ops.reshape(pictures, (-1, height, width * colours))
        x = keras.ops.reshape(keras.ops.matmul(down, x), (-1, width, colours))
        return keras.ops.reshape(keras.ops.matmul(across, x), (-1, len(down), len(across), colours))


def _matrix(old: int, new: int, options: dict) -> np.ndarray:
    """(new, old) float32: what resizing does to one side, read off from single bright lines."""
    lines = np.eye(old, dtype=np.float32)[None, :, :, None]
    return np.asarray(keras.layers.Resizing(new, old, **options)(lines))[0, :, :, 0]


def named_in_order(model, given: str, result: str):
    """The same onnx.ModelProto, its one input called `given`, its one output `result`, the rest numbered.

    Weights come in the order in which nodes use them; weights that none uses are left out.
    """
    graph = model.graph
    names = {graph.input[0].name: given, graph.output[0].name: result, "": ""}
    held, numbers = {weight.name: weight for weight in graph.initializer}, count()
    weights: list = []
    for node in graph.node:
        for name in node.input:
            if name in held and name not in names:
                names[name] = f"weight_{len(weights)}"
                weights.append(held[name])
        for name in node.output:
            names.setdefault(name, f"value_{next(numbers)}")
    for number, node in enumerate(graph.node):
        node.name = f"{node.op_type}_{number}"
        node.input[:] = [names[name] for name in node.input]
        node.output[:] = [names[name] for name in node.output]
    for value in (*weights, graph.input[0], graph.output[0]):
        value.name = names[value.name]
    for value in (graph.input[0], graph.output[0]):
        value.type.tensor_type.shape.dim[0].dim_param = "n"
    del graph.initializer[:]
    graph.initializer.extend(weights)
    del graph.value_info[:]
    return model


@contextmanager
def quietly() -> Iterator[None]:
    """Nothing of TensorFlow, TFLite or tf2onnx is said in the block but errors; those come at its end."""
    levels = {name: logging.getLogger(name).level for name in LOGGERS}
    said = io.StringIO()
    try:
        for name in LOGGERS:
            logging.getLogger(name).setLevel(logging.ERROR)
        with redirect_stderr(said), without_chatter(), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        for name, level in levels.items():
            logging.getLogger(name).setLevel(level)
        lines = [line for line in said.getvalue().splitlines() if line and not line.startswith("INFO: ")]
        print("".join(line + "\n" for line in lines), end="", file=sys.stderr)


def largest_difference(path: Path, pictures: np.ndarray, scores: np.ndarray) -> float:
    """How far the scores of the model file at `path` are from `scores`, at most (0 to 1).

    Pictures are given at once and one alone, since any number must do. Raises UserError above TOLERANCE.
    """
    run = RUNNERS[path.suffix](path)
    given = np.concatenate([run(pictures), run(pictures[:1])])
    difference = float(np.abs(given - np.concatenate([scores, scores[:1]])).max())
    if not difference <= TOLERANCE:
        raise UserError(
            f"an exported model must give the run's scores up to {TOLERANCE:g}, but those of {path.name} "
            f"differ by {difference:.3g}; {REMEDY.get(path.suffix, 'leave its format out with --formats')}"
        )
    return difference


def bound(difference: float) -> float:
    """The power of ten that `difference` does not exceed, from 1e-7: its digits hang on how busy cores are.

    >>> bound(3.3e-6), bound(0.0)
    (1e-05, 1e-07)
    """
    return float(f"1e{math.ceil(math.log10(max(difference, 1e-7)) - 1e-9)}")


def bundle_runner(path: Path) -> Callable[[np.ndarray], np.ndarray]:
    """Scores as `wikitopics score` gets them, by the weights at `path` and the settings beside them."""
    return forward(read_model(path.parent, path.parent.name)[0])


def keras_runner(path: Path) -> Callable[[np.ndarray], np.ndarray]:
    """Scores by the .keras file, read anew."""
    return forward(load_model(path))


def onnx_runner(path: Path) -> Callable[[np.ndarray], np.ndarray]:
    """Scores by ONNX Runtime."""
    import onnxruntime

    session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    return lambda pictures: session.run(["scores"], {"pictures": pictures})[0]


def tflite_runner(path: Path) -> Callable[[np.ndarray], np.ndarray]:
    """Scores by TFLite's interpreter."""
    import tensorflow as tf

    with quietly():  # it says that it moves to a package of its own after TensorFlow 2.21
        interpreter = tf.lite.Interpreter(str(path), num_threads=2)
    pictures_in, scores_out = interpreter.get_input_details()[0], interpreter.get_output_details()[0]

    def run(pictures: np.ndarray) -> np.ndarray:
        interpreter.resize_tensor_input(pictures_in["index"], pictures.shape)
        with quietly():
            interpreter.allocate_tensors()
        interpreter.set_tensor(pictures_in["index"], pictures)
        interpreter.invoke()
        return interpreter.get_tensor(scores_out["index"])

    return run


RUNNERS = {
    ".safetensors": bundle_runner,
    ".keras": keras_runner,
    ".onnx": onnx_runner,
    ".tflite": tflite_runner,
}
