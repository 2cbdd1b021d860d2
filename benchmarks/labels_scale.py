"""Labels at Commons scale: from Parquet on disk to Parquet on disk, on a graph of true size and shape.

python benchmarks/labels_scale.py              11.2 million categories, 3.9 million files (8 minutes, 4 GB)
python benchmarks/labels_scale.py --quick      a sixteenth of it
python benchmarks/labels_scale.py --year 2026  also 16 million categories and 120 million files (30 minutes)

Each size is labelled by the command in a process of its own, whose peak memory is the system's count. The
earlier project's method, a recursion per category on a networkx graph (pip install networkx), runs on
the same sixteenth of the graph; its labels are compared. The last line is one JSON object.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from importlib.util import find_spec
from pathlib import Path

import explain  # noqa: F401
import numpy as np
import pyarrow.parquet as pq
from commons_like import generate

from wikitopics.labels.bulk import label_parquet
from wikitopics.labels.category_graph import open_graph
from wikitopics.labels.heads import NULL_HEADS
from wikitopics.labels.heuristics import NO_JUMP
from wikitopics.labels.taxonomy import load

CATEGORIES, FILES = 11_200_000, 3_900_000  # Commons and the English Wikipedia's images, 2022
FUTURE = (16_000_000, 120_000_000)  # all of Commons, 2026
HEURISTICS = "headJ+lookahead+depth"


def label(folder: Path) -> dict[str, float]:
    """What `wikitopics label` takes on the tables in a folder."""
    files = ["--files", folder / "files.parquet", "--out", folder / "out.parquet"]
    return taken(["--source", HEURISTICS, "--graph", folder, *files])


def taken(arguments: list) -> dict[str, float]:
    """Wall and CPU seconds and peak memory (GB) of `wikitopics label` with these arguments."""
    command = [sys.executable, "-m", "wikitopics.cli", "label", *arguments]
    started = time.perf_counter()
    child = subprocess.Popen(command, stdout=subprocess.DEVNULL)
    _, status, used = os.wait4(child.pid, 0)
    if status:
        raise SystemExit(f"labelling ended with status {status}")
    seconds = time.perf_counter() - started
    return {"seconds": seconds, "cpu": used.ru_utime + used.ru_stime, "peak_gb": used.ru_maxrss / 1e6}


class Recursion:
    """The earlier project's walk on networkx: one category at a time, memory of those seen, Python sets."""

    def __init__(self, folder: Path) -> None:
        table = pq.read_table(folder / "categories.parquet").to_pydict()
        import networkx

        self.graph = networkx.MultiDiGraph()  # a parent may be listed twice
        rows = zip(*(table[key] for key in ("title", "depth", "head", "hiddencat")), strict=True)
        for title, depth, head, hidden in rows:
            self.graph.add_node(title, depth=depth, head=head, hiddencat=hidden)
        for title, parents in zip(table["title"], table["parents"], strict=True):
            self.graph.add_edges_from((title, parent) for parent in parents)
        taxonomy = load("v1.4")
        self.anchors = {a: set(taxonomy.labels(mask)) for a, mask in taxonomy.anchor_masks().items()}
        self.rules = [getattr(self, rule) for rule in HEURISTICS.split("+")]
        self.seen: dict[str, set[str]] = {}

    def labels(self, title: str) -> set[str]:
        """Labels of one category."""
        if title in self.anchors:
            return self.anchors[title]
        if title in self.seen or title not in self.graph:
            return self.seen.get(title, set())
        self.seen[title] = set()
        node = self.graph.nodes[title]
        if (
            node["depth"] is None
            or node["hiddencat"]
            or node["head"].isnumeric()
            or node["head"] in NULL_HEADS
        ):
            return set()
        for rule in self.rules:
            found = set().union(*(self.labels(target) for target in rule(title)))
            if found:
                break
        self.seen[title] = found
        return found

    def depth(self, title: str) -> list[str]:
        return [p for p in self._parents(title) if self._above(p, title)]

    def lookahead(self, title: str) -> list[str]:
        return [p for p in self._parents(title) if p in self.anchors]

    def headJ(self, title: str) -> list[str]:
        parents = self._parents(title)
        heads = [self.graph.nodes[name]["head"].split(" ") for name in [title, *parents]]
        while True:
            words = [" ".join(head).capitalize() for head in heads]
            repeated = {head for head in words if words.count(head) > 1}
            longest = max(map(len, heads))
            if repeated or longest == 1:
                break
            heads = [head[1:] if len(head) == longest else head for head in heads]
        found = [head for head in repeated if self._above(head, title)]
        kept = [p for p, head in zip(parents, words[1:], strict=True) if head in NO_JUMP and head in found]
        return [head for head in found if head not in NO_JUMP] + kept

    def _parents(self, title: str) -> list[str]:
        return [parent for _, parent in self.graph.out_edges(title)]

    def _above(self, target: str, title: str) -> bool:
        depth = self.graph.nodes[target]["depth"] if target in self.graph else None
        return depth is not None and depth < self.graph.nodes[title]["depth"]


