"""Losses: the published formulas, the same twice, weights that reach every label of an image."""

import keras
import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from wikitopics.train.losses import LOSSES, LabelLoss, LossSettings, formula, loss_settings

RNG = np.random.default_rng(1)
TARGETS = (RNG.random((40, 5)) < [0.5, 0.3, 0.2, 0.1, 0.05]).astype(np.uint8)
TARGETS[0] = 1
SCORES = RNG.random((40, 5)).astype(np.float32)
CHAIN = np.triu(np.ones((5, 5), bool))  # each label above all that follow


def compiled(options: LossSettings, targets, scores) -> float:
    return float(LabelLoss(options)(np.asarray(targets, np.float32), np.asarray(scores, np.float32)))


def of_one(target, score, **options) -> float:
    return formula(LossSettings(**options), np.array([[target]]), np.array([[score]]))


def test_values_worked_out_by_hand():
    ln = np.log
    assert of_one(1, 0.8) == pytest.approx(-ln(0.8))
    assert of_one(0, 0.8) == pytest.approx(-ln(0.2))
    assert of_one(0.3, 0.8) == pytest.approx(-0.3 * ln(0.8) - 0.7 * ln(0.2))  # a source that is 30 % sure
    focal = {"gamma_positive": 2, "gamma_negative": 2}
    assert of_one(1, 0.8, **focal) == pytest.approx(-(0.2**2) * ln(0.8))
    assert of_one(0, 0.8, **focal) == pytest.approx(-(0.8**2) * ln(0.2))
    assert of_one(1, 0.8, positive_weights=np.array([7.0])) == pytest.approx(-7 * ln(0.8))
    assert of_one(0, 0.8, positive_weights=np.array([7.0])) == pytest.approx(-ln(0.2))
    asymmetric = {"gamma_positive": 1, "gamma_negative": 4, "clip": 0.05}
    assert of_one(1, 0.8, **asymmetric) == pytest.approx(-0.2 * ln(0.8))
    assert of_one(0, 0.8, **asymmetric) == pytest.approx(-(0.75**4) * ln(0.25))
    assert of_one(0, 0.04, **asymmetric) == 0  # an easy negative is shifted away
    assert of_one(1, 0.8, smoothing=0.1) == pytest.approx(-0.95 * ln(0.8) - 0.05 * ln(0.2))
    assert of_one(1, 0.8, label_weights=np.array([3.0])) == pytest.approx(-3 * ln(0.8))


@pytest.mark.parametrize("descent", [None, CHAIN], ids=["flat", "hierarchy"])
@pytest.mark.parametrize("smoothing", [0.0, 0.1])
@pytest.mark.parametrize("label_weights", ["equal", "rare"])
@pytest.mark.parametrize("name", LOSSES)
def test_keras_and_the_formula_agree(name, label_weights, smoothing, descent):
    options = loss_settings(name, TARGETS, label_weights=label_weights, smoothing=smoothing, descent=descent)
    for targets in (TARGETS, TARGETS * RNG.random(TARGETS.shape)):
        assert compiled(options, targets, SCORES) == pytest.approx(
            formula(options, targets, SCORES), rel=2e-5
        )


@given(
    st.lists(st.tuples(st.sampled_from([0.0, 0.4, 1.0]), st.floats(0, 1, width=32)), min_size=1, max_size=8)
)
@example([(0.0, 1.0), (1.0, 0.0), (0.0, 0.0), (1.0, 1.0)])
@settings(deadline=None, max_examples=30)
def test_extreme_scores_give_finite_losses_and_gradients(pairs):
    import tensorflow as tf

    targets, scores = np.array(pairs, np.float32).T[:, None]
    for name in LOSSES:
        options = loss_settings(name, np.ones((1, len(pairs)), np.uint8), focal_gamma=0.5)
        variable = tf.Variable(scores)
        with tf.GradientTape() as tape:
            value = LabelLoss(options)(targets, variable)
        assert np.isfinite(value) and np.isfinite(tape.gradient(value, variable)).all()
        assert float(value) == pytest.approx(formula(options, targets, scores), rel=1e-4, abs=1e-5)


def test_without_options_it_is_keras_binary_cross_entropy():
    keras_value = float(keras.losses.BinaryCrossentropy()(TARGETS.astype("float32"), SCORES))
    assert compiled(LossSettings(), TARGETS, SCORES) == pytest.approx(keras_value, rel=1e-6)
    focal = keras.losses.BinaryFocalCrossentropy(gamma=2.0)(TARGETS.astype("float32"), SCORES)
    assert compiled(loss_settings("focal", TARGETS), TARGETS, SCORES) == pytest.approx(float(focal), rel=1e-5)


def test_a_named_loss_has_its_own_numbers_and_keeps_the_others():
    """Each number another one, so that none can be left out or stand in another's place unnoticed."""

    def numbers(name, **given):
        found = loss_settings(name, TARGETS, smoothing=0.1, descent=CHAIN, **given)
        assert (found.name, found.smoothing) == (name, 0.1) and found.descent is CHAIN
        return found.gamma_positive, found.gamma_negative, found.clip

    assert numbers("asymmetric") == (0, 4, 0.05)
    assert numbers("asymmetric", asymmetric=(1.0, 3.0, 0.2)) == (1, 3, 0.2)
    assert numbers("focal") == (2, 2, 0) and numbers("focal", focal_gamma=1.5) == (1.5, 1.5, 0)
    assert numbers("positive_weighted") == numbers("binary_crossentropy") == (0, 0, 0)


def test_weights_are_counted_in_train_and_capped():
    truth = np.zeros((100, 3), np.uint8)
    truth[:50, 0], truth[:10, 1], truth[:1, 2] = 1, 1, 1
    positive = loss_settings("positive_weighted", truth, weight_cap=20).positive_weights
    assert positive.tolist() == [1, 9, 20]  # 50/50, 90/10, 99/1 capped
    assert loss_settings("positive_weighted", truth).positive_weights[2] == 20  # unless it is told
    rare = loss_settings("binary_crossentropy", truth, label_weights="rare", weight_cap=20).label_weights
    assert (rare / rare[0]).round(6).tolist() == [1, 5, 20] and rare.mean() == pytest.approx(1)
    assert loss_settings("binary_crossentropy", truth) == LossSettings()


def test_a_weight_reaches_its_label_in_an_image_with_several():
    """Keras' class_weight gives the whole image the weight of its first positive label; these do not."""
    weighted = LossSettings(label_weights=np.array([1.0, 10.0, 1.0]))
    both, second = np.array([[1, 1, 0]]), np.array([[0, 1, 0]])
    half = np.full((1, 3), 0.5)
    assert formula(weighted, both, half) == pytest.approx(formula(weighted, second, half)) == 4 * np.log(2)
