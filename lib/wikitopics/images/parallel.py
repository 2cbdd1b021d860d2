"""Files decoded on many cores or machines, in chunks on disk that a later run takes again.

A chunk is an Arrow file, named by its place and by all that made it (paths, source, recipe, this code). What
the files held is noted in it and compared before it is taken again: reading is cheap, decoding is not.
"""

import hashlib
import json
import os
import shutil
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from functools import cache, partial
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import PIL
import pyarrow as pa
from joblib import Parallel, delayed, parallel_config
from joblib.externals.loky.process_executor import BrokenProcessPool
from pyarrow import feather

from wikitopics import paths
from wikitopics.artefacts import replacing
from wikitopics.errors import UserError
from wikitopics.images.decode import Picture, Recipe, content, read
from wikitopics.images.reasons import Rejected
from wikitopics.images.sandbox import decode_in_child
from wikitopics.images.squares import jpeg
from wikitopics.sources import Source, describe

FILES, PIXEL_BYTES = 256, 32 << 20  # of a chunk, at most
READ_AHEAD = 32 << 20  # bytes of files held at a time; one file more may be
FOLDER = "chunks"
_NOTHING = {"content": "", "reason": "", "detail": "", "width": 0, "height": 0, "format": "", "mode": ""}
_NOTHING |= {"bytes": 0, "sha1": ""}

ATTEMPTS = 3  # at one task, each with workers of its own


@dataclass(frozen=True)
class Chunk:
    """Some files of a source (their paths), how they are decoded and where the outcome lies.

    `root` is the root folder, for workers that were started elsewhere; `store`: how the squares lie there, of
    squares.PLACES.
    """

    paths: list[str]
    source: Source
    recipe: Recipe
    file: Path
    root: Path
    store: str = "pixels"


