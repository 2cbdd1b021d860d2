"""Files with their labels from any source, and what notebook 01 writes of them."""

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from wikitopics.artefacts import write_json, write_table
from wikitopics.errors import UserError
from wikitopics.labels.taxonomy import Taxonomy

FILE_COLUMNS = ["title", "path", "creator", "licence", "categories", "articles"]


@dataclass(frozen=True)
class Labelled:
    """Files with their labels.

    labels: title, labels (list, in label_names order), scores (float32 in [0, 1]), evidence (int); one row
    per file, in the files' order. why: one row per file and label (`why.COLUMNS`), empty for "given".
    steps: the funnel, what is left -> files. notes: what could not be used -> count.
    """

    taxonomy: Taxonomy
    labels: pd.DataFrame
    why: pd.DataFrame
    steps: dict[str, int]
    notes: dict[str, int]

    @property
    def label_names(self) -> tuple[str, ...]:
        """The labels in their frozen order."""
        return self.taxonomy.label_names


def keep_frequent(labelled: Labelled, min_images: int) -> Labelled:
    """The same without the labels that fewer than `min_images` files have; they are counted in the notes.

    A label above a kept one has at least as many files, so the hierarchy stays whole.
    """
    counts = labelled.labels["labels"].explode().value_counts()
    kept = [name for name in labelled.label_names if counts.get(name, 0) >= min_images]
    if not kept:
        raise UserError(
            f"min_images must leave a label, but no label has {min_images} files (the most frequent has "
            f"{counts.max() if len(counts) else 0}); lower it or look at the funnel"
        )
    old = labelled.taxonomy
    taxonomy = replace(
        old,
        label_names=tuple(kept),
        parents={name: old.parents[name] for name in kept},
        anchors={name: old.anchors[name] for name in kept},
    )
    labels = _restricted(labelled.labels, set(kept))
    left = {f"with a label that {min_images} files have": int((labels["labels"].map(len) > 0).sum())}
    dropped = len(old.label_names) - len(kept)
    return Labelled(
        taxonomy,
        labels,
        labelled.why[labelled.why["label"].isin(kept)].reset_index(drop=True),
        {**labelled.steps, **(left if min_images > 1 else {})},
        {**labelled.notes, **({f"labels with fewer than {min_images} files": dropped} if dropped else {})},
    )


def _restricted(labels: pd.DataFrame, kept: set[str]) -> pd.DataFrame:
    masks = [np.array([name in kept for name in names], dtype=bool) for names in labels["labels"]]
    pairs = zip(labels["labels"], labels["scores"], masks, strict=True)
    rows = [
        ([n for n, k in zip(names, mask, strict=True) if k], scores[mask]) for names, scores, mask in pairs
    ]
    return labels.assign(labels=[names for names, _ in rows], scores=[scores for _, scores in rows])


def human_labels(people: pd.DataFrame | None, taxonomy: Taxonomy) -> pd.DataFrame | None:
    """What people said (title, labels), in this run's labels and closed upward; None where nobody did.

    Labels that the run does not have are left out; a file stays even if none is left.
    """
    if people is None:
        return None
    return pd.DataFrame({"title": people["title"], "labels": known_labels(people["labels"], taxonomy)})


def known_labels(labels: pd.Series, taxonomy: Taxonomy) -> pd.Series:
    """Each list of labels without those that the run does not have, closed upward."""
    known = labels.map(lambda names: [name for name in names if name in taxonomy.parents])
    return known.map(taxonomy.close)


def funnel(labelled: Labelled) -> pd.DataFrame:
    """How many files are left after each step: step, files."""
    return pd.DataFrame({"step": list(labelled.steps), "files": list(labelled.steps.values())})


def write_labels(
    folder: Path, files: pd.DataFrame, labelled: Labelled, human: pd.DataFrame | None, source: dict[str, Any]
) -> None:
    """Write the artefacts of stage 01 into `folder`; `source` is what `sources.describe` gives."""
    write_table(folder / "files.parquet", files[FILE_COLUMNS])
    write_table(folder / "labels.parquet", labelled.labels)
    write_table(folder / "why.parquet", labelled.why)
    if human is not None:
        write_table(folder / "human.parquet", human)
    else:
        (folder / "human.parquet").unlink(missing_ok=True)  # of an earlier run of this name
    taxonomy = labelled.taxonomy
    names = {"label_names": list(taxonomy.label_names), "parents": taxonomy.parents}
    write_json(folder / "label_names.json", {"taxonomy": taxonomy.name, **names})
    write_json(folder / "source.json", source)
    write_json(folder / "funnel.json", funnel(labelled).to_dict("records"))
