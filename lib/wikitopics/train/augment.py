"""Augmentation: each picture turned, shifted, zoomed and mirrored a little, by Keras' own layers.

Only training sees it. The layers do nothing outside training, and the saved model does not hold them.
"""

from dataclasses import dataclass

import keras
import numpy as np
from keras import layers

LAYER = "augment"


@dataclass(frozen=True)
class Augmentation:
    """How much pictures are changed.

    flip: mirrored left to right in half of the cases. rotation: degrees at most, either way. shift and zoom:
    share of the side at most, in each direction. What comes into view repeats the border."""

    flip: bool = False
    rotation: float = 0.0
    shift: float = 0.0
    zoom: float = 0.0

    def __bool__(self) -> bool:
        return self != Augmentation()

    def layers(self, seed: int) -> list[keras.Layer]:
        """The Keras layers of what is on, each with a random generator of its own."""
        seeds = [int(number) for number in np.random.SeedSequence(seed).generate_state(4) >> 1]
        made = (
            self.flip and layers.RandomFlip("horizontal", seed=seeds[0]),
            self.rotation and layers.RandomRotation(self.rotation / 360, fill_mode="nearest", seed=seeds[1]),
            self.shift
            and layers.RandomTranslation(self.shift, self.shift, fill_mode="nearest", seed=seeds[2]),
            self.zoom and layers.RandomZoom((-self.zoom, self.zoom), fill_mode="nearest", seed=seeds[3]),
        )
        return [layer for layer in made if layer]

    def column(self, side: int, seed: int) -> keras.Sequential:
        """The layers as one: pictures (n, side, side, 3) of 0..255 -> the same, as float32."""
        return keras.Sequential([keras.Input((side, side, 3)), *self.layers(seed)], name=LAYER)


UNCHANGED = Augmentation()


def view_seed(seed: int, view: int) -> int:
    """The seed of one view, so that views differ and each is the same in every run with this seed."""
    return int(np.random.SeedSequence([seed, view]).generate_state(1)[0] >> 1)


def sample_views(pictures: np.ndarray, augmentation: Augmentation, views: int, seed: int) -> np.ndarray:
    """What training sees of some pictures: (n, views, s, s, 3) uint8; one view, unchanged, where all is off.

    pictures: (n, s, s, 3) uint8.
    """
    if not augmentation:
        return np.asarray(pictures)[:, None]
    column = [augmentation.column(pictures.shape[1], view_seed(seed, view)) for view in range(views)]
    seen = [keras.ops.convert_to_numpy(one(pictures, training=True)) for one in column]
    return np.stack(seen, axis=1).round().clip(0, 255).astype(np.uint8)
