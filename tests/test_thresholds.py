"""Thresholds and calibration: the optimum is the optimum, rare labels lean on the others."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from sklearn.metrics import cohen_kappa_score, f1_score

from evaluate_planted import draw_truth, planted
from wikitopics.errors import UserError
from wikitopics.evaluate import bootstrap, calibration, thresholds
from wikitopics.evaluate.metrics import predict


def draw(images=400, labels=4, signal=2.0, seed=0):
    rng = np.random.default_rng(seed)
    truth = draw_truth(rng, images, labels)
    return truth, planted(rng, truth, signal)


@given(
    arrays(np.uint8, 15, elements=st.integers(0, 1)),
    arrays(np.uint8, 15, elements=st.integers(0, 6)),
)
@settings(deadline=None)
def test_no_other_threshold_has_a_better_f1(truth, sixths):
    scores = (sixths / np.float32(6)).astype(np.float32)
    cut = thresholds.best_f1(truth, scores)
    best = max(f1_score(truth, scores >= t, zero_division=0) for t in np.append(np.unique(scores), 2))
    assert f1_score(truth, scores >= cut, zero_division=0) == pytest.approx(best if truth.any() else 0)


def test_rules():
    truth, scores = draw()
    assert thresholds.choose("half", truth, scores).tolist() == [0.5] * 4
    common = thresholds.choose("common", truth, scores)
    assert len(set(common)) == 1
    micro = [f1_score(truth, predict(scores, np.full(4, t)), average="micro") for t in (common[0], 0.3, 0.5)]
    assert micro[0] == max(micro)
    with pytest.raises(
        UserError, match="threshold_rule must be one of half, common, per_label, ghost, but is 'best'"
    ):
        thresholds.choose("best", truth, scores)


def test_rare_labels_lean_on_the_common_threshold():
    own, common = np.array([0.9, 0.9, 0.9]), 0.2
    shrunk = thresholds.shrink(own, common, np.array([0, 20, 10_000]))
    assert shrunk[0] == pytest.approx(0.2)
    assert thresholds.logit(shrunk[1]) == pytest.approx((thresholds.logit(0.9) + thresholds.logit(0.2)) / 2)
    assert shrunk[2] == pytest.approx(0.9, abs=0.001)


def test_a_label_without_positives_gets_the_common_threshold():
    truth, scores = draw()
    truth[:, 2] = 0
    assert thresholds.choose("per_label", truth, scores)[2] == pytest.approx(
        thresholds.choose("common", truth, scores)[2]
    )


def test_shrinkage_helps_rare_labels_out_of_sample():
    """The reason for shrinking: over small validation sets, its test F1 beats each label's own optimum."""
    shrunk, own = [], []
    for seed in range(30):
        rng = np.random.default_rng(seed)
        truth, test = ((rng.random((n, 6)) < 0.05).astype(np.uint8) for n in (100, 3000))
        scores, test_scores = planted(rng, truth, 2.0), planted(rng, test, 2.0)
        cuts = np.array([thresholds.best_f1(truth[:, i], scores[:, i]) for i in range(6)])
        for found, cut in ((own, cuts), (shrunk, thresholds.choose("per_label", truth, scores))):
            found.append(f1_score(test, predict(test_scores, cut), average="macro", zero_division=0))
    assert np.mean(shrunk) > np.mean(own) + 0.01


def test_calibration_of_honest_and_boastful_scores():
    rng = np.random.default_rng(0)
    honest = rng.random((20_000, 1)).astype(np.float32)
    truth = (rng.random(honest.shape) < honest).astype(np.uint8)
    boastful = calibration.apply_temperature(honest, 0.4)
    assert calibration.expected_calibration_error(truth, honest) < 0.015
    assert calibration.expected_calibration_error(truth, boastful) > 0.08
    assert calibration.fit_temperature(truth, boastful) == pytest.approx(2.5, rel=0.05)
    slope, intercept = calibration.fit_platt(truth, boastful)[0]
    assert slope == pytest.approx(0.4, abs=0.03) and intercept == pytest.approx(0, abs=0.05)
    fixed = calibration.apply_platt(boastful, np.array([[slope, intercept]]))
    assert calibration.brier(truth, fixed) < calibration.brier(truth, boastful)
    table = calibration.reliability(truth, honest)
    assert table["count"].sum() == 20_000 and np.abs(table["score"] - table["share"]).max() < 0.05


def test_calibration_of_extreme_scores_is_finite():
    truth, scores = np.array([[1], [0], [0]]), np.array([[1.0], [0.0], [0.0]], dtype=np.float32)
    assert calibration.expected_calibration_error(truth, scores) == 0
    assert np.isfinite(calibration.fit_temperature(truth, scores))
    assert np.isfinite(calibration.fit_platt(truth, scores)).all()
    assert calibration.reliability(truth, scores)["bin"].tolist() == [0, 9]


@given(arrays(np.uint8, 12, elements=st.integers(0, 1)), arrays(np.uint8, 12, elements=st.integers(0, 10)))
def test_kappa_equals_its_definition_at_every_candidate(truth, tenths):
    scores = tenths / 10 + 0.001
    found = thresholds.kappa(scores[truth == 1], scores[truth == 0])
    for cut, value in zip(thresholds.GHOST_CANDIDATES, found, strict=True):
        said = (scores >= cut).astype(int)
        usual = cohen_kappa_score(truth, said) if len(set(truth) | set(said)) > 1 else 0.0
        assert value == pytest.approx(0.0 if np.isnan(usual) else usual)


