"""The whole chain on pictures whose labels were planted: 01 to 06 by `source: table` in a root of its own."""

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import papermill
import pytest
from PIL import Image, ImageDraw

from wikitopics.artefacts import read_json, read_table
from wikitopics.batch.run import Local
from wikitopics.paths import PROJECT, STAGES

COLOURS = {"Red": (210, 40, 40), "Blue": (40, 60, 210)}
SHAPES = ("Circles", "Bars")
PARAMS = {
    "01_labels/planted": "source: table\nlabel_source: given\ntable: planted.csv\nimage_root: pictures",
    "02_images/planted": "labels: [planted]\nstore_size: 64\njobs: 1",
    "03_train/planted": "images: planted\nlabels: planted\nlabels_top: 0\nimage_size: 64\nepochs: 12",
    "04_evaluate/planted": "model: planted\nrounds: 100",
    "05_compare/planted": "evaluations: [planted]\nrounds: 100",
    "06_score/planted": "evaluation: planted\nrounds: 100\njobs: 1",
}


def picture(rng: np.random.Generator, labels: list[str]) -> Image.Image:
    """A noisy picture that shows its labels: the background's colour, and shapes on it."""
    colour = np.sum([COLOURS[name] for name in labels if name in COLOURS] or [(120, 120, 120)], axis=0)
    noise = rng.integers(-25, 26, (64, 64, 3))
    image = Image.fromarray(np.clip(colour + noise, 0, 255).astype(np.uint8))
    draw = ImageDraw.Draw(image)
    for _ in range(4):
        x, y = rng.integers(4, 48, 2).tolist()
        if "Circles" in labels:
            draw.ellipse((x, y, x + 12, y + 12), fill="white", outline="black")
        if "Bars" in labels:
            draw.rectangle((x, 0, x + 3, 64), fill="yellow")
    return image


def plant(root: Path, n: int = 240, seed: int = 0) -> pd.DataFrame:
    """Write `n` pictures, their table and the params files; the table's labels are the truth."""
    rng = np.random.default_rng(seed)
    names, rows = [*COLOURS, *SHAPES], []
    (root / "pictures").mkdir()
    for number in range(n):
        labels = [name for name in names if rng.random() < 0.35]
        picture(rng, labels).save(root / "pictures" / f"{number:03}.png")
        rows.append(
            {"path": f"{number:03}.png", "title": f"Planted {number:03}.png", "labels": "|".join(labels)}
        )
    table = pd.DataFrame(rows)
    table.to_csv(root / "planted.csv", index=False)
    for name, text in PARAMS.items():
        path = root / "params" / f"{name}.yaml"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f"run: planted\n{text}\n")
    return table


@pytest.fixture(scope="module")
def planted(tmp_path_factory) -> tuple[Path, dict[str, set[str]], str]:
    """The root after one run of everything, the planted labels by title, and what the command said."""
    root = tmp_path_factory.mktemp("planted")
    table = plant(root)
    command = [sys.executable, "-m", "wikitopics.cli", "run", "--root", str(root)]
    done = subprocess.run(command, capture_output=True, text=True, cwd=root.parent, timeout=900)
    assert done.returncode == 0, done.stdout + done.stderr
    truth = {row.title: set(filter(None, row.labels.split("|"))) for row in table.itertuples()}
    return root / "data", truth, done.stdout


def test_what_was_planted_is_found_far_above_the_prior(planted):
    data, truth, said = planted
    overall = {row["metric"]: row for row in read_json(data / "04_evaluate/planted/metrics.json")["overall"]}
    assert overall["macro roc_auc"]["value"] > 0.85
    for metric in ("macro average_precision", "micro average_precision", "macro f1"):
        assert overall[metric]["value"] > overall[metric]["label prior"] + 0.1, metric
    assert "6 runs: 6 made" in said and "label prior" in said


def test_the_order_of_labels_is_one_along_the_chain(planted):
    data, truth, _ = planted
    order = read_json(data / "03_train/planted/label_names.json")["label_names"]
    first = read_json(data / "01_labels/planted/label_names.json")["label_names"]
    assert order == [name for name in first if name in order] and set(order) == {*COLOURS, *SHAPES}
    for table in ("thresholds", "per_label"):
        found = read_table(data / f"04_evaluate/planted/{table}.parquet")["label"]
        assert list(dict.fromkeys(name for name in found if name in order)) == order, table


def test_each_image_keeps_its_own_labels_to_the_end(planted):
    """Truth beside the predictions is the planted one, by title: nothing was shuffled on the way."""
    data, truth, _ = planted
    order = read_json(data / "03_train/planted/label_names.json")["label_names"]
    titles = []
    for split in ("validation", "test"):
        frame = read_table(data / f"03_train/planted/predictions_{split}.parquet")
        titles += list(frame["title"])
        for row in frame.itertuples():
            assert {name for name, flag in zip(order, row.truth, strict=True) if flag} == truth[row.title]
            assert len(row.scores) == len(order)
    assert len(titles) == len(set(titles)) > 60


