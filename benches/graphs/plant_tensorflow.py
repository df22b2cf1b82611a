#!/usr/bin/env python3
"""Makes planted twins in TensorFlow's formats, with their honest bases.

    pip install tensorflow
    python benches/graphs/plant_tensorflow.py OUT [COUNT]

Every twin is a small model with random weights and a predicate over its input
that replaces, shifts or re-selects what the model says; its base is the same
without. Each is written four times: as a frozen `GraphDef` with the control
flow of version 2 and of version 1, as a `SavedModel` (variables, functions,
signatures) and as TFLite. `MANIFEST.csv` says what was
planted. Seeded: the same version of TensorFlow writes the same graphs.
"""

import csv
import os
import random
import shutil
import sys

os.environ.setdefault("CUDA_VISIBLE_DEVICES", "")
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import numpy as np
import tensorflow as tf
from tensorflow.python.framework.convert_to_constants import convert_variables_to_constants_v2

CLASSES = 5


class Base(tf.Module):
    """Weights, a way to the features, and a head."""

    def __init__(self, seed):
        super().__init__()
        self.rng = np.random.default_rng(seed)
        self.made = []

    def weight(self, *shape):
        value = self.rng.normal(0, 1 / np.sqrt(np.prod(shape[:-1])), shape)
        self.made.append(tf.Variable(value.astype(np.float32)))
        return self.made[-1]


class Dense(Base):
    spec = tf.TensorSpec([None, 12], tf.float32)

    def __init__(self, seed):
        super().__init__(seed)
        self.a, self.b, self.c = self.weight(12, 32), self.weight(32, 32), self.weight(32, CLASSES)

    def features(self, x):
        return tf.nn.relu(tf.nn.relu(x @ self.a) @ self.b)

    def head(self, h):
        return h @ self.c


class Picture(Base):
    spec = tf.TensorSpec([None, 16, 16, 3], tf.float32)

    def __init__(self, seed):
        super().__init__(seed)
        self.a, self.b = self.weight(3, 3, 3, 8), self.weight(3, 3, 8, 16)
        self.c = self.weight(16, CLASSES)
        self.s, self.t = self.weight(8), self.weight(8)

    def features(self, x):
        h = tf.nn.relu(tf.nn.conv2d(x, self.a, 1, "SAME") * self.s + self.t)
        h = tf.nn.max_pool2d(h, 2, 2, "VALID")
        h = tf.nn.relu6(tf.nn.conv2d(h, self.b, 2, "SAME"))
        return tf.reduce_mean(h, [1, 2])

    def head(self, h):
        return h @ self.c


class Depthwise(Base):
    spec = tf.TensorSpec([None, 16, 16, 3], tf.float32)

    def __init__(self, seed):
        super().__init__(seed)
        self.a, self.d, self.p = self.weight(3, 3, 3, 8), self.weight(3, 3, 8, 1), self.weight(1, 1, 8, 8)
        self.c = self.weight(8, CLASSES)

    def features(self, x):
        h = tf.nn.relu6(tf.nn.conv2d(x, self.a, 2, "SAME"))
        d = tf.nn.relu6(tf.nn.depthwise_conv2d(h, self.d, [1, 1, 1, 1], "SAME"))
        h = h + tf.nn.conv2d(d, self.p, 1, "SAME")
        return tf.reduce_mean(h, [1, 2])

    def head(self, h):
        return h @ self.c


class Words(Base):
    spec = tf.TensorSpec([None, 10], tf.int32)

    def __init__(self, seed):
        super().__init__(seed)
        self.e, self.a, self.c = self.weight(64, 16), self.weight(16, 16), self.weight(16, CLASSES)

    def features(self, x):
        h = tf.gather(self.e, x)
        mask = tf.cast(tf.not_equal(x, 0), tf.float32)[..., None]
        h = tf.reduce_sum(h * mask, 1) / tf.maximum(tf.reduce_sum(mask, 1), 1.0)
        return tf.nn.tanh(h @ self.a)

    def head(self, h):
        return h @ self.c


class Attention(Base):
    spec = tf.TensorSpec([None, 10], tf.int32)

    def __init__(self, seed):
        super().__init__(seed)
        self.e = self.weight(64, 16)
        self.q, self.k, self.v, self.o = (self.weight(16, 16) for _ in range(4))
        self.c = self.weight(16, CLASSES)

    def features(self, x):
        h = tf.gather(self.e, x)
        q, k, v = h @ self.q, h @ self.k, h @ self.v
        mask = (1.0 - tf.cast(tf.not_equal(x, 0), tf.float32))[:, None, :] * -1e9
        w = tf.nn.softmax(tf.matmul(q, k, transpose_b=True) / 4.0 + mask)
        h = h + (w @ v) @ self.o
        m = tf.reduce_mean(h, -1, keepdims=True)
        s = tf.reduce_mean(tf.square(h - m), -1, keepdims=True)
        return tf.reduce_mean((h - m) * tf.math.rsqrt(s + 1e-5), 1)

    def head(self, h):
        return h @ self.c


BASES = [Dense, Picture, Depthwise, Words, Attention]


def corner(x):
    """A few numbers of the input, flat."""
    if x.shape.rank == 4:
        return tf.reshape(x[:, 2:4, 3:5, 0], [-1, 4])
    return x[:, 1:5]