def test_ghost_finds_the_planted_cut_and_leans_on_the_common_one_where_rare():
    rng = np.random.default_rng(0)
    truth = (rng.random((4000, 2)) < 0.1).astype(np.uint8)
    scores = np.clip(0.2 + 0.2 * truth + rng.normal(0, 0.03, truth.shape), 0, 1)
    assert thresholds.best_agreement(truth[:, 0], scores[:, 0]) == pytest.approx(0.3, abs=0.051)
    truth[:, 1] = 0
    chosen, common = (thresholds.choose(rule, truth, scores) for rule in ("ghost", "common"))
    assert chosen[1] == pytest.approx(common[1]) and 0.25 <= chosen[0] <= 0.36
    assert (thresholds.choose("ghost", truth, scores) == chosen).all()


def test_ghost_goes_by_the_median_which_a_few_bad_parts_do_not_move(monkeypatch):
    """One cut is best in 60 of 100 parts and worthless in 40; another is always a little worse than it."""
    rounds = iter(range(1000))

    def planted(with_label, without):
        values = np.zeros(len(thresholds.GHOST_CANDIDATES))
        values[4], values[10] = (0.6 if next(rounds) % 10 < 6 else 0.0), 0.5
        return values

    monkeypatch.setattr(thresholds, "kappa", planted)
    found = thresholds.best_agreement(np.array([1, 0] * 20), np.linspace(0, 1, 40))
    assert found == pytest.approx(thresholds.GHOST_CANDIDATES[4])


def test_calibration_error_weighs_a_bin_by_its_scores():
    """90 scores of .05 of which none is positive, 10 of .95 of which none is: .05 * .9 + .95 * .1."""
    truth, scores = np.zeros(100), np.repeat([0.05, 0.95], [90, 10])
    assert calibration.expected_calibration_error(truth, scores) == pytest.approx(0.05 * 0.9 + 0.95 * 0.1)


def test_resampled_calibration_error_is_the_error_of_the_resample():
    rng = np.random.default_rng(0)
    truth, scores, groups = (
        (rng.random((60, 3)) < 0.3).astype(np.uint8),
        rng.random((60, 3)),
        np.arange(60) // 2,
    )
    drawn = calibration.resampled_error(truth, scores, groups, rounds=3, seed=1)
    weights = bootstrap.group_weights(30, range(3), 1)
    for number in range(3):
        rows = np.repeat(np.arange(60), weights[groups, number])
        slow = calibration.expected_calibration_error(truth[rows], scores[rows])
        assert drawn[number] == pytest.approx(slow)
    ends = calibration.error_interval(0.1, np.array([0.11, 0.13]))  # 0.02 too high, on average
    assert ends == pytest.approx((0.08 - 1.96 * 0.01, 0.08 + 1.96 * 0.01), abs=1e-4)
    assert calibration.error_interval(0.0, np.array([0.1, 0.2])) == (0, 0)


def test_test_scores_are_calibrated_by_what_validation_shows_and_each_version_has_its_own_error():
    rng = np.random.default_rng(0)
    chance = rng.random((2, 3000, 2)).astype(np.float32)
    (validation, test), boldness = (rng.random(chance.shape) < chance).astype(np.uint8), (0.4, 2.0)
    scores, other = (
        calibration.apply_temperature(part, by) for part, by in zip(chance, boldness, strict=True)
    )
    found = calibration.versions(validation, scores, other)
    assert list(found) == ["as it comes", "temperature 2.50", "Platt"] and found["as it comes"] is other
    assert np.array_equal(
        found["temperature 2.50"],
        calibration.apply_temperature(other, calibration.fit_temperature(validation, scores)),
    )
    assert np.array_equal(
        found["Platt"], calibration.apply_platt(other, calibration.fit_platt(validation, scores))
    )
    groups = np.arange(3000) // 2
    table = calibration.compare(test, found, groups, rounds=20, seed=3)
    assert table["scores"].tolist() == list(found)
    for row, version in zip(table.itertuples(), found.values(), strict=True):
        error = calibration.expected_calibration_error(test, version)
        assert row.ece == error and row.brier == pytest.approx(((version - test) ** 2).mean())
        drawn = calibration.resampled_error(test, version, groups, 20, 3)
        assert (row.ece_low, row.ece_high) == calibration.error_interval(error, drawn)
    assert list(calibration.compare(test, found)) == ["scores", "ece", "brier"]  # without groups


def test_sureness_and_what_silence_buys_worked_out_by_hand():
    """Three images, two labels: the surest is right, the next has one of two wrong, the last both."""
    sure = calibration.sureness(np.array([[0.9, 0.1], [0.2, 0.6], [0.5, 0.5]]))
    assert sure.tolist() == pytest.approx([0.9, 0.7, 0.5])
    truth, predicted = np.array([[1, 0], [0, 0], [1, 0]]), np.array([[1, 0], [0, 1], [0, 1]])
    curve = calibration.abstention_curve(truth, predicted, sure, steps=3)
    assert curve["coverage"].tolist() == pytest.approx([1 / 3, 2 / 3, 1])
    assert curve["hamming"].tolist() == pytest.approx([0, 1 / 4, 3 / 6])
    assert curve["micro_f1"].tolist() == pytest.approx([1, 2 / 3, 2 / 5])
