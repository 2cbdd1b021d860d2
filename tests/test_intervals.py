"""The fast bootstrap gives what scikit-learn gives in a loop, and its intervals hold the truth."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn import metrics as sk

from evaluate_planted import draw_truth, planted
from wikitopics import ranking
from wikitopics.errors import UserError
from wikitopics.evaluate import bootstrap, intervals, metrics


def problem(images=120, labels=4, groups=40, seed=0, steps=0):
    rng = np.random.default_rng(seed)
    truth = draw_truth(rng, images, labels)
    scores = planted(rng, truth, 1.5)
    if steps:
        scores = (np.round(scores * steps) / steps).astype(np.float32)
    return truth, scores, np.full(labels, 0.4), rng.integers(0, groups, images)


def by_repetition(truth, scores, thresholds, groups, weights):
    """One round the slow way: every image as many times as its group was drawn, then scikit-learn."""
    rows = np.repeat(np.arange(len(truth)), weights[groups].astype(int))
    truth, scores = truth[rows], scores[rows]
    predicted = metrics.predict(scores, thresholds)
    some = [i for i in range(truth.shape[1]) if truth[:, i].any()]
    both = [i for i in some if not truth[:, i].all()]
    return {
        "macro roc_auc": np.mean([sk.roc_auc_score(truth[:, i], scores[:, i]) for i in both]),
        "micro roc_auc": sk.roc_auc_score(truth.ravel(), scores.ravel()),
        "macro average_precision": np.mean(
            [sk.average_precision_score(truth[:, i], scores[:, i]) for i in some]
        ),
        "micro average_precision": sk.average_precision_score(truth.ravel(), scores.ravel()),
        "macro f1": sk.f1_score(truth, predicted, average="macro", labels=some, zero_division=0),
        "micro precision": sk.precision_score(truth, predicted, average="micro", zero_division=0),
        "samples f1": sk.f1_score(truth, predicted, average="samples", zero_division=0),
        "weighted recall": sk.recall_score(truth, predicted, average="weighted", zero_division=0),
        "hamming": sk.hamming_loss(truth, predicted),
    }


@given(st.integers(0, 10_000), st.sampled_from([0, 4, 30]))
@settings(deadline=None, max_examples=12)
def test_every_round_equals_scikit_learn(seed, steps):
    truth, scores, thresholds, groups = problem(seed=seed, steps=steps)
    found = bootstrap.bootstrap(truth, scores, thresholds, groups, rounds=3, seed=seed, n_groups=40)
    weights = bootstrap.group_weights(40, range(3), seed)
    for number in range(3):
        slow = by_repetition(truth, scores, thresholds, groups, weights[:, number])
        for name, value in slow.items():
            assert found.overall[name][number] == pytest.approx(value, abs=1e-9), name


def test_weights_of_one_give_the_metric_itself(monkeypatch):
    truth, scores, thresholds, groups = problem(steps=10)
    monkeypatch.setattr(bootstrap, "group_weights", lambda n, rounds, seed: np.ones((n, len(rounds)), "i2"))
    found = bootstrap.bootstrap(truth, scores, thresholds, groups, rounds=2)
    plain = metrics.overall(truth, scores, thresholds)
    for name in found.overall:
        assert found.overall[name][0] == pytest.approx(plain[name]), name
    table = metrics.per_label(truth, scores, thresholds, list("abcd"))
    for name in found.per_label:
        assert found.per_label[name][1] == pytest.approx(table[name].to_numpy()), name


def test_rounds_do_not_depend_on_workers_or_chunks(monkeypatch):
    arguments = problem()
    one = bootstrap.bootstrap(*arguments, rounds=7, seed=3, jobs=1)
    monkeypatch.setattr(bootstrap, "CHUNK", 2)
    two = bootstrap.bootstrap(*arguments, rounds=7, seed=3, jobs=3)
    assert np.array_equal(one.overall["macro roc_auc"], two.overall["macro roc_auc"])
    other = bootstrap.bootstrap(*arguments, rounds=7, seed=4)
    assert not np.array_equal(one.overall["macro roc_auc"], other.overall["macro roc_auc"])


def test_rounds_do_not_depend_on_how_many_scores_are_counted_at_a_time(monkeypatch):
    arguments = problem(images=300, groups=100)
    whole = bootstrap.bootstrap(*arguments, rounds=4)
    monkeypatch.setattr(bootstrap, "STRIPE", 7)
    monkeypatch.setattr(bootstrap, "BLOCK", 3)
    parts = bootstrap.bootstrap(*arguments, rounds=4)
    for name, values in whole.overall.items():
        assert parts.overall[name] == pytest.approx(values, abs=1e-12), name


def test_a_resample_has_as_many_groups_as_there_are():
    """Fewer would spread more: intervals a twentieth too wide for a tenth of the groups."""
    weights = bootstrap.group_weights(250, range(5), seed=0)
    assert weights.sum(axis=0).tolist() == [250] * 5 and weights.max() > 2
    assert not np.array_equal(weights[:, 0], weights[:, 1])


def test_interval_holds_the_truth_as_often_as_it_says():
    """Coverage of the 95 % interval for a known ROC-AUC: Phi(1.5 / sqrt 2) = 0.8556."""
    hits, wide = 0, []
    for seed in range(60):
        truth, scores, thresholds, _ = problem(images=400, labels=1, seed=seed)
        found = bootstrap.bootstrap(truth, scores, thresholds, np.arange(400), rounds=200, seed=seed)
        low, high = bootstrap.interval(found.overall["macro roc_auc"])
        hits, wide = hits + (low <= 0.8556 <= high), wide + [high - low]
    assert 51 <= hits <= 60 and 0.03 < np.mean(wide) < 0.12


def test_duplicates_widen_the_interval():
    """Ten copies of each image are no more evidence than one: groups know, images do not."""
    truth, scores, thresholds, _ = problem(images=100, labels=2)
    copies = [np.repeat(a, 10, axis=0) for a in (truth, scores)]
    group = np.repeat(np.arange(100), 10)

    def width(groups):
        values = bootstrap.bootstrap(*copies, thresholds, groups, rounds=300).overall["macro roc_auc"]
        return np.subtract(*bootstrap.interval(values)[::-1])

    assert width(group) > 2.5 * width(np.arange(1000))


def test_paired_rounds_see_a_small_difference():
    truth, scores, thresholds, _ = problem(images=300)
    worse = scores + np.random.default_rng(1).normal(scale=0.05, size=scores.shape).astype(np.float32)
    first, second = (
        bootstrap.bootstrap(truth, np.clip(s, 0, 1), thresholds, np.arange(300), rounds=300)
        for s in (scores, worse)
    )
    paired = first.overall["macro roc_auc"] - second.overall["macro roc_auc"]
    assert paired.std() < 0.5 * first.overall["macro roc_auc"].std()
    assert bootstrap.p_value(paired) < 0.05 and bootstrap.interval(paired)[0] > 0


def test_p_value():
    assert bootstrap.p_value(np.zeros(10)) == 1.0
    assert bootstrap.p_value(np.full(999, 0.1)) == pytest.approx(2 / 1000)
    assert np.isnan(bootstrap.p_value(np.full(3, np.nan)))


def test_counts_beyond_16_bits_are_exact():
    """Constant scores put every image into one step: 60,000 images, drawn several times each."""
    truth = (np.arange(60_000) % 3 == 0).astype(np.uint8)[:, None]
    scores = np.full((60_000, 1), 0.5, dtype=np.float32)
    found = bootstrap.bootstrap(truth, scores, np.array([0.5]), np.arange(60_000) // 6000, rounds=3)
    assert found.overall["macro roc_auc"] == pytest.approx(0.5)
    assert found.overall["macro average_precision"] == pytest.approx(1 / 3)
    one = bootstrap.bootstrap(truth, scores, np.array([0.5]), np.zeros(60_000, dtype=int), rounds=2)
    assert one.overall["macro average_precision"] == pytest.approx(1 / 3)


def test_a_label_without_positives_is_left_out():
    truth, scores, thresholds, groups = problem()
    truth[:, 1] = 0
    found = bootstrap.bootstrap(truth, scores, thresholds, groups, rounds=5)
    assert np.isnan(found.per_label["roc_auc"][:, 1]).all()
    assert np.isfinite(found.overall["macro roc_auc"]).all()
    low, high = bootstrap.interval(found.per_label["roc_auc"])
    assert np.isnan(low[1]) and np.isfinite(low[0])


def test_one_round_is_no_interval():
    with pytest.raises(UserError, match="rounds must be 2 or more"):
        bootstrap.bootstrap(*problem(), rounds=1)


# --- Intervals where positives are few


def test_average_precision_of_others_has_no_bias_where_average_precision_has():
    """Ten positives among 200 with random scores: truth is the share, .05."""
    rng = np.random.default_rng(0)
    truth = (rng.random((200, 2000)) < 0.05).astype(np.uint8)
    scores = rng.random(truth.shape)
    some = truth.sum(axis=0) > 1
    own = ranking.average_precision(truth, scores)[some].mean()
    others = ranking.precision_of_others(truth, scores)[some].mean()
    assert own > 0.07 and others == pytest.approx(0.05, abs=0.01)


@pytest.mark.parametrize(
    ("name", "truth_of_it"), [("macro average_precision", None), ("macro roc_auc", 0.8556)]
)
def test_intervals_of_few_positives_hold_the_truth(name, truth_of_it):
    """20 labels of about 15 positives; percentiles of average precision hold it half as often."""
    many = np.random.default_rng(9).random((200_000, 1)) < 0.05
    large = ranking.average_precision(many.astype(np.uint8), planted(np.random.default_rng(8), many, 1.5))[0]
    value = large if truth_of_it is None else truth_of_it
    ours = old = 0
    for seed in range(60):
        rng = np.random.default_rng(seed)
        truth = (rng.random((300, 20)) < 0.05).astype(np.uint8)
        scores, cuts = planted(rng, truth, 1.5), np.full(20, 0.4)
        drawn = bootstrap.bootstrap(truth, scores, cuts, np.arange(300), rounds=150, seed=seed)
        low, high = intervals.overall(truth, scores, metrics.overall(truth, scores, cuts), drawn.overall)[
            name
        ]
        ours += low <= value <= high
        low, high = bootstrap.interval(drawn.overall[name])
        old += low <= value <= high
    assert ours >= 53 and (truth_of_it or old < 45)


def test_too_few_positives_have_no_interval():
    rounds = np.random.default_rng(0).uniform(0.4, 0.6, (50, 3))
    low, high = intervals.metric_interval("roc_auc", np.full(3, 0.5), rounds, np.array([[4, 5, 500]]))
    assert np.isnan([low[0], high[0]]).all() and low[1] < low[2] < 0.5 < high[2] < high[1]
    for name in ("roc_auc", "f1"):  # every round is 1: nothing is known of how far below it may be
        assert np.isnan(intervals.metric_interval(name, 1.0, np.ones(50), np.array([30]))).all()


def test_a_label_has_the_interval_of_its_own_positives_and_around_the_value_without_bias():
    """Precision rests on the images that were given the label, all else on those that have it."""
    truth, scores, _, groups = problem(images=300, labels=3, groups=300)
    cuts = np.array([0.3, 0.3, np.sort(scores[:, 2])[-3]])  # the last label is given to three images
    drawn = bootstrap.bootstrap(truth, scores, cuts, groups, rounds=40).per_label
    table = metrics.per_label(truth, scores, cuts, list("abc"))
    found = intervals.per_label(truth, scores, table, drawn)
    assert list(found) == ["precision", "recall", "f1", "roc_auc", "average_precision"]
    assert table["predicted"][2] == 3 and np.isnan(found["precision"][0]).tolist() == [False, False, True]
    assert np.isfinite(found["recall"]).all() and np.isfinite(found["f1"]).all()
    others = ranking.precision_of_others(truth, scores)
    for label in range(3):
        for name, centre in (("roc_auc", None), ("average_precision", others[label])):
            ends = intervals.metric_interval(
                name, table[name][label], drawn[name][:, label], truth[:, [label]].sum(axis=0), centre
            )
            assert [end[label] for end in found[name]] == pytest.approx(np.stack(ends)), (name, label)


def test_limits_of_a_ranking_worked_out_by_hand():
    """Rounds of deviation .1 around .5 are .4 in log-odds; of average precision half way to its middle."""
    rounds, known = np.array([0.4, 0.6]), intervals.Freedom(np.inf, 4.0, 100.0)
    reach = 1.96 * 0.1 / (0.5 * 0.5) * 2  # a variance that is four times too small
    found = intervals.ranking_limits(0.6, rounds, known, centre=0.4)
    middle = np.log(0.4 / 0.6)
    assert found == pytest.approx([1 / (1 + np.exp(-middle - side * reach)) for side in (-1, 1)], abs=1e-4)
    few = intervals.ranking_limits(0.6, rounds, known, centre=0.4, degrees=2)
    assert few[0] < found[0] and few[1] > found[1]
    middle, spread = 2 * np.log(0.6 / 0.4), np.log(0.6 / 0.4)  # the rounds' own mean is 0 in log-odds
    ends = [1 / (1 + np.exp(-middle - side * 1.96 * spread * 2)) for side in (-1, 1)]
    assert intervals.ranking_limits(0.6, rounds, known) == pytest.approx(ends, abs=1e-4)


def test_freedom_is_that_of_the_rarest_labels():
    assert intervals.freedom(np.array([0, 11, 11])).degrees == pytest.approx(20)  # one nobody has counts not
    assert intervals.freedom(np.array([2, 500])).positives < 4
