"""ONNX files made by hand, so that what runs them can be checked by hand."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
from onnx import TensorProto, checker, helper, numpy_helper, save


def write_linear(
    path: Path,
    weights: dict[str, list[list[float]]],
    output: str = "logits",
    mask: str | None = None,
    metadata: Any = None,
) -> Path:
    """A file whose output is the sum over its inputs of input @ weight, for inputs [batch, channels].

    Args:
        path: of the file.
        weights: input's name -> [channels, outputs].
        output: its name.
        mask: name of a bool input [batch]; where it is False, the output is 0.
        metadata: what the file says of itself.
    """
    nodes, inputs, initializers, terms = [], [], [], []
    for name, weight in weights.items():
        array = np.array(weight, dtype=np.float32)
        inputs.append(helper.make_tensor_value_info(name, TensorProto.FLOAT, ["batch", len(array)]))
        initializers.append(numpy_helper.from_array(array, f"{name}_weight"))
        nodes.append(helper.make_node("MatMul", [name, f"{name}_weight"], [f"{name}_term"]))
        terms.append(f"{name}_term")
    nodes.append(helper.make_node("Sum", terms, ["total"]))
    last = "total"
    if mask is not None:
        inputs.append(helper.make_tensor_value_info(mask, TensorProto.BOOL, ["batch"]))
        initializers.append(numpy_helper.from_array(np.array([1], dtype=np.int64), "axis"))
        nodes += [
            helper.make_node("Cast", [mask], ["counted"], to=TensorProto.FLOAT),
            helper.make_node("Unsqueeze", ["counted", "axis"], ["column"]),
            helper.make_node("Mul", [last, "column"], ["hidden"]),
        ]
        last = "hidden"
    nodes.append(helper.make_node("Identity", [last], [output]))
    outputs = len(next(iter(weights.values()))[0])
    graph = helper.make_graph(
        nodes,
        "linear",
        inputs,
        [helper.make_tensor_value_info(output, TensorProto.FLOAT, ["batch", outputs])],
        initializers,
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=9)
    if metadata is not None:
        helper.set_model_props(model, {"perceivers": json.dumps(metadata)})
    checker.check_model(model)
    save(model, str(path))
    return path
