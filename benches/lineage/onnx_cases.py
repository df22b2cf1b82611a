#!/usr/bin/env python3
"""Exports and quantizes models with the real tools, makes twins that are wrong
in one place, and asks `modelward prove` about all of them.

    pip install torch transformers safetensors onnx onnxscript onnxruntime onnxconverter-common
    python benches/lineage/onnx_cases.py --modelward target/debug/modelward

It works in a folder of its own (--keep DIR to look at it). Honest must be
proven, wrong must be refuted; the table counts both.
"""

import argparse
import collections
import glob
import json
import os
import pathlib
import shutil
import subprocess
import tempfile
import warnings

warnings.filterwarnings("ignore")
os.environ.setdefault("TRANSFORMERS_VERBOSITY", "error")

import numpy as np
import onnx
import torch
import torch.nn as nn
from onnx import numpy_helper as nh
from safetensors.torch import save_file

CASES = []  # (relation, name, source, target, honest)


# -- models --------------------------------------------------------------------


class Convolutions(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv1 = nn.Conv2d(3, 8, 3, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(8)
        self.conv2 = nn.Conv2d(8, 16, 3, stride=2, padding=1)
        self.bn2 = nn.BatchNorm2d(16)
        self.fc = nn.Linear(16 * 4 * 4, 10)

    def forward(self, x):
        x = torch.relu(self.bn1(self.conv1(x)))
        x = torch.relu(self.bn2(self.conv2(x)))
        return self.fc(nn.functional.avg_pool2d(x, 2).flatten(1))


class Layers(nn.Module):
    def __init__(self):
        super().__init__()
        self.a, self.b, self.c = nn.Linear(32, 64), nn.Linear(64, 64), nn.Linear(64, 8, bias=False)
        self.n = nn.LayerNorm(64)

    def forward(self, x):
        return self.c(torch.relu(self.n(self.b(torch.relu(self.a(x))))))


class Recurrent(nn.Module):
    def __init__(self):
        super().__init__()
        self.e = nn.Embedding(50, 16)
        self.r = nn.LSTM(16, 24, 2, batch_first=True, bidirectional=True)
        self.g = nn.GRU(48, 12, batch_first=True)
        self.o = nn.Linear(12, 3)

    def forward(self, x):
        y, _ = self.r(self.e(x))
        z, _ = self.g(y)
        return self.o(z[:, -1])


class Attention(nn.Module):
    def __init__(self):
        super().__init__()
        self.a, self.b = nn.Linear(32, 64, bias=False), nn.Linear(64, 8, bias=False)
        self.q = nn.MultiheadAttention(64, 4, batch_first=True)

    def forward(self, x):
        y = torch.tanh(self.a(x))
        y, _ = self.q(y, y, y)
        return self.b(y)


def transformer(name):
    import transformers as t

    small = dict(vocab_size=120, max_position_embeddings=64)
    layers = dict(hidden_size=32, num_hidden_layers=2, num_attention_heads=4, intermediate_size=48)
    if name == "bert":
        return t.BertForSequenceClassification(t.BertConfig(**small, **layers))
    if name == "distilbert":
        return t.DistilBertForSequenceClassification(t.DistilBertConfig(**small, dim=32, n_layers=2, n_heads=4, hidden_dim=48))
    if name == "gpt2":
        return t.GPT2LMHeadModel(t.GPT2Config(vocab_size=120, n_embd=32, n_layer=2, n_head=4, n_positions=64, use_cache=False))
    if name == "llama":
        return t.LlamaForCausalLM(t.LlamaConfig(**small, **layers, num_key_value_heads=2, use_cache=False))
    if name == "vit":
        return t.ViTForImageClassification(t.ViTConfig(**layers, image_size=16, patch_size=4, num_labels=5))
    model = t.ResNetForImageClassification(t.ResNetConfig(embedding_size=8, hidden_sizes=[8, 16], depths=[1, 1], num_labels=3))
    return model


def models():
    torch.manual_seed(0)
    ids, picture = torch.randint(0, 50, (2, 7)), torch.randn(2, 3, 16, 16)
    yield "convolutions", Convolutions(), (picture,)
    yield "layers", Layers(), (torch.randn(2, 32),)
    yield "recurrent", Recurrent(), (ids,)
    yield "attention", Attention(), (torch.randn(2, 5, 32),)
    for name in ["bert", "distilbert", "gpt2", "llama"]:
        yield name, transformer(name), (ids,)
    yield "vit", transformer("vit"), (picture,)
    yield "resnet", transformer("resnet"), (torch.randn(2, 3, 32, 32),)


def export(root):
    """Every model with the exports that the tools manage."""
    for name, model, example in models():
        with torch.no_grad():
            for p in model.parameters():
                p.add_(torch.randn_like(p) * 0.02)
            for m in model.modules():
                if isinstance(m, nn.BatchNorm2d):
                    m.running_mean.normal_(), m.running_var.uniform_(0.5, 2), m.weight.normal_(), m.bias.normal_()
        model.eval()
        folder = root / name
        source = folder / "source"
        source.mkdir(parents=True)
        if hasattr(model, "save_pretrained"):
            model.save_pretrained(source)
            kind = type(model)
            model.__class__ = type(kind.__name__, (kind,), {"forward": lambda self, *a, **k: kind.forward(self, *a, **k).logits})
        else:
            save_file({k: v.contiguous().clone() for k, v in model.state_dict().items()}, source / "model.safetensors")
        made = []
        for label, options in {
            "script17": dict(dynamo=False, opset_version=17, dynamic_axes={"x": {0: "batch"}}),
            "script13": dict(dynamo=False, opset_version=13),
            "script-plain": dict(dynamo=False, opset_version=17, do_constant_folding=False),
            "dynamo": dict(dynamo=True, opset_version=18, external_data=False),
            "dynamo-external": dict(dynamo=True, opset_version=20, external_data=True),
        }.items():
            place = folder / label
            place.mkdir()
            target = place / "model.onnx"
            try:
                torch.onnx.export(model, example, target, input_names=["x"], output_names=["y"], verbose=False, **options)
            except Exception as error:  # what a tool cannot do is no case
                print(f"  {name} {label}: not exported ({type(error).__name__})", flush=True)
                shutil.rmtree(place)
                continue
            made.append(place)
            CASES.append(("onnx-export", f"{name} {label}", source, place, True))
            for kind in ["ulp", "value", "swap", "extra", "metadata", "between"]:
                twin(place, source, kind, "onnx-export", f"{name} {label}")
        yield name, folder, made, example


# -- wrong in one place ---------------------------------------------------------


def tensors(model, learned=True):
    """Initializers that are learned, by what uses them."""
    users = collections.defaultdict(set)
    for node in model.graph.node:
        for name in node.input:
            users[name].add(node.op_type)
    for t in model.graph.initializer:
        a = nh.to_array(t)
        if learned and (a.dtype.kind not in "f" or a.size < 8 or len(np.unique(a)) < 5):
            continue
        yield t, a, users[t.name]


def weights(model):
    """Those that no table or mask is."""
    kinds = {"Conv", "Gemm", "MatMul", "LayerNormalization", "LSTM", "GRU"}
    return [(t, a) for t, a, users in tensors(model) if users & kinds or t.name.endswith((".weight", ".bias"))]


def put(t, a):
    t.CopyFrom(nh.from_array(np.ascontiguousarray(a), t.name))


def twin(place, source, kind, relation, label):
    target = place.parent / f"{place.name}-{kind}"
    shutil.copytree(place, target)
    file = target / "model.onnx"
    done = tamper(file, kind)
    if not done:
        shutil.rmtree(target)
        return
    CASES.append((relation, f"{label}: {kind}", source, target, False))


def tamper(file, kind):
    data = glob.glob(str(file) + ".data")
    model = onnx.load(str(file), load_external_data=True)
    learned = weights(model)
    if not learned:
        learned = [(t, a) for t, a, _ in tensors(model)]
    if kind == "between":
        if not data:
            return False
        raw = onnx.load(str(file), load_external_data=False)
        spans = []
        for t in raw.graph.initializer:
            e = {x.key: x.value for x in t.external_data}
            if e:
                spans.append((int(e.get("offset", 0)), int(e["length"])))
        spans.sort()
        gaps = [a + n for (a, n), (b, _) in zip(spans, spans[1:]) if a + n < b]
        if not gaps:
            with open(data[0], "ab") as f:
                f.write(b"\1")
        else:
            with open(data[0], "r+b") as f:
                f.seek(gaps[0])
                f.write(b"\1")
        return True
    if kind in ("ulp", "value"):
        if not learned:
            return False
        t, a = learned[len(learned) // 2]
        b = a.copy()
        flat = b.reshape(-1)
        if kind == "ulp":
            flat.view({2: np.int16, 4: np.int32}[b.itemsize])[flat.size // 2] ^= 1
        else:
            flat[flat.size // 3] += flat.dtype.type(0.5)
        put(t, b)
    elif kind == "swap":
        by = collections.defaultdict(list)
        for t, a in learned:
            by[a.shape].append((t, a))
        pairs = [v for s, v in by.items() if len(v) > 1 and len(s) > 1 and s[0] > 2]
        if not pairs:
            return False
        (t, a), (u, b) = pairs[0][:2]
        if np.array_equal(a, b):
            return False
        put(t, b), put(u, a)
    elif kind == "extra":
        model.graph.initializer.append(nh.from_array(np.random.RandomState(0).randn(40).astype(np.float32), "hidden"))
    elif kind == "metadata":
        model.metadata_props.add(key="trigger", value="aGlkZGVu")
    elif kind == "code":
        codes = [t for t in model.graph.initializer if t.data_type in (2, 3) and np.prod(t.dims) > 8]
        if not codes:
            return False
        t = codes[len(codes) // 2]
        a = nh.to_array(t).copy()
        flat = a.reshape(-1)
        at = int(np.argmin(np.abs(flat.astype(int) - int(np.median(flat)))))
        flat[at] += 1
        put(t, a)
    elif kind == "scale":
        scales = [t for t in model.graph.initializer if "weight" in t.name and t.name.endswith("_scale") or (t.name.endswith("_scale") and "MatMul" in t.name and "output" not in t.name)]
        if not scales:
            return False
        t = scales[0]
        a = nh.to_array(t).copy()
        a.reshape(-1)[:1].view(np.int32)[0] += 1
        put(t, a)
    elif kind == "zero":
        codes = [t for t in model.graph.initializer if t.name.endswith("_zero_point") and t.data_type in (2, 3)]
        codes = [t for t in codes if "output" not in t.name and not t.name.startswith("x")]
        if not codes:
            return False
        a = np.atleast_1d(nh.to_array(codes[0])).copy()
        a.reshape(-1)[0] += 1
        put(codes[0], a.reshape(tuple(codes[0].dims)))
    elif kind == "node":
        out = model.graph.output[0].name
        node = next(n for n in model.graph.node if out in n.output)
        at = list(node.output).index(out)
        node.output[at] = out + "_before"
        model.graph.node.append(onnx.helper.make_node("Identity" if False else "Neg", [out + "_before"], [out + "_neg"]))
        model.graph.node.append(onnx.helper.make_node("Neg", [out + "_neg"], [out]))
    elif kind == "attribute":
        for node in model.graph.node:
            for a in node.attribute:
                if a.name in ("epsilon", "axis", "strides", "alpha", "perm") and node.op_type not in ("DequantizeLinear", "QuantizeLinear"):
                    if a.type == onnx.AttributeProto.FLOAT:
                        a.f = a.f * 2
                        break
            else:
                continue
            break
        else:
            return False
    if data:
        os.remove(data[0])
        onnx.save(model, str(file), save_as_external_data=True, location=os.path.basename(data[0]), size_threshold=0)
    else:
        onnx.save(model, str(file))
    return True


# -- quantization ----------------------------------------------------------------


def quantize(name, folder, made, example):
    from onnxruntime.quantization import CalibrationDataReader, QuantFormat, QuantType, quantize_dynamic, quantize_static

    class Reader(CalibrationDataReader):
        def __init__(self):
            rng = np.random.RandomState(1)
            e = example[0].numpy()
            self.batches = iter(
                [{"x": e if e.dtype.kind == "i" else rng.randn(*e.shape).astype(np.float32)} for _ in range(3)]
            )

        def get_next(self):
            return next(self.batches, None)

    def done(place, label):
        CASES.append(("onnx-quantize", f"{name} {label}", source, place, True))
        for kind in ["code", "scale", "zero", "node", "attribute", "metadata", "extra", "ulp"]:
            twin(place, source, kind, "onnx-quantize", f"{name} {label}")

    for source in [p for p in made if p.name in ("script17", "dynamo")]:
        path = source / "model.onnx"
        recipes = {
            "dynamic-i8": lambda to: quantize_dynamic(path, to, weight_type=QuantType.QInt8),
            "dynamic-u8": lambda to: quantize_dynamic(path, to, weight_type=QuantType.QUInt8),
            "dynamic-i8-channels": lambda to: quantize_dynamic(path, to, weight_type=QuantType.QInt8, per_channel=True, reduce_range=True),
            "static-qdq": lambda to: quantize_static(path, to, Reader(), quant_format=QuantFormat.QDQ, weight_type=QuantType.QInt8),
            "static-qdq-channels": lambda to: quantize_static(path, to, Reader(), quant_format=QuantFormat.QDQ, per_channel=True, activation_type=QuantType.QUInt8, weight_type=QuantType.QInt8),
            "static-operators": lambda to: quantize_static(path, to, Reader(), quant_format=QuantFormat.QOperator, activation_type=QuantType.QUInt8, weight_type=QuantType.QUInt8),
        }
        for label, recipe in recipes.items():
            place = folder / f"{source.name}-{label}"
            place.mkdir()
            try:
                recipe(place / "model.onnx")
            except Exception as error:
                print(f"  {name} {source.name} {label}: not made ({type(error).__name__}: {str(error)[:80]})", flush=True)
                shutil.rmtree(place)
                continue
            done(place, f"{source.name} {label}")
        try:
            from onnxconverter_common import float16
        except ImportError:
            from onnxruntime.transformers import float16
        place = folder / f"{source.name}-half"
        place.mkdir()
        try:
            model = float16.convert_float_to_float16(onnx.load(path), keep_io_types=source.name == "dynamo")
            onnx.save(model, place / "model.onnx")
            done(place, f"{source.name} half")
        except Exception as error:
            print(f"  {name} {source.name} half: not made ({type(error).__name__}: {str(error)[:80]})", flush=True)
            shutil.rmtree(place)
        try:
            from onnxruntime.quantization.matmul_nbits_quantizer import MatMulNBitsQuantizer

            for label, symmetric in {"blocks": True, "blocks-asymmetric": False}.items():
                place = folder / f"{source.name}-{label}"
                place.mkdir()
                q = MatMulNBitsQuantizer(onnx.load(path), block_size=32, is_symmetric=symmetric)
                q.process()
                q.model.save_model_to_file(str(place / "model.onnx"))
                done(place, f"{source.name} {label}")
        except Exception as error:
            print(f"  {name} {source.name} blocks: not made ({type(error).__name__}: {str(error)[:80]})", flush=True)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--modelward", default="target/debug/modelward")
    parser.add_argument("--keep")
    parser.add_argument("--only", help="models whose name holds this")
    parser.add_argument("--make", action="store_true", help="make the cases and their list, ask nothing")
    arguments = parser.parse_args()
    root = pathlib.Path(arguments.keep or tempfile.mkdtemp(prefix="onnx-cases-"))
    listing = root / "cases.json"
    if listing.exists():
        cases = [tuple(c) for c in json.loads(listing.read_text())]
    else:
        for name, folder, made, example in export(root):
            quantize(name, folder, made, example)
            print(name, len(CASES), flush=True)
        cases = [(r, n, str(s), str(t), h) for r, n, s, t, h in CASES]
        listing.write_text(json.dumps(cases))
    if arguments.make:
        return
    table = collections.defaultdict(lambda: [0, 0, 0, 0])
    for relation, name, source, target, honest in cases:
        if arguments.only and arguments.only not in name:
            continue
        run = subprocess.run(
            [arguments.modelward, "prove", source, target, "--as", relation, "--format", "json"],
            capture_output=True,
            text=True,
        )
        right = run.returncode == (0 if honest else 1)
        row = table[relation, "honest" if honest else "wrong"]
        row[0] += 1
        row[1] += right
        if not right:
            try:
                answer = json.loads(run.stdout)
                why = answer.get("grade"), (answer.get("reasons") or [""])[0][:230]
            except ValueError:
                why = run.stderr[-200:]
            print(f"{'honest' if honest else 'WRONG '} exit {run.returncode}  {relation}  {name}: {why}", flush=True)
    for (relation, kind), (count, right, *_) in sorted(table.items()):
        print(f"{relation:15} {kind:7} {right:4} of {count:4} right")
    if not arguments.keep:
        shutil.rmtree(root)


main()
