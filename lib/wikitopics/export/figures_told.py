"""The part of a model card that says how good the model is, what that means, and what speaks against it."""

from wikitopics.artefacts import read_table
from wikitopics.export import figure_tables as tables
from wikitopics.export.facts import Facts, table_of
from wikitopics.export.markdown import between, cell, escaped
from wikitopics.export.words import people_words
from wikitopics.scoring.topics import ABSTAIN, least_sure

FEW, WEAK = 50, 0.75  # test pictures below which a figure says little; a ROC-AUC that is low
MEANING = (
    "*ROC-AUC* is the chance that a picture with the label scores above one without it. *Precision* is the "
    "share of given labels that are right, *recall* the share of right labels that are given, *F1* their "
    "harmonic mean. *Macro* figures are means over labels, so that rare ones count as much; *micro* ones "
    "count every (picture, label) pair once."
)
PLATT = (
    "`wikitopics score` turns a score s into the probability 1 / (1 + exp(-(a ln(s / (1 - s)) + b))), by "
    "Platt's a and b of its label, fitted on validation pictures. On the test pictures, lower is better:"
)


def figures(facts: Facts) -> list[tuple[str, list[str]]]:
    """Sections of the card: headings and their paragraphs."""
    few = [row["label"] for row in facts.per_label if row["support"] < FEW]
    thin = f"Fewer than {FEW} test pictures have {escaped(', '.join(few))}: wide intervals." if few else ""
    tree = "A contradiction is a picture's label that is surer than one above it, or is given without it."
    return [
        ("How good it is", [_how(facts), tables.overall_table(facts), MEANING]),
        ("Label by label", [tables.per_label_table(facts), thin]),
        ("On parts of the test pictures", [tables.slice_table(facts)]),
        ("By people's labels", _people(facts)),
        ("Calibration", [PLATT, tables.calibration_table(facts)]),
        ("When it is not sure", [_silence(facts), tables.silence_table(facts)]),
        ("The tree of labels", [tree, tables.hierarchy_table(facts)]),
    ]


def _how(facts: Facts) -> str:
    rounds = facts.chain.record("04_evaluate").get("parameters", {}).get("rounds")
    return (
        f"On {cell(facts.metrics.get('images'))} test pictures ({cell(facts.metrics.get('groups'))} groups "
        "of near duplicates), judged by the labels of the source it learned from. Intervals are 95 %, from "
        f"{cell(rounds)} resamples of groups. Thresholds were chosen on validation pictures and frozen "
        "before the test pictures were opened. Beside it stand answers that do not look at the picture."
    )


def _people(facts: Facts) -> list[str]:
    if not facts.rows("human"):
        return [
            "No labels by people are recorded for these test pictures: whether its labels are right is "
            "unknown."
        ]
    titles = read_table(facts.chain.model / "predictions_test.parquet", ["title"])["title"]
    judged = titles.isin(table_of(facts.chain.labels, "human.parquet", ["title"])["title"]).sum()
    source = facts.chain.record("01_labels").get("parameters", {}).get("source")
    told = (
        f"{judged:,} of {len(titles):,} test pictures have labels by people: {people_words(source)}. Nothing "
        "was trained on them. They judge the model and the source of its labels alike; *both* is the mean "
        "of the two."
    )
    return [
        told,
        tables.human_table(facts),
        "The model alone, label by label:",
        tables.human_label_table(facts),
    ]


def _silence(facts: Facts) -> str:
    return (
        "A picture's sureness is the mean over labels of max(p, 1 - p) for its probabilities p. `wikitopics "
        f"score` gives no label below a sureness of {least_sure(facts.settings, ABSTAIN):.3f}, as "
        f"{ABSTAIN:.0%} of the validation pictures had. Answering only for the surest test pictures would "
        "have given:"
    )


def limits(facts: Facts) -> str:
    """What the figures themselves say against the model, as a list."""
    lines = [*_weak_labels(facts), *_weak_parts(facts)]
    side = facts.settings.side
    lines.append(f"It sees {side} x {side} pixels: what is small in a picture is lost.")
    lines.append("Intervals tell chance in the choice of test pictures, not how pictures elsewhere differ.")
    return "".join(f"- {line}\n" for line in lines)


def _weak_labels(facts: Facts) -> list[str]:
    weak = [row["label"] for row in facts.per_label if (row.get("roc_auc_low") or 0) < WEAK]
    vain = [
        row["label"] for row in facts.per_label if (row.get("f1_low") or 0) <= (row.get("f1_always") or 0)
    ]
    lines = [f"ROC-AUC may be below {WEAK}, by its interval: {escaped(', '.join(weak))}."] if weak else []
    return lines + (
        [f"F1 is not shown to beat always saying yes: {escaped(', '.join(vain))}."] if vain else []
    )


def _weak_parts(facts: Facts) -> list[str]:
    source = facts.human("macro f1", "label source")
    parts = [row for row in facts.rows("slices") if row["images"] >= FEW]
    lines = []
    if source:
        told = between(*map(source.get, ("value", "low", "high")))
        lines.append(
            f"The labels it learned from are not the truth: by people's, their own macro F1 is {told}."
        )
    if len(parts) > 1:
        worst = min(parts, key=lambda row: row["micro_f1"])
        told = between(*map(worst.get, ("micro_f1", "low", "high")))
        lines.append(f"It is weakest on the part *{escaped(worst['slice'])}*: micro F1 {told}.")
    return lines
