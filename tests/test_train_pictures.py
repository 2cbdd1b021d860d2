"""What a picture is before the network sees it: smaller without losing stripes, turned, zoomed both ways."""

import keras
import numpy as np
import pytest

from test_train_options import small_backbone
from wikitopics.train import model
from wikitopics.train.features import Augmentation

DRAWS = 300


def seen(picture: np.ndarray, augmentation: Augmentation) -> np.ndarray:
    """Many augmented versions of one picture (s, s): (DRAWS, s, s)."""
    pictures = np.repeat(picture[None, :, :, None], DRAWS, axis=0).repeat(3, axis=3).astype(np.float32)
    column = augmentation.column(len(picture), seed=1)
    return keras.ops.convert_to_numpy(column(pictures, training=True))[..., 0]


def test_pictures_are_turned_by_the_degrees_that_were_asked_for_either_way():
    across, up = np.meshgrid(np.arange(65) - 32, np.arange(65) - 32)
    bar = 255.0 * ((np.abs(up) <= 2) & (np.abs(across) <= 20))
    turned = seen(bar, Augmentation(rotation=20.0))
    weights = turned / turned.sum(axis=(1, 2), keepdims=True)
    moments = [(weights * part).sum(axis=(1, 2)) for part in (across * up, across**2 - up**2)]
    degrees = np.degrees(np.arctan2(2 * moments[0], moments[1]) / 2)  # of the bar's main axis
    assert -20.5 < degrees.min() < -18 and 18 < degrees.max() < 20.5
    assert 10 < np.abs(degrees).mean() * 2 < 30  # evenly, not always by all of it


def test_pictures_are_zoomed_in_and_out():
    square = np.zeros((65, 65))
    square[22:43, 22:43] = 255.0
    sizes = np.sqrt(seen(square, Augmentation(zoom=0.2)).sum(axis=(1, 2)) / square.sum())
    assert 1.15 < sizes.max() < 1.3 and 0.8 < sizes.min() < 0.88
    assert 0.3 < (sizes > 1).mean() < 0.7


@pytest.mark.parametrize("offset", range(4))
def test_fine_stripes_become_grey_and_not_black_or_white(monkeypatch, offset):
    """Four pixels become one: without a filter before it, it would be two of the four."""
    monkeypatch.setattr(model, "build_backbone", small_backbone)
    network = model.build_model(2, image_size=32, weights="none", store_size=128)
    small = keras.Model(network.input, network.get_layer("resize").output)
    stripes = np.zeros((1, 128, 128, 3), np.float32)
    stripes[:, :, offset::4] = 255.0
    middle = np.asarray(small(stripes))[0, 4:-4, 4:-4]
    assert np.abs(middle - 255 / 4).max() < 12
