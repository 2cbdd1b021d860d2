"""Lexical heads of category names by rule: "Train stations in Japan" -> "Train stations"."""

import pyarrow as pa

PREPOSITIONS = frozenset(["of", "in", "by", "at", "on", "from", "with", "for", "to"])


def find_heads(names: pa.Array) -> pa.Array:
    """The head of each category name: first letter upper, the rest lower; "" where there is none."""
    return pa.array([find_head(name) for name in names.to_pylist()], pa.string())


def find_head(name: str) -> str:
    """The head of one category name.

    >>> find_head("Train stations in Japan")
    'Train stations'
    """
    words = name.split(" ")
    cut = next((i for i, word in enumerate(words) if i and word.lower() in PREPOSITIONS), len(words))
    return " ".join(words[:cut]).capitalize()
