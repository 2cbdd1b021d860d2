"""DATA_CARD.md: where the pictures came from, whose they are, which were left out and why, and who labelled."""

import pandas as pd
import pyarrow.parquet as pq

from wikitopics import paths
from wikitopics.artefacts import read_table
from wikitopics.evaluate.prediction_checks import matrix
from wikitopics.export.chain import read_record
from wikitopics.export.facts import Facts, funnel, table_of
from wikitopics.export.markdown import Markdown, cell, document, escaped, table
from wikitopics.export.words import label_words, source_words

MANY = 200_000  # pictures whose creators are listed one by one
CREDITS = ["title", "creator", "licence", "split"]


def data_card(facts: Facts) -> str:
    """The card as Markdown."""
    pictures = pictures_of(facts)
    return document(
        f"Data card: the pictures of {escaped(facts.chain.images.name)}",
        [
            ("", [_intro(facts, pictures)]),
            ("Source", [_source(facts)]),
            ("Licences and creators", _licences(pictures)),
            ("Which files became pictures", _funnels(facts)),
            ("Splits and duplicates", _splits(facts)),
            ("Labels", _labels(facts)),
            ("Labels by people", [_people(facts)]),
            ("What the pictures are like", [_kinds(facts)]),
            ("Limits", [_limits(facts)]),
        ],
    )


def pictures_of(facts: Facts) -> pd.DataFrame:
    """title, creator, licence and split of every picture in the set; creator and licence may be missing."""
    pictures = read_table(facts.chain.images / "images.parquet", ["title", "split"])
    files = table_of(facts.chain.labels, "files.parquet", ["title", "creator", "licence"])
    return pictures.merge(files.drop_duplicates("title"), on="title", how="left")[CREDITS]


def _intro(facts: Facts, pictures: pd.DataFrame) -> str:
    return (
        f"{len(pictures):,} pictures that the model `{facts.settings.name}` was trained, tuned and tested with. The "
        "pictures are not in this bundle. Filled in by `wikitopics export` from the runs' records; *missing* means "
        "that no record says it."
    )


def _source(facts: Facts) -> str:
    said = read_record(facts.chain.labels, "source.json")
    options = ", ".join(f"{name} = {value}" for name, value in said.get("options", {}).items())
    name = said.get("source") or facts.chain.record("01_labels").get("parameters", {}).get("source")
    return f"`{cell(name)}`: {source_words(name)}." + (f" Options: {escaped(options)}." if options else "")


def _licences(pictures: pd.DataFrame) -> list[str]:
    counts = pictures["licence"].fillna("missing").replace("", "not said by the source").value_counts()
    known = pictures["creator"].fillna("").str.strip()
    where = (
        "Title, creator, licence and split of every picture are in [credits.csv](credits.csv)."
        if len(pictures) <= MANY
        else f"There are more than {MANY:,}, so they are not listed here: `files.parquet` of the labels run has them."
    )
    told = (
        f"{known[known != ''].nunique():,} creators are named; {(known == '').sum():,} pictures name none. {where} "
        "Who passes pictures on must keep to each one's licence; this bundle passes on none."
    )
    return [
        table(("licence", "pictures"), sorted(counts.items(), key=lambda item: (-item[1], item[0]))),
        told,
    ]


def _funnels(facts: Facts) -> list[str]:
    parts = []
    for name, folder in (("labels", facts.chain.labels), ("images", facts.chain.images)):
        rows = [
            (step["step"], step["files"], step["lost"] if step["lost"] is not None else "")
            for step in funnel(folder)
        ]
        parts += [f"In the {name} run `{folder.name}`:", table(("step", "files", "lost in it"), rows)]
    rejected = table_of(facts.chain.images, "rejected.parquet", ["reason"])["reason"].value_counts()
    notes = facts.chain.record("01_labels").get("notes") or {}
    parts.append("Files that are no usable picture, by reason:")
    parts.append(table(("reason", "files"), list(rejected.items())))
    return parts + ([table(("noted while labelling", "number"), list(notes.items()))] if notes else [])


