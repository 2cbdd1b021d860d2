"""Features that somebody else made, for many pictures, from their file to the comparison.

    python benchmarks/given_features.py [--rows 100000] [--numbers 768] [--configurations 50]

Writes small pictures of noise and planted vectors whose directions decide ten labels, runs 01 to 05 on them
in a folder of its own, and prints what each took (seconds, CPU seconds, peak memory) and found of the truth.
--configurations: then so many further 03 runs in one call, of other losses, rates, heads and seeds.
"""

import argparse
import json
import re
import subprocess
import sys
import tempfile
import time
from itertools import islice, product
from pathlib import Path

import explain  # noqa: F401
import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
from PIL import Image

from wikitopics.artefacts import read_json

LABELS, SIDE, ROWS = 10, 16, 8192
PARAMS = {
    "01_labels/given": "source: table\nlabel_source: given\ntable: files.csv\nimage_root: pictures",
    "02_images/given": "labels: [given]\nstore_size: 16\njobs: 2",
    "03_train/given": "images: given\nlabels: given\nlabels_top: 0\nbackbone: features\n"
    "features: made.parquet",
    "04_evaluate/given": "model: given",
    "05_compare/given": "evaluations: [given]",
}
OTHERS = product(
    (0, 1),
    ("binary_crossentropy", "focal", "asymmetric", "positive_weighted"),
    (0.001, 0.0003),
    (0, 64, 128),
    ("equal", "rare"),
)
MADE = re.compile(r"(0\d_\w+/\S+) +made in (.+?) \(processor (.+?), ([\d,]+) MB\)")


def plant(root: Path, rows: int, numbers: int) -> None:
    """Pictures, their vectors in another order, and labels that directions of the vectors decide."""
    rng = np.random.default_rng(0)
    directions = rng.normal(size=(numbers, LABELS)) / np.sqrt(numbers)
    (root / "pictures").mkdir()
    names, labels = [f"{number:07}.png" for number in range(rows)], []
    schema = pa.schema({"path": pa.string(), "vector": pa.list_(pa.float32(), numbers)})
    with pq.ParquetWriter(root / "made.parquet", schema) as writer:
        for start in range(0, rows, ROWS):
            some = names[start : start + ROWS]
            vectors = rng.normal(size=(len(some), numbers)).astype(np.float32)
            said = vectors @ directions + rng.normal(0, 0.3, (len(some), LABELS)) > 1
            labels += ["|".join(f"Label {one}" for one in np.flatnonzero(row)) for row in said]
            for name in some:
                noise = rng.integers(0, 256, (SIDE, SIDE, 3), np.uint8)
                Image.fromarray(noise).save(root / "pictures" / name, compress_level=1)
            lists = pa.FixedSizeListArray.from_arrays(pa.array(vectors.ravel()), numbers)
            writer.write_table(pa.table([some, lists], schema=schema))
    pd.DataFrame({"path": names, "labels": labels}).to_csv(root / "files.csv", index=False)
    for name, text in PARAMS.items():
        path = root / "params" / f"{name}.yaml"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f"run: given\n{text}\n", "utf-8")


def other_heads(root: Path, number: int) -> list[str]:
    """Write params of so many 03 runs; their names."""
    names = []
    for place, (seed, loss, rate, units, weights) in enumerate(islice(OTHERS, number)):
        name = f"03_train/other{place:02}"
        text = PARAMS["03_train/given"] + f"\nseeds: 1\nseed: {seed}\nloss: {loss}\nlearning_rate: {rate}"
        text += f"\nhead_units: {units}\nlabel_weights: {weights}\n"
        (root / "params" / f"{name}.yaml").write_text(f"run: other{place:02}\n{text}", "utf-8")
        names.append(name)
    return names


def made(root: Path, names: list[str]) -> list[dict[str, str]]:
    """Make some runs, or all, in one call: what each took."""
    command = [sys.executable, "-m", "wikitopics", "run", "--root", str(root), *names]
    said = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout
    return [dict(zip(("run", "clock", "processor", "MB"), one, strict=True)) for one in MADE.findall(said)]


def main(rows: int, numbers: int, configurations: int) -> None:
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        plant(root, rows, numbers)
        told = {"rows": rows, "numbers": numbers, "runs": made(root, [])}
        overall = read_json(root / "data/04_evaluate/given/metrics.json")["overall"]
        print(pd.DataFrame(told["runs"]).to_string(index=False), flush=True)
        if configurations:
            started = time.perf_counter()
            others = made(root, other_heads(root, configurations))
            minutes = round((time.perf_counter() - started) / 60, 1)
            largest = max(int(one["MB"].replace(",", "")) for one in others)
            told["others"] = {"configurations": len(others), "minutes": minutes, "largest_mb": largest}
            print(told["others"])
    found = {row["metric"]: row["value"] for row in overall if row["metric"] in ("macro roc_auc", "micro f1")}
    print(json.dumps(told | found))


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rows", type=int, default=100_000)
    parser.add_argument("--numbers", type=int, default=768)
    parser.add_argument("--configurations", type=int, default=0)
    main(**vars(parser.parse_args()))