def recursion(folder: Path, files: int = 2000) -> dict[str, float]:
    """Seconds a file of the recursion, memory emptied before each file (cold) or kept (warm); agreement."""
    walk = Recursion(folder)
    lists = pq.read_table(folder / "files.parquet", columns=["categories"])["categories"][:files].to_pylist()
    ours = pq.read_table(folder / "out.parquet", columns=["labels"])["labels"][:files].to_pylist()
    started = time.perf_counter()
    cold = []
    for titles in lists:
        walk.seen.clear()
        cold.append(set().union(*map(walk.labels, titles)))
    middle = time.perf_counter()
    walk.seen.clear()
    for titles in lists:
        set().union(*map(walk.labels, titles))
    ended = time.perf_counter()
    same = np.mean([a == set(b) for a, b in zip(cold, ours, strict=True)])
    walked = {"cold": (middle - started) / files, "warm": (ended - middle) / files, "same": float(same)}
    return walked | {"ours": in_memory(folder)}


def in_memory(folder: Path) -> float:
    """Seconds a file of our way with the graph read, as it is for the recursion; files read and written.

    The best of three, since it is short.
    """
    graph, seconds = open_graph(folder), []
    for _ in range(3):
        started = time.perf_counter()
        label_parquet(graph, load("v1.4"), HEURISTICS, folder / "files.parquet", folder / "again.parquet")
        seconds.append(time.perf_counter() - started)
    return min(seconds) / pq.read_metadata(folder / "files.parquet").num_rows


def main(quick: bool, future: bool) -> None:
    sizes = [64, 32, 16] if quick else [16, 4, 1]
    rows = [(CATEGORIES // part, FILES // part, f"1/{part}" if part > 1 else "full") for part in sizes]
    rows += [(*FUTURE, "2026")] if future else []
    measured, plain = [], None
    for categories, files, name in rows:
        with tempfile.TemporaryDirectory() as folder:
            started = time.perf_counter()
            subprocess.run(
                [sys.executable, __file__, "--generate", folder, str(categories), str(files)], check=True
            )
            made = time.perf_counter() - started
            found = {"size": name, "categories": categories, "files": files, **label(Path(folder))}
            measured.append(found)
            if name == "1/16" and find_spec("networkx"):
                plain = recursion(Path(folder))
            print(
                f"{name:>5} {categories:>11,} categories {files:>12,} files: {found['seconds']:7.1f} s "
                f"{found['cpu']:7.1f} CPU s {found['peak_gb']:5.2f} GB (made in {made:.0f} s)",
                flush=True,
            )
    rounded = [{k: round(v, 2) if isinstance(v, float) else v for k, v in m.items()} for m in measured]
    figures = {"sizes": rounded}
    figures |= growth(measured[:3]) | (ratios(measured, plain) if plain else {})
    for name, value in figures.items():
        if name != "sizes":
            print(f"{name:28} {value}")
    print(json.dumps(figures))


def growth(measured: list[dict]) -> dict[str, float]:
    """Exponent b of seconds = a * size ** b, without what Python and the imports take; 1 is linear."""
    starts = [taken(["--help"]) for _ in range(3)]
    start = {key: min(one[key] for one in starts) for key in ("seconds", "cpu")}
    size = np.log([m["categories"] for m in measured])
    figures = {"start_seconds": round(start["seconds"], 2)}
    for key in ("seconds", "cpu"):
        slope = np.polyfit(size, np.log([m[key] - start[key] for m in measured]), 1)[0]
        figures[f"growth_exponent_{key}"] = round(float(slope), 3)
    return figures


def ratios(measured: list[dict], plain: dict[str, float]) -> dict[str, float]:
    """Microseconds a file, and how many times faster than the recursion: graph in memory, and all in all."""
    whole = measured[2]["seconds"] / measured[2]["files"]
    return {
        "microseconds_a_file_all": round(1e6 * whole, 1),
        "microseconds_a_file_in_memory": round(1e6 * plain["ours"], 1),
        "recursion_cold_microseconds": round(1e6 * plain["cold"], 1),
        "recursion_warm_microseconds": round(1e6 * plain["warm"], 1),
        "ratio_cold": round(plain["cold"] / plain["ours"], 1),
        "ratio_warm": round(plain["warm"] / plain["ours"], 1),
        "same_labels": round(plain["same"], 4),
    }


if __name__ == "__main__":
    if "--generate" in sys.argv:
        generate(Path(sys.argv[2]), int(sys.argv[3]), int(sys.argv[4]))
        raise SystemExit
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="a sixteenth of the graph and less")
    parser.add_argument("--year", default="2022", choices=["2022", "2026"], help="2026: a larger one too")
    options = parser.parse_args()
    if find_spec("networkx") is None:
        print("the earlier project's method is left out: it needs networkx (pip install networkx)")
    main(options.quick, options.year == "2026")
