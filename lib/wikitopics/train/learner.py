"""The part of a model that is trained, and its inputs: a head on cached features, or all on pictures."""

from dataclasses import dataclass
from pathlib import Path

import keras
import numpy as np

from wikitopics.train.augment import LAYER, UNCHANGED, Augmentation
from wikitopics.train.batches import Batches, Views
from wikitopics.train.examples import Examples
from wikitopics.train.features import cached_features, cached_views, features_key
from wikitopics.train.model import backbone_of, features_of, head_of, open_end


@dataclass(frozen=True)
class Learner:
    """A part of a model, and what it learns from.

    model: what is trained, sharing its layers with the whole model; inputs: (m, ...) what it takes of each
    picture, by row; shown: what it takes in training, augmented where that is on; content: a key of both."""

    model: keras.Model
    inputs: np.ndarray
    shown: "np.ndarray | Views"
    content: str

    def __str__(self) -> str:
        count, *shape = self.inputs.shape
        numbers = " x ".join(f"{n:,}" for n in shape)
        views = f", {len(self.shown.arrays)} augmented views" if isinstance(self.shown, Views) else ""
        return f"{count:,} pictures, {numbers} numbers each{views}"

    def first_batch(self, train: Batches) -> tuple[np.ndarray, np.ndarray]:
        """What the trained part is given of the first training pictures, and what it sees of it."""
        seen, _ = train.first()
        given = self.inputs[train.rows[: len(seen)]]
        if LAYER in [layer.name for layer in self.model.layers]:
            seen = keras.ops.convert_to_numpy(self.model.get_layer(LAYER)(seen, training=True))
        return given, seen


def prepare(
    network: keras.Model,
    images: Path,
    examples: Examples,
    image_size: int,
    augmentation: Augmentation = UNCHANGED,
    views: int = 4,
    seed: int = 0,
) -> Learner:
    """How `network` (train.model.build_model) learns from the pictures of the images run in `images`.

    A backbone that stays as it is gives every picture's features once, and those of `views` augmented views
    of each training picture; its head learns from them. One that learns too sees the pictures themselves in
    every epoch, augmented anew.
    """
    backbone = backbone_of(network)
    if backbone.trainable_weights:
        whole = augmented(network, augmentation, seed)
        key = features_key(images, examples.pixels, features_of(network))
        return Learner(whole, examples.pixels, examples.pixels, key)
    eye = features_of(network)
    features = cached_features(images, eye, backbone.name, image_size)
    if not augmentation:
        return Learner(head_of(network), features, features, str(features.filename))
    rows = np.sort(examples.frame["row"].to_numpy()[examples.rows("train")])
    seen = cached_views(images, eye, backbone.name, image_size, augmentation, rows, views, seed)
    names = [str(array.filename) for array in (features, *seen.arrays)]
    return Learner(head_of(network), features, seen, " ".join(names))


def augmented(network: keras.Model, augmentation: Augmentation, seed: int) -> keras.Model:
    """The whole model up to its scores behind the augmentation, which does nothing outside training."""
    whole = open_end(network)
    if not augmentation:
        return whole
    side = whole.input.shape[1]
    pictures = keras.Input((side, side, 3), name="stored_picture")
    return keras.Model(
        pictures, whole(augmentation.column(side, seed)(pictures)), name="augmented_" + whole.name
    )


def difference(given: np.ndarray, seen: np.ndarray) -> float:
    """Mean absolute difference of two batches as a share of the mean absolute value of the first."""
    given, seen = np.asarray(given, np.float64), np.asarray(seen, np.float64)
    return float(np.abs(seen - given).mean() / max(np.abs(given).mean(), 1e-12))
