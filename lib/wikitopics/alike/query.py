"""The pictures of an embedded set that are nearest to pictures from elsewhere."""

import numpy as np
import pandas as pd

from wikitopics.alike.embedder import Embedder
from wikitopics.alike.features_file import Features
from wikitopics.alike.index import Index
from wikitopics.errors import UserError
from wikitopics.scoring.decoding import FILES, Reads, decoded
from wikitopics.scoring.forward import BATCH
from wikitopics.scoring.results import readable

COLUMNS = ["query", "rank", "path", "similarity", "reason"]


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
