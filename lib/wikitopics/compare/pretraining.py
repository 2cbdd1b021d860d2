"""How much of the pre-training set belongs to a label: a table made by hand, with its source and reasons.

imagenet_presence.csv says for every label of v1.4 and every ORES topic which of the 1,000 classes of the
ImageNet challenge (Russakovsky et al. 2015; numbered as in Keras' class index) belong to it. A class may
belong to several labels; a parent has its children's classes. Classes have about equally many images, so
their share is the label's share of the pre-training images.
"""

import csv
from dataclasses import dataclass
from importlib.resources import files

import numpy as np
import pandas as pd

from wikitopics.compare.runs import Cell, Draws
from wikitopics.errors import UserError

CLASSES = 1000
HEADER = ["taxonomy", "label", "classes", "indices", "reason"]


def class_counts(taxonomy: str) -> dict[str, int]:
    """Number of ImageNet-1k classes of each label of the taxonomy; empty for a taxonomy without a table.

    >>> counts = class_counts("v1.4")
    >>> counts["Animals"], counts["People"], counts["Diagrams"]
    (398, 3, 0)
    """
    return {
        row["label"]: len(parse_indices(row["indices"])) for row in _rows() if row["taxonomy"] == taxonomy
    }


def presence(taxonomy: str, label_names: list[str]) -> np.ndarray:
    """Share of the 1,000 classes that belong to each label: (n_labels,) float64, NaN where nobody counted."""
    counts = class_counts(taxonomy)
    return np.array([counts.get(name, np.nan) for name in label_names], dtype=np.float64) / CLASSES


def parse_indices(text: str) -> set[int]:
    """Class numbers from ranges.

    >>> sorted(parse_indices("3 5-7"))
    [3, 5, 6, 7]
    """
    found: set[int] = set()
    for part in text.split():
        first, _, last = part.partition("-")
        found |= set(range(int(first), int(last or first) + 1))
    return found


def _rows() -> list[dict[str, str]]:
    text = (files("wikitopics.compare") / "imagenet_presence.csv").read_text("utf-8")
    reader = csv.DictReader(text.splitlines())
    if reader.fieldnames != HEADER:
        raise UserError(
            f"imagenet_presence.csv must have the columns {', '.join(HEADER)}, but has "
            f"{reader.fieldnames}; restore the file"
        )
    return list(reader)


@dataclass(frozen=True)
class Group:
    """One label source's labels: share (L,) of ImageNet-1k, ROC-AUC values (L,) and rounds (rounds, L), in
    which images and networks are drawn anew; seeds: networks of the cell with fewest."""

    source: str
    label_names: list[str]
    share: np.ndarray
    values: np.ndarray
    rounds: np.ndarray
    seeds: int = 1


def groups(runs: list[Cell], draws: list[Draws]) -> list[Group]:
    """For each label source its cells with the most labels; ROC-AUC is the mean over their networks.

    Left out are cells by names, which no label taught, cells with given features, since what their network
    was trained on before is not known, and cells with random weights, which were trained on nothing before.
    """
    known = [pair for pair in zip(runs, draws, strict=True) if _trained_before(pair[0])]
    runs, draws = [run for run, _ in known], [drawn for _, drawn in known]
    found = []
    for source in dict.fromkeys(run.settings["labels"] for run in runs):
        most = max(len(run.test.label_names) for run in runs if run.settings["labels"] == source)
        names = next(
            run.test.label_names
            for run in runs
            if run.settings["labels"] == source and len(run.test.label_names) == most
        )
        chosen = [
            (run, drawn)
            for run, drawn in zip(runs, draws, strict=True)
            if run.settings["labels"] == source and run.test.label_names == names
        ]
        values = np.mean([run.per_label("roc_auc").mean(axis=0) for run, _ in chosen], axis=0)
        rounds = np.mean([_rounds(run, drawn) for run, drawn in chosen], axis=0)
        share, seeds = presence(chosen[0][0].taxonomy, names), min(len(run.networks) for run, _ in chosen)
        found.append(Group(source, names, share, values, rounds, seeds))
    return found


def _trained_before(cell: Cell) -> bool:
    by_names = cell.settings.get("head") == "names"
    return not by_names and not cell.settings.get("features") and cell.settings.get("weights") != "none"


def _rounds(cell: Cell, drawn: Draws) -> np.ndarray:
    """Each label's ROC-AUC in every round, on other images and with other networks: (rounds, L)."""
    own = cell.per_label("roc_auc")
    return drawn.per_label("roc_auc").mean(axis=0) + drawn.weights @ own - own.mean(axis=0)


def spearman(
    share: np.ndarray, values: np.ndarray, rounds: np.ndarray, seed: int
) -> tuple[float, np.ndarray]:
    """Rank correlation (ties share their mean rank) of share (L,) and values (L,), and of every round.

    Each round takes its own values (images resampled) and draws the labels with replacement (labels
    resampled): a relation over a dozen labels hangs on which dozen. NaN in a round without any spread.
    """
    rng = np.random.default_rng([seed, len(share)])
    drawn = rng.integers(0, len(share), rounds.shape)
    return float(_correlations(share[None], values[None])[0]), _correlations(
        share[drawn], np.take_along_axis(rounds, drawn, axis=1)
    )


def _correlations(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """Spearman correlation row by row: (rounds, L), (rounds, L) -> (rounds,)."""
    ranks = [pd.DataFrame(values).rank(axis=1).to_numpy() for values in (first, second)]
    x, y = (rank - np.nanmean(rank, axis=1, keepdims=True) for rank in ranks)
    with np.errstate(invalid="ignore", divide="ignore"):
        return (x * y).sum(axis=1) / np.sqrt((x**2).sum(axis=1) * (y**2).sum(axis=1))


def table(found: list[Group]) -> pd.DataFrame:
    """One row a label that has a count and a ROC-AUC: source, label, classes, roc_auc."""
    parts = [
        pd.DataFrame(
            {
                "source": group.source,
                "label": group.label_names,
                "classes": group.share * CLASSES,
                "roc_auc": group.values,
            }
        )
        for group in found
    ]
    nothing = pd.DataFrame({"source": [], "label": [], "classes": [], "roc_auc": []}).astype(
        {"source": str, "label": str}
    )
    return pd.concat(parts).dropna(ignore_index=True) if parts else nothing
