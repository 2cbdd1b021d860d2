"""Our metrics are scikit-learn's where it has them, and say NaN where it guesses."""

import warnings

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from sklearn import metrics as sk

from wikitopics import ranking
from wikitopics.evaluate import metrics, tables


@st.composite
def problems(draw):
    """(truth, scores) with many ties; labels without a positive and images without a label included."""
    shape = (draw(st.integers(2, 25)), draw(st.integers(2, 5)))
    truth = draw(arrays(np.uint8, shape, elements=st.integers(0, 1)))
    scores = draw(arrays(np.uint8, shape, elements=st.integers(0, 8))) / np.float32(8)
    return truth, scores.astype(np.float32)


@given(problems())
@settings(deadline=None, max_examples=150)
def test_decisions_equal_scikit_learn(problem):
    truth, scores = problem
    predicted = metrics.predict(scores, np.full(truth.shape[1], 0.5))
    ours = metrics.overall(truth, scores, np.full(truth.shape[1], 0.5))
    present = np.flatnonzero(truth.sum(axis=0))
    for average in ("micro", "macro", "weighted", "samples"):
        labels = present if average in ("macro", "weighted") else None
        if len(present):
            theirs = sk.precision_recall_fscore_support(
                truth, predicted, average=average, labels=labels, zero_division=0
            )
            for name, value in zip(("precision", "recall", "f1"), theirs[:3], strict=True):
                assert ours[f"{average} {name}"] == pytest.approx(value, abs=1e-12), (average, name)
    assert ours["hamming"] == pytest.approx(sk.hamming_loss(truth, predicted))
    assert ours["subset accuracy"] == pytest.approx(sk.accuracy_score(truth, predicted))


@given(problems())
@settings(deadline=None, max_examples=150)
def test_rankings_equal_scikit_learn(problem):
    truth, scores = problem
    auc, precision = ranking.roc_auc(truth, scores), ranking.average_precision(truth, scores)
    for i in range(truth.shape[1]):
        if 0 < truth[:, i].sum() < len(truth):
            assert auc[i] == pytest.approx(sk.roc_auc_score(truth[:, i], scores[:, i]))
        else:
            assert np.isnan(auc[i])
        if truth[:, i].any():
            assert precision[i] == pytest.approx(sk.average_precision_score(truth[:, i], scores[:, i]))
        else:
            assert np.isnan(precision[i])
    assert ranking.coverage_error(truth, scores) == pytest.approx(sk.coverage_error(truth, scores))
    assert ranking.label_ranking_average_precision(truth, scores) == pytest.approx(
        sk.label_ranking_average_precision_score(truth, scores)
    )


def test_hand_checked_example():
    truth = np.array([[1, 0, 0], [1, 1, 0], [0, 1, 0], [0, 0, 0]])
    scores = np.array([[0.9, 0.1, 0.2], [0.4, 0.8, 0.2], [0.6, 0.7, 0.2], [0.1, 0.2, 0.2]])
    table = metrics.per_label(truth, scores, np.full(3, 0.5), ["A", "B", "C"]).set_index("label")
    assert table.loc["A", ["precision", "recall", "f1"]].tolist() == [0.5, 0.5, 0.5]
    assert table.loc["B", ["precision", "recall", "f1", "roc_auc"]].tolist() == [1, 1, 1, 1]
    assert table.loc["C", "precision"] == 0 and np.isnan(table.loc["C", "recall"])
    assert table.loc["A", "roc_auc"] == 0.75
    ours = metrics.overall(truth, scores, np.full(3, 0.5))
    assert ours["macro f1"] == 0.75  # C has nothing to find, so it does not count
    assert ours["labels true"] == 1.0 and ours["labels predicted"] == 1.0
    assert ours["hamming"] == pytest.approx(2 / 12) and ours["subset accuracy"] == 0.5


def test_threshold_itself_is_a_prediction():
    assert metrics.predict(np.float32([[0.5, 0.4999]]), np.array([0.5, 0.5])).tolist() == [[1, 0]]


def test_constant_scores_give_the_baselines():
    truth = np.array([[1], [0], [0], [0]])
    assert ranking.roc_auc(truth, np.full((4, 1), 0.3))[0] == 0.5
    assert ranking.average_precision(truth, np.full((4, 1), 0.3))[0] == 0.25


@pytest.mark.parametrize("value", [0, 1])
def test_one_image_or_empty_labels_warn_nothing(value):
    truth, scores = np.full((1, 3), value, dtype=np.uint8), np.full((1, 3), 0.4, dtype=np.float32)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        ours = metrics.overall(truth, scores, np.full(3, 0.5))
        metrics.per_label(truth, scores, np.full(3, 0.5), list("abc"))
        assert len(tables.curves(truth, scores, list("abc"))) == 0
    assert np.isnan(ours["macro roc_auc"])


def test_curves_enclose_the_areas():
    rng = np.random.default_rng(0)
    truth = (rng.random((300, 2)) < 0.3).astype(np.uint8)
    scores = (rng.random((300, 2)) * 0.5 + 0.3 * truth).astype(np.float32)
    table = tables.curves(truth, scores, ["A", "B"], points=1000)
    assert set(table["label"]) == {"A", "B", "micro"}
    roc = table[(table["label"] == "A") & (table["curve"] == "roc")]
    assert np.trapezoid(roc["y"], roc["x"]) == pytest.approx(ranking.roc_auc(truth, scores)[0])
    pr = table[(table["label"] == "A") & (table["curve"] == "pr")]
    area = (np.diff(pr["x"], prepend=0) * pr["y"]).sum()
    assert area == pytest.approx(ranking.average_precision(truth, scores)[0])
    assert len(tables.curves(truth, scores, ["A", "B"], points=50)) < 3 * 2 * 60
