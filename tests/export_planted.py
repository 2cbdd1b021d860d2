"""A finished chain of runs: a small network of the layers that are hard to export, and its evaluation."""

from pathlib import Path

import keras
import numpy as np
import pandas as pd
import pytest

import planted
from wikitopics.artefacts import read_array, read_table, write_json, write_table
from wikitopics.evaluate import bootstrap, calibration, hierarchy, slices, tables, thresholds
from wikitopics.evaluate.metrics import predict
from wikitopics.evaluate.predictions import freeze_thresholds, read_test, read_validation
from wikitopics.labels.taxonomy import descent
from wikitopics.networks import backbones
from wikitopics.train.model import backbone_of, build_model
from wikitopics.train.record import file_digest

NAMES, SIDE, RUN, BACKBONE = planted.NAMES, 40, "tiny", "Small"
NASTY = "<script>alert(1)</script> *Eve* [x](http://evil.example) | `rm` &amp;"
FORMULA = '=HYPERLINK("http://evil.example","a cat")'


def small_backbone(patch: pytest.MonkeyPatch) -> None:
    """Let build_model know a Lite network that is small enough to be taken apart many times."""
    patch.setitem(backbones.LITE, BACKBONE, backbones.Lite(0.1, 0.1, 32, "none"))
    patch.setattr(backbones, "BACKBONES", (*backbones.BACKBONES, BACKBONE))


def network() -> keras.Model:
    """Resizing inside and the hierarchy's constraint last; its scores tell pictures apart."""
    keras.utils.set_random_seed(5)
    under = descent(NAMES, planted.TAXONOMY)
    model = build_model(len(NAMES), BACKBONE, 32, 8, weights="none", store_size=SIDE, descent=under)
    norms = [one for one in model._flatten_layers() if isinstance(one, keras.layers.BatchNormalization)]
    for norm in norms:
        norm.trainable, norm.momentum = True, 0.0
    drawn = np.random.default_rng(5).integers(0, 255, (32, 32, 32, 3))
    backbone_of(model)(drawn.astype(np.float32), training=True)  # what norms saw last is what they keep
    for norm in norms:
        norm.trainable = False
    return model


def write_chain(root: Path) -> Path:
    """data/ and params/ of the runs commons, sample, tiny and tiny; the folder of the model."""
    images = planted.write_images(root, size=SIDE)
    labels = planted.write_labels(root)
    titles = read_table(images / "images.parquet")["title"]
    files = pd.DataFrame({"title": titles, "creator": NASTY, "licence": "CC0-1.0", "path": titles})
    files.loc[0, "creator"] = FORMULA
    write_table(labels / "files.parquet", files)
    write_json(
        labels / "funnel.json", [{"step": "in the source", "files": 99}, {"step": "left", "files": 90}]
    )
    write_json(labels / "source.json", {"source": "folder", "options": {"image_root": "pictures"}})
    given = {"run": "commons", "source": "folder", "label_source": "commons", "taxonomy": NASTY}
    write_json(labels / "run.json", {"stage": "01_labels", "parameters": given, "versions": {}})
    write_json(images / "run.json", {"parameters": {"labels": ["commons"], "fit": "pad", "store_size": SIDE}})
    folder = write_model(root, images, network())
    evaluate(root)
    params = root / "params" / "03_train" / f"{RUN}.yaml"
    params.parent.mkdir(parents=True)
    params.write_text(f"run: {RUN}\nimages: sample\n")
    return folder


def write_model(root: Path, images: Path, model: keras.Model) -> Path:
    """data/03_train/tiny: the model and its own predictions."""
    folder = root / "data" / "03_train" / RUN
    folder.mkdir(parents=True)
    model.save(folder / "model.keras")
    about = {"taxonomy": "planted", "label_names": NAMES, "parents": planted.TAXONOMY}
    write_json(folder / "label_names.json", about)
    write_json(folder / "prior.json", dict.fromkeys(NAMES, 0.3))
    given = {"run": RUN, "images": "sample", "labels": "commons", "hierarchy": "max_constraint", "epochs": 1}
    digest = file_digest(folder / "model.keras")
    write_json(folder / "run.json", {"parameters": given, "model_sha256": digest, "shown_images": 54})
    frame, pixels = read_table(images / "images.parquet"), read_array(images / "images.npy")
    for split in ("validation", "test"):
        part = frame[frame["split"] == split].reset_index(drop=True)
        scores = model.predict(np.asarray(pixels[part["row"]]), verbose=0)
        truth = [[int(name in planted.planted_labels(row)) for name in NAMES] for row in part["row"]]
        table = part[["title", "row", "group"]].assign(truth=truth, scores=list(scores))
        write_table(folder / f"predictions_{split}.parquet", table)
    return folder


def evaluate(root: Path) -> None:
    """data/04_evaluate/tiny as the notebook writes it, with few resamples and no people."""
    folder = root / "data" / "04_evaluate" / RUN
    folder.mkdir(parents=True)
    validation = read_validation(RUN)
    frozen = freeze_thresholds(folder, NAMES, thresholds.choose("half", validation.truth, validation.scores))
    test, cuts = read_test(RUN, frozen), frozen.thresholds
    groups = bootstrap.group_codes(test.frame["group"])
    drawn = bootstrap.bootstrap(test.truth, test.scores, cuts, groups, 20, 0)
    prior = tables.read_prior(RUN, NAMES)
    predicted = predict(test.scores, cuts)
    parts = {"odd rows": test.frame["row"].to_numpy() % 2 == 1}
    versions = calibration.versions(validation.truth, validation.scores, test.scores)
    found = {
        "images": len(test.truth),
        "overall": tables.overall(
            test, cuts, drawn, tables.baseline_overall(validation, test, prior, "half")
        ),
        "prior": prior,
        "calibration": calibration.compare(test.truth, versions),
        "human": [],
        "slices": slices.by_image(parts, test.truth, predicted, groups, 20, 0),
        "hierarchy": hierarchy.study(test.truth, test.scores, predicted, NAMES, planted.TAXONOMY),
    }
    write_json(folder / "metrics.json", tables.plain(found))
    write_table(folder / "per_label.parquet", tables.per_label(test, cuts, drawn))
    write_json(folder / "run.json", {"model": RUN, "parameters": {"rounds": 20}})
