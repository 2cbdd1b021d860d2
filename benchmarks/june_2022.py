"""The recipe of June 2022, written anew from its description: what benchmarks/grid.py is compared with.

Files are decoded in every epoch by Keras' legacy ImageDataGenerator, which turns, shifts, zooms and mirrors
them; 5 % of train is set aside for validation and augmented too. The backbone is frozen and runs in every
epoch; behind it Flatten, 128 units, one sigmoid a label. Adam, cross-entropy, batches of 32, class weights
(Keras gives each picture the weight of its first label), and the last epoch counts. Not the original: the
backbone, EfficientNet-Lite for EfficientNet, so that both sides have the same.
"""

import time
from pathlib import Path

import keras
import numpy as np
import pandas as pd
from keras import layers
from keras.src.legacy.preprocessing.image import ImageDataGenerator

from wikitopics.networks.backbones import build_backbone

SIDE, BATCH, SEED = 64, 32, 0
AUGMENTATION = {
    "rotation_range": 40,
    "width_shift_range": 0.2,
    "height_shift_range": 0.2,
    "zoom_range": 0.2,
    "horizontal_flip": True,
    "fill_mode": "nearest",
}


def network(backbone: str, labels: int) -> keras.Model:
    """The compiled model: pictures (n, 64, 64, 3) of 0..255 -> scores (n, labels)."""
    frozen = build_backbone(backbone, SIDE)
    frozen.trainable = False
    column = [layers.Flatten(), layers.Dense(128, "relu"), layers.Dense(labels, "sigmoid")]
    model = keras.Sequential([keras.Input((SIDE, SIDE, 3)), frozen, *column])
    model.compile("adam", "binary_crossentropy", jit_compile=False)
    return model


def class_weights(label_matrix: np.ndarray) -> dict[int, float]:
    """w_l = (1 / n_l) (all assignments / 41), as the recipe had it."""
    counts = label_matrix.sum(axis=0)
    return {label: float(counts.sum() / 41 / count) for label, count in enumerate(counts)}


class Epochs(keras.callbacks.Callback):
    """Wall and CPU seconds of each epoch: `.seconds`, a pair each. Only the first one compiles."""

    def __init__(self) -> None:
        super().__init__()
        self.seconds: list[tuple[float, float]] = []

    def on_epoch_begin(self, epoch: int, logs: dict | None = None) -> None:
        self.began = time.perf_counter(), time.process_time()

    def on_epoch_end(self, epoch: int, logs: dict | None = None) -> None:
        wall, cpu = self.began
        self.seconds.append((time.perf_counter() - wall, time.process_time() - cpu))


def train(
    folder: Path, paths: list[str], label_matrix: np.ndarray, backbone: str, epochs: int, watch: Epochs
) -> keras.Model:
    """One cell: `epochs` over the files; label_matrix (n, L) {0, 1} belongs to `paths`.

    From SEED; the recipe itself had none, and another outcome each time.
    """
    keras.utils.set_random_seed(SEED)
    generator = ImageDataGenerator(validation_split=0.05, **AUGMENTATION)
    parts = {
        subset: flow(generator, folder, paths, label_matrix, subset=subset, seed=SEED)
        for subset in ("training", "validation")
    }
    model = network(backbone, label_matrix.shape[1])
    model.fit(
        parts["training"],
        validation_data=parts["validation"],
        epochs=epochs,
        class_weight=class_weights(label_matrix),
        verbose=0,
        callbacks=[watch],
    )
    return model


def scores(model: keras.Model, folder: Path, paths: list[str]) -> np.ndarray:
    """(n, L) of files as they are."""
    nothing = np.zeros((len(paths), model.output_shape[-1]))
    return model.predict(flow(ImageDataGenerator(), folder, paths, nothing, shuffle=False), verbose=0)


def flow(generator: ImageDataGenerator, folder: Path, paths: list[str], label_matrix: np.ndarray, **how):
    """Batches of (pictures, labels) read from files."""
    columns = [f"label {label}" for label in range(label_matrix.shape[1])]
    frame = pd.DataFrame(label_matrix, columns=columns).assign(path=paths)
    size = (SIDE, SIDE)
    return generator.flow_from_dataframe(
        frame, folder, "path", columns, class_mode="raw", target_size=size, batch_size=BATCH, **how
    )
