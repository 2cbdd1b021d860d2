"""Do the findings about label sources hold on another split of the sample's pictures?

    python benchmarks/splits.py [--seeds 1 2 3]

Runs {commons, depicts, ores} x {10, 20} labels with Lite0 and everything else as in the demo, once for each
seed of 02_images, in a folder of its own, and prints what 05 says of each. About three minutes a split on two
cores.
"""

import argparse
import json
import subprocess
import sys
import tempfile
from pathlib import Path

import explain  # noqa: F401
import pandas as pd
import yaml

from wikitopics.artefacts import read_json, read_table
from wikitopics.compare.findings import markdown_table
from wikitopics.compare.tables import PRIMARY
from wikitopics.paths import PROJECT

SOURCES = ("commons", "depicts", "ores")
CELLS = [f"{source}-{count}-lite0" for source in SOURCES for count in (10, 20)]


def write_params(root: Path, seeds: list[int]) -> None:
    """The demo's params of the labels, and those of its cells of Lite0 for each seed of the split."""
    for source in SOURCES:
        write(root, "01_labels", source, demo("01_labels", source))
    for seed in seeds:
        write(root, "02_images", f"s{seed}", demo("02_images", "sample") | {"seed": seed})
        for cell in CELLS:
            write(root, "03_train", f"{cell}-s{seed}", demo("03_train", cell) | {"images": f"s{seed}"})
            write(root, "04_evaluate", f"{cell}-s{seed}", {"model": f"{cell}-s{seed}"})
        write(root, "05_compare", f"s{seed}", {"evaluations": [f"{cell}-s{seed}" for cell in CELLS]})


def demo(stage: str, run: str) -> dict:
    """The parameters of a run of the demo."""
    return yaml.safe_load((PROJECT / "params" / stage / f"{run}.yaml").read_text("utf-8"))


def write(root: Path, stage: str, run: str, parameters: dict) -> None:
    """A params file."""
    path = root / "params" / stage / f"{run}.yaml"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(yaml.safe_dump({"run": run} | {k: v for k, v in parameters.items() if k != "run"}))


def answers(root: Path, seed: int) -> list[dict]:
    """What 05 says of a split: its claims about sources, and its single changes."""
    folder = root / "data" / "05_compare" / f"s{seed}"
    claims = [
        claim for claim in read_json(folder / "claims.json") if claim["name"].startswith("label source")
    ]
    rows = [{"question": claim["name"], "value": claim["number"], **ends(claim)} for claim in claims]
    table = read_table(folder / "differences.parquet")
    table = table[(table["metric"] == PRIMARY) & (table["setting"] == "labels_top")]
    rows += [
        {"question": f"{row['from_run']} to {row['to_run']}", "value": row["difference"], **ends(row)}
        for row in table.to_dict("records")
    ]
    return [{"split": seed} | row for row in rows]


def ends(row: dict) -> dict:
    """Interval, corrected p and verdict of a claim or a difference."""
    return {name: row[name] for name in ("low", "high", "p_holm", "verdict")}


def main(seeds: list[int]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        write_params(root, seeds)
        subprocess.run([sys.executable, "-m", "wikitopics", "run", "--root", root], check=True)
        rows = [row for seed in seeds for row in answers(root, seed)]
    print(markdown_table(pd.DataFrame(rows).round(3).astype(str)))
    print(json.dumps(rows))


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument(
        "--seeds", type=int, nargs="+", default=[1, 2, 3], help="of 02_images; 0 is the demo's"
    )
    main(**vars(parser.parse_args()))
