"""The encoder's forward pass as an ONNX graph without weights, which it is given by their names in deep.npz.

    pip install -e '.[export]'

What a dense layer reads is rounded to 8 bits between the least and the greatest number of the file, so that
whole numbers are multiplied (dynamic quantisation, Jacob et al. 2018). One row is read at a time: it depends
on no other, and none is padded.
"""

from collections.abc import Mapping

import numpy as np
from onnx import ModelProto, TensorProto, helper, numpy_helper

HEADS, EPSILON = 12, 1e-12
NUMBERS, KINDS = "piece numbers", "piece kinds"
OPSET, FORMAT = 20, 10  # the first set of operators with Gelu; a version of ONNX that is older than it
TYPES = {np.dtype(np.int8): TensorProto.INT8, np.dtype(np.float32): TensorProto.FLOAT}


class Graph:
    """Nodes as they are added, each named by what it gives; the weights that they ask for, by name."""

    def __init__(self, arrays: Mapping[str, np.ndarray]):
        self.arrays, self.nodes, self.tensors = arrays, [], {}

    def add(self, kind: str, *inputs: str, outputs: int = 1, **attributes):
        """Names of what a new node gives; only the name where it is one."""
        names = [f"{kind} {len(self.nodes)} {'abc'[i]}" for i in range(outputs)]
        self.nodes.append(helper.make_node(kind, inputs, names, **attributes))
        return names[0] if outputs == 1 else names

    def constant(self, name: str, value: np.ndarray) -> str:
        self.tensors[name] = numpy_helper.from_array(value, name)
        return name

    def weight(self, name: str) -> str:
        """Of its shape and type, but without numbers."""
        array = self.arrays[name]
        tensor = TensorProto(name=name, data_type=TYPES[array.dtype], dims=array.shape)
        tensor.data_location = TensorProto.EXTERNAL
        tensor.external_data.add(key="location", value="deep.npz")
        self.tensors[name] = tensor
        return name

    def dense(self, name: str, x: str) -> str:
        rounded, step, zero = self.add("DynamicQuantizeLinear", x, outputs=3)
        sums = self.add("MatMulInteger", rounded, self.weight(f"{name}.weight"), zero)
        steps = self.add("Mul", step, self.weight(f"{name}.scale"))
        y = self.add("Mul", self.add("Cast", sums, to=TensorProto.FLOAT), steps)
        return self.add("Add", y, self.weight(f"{name}.bias"))

    def norm(self, name: str, x: str) -> str:
        scale, shift = self.weight(f"{name}.weight"), self.weight(f"{name}.bias")
        return self.add("LayerNormalization", x, scale, shift, epsilon=EPSILON)

    def begun(self) -> str:
        """Pieces, places and kinds, added and normalised: (length, width)."""
        self.constant("zero", np.array([0]))
        numbers = self.add("Gather", self.weight("pieces.weight"), NUMBERS)
        pieces = self.add("Cast", numbers, to=TensorProto.FLOAT)
        x = self.add("Mul", pieces, self.add("Gather", self.weight("pieces.scale"), NUMBERS))
        place = self.add("Slice", self.weight("places"), "zero", self.add("Shape", NUMBERS))
        kind = self.add("Gather", self.weight("kinds"), KINDS)
        return self.norm("norm", self.add("Add", self.add("Add", x, place), kind))

    def attended(self, read: str, width: int) -> str:
        """What each piece takes from all, head by head: (length, width)."""
        size = width // HEADS
        self.constant("by part and head", np.array([0, 3, HEADS, size]))
        self.constant("parts", np.array([1, 1, 1]))
        self.constant("by piece", np.array([-1, width]))
        self.constant("smaller", np.array(1 / np.sqrt(size), dtype=np.float32))
        parts = self.add("Transpose", self.add("Reshape", read, "by part and head"), perm=[1, 2, 0, 3])
        asked, keys, values = self.add("Split", parts, "parts", outputs=3)
        alike = self.add("MatMul", asked, self.add("Transpose", keys, perm=[0, 1, 3, 2]))
        share = self.add("Softmax", self.add("Mul", alike, "smaller"))
        seen = self.add("Transpose", self.add("MatMul", share, values), perm=[2, 0, 1, 3])
        return self.add("Reshape", seen, "by piece")

    def layer(self, at: str, x: str, width: int) -> str:
        """Attention, then two dense layers; each is added to what it read, and normalised."""
        seen = self.dense(f"{at}.attended", self.attended(self.dense(f"{at}.read", x), width))
        x = self.norm(f"{at}.first_norm", self.add("Add", seen, x))
        wide = self.add("Gelu", self.dense(f"{at}.wide", x), approximate="tanh")
        return self.norm(f"{at}.second_norm", self.add("Add", self.dense(f"{at}.narrow", wide), x))


def encoder_graph(arrays: Mapping[str, np.ndarray]) -> ModelProto:
    """From numbers and kinds (length,) int64 of one row to its meaning (width,) float32.

    arrays: as from `encoder.graph_weights`; only names, shapes and types are read.
    """
    graph, width = Graph(arrays), arrays["places"].shape[1]
    x = graph.begun()
    for number in range(sum(name.endswith(".read.bias") for name in arrays)):
        x = graph.layer(f"layers.{number}", x, width)
    mean = graph.add("ReduceMean", x, "zero", keepdims=0)
    told = [helper.make_tensor_value_info(name, TensorProto.INT64, ["length"]) for name in (NUMBERS, KINDS)]
    given = helper.make_tensor_value_info(mean, TensorProto.FLOAT, [width])
    whole = helper.make_graph(graph.nodes, "encoder", told, [given], list(graph.tensors.values()))
    return helper.make_model(whole, opset_imports=[helper.make_opsetid("", OPSET)], ir_version=FORMAT)
