"""Features of frozen backbones, computed once for all runs that use the same pictures and network."""

import fcntl
import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import keras
import numpy as np

from wikitopics.artefacts import read_array, read_table, replacing
from wikitopics.errors import UserError
from wikitopics.progress import report
from wikitopics.train.augment import Augmentation, view_seed
from wikitopics.train.backbones import weights_checksum
from wikitopics.train.batches import Views

BATCH = 64
SAMPLED = 64  # pictures whose pixels enter the key: sha1 does not see how they were fitted into the store


def cached_features(images: Path, network: keras.Model, name: str, image_size: int) -> np.memmap:
    """Features (m, d) float32, memory-mapped, of every picture of the images run in the folder `images`.

    `network` maps pictures (n, s, s, 3) to features (n, d), as `features_of(model)`. They are kept as
    features/NAME-SIZE-KEY.npy, where KEY depends on the pictures and on all weights of the network, and
    computed if they are not there. Of several processes that want them at once one computes, the others wait.
    Raises UserError where a picture's features are not finite numbers.
    """
    pixels = read_array(images / "images.npy")
    path = images / "features" / f"{name}-{image_size}-{features_key(images, pixels, network)}.npy"
    return _once(path, pixels, network, np.arange(len(pixels)), None)


def cached_views(
    images: Path,
    network: keras.Model,
    name: str,
    image_size: int,
    augmentation: Augmentation,
    rows: np.ndarray,
    views: int,
    seed: int,
) -> Views:
    """Features of `views` augmented views of the pictures in the sorted `rows`, cached one file a view.

    Kept beside the features of the pictures as they are, under a key that also depends on the augmentation,
    the rows, the view and the seed: a run that wants more views computes only those that are not there.
    """
    pixels = read_array(images / "images.npy")
    key = features_key(images, pixels, network)
    arrays = []
    for view in range(views):
        own = hashlib.sha256(
            f"{key}{augmentation}{view_seed(seed, view)}".encode() + rows.tobytes()
        ).hexdigest()
        path = images / "features" / f"{name}-{image_size}-{own[:16]}-view{view}.npy"
        augmenter = augmentation.column(pixels.shape[1], view_seed(seed, view))
        arrays.append(_once(path, pixels, network, rows, augmenter))
    return Views(rows, arrays)


def features_key(images: Path, pixels: np.ndarray, network: keras.Model) -> str:
    """16 hex digits of what features depend on: sha1 of the pictures, store's shape, some pixels, weights."""
    digest = hashlib.sha256("\n".join(read_table(images / "images.parquet", ["sha1"]).sha1).encode())
    digest.update(f"{pixels.shape}{network.input.shape}{weights_checksum(network)}".encode())
    if network.compute_dtype != "float32":
        digest.update(network.compute_dtype.encode())
    for row in np.unique(np.linspace(0, len(pixels) - 1, SAMPLED).astype(int)):
        digest.update(pixels[row].tobytes())
    return digest.hexdigest()[:16]


def _once(path: Path, *what: Any) -> np.memmap:
    """The array in `path`, computed from `what` by the first who wants it."""
    if not path.exists():
        with _alone(path.with_suffix(".lock")):
            if not path.exists():
                _compute(path, *what)
    return np.lib.format.open_memmap(path, mode="r")


@contextmanager
def _alone(lock: Path) -> Iterator[None]:
    """Hold `lock` while the block runs; however this process ends, the operating system frees it."""
    lock.parent.mkdir(parents=True, exist_ok=True)
    with open(lock, "w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            print("another run is computing these features; waiting for it", flush=True)
            fcntl.flock(file, fcntl.LOCK_EX)
        yield


def _compute(
    path: Path, pixels: np.ndarray, network: keras.Model, rows: np.ndarray, augmenter: keras.Model | None
) -> None:
    """One pass over the pictures, written batch by batch so that memory does not grow with their number."""
    network.compile(jit_compile=False)  # on a CPU XLA takes 20 s to compile and then runs slower
    shape = (len(rows), network.output.shape[-1])
    with replacing(path) as temporary, open(temporary, "wb") as file:
        np.lib.format.write_array_header_1_0(file, {"descr": "<f4", "fortran_order": False, "shape": shape})
        report("features", 0, len(rows))
        for start in range(0, len(rows), BATCH):
            chosen = rows[start : start + BATCH]
            pictures = _padded(pixels[chosen])
            if augmenter is not None:
                pictures = augmenter(pictures, training=True)
            features = np.asarray(network.predict_on_batch(pictures), "<f4")[: len(chosen)]
            _check_finite(features, chosen)
            file.write(features.tobytes())
            report("features", start + len(chosen), len(rows))


def _padded(pictures: np.ndarray) -> np.ndarray:
    """The last batch filled up with black pictures: another shape would compile the network again."""
    missing = BATCH - len(pictures)
    return np.pad(pictures, [(0, missing), (0, 0), (0, 0), (0, 0)]) if missing else pictures


def _check_finite(features: np.ndarray, rows: np.ndarray) -> None:
    wrong = rows[~np.isfinite(features).all(axis=1)]
    if len(wrong):
        raise UserError(
            f"features must be finite numbers, but those of row {wrong[0]} of images.npy are not; "
            "choose other weights, and no mixed precision"
        )
