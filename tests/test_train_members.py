"""Several seeds in one program: each member's numbers are its own, alone or among others."""

import json
from dataclasses import replace

import keras
import numpy as np
import pandas as pd
import pytest

from test_train_options import Setup, runs, small  # noqa: F401 (fixtures)
from wikitopics.errors import UserError
from wikitopics.ranking import average_precision
from wikitopics.rules import RULES
from wikitopics.train import fit as fitting
from wikitopics.train import model, outcome
from wikitopics.train.coherence import coherent
from wikitopics.train.examples import Batches
from wikitopics.train.fit import best_epochs, build_optimizer, fit
from wikitopics.train.losses import PLAIN, LabelLoss, LossSettings
from wikitopics.train.members import Heads, in_one_pass
from wikitopics.train.record import of_seeds

RNG = np.random.default_rng(5)
INPUTS = RNG.normal(size=(200, 13)).astype(np.float32)  # odd numbers: no array fills whole registers
TARGETS = (INPUTS[:, :3] + RNG.normal(size=(200, 3)) > 0.8).astype(np.uint8)
BELOW = np.array([[1, 1, 0], [0, 1, 0], [0, 0, 1]], bool)


def head(seed: int, dropout: float = 0.0) -> keras.Model:
    start = keras.initializers.GlorotUniform
    layers = [keras.Input((13,)), keras.layers.Dense(17, "relu", kernel_initializer=start(seed))]
    layers += [keras.layers.Dropout(dropout, seed=seed)] if dropout else []
    return keras.Sequential([*layers, keras.layers.Dense(3, "sigmoid", kernel_initializer=start(seed + 1))])


def probe() -> keras.Model:
    return keras.Sequential([keras.Input((13,)), keras.layers.Dense(3, "sigmoid")])


def images(seed: int, rows: int = 139) -> Batches:
    return Batches(INPUTS, np.arange(rows), TARGETS[:rows], 16, seed)


VALIDATION = Batches(INPUTS, np.arange(140, 200), TARGETS[140:], 64)


def train(folder, seeds, patience=2, dropout=0.0, name="adam", loss=PLAIN, rows=None, epochs=7):
    heads = [head(seed, dropout) for seed in seeds]
    batches = [images(seed, (rows or {}).get(seed, 139)) for seed in seeds]
    schedule = {"schedule": "cosine", "warmup_epochs": 0.5, "epochs": epochs}
    members = Heads(
        heads,
        batches,
        [replace(loss, positive_weights=np.array([2.0, 1.0, 1.0 + seed])) for seed in seeds],
        lambda steps: build_optimizer(name, 0.02, **schedule, steps_per_epoch=steps),
    )
    history = fit(members, VALIDATION, epochs, patience, folder, "k")
    return members, history.drop(columns="seconds")


WAYS = {
    "adam, dropout": {"dropout": 0.3},
    "adamw, focal": {"name": "adamw", "loss": LossSettings("focal", 2.0, 2.0, smoothing=0.1)},
    "sgd, hierarchy": {"name": "sgd", "loss": LossSettings(descent=BELOW)},
    "as many images as resampling drew": {"rows": {3: 120, 4: 120, 5: 131}},
}


@pytest.mark.parametrize("name", WAYS)
def test_a_member_ends_with_the_same_numbers_alone_among_five_and_among_forty(tmp_path, name):
    """To the last bit: each head is asked by itself, and what an optimiser does to a number is its own."""
    among, history = train(tmp_path / "40", range(40), **WAYS[name])
    five, fewer = train(tmp_path / "5", range(2, 7), **WAYS[name])
    alone, own = train(tmp_path / "1", [4], **WAYS[name])
    for members, table, place in ((among, history, 4), (five, fewer, 2)):
        assert table[table["seed"] == 4].reset_index(drop=True).equals(own)
        for weights, others in zip(alone.weights(0), members.weights(place), strict=True):
            assert np.array_equal(weights, others)
        assert np.array_equal(members.scores(VALIDATION)[place], alone.scores(VALIDATION)[0])
    stopped = history.groupby("seed").size()
    assert stopped.nunique() > 1 or name == "sgd, hierarchy"  # some stopped before others


