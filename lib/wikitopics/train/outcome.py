"""What was learned: the few measures that training stops by, and what they tell of one run, in sentences."""

from typing import Any

import numpy as np
import pandas as pd

from wikitopics.ranking import average_precision

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
    each = average_precision(truth, scores)
    return float(np.nanmean(each)) if not np.isnan(each).all() else float("nan")


def micro_pr_auc(truth: np.ndarray, scores: np.ndarray) -> float:
    """Average precision of all (image, label) pairs in one ranking; nan without a positive."""
    return float(average_precision(truth.reshape(-1, 1), scores.reshape(-1, 1))[0])


# --- Of one run


def by_split(truth: dict[str, np.ndarray], scores: dict[str, np.ndarray]) -> pd.DataFrame:
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


def by_seed(history: pd.DataFrame, best: dict[int, int]) -> pd.DataFrame:
    """One row a seed, what its kept epoch reached on validation: seed, epochs, best epoch, PR-AUCs, loss.

    history: as train.fit.fit gives it; best: the epoch that each seed kept.
    """
    rows: list[dict[str, Any]] = []
    for seed, own in history.groupby("seed", sort=False):
        kept = own[own["epoch"] == best[seed]].iloc[0]
        rows.append(
            {
                "seed": seed,
                "epochs": len(own),
                "best epoch": best[seed],
                "macro PR-AUC": kept["val_macro_pr_auc"],
                "micro PR-AUC": kept["val_micro_pr_auc"],
                "loss": kept["val_loss"],
            }
        )
    return pd.DataFrame(rows)


def in_words(splits: pd.DataFrame, seeds: pd.DataFrame, learned: bool = True) -> list[str]:
    """What this run showed and what of it is not to be believed, a sentence each.

    splits: of by_split, with train and validation; seeds: of by_seed; learned: whether the head learned, and
    is not made of the labels' names.
    """
    train, validation = (splits[splits["split"] == name].iloc[0] for name in ("train", "validation"))
    if not learned:
        return _by_names(validation)
    return [
        _above_chance(validation),
        _by_heart(train["macro PR-AUC"], validation["macro PR-AUC"]),
        _luck(seeds),
        "The epoch was chosen by these same validation images, so their numbers are a little too good; "
        "what the test images say stands in 04_evaluate.",
    ]


def _by_names(validation: pd.Series) -> list[str]:
    reached, chance = validation["macro PR-AUC"], validation["prevalence"]
    return [
        f"On validation the labels' names alone have a macro PR-AUC of {reached:.3f}, a random order "
        f"{chance:.3f}.",
        "No label of a picture and no seed had a part in this: the names were compared with the pictures as "
        "they are.",
        "A score is the cosine of name and picture, in standard deviations from the mean of all, squeezed "
        "into 0 to 1; 04_evaluate looks for each label's threshold among the validation images, and these "
        "are the first labelled pictures that are used.",
    ]


def _above_chance(validation: pd.Series) -> str:
    reached, chance = validation["macro PR-AUC"], validation["prevalence"]
    told = f"On validation the saved network has a macro PR-AUC of {reached:.3f}, a random order {chance:.3f}"
    if reached <= 1.5 * chance:
        return f"{told}, so it has learned little or nothing."
    return f"{told}, so it ranks {reached / chance:.1f} times better than chance."


def _by_heart(train: float, validation: float) -> str:
    gap = train - validation
    told = f"On the images it learned from it has {train:.3f}"
    if gap <= 0.05:
        return (
            f"{told}, {abs(gap):.3f} away: it has learned nothing by heart that it cannot use on new images."
        )
    return f"{told}, {gap:.3f} more: that much is learned by heart and no use on new images."


def _luck(seeds: pd.DataFrame) -> str:
    if len(seeds) == 1:
        return "It is one seed's network: how much of this is luck, this run cannot say."
    values = seeds["macro PR-AUC"]
    return (
        f"The networks of {len(seeds)} seeds reach {values.min():.3f} to {values.max():.3f} (standard "
        f"deviation {values.std():.3f}): a difference between two settings that is not clearly larger than "
        f"{values.max() - values.min():.3f} may be another draw of the seed."
    )
