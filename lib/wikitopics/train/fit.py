"""Fitting with early stopping on validation PR-AUC; the best epoch's weights stay, a kill costs one epoch."""

import time
from pathlib import Path
from typing import Any

import keras
import pandas as pd

from wikitopics.artefacts import replacing
from wikitopics.errors import UserError
from wikitopics.progress import report
from wikitopics.train.batches import Batches, predicted
from wikitopics.train.checkpoint import Progress, restore_checkpoint, save_checkpoint
from wikitopics.train.measures import cross_entropy, macro_pr_auc, micro_pr_auc

CHECKPOINT, HISTORY = "checkpoint.npz", "history.csv"
MONITOR = "val_macro_pr_auc"


def compile_model(model: keras.Model, learning_rate: float) -> None:
    """Adam and binary cross-entropy, the mean over images and labels."""
    # XLA: on a CPU its compilation takes longer than the whole training of a head.
    model.compile(keras.optimizers.Adam(learning_rate), keras.losses.BinaryCrossentropy(), jit_compile=False)


def fit(
    model: keras.Model,
    train: Batches,
    validation: Batches,
    epochs: int,
    patience: int,
    folder: Path,
    key: str,
) -> pd.DataFrame:
    """Train the compiled `model`; returns the history, one row an epoch, and leaves the best epoch's weights.

    Stops when validation's macro PR-AUC has not grown for `patience` epochs (0: never before `epochs`).
    history.csv in `folder` grows epoch by epoch; a checkpoint beside it lets the same call with the same
    `key` continue after a kill and end with the same weights. Raises UserError where there is nothing to
    learn from or no label in validation. Columns: epoch (from 1), loss (mean over the
    epoch's batches, weights moving), val_loss, val_macro_pr_auc, val_micro_pr_auc, seconds.
    """
    if not validation.targets.any() or not len(train.rows):
        raise UserError(
            "training must have images to learn from and at least one label in validation to watch, but has "
            f"{len(train.rows)} and {int(validation.targets.sum())}; choose other labels or more images"
        )
    progress = restore_checkpoint(folder / CHECKPOINT, key, model)
    if not is_over(progress.history, epochs, patience):
        keeper = _Keeper(train, validation, epochs, patience, folder, key, progress)
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


def best_epoch(history: list[dict[str, Any]]) -> int:
    """The epoch (from 1) with the highest monitored value, the first of equals; 0 before any epoch.

    >>> best_epoch([{"epoch": 1, MONITOR: 0.5}, {"epoch": 2, MONITOR: 0.7}, {"epoch": 3, MONITOR: 0.7}])
    2
    """
    return max(history, key=lambda row: row[MONITOR])["epoch"] if history else 0


def is_over(history: list[dict[str, Any]], epochs: int, patience: int) -> bool:
    """Whether training has had its epochs or its patience."""
    idle = len(history) - best_epoch(history)
    return len(history) >= epochs or bool(patience and history and idle >= patience)


class _Keeper(keras.callbacks.Callback):
    """After each epoch: scores validation, notes it, keeps the best weights, writes the checkpoint."""

    def __init__(
        self,
        train: Batches,
        validation: Batches,
        epochs: int,
        patience: int,
        folder: Path,
        key: str,
        progress: Progress,
    ):
        super().__init__()
        self.batches, self.validation = train, validation
        self.epochs, self.patience = epochs, patience
        self.folder, self.key, self.progress = folder, key, progress

    def on_train_begin(self, logs=None):
        report("epoch", len(self.progress.history), self.epochs)

    def on_epoch_begin(self, epoch, logs=None):
        self.batches.epoch = epoch
        self.started = time.perf_counter()

    def on_epoch_end(self, epoch, logs=None):
        history = self.progress.history
        history.append({"epoch": epoch + 1, "loss": float(logs["loss"])} | self._validation())
        history[-1]["seconds"] = round(time.perf_counter() - self.started, 3)
        if best_epoch(history) == epoch + 1:
            self.progress.best = self.model.get_weights()
        save_checkpoint(self.folder / CHECKPOINT, self.key, self.model, self.progress)
        _write_history(self.folder, pd.DataFrame(history))
        report("epoch", epoch + 1, self.epochs)
        self.model.stop_training = is_over(history, self.epochs, self.patience)

    def _validation(self) -> dict[str, float]:
        scores = predicted(self.model, self.validation)
        truth = self.validation.targets
        return {
            "val_loss": cross_entropy(truth, scores),
            "val_macro_pr_auc": macro_pr_auc(truth, scores),
            "val_micro_pr_auc": micro_pr_auc(truth, scores),
        }


def _write_history(folder: Path, history: pd.DataFrame) -> None:
    with replacing(folder / HISTORY) as temporary:
        history.to_csv(temporary, index=False)
