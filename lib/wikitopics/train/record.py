"""What really ran: measured on the trained model and its batches, never copied from parameters."""

import hashlib
import json
import os
import platform
import resource
import sys
from importlib.metadata import version
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pandas as pd

from wikitopics.artefacts import RECORD, file_digest, read_json, write_json, write_table
from wikitopics.errors import UserError
from wikitopics.train.examples import Batches, Examples
from wikitopics.train.features import Learner, relative_difference
from wikitopics.train.losses import PLAIN, LossSettings, formula
from wikitopics.train.members import Members
from wikitopics.train.model import load_model, takes_features

WITHOUT_EFFECT = ("run", "interactive")  # parameters that change nothing that is learned


def training_key(parameters: dict[str, Any], *arrays: np.ndarray) -> str:
    """SHA-256 (hex) of the parameters that change what is learned and of the arrays that are learned from."""
    chosen = {name: value for name, value in parameters.items() if name not in WITHOUT_EFFECT}
    digest = hashlib.sha256(json.dumps(chosen, sort_keys=True).encode())
    for array in arrays:
        digest.update(str(array.shape).encode())
        digest.update(np.ascontiguousarray(array).data)
    return digest.hexdigest()


def fixed_batch_loss(members: Members, model: keras.Model, loss: LossSettings = PLAIN) -> dict[str, float]:
    """The first member's loss of its first training images in stored order, as compiled and by its formula.

    `compiled` comes out of what trained; `formula` is that of the configured `loss` in float64, for the
    scores of `model`. A loss that was configured but not compiled in shows as a difference.
    """
    inputs, targets = members.train[0].first()
    scores = keras.ops.convert_to_numpy(model(inputs, training=False))  # eager: nothing to compile
    return {"compiled": members.loss(inputs, targets), "formula": formula(loss, targets, scores)}


def snapshot(model: keras.Model) -> dict[str, str]:
    """SHA-256 (hex) of each variable by its path, to tell afterwards which ones training changed."""
    return {weight.path: hashlib.sha256(np.asarray(weight).tobytes()).hexdigest() for weight in model.weights}


def changes(before: dict[str, str], model: keras.Model) -> pd.DataFrame:
    """One row a variable: variable, numbers, trainable (as the model says), changed (as its bytes say)."""
    after, trainable = snapshot(model), {weight.path for weight in model.trainable_weights}
    return pd.DataFrame(
        {
            "variable": weight.path,
            "numbers": int(np.prod(weight.shape)),
            "trainable": weight.path in trainable,
            "changed": before[weight.path] != after[weight.path],
        }
        for weight in model.weights
    )


def machine() -> dict[str, Any]:
    """What it ran on: versions of the engine, devices, cores, and this process's peak memory (MiB) so far."""
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / (2**20 if sys.platform == "darwin" else 2**10)
    backend = keras.backend.backend()
    return {
        "engine": {"keras": keras.__version__, backend: version(backend)},
        "devices": keras.distribution.list_devices(),
        "processor": f"{platform.machine()}, {os.cpu_count()} cores",
        "peak_memory_mib": round(peak),
    }


def of_seeds(table: pd.DataFrame) -> dict[str, Any]:
    """What run.json says of the seeds, of outcome.by_seed: seeds, and the best epoch and epochs run of each.

    best_epoch is the first seed's, whose network is saved.
    """
    best = table["best epoch"].tolist()
    return {
        "seeds": table["seed"].tolist(),
        "best_epoch": best[0],
        "best_epochs": best,
        "epochs_run": table["epochs"].tolist(),
    }


def write_predictions(
    folder: Path,
    split: str,
    examples: Examples,
    scores: np.ndarray,
    further: dict[int, np.ndarray] | None = None,
) -> None:
    """Write predictions_SPLIT.parquet: title, row, group, truth, scores; images of the split in their order.

    scores: (n_images, n_labels) of all examples, in the order of examples.frame and examples.label_names;
    `further`: the same by the network of each further seed, which gets a column scores_seed_N.
    """
    rows = examples.rows(split)
    table = examples.frame.iloc[rows][["title", "row", "group"]].reset_index(drop=True)
    table["truth"] = list(examples.label_matrix[rows])
    named = {"scores": scores} | {f"scores_seed_{seed}": own for seed, own in (further or {}).items()}
    for name, own in named.items():
        table[name] = list(np.asarray(own[rows], np.float32))
    write_table(folder / f"predictions_{split}.parquet", table)


