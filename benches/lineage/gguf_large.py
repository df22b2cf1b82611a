"""One large model in f16 and its quantizations, for measuring proofs.

    python gguf_large.py LLAMA_CPP LIBDIR OUT [TENSORS]

Each tensor is 4096 × 4096; 32 of them (the default) are 1.07 GB in f16. The
same tensor is written again and again, so that making it takes seconds.
"""

import ctypes
import sys
from pathlib import Path

LLAMA, LIBS, OUT = (Path(p) for p in sys.argv[1:4])
COUNT = int(sys.argv[4]) if len(sys.argv) > 4 else 32
sys.path.insert(0, str(LLAMA / "gguf-py"))
import gguf  # noqa: E402
import numpy as np  # noqa: E402

lib = ctypes.CDLL(str(LIBS / "libggml-base.so"))
lib.ggml_quantize_chunk.restype = ctypes.c_size_t
lib.ggml_quantize_chunk.argtypes = [ctypes.c_int, ctypes.c_void_p, ctypes.c_void_p, ctypes.c_int64, ctypes.c_int64, ctypes.c_int64, ctypes.c_void_p]
N = 4096
x = (np.random.default_rng(1).standard_normal((N, N)) * 0.02).astype(np.float16)
f = x.astype(np.float32)
OUT.mkdir(parents=True, exist_ok=True)
for name, kind, ftype in [("f16", None, 1), ("q8_0", gguf.GGMLQuantizationType.Q8_0, 7), ("q4_0", gguf.GGMLQuantizationType.Q4_0, 2), ("q4_k", gguf.GGMLQuantizationType.Q4_K, 14)]:
    data = x
    if kind is not None:
        block, size = gguf.GGML_QUANT_SIZES[kind]
        data = np.zeros((N, N // block * size), dtype=np.uint8)
        lib.ggml_quantize_chunk(int(kind), f.ctypes.data, data.ctypes.data, 0, N, N, None)
    writer = gguf.GGUFWriter(str(OUT / f"{name}.gguf"), "llama")
    writer.add_file_type(ftype)
    writer.add_quantization_version(2)
    for i in range(COUNT):
        writer.add_tensor(f"blk.{i}.ffn_up.weight", data, raw_dtype=kind)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
