"""Fitting with early stopping on validation PR-AUC; a kill costs an epoch, or two seconds of short ones."""

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

from wikitopics.artefacts import replacing
from wikitopics.errors import UserError
from wikitopics.progress import report
from wikitopics.train.coherence import coherent
from wikitopics.train.examples import Batches
from wikitopics.train.losses import LossSettings, formula
from wikitopics.train.members import Members
from wikitopics.train.outcome import macro_pr_auc, micro_pr_auc

CHECKPOINT, HISTORY = "checkpoint.npz", "history.csv"
SECONDS_BETWEEN_CHECKPOINTS = 2.0  # a kill costs an epoch, or so much of many short ones


# --- Where training stands, in one file that is replaced whole
#
# Keras' own BackupAndRestore keeps weights and epoch number in two files (a kill between them resumes with
# the weights of one epoch and the number of another), and forgets the best epoch so far. Here both, the
# optimizer's state and the history are one file, so a resumed run ends exactly as an uninterrupted one.


@dataclass
class Progress:
    """Epochs done so far: `history` has the rows of each member; `best` the weights of its best epoch."""

    history: list[list[dict[str, Any]]]
    best: list[list[np.ndarray]] = field(default_factory=list)

    def table(self, seeds: list[int]) -> pd.DataFrame:
        """All rows, seed by seed, with the seed in front."""
        rows = [{"seed": seed} | row for seed, own in zip(seeds, self.history, strict=True) for row in own]
        return pd.DataFrame(rows)


def nothing_yet(members: Members) -> Progress:
    """Before the first epoch."""
    return Progress([[] for _ in range(len(members))])


def save_checkpoint(path: Path, key: str, members: Members, progress: Progress) -> None:
    """Write all that an epoch changes of `members`, and `progress`, under `key`."""
    arrays = {f"now{i}": ops.convert_to_numpy(value) for i, value in enumerate(members.state)}
    for member, own in enumerate(progress.best):
        arrays |= {f"best{member}_{i}": value for i, value in enumerate(own)}
    note = json.dumps({"key": key, "history": progress.history}).encode()
    with replacing(path) as temporary, open(temporary, "wb") as file:
        np.savez(file, note=np.frombuffer(note, np.uint8), allow_pickle=False, **arrays)


def restore_checkpoint(path: Path, key: str, members: Members) -> Progress:
    """Bring `members` and their optimizer to where the checkpoint of `key` stands, if there is one.

    Without one nothing is touched and the Progress is empty.

    Raises UserError where the file is damaged.
    """
    empty = nothing_yet(members)
    if not Path(path).exists():
        return empty
    try:
        with np.load(path, allow_pickle=False) as saved:
            note = json.loads(saved["note"].tobytes())
            if note["key"] != key:
                return empty
            members.set_state(saved[f"now{i}"] for i in range(len(members.state)))
            counts = [len(members.weights(member)) for member in range(len(members))]
            best = [[saved[f"best{m}_{i}"] for i in range(count)] for m, count in enumerate(counts)]
        return Progress(note["history"], best)
    except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile) as error:
        raise UserError(
            f"a checkpoint must be whole, but {Path(path).name} cannot be read ({error}); delete it to start "
            "this run's training again"
        ) from error


# --- How fast it learns


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


def best_epochs(history: pd.DataFrame, monitor: str = "macro_pr_auc") -> dict[int, int]:
    """The best epoch of each seed of a history that `fit` gave."""
    return {seed: best_epoch(own.to_dict("records"), monitor) for seed, own in history.groupby("seed")}


def is_over(history: list[dict[str, Any]], plan: Plan) -> bool:
    """Whether training has had its epochs or its patience."""
    idle = len(history) - best_epoch(history, plan.monitor)
    return len(history) >= plan.epochs or bool(plan.patience and history and idle >= plan.patience)


def check_finite(row: dict[str, Any], seed: int) -> None:
    """Raises UserError where an epoch ended with a loss that is no number: nothing comes after that."""
    if not math.isfinite(row["loss"] + row["val_loss"]):
        raise UserError(
            f"the loss must stay a number, but in epoch {row['epoch']} it is {row['loss']:g} in train and "
            f"{row['val_loss']:g} in validation (seed {seed}); choose a lower learning_rate"
        )


# --- Epoch after epoch


