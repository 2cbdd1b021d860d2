"""Options of training: each changes what it should and nothing else; what runs is what was chosen."""

import hashlib

import keras
import numpy as np
import pytest

import planted
from wikitopics.errors import UserError
from wikitopics.networks import engine
from wikitopics.show import training_figures
from wikitopics.train import coherence, features, losses, model
from wikitopics.train.balance import resample
from wikitopics.train.examples import Batches, predicted, read_examples, targets
from wikitopics.train.features import Augmentation, prepare_learner, sample_views
from wikitopics.train.fit import Schedule, best_epoch, build_optimizer, fit
from wikitopics.train.members import prepare
from wikitopics.train.record import changes, proof, same_weights, snapshot


def small_backbone(name: str, image_size: int, weights: str) -> keras.Model:
    """Two convolutions with batch norms that remember something, in place of 3 million numbers."""
    norm = {"moving_mean_initializer": keras.initializers.Constant(0.1)}
    inputs = keras.Input((image_size, image_size, 3))
    x = keras.layers.Rescaling(1 / 255)(inputs)
    for number in range(2):
        start = keras.initializers.GlorotUniform(number)
        x = keras.layers.Conv2D(8, 3, 2, kernel_initializer=start, name=f"conv_{number}")(x)
        x = keras.layers.ReLU()(keras.layers.BatchNormalization(name=f"norm_{number}", **norm)(x))
    return keras.Model(inputs, x, name=name)


@pytest.fixture(autouse=True)
def small(monkeypatch):
    monkeypatch.setattr(model, "build_backbone", small_backbone)


@pytest.fixture(scope="module")
def runs(tmp_path_factory):
    root = tmp_path_factory.mktemp("runs")
    return planted.write_images(root), planted.write_labels(root)


class Setup:
    """The steps of notebook 03 up to the program that trains."""

    def __init__(self, runs, **options):
        o = {
            "targets": "labels", "resampling": "none", "trainable_layers": 0, "head_units": 8,
            "hierarchy": "none", "augmentation": {}, "loss": {"name": "binary_crossentropy"},
            "optimizer": {}, "batch_size": 16, "seed": 0, "seeds": 1,
        } | options  # fmt: skip
        model.set_seed(o["seed"])
        self.data = data = read_examples(*runs)
        truth = data.label_matrix[data.rows("train")]
        every = range(o["seed"], o["seed"] + o["seeds"])
        chosen = {one: resample(o["resampling"], truth, 0.3, one) for one in every}
        descent = coherence.mask(o["hierarchy"], data.label_names, data.parents)
        self.network = model.build_model(
            len(data.label_names), "EfficientNetLite0", 32, o["head_units"], "none", o["trainable_layers"],
            seed=o["seed"], descent=descent,
        )  # fmt: skip
        augmentation = Augmentation(**o["augmentation"])
        self.part = prepare_learner(self.network, runs[0], data, 32, augmentation, 2, o["seed"])
        each = [
            losses.loss_settings(label_matrix=truth[chosen[one]], descent=descent, **o["loss"])
            for one in every
        ]
        rows, target = data.frame["row"].to_numpy(), targets(data, "train", o["targets"])
        own, size = rows[data.rows("train")], o["batch_size"]
        train = [Batches(self.part.shown, own[chosen[one]], target[chosen[one]], size, one) for one in every]
        self.train, self.settings = train[0], each[0]
        self.validation = Batches(
            self.part.inputs, rows[data.rows("validation")], targets(data, "validation", o["targets"]), 16
        )
        self.made: list[keras.optimizers.Optimizer] = []

        def steps(number: int) -> keras.optimizers.Optimizer:
            self.made.append(build_optimizer(epochs=2, steps_per_epoch=number, **o["optimizer"]))
            return self.made[-1]

        self.members = prepare(self.part, train, each, steps)

    def fit(self, folder, epochs=2, monitor="macro_pr_auc"):
        return fit(self.members, self.validation, epochs, 0, folder, "k", monitor)

    def facts(self) -> dict:
        """What can change, each in a form that can be compared."""
        proved = proof(self.part, self.members, self.settings, self.data.label_names)
        fixed = proved["fixed_batch_loss"]
        assert fixed["compiled"] == pytest.approx(fixed["formula"], rel=1e-4, abs=1e-5)
        optimizer = self.made[0]
        rate, weights = optimizer._learning_rate, proved["effective_weights"]
        return {
            "start": digest(*self.network.get_weights()[-4:]),
            "order": digest(*(self.train.rows[self.train.order()],)),
            "targets": digest(self.train.targets),
            "shown": digest(self.train.first()[0]),
            "augmented": round(proved["augmented_difference"], 6),
            "validation": digest(self.validation.first()[0], self.validation.targets > 0),
            "loss": round(fixed["formula"], 5),
            "weights": {name: np.round(pair, 3).tolist() for name, pair in weights.items()},
            "trainable": [weight.path.split("/")[-2] for weight in self.part.model.trainable_weights],
            "optimizer": type(optimizer).__name__,
            "rates": [rate(step) if callable(rate) else rate for step in range(8)],
            "coherent": self.settings.descent is not None,
        }  # fmt: skip


