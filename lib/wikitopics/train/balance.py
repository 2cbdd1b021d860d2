"""How unequal labels are, and resampling against it: what to show twice, what to leave out.

Validation and test images are never resampled. Each method gives positions into the training images: the
originals in their order, then the copies.
"""

import numpy as np
import pandas as pd


def resample(name: str, label_matrix: np.ndarray, share: float, seed: int) -> np.ndarray:
    """Positions (k,) of the images to train on; label_matrix: (n, L) {0, 1} of train.

    `name`: "none", "ml_ros", "ml_rus" or "reward". `share` is the number of images to add or
    leave out, as a share of n.

    >>> resample("none", np.eye(3), 0.2, seed=0).tolist()
    [0, 1, 2]
    """
    methods = {"ml_ros": ml_ros, "ml_rus": ml_rus, "reward": reward}
    if name == "none":
        return np.arange(len(label_matrix))
    return methods[name](label_matrix, int(share * len(label_matrix)), np.random.default_rng(seed))


def ml_ros(label_matrix: np.ndarray, number: int, rng: np.random.Generator) -> np.ndarray:
    """All positions and those of copies, by ML-ROS.

    Charte et al. 2015, Addressing imbalance in multilabel classification, section 4.2. Labels with an IRLbl
    above MeanIR are rare. In turn each gets a copy of one of its images, drawn at random, until it is no
    longer rare or `number` copies are made.
    """
    limit, counts = mean_ratio(label_matrix), label_matrix.sum(axis=0, dtype=np.int64)
    ratios = imbalance_ratios(label_matrix)
    rare = [label for label in range(len(counts)) if limit < ratios[label] < np.inf]
    bags = {label: np.flatnonzero(label_matrix[:, label]) for label in rare}
    copies: list[int] = []
    while rare and len(copies) < number:
        for label in list(rare):
            if len(copies) < number:
                copies.append(int(rng.choice(bags[label])))
                counts = counts + label_matrix[copies[-1]]
            if counts.max() <= limit * counts[label]:
                rare.remove(label)
    return np.concatenate([np.arange(len(label_matrix)), np.array(copies, int)])


def ml_rus(label_matrix: np.ndarray, number: int, rng: np.random.Generator) -> np.ndarray:
    """Positions of the images that stay, by ML-RUS: of frequent labels at most `number` are left out.

    Same paper, section 4.2. In turn each label with an IRLbl below MeanIR loses one of its images, drawn at
    random, until its IRLbl has reached MeanIR. An image that has a rare label too always stays, and so does a
    label's last image.
    """
    limit, counts = mean_ratio(label_matrix), label_matrix.sum(axis=0, dtype=np.int64)
    ratios = imbalance_ratios(label_matrix)
    free = ~label_matrix[:, ratios > limit].any(axis=1)
    frequent = [label for label in range(len(counts)) if ratios[label] < limit]
    bags = {label: list(rng.permutation(np.flatnonzero(label_matrix[:, label] * free))) for label in frequent}
    kept = np.ones(len(label_matrix), bool)
    while frequent and (~kept).sum() < number:
        for label in list(frequent):
            bags[label] = [image for image in bags[label] if kept[image]]
            if not bags[label] or counts.max() >= limit * counts[label]:
                frequent.remove(label)
            elif (~kept).sum() < number:
                image = bags[label].pop()
                if (counts[label_matrix[image] > 0] > 1).all():
                    kept[image], counts = False, counts - label_matrix[image]
    return np.flatnonzero(kept)


def reward(label_matrix: np.ndarray, number: int, rng: np.random.Generator) -> np.ndarray:
    """All positions and those of `number` copies, drawn in proportion to reward: the sum of 1 / n_label.

    An image with rare labels, or with several, is worth more. (The prior work ranked by the same reward and
    repeated its few best images; a draw spreads the copies over all that are worth it.)
    """
    counts = label_matrix.sum(axis=0, dtype=np.float64)
    rewards = label_matrix @ np.divide(1, counts, where=counts > 0, out=np.zeros(len(counts)))
    images = np.arange(len(label_matrix))
    copies = rng.choice(len(images), number, p=rewards / rewards.sum()) if rewards.any() else images[:0]
    return np.concatenate([images, copies])


def imbalance_ratios(label_matrix: np.ndarray) -> np.ndarray:
    """How much rarer each label is than the most frequent one (IRLbl), in images: (L,) float64, at least 1.

    Charte et al. 2015, Addressing imbalance in multilabel classification, eq. 1. A label that no image has
    gets infinity. label_matrix: (n, L) {0, 1}.

    >>> imbalance_ratios(np.array([[1, 0], [1, 1]])).tolist()
    [1.0, 2.0]
    """
    counts = label_matrix.sum(axis=0, dtype=np.float64)
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(counts > 0, counts.max(initial=0) / counts, np.inf)


def mean_ratio(label_matrix: np.ndarray) -> float:
    """The mean of IRLbl (MeanIR) over the labels that some image has (eq. 2 there); nan without any."""
    ratios = imbalance_ratios(label_matrix)
    known = ratios[np.isfinite(ratios)]
    return float(known.mean()) if len(known) else float("nan")


def concurrence(label_matrix: np.ndarray) -> float:
    """How much rare and frequent labels share images (SCUMBLE), 0 (never) to 1.

    Charte et al. 2014, Concurrence among Imbalanced Labels, eq. 3: the mean over images of 1 - geometric /
    arithmetic mean of the IRLbl of the image's own labels. An image with one label or none gives 0. (The
    paper writes the root over all labels; its published values take that over the image's labels.)
    """
    logs = np.log(
        imbalance_ratios(label_matrix), where=label_matrix.any(axis=0), out=np.zeros(label_matrix.shape[1])
    )
    own = label_matrix.sum(axis=1, dtype=np.float64)
    rows = own > 0
    geometric = np.exp(label_matrix[rows] @ logs / own[rows])
    arithmetic = label_matrix[rows] @ np.exp(logs) / own[rows]
    return float((1 - geometric / arithmetic).sum() / max(len(label_matrix), 1))


def imbalance_table(label_matrix: np.ndarray, chosen: np.ndarray) -> pd.DataFrame:
    """Imbalance of the training images and, where other positions than all are `chosen`, of those too."""
    everything = np.array_equal(chosen, np.arange(len(label_matrix)))
    return imbalance({"train": label_matrix} | ({} if everything else {"as shown": label_matrix[chosen]}))


def imbalance(parts: dict[str, np.ndarray]) -> pd.DataFrame:
    """One row for each label matrix: part, images, labels per image, largest IRLbl, MeanIR, SCUMBLE."""
    return pd.DataFrame(
        {
            "part": part,
            "images": len(matrix),
            "labels per image": matrix.sum(axis=1).mean(),
            "largest IRLbl": imbalance_ratios(matrix).max(initial=1),
            "MeanIR": mean_ratio(matrix),
            "SCUMBLE": concurrence(matrix),
        }
        for part, matrix in parts.items()
    )
