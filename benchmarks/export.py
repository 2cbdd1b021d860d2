"""How long an export takes, how large a bundle is, and how fast ONNX Runtime and TFLite score beside ours.

python benchmarks/export.py [RUN] [--rounds N]

Exports a finished run of 03_train (by default commons-10-lite2 of the demo), then gives batches of 64 of its
pictures, already in memory, to each of the bundle's models in turn, N rounds (6) of 4 batches each. Ours is
what `wikitopics score` makes of model.safetensors. By the clock, all on the same cores; CPU seconds stand
beside, as the steadier measure where others use the machine. About a minute. The last line is one JSON
object.
"""

import argparse
import json
import tempfile
import time
from pathlib import Path

import explain
import numpy as np
from stopwatch import cpu_seconds

from wikitopics.artefacts import read_array, read_json
from wikitopics.export.convert import RUNNERS
from wikitopics.export.export import export_run
from wikitopics.export.facts import read_chain
from wikitopics.scoring.bundle import load_bundle
from wikitopics.scoring.network import BATCH

BATCHES = 4


def timed(work) -> tuple[float, float]:
    """Seconds by the clock and of CPU."""
    wall, cpu = time.perf_counter(), cpu_seconds()
    work()
    return time.perf_counter() - wall, cpu_seconds() - cpu


def rates(folder: Path, formats: list[str], pictures: np.ndarray, rounds: int) -> dict[str, dict[str, float]]:
    """Milliseconds a picture of each format, medians over rounds in which they take turns."""
    runners = {name: RUNNERS[f".{name}"](folder / f"model.{name}") for name in formats}
    batches = np.array_split(pictures, BATCHES)
    found = {name: [] for name in formats}
    for number in range(rounds + 1):  # the first one warms up
        for name, run in runners.items():
            spent = timed(lambda run=run: [run(batch) for batch in batches])
            found[name] += [spent] if number else []
    middle = {name: np.median(spent, axis=0) / len(pictures) * 1000 for name, spent in found.items()}
    return {name: {"clock": float(clock), "cpu": float(cpu)} for name, (clock, cpu) in middle.items()}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("run", nargs="?", default="commons-10-lite2")
    parser.add_argument("--rounds", type=int, default=6)
    options = parser.parse_args()
    explain.run_of_demo("03_train", options.run)
    pixels = read_array(read_chain(options.run).images / "images.npy")
    pictures = np.asarray(pixels[: BATCH * BATCHES])
    with tempfile.TemporaryDirectory() as folder:
        out, package = Path(folder) / "bundle", Path(folder) / "bundle.zip"
        first = timed(lambda: export_run(options.run, out))
        again = timed(lambda: export_run(options.run, package))
        made = read_json(out / "export.json")
        load = timed(lambda: load_bundle(package))
        found = {
            "export_seconds": {"first": first, "again, as a zip": again},
            "load_seconds": load,
            "bundle_bytes": package.stat().st_size,
            "model_bytes": made["bytes"],
            "largest_difference": made["checked"]["largest_difference"],
            "milliseconds": rates(out, list(made["bytes"]), pictures, options.rounds),
        }
    ours = found["milliseconds"]["safetensors"]
    for name, spent in found["milliseconds"].items():
        told = ", ".join(f"{ours[kind] / value:.2f} by {kind}" for kind, value in spent.items())
        print(f"{name}: {spent['clock']:.1f} ms a picture, {spent['cpu']:.1f} of CPU; ours over it: {told}")
    print(json.dumps(found))


if __name__ == "__main__":
    main()
