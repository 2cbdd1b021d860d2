"""DATA_CARD.md: where pictures came from, whose they are, which were left out and why, and who labelled."""

import pandas as pd
import pyarrow.parquet as pq

from wikitopics import paths
from wikitopics.artefacts import read_table
from wikitopics.export.chain import read_record
from wikitopics.export.data_tables import funnels, kinds_table, label_counts_table, splits
from wikitopics.export.facts import Facts, table_of
from wikitopics.export.markdown import cell, document, escaped, table
from wikitopics.export.words import label_words, people_words, source_words

MANY = 200_000  # pictures whose creators are listed one by one
CREDITS = ["title", "creator", "licence", "split"]


def data_card(facts: Facts) -> str:
    """The card as Markdown."""
    pictures = pictures_of(facts)
    sections = [
        ("", [_intro(facts, pictures)]),
        ("Source", [_source(facts)]),
        ("Licences and creators", _licences(pictures)),
        ("Which files became pictures", funnels(facts)),
        ("Splits and duplicates", splits(facts)),
        ("Labels", _labels(facts)),
        ("Labels by people", [_people(facts)]),
        ("What the files are like", [kinds_table(facts)]),
        ("Limits", [_limits(facts)]),
    ]
    return document(f"Data card: the image set {escaped(facts.chain.images.name)}", sections)


def pictures_of(facts: Facts) -> pd.DataFrame:
    """title, creator, licence and split of every picture in the set; creator and licence may be missing."""
    pictures = read_table(facts.chain.images / "images.parquet", ["title", "split"])
    columns = ["title", "creator", "licence"]
    files = table_of(facts.chain.labels, "files.parquet", columns, pictures["title"])
    return pictures.merge(files.drop_duplicates("title"), on="title", how="left")[CREDITS]


def _intro(facts: Facts, pictures: pd.DataFrame) -> str:
    return (
        f"{len(pictures):,} pictures with which the model `{facts.settings.name}` was trained, tuned and "
        "tested. The pictures are not in this bundle. Filled in by `wikitopics export` from the records of "
        "the runs; *missing* means that no record says it."
    )


def _source(facts: Facts) -> str:
    said = read_record(facts.chain.labels, "source.json")
    options = ", ".join(f"{name} = {value}" for name, value in said.get("options", {}).items() if value)
    name = said.get("source") or facts.chain.record("01_labels").get("parameters", {}).get("source")
    return f"`{cell(name)}`: {source_words(name)}." + (f" Options: {escaped(options)}." if options else "")


def _licences(pictures: pd.DataFrame) -> list[str]:
    counts = pictures["licence"].fillna("missing").replace("", "the source names none").value_counts()
    creators = pictures["creator"].fillna("").str.strip()
    where = "Title, creator, licence and split of each picture are in [credits.csv](credits.csv)."
    if len(pictures) > MANY:
        where = f"More than {MANY:,} are not listed here: `files.parquet` of the labels run has each."
    told = (
        f"{creators[creators != ''].nunique():,} creators are named; {(creators == '').sum():,} pictures "
        f"name none. {where} Whoever passes pictures on must keep to the licence of each; this bundle passes "
        "none on."
    )
    return [
        table(("licence", "pictures"), sorted(counts.items(), key=lambda item: (-item[1], item[0]))),
        told,
    ]


def _labels(facts: Facts) -> list[str]:
    record = facts.chain.record("01_labels").get("parameters", {})
    learned = f"From the run `{facts.chain.labels.name}`, taxonomy {cell(record.get('taxonomy'))}."
    runs = [run for stage, run in facts.chain.runs if stage == "01_labels"]
    rule = facts.chain.record("02_images").get("parameters", {}).get("labelled_by")
    beside = f"A file became a picture only if {cell(rule)} of these runs had labelled it: {', '.join(runs)}."
    return [f"{learned} {label_words(record)}", beside if len(runs) > 1 else "", label_counts_table(facts)]


def _people(facts: Facts) -> str:
    parts = []
    for stage, run in facts.chain.runs:
        path = paths.run_folder(stage, run) / "human.parquet"
        if stage == "01_labels" and path.is_file():
            files = pq.read_metadata(path).num_rows
            parts.append(f"{files:,} files have labels by people in the words of the run `{run}`.")
    if not parts:
        return "No labels by people are recorded."
    record = facts.chain.record("01_labels")
    agreed = record.get("two_people")
    parts.append(f"They are {people_words(record.get('parameters', {}).get('source'))}.")
    parts.append("They were used to judge, never to train.")
    known = f"Two people agree with a micro F1 of {cell(agreed)}."
    return " ".join([*parts, known if agreed is not None else "How far two people would agree is missing."])


def _limits(facts: Facts) -> str:
    fit = facts.chain.record("02_images").get("parameters", {}).get("fit")
    how = {"pad": "whole, white beside them", "stretch": "stretched to a square"}.get(fit, cell(fit))
    side = facts.settings.side
    lines = [
        f"Pictures were brought to {side} x {side} pixels, {how}.",
        "A label of the source is no person's judgement of the picture; the model card compares them.",
        "Creators and licences are as the source states them; nobody checked them again.",
        "Duplicates were found by looks: two pictures of one thing may be on two sides of the split.",
        "What the source does not hold (languages, places, times, makers) the model has not seen.",
    ]
    return "".join(f"- {line}\n" for line in lines)
