"""The decoded squares of an image set on disk: as pixels in one array, or as JPEG in shards.

Pixels are exact and take 3 bytes each: 41 GB for 200,000 squares of 256 pixels, 2.3 TB for 11.5 million. As
JPEG they take about a tenth, and are decoded when they are asked for; whoever reads them sees no difference.
"""

import io
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import pyarrow as pa
from PIL import Image
from pyarrow import feather
from pyarrow import parquet as pq

from wikitopics.artefacts import RECORD, as_written, read_array, replacing_folder

PLACES = {"pixels": "images.npy", "jpeg": "squares"}  # where they lie in the folder of a run, by its `store`
SHARD = 4096  # squares of one file
QUALITY = 90  # of JPEG, with all of its colour: a drawing's edges are coloured


class Squares(Protocol):
    """Squares by row, as an array (n, S, S, 3) uint8 has them."""

    @property
    def shape(self) -> tuple[int, ...]: ...

    def __len__(self) -> int: ...

    def __getitem__(self, rows: Any, /) -> np.ndarray: ...


def place(folder: Path, store: str) -> Path:
    """Where a run in `folder` keeps its squares as `store` (of PLACES) says.

    What an unfinished run kept in another way goes: nobody may take it for this one's.
    """
    wanted = folder / PLACES[store]
    for other in PLACES.keys() - {store}:
        path = folder / PLACES[other]
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path)
        path.unlink(missing_ok=True)
    return wanted


def read_squares(folder: Path) -> Squares:
    """The squares of the 02_images run in `folder`, by row; UserError where they are damaged.

    Of a finished run they are also counted: a last shard that is lost is missed by no other.
    """
    shards = folder / PLACES["jpeg"]
    squares: Squares = Jpegs(shards) if shards.is_dir() else read_array(folder / PLACES["pixels"])
    table = folder / "images.parquet"
    if (folder / RECORD).exists() and table.exists():
        with as_written(shards if shards.is_dir() else folder / PLACES["pixels"]):
            if len(squares) != (rows := pq.read_metadata(table).num_rows):
                raise ValueError(f"{len(squares):,} squares of {rows:,} pictures")
    return squares


def jpeg(pixels: np.ndarray) -> bytes:
    """A square (S, S, 3) uint8 as JPEG."""
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, "JPEG", quality=QUALITY, subsampling=0)
    return file.getvalue()


@contextmanager
def growing_shards(path: Path) -> Iterator[Callable[[pa.Array], None]]:
    """Write a folder of shards, each SHARD squares but the last; there whole or not at all.

    Gives a function that appends JPEGs, an Arrow array of binary.
    """
    with replacing_folder(path, "the squares") as folder:
        waiting: list[pa.Array] = []  # fewer than SHARD squares
        written = 0

        def write(rows: list[pa.Array]) -> None:
            nonlocal written
            table = pa.table({"jpeg": pa.concat_arrays(rows)})
            feather.write_feather(table, str(folder / _name(written)), compression="uncompressed")
            written += 1

        def append(rows: pa.Array) -> None:
            rows = rows.cast(pa.large_binary())  # 4,096 of 1,024 pixels may have more than 2 GB
            while len(rows) >= (room := SHARD - sum(map(len, waiting))):
                write([*waiting, rows[:room]])
                waiting.clear()
                rows = rows[room:]
            waiting.append(rows)

        yield append
        if sum(map(len, waiting)):
            write(waiting)


def _opened(square: pa.Scalar) -> Image.Image:
    """A square of a shard, not yet decoded; ValueError or OSError where it is no JPEG, or a giant one."""
    try:
        return Image.open(io.BytesIO(square.as_buffer()), formats=["JPEG"])
    except Image.DecompressionBombError as error:
        raise ValueError(str(error)) from error


def _name(number: int) -> str:
    """The name of a shard."""
    return f"{number:06}.arrow"


@dataclass(frozen=True)
class Jpegs:
    """Squares kept as JPEG in the shards of a folder, decoded when they are asked for, as Squares.

    Shards are mapped into memory, not read. UserError where one is damaged.
    """

    folder: Path

    @cached_property
    def _shards(self) -> list[pa.Array]:
        with as_written(self.folder):
            files = sorted(self.folder.glob("*.arrow"))
            if not files or [file.name for file in files] != [_name(number) for number in range(len(files))]:
                raise ValueError("a shard is missing")
            tables = [feather.read_table(file, memory_map=True) for file in files]
            if any(table.column_names != ["jpeg"] or not len(table) for table in tables):
                raise ValueError("a shard holds no squares")
            if any(len(table) != SHARD for table in tables[:-1]):
                raise ValueError("a shard holds too few squares")
            return [table["jpeg"].chunk(0) for table in tables]

    @cached_property
    def _side(self) -> int:
        with as_written(self.folder), _opened(self._shards[0][0]) as image:
            return image.width

    @property
    def shape(self) -> tuple[int, int, int, int]:
        """(n, S, S, 3)."""
        return len(self), self._side, self._side, 3

    def __len__(self) -> int:
        return SHARD * (len(self._shards) - 1) + len(self._shards[-1])

    def __getitem__(self, rows: Any) -> np.ndarray:
        """The square of a row, (S, S, 3) uint8, or those of a slice, list or mask of rows, (k, S, S, 3)."""
        rows = np.arange(*rows.indices(len(self))) if isinstance(rows, slice) else np.asarray(rows)
        if rows.dtype == bool:
            rows = np.flatnonzero(rows)
        if rows.ndim == 0:
            return self._decoded(int(rows))
        found = np.empty((len(rows), *self.shape[1:]), np.uint8)
        for place, row in enumerate(rows):
            found[place] = self._decoded(int(row))
        return found

    def _decoded(self, row: int) -> np.ndarray:
        if not -len(self) <= row < len(self):
            raise IndexError(f"there are {len(self):,} squares, and none of row {row:,}")
        shard, place = divmod(row % len(self), SHARD)
        with as_written(self.folder), _opened(self._shards[shard][place]) as image:
            if image.size != (self._side, self._side):
                raise ValueError(f"a square of {image.width} x {image.height} pixels")
            return np.asarray(image.convert("RGB"))
