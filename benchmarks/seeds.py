"""What five seeds of a cell cost, against one: processor time of the whole runs, the sample, from the batch.

python benchmarks/seeds.py [--rounds N]

Runs 01 and 02 on the sample in a folder of its own and 03 once, which computes the features; then 03 with one
seed and with five, two runs at a time, as the batch does. A run counts from its first cell to its last:
reading, heads, proof, saving. With 04, which judges the cell, the same: it does not become longer with seeds.
"""

import argparse
import json
import tempfile
from pathlib import Path

import explain  # noqa: F401
import numpy as np
from given_features import made

FEW, MANY = 1, 5
BACKBONES = ("EfficientNetLite0", "EfficientNetLite2")
PARAMS = {
    "01_labels/ores": "label_source: ores\ntaxonomy: ores-64",
    "02_images/sample": "labels: [ores]",
}


def params(root: Path, name: str, text: str) -> str:
    """Write the params of a run; its name."""
    path = root / "params" / f"{name}.yaml"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"run: {path.stem}\n{text}\n", "utf-8")
    return name


def cell(root: Path, backbone: str, seeds: int, number: int) -> list[str]:
    """Params of a cell, another learning rate each time, so that none is the same run: 03 and 04."""
    run = f"{backbone}-{seeds}-{number}".lower()
    learned = f"labels: ores\nbackbone: {backbone}\nseeds: {seeds}\nlearning_rate: {0.001 + number * 1e-9}"
    return [params(root, f"03_train/{run}", learned), params(root, f"04_evaluate/{run}", f"model: {run}")]


def main(rounds: int) -> None:
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        first = [params(root, name, text) for name, text in PARAMS.items()]
        made(root, first + [name for backbone in BACKBONES for name in cell(root, backbone, FEW, 0)])
        names = [
            name
            for number in range(1, rounds + 1)
            for backbone in BACKBONES
            for seeds in (FEW, MANY)
            for name in cell(root, backbone, seeds, number)
        ]
        took = {one["run"]: float(one["processor"].split()[0]) for one in made(root, names)}
    table = {
        backbone: {
            stage: [middle(took, stage, backbone, seeds) for seeds in (FEW, MANY)] for stage in ("03", "04")
        }
        for backbone in BACKBONES
    }
    for backbone, own in table.items():
        print(f"{backbone}: CPU seconds with {FEW} seed and with {MANY}: {own}")
    one, five = (sum(own["03"][place] for own in table.values()) for place in (0, 1))
    judged = [sum(sum(own[stage][place] for stage in own) for own in table.values()) for place in (0, 1)]
    print(
        json.dumps({"seconds": table, "train": round(five / one, 2), "cell": round(judged[1] / judged[0], 2)})
    )


def middle(took: dict[str, float], stage: str, backbone: str, seeds: int) -> float:
    """The median of the rounds."""
    start = f"{backbone}-{seeds}-".lower()
    own = [
        value
        for name, value in took.items()
        if name.startswith(stage) and name.split("/")[1].startswith(start)
    ]
    return float(np.median(own))


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=2)
    main(parser.parse_args().rounds)
