"""Nearest pictures by features: near duplicates in a set, and those nearest to other pictures.

Measured on 300 of the sample's drawings among 2,007, ten planted copies of each (benchmarks/alike_copies.py):

    found of         recompressed  halved  cropped 5 %  10 %  mirrored  turned 5 degrees  precision
    similarity 0.85          82 %    62 %         99 %  93 %      99 %              87 %       .966
    similarity 0.9           56 %    35 %         97 %  74 %      95 %              74 %       .990
    looks (02_images)        87 %    98 %         99 %  92 %     100 %              37 %       .998

Features need no second look at a set that is embedded, and see what was turned or has other colours. Of what
counts as wrong above 0.9 most are variants of one drawing (the same balloon in another colour): the column
`pixels_agree` tells copies from those.
"""

import numpy as np
import pandas as pd

from wikitopics.alike.features import Embedder, Features
from wikitopics.errors import UserError
from wikitopics.evaluate.neighbours import Index, nearest
from wikitopics.images.decode import Recipe
from wikitopics.images.duplicates import agreement
from wikitopics.images.likeness import LIKE, Views, inside_square, join, look
from wikitopics.progress import report
from wikitopics.scoring.network import BATCH
from wikitopics.scoring.pictures import FILES, Reads, decoded
from wikitopics.scoring.results import readable

ABOVE = 0.9  # cosine similarity
MOST = 16  # of one picture: of more copies only the nearest are pairs with it
ROUNDING = 1e-6  # of a cosine in float32: equal vectors may come out a little less than 1
MANY = 20_000  # vectors above which preparing cells is sooner done than comparing all with all
AT_A_TIME = 2048
STORE = 64  # pixels at which pictures are decoded to be compared

COLUMNS = ["query", "rank", "path", "similarity", "reason"]
PAIRS = ["path_a", "path_b", "similarity", "pixels_agree"]


def near_duplicates(index: Index, above: float = ABOVE, most: int = MOST) -> pd.DataFrame:
    """Pairs of rows with a similarity of at least `above`, of each row its `most` nearest at the most.

    Returns first, second (int64, first < second), similarity (float32), the most similar first, then by rows.
    """
    found = []
    report("comparing", 0, len(index))
    for start in range(0, len(index), AT_A_TIME):
        own = np.arange(start, min(len(index), start + AT_A_TIME))
        rows, similarity = nearest(index, own, most)
        line, place = np.nonzero(similarity >= above - ROUNDING)
        ends = np.sort(np.stack([own[line], rows[line, place]], axis=1), axis=1)
        frame = pd.DataFrame(ends, columns=["first", "second"])
        found.append(frame.assign(similarity=similarity[line, place]))
        report("comparing", start + len(own), len(index))
    empty = pd.DataFrame(np.empty((0, 2), np.int64), columns=["first", "second"])
    pairs = pd.concat([empty.assign(similarity=np.empty(0, np.float32)), *found])
    pairs = pairs.sort_values(["similarity", "first", "second"], ascending=[False, True, True])
    return pairs.drop_duplicates(["first", "second"], ignore_index=True)


def pixels_agree(
    paths: list[str], pairs: pd.DataFrame, jobs: int = 0, source: Reads = FILES
) -> tuple[np.ndarray, int]:
    """Whether the pictures of each pair agree (images.duplicates.agreement): (m,) bool; how many could
    not be read again, whose pairs do not agree.

    pairs: first and second are places in `paths`. Pictures are stretched, so that their borders do not count.
    """
    rows = np.unique(pairs[["first", "second"]].to_numpy())
    seen, lost, done = [], np.zeros(len(rows), bool), 0
    for some, pixels, rejected in decoded(
        [paths[row] for row in rows], Recipe(STORE, "stretch"), 256, jobs, source
    ):
        bad = np.isin(np.arange(len(some)), rejected.index)
        lost[done : done + len(some)] = bad
        seen.append(_views_of(pixels, bad))
        report("looking", done := done + len(some), len(rows))
    places = np.searchsorted(rows, pairs[["first", "second"]].to_numpy())
    agree = agreement(join(seen), places) >= LIKE if len(places) else np.zeros(0, bool)
    return agree & ~lost[places].any(axis=1), int(lost.sum())


def _views_of(pixels: np.ndarray, bad: np.ndarray) -> Views:
    """The views of the pictures that are not `bad` (n,), in their places; of the others those of black."""
    filled = np.zeros((len(bad), STORE, STORE, 3), np.uint8)
    filled[~bad] = pixels
    sizes = np.full((len(bad), 2), STORE)
    return look(filled, inside_square(sizes, STORE, "stretch"), sizes)


def duplicates_table(
    paths: list[str], index: Index, above: float = ABOVE, jobs: int = 0, source: Reads = FILES
) -> pd.DataFrame:
    """Near duplicates among pictures: path_a, path_b, similarity, pixels_agree, the most similar first.

    paths: of the index' rows, in order; where pictures cannot be read any more, their number is printed.
    """
    pairs = near_duplicates(index, above)
    agree, lost = pixels_agree(paths, pairs, jobs, source)
    if lost:
        print(f"{lost:,} pictures could not be read again: none of their pairs agrees")
    names = np.array([*paths, ""], object)
    columns = (names[pairs["first"]], names[pairs["second"]], pairs["similarity"], agree)
    return pd.DataFrame(dict(zip(PAIRS, columns, strict=True)))


def index_for_all(features: np.ndarray, approximate: bool | None = None) -> Index:
    """An index for asking about all of its own rows, which pays for its cells from MANY rows on."""
    from wikitopics.evaluate.neighbours import installed

    wanted = len(features) > MANY and installed() if approximate is None else approximate
    return Index(features, wanted)


def nearest_table(
    features: Features,
    index: Index,
    embedder: Embedder,
    queries: list[str],
    count: int = 8,
    jobs: int = 0,
    source: Reads = FILES,
) -> pd.DataFrame:
    """The `count` nearest pictures of each of the files `queries`: query, rank (from 1), path, similarity.

    index: of features.vectors. reason: "", or for a query that cannot be used, which has one row, why not.
    Raises UserError where `embedder` is not what the features come from.
    """
    if not embedder.about.comparable(features.about):
        raise UserError(
            "pictures asked about must be embedded as the others were, by "
            f"{features.about.backbone} of {features.about.model!r}, but the model {embedder.about.model!r} "
            "has another network, weights or size; name the one that made the features"
        )
    tables = [pd.DataFrame(columns=COLUMNS)]
    for some, pixels, rejected in decoded(queries, embedder.recipe, BATCH, jobs, source):
        told = rejected["reason"].to_dict()  # by place
        rows, similarity = index.nearest(embedder.forward(pixels), count)
        answers = iter(zip(rows, similarity, strict=True))
        for place, path in enumerate(some):
            if place in told:
                tables.append(pd.DataFrame([[readable(path), 0, "", np.nan, told[place]]], columns=COLUMNS))
            else:
                tables.append(_answer(readable(path), features.paths, *next(answers)))
    return pd.concat([table for table in tables if len(table)] or tables, ignore_index=True)


def _answer(query: str, paths: list[str], rows: np.ndarray, similarity: np.ndarray) -> pd.DataFrame:
    return pd.DataFrame(
        {
            "query": query,
            "rank": np.arange(1, len(rows) + 1),
            "path": [paths[row] for row in rows],
            "similarity": similarity,
            "reason": "",
        }
    )
