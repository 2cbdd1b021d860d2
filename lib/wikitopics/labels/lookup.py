"""Finding texts among texts: a hash join in parts, so that two cores share it and no table is large."""

import ctypes
import sys
from concurrent.futures import ThreadPoolExecutor
from typing import TypeAlias

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from wikitopics.titles import category_key

Texts: TypeAlias = pa.Array | pa.ChunkedArray
PARTS = 8  # texts of different length are never equal: parts by length, modulo this
SMALL = 100_000  # below this, one part
THREADS = 2
# What a name may have that MediaWiki would write otherwise; most have nothing of it and stay as they are.
ODD = (
    r"[_:%#&\[\]\p{Mn}\p{Zl}\p{Zp}\x{1100}-\x{11ff}\x{2126}\x{212a}\x{212b}\x{200e}\x{200f}\x{202a}-\x{202e}]"
    r"|[^\P{Zs} ]|[\x00-\x1f\x7f]|^ | $|  |^[\p{Ll}\x{1c4}\x{1c7}\x{1ca}\x{1f1}]"
)


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


def categories_at(values: Texts, names: pa.Array) -> np.ndarray:
    """`positions` of categories however they are written, among `names` as `categories_spelled` gives them.

    >>> categories_at(pa.array(["Category:Red_foxes", "Red foxes", "Dogs"]), pa.array(["Red foxes"])).tolist()
    [0, 0, -1]
    """
    values = values.cast(names.type)
    place = np.array(positions(values, names))  # Arrow's own may not be written to
    missing = np.flatnonzero(place < 0)
    if len(missing):
        again = categories_spelled(values.take(pa.array(missing)))
        place[missing] = positions(again, names)
    return place


def categories_spelled(names: Texts) -> Texts:
    """The same names, each as `titles.category_key` writes it.

    >>> categories_spelled(pa.array(["Category:Red_foxes", "Dogs", None])).to_pylist()
    ['Red foxes', 'Dogs', None]
    """
    if isinstance(names, pa.ChunkedArray):
        texts = names.cast(pa.string()) if pa.types.is_null(names.type) else names
        return pa.chunked_array([categories_spelled(chunk) for chunk in texts.chunks], texts.type)
    names = names.cast(pa.string()) if pa.types.is_null(names.type) else names
    odd = pc.fill_null(pc.match_substring_regex(names, ODD), False)
    written = names.filter(odd).to_pylist()
    spelled = {name: category_key(name) for name in set(written)}
    return pc.replace_with_mask(names, odd, pa.array([spelled[name] for name in written], names.type))


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
    if not isinstance(values, pa.ChunkedArray):
        return [values]
    return values.chunks or [pa.array([], values.type)]  # Arrow has columns of no rows without a chunk


def _found(values: Texts, names: pa.Array) -> np.ndarray:
    found = pc.index_in(values, value_set=names, skip_nulls=True)
    return pc.fill_null(found, -1).to_numpy().astype(np.int32, copy=False)
