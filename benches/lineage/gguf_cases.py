"""Quantize converted models with llama.cpp's own quantizer, and damage copies.

    python gguf_cases.py LLAMA_CPP LIBDIR MODELS OUT

MODELS is what gguf_models.py wrote, LIBDIR holds libllama.so. Writes OUT/cases.tsv:
source, target, relation, honest or tampered, what was done. Half of the cases
are wrong in one place.
"""

import ctypes
import random
import shutil
import sys
from pathlib import Path

LLAMA, LIBS, MODELS, OUT = (Path(p) for p in sys.argv[1:5])
sys.path.insert(0, str(LLAMA / "gguf-py"))
import gguf  # noqa: E402
import numpy as np  # noqa: E402

RNG = random.Random(int(sys.argv[5]) if len(sys.argv) > 5 else 5)
for name in ["libggml-base.so", "libggml-cpu.so", "libggml.so"]:
    ctypes.CDLL(str(LIBS / name), ctypes.RTLD_GLOBAL)
LIB = ctypes.CDLL(str(LIBS / "libllama.so"))


class Imatrix(ctypes.Structure):
    _fields_ = [("name", ctypes.c_char_p), ("data", ctypes.POINTER(ctypes.c_float)), ("size", ctypes.c_size_t)]


class Params(ctypes.Structure):
    _fields_ = [("nthread", ctypes.c_int32), ("ftype", ctypes.c_int), ("output", ctypes.c_int), ("embd", ctypes.c_int),
                ("allow_requantize", ctypes.c_bool), ("quantize_output", ctypes.c_bool), ("only_copy", ctypes.c_bool),
                ("pure", ctypes.c_bool), ("keep_split", ctypes.c_bool), ("dry_run", ctypes.c_bool),
                ("imatrix", ctypes.POINTER(Imatrix)), ("kv", ctypes.c_void_p), ("tt", ctypes.c_void_p),
                ("prune", ctypes.c_void_p), ("buf", ctypes.c_size_t)]


LIB.llama_model_quantize_default_params.restype = Params
LIB.llama_model_quantize.argtypes = [ctypes.c_char_p, ctypes.c_char_p, ctypes.POINTER(Params)]
LIB.llama_model_quantize.restype = ctypes.c_uint32
SILENT = ctypes.CFUNCTYPE(None, ctypes.c_int, ctypes.c_char_p, ctypes.c_void_p)(lambda *_: None)
LIB.llama_log_set(SILENT, None)
LIB.llama_backend_init()

FTYPES = {"Q4_0": 2, "Q4_1": 3, "Q8_0": 7, "Q5_0": 8, "Q5_1": 9, "Q2_K": 10, "Q3_K_S": 11, "Q3_K_M": 12, "Q3_K_L": 13,
          "Q4_K_S": 14, "Q4_K_M": 15, "Q5_K_S": 16, "Q5_K_M": 17, "Q6_K": 18, "IQ3_XS": 22, "IQ3_S": 26, "IQ3_M": 27,
          "IQ4_NL": 25, "IQ4_XS": 30, "TQ1_0": 36, "TQ2_0": 37, "MXFP4_MOE": 38, "NVFP4": 39, "F16": 1, "BF16": 32,
          "IQ2_XXS": 19, "IQ2_XS": 20, "IQ2_S": 28, "IQ2_M": 29, "IQ3_XXS": 23, "IQ1_S": 24, "IQ1_M": 31, "Q1_0": 40, "Q2_0": 41}
NEEDS = {"IQ2_XXS", "IQ2_XS", "IQ2_S", "IQ2_M", "IQ3_XXS", "IQ1_S", "IQ1_M"}


def quantize(source, target, ftype, imatrix=None, requantize=False, pure=False):
    params = LIB.llama_model_quantize_default_params()
    params.nthread, params.ftype, params.allow_requantize, params.pure = 1, FTYPES[ftype], requantize, pure
    keep = []
    if imatrix:
        array = (Imatrix * (len(imatrix) + 1))()
        for i, (name, data) in enumerate(imatrix.items()):
            keep.append(data)
            array[i] = Imatrix(name.encode(), data.ctypes.data_as(ctypes.POINTER(ctypes.c_float)), data.size)
        params.imatrix = array
    return LIB.llama_model_quantize(str(source).encode(), str(target).encode(), ctypes.byref(params)) == 0


def importance(path, out):
    """Activations with a few strong channels, as real ones have."""
    rng = np.random.default_rng(3)
    data = {}
    writer = gguf.GGUFWriter(str(out), "imatrix")
    writer.add_type("imatrix")
    for t in gguf.GGUFReader(str(path)).tensors:
        shape = [int(d) for d in t.shape]
        if len(shape) < 2 or "norm" in t.name or "embd" in t.name or not t.name.endswith("weight"):
            continue
        mats = shape[2] if len(shape) > 2 else 1
        w = (rng.lognormal(0, 1, shape[0] * mats)).astype(np.float32)
        data[t.name] = w
        writer.add_tensor(t.name + ".in_sum2", w.reshape(mats, shape[0]))
        writer.add_tensor(t.name + ".counts", np.ones((mats, 1), dtype=np.float32))
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return data


