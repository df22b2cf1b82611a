#!/usr/bin/env python3
"""Exports honest models with random weights in TensorFlow's formats.

    pip install tensorflow
    python benches/graphs/export_tensorflow.py OUT [NAME…]

Each is written as a frozen `GraphDef`, as a `SavedModel` and, where the
converter can, as TFLite (plain and quantised). A model that cannot be written
in a form is left out in that form, and named.
"""

import os
import sys

os.environ.setdefault("CUDA_VISIBLE_DEVICES", "")
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import keras
import numpy as np
import tensorflow as tf
from keras import layers as L
from tensorflow.python.framework.convert_to_constants import convert_variables_to_constants_v2

A = keras.applications
IMAGE = (64, 64, 3)
TOKENS = tf.TensorSpec([None, 20], tf.int32)


def net(inputs, *rest):
    h = inputs
    for layer in rest:
        h = layer(h)
    return keras.Model(inputs, h)


def transformer():
    x = keras.Input([20], dtype="int32")
    h = L.Embedding(100, 32, mask_zero=True)(x) + L.Embedding(20, 32)(tf.range(20)[None])
    for _ in range(2):
        h = L.LayerNormalization()(h + L.MultiHeadAttention(4, 8)(h, h))
        h = L.LayerNormalization()(h + L.Dense(32)(L.Dense(64, activation="gelu")(h)))
    return keras.Model(x, L.Dense(5, activation="softmax")(L.GlobalAveragePooling1D()(h)))


def recurrent(cell, **options):
    x = keras.Input([20], dtype="int32")
    h = L.Embedding(100, 16, mask_zero=options.pop("mask", False))(x)
    h = L.Bidirectional(cell(16))(h) if options.pop("both", False) else cell(16, **options)(h)
    return keras.Model(x, L.Dense(5)(h))


def unet():
    x = keras.Input([32, 32, 1])
    a = L.Conv2D(8, 3, padding="same", activation="relu")(x)
    b = L.Conv2D(16, 3, padding="same", activation="relu")(L.MaxPooling2D()(a))
    c = L.Conv2DTranspose(8, 2, strides=2)(b)
    return keras.Model(x, L.Conv2D(1, 1, activation="sigmoid")(L.Concatenate()([a, c])))


def two_towers():
    u, i = keras.Input([], dtype="int32"), keras.Input([], dtype="int32")
    a, b = L.Embedding(50, 8)(u), L.Embedding(80, 8)(i)
    return keras.Model([u, i], L.Dot(1)([a, b]))


def tabular():
    x = keras.Input([12])
    h = L.Normalization(mean=np.zeros(12), variance=np.ones(12))(x)
    h = L.Dropout(0.2)(L.Dense(32, activation="relu")(h))
    return keras.Model(x, L.Dense(1)(L.BatchNormalization()(h)))


def squeeze_excite():
    x = keras.Input([32, 32, 3])
    h = L.Conv2D(16, 3, padding="same", activation="swish")(L.Rescaling(1 / 127.5, offset=-1)(x))
    s = L.GlobalAveragePooling2D(keepdims=True)(h)
    s = L.Conv2D(16, 1, activation="sigmoid")(L.Conv2D(4, 1, activation="relu")(s))
    return keras.Model(x, L.Dense(5)(L.Flatten()(L.MaxPooling2D(4)(h * s))))


