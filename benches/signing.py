#!/usr/bin/env python3
"""Measures signing and verifying beside the reference implementation and
OpenSSL's hash, in one run on one machine.

    python3 -m venv peers && peers/bin/pip install model-signing==1.1.1 pyOpenSSL
    cargo build --release -p modelward
    python3 benches/signing.py --peers peers/bin

Measured as compare.py does, with an empty digest cache each time but in the rows
that say otherwise. Needs 2.2 GB in the temporary folder and memory to keep them
cached.
"""

import argparse
import json
import os
import shutil
import struct
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from compare import Measured, run, show

MIB = 1 << 20


def main() -> int:
    options = parse()
    # The programs are run from another folder.
    options.modelward = options.modelward.resolve()
    options.peers = options.peers and options.peers.resolve()
    search = os.pathsep.join(
        [str(path) for path in (options.modelward.parent, options.peers) if path]
        + [os.environ.get("PATH", "")]
    )
    programs = {name: shutil.which(name, path=search)
                for name in ("modelward", "model_signing", "openssl")}
    if not programs["modelward"]:
        sys.exit(f"there is no {options.modelward}: build it with `cargo build --release`")
    with tempfile.TemporaryDirectory(dir=options.folder) as folder:
        measure(Path(folder), programs, options)
    return 0


def parse() -> argparse.Namespace:
    root = Path(__file__).resolve().parent.parent
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--modelward", type=Path, default=root / "target/release/modelward",
                        help="the binary to measure")
    parser.add_argument("--peers", type=Path, help="folder of model_signing, when not on PATH")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--folder", help="where to put the inputs")
    return parser.parse_args()


def measure(folder: Path, programs: dict, options: argparse.Namespace) -> None:
    key, public = folder / "k.pem", folder / "k.pub.pem"
    subprocess.run([programs["modelward"], "-q", "keygen", key, "--no-password"],
                   check=True, stdout=subprocess.DEVNULL)
    tiny = model(folder / "tiny", files=1, size=4096, tensors=4)
    one = model(folder / "one", files=1, size=1024 * MIB, tensors=32)
    rows(folder, programs, options, "verify a tiny model", tiny, key, public, ["verify"])
    rows(folder, programs, options, "one file of 1 GiB", one, key, public, ["sign", "verify"])
    shutil.rmtree(one)
    four = model(folder / "four", files=4, size=512 * MIB, tensors=16)
    rows(folder, programs, options, "four files of 512 MiB", four, key, public, ["sign", "verify"])


def model(folder: Path, files: int, size: int, tensors: int) -> Path:
    folder.mkdir()
    share = size // tensors
    header = json.dumps({
        f"layer{index}": {"dtype": "U8", "shape": [share],
                          "data_offsets": [index * share, (index + 1) * share]}
        for index in range(tensors)
    }).encode()
    for index in range(files):
        with (folder / f"model-{index}.safetensors").open("wb") as out:
            out.write(struct.pack("<Q", len(header)) + header)
            for _ in range(tensors):
                out.write(os.urandom(min(share, MIB)) * max(1, share // MIB))
    # A digest is remembered only of a file that has rested for some seconds.
    time.sleep(4)
    return folder


def rows(folder, programs, options, title, model, key, public, verbs) -> None:
    ours, theirs = programs["modelward"], programs["model_signing"]
    for verb in verbs:
        print(f"\n### {title}: {verb}\n")
        commands = {}
        if verb == "sign":
            sign = [ours, "-q", "sign", model, "--signature", folder / "out.sig",
                    "--private-key", key]
            commands["modelward sign"] = sign
            commands["modelward sign --no-tensors"] = [*sign, "--no-tensors"]
            if theirs:
                commands["model_signing sign"] = [
                    theirs, "sign", "key", model, "--signature", folder / "peer.sig",
                    "--private_key", key]
        else:
            subprocess.run([ours, "-q", "sign", model, "--private-key", key, "--signature",
                            folder / "out.sig"], check=True, stdout=subprocess.DEVNULL)
            verify = [ours, "-q", "verify", model, "--signature", folder / "out.sig",
                      "--public-key", public]
            commands["modelward verify"] = verify
            commands["modelward verify, unchanged"] = verify
            if theirs:
                commands["model_signing verify"] = [
                    theirs, "verify", "key", model, "--signature", folder / "out.sig",
                    "--public_key", public]
        if programs["openssl"]:
            commands["openssl sha256"] = [programs["openssl"], "dgst", "-sha256",
                                          *sorted(model.iterdir())]
        table(folder, commands, options)
        for name in ["out.sig", "peer.sig", "claims.jsonl"]:
            (folder / name).unlink(missing_ok=True)


def table(folder: Path, commands: dict, options: argparse.Namespace) -> None:
    measured = {label: Measured() for label in commands}
    for turn in range(options.rounds):
        for label, command in commands.items():
            words = [str(word) for word in command]
            home = folder / ("home-kept" if "unchanged" in label else f"home-{turn}-{label}")
            if "unchanged" in label and turn == 0:
                run(words, home, 180.0, Measured())
            run(words, home, 180.0, measured[label])
            if "unchanged" not in label:
                shutil.rmtree(home, ignore_errors=True)
    show(measured)


if __name__ == "__main__":
    sys.exit(main())
