"""Imbalance by the papers' own numbers, and resampling that moves it the right way."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from wikitopics.train.balance import (
    concurrence,
    imbalance,
    imbalance_ratios,
    mean_ratio,
    ml_ros,
    ml_rus,
    resample,
    reward,
)

# Label sets of the scene data (Boutell et al. 2004, Learning multi-label scene classification, table 1), for
# beach, sunset, fall foliage, field, mountain, urban.
SCENE = {
    "100000": 369, "010000": 364, "001000": 360, "000100": 327, "100100": 1, "001100": 23, "000010": 405,
    "100010": 38, "001010": 13, "000110": 75, "001110": 1, "000001": 405, "100001": 19, "000101": 6,
    "000011": 1,
}  # fmt: skip
# Images with each label of two more data sets whose measures are published.
EMOTIONS = [173, 166, 264, 148, 168, 189]
YEAST = [762, 1038, 983, 862, 722, 597, 428, 480, 178, 253, 289, 1816, 1799, 34]


def of_counts(counts: list[int]) -> np.ndarray:
    return (np.arange(max(counts))[:, None] < counts).astype(np.uint8)


def scene() -> np.ndarray:
    rows = [[int(digit) for digit in labels] for labels in SCENE]
    return np.repeat(np.array(rows, np.uint8), list(SCENE.values()), axis=0)


def test_measures_are_those_published_for_known_data():
    """Charte et al. 2014 and 2015, tables of data sets: largest IRLbl, MeanIR and SCUMBLE to four digits."""
    assert len(scene()) == 2407
    assert mean_ratio(scene()) == pytest.approx(1.2538, abs=5e-5)
    assert imbalance_ratios(scene()).max() == pytest.approx(1.4643, abs=5e-5)
    assert concurrence(scene()) == pytest.approx(0.0003, abs=5e-5)
    assert mean_ratio(of_counts(EMOTIONS)) == pytest.approx(1.4781, abs=5e-5)
    assert imbalance_ratios(of_counts(EMOTIONS)).max() == pytest.approx(1.7838, abs=5e-5)
    assert mean_ratio(of_counts(YEAST)) == pytest.approx(7.1968, abs=5e-5)
    assert imbalance_ratios(of_counts(YEAST)).max() == pytest.approx(53.4118, abs=5e-5)


def test_measures_worked_out_by_hand():
    matrix = np.array([[1, 0, 0]] * 7 + [[1, 1, 0], [1, 1, 0], [0, 0, 0]])
    assert imbalance_ratios(matrix).tolist() == [1, 4.5, np.inf]
    assert mean_ratio(matrix) == 2.75
    assert concurrence(matrix) == pytest.approx(2 * (1 - np.sqrt(4.5) / 2.75) / 10)
    assert np.isnan(mean_ratio(matrix * 0)) and concurrence(matrix * 0) == 0
    table = imbalance({"as it is": matrix})
    assert table.columns.tolist() == [
        "part", "images", "labels per image", "largest IRLbl", "MeanIR", "SCUMBLE",
    ]  # fmt: skip


SKEWED = np.repeat(np.array([[1, 0, 0], [1, 1, 0], [0, 0, 1], [0, 0, 0]], np.uint8), [80, 10, 5, 5], axis=0)


def test_ml_ros_copies_only_images_of_rare_labels_until_they_are_not_rare():
    positions = resample("ml_ros", SKEWED, 0.5, seed=0)
    assert positions[:100].tolist() == list(range(100))
    copies = SKEWED[positions[100:]]
    assert mean_ratio(SKEWED) == pytest.approx((1 + 9 + 18) / 3)
    assert (copies == [0, 0, 1]).all()  # only label 2 lies above 9.33
    assert len(copies) == 5  # 10 images of 90 bring it to 9
    assert mean_ratio(SKEWED[positions]) < mean_ratio(SKEWED)
    assert len(resample("ml_ros", SKEWED, 0.02, seed=0)) == 102


def test_ml_rus_leaves_out_frequent_images_and_no_rare_one():
    matrix = np.repeat(np.array([[1, 0], [1, 1], [0, 1], [0, 0]]), [70, 5, 5, 20], axis=0)
    positions = resample("ml_rus", matrix, 0.3, seed=0)
    assert len(positions) == 70 and np.all(np.diff(positions) > 0)
    assert matrix[positions].sum(axis=0).tolist() == [45, 10]  # the five images with both are not touched
    assert mean_ratio(matrix[positions]) == (1 + 4.5) / 2
    many = resample("ml_rus", matrix, 0.9, seed=0)
    assert matrix[many].sum(axis=0).tolist() == [5, 10]  # all that may go is gone


def test_reward_favours_images_by_the_rarity_of_their_labels():
    positions = reward(SKEWED, 3000, np.random.default_rng(0))[100:]
    drawn = np.array([(SKEWED[positions] == row).all(axis=1).mean() for row in np.unique(SKEWED, axis=0)])
    rewards = np.array([0, 5 * (1 / 5), 80 / 90, 10 * (1 / 90 + 1 / 10)])  # of the four kinds, all images
    assert np.allclose(drawn, rewards / rewards.sum(), atol=0.03)


@given(arrays.arrays(np.uint8, st.tuples(st.integers(1, 12), st.integers(1, 4)), elements=st.integers(0, 1)))
def test_any_labels_can_be_resampled_and_the_seed_decides(matrix):
    for name in ("none", "ml_ros", "ml_rus", "reward"):
        positions = resample(name, matrix, 0.4, seed=3)
        assert np.array_equal(positions, resample(name, matrix, 0.4, seed=3))
        assert set(positions) <= set(range(len(matrix))) and len(positions) >= 1 - int(0.4 * len(matrix))
        if name != "ml_rus":
            assert positions[: len(matrix)].tolist() == list(range(len(matrix)))
            assert len(positions) <= len(matrix) + int(0.4 * len(matrix))
        assert (matrix[positions].any(axis=0) == matrix.any(axis=0)).all()  # no label is lost


def test_another_seed_draws_others():
    for method in (ml_ros, ml_rus, reward):
        first, second = (method(scene(), 200, np.random.default_rng(seed)) for seed in (0, 1))
        assert not np.array_equal(first, second)
