"""A category graph and files of true size and shape, made up: what benchmarks/labels_scale.py labels.

Measured on Commons of February 2022: 11.2 million categories of which 77 % reach the root, 25 million
edges, depth 8.64 on average and 98 % of it in 5 to 12, 62 % leaves, 1.2 % hidden; 2.6 categories a file, a
quarter of all categories in use. Rows are in random order, as page numbers are.
"""

from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

PER_FILE = [0.016, 0.353, 0.245, 0.157, 0.096, 0.051, 0.031, 0.016, 0.011, 0.009, 0.015]  # 0..10 categories
CONNECTED, LEAVES, HIDDEN, EDGES = 0.7718, 0.6192, 0.012, 2.237  # shares; parents per category
DEPTH_MEAN, DEPTH_SPREAD, DEEPEST = 8.64, 1.45, 31
POOL = 40_000  # heads that many names share
SLICE = 1_000_000


def generate(folder: Path, categories: int, files: int, seed: int = 0) -> None:
    """Write categories.parquet and files.parquet in the shared format."""
    rng = np.random.default_rng(seed)
    depth = depths(rng, categories)
    indptr, parents = edges(rng, depth)
    titles, heads = names(rng, depth, indptr, parents)
    order = rng.permutation(categories)
    write_categories(folder / "categories.parquet", rng, order, titles, heads, depth, indptr, parents)
    write_files(folder / "files.parquet", rng, titles, files)


def depths(rng: np.random.Generator, n: int) -> np.ndarray:
    """Depth of each category, -1 for those that do not reach the root; the first is the root."""
    connected = int(n * CONNECTED)
    depth = np.round(rng.normal(DEPTH_MEAN, DEPTH_SPREAD, connected)).clip(3, 13)
    tail = rng.random(connected) < 0.002
    depth[tail] = rng.integers(13, DEEPEST + 1, tail.sum())
    depth = np.sort(depth).astype(np.int16)
    depth[:160] = np.concatenate([[1, 2], np.full(158, 3)])
    deepest = int(depth.max())
    depth[160 : 160 + deepest - 3] = np.arange(4, deepest + 1)  # no depth is empty above another
    return np.concatenate([depth, np.full(n - connected, -1, dtype=np.int16)])


