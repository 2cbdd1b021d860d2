"""Faults: a full disk, a kill, pictures and labels with nothing in them, files that are not what they say."""

import os
import resource
import signal
import subprocess
import sys
from contextlib import contextmanager
from pathlib import Path

import keras
import numpy as np
import pytest

import planted
from wikitopics.artefacts import read_array, write_json
from wikitopics.errors import UserError
from wikitopics.train import features
from wikitopics.train import fit as fitting
from wikitopics.train.examples import Batches, predicted
from wikitopics.train.features import cached_features
from wikitopics.train.fit import CHECKPOINT, fit
from wikitopics.train.members import Heads
from wikitopics.train.model import load_model, save_model
from wikitopics.train.outcome import by_split
from wikitopics.train.record import file_digest, read_trained

RNG = np.random.default_rng(2)
INPUTS = RNG.normal(size=(60, 6)).astype(np.float32)
TARGETS = (INPUTS[:, :3] > 0.3).astype(np.uint8)


def head(inputs: int = 6) -> keras.Model:
    keras.utils.set_random_seed(0)
    return keras.Sequential([keras.Input((inputs,)), keras.layers.Dense(3, "sigmoid")], name="head")


def train(folder, epochs=4, rows=40, inputs=INPUTS, targets=TARGETS):
    model = head()
    batches = Batches(inputs, np.arange(rows), targets[:rows], 16, 0)
    checks = Batches(inputs, np.arange(40, 60), targets[40:], 64)
    members = Heads([model], [batches], optimizer=lambda steps: keras.optimizers.Adam(0.01))
    return model, fit(members, checks, epochs, 0, folder, "k")


@contextmanager
def room_for(size: int):
    """No file may grow beyond `size` bytes: the system itself refuses the next write."""
    usual = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, usual[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, usual)


def test_a_disk_that_fills_up_while_training_costs_one_epoch(tmp_path, monkeypatch):
    whole, history = train(tmp_path / "whole")
    save = fitting.save_checkpoint

    def full_in_epoch_3(path, key, model, progress):
        with room_for(1000 if len(progress.history[0]) == 3 else 10**9):
            save(path, key, model, progress)

    with monkeypatch.context() as patch:
        patch.setattr(fitting, "SECONDS_BETWEEN_CHECKPOINTS", 0)
        patch.setattr(fitting, "save_checkpoint", full_in_epoch_3)
        with pytest.raises(UserError, match="disk must have room .* checkpoint.npz"):
            train(tmp_path / "cut")
    assert sorted(path.name for path in (tmp_path / "cut").iterdir()) == [CHECKPOINT, "history.csv"]
    resumed, after = train(tmp_path / "cut")
    assert np.array_equal(resumed.get_weights()[0], whole.get_weights()[0])
    assert after["loss"].tolist() == history["loss"].tolist()


def test_a_model_that_does_not_fit_on_the_disk_leaves_the_old_one(tmp_path):
    save_model(head(), tmp_path / "model.keras")
    before = (tmp_path / "model.keras").read_bytes()
    with room_for(5000), pytest.raises(UserError, match="disk must have room"):
        save_model(head(500), tmp_path / "model.keras")
    assert (tmp_path / "model.keras").read_bytes() == before
    assert [path.name for path in tmp_path.iterdir()] == ["model.keras"]


KILLED = """
import os, signal, sys
sys.path.insert(0, {tests!r})
from pathlib import Path
import test_train_faults as t
from wikitopics.train import members

places = t.Batches.places
def in_epoch_3(self, start, stop):
    if self.seed is not None and self.epoch == 2 and start:  # some batches of the epoch are learned
        os.kill(os.getpid(), signal.SIGKILL)
    return places(self, start, stop)

t.Batches.places = in_epoch_3
members.CHUNK = 1  # one batch at a time
t.train(Path({folder!r}))
"""


def test_a_kill_in_mid_epoch_is_resumed_to_the_same_end(tmp_path):
    script = KILLED.format(tests=str(Path(__file__).parent), folder=str(tmp_path / "cut"))
    ended = subprocess.run([sys.executable, "-c", script], env=os.environ | {"TF_CPP_MIN_LOG_LEVEL": "3"})
    assert ended.returncode == -signal.SIGKILL
    assert len((tmp_path / "cut" / "history.csv").read_text().splitlines()) == 3  # the header and two epochs
    whole, history = train(tmp_path / "whole")
    resumed, after = train(tmp_path / "cut")
    assert np.array_equal(resumed.get_weights()[0], whole.get_weights()[0])
    assert after["loss"].tolist() == history["loss"].tolist()


