"""Scoring files from disk at 224 px, decode included, against the network's own rate; and is memory flat?

python benchmarks/score.py [--quick]

A Lite0 model with ten labels scores files of 500 px (see download_like.py) by wikitopics.scoring; in turn
with that, Keras' `predict` of the same model is timed on pictures that are in memory, 16 and 64 at a time.
CPU seconds stand beside, as the steadier measure where others use the machine. Memory is compared at 1,000
and 100,000 symbolic links to files of 64 px, each number in a process of its own, with a network of one
layer, so that it ends in minutes. About 10 minutes on two free cores; --quick: 256 files once, 500 and 2,000
links, 3 minutes. The last line is one JSON object.
"""

import argparse
import json
import resource
import subprocess
import sys
import tempfile
import time
from functools import partial
from pathlib import Path

import explain  # noqa: F401
import numpy as np
import pandas as pd
from download_like import write_files
from stopwatch import cpu_seconds

from wikitopics.artefacts import write_json, write_table
from wikitopics.networks.engine import keras
from wikitopics.scoring.network import TOGETHER
from wikitopics.scoring.shards import score_files
from wikitopics.train.model import build_model
from wikitopics.train.record import file_digest, read_trained

SIDE, LABELS, BATCHES = 224, 10, (16, 64)


def write_run(folder: Path, model: keras.Model) -> Path:
    """What scoring reads of a training run; the validation predictions are made up."""
    folder.mkdir(parents=True)
    names = [f"Label {number}" for number in range(LABELS)]
    model.save(folder / "model.keras")
    digest = file_digest(folder / "model.keras")
    write_json(folder / "label_names.json", {"label_names": names, "parents": dict.fromkeys(names)})
    write_json(folder / "run.json", {"parameters": {"images": "set"}, "model_sha256": digest})
    images = folder.parents[1] / "02_images" / "set"
    images.mkdir(parents=True, exist_ok=True)
    write_json(images / "run.json", {"parameters": {"fit": "pad"}})
    rng = np.random.default_rng(0)
    truth, scores = (rng.random((200, LABELS)) < 0.2).astype(np.uint8), rng.random((200, LABELS))
    table = pd.DataFrame({"truth": list(truth), "scores": list(scores.astype(np.float32))})
    write_table(folder / "predictions_validation.parquet", table)
    return folder


def one_layer() -> keras.Model:
    layers = [keras.Input((32, 32, 3)), keras.layers.AveragePooling2D(32), keras.layers.Flatten()]
    return keras.Sequential([*layers, keras.layers.Dense(LABELS, "sigmoid")])


def timed(work) -> tuple[float, float]:
    wall, cpu = time.perf_counter(), cpu_seconds()
    work()
    return time.perf_counter() - wall, cpu_seconds() - cpu


def rates(run: Path, paths: list[str], out: Path, rounds: int) -> dict[str, float]:
    """Milliseconds a picture (wall, CPU) of scoring and of `predict` by batch size, taken in turn: medians
    of the rounds, and the medians of the rounds' ratios.

    What both need once (reading and compiling the model) is timed with a single file and taken away, and
    with it the one batch that this file is padded to.
    """
    model, _ = read_trained(run)
    model.compile(jit_compile=False)
    pictures = np.random.default_rng(0).integers(0, 256, (len(paths), SIDE, SIDE, 3), np.uint8)
    ways = {size: partial(model.predict, pictures, batch_size=size, verbose=0) for size in BATCHES}
    for size in BATCHES:
        model.predict(pictures[:size], batch_size=size, verbose=0)
    score_files(run, paths[:1], out)  # the first call of a process costs more than those after it
    spent: dict[str, list] = {"score": [], **{f"predict_{size}": [] for size in BATCHES}}
    for _ in range(rounds):
        once = timed(lambda: score_files(run, paths[:1], out))
        whole = timed(lambda: score_files(run, paths, out))
        spent["score"].append(1000 * np.subtract(whole, once) / (len(paths) - TOGETHER["CPU"]))
        for size, predict in ways.items():
            spent[f"predict_{size}"].append(1000 * np.array(timed(predict)) / len(paths))
    figures = {f"{way}_ms": np.median(rows, axis=0).round(1).tolist() for way, rows in spent.items()}
    for size in BATCHES:
        ratio = np.median(np.divide(spent[f"predict_{size}"], spent["score"]), axis=0)
        figures[f"ratio_{size}"] = ratio.round(3).tolist()
    return figures


def peak_of(run: Path, files: list[str], count: int, folder: Path) -> dict[str, float]:
    """Peak memory (MB) and rate of a process that scores `count` links to the files."""
    folder.mkdir()
    for number in range(count):
        (folder / f"{number:06}").symlink_to(files[number % len(files)])
    call = [sys.executable, __file__, "--memory", str(run), str(folder)]
    return json.loads(
        subprocess.run(call, check=True, capture_output=True, text=True).stdout.splitlines()[-1]
    )


def own_peak() -> int:
    """Peak memory of this process (kB). Not ru_maxrss, which begins with what the starting process held."""
    status = Path("/proc/self/status").read_text()
    return int(status.split("VmHWM:")[1].split()[0])


def memory(run: Path, folder: Path) -> None:
    """The work of the process that `peak_of` starts."""
    started = time.perf_counter()
    paths = sorted(str(path) for path in folder.iterdir())
    score_files(run, paths, folder.with_suffix(".parquet"))
    seconds, _ = time.perf_counter() - started, cpu_seconds()  # ends the workers, so that they are counted
    worker = round(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1000)
    own = round(own_peak() / 1000)
    figures = {"files": len(paths), "peak_mb": own, "worker_peak_mb": worker, "seconds": round(seconds, 1)}
    print(json.dumps(figures))


def main(quick: bool) -> None:
    most, rounds, counts = (256, 1, (500, 2000)) if quick else (384, 3, (1000, 100_000))
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        table = write_files(folder / "files", count=most)
        files = [str(folder / "files" / path) for path in table.path]
        lite = write_run(folder / "runs" / "03_train" / "lite0", build_model(LABELS, image_size=SIDE))
        figures = rates(lite, files, folder / "out.parquet", rounds)
        print(figures, flush=True)
        light = write_run(folder / "runs" / "03_train" / "light", one_layer())
        small = write_files(folder / "small", side=64, count=1000)
        files = [str(folder / "small" / path) for path in small.path]
        peaks = []
        for count in counts:
            peaks.append(peak_of(light, files, count, folder / f"links{count}"))
            print(peaks[-1], flush=True)
    figures |= {f"memory_{peak['files']}": peak for peak in peaks}
    figures["peak_grows_by_mb"] = peaks[1]["peak_mb"] - peaks[0]["peak_mb"]
    print(json.dumps(figures))


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="256 files, 500 and 2,000 links")
    parser.add_argument("--memory", nargs=2, type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args()
    memory(*options.memory) if options.memory else main(options.quick)
