"""The forward pass alone: a trained model as one function of pictures, without what only training needs."""

from collections.abc import Callable

import numpy as np

BATCH = 64  # pictures of one call
# Pictures that the network sees together: on a processor few, whose activations stay in its cache (Lite0 at
# 224 px: 29 ms of CPU a picture at 16 together, 38 at 64), on a GPU all of a call.
TOGETHER = {"CPU": 16, "GPU": 64}


def forward(model) -> Callable[[np.ndarray], np.ndarray]:
    """A function of pictures (n, s, s, 3) uint8, n at most BATCH, that gives the model's scores (n, L).

    On TensorFlow the weights become constants of the graph, which lets it fold each batch norm into its
    convolution: the same scores up to rounding, and less work. Other backends call the model as it is.
    """
    from wikitopics.train.engine import keras

    together = TOGETHER["GPU" if keras.distribution.list_devices("gpu") else "CPU"]
    tensorflow = keras.backend.backend() == "tensorflow"
    work = _constant(model, together) if tensorflow else model.predict_on_batch

    def scores(pictures: np.ndarray) -> np.ndarray:
        missing = -len(pictures) % together  # a last batch is filled up: another shape is compiled anew
        padded = np.pad(pictures, [(0, missing), (0, 0), (0, 0), (0, 0)]) if missing else pictures
        starts = range(0, len(padded), together)
        parts = [np.asarray(work(padded[start : start + together]), np.float32) for start in starts]
        return np.concatenate(parts)[: len(pictures)] if parts else np.empty((0, outputs), np.float32)

    outputs = model.outputs[0].shape[-1]
    return scores


def _constant(model, together: int) -> Callable[[np.ndarray], np.ndarray]:
    import tensorflow as tf
    from tensorflow.python.framework.convert_to_constants import convert_variables_to_constants_v2

    from wikitopics.train.engine import without_chatter

    def call(pictures):
        return model(pictures, training=False)

    pictures = tf.TensorSpec((together, *model.inputs[0].shape[1:]), tf.uint8)
    traced = tf.function(call, autograph=False).get_concrete_function(pictures)
    with without_chatter():
        graph = convert_variables_to_constants_v2(traced)

    def work(padded: np.ndarray) -> np.ndarray:
        return graph(tf.constant(padded))[0].numpy()

    return work