@pytest.mark.parametrize("name", ["adam", "adamw", "sgd"])
def test_a_member_learns_what_keras_own_fit_would_teach_it(tmp_path, name):
    """Weights after four epochs: the same layers, loss and optimiser, alone or stacked.

    To the last bit where Adam moves in one pass in both, and as near as rounding lets it by Keras' dozen.
    """
    loss = LossSettings("asymmetric", 0.0, 4.0, 0.05, np.array([2.0, 1.0, 4.0]), np.array([0.5, 1.0, 1.5]))
    together = [head(seed) for seed in (2, 3)]
    members = Heads(
        together, [images(seed) for seed in (2, 3)], [loss] * 2, lambda steps: build_optimizer(name, 0.02)
    )
    alone, keras_own, batches = head(3), head(3), images(3)
    alone.compile(in_one_pass(build_optimizer(name, 0.02)), LabelLoss(loss), jit_compile=False)
    keras_own.compile(build_optimizer(name, 0.02), LabelLoss(loss), jit_compile=False)
    for epoch in range(4):
        batches.epoch = epoch
        kept = alone.fit(batches, shuffle=False, verbose=0).history["loss"][0]
        keras_own.fit(batches, shuffle=False, verbose=0)
        assert members.epoch(epoch, [0, 1])[1] == pytest.approx(kept, rel=1e-5)
    for weights, own, others in zip(
        alone.get_weights(), keras_own.get_weights(), members.weights(1), strict=True
    ):
        assert np.array_equal(weights, others)
        assert np.abs(own - others).max() < 3e-5


def test_adam_moves_in_one_pass_and_what_is_not_adam_as_keras_moves_it():
    for name, fast in (("adam", True), ("adamw", True), ("sgd", False)):
        assert ("update_step" in vars(in_one_pass(build_optimizer(name)))) == fast
    assert "update_step" not in vars(in_one_pass(keras.optimizers.Adam(amsgrad=True)))


def test_a_state_of_another_shape_is_refused():
    members = Heads([head(0)], [images(0)])
    with pytest.raises(ValueError, match="must have the shape"):
        members.set_state([np.zeros(1) for _ in members.state])
    with pytest.raises(ValueError, match="shorter|longer"):
        members.set_weights(0, members.weights(0)[:-1])
    members.set_weights(0, [value.astype(float) + 1 for value in members.weights(0)])
    assert np.isfinite(members.scores(VALIDATION)).all()


def test_nothing_to_learn_from_is_said(tmp_path):
    members = Heads([head(0)], [Batches(INPUTS, [], TARGETS[:0], 16, 0)])
    with pytest.raises(UserError, match="must have images to learn from"):
        fit(members, VALIDATION, 3, 0, tmp_path, "k")


@pytest.mark.parametrize("resampling", [False, True])
def test_images_are_found_in_a_pool_or_handed_over_chunk_by_chunk_with_the_same_numbers(
    tmp_path, monkeypatch, resampling
):
    rows = [np.arange(139) % 50 + 20 * seed if resampling else np.arange(139) for seed in (0, 1)]
    found = []
    for room in (1 << 20, 0):
        monkeypatch.setattr("wikitopics.train.members.POOL", room)
        batches = [Batches(INPUTS, own, TARGETS[own], 16, seed) for seed, own in enumerate(rows)]
        members = Heads([head(0), head(1)], batches)
        losses = [members.epoch(epoch, [0, 1]) for epoch in range(3)]
        scores = members.scores(VALIDATION), members.scores(images(4, 20), [1])
        found.append((losses, members.weights(0), members.weights(1), *scores))
        assert all((pool.inputs is None) == (room == 0) for pool in members.pools)
        assert members.pools[0] is members.pools[1]
    pooled, handed = map(keras.tree.flatten, found)
    assert all(np.array_equal(*pair) for pair in zip(pooled, handed, strict=True))


def test_a_member_starts_and_is_shown_images_as_a_run_of_its_own_seed(runs):  # noqa: F811
    setup = Setup(runs, seeds=3, resampling="reward", loss={"name": "positive_weighted"})
    for member, seed in enumerate(range(3)):
        own = Setup(runs, seed=seed, resampling="reward", loss={"name": "positive_weighted"})
        start = model.head_of(own.network).get_weights()
        assert all(np.array_equal(*pair) for pair in zip(setup.members.weights(member), start, strict=True))
        batches = setup.members.train[member]
        assert np.array_equal(batches.rows[batches.order()], own.train.rows[own.train.order()])
        weights = setup.members.settings[member].positive_weights
        assert np.array_equal(weights, own.settings.positive_weights)


