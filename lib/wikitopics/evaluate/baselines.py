"""Baselines: the same metrics for answers that are the same for every image."""

import numpy as np
import pandas as pd

from wikitopics.artefacts import finished_run, read_json
from wikitopics.errors import UserError
from wikitopics.evaluate import metrics, thresholds
from wikitopics.evaluate.predictions import Predictions

PRIOR, NONE = "label prior", "predict none"


def read_prior(run: str, label_names: list[str]) -> np.ndarray:
    """Each label's share of the 03_train run's training images: (n_labels,) float64, in label_names order.

    Raises UserError where prior.json lacks a label.
    """
    shares = read_json(finished_run("03_train", run) / "prior.json")
    missing = [name for name in label_names if name not in shares]
    if missing:
        raise UserError(
            f"prior.json of {run!r} must hold a share for every label, but lacks {missing[0]!r}; "
            "train that run again"
        )
    return np.array([shares[name] for name in label_names], dtype=np.float64)


def constant_scores(prior: np.ndarray, images: int) -> np.ndarray:
    """The same scores for every image, each label's share in train: (images, n_labels) float32.

    Within a label nothing is ranked (ROC-AUC 0.5, average precision = prevalence); over all pairs it does
    rank common labels above rare ones, which is why a micro ROC-AUC alone says little.
    """
    return np.tile(np.asarray(prior, dtype=np.float32), (images, 1))


def overall(validation: Predictions, test: Predictions, prior: np.ndarray, rule: str) -> dict[str, dict]:
    """The metrics of each baseline on the test split: {"label prior": metrics.overall, "predict none": ...}.

    The prior is given thresholds by the same rule on the same validation split as the model.
    """
    cuts = thresholds.choose(rule, validation.truth, constant_scores(prior, len(validation.truth)))
    scores = constant_scores(prior, len(test.truth))
    nothing = np.zeros_like(scores)
    return {
        PRIOR: metrics.overall(test.truth, scores, cuts),
        NONE: metrics.overall(test.truth, nothing, np.ones(len(cuts))),
    }


def per_label(truth: np.ndarray) -> pd.DataFrame:
    """Each label's scores for a constant answer: f1_always (say yes to every image), average_precision_prior.

    With prevalence p they are 2p / (1 + p) and p; ROC-AUC is 0.5 for any constant.
    """
    prevalence = np.asarray(truth, dtype=np.float64).mean(axis=0)
    some = np.where(prevalence > 0, prevalence, np.nan)
    return pd.DataFrame({"f1_always": 2 * some / (1 + some), "average_precision_prior": some})
