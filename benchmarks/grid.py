"""The eight-cell grid from files to scores: ours, the recipe of June 2022, and the least that it can cost.

python benchmarks/grid.py [--quick | --epochs N]

2 label sets x 10 or 20 labels x EfficientNet-Lite0 or Lite2, 64 px, 15 epochs, 2,293 files of 500 px
(download_like.py). Ours decodes once, runs each backbone once and trains eight heads on its features. The
least: the same three steps by Pillow and Keras alone (grid_least.py). The recipe (june_2022.py) decodes and
runs the backbone in every epoch: one cell of Lite0 is trained in full, which gives its quality; one of Lite2
for two epochs, and each epoch that is left out counts as the last one; both times four. About 5 minutes on
two free cores. --quick: everything of ours, and two epochs of each cell of the recipe, whose quality is then
not told: 3 minutes. Label runs of the demo are made where they are missing. The last line is one JSON object.
"""

import argparse
import json
import tempfile
from itertools import product
from pathlib import Path

import explain
import june_2022
import numpy as np
import pandas as pd
from download_like import write_files
from grid_least import BACKBONES, BATCH, COUNTS, SETS, SIDE, head, least
from sklearn.metrics import roc_auc_score
from stopwatch import Stopwatch

from wikitopics.artefacts import finished_run, write_table
from wikitopics.images.decode import Recipe
from wikitopics.images.image_set import decode_files
from wikitopics.sources import open_source
from wikitopics.train import examples, fit
from wikitopics.train.examples import Batches
from wikitopics.train.features import cached_features
from wikitopics.train.members import Heads
from wikitopics.train.model import build_model, features_of

EPOCHS = 15


def ours(files: pd.DataFrame, folder: Path, epochs: int, watch: Stopwatch) -> dict[tuple, float]:
    """Macro ROC-AUC on test of each cell (backbone, labels run, labels)."""
    source, images = open_source("folder", image_root=str(folder)), folder / "images_run"
    with watch.part("decode"):
        made = decode_files(files, source, Recipe(SIDE), images / "images.npy").images
    parts = np.random.default_rng(0).choice(["train", "validation", "test"], len(made), p=[0.6, 0.15, 0.25])
    write_table(images / "images.parquet", made.assign(split=parts, group=made["row"]))
    found = {}
    for backbone in BACKBONES:
        with watch.part("build"):
            eye = features_of(build_model(1, backbone, SIDE))
        with watch.part("features"):
            features = cached_features(images, eye, backbone, SIDE)
        for cell in product([backbone], SETS, COUNTS):
            with watch.part("heads"):
                found[cell] = one_head(images, features, cell, epochs)
    return found


def one_head(images: Path, features: np.ndarray, cell: tuple, epochs: int) -> float:
    """Trained by the library's own loop: PR-AUC on validation and its checkpoints."""
    _, labels, count = cell
    data = read(images, labels, count)
    rows = {split: data.rows(split) for split in ("train", "validation", "test")}
    train, validation, test = (
        Batches(features, rows[split], data.label_matrix[rows[split]], BATCH, seed)
        for split, seed in (("train", 0), ("validation", None), ("test", None))
    )
    name = "-".join(map(str, cell))
    trained = Heads([head(features.shape[1], count)], [train])
    fit.fit(trained, validation, epochs, 0, images / name, name)
    return quality(data.label_matrix[rows["test"]], trained.scores(test)[0])


def read(images: Path, labels: str, count: int) -> examples.Examples:
    return examples.keep_top_labels(examples.read_examples(images, finished_run("01_labels", labels)), count)


def quality(truth: np.ndarray, scores: np.ndarray) -> float:
    """Macro ROC-AUC of the labels that have one on test."""
    both = (truth.min(axis=0) == 0) & (truth.max(axis=0) == 1)
    return float(roc_auc_score(truth[:, both], scores[:, both], average="macro"))


