"""Features: once for all, the same for everybody, and never half there."""

import signal
import subprocess
import sys
import threading
import time

import keras
import numpy as np
import pyarrow as pa
import pytest

import planted
from wikitopics.artefacts import read_array, write_array
from wikitopics.errors import UserError
from wikitopics.images.squares import growing_shards, jpeg, place, read_squares
from wikitopics.train import features
from wikitopics.train.features import BATCH, cached_features, features_key


def network(seed: int = 0, size: int = 32) -> keras.Model:
    """A small stand-in for a backbone: one convolution, then the mean."""
    start = keras.initializers.GlorotUniform(seed)
    inputs = keras.Input((size, size, 3))
    x = keras.layers.Conv2D(5, 3, 2, kernel_initializer=start)(keras.layers.Rescaling(1 / 255)(inputs))
    return keras.Model(inputs, keras.layers.GlobalAveragePooling2D()(x))


@pytest.fixture
def images(tmp_path):
    return planted.write_images(tmp_path, n=BATCH + 7)


def test_features_are_those_of_the_network_row_by_row(images):
    cached = cached_features(images, network(), "Tiny", 32)
    direct = network().predict(np.asarray(read_array(images / "images.npy")), verbose=0)
    assert cached.shape == (BATCH + 7, 5) and cached.dtype == np.float32
    assert np.allclose(cached, direct, atol=1e-5)
    assert isinstance(cached, np.memmap)


def test_a_second_run_reads_what_the_first_computed(images, monkeypatch):
    first = cached_features(images, network(), "Tiny", 32)
    monkeypatch.setattr(features, "_compute", lambda *_: pytest.fail("computed twice"))
    assert np.array_equal(cached_features(images, network(), "Tiny", 32), first)


def test_squares_kept_as_jpeg_give_the_features_of_what_they_show(images):
    pixels = read_array(images / "images.npy")
    with growing_shards(place(images, "jpeg")) as append:
        append(pa.array([jpeg(one) for one in pixels]))
    shown = read_squares(images)[:]
    cached = cached_features(images, network(), "Tiny", 32)
    assert np.allclose(cached, network().predict(shown, verbose=0), atol=1e-5)
    assert not np.array_equal(shown, pixels)  # so their key is another one
    assert features_key(images, read_squares(images), network()) != features_key(images, pixels, network())


def test_the_key_follows_pictures_their_fit_and_the_weights(images):
    pixels = read_array(images / "images.npy")
    key = features_key(images, pixels, network())
    assert key == features_key(images, pixels, network())
    assert key != features_key(images, pixels, network(seed=1))
    write_array(images / "images.npy", pixels[:, ::-1])  # other pixels of the same files: fitted otherwise
    assert key != features_key(images, read_array(images / "images.npy"), network())


def test_of_two_that_want_it_at_once_one_computes(images, monkeypatch):
    computed, results = [], []
    really = features._compute

    def slowly(*arguments):
        computed.append(1)
        time.sleep(0.3)
        really(*arguments)

    monkeypatch.setattr(features, "_compute", slowly)
    wanted = [network(), network()]
    threads = [
        threading.Thread(target=lambda one=one: results.append(cached_features(images, one, "Tiny", 32)))
        for one in wanted
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(computed) == 1
    assert np.array_equal(*results)


def test_a_run_that_dies_half_way_leaves_nothing_that_looks_whole(images, monkeypatch):
    def disk_full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(features, "report", lambda what, done, total: disk_full() if done else None)
    with pytest.raises(UserError, match=r"the disk must have room .* \(No space left on device\)"):
        cached_features(images, network(), "Tiny", 32)
    assert not list((images / "features").glob("*.npy")) and not list((images / "features").glob("*.part"))
    monkeypatch.undo()
    assert len(cached_features(images, network(), "Tiny", 32)) == BATCH + 7


@pytest.mark.parametrize("flip", [False, True])
def test_who_was_stopped_goes_on_where_it_was_and_ends_the_same(tmp_path, monkeypatch, flip):
    """Two of five batches are whole; the second may have been on its way to the disk and is made again."""
    images, net, made = planted.write_images(tmp_path, n=4 * BATCH + 7), network(), []
    other = planted.write_images(tmp_path / "other", n=4 * BATCH + 7)
    augmentation = features.Augmentation(flip=flip, shift=0.1 if flip else 0.0)

    def compute(folder):
        if not flip:
            return np.array(cached_features(folder, net, "Tiny", 32))
        rows = np.arange(4 * BATCH + 7)
        return np.array(features.cached_views(folder, net, "Tiny", 32, augmentation, rows, 1, 5).arrays[0])

    wanted = compute(other)

    def killed(what, done, total):
        if done == 2 * BATCH:
            raise KeyboardInterrupt

    monkeypatch.setattr(features, "report", killed)
    with pytest.raises(KeyboardInterrupt):
        compute(images)
    monkeypatch.setattr(features, "report", lambda what, done, total: made.append(done))
    np.testing.assert_array_equal(compute(images), wanted)
    assert made == [BATCH, 2 * BATCH, 3 * BATCH, 4 * BATCH, 4 * BATCH + 7]
    assert [path.suffix for path in (images / "features").glob(".*")] == []


@pytest.mark.parametrize("junk", [b"", b"x", b"x" * 100_000])
def test_what_was_begun_of_something_else_is_begun_anew(images, junk):
    (images / "features").mkdir()
    key = features_key(images, read_array(images / "images.npy"), network())
    (images / "features" / f".Tiny-32-{key}.npy.begun").write_bytes(junk)
    found = np.array(cached_features(images, network(), "Tiny", 32))
    assert found.shape == (BATCH + 7, 5) and np.isfinite(found).all()


def test_the_lock_of_a_killed_process_is_free(tmp_path):
    lock = tmp_path / "x.lock"
    hold = f"import fcntl, time; f = open({str(lock)!r}, 'w'); fcntl.flock(f, fcntl.LOCK_EX)"
    holder = subprocess.Popen(
        [sys.executable, "-c", hold + "; print(1, flush=True); time.sleep(60)"], stdout=subprocess.PIPE
    )
    holder.stdout.readline()
    holder.send_signal(signal.SIGKILL)
    holder.wait()
    started = time.monotonic()
    with features._alone(lock):
        assert time.monotonic() - started < 5
