"""What the encoder reads of a file: title, categories, their parents, as word pieces of three kinds."""

from dataclasses import dataclass

import pandas as pd

from wikitopics.labels.category_graph import CategoryGraph
from wikitopics.labels.deep.wordpieces import WordPieces
from wikitopics.labels.learned import category_weights, file_name
from wikitopics.titles import category_key

LENGTH = 64  # pieces of a file that are read
TITLE, CATEGORIES = 16, 44  # pieces at most up to the end of the title, and up to the end of the categories
UPKEEP = 0.2  # parents that weigh less are not read


@dataclass(frozen=True)
class Rows:
    """Word pieces of n files, at most LENGTH of each: numbers; kinds (0 title, 1 category, 2 parent)."""

    numbers: list[list[int]]
    kinds: list[list[int]]


def read_names(graph: CategoryGraph, files: pd.DataFrame, pieces: WordPieces) -> Rows:
    """The rows of `files` (title, categories); those of like weight in the order given, upkeep last."""
    keys = [[category_key(name) for name in names] for names in files["categories"]]
    every = sorted({name for names in keys for name in names})
    parents = dict(zip(every, _parents(graph, every), strict=True))
    weigh = _weights([*every, *{up for ups in parents.values() for up in ups}])
    rows = [
        _row(title, names, parents, weigh, pieces) for title, names in zip(files["title"], keys, strict=True)
    ]
    return Rows([numbers for numbers, _ in rows], [kinds for _, kinds in rows])


def _parents(graph: CategoryGraph, names: list[str]) -> list[list[str]]:
    place = graph.find(names)
    return [
        graph.titles.take(graph.parents[graph.indptr[i] : graph.indptr[i + 1]]).to_pylist() if i >= 0 else []
        for i in place
    ]


def _weights(names: list[str]) -> dict[str, float]:
    return dict(zip(names, category_weights(names).tolist(), strict=True))


def _row(title, names, parents, weigh, pieces: WordPieces) -> tuple[list[int], list[int]]:
    own = sorted(names, key=lambda name: -weigh[name])
    ups = dict.fromkeys(up for name in own if weigh[name] > UPKEEP for up in parents[name])
    above = sorted((up for up in ups if weigh[up] > UPKEEP and up not in names), key=lambda up: -weigh[up])
    numbers = [pieces.first, *pieces.numbers(file_name(title))][: TITLE - 1] + [pieces.divider]
    kinds = [0] * len(numbers)
    for kind, listed, end in ((1, own, CATEGORIES), (2, above, LENGTH)):
        for name in listed:
            if len(numbers) < end:
                numbers += [*pieces.numbers(name)[: end - len(numbers) - 1], pieces.divider]
        kinds += [kind] * (len(numbers) - len(kinds))
    return numbers, kinds