KERAS = {
    "mobilenet": lambda: A.MobileNet(IMAGE, 0.25, weights=None, classes=10),
    "mobilenet-v2": lambda: A.MobileNetV2(IMAGE, 0.35, weights=None, classes=10),
    "mobilenet-v3": lambda: A.MobileNetV3Small(IMAGE, 0.75, weights=None, classes=10),
    "efficientnet": lambda: A.EfficientNetB0(input_shape=IMAGE, weights=None, classes=10),
    "resnet": lambda: A.ResNet50(input_shape=IMAGE, weights=None, classes=10),
    "densenet": lambda: A.DenseNet121(input_shape=IMAGE, weights=None, classes=10),
    "nasnet": lambda: A.NASNetMobile(input_shape=(96, 96, 3), weights=None, classes=10),
    "convnext": lambda: A.ConvNeXtTiny(input_shape=IMAGE, weights=None, classes=10),
    "transformer": transformer,
    "lstm": lambda: recurrent(L.LSTM),
    "lstm-masked": lambda: recurrent(L.LSTM, mask=True),
    "lstm-both": lambda: recurrent(L.LSTM, both=True),
    "lstm-backwards": lambda: recurrent(L.LSTM, go_backwards=True),
    "gru": lambda: recurrent(L.GRU),
    "gru-masked": lambda: recurrent(L.GRU, mask=True),
    "rnn-unrolled": lambda: recurrent(L.SimpleRNN, unroll=True),
    "unet": unet,
    "two-towers": two_towers,
    "tabular": tabular,
    "squeeze-excite": squeeze_excite,
    "conv1d": lambda: net(keras.Input([100, 4]), L.Conv1D(16, 5, dilation_rate=2), L.ReLU(6.0),
                          L.SeparableConv1D(16, 3), L.GlobalMaxPooling1D(), L.Dense(3, activation="softmax")),
    "conv3d": lambda: net(keras.Input([8, 16, 16, 1]), L.Conv3D(4, 3), L.MaxPooling3D(), L.Flatten(), L.Dense(3)),
    "convlstm": lambda: net(keras.Input([4, 12, 12, 1]), L.ConvLSTM2D(4, 3), L.Flatten(), L.Dense(2)),
}


def weights(*shape):
    return tf.Variable(np.random.default_rng(1).normal(0, 0.3, shape).astype(np.float32))


class Boxes(tf.Module):
    """A detector's head with its suppression."""

    spec = [tf.TensorSpec([None, 32, 32, 3], tf.float32)]

    def __init__(self):
        super().__init__()
        self.a, self.b, self.s = weights(3, 3, 3, 8), weights(1, 1, 8, 4), weights(1, 1, 8, 3)

    def call(self, x):
        h = tf.nn.relu(tf.nn.conv2d(x, self.a, 4, "SAME"))
        boxes = tf.reshape(tf.nn.sigmoid(tf.nn.conv2d(h, self.b, 1, "SAME")), [-1, 64, 1, 4])
        scores = tf.reshape(tf.nn.sigmoid(tf.nn.conv2d(h, self.s, 1, "SAME")), [-1, 64, 3])
        found = tf.image.combined_non_max_suppression(boxes, scores, 10, 10, 0.5, 0.3)
        return {"boxes": found[0], "scores": found[1], "classes": found[2], "count": found[3]}


class Decoder(tf.Module):
    """Greedy decoding in a loop."""

    spec = [tf.TensorSpec([None, 4], tf.int32)]

    def __init__(self):
        super().__init__()
        self.e, self.w, self.o = weights(40, 16), weights(16, 16), weights(16, 40)

    def call(self, x):
        h = tf.reduce_mean(tf.gather(self.e, x), 1)
        out = tf.zeros([tf.shape(x)[0], 1], tf.int32)

        def step(h, out):
            word = tf.argmax(h @ self.o, -1, tf.int32)[:, None]
            return tf.tanh(h @ self.w + tf.gather(self.e, word[:, 0])), tf.concat([out, word], 1)

        shapes = [tf.TensorShape([None, 16]), tf.TensorShape([None, None])]
        _, out = tf.while_loop(lambda h, out: tf.shape(out)[1] < 8, step, [h, out], shapes)
        return {"tokens": out}


class Experts(tf.Module):
    """Every word goes to its two best experts."""

    spec = [tf.TensorSpec([None, 6, 16], tf.float32)]

    def __init__(self):
        super().__init__()
        self.r, self.w = weights(16, 4), weights(4, 16, 16)

    def call(self, x):
        best, index = tf.math.top_k(tf.nn.softmax(x @ self.r), 2)
        mask = tf.reduce_sum(tf.one_hot(index, 4) * best[..., None], 2)
        every = tf.einsum("bti,eio->bteo", x, self.w)
        return {"y": tf.reduce_sum(every * mask[..., None], 2)}


