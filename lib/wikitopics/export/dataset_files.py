"""A data set's files: shards of Parquet, as the Hugging Face Hub has them, or folders with metadata.csv.

Arrow and Pillow write them; what others read of them is in the schema of the shards (`datasets`) and in the
names of the folders (ImageFolder).
"""

import csv
import hashlib
import io
import json
import os
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from PIL import Image

from wikitopics.artefacts import read_json
from wikitopics.errors import UserError
from wikitopics.export.dataset import Chosen
from wikitopics.images.split import SPLITS
from wikitopics.images.squares import read_squares
from wikitopics.progress import report
from wikitopics.sources import Source, open_source
from wikitopics.sources.table_cells import without_formula

SHARD_BYTES = 400 << 20  # of pictures in one shard
ROWS = 100  # of one group of a shard: what is read to see one picture
GROUP_BYTES = 64 << 20  # of pictures, after which a group ends sooner: readers hold one in memory
SUFFIXES = {
    "JPEG": "jpg",
    "MPO": "jpg",
    "PNG": "png",
    "GIF": "gif",
    "WEBP": "webp",
    "TIFF": "tif",
    "BMP": "bmp",
}
FORMS = ("parquet", "imagefolder")
IMAGE = pa.struct([("bytes", pa.binary()), ("path", pa.string())])
Written = dict[str, int]  # pictures, as_found
UNNAMED = "unknown"  # a creator, in a CSV
TEXTS = ("title", "creator", "licence", "licence_url", "source_page", "sha1")


@dataclass(frozen=True)
class Bytes:
    """One picture as it is passed on: bytes, how its file's name ends, whether it is as its source has it."""

    data: bytes
    suffix: str
    as_found: bool


class Pictures:
    """Bytes of chosen pictures: the source's own files where they are at hand, else the small squares."""

    def __init__(self, chosen: Chosen):
        described = read_json(chosen.labels / "source.json")
        self.source: Source = open_source(described["source"], **described["options"])
        self.pixels = read_squares(chosen.images)

    def of(self, row: Any) -> Bytes:
        """The picture of a row of `Chosen.table`; its square where the file changed or is of an odd kind."""
        suffix = SUFFIXES.get(row.format)
        if suffix:
            try:
                data = self.source.read(row.path, int(row.bytes))
            except OSError:  # not at hand any more, or grown
                data = b""
            if hashlib.sha1(data).hexdigest() == row.file_sha1:
                return Bytes(data, suffix, True)
        return Bytes(_png(np.asarray(self.pixels[row.row])), "png", False)


def _png(pixels: np.ndarray) -> bytes:
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, "PNG")
    return file.getvalue()


def records(chosen: Chosen, split: str) -> Iterator[dict[str, Any]]:
    """What is told of each picture of a split that may be passed on, in order.

    image (bytes, path), labels (places in label_names), TEXTS, as_found. Names of files are ours.
    """
    pictures, order = Pictures(chosen), {name: place for place, name in enumerate(chosen.label_names)}
    for number, row in enumerate(chosen.given.query("split == @split").itertuples()):
        found = pictures.of(row)
        yield {
            "image": {"bytes": found.data, "path": f"{number:07}.{found.suffix}"},
            "labels": [order[name] for name in row.labels],
            **{name: getattr(row, name) for name in TEXTS if name != "sha1"},
            "sha1": hashlib.sha1(found.data).hexdigest(),
            "as_found": found.as_found,
        }


# --- The two forms


def schema_of_shards(label_names: list[str]) -> pa.Schema:
    """Columns of a shard, and what the library `datasets` reads of them: pictures, names of the labels."""
    text = {"dtype": "string", "_type": "Value"}
    features = {
        "image": {"_type": "Image"},
        "labels": {"feature": {"names": label_names, "_type": "ClassLabel"}, "_type": "Sequence"},
        **dict.fromkeys(TEXTS, text),
        "as_found": {"dtype": "bool", "_type": "Value"},
    }
    kinds = {"image": IMAGE, "labels": pa.list_(pa.int64()), **dict.fromkeys(TEXTS, pa.string())}
    schema = pa.schema(kinds | {"as_found": pa.bool_()})
    return schema.with_metadata({"huggingface": json.dumps({"info": {"features": features}})})


