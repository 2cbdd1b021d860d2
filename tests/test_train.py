"""Training: what is configured runs, a kill costs one epoch, and the saved model is the trained one."""

import hashlib

import keras
import numpy as np
import pandas as pd
import pytest

import planted
from wikitopics.artefacts import read_json, read_table
from wikitopics.errors import UserError
from wikitopics.networks.backbones import LITE, Lite
from wikitopics.train import fit as fitting
from wikitopics.train.examples import Batches, keep_top_labels, read_examples
from wikitopics.train.features import Learner
from wikitopics.train.fit import Plan, best_epoch, fit, forget_checkpoint, is_over
from wikitopics.train.members import Heads, compile_model
from wikitopics.train.model import build_model, column, features_of, head_of, load_model, save_model, set_seed
from wikitopics.train.outcome import macro_pr_auc
from wikitopics.train.record import (
    changes,
    fixed_batch_loss,
    saved_difference,
    snapshot,
    training_key,
    write_labels,
    write_predictions,
)

RNG = np.random.default_rng(5)
INPUTS = RNG.normal(size=(200, 12)).astype(np.float32)
TARGETS = (INPUTS[:, :3] + RNG.normal(size=(200, 3)) > 0.8).astype(np.uint8)


def head(seed: int = 0) -> keras.Model:
    layers = [
        keras.Input((12,)),
        keras.layers.Dense(16, "relu", kernel_initializer=keras.initializers.GlorotUniform(seed)),
        keras.layers.Dropout(0.2, seed=seed),
        keras.layers.Dense(3, "sigmoid", kernel_initializer=keras.initializers.GlorotUniform(seed + 1)),
    ]
    return keras.Sequential(layers, name="head")


def train(folder, epochs=6, patience=0, seed=0, key="k"):
    model = head(seed)
    batches = Batches(INPUTS, np.arange(140), TARGETS[:140], 16, seed)
    validation = Batches(INPUTS, np.arange(140, 200), TARGETS[140:], 64)
    members = Heads([model], [batches], optimizer=lambda steps: keras.optimizers.Adam(0.01))
    return model, fit(members, validation, epochs, patience, folder, key)


def fingerprint(model) -> str:
    return hashlib.sha256(b"".join(weight.tobytes() for weight in model.get_weights())).hexdigest()


def test_two_runs_with_one_seed_are_identical_and_another_seed_is_another_run(tmp_path):
    first, history = train(tmp_path / "a")
    second, again = train(tmp_path / "b")
    other, _ = train(tmp_path / "c", seed=1)
    assert fingerprint(first) == fingerprint(second) != fingerprint(other)
    assert history.drop(columns="seconds").equals(again.drop(columns="seconds"))
    assert history.loss.iloc[-1] < history.loss.iloc[0]


def test_a_killed_run_continues_and_ends_as_if_nothing_had_happened(tmp_path, monkeypatch):
    epochs, order = set(), Batches.order
    with monkeypatch.context() as patch:
        patch.setattr(Batches, "order", lambda self: epochs.add((self.seed, self.epoch)) or order(self))
        whole, history = train(tmp_path / "whole")
    assert epochs - {(None, 0)} == {(0, epoch) for epoch in range(6)}  # each epoch in an order of its own

    class Killed(BaseException):
        pass

    def kill_in_epoch_4(folder, table):
        if len(table) == 4:
            raise Killed

    monkeypatch.setattr(fitting, "_write_history", kill_in_epoch_4)
    with pytest.raises(Killed):
        train(tmp_path / "cut")
    monkeypatch.undo()
    resumed, after = train(tmp_path / "cut")
    assert fingerprint(resumed) == fingerprint(whole)
    assert after.drop(columns="seconds").equals(history.drop(columns="seconds"))
    assert pd.read_csv(tmp_path / "cut" / "history.csv").epoch.tolist() == [1, 2, 3, 4, 5, 6]