def saved_difference(
    path: Path, examples: Examples, part: Learner, scores: np.ndarray, pictures: int = 16
) -> float:
    """How far the model read back from `path` is from `scores` on the first training pictures (0 to 1).

    part: what learned; scores: (n_images, n_labels), as written. About 1e-6 is rounding. Raises UserError
    above 1e-3: the file does not hold the model that gave these scores.
    """
    rows = examples.rows("train")[:pictures]
    model = load_model(path)
    shown = part.inputs if takes_features(model) else examples.pixels
    shown = np.asarray(shown[examples.frame["row"].to_numpy()[rows]])
    given = keras.ops.convert_to_numpy(model(shown, training=False))  # eager: nothing to compile
    difference = float(np.abs(given - scores[rows]).max())
    if not difference < 1e-3:
        raise UserError(
            f"a saved model must give the scores that are written, but they differ by {difference:.3g}; "
            "delete the images run's features folder and run again"
        )
    return difference


def read_trained(folder: Path) -> tuple[keras.Model, list[str]]:
    """The model of a finished 03_train run and the labels of its scores, in order.

    Raises UserError where the file is not the one that the run wrote, or has scores for other labels.
    """
    path, names = folder / "model.keras", read_json(folder / "label_names.json")["label_names"]
    written = read_json(folder / RECORD).get("model_sha256")
    model = load_model(path)
    if written not in (None, file_digest(path)) or model.output_shape[-1] != len(names):
        raise UserError(
            f"a model must be the one that its run wrote, but {path.name} in {folder.name} is another (with "
            f"{model.output_shape[-1]} scores for {len(names)} labels); run its 03_train again"
        )
    return model, names


def write_labels(folder: Path, examples: Examples) -> None:
    """Write label_names.json (order, parents, taxonomy) and prior.json (each label's share of train)."""
    names = {"taxonomy": examples.taxonomy, "label_names": examples.label_names, "parents": examples.parents}
    write_json(folder / "label_names.json", names)
    prior = examples.label_matrix[examples.rows("train")].mean(axis=0)
    write_json(folder / "prior.json", dict(zip(examples.label_names, prior.tolist(), strict=True)))


def proof(part: Learner, members: Members, loss: LossSettings, label_names: list[str]) -> dict[str, Any]:
    """What a run writes down of how its saved network was trained, as JSON-like values; after training.

    `members` trained it, as their first; `loss` is the one that was configured for it.

    fixed_batch_loss: see there. augmented_difference: how far the first batch as training sees it is from
    the same pictures as they are, as a share of their mean absolute value; 0 where nothing is augmented.
    effective_weights: label -> [present, absent], see there. shown_images: positions in an epoch.
    label_images: different images with each label among these.
    features_file: see Learner.
    """
    weights, train = effective_weights(members, label_names, loss.descent), members.train[0]
    return {
        "fixed_batch_loss": fixed_batch_loss(members, part.model, loss),
        "augmented_difference": relative_difference(*part.first_batch(train)),
        "effective_weights": {row.label: [row.present, row.absent] for row in weights.itertuples()},
        "shown_images": len(train.rows),
        "label_images": dict(zip(label_names, _images_of(train).tolist(), strict=True)),
        "features_file": part.features_file,
    }


def _images_of(train: Batches) -> np.ndarray:
    """Different images with each label that training was shown: (L,) int."""
    _, first = np.unique(train.rows, return_index=True)
    return (train.targets[first] > 0).sum(axis=0)


def same_weights(effective: dict[str, list[float]]) -> pd.DataFrame:
    """The effective weights of a proof, labels of the same weights in one row: present, absent, labels."""
    table = pd.DataFrame.from_dict(effective, orient="index", columns=["present", "absent"]).round(2) + 0.0
    table["labels"] = table.index
    return table.groupby(["present", "absent"])["labels"].agg(", ".join).reset_index()


def effective_weights(
    members: Members, label_names: list[str], descent: np.ndarray | None = None
) -> pd.DataFrame:
    """How hard each label pulls in the compiled loss: label, present, absent; plain cross-entropy has 1.

    Measured: the loss of one image is asked at scores just below and just above a half for one label after
    the other, once where the label is there and once where it is not. Labels above it in a hierarchy
    (`descent`, as the loss has it) are given higher scores and labels below lower ones, so that the
    constraint passes on nothing of the difference.
    """
    count, step = len(label_names), 0.01
    below = np.eye(count, dtype=bool) if descent is None else descent
    scores = 0.5 + 0.2 * (below.T.astype(float) - below)  # row: the label asked for
    moved = step * np.eye(count)
    unit = np.log((0.5 + step) / (0.5 - step)) / count

    def loss(target: np.ndarray, score: np.ndarray) -> np.ndarray:
        pairs = zip(target[:, None].astype("float32"), score[:, None].astype("float32"), strict=True)
        return np.array([members.loss_of_scores(y, p) for y, p in pairs])

    present, absent = below.T, np.zeros_like(below)
    return pd.DataFrame(
        {
            "label": label_names,
            "present": (loss(present, scores - moved) - loss(present, scores + moved)) / unit,
            "absent": (loss(absent, scores + moved) - loss(absent, scores - moved)) / unit,
        }
    )