def write_shards(folder: Path, rows: Iterable[dict[str, Any]], split: str, label_names: list[str]) -> Written:
    """Write data/SPLIT-00000-of-0000N.parquet below `folder`; how many pictures, and how many as found."""
    schema, counts = schema_of_shards(label_names), {"pictures": 0, "as_found": 0}
    written: list[Path] = []
    (folder / "data").mkdir(exist_ok=True)
    for batches in _in_shards(rows):
        file = folder / "data" / f"{split}-{len(written):05}.part"
        with pq.ParquetWriter(file, schema, compression="zstd") as writer:
            for batch in batches:
                writer.write_table(pa.Table.from_pylist(batch, schema))
                _count(counts, batch)
        written.append(file)
    for number, file in enumerate(written):
        file.rename(file.with_name(f"{split}-{number:05}-of-{len(written):05}.parquet"))
    return counts


def _in_shards(rows: Iterable[dict[str, Any]]) -> Iterator[Iterator[list[dict[str, Any]]]]:
    """Shards of `_batches`; a shard ends with the batch that fills SHARD_BYTES."""
    batches = _batches(iter(rows))

    def shard(first: list[dict[str, Any]]) -> Iterator[list[dict[str, Any]]]:
        batch: list[dict[str, Any]] | None = first
        taken = 0
        while batch:
            yield batch
            taken += sum(len(row["image"]["bytes"]) for row in batch)
            batch = next(batches, None) if taken < SHARD_BYTES else None

    while first := next(batches, None):
        yield shard(first)


def _batches(rows: Iterator[dict[str, Any]]) -> Iterator[list[dict[str, Any]]]:
    """Batches of at most ROWS rows; one ends with the row that fills GROUP_BYTES."""
    batch: list[dict[str, Any]] = []
    taken = 0
    for row in rows:
        batch.append(row)
        taken += len(row["image"]["bytes"])
        if len(batch) == ROWS or taken >= GROUP_BYTES:
            yield batch
            batch, taken = [], 0
    if batch:
        yield batch


def write_folder(folder: Path, rows: Iterable[dict[str, Any]], split: str, label_names: list[str]) -> Written:
    """Write SPLIT/*.png ... and SPLIT/metadata.csv below `folder`; how many pictures, and how many as found.

    Labels are a JSON list of names in one cell. Before a cell that a spreadsheet would take for a formula
    stands an apostrophe. No column is empty in one split alone, since `datasets` would take it for numbers
    there and refuse the folder: an unnamed creator is UNNAMED, and pages are a column if the source has any.
    """
    counts = {"pictures": 0, "as_found": 0}
    (folder / split).mkdir()
    with open(folder / split / "metadata.csv", "w", encoding="utf-8", newline="") as file:
        table = csv.writer(file, lineterminator="\n")
        for row in rows:
            texts = {name: row[name] for name in TEXTS if name != "source_page" or row[name]}
            texts["creator"] = texts["creator"] or UNNAMED
            if not counts["pictures"]:
                table.writerow(["file_name", "labels", *texts, "as_found"])
            name = row["image"]["path"]
            (folder / split / name).write_bytes(row["image"]["bytes"])
            labels = json.dumps([label_names[place] for place in row["labels"]], ensure_ascii=False)
            table.writerow([name, labels, *map(without_formula, texts.values()), row["as_found"]])
            _count(counts, [row])
    return counts


def _count(counts: Written, rows: list[dict[str, Any]]) -> None:
    counts["pictures"] += len(rows)
    counts["as_found"] += sum(row["as_found"] for row in rows)


WRITERS: dict[str, Callable[[Path, Iterable[dict[str, Any]], str, list[str]], Written]] = {
    "parquet": write_shards,
    "imagefolder": write_folder,
}


def write_pictures(chosen: Chosen, folder: Path, form: str) -> dict[str, Written]:
    """Write each split that has pictures into `folder`; how many pictures it has, and how many as found."""
    there = [split for split in SPLITS if (chosen.given["split"] == split).any()]
    counts, done = {}, 0
    for split in there:
        counts[split] = WRITERS[form](folder, records(chosen, split), split, chosen.label_names)
        done += counts[split]["pictures"]
        report("writing pictures", done, len(chosen.given))
    return counts


def check_new(out: Path) -> None:
    """Raise UserError where `out` is anything but a new or an empty folder."""
    empty = out.is_dir() and not out.is_symlink() and not any(os.scandir(out))
    if out.suffix == ".zip" or (os.path.lexists(out) and not empty):
        raise UserError(f"--out of a data set must be a new folder, but is {out}; name another")
