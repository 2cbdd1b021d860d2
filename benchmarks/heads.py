"""Rule-based heads of category names: how fast, and how like the recorded parser's?

python benchmarks/heads.py [--quick]   the 83,275 names with a recorded head; quick: without repetitions
Without the logged part of Commons (../shared/data/commons_graph or $WIKITOPICS_COMMONS_GRAPH) only the speed
is measured, on made-up names. The rules were written looking at these names, so agreement is not a test's.
"""

import argparse
import json
import os
import time
from collections import Counter
from pathlib import Path

import explain  # noqa: F401
import pandas as pd
from commons_like import pool_of_heads

from wikitopics.labels.heads import find_head
from wikitopics.paths import PROJECT

DATA = Path(os.environ.get("WIKITOPICS_COMMONS_GRAPH") or PROJECT.parent / "shared/data/commons_graph")
EXAMPLES = 3


def kind(name: str, ours: str, theirs: str) -> str:
    """How two last words differ, in words."""
    mine, last = ours.split(" ")[-1].casefold(), theirs.split(" ")[-1].casefold()
    words = [word.strip(",").casefold() for word in name.split()]
    if not theirs:
        return "the parser gives none: a gerund" if mine.endswith("ing") else "the parser gives none"
    if not ours:
        return "the rules give none"
    if "'" in last or "’" in last:
        return "the parser takes a possessive's mark"
    if last in ours.casefold().split(" "):
        return "the parser stops at an earlier noun"
    if mine in theirs.casefold().split(" "):
        return "the rules stop at an earlier noun"
    if "-" in mine or "-" in last or any(mine in word or last in word for word in words if "-" in word):
        return "a hyphen, cut or not"
    if mine in words and last in words:
        return "another word, before" if words.index(last) < words.index(mine) else "another word, behind"
    return "other"


def disagreements(known: pd.DataFrame) -> tuple[float, Counter, dict[str, list[str]]]:
    """Share of equal last words, disagreements by kind, and some examples of each."""
    kinds, examples = Counter(), {}
    for name, theirs in zip(known["title"], known["head"], strict=True):
        ours = find_head(name)
        if ours.split(" ")[-1].casefold() != theirs.split(" ")[-1].casefold():
            found = kind(name, ours, theirs)
            kinds[found] += 1
            if kinds[found] <= EXAMPLES:
                examples.setdefault(found, []).append(f"{name!r}: {ours!r}, parser {theirs!r}")
    return 1 - kinds.total() / len(known), kinds, examples


def speed(names: list[str], rounds: int) -> float:
    """Names a second of CPU on one core, the best of the rounds."""
    best = 0.0
    for _ in range(rounds):
        started = time.process_time()
        for name in names:
            find_head(name)
        best = max(best, len(names) / (time.process_time() - started))
    return best


def main(quick: bool) -> None:
    figures: dict[str, float] = {}
    if (DATA / "categories.parquet").exists():
        known = pd.read_parquet(DATA / "categories.parquet", columns=["title", "head"]).dropna()
        share, kinds, examples = disagreements(known)
        names = known["title"].tolist()
        figures = {"names": len(known), "same_last_word": round(share, 4)}
        for found, count in kinds.most_common():
            print(f"{count:6,} {count / len(known):6.2%}  {found}")
            print("".join(f"{'':17}{example}\n" for example in examples[found]), end="")
    else:
        print("the logged part of Commons is not here: speed only")
        names = [f"{head} of place {i}" for i, head in enumerate(pool_of_heads().to_pylist())]
    figures["names_a_second"] = round(speed(names, 1 if quick else 3))
    for name, value in figures.items():
        print(f"{name:20} {value}")
    print(json.dumps(figures))


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="measure the speed once")
    main(parser.parse_args().quick)
