"""What corrects 06's counts: pictures not scored themselves, other draws for another seed, no child above."""

import numpy as np
import pytest

from evaluate_planted import NAMES, write_train_run
from wikitopics.artefacts import write_json
from wikitopics.evaluate.predictions import freeze_thresholds, read_validation
from wikitopics.scoring import shares
from wikitopics.scoring.choose import HeldOut, read_held_out
from wikitopics.scoring.settings import Settings

PARENTS = {
    "Plants": None,
    "Animals": "Plants",
    "People": None,
    "Maps & Flags": None,
    "Music": None,
    "Food": None,
}


def settings(coherent=False, platt=None):
    """Settings of a run with those labels; by default scores are probabilities as they are."""
    labels = len(NAMES)
    plain = np.tile([1.0, 0.0], (labels, 1)) if platt is None else platt
    return Settings(
        "run",
        "key",
        NAMES,
        PARENTS,
        np.full(labels, 0.5),
        plain,
        coherent,
        128,
        "pad",
        np.linspace(0.5, 1, 101),
    )


def test_a_picture_that_is_scored_does_not_tell_how_to_correct_its_own_score(tmp_path, monkeypatch):
    monkeypatch.setenv("WIKITOPICS_ROOT", str(tmp_path))
    write_train_run(tmp_path, "model")
    folder = tmp_path / "data" / "04_evaluate" / "evaluation"
    freeze_thresholds(folder, NAMES, np.full(len(NAMES), 0.5))
    write_json(folder / "run.json", {})
    scored = list(read_validation("model").frame["title"][:40]) + ["somebody else's.jpg"]
    every = read_held_out("model", "evaluation", settings(), [])
    apart = read_held_out("model", "evaluation", settings(), scored)
    assert len(every.truth) == 400 and len(apart.truth) == 360
    assert np.allclose(apart.probabilities, every.probabilities[40:])


def test_another_seed_draws_other_resamples():
    rng = np.random.default_rng(0)
    truth = (rng.random((200, 2)) < 0.3).astype(np.uint8)
    held_out = HeldOut(
        truth, np.clip(0.2 + 0.5 * truth + rng.normal(0, 0.1, truth.shape), 0, 1), np.arange(200)
    )
    scored = rng.random((100, 2))

    def ends(seed):
        table = shares.shares(scored, scored > 0.5, ["a", "b"], held_out, np.arange(100), 40, seed)
        return table[["low", "high"]].to_numpy()

    assert np.array_equal(ends(0), ends(0)) and not np.array_equal(ends(0), ends(1))
    means = [shares.resampled_means(scored, np.arange(100), 40, seed) for seed in (0, 1)]
    classes = [shares.resampled_class_means(held_out, 40, seed)[0] for seed in (0, 1)]
    assert not np.array_equal(*means) and not np.array_equal(*classes)


def test_calibrated_scores_of_a_coherent_model_stay_coherent():
    """Platt's slopes differ from label to label, so they can lift a child above its parent."""
    platt = np.tile([1.0, 0.0], (len(NAMES), 1))
    platt[1] = [1.0, 2.0]  # Animals, below Plants
    scores = np.full((1, len(NAMES)), 0.4)
    plain, closed = (settings(coherent, platt).probabilities(scores) for coherent in (False, True))
    assert plain[0, 1] > plain[0, 0] == pytest.approx(0.4)
    assert closed[0, 0] == pytest.approx(closed[0, 1]) and np.allclose(closed[0, 1:], plain[0, 1:])
