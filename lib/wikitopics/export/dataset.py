"""Pictures of a run with their labels as a data set for others: which of them, and what is told of each."""

from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

import pandas as pd

from wikitopics import paths
from wikitopics.artefacts import RECORD, finished_run, read_json, read_table
from wikitopics.errors import UserError
from wikitopics.export.facts import check_inputs, table_of
from wikitopics.export.licences import left_out, licence_of
from wikitopics.images.exact_copies import labels_of_kept
from wikitopics.params import check_run_name
from wikitopics.sources import file_page


@dataclass(frozen=True)
class Chosen:
    """The pictures of a run and what is known of each.

    table: title, path, row (of the pixels), split, bytes, format, file_sha1 (of the file), labels (lists),
    creator, licence, licence_url, source_page, left_out (why it is not passed on, else ""), in the order of
    the images run. label_names: in the frozen order; what is no label of theirs is in no list.
    """

    run: str
    images: Path
    labels: Path
    label_names: list[str]
    table: pd.DataFrame

    @property
    def given(self) -> pd.DataFrame:
        """The rows that may be passed on."""
        return self.table[self.table["left_out"] == ""].reset_index(drop=True)

    def reasons(self) -> dict[str, int]:
        """How many are left out, by reason, the most frequent first."""
        reasons = self.table["left_out"][self.table["left_out"] != ""]
        return {str(reason): int(count) for reason, count in reasons.value_counts().items()}


def read_chosen(run: str, labels: str = "") -> Chosen:
    """The pictures of a finished run of 03_train, with the labels it learned, or of one of 02_images.

    labels: the labels run, needed where an images run was made from several. Raises UserError for runs that
    are not finished or do not fit each other, and where no picture may be passed on.
    """
    images, labels_run, names = _named(check_run_name(run), labels and check_run_name(labels))
    described = read_json(labels_run / "source.json")
    columns = ["title", "path", "row", "split", "bytes", "format", "file_sha1"]
    pictures = read_table(images / "images.parquet", columns)
    said = labels_of_kept(labels_run / "labels.parquet", images).set_index("title")["labels"]
    missing = pictures["title"][~pictures["title"].isin(said.index)]
    if len(missing):
        raise UserError(
            f"every picture must have a row in the labels run {labels_run.name!r}, but {len(missing):,} of "
            f"{len(pictures):,} have none ({missing.iloc[0]!r} first); name a labels run of these pictures"
        )
    order = {name: place for place, name in enumerate(names)}
    own = [
        sorted({name for name in told if name in order}, key=order.__getitem__)
        for told in said[pictures["title"]]
    ]
    table = _with_licences(pictures.assign(labels=own), labels_run, file_page(described["source"]))
    chosen = Chosen(run, images, labels_run, names, table)
    if chosen.given.empty:
        told = ", ".join(f"{reason}: {count:,}" for reason, count in chosen.reasons().items())
        raise UserError(
            f"a data set must have pictures whose licence allows to pass them on, but none of the "
            f"{len(table):,} of {run!r} has ({told}); bring the source's licences, as a column `licence`"
        )
    return chosen


def _named(run: str, labels: str) -> tuple[Path, Path, list[str]]:
    """Folders of the images run and of the labels run that a run names, and the labels in their order."""
    trained = paths.run_folder("03_train", run)
    if (trained / RECORD).is_file():
        given = read_json(trained / RECORD)["parameters"]
        if labels not in ("", given["labels"]):
            raise UserError(
                f"--labels must be {given['labels']!r}, from which {run!r} learned, but is {labels!r}; "
                "leave it out"
            )
        images, own, source = finished_run("02_images", given["images"]), given["labels"], trained
        check_inputs("03_train", run)
    else:
        images = finished_run("02_images", run)
        several = read_json(images / RECORD)["parameters"].get("labels", [])
        if not labels and len(several) != 1:
            raise UserError(
                "pictures must have the labels of one run, but the images run "
                f"{run!r} was made from {', '.join(several) or 'none'}; choose one with --labels"
            )
        own = labels or several[0]
        source = finished_run("01_labels", own)
    check_inputs("02_images", images.name)
    return images, finished_run("01_labels", own), read_json(source / "label_names.json")["label_names"]


def _with_licences(pictures: pd.DataFrame, labels: Path, page: str) -> pd.DataFrame:
    """The pictures with creator, licence, its address, the source's page and why they are left out."""
    known = table_of(labels, "files.parquet", ["title", "creator", "licence"], pictures["title"])
    found = pictures.merge(known.drop_duplicates("title"), on="title", how="left")
    creators, licences = (found[name].fillna("").tolist() for name in ("creator", "licence"))
    listed = [licence_of(licence) for licence in licences]
    return found.assign(
        creator=creators,
        licence=licences,
        licence_url=[licence.address if licence else "" for licence in listed],
        source_page=[page + quote(title.replace(" ", "_")) if page else "" for title in found["title"]],
        left_out=[left_out(*told) for told in zip(licences, creators, strict=True)],
    )
