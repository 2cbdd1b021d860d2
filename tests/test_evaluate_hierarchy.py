"""Hierarchical metrics on labels small enough to count by hand."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from wikitopics.evaluate.hierarchy import hierarchical, leaves, study, violations
from wikitopics.labels.taxonomy import closed_upwards, descent

NAMES = ["STEM", "Nature", "Plants", "Animals", "Places"]
BELOW = descent(
    NAMES, {"STEM": None, "Nature": "STEM", "Plants": "Nature", "Animals": "Nature", "Places": None}
)
matrices = arrays.arrays(np.uint8, (6, 5), elements=st.integers(0, 1))


def one(*labels: str) -> list[int]:
    return [int(name in labels) for name in NAMES]


def test_a_wrong_leaf_under_the_right_parents_is_partly_right():
    truth, said = np.array([one("Plants")]), np.array([one("Animals")])
    values = hierarchical(truth, said, BELOW)
    assert values["hierarchical precision"] == values["hierarchical recall"] == pytest.approx(2 / 3)
    assert values["hierarchical f1"] == pytest.approx(2 / 3)
    parent = hierarchical(truth, np.array([one("Nature")]), BELOW)
    assert parent["hierarchical precision"] == 1 and parent["hierarchical recall"] == pytest.approx(2 / 3)
    assert hierarchical(truth, np.array([one("Places")]), BELOW)["hierarchical f1"] == 0


def test_nothing_said_and_nothing_to_find():
    nothing = np.zeros((2, 5), np.uint8)
    assert hierarchical(np.array([one("STEM")] * 2), nothing, BELOW)["hierarchical precision"] == 0
    assert np.isnan(hierarchical(nothing, nothing, BELOW)["hierarchical recall"])


def test_contradictions_are_counted_by_pair():
    scores = np.array([[0.1, 0.3, 0.2, 0.9, 0.0]])  # STEM < Nature, STEM < Plants, STEM, Nature < Animals
    assert violations(scores, BELOW) == 4
    assert violations(np.array([one("Plants", "STEM")]), BELOW) == 1


def test_leaves_have_nothing_below_them():
    assert [NAMES[i] for i in leaves(BELOW)] == ["Plants", "Animals", "Places"]
    assert leaves(np.eye(3, dtype=bool)).tolist() == [0, 1, 2]


@given(matrices, matrices)
def test_closed_predictions_contradict_nothing_and_a_flat_hierarchy_gives_micro_f1(truth, said):
    closed = closed_upwards(said, BELOW)
    assert violations(closed, BELOW) == 0 and (closed >= said).all()
    assert np.array_equal(closed_upwards(closed, BELOW), closed)
    flat = hierarchical(truth, said, np.eye(5, dtype=bool))["hierarchical f1"]
    if truth.any():
        assert flat == pytest.approx(2 * (truth & said).sum() / (truth.sum() + said.sum()))


def test_the_study_of_a_run_holds_the_leaves_apart():
    parents = {"STEM": None, "Nature": "STEM", "Plants": "Nature", "Animals": "Nature", "Places": None}
    truth = np.array(
        [one("STEM", "Nature", "Plants"), one("STEM", "Nature", "Animals"), one("Places")], np.uint8
    )
    scores = np.where(truth, 0.9, 0.1).astype(np.float32)
    scores[0, 0] = 0.2  # below its own children
    said = (scores >= 0.5).astype(np.uint8)
    found = study(truth, scores, said, NAMES, parents).set_index("measure")["value"]
    assert found["contradictions among scores"] == found["contradictions among predictions"] == 2
    assert found["macro f1 of the 3 leaves"] == found["macro roc_auc of the 3 leaves"] == 1
    assert found["hierarchical f1"] == 1  # what lies above a prediction counts as predicted
