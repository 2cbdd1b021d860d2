"""A trained model for other engines, ONNX and TFLite: pictures of bytes in, any number, scores out."""

import importlib.util
from collections.abc import Callable

import numpy as np

from wikitopics.errors import UserError
from wikitopics.export.onnx_names import named_in_order
from wikitopics.export.quiet import quietly
from wikitopics.train.engine import keras

OPSET = 17  # what ONNX Runtime reads since 1.12
PACKAGES = {"keras": (), "onnx": ("onnx", "onnxruntime", "tf2onnx"), "tflite": ()}
FORMATS = tuple(PACKAGES)


def check_formats(formats: list[str]) -> list[str]:
    """`formats` in the order of FORMATS; UserError for an unknown one, a missing package, or no keras."""
    unknown = [name for name in formats if name not in FORMATS]
    if unknown or "keras" not in formats:
        raise UserError(
            f"--formats must be keras, which `wikitopics score` reads, and any of {', '.join(FORMATS[1:])}, "
            f"but are {','.join(formats)}; write for example --formats {','.join(FORMATS)}"
        )
    for name in formats:
        missing = [package for package in PACKAGES[name] if importlib.util.find_spec(package) is None]
        if missing:
            raise UserError(
                f"the format {name} needs {' and '.join(missing)}, which are not installed; "
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
    with quietly():
        model, _ = tf2onnx.convert.from_graph_def(function.graph.as_graph_def(), opset=OPSET, **names)
    return named_in_order(model, "pictures", "scores").SerializeToString(deterministic=True)


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