def digest(*arrays) -> str:
    return hashlib.sha256(b"".join(np.ascontiguousarray(array).tobytes() for array in arrays)).hexdigest()


@pytest.fixture(scope="module")
def usual(runs):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(model, "build_backbone", small_backbone)
        return Setup(runs).facts()


OPTIONS = {
    "focal": ({"loss": {"name": "focal"}}, {"loss", "weights"}),
    "positive_weighted": ({"loss": {"name": "positive_weighted"}}, {"loss", "weights"}),
    "asymmetric": ({"loss": {"name": "asymmetric"}}, {"loss", "weights"}),
    "rare": ({"loss": {"name": "binary_crossentropy", "label_weights": "rare"}}, {"loss", "weights"}),
    "smoothing": ({"loss": {"name": "binary_crossentropy", "smoothing": 0.2}}, {"loss", "weights"}),
    "confidences": ({"targets": "confidences"}, {"targets", "loss"}),
    "ml_ros": ({"resampling": "ml_ros"}, {"order", "targets"}),
    "ml_rus": ({"resampling": "ml_rus"}, set()),  # here each frequent label has a rare one beside it
    "reward": ({"resampling": "reward"}, {"order", "targets"}),
    "flip": ({"augmentation": {"flip": True}}, {"shown", "augmented", "loss"}),
    "rotation": ({"augmentation": {"rotation": 20.0}}, {"shown", "augmented", "loss"}),
    "shift": ({"augmentation": {"shift": 0.2}}, {"shown", "augmented", "loss"}),
    "zoom": ({"augmentation": {"zoom": 0.2}}, {"shown", "augmented", "loss"}),
    "fine-tuning": ({"trainable_layers": 1}, {"shown", "trainable", "validation"}),
    "probe": ({"head_units": 0}, {"start", "trainable", "loss"}),
    "hierarchy": ({"hierarchy": "max_constraint"}, {"loss", "coherent"}),
    "adamw": ({"optimizer": {"name": "adamw"}}, {"optimizer"}),
    "sgd": ({"optimizer": {"name": "sgd"}}, {"optimizer"}),
    "learning_rate": ({"optimizer": {"learning_rate": 0.01}}, {"rates"}),
    "cosine": ({"optimizer": {"schedule": "cosine"}}, {"rates"}),
    "warmup": ({"optimizer": {"warmup_epochs": 1}}, {"rates"}),
    "seed": ({"seed": 1}, {"start", "order", "loss"}),
    "batch_size": ({"batch_size": 8}, {"shown", "loss"}),
}


@pytest.mark.parametrize("name", OPTIONS)
def test_an_option_changes_what_it_should_and_nothing_else(runs, usual, name):
    options, expected = OPTIONS[name]
    facts = Setup(runs, **options).facts()
    assert {fact for fact in facts if facts[fact] != usual[fact]} == expected


def test_the_weights_that_are_measured_are_those_that_were_asked_for(runs):
    truth = read_examples(*runs)
    counts = truth.label_matrix[truth.rows("train")].sum(axis=0)
    for hierarchy in ("none", "max_constraint"):
        weighted = Setup(runs, loss={"name": "positive_weighted"}, hierarchy=hierarchy).facts()["weights"]
        present, absent = np.array([weighted[name] for name in truth.label_names]).T
        assert np.allclose(present, (54 - counts) / counts, atol=2e-3) and np.allclose(absent, 1, atol=2e-3)
    table = same_weights({"Red": [2.0001, 1.0], "Green": [2.0, 1.0], "Round": [1.0, 1.0]})
    assert table["labels"].tolist() == ["Round", "Red, Green"]


