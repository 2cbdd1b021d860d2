"""The image set: which files become part of it, and their squares on disk.

Chunks of files are decoded first, each into a file of its own, and put together in the end. So memory holds
tables and a chunk per core, however many files there are, and a run that is cut short goes on where it was.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import BinaryIO

import numpy as np
import pandas as pd
import pyarrow as pa

from wikitopics.artefacts import finished_run, read_json, read_table, replacing
from wikitopics.errors import UserError
from wikitopics.images import decode
from wikitopics.images.decode import Recipe
from wikitopics.images.exact_copies import matrix_of_copies
from wikitopics.images.parallel import Chunk, chunks_of, in_order, make, outcomes_of, pixels_of, squares_of
from wikitopics.images.split import SPLITS
from wikitopics.images.squares import PLACES, growing_shards
from wikitopics.labels.taxonomy import label_matrix
from wikitopics.progress import report
from wikitopics.sources import Source, open_source

IMAGE_COLUMNS = ["title", "path", "width", "height", "format", "mode", "bytes", "sha1", "file_sha1"]
REJECTED_COLUMNS = ["title", "path", "reason", "detail"]


@dataclass(frozen=True)
class Decoded:
    """What became of the files.

    images: row (index into the array) and IMAGE_COLUMNS; rejected: REJECTED_COLUMNS; exact: title,
    duplicate_of, kind, likeness, how of the files left out because their pixels are there already.
    """

    images: pd.DataFrame
    rejected: pd.DataFrame
    exact: pd.DataFrame


def decode_files(
    files: pd.DataFrame, source: Source, recipe: Recipe, array: Path, jobs: int = -1, scheduler: str = ""
) -> Decoded:
    """Decode `files` (title, path) into `array`: squares of (store_size, store_size, 3) uint8, see `squares`.

    Where its name is that of squares.PLACES["jpeg"] they are kept as JPEG, else as pixels in an .npy.

    Order is that of `files`, whatever the number of `jobs` (-1: all cores), or of workers of the Dask cluster
    at `scheduler`, which must see the same folders. Of pictures with equal sha1 the first is kept. What is
    done stays in the folder `chunks` beside `array` until `parallel.forget` and is not done again. UserError
    if nothing is usable, or as `parallel.in_order`.
    """
    if recipe.svg:
        decode.required()
    store = "jpeg" if array.name == PLACES["jpeg"] else "pixels"
    chunks = chunks_of(files["path"].tolist(), source, recipe, array.parent.resolve(), store)
    done = 0
    report("decoding", 0, len(files))
    for number in in_order(make, chunks, jobs, scheduler):
        done += number
        report("decoding", done, len(files))
    table = pd.concat([files[["title", "path"]].reset_index(drop=True), outcomes_of(chunks)], axis=1)
    return _put_together(table, chunks, array)


def _put_together(table: pd.DataFrame, chunks: list[Chunk], array: Path) -> Decoded:
    """The tables, and the squares of those pictures that no earlier one equals; `table`: one row a file."""
    usable = table["reason"] == ""
    rejected, pictures = table.loc[~usable, REJECTED_COLUMNS], table.loc[usable, IMAGE_COLUMNS]
    if pictures.empty:
        raise UserError(_nothing_usable(rejected))
    again = pictures["sha1"].duplicated()
    first = pictures.groupby("sha1", sort=False)["title"].transform("first")
    exact = pd.DataFrame({"title": pictures["title"], "duplicate_of": first})[again]
    kept = np.zeros(len(table), dtype=bool)
    kept[pictures.index[~again]] = True
    _write_squares(array, chunks, kept)
    images = pictures[~again].reset_index(drop=True)
    images.insert(0, "row", np.arange(len(images)))
    exact = exact.assign(kind="exact", likeness=1.0, how="whole").reset_index(drop=True)
    return Decoded(images, rejected.reset_index(drop=True), exact)


def _write_squares(array: Path, chunks: list[Chunk], kept: np.ndarray) -> None:
    """The squares of those files that are `kept` (files,), as the chunks have them."""
    as_jpeg, side = chunks[0].store == "jpeg", chunks[0].recipe.store_size
    start, stops = 0, np.cumsum([len(chunk.paths) for chunk in chunks])
    with growing_shards(array) if as_jpeg else growing_array(array, (side, side, 3)) as append:
        for chunk, stop in zip(chunks, stops, strict=True):
            some = kept[start:stop]
            append(squares_of(chunk).filter(pa.array(some)) if as_jpeg else pixels_of(chunk)[some])
            start = stop


def _nothing_usable(rejected: pd.DataFrame) -> str:
    reasons = ", ".join(f"{reason}: {n}" for reason, n in rejected["reason"].value_counts().items())
    return (
        f"an image set needs at least one usable image, but all {len(rejected)} files were rejected "
        f"({reasons}); check the source's paths and the limits"
    )


@contextmanager
def growing_array(path: Path, shape: tuple[int, ...]) -> Iterator[Callable[[np.ndarray], None]]:
    """Write an .npy of (n, *shape) uint8 whose n is known only at the end; there whole or not at all.

    Gives a function that appends rows.
    """
    with replacing(path) as temporary, open(temporary, "wb") as file:
        _write_header(file, 0, shape)
        start, count = file.tell(), 0

        def append(rows: np.ndarray) -> None:
            nonlocal count
            file.write(np.ascontiguousarray(rows, dtype=np.uint8).data)
            count += len(rows)

        yield append
        file.seek(0)
        _write_header(file, count, shape)
        if file.tell() != start:  # NumPy leaves room for the first axis to grow
            raise RuntimeError("the header of the array changed its length")


def _write_header(file: BinaryIO, count: int, shape: tuple[int, ...]) -> None:
    header = {"descr": "|u1", "fortran_order": False, "shape": (count, *shape)}
    np.lib.format.write_array_header_1_0(file, header)


@dataclass(frozen=True)
class Selection:
    """The chosen files and what every label run says about them.

    files: title, path, and split where the source brings one. label_names: "RUN: LABEL" of all runs.
    label_matrix: (files, labels) {0, 1} uint8, in the order of both. funnel: [{"step", "files"}] so far.
    """

    source: Source
    files: pd.DataFrame
    label_names: list[str]
    label_matrix: np.ndarray
    funnel: list[dict]

    def matrix_of(self, titles: pd.Series) -> np.ndarray:
        """The rows of label_matrix for these titles, in their order."""
        return self.label_matrix[pd.Index(self.files["title"]).get_indexer(titles)]

    def joined(self, exact: pd.DataFrame) -> tuple["Selection", int]:
        """With the labels of exact copies (title, duplicate_of) given to those kept; how many they lacked."""
        rows = pd.Series(np.arange(len(self.files)), index=self.files["title"])
        matrix, new = matrix_of_copies(self.label_matrix, rows, exact)
        return replace(self, label_matrix=matrix), new

    def split_of(self, titles: pd.Series) -> pd.Series | None:
        """The part of each of these titles that the source brings, in their order; None where it has none."""
        if "split" not in self.files:
            return None
        return self.files.set_index("title")["split"].loc[titles].reset_index(drop=True)


def select_files(runs: list[str], labelled_by: str) -> Selection:
    """Files that have a label from "all" or from "any" of the label runs, in the source's order.

    Raises UserError for runs that are not finished or of different sources, or when no file is left.
    """
    folders = {run: finished_run("01_labels", run) for run in runs}
    sources = {run: read_json(folder / "source.json") for run, folder in folders.items()}
    first = runs[0]
    for run, described in sources.items():
        if described != sources[first]:
            raise UserError(
                f"all label runs of an image set must label one source, but {first!r} and {run!r} do not; "
                "name runs of one source"
            )
    files = read_table(folders[first] / "files.parquet")
    files = files[[name for name in ("title", "path", "split") if name in files]]
    parts = [_matrix_of_run(run, folder, files["title"]) for run, folder in folders.items()]
    labelled = np.column_stack([matrix.any(axis=1) for _, matrix in parts])
    chosen = labelled.all(axis=1) if labelled_by == "all" else labelled.any(axis=1)
    funnel = [{"step": "files of the source", "files": len(files)}]
    funnel += [
        {"step": f"labelled by {run}", "files": int(n)} for run, n in zip(runs, labelled.sum(0), strict=True)
    ]
    funnel += [{"step": f"labelled by {labelled_by} of {', '.join(runs)}", "files": int(chosen.sum())}]
    if not chosen.any():
        raise UserError(
            f"an image set needs labelled files, but none is labelled by {labelled_by} of {', '.join(runs)}; "
            "take other label runs or labelled_by any"
        )
    if chosen.sum() < len(SPLITS):
        raise UserError(
            f"an image set needs a labelled file for each of {', '.join(SPLITS)}, but only "
            f"{chosen.sum()} are labelled by {labelled_by} of {', '.join(runs)}; bring more"
        )
    return Selection(
        open_source(sources[first]["source"], **sources[first]["options"]),
        files[chosen].reset_index(drop=True),
        [name for names, _ in parts for name in names],
        np.concatenate([matrix for _, matrix in parts], axis=1)[chosen],
        funnel if len(runs) > 1 else funnel[:2],
    )


def _matrix_of_run(run: str, folder, titles: pd.Series) -> tuple[list[str], np.ndarray]:
    """What one label run says: names "RUN: LABEL", and a (titles, labels) uint8 matrix."""
    names = read_json(folder / "label_names.json")["label_names"]
    labels = read_table(folder / "labels.parquet", ["title", "labels"])
    labels = labels[labels["labels"].map(len) > 0]
    rows = pd.Index(titles).get_indexer(labels["title"])
    if (rows < 0).any():
        raise UserError(
            f"all label runs of an image set must know the same files, but {run!r} has {(rows < 0).sum()} "
            "others; run 01_labels again for all of them"
        )
    matrix = np.zeros((len(titles), len(names)), dtype=np.uint8)
    matrix[rows] = label_matrix(labels["labels"], names)
    return [f"{run}: {name}" for name in names], matrix
