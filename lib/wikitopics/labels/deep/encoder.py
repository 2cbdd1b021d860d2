"""The encoder's forward pass, in 8 bits by ONNX Runtime: a BERT that reads row by row (Devlin et al. 2019).

There is no second engine, whose numbers would be others. Products of whole numbers are summed exactly on any
processor: weights are of 7 bits, so that those that add two products in 16 bits do not overflow.
"""

from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
from joblib import cpu_count

from wikitopics.errors import brought_by
from wikitopics.labels.deep.encoder_input import Rows

with brought_by("deep", "commons-learned-deep"):
    import onnxruntime


@dataclass(frozen=True)
class Encoder:
    """session: runs the graph with `weights`, which it reads where they lie; width: of a meaning."""

    session: onnxruntime.InferenceSession
    weights: list[onnxruntime.OrtValue]
    width: int

    def meanings(self, rows: Rows) -> np.ndarray:
        """Mean of the last layer over each row's pieces: (n, width) float32. A row depends on no other."""
        found = np.zeros((len(rows.numbers), self.width), dtype=np.float32)
        with ThreadPoolExecutor(cpu_count()) as pool:
            for i, meaning in enumerate(pool.map(self._read, rows.numbers, rows.kinds)):
                found[i] = meaning
        return found

    def _read(self, numbers: list[int], kinds: list[int]) -> np.ndarray:
        row = {"piece numbers": numbers, "piece kinds": kinds}
        return self.session.run(None, {name: np.array(of, dtype=np.int64) for name, of in row.items()})[0]


def encoder_of(arrays: Mapping[str, np.ndarray], graph: bytes) -> Encoder:
    """The encoder whose weights `arrays` hold by the names that training gives them; graph: encoder.onnx."""
    weights = graph_weights(arrays)
    values = [onnxruntime.OrtValue.ortvalue_from_numpy(value) for value in weights.values()]
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1  # rows are shared out, not matrices
    options.add_external_initializers(list(weights), values)
    session = onnxruntime.InferenceSession(graph, options, providers=["CPUExecutionProvider"])
    return Encoder(session, values, arrays["places"].shape[1])


# --- Weights as they are kept, 8 bits and a scale for each output or each piece, and as the graph takes them


def quantised(weight: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Rows in whole numbers from -127 to 127, int8, and what each row's numbers are multiplied by, float32.

    >>> numbers, scales = quantised(np.array([[-1.0, 0.5], [0.0, 0.0]]))
    >>> numbers.tolist(), scales.round(4).tolist()
    ([[-127, 64], [0, 0]], [0.007899999618530273, 1.0])
    """
    scales = np.abs(weight).max(1) / 127
    scales = np.where(scales > 0, scales, 1).astype(np.float32)
    return np.rint(weight / scales[:, None]).astype(np.int8), scales


def graph_weights(arrays: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    """The encoder's part of `arrays`; matrices of layers are (d_in, d_out), whole numbers from -64 to 64.

    255 * 64 twice is below 2 ** 15: that is what the oldest of the instructions adds up to without overflow.
    """
    found: dict[str, np.ndarray] = {}
    for name, value in arrays.items():
        if name.startswith("layers.") and value.ndim == 2:
            found[name] = np.ascontiguousarray(np.rint(value.T / 2).astype(np.int8))
        elif name.startswith("layers.") and name.endswith(".scale"):
            found[name] = value * np.float32(2)
        elif name == "pieces.scale":
            found[name] = value[:, None]
        elif name.startswith(("layers.", "norm.", "pieces.")) or name in ("places", "kinds"):
            found[name] = value
    return found
