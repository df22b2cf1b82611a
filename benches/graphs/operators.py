"""Holds the evaluator against ONNX Runtime, operator by operator.

    cargo build -p modelward-graphs --example evaluate
    python benches/graphs/operators.py [--cases N] [--markdown FILE]

Each case is a model of one node, random attributes and random inputs from a
fixed seed. Needs `onnx`, `onnxruntime` and `numpy` from PyPI. Exits with 1 when
an answer differs by more than the tolerance of its kind.
"""

import argparse
import collections
import pathlib
import subprocess
import sys
import tempfile

import numpy as np
import onnx
import onnxruntime as ort
from onnx import TensorProto, helper, numpy_helper

ROOT = pathlib.Path(__file__).resolve().parents[2]
F, D, H, I, L, B, U = "float32", "float64", "float16", "int32", "int64", "bool", "uint8"


class Draw:
    def __init__(self, seed):
        self.r = np.random.RandomState(seed)

    def shape(self, low=1, high=4):
        return [int(self.r.randint(1, 5)) for _ in range(self.r.randint(low, high + 1))]

    def array(self, kind, shape, low=-3, high=3):
        if kind == B:
            return self.r.rand(*shape) < 0.5 if shape else np.array(self.r.rand() < 0.5)
        if kind in (F, D, H):
            a = np.array(self.r.uniform(low, high, shape)).astype(kind)
            if a.size > 2 and self.r.rand() < 0.15:
                a.reshape(-1)[self.r.randint(a.size)] = self.r.choice([0, np.inf, -np.inf, np.nan])
            return a
        if kind == U:
            return self.r.randint(0, 256, shape).astype(kind)
        if self.r.rand() < 0.2:
            info = np.iinfo(kind)
            return self.r.choice([info.max, info.min, -1, 0, 7], shape or None).astype(kind).reshape(shape)
        return np.array(self.r.randint(-9, 10, shape)).astype(kind)

    def finite(self, kind, shape, low=-3, high=3):
        return np.array(self.r.uniform(low, high, shape)).astype(kind)

    def partner(self, shape):
        """A shape that broadcasts with `shape`."""
        out = [d if self.r.rand() < 0.6 else 1 for d in shape]
        return out[self.r.randint(0, len(out) + 1):]

    def pick(self, *options):
        return options[self.r.randint(len(options))]


def unary(op, kinds=(F,), low=-3, high=3, **attrs):
    def case(d):
        return op, [d.array(d.pick(*kinds), d.shape(0), low, high)], {k: v(d) if callable(v) else v for k, v in attrs.items()}
    return op, case


def binary(op, kinds=(F,), fix=None):
    def case(d):
        k, s = d.pick(*kinds), d.shape(1)
        a, b = d.array(k, s), d.array(k, d.partner(s))
        if d.r.rand() < 0.5:
            a, b = b, a
        attrs = {}
        if fix:
            a, b, attrs = fix(d, a, b)
        return op, [a, b], attrs
    return op, case


def nonzero(d, a, b):
    if b.dtype.kind in "iu":
        b = np.where((b == 0) | (b == -1), 3, b).astype(b.dtype)
    return a, b, {}


def modulo(d, a, b):
    a, b, _ = nonzero(d, a, b)
    return a, b, {"fmod": 1} if a.dtype.kind == "f" or d.r.rand() < 0.3 else {}


def power(d, a, b):
    return np.abs(a), np.clip(b, -3, 3), {}


def shift(d, a, b):
    return a.astype(np.uint32), (np.abs(b.astype(np.int64)) % 32).astype(np.uint32), {"direction": d.pick("LEFT", "RIGHT")}


def reduce(op, kinds=(F,), positive=False):
    def case(d):
        s = d.shape(1)
        a = d.array(d.pick(*kinds), s, 0.1 if positive else -3)
        axes = sorted(d.r.choice(len(s), d.r.randint(1, len(s) + 1), replace=False).tolist())
        return op, [a, np.array(axes, L)], {"keepdims": d.pick(0, 1)}
    return op, case


CASES = []
add = CASES.append
for op in "Abs Neg Sign Ceil Floor Round Exp Sin Cos Tan Atan Sinh Cosh Tanh Asinh Erf Relu Sigmoid Softplus Softsign HardSwish Mish Identity".split():
    add(unary(op, (F, D) if op in ("Abs", "Neg", "Ceil", "Floor", "Exp", "Identity") else (F,)))
