"""A folder that others open as a data set: pictures and labels, a card, Croissant; nothing is sent away."""

import datetime
from pathlib import Path
from typing import Any

from wikitopics import __version__
from wikitopics.artefacts import RECORD, read_json, replacing_folder, write_json
from wikitopics.errors import UserError
from wikitopics.export import croissant
from wikitopics.export.cards import filled
from wikitopics.export.dataset import Chosen, read_chosen
from wikitopics.export.dataset_files import FORMS, TEXTS, Written, check_new, write_pictures
from wikitopics.export.facts import Facts
from wikitopics.export.front_matter import data_front, plain, splits_front, with_front
from wikitopics.export.licences import licence_of
from wikitopics.export.written import check_writable
from wikitopics.images.squares import read_squares

COLUMNS = {
    "image": "the picture",
    "labels": "the labels it has",
    "title": "its title at the source",
    "creator": "who made it, as the source says",
    "licence": "its licence, as the source says",
    "licence_url": "where that licence can be read",
    "source_page": "its page at the source, where it has one",
    "sha1": "SHA-1 of the picture's bytes",
    "as_found": "whether it is the file that the source gave (Commons may give a smaller one), byte by byte; "
    "otherwise it is a small square made of it",
}


def export_dataset(
    run: str, out: Path, labels: str = "", form: str = "parquet"
) -> tuple[dict[str, Written], Chosen]:
    """Write the labelled pictures of a run to the new folder `out`; how many each split has, and the choice.

    run: of 03_train, or of 02_images with `labels`, see `dataset.read_chosen`; form: one of FORMS. Only what
    its licence allows to pass on is written. `out` appears whole or not at all. Raises UserError for another
    form, for an `out` that is there, and as `read_chosen`.
    """
    if form not in FORMS:
        raise UserError(f"the form of a data set must be {' or '.join(FORMS)}, but is {form!r}; choose one")
    check_new(out)
    check_writable(out)
    chosen = read_chosen(run, labels)
    with replacing_folder(out, "the data set") as folder:
        counts = write_pictures(chosen, folder, form)
        (folder / "README.md").write_text(card(chosen, counts, form), "utf-8")
        write_json(folder / croissant.NAME, described(chosen, folder, form, str(datetime.date.today())))
    return counts, chosen


def card(chosen: Chosen, counts: dict[str, Written], form: str) -> str:
    """README.md of the data set, with what the Hub reads at its head."""
    given = chosen.given
    source, labels = (read_json(chosen.labels / name) for name in ("source.json", RECORD))
    columns = {
        ("file_name" if name == "image" and form != "parquet" else name): COLUMNS[name] for name in COLUMNS
    }
    made = read_json(chosen.images / RECORD)["parameters"]
    page = filled(
        "DATASET_CARD.md.j2",
        name=plain(chosen.run),
        chosen=chosen,
        pictures=given,
        form=form,
        counts=counts,
        columns=columns,
        side=read_squares(chosen.images).shape[1],
        fit=made.get("fit"),
        store=made.get("store"),
        licences=_licences(chosen),
        left_out=chosen.reasons(),
        source=source,
        labels=labels["parameters"],
        label_counts={name: sum(name in own for own in given["labels"]) for name in chosen.label_names},
    )
    front = data_front(chosen.run, given["licence"], len(given), "README.md") | splits_front(counts, form)
    return with_front(front, page)


def _licences(chosen: Chosen) -> dict[str, int]:
    """Pictures by licence in its usual spelling, the most frequent first."""
    names = [licence.name if (licence := licence_of(said)) else said for said in chosen.given["licence"]]
    counted = chosen.given.assign(name=names)["name"].value_counts()
    return {str(name): int(count) for name, count in counted.items()}


def described(chosen: Chosen, folder: Path, form: str, published: str) -> dict[str, Any]:
    """The data set in `folder` as a page of Croissant."""
    listed = [licence_of(said) for said in sorted(set(chosen.given["licence"]))]
    pages = form == "parquet" or chosen.given["source_page"].any()
    texts = {name: croissant.TEXT for name in TEXTS if pages or name != "source_page"}
    texts["as_found"] = croissant.TRUTH
    names = "*.parquet" if form == "parquet" else "metadata.csv"
    files = [
        croissant.file_object(folder, path.relative_to(folder).as_posix())
        for path in sorted(folder.rglob(names))
    ]
    if form == "parquet":
        columns = {"image.bytes": croissant.PICTURE, "labels": croissant.NUMBER, **texts}
    else:
        columns = {"file_name": croissant.TEXT, "labels": croissant.TEXT, **texts}
    records = [
        croissant.record_set(
            file["@id"].split("/")[-1 if form == "parquet" else 0].removesuffix(".parquet"),
            f"One labelled picture a row, from {file['@id']}.",
            file,
            columns,
            many=["labels"] if form == "parquet" else [],
        )
        for file in files
    ]
    cited = Facts.citation()
    more = (
        {"citeAs": f"{', '.join(cited['authors'])}: {cited['title']}, version {cited['version']}"}
        if cited
        else {}
    )
    return croissant.page(
        plain(chosen.run),
        f"Pictures with labels of the run {plain(chosen.labels.name)}, each under its own licence.",
        (licence.address or licence.name for licence in listed if licence),
        published,
        files,
        [*records, croissant.label_names(chosen.label_names)],
        version=__version__,
        **more,
    )
