"""The tables of 04_evaluate: each value with its interval and with the baselines' values."""

import math
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from wikitopics.artefacts import finished_run, read_json, write_json, write_table
from wikitopics.errors import UserError
from wikitopics.evaluate import calibration, intervals, metrics, thresholds
from wikitopics.evaluate.bootstrap import Resamples
from wikitopics.evaluate.predictions import Predictions

# The columns that are read; the table on disk has the intervals too.
SHOWN = ["label", "support", "predicted", "precision", "recall", "f1", "f1_always", "roc_auc"]
SHOWN += ["average_precision", "prevalence", "lift"]

PRIOR, NONE = "label prior", "predict none"


def overall(
    test: Predictions, thresholds: np.ndarray, drawn: Resamples, beside: dict[str, dict[str, float]]
) -> pd.DataFrame:
    """One row a metric as metrics.overall has them: metric, value, low, high (95 %), one column a baseline.

    `beside` is baseline_overall(...). Coverage and LRAP have no interval (NaN), nor has what rests on too few
    positives (intervals.FEWEST).
    """
    values = metrics.overall(test.truth, test.scores, thresholds)
    table = pd.DataFrame({"metric": list(values), "value": list(values.values())})
    bounds = intervals.overall(test.truth, test.scores, values, drawn.overall)
    for column, side in (("low", 0), ("high", 1)):
        table[column] = [bounds[name][side] if name in bounds else np.nan for name in values]
    for name, found in beside.items():
        table[name] = [found[metric] for metric in values]
    return table


def per_label(test: Predictions, thresholds: np.ndarray, drawn: Resamples) -> pd.DataFrame:
    """One row a label: metrics.per_label with intervals, baselines and calibration.

    NAME_low/NAME_high for precision, recall, f1, roc_auc and average_precision, the constant answer's
    f1_always and average_precision_prior, and ece, brier, brier_prior.
    """
    table = metrics.per_label(test.truth, test.scores, thresholds, test.label_names)
    found = intervals.per_label(test.truth, test.scores, table, drawn.per_label)
    for name, (low, high) in found.items():
        table[f"{name}_low"], table[f"{name}_high"] = low, high
    others = baseline_per_label(test.truth), calibration.per_label(test.truth, test.scores)
    return pd.concat([table, *others], axis=1)


def labels_per_image(truth: np.ndarray, predicted: np.ndarray) -> pd.DataFrame:
    """How many images have 0, 1, 2 ... labels: labels, true, predicted (numbers of images)."""
    had, said = np.asarray(truth).sum(axis=1), np.asarray(predicted).sum(axis=1)
    top = int(max(had.max(initial=0), said.max(initial=0))) + 1
    return pd.DataFrame(
        {
            "labels": np.arange(top),
            "true": np.bincount(had, minlength=top),
            "predicted": np.bincount(said, minlength=top),
        }
    )


def curves(truth: np.ndarray, scores: np.ndarray, label_names: list[str], points: int = 60) -> pd.DataFrame:
    """ROC and precision-recall curves of each label and of all pairs together ("micro").

    Returns label, curve ("roc" or "pr"), x, y, threshold; at most about `points` rows a curve.
    roc: x false positive rate, y true positive rate; pr: x recall, y precision. A label without a positive
    (or without a negative) has no curve.
    """
    columns = [(name, truth[:, i], scores[:, i]) for i, name in enumerate(label_names)]
    columns.append(("micro", np.ravel(truth), np.ravel(scores)))
    return pd.concat(
        [_curve(name, hits, values, points) for name, hits, values in columns if 0 < hits.sum() < len(hits)]
        or [pd.DataFrame(columns=["label", "curve", "x", "y", "threshold"])],
        ignore_index=True,
    )


def _curve(name: str, truth: np.ndarray, scores: np.ndarray, points: int) -> pd.DataFrame:
    order = np.argsort(-scores, kind="stable")
    ends = np.append(np.flatnonzero(np.diff(scores[order])), len(order) - 1)
    positives = np.cumsum(truth[order], dtype=np.float64)[ends]
    ends, positives = _thin(ends, positives, points)
    recall, threshold = positives / truth.sum(), scores[order][ends].astype(np.float64)
    false_rate = (ends + 1 - positives) / (len(truth) - truth.sum())
    roc = {"x": np.append(0, false_rate), "y": np.append(0, recall), "threshold": np.append(1, threshold)}
    pr = {"x": recall, "y": positives / (ends + 1), "threshold": threshold}
    return pd.concat(
        [
            pd.DataFrame({"label": name, "curve": "roc"} | roc),
            pd.DataFrame({"label": name, "curve": "pr"} | pr),
        ]
    )


