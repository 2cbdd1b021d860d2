"""Does each file of a bundle give the scores that the run wrote? Asked on pictures it did not learn."""

import math
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq

from wikitopics.artefacts import read_array
from wikitopics.errors import UserError
from wikitopics.evaluate.prediction_checks import matrix
from wikitopics.export.chain import Chain
from wikitopics.export.quiet import quietly

PICTURES, TOLERANCE = 64, 1e-3  # the tolerance that 03_train has for the file it writes


def validation_batch(chain: Chain, n_labels: int) -> tuple[np.ndarray, np.ndarray]:
    """The first validation pictures (n, s, s, 3) uint8 and the scores (n, L) that the run wrote for them."""
    table = pq.read_table(chain.model / "predictions_validation.parquet", columns=["row", "scores"])
    table = table.slice(0, PICTURES)
    if len(table) == 0:
        raise UserError(
            f"a model must be checked on validation pictures, but {chain.model.name!r} has none; "
            "choose a larger validation_share in its images run"
        )
    scores = matrix(table["scores"], n_labels, f"scores of {chain.model.name!r}")
    return np.asarray(read_array(chain.images / "images.npy")[table["row"].to_numpy()]), scores


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
            f"differ by {difference:.3g}; leave its format out with --formats"
        )
    return difference


def bound(difference: float) -> float:
    """The power of ten that `difference` does not exceed, from 1e-7: its digits hang on how busy cores are.

    >>> bound(3.3e-6), bound(0.0)
    (1e-05, 1e-07)
    """
    return float(f"1e{math.ceil(math.log10(max(difference, 1e-7)) - 1e-9)}")


def keras_runner(path: Path) -> Callable[[np.ndarray], np.ndarray]:
    """Scores by the .keras file, read anew."""
    from wikitopics.scoring.forward import forward
    from wikitopics.train.model import load_model

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


RUNNERS = {".keras": keras_runner, ".onnx": onnx_runner, ".tflite": tflite_runner}