# --- damage -----------------------------------------------------------------
def spans(path):
    reader = gguf.GGUFReader(str(path))
    return reader, [(t.name, t.tensor_type.name, int(t.data_offset), int(t.n_bytes), [int(d) for d in t.shape]) for t in reader.tensors]


def patch(path, at, new):
    with open(path, "r+b") as f:
        f.seek(at)
        f.write(new)


def read(path, at, n):
    with open(path, "rb") as f:
        f.seek(at)
        return f.read(n)


SCALE_AT = {"Q4_0": [0], "Q4_1": [0, 2], "Q5_0": [0], "Q5_1": [0, 2], "Q8_0": [0], "Q2_K": [80, 82], "Q3_K": [108], "Q4_K": [0, 2],
            "Q5_K": [0, 2], "Q6_K": [208], "IQ4_NL": [0], "IQ4_XS": [0], "TQ1_0": [52], "TQ2_0": [64], "Q1_0": [0], "Q2_0": [0],
            "IQ3_S": [0], "IQ3_XXS": [0], "IQ2_XXS": [0], "IQ2_XS": [0], "IQ2_S": [0], "IQ1_S": [0]}
CODE_AT = {"Q4_0": (2, 16), "Q4_1": (4, 16), "Q5_0": (6, 16), "Q5_1": (8, 16), "Q8_0": (2, 32), "Q2_K": (16, 64), "Q3_K": (32, 64),
           "Q4_K": (16, 128), "Q5_K": (48, 128), "Q6_K": (0, 128), "IQ4_NL": (2, 16), "IQ4_XS": (8, 128), "MXFP4": (1, 16),
           "NVFP4": (4, 32), "TQ1_0": (0, 48), "TQ2_0": (0, 64), "Q1_0": (2, 16), "Q2_0": (2, 16), "IQ3_S": (2, 64), "IQ3_XXS": (2, 64),
           "IQ2_XXS": (2, 64), "IQ2_XS": (2, 64), "IQ2_S": (2, 32), "IQ1_S": (2, 32)}


def pick(path, want):
    found = [t for t in spans(path)[1] if t[1] in want]
    return RNG.choice(found) if found else None


