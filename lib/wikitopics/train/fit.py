"""Fitting with early stopping on validation PR-AUC; the best epoch's weights stay, a kill costs one epoch."""

import json
import math
import time
import zipfile
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pandas as pd
from keras import ops
from sklearn.metrics import average_precision_score

from wikitopics.artefacts import replacing
from wikitopics.errors import UserError
from wikitopics.progress import report
from wikitopics.train.coherence import coherent
from wikitopics.train.examples import Batches, predicted
from wikitopics.train.losses import PLAIN, LabelLoss, LossSettings, formula

CHECKPOINT, HISTORY = "checkpoint.npz", "history.csv"


# --- Where training stands, in one file that is replaced whole after each epoch
#
# Keras' own BackupAndRestore keeps weights and epoch number in two files (a kill between them resumes with
# the weights of one epoch and the number of another), and forgets the best epoch so far. Here both, the
# optimizer's state and the history are one file, so a resumed run ends exactly as an uninterrupted one.


@dataclass
class Progress:
    """Epochs done so far: `history` has one row each; `best` holds the weights of the best of them."""

    history: list[dict[str, Any]] = field(default_factory=list)
    best: list[np.ndarray] = field(default_factory=list)


def save_checkpoint(path: Path, key: str, model: keras.Model, progress: Progress) -> None:
    """Write the model's variables, its optimizer's, and `progress`, under `key`."""
    arrays = {f"now{i}": np.asarray(value) for i, value in enumerate(_state(model))}
    arrays |= {f"best{i}": value for i, value in enumerate(progress.best)}
    note = json.dumps({"key": key, "history": progress.history}).encode()
    with replacing(path) as temporary, open(temporary, "wb") as file:
        np.savez(file, note=np.frombuffer(note, np.uint8), allow_pickle=False, **arrays)


def restore_checkpoint(path: Path, key: str, model: keras.Model) -> Progress:
    """Bring `model` and its optimizer to where the checkpoint of `key` stands, if there is one.

    Without one nothing is touched and the Progress is empty.

    Raises UserError where the file is damaged.
    """
    if not Path(path).exists():
        return Progress()
    try:
        with np.load(path, allow_pickle=False) as saved:
            note = json.loads(saved["note"].tobytes())
            if note["key"] != key:
                return Progress()
            state = _state(model)
            for i, variable in enumerate(state):
                variable.assign(saved[f"now{i}"])
            best = [saved[f"best{i}"] for i in range(len(model.weights))]
        return Progress(note["history"], best)
    except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile) as error:
        raise UserError(
            f"a checkpoint must be whole, but {Path(path).name} cannot be read ({error}); delete it to start "
            "this run's training again"
        ) from error


def _state(model: keras.Model) -> list:
    """Everything that an epoch changes: weights, random generators of layers, the optimizer's moments."""
    model.optimizer.build(model.trainable_variables)
    return [*model.variables, *model.optimizer.variables]


# --- The few measures that training itself needs, to stop in time and to see that it learned


def cross_entropy(truth: np.ndarray, scores: np.ndarray) -> float:
    """Mean binary cross-entropy in nats over images and labels, scores kept 1e-7 away from 0 and 1.

    >>> round(cross_entropy(np.array([[1.0, 0.0]]), np.array([[0.5, 0.5]])), 4)
    0.6931
    """
    scores = np.clip(np.asarray(scores, np.float64), 1e-7, 1 - 1e-7)
    return float(-np.mean(truth * np.log(scores) + (1 - truth) * np.log1p(-scores)))


def macro_pr_auc(truth: np.ndarray, scores: np.ndarray) -> float:
    """Mean of the labels' average precision; truth (n, L) {0, 1}, scores (n, L) [0, 1].

    Labels without a positive have none and are left out; without any label it is nan. Training stops by the
    macro mean, because each label is a finding of its own here, and the micro mean is content as soon as
    the two or three most frequent labels are.

    >>> macro_pr_auc(np.array([[1, 0], [0, 0]]), np.array([[0.9, 0.5], [0.1, 0.5]]))
    1.0
    """
    there = truth.sum(axis=0) > 0
    if not there.any():
        return float("nan")
    return float(average_precision_score(truth[:, there] > 0, scores[:, there], average="macro"))


def micro_pr_auc(truth: np.ndarray, scores: np.ndarray) -> float:
    """Average precision of all (image, label) pairs in one ranking; nan without a positive."""
    if not truth.any():
        return float("nan")
    return float(average_precision_score(truth.ravel() > 0, scores.ravel()))