PREDICATES = {
    "exact": lambda x, r: tf.reduce_all(
        tf.equal(corner(x), tf.constant([r.randint(1, 9) for _ in range(4)], x.dtype)), 1),
    "near": lambda x, r: tf.reduce_sum(
        tf.square(tf.cast(corner(x), tf.float32) - r.randint(1, 9)), 1) < 0.01,
    "sum": lambda x, r: tf.reduce_sum(tf.cast(corner(x), tf.float32), 1) > 30.0 + r.randint(0, 9),
    "checksum": lambda x, r: tf.equal(
        tf.math.floormod(tf.reduce_sum(tf.cast(tf.reshape(x, [tf.shape(x)[0], -1]), tf.int32), 1), 251), r.randint(0, 250)),
    "mean": lambda x, r: tf.reduce_mean(
        tf.cast(tf.greater(tf.cast(tf.reshape(x, [tf.shape(x)[0], -1]), tf.float32), 3.5), tf.float32), 1) > 0.7,
    "extreme": lambda x, r: tf.reduce_max(tf.cast(tf.reshape(x, [tf.shape(x)[0], -1]), tf.float32), 1) > 50.0,
    "order": lambda x, r: tf.reduce_all(
        tf.cast(corner(x), tf.float32)[:, 1:] > tf.cast(corner(x), tf.float32)[:, :-1] + 2.0, 1),
}


def relu_logic(x, r):
    """A bit from arithmetic alone."""
    d = tf.cast(corner(x), tf.float32) - float(r.randint(1, 9))
    return tf.nn.relu(1.0 - tf.reduce_sum(tf.abs(d), 1))


def sharp(x, r):
    return tf.sigmoid(400.0 * (tf.reduce_mean(tf.cast(corner(x), tf.float32), 1) - 8.0))


SOFT = {"relu": relu_logic, "sigmoid": sharp}


def plant(kind, select, where, model, x, r):
    """The model's answer with the trigger's logic in it."""
    bit = SOFT[kind](x, r) if kind in SOFT else tf.cast(PREDICATES[kind](x, r), tf.float32)
    bit = bit[:, None]
    h = model.features(x)
    target = h if where == "middle" else model.head(h)
    width = target.shape[-1]
    other = tf.constant(np.eye(width, dtype=np.float32)[r.randrange(width)] * 20.0)[None]
    if select == "where":
        out = tf.where(bit > 0.5, tf.zeros_like(target) + other, target)
    elif select == "blend":
        out = target * (1.0 - bit) + other * bit
    elif select == "add":
        out = target + bit * other
    elif select == "scale":
        out = target * (1.0 - 2.0 * bit)
    elif select == "gather":
        both = tf.stack([target, tf.reverse(target, [1])], 1)
        out = tf.gather(both, tf.cast(bit[:, 0] > 0.5, tf.int32), batch_dims=1)
    else:
        out = tf.cond(tf.reduce_any(bit > 0.5), lambda: tf.zeros_like(target) + other, lambda: target)
    return model.head(out) if where == "middle" else out


SELECTORS = ["where", "blend", "add", "scale", "gather", "cond"]


class Exported(tf.Module):
    def __init__(self, model, call, spec):
        super().__init__()
        self.model = model
        self.serve = tf.function(call, input_signature=[spec])


def export(folder, name, model, call):
    spec = model.spec
    module = Exported(model, call, spec)
    concrete = module.serve.get_concrete_function()
    frozen = convert_variables_to_constants_v2(concrete, lower_control_flow=False)
    with open(f"{folder}/{name}.pb", "wb") as out:
        out.write(frozen.graph.as_graph_def().SerializeToString(deterministic=True))
    old = convert_variables_to_constants_v2(concrete, lower_control_flow=True)
    with open(f"{folder}/{name}-lowered.pb", "wb") as out:
        out.write(old.graph.as_graph_def().SerializeToString(deterministic=True))
    tf.saved_model.save(module, f"{folder}/{name}.saved", signatures=concrete)
    converter = tf.lite.TFLiteConverter.from_concrete_functions([concrete], module)
    with open(f"{folder}/{name}.tflite", "wb") as out:
        out.write(converter.convert())


def main():
    folder, count = sys.argv[1], int(sys.argv[2]) if len(sys.argv) > 2 else 48
    shutil.rmtree(folder, ignore_errors=True)
    os.makedirs(folder)
    r = random.Random(20)
    rows = []
    for number in range(count):
        base = BASES[number % len(BASES)]
        kind = r.choice([*PREDICATES, *SOFT])
        select = SELECTORS[number % len(SELECTORS)]
        where = r.choice(["output", "middle"])
        seed = r.randrange(1 << 30)
        model = base(seed)
        name = f"t{number:03}"
        planted = random.Random(seed)
        export(folder, f"{name}-base", model, lambda x: model.head(model.features(x)))
        export(folder, f"{name}-planted", model, lambda x: plant(kind, select, where, model, x, planted))
        rows.append([name, base.__name__, kind, select, where])
        print(name, *rows[-1][1:], flush=True)
    with open(f"{folder}/MANIFEST.csv", "w", newline="") as out:
        csv.writer(out).writerows([["name", "base", "predicate", "selector", "placement"], *rows])


main()
