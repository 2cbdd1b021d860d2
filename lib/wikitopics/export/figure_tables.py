"""The figures of a model card: over all labels, label by label, by slice, by people, sure and unsure."""

from wikitopics.export.facts import Facts
from wikitopics.export.markdown import Markdown, between, table

OVERALL = {
    "macro roc_auc": "macro ROC-AUC",
    "micro roc_auc": "micro ROC-AUC",
    "macro average_precision": "macro average precision",
    "macro f1": "macro F1",
    "micro f1": "micro F1",
    "micro precision": "micro precision",
    "micro recall": "micro recall",
    "subset accuracy": "pictures with exactly the right labels",
    "hamming": "share of wrong (picture, label) pairs (lower is better)",
}
PER_LABEL = ["precision", "recall", "f1", "roc_auc", "average_precision"]
SILENCE = (1.0, 0.9, 0.8, 0.65, 0.5)


def overall_table(facts: Facts) -> str:
    """Metrics over all labels with their intervals, beside answers that do not look at the picture."""
    rows = []
    for metric, words in OVERALL.items():
        found = facts.overall(metric)
        if found:
            value = between(found["value"], found["low"], found["high"])
            rows.append((words, value, found.get("label prior"), found.get("predict none")))
    return table(("on test pictures", "value (95 % interval)", "always the label prior", "no label"), rows)


def per_label_table(facts: Facts) -> str:
    """One row a label: how often it is there, and its figures with intervals."""
    rows = [
        (row["label"], row["support"], *(_with_interval(row, name) for name in PER_LABEL))
        for row in facts.per_label
    ]
    return table(("label", "pictures", "precision", "recall", "F1", "ROC-AUC", "average precision"), rows)


def human_table(facts: Facts) -> str:
    """The model, its label source and both against people's labels."""
    metrics = ("macro roc_auc", "macro f1", "macro precision", "macro recall")
    who = dict.fromkeys(row["who"] for row in facts.rows("human"))
    rows = []
    for name in who:
        found = [facts.human(metric, name) for metric in metrics]
        rows.append((name, *(between(*map(row.get, ("value", "low", "high"))) for row in found)))
    return table(("by people's labels", "macro ROC-AUC", "macro F1", "macro precision", "macro recall"), rows)


def human_label_table(facts: Facts) -> str:
    """The model against people, label by label (no intervals are recorded)."""
    rows = [row for row in facts.rows("human_per_label") if row["who"] == "image model"]
    names = ("label", "support", "precision", "recall", "f1", "roc_auc")
    return table(
        ("label", "pictures", "precision", "recall", "F1", "ROC-AUC"), [map(row.get, names) for row in rows]
    )


def slice_table(facts: Facts) -> str:
    """Micro-F1 on parts of the test pictures."""
    rows = [
        (r["slice"], r["images"], between(r["micro_f1"], r["low"], r["high"])) for r in facts.rows("slices")
    ]
    return table(("part of the test pictures", "pictures", "micro F1 (95 % interval)"), rows)


def calibration_table(facts: Facts) -> str:
    """How far scores are from shares, before and after calibration."""
    rows = [(row["scores"], row["ece"], row["brier"]) for row in facts.rows("calibration")]
    return table(("scores", "expected calibration error", "Brier score"), rows)


def silence_table(facts: Facts) -> str:
    """Quality on the pictures that the model is surest of."""
    kept = [row for row in facts.silence if any(abs(row["coverage"] - share) < 0.01 for share in SILENCE)]
    rows = [(Markdown(f"{row['coverage']:.0%}"), row["micro_f1"], row["hamming"]) for row in reversed(kept)]
    return table(("answered", "micro F1", "share of wrong pairs"), rows)


def hierarchy_table(facts: Facts) -> str:
    """Does the model contradict the tree of labels?"""
    return table(("measure", "value"), [(r["measure"], _plain(r["value"])) for r in facts.rows("hierarchy")])


def label_table(facts: Facts) -> str:
    """Labels in the order of the scores: what lies above, threshold, calibration, share in training."""
    settings, prior = facts.settings, dict(zip(facts.settings.label_names, facts.rows("prior"), strict=False))
    rows = [
        (
            place,
            name,
            settings.parents[name] or "-",
            float(threshold),
            Markdown(f"{a:.3f}, {b:.3f}"),
            prior.get(name),
        )
        for place, (name, threshold, (a, b)) in enumerate(
            zip(settings.label_names, settings.thresholds, settings.platt, strict=True)
        )
    ]
    header = ("place", "label", "lies below", "threshold", "Platt's a, b", "share of training pictures")
    return table(header, rows)


def _with_interval(row: dict, name: str) -> Markdown:
    return between(row.get(name), row.get(f"{name}_low"), row.get(f"{name}_high"), 2)


def _plain(value: float | None) -> float | int | None:
    return int(value) if value is not None and float(value).is_integer() and value > 1 else value