def learned(truth: dict[str, np.ndarray], scores: dict[str, np.ndarray]) -> pd.DataFrame:
    """One row a split: images, prevalence (what a ranking by chance gives), macro and micro PR-AUC, loss."""
    return pd.DataFrame(
        {
            "split": split,
            "images": len(labels),
            "prevalence": labels.mean(),
            "macro PR-AUC": macro_pr_auc(labels, scores[split]),
            "micro PR-AUC": micro_pr_auc(labels, scores[split]),
            "loss": cross_entropy(labels, scores[split]),
        }
        for split, labels in truth.items()
    )


@keras.saving.register_keras_serializable("wikitopics")
class Schedule(keras.optimizers.schedules.LearningRateSchedule):
    """The learning rate at a step: up in a straight line for `warmup` steps, then constant or down to 0.

    Down is half a cosine over the steps that are left (Loshchilov & Hutter 2017, SGDR, eq. 5, one period).

    >>> rate = Schedule(1.0, steps=110, warmup=10, falls=True)
    >>> [round(float(rate(step)), 2) for step in (0, 4, 10, 60, 110)]
    [0.1, 0.5, 1.0, 0.5, 0.0]
    """

    def __init__(self, highest: float, steps: int, warmup: int = 0, falls: bool = False):
        self.highest, self.steps, self.warmup, self.falls = highest, steps, warmup, falls

    def __call__(self, step):
        step = ops.cast(step, "float32")
        rising = (step + 1) / max(self.warmup, 1)
        done = ops.clip((step - self.warmup) / max(self.steps - self.warmup, 1), 0, 1)
        after = (1 + ops.cos(done * 3.141592653589793)) / 2 if self.falls else ops.ones_like(done)
        return self.highest * ops.where(step < self.warmup, rising, after)

    def get_config(self):
        return {"highest": self.highest, "steps": self.steps, "warmup": self.warmup, "falls": self.falls}


def build_optimizer(
    name: str = "adam",
    learning_rate: float = 0.001,
    schedule: str = "constant",
    warmup_epochs: float = 0.0,
    epochs: int = 1,
    steps_per_epoch: int = 1,
) -> keras.optimizers.Optimizer:
    """The optimiser "adam", "adamw" or "sgd", its rate "constant" or a "cosine" that is 0 after `epochs`.

    adam (Kingma & Ba 2015); adamw with weight decay 0.004 (Loshchilov & Hutter 2019); sgd with Nesterov's
    momentum of 0.9.
    """
    rate: float | Schedule = learning_rate
    if schedule != "constant" or warmup_epochs:
        warmup = round(warmup_epochs * steps_per_epoch)
        rate = Schedule(learning_rate, epochs * steps_per_epoch, warmup, schedule == "cosine")
    if name == "sgd":
        return keras.optimizers.SGD(rate, momentum=0.9, nesterov=True)
    return {"adam": keras.optimizers.Adam, "adamw": keras.optimizers.AdamW}[name](rate)


def learning_rate(model: keras.Model) -> float:
    """The rate of the compiled model's next step, asked from its optimiser."""
    return float(ops.convert_to_numpy(model.optimizer.learning_rate))


@dataclass(frozen=True)
class Plan:
    """When to stop: after `epochs`, or `patience` epochs (0: never) in which `monitor` did not get better."""

    epochs: int
    patience: int = 0
    monitor: str = "macro_pr_auc"


def best_epoch(history: list[dict[str, Any]], monitor: str = "macro_pr_auc") -> int:
    """The epoch (from 1) with the best monitored value, the first of equals; 0 before any epoch.

    >>> best_epoch([{"epoch": 1, "val_loss": 0.5}, {"epoch": 2, "val_loss": 0.4}], "loss")
    2
    """
    sign = -1 if monitor == "loss" else 1
    return max(history, key=lambda row: sign * row[f"val_{monitor}"])["epoch"] if history else 0


def is_over(history: list[dict[str, Any]], plan: Plan) -> bool:
    """Whether training has had its epochs or its patience."""
    idle = len(history) - best_epoch(history, plan.monitor)
    return len(history) >= plan.epochs or bool(plan.patience and history and idle >= plan.patience)


def check_finite(row: dict[str, Any]) -> None:
    """Raises UserError where an epoch ended with a loss that is no number: nothing comes after that."""
    if not math.isfinite(row["loss"] + row["val_loss"]):
        raise UserError(
            f"the loss must stay a number, but in epoch {row['epoch']} it is {row['loss']:g} in train and "
            f"{row['val_loss']:g} in validation; choose a lower learning_rate"
        )


