"""What learns and what it is shown: features of frozen backbones, or augmented pictures."""

import hashlib
import io
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

import keras
import numpy as np
from keras import layers

from wikitopics.artefacts import read_table, room_for, take_lock
from wikitopics.errors import UserError
from wikitopics.images.squares import Squares, read_squares
from wikitopics.networks.backbones import weights_checksum
from wikitopics.progress import report
from wikitopics.train.examples import Batches, Examples, Views
from wikitopics.train.given_features import Given
from wikitopics.train.model import (
    backbone_of,
    features_of,
    head_of,
    of_names,
    open_end,
    preset_text,
    spread,
)
from wikitopics.vectors.vector_files import ROWS

LAYER = "augment"

BATCH = 64
SAMPLED = 64  # pictures whose pixels enter the key: sha1 does not see how they were fitted into the store


# --- Augmentation: each picture turned, shifted, zoomed and mirrored a little, by Keras' own layers
#
# Only training sees it. The layers do nothing outside training, and the saved model does not hold them.


@dataclass(frozen=True)
class Augmentation:
    """How much pictures are changed.

    flip: mirrored left to right in half of the cases. rotation: degrees at most, either way. shift and zoom:
    share of the side at most, in each direction. What comes into view repeats the border."""

    flip: bool = False
    rotation: float = 0.0
    shift: float = 0.0
    zoom: float = 0.0

    def __bool__(self) -> bool:
        return self != Augmentation()

    def layers(self, seed: int) -> list[keras.Layer]:
        """The Keras layers of what is on, each with a random generator of its own."""
        seeds = [int(number) for number in np.random.SeedSequence(seed).generate_state(4) >> 1]
        made = (
            self.flip and layers.RandomFlip("horizontal", seed=seeds[0]),
            self.rotation and layers.RandomRotation(self.rotation / 360, fill_mode="nearest", seed=seeds[1]),
            self.shift
            and layers.RandomTranslation(self.shift, self.shift, fill_mode="nearest", seed=seeds[2]),
            self.zoom and layers.RandomZoom((-self.zoom, self.zoom), fill_mode="nearest", seed=seeds[3]),
        )
        return [layer for layer in made if layer]

    def column(self, side: int, seed: int) -> keras.Sequential:
        """The layers as one: pictures (n, side, side, 3) of 0..255 -> the same, as float32."""
        return keras.Sequential([keras.Input((side, side, 3)), *self.layers(seed)], name=LAYER)


UNCHANGED = Augmentation()


def view_seed(seed: int, view: int) -> int:
    """The seed of one view, so that views differ and each is the same in every run with this seed."""
    return int(np.random.SeedSequence([seed, view]).generate_state(1)[0] >> 1)


def sample_views(pictures: np.ndarray, augmentation: Augmentation, views: int, seed: int) -> np.ndarray:
    """What training sees of some pictures: (n, views, s, s, 3) uint8; one view, unchanged, where all is off.

    pictures: (n, s, s, 3) uint8.
    """
    if not augmentation:
        return np.asarray(pictures)[:, None]
    column = [augmentation.column(pictures.shape[1], view_seed(seed, view)) for view in range(views)]
    seen = [keras.ops.convert_to_numpy(one(pictures, training=True)) for one in column]
    return np.stack(seen, axis=1).round().clip(0, 255).astype(np.uint8)


# --- Features of frozen backbones, computed once for all runs that use the same pictures and network


def cached_features(images: Path, network: keras.Model, name: str, image_size: int) -> np.memmap:
    """Features (m, d) float32, memory-mapped, of every picture of the images run in the folder `images`.

    `network` maps pictures (n, s, s, 3) to features (n, d), as `features_of(model)`. They are kept as
    features/NAME-SIZE-KEY.npy, where KEY depends on the pictures and on all weights of the network, and
    computed if they are not there. Of several processes that want them at once one computes, the others wait.
    Raises UserError where a picture's features are not finite numbers.
    """
    pixels = read_squares(images)
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
    pixels = read_squares(images)
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


