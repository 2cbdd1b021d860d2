"""Synthetic runs of 01-03 in the contract's format, with a planted quality: what 04 and 05 are tested on."""

import json
from pathlib import Path

import numpy as np
import pandas as pd

from wikitopics.artefacts import write_array, write_json, write_table

NAMES = ["Plants", "Animals", "People", "Maps & Flags", "Music", "Food"]


def planted(rng: np.random.Generator, truth: np.ndarray, signal: float, offset: float = -2.0) -> np.ndarray:
    """Scores (float32, in (0, 1)) whose ROC-AUC grows with `signal`: 0 is chance, 3 is nearly perfect."""
    logits = rng.normal(size=truth.shape) + signal * truth + offset
    return (1 / (1 + np.exp(-logits))).astype(np.float32)


def truth_of(names: list[str], images: int, seed: int, split: str) -> np.ndarray:
    """The same image has the same label in every run: (images, len(names)) uint8, by name, seed and split."""
    columns = [
        np.random.default_rng([seed, *name.encode(), *split.encode()]).random(images) for name in names
    ]
    return (np.column_stack(columns) < prevalence(names)).astype(np.uint8)


def prevalence(names: list[str]) -> np.ndarray:
    """Share of the images that have each label: from 0.05 to 0.40, by name."""
    return np.array([0.05 + 0.035 * (sum(name.encode()) % 11) for name in names])


def draw_truth(rng: np.random.Generator, images: int, labels: int) -> np.ndarray:
    """(images, labels) uint8 with prevalences from about 0.3 down to 0.06."""
    return (rng.random((images, labels)) < np.linspace(0.3, 0.06, labels)).astype(np.uint8)


def titles(split: str, images: int) -> list[str]:
    return [f"{split} {i} <b>.jpg" for i in range(images)]


def write_train_run(
    root: Path,
    run: str = "commons-10-lite0",
    names: list[str] = NAMES,
    signal: float = 2.0,
    images: dict[str, int] | None = None,
    seed: int = 0,
    group_size: int = 1,
    taxonomy: str = "v1.4",
    further_seeds: tuple[int, ...] = (),
    **parameters,
) -> Path:
    """data/03_train/RUN with both prediction tables; truth depends on `seed` only, scores on the run too.

    further_seeds: more networks of the same run, each with scores of its own.
    """
    folder = root / "data" / "03_train" / run
    folder.mkdir(parents=True, exist_ok=True)
    noise = np.random.default_rng([seed, *run.encode()])
    start = 0
    for split, count in (images or {"validation": 150, "test": 250}).items():
        truth = truth_of(names, count, seed, split)
        frame = pd.DataFrame({"title": titles(split, count), "row": np.arange(start, start + count)})
        frame["group"] = (start + np.arange(count)) // group_size + (0 if split == "validation" else 10_000)
        frame["truth"] = list(truth)
        frame["scores"] = list(planted(noise, truth, signal))
        for number in further_seeds:
            frame[f"scores_seed_{number}"] = list(planted(noise, truth, signal))
        write_table(folder / f"predictions_{split}.parquet", frame)
        start += count
    write_json(folder / "label_names.json", {"label_names": names, "parents": {}, "taxonomy": taxonomy})
    write_json(folder / "prior.json", dict(zip(names, prevalence(names).tolist(), strict=True)))
    given = {"run": run, "labels": "commons", "images": "sample", "labels_top": len(names)}
    given |= {"backbone": "EfficientNetLite0"} | parameters
    record = {"stage": "03_train", "run": run, "parameters": given}
    if further_seeds:
        record["seeds"] = [int(given.get("seed", 0)), *further_seeds]
    write_json(folder / "run.json", record)
    return folder


def write_source_runs(root: Path, train: Path, human_agreement: float = 0.95, seed: int = 0) -> None:
    """data/01_labels and data/02_images of a train run; human labels are its truth, a few cells flipped."""
    parameters = json.loads((train / "run.json").read_text())["parameters"]
    names = json.loads((train / "label_names.json").read_text())["label_names"]
    frames = [pd.read_parquet(train / f"predictions_{split}.parquet") for split in ("validation", "test")]
    frame = pd.concat(frames, ignore_index=True)
    truth = np.stack(frame["truth"].to_list())
    flip = np.random.default_rng(seed).random(truth.shape) > human_agreement
    labels = root / "data" / "01_labels" / parameters["labels"]
    write_table(labels / "human.parquet", _listed(frame["title"], truth ^ flip, names))
    own = _listed(frame["title"], truth, names)
    own["scores"] = [[1.0] * len(row) for row in own["labels"]]
    write_table(labels / "labels.parquet", own)
    why = [
        (t, label, 1.0, "Start", ["Start", label], ["depth"], label)
        for t, label in zip(own["title"], own["labels"], strict=True)
        for label in label
    ]
    write_table(
        labels / "why.parquet",
        pd.DataFrame(why, columns=["title", "label", "score", "start", "path", "rules", "anchor"]),
    )
    files = own[["title"]].assign(path=own["title"], creator="", licence="CC0")
    files["categories"] = [["<script>alert(1)</script>"]] * len(files)
    files["articles"] = [[]] * len(files)
    write_table(labels / "files.parquet", files)
    write_json(labels / "label_names.json", {"taxonomy": "v1.4", "label_names": names, "parents": {}})
    write_json(labels / "source.json", {"source": "folder", "options": {"image_root": "pictures"}})
    write_json(labels / "run.json", {"stage": "01_labels", "run": parameters["labels"], "parameters": {}})
    images = root / "data" / "02_images" / parameters["images"]
    write_array(images / "images.npy", np.full((len(frame), 16, 16, 3), 200, dtype=np.uint8))
    table = frame[["row", "title", "group"]].assign(
        path=frame["title"], width=100, height=80, format="PNG", mode="RGB", bytes=1000, split="test"
    )
    write_table(images / "images.parquet", table)
    write_json(
        images / "run.json",
        {"stage": "02_images", "run": "sample", "parameters": {"labels": [parameters["labels"]]}},
    )


def _listed(title: pd.Series, matrix: np.ndarray, names: list[str]) -> pd.DataFrame:
    return pd.DataFrame({"title": title, "labels": [list(np.array(names)[row == 1]) for row in matrix]})