def test_a_frozen_backbone_shows_cached_views_and_computes_them_once(runs, monkeypatch):
    turned = {"augmentation": {"rotation": 30.0, "flip": True}}
    first = Setup(runs, **turned)
    assert len(first.part.shown.arrays) == 2 and "2 augmented views" in str(first.part)
    assert not np.allclose(*first.part.shown.arrays)
    eye, rows = model.features_of(first.network), first.part.shown.rows
    assert len(rows) == 54 and isinstance(first.part.shown.arrays[0], np.memmap)
    augmenter = Augmentation(**turned["augmentation"]).column(32, features.view_seed(0, 1))
    seen = keras.ops.convert_to_numpy(augmenter(first.data.pixels[rows], training=True))
    assert np.allclose(eye.predict(seen, verbose=0), first.part.shown.arrays[1], atol=1e-4)
    epochs = []
    for first.train.epoch in range(6):
        epochs.append(first.train.first()[0])
    assert len({digest(one) for one in epochs}) > 2  # epochs take turns
    with monkeypatch.context() as patch:
        patch.setattr(features, "_compute", lambda *_: pytest.fail("computed twice"))
        Setup(runs, **turned)
    computed = []
    monkeypatch.setattr(
        features, "_compute", lambda path, *_: computed.append(path) or features.np.save(path, 0)
    )
    Setup(runs, augmentation={"rotation": 31.0, "flip": True})
    assert len(computed) == 2  # another augmentation is another view


def test_copies_of_a_picture_draw_views_of_their_own():
    views = features.Views(np.array([3, 7]), [np.zeros((2, 1)), np.ones((2, 1))])
    batches = Batches(views, np.array([7] * 40), np.zeros((40, 1)), 40, seed=0)
    assert set(batches[0][0].ravel()) == {0, 1}
    assert views.take(np.array([7, 3]), np.array([1, 0])).ravel().tolist() == [1, 0]


def test_pictures_are_shown_as_they_are_or_in_views(runs):
    pictures = np.asarray(read_examples(*runs).pixels[:3])
    assert np.array_equal(sample_views(pictures, Augmentation(), 4, 0)[:, 0], pictures)
    seen = sample_views(pictures, Augmentation(shift=0.3), 4, 0)
    assert seen.shape == (3, 4, 32, 32, 3) and seen.dtype == np.uint8
    assert np.array_equal(seen, sample_views(pictures, Augmentation(shift=0.3), 4, 0))
    assert not np.array_equal(seen[:, 0], seen[:, 1])


@pytest.fixture
def tuned(runs):
    return lambda **options: Setup(
        runs, trainable_layers=-1, augmentation={"flip": True, "shift": 0.2}, **options
    )


def test_fine_tuning_sees_new_views_and_validation_never_does(tuned):
    setup = tuned()
    given, seen = setup.part.first_batch(setup.train)
    _, again = setup.part.first_batch(setup.train)
    assert not np.allclose(given, seen) and not np.allclose(seen, again)
    assert np.array_equal(
        predicted(setup.part.model, setup.validation), predicted(setup.network, setup.validation)
    )


def test_batch_norm_stays_in_inference_mode_while_the_backbone_learns(runs, tmp_path):
    setup = Setup(runs, trainable_layers=-1)
    pictures = np.asarray(setup.data.pixels[:8], np.float32)
    alone = np.asarray(setup.part.model(pictures[:1], training=True))
    beside = np.asarray(setup.part.model(pictures, training=True))
    assert np.allclose(alone[0], beside[0], atol=1e-5)  # statistics of the batch would differ
    before = snapshot(setup.network)
    setup.fit(tmp_path, 1)
    changed = changes(before, setup.network).set_index("variable")["changed"]
    assert not changed[changed.index.str.contains("norm_")].any()
    assert changed[~changed.index.str.contains("norm_")].all()


def result(setup, folder) -> tuple:
    table = setup.fit(folder, 3, "loss")
    return table["loss"].tolist(), digest(*setup.network.get_weights())


def test_one_seed_gives_one_result_also_after_a_kill_with_every_layer_learning(tuned, tmp_path, monkeypatch):
    options = {"optimizer": {"schedule": "cosine", "warmup_epochs": 1}, "hierarchy": "max_constraint"}
    whole = result(tuned(**options), tmp_path / "whole")
    assert result(tuned(**options), tmp_path / "again") == whole

    class Killed(BaseException):
        pass

    def kill(folder, table):
        if len(table) == 2:
            raise Killed

    with monkeypatch.context() as patch:
        patch.setattr("wikitopics.train.fit._write_history", kill)
        with pytest.raises(Killed):
            result(tuned(**options), tmp_path / "cut")
    assert result(tuned(**options), tmp_path / "cut") == whole  # same views, same learning rate