def features_key(images: Path, pixels: Squares, network: keras.Model) -> str:
    """16 hex digits of what features depend on: sha1 of the pictures, store's shape, some pixels, weights.

    Of a preset the preprocessing, too, which is no weight.
    """
    digest = hashlib.sha256("\n".join(read_table(images / "images.parquet", ["sha1"]).sha1).encode())
    digest.update(f"{pixels.shape}{network.input.shape}{weights_checksum(network)}".encode())
    digest.update(preset_text(network).encode())
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
            take_lock(file.fileno(), lock, wait=False)
        except BlockingIOError:
            print("another run is computing these features; waiting for it", flush=True)
            take_lock(file.fileno(), lock)
        yield


def _compute(
    path: Path, pixels: Squares, network: keras.Model, rows: np.ndarray, augmenter: keras.Model | None
) -> None:
    """One pass over the pictures, written batch by batch so that memory does not grow with their number.

    What is done lies in .NAME.begun; who was stopped goes on behind it.
    """
    network.compile(jit_compile=False)  # on a CPU XLA takes 20 s to compile and then runs slower
    begun = path.with_name(f".{path.name}.begun")
    with room_for("features", path.name, ": it goes on where it was"), open(begun, "ab+") as file:
        done = _go_on(file, (len(rows), network.output.shape[-1]))
        report("features", done, len(rows))
        for start in range(0, len(rows), BATCH):
            chosen = rows[start : start + BATCH]
            pictures = _padded(pixels[chosen])
            if augmenter is not None:  # also of what is done: what it draws next depends on how often it drew
                pictures = augmenter(pictures, training=True)
            if start < done:
                continue
            features = np.asarray(network.predict_on_batch(pictures), "<f4")[: len(chosen)]
            _check_finite(features, chosen)
            file.write(features.tobytes())
            file.flush()
            os.fsync(file.fileno())  # a computer that loses its power loses a batch
            report("features", start + len(chosen), len(rows))
    os.replace(begun, path)


