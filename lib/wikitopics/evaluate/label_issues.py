"""Probable label errors: labels that are missing or wrong, ranked for a person to see."""

from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import pandas as pd
from sklearn.decomposition import PCA
from sklearn.model_selection import GroupKFold
from threadpoolctl import threadpool_limits

from wikitopics.artefacts import finished_run, read_json, read_table
from wikitopics.evaluate.context import Context
from wikitopics.evaluate.people import Judged
from wikitopics.evaluate.predictions import Predictions, lineage
from wikitopics.images.exact_copies import with_labels_of_copies
from wikitopics.labels.taxonomy import label_matrix
from wikitopics.vectors.vector_files import ROWS

COLUMNS = ["title", "row", "split", "rank", "label", "kind", "score", "typical", "margin"]
MISSING, WRONG = "label missing?", "label wrong?"

FOLDS, DIMENSIONS = 5, 64
DIRECTIONS_FROM = 4096  # images of the other folds from which the principal directions are learned
STEPS, BATCH, EPOCHS = 300, 128, 4  # of so many images a step at least; each is seen so often at least
RATE, DECAY = 0.005, 1e-4  # of Adam (Kingma and Ba 2015), with its usual moments


def label_issues(
    frame: pd.DataFrame, truth: np.ndarray, scores: np.ndarray, label_names: list[str]
) -> pd.DataFrame:
    """One row for each (image, label) cell whose given label looks wrong; by split, and by falling margin.

    Confident learning (Northcutt, Jiang and Chuang 2021, section 3.1), one label against the rest: a cell
    without the label is an issue where its score is at least the mean score of images that have it; a cell
    with the label where its score is at most the mean of images that do not. margin: how far beyond that
    mean, as a share of the way to certainty, so that both kinds rank on one scale in [0, 1]. Scores must
    be of images the model was not trained on. Each split has means and ranks of its own, since scores of
    different origin are not to be compared: train first, then validation, then test.

    frame: title, row, split; truth, scores: (n, L). A label that all or no images of a split have gives no
    issue there. Columns: title, row, split, rank (in the split, from 1), label, kind, score, typical (that
    mean), margin.
    """
    truth, scores = np.asarray(truth, dtype=bool), np.asarray(scores, dtype=np.float64)
    split = frame["split"].to_numpy()
    parts = [np.flatnonzero(split == name) for name in ("train", "validation", "test")]
    found = [_of_split(frame.iloc[rows], truth[rows], scores[rows], label_names) for rows in parts]
    return pd.concat([part for part in found if len(part)] or found[:1], ignore_index=True)


def _of_split(frame: pd.DataFrame, truth: np.ndarray, scores: np.ndarray, label_names: list[str]):
    with np.errstate(invalid="ignore", divide="ignore"):
        with_label = (scores * truth).sum(axis=0) / truth.sum(axis=0)
        without = (scores * ~truth).sum(axis=0) / (~truth).sum(axis=0)
        typical = np.where(truth, without, with_label)
        margin = np.where(truth, (typical - scores) / typical, (scores - typical) / (1 - typical))
    image, label = np.nonzero(margin >= 0)  # NaN compares false
    order = np.argsort(-margin[image, label], kind="stable")
    image, label = image[order], label[order]
    return (
        frame[["title", "row", "split"]]
        .iloc[image]
        .assign(
            rank=np.arange(1, len(image) + 1),
            label=np.array(label_names, dtype=object)[label],
            kind=np.where(truth[image, label], WRONG, MISSING),
            score=scores[image, label],
            typical=typical[image, label],
            margin=margin[image, label],
        )[COLUMNS]
    )


def to_correct(issues: pd.DataFrame, test: bool = False) -> pd.DataFrame:
    """The issues that a person may answer, in order; those of test images only where `test` asks for them.

    A test label that is corrected because a model doubted it favours that model in every later comparison.
    """
    return issues if test else issues[issues["split"] != "test"].reset_index(drop=True)


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
    part is scored by a head like the run's (as many hidden units, its loss) that was fitted to the first
    `DIMENSIONS` principal directions of the others' features. Labels of exact copies are joined, as in 03.
    """
    if context.features is None:
        return None
    made_of, frame = lineage(run), context.table[context.table["split"] == "train"].reset_index(drop=True)
    labels = read_table(finished_run("01_labels", made_of["labels"]) / "labels.parquet")
    copies = read_table(finished_run("02_images", made_of["images"]) / "duplicates.parquet")
    known = with_labels_of_copies(labels, copies).set_index("title")["labels"]
    truth = label_matrix(known.loc[frame["title"]], label_names)
    head = Head.of(read_json(finished_run("03_train", run) / "run.json")["parameters"])
    rows = frame["row"].to_numpy()
    scores = out_of_fold(context.features, truth, frame["group"].to_numpy(), seed, head, rows)
    return Predictions(frame[["title", "row", "group", "split"]], truth, scores, list(label_names))


@dataclass(frozen=True)
class Head:
    """Of which kind a head is: hidden units (0: none), and the loss' numbers as in 03_train."""

    units: int = 0
    gamma_positive: float = 0.0
    gamma_negative: float = 0.0
    clip: float = 0.0
    weight_cap: float = 0.0  # most that images with a label count against those without; 0: as much

    @classmethod
    def of(cls, parameters: dict) -> "Head":
        """The kind that the parameters of a 03_train run name."""
        loss, gamma = parameters.get("loss"), parameters.get("focal_gamma", 2.0)
        kinds = {
            "focal": (gamma, gamma, 0.0, 0.0),
            "asymmetric": (*parameters.get("asymmetric", (0.0, 4.0, 0.05)), 0.0),
            "positive_weighted": (0.0, 0.0, 0.0, parameters.get("weight_cap", 20.0)),
        }
        return cls(parameters.get("head_units", 0), *kinds.get(str(loss), (0.0, 0.0, 0.0, 0.0)))