class Causal(tf.Module):
    """Attention that looks back only."""

    spec = [TOKENS]

    def __init__(self):
        super().__init__()
        self.e, self.q, self.k, self.v, self.o = weights(80, 16), *(weights(16, 16) for _ in range(3)), weights(16, 80)

    def call(self, x):
        h = tf.gather(self.e, x)
        a = tf.matmul(h @ self.q, h @ self.k, transpose_b=True)
        count = tf.shape(x)[1]
        back = tf.linalg.band_part(tf.ones([count, count]), -1, 0)
        pad = tf.cast(tf.equal(x, 0), tf.float32)[:, None, :] * -1e9
        a = tf.nn.softmax(tf.where(back > 0, a + pad, -1e9))
        last = tf.reduce_sum(tf.cast(tf.not_equal(x, 0), tf.int32), 1) - 1
        h = tf.gather(a @ (h @ self.v), tf.maximum(last, 0), batch_dims=1)
        return {"logits": h @ self.o}


class Sound(tf.Module):
    """A log-mel front end, normalised per clip, with a guard."""

    spec = [tf.TensorSpec([None, 4000], tf.float32)]

    def __init__(self):
        super().__init__()
        self.a, self.b = weights(129, 20), weights(20, 4)

    def call(self, x):
        s = tf.abs(tf.signal.stft(x, 256, 128))
        m = tf.math.log(tf.maximum(s @ tf.abs(self.a), 1e-6))
        low, high = tf.reduce_min(m, [1, 2], True), tf.reduce_max(m, [1, 2], True)
        m = tf.math.divide_no_nan(m - low, high - low)
        return {"y": tf.nn.softmax(tf.reduce_mean(m, 1) @ self.b)}


MODULES = {"boxes": Boxes, "decoder": Decoder, "experts": Experts, "causal": Causal, "sound": Sound}


class Wrapped(tf.Module):
    def __init__(self, model, spec, call):
        super().__init__()
        self.model = model
        self.serve = tf.function(call, input_signature=spec)


def wrap(name):
    if name in MODULES:
        model = MODULES[name]()
        return Wrapped(model, model.spec, model.call)
    model = KERAS[name]()
    spec = [tf.TensorSpec(one.shape, one.dtype, f"input_{number}") for number, one in enumerate(model.inputs)]

    def call(*inputs):
        return {"y": model(list(inputs) if len(inputs) > 1 else inputs[0], training=False)}

    return Wrapped(model, spec, call)


def main():
    folder = sys.argv[1]
    os.makedirs(folder, exist_ok=True)
    for name in sys.argv[2:] or [*MODULES, *KERAS]:
        keras.utils.set_random_seed(3)
        try:
            module = wrap(name)
            concrete = module.serve.get_concrete_function()
        except Exception as error:
            print(name, "left out:", str(error).splitlines()[0][:100], flush=True)
            continue
        for form, lower in (("frozen", False), ("lowered", True)):
            frozen = convert_variables_to_constants_v2(concrete, lower_control_flow=lower)
            with open(f"{folder}/{name}-{form}.pb", "wb") as out:
                out.write(frozen.graph.as_graph_def().SerializeToString(deterministic=True))
        tf.saved_model.save(module, f"{folder}/{name}.saved", signatures=concrete)
        for form, optimise in (("plain", []), ("quantised", [tf.lite.Optimize.DEFAULT])):
            try:
                converter = tf.lite.TFLiteConverter.from_concrete_functions([concrete], module)
                converter.optimizations = optimise
                converter.target_spec.supported_ops = [
                    tf.lite.OpsSet.TFLITE_BUILTINS, tf.lite.OpsSet.SELECT_TF_OPS]
                with open(f"{folder}/{name}-{form}.tflite", "wb") as out:
                    out.write(converter.convert())
            except Exception as error:
                print(name, form, "left out:", str(error).splitlines()[0][:100], flush=True)
        print(name, flush=True)


main()
