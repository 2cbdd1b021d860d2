"""Finding texts among texts: a hash join in parts, so that two cores share it and no table is large."""

from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

Texts = pa.Array | pa.ChunkedArray
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
    part_of_value = pc.fill_null(pc.binary_length(values), 0).to_numpy() % PARTS
    part_of_name = pc.fill_null(pc.binary_length(names), 0).to_numpy() % PARTS
    place = np.empty(len(values), dtype=np.int32)

    def fill(part: int) -> None:
        mine, own = part_of_value == part, part_of_name == part
        found = _found(values.filter(pa.array(mine)), names.filter(pa.array(own)))
        place[mine] = np.append(np.flatnonzero(own), -1).astype(np.int32)[found]

    with ThreadPoolExecutor(THREADS) as pool:
        list(pool.map(fill, range(PARTS)))
    return place


def _found(values: Texts, names: pa.Array) -> np.ndarray:
    found = pc.index_in(values, value_set=names, skip_nulls=True)
    return pc.fill_null(found, -1).to_numpy().astype(np.int32, copy=False)
