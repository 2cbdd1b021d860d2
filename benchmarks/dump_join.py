"""What joining a Commons dump takes, on tables of Commons' shape: files, categories, links that favour a few.

python benchmarks/dump_join.py                 4 and 20 million links (3 minutes, 2 GB of disk)
python benchmarks/dump_join.py --links 1 5     others, in millions

Each size is joined in a process of its own, whose peak memory is the system's count. The last line is JSON;
the estimate for Commons takes the last size's seconds a link.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import explain  # noqa: F401
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

COMMONS_LINKS = 1e9
GROUP = 250_000  # rows of a row group, as commons_tables writes them


def tables(folder: Path, links: int, seed: int = 0) -> None:
    """What `commons_tables.write_tables` would make: 8 links a page, a category for 60 links."""
    rng = np.random.default_rng(seed)
    n_files, n_categories = links // 8, links // 60
    ids = np.sort(rng.choice(2 * (n_files + n_categories), n_files + n_categories, replace=False))
    category = np.zeros(len(ids), dtype=bool)
    category[rng.choice(len(ids), n_categories, replace=False)] = True
    titles = [
        f"Category of things {i}" if c else f"A picture of a thing, {i}.jpg"
        for i, c in zip(ids, category, strict=True)
    ]
    page = {"id": ids, "file": ~category, "redirect": np.zeros(len(ids), bool), "title": titles}
    target = {"id": np.arange(n_categories) * 7, "title": np.array(titles, dtype=object)[category]}
    empty = {"page": ids[:0], "title": pa.array([], pa.string())}
    for name, table in {
        "page": page,
        "target": target,
        "hidden": {"page": ids[category][::50]},
        "redirect": empty,
    }.items():
        pq.write_table(pa.table(table), folder / f"{name}.parquet", row_group_size=GROUP, compression="zstd")
    schema = pa.schema({"page": pa.int64(), "name": pa.string(), "target": pa.int64()})
    pages = np.sort(rng.choice(ids, links))
    with pq.ParquetWriter(folder / "links.parquet", schema, compression="zstd") as writer:
        for start in range(0, links, GROUP):
            part = pages[start : start + GROUP]
            targets = (rng.zipf(1.3, len(part)) % n_categories) * 7
            writer.write_table(pa.table([part, pa.nulls(len(part), pa.string()), targets], schema=schema))


def join(folder: Path) -> None:
    """Join the tables; print processor and wall seconds."""
    from wikitopics.sources.dumps.commons_graph import Joins

    started, wall = time.process_time(), time.perf_counter()
    joins = Joins(folder, {})
    joins.files(folder / "made_files")
    joins.categories(folder / "made_categories")
    print(json.dumps([joins.counts["links"], time.process_time() - started, time.perf_counter() - wall]))


def measured(links: int) -> dict[str, float]:
    """Links, seconds and peak memory of one size."""
    with tempfile.TemporaryDirectory() as folder:
        # in a process of its own too: a child's peak begins with what its parent holds
        subprocess.run([sys.executable, __file__, "--make", folder, "--links", str(links / 1e6)], check=True)
        environment = {**os.environ, "WIKITOPICS_PROGRESS": os.devnull}
        command = [sys.executable, __file__, "--join", folder]
        child = subprocess.Popen(command, stdout=subprocess.PIPE, env=environment)
        out = child.stdout.read().splitlines()[-1]
        _, status, used = os.wait4(child.pid, 0)
    if status:
        raise SystemExit(f"joining ended with status {status}")
    joined, cpu, wall = json.loads(out)
    return {"links": joined, "cpu": round(cpu, 1), "wall": round(wall, 1), "peak_mb": used.ru_maxrss // 1024}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--links", type=float, nargs="+", default=[4, 20], help="millions")
    parser.add_argument("--make", type=Path)
    parser.add_argument("--join", type=Path)
    options = parser.parse_args()
    if options.make:
        tables(options.make, int(options.links[0] * 1e6))
        return
    if options.join:
        join(options.join)
        return
    results = []
    for millions in options.links:
        results.append(measured(int(millions * 1e6)))
        print(results[-1], flush=True)
    hours = results[-1]["cpu"] / results[-1]["links"] * COMMONS_LINKS / 3600
    print(f"Commons' {COMMONS_LINKS:.0e} links: {hours:.1f} hours of one processor core")
    print(json.dumps(results))


if __name__ == "__main__":
    main()