def test_a_finished_run_is_not_trained_again_and_another_key_starts_anew(tmp_path, monkeypatch):
    model, _ = train(tmp_path)
    with monkeypatch.context() as patch:
        patch.setattr(Heads, "epoch", lambda *_: pytest.fail("trained again"))
        again, _ = train(tmp_path)
    assert fingerprint(again) == fingerprint(model)
    _, history = train(tmp_path, epochs=2, key="other")
    assert len(history) == 2
    forget_checkpoint(tmp_path)
    assert not (tmp_path / "checkpoint.npz").exists()


def test_a_damaged_checkpoint_is_said_to_be_damaged(tmp_path):
    (tmp_path / "checkpoint.npz").write_bytes(b"PK\x03\x04 half")
    with pytest.raises(UserError, match="checkpoint must be whole"):
        train(tmp_path)


def test_the_best_epochs_weights_stay_and_patience_ends_training(tmp_path, monkeypatch):
    values = iter([0.3, 0.6, 0.5, 0.4, 0.9])
    seen, epoch = [], Heads.epoch

    def noted(self, *which):
        losses = epoch(self, *which)
        seen.append([weights.tobytes() for weights in self.weights(0)])
        return losses

    def planned(*_):
        return {"val_loss": 0.0, "val_macro_pr_auc": next(values), "val_micro_pr_auc": 0.0}

    monkeypatch.setattr(fitting, "_validation", planned)
    monkeypatch.setattr(Heads, "epoch", noted)
    model, history = train(tmp_path, epochs=50, patience=2)
    assert history.epoch.tolist() == [1, 2, 3, 4]
    assert [np.asarray(weights).tobytes() for weights in model.trainable_variables] == seen[1]


def test_patience_counts_from_the_first_of_equal_bests():
    history = [{"epoch": i, "val_macro_pr_auc": value} for i, value in enumerate([0.5, 0.7, 0.7], 1)]
    assert best_epoch(history) == 2
    assert [is_over(history, Plan(9, patience)) for patience in (0, 1, 2)] == [False, True, False]
    assert is_over(history, Plan(3)) and not is_over([], Plan(3, 1))


def test_batches_shuffle_by_seed_and_epoch_and_keep_pairs_together():
    batches = Batches(np.arange(50)[:, None], np.arange(10, 40), np.arange(10, 40)[:, None], 8, seed=2)
    assert len(batches) == 4

    def read():
        return [np.concatenate(part).ravel() for part in zip(*(batches[i] for i in range(4)), strict=True)]

    inputs, targets = read()
    assert np.array_equal(inputs, targets) and sorted(inputs) == list(range(10, 40))
    batches.epoch = 1
    later, _ = read()
    assert not np.array_equal(inputs, later)
    batches.epoch = 0
    assert np.array_equal(read()[0], inputs)


def test_nothing_to_watch_is_said_before_training(tmp_path):
    batches = Batches(INPUTS, np.arange(10), TARGETS[:10], 4)
    empty = Batches(INPUTS, np.arange(10), TARGETS[:10] * 0, 4)
    with pytest.raises(UserError, match="label in validation to watch, but has 10 and 0"):
        fit(Heads([head()], [batches]), empty, 2, 0, tmp_path, "k")


def test_a_label_without_positives_does_not_count_in_the_macro_mean():
    truth = np.array([[1, 0], [0, 0], [1, 0]])
    assert macro_pr_auc(truth, np.array([[0.9, 0.1], [0.8, 0.9], [0.7, 0.2]])) == pytest.approx(
        (1 + 2 / 3) / 2
    )
    assert np.isnan(macro_pr_auc(truth * 0, truth))


@pytest.fixture
def runs(tmp_path):
    return planted.write_images(tmp_path, n=90), planted.write_labels(tmp_path, n=90)


