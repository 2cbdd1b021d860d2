"""The split: no group on two sides, labels in their shares, the same for the same seed."""

import time

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from wikitopics.errors import UserError
from wikitopics.images.split import SPLITS, check_parts, stratified_split

SHARES = (0.6, 0.15, 0.25)


@st.composite
def image_sets(draw):
    count, labels = draw(st.integers(1, 60)), draw(st.integers(0, 6))
    rows = st.lists(st.integers(0, 1), min_size=labels, max_size=labels)
    matrix = np.array(draw(st.lists(rows, min_size=count, max_size=count)), dtype=np.uint8).reshape(
        count, labels
    )
    groups = np.array(draw(st.lists(st.integers(0, 20), min_size=count, max_size=count)))
    return matrix.reshape(count, labels), groups


@settings(max_examples=150, deadline=None)
@given(image_sets(), st.integers(0, 5))
def test_no_group_is_on_two_sides_and_everyone_is_on_one(image_set, seed):
    matrix, groups = image_set
    part = stratified_split(matrix, groups, SHARES, seed)
    assert part.shape == groups.shape and set(part) <= set(SPLITS)
    for group in set(groups):
        assert len(set(part[groups == group])) == 1
    assert np.array_equal(part, stratified_split(matrix, groups, SHARES, seed))


@settings(max_examples=100, deadline=None)
@given(image_sets(), st.integers(0, 3))
def test_a_label_alone_in_three_groups_is_in_every_part(image_set, seed):
    """Three groups that carry one rare label and nothing else are dealt one to each part."""
    matrix, groups = image_set
    rare = np.zeros((len(groups) + 3, matrix.shape[1] + 1), dtype=np.uint8)
    rare[:-3, :-1] = matrix
    rare[-3:, -1] = 1
    part = stratified_split(rare, np.concatenate([groups, [100, 101, 102]]), SHARES, seed)
    assert set(part[-3:]) == set(SPLITS)


@pytest.fixture(scope="module")
def large():
    rng = np.random.default_rng(0)
    matrix = (rng.random((20_000, 40)) < np.geomspace(0.3, 0.0005, 40)).astype(np.uint8)
    groups = np.arange(20_000)
    groups[rng.random(20_000) < 0.1] //= 4
    return matrix, groups


def test_labels_keep_their_shares(large):
    matrix, groups = large
    part = stratified_split(matrix, groups, SHARES, 0)
    for name, share in zip(SPLITS, SHARES, strict=True):
        mine = part == name
        assert abs(mine.mean() - share) < 0.002
        wanted = share * matrix.sum(axis=0)
        assert (np.abs(matrix[mine].sum(axis=0) - wanted) <= np.maximum(3, 0.01 * wanted)).all()


def test_it_is_better_than_chance(large):
    matrix, groups = large
    counts = matrix[:, -10:].sum(axis=0)
    part = stratified_split(matrix, groups, SHARES, 0)
    chance = np.random.default_rng(0).choice(SPLITS, len(groups), p=SHARES)

    def error(split: np.ndarray) -> float:
        return float(np.abs(matrix[split == "validation"][:, -10:].sum(axis=0) / counts - 0.15).mean())

    assert error(part) < error(chance) / 3


def test_another_seed_is_another_split(large):
    matrix, groups = large
    parts = [stratified_split(matrix, groups, SHARES, seed) for seed in (0, 1)]
    assert (parts[0] != parts[1]).mean() > 0.3


def test_a_hundred_thousand_images_take_seconds():
    rng = np.random.default_rng(0)
    matrix = (rng.random((100_000, 60)) < np.geomspace(0.2, 0.0001, 60)).astype(np.uint8)
    started = time.process_time()
    stratified_split(matrix, np.arange(100_000), SHARES, 0)
    assert time.process_time() - started < 15


def test_a_large_group_does_not_tear_the_shares():
    groups = np.concatenate([np.zeros(30, int), np.arange(1, 71)])
    part = stratified_split(np.ones((100, 1)), groups, SHARES, 0)
    assert {name: int((part == name).sum()) for name in SPLITS} == {"train": 60, "validation": 15, "test": 25}


def test_a_part_without_a_share_stays_empty():
    part = stratified_split(np.eye(3)[[0, 1, 2] * 4], np.arange(12), (0.5, 0.0, 0.5), 0)
    assert set(part) == {"train", "test"}


def test_a_part_of_the_split_that_would_be_empty_is_told():
    groups = np.zeros(12, int)
    with pytest.raises(UserError, match="validation and test would have none: 12 images make 1 groups"):
        check_parts(stratified_split(np.ones((12, 1), int), groups, (0.7, 0.1, 0.2), 0), groups)
    check_parts(stratified_split(np.ones((3, 1), int), np.arange(3), (0.7, 0.1, 0.2), 0), np.arange(3))
