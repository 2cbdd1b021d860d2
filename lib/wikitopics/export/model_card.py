"""MODEL_CARD.md: what a model is for, what it was made of, how good it is and where it is not."""

from pathlib import Path

from wikitopics.export import figures_told as told
from wikitopics.export.facts import Facts
from wikitopics.export.markdown import Markdown, between, cell, document, escaped, table
from wikitopics.export.training_told import citation, files_table, licence, training, versions_table
from wikitopics.export.words import label_words, source_words

FEW, WEAK = 50, 0.75  # test pictures of a label below which its figures say little; a ROC-AUC that is low
USES = """\
- To propose topics for pictures that have none, to a person who looks at each before it counts.
- To see what a collection holds and lacks, as shares of pictures, with the errors below in mind.
- To compare sources of labels and ways to train: the question that it was made for."""
MISUSES = """\
- To decide anything about a person. A label such as People says what a picture is about, never who is on it.
- To delete, hide or rank pictures without a person's look.
- For pictures of another kind than those it learned from, without measuring it on some of them first: the
  figures below hold for pictures of the source named above, and for no other.
- To learn from its labels as if people had given them.
- For topics that are not in the list: it knows no other, and a picture of none of them still gets scores."""


def model_card(facts: Facts) -> str:
    """The card as Markdown."""
    name = facts.settings.name
    return document(f"Model card: {escaped(name)}", [*_first(facts), *_figures(facts), *_last(facts)])


def _first(facts: Facts) -> list[tuple[str, list[str]]]:
    labels = facts.chain.record("01_labels").get("parameters", {})
    intro = (
        "Everything here was filled in by `wikitopics export` from the records of the runs that made the model, "
        "which are in this bundle under `runs/` and `evaluation/`. *missing* means that no record says it. The "
        "pictures are described in [DATA_CARD.md](DATA_CARD.md)."
    )
    learned = (
        f"The labels come from the run `{facts.chain.labels.name}`, taxonomy "
        f"{cell(labels.get('taxonomy'))}. {label_words(labels)}"
    )
    tree = "A label brings those above it. A picture gets a label where its score is at least the threshold."
    return [
        ("", [intro, _summary(facts, labels)]),
        ("What it is for", [USES]),
        ("What it is not for", [MISUSES]),
        ("Labels and where they came from", [learned, tree, told.label_table(facts)]),
    ]


def _summary(facts: Facts, labels: dict) -> str:
    training, settings = facts.chain.record("03_train"), facts.settings
    backbone = training.get("parameters", {}).get("backbone")
    auc, f1, people = (
        facts.overall("macro roc_auc"),
        facts.overall("macro f1"),
        facts.human("macro roc_auc"),
    )
    rows = [
        ("takes", f"pictures of {settings.side} x {settings.side} pixels, made as README.md says"),
        ("gives", f"a score for each of {len(settings.label_names)} labels, several may hold"),
        ("is", f"{cell(backbone)} and a small head, {cell(training.get('engine', {}).get('keras'))} (Keras)"),
        (
            "learned from",
            Markdown(
                f"{cell(training.get('shown_images'))} pictures of {source_words(labels.get('source'))}"
            ),
        ),
        (
            "macro ROC-AUC",
            Markdown(f"{_told(auc)} on {cell(facts.metrics.get('images'))} test pictures; 0.5 is chance"),
        ),
        ("macro F1", Markdown(f"{_told(f1)}; {cell(f1.get('label prior'))} for a constant answer")),
        ("by people's labels", Markdown(f"macro ROC-AUC {_told(people)}")),
    ]
    return table(("in short", escaped(settings.name)), rows)


def _told(row: dict) -> str:
    return between(*map(row.get, ("value", "low", "high")))


def _figures(facts: Facts) -> list[tuple[str, list[str]]]:
    groups, rounds = (
        facts.metrics.get("groups"),
        facts.chain.record("04_evaluate").get("parameters", {}).get("rounds"),
    )
    how = (
        f"On {cell(facts.metrics.get('images'))} test pictures ({cell(groups)} groups of near duplicates), by the "
        f"labels of the source it learned from. Intervals are 95 %, from {cell(rounds)} resamples of groups. "
        "Thresholds were chosen on validation pictures and frozen before the test pictures were opened."
    )
    few = [row["label"] for row in facts.per_label if row["support"] < FEW]
    thin = (
        f"Fewer than {FEW} test pictures, so that intervals are wide: {escaped(', '.join(few))}."
        if few
        else ""
    )
    platt = (
        "`wikitopics score` calibrates each score s to 1 / (1 + exp(-(a ln(s / (1 - s)) + b))), by Platt's a and b of "
        "its label, fitted on validation pictures. Thresholds are on the scores as they come."
    )
    silence = (
        "A picture's sureness is the mean over labels of max(p, 1 - p), p calibrated. Answering only for the surest "
        "test pictures would have given:"
    )
    return [
        ("How good it is", [how, told.overall_table(facts)]),
        ("Label by label", [told.per_label_table(facts), thin]),
        ("On parts of the test pictures", [told.slice_table(facts)]),
        ("By people's labels", [_people(facts)]),
        ("Calibration", [platt, told.calibration_table(facts)]),
        ("When it is not sure", [silence, told.silence_table(facts)]),
        ("The tree of labels", [told.hierarchy_table(facts)]),
    ]


def _people(facts: Facts) -> str:
    if not facts.rows("human"):
        return "No labels by people are recorded for these test pictures: whether its labels are right is not known."
    text = (
        "People's labels, which nothing was trained on, judge the model and the source of its labels alike. *both* "
        "is the mean of the two."
    )
    return "\n\n".join([text, told.human_table(facts), told.human_label_table(facts)])


def _last(facts: Facts) -> list[tuple[str, list[str]]]:
    gone = "".join(f"- {escaped(name)}\n" for name in facts.missing)
    return [
        ("Limits", [_limits(facts)]),
        ("How it was trained", training(facts)),
        ("The files and how far they agree", files_table(facts)),
        ("Versions", [versions_table(facts)]),
        ("Licence", [licence(facts)]),
        ("Citation", [citation(Path(__file__).parents[3])]),
        ("Records that are missing", [gone or "None."]),
    ]


def _limits(facts: Facts) -> str:
    """What the figures themselves say against the model."""
    weak = [row["label"] for row in facts.per_label if (row.get("roc_auc_low") or 0) < WEAK]
    constant = [
        row["label"] for row in facts.per_label if (row.get("f1_low") or 0) <= (row.get("f1_always") or 0)
    ]
    source = facts.human("macro f1", "label source")
    slices = [row for row in facts.rows("slices") if row["images"] >= FEW]
    lines = []
    if weak:
        lines.append(f"Labels whose ROC-AUC may be below {WEAK} by its interval: {escaped(', '.join(weak))}.")
    if constant:
        lines.append(
            f"Labels whose F1 is not shown to be above that of always saying yes: {escaped(', '.join(constant))}."
        )
    if source:
        lines.append(
            f"The labels it learned from are not the truth: by people's, their own macro F1 is {_told(source)}."
        )
    if slices:
        worst = min(slices, key=lambda row: row["micro_f1"])
        lines.append(
            f"It is weakest on *{escaped(worst['slice'])}*: micro F1 {between(worst['micro_f1'], worst['low'], worst['high'])}."
        )
    lines.append(
        f"It sees {facts.settings.side} x {facts.settings.side} pixels: what is small in a picture is lost."
    )
    lines.append(
        "Intervals tell chance in the choice of test pictures; they do not tell how other pictures differ."
    )
    return "".join(f"- {line}\n" for line in lines)
