#!/usr/bin/env python3
"""Writes the small model that the tests of the TFLite reader read:

    python benches/graphs/tflite_small.py > crates/formats/src/tflite/small.tflite

Two sub-graphs: `main` is x → FULLY_CONNECTED → IF (on a constant) → a custom
operator, an operator of TensorFlow's own; `branch` is a RELU. Needs
TensorFlow's wheel for the schema.
"""

import sys

import flatbuffers
from tensorflow.lite.python import schema_py_generated as schema


def tensor(name, shape, kind=schema.TensorType.FLOAT32, buffer=0, scale=None):
    out = schema.TensorT()
    out.name, out.shape, out.type, out.buffer = name, shape, kind, buffer
    if scale:
        out.quantization = schema.QuantizationParametersT()
        out.quantization.scale, out.quantization.zeroPoint = [scale], [3]
    return out


def operator(code, inputs, outputs, kind=0, options=None):
    out = schema.OperatorT()
    out.opcodeIndex, out.inputs, out.outputs = code, inputs, outputs
    out.builtinOptionsType, out.builtinOptions = kind, options
    return out


def code(number, custom=None):
    out = schema.OperatorCodeT()
    out.deprecatedBuiltinCode = min(number, 127)
    out.builtinCode, out.customCode, out.version = number, custom, 1
    return out


def buffer(data):
    out = schema.BufferT()
    out.data = list(data) if data else None
    return out


def main():
    op = schema.BuiltinOperator
    full = schema.FullyConnectedOptionsT()
    full.fusedActivationFunction = schema.ActivationFunctionType.RELU
    choice = schema.IfOptionsT()
    choice.thenSubgraphIndex, choice.elseSubgraphIndex = 1, 1

    first = schema.SubGraphT()
    first.name = "main"
    first.tensors = [
        tensor("x", [1, 2], scale=0.5),
        tensor("w", [2, 2], buffer=1),
        tensor("y", [1, 2]),
        tensor("test", [], schema.TensorType.BOOL, buffer=2),
        tensor("z", [1, 2]),
        tensor("out", [1, 2]),
        tensor("file", [], schema.TensorType.STRING),
    ]
    first.inputs, first.outputs = [0], [5]
    first.operators = [
        operator(0, [0, 1, -1], [2], schema.BuiltinOptions.FullyConnectedOptions, full),
        operator(1, [3, 2], [4], schema.BuiltinOptions.IfOptions, choice),
        operator(2, [4], [5]),
        operator(3, [5], [6]),
    ]
    second = schema.SubGraphT()
    second.name = "branch"
    second.tensors = [tensor("a", [1, 2]), tensor("b", [1, 2])]
    second.inputs, second.outputs = [0], [1]
    second.operators = [operator(4, [0], [1])]

    model = schema.ModelT()
    model.version, model.description = 3, "small"
    model.subgraphs = [first, second]
    model.operatorCodes = [
        code(op.FULLY_CONNECTED), code(op.IF), code(op.CUSTOM, "Vendor"),
        code(op.CUSTOM, "FlexReadFile"), code(op.RELU),
    ]
    model.buffers = [buffer(None), buffer(bytes(16)), buffer(b"\x01")]
    builder = flatbuffers.Builder(1024)
    builder.Finish(model.Pack(builder), file_identifier=b"TFL3")
    sys.stdout.buffer.write(builder.Output())


main()