def test_examples_are_joined_by_title_not_by_position(runs):
    examples = read_examples(*runs)
    for row in (0, 1, 40, 89):
        own = [name for name, there in zip(planted.NAMES, examples.label_matrix[row], strict=True) if there]
        assert own == planted.planted_labels(row)
        assert (examples.confidences[row] > 0).tolist() == (examples.label_matrix[row] > 0).tolist()


def test_top_labels_are_counted_in_train_and_keep_the_taxonomys_order(runs):
    examples = read_examples(*runs)
    chosen = keep_top_labels(examples, 3)
    counts = examples.label_matrix[examples.rows("train")].sum(axis=0)
    assert chosen.label_names == ["Colour", "Red", "Shape"]  # 36, 18 (first of four equals), 36
    assert sorted(counts)[-2:] == [36, 36]
    assert chosen.parents == {"Colour": None, "Red": "Colour", "Shape": None}
    assert len(chosen.frame) == 90 and (chosen.label_matrix.sum(axis=1) == 0).sum() == 10
    assert keep_top_labels(examples, 0).label_names == planted.NAMES
    told = "labels_top must be at most .* 6, but is 7; choose fewer, 0 to keep all"
    with pytest.raises(UserError, match=told):
        keep_top_labels(examples, 7)


def test_a_label_that_only_the_test_images_have_is_never_chosen(runs):
    examples = read_examples(*runs)
    examples.label_matrix[examples.rows("train"), 1] = 0
    assert "Red" not in keep_top_labels(examples, 0).label_names


def test_an_image_without_a_row_in_the_labels_run_is_named(runs):
    images, labels = runs
    read_table(labels / "labels.parquet").iloc[:-1].to_parquet(labels / "labels.parquet")
    with pytest.raises(UserError, match="1 of 90 have none .*'Picture 0.png' first"):
        read_examples(images, labels)


@pytest.fixture
def small_lite(monkeypatch):
    """EfficientNet-Lite0's column with 8 channels a stage, so that a test needs seconds."""
    monkeypatch.setitem(LITE, "EfficientNetLite0", Lite(0.1, 0.1, 224, "no package"))


def whole_model(**options) -> keras.Model:
    set_seed(0)
    return build_model(5, "EfficientNetLite0", 32, weights="none", head_units=8, **options)


def test_equal_models_are_saved_as_equal_bytes(small_lite, tmp_path):
    """Built twice, in other objects and at another time: what reads the file is not made again for that."""
    for name in "ab":
        keras.backend.clear_session()
        save_model(whole_model(), tmp_path / f"{name}.keras")
    assert (tmp_path / "a.keras").read_bytes() == (tmp_path / "b.keras").read_bytes()
    assert load_model(tmp_path / "a.keras").output_shape == (None, 5)