for op, low, high in (("Sqrt", -0.5, 9), ("Log", -0.5, 9), ("Reciprocal", -3, 3), ("Asin", -1, 1), ("Acos", -1, 1), ("Acosh", 1, 9), ("Atanh", -1, 1)):
    add(unary(op, low=low, high=high))
add(unary("Abs", (I, L))); add(unary("Neg", (I, L))); add(unary("Sign", (I, L)))
for op in ("Elu", "LeakyRelu", "Celu", "ThresholdedRelu"):
    add(unary(op, alpha=lambda d: float(d.r.uniform(0.1, 2))))
add(unary("Selu")); add(unary("HardSigmoid", alpha=lambda d: float(d.r.uniform(0.1, 1))))
add(unary("Gelu", approximate=lambda d: d.pick("none", "tanh")))
add(unary("Shrink", lambd=0.7, bias=0.2))
add(unary("IsNaN")); add(unary("IsInf", detect_negative=lambda d: d.pick(0, 1)))
add(unary("Not", (B,))); add(unary("BitwiseNot", (I, L, U)))
for op in ("Add", "Sub", "Mul"):
    add(binary(op, (F, D, I, L)))
add(binary("Div", (F, D, I, L), nonzero)); add(binary("Mod", (F, I, L), modulo)); add(binary("Pow", (F,), power))
for op in ("And", "Or", "Xor"):
    add(binary(op, (B,)))
for op in ("BitwiseAnd", "BitwiseOr", "BitwiseXor"):
    add(binary(op, (I, L, U)))
add(binary("BitShift", (L,), shift))
for op in ("Equal", "Less", "Greater", "LessOrEqual", "GreaterOrEqual"):
    add(binary(op, (F, I, L)))
add(binary("PRelu", (F,), lambda d, a, b: (a, b, {}) if a.ndim >= b.ndim and a.size >= b.size else (b, a, {})))
for op in "ReduceSum ReduceMean ReduceMax ReduceMin ReduceProd ReduceL1 ReduceL2 ReduceSumSquare".split():
    add(reduce(op, (F, I) if op in ("ReduceSum", "ReduceMax", "ReduceMin", "ReduceProd") else (F,)))
add(reduce("ReduceLogSum", positive=True)); add(reduce("ReduceLogSumExp"))


def case(op):
    def deco(f):
        add((op, lambda d: (op, *f(d))))
        return f
    return deco


for op in ("Min", "Max", "Sum", "Mean"):
    @case(op)
    def _(d):
        s = d.shape(1)
        return [d.array(F, s)] + [d.array(F, d.partner(s)) for _ in range(d.r.randint(0, 3))], {}


@case("Cast")
def _(d):
    to = d.pick(F, D, I, L, B, U, H)
    a = d.array(d.pick(F, I, L, B, D), d.shape(0))
    if a.dtype.kind == "f" and to in (I, L, U):
        a = np.nan_to_num(a, posinf=2, neginf=-2)
        a = np.abs(a) if to == U else a
    elif a.dtype.kind == "i" and to in (H,):
        a = np.clip(a, -9, 9)
    return [a], {"to": helper.np_dtype_to_tensor_dtype(np.dtype(to))}


@case("Where")
def _(d):
    s = d.shape(1)
    return [d.array(B, d.partner(s)), d.array(F, s), d.array(F, d.partner(s))], {}


@case("Clip")
def _(d):
    k = d.pick(F, I)
    return [d.array(k, d.shape(0)), np.array(-1, k), np.array(2, k)], {}


@case("Transpose")
def _(d):
    s = d.shape(1)
    return [d.array(F, s)], {"perm": d.r.permutation(len(s)).tolist()}


@case("Reshape")
def _(d):
    s = d.shape(2)
    return [d.array(F, s), np.array([-1, s[-1]] if d.r.rand() < 0.5 else [0, -1], L)], {}


@case("Flatten")
def _(d):
    s = d.shape(1)
    return [d.array(F, s)], {"axis": int(d.r.randint(-len(s), len(s) + 1))}


@case("Squeeze")
def _(d):
    s = d.shape(1) + [1]
    return [d.array(F, s)] + ([np.array([-1], L)] if d.r.rand() < 0.5 else []), {}