def test_one_image_and_images_that_are_all_alike_can_be_learned_from(tmp_path):
    _, history = train(tmp_path / "one", rows=1)
    assert np.isfinite(history["loss"]).all()
    model, history = train(tmp_path / "alike", inputs=np.ones((60, 6), np.float32))
    assert np.isfinite(history.to_numpy()).all()
    scores = predicted(model, Batches(np.ones((2, 6), np.float32), np.arange(2), TARGETS[:2], 2))
    assert np.allclose(scores[0], scores[1])


def test_a_label_without_a_positive_is_learned_as_absent_and_not_counted(tmp_path):
    targets = TARGETS.copy()
    targets[:40, 0] = 0  # none in train
    targets[40:, 1] = 0  # none in validation
    _, history = train(tmp_path, targets=targets)
    assert np.isfinite(history.to_numpy()).all()
    table = by_split({"validation": targets[40:]}, {"validation": np.full((20, 3), 0.5)})
    assert np.isfinite(table["macro PR-AUC"]).all()


def test_a_loss_that_is_no_number_ends_training_in_one_sentence(tmp_path):
    inputs = INPUTS.copy()
    inputs[3] = np.nan
    with pytest.raises(UserError, match="loss must stay a number, but in epoch 1 it is nan"):
        train(tmp_path, inputs=inputs)
    assert not (tmp_path / CHECKPOINT).exists()


def test_features_that_are_no_numbers_are_not_kept(tmp_path):
    images = planted.write_images(tmp_path, n=20, size=32)
    inputs = keras.Input((32, 32, 3))
    x = keras.layers.GlobalAveragePooling2D()(inputs)
    network = keras.Model(
        inputs, keras.layers.Dense(2, kernel_initializer=keras.initializers.Constant(np.nan))(x)
    )
    with pytest.raises(UserError, match="features must be finite numbers, but those of the picture of row 0"):
        cached_features(images, network, "Broken", 32)
    assert not list((images / "features").glob("*.npy"))


TWO = """
import sys
sys.path.insert(0, {tests!r})
from pathlib import Path
from test_features import network
from wikitopics.train import features
compute = features._compute
features._compute = lambda *a: (print("computed", flush=True), compute(*a))
features.cached_features(Path({images!r}), network(), "Tiny", 32)
"""


@pytest.mark.slow
def test_of_two_processes_that_want_one_cache_one_computes(tmp_path):
    images = planted.write_images(tmp_path, n=features.BATCH + 3)
    script = TWO.format(tests=str(Path(__file__).parent), images=str(images))
    both = [
        subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE, text=True) for _ in range(2)
    ]
    said = [process.communicate()[0] for process in both]
    assert [process.returncode for process in both] == [0, 0]
    assert "".join(said).count("computed") == 1
    [path] = (images / "features").glob("*.npy")
    assert read_array(path).shape == (features.BATCH + 3, 5)


@pytest.mark.parametrize("keep", [0, 1, 500, 0.5, 0.99])
def test_a_truncated_model_is_said_to_be_one(tmp_path, keep):
    path = tmp_path / "model.keras"
    save_model(head(), path)
    content = path.read_bytes()
    path.write_bytes(content[: int(keep * len(content)) if isinstance(keep, float) else keep])
    with pytest.raises(UserError, match="whole .keras file"):
        load_model(path)


def test_a_model_file_of_other_labels_is_refused(tmp_path):
    save_model(head(), tmp_path / "model.keras")
    write_json(tmp_path / "label_names.json", {"label_names": ["a", "b", "c"]})
    write_json(tmp_path / "run.json", {"model_sha256": file_digest(tmp_path / "model.keras")})
    model, names = read_trained(tmp_path)
    assert names == ["a", "b", "c"] and model.output_shape == (None, 3)
    save_model(head(7), tmp_path / "model.keras")  # as many labels, but another run's
    with pytest.raises(UserError, match="must be the one that its run wrote"):
        read_trained(tmp_path)
    write_json(tmp_path / "run.json", {})  # a run from before the checksum was written down
    write_json(tmp_path / "label_names.json", {"label_names": ["a", "b"]})
    with pytest.raises(UserError, match="3 scores for 2 labels"):
        read_trained(tmp_path)