def theirs(folder: Path, backbone: str, epochs: int, watch: Stopwatch, each: june_2022.Epochs) -> float:
    """Macro ROC-AUC on the same test pictures of the cell (backbone, commons, 10), after `epochs`."""
    data = read(folder / "images_run", SETS[0], COUNTS[0])
    paths = data.frame["path"].to_numpy()
    rows = {split: data.rows(split) for split in ("train", "test")}
    with watch.part("train"):
        chosen = list(paths[rows["train"]])
        model = june_2022.train(folder, chosen, data.label_matrix[rows["train"]], backbone, epochs, each)
    with watch.part("score"):
        scores = june_2022.scores(model, folder, list(paths[rows["test"]]))
    return quality(data.label_matrix[rows["test"]], scores)


def of_grid(watches: dict[str, Stopwatch], each: dict[str, june_2022.Epochs]) -> np.ndarray:
    """Wall and CPU seconds of the recipe's eight cells: four of each backbone, with all epochs.

    One that was not trained takes what the last one took, which compiled nothing.
    """
    total = np.zeros(2)
    for name in BACKBONES:
        left = EPOCHS - len(each[name].seconds)
        total += np.array(watches[name].total()) + left * np.array(each[name].seconds[-1])
    return 4 * total


def main(epochs_of_recipe: int) -> None:
    for labels in SETS:
        explain.run_of_demo("01_labels", labels)
    trained = dict(zip(BACKBONES, (epochs_of_recipe, 2), strict=True))
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        files = write_files(folder)
        mine, bound, recipe = Stopwatch(), Stopwatch(), {name: Stopwatch() for name in BACKBONES}
        each = {name: june_2022.Epochs() for name in BACKBONES}
        least(files, folder, EPOCHS, bound)
        found = ours(files, folder, EPOCHS, mine)
        table(mine, bound)
        print("macro ROC-AUC of", found, flush=True)
        reached = {name: theirs(folder, name, trained[name], recipe[name], each[name]) for name in BACKBONES}
    grid, total, lowest = of_grid(recipe, each), np.array(mine.total()), np.array(bound.total())
    print(f"recipe of June 2022: {grid[0]:,.0f} s, {grid[1]:,.0f} s of CPU (epochs left out as the last one)")
    cell = found[BACKBONES[0], SETS[0], COUNTS[0]]
    figures = {
        "files": len(files),
        "epochs": EPOCHS,
        "recipe_epochs_trained": trained,
        "ours_seconds": total.round(1).tolist(),
        "least_seconds": lowest.round(1).tolist(),
        "recipe_seconds": grid.round(1).tolist(),
        "recipe_to_ours": (grid / total).round(1).tolist(),
        "ours_to_least": (total / lowest).round(2).tolist(),
        "macro_roc_auc_ours_same_cell": round(cell, 4),
        "macro_roc_auc_recipe": {
            name: round(value, 4) for name, value in reached.items() if trained[name] == EPOCHS
        },
        "macro_roc_auc_ours": {"-".join(map(str, key)): round(value, 4) for key, value in found.items()},
    }
    print(json.dumps(figures))


def table(mine: Stopwatch, bound: Stopwatch) -> None:
    print(f"{'wall, CPU seconds':18} {'ours':>16} {'least':>16}")
    for part, (wall, cpu) in mine.items():
        print(f"{part:18} {wall:8.1f}{cpu:8.1f} {bound[part][0]:8.1f}{bound[part][1]:8.1f}")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="two epochs of the recipe's cell of Lite0, too")
    parser.add_argument("--epochs", type=int, default=EPOCHS, help="of the recipe's cell of Lite0")
    options = parser.parse_args()
    if not 2 <= options.epochs <= EPOCHS:  # the first one compiles: it says nothing of the others
        parser.error(f"--epochs must be 2 to {EPOCHS}, but is {options.epochs}; choose one of these")
    main(2 if options.quick else options.epochs)