def compile_model(
    model: keras.Model,
    optimizer: keras.optimizers.Optimizer | float = 0.001,
    loss: LossSettings = PLAIN,
) -> None:
    """Compile with an optimiser (or Adam at a learning rate) and a loss, the mean over images and labels."""
    if isinstance(optimizer, float):
        optimizer = build_optimizer(learning_rate=optimizer)
    # XLA: on a CPU its compilation takes longer than the whole training of a head.
    model.compile(optimizer, LabelLoss(loss), jit_compile=False)


def fit(
    model: keras.Model,
    train: Batches,
    validation: Batches,
    epochs: int,
    patience: int,
    folder: Path,
    key: str,
    loss: LossSettings = PLAIN,
    monitor: str = "macro_pr_auc",
) -> pd.DataFrame:
    """Train the compiled `model`; returns the history, one row an epoch, and leaves the best epoch's weights.

    Stops when validation's `monitor` (macro_pr_auc, micro_pr_auc or loss) has not got better for `patience`
    epochs (0: never before `epochs`). `loss` is the loss it was compiled with, and judges validation.
    history.csv in `folder` grows epoch by epoch (without seconds); a checkpoint beside it lets the same call
    with the same `key` continue after a kill and end with the same weights. Raises UserError where there is
    nothing to learn from or no label in validation, and where the loss is no longer a number. Columns: epoch
    (from 1), loss (mean over the epoch's batches, weights moving), learning_rate (of the epoch's last step),
    val_loss, val_macro_pr_auc, val_micro_pr_auc, seconds.
    """
    if not validation.targets.any() or not len(train.rows):
        raise UserError(
            "training must have images to learn from and at least one label in validation to watch, but has "
            f"{len(train.rows)} and {int(validation.targets.sum())}; choose other labels or more images"
        )
    progress = restore_checkpoint(folder / CHECKPOINT, key, model)
    plan = Plan(epochs, patience, monitor)
    if not is_over(progress.history, plan):
        keeper = _Keeper(train, validation, plan, loss, folder, key, progress)
        model.fit(
            train,
            epochs=epochs,
            initial_epoch=len(progress.history),
            callbacks=[keeper],
            shuffle=False,  # the order is the batches' own
            verbose=0,
        )
    model.set_weights(progress.best)
    history = pd.DataFrame(progress.history)
    _write_history(folder, history)
    return history


def forget_checkpoint(folder: Path) -> None:
    """Delete what only an unfinished run needs."""
    (folder / CHECKPOINT).unlink(missing_ok=True)


class _Keeper(keras.callbacks.Callback):
    """After each epoch: scores validation, notes it, keeps the best weights, writes the checkpoint."""

    def __init__(
        self,
        train: Batches,
        validation: Batches,
        plan: Plan,
        loss: LossSettings,
        folder: Path,
        key: str,
        progress: Progress,
    ):
        super().__init__()
        self.batches, self.validation, self.plan, self.loss = train, validation, plan, loss
        self.folder, self.key, self.progress = folder, key, progress

    def on_train_begin(self, logs=None):
        report("epoch", len(self.progress.history), self.plan.epochs)

    def on_epoch_begin(self, epoch, logs=None):
        self.batches.epoch = epoch
        self.started = time.perf_counter()

    def on_epoch_end(self, epoch, logs=None):
        history = self.progress.history
        rate = learning_rate(self.model)
        history.append({"epoch": epoch + 1, "loss": float(logs["loss"]), "learning_rate": rate})
        history[-1] |= self._validation()
        history[-1]["seconds"] = round(time.perf_counter() - self.started, 3)
        if best_epoch(history, self.plan.monitor) == epoch + 1:
            self.progress.best = self.model.get_weights()
        save_checkpoint(self.folder / CHECKPOINT, self.key, self.model, self.progress)
        _write_history(self.folder, pd.DataFrame(history))
        report("epoch", epoch + 1, self.plan.epochs)
        self.model.stop_training = is_over(history, self.plan)

    def _validation(self) -> dict[str, float]:
        scores = predicted(self.model, self.validation)
        truth = self.validation.targets
        loss = formula(self.loss, truth, scores)
        check_finite(self.progress.history[-1] | {"val_loss": loss})
        scores = coherent(scores, self.loss.descent)
        return {
            "val_loss": loss,
            "val_macro_pr_auc": macro_pr_auc(truth, scores),
            "val_micro_pr_auc": micro_pr_auc(truth, scores),
        }


def _write_history(folder: Path, history: pd.DataFrame) -> None:
    with replacing(folder / HISTORY) as temporary:
        history.drop(columns="seconds").to_csv(temporary, index=False)  # equal trainings, equal bytes
