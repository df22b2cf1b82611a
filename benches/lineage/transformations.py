#!/usr/bin/env python3
"""Makes transformations with the real tools, each with twins that are wrong in
one place, and asks `modelward prove` about all of them.

    pip install torch transformers safetensors flax peft ml_dtypes
    python benches/lineage/transformations.py --modelward target/debug/modelward

Nothing that it writes is kept: it works in a folder of its own (--keep DIR to
look at it). Honest must be proven, wrong must be refuted; the table counts both.
"""

import argparse
import copy
import json
import pathlib
import shutil
import struct
import subprocess
import sys
import tempfile
import zipfile

import numpy as np
import torch
from safetensors.torch import load_file, save_file, save_model

CASES = []  # (group, name, [sources], target, args, honest)


def case(group, name, sources, target, honest, relation=None, claim=None):
    CASES.append((group, name, [str(s) for s in sources], str(target), relation, claim, honest))


# -- wrong in one place ------------------------------------------------------


def flip_ulp(tensor, index=-1):
    """The neighbouring number of one element, whatever its type."""
    bits = {1: torch.uint8, 2: torch.int16, 4: torch.int32, 8: torch.int64}[tensor.element_size()]
    out = tensor.clone().contiguous()
    flat = out.view(-1).view(bits)
    flat[index] ^= 1
    return out


