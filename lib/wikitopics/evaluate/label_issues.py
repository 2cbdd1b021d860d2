"""Probable label errors: labels that are missing or wrong, ranked for a person to see."""

import numpy as np
import pandas as pd
from sklearn.decomposition import PCA
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GroupKFold

from wikitopics.artefacts import finished_run, read_table
from wikitopics.evaluate.context import Context
from wikitopics.evaluate.people import Judged
from wikitopics.evaluate.predictions import Predictions, lineage
from wikitopics.labels.taxonomy import label_matrix

COLUMNS = ["title", "row", "split", "label", "kind", "score", "typical", "margin"]
MISSING, WRONG = "label missing?", "label wrong?"

FOLDS, DIMENSIONS = 5, 64


def label_issues(
    frame: pd.DataFrame, truth: np.ndarray, scores: np.ndarray, label_names: list[str]
) -> pd.DataFrame:
    """One row for each (image, label) cell whose given label looks wrong, by falling margin.

    Confident learning (Northcutt, Jiang and Chuang 2021, section 3.1), one label against the rest: a cell
    without the label is an issue where its score is at least the mean score of images that have it; a cell
    with the label where its score is at most the mean of images that do not. margin: how far beyond that
    mean, as a share of the way to certainty, so that both kinds rank on one scale in [0, 1]. Scores must
    be of images the model was not trained on (validation, test).

    frame: title, row, split; truth, scores: (n, L). A label that all or no images have gives no issue.
    Columns: title, row, split, label, kind, score, typical (that mean), margin.
    """
    truth, scores = np.asarray(truth, dtype=bool), np.asarray(scores, dtype=np.float64)
    with np.errstate(invalid="ignore", divide="ignore"):
        with_label = (scores * truth).sum(axis=0) / truth.sum(axis=0)
        without = (scores * ~truth).sum(axis=0) / (~truth).sum(axis=0)
    typical = np.where(truth, without, with_label)
    with np.errstate(invalid="ignore", divide="ignore"):
        margin = np.where(truth, (typical - scores) / typical, (scores - typical) / (1 - typical))
    image, label = np.nonzero(margin >= 0)  # NaN compares false
    order = np.argsort(-margin[image, label], kind="stable")
    image, label = image[order], label[order]
    return (
        frame[["title", "row", "split"]]
        .iloc[image]
        .reset_index(drop=True)
        .assign(
            label=np.array(label_names, dtype=object)[label],
            kind=np.where(truth[image, label], WRONG, MISSING),
            score=scores[image, label],
            typical=typical[image, label],
            margin=margin[image, label],
        )[COLUMNS]
    )


def confirmed(
    issues: pd.DataFrame, judged: Judged | None, titles: pd.Series, label_names: list[str]
) -> pd.DataFrame:
    """The issues that people have judged, with `confirmed`: whether they contradict the given label.

    titles: of all images of `judged.rows`. No row where nobody judged.
    """
    if judged is None:
        return issues.head(0).assign(confirmed=np.array([], dtype=bool))
    place = pd.Series(np.arange(len(judged.truth)), index=titles[judged.rows].to_numpy())
    known = issues[issues["title"].isin(place.index)]
    label = known["label"].map({name: i for i, name in enumerate(label_names)}).to_numpy(dtype=int)
    says = judged.truth[place[known["title"]].to_numpy(), label] == 1
    return known.assign(confirmed=says == (known["kind"] == MISSING).to_numpy()).reset_index(drop=True)


def check(
    issues: pd.DataFrame, judged: Judged | None, truth: np.ndarray, titles: pd.Series, label_names: list[str]
) -> pd.DataFrame:
    """How often people confirm an issue: one row for each kind and its first 10, 30, 100 and all judged ones.

    kind, first, confirmed (share of them), chance (share of all judged cells with such a label that people
    contradict). Empty where nobody judged.
    """
    columns = ["kind", "first", "confirmed", "chance"]
    if judged is None:
        return pd.DataFrame(columns=columns)
    checked = confirmed(issues, judged, titles, label_names)
    rows = []
    for kind, given in ((MISSING, 0), (WRONG, 1)):
        says = checked.loc[checked["kind"] == kind, "confirmed"]
        if len(says):
            cells = truth[judged.rows] == given
            chance = float((judged.truth != truth[judged.rows])[cells].mean())
            sizes = [size for size in (10, 30, 100) if size < len(says)] + [len(says)]
            rows += [(kind, size, float(says.head(size).mean()), chance) for size in sizes]
    return pd.DataFrame(rows, columns=columns)


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
