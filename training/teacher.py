"""What the deep form says of files that no person labelled, for the fast form to learn from.

    python training/teacher.py --words words.npz [--work DIR]

Reads the encoder that commons_learned_deep.py trained from silver labels alone: no person's label is in it.
The files: the silver ones, all other logged ones but people's, and made-up ones, each with two categories of
the graph and the name of one of them as its title. Writes taught.parquet (title, categories, chances, silver)
into --work.
"""

import argparse
from pathlib import Path

import numpy as np
import pandas as pd
from commons_learned import Data
from commons_learned_deep import (
    MODEL,
    WHOLE,
    Known,
    mixed,
    read_arrays,
    shipped_arrays,
    weights_of,
    wide_fitted,
)
from given import commons_graph, word_vectors

from wikitopics.labels.category_graph import CategoryGraph
from wikitopics.labels.deep.encoder import encoder_of
from wikitopics.labels.deep.encoder_input import read_names
from wikitopics.labels.deep.labeller import GRAPH
from wikitopics.labels.deep.wordpieces import WordPieces
from wikitopics.labels.learned import gather, walks

MADE_UP = 2000


def made_up(graph: CategoryGraph, n: int, seed: int) -> pd.DataFrame:
    """title, categories of `n` files that do not exist; their categories have known parents."""
    known = np.flatnonzero(np.diff(graph.indptr) > 0)
    drawn = np.random.default_rng(seed).choice(known, (n, 2))
    names = [graph.titles.take(column).to_pylist() for column in drawn.T]
    titles = [f"{name}.jpg" for name in names[0]]
    return pd.DataFrame({"title": titles, "categories": [list(pair) for pair in zip(*names, strict=True)]})


def files_to_teach(folder: Path, data: Data) -> pd.DataFrame:
    """title, categories, silver (row among the silver files, -1: none)."""
    silver = data.files.iloc[data.n :].reset_index(drop=True)
    logged = pd.read_parquet(folder / "files.parquet").drop_duplicates("title")[["title", "categories"]]
    others = logged[~logged["title"].isin(data.files["title"])]
    return pd.concat(
        [
            silver.assign(silver=np.arange(len(silver))),
            others.assign(silver=-1),
            made_up(data.graph, MADE_UP, 0).assign(silver=-1),
        ],
        ignore_index=True,
    )


def main() -> None:
    """Score the files and write them."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--words", type=Path, required=True)
    parser.add_argument("--seed", default="0")
    parser.add_argument("--work", type=Path, default=Path("data/commons_learned_deep"))
    options = parser.parse_args()
    folder = commons_graph(parser)
    data, known = Data(folder, word_vectors(parser, options.words)), Known(options.work)
    state = read_arrays(weights_of(options.work, WHOLE, options.seed))
    files = files_to_teach(folder, data)
    evidence = gather(data.graph, walks(data.graph, data.taxonomy), files, data.lexicon)
    facts = evidence.facts.transpose(1, 2, 0)
    wide = wide_fitted(data, known.silver)
    encoder = encoder_of(shipped_arrays(state), (MODEL / GRAPH).read_bytes())
    meanings = encoder.meanings(read_names(data.graph, files, WordPieces(known.pieces)))
    deep = meanings @ state["words.weight"].T + state["words.bias"] + (facts * state["facts"]).sum(-1)
    chances = known.chances(mixed(deep, wide.logits(data.compressed(evidence), facts)))
    files.assign(chances=list(chances)).to_parquet(options.work / "taught.parquet")
    print(f"{len(files):,} files")


if __name__ == "__main__":
    main()