@case("Unsqueeze")
def _(d):
    return [d.array(F, d.shape(1, 3)), np.array(d.pick([0], [-1], [0, 2]), L)], {}


@case("Concat")
def _(d):
    s = d.shape(1); at = int(d.r.randint(-len(s), len(s)))
    parts = []
    for _ in range(d.r.randint(1, 4)):
        t = list(s); t[at] = int(d.r.randint(1, 4)); parts.append(d.array(F, t))
    return parts, {"axis": at}


@case("Expand")
def _(d):
    s = d.shape(1)
    return [d.array(F, d.partner(s)), np.array(s, L)], {}


@case("Tile")
def _(d):
    s = d.shape(1, 3)
    return [d.array(F, s), d.r.randint(1, 4, len(s)).astype(L)], {}


@case("Slice")
def _(d):
    s = d.shape(1); n = d.r.randint(1, len(s) + 1)
    axes = d.r.choice(len(s), n, replace=False)
    steps = d.r.choice([1, 2, -1, -2], n)
    return [d.array(F, s), d.r.randint(-6, 7, n).astype(L), d.r.choice([-9, -2, 0, 2, 99, -99], n).astype(L), axes.astype(L), steps.astype(L)], {}


@case("Pad")
def _(d):
    s = [x + 1 for x in d.shape(1, 3)]; mode = d.pick("constant", "edge", "reflect")
    pads = d.r.randint(0, 2, 2 * len(s)) if mode != "constant" else d.r.randint(-1, 3, 2 * len(s))
    return [d.array(F, s), pads.astype(L)] + ([np.array(1.5, F)] if mode == "constant" and d.r.rand() < 0.5 else []), {"mode": mode}


@case("Split")
def _(d):
    s = d.shape(1, 3); s[0] = 5
    return [d.array(F, s), np.array([2, 3], L)], {"axis": 0, "outputs": 2}


for op, block in (("DepthToSpace", 2), ("SpaceToDepth", 2)):
    @case(op)
    def _(d, op=op):
        return [d.array(F, [1, 8, 4, 4])], {"blocksize": 2, **({"mode": d.pick("DCR", "CRD")} if op == "DepthToSpace" else {})}


@case("Trilu")
def _(d):
    return [d.array(F, d.shape(2)), np.array(d.r.randint(-2, 3), L)], {"upper": d.pick(0, 1)}


@case("Gather")
def _(d):
    s = d.shape(1); at = d.r.randint(len(s))
    return [d.array(F, s), d.r.randint(-s[at], s[at], d.shape(0, 2)).astype(L)], {"axis": int(at)}


@case("GatherElements")
def _(d):
    s = d.shape(1); at = d.r.randint(len(s))
    return [d.array(F, s), d.r.randint(-s[at], s[at], s).astype(L)], {"axis": int(at)}


@case("GatherND")
def _(d):
    s = d.shape(2, 3)
    return [d.array(F, s), np.stack([d.r.randint(0, s[0], 3), d.r.randint(0, s[1], 3)], -1).astype(L)], {}


@case("ScatterElements")
def _(d):
    s = d.shape(1, 3); at = d.r.randint(len(s))
    idx = np.argsort(d.r.rand(*s), axis=at).astype(L)
    return [d.array(F, s), idx, d.array(F, s)], {"axis": int(at), **({"reduction": d.pick("add", "mul")} if d.r.rand() < 0.4 else {})}


@case("ScatterND")
def _(d):
    s = [5, 3]
    return [d.array(F, s), d.r.permutation(5)[:2].reshape(2, 1).astype(L), d.array(F, [2, 3])], {}


@case("Compress")
def _(d):
    s = d.shape(1, 3)
    if d.r.rand() < 0.5:
        return [d.array(F, s), d.array(B, [int(np.prod(s))])], {}
    return [d.array(F, s), d.array(B, [s[0]])], {"axis": 0}


@case("OneHot")
def _(d):
    return [d.r.randint(-5, 7, d.shape(1, 2)).astype(L), np.array(5, L), np.array([0.5, 2], F)], {"axis": d.pick(-1, 0)}


@case("NonZero")
def _(d):
    return [d.array(d.pick(B, F), d.shape(1))], {}


for op in ("ArgMax", "ArgMin"):
    @case(op)
    def _(d):
        s = d.shape(1)
        return [d.finite(F, s)], {"axis": int(d.r.randint(len(s))), "keepdims": d.pick(0, 1)}


