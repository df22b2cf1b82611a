#!/usr/bin/env python3
"""Measures modelward beside other scanners, in one run on one machine.

    python3 -m pip install picklescan modelscan fickling
    cargo build --release
    python3 benches/compare.py

Each program is run several times per case, taking turns, and the medians of
wall and CPU seconds and the highest peak of resident memory are shown, with the
ratio to modelward. CPU is of the whole process with its children; it is the
figure that other work on the machine disturbs least. A program that is not
installed is left out, and the table says so.

Needs nothing but Python 3.10 on Linux or macOS, some 4 GB in the temporary
folder (`--folder` names another place) and free memory to keep them cached.
"""

import argparse
import os
import shutil
import signal
import statistics
import sys
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path

# Once a program has had this many seconds on a case, it is not asked again.
ENOUGH = 20.0


@dataclass
class Case:
    name: str
    file: str
    # A function of inputs.py.
    make: str
    # Arguments per program; {path} is the input. Those of modelward come first.
    programs: dict[str, list[str]]


@dataclass
class Measured:
    wall: list[float] = field(default_factory=list)
    cpu: list[float] = field(default_factory=list)
    peak: int = 0
    status: str = ""


PICKLESCAN = ["picklescan", "-p", "{path}"]
MODELSCAN = ["modelscan", "-p", "{path}"]
FICKLING = ["fickling", "--check-safety", "{path}"]
SHA256 = ["openssl", "dgst", "-sha256", "{path}"]
SCAN = ["modelward", "scan", "{path}"]
GATE = ["modelward", "gate", "{path}", "--for", "experiment"]

PEERS = {"picklescan": PICKLESCAN, "modelscan": MODELSCAN, "fickling": FICKLING}
ARCHIVE_PEERS = {"picklescan": PICKLESCAN, "modelscan": MODELSCAN}

CASES = [
    Case("one small pickle", "small.pkl", "small_pickle",
         {"modelward gate": GATE, "modelward scan": SCAN, **PEERS}),
    Case("1,000 small pickles in a folder", "many", "many_pickles",
         {"modelward scan": SCAN, **ARCHIVE_PEERS}),
    Case("pickle of 5 million floats, 43 MB", "floats.pkl", "floats_pickle",
         {"modelward scan": SCAN, **PEERS}),
    Case("pickle of byte strings, 200 MB", "bytes.pkl", "bytes_pickle",
         {"modelward scan": SCAN, **PEERS}),
    Case("PyTorch zip, 1 GB", "model.pt", "torch_zip",
         {"modelward scan": SCAN,
          "modelward scan --no-identity": [*SCAN, "--no-identity"],
          "openssl sha256": SHA256, **ARCHIVE_PEERS}),
    Case("safetensors, 2 GB", "model.safetensors", "safetensors",
         {"modelward scan": SCAN,
          "modelward scan --no-identity": [*SCAN, "--no-identity"],
          "modelward gate, unchanged": GATE,
          "openssl sha256": SHA256, **ARCHIVE_PEERS}),
]


def main() -> int:
    options = parse()
    search = os.pathsep.join(
        [str(path) for path in (options.modelward.parent, options.peers) if path]
        + [os.environ.get("PATH", "")]
    )
    if not shutil.which("modelward", path=search):
        sys.exit(f"there is no {options.modelward}: build it with `cargo build --release`")
    with tempfile.TemporaryDirectory(dir=options.folder) as folder:
        for case in CASES:
            if all(word not in case.name for word in options.only or [case.name]):
                continue
            run_case(case, Path(folder), search, options)
        floor = Measured()
        run([shutil.which("true") or sys.executable], Path(folder), 9.0, floor)
        print(f"\nA program that does nothing has a peak of {floor.peak / 1e6:.0f} MB here.")
    return 0


def parse() -> argparse.Namespace:
    root = Path(__file__).resolve().parent.parent
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--modelward", type=Path, default=root / "target/release/modelward",
                        help="the binary to measure")
    parser.add_argument("--peers", type=Path, help="folder of the others, when not on PATH")
    parser.add_argument("--only", action="append", metavar="WORDS",
                        help="only cases whose name contains this; may be repeated")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--timeout", type=float, default=180.0, help="seconds for one run")
    parser.add_argument("--folder", help="where to put the inputs")
    return parser.parse_args()