def edges(rng: np.random.Generator, depth: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Parents of every category: one at the depth above, the others at no lesser depth than that."""
    n = len(depth)
    order = np.argsort(depth, kind="stable")
    levels = np.searchsorted(depth[order], np.arange(-1, DEEPEST + 3))
    extra = rng.poisson(EDGES / CONNECTED - 1 - 0.23, n)
    extra[depth <= 2] = 0
    count = np.where(depth > 1, 1 + extra, np.where(depth == -1, rng.integers(0, 3, n), 0))
    indptr = np.concatenate([[0], np.cumsum(count)])
    child = np.repeat(depth, count)
    first = np.zeros(len(child), dtype=bool)
    first[indptr[:-1][count > 0]] = True
    up = np.where(first, child - 1, np.minimum(child - 1 + rng.integers(0, 4, len(child)), DEEPEST))
    up = np.where(child == -1, -1, up)
    while (empty := (levels[up + 2] == levels[up + 1]) & (up > 0)).any():
        up = np.where(empty, up - 1, up)
    size = levels[up + 2] - levels[up + 1]
    return indptr, order[levels[up + 1] + _places(rng, depth, count, size)].astype(np.int32)


def _places(rng: np.random.Generator, depth: np.ndarray, count: np.ndarray, size: np.ndarray) -> np.ndarray:
    """Where in its depth each parent stands: near the child's own place, one in ten anywhere."""
    order = np.argsort(depth, kind="stable")
    start = np.searchsorted(depth[order], np.arange(-1, DEEPEST + 2))
    own = (np.argsort(order) - start[depth + 1]) / np.maximum(np.diff(start)[depth + 1], 1)
    near = np.repeat(own, count) + rng.normal(0, 0.01, len(size))
    place = np.where(rng.random(len(size)) < 0.1, rng.random(len(size)), near) % 1
    return (np.maximum(size * (1 - LEAVES), 1) * place).astype(np.int64)


def names(
    rng: np.random.Generator, depth: np.ndarray, indptr: np.ndarray, parents: np.ndarray
) -> tuple[pa.Array, pa.Array]:
    """Titles and heads: four in ten are names of their own, the others share a head, half with a parent."""
    n = len(depth)
    pool = pool_of_heads()
    head = (POOL * rng.random(n) ** 3).astype(np.int32)
    heir = (np.diff(indptr) > 0) & (rng.random(n) < 0.7)
    giver = np.arange(n)
    giver[heir] = parents[indptr[:-1][heir]]
    for _ in range(4):  # a head runs down up to sixteen generations
        giver = giver[giver]
    head = head[giver]
    number = pa.array(np.arange(n)).cast(pa.string())
    own = rng.random(n) < 0.4
    nouns = pc.utf8_lower(pool.take(pa.array(rng.integers(0, 500, n))))
    named = pc.if_else(pa.array(rng.random(n) < 0.7), "", pc.binary_join_element_wise("", nouns, " "))
    shared = pool.take(pa.array(head))
    titles = pc.if_else(
        pa.array(own),
        pc.binary_join_element_wise("Nomen", number, named, ""),
        pc.binary_join_element_wise(shared, "of place", number, " "),
    )
    heads = pc.if_else(pa.array(own), titles, shared)
    return _titled(titles, heads, pool, depth)


def _titled(
    titles: pa.Array, heads: pa.Array, pool: pa.Array, depth: np.ndarray
) -> tuple[pa.Array, pa.Array]:
    """The root, the anchors, and a category named like each head of the pool, somewhere above the middle."""
    from wikitopics.labels import taxonomy

    titles, heads = titles.to_numpy(zero_copy_only=False), heads.to_numpy(zero_copy_only=False)
    anchors = list(taxonomy.load("v1.4").anchor_masks())
    titles[0], titles[1] = "CommonsRoot", "Topics"
    heads[:2] = titles[:2]
    titles[3 : 3 + 4 * len(anchors) : 4] = heads[3 : 3 + 4 * len(anchors) : 4] = anchors
    above = np.flatnonzero((depth > 3) & (depth < 8))[: len(pool)]
    titles[above] = heads[above] = pool.to_numpy(zero_copy_only=False)[: len(above)]
    return pa.array(titles, pa.string()), pa.array(heads, pa.string())


def pool_of_heads() -> pa.Array:
    """Made-up nouns, two in three alone and the others with a noun before them."""
    nouns = [
        f"{a}{b}{c}s" for a in "BDFGKLMNPRST" for b in ("an", "el", "or", "un", "ist") for c in "bdgklmnprt"
    ]
    words = [
        nouns[i % len(nouns)] if i < len(nouns) else f"{nouns[i % 587]} {nouns[i % 599].lower()}"
        for i in range(POOL)
    ]
    return pa.array(
        list(dict.fromkeys(words)) + [f"Reserve {i}" for i in range(POOL - len(set(words)))], pa.string()
    )


def write_categories(
    path: Path, rng, order, titles: pa.Array, heads: pa.Array, depth, indptr, parents
) -> None:
    """The table, its rows in the given order."""
    hidden = rng.random(len(depth)) < HIDDEN
    writer = None
    for start in range(0, len(depth), SLICE):
        rows = order[start : start + SLICE]
        length = indptr[rows + 1] - indptr[rows]
        ends = np.concatenate([[0], np.cumsum(length)])
        flat = parents[np.repeat(indptr[rows] - ends[:-1], length) + np.arange(ends[-1])]
        part = pa.table(
            {
                "title": titles.take(pa.array(rows)),
                "parents": pa.ListArray.from_arrays(
                    pa.array(ends.astype(np.int32)), titles.take(pa.array(flat))
                ),
                "depth": pa.array(depth[rows], mask=depth[rows] < 0),
                "head": heads.take(pa.array(rows)),
                "hiddencat": pa.array(hidden[rows]),
            }
        )
        writer = writer or pq.ParquetWriter(path, part.schema, compression="zstd")
        writer.write_table(part)
    writer.close()


def write_files(path: Path, rng, titles: pa.Array, files: int) -> None:
    used = pa.array(rng.permutation(len(titles))[: int(len(titles) * 0.27)])
    writer = None
    for start in range(0, files, SLICE):
        n = min(SLICE, files - start)
        count = rng.choice(len(PER_FILE), n, p=np.array(PER_FILE) / sum(PER_FILE))
        offsets = pa.array(np.concatenate([[0], np.cumsum(count)]).astype(np.int32))
        chosen = used.take(pa.array((len(used) * rng.random(count.sum()) ** 1.5).astype(np.int64)))
        number = pa.array(np.arange(start, start + n)).cast(pa.string())
        red = pa.array(rng.random(count.sum()) < 0.02)
        names = pc.if_else(red, "A category without a page", titles.take(chosen))
        title = pc.binary_join_element_wise(
            "A picture of something", pc.binary_join_element_wise(number, "jpg", "."), " "
        )
        part = pa.table({"title": title, "categories": pa.ListArray.from_arrays(offsets, names)})
        writer = writer or pq.ParquetWriter(path, part.schema, compression="zstd")
        writer.write_table(part)
    writer.close()
