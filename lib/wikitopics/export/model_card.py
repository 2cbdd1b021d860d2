"""MODEL_CARD.md: what a model is for, what it was made of, how good it is and where it is not."""

from wikitopics.export.facts import Facts
from wikitopics.export.figure_tables import label_table
from wikitopics.export.figures_told import figures, limits
from wikitopics.export.markdown import Markdown, between, cell, document, escaped, table
from wikitopics.export.rights_told import citation, files_told, licence, versions_table
from wikitopics.export.training_told import training
from wikitopics.export.words import label_words, source_words

USES = """\
- To propose topics for pictures that have none, to a person who looks at each before it counts.
- To see what a collection holds and lacks, as shares of pictures, with the errors below in mind.
- To compare sources of labels and ways to train: the question that it was made for."""
MISUSES = """\
- To decide anything about a person. A label says what a picture is about, never who or what somebody is.
- To delete, hide or rank pictures without a person's look.
- For pictures of another kind than those it learned from, without measuring it on some of them first: the
  figures below hold for pictures of the source named above, and for no other.
- To train on its labels as if people had given them.
- For topics that are not in the list: it knows no other, and a picture of none of them still gets scores."""
INTRO = (
    "Everything here was filled in by `wikitopics export` from the records of the runs that made the model, "
    "which are in this bundle under `runs/` and `evaluation/`. *missing* means that no record says it. The "
    "pictures are described in [DATA_CARD.md](DATA_CARD.md)."
)
TREE = (
    "A picture gets a label where its score is at least the label's threshold; `wikitopics score` adds the "
    "labels above it. Thresholds are on the scores as the network gives them, before calibration."
)


def model_card(facts: Facts) -> str:
    """The card as Markdown."""
    return document(
        f"Model card: {escaped(facts.settings.name)}", [*_first(facts), *figures(facts), *_last(facts)]
    )


def _first(facts: Facts) -> list[tuple[str, list[str]]]:
    labels = facts.chain.record("01_labels").get("parameters", {})
    learned = f"From the run `{facts.chain.labels.name}`, taxonomy {cell(labels.get('taxonomy'))}."
    return [
        ("", [INTRO, _summary(facts, labels)]),
        ("What it is for", [USES]),
        ("What it is not for", [MISUSES]),
        ("Labels and where they came from", [f"{learned} {label_words(labels)}", TREE, label_table(facts)]),
    ]


def _summary(facts: Facts, labels: dict) -> str:
    record, settings = facts.chain.record("03_train"), facts.settings
    given, engine = record.get("parameters", {}), record.get("engine", {})
    auc, f1 = facts.overall("macro roc_auc"), facts.overall("macro f1")
    shown, tested = cell(record.get("shown_images")), cell(facts.metrics.get("images"))
    rows = [
        ("takes", f"a picture, brought to {settings.side} x {settings.side} pixels"),
        ("gives", f"a score for each of {len(settings.label_names)} labels; several may hold"),
        (
            "is",
            f"{cell(given.get('backbone'))} with a head of {cell(given.get('head_units'))} units, in Keras ",
        ),
        ("learned from", f"{shown} pictures: {source_words(labels.get('source'))}"),
        ("macro ROC-AUC", f"{_told(auc)} on {tested} test pictures; 0.5 is chance"),
        ("macro F1", f"{_told(f1)} on the same; {cell(f1.get('label prior'))} for a constant answer"),
        ("by people's labels", f"macro ROC-AUC {_told(facts.human('macro roc_auc'))}"),
    ]
    rows[2] = ("is", rows[2][1] + cell(engine.get("keras")))
    return table(("in short", settings.name), [(name, Markdown(words)) for name, words in rows])


def _told(row: dict) -> str:
    return between(*map(row.get, ("value", "low", "high")))


def _last(facts: Facts) -> list[tuple[str, list[str]]]:
    gone = "".join(f"- {escaped(name)}\n" for name in facts.missing)
    return [
        ("Limits", [limits(facts)]),
        ("How it was trained", training(facts)),
        ("The files, and how far they agree", files_told(facts)),
        ("Versions", [versions_table(facts)]),
        ("Licence", [licence(facts)]),
        ("Citation", [citation()]),
        ("Records that are missing", [gone or "None."]),
    ]