def run_case(case: Case, folder: Path, search: str, options: argparse.Namespace) -> None:
    path = folder / case.file
    make(case, path)
    print(f"\n### {case.name}\n")
    present, absent = {}, []
    for label, command in case.programs.items():
        program = shutil.which(command[0], path=search)
        if program is None:
            absent.append(label)
        else:
            arguments = [argument.format(path=path) for argument in command[1:]]
            present[label] = [program, *arguments]
    measured = {label: Measured() for label in present}
    for number in range(options.rounds):
        for label, command in present.items():
            this = measured[label]
            if this.status == "timeout" or sum(this.wall) > ENOUGH:
                continue
            # Where modelward keeps its registry and cache: one for all rounds
            # when the case is about having seen the bytes before.
            again = "unchanged" in label
            home = folder / (label if again else f"{label} {number}")
            if label.startswith("modelward gate"):
                prepare(command, path, home, options, again and number == 0)
            run(command, home, options.timeout, this)
    show(measured)
    if absent:
        print(f"\nNot installed: {', '.join(absent)}.")
    shutil.rmtree(path) if path.is_dir() else path.unlink()


def prepare(
    command: list[str], path: Path, home: Path, options: argparse.Namespace, same: bool
) -> None:
    """A registry to open: one that knows these very bytes, or others."""
    if same:
        run(command, home, options.timeout, Measured())
    elif not home.exists():
        other = path.parent / "other.pkl"
        other.write_bytes(b"\x80\x04N.")
        others = [str(other) if word == str(path) else word for word in command]
        run(others, home, options.timeout, Measured())


def make(case: Case, path: Path) -> None:
    """In a child: a forked process begins with its parent's memory, which counts
    as its own, so this script had better stay small."""
    child = os.fork()
    if child == 0:
        try:
            import inputs

            getattr(inputs, case.make)(path)
        except BaseException as error:  # the parent only sees the status
            print(f"cannot make {path.name}: {error!r}", file=sys.stderr)
            os._exit(1)
        os._exit(0)
    if os.waitpid(child, 0)[1] != 0:
        sys.exit(1)
    # A digest is remembered only of a file that has rested for some seconds.
    time.sleep(4)


def run(command: list[str], home: Path, timeout: float, into: Measured) -> None:
    home.mkdir(exist_ok=True)
    environment = {
        **{name: value for name, value in os.environ.items()
           if not name.startswith(("MODELWARD_", "XDG_"))},
        "HOME": str(home),
    }
    begin = time.perf_counter()
    # Not posix_spawn: it would charge the program with this script's peak.
    child = os.fork()
    if child == 0:
        try:
            os.chdir(home)  # fickling writes its answer where it stands
            nothing = os.open(os.devnull, os.O_RDWR)
            for stream in range(3):
                os.dup2(nothing, stream)
            os.execve(command[0], command, environment)
        finally:
            os._exit(127)
    timed_out = False

    def give_up(*_: object) -> None:
        nonlocal timed_out
        timed_out = True
        os.kill(child, signal.SIGKILL)

    signal.signal(signal.SIGALRM, give_up)
    signal.setitimer(signal.ITIMER_REAL, timeout)
    _, status, usage = os.wait4(child, 0)
    signal.setitimer(signal.ITIMER_REAL, 0)
    into.wall.append(time.perf_counter() - begin)
    into.cpu.append(usage.ru_utime + usage.ru_stime)
    into.peak = max(into.peak, peak_bytes(usage.ru_maxrss))
    into.status = "timeout" if timed_out else str(os.waitstatus_to_exitcode(status))


def peak_bytes(reported: int) -> int:
    return reported if sys.platform == "darwin" else reported * 1024


def show(measured: dict[str, Measured]) -> None:
    ours = next((this for label, this in measured.items() if "modelward" in label), None)
    print("| program | wall s | CPU s | peak MB | CPU ratio | wall ratio | exit |")
    print("|---|---:|---:|---:|---:|---:|---:|")
    for label, this in measured.items():
        wall, cpu = statistics.median(this.wall), statistics.median(this.cpu)
        ratio = [
            f"{theirs / statistics.median(mine):.1f}" if statistics.median(mine) else ""
            for theirs, mine in ((cpu, ours.cpu), (wall, ours.wall))
        ]
        print(f"| {label} | {wall:.3f} | {cpu:.3f} | {this.peak / 1e6:.0f} "
              f"| {ratio[0]} | {ratio[1]} | {this.status} |", flush=True)


if __name__ == "__main__":
    sys.exit(main())