def _thin(ends: np.ndarray, positives: np.ndarray, points: int) -> tuple[np.ndarray, np.ndarray]:
    """Every k-th point and the last: enough for the eye, small in the executed notebook."""
    keep = np.unique(np.append(np.arange(0, len(ends), max(1, len(ends) // points)), len(ends) - 1))
    return ends[keep], positives[keep]


def write(folder: Path, found: dict[str, Any], **written: pd.DataFrame) -> None:
    """Write metrics.json with what was `found` into a run's folder, and each table as NAME.parquet."""
    for name, table in written.items():
        write_table(folder / f"{name}.parquet", table)
    write_json(folder / "metrics.json", plain(found))


def plain(value: Any) -> Any:
    """The value in JSON's types: NumPy numbers become Python's, NaN becomes None, a table a list of rows.

    >>> plain({"a": np.float64("nan"), "b": np.array([1, 2])})
    {'a': None, 'b': [1, 2]}
    """
    if isinstance(value, pd.DataFrame):
        return plain(value.to_dict("records"))
    if isinstance(value, dict):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple, np.ndarray)):
        return [plain(item) for item in value]
    if isinstance(value, np.generic):
        value = value.item()
    return None if isinstance(value, float) and not math.isfinite(value) else value


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


def baseline_overall(
    validation: Predictions, test: Predictions, prior: np.ndarray, rule: str
) -> dict[str, dict]:
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


def baseline_per_label(truth: np.ndarray) -> pd.DataFrame:
    """Each label's scores for a constant answer: f1_always (say yes to every image), average_precision_prior.

    With prevalence p they are 2p / (1 + p) and p; ROC-AUC is 0.5 for any constant.
    """
    prevalence = np.asarray(truth, dtype=np.float64).mean(axis=0)
    some = np.where(prevalence > 0, prevalence, np.nan)
    return pd.DataFrame({"f1_always": 2 * some / (1 + some), "average_precision_prior": some})


# --- What was found, in sentences


def in_words(
    overall: pd.DataFrame,
    per_label: pd.DataFrame,
    by_image: pd.DataFrame,
    calibrated: pd.DataFrame,
    human: pd.DataFrame,
) -> list[str]:
    """What this run showed and what of it is to be doubted, a sentence each, from the tables of 04."""
    values = overall.set_index("metric")
    sentences = [
        f"Macro ROC-AUC is {_beside_prior(values.loc['macro roc_auc'])}; "
        f"micro F1 is {_beside_prior(values.loc['micro f1'])}.",
        _labels_told(per_label),
        _parts_told(by_image),
        _calibration_told(calibrated),
        _people_told(human),
    ]
    return [sentence for sentence in sentences if sentence]


def _between(row: pd.Series, value: str = "value", start: str = "") -> str:
    """A value with its interval, where one holds."""
    ends = row[f"{start}low"], row[f"{start}high"]
    told = f"{row[value]:.3f}"
    return told if any(pd.isna(end) for end in ends) else f"{told} [{ends[0]:.3f}, {ends[1]:.3f}]"


def _beside_prior(row: pd.Series) -> str:
    return f"{_between(row)}, that of the label prior {row[PRIOR]:.3f}"


def _labels_told(per_label: pd.DataFrame) -> str:
    """Best and worst label; those with too few images, without skill, or no better than always yes."""
    known = per_label.dropna(subset=["roc_auc", "roc_auc_low"])
    few = len(per_label) - len(known)
    told = []
    if len(known) > 1:
        ends = known.loc[known["roc_auc"].idxmax()], known.loc[known["roc_auc"].idxmin()]
        best, worst = (f"{row['label']} ({_between(row, 'roc_auc', 'roc_auc_')})" for row in ends)
        told.append(f"In ROC-AUC {best} is ranked best and {worst} worst")
    if few:
        told.append(f"{few} of {len(per_label)} labels have too few test images for an interval")
    blind = ", ".join(known.loc[known["roc_auc_low"] <= 0.5, "label"])
    if blind:
        told.append(f"no skill is shown for {blind}")
    always = ", ".join(per_label.loc[per_label["f1"] < per_label["f1_always"], "label"])
    if always:
        told.append(f"at its threshold no better than yes to every image: {always}")
    return "; ".join(told) + "." if told else ""


def _parts_told(by_image: pd.DataFrame) -> str:
    parts = by_image.iloc[1:].dropna(subset=["p_holm"])
    if parts.empty:
        return ""
    worst = parts.loc[parts["micro_f1"].idxmin()]
    beyond = "more than chance" if worst["p_holm"] < intervals.SIGNIFICANCE else "which may be chance"
    return (
        f"Worst of {len(parts)} parts of the test set is {worst['slice']} ({worst['images']:,} images): "
        f"micro F1 {worst['micro_f1']:.3f}, that of the other images {worst['others']:.3f}, {beyond} "
        f"(p {worst['p_holm']:.3f}, corrected for {len(parts)})."
    )


def _calibration_told(calibrated: pd.DataFrame) -> str:
    raw, best = calibrated.iloc[0], calibrated.loc[calibrated["ece"].idxmin()]
    told = f"A score is off by {raw['ece']:.3f} on average (ECE)"
    return (
        f"{told}; {best['scores']} makes that {best['ece']:.3f}." if best["ece"] < raw["ece"] else f"{told}."
    )


def _people_told(human: pd.DataFrame) -> str:
    if human.empty:
        return "What people would say of these test images is not known."
    f1 = human[human["metric"] == "micro f1"].set_index("who")
    told = ", ".join(f"{who} {_between(f1.loc[who])}" for who in f1.index)
    return f"Against people, in micro F1: {told}."
