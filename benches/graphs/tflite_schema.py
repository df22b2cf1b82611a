#!/usr/bin/env python3
"""Writes crates/formats/src/tflite/schema.txt: the builtin operators of TFLite
and the fields of their options, from the schema inside TensorFlow's wheel.

    python benches/graphs/tflite_schema.py > crates/formats/src/tflite/schema.txt

Lines: `operator NUMBER NAME`, `type NUMBER NAME` (element types), and
`options NUMBER FIELD:SLOT:KIND…`, `options2 …` by the number of the union's
member. A slot is the field's place in the table's vtable.
"""

import inspect
import re

import tensorflow as tf
from tensorflow.lite.python import schema_py_generated as schema

SCALARS = {
    "BoolFlags": "bool", "Int8Flags": "i8", "Uint8Flags": "u8", "Int16Flags": "i16",
    "Int32Flags": "i32", "Uint32Flags": "u32", "Int64Flags": "i64", "Float32Flags": "f32",
}


def snake(name):
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name).lower()


def fields(table):
    text = inspect.getsource(table)
    found = {}
    for name, slot, body in re.findall(
        r"    def (\w+)\(self(?:, j)?\):\n"
        r"        o = flatbuffers.number_types.UOffsetTFlags.py_type\(self._tab.Offset\((\d+)\)\)\n(.*?)(?=\n    #|\n    def|\Z)",
        text, re.S,
    ):
        if name.endswith(("AsNumpy", "Length", "IsNone")):
            continue
        flags = re.search(r"number_types\.(\w+Flags), ", body)
        if "self._tab.String(" in body:
            kind = "text"
        elif flags and "a + " in body:
            kind = "[" + SCALARS[flags[1]] + "]"
        elif flags:
            kind = SCALARS[flags[1]]
        else:
            continue
        found[name] = f"{snake(name)}:{slot}:{kind}"
    return list(found.values())


def members(enum):
    return sorted((v, k) for k, v in vars(enum).items() if isinstance(v, int))


def main():
    print(f"# TensorFlow {tf.__version__}, by benches/graphs/tflite_schema.py")
    for number, name in members(schema.TensorType):
        print("type", number, name.lower())
    for number, name in members(schema.BuiltinOperator):
        print("operator", number, name)
    for word, union in (("options", schema.BuiltinOptions), ("options2", schema.BuiltinOptions2)):
        for number, name in members(union):
            table = getattr(schema, name, None)
            listed = fields(table) if table else []
            if listed:
                print(word, number, *listed)


main()