def code(path):
    t = pick(path, CODE_AT)
    if not t:
        return None
    size = gguf.GGML_QUANT_SIZES[gguf.GGMLQuantizationType[t[1]]][1]
    first, n = CODE_AT[t[1]]
    at = t[2] + RNG.randrange(t[3] // size) * size + first + RNG.randrange(n)
    patch(path, at, bytes([read(path, at, 1)[0] ^ (1 << RNG.randrange(8))]))
    return f"one code bit of {t[0]} ({t[1]})"


def scale(path):
    t = pick(path, SCALE_AT)
    if not t:
        return None
    size = gguf.GGML_QUANT_SIZES[gguf.GGMLQuantizationType[t[1]]][1]
    at = t[2] + RNG.randrange(t[3] // size) * size + RNG.choice(SCALE_AT[t[1]])
    v = int.from_bytes(read(path, at, 2), "little")
    patch(path, at, ((v + 1) & 0xFFFF).to_bytes(2, "little"))
    return f"one ulp of a scale of {t[0]} ({t[1]})"


def ulp(path):
    t = pick(path, {"F32", "F16", "BF16"})
    if not t:
        return None
    width = 4 if t[1] == "F32" else 2
    at = t[2] + RNG.randrange(t[3] // width) * width
    patch(path, at, bytes([read(path, at, 1)[0] ^ 1]))
    return f"one ulp of {t[0]} ({t[1]})"


def swap(path):
    ts = spans(path)[1]
    pairs = [(a, b) for i, a in enumerate(ts) for b in ts[:i] if a[3] == b[3] and a[1] == b[1] and a[4] == b[4] and len(a[4]) > 1]
    if not pairs:
        return None
    a, b = RNG.choice(pairs)
    x, y = read(path, a[2], a[3]), read(path, b[2], b[3])
    patch(path, a[2], y)
    patch(path, b[2], x)
    return f"swapped {a[0]} and {b[0]}"


def value(path, match, what):
    reader = gguf.GGUFReader(str(path), "r+")
    fields = [f for k, f in reader.fields.items() if match(k) and not k.startswith("GGUF.")]
    if not fields:
        return None
    f = RNG.choice(fields)
    if f.types[0] == gguf.GGUFValueType.ARRAY:
        part = f.parts[RNG.choice(list(f.data))]
    else:
        part = f.parts[f.data[0]]
    if part.dtype == np.uint8:
        i = RNG.randrange(len(part))
        part[i] = part[i] ^ 1
    elif part.dtype == np.bool_:
        part[0] = not part[0]
    elif part.dtype.kind == "f":
        part[0] = part[0] * 1.5 + 1 / 1024
    else:
        part[0] = part[0] + 1
    del reader
    return f"{what}: {f.name}"


def number(path):
    arch = bytes(gguf.GGUFReader(str(path)).fields["general.architecture"].parts[-1]).decode()
    return value(path, lambda k: k.startswith(arch + "."), "metadata")


def ftype(path):
    return value(path, lambda k: k == "general.file_type", "metadata")


def token(path):
    return value(path, lambda k: k == "tokenizer.ggml.tokens", "token")


def kind(path):
    return value(path, lambda k: k == "tokenizer.ggml.token_type", "token type")


def merge(path):
    return value(path, lambda k: k in ("tokenizer.ggml.merges", "tokenizer.ggml.scores"), "merge or score")


def special(path):
    return value(path, lambda k: k.startswith("tokenizer.ggml.") and k.endswith("_token_id"), "special id")


def template(path):
    return value(path, lambda k: k == "tokenizer.chat_template", "template")


def padding(path):
    reader, ts = spans(path)
    ends = sorted((o, o + n) for _, _, o, n, _ in ts)
    gaps = [(e, s) for (_, e), (s, _) in zip(ends, ends[1:]) if s > e]
    if not gaps:
        return None
    a, b = RNG.choice(gaps)
    patch(path, RNG.randrange(a, b), b"\x01")
    return "a byte in padding"


def tail(path):
    with open(path, "ab") as f:
        f.write(b"\0" * 31 + b"hidden")
    return "bytes after the end"


CONVERT = [ulp, swap, number, token, kind, merge, special, template, padding, tail, ftype, ulp, number]
QUANT = [code, scale, code, scale, ulp, swap, number, token, template, padding, tail, special, ftype]


def main():
    shutil.rmtree(OUT, ignore_errors=True)
    OUT.mkdir(parents=True)
    rows = []

    def case(source, target, relation, damages, label, count):
        rows.append((source, target, relation, "honest", label))
        done = 0
        for damage in RNG.sample(damages, len(damages)):
            if done == count:
                break
            bad = OUT / f"{Path(target).stem}-{len(rows)}.gguf"
            shutil.copy(target, bad)
            said = damage(bad)
            if said is None or bad.read_bytes() == Path(target).read_bytes():
                bad.unlink()
                continue
            rows.append((source, bad, relation, "tampered", f"{label}: {said}"))
            done += 1

    for model in sorted(MODELS.iterdir()):
        for out in ["f32", "f16", "bf16", "q8_0"]:
            target = model / f"{out}.gguf"
            if target.exists():
                case(model / "hf", target, "hf2gguf", CONVERT if out != "q8_0" else QUANT, f"{model.name} {out}", 2)
    jobs = []
    for i, ftype in enumerate(FTYPES):
        moe = ftype == "MXFP4_MOE"
        for name in (["mixtral"] if moe else ["llama", ["qwen2", "gemma2", "phi3", "llama64", "mixtral", "gpt2", "falcon"][i % 7]]):
            jobs.append((name, ["f32", "f16", "bf16"][i % 3], ftype, ftype in NEEDS, False))
            if ftype not in ("F16", "BF16", "Q8_0", "MXFP4_MOE", "NVFP4", "TQ1_0", "TQ2_0", "Q1_0", "Q2_0") and ftype not in NEEDS:
                jobs.append((name, "f16", ftype, True, False))
    for ftype in ["Q4_0", "Q4_K_M", "Q6_K"]:
        jobs.append(("llama", "q8_0", ftype, False, True))
    for name, out, ftype, weighted, again in jobs:
        source = MODELS / name / f"{out}.gguf"
        if not source.exists():
            continue
        imatrix = None
        if weighted:
            imatrix = importance(source, OUT / f"{name}-imatrix.gguf")
        target = OUT / f"{name}-{out}-{ftype}{'-imat' if weighted else ''}.gguf"
        if not quantize(source, target, ftype, imatrix, again):
            print(f"{name} {out} {ftype}: the quantizer refused")
            continue
        label = f"{name} {out}→{ftype}{' imatrix' if weighted else ''}"
        case(source, target, "quantize", QUANT, label, 2)
        if weighted and RNG.random() < 0.5:
            case(f"{source},{OUT / (name + '-imatrix.gguf')}", target, "quantize", QUANT, label + " given", 2)
        if not weighted and not again and RNG.random() < 0.5:
            case(MODELS / name / "hf", target, "quantize", QUANT, label + " from hf", 2)
    with open(OUT / "cases.tsv", "w") as f:
        for row in rows:
            f.write("\t".join(str(c) for c in row) + "\n")
    print(len(rows), "cases,", sum(r[3] == "tampered" for r in rows), "tampered")


main()