def _splits(facts: Facts) -> list[str]:
    images, record = (
        read_table(facts.chain.images / "images.parquet", ["group", "split"]),
        facts.chain.record("02_images"),
    )
    rows = [(name, len(part), part["group"].nunique()) for name, part in images.groupby("split", sort=False)]
    doubles = table_of(facts.chain.images, "duplicates.parquet", ["kind"])["kind"].value_counts()
    bits = record.get("parameters", {}).get("near_duplicate_distance")
    told = (
        f"Exact duplicates left out: {doubles.get('exact', 0):,}. Near duplicates (hashes that differ in at most "
        f"{cell(bits)} of 64 bits) kept, in one group: {doubles.get('near', 0):,} pairs. Groups on two sides of a "
        f"split: {cell(record.get('groups on two sides'))}; equal pictures on two sides: "
        f"{cell(record.get('pictures on two sides'))}."
    )
    return [table(("split", "pictures", "groups"), sorted(rows, key=lambda row: -row[1])), told]


def _labels(facts: Facts) -> list[str]:
    record = facts.chain.record("01_labels").get("parameters", {})
    names = facts.settings.label_names
    counts = {}
    for split in ("validation", "test"):
        rows = pq.read_table(facts.chain.model / f"predictions_{split}.parquet", columns=["truth"])
        counts[split] = matrix(rows["truth"], len(names), split).sum(axis=0).astype(int).tolist()
    prior = facts.rows("prior") or [None] * len(names)
    others = [
        run for stage, run in facts.chain.runs if stage == "01_labels" and run != facts.chain.labels.name
    ]
    rule = facts.chain.record("02_images").get("parameters", {}).get("labelled_by")
    beside = (
        f"Which files became pictures also hung on the labels runs {', '.join(f'`{run}`' for run in others)}: \
{cell(rule)} of them had to label a file."
        if others
        else ""
    )
    rows = zip(names, prior, counts["validation"], counts["test"], strict=True)
    header = ("label", "share of training pictures", "validation pictures", "test pictures")
    learned = f"Learned from: the run `{facts.chain.labels.name}`, taxonomy {cell(record.get('taxonomy'))}. "
    return [learned + label_words(record), beside, table(header, list(rows))]


def _people(facts: Facts) -> str:
    parts = []
    for stage, run in facts.chain.runs:
        path = paths.run_folder(stage, run) / "human.parquet"
        if stage == "01_labels" and path.is_file():
            parts.append(
                f"{pq.read_metadata(path).num_rows:,} files have labels by people in the words of `{run}`."
            )
    agreed = facts.chain.record("01_labels").get("two_people")
    if not parts:
        return "No labels by people are recorded."
    parts.append("They were used to judge, never to train.")
    parts.append(
        f"Two people agree with a micro F1 of {cell(agreed)}."
        if agreed is not None
        else "How far two people would agree is missing: one judgement a file is recorded."
    )
    return " ".join(parts)


def _kinds(facts: Facts) -> str:
    images = read_table(facts.chain.images / "images.parquet", ["width", "height", "format"])
    longest = images[["width", "height"]].max(axis=1)
    rows = [(f"file type {name}", int(count)) for name, count in images["format"].value_counts().items()]
    rows += [
        (Markdown(f"longest side, {words}"), int(longest.quantile(share)))
        for words, share in (("smallest (pixels)", 0), ("median (pixels)", 0.5), ("largest (pixels)", 1))
    ]
    return table(("as found", "number"), rows)


def _limits(facts: Facts) -> str:
    record = facts.chain.record("02_images").get("parameters", {})
    lines = [
        f"Pictures were brought to {facts.settings.side} x {facts.settings.side} pixels ({cell(record.get('fit'))}).",
        "Labels of the source are no judgement of the picture by a person; the model card says how they fare by people.",
        "Creators and licences are as the source states them; nobody checked them again.",
        "What the source does not hold (its languages, places, times and makers) the model has not seen.",
    ]
    return "".join(f"- {line}\n" for line in lines)