def test_a_coherent_model_contradicts_nothing_and_is_read_back(runs, tmp_path):
    setup = Setup(runs, hierarchy="max_constraint")
    setup.fit(tmp_path)
    model.save_model(setup.network, tmp_path / "model.keras")
    pictures = np.asarray(setup.data.pixels)
    scores = model.load_model(tmp_path / "model.keras").predict(pictures, verbose=0)
    names = setup.data.label_names
    for child, parent in planted.TAXONOMY.items():
        if parent:
            assert (scores[:, names.index(parent)] >= scores[:, names.index(child)]).all()
    raw = predicted(setup.part.model, Batches(setup.part.inputs, np.arange(90), np.zeros((90, 6)), 64))
    assert np.allclose(coherence.coherent(raw, setup.settings.descent), scores, atol=1e-5)
    assert (raw[:, 0] < raw[:, 1]).any()  # there was something to correct


def test_targets_are_as_sure_as_their_source(runs):
    data = read_examples(*runs)
    assert np.array_equal(targets(data, "train"), data.label_matrix[data.rows("train")])
    assert set(np.unique(targets(data, "train", "confidences")).round(6)) == {0, np.float32(0.9).round(6)}
    data.confidences[data.label_matrix > 0] = 0
    with pytest.raises(UserError, match="confidence must be above 0"):
        targets(data, "train", "confidences")


def test_the_rate_rises_then_falls_as_the_history_says(runs, tmp_path):
    rate = Schedule(0.1, steps=20, warmup=4, falls=True)
    assert [round(float(rate(step)), 4) for step in (0, 1, 3, 4, 12, 20)] == [0.025, 0.05, 0.1, 0.1, 0.05, 0]
    setup = Setup(runs, optimizer={"schedule": "cosine", "learning_rate": 0.01})
    history = setup.fit(tmp_path)
    assert history.learning_rate.round(4).tolist() == [0.005, 0]


def test_the_monitored_value_chooses_the_epoch():
    rows = [(0.5, 0.6, 0.4), (0.7, 0.5, 0.5), (0.6, 0.7, 0.3)]
    names = ("val_macro_pr_auc", "val_micro_pr_auc", "val_loss")
    history = [{"epoch": i} | dict(zip(names, row, strict=True)) for i, row in enumerate(rows, 1)]
    assert [best_epoch(history, name) for name in ("macro_pr_auc", "micro_pr_auc", "loss")] == [2, 3, 3]


def test_mixed_precision_is_off_on_a_processor_and_says_so(capsys):
    assert engine.prepare_devices(mixed_precision=True) == {"precision": "float32", "replicas": 1}
    assert "stays off" in capsys.readouterr().out
    engine.prepare_devices()
    assert not capsys.readouterr().out


def test_the_figure_shows_pictures_in_a_row_or_with_their_views():
    pictures = np.stack([np.full((8, 8, 3), 40 * i, np.uint8) for i in range(5)])
    titles = [f"{i}.png" for i in range(5)]
    plain = training_figures.shown(pictures, pictures[:, None], titles)
    views = training_figures.shown(pictures, np.repeat(pictures[:, None], 5, axis=1) + np.uint8(9), titles)
    assert plain.width == views.width and views.height > 2 * plain.height


@pytest.mark.parametrize("layers", [-1, 0], ids=["all layers", "head"])
def test_sixteen_bits_learn_too_and_scores_stay_in_thirty_two(tmp_path, runs, layers):
    """What a GPU would compute, on this processor: slow, but it must be finite and be saved."""
    usual = keras.config.dtype_policy()
    keras.config.set_dtype_policy("mixed_float16")
    try:
        setup = Setup(runs, trainable_layers=layers)
        history = setup.fit(tmp_path)
        model.save_model(setup.network, tmp_path / "model.keras")
    finally:
        keras.config.set_dtype_policy(usual)
    assert setup.network.get_layer("features").compute_dtype == "float16"
    assert history["loss"].iloc[1] < history["loss"].iloc[0]
    pictures = np.asarray(setup.data.pixels)
    scores = model.load_model(tmp_path / "model.keras").predict(pictures, verbose=0)
    assert scores.dtype == np.float32
    assert np.allclose(
        scores, predicted(setup.network, Batches(pictures, np.arange(90), pictures, 64)), atol=1e-5
    )
