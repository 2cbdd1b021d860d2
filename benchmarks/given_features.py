"""Features that somebody else made, for many pictures, from their file to the comparison.

    python benchmarks/given_features.py [--rows 100000] [--numbers 768]

Writes small pictures of noise and planted vectors whose directions decide ten labels, runs 01 to 05 on them
in a folder of its own, and prints what each took (seconds, CPU seconds, peak memory) and found of the truth.
"""

import argparse
import json
import re
import subprocess
import sys
import tempfile
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
MADE = re.compile(r"(0\d_\w+)/given +made in (.+?) \(processor (.+?), ([\d,]+) MB\)")


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


def main(rows: int, numbers: int) -> None:
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        plant(root, rows, numbers)
        command = [sys.executable, "-m", "wikitopics", "run", "--root", str(root)]
        said = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout
        taken = [
            dict(zip(("run", "clock", "processor", "MB"), found, strict=True)) for found in MADE.findall(said)
        ]
        overall = read_json(root / "data/04_evaluate/given/metrics.json")["overall"]
    print(pd.DataFrame(taken).to_string(index=False))
    found = {row["metric"]: row["value"] for row in overall if row["metric"] in ("macro roc_auc", "micro f1")}
    print(json.dumps({"rows": rows, "numbers": numbers, "runs": taken} | found))


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rows", type=int, default=100_000)
    parser.add_argument("--numbers", type=int, default=768)
    main(**vars(parser.parse_args()))
