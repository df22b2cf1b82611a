"""Inputs for compare.py, written by hand so that no framework is needed."""

import os
import pickle
import random
import struct
import zipfile
from pathlib import Path

MIB = 1 << 20
GIB = 1 << 30


def small_pickle(path: Path) -> None:
    rng = random.Random(1)
    state = {f"layer{i}": [rng.random() for _ in range(8)] for i in range(8)}
    path.write_bytes(pickle.dumps(state, protocol=4))


def many_pickles(folder: Path) -> None:
    folder.mkdir()
    for index in range(1000):
        rng = random.Random(index)
        state = {"index": index, "weights": [rng.random() for _ in range(32)]}
        (folder / f"{index:04}.pkl").write_bytes(pickle.dumps(state, protocol=4))


def floats_pickle(path: Path) -> None:
    """5 million floats, 43 MiB."""
    rng = random.Random(2)
    with path.open("wb") as out:
        pickle.dump([rng.random() for _ in range(5_000_000)], out, protocol=4)


def bytes_pickle(path: Path) -> None:
    """200 MB in byte strings of 10 MB."""
    with path.open("wb") as out:
        pickle.dump([os.urandom(10_000_000) for _ in range(20)], out, protocol=4)


def safetensors(path: Path, total: int = 2 * GIB) -> None:
    """32 float32 matrices, 4096 columns wide."""
    each = total // 32
    header = ",".join(
        f'"model.layers.{i}.weight":{{"dtype":"F32","shape":[{each // 16384},4096],'
        f'"data_offsets":[{i * each},{(i + 1) * each}]}}'
        for i in range(32)
    )
    text = ("{" + header + "}").encode()
    text += b" " * (-len(text) % 8)
    block = floats_block()
    with path.open("wb") as out:
        out.write(struct.pack("<Q", len(text)) + text)
        for _ in range(total // len(block)):
            out.write(block)


def torch_zip(path: Path, total: int = GIB) -> None:
    """What torch.save writes for a state dict of 16 float32 matrices."""
    each = total // 16
    block = floats_block()
    with zipfile.ZipFile(path, "w", zipfile.ZIP_STORED, allowZip64=True) as archive:
        write_aligned(archive, "archive/data.pkl", [state_dict(16, each // 4)])
        write_aligned(archive, "archive/byteorder", [b"little"])
        for index in range(16):
            write_aligned(archive, f"archive/data/{index}", [block] * (each // len(block)))
        write_aligned(archive, "archive/version", [b"3\n"])


def floats_block() -> bytes:
    """16 MiB of float32 between -1 and 1, none of them NaN."""
    rng = random.Random(3)
    unit = b"".join(struct.pack("<f", rng.uniform(-1, 1)) for _ in range(MIB // 4))
    return unit * 16


def write_aligned(archive: zipfile.ZipFile, name: str, parts: list[bytes]) -> None:
    info = zipfile.ZipInfo(name)
    # torch pads each member's header with an extra field "FB" so that the data
    # begins at a multiple of 64.
    begin = archive.fp.tell() + 30 + len(name) + 4
    padding = -begin % 64
    info.extra = b"FB" + struct.pack("<H", padding) + b"Z" * padding
    info.file_size = sum(len(part) for part in parts)
    with archive.open(info, "w") as member:
        for part in parts:
            member.write(part)


def state_dict(tensors: int, elements: int) -> bytes:
    """An OrderedDict of tensors in protocol 2, opcode by opcode."""

    def text(value: str) -> bytes:
        raw = value.encode()
        return b"X" + struct.pack("<I", len(raw)) + raw

    def integer(value: int) -> bytes:
        return b"J" + struct.pack("<i", value)

    empty_ordered_dict = b"ccollections\nOrderedDict\n)R"
    out = b"\x80\x02" + empty_ordered_dict + b"("
    columns = 4096
    for index in range(tensors):
        storage = (
            b"(" + text("storage") + b"ctorch\nFloatStorage\n" + text(str(index))
            + text("cpu") + integer(elements) + b"tQ"
        )
        out += (
            text(f"layers.{index}.weight")
            + b"ctorch._utils\n_rebuild_tensor_v2\n("
            + storage
            + integer(0)
            + integer(elements // columns) + integer(columns) + b"\x86"
            + integer(columns) + integer(1) + b"\x86"
            + b"\x89" + empty_ordered_dict + b"tR"
        )
    return out + b"u."