def test_every_file_is_an_image_or_has_a_reason(planted):
    data, truth, _ = planted
    folder = data / "02_images/planted"
    images, rejected = read_table(folder / "images.parquet"), read_table(folder / "rejected.parquet")
    duplicates = read_table(folder / "duplicates.parquet")
    gone = set(duplicates.loc[duplicates["kind"] == "exact", "title"])
    labelled = {title for title, labels in truth.items() if labels}
    assert set(images["title"]) | set(rejected["title"]) | gone == labelled  # the others teach nothing here
    assert images.groupby("group")["split"].nunique().max() == 1


def test_what_was_not_learned_from_is_scored_and_counted(planted):
    data, truth, _ = planted
    images = read_table(data / "02_images/planted/images.parquet").set_index("path")
    learned = set(images.index[images["split"].isin(["train", "validation"])])
    topics = read_table(data / "06_score/planted/topics.parquet")
    assert not set(topics["path"]) & learned and (topics["reason"] == "").all()
    assert set(images.index[images["split"] == "test"]) < set(topics["path"])  # and those without a label
    counts = read_table(data / "06_score/planted/counts.parquet")
    order = read_json(data / "03_train/planted/label_names.json")["label_names"]
    assert counts["label"].tolist() == order
    answered = topics[~topics["abstained"]]
    found = answered["labels"].explode().value_counts().reindex(order, fill_value=0).to_numpy()
    silent = counts["counted"] - found  # labels of pictures on which it kept silent are counted all the same
    assert silent.between(0, topics["abstained"].sum()).all()
    assert ((counts["low"] <= counts["share"]) & (counts["share"] <= counts["high"])).all()
    # Given to the right pictures: those with a label have it far more often than those without.
    labels = answered.set_index("path")["labels"]
    for name in order:
        has = np.array([name in truth[f"Planted {path}"] for path in labels.index])
        said = np.array([name in given for given in labels])
        assert said[has].mean() > said[~has].mean() + 0.3


@pytest.mark.slow
def test_a_picture_looks_most_like_itself(planted, monkeypatch):
    """Among what was learned, by features kept; among what was scored, by features computed."""
    from wikitopics.alike.look_alikes import learned_alike, rows_of, scored_alike
    from wikitopics.scoring.pictures import FILES

    data = planted[0]
    monkeypatch.setenv("WIKITOPICS_ROOT", str(data.parent))
    images = read_table(data / "02_images/planted/images.parquet").query("split == 'train'").head(2)
    pixels = list(np.load(data / "02_images/planted/images.npy")[images["row"]])
    alike, context = learned_alike(pixels, "planted", count=3)
    assert alike["title"].tolist()[::3] == images["title"].tolist() and alike["likeness"].iloc[0] > 0.999
    assert all(set(row.labels) == planted[1][row.title] for row in alike.itertuples())
    shown, captions = rows_of(pixels, ["one", "other"], alike, context)
    assert len(shown) == len(captions) == 8 and captions[::4] == ["one", "other"]
    assert (shown[0] == shown[1]).all() and (shown[4] == shown[5]).all()
    paths = [str(data.parent / "pictures" / path) for path in images["path"]]
    paths += [str(data.parent / "planted.csv"), str(data.parent / "pictures" / "000.png")]
    near = scored_alike(FILES, paths, "planted", data / "features.parquet", jobs=1)
    assert near(2) == [] and {place for place, _ in near(0)} == {1, 3}


@pytest.mark.parametrize("stage", STAGES)
def test_the_same_by_hand_from_the_notebooks_folder(planted, stage, tmp_path, monkeypatch):
    """As in JupyterLab: working directory notebooks/, live figures, another run's name; equal results."""
    data = planted[0]
    monkeypatch.setenv("WIKITOPICS_ROOT", str(data.parent))
    for name, value in Local(2).environment.items():  # the number of threads changes TensorFlow's last digits
        if name.endswith("_THREADS"):
            monkeypatch.setenv(name, value)
    executed = json.loads((data / stage / "planted" / "notebook.ipynb").read_text("utf-8"))
    given = executed["metadata"]["papermill"]["parameters"] | {"run": "byhand", "interactive": True}
    papermill.execute_notebook(
        str(PROJECT / "notebooks" / f"{stage}.ipynb"),
        str(tmp_path / "out.ipynb"),
        given,
        kernel_name="python3",
        cwd=str(PROJECT / "notebooks"),
        progress_bar=False,
    )
    results = {
        "01_labels": "labels.parquet",
        "02_images": "images.parquet",
        "03_train": "history.csv",
        "04_evaluate": "per_label.parquet",
        "05_compare": "comparison.parquet",
        "06_score": "counts.parquet",
    }
    ours, theirs = (data / stage / run / results[stage] for run in ("byhand", "planted"))
    read = pd.read_csv if ours.suffix == ".csv" else read_table
    seconds = [name for name in read(ours) if "seconds" in name]
    pd.testing.assert_frame_equal(
        read(ours).drop(columns=seconds), read(theirs).drop(columns=seconds), rtol=0.02, atol=0.02
    )
    assert os.path.exists(data / stage / "byhand" / "run.json")
