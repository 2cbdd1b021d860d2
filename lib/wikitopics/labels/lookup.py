"""Finding texts among texts: a hash join in parts, so that two cores share it and no table is large."""

import ctypes
import sys
from concurrent.futures import ThreadPoolExecutor
from typing import TypeAlias

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

Texts: TypeAlias = pa.Array | pa.ChunkedArray
PARTS = 8  # texts of different length are never equal: parts by length, modulo this
SMALL = 100_000  # below this, one part
THREADS = 2


def positions(values: Texts, names: pa.Array) -> np.ndarray:
    """Where each value stands in `names` (first, if twice), -1 where it does not: (k,) int32.

    >>> positions(pa.array(["b", "z", None]), pa.array(["a", "b"])).tolist()
    [1, -1, -1]
    """
    values = values.cast(names.type)
    if len(names) < SMALL:
        return _found(values, names)
    part_of_value, part_of_name = _parts(values), _parts(names)
    place = np.empty(len(values), dtype=np.int32)

    def fill(part: int) -> None:
        mine, own = part_of_value == part, part_of_name == part
        found = _found(values.filter(pa.array(mine)), names.filter(pa.array(own)))
        place[mine] = np.append(np.flatnonzero(own), -1).astype(np.int32)[found]

    with ThreadPoolExecutor(THREADS) as pool:
        list(pool.map(fill, range(PARTS)))
    release()
    return place


def release() -> None:
    """Give back to the system what Arrow and the C library keep for themselves: 1 GB for all of Commons."""
    pa.default_memory_pool().release_unused()
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None) if sys.platform == "linux" else None
    if trim:  # glibc only
        trim(0)


def _parts(texts: Texts) -> np.ndarray:
    length = pc.fill_null(pc.binary_length(texts), 0)
    return np.concatenate([np.asarray(chunk) % PARTS for chunk in _chunks(length)]).astype(np.uint8)


def _chunks(values: Texts) -> list[pa.Array]:
    return values.chunks if isinstance(values, pa.ChunkedArray) else [values]


def _found(values: Texts, names: pa.Array) -> np.ndarray:
    found = pc.index_in(values, value_set=names, skip_nulls=True)
    return pc.fill_null(found, -1).to_numpy().astype(np.int32, copy=False)