def out_of_fold(
    features: np.ndarray,
    truth: np.ndarray,
    groups: np.ndarray,
    seed: int = 0,
    head: Head = Head(),
    rows: np.ndarray | None = None,
) -> np.ndarray:
    """(n, n_labels) float32 in [0, 1]: every row scored by a fit to other groups.

    features: (m, d), memory-mapped or not, of which `rows` (n,) are meant (None: all, m = n); truth:
    (n, n_labels) {0, 1}; groups: (n,). A label that the other folds always have, or never, gets its share
    there. Time grows with n, and memory by what `DIMENSIONS` directions take of each row.
    """
    scores = np.zeros(truth.shape, dtype=np.float32)
    rows = np.arange(len(truth)) if rows is None else rows
    folds = min(FOLDS, len(np.unique(groups)))
    if folds < 2:
        return np.tile(truth.mean(axis=0, dtype=np.float32), (len(truth), 1))
    for train, test in GroupKFold(folds, shuffle=True, random_state=seed).split(rows, groups=groups):
        rng = np.random.default_rng(seed)
        some = rng.permutation(train)[:DIRECTIONS_FROM]
        size = min(DIMENSIONS, len(some) - 1, features.shape[1])
        reduce = PCA(size, whiten=True, svd_solver="randomized", iterated_power=3, random_state=seed)
        with threadpool_limits(1):  # shared, the directions take three times the processor's time, and the
            reduce.fit(np.asarray(features[rows[some]], np.float32))  # steps of a fit are too short to be
            known, new = (_in_directions(reduce, features, rows[part]) for part in (train, test))
            scores[test] = _scored(_fitted(known, truth[train].astype(np.float32), head, rng), new)
        share = truth[train].mean(axis=0)
        scores[test] = np.where((share == 0) | (share == 1), share, scores[test])
    return scores


def _in_directions(reduce: PCA, features: np.ndarray, rows: np.ndarray) -> np.ndarray:
    """Where features[rows] lie in the directions that `reduce` found: (n, size) float32."""
    found = np.empty((len(rows), reduce.n_components_), np.float32)
    for start in range(0, len(rows), ROWS):
        some = slice(start, start + ROWS)
        found[some] = reduce.transform(np.asarray(features[rows[some]], np.float32))
    return found


Layers = list[np.ndarray]  # weights and offsets, layer by layer


def _fitted(features: np.ndarray, truth: np.ndarray, head: Head, rng: np.random.Generator) -> Layers:
    """The layers of a head after STEPS of Adam."""
    sizes = [features.shape[1], *([head.units] if head.units else []), truth.shape[1]]
    layers: Layers = []
    for inputs, outputs in pairwise(sizes):
        layers += [rng.normal(0, np.sqrt(1 / inputs), (inputs, outputs)), np.zeros(outputs)]
    layers = [layer.astype(np.float32) for layer in layers]
    first, second = ([np.zeros_like(layer) for layer in layers] for _ in range(2))
    positive = (1 / truth.mean(axis=0).clip(1e-6) - 1).clip(None, head.weight_cap) if head.weight_cap else 1.0
    batch = max(BATCH, EPOCHS * len(truth) // STEPS)
    for step in range(1, STEPS + 1):
        rows = rng.integers(0, len(truth), batch)
        slopes = _slopes(layers, features[rows], truth[rows], head, positive)
        for layer, slope, mean, square in zip(layers, slopes, first, second, strict=True):
            mean += 0.1 * (slope + DECAY * layer - mean)
            square += 0.001 * (slope**2 - square)
            layer -= RATE * (mean / (1 - 0.9**step)) / (np.sqrt(square / (1 - 0.999**step)) + 1e-7)
    return layers


def _slopes(layers: Layers, features: np.ndarray, truth: np.ndarray, head: Head, positive) -> Layers:
    """The slope of the mean loss by each of the layers (train.losses has the formula)."""
    hidden = [features]
    for weights, offsets in zip(layers[:-2:2], layers[1:-2:2], strict=True):
        hidden.append(np.maximum(hidden[-1] @ weights + offsets, 0))
    back = _slope_of_loss(_sigmoid(hidden[-1] @ layers[-2] + layers[-1]), truth, head, positive) / len(truth)
    slopes: Layers = []
    for inputs, weights in zip(hidden[::-1], layers[-2::-2], strict=True):
        slopes = [inputs.T @ back, back.sum(axis=0), *slopes]
        back = (back @ weights.T) * (inputs > 0)
    return slopes


def _slope_of_loss(scores: np.ndarray, truth: np.ndarray, head: Head, positive) -> np.ndarray:
    """The slope of each cell's loss by what the sigmoid is taken of."""
    p = scores.clip(1e-6, 1 - 1e-6)
    gamma = head.gamma_positive
    there = (1 - p) ** gamma * (gamma * p * np.log(p) - (1 - p))
    q, gamma = (p - head.clip).clip(1e-6), head.gamma_negative
    absent = (q**gamma / (1 - q) - gamma * q ** (gamma - 1) * np.log1p(-q)) * p * (1 - p) * (p > head.clip)
    return positive * truth * there + (1 - truth) * absent


def _scored(layers: Layers, features: np.ndarray) -> np.ndarray:
    for weights, offsets in zip(layers[:-2:2], layers[1:-2:2], strict=True):
        features = np.maximum(features @ weights + offsets, 0)
    return _sigmoid(features @ layers[-2] + layers[-1])


def _sigmoid(values: np.ndarray) -> np.ndarray:
    return 1 / (1 + np.exp(-values.clip(-30, 30)))