def _go_on(file: BinaryIO, shape: tuple[int, int]) -> int:
    """How many rows of an array of this shape are in a file that was begun, which then ends behind them.

    The last batch is done again: it may have been cut, or have been on its way to the disk.
    """
    head = io.BytesIO()
    np.lib.format.write_array_header_1_0(head, {"descr": "<f4", "fortran_order": False, "shape": shape})
    header, batch = head.getvalue(), BATCH * shape[1] * 4
    file.seek(0)
    whole = file.read(len(header)) == header
    batches = max(0, (os.fstat(file.fileno()).st_size - len(header)) // batch - 1) if whole else 0
    file.truncate(len(header) + batches * batch if whole else 0)
    if not whole:
        file.write(header)
    return batches * BATCH


def _padded(pictures: np.ndarray) -> np.ndarray:
    """The last batch filled up with black pictures: another shape would compile the network again."""
    missing = BATCH - len(pictures)
    return np.pad(pictures, [(0, missing), (0, 0), (0, 0), (0, 0)]) if missing else pictures


def _check_finite(features: np.ndarray, rows: np.ndarray) -> None:
    wrong = rows[~np.isfinite(features).all(axis=1)]
    if len(wrong):
        raise UserError(
            f"features must be finite numbers, but those of the picture of row {wrong[0]} are not; "
            "choose other weights, and no mixed precision"
        )


@dataclass(frozen=True)
class Learner:
    """A part of a model, and what it learns from.

    model: what is trained, sharing its layers with the whole model; inputs: (m, ...) what it takes of each
    picture, by row; shown: what it takes in training, augmented where that is on; content: a key of both;
    frozen: the backbone stays as it is, and `model` is the head alone."""

    model: keras.Model
    inputs: Squares
    shown: "Squares | Views"
    content: str
    frozen: bool = True

    def __str__(self) -> str:
        count, *shape = self.inputs.shape
        numbers = " x ".join(f"{n:,}" for n in shape)
        views = f", {len(self.shown.arrays)} augmented views" if isinstance(self.shown, Views) else ""
        return f"{count:,} pictures, {numbers} numbers each{views}"

    @property
    def features_file(self) -> str:
        """Name of the file of its inputs, which lies with the images run; empty where pictures go in."""
        return Path(str(getattr(self.inputs, "filename", ""))).name if self.frozen else ""

    def first_batch(self, train: Batches) -> tuple[np.ndarray, np.ndarray]:
        """What the trained part is given of the first training pictures, and what it sees of it."""
        seen, _ = train.first()
        given = self.inputs[train.rows[: len(seen)]]
        if LAYER in [layer.name for layer in self.model.layers]:
            seen = keras.ops.convert_to_numpy(self.model.get_layer(LAYER)(seen, training=True))
        return given, seen


def prepare_learner(
    network: keras.Model,
    images: Path,
    examples: Examples,
    image_size: int,
    augmentation: Augmentation = UNCHANGED,
    views: int = 4,
    seed: int = 0,
    given: Given | None = None,
) -> Learner:
    """How `network` (train.model.build_model) learns from the pictures of the images run in `images`.

    A backbone that stays as it is gives every picture's features once, and those of `views` augmented views
    of each training picture; its head learns from them, and so do the heads of further seeds: they share the
    views that `seed` drew, and draw for themselves which of them an epoch sees. A backbone that learns too
    sees the pictures themselves in every epoch, augmented anew. Without a backbone the head learns from the
    features that were `given`. A head of names learns nothing; its scores are spread (model.spread) by the
    training pictures.
    """
    if given is not None:
        _spread_names(network, given.array, examples)
        return Learner(head_of(network), given.array, given.array, str(given.file))
    backbone = backbone_of(network)
    if backbone.trainable_weights:
        whole = augmented(network, augmentation, seed)
        key = features_key(images, examples.pixels, features_of(network))
        return Learner(whole, examples.pixels, examples.pixels, key, frozen=False)
    eye = features_of(network)
    image_size = image_size or backbone.input_shape[1]
    features = cached_features(images, eye, backbone.name, image_size)
    _spread_names(network, features, examples)
    if not augmentation:
        return Learner(head_of(network), features, features, str(features.filename))
    rows = np.sort(examples.frame["row"].to_numpy()[examples.rows("train")])
    seen = cached_views(images, eye, backbone.name, image_size, augmentation, rows, views, seed)
    names = [str(array.filename) for array in (features, *seen.arrays)]
    return Learner(head_of(network), features, seen, " ".join(names))


def _spread_names(network: keras.Model, features: np.ndarray, examples: Examples) -> None:
    """Where names are the head, make its scores fill 0 to 1 on the training pictures."""
    if of_names(network):
        rows = np.sort(examples.frame["row"].to_numpy()[examples.rows("train")])
        spread(network, (features[rows[start : start + ROWS]] for start in range(0, len(rows), ROWS)))


def augmented(network: keras.Model, augmentation: Augmentation, seed: int) -> keras.Model:
    """The whole model up to its scores behind the augmentation, which does nothing outside training."""
    whole = open_end(network)
    if not augmentation:
        return whole
    side = whole.input.shape[1]
    pictures = keras.Input((side, side, 3), name="stored_picture")
    return keras.Model(
        pictures, whole(augmentation.column(side, seed)(pictures)), name="augmented_" + whole.name
    )


def relative_difference(given: np.ndarray, seen: np.ndarray) -> float:
    """Mean absolute difference of two batches as a share of the mean absolute value of the first."""
    given, seen = np.asarray(given, np.float64), np.asarray(seen, np.float64)
    return float(np.abs(seen - given).mean() / max(np.abs(given).mean(), 1e-12))
