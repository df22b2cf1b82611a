#!/usr/bin/env python3
"""How fast a proof reads: GB/s and peak memory of `modelward prove`.

    python benches/lineage/speed.py --modelward target/release/modelward --folder DIR

Writes two models of --gigabytes each into DIR (and removes them): one in two
PyTorch files, one in safetensors, and a cast of it. Needs Linux, torch and
safetensors. The files are in the page cache when they are measured.
"""

import argparse
import json
import os
import pathlib
import subprocess
import time

import torch
from safetensors.torch import save_file


def measure(command):
    began = time.monotonic()
    process = subprocess.Popen(command, stdout=subprocess.PIPE)
    peak = 0
    while process.poll() is None:
        try:
            status = pathlib.Path(f"/proc/{process.pid}/status").read_text()
            peak = max(peak, *(int(l.split()[1]) for l in status.splitlines() if l.startswith("VmHWM")))
        except (OSError, TypeError):
            pass
        time.sleep(0.02)
    out = process.stdout.read()
    wall = time.monotonic() - began
    return json.loads(out), wall, peak / 1024


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--modelward", default="target/release/modelward")
    parser.add_argument("--folder", type=pathlib.Path, required=True)
    parser.add_argument("--gigabytes", type=float, default=1.0)
    args = parser.parse_args()
    args.folder.mkdir(parents=True, exist_ok=True)
    torch.manual_seed(1)
    count = int(args.gigabytes * 1e9 / 4 / 4096 / 4096) or 1
    state = {f"layers.{i}.weight": torch.randn(4096, 4096) for i in range(count)}
    plain, packed, half = (args.folder / n for n in ("a.safetensors", "a.pt", "half.safetensors"))
    save_file(state, plain)
    torch.save(state, packed)
    save_file({k: v.bfloat16() for k, v in state.items()}, half)
    del state
    print("| proof | read | wall | rate | peak |\n|---|---|---|---|---|")
    for name, source, target in [("format", packed, plain), ("cast to bf16", plain, half)]:
        for path in (source, target):
            path.read_bytes()
        proof, wall, peak = measure([args.modelward, "prove", str(source), str(target), "--format", "json", "--quiet"])
        assert proof["grade"] == "exact", proof["reasons"]
        size = source.stat().st_size + target.stat().st_size
        print(f"| {name} | {size / 1e9:.1f} GB | {wall:.2f} s | {size / 1e9 / wall:.2f} GB/s | {peak:.0f} MB |")
    for path in (plain, packed, half):
        os.remove(path)


if __name__ == "__main__":
    main()