def fit(
    members: Members,
    validation: Batches,
    epochs: int,
    patience: int,
    folder: Path,
    key: str,
    monitor: str = "macro_pr_auc",
) -> pd.DataFrame:
    """Train `members`; returns the history, and leaves the weights of each member's best epoch.

    A member stops when validation's `monitor` (macro_pr_auc, micro_pr_auc or loss) has not got better for
    `patience` epochs (0: never before `epochs`): what it has kept and its rows no longer change, while the
    others go on. history.csv in `folder` grows epoch by epoch (without seconds); a checkpoint beside it lets
    the same call with the same `key` continue after a kill and end with the same weights. Raises UserError
    where there is nothing to learn from or no label in validation, and where the loss is no longer a number.
    Members that cannot learn are judged once, as after an epoch.

    One row a seed and epoch, seed by seed: seed, epoch (from 1), loss (mean over the epoch's images, weights
    moving), learning_rate (at the epoch's end), val_loss, val_macro_pr_auc, val_micro_pr_auc, seconds
    (of the epoch, for all seeds together).
    """
    fewest = min(len(batches.rows) for batches in members.train)
    if not validation.targets.any() or not fewest:
        raise UserError(
            "training must have images to learn from and at least one label in validation to watch, but has "
            f"{fewest} and {int(validation.targets.sum())}; choose other labels or more images"
        )
    kept = folder / CHECKPOINT
    progress = restore_checkpoint(kept, key, members) if members.learn else nothing_yet(members)
    plan = Plan(epochs if members.learn else 1, patience, monitor)
    report("epoch", _done(progress), epochs)
    saved = -math.inf
    while active := _active(progress, plan):
        _one_epoch(members, active, validation, plan, progress)
        due = time.monotonic() - saved >= SECONDS_BETWEEN_CHECKPOINTS or not _active(progress, plan)
        if members.learn and due:
            save_checkpoint(kept, key, members, progress)
            saved = time.monotonic()
        _write_history(folder, progress.table(seeds_of(members)))
        report("epoch", _done(progress), epochs)
    for member, weights in enumerate(progress.best):
        members.set_weights(member, weights)
    history = progress.table(seeds_of(members))
    _write_history(folder, history)
    return history


def _active(progress: Progress, plan: Plan) -> list[int]:
    return [member for member, rows in enumerate(progress.history) if not is_over(rows, plan)]


def seeds_of(members: Members) -> list[int]:
    """The seed of each member; 0 where its images are shown in stored order."""
    return [batches.seed or 0 for batches in members.train]


def forget_checkpoint(folder: Path) -> None:
    """Delete what only an unfinished run needs."""
    (folder / CHECKPOINT).unlink(missing_ok=True)


def _done(progress: Progress) -> int:
    return max(map(len, progress.history))


def _one_epoch(
    members: Members, active: list[int], validation: Batches, plan: Plan, progress: Progress
) -> None:
    """Learn, score validation, note it for the members that have not stopped, keep the best weights."""
    started, epoch = time.perf_counter(), _done(progress)
    losses = members.epoch(epoch, active)
    scores = dict(zip(active, members.scores(validation, active), strict=True))
    seconds = round(time.perf_counter() - started, 3)
    progress.best = progress.best or [[] for _ in range(len(members))]
    for member in active:
        row = {"epoch": epoch + 1, "loss": float(losses[member])}
        row["learning_rate"] = members.learning_rate(member)
        row |= _validation(members.settings[member], validation.targets, scores[member])
        check_finite(row, seeds_of(members)[member])
        rows = progress.history[member]
        rows.append(row | {"seconds": seconds})
        if best_epoch(rows, plan.monitor) == epoch + 1:
            progress.best[member] = members.weights(member)


def _validation(loss: LossSettings, truth: np.ndarray, scores: np.ndarray) -> dict[str, float]:
    value = formula(loss, truth, scores)
    if not math.isfinite(value):
        return {"val_loss": value}
    scores = coherent(scores, loss.descent)
    return {
        "val_loss": value,
        "val_macro_pr_auc": macro_pr_auc(truth, scores),
        "val_micro_pr_auc": micro_pr_auc(truth, scores),
    }


def _write_history(folder: Path, history: pd.DataFrame) -> None:
    with replacing(folder / HISTORY) as temporary:
        history.drop(columns="seconds").to_csv(temporary, index=False)  # equal trainings, equal bytes
