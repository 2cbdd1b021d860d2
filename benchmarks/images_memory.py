"""How memory and time of 02_images grow with the number of files.

python benchmarks/images_memory.py [FILES] [--quick]

Makes FILES (2,000), 4 and 16 times as many small JPEG files, all different, and does with each set what the
notebook does: decode, find duplicates, split. Each in a process of its own, whose own memory (not mapped
files) is looked at 50 times a second. The last line is one JSON object.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

import explain  # noqa: F401
import numpy as np
import pandas as pd
from PIL import Image

from wikitopics.artefacts import read_array, write_table
from wikitopics.images import report
from wikitopics.images.decode import Recipe
from wikitopics.images.duplicates import groups_of, near_duplicates
from wikitopics.images.image_set import decode_files
from wikitopics.images.split import stratified_split
from wikitopics.sources import open_source

LABELS = 60
peak = {"bytes": 0}


def fill(folder: Path, count: int) -> None:
    """`count` JPEG files of 200 x 150 pixels, no two alike."""
    rng = np.random.default_rng(0)
    for number in range(count):
        inner = folder / f"{number // 1000:04d}"
        inner.mkdir(parents=True, exist_ok=True)
        fields = rng.integers(0, 256, (9, 12, 3), dtype=np.uint8)
        picture = Image.fromarray(fields).resize((200, 150), Image.Resampling.BICUBIC)
        picture.save(inner / f"Some file of the usual length {number:07d}.jpg", quality=85)


def watch() -> None:
    """Note the largest private memory of this process, for ever."""
    while True:
        lines = Path("/proc/self/status").read_text().splitlines()
        private = next(int(line.split()[1]) << 10 for line in lines if line.startswith("RssAnon"))
        peak["bytes"] = max(peak["bytes"], private)
        time.sleep(0.02)


def notebook(folder: Path, jobs: int) -> dict:
    """What 02_images does with these files: how many it kept, its seconds and its peak memory."""
    threading.Thread(target=watch, daemon=True).start()
    os.environ["WIKITOPICS_ROOT"] = str(folder)
    source, started = open_source("folder", image_root="set"), time.time()
    files = source.files()
    decoded = decode_files(files, source, Recipe(), folder / "images.npy", jobs)
    seconds, decoding = time.time() - started, peak["bytes"]
    images, pixels = decoded.images, read_array(folder / "images.npy")
    pairs = near_duplicates(pixels, images[["width", "height"]].to_numpy())
    images["group"] = groups_of(len(images), pairs)
    rng = np.random.default_rng(0)
    matrix = (rng.random((len(images), LABELS)) < np.geomspace(0.2, 0.001, LABELS)).astype(np.uint8)
    images["split"] = stratified_split(matrix, images["group"].to_numpy(), (0.6, 0.15, 0.25), 0)
    write_table(folder / "duplicates.parquet", report.duplicates_table(images, decoded.exact, pairs))
    figures = {
        "files": len(files),
        "kept": len(images),
        "decode_s": seconds,
        "total_s": time.time() - started,
    }
    return figures | {"decode_mb": decoding >> 20, "peak_mb": peak["bytes"] >> 20}


def main(count: int) -> None:
    rows = []
    with tempfile.TemporaryDirectory() as top:
        for times in (1, 4, 16):
            folder = Path(top) / str(times)
            fill(folder / "set", count * times)
            command = [sys.executable, __file__, "--one", str(folder)]
            done = subprocess.run(command, capture_output=True, text=True, check=True)
            rows.append(json.loads(done.stdout.splitlines()[-1]))
            print(rows[-1], flush=True)
    table = pd.DataFrame(rows)
    slope, base = np.polyfit(table["files"], table["peak_mb"], 1)
    figures = {"mb_at_rest": round(base), "kb_per_file": round(1024 * slope, 2)}
    print(json.dumps(figures | {"estimated_mb_at_1m": round(base + 1e6 * slope)}))


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("files", nargs="?", type=int, default=2000, help="of the smallest set (2,000)")
    parser.add_argument("--quick", action="store_true", help="500 files")
    parser.add_argument("--one", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.one:
        print(json.dumps(notebook(options.one, jobs=1)))
    else:
        main(500 if options.quick else options.files)
