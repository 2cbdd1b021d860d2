"""Decode all files of a source over all cores into one array on disk, exact duplicates once."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

import numpy as np
import pandas as pd
from joblib import Parallel, delayed

from wikitopics.artefacts import replacing
from wikitopics.errors import UserError
from wikitopics.images.decode import Recipe, Rejected, decode
from wikitopics.images.phash import hex_digits
from wikitopics.progress import report
from wikitopics.sources import Source
from wikitopics.sources.reading import Refused, TooLarge

CHUNK = 64  # files decoded as one task
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


def decode_files(files: pd.DataFrame, source: Source, recipe: Recipe, array: Path, jobs: int = -1) -> Decoded:
    """Decode `files` (title, path) into `array`, an .npy of (n, store_size, store_size, 3) uint8.

    Order is that of `files`, whatever the number of `jobs` (-1: all cores). Of pictures with equal sha1 the
    first is kept. Memory holds a few chunks of pictures and the tables. UserError if nothing is usable.
    """
    chunks = [files.iloc[start : start + CHUNK] for start in range(0, len(files), CHUNK)]
    tasks = (delayed(decode_chunk)(chunk, source, recipe) for chunk in chunks)
    first_title: dict[str, str] = {}
    kept, exact, rejected, done = [], [], [], 0
    report("decoding", 0, len(files))
    with growing_array(array, (recipe.store_size, recipe.store_size, 3)) as append:
        for pixels, images, failures in Parallel(n_jobs=jobs, return_as="generator")(tasks):
            done += len(images) + len(failures)
            pairs = zip(images["sha1"], images["title"], strict=True)
            images["duplicate_of"] = [first_title.setdefault(sha1, title) for sha1, title in pairs]
            new = (images["duplicate_of"] == images["title"]).to_numpy(dtype=bool)
            append(pixels[new])
            kept.append(images.loc[new, IMAGE_COLUMNS])
            exact.append(images.loc[~new, ["title", "duplicate_of"]])
            rejected.append(failures)
            report("decoding", done, len(files))
        images, refused = pd.concat(kept, ignore_index=True), pd.concat(rejected, ignore_index=True)
        if images.empty:
            raise UserError(_nothing_usable(refused))
    images.insert(0, "row", np.arange(len(images)))
    return Decoded(images, refused, pd.concat(exact, ignore_index=True).assign(kind="exact", distance=0))


def _nothing_usable(rejected: pd.DataFrame) -> str:
    reasons = ", ".join(f"{reason}: {n}" for reason, n in rejected["reason"].value_counts().items())
    return (
        f"an image set needs at least one usable image, but all {len(rejected)} files were rejected "
        f"({reasons}); check the source's paths and the limits"
    )


def decode_chunk(
    files: pd.DataFrame, source: Source, recipe: Recipe
) -> tuple[np.ndarray, pd.DataFrame, pd.DataFrame]:
    """(pixels (k, S, S, 3) uint8, table of the k images, table of the rejected) of a few files, in order."""
    pixels, images, rejected = [], [], []
    for title, path in files[["title", "path"]].itertuples(index=False):
        try:
            data = _read(source, path, recipe.max_bytes)
            picture = decode(data, recipe)
        except Rejected as failure:
            rejected.append((title, path, failure.reason, failure.detail))
            continue
        pixels.append(picture.pixels)
        images.append((title, path, *picture[1:5], len(data), picture.sha1, *hex_digits([picture.phash])))
    shape = (len(pixels), recipe.store_size, recipe.store_size, 3)
    return (
        np.stack(pixels) if pixels else np.empty(shape, dtype=np.uint8),
        pd.DataFrame(images, columns=IMAGE_COLUMNS),
        pd.DataFrame(rejected, columns=REJECTED_COLUMNS),
    )


def _read(source: Source, path: str, max_bytes: int) -> bytes:
    """The file's bytes, or Rejected with the reason."""
    try:
        return source.read(path, max_bytes)
    except TooLarge as error:
        raise Rejected("too_many_bytes", str(error)) from None
    except Refused as error:
        raise Rejected("refused", str(error)) from None
    except (FileNotFoundError, NotADirectoryError):
        raise Rejected("missing") from None
    except OSError as error:
        raise Rejected("unreadable", error.strerror or str(error)) from None


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