def test_the_whole_model_says_of_pictures_what_the_head_says_of_features(runs, small_lite, tmp_path):
    examples = keep_top_labels(read_examples(*runs), 5)
    model = whole_model()
    features = features_of(model).predict(np.asarray(examples.pixels), verbose=0)
    head = head_of(model)
    before = snapshot(model)
    rows = examples.rows("train")
    members = Heads([head], [Batches(features, rows, examples.label_matrix[rows], 16, 0)])
    loss = fixed_batch_loss(members, head)
    assert loss["compiled"] == pytest.approx(loss["formula"], abs=1e-5)
    fit(members, Batches(features, rows, examples.label_matrix[rows], 64), 2, 0, tmp_path, "k")
    changed = changes(before, model)
    assert (changed.trainable == changed.changed).all() and changed.changed.sum() == 4

    save_model(model, tmp_path / "model.keras")
    reloaded = load_model(tmp_path / "model.keras")
    scores = head.predict(features, verbose=0)
    assert np.abs(reloaded.predict(np.asarray(examples.pixels), verbose=0) - scores).max() < 1e-5
    assert [path.name for path in tmp_path.glob("*.keras*")] == ["model.keras"]
    part = Learner(head, features, features, "k")
    assert saved_difference(tmp_path / "model.keras", examples, part, scores) < 1e-5
    with pytest.raises(UserError, match="must give the scores that are written"):
        saved_difference(tmp_path / "model.keras", examples, part, 1 - scores)
    with pytest.raises(UserError, match="whole .keras file"):
        (tmp_path / "cut.keras").write_bytes((tmp_path / "model.keras").read_bytes()[:1000])
        load_model(tmp_path / "cut.keras")

    write_predictions(tmp_path, "validation", examples, scores, {7: scores / 2})
    beside = read_table(tmp_path / "predictions_validation.parquet")
    assert beside.columns.tolist() == ["title", "row", "group", "truth", "scores", "scores_seed_7"]
    assert np.array_equal(np.stack(beside.scores_seed_7), scores[examples.rows("validation")] / 2)
    write_predictions(tmp_path, "test", examples, scores)
    write_labels(tmp_path, examples)
    table = read_table(tmp_path / "predictions_test.parquet")
    rows = examples.rows("test")
    assert table.columns.tolist() == ["title", "row", "group", "truth", "scores"]
    assert table.title.tolist() == examples.frame.title.iloc[rows].tolist()
    assert np.array_equal(np.stack(table.truth), examples.label_matrix[rows])
    assert np.array_equal(np.stack(table.scores), scores[rows])
    assert read_json(tmp_path / "label_names.json")["label_names"] == examples.label_names
    assert read_json(tmp_path / "prior.json")["Colour"] == pytest.approx(2 / 3)


def test_the_column_shows_every_step_and_what_learns(small_lite):
    table = column(whole_model(store_size=48)).set_index("layer")
    assert table.index.tolist() == ["picture", "resize", "EfficientNetLite0", "features", "head", "scores"]
    assert table.output["resize"] == "32 x 32 x 3"
    assert table.trainable["EfficientNetLite0"] == 0 and table.trainable["head"] == 1280 * 8 + 8
    probe = build_model(5, "EfficientNetLite0", 32, head_units=0, weights="none")
    assert "head" not in column(probe).layer.tolist()


@pytest.mark.parametrize(("count", "thawed"), [(0, 0), (2, 2), (-1, 22)])
def test_thawing_lets_the_last_layers_learn_but_no_batch_norm(small_lite, count, thawed):
    network = whole_model(trainable_layers=count).get_layer("EfficientNetLite0")
    learning = [layer for layer in network.layers if layer.trainable_weights]
    assert len(learning) == thawed
    assert not any(isinstance(layer, keras.layers.BatchNormalization) for layer in learning)
    if count == 2:
        assert [layer.name for layer in learning] == ["blocks_6_project_conv", "conv_head"]


def test_fine_tuning_changes_the_layers_it_should_and_no_batch_statistics(small_lite, runs):
    examples = keep_top_labels(read_examples(*runs), 5)
    model = whole_model(trainable_layers=1)
    compile_model(model, keras.optimizers.Adam(0.01))
    before = snapshot(model)
    model.train_on_batch(np.asarray(examples.pixels[:16]), examples.label_matrix[:16].astype("float32"))
    changed = changes(before, model)
    assert changed.variable[changed.changed].str.contains("conv_head|head/|scores/").all()
    assert changed.changed.sum() == 5
    with pytest.raises(UserError, match="trainable_layers must be -1"):
        whole_model(trainable_layers=999)


def test_the_key_follows_what_is_learned_and_not_the_runs_name():
    parameters = {"run": "a", "interactive": True, "learning_rate": 0.001}
    key = training_key(parameters, TARGETS)
    assert key == training_key(parameters | {"run": "b", "interactive": False}, TARGETS)
    assert key != training_key(parameters | {"learning_rate": 0.002}, TARGETS)
    assert key != training_key(parameters, TARGETS[::-1])