def test_views_are_shared_and_each_member_draws_which_it_sees(runs):  # noqa: F811
    first, second = Setup(runs, seeds=2, augmentation={"flip": True}).members.train
    assert first.inputs is second.inputs
    assert not np.array_equal(first.versions(2), second.versions(2))


def test_who_has_stopped_keeps_its_best_epoch_while_the_others_go_on(tmp_path, monkeypatch):
    planned = {0: [0.5, 0.6, 0.4, 0.9], 1: [0.2, 0.3, 0.5, 0.4]}  # the last 0.9 comes too late
    seen, epoch = [], Heads.epoch

    def told(loss, truth, scores):
        seed = int(loss.positive_weights[2]) - 1
        return {"val_loss": 0.0, "val_macro_pr_auc": planned[seed].pop(0), "val_micro_pr_auc": 0.0}

    def noted(self, *which):
        losses = epoch(self, *which)
        seen.append([self.weights(member) for member in (0, 1)])
        return losses

    monkeypatch.setattr(fitting, "_validation", told)
    monkeypatch.setattr(Heads, "epoch", noted)
    members, history = train(tmp_path, [0, 1], patience=1, epochs=9)
    assert history.groupby("seed")["epoch"].apply(list).tolist() == [[1, 2, 3], [1, 2, 3, 4]]
    assert best_epochs(history) == {0: 2, 1: 3}
    for member, best in ((0, 1), (1, 2)):
        for weights, kept, own in zip(
            members.weights(member), seen[best][member], members.heads[member].get_weights(), strict=True
        ):
            assert np.array_equal(weights, kept) and np.array_equal(own, kept)


def test_who_has_stopped_is_asked_for_nothing_and_nothing_of_it_moves():
    members = Heads([head(seed) for seed in (0, 1)], [images(seed) for seed in (0, 1)])
    members.epoch(0, [0, 1])
    before = [np.array(variable) for variable in members.own[1]]
    assert members.epoch(1, [0])[1] == 0
    assert all(np.array_equal(*pair) for pair in zip(before, members.own[1], strict=True))
    whole = members.scores(VALIDATION)
    assert np.array_equal(members.scores(VALIDATION, [1]), whole[1:])
    assert np.array_equal(members.scores(VALIDATION, [1, 0]), whole[::-1])


def test_pictures_without_a_label_column_are_scored_like_others():
    members = Heads([head(0)], [images(0)])
    rows = np.arange(140, 200)
    unlabelled = Batches(INPUTS, rows, np.empty((len(rows), 0)), 16)  # as the learning curve asks
    labelled = Batches(INPUTS, rows, TARGETS[rows], 16)
    assert np.array_equal(members.scores(unlabelled), members.scores(labelled))


def test_a_kill_costs_all_members_one_epoch_and_changes_no_end(tmp_path, monkeypatch):
    ways = {"dropout": 0.3, "rows": {2: 120}, "patience": 3}
    whole, history = train(tmp_path / "whole", range(3), **ways)
    write = fitting._write_history

    def kill(folder, rows):
        if rows["epoch"].max() == 4:
            raise KeyboardInterrupt
        write(folder, rows)

    with monkeypatch.context() as patch:
        patch.setattr(fitting, "SECONDS_BETWEEN_CHECKPOINTS", 0)
        patch.setattr(fitting, "_write_history", kill)
        with pytest.raises(KeyboardInterrupt):
            train(tmp_path / "cut", range(3), **ways)
    with np.load(tmp_path / "cut" / fitting.CHECKPOINT) as saved:
        rows = json.loads(saved["note"].tobytes())["history"]
    assert [len(own) for own in rows] == [4, 4, 4]  # the fourth was saved, and not yet told
    done = pd.read_csv(tmp_path / "cut" / "history.csv")
    assert done.columns[0] == "seed" and done["epoch"].max() == 3
    resumed, after = train(tmp_path / "cut", range(3), **ways)
    assert after.equals(history)
    for member in range(3):
        for weights, others in zip(whole.weights(member), resumed.weights(member), strict=True):
            assert np.array_equal(weights, others)


