"""When training stops, and which of its epochs was the best."""

import math
from dataclasses import dataclass
from typing import Any

from wikitopics.errors import UserError


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
