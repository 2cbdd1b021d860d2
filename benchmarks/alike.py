"""Nearest pictures: exact, approximate, and the numpy loop they replaced, on up to a million vectors."""

import argparse
import json
import resource
import tempfile
import time
from pathlib import Path

import explain
import numpy as np
import pandas as pd
from features_like import write_like

from wikitopics.artefacts import read_array
from wikitopics.evaluate.neighbours import CHUNK, Index, nearest

COUNT = 10  # neighbours: recall@10
SINGLE, OLD = 50, 5  # questions asked one by one, as a browser does; and of the old way, which is slow


def main() -> None:
    """Print a line for each size; the last line is one JSON object."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("sizes", nargs="*", type=int, default=[10_000, 100_000, 1_000_000])
    parser.add_argument("--questions", type=int, default=500)
    parser.add_argument("--quick", action="store_true", help="10,000 synthetic vectors only")
    parser.add_argument("--features", type=Path, help="real features, .npy (default: the sample's)")
    parser.add_argument("--folder", type=Path, help="where vectors are kept: 5 GB for a million")
    options = parser.parse_args()
    real = np.array(read_array(options.features or features_of_sample()))
    results = [measured("real", real, min(len(real), options.questions))]
    for size in options.sizes[:1] if options.quick else options.sizes:
        with tempfile.TemporaryDirectory(dir=options.folder) as place:
            vectors = write_like(real, Path(place) / "like.npy", size)
            results.append(measured("synthetic", vectors, options.questions))
    print(pd.DataFrame(results).T.to_string())
    print(json.dumps(results))


def features_of_sample() -> Path:
    """Where EfficientNet-Lite0's features of the demo's pictures are; they are made where they are not."""
    explain.run_of_demo("03_train", "commons-10-lite0")
    folder = explain.run_of_demo("02_images", "sample") / "features"
    return max(folder.glob("EfficientNetLite0*.npy"), key=lambda file: file.stat().st_size)


def measured(what: str, vectors: np.ndarray, questions: int) -> dict[str, float | str]:
    """All ways on one set of vectors, asked about some of its own rows."""
    asked = np.sort(np.random.default_rng(1).choice(len(vectors), questions, replace=False))
    *lengths, exact = timed(lambda: Index(vectors, approximate=False))
    *exact_all, (truth, _) = timed(lambda: nearest(exact, asked, COUNT))
    *exact_one, _ = timed(lambda: [nearest(exact, asked[i : i + 1], COUNT) for i in range(OLD)])
    known = np.concatenate([chunk_lengths(chunk) for chunk in chunks(vectors)])
    *old_one, old = timed(lambda: [one_by_one(vectors, known, row) for row in asked[:OLD]])
    assert np.mean([np.isin(a, b).mean() for a, b in zip(old, truth, strict=False)]) > 0.99
    before = resident()
    *build, rough = timed(lambda: Index(vectors, approximate=True))
    held = resident() - before
    *rough_all, (found, _) = timed(lambda: nearest(rough, asked, COUNT))
    *rough_one, _ = timed(lambda: [nearest(rough, asked[i : i + 1], COUNT) for i in range(SINGLE)])
    recall = np.mean([np.isin(a, b).mean() for a, b in zip(truth, found, strict=True)])
    likeness = np.median(exact.nearest(vectors[asked[:100]], 2)[1][:, 1])
    result = {"vectors": f"{len(vectors):,} {what}", "recall@10": round(float(recall), 4)}
    for i, unit in enumerate(("second", "CPU second")):
        result |= {
            f"approximate, in a batch, a {unit}": round(questions / rough_all[i], 1),
            f"exact, in a batch, a {unit}": round(questions / exact_all[i], 1),
            f"approximate, one by one, a {unit}": round(SINGLE / rough_one[i], 1),
            f"exact, one by one, a {unit}": round(OLD / exact_one[i], 2),
            f"the old loop, one by one, a {unit}": round(OLD / old_one[i], 2),
            f"cells made in {unit}s": round(build[i] - lengths[i], 1),
        }
    result |= {
        "MB of the index": round(held / 2**20),
        "peak MB, mapped pages included": round(resident(peak=True) / 2**20),
        "median similarity of the nearest": round(float(likeness), 3),
    }
    print(result, flush=True)
    return result


def one_by_one(vectors: np.ndarray, lengths: np.ndarray, row: int) -> np.ndarray:
    """How the browser found neighbours before: all vectors, for every question, in numpy."""
    similarity = np.concatenate([chunk @ vectors[row] for chunk in chunks(vectors)])
    similarity = similarity / np.maximum(lengths * lengths[row], 1e-12)
    similarity[row] = -np.inf
    return np.argpartition(-similarity, range(COUNT))[:COUNT]


def chunks(vectors: np.ndarray):
    """The vectors in parts."""
    for start in range(0, len(vectors), CHUNK):
        yield np.asarray(vectors[start : start + CHUNK])


def chunk_lengths(chunk: np.ndarray) -> np.ndarray:
    """Euclidean lengths of the rows."""
    return np.sqrt(np.einsum("ij,ij->i", chunk, chunk))


def timed(work):
    """Wall and CPU seconds, and what `work` gives."""
    started, cpu = time.perf_counter(), time.process_time()
    result = work()
    return time.perf_counter() - started, time.process_time() - cpu, result


def resident(peak: bool = False) -> int:
    """Bytes of this process that are no file's pages; `peak`: the most so far, files' pages among them."""
    if peak:
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    status = Path("/proc/self/status").read_text()
    return int(status.split("RssAnon:")[1].split()[0]) * 1024


if __name__ == "__main__":
    main()
