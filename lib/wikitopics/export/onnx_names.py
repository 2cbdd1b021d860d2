"""Names in an ONNX file by their place in it: the converter numbers them in another order each time."""

from itertools import count


def named_in_order(model, given: str, result: str):
    """The same onnx.ModelProto, its one input called `given`, its one output `result`, the rest numbered.

    Weights come in the order in which nodes use them; weights that none uses are left out.
    """
    graph = model.graph
    names = {graph.input[0].name: given, graph.output[0].name: result, "": ""}
    held, numbers = {weight.name: weight for weight in graph.initializer}, count()
    weights = []
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
