"""How well the image model, the label source and both together meet labels that people gave."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from wikitopics.artefacts import finished_run, read_json
from wikitopics.evaluate import bootstrap, intervals, metrics
from wikitopics.evaluate.predictions import Predictions
from wikitopics.images.exact_copies import labels_of_kept
from wikitopics.labels.taxonomy import label_matrix

_ANY = float(np.finfo(np.float32).tiny)  # the label source says yes wherever it has any confidence
COLUMNS = ["who", "metric", "value", "low", "high"]
SHOWN = ("macro roc_auc", "macro precision", "macro recall", "macro f1", "micro f1")


@dataclass(frozen=True)
class Judged:
    """Human labels of some rows of a prediction table.

    rows: (n,) bool, which images people judged; truth: (rows.sum(), L) uint8 in label_names order;
    scored: (L,) bool, labels that people gave to at least one of these images and withheld from at least one.
    """

    rows: np.ndarray
    truth: np.ndarray
    scored: np.ndarray


def read_judged(made_from: dict[str, Any], titles: pd.Series, label_names: list[str]) -> Judged | None:
    """Human labels of these titles, those of exact copies with them; None where the labels run has none.

    made_from: `labels` and `images`, the runs of a model (predictions.lineage).
    """
    path = finished_run("01_labels", made_from["labels"]) / "human.parquet"
    if not path.exists():
        return None
    kept = labels_of_kept(path, finished_run("02_images", made_from["images"]))
    table = kept.set_index("title")["labels"]
    rows = titles.isin(table.index).to_numpy()
    truth = label_matrix(table.loc[titles[rows]], label_names)
    return Judged(rows, truth, (truth.sum(axis=0) > 0) & (truth.sum(axis=0) < len(truth)))


def read_confidence(made_from: dict[str, Any], titles: pd.Series, label_names: list[str]) -> np.ndarray:
    """The label source's own confidence, 0 where it gives no label: (n, L) float32. See read_judged."""
    path = finished_run("01_labels", made_from["labels"]) / "labels.parquet"
    kept = labels_of_kept(path, finished_run("02_images", made_from["images"]))
    table = kept.set_index("title").loc[titles]
    return label_matrix(table["labels"], label_names, table["scores"])


def two_people(labels_run: str) -> float | None:
    """Micro F1 of one person against another, where the labels run was given annotations by several."""
    return read_json(finished_run("01_labels", labels_run) / "run.json").get("two_people")


def views(
    test: Predictions, judged: Judged, confidence: np.ndarray, thresholds: np.ndarray
) -> dict[str, tuple[np.ndarray, np.ndarray]]:
    """Scores and thresholds by who is measured: {name: ((m, k), (k,))} on judged images and scored labels.

    "image model"; "label source" (its confidence; yes wherever it gives the label); "both" (the mean of the
    two scores against the mean of the model's threshold and one half); "label prior" (a constant).
    """
    model = test.scores[judged.rows][:, judged.scored].astype(np.float64)
    source = confidence[judged.rows][:, judged.scored].astype(np.float64)
    cuts = thresholds[judged.scored]
    return {
        "image model": (model, cuts),
        "label source": (source, np.full(len(cuts), _ANY)),
        "both": ((model + source) / 2, (cuts + 0.5) / 2),
        "label prior": (np.full_like(model, 0.5), np.full(len(cuts), 0.5)),
    }


def compare(
    measured: dict[str, tuple[np.ndarray, np.ndarray]],
    judged: Judged,
    groups: np.ndarray,
    rounds: int,
    seed: int,
) -> pd.DataFrame:
    """One row for each view and metric: who, metric, value, low, high (95 % bootstrap over groups).

    groups: (n,) group codes of the whole test split, so that rounds are the same as for other metrics.
    """
    truth, codes = judged.truth[:, judged.scored], groups[judged.rows]
    rows = []
    for who, (scores, cuts) in measured.items():
        plain = metrics.overall(truth, scores, cuts)
        drawn = bootstrap.bootstrap(truth, scores, cuts, codes, rounds, seed, n_groups=int(groups.max()) + 1)
        ends = intervals.overall(truth, scores, plain, drawn.overall)
        rows += [(who, name, plain[name], *ends[name]) for name in SHOWN]
    return pd.DataFrame(rows, columns=COLUMNS)


def measure(
    test: Predictions,
    thresholds: np.ndarray,
    made_from: dict[str, Any],
    groups: np.ndarray,
    rounds: int,
    seed: int,
) -> tuple[pd.DataFrame, pd.DataFrame, str]:
    """`compare` and `per_label` of all views of a test split, and one sentence on what people judged.

    Empty tables where the label run has no human labels, or none that tell these images apart. made_from: as
    in read_judged.
    """
    judged = read_judged(made_from, test.frame["title"], test.label_names)
    if judged is None or not judged.scored.any():
        return (
            pd.DataFrame(columns=COLUMNS),
            pd.DataFrame(columns=["who", "label"]),
            (f"The label run {made_from['labels']!r} has no human labels that tell these test images apart."),
        )
    confidence = read_confidence(made_from, test.frame["title"], test.label_names)
    measured = views(test, judged, confidence, thresholds)
    return (
        compare(measured, judged, groups, rounds, seed),
        per_label(measured, judged, test.label_names),
        f"People judged {judged.rows.sum():,} of {len(judged.rows):,} test images; {judged.scored.sum()} of "
        f"{len(judged.scored)} labels have a positive and a negative among them.",
    )


def per_label(
    measured: dict[str, tuple[np.ndarray, np.ndarray]], judged: Judged, label_names: list[str]
) -> pd.DataFrame:
    """One row for each view and label, against people: who, and the columns of metrics.per_label."""
    names = [name for name, scored in zip(label_names, judged.scored, strict=True) if scored]
    truth = judged.truth[:, judged.scored]
    tables = [metrics.per_label(truth, *view, names).assign(who=who) for who, view in measured.items()]
    found = pd.concat(tables, ignore_index=True)
    return found[["who", *(column for column in found if column != "who")]]
