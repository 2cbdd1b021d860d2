"""Decode all files of a source over all cores into one array on disk, exact duplicates once.

Chunks of files are decoded first, each into a file of its own, and put together in the end. So memory holds
tables and a chunk per core, however many files there are, and a run that is cut short goes on where it was.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

import numpy as np
import pandas as pd

from wikitopics.artefacts import replacing
from wikitopics.errors import UserError
from wikitopics.images import svg
from wikitopics.images.chunks import Chunk, chunks_of, make, outcomes_of, pixels_of
from wikitopics.images.decode import Recipe
from wikitopics.images.workers import in_order
from wikitopics.progress import report
from wikitopics.sources import Source

IMAGE_COLUMNS = ["title", "path", "width", "height", "format", "mode", "bytes", "sha1", "phash"]
REJECTED_COLUMNS = ["title", "path", "reason", "detail"]


@dataclass(frozen=True)
class Decoded:
    """What became of the files.

    images: row (index into the array) and IMAGE_COLUMNS; rejected: REJECTED_COLUMNS; exact: title,
    duplicate_of, kind, distance of the files left out because their pixels are there already.
    """

    images: pd.DataFrame
    rejected: pd.DataFrame
    exact: pd.DataFrame


def decode_files(
    files: pd.DataFrame, source: Source, recipe: Recipe, array: Path, jobs: int = -1, scheduler: str = ""
) -> Decoded:
    """Decode `files` (title, path) into `array`, an .npy of (n, store_size, store_size, 3) uint8.

    Order is that of `files`, whatever the number of `jobs` (-1: all cores), or of workers of the Dask cluster
    at `scheduler`, which must see the same folders. Of pictures with equal sha1 the first is kept. What is
    done stays in the folder `chunks` beside `array` until `chunks.forget` and is not done again. UserError if
    nothing is usable, or as `workers.in_order`.
    """
    if recipe.svg:
        svg.required()
    chunks = chunks_of(files["path"].tolist(), source, recipe, array.parent.resolve())
    done = 0
    report("decoding", 0, len(files))
    for number in in_order(make, chunks, jobs, scheduler):
        done += number
        report("decoding", done, len(files))
    table = pd.concat([files[["title", "path"]].reset_index(drop=True), outcomes_of(chunks)], axis=1)
    return _put_together(table, chunks, array)


def _put_together(table: pd.DataFrame, chunks: list[Chunk], array: Path) -> Decoded:
    """The tables, and the array of those pictures that no earlier one equals; `table`: one row a file."""
    usable = table["reason"] == ""
    rejected, pictures = table.loc[~usable, REJECTED_COLUMNS], table.loc[usable, IMAGE_COLUMNS]
    if pictures.empty:
        raise UserError(_nothing_usable(rejected))
    again = pictures["sha1"].duplicated()
    first = pictures.groupby("sha1", sort=False)["title"].transform("first")
    exact = pd.DataFrame({"title": pictures["title"], "duplicate_of": first})[again]
    kept = np.zeros(len(table), dtype=bool)
    kept[pictures.index[~again]] = True
    shape, start = (chunks[0].recipe.store_size, chunks[0].recipe.store_size, 3), 0
    with growing_array(array, shape) as append:
        for chunk in chunks:
            append(pixels_of(chunk)[kept[start : start + len(chunk.paths)]])
            start += len(chunk.paths)
    images = pictures[~again].reset_index(drop=True)
    images.insert(0, "row", np.arange(len(images)))
    exact = exact.assign(kind="exact", distance=0).reset_index(drop=True)
    return Decoded(images, rejected.reset_index(drop=True), exact)


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