@case("CumSum")
def _(d):
    s = d.shape(1)
    return [d.array(F, s), np.array(d.r.randint(len(s)), L)], {"exclusive": d.pick(0, 1), "reverse": d.pick(0, 1)}


for op in ("Softmax", "LogSoftmax", "Hardmax"):
    @case(op)
    def _(d):
        s = d.shape(1)
        return [d.finite(F, s)], {"axis": int(d.r.randint(-len(s), len(s)))}


@case("TopK")
def _(d):
    s = d.shape(1, 3); at = d.r.randint(len(s))
    return [d.finite(F, s), np.array([d.r.randint(1, s[at] + 1)], L)], {"axis": int(at), "largest": d.pick(0, 1), "outputs": 2}


@case("Unique")
def _(d):
    return [d.r.randint(0, 5, d.r.randint(1, 12)).astype(F)], {"sorted": d.pick(0, 1), "outputs": 4}


@case("NonMaxSuppression")
def _(d):
    lo = d.r.rand(1, 8, 2); boxes = np.concatenate([lo, lo + d.r.rand(1, 8, 2) * 0.6], -1).astype(F)
    return [boxes, d.r.rand(1, 2, 8).astype(F), np.array([3], L), np.array([0.4], F), np.array([0.2], F)], {}


@case("ConstantOfShape")
def _(d):
    return [np.array(d.shape(1), L)], {"value": numpy_helper.from_array(np.array([d.r.randint(9)], d.pick(F, L)))}


@case("Range")
def _(d):
    k = d.pick(F, L)
    return [np.array(d.r.randint(-5, 5), k), np.array(d.r.randint(-9, 9), k), np.array(d.pick(1, 2, -1, 3), k)], {}


add(unary("Shape")); add(unary("Size"))


@case("EyeLike")
def _(d):
    return [d.array(F, d.shape(2, 2))], {"k": int(d.r.randint(-2, 3))}


@case("MatMul")
def _(d):
    n, m, k = d.r.randint(1, 5, 3)
    lead = d.pick([], [2], [3, 2])
    return [d.finite(F, [*lead, n, k]), d.finite(F, [*(lead if d.r.rand() < 0.5 else []), k, m])], {}


@case("Gemm")
def _(d):
    n, m, k = d.r.randint(1, 5, 3); ta, tb = d.pick(0, 1), d.pick(0, 1)
    return [d.finite(F, [k, n] if ta else [n, k]), d.finite(F, [m, k] if tb else [k, m]), d.finite(F, d.pick([m], [1, m], [n, 1]))], {"transA": ta, "transB": tb, "alpha": 0.7, "beta": 1.3}


@case("Einsum")
def _(d):
    return [d.finite(F, [2, 3, 4]), d.finite(F, [2, 4, 3])], {"equation": d.pick("bij,bjk->bik", "bij,bji->b", "bij,bjk->ik")}