def chunks_of(
    files: list[str], source: Source, recipe: Recipe, folder: Path, store: str = "pixels"
) -> list[Chunk]:
    """The files in chunks, in order; whatever else lies in `folder`/chunks is taken away."""
    size = max(1, min(FILES, PIXEL_BYTES // (3 * recipe.store_size**2)))
    folder, chunks = folder / FOLDER, []
    for start in range(0, len(files), size):
        part = files[start : start + size]
        made_of = json.dumps([describe(source), asdict(recipe), _code(), store, part])
        name = f"{start // size:07d}-{hashlib.sha256(made_of.encode()).hexdigest()[:16]}.arrow"
        chunks.append(Chunk(part, source, recipe, folder / name, paths.root(), store))
    wanted = {chunk.file.name for chunk in chunks}
    for entry in folder.iterdir() if folder.exists() else ():
        if entry.name not in wanted:
            entry.unlink()
    return chunks


@cache
def _code() -> str:
    """Digest of what decodes: this package, and Pillow's version."""
    code = b"".join(file.read_bytes() for file in sorted(Path(__file__).parent.glob("*.py")))
    return hashlib.sha256(code + PIL.__version__.encode()).hexdigest()


def make(chunk: Chunk) -> int:
    """Decode a chunk into its file, unless that is there and still true; the number of its files."""
    if paths.root() != chunk.root:
        os.environ["WIKITOPICS_ROOT"] = str(chunk.root)
    if not (chunk.file.exists() and _still_true(chunk)):
        side = chunk.recipe.store_size
        pixels = np.zeros((len(chunk.paths), side, side, 3), np.uint8)
        rows: list[dict] = []
        for data, outcome in _outcomes(chunk):
            if isinstance(outcome, Picture):
                pixels[len(rows)] = outcome.pixels
            rows.append(_row(data, outcome))
        _write(chunk, rows, pixels)
    return len(chunk.paths)


def _outcomes(chunk: Chunk) -> Iterator[tuple[bytes | Rejected, Picture | Rejected]]:
    """What was read and what came of it, file by file, a few files in memory at a time."""
    group, held = [], 0
    for number, path in enumerate(chunk.paths, 1):
        group.append(data := read(chunk.source, path, chunk.recipe.max_bytes))
        held += len(data) if isinstance(data, bytes) else 0
        if held >= READ_AHEAD or number == len(chunk.paths):
            decoded = iter(decode_in_child([d for d in group if isinstance(d, bytes)], chunk.recipe))
            yield from ((data, next(decoded) if isinstance(data, bytes) else data) for data in group)
            group, held = [], 0


def _still_true(chunk: Chunk) -> bool:
    """Whether the files hold what they held when the chunk was made."""
    known = _columns(chunk, ["content"])["content"].to_pylist()
    limit = chunk.recipe.max_bytes
    return all(
        content(read(chunk.source, path, limit)) == before
        for path, before in zip(chunk.paths, known, strict=True)
    )


def _row(data: bytes | Rejected, outcome: Picture | Rejected) -> dict:
    row = _NOTHING | {"content": content(data)}
    if isinstance(outcome, Rejected):
        return row | {"reason": outcome.reason, "detail": outcome.detail}
    known = {name: value for name, value in outcome._asdict().items() if name != "pixels"}
    size = len(data) if isinstance(data, bytes) else 0
    return row | known | {"bytes": size}


def _write(chunk: Chunk, rows: list[dict], pixels: np.ndarray) -> None:
    if chunk.store == "jpeg":
        usable = [not row["reason"] for row in rows]
        column = pa.array([jpeg(one) if good else b"" for one, good in zip(pixels, usable, strict=True)])
    else:
        squares = pa.binary(int(pixels[0].nbytes))
        column = pa.FixedSizeBinaryArray.from_buffers(squares, len(pixels), [None, pa.py_buffer(pixels)])
    table = pa.Table.from_pylist(rows).append_column("square", column)
    with replacing(chunk.file) as temporary:
        feather.write_feather(table, str(temporary), compression="uncompressed")


def outcomes_of(chunks: list[Chunk]) -> pd.DataFrame:
    """One row a file: reason ("" for a picture), detail, width, height, format, mode, bytes, sha1 and
    file_sha1, hex (of a picture: of what it shows and of the file's bytes)."""
    tables = [_columns(chunk, list(_NOTHING)) for chunk in chunks]
    return pa.concat_tables(tables).combine_chunks().to_pandas().rename(columns={"content": "file_sha1"})


def pixels_of(chunk: Chunk) -> np.ndarray:
    """(files, S, S, 3) uint8 of a chunk, black where there is no picture; mapped, not read."""
    column = squares_of(chunk)
    side = chunk.recipe.store_size
    return np.frombuffer(column.buffers()[1], np.uint8).reshape(-1, side, side, 3)


def squares_of(chunk: Chunk) -> pa.Array:
    """The squares of a chunk as they are kept, an Arrow array of binary; mapped, not read."""
    return _columns(chunk, ["square"])["square"].chunk(0)


def _columns(chunk: Chunk, names: list[str]) -> pa.Table:
    # Mapped as a whole: naming columns to the reader makes it copy the pixels too.
    return feather.read_table(chunk.file, memory_map=True).select(names)


def forget(folder: Path) -> None:
    """Take away the chunks of a run that is finished."""
    if (folder / FOLDER).exists():
        shutil.rmtree(folder / FOLDER)


def in_order(work: Callable[[Any], Any], tasks: list, jobs: int, scheduler: str = "") -> Iterator:
    """What `work` gives for each task, in order, by `jobs` processes (-1: one per core) or the cluster there.

    A worker that is killed costs the tasks that are not done; they are given to new ones. Raises UserError
    where that does not help, or where no scheduler answers.
    """
    own = work if scheduler else partial(_watched, os.getpid(), work)
    done, attempts = 0, 0
    while done < len(tasks):
        began = done
        try:
            with _workers(jobs, scheduler) as parallel:
                for result in parallel(delayed(own)(task) for task in tasks[done:]):
                    yield result
                    done += 1
        except BrokenProcessPool as error:
            attempts = attempts + 1 if done == began else 1
            if attempts == ATTEMPTS:
                raise UserError(
                    f"processes must live until they are done, but {ATTEMPTS} were killed from outside at "
                    "one piece of work; free memory or take fewer jobs and run again: it goes on where it was"
                ) from error


def _watched(parent: int, work: Callable[[Any], Any], task: Any) -> Any:
    """What `work` gives, in a process that ends with `parent`."""
    if os.getpid() != parent:
        end_with(parent)
    return work(task)


@cache
def end_with(parent: int) -> None:
    """Have this process end within a second of `parent`, which started it, however that ends.

    A worker whose parent was killed would wait for work, or for somebody to take what it made, for ever.
    (Linux could do it by itself, but at the end of the thread that started the worker.)
    """

    def watch() -> None:
        while os.getppid() == parent:
            time.sleep(0.5)
        os._exit(1)

    threading.Thread(target=watch, name="watches the parent", daemon=True).start()


@contextmanager
def _workers(jobs: int, scheduler: str) -> Iterator[Parallel]:
    if not scheduler:
        yield Parallel(n_jobs=jobs, return_as="generator", batch_size=1)
        return
    with client(scheduler) as cluster, parallel_config(backend="dask", client=cluster):
        yield Parallel(n_jobs=-1, return_as="generator", batch_size=1)


def client(address: str, option: str = "scheduler"):
    """A client of the Dask cluster at `address`, which the option of that name gave; or UserError."""
    try:
        from distributed import Client
    except ImportError as error:
        raise UserError(
            f"{option} needs the package distributed, but it is not installed ({option} is {address!r}); "
            "install it: pip install -e .[cluster]"
        ) from error
    try:
        return Client(address, timeout=20, set_as_default=False)
    except (OSError, ValueError) as error:
        raise UserError(
            f"{option} must be a Dask cluster's, like tcp://host:8786, but {address!r} does not answer; "
            f"start it or leave {option} empty for the cores of this machine"
        ) from error