def test_chunks_of_an_epoch_change_nothing(tmp_path, monkeypatch):
    whole, _ = train(tmp_path / "whole", range(2))
    monkeypatch.setattr("wikitopics.train.members.CHUNK", 3 * 16 * 4 * 13)  # three steps
    pieces, _ = train(tmp_path / "pieces", range(2))
    assert all(np.array_equal(*pair) for pair in zip(whole.weights(1), pieces.weights(1), strict=True))


def test_one_member_that_is_no_number_is_named_by_its_seed(tmp_path):
    batches = [images(seed) for seed in (7, 8)]
    batches[1].inputs = np.where(np.arange(200)[:, None] == 3, np.nan, INPUTS).astype(np.float32)
    with pytest.raises(UserError, match=r"in epoch 1 it is nan in train .* \(seed 8\)"):
        fit(Heads([probe(), probe()], batches), VALIDATION, 3, 0, tmp_path, "k")


def test_coherent_heads_are_watched_by_their_coherent_scores(tmp_path):
    members, history = train(tmp_path, [0, 1], loss=LossSettings(descent=BELOW), epochs=1)
    scores = coherent(members.scores(VALIDATION)[1], BELOW)
    value = history.loc[history["seed"] == 1, "val_macro_pr_auc"].iloc[0]
    assert value == outcome.macro_pr_auc(TARGETS[140:], scores)


def test_seeds_are_one_where_the_backbone_learns():
    rule = RULES["03_train"]["seeds"]
    assert rule.holds(1, {}) and rule.holds(100, {"trainable_layers": 0}) and "run of its own" in rule.allowed
    assert not rule.holds(0, {}) and not rule.holds(101, {})
    assert rule.holds(1, {"trainable_layers": -1}) and not rule.holds(2, {"trainable_layers": 3})


def test_average_precision_is_scikit_learns_also_with_ties():
    from sklearn.metrics import average_precision_score

    truth = RNG.integers(0, 2, (90, 5))
    truth[:, 4] = 0
    scores = RNG.integers(0, 9, (90, 5)) / 8
    each = average_precision(truth, scores)
    assert np.isnan(each[4])
    expected = [average_precision_score(truth[:, i], scores[:, i]) for i in range(4)]
    assert np.allclose(each[:4], expected, atol=1e-12)
    assert outcome.macro_pr_auc(truth, scores) == pytest.approx(np.mean(expected))
    flat = average_precision_score(truth.ravel(), scores.ravel())
    assert outcome.micro_pr_auc(truth, scores) == pytest.approx(flat)


def by_split(train=0.9, validation=0.6) -> pd.DataFrame:
    return pd.DataFrame(
        {"split": ["train", "validation"], "prevalence": 0.2, "macro PR-AUC": [train, validation]}
    )


def test_a_table_of_seeds_and_what_it_says():
    history = pd.DataFrame(
        {
            "seed": [3, 3, 4, 4, 4],
            "epoch": [1, 2, 1, 2, 3],
            "val_macro_pr_auc": [0.6, 0.5, 0.5, 0.6, 0.66],
            "val_micro_pr_auc": [0.7, 0.7, 0.7, 0.7, 0.8],
            "val_loss": [0.3, 0.4, 0.5, 0.4, 0.2],
        }
    )
    table = outcome.by_seed(history, best_epochs(history))
    assert table.columns.tolist() == [
        "seed", "epochs", "best epoch", "macro PR-AUC", "micro PR-AUC", "loss",
    ]  # fmt: skip
    assert table.to_numpy().tolist() == [[3, 2, 1, 0.6, 0.7, 0.3], [4, 3, 3, 0.66, 0.8, 0.2]]
    assert of_seeds(table) == {
        "seeds": [3, 4], "best_epoch": 1, "best_epochs": [1, 3], "epochs_run": [2, 3],
    }  # fmt: skip
    told = outcome.in_words(by_split(), table)
    assert "0.600, a random order 0.200, so it ranks 3.0 times better" in told[0]
    assert "0.900, 0.300 more" in told[1]
    assert "2 seeds reach 0.600 to 0.660 (standard deviation 0.042)" in told[2]
    assert "not clearly larger than 0.060" in told[2]


def test_sentences_follow_the_numbers():
    one = pd.DataFrame({"seed": [0], "macro PR-AUC": [0.2]})
    told = outcome.in_words(by_split(0.22, 0.21), one)
    assert "little or nothing" in told[0] and "nothing by heart" in told[1] and "cannot say" in told[2]
