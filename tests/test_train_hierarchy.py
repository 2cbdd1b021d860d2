"""Coherence: a parent is never less sure than its child, and learning hears only children that are there."""

import keras
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from wikitopics.errors import UserError
from wikitopics.labels.taxonomy import descent
from wikitopics.train.coherence import MaxConstraint, coherent, constrained, learned_scores
from wikitopics.train.losses import LabelLoss, LossSettings, formula

NAMES = ["STEM", "Nature", "Plants", "Places"]
PARENTS = {"STEM": None, "Nature": "STEM", "Plants": "Nature", "Places": None}
BELOW = descent(NAMES, PARENTS)


def test_the_mask_follows_names_and_not_positions():
    assert BELOW.astype(int).tolist() == [[1, 1, 1, 0], [0, 1, 1, 0], [0, 0, 1, 0], [0, 0, 0, 1]]
    order = [2, 3, 0, 1]
    shuffled = descent([NAMES[i] for i in order], PARENTS)
    assert np.array_equal(shuffled, BELOW[np.ix_(order, order)])


def test_a_hierarchy_that_is_none_is_refused():
    with pytest.raises(UserError, match="'Life' above 'Plants' is not a label"):
        descent(["Plants"], {"Plants": "Life"})
    with pytest.raises(UserError, match="lies below itself"):
        descent(["a", "b"], {"a": "b", "b": "a"})


@given(arrays.arrays(np.float32, (3, 4), elements=st.floats(0, 1, width=32, allow_subnormal=False)))
def test_coherent_scores_are_never_lower_above_and_coherence_changes_nothing_twice(scores):
    result = coherent(scores, BELOW)
    for child, parent in PARENTS.items():
        if parent:
            assert (result[:, NAMES.index(parent)] >= result[:, NAMES.index(child)]).all()
    assert np.array_equal(coherent(result, BELOW), result) and (result >= scores).all()
    assert np.array_equal(np.asarray(constrained(keras.ops.convert_to_tensor(scores), BELOW)), result)
    assert coherent(scores, None) is scores


def test_the_papers_example_of_a_parent_that_is_there_and_a_child_that_is_not():
    """A is present and its child B is not; B's high score must not help A, and counts against B (sec. 3)."""
    below = descent(["A", "B"], {"A": None, "B": "A"})
    h = np.array([[0.3, 0.9]])
    expected = -np.log(0.3) - np.log(0.1)  # plain cross-entropy of MCM's output would be -ln 0.9 - ln 0.1
    settings = LossSettings(descent=below)
    assert formula(settings, np.array([[1, 0]]), h) == pytest.approx(expected / 2)
    assert float(LabelLoss(settings)(np.array([[1.0, 0.0]]), h)) == pytest.approx(expected / 2, rel=1e-5)
    both = -np.log(0.9) - np.log(0.9)  # where both are there, B speaks for A
    assert formula(settings, np.array([[1, 1]]), h) == pytest.approx(both / 2)
    neither = -np.log(0.1) - np.log(0.1)  # where neither is there, B's score counts against both
    assert formula(settings, np.array([[0, 0]]), h) == pytest.approx(neither / 2)


def test_learned_scores_of_a_flat_model_are_the_scores():
    scores = np.ones((1, 2))
    assert all(part is scores for part in learned_scores(scores, scores, None))


def test_the_layer_is_read_back_in_safe_mode(tmp_path):
    inputs = keras.Input((4,))
    model = keras.Model(inputs, MaxConstraint(BELOW, name="coherent")(inputs))
    model.save(tmp_path / "m.keras")
    again = keras.saving.load_model(tmp_path / "m.keras", safe_mode=True)
    scores = np.array([[0.1, 0.2, 0.7, 0.4]], np.float32)
    assert np.allclose(again(scores), [[0.7, 0.7, 0.7, 0.4]])
    assert not again.weights
