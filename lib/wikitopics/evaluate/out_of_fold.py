"""Scores of the training images by heads that did not see them, so that their labels can be doubted too."""

import numpy as np
from sklearn.decomposition import PCA
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GroupKFold

from wikitopics.artefacts import finished_run, read_table
from wikitopics.evaluate.context import Context, lineage
from wikitopics.evaluate.predictions import Predictions
from wikitopics.labels.lineage import label_matrix

FOLDS, DIMENSIONS = 5, 64


def training_images(run: str, context: Context, label_names: list[str], seed: int = 0) -> Predictions | None:
    """The train split of a 03_train run with scores from other folds; None where no features are kept.

    A trained model believes its own training labels. So the images are parted in `FOLDS` by group, and each
    part is scored by a logistic regression of every label on the features of the others (their first
    `DIMENSIONS` principal directions): a plainer head than the run's, good enough to find doubtful labels.
    """
    if context.features is None:
        return None
    frame = context.table[context.table["split"] == "train"].reset_index(drop=True)
    labels = read_table(finished_run("01_labels", lineage(run)["labels"]) / "labels.parquet")
    truth = label_matrix(labels.set_index("title")["labels"].loc[frame["title"]], label_names)
    features = np.asarray(context.features[frame["row"].to_numpy()], dtype=np.float32)
    scores = out_of_fold(features, truth, frame["group"].to_numpy(), seed)
    return Predictions(frame[["title", "row", "group", "split"]], truth, scores, list(label_names))


def out_of_fold(features: np.ndarray, truth: np.ndarray, groups: np.ndarray, seed: int = 0) -> np.ndarray:
    """(n, n_labels) float32 in [0, 1]: every row scored by a fit to other groups.

    features: (n, d); truth: (n, n_labels) {0, 1}; groups: (n,). A label that the other folds always have, or
    never, gets its share there.
    """
    scores = np.zeros(truth.shape, dtype=np.float32)
    folds = min(FOLDS, len(np.unique(groups)))
    if folds < 2:
        return np.tile(truth.mean(axis=0, dtype=np.float32), (len(truth), 1))
    for train, test in GroupKFold(folds, shuffle=True, random_state=seed).split(features, groups=groups):
        size = min(DIMENSIONS, len(train) - 1, features.shape[1])
        reduce = PCA(size, whiten=True, random_state=seed).fit(features[train])
        known, new = reduce.transform(features[train]), reduce.transform(features[test])
        for label in range(truth.shape[1]):
            scores[test, label] = _scored(known, truth[train, label], new)
    return scores


def _scored(known: np.ndarray, truth: np.ndarray, new: np.ndarray) -> np.ndarray | float:
    if truth.min() == truth.max():
        return float(truth[0])
    return LogisticRegression(C=0.1, max_iter=200).fit(known, truth).predict_proba(new)[:, 1]
