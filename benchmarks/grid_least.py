"""The least that the eight-cell grid can cost: its three steps, each by Pillow and Keras alone."""

from itertools import product
from pathlib import Path

import numpy as np
import pandas as pd
from joblib import Parallel, delayed
from PIL import Image
from stopwatch import Stopwatch

from wikitopics.images.decode import Recipe, fitted
from wikitopics.networks.engine import keras
from wikitopics.train.model import build_model, features_of

SIDE, UNITS, BATCH = 64, 128, 64
BACKBONES, SETS, COUNTS = ("EfficientNetLite0", "EfficientNetLite2"), ("commons", "ores"), (10, 20)


def least(files: pd.DataFrame, folder: Path, epochs: int, watch: Stopwatch) -> None:
    """The parts that no way can leave out, each by the libraries alone."""
    with watch.part("decode"):
        chunks = np.array_split(files["path"].to_numpy(), 2)
        pixels = np.concatenate(Parallel(2)(delayed(bare)(folder, chunk) for chunk in chunks))
    for backbone in BACKBONES:
        with watch.part("build"):
            eye = features_of(build_model(1, backbone, SIDE))
            eye.compile(jit_compile=False)
        with watch.part("features"):
            features = eye.predict(pixels, batch_size=BATCH, verbose=0)
        with watch.part("heads"):
            for _, count in product(SETS, COUNTS):
                bare_head(features, count, epochs)


def bare(folder: Path, paths: np.ndarray) -> np.ndarray:
    pictures = []
    for path in paths:
        with Image.open(folder / path) as image:
            size = fitted(image.size, Recipe(SIDE))
            image.draft(None, size)
            small = image.convert("RGB").resize(size, Image.Resampling.BICUBIC)
        square = Image.new("RGB", (SIDE, SIDE), "white")
        square.paste(small, ((SIDE - size[0]) // 2, (SIDE - size[1]) // 2))
        pictures.append(np.asarray(square))
    return np.stack(pictures)


def bare_head(features: np.ndarray, count: int, epochs: int) -> None:
    model = head(features.shape[1], count)
    model.compile("adam", "binary_crossentropy", jit_compile=False)
    learned = int(0.6 * len(features))
    targets = np.zeros((learned, count), np.float32)
    model.fit(features[:learned], targets, batch_size=BATCH, epochs=epochs, verbose=0)
    model.predict(features[int(0.75 * len(features)) :], batch_size=BATCH, verbose=0)


def head(width: int, count: int) -> keras.Model:
    """The head of train.model.build_model, without building the backbone eight times."""
    return keras.Sequential(
        [
            keras.Input((width,)),
            keras.layers.Dense(UNITS, "relu", kernel_initializer=keras.initializers.GlorotUniform(0)),
            keras.layers.Dense(count, "sigmoid", kernel_initializer=keras.initializers.GlorotUniform(1)),
        ]
    )
