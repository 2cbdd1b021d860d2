"""A laboratory with one tiny trained run and its evaluation, and pictures, for the tests of scoring."""

import io
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import pandas as pd
import pytest
from PIL import Image

import planted
from wikitopics.artefacts import write_json, write_table
from wikitopics.evaluate.predictions import freeze_thresholds

NAMES, THRESHOLDS, SIDE = ["Shape", "Round", "Square"], np.array([0.6, 0.5, 0.45]), 32
PARENTS = {"Shape": None, "Round": "Shape", "Square": "Shape"}


@pytest.fixture(scope="session")
def root(tmp_path_factory):
    """A finished 03_train run `tiny` and its evaluation."""
    import keras  # here, since every test session reads this file

    from wikitopics.train.record import file_digest

    root = tmp_path_factory.mktemp("laboratory")
    folder = root / "data" / "03_train" / "tiny"
    keras.utils.set_random_seed(3)
    layers = [
        keras.Input((SIDE, SIDE, 3)),
        keras.layers.Rescaling(1 / 50, -2.5),
        keras.layers.Conv2D(8, 5, 4),
    ]
    layers += [keras.layers.BatchNormalization(), keras.layers.GlobalAveragePooling2D()]
    model = keras.Sequential([*layers, keras.layers.Dense(3, "sigmoid")])
    folder.mkdir(parents=True)
    model.save(folder / "model.keras")
    write_json(folder / "label_names.json", {"taxonomy": "t", "label_names": NAMES, "parents": PARENTS})
    record = {"parameters": {"images": "set"}, "model_sha256": file_digest(folder / "model.keras")}
    write_json(folder / "run.json", record)
    (root / "data" / "02_images" / "set").mkdir(parents=True)
    write_json(root / "data" / "02_images" / "set" / "run.json", {"parameters": {"fit": "pad"}})
    rng = np.random.default_rng(0)
    truth = (rng.random((60, 3)) < 0.4).astype(np.uint8)
    scores = (0.2 * rng.random((60, 3)) + 0.5 * truth + 0.1).astype(np.float32)
    write_table(
        folder / "predictions_validation.parquet",
        pd.DataFrame({"truth": list(truth), "scores": list(scores)}),
    )
    judged = root / "data" / "04_evaluate" / "tiny"
    judged.mkdir(parents=True)
    freeze_thresholds(judged, NAMES, THRESHOLDS)
    write_json(judged / "run.json", {"model": "tiny"})
    return root


@pytest.fixture(scope="session")
def pictures(tmp_path_factory):
    """Twelve PNG files of the model's size, so that nothing is resized."""
    folder, rng = tmp_path_factory.mktemp("pictures"), np.random.default_rng(1)
    for number in range(12):
        Image.fromarray(planted.picture(number, SIDE, rng)).save(folder / f"{number:02}.png")
    return folder


@pytest.fixture
def folders(root):
    return root / "data" / "03_train" / "tiny", root / "data" / "04_evaluate" / "tiny"


@dataclass(frozen=True)
class Planted:
    """A source of two pictures that are nowhere on disk."""

    name: ClassVar[str] = "planted"
    side: int

    def read(self, path, max_bytes):
        if path != "here":
            raise FileNotFoundError(path)
        file = io.BytesIO()
        Image.new("RGB", (self.side, self.side), "red").save(file, "PNG")
        return file.getvalue()
