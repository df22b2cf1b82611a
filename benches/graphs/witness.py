"""Proves a folder of ONNX graphs and says how many, how fast, and whether ONNX
Runtime sees what the witness is said to do.

    python benches/graphs/witness.py [--modelward PATH] FOLDER...

Needs `numpy` and `onnxruntime` from PyPI.
"""

import argparse
import json
import pathlib
import statistics
import subprocess
import tempfile
import time

import numpy as np
import onnxruntime as ort

ROOT = pathlib.Path(__file__).resolve().parents[2]


def agrees(model, folder):
    """Whether the largest elements under ONNX Runtime are those of the proof."""
    proof = json.loads((folder / "witness-1.json").read_text())
    ort.set_default_logger_severity(4)
    session = ort.InferenceSession(str(model), providers=["CPUExecutionProvider"])
    with np.load(folder / "witness-1.npz") as arrays:
        feeds = {i.name: arrays[i.name] for i in session.get_inputs()}
    outputs = dict(zip([o.name for o in session.get_outputs()], session.run(None, feeds)))
    for effect in proof["effects"]:
        made = outputs.get(effect["output"])
        if effect["largest"] and made is not None and made.size:
            flat = made.reshape(-1)
            if not np.isclose(flat[effect["largest"]["fired"]], np.nanmax(flat), rtol=1e-3, equal_nan=True):
                return False
    return True


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folders", nargs="+", type=pathlib.Path)
    parser.add_argument("--modelward", default=str(ROOT / "target/release/modelward"))
    options = parser.parse_args()
    models = sorted(m for f in options.folders for m in ([f] if f.is_file() else f.rglob("*.onnx")))
    times, proven, confirmed = [], 0, 0
    for model in models:
        with tempfile.TemporaryDirectory() as folder:
            folder = pathlib.Path(folder)
            command = [options.modelward, "inspect", str(model), "--graph", "--prove", "--witness-dir", str(folder), "--format", "json", "-q"]
            began = time.monotonic()
            subprocess.run(command, capture_output=True, check=False)
            times.append(time.monotonic() - began)
            found = (folder / "witness-1.npz").exists()
            proven += found
            word = "not proven"
            if found:
                try:
                    same = agrees(model, folder)
                except Exception as error:  # a model that this runtime does not load
                    same = None
                    word = f"proven; not run by ONNX Runtime: {str(error)[:60]}"
                if same is not None:
                    confirmed += same
                    word = "proven; ONNX Runtime agrees" if same else "proven; ONNX Runtime differs"
            print(f"{times[-1]:7.2f} s  {model.name}: {word}", flush=True)
    if times:
        print(f"{len(models)} graphs, {proven} proven, {confirmed} seen alike by ONNX Runtime; median {statistics.median(times):.2f} s, worst {max(times):.2f} s")


if __name__ == "__main__":
    main()
