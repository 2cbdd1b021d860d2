"""croissant.json: what the sample is, for programs; made from the files as they lie there.

By itself, after a change of one of them: PYTHONPATH=sample:lib python -m making.croissant
"""

from pathlib import Path

import pyarrow.parquet as pq

from wikitopics.artefacts import write_json
from wikitopics.export import croissant
from wikitopics.export.croissant import PICTURE, TEXT
from wikitopics.export.licences import licence_of

PUBLISHED = "2026-11-30"  # when the sample came into the project as it is
ABOUT = (
    "2,320 small drawings and photographs with Commons-like categories, articles that use them, what they "
    "depict, and folders, to run a laboratory of topics for images without a network. 27 files are broken or "
    "hostile on purpose. DATA.md is the data card; each picture is under its own licence."
)
LISTS = ("tags", "categories", "articles", "items")
COLUMNS = ("title", "creator", "licence", "source_package", "folder", *LISTS, "kind", "copy_of")
TABLES = {
    "categories.csv": (
        "The category graph, one row an edge.",
        dict.fromkeys(("title", "parent", "hidden"), TEXT),
    ),
    "articles.csv": ("Topics of the articles.", {"article": TEXT, "topic": TEXT, "score": "sc:Float"}),
    "items.csv": ("The depicted items.", dict.fromkeys(("item", "category", "name"), TEXT)),
    "folders.csv": ("Labels of the folders.", dict.fromkeys(("folder", "taxonomy", "label"), TEXT)),
}


def described(folder: Path) -> croissant.Json:
    """The page of the sample whose files are in `folder`."""
    shard = croissant.file_object(folder, "sample.parquet")
    tables = {name: croissant.file_object(folder, name) for name in TABLES}
    records = [
        croissant.record_set(
            "pictures", "What is known of each file.", shard, dict.fromkeys(COLUMNS, TEXT), LISTS
        ),
        croissant.record_set(
            "images",
            "The files' bytes; 27 of them no program can show.",
            shard,
            {"title": TEXT, "image": PICTURE},
        ),
        *(
            croissant.record_set(name.removesuffix(".csv"), about, tables[name], columns)
            for name, (about, columns) in TABLES.items()
        ),
    ]
    said = sorted(set(pq.read_table(folder / "sample.parquet", columns=["licence"])["licence"].to_pylist()))
    return croissant.page(
        "wikitopics-sample",
        ABOUT,
        (licence.address for name in said if (licence := licence_of(name))),
        PUBLISHED,
        [shard, *tables.values()],
        records,
        version="1.1.0",
        citeAs="The Wiki Image Topics maintainers: Wiki Image Topics, the embedded sample",
    )


def write_croissant(folder: Path) -> None:
    """Write croissant.json beside the other files."""
    write_json(folder / croissant.NAME, described(folder))


if __name__ == "__main__":
    write_croissant(Path(__file__).resolve().parent.parent)
