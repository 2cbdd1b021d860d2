"""The tables of a data card: files step by step, splits and duplicates, labels by split, kinds of files."""

import pyarrow.parquet as pq

from wikitopics.artefacts import read_table
from wikitopics.evaluate.prediction_checks import matrix
from wikitopics.export.facts import Facts, funnel, table_of
from wikitopics.export.markdown import cell, table


def funnels(facts: Facts) -> list[str]:
    """Files left after each step of 01 and 02, and why files were no usable picture."""
    parts = []
    for name, folder in (("labels", facts.chain.labels), ("images", facts.chain.images)):
        rows = [(step["step"], step["files"], _or(step["lost"], "")) for step in funnel(folder)]
        parts += [f"In the {name} run `{folder.name}`:", table(("step", "files left", "lost in it"), rows)]
    rejected = table_of(facts.chain.images, "rejected.parquet", ["reason"])["reason"].value_counts()
    rows = sorted(rejected.items(), key=lambda item: (-item[1], item[0]))
    parts += ["Files that are no usable picture:", table(("reason", "files"), rows)]
    notes = facts.chain.record("01_labels").get("notes") or {}
    if notes:
        parts += ["Noted while labelling:", table(("what", "number"), list(notes.items()))]
    return parts


def splits(facts: Facts) -> list[str]:
    """How many pictures learned, chose and judged, and what is known of duplicates among them."""
    images = read_table(facts.chain.images / "images.parquet", ["group", "split"])
    rows = []
    for name in ("train", "validation", "test"):
        groups = images["group"][images["split"] == name]
        rows.append((name, len(groups), groups.nunique()))
    record = facts.chain.record("02_images")
    kinds = table_of(facts.chain.images, "duplicates.parquet", ["kind"])["kind"].value_counts()
    bits = record.get("parameters", {}).get("near_duplicate_distance")
    told = (
        f"Exact duplicates left out: {kinds.get('exact', 0):,}. Near duplicates (hashes that differ in at "
        f"most {cell(bits)} of 64 bits) kept, in one group: {kinds.get('near', 0):,} pairs. Groups on two "
        f"sides of a split: {cell(record.get('groups on two sides'))}; equal pictures on two sides: "
        f"{cell(record.get('pictures on two sides'))}."
    )
    return [table(("split", "pictures", "groups"), rows), told]


def label_counts_table(facts: Facts) -> str:
    """How often each label is there in training, validation and test."""
    names, counts = facts.settings.label_names, []
    for split in ("validation", "test"):
        truth = pq.read_table(facts.chain.model / f"predictions_{split}.parquet", columns=["truth"])["truth"]
        counts.append(matrix(truth, len(names), f"truth of {split}").sum(axis=0).astype(int).tolist())
    prior = facts.rows("prior") or [None] * len(names)
    header = ("label", "share of training pictures", "validation pictures", "test pictures")
    return table(header, list(zip(names, prior, *counts, strict=True)))


def kinds_table(facts: Facts) -> str:
    """File types and sizes as found, of the files that became pictures."""
    images = read_table(facts.chain.images / "images.parquet", ["width", "height", "format"])
    longest = images[["width", "height"]].max(axis=1)
    rows = [(f"files of type {name}", int(count)) for name, count in images["format"].value_counts().items()]
    for words, share in (("smallest", 0), ("median", 0.5), ("largest", 1)):
        rows.append((f"longest side, {words} (pixels)", int(longest.quantile(share))))
    return table(("as found", "number"), rows)


def _or(value, other):
    return other if value is None else value
