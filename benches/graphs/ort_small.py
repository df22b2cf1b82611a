#!/usr/bin/env python3
"""Writes the small model that the tests of the ORT reader read:

    pip install onnx onnxruntime
    python benches/graphs/ort_small.py > crates/formats/src/ort/small.ort

x → MatMul → If, whose branches see the values around them.
"""

import sys
import tempfile

import numpy as np
import onnx
import onnxruntime
from onnx import TensorProto, helper, numpy_helper


def main():
    one = helper.make_tensor_value_info
    branches = [
        helper.make_graph([helper.make_node(op, ["y"], [f"{op}_out"], name=op)], op, [],
                          [one(f"{op}_out", TensorProto.FLOAT, ["n", 2])])
        for op in ("Relu", "Neg")
    ]
    graph = helper.make_graph(
        [
            helper.make_node("MatMul", ["x", "w"], ["y"], name="product"),
            helper.make_node("If", ["test"], ["z"], name="choice", then_branch=branches[0], else_branch=branches[1]),
        ],
        "small",
        [one("x", TensorProto.FLOAT, ["n", 2]), one("test", TensorProto.BOOL, [])],
        [one("z", TensorProto.FLOAT, ["n", 2])],
        [numpy_helper.from_array(np.arange(4, dtype=np.float32).reshape(2, 2), "w")],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)
    options = onnxruntime.SessionOptions()
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    options.log_severity_level = 3
    with tempfile.NamedTemporaryFile(suffix=".ort") as out:
        options.optimized_model_filepath = out.name
        options.add_session_config_entry("session.save_model_format", "ORT")
        onnxruntime.InferenceSession(model.SerializeToString(), options, providers=["CPUExecutionProvider"])
        sys.stdout.buffer.write(open(out.name, "rb").read())


main()
