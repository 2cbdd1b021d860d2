"""Fitting with early stopping on validation PR-AUC; the best epoch's weights stay, a kill costs one epoch."""

import time
from pathlib import Path

import keras
import pandas as pd

from wikitopics.artefacts import replacing
from wikitopics.errors import UserError
from wikitopics.progress import report
from wikitopics.train.batches import Batches, predicted
from wikitopics.train.checkpoint import Progress, restore_checkpoint, save_checkpoint
from wikitopics.train.coherence import coherent
from wikitopics.train.losses import PLAIN, LabelLoss, LossSettings, formula
from wikitopics.train.measures import macro_pr_auc, micro_pr_auc
from wikitopics.train.optimisation import build_optimizer, learning_rate
from wikitopics.train.stopping import Plan, best_epoch, check_finite, is_over

CHECKPOINT, HISTORY = "checkpoint.npz", "history.csv"


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
