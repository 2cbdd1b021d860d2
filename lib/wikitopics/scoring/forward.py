"""The forward pass alone: a trained model as one function of pictures, without what only training needs."""

from collections.abc import Callable

import numpy as np

BATCH = 64  # pictures at a time; a last batch is filled up, since another shape would be compiled anew


def forward(model) -> Callable[[np.ndarray], np.ndarray]:
    """A function of pictures (n, s, s, 3) uint8, n at most BATCH, that gives the model's scores (n, L).

    On TensorFlow the weights become constants of the graph, which lets it fold each batch norm into its
    convolution: the same scores up to rounding, and less work. Other backends call the model as it is.
    """
    from wikitopics.train.engine import keras

    work = _constant(model) if keras.backend.backend() == "tensorflow" else model.predict_on_batch

    def scores(pictures: np.ndarray) -> np.ndarray:
        missing = BATCH - len(pictures)
        padded = np.pad(pictures, [(0, missing), (0, 0), (0, 0), (0, 0)]) if missing else pictures
        return np.asarray(work(padded), np.float32)[: len(pictures)]

    return scores


def _constant(model) -> Callable[[np.ndarray], np.ndarray]:
    import tensorflow as tf
    from tensorflow.python.framework.convert_to_constants import convert_variables_to_constants_v2

    from wikitopics.train.engine import without_chatter

    def call(pictures):
        return model(pictures, training=False)

    pictures = tf.TensorSpec((BATCH, *model.inputs[0].shape[1:]), tf.uint8)
    traced = tf.function(call, autograph=False).get_concrete_function(pictures)
    with without_chatter():
        graph = convert_variables_to_constants_v2(traced)

    def work(padded: np.ndarray) -> np.ndarray:
        return graph(tf.constant(padded))[0].numpy()

    return work
