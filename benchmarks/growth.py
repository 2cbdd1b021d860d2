"""How time and memory grow with the number of pictures: 1x, 4x and 16x, with fitted exponents.

python benchmarks/growth.py [--quick]   250, 1,000 and 4,000 files of 500 px (quick: 60, 240, 960)

Each number in a process of its own: files decoded into a store of 64 px, features of EfficientNet-Lite0, one
head of ten labels for 15 epochs. The exponent b of seconds ~ n^b is fitted to the three CPU times of a part
(least squares of the logarithms); below 1 are fixed costs. About 3 minutes; the last line is one JSON object.
"""

import argparse
import json
import resource
import subprocess
import sys
import tempfile
from pathlib import Path

import explain  # noqa: F401
import numpy as np
from download_like import write_files
from stopwatch import Stopwatch, cpu_seconds

from wikitopics.artefacts import write_table
from wikitopics.images.decode import Recipe
from wikitopics.images.image_set import decode_files
from wikitopics.sources import open_source

SIDE, LABELS, BATCH, EPOCHS, TIMES = 64, 10, 64, 15, (1, 4, 16)


def work(folder: Path, count: int) -> None:
    """One number of pictures, from files to a trained head; prints its figures as JSON."""
    from wikitopics.train import fit
    from wikitopics.train.examples import Batches
    from wikitopics.train.features import cached_features
    from wikitopics.train.members import Heads
    from wikitopics.train.model import build_model, features_of, head_of

    files, watch, images = write_files(folder / "files", count=count), Stopwatch(), folder / "images_run"
    source = open_source("folder", image_root=str(folder / "files"))
    with watch.part("decode"):
        made = decode_files(files, source, Recipe(SIDE), images / "images.npy").images
    write_table(images / "images.parquet", made)
    network = build_model(LABELS, image_size=SIDE, store_size=SIDE)
    with watch.part("features"):
        features = cached_features(images, features_of(network), "EfficientNetLite0", SIDE)
    targets = (np.random.default_rng(0).random((len(features), LABELS)) < 0.2).astype(np.float32)
    cut = int(0.8 * len(features))
    rows = np.arange(len(features))
    train = Batches(features, rows[:cut], targets[:cut], BATCH, seed=0)
    validation = Batches(features, rows[cut:], targets[cut:], BATCH)
    with watch.part("head"):
        fit.fit(Heads([head_of(network)], [train]), validation, EPOCHS, 0, folder / "head", "growth")
    cpu_seconds()  # ends the workers, so that their memory is known
    own, worker = (
        resource.getrusage(who).ru_maxrss / 1000 for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)
    )
    print(json.dumps({"parts": watch, "peak_mb": round(own), "worker_peak_mb": round(worker)}))


def measured(count: int) -> dict:
    """The figures of `count` pictures, from a process of its own."""
    with tempfile.TemporaryDirectory() as folder:
        call = [sys.executable, __file__, "--work", folder, str(count)]
        done = subprocess.run(call, check=True, stdout=subprocess.PIPE, text=True)
    return json.loads(done.stdout.splitlines()[-1])


def exponent(counts: list[int], values: list[float]) -> float:
    """b of value ~ count^b."""
    return round(float(np.polyfit(np.log(counts), np.log(values), 1)[0]), 2)


def main(quick: bool) -> None:
    counts = [(60 if quick else 250) * times for times in TIMES]
    found = [measured(count) for count in counts]
    figures: dict = {"pictures": counts, "exponents": {}}
    print(f"{'':10}" + "".join(f"{count:>18,}" for count in counts) + "  exponent (wall, CPU seconds)")
    for part in found[0]["parts"]:
        pairs = [one["parts"][part] for one in found]
        wall, cpu = ([pair[i] for pair in pairs] for i in (0, 1))
        figures["exponents"][part] = exponent(counts, cpu)
        figures[f"{part}_seconds"] = [[round(value, 2) for value in pair] for pair in pairs]
        cells = "".join(f"{a:>11.1f}{b:>7.1f}" for a, b in zip(wall, cpu, strict=True))
        print(f"{part:10}{cells}  {figures['exponents'][part]}")
    for name in ("peak_mb", "worker_peak_mb"):
        figures[name] = [one[name] for one in found]
        figures["exponents"][name] = exponent(counts, figures[name])
    print(json.dumps(figures))


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="60, 240 and 960 pictures")
    parser.add_argument("--work", nargs=2, help=argparse.SUPPRESS)
    options = parser.parse_args()
    work(Path(options.work[0]), int(options.work[1])) if options.work else main(options.quick)
