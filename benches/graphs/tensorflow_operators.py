#!/usr/bin/env python3
"""Writes crates/formats/src/tensorflow/operators.txt: the operators that the
TensorFlow wheel from PyPI registers, and what each puts out.

    python benches/graphs/tensorflow_operators.py > crates/formats/src/tensorflow/operators.txt

One operator a line: its name, then each output as `name`, then `*attribute`
when the attribute says how many there are, then `=type`, `:attribute` (one
type) or `@attribute` (a list of types).
"""

import tensorflow as tf
from tensorflow.core.framework import types_pb2
from tensorflow.core.framework import op_def_pb2
from tensorflow.python.client import pywrap_tf_session

TYPES = {
    "DT_FLOAT": "f32", "DT_DOUBLE": "f64", "DT_INT32": "i32", "DT_UINT8": "u8", "DT_INT16": "i16",
    "DT_INT8": "i8", "DT_STRING": "string", "DT_COMPLEX64": "c64", "DT_INT64": "i64", "DT_BOOL": "bool",
    "DT_BFLOAT16": "bf16", "DT_UINT16": "u16", "DT_COMPLEX128": "c128", "DT_HALF": "f16",
    "DT_RESOURCE": "resource", "DT_VARIANT": "variant", "DT_UINT32": "u32", "DT_UINT64": "u64",
}


def main():
    ops = op_def_pb2.OpList()
    ops.ParseFromString(pywrap_tf_session.TF_GetBuffer(pywrap_tf_session.TF_GetAllOpList()))
    print(f"# TensorFlow {tf.__version__}, by benches/graphs/tensorflow_operators.py")
    for op in sorted(ops.op, key=lambda op: op.name):
        parts = [op.name]
        for out in op.output_arg:
            text = out.name
            if out.number_attr:
                text += f"*{out.number_attr}"
            if out.type_list_attr:
                text += f"@{out.type_list_attr}"
            elif out.type_attr:
                text += f":{out.type_attr}"
            else:
                name = types_pb2.DataType.Name(out.type)
                text += "=" + TYPES.get(name, name.removeprefix("DT_").lower())
            parts.append(text)
        print(" ".join(parts))


main()