def tampered(state, kind):
    """A copy of a state dictionary with one thing wrong."""
    out = dict(state)
    names = [n for n, t in out.items() if t.is_floating_point() and t.numel() > 4]
    name = names[len(names) // 2]
    if kind == "ulp":
        out[name] = flip_ulp(out[name])
    elif kind == "first":
        out[names[0]] = flip_ulp(out[names[0]], 0)
    elif kind == "swap":
        for a in names:
            b = next((b for b in names if b != a and out[b].shape == out[a].shape and not torch.equal(out[a], out[b])), None)
            if b:
                out[a], out[b] = out[b], out[a]
                return out
        return None
    elif kind == "missing":
        del out[name]
    elif kind == "extra":
        out["hidden.weight"] = torch.zeros(3)
    elif kind == "renamed":
        out[name + "_"] = out.pop(name)
    elif kind == "shape":
        name = next(n for n in names if out[n].dim() > 1)
        out[name] = out[name].reshape(-1)
    elif kind == "negzero":
        zero = next((n for n in names if (out[n] == 0).any()), None)
        if zero is None:
            return None
        copy_ = out[zero].clone()
        flat = copy_.view(-1)
        flat[(flat == 0).nonzero()[0]] = -0.0
        out[zero] = copy_
    elif kind == "nan":
        copy_ = out[name].clone()
        copy_.view(-1)[0] = float("nan")
        out[name] = copy_
    return out


KINDS = ["ulp", "first", "swap", "missing", "extra", "renamed", "shape", "negzero", "nan"]


def patch(source, target, offset, byte=None, xor=1):
    data = bytearray(pathlib.Path(source).read_bytes())
    data[offset] = byte if byte is not None else data[offset] ^ xor
    pathlib.Path(target).write_bytes(data)


def append(source, target, extra=b"\0"):
    pathlib.Path(target).write_bytes(pathlib.Path(source).read_bytes() + extra)


# -- formats -----------------------------------------------------------------


def save(state, path):
    path = pathlib.Path(path)
    if path.suffix == ".safetensors":
        save_file({k: v.contiguous() for k, v in state.items()}, path, metadata={"format": "pt"})
    elif path.suffix == ".npz":
        np.savez(path, **{k: v.numpy() for k, v in state.items()})
    elif path.name.endswith(".packed"):
        np.savez_compressed(str(path) + ".npz", **{k: v.numpy() for k, v in state.items()})
        pathlib.Path(str(path) + ".npz").rename(path)
    elif path.name.endswith("legacy.pt"):
        torch.save(state, path, _use_new_zipfile_serialization=False)
    elif path.suffix == ".msgpack":
        import flax.serialization

        tree = {}
        for key, value in state.items():
            here = tree
            *way, last = key.split(".")
            for part in way:
                here = here.setdefault(part, {})
            here[last] = value.numpy()
        path.write_bytes(flax.serialization.to_bytes(tree))
    elif path.name.endswith("flat.mp"):
        import flax.serialization

        path.write_bytes(flax.serialization.to_bytes({k: v.numpy() for k, v in state.items()}))
    else:
        torch.save(state, path)
    return path


def network():
    torch.manual_seed(7)
    state = {}
    for i in range(3):
        state[f"layers.{i}.q.weight"] = torch.randn(24, 16)
        state[f"layers.{i}.k.weight"] = torch.randn(24, 16)
        state[f"layers.{i}.norm.weight"] = torch.ones(16)
        state[f"layers.{i}.norm.bias"] = torch.zeros(16)
    state["embed.weight"] = torch.randn(50, 16) * 0.02
    state["steps"] = torch.tensor(7)
    state["mask"] = torch.tensor([True, False, True])
    state["half"] = torch.randn(33).half()
    return state


def formats(root):
    state = network()
    names = ["a.pt", "a.legacy.pt", "a.safetensors", "a.npz", "a.packed", "a.msgpack", "a.flat.mp"]
    honest = {n: save(state, root / n) for n in names}
    for i, a in enumerate(names):
        for j, b in enumerate(names):
            if a == b:
                continue
            case("format", f"{a} to {b}", [honest[a]], honest[b], True, "format" if (i + j) % 2 else None)
    for i, b in enumerate(names):
        for kind in KINDS:
            wrong = tampered(state, kind)
            if wrong is None:
                continue
            target = save(wrong, root / f"{kind}-{b}")
            case("format", f"{kind} in {b}", [honest[names[i - 1]]], target, False, "format" if i % 2 else None)
    # Views, strides and ties.
    base = torch.randn(20, 12)
    views = {"t": base.t(), "part": base[3:9], "column": base[:, 2], "every": base[::2], "wide": torch.randn(1, 8).expand(4, 8)}
    for suffix in ["pt", "legacy.pt"]:
        source = save(views, root / f"views.{suffix}")
        target = save({k: v.contiguous() for k, v in views.items()}, root / f"views.{suffix}.safetensors")
        case("format", f"views {suffix}", [source], target, True)
        save({k: v.clone() for k, v in views.items()}, root / f"plain.{suffix}")
        case("format", f"views to plain {suffix}", [source], root / f"plain.{suffix}", True)
        wrong = {k: v.contiguous() for k, v in views.items()}
        wrong["t"] = views["t"].contiguous().flip(0)
        case("format", f"views {suffix} flipped", [source], save(wrong, root / f"flipped.{suffix}.safetensors"), False)
    class Tied(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.embed = torch.nn.Embedding(10, 6)
            self.head = torch.nn.Linear(6, 10, bias=False)
            self.head.weight = self.embed.weight

    tied = Tied()
    torch.save(tied.state_dict(), root / "tied.pt")
    save_model(tied, str(root / "tied.safetensors"))
    case("tied", "tied.pt to safetensors", [root / "tied.pt"], root / "tied.safetensors", True)
    untied = {k: v.detach().clone() for k, v in tied.state_dict().items()}
    torch.save(untied, root / "untied.pt")
    case("tied", "dropped without a tie", [root / "untied.pt"], root / "tied.safetensors", False)
    zeros = {"a.bias": torch.zeros(4), "b.bias": torch.zeros(4), "w": torch.randn(4, 4)}
    torch.save(zeros, root / "zeros.pt")
    case("tied", "a bias dropped", [root / "zeros.pt"], save({k: v for k, v in zeros.items() if k != "b.bias"}, root / "zeros.safetensors"), False)
    # Nested dictionaries, prefixes, whole modules.
    torch.save({"state_dict": state, "epoch": 3, "optimizer": {"state": {0: {"m": torch.ones(3)}}}}, root / "checkpoint.pt")
    case("format", "checkpoint", [root / "checkpoint.pt"], honest["a.safetensors"], True)
    prefixed = {f"module.{k}": v for k, v in state.items()}
    source = save(prefixed, root / "module.pt")
    case("format", "prefix", [source], honest["a.safetensors"], True, None, {"relation": "format", "prefix_removed": "module."})
    case("format", "other prefix", [source], honest["a.safetensors"], False, None, {"relation": "format", "prefix_removed": "model."})
    case("format", "no prefix", [honest["a.pt"]], honest["a.safetensors"], False, None, {"relation": "format", "prefix_removed": "module."})
    # 16-bit and 8-bit floats in npz.
    import ml_dtypes

    small = {"w": torch.randn(16, 8).to(torch.bfloat16), "v": torch.randn(9)}
    source = save(small, root / "bf16.safetensors")
    bits = {"w": small["w"].view(torch.int16).numpy().view(np.uint16), "v": small["v"].numpy()}
    np.savez(root / "bits.npz", **bits)
    case("format", "bf16 as uint16", [source], root / "bits.npz", True, None, {"relation": "format", "stored": "uint16"})
    case("format", "bf16 as uint16, said int8", [source], root / "bits.npz", False, None, {"relation": "format", "stored": "int8"})
    np.savez(root / "raw.npz", w=bits["w"].view(ml_dtypes.bfloat16), v=bits["v"])
    case("format", "bf16 as ml_dtypes", [source], root / "raw.npz", True)
    bits["w"] = bits["w"].copy()
    bits["w"][3, 3] ^= 1
    np.savez(root / "bits-wrong.npz", **bits)
    case("format", "bf16 as uint16 wrong", [source], root / "bits-wrong.npz", False)
    # numpy order and byte order
    f = {"w": np.asfortranarray(np.random.default_rng(1).normal(size=(7, 5)).astype(np.float32)), "b": np.arange(6, dtype=">f4")}
    np.savez(root / "order.npz", **f)
    case("format", "column order, big endian", [root / "order.npz"], save({k: torch.from_numpy(np.ascontiguousarray(v).astype("<f4")) for k, v in f.items()}, root / "order.safetensors"), True)
    np.save(root / "one.npy", f["w"])
    case("format", "one array", [root / "one.npy"], save({"one": torch.from_numpy(np.ascontiguousarray(f["w"]))}, root / "one.safetensors"), True)


def hidden_bytes(root):
    state = network()
    a = save(state, root / "a.pt")
    st = save(state, root / "a.safetensors")
    npz = save(state, root / "a.npz")
    legacy = save(state, root / "a.legacy.pt")
    pack = save(state, root / "a.msgpack")
    for path in [a, st, npz, legacy, pack]:
        target = path.with_name("tail-" + path.name)
        append(path, target, b"\x01")
        case("hidden", f"a byte after {path.name}", [st if path != st else a], target, False)
    data = st.read_bytes()
    (header,) = struct.unpack("<Q", data[:8])
    text = data[8 : 8 + header]
    # A hole between header and tensors: offsets moved on by eight.
    index = json.loads(text)
    for key, value in index.items():
        if key != "__metadata__":
            value["data_offsets"] = [o + 8 for o in value["data_offsets"]]
    moved = json.dumps(index, separators=(",", ":")).encode()
    moved += b" " * (-len(moved) % 8)
    hole = root / "hole.safetensors"
    hole.write_bytes(struct.pack("<Q", len(moved)) + moved + b"secretpw" + data[8 + header :])
    case("hidden", "a hole in safetensors", [a], hole, False)
    pad = root / "pad.safetensors"
    if text.rstrip(b" ") != text:
        body = bytearray(data)
        body[8 + header - 1] = ord("\t")
        pad.write_bytes(body)
        case("hidden", "header padding of safetensors", [a], pad, False)
    else:
        longer = text + b"   \t    "
        pad.write_bytes(struct.pack("<Q", len(longer)) + longer + data[8 + header :])
        case("hidden", "header padding of safetensors", [a], pad, False)
    save_file({k: v.contiguous() for k, v in state.items()}, root / "meta.safetensors", metadata={"format": "pt", "note": "x"})
    case("metadata", "a note added", [st], root / "meta.safetensors", False)
    save_file({k: v.contiguous() for k, v in state.items()}, root / "tf.safetensors", metadata={"format": "tf"})
    case("metadata", "format tf", [st], root / "tf.safetensors", False)
    case("metadata", "format tf from pt", [a], root / "tf.safetensors", False)
    save_file({k: v.contiguous() for k, v in state.items()}, root / "none.safetensors")
    case("metadata", "no metadata", [a], root / "none.safetensors", True)
    # PyTorch zip: the padding that aligns storages, and members nobody reads.
    body = bytearray(a.read_bytes())
    at = body.find(b"FB", body.find(b"data/0"))
    where = body.find(b"ZZZZ", at)
    if where > 0:
        patch(a, root / "padding.pt", where + 1, byte=0x41)
        case("hidden", "padding of a PyTorch zip", [st], root / "padding.pt", False)
    shutil.copy(a, root / "member.pt")
    with zipfile.ZipFile(root / "member.pt", "a") as z:
        z.writestr("a/extra.bin", b"hidden")
    case("hidden", "a member of a PyTorch zip", [st], root / "member.pt", False)
    shutil.copy(a, root / "comment.pt")
    with zipfile.ZipFile(root / "comment.pt", "a") as z:
        z.comment = b"hidden"
    case("hidden", "a comment of a PyTorch zip", [st], root / "comment.pt", False)
    big = torch.zeros(100)
    big[50:] = torch.arange(50)
    torch.save({**state, "half": state["half"], "x": big[:50]}, root / "view.pt")
    case("hidden", "a storage with more than its view", [save({**state, "x": big[:50].clone()}, root / "viewed.safetensors")], root / "view.pt", False)
    with zipfile.ZipFile(npz) as z, zipfile.ZipFile(root / "member.npz", "w") as out:
        for info in z.infolist():
            out.writestr(info, z.read(info))
        out.writestr("note.txt", b"hidden")
    case("hidden", "a member of an npz", [st], root / "member.npz", False)
    body = npz.read_bytes()
    at = body.find(b"\x93NUMPY")
    where = body.find(b"  ", at)
    patch(npz, root / "header.npz", where, byte=ord("\t"))
    case("hidden", "header padding in an npz", [st], root / "header.npz", False)
    np.save(root / "w.npy", state["embed.weight"].numpy())
    append(root / "w.npy", root / "w-tail.npy", b"\x01")
    case("hidden", "a byte after an npy", [save({"w": state["embed.weight"]}, root / "w.safetensors")], root / "w-tail.npy", False)


# -- casts -------------------------------------------------------------------


def casts(root):
    torch.manual_seed(3)
    special = torch.tensor([0.0, -0.0, 1e-8, -1e-8, 6e-8, 65504.0, 65520.0, 1e30, float("inf"), -float("inf"), float("nan"), 448.0, 464.0, 465.0, 1e-40])
    types = {"f64": torch.float64, "f32": torch.float32, "f16": torch.float16, "bf16": torch.bfloat16, "e4m3": torch.float8_e4m3fn, "e5m2": torch.float8_e5m2}
    base = {"w": torch.randn(64, 48, dtype=torch.float64) * 3, "b": torch.cat([special.double(), torch.randn(100, dtype=torch.float64) * 1e-5]), "i": torch.arange(5)}
    for a, from_type in types.items():
        origin = {k: v.to(from_type) if v.is_floating_point() else v for k, v in base.items()}
        source = save(origin, root / f"{a}.safetensors" if a not in ("f32",) else root / f"{a}.pt")
        for b, to_type in types.items():
            if a == b:
                continue
            made = {k: v.to(to_type) if v.is_floating_point() else v for k, v in origin.items()}
            target = save(made, root / f"{a}-{b}.safetensors")
            case("cast", f"{a} to {b}", [source], target, True, "cast" if b != "f16" else None)
            wrong = dict(made)
            wrong["w"] = flip_ulp(made["w"], 77)
            case("cast", f"{a} to {b} one ulp", [source], save(wrong, root / f"{a}-{b}-ulp.safetensors"), False, "cast" if b != "f16" else None)
    f32 = {"w": torch.randn(300, 20), "n": torch.ones(20)}
    source = save(f32, root / "x.safetensors")
    bf16 = {k: v.bfloat16() for k, v in f32.items()}
    target = save(bf16, root / "x-bf16.safetensors")
    cut = {k: (v.view(torch.int32) >> 16).to(torch.int16).view(torch.bfloat16) for k, v in f32.items()}
    truncated = save(cut, root / "x-cut.safetensors")
    case("cast", "truncated", [source], truncated, False, "cast")
    case("cast", "truncated, no relation", [source], truncated, False)
    case("cast", "claimed bf16", [source], target, True, None, {"relation": "cast", "dtype": "bfloat16", "rounding": "nearest-even"})
    case("cast", "claimed f16", [source], target, False, None, {"relation": "cast", "dtype": "float16"})
    case("cast", "claimed truncation", [source], target, False, None, {"relation": "cast", "dtype": "bf16", "rounding": "toward-zero"})
    case("cast", "truncation as claimed", [source], truncated, True, None, {"relation": "cast", "dtype": "bf16", "rounding": "toward-zero"})
    bits = {k: v.view(torch.int16).numpy().view(np.uint16) for k, v in bf16.items()}
    np.savez(root / "x.npz", **bits)
    case("cast", "bf16 stored as uint16", [source], root / "x.npz", True, None, {"relation": "cast", "dtype": "bf16", "stored": "uint16"})
    wide = save({k: v.float() for k, v in bf16.items()}, root / "x-wide.safetensors")
    case("cast", "bf16 stored as f32", [source], wide, True, None, {"relation": "cast", "dtype": "bf16", "stored": "float32"})
    mixed = {"w": f32["w"].half(), "n": f32["n"]}
    case("cast", "norms kept", [source], save(mixed, root / "mixed.safetensors"), True, "cast")
    for kind in ["swap", "missing", "extra", "shape"]:
        wrong = tampered({**bf16, "w2": torch.randn(300, 20).bfloat16()}, kind)
        case("cast", f"bf16 {kind}", [save({**f32, "w2": wrong.get("w2", f32["w"]).float() if kind != "swap" else f32["w"] * 2}, root / f"x-{kind}.safetensors")], save(wrong, root / f"x-{kind}-bf16.safetensors"), False, "cast")


# -- transformers ------------------------------------------------------------


def models(root):
    from transformers import BertConfig, BertModel, GPT2Config, GPT2LMHeadModel, LlamaConfig, LlamaForCausalLM

    torch.manual_seed(11)
    llama = LlamaForCausalLM(LlamaConfig(vocab_size=96, hidden_size=32, intermediate_size=48, num_hidden_layers=4, num_attention_heads=4, num_key_value_heads=2, max_position_embeddings=64))
    gpt2 = GPT2LMHeadModel(GPT2Config(vocab_size=96, n_embd=32, n_layer=2, n_head=4, n_positions=64))
    bert = BertModel(BertConfig(vocab_size=96, hidden_size=32, num_hidden_layers=2, num_attention_heads=4, intermediate_size=48, max_position_embeddings=64))
    for name, model in [("llama", llama), ("gpt2", gpt2), ("bert", bert)]:
        model = model.eval()
        model.save_pretrained(root / name)
        torch.save(model.state_dict(), root / f"{name}.bin")
        case("transformers", f"{name} bin to folder", [root / f"{name}.bin"], root / name, True, "format")
        model.save_pretrained(root / f"{name}-shards", max_shard_size="20KB")
        case("reshard", f"{name} to shards", [root / name], root / f"{name}-shards", True, "reshard")
        case("reshard", f"{name} from shards", [root / f"{name}-shards"], root / name, True)
        half = copy.deepcopy(model).half()
        half.save_pretrained(root / f"{name}-half")
        case("cast", f"{name} half", [root / name], root / f"{name}-half", True, "cast")
        copy.deepcopy(model).bfloat16().save_pretrained(root / f"{name}-bf16")
        case("cast", f"{name} bf16", [root / name], root / f"{name}-bf16", True)
        for what in ["weight", "config", "index", "swap", "code", "total"]:
            twin = root / f"{name}-{what}"
            shutil.copytree(root / f"{name}-shards", twin)
            shards = sorted(twin.glob("*.safetensors"))
            if what in ("weight", "swap"):
                state = load_file(shards[1])
                state = tampered(state, "ulp" if what == "weight" else "swap")
                if state is None:
                    continue
                save_file(state, shards[1], metadata={"format": "pt"})
            elif what == "config":
                config = json.loads((twin / "config.json").read_text())
                key = "rms_norm_eps" if "rms_norm_eps" in config else next(k for k in config if "eps" in k)
                config[key] = 1e-4
                (twin / "config.json").write_text(json.dumps(config))
            elif what in ("index", "total"):
                index = json.loads((twin / "model.safetensors.index.json").read_text())
                if what == "total":
                    index["metadata"]["total_size"] += 2
                else:
                    first = next(iter(index["weight_map"]))
                    index["weight_map"][first] = shards[-1].name if index["weight_map"][first] != shards[-1].name else shards[0].name
                (twin / "model.safetensors.index.json").write_text(json.dumps(index))
            elif what == "code":
                (twin / "modeling_x.py").write_text("import os\n")
            case("reshard", f"{name} {what}", [root / name], twin, False, "reshard" if what != "swap" else None)
        twin = root / f"{name}-half-wrong"
        shutil.copytree(root / f"{name}-half", twin)
        file = twin / "model.safetensors"
        save_file(tampered(load_file(file), "ulp"), file, metadata={"format": "pt"})
        case("cast", f"{name} half wrong", [root / name], twin, False, "cast")
        archive = shutil.make_archive(str(root / f"{name}-packed"), "zip", root / name)
        case("repackage", f"{name} zip", [root / name], archive, True, "repackage")
        archive = shutil.make_archive(str(root / f"{name}-packed"), "tar", root / name)
        case("repackage", f"{name} tar", [root / name], archive, True, "repackage")
        archive = shutil.make_archive(str(root / f"{name}-wrong"), "tar", twin)
        case("repackage", f"{name} tar wrong", [root / f"{name}-half"], archive, False, "repackage")
        tuned(root, name, model)
        pruned(root, name, model)
    adapters(root, llama, gpt2, root)
    merges(root, llama)
    tokenizers(root, llama)


def fresh(root, name):
    path = root / name
    if path.exists():
        shutil.rmtree(path)
    return path


def tuned(root, name, model):
    """Trained for a few steps with a frozen part."""
    tuned = copy.deepcopy(model).train()
    names = [n for n, _ in tuned.named_parameters()]
    frozen = [n for n in names if ".0." in n]
    for n, p in tuned.named_parameters():
        p.requires_grad = n not in frozen
    optimizer = torch.optim.AdamW([p for p in tuned.parameters() if p.requires_grad], lr=1e-3)
    ids = torch.randint(0, 90, (4, 16))
    for _ in range(3):
        out = tuned(input_ids=ids, labels=ids) if name != "bert" else tuned(input_ids=ids)
        loss = out.loss if name != "bert" else out.last_hidden_state.pow(2).mean()
        loss.backward()
        optimizer.step()
        optimizer.zero_grad()
    target = fresh(root, f"{name}-tuned")
    tuned.eval().save_pretrained(target)
    pattern = frozen[0].split(".0.")[0] + ".0"
    case("finetune", f"{name}", [root / name], target, True, "finetune")
    case("finetune", f"{name}, found", [root / name], target, True)
    case("finetune", f"{name} frozen", [root / name], target, True, None, {"relation": "finetune", "frozen": [pattern]})
    case("finetune", f"{name} frozen names", [root / name], target, True, None, {"relation": "finetune", "frozen": frozen})
    case("finetune", f"{name} said frozen", [root / name], target, False, None, {"relation": "finetune", "frozen": [pattern.replace(".0", ".1")]})
    state = load_file(target / "model.safetensors")
    for what in ["frozen", "swap", "extra", "missing", "nan"]:
        wrong = dict(state)
        if what == "frozen":
            wrong[frozen[-1]] = flip_ulp(state[frozen[-1]])
        elif what == "swap":
            pair = [n for n in names if n in state and n not in frozen and "weight" in n and state[n].dim() == 2]
            a, b = next(((a, b) for a in pair for b in pair if a < b and state[a].shape == state[b].shape), (None, None))
            if a is None:
                continue
            wrong[a], wrong[b] = state[b], state[a]
        else:
            wrong = tampered(state, what)
        twin = root / f"{name}-tuned-{what}"
        shutil.copytree(target, twin)
        save_file(wrong, twin / "model.safetensors", metadata={"format": "pt"})
        case("finetune", f"{name} {what}", [root / name], twin, False, None, {"relation": "finetune", "frozen": [pattern]})
    # One number of the base changed is no fine-tune.
    twin = root / f"{name}-pin"
    shutil.copytree(root / name, twin)
    save_file(tampered(load_file(twin / "model.safetensors"), "ulp"), twin / "model.safetensors", metadata={"format": "pt"})
    case("finetune", f"{name} one number", [root / name], twin, False)


def pruned(root, name, model):
    from torch.nn.utils import prune

    def linears(m):
        return [x for x in m.modules() if isinstance(x, torch.nn.Linear) and x.out_features != 96]

    if not linears(model):
        return
    for method in ["magnitude", "random", "global", "rows", "2:4"]:
        made = copy.deepcopy(model)
        layers = linears(made)
        claim = {"relation": "prune", "fraction": 0.3, "scope": "local", "criterion": method}
        if method == "magnitude":
            for layer in layers:
                prune.l1_unstructured(layer, "weight", 0.3)
        elif method == "random":
            for layer in layers:
                prune.random_unstructured(layer, "weight", 0.3)
        elif method == "global":
            prune.global_unstructured([(x, "weight") for x in layers], pruning_method=prune.L1Unstructured, amount=0.3)
            claim |= {"scope": "global", "criterion": "magnitude"}
        elif method == "rows":
            for layer in layers:
                prune.ln_structured(layer, "weight", 0.25, n=2, dim=0)
            claim |= {"fraction": 0.25, "criterion": "structured"}
        else:
            for layer in layers:
                w = layer.weight.data
                groups = w.view(-1, 4)
                drop = groups.abs().argsort(1)[:, :2]
                groups.scatter_(1, drop, 0.0)
            claim = {"relation": "prune", "pattern": "2:4", "criterion": "magnitude", "fraction": 0.5}
        if method == "magnitude":
            torch.save(made.state_dict(), root / f"{name}-masks.pt")
            case("prune", f"{name} masks kept", [root / f"{name}.bin"], root / f"{name}-masks.pt", True, "prune")
        for layer in layers:
            if prune.is_pruned(layer):
                prune.remove(layer, "weight")
        tag = method.replace(":", "")
        target = fresh(root, f"{name}-pruned-{tag}")
        made.save_pretrained(target)
        case("prune", f"{name} {method}", [root / name], target, True, None, claim)
        case("prune", f"{name} {method}, found", [root / name], target, True)
        state = load_file(target / "model.safetensors")
        key = next(k for k in state if state[k].dim() == 2 and (state[k] == 0).sum() > 20)
        kept = (state[key].view(-1) != 0).nonzero()[-1].item()
        wrong = {**state, key: flip_ulp(state[key], kept)}
        twin = root / f"{name}-pruned-{tag}-wrong"
        shutil.copytree(target, twin)
        save_file(wrong, twin / "model.safetensors", metadata={"format": "pt"})
        case("prune", f"{name} {method} survivor", [root / name], twin, False, None, claim)
        case("prune", f"{name} {method} survivor, found", [root / name], twin, False)
        case("prune", f"{name} {method} fraction", [root / name], target, False, None, {**claim, "fraction": 0.6})
        if method == "random":
            case("prune", f"{name} {method} criterion", [root / name], target, False, None, {**claim, "criterion": "magnitude"})
            case("prune", f"{name} {method} pattern", [root / name], target, False, None, {"relation": "prune", "pattern": "2:4"})
    if name == "llama":
        made = copy.deepcopy(model)
        del made.model.layers[1]
        made.config.num_hidden_layers = 3
        for i, layer in enumerate(made.model.layers):
            layer.self_attn.layer_idx = i
        target = fresh(root, "llama-layers")
        made.save_pretrained(target)
        case("prune", "llama layers", [root / name], target, True, None, {"relation": "prune", "removed_layers": [1]})
        case("prune", "llama layers, found", [root / name], target, True)
        case("prune", "llama other layers", [root / name], target, False, None, {"relation": "prune", "removed_layers": [2]})
        twin = root / "llama-layers-wrong"
        shutil.copytree(target, twin)
        save_file(tampered(load_file(twin / "model.safetensors"), "ulp"), twin / "model.safetensors", metadata={"format": "pt"})
        case("prune", "llama layers wrong", [root / name], twin, False, None, {"relation": "prune", "removed_layers": [1]})


def adapters(root, llama, gpt2, _):
    from peft import LoraConfig, get_peft_model

    plans = [
        ("plain", llama, torch.float32, dict(r=4, lora_alpha=8, target_modules=["q_proj", "v_proj"])),
        ("odd", llama, torch.float32, dict(r=7, lora_alpha=11, target_modules=["q_proj", "down_proj"])),
        ("rslora", llama, torch.float32, dict(r=8, lora_alpha=16, use_rslora=True, target_modules=["q_proj", "o_proj", "gate_proj"])),
        ("bf16", llama, torch.bfloat16, dict(r=4, lora_alpha=6, target_modules=["k_proj", "up_proj"])),
        ("f16", llama, torch.float16, dict(r=4, lora_alpha=6, target_modules="all-linear")),
        ("patterns", llama, torch.float32, dict(r=4, lora_alpha=8, target_modules=["q_proj", "v_proj"], rank_pattern={"v_proj": 2}, alpha_pattern={"layers.1.self_attn.q_proj": 3})),
        ("saved", llama, torch.float32, dict(r=4, lora_alpha=8, target_modules=["q_proj"], modules_to_save=["lm_head"])),
        ("conv1d", gpt2, torch.float32, dict(r=4, lora_alpha=8, target_modules=["c_attn", "c_proj"], fan_in_fan_out=True)),
        ("embedding", gpt2, torch.float32, dict(r=4, lora_alpha=8, target_modules=["wpe", "c_fc"], fan_in_fan_out=True)),
        ("bias", gpt2, torch.float32, dict(r=4, lora_alpha=8, target_modules=["c_attn"], fan_in_fan_out=True, bias="lora_only")),
        ("dora", llama, torch.float32, dict(r=4, lora_alpha=8, use_dora=True, target_modules=["q_proj"])),
    ]
    for name, model, dtype, options in plans:
        torch.manual_seed(5)
        base = copy.deepcopy(model).to(dtype)
        home = fresh(root, f"lora-{name}-base")
        base.save_pretrained(home)
        peft = get_peft_model(base, LoraConfig(task_type="CAUSAL_LM", **options))
        for n, p in peft.named_parameters():
            if p.requires_grad:
                p.data = (torch.randn(p.shape) * 0.05).to(p.dtype) if "magnitude" not in n else p.data * 1.1
        adapter = fresh(root, f"lora-{name}-adapter")
        peft.save_pretrained(adapter)
        merged = peft.merge_and_unload()
        target = fresh(root, f"lora-{name}-merged")
        merged.save_pretrained(target)
        sources = [home, adapter]
        if name == "dora":
            case("adapter-merge", "dora as lora", sources, target, False, None, {"relation": "adapter-merge", "kind": "lora"})
            continue
        claim = {"relation": "adapter-merge", "base": str(home), "adapter": str(adapter), "kind": "rslora" if name == "rslora" else "lora", "r": options["r"], "alpha": options["lora_alpha"], "rslora": name == "rslora"}
        case("adapter-merge", name, sources, target, True, "adapter-merge")
        case("adapter-merge", f"{name}, found", sources, target, True)
        case("adapter-merge", f"{name} claimed", [home], target, True, None, claim)
        case("adapter-merge", f"{name} false r", [home], target, False, None, {**claim, "r": 16})
        case("adapter-merge", f"{name} false alpha", [home], target, False, None, {**claim, "alpha": 99})
        case("adapter-merge", f"{name} not merged", sources, home, False, "adapter-merge")
        state = load_file(target / "model.safetensors")
        before = load_file(home / "model.safetensors")
        touched = [k for k in state if k in before and not torch.equal(state[k], before[k])]
        same = [k for k in state if k in before and torch.equal(state[k], before[k]) and state[k].numel() > 8]
        wrongs = {
            "value": {**state, touched[-1]: nudge(state[touched[-1]])},
            "untouched": {**state, same[-1]: flip_ulp(state[same[-1]])},
            "twice": {**state, touched[0]: state[touched[0]] + (state[touched[0]] - before[touched[0]])},
            "undone": {**state, touched[0]: before[touched[0]]},
        }
        for what, wrong in wrongs.items():
            twin = root / f"lora-{name}-{what}"
            shutil.copytree(target, twin)
            save_file({k: v.contiguous() for k, v in wrong.items()}, twin / "model.safetensors", metadata={"format": "pt"})
            case("adapter-merge", f"{name} {what}", sources, twin, False, "adapter-merge")


def nudge(tensor):
    """One number moved by four of its units."""
    out = tensor.clone()
    bits = {2: torch.int16, 4: torch.int32}[out.element_size()]
    out.view(-1).view(bits)[out.numel() // 2] += 4
    return out


def merges(root, llama):
    def sibling(seed, dtype):
        torch.manual_seed(seed)
        other = copy.deepcopy(llama)
        for p in other.parameters():
            p.data += torch.randn(p.shape) * 0.01
        return other.to(dtype)

    for dtype in [torch.float32, torch.bfloat16]:
        tag = "f32" if dtype == torch.float32 else "bf16"
        homes, states = [], []
        for seed in range(3):
            home = fresh(root, f"merge-{tag}-{seed}")
            sibling(seed, dtype).save_pretrained(home)
            homes.append(home)
            states.append(load_file(home / "model.safetensors"))
        a, b, c = states

        def slerp(t, x, y):
            x32, y32 = x.float(), y.float()
            dot = (x32 / x32.norm() * (y32 / y32.norm())).sum()
            if dot.abs() > 0.9995:
                return ((1 - t) * x32 + t * y32).to(x.dtype)
            theta = torch.arccos(dot)
            s = torch.sin(theta)
            return (torch.sin((1 - t) * theta) / s * x32 + torch.sin(t * theta) / s * y32).to(x.dtype)

        recipes = {
            "linear": ("merge-linear", homes[:2], {k: 0.3 * a[k] + 0.7 * b[k] for k in a}, {"weights": [0.3, 0.7]}, {"weights": [0.4, 0.6]}),
            "linear32": ("merge-linear", homes[:2], {k: (0.3 * a[k].float() + 0.7 * b[k].float()).to(dtype) for k in a}, {"weights": [0.3, 0.7]}, {"weights": [0.7, 0.3]}),
            "lerp": ("merge-linear", homes[:2], {k: torch.lerp(a[k], b[k], 0.25) for k in a}, {"weights": [0.75, 0.25]}, {"weights": [0.5, 0.5]}),
            "mean": ("merge-linear", homes, {k: (a[k] + b[k] + c[k]) / 3 for k in a}, {"weights": [1 / 3] * 3}, {"weights": [0.5, 0.3, 0.2]}),
            "stack": ("merge-linear", homes, {k: (torch.stack([a[k], b[k], c[k]]) * torch.tensor([1.0, 0.5, 0.5], dtype=dtype).view(-1, *[1] * a[k].dim())).sum(0) / 2.0 for k in a}, {"weights": [1.0, 0.5, 0.5]}, {"weights": [1.0, 1.0, 0.5]}),
            "task": ("merge-linear", homes, {k: a[k] + 0.5 * (b[k] - a[k]) + 0.25 * (c[k] - a[k]) for k in a}, {"method": "task_arithmetic", "base": str(homes[0]), "weights": [0.5, 0.25]}, {"method": "task_arithmetic", "base": str(homes[0]), "weights": [0.25, 0.5]}),
            "slerp": ("merge-slerp", homes[:2], {k: slerp(0.4, a[k], b[k]) for k in a}, {"t": 0.4}, {"t": 0.6}),
        }
        for name, (relation, sources, state, claim, false) in recipes.items():
            target = fresh(root, f"merged-{tag}-{name}")
            shutil.copytree(homes[0], target)
            save_file({k: v.contiguous() for k, v in state.items()}, target / "model.safetensors", metadata={"format": "pt"})
            case("merge", f"{tag} {name}", sources, target, True, None, {"relation": relation, **claim})
            case("merge", f"{tag} {name} false", sources, target, False, None, {"relation": relation, **false})
            if name in ("linear", "mean", "slerp"):
                case("merge", f"{tag} {name}, as", sources, target, True, relation)
            if name == "linear":
                case("merge", f"{tag} {name}, found", sources, target, True)
                case("merge", f"{tag} linear said slerp", sources, target, False, None, {"relation": "merge-slerp", "t": 0.7} if tag == "x" else {"relation": "merge-slerp", "t": 0.2})
            for what in ["nudge", "swap", "missing"]:
                wrong = tampered(state, what) if what != "nudge" else dict(state)
                if what == "nudge":
                    key = [k for k in state if state[k].dim() == 2][3]
                    wrong[key] = nudge(state[key])
                twin = root / f"merged-{tag}-{name}-{what}"
                shutil.copytree(target, twin)
                save_file({k: v.contiguous() for k, v in wrong.items()}, twin / "model.safetensors", metadata={"format": "pt"})
                case("merge", f"{tag} {name} {what}", sources, twin, False, None, {"relation": relation, **claim})


def tokenizers(root, llama):
    from tokenizers import Tokenizer
    from tokenizers.models import BPE
    from tokenizers.pre_tokenizers import Whitespace
    from tokenizers.trainers import BpeTrainer
    from transformers import PreTrainedTokenizerFast

    tokenizer = Tokenizer(BPE(unk_token="<unk>"))
    tokenizer.pre_tokenizer = Whitespace()
    tokenizer.train_from_iterator(["the cat sat on the mat and ran"] * 4, BpeTrainer(vocab_size=60, special_tokens=["<unk>", "<s>", "</s>"]))
    fast = PreTrainedTokenizerFast(tokenizer_object=tokenizer, unk_token="<unk>", bos_token="<s>", eos_token="</s>")
    fast.chat_template = "{% for m in messages %}{{ m.content }}{% endfor %}"
    home = fresh(root, "chat")
    llama.save_pretrained(home)
    fast.save_pretrained(home)
    same = root / "chat-shards"
    llama.save_pretrained(same, max_shard_size="30KB")
    fast.save_pretrained(same)
    case("reshard", "with a tokenizer", [home], same, True)
    fast.chat_template = "{% for m in messages %}{{ m.role }}: {{ m.content }}{% endfor %}"
    target = fresh(root, "chat-template")
    llama.save_pretrained(target)
    fast.save_pretrained(target)
    case("tokenizer-edit", "template", [home], target, True, "tokenizer-edit")
    case("tokenizer-edit", "template, found", [home], target, True)
    case("tokenizer-edit", "template said reshard", [home], target, False, "reshard")
    case("tokenizer-edit", "template said repackage", [home], target, False, "repackage")
    case("tokenizer-edit", "nothing edited", [home], same, False, "tokenizer-edit")
    fast.add_tokens(["<tool>", "<end>"])
    grown = copy.deepcopy(llama)
    grown.resize_token_embeddings(98)
    target2 = fresh(root, "chat-grown")
    grown.save_pretrained(target2)
    fast.save_pretrained(target2)
    case("tokenizer-edit", "tokens added", [home], target2, True, "tokenizer-edit")
    for what, origin in [("template", target), ("grown", target2)]:
        for change in ["ulp", "config"]:
            twin = root / f"chat-{what}-{change}"
            shutil.copytree(origin, twin)
            if change == "ulp":
                save_file(tampered(load_file(twin / "model.safetensors"), "first"), twin / "model.safetensors", metadata={"format": "pt"})
            else:
                config = json.loads((twin / "config.json").read_text())
                config["num_attention_heads"] = 8
                (twin / "config.json").write_text(json.dumps(config))
            case("tokenizer-edit", f"{what} {change}", [home], twin, False, "tokenizer-edit")


# -- asking ------------------------------------------------------------------


def ask(modelward, folder, number, one, verbose):
    group, name, sources, target, relation, claim, honest = one
    command = [modelward, "prove", *sources, target, "--format", "json", "--quiet"]
    if relation:
        command += ["--as", relation]
    if claim:
        path = folder / f"claim-{number}.json"
        path.write_text(json.dumps(claim))
        command += ["--claim", str(path)]
    done = subprocess.run(command, capture_output=True, text=True)
    right = done.returncode == (0 if honest else 1)
    if not right or verbose:
        try:
            proof = json.loads(done.stdout)
            told = f"{proof['relation']} {proof['grade']}: {'; '.join(proof['reasons'][:3])[:400]}"
        except ValueError:
            told = done.stderr.strip()[-300:]
        mark = "ok   " if right else "WRONG"
        print(f"{mark} {group}: {name} ({'honest' if honest else 'wrong'}) exit {done.returncode}: {told}", flush=True)
    return right


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--modelward", default="target/debug/modelward")
    parser.add_argument("--keep", type=pathlib.Path)
    parser.add_argument("--only", help="groups, with commas")
    parser.add_argument("--verbose", action="store_true")
    args = parser.parse_args()
    root = args.keep or pathlib.Path(tempfile.mkdtemp(prefix="modelward-lineage-"))
    if root.exists():
        shutil.rmtree(root)
    for name, make in [("formats", formats), ("hidden", hidden_bytes), ("casts", casts), ("models", models)]:
        folder = root / name
        folder.mkdir(parents=True)
        make(folder)
    only = args.only.split(",") if args.only else None
    table = {}
    for number, one in enumerate(CASES):
        if only and one[0] not in only:
            continue
        right = ask(args.modelward, root, number, one, args.verbose)
        row = table.setdefault(one[0], [0, 0, 0, 0])
        row[0 if one[-1] else 2] += right
        row[1 if one[-1] else 3] += 1
    print("\n| transformation | honest proven | wrong refuted |\n|---|---|---|")
    for group, (proven, honest, refuted, wrong) in table.items():
        print(f"| {group} | {proven} of {honest} | {refuted} of {wrong} |")
    sums = [sum(row[i] for row in table.values()) for i in range(4)]
    print(f"| all | {sums[0]} of {sums[1]} | {sums[2]} of {sums[3]} |")
    if not args.keep:
        shutil.rmtree(root)
    sys.exit(0 if sums[0] == sums[1] and sums[2] == sums[3] else 1)


if __name__ == "__main__":
    main()