@case("Conv")
def _(d):
    g = d.pick(1, 2); r = d.pick(1, 2)
    return [d.finite(F, [2, 4] + [7] * r), d.finite(F, [4, 4 // g] + [3] * r), d.finite(F, [4])], {"group": g, "strides": [d.pick(1, 2)] * r, "dilations": [d.pick(1, 2)] * r, **({"auto_pad": d.pick("SAME_UPPER", "SAME_LOWER")} if d.r.rand() < 0.3 else {"pads": d.r.randint(0, 2, 2 * r).tolist()})}


@case("ConvTranspose")
def _(d):
    g = d.pick(1, 2); s = d.pick(1, 2)
    return [d.finite(F, [1, 4, 5, 5]), d.finite(F, [4, 3, 3, 3]), d.finite(F, [3 * g])], {"group": g, "strides": [s, s], "pads": d.r.randint(0, 2, 4).tolist(), "output_padding": [d.pick(0, s - 1)] * 2}


for op in ("MaxPool", "AveragePool", "LpPool"):
    @case(op)
    def _(d, op=op):
        a = {"kernel_shape": [2, 3], "strides": [d.pick(1, 2)] * 2, "pads": d.pick([0] * 4, [1, 1, 0, 1]), "ceil_mode": d.pick(0, 1)}
        if op == "AveragePool":
            a["count_include_pad"] = d.pick(0, 1)
        return [d.finite(F, [1, 2, 7, 8])], a
for op in ("GlobalAveragePool", "GlobalMaxPool", "GlobalLpPool"):
    @case(op)
    def _(d):
        return [d.finite(F, [2, 3, 4, 5])], {}


@case("BatchNormalization")
def _(d):
    return [d.finite(F, [2, 3, 4])] + [d.finite(F, [3], 0.1, 2) for _ in range(4)], {}


@case("InstanceNormalization")
def _(d):
    return [d.finite(F, [2, 3, 4, 4]), d.finite(F, [3]), d.finite(F, [3])], {}


@case("GroupNormalization")
def _(d):
    return [d.finite(F, [2, 4, 3]), d.finite(F, [4]), d.finite(F, [4])], {"num_groups": 2}


@case("LayerNormalization")
def _(d):
    return [d.finite(F, [2, 3, 4]), d.finite(F, [4]), d.finite(F, [4])], {"axis": -1}


@case("LpNormalization")
def _(d):
    return [d.finite(F, [2, 3, 4])], {"axis": d.pick(-1, 0), "p": d.pick(1, 2)}


@case("MeanVarianceNormalization")
def _(d):
    return [d.finite(F, [2, 3, 4, 4])], {}


@case("LRN")
def _(d):
    return [d.finite(F, [2, 5, 3, 3])], {"size": d.pick(3, 5), "alpha": 0.1}


@case("QuantizeLinear")
def _(d):
    k = d.pick(U, "int8"); per = d.pick(True, False)
    return [d.finite(F, [3, 4]), d.finite(F, [4] if per else [], 0.01, 0.1), d.r.randint(0, 100, [4] if per else []).astype(k) if per else np.array(3, k)], {"axis": 1}


@case("DequantizeLinear")
def _(d):
    return [d.array(U, [3, 4]), d.finite(F, [4], 0.01, 0.1), d.r.randint(0, 100, 4).astype(U)], {"axis": 1}


@case("DynamicQuantizeLinear")
def _(d):
    return [d.finite(F, [3, 4])], {"outputs": 3}


@case("MatMulInteger")
def _(d):
    return [d.array(U, [3, 4]), d.array(U, [4, 2]), np.array(7, U), np.array(120, U)], {}


@case("ConvInteger")
def _(d):
    return [d.array(U, [1, 2, 5, 5]), d.array(U, [3, 2, 3, 3]), np.array(7, U)], {}


@case("QLinearMatMul")
def _(d):
    return [d.array(U, [3, 4]), np.array(0.02, F), np.array(7, U), d.array(U, [4, 2]), np.array(0.03, F), np.array(90, U), np.array(0.1, F), np.array(5, U)], {}


@case("QLinearConv")
def _(d):
    return [d.array(U, [1, 2, 5, 5]), np.array(0.02, F), np.array(7, U), d.array(U, [3, 2, 3, 3]), np.array(0.03, F), np.array(90, U), np.array(0.3, F), np.array(5, U), d.array(I, [3])], {}


for op, gates in (("RNN", 1), ("GRU", 3), ("LSTM", 4)):
    @case(op)
    def _(d, op=op, gates=gates):
        way = d.pick("forward", "reverse", "bidirectional"); n = 2 if way == "bidirectional" else 1
        a = {"hidden_size": 3, "direction": way, "outputs": 3 if op == "LSTM" else 2}
        if op == "GRU":
            a["linear_before_reset"] = d.pick(0, 1)
        return [d.finite(F, [4, 2, 5]), d.finite(F, [n, 3 * gates, 5]), d.finite(F, [n, 3 * gates, 3]), d.finite(F, [n, 6 * gates])], a


@case("Resize")
def _(d):
    mode = d.pick("nearest", "linear")
    return [d.finite(F, [1, 2, 4, 5]), np.array([], F), np.array([1, 1, d.pick(0.6, 2.0, 1.5), d.pick(0.8, 2.0)], F)], {"mode": mode, "coordinate_transformation_mode": d.pick("half_pixel", "asymmetric", "align_corners", "pytorch_half_pixel"), **({"nearest_mode": d.pick("floor", "ceil", "round_prefer_floor")} if mode == "nearest" else {})}


@case("ReverseSequence")
def _(d):
    return [d.finite(F, [4, 3, 2]), d.r.randint(1, 5, 3).astype(L)], {"time_axis": 0, "batch_axis": 1}


def same(a, b):
    if a.shape != b.shape or a.dtype != b.dtype:
        return False
    if a.dtype.kind != "f":
        return bool(np.array_equal(a, b)) or (a.dtype == np.uint8 and np.abs(a.astype(int) - b.astype(int)).max() <= 1)
    tolerance = {"float16": 2e-3, "float32": 2e-5, "float64": 1e-12}[str(a.dtype)]
    return bool(np.allclose(a, b, rtol=tolerance, atol=tolerance, equal_nan=True))


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--cases", type=int, default=20, help="per operator")
    parser.add_argument("--markdown", help="also write the table to this file")
    parser.add_argument("--driver", default=str(ROOT / "target/debug/examples/evaluate"))
    options = parser.parse_args()
    driver = subprocess.Popen([options.driver], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    table = collections.OrderedDict()
    session = ort.SessionOptions()
    session.log_severity_level = 4
    session.intra_op_num_threads = 1
    session.graph_optimization_level = ort.GraphOptimizationLevel.ORT_DISABLE_ALL
    with tempfile.TemporaryDirectory() as folder:
        folder = pathlib.Path(folder)
        for position, (name, make) in enumerate(CASES):
            row = table.setdefault(name, [0, 0, 0, ""])
            for nth in range(options.cases):
                op, inputs, attrs = make(Draw(1000 * position + nth))
                count = attrs.pop("outputs", 1)
                opset = 21 if op == "GroupNormalization" else 20
                names = [f"i{k}" for k in range(len(inputs))]
                node_inputs = ["" if op == "Resize" and k == 1 else n for k, n in enumerate(names)]
                inputs = [np.asarray(a) for a in inputs]
                node = helper.make_node(op, node_inputs, [f"o{k}" for k in range(count)], **attrs)
                graph = helper.make_graph(
                    [node], "case",
                    [helper.make_tensor_value_info(n, helper.np_dtype_to_tensor_dtype(a.dtype), a.shape) for n, a, used in zip(names, inputs, node_inputs) if used],
                    [helper.make_empty_tensor_value_info(f"o{k}") for k in range(count)],
                )
                model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)], ir_version=9)
                try:
                    wanted = ort.InferenceSession(model.SerializeToString(), session, providers=["CPUExecutionProvider"]).run(None, {n: a for n, a, used in zip(names, inputs, node_inputs) if used})
                except Exception:
                    row[2] += 1
                    continue
                onnx.save(model, folder / "m.onnx")
                np.savez(folder / "i.npz", **{n: a for n, a, used in zip(names, inputs, node_inputs) if used})
                driver.stdin.write(f"{folder}/m.onnx {folder}/i.npz {folder}/o.npz\n")
                driver.stdin.flush()
                answer = driver.stdout.readline().strip()
                if answer == "ok":
                    with np.load(folder / "o.npz") as got:
                        good = all(same(np.asarray(w), got[str(k)]) for k, w in enumerate(wanted))
                        if not good and not row[3]:
                            row[3] = f"case {nth}: {[str(a.dtype) + str(list(a.shape)) for a in inputs]} {attrs} want {[np.asarray(w).ravel()[:4].tolist() for w in wanted][:1]} got {[got[str(k)].ravel()[:4].tolist() for k in range(len(wanted))][:1]}"
                else:
                    good = False
                    row[3] = row[3] or answer
                row[0] += good
                row[1] += not good
    driver.stdin.close()
    lines = ["| operator | cases alike | differ | not run by ONNX Runtime |", "|---|---|---|---|"]
    for name, (good, bad, skipped, why) in sorted(table.items()):
        lines.append(f"| {name} | {good} | {bad} | {skipped} |")
        if bad:
            print(f"{name}: {bad} differ; {why}", file=sys.stderr)
    good, bad = sum(r[0] for r in table.values()), sum(r[1] for r in table.values())
    lines.append(f"| **{len(table)} operators** | **{good}** | **{bad}** | **{sum(r[2] for r in table.values())}** |")
    if options.markdown:
        pathlib.Path(options.markdown).write_text("\n".join(lines) + "\n")
    print("\n".join(lines))
    sys.exit(1 if bad else 0)


if __name__ == "__main__":
    main()
