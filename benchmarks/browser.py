"""How quickly the browser of mistakes answers, with 50,000 predictions of 20 labels (--quick: 10,000).

    python benchmarks/browser.py [--quick]

Measured in the kernel: opening, every filter, a page, an image in full with its neighbours among 1,280
features, a verdict on disk. `thumbnails`: from the click until the new page of thumbnails is sent; `all`:
until the last message, neighbours of the opened image included; `processor`: time of the processor for all
of it, which is what a quiet machine would take. The goal is below 1 s for opening and below 200 ms for a
filter or a page. The table is followed by one line of JSON.
"""

import argparse
import json
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd

from wikitopics.show.browser.mistakes import MistakeBrowser

LABELS, FEATURES, SIDE = 20, 1280, 128
COLUMNS = ("thumbnails", "all", "processor")


def predictions(n: int, folder: Path) -> dict:
    """Arguments of the browser: n predictions, images and features memory-mapped as in a real run."""
    rng = np.random.default_rng(0)
    truth = (rng.random((n, LABELS)) < 0.1).astype(np.uint8)
    scores = np.clip(0.6 * truth + rng.normal(0.2, 0.15, (n, LABELS)), 0, 1).astype(np.float32)
    titles = [f"A file of the benchmark, no. {i}.jpg" for i in range(n)]
    names = [f"Label {i}" for i in range(LABELS)]
    frame = pd.DataFrame({"title": titles, "row": np.arange(n), "split": "test", "group": np.arange(n) // 2})
    lists = {"categories": [["Category one", "Category two"]] * n, "labels: human": [[names[0]]] * n}
    why = pd.DataFrame({"title": titles * 2, "label": names[0], "score": 0.9, "start": "Category one"})
    why["path"], why["rules"] = [["Category one", "Label 0"]] * (2 * n), [["depth"]] * (2 * n)
    return {
        "frame": frame,
        "truth": truth,
        "scores": scores,
        "thresholds": np.full(LABELS, 0.5),
        "label_names": names,
        "images": _images(n, folder / "images.npy", rng),
        "details": pd.DataFrame(lists, titles),
        "why": why,
        "features": _features(n, folder / "features.npy", rng),
        "judgements": folder / "judgements",
    }


def _images(n: int, path: Path, rng: np.random.Generator) -> np.ndarray:
    images = np.lib.format.open_memmap(path, "w+", np.uint8, (n, SIDE, SIDE, 3))
    coarse = rng.integers(0, 255, (256, 8, 8, 3)).astype(np.uint8)
    blocks = coarse.repeat(SIDE // 8, axis=1).repeat(SIDE // 8, axis=2)
    for start in range(0, n, len(blocks)):
        images[start : start + len(blocks)] = blocks[: n - start]
    return images


def _features(n: int, path: Path, rng: np.random.Generator) -> np.ndarray:
    features = np.lib.format.open_memmap(path, "w+", np.float32, (n, FEATURES))
    for start in range(0, n, 4096):
        features[start : start + 4096] = rng.random((min(4096, n - start), FEATURES), dtype=np.float32)
    return features


def milliseconds(action: Callable[[], object], browser: MistakeBrowser | None = None) -> np.ndarray:
    """(thumbnails, all, processor) of one action; without thumbnails the first equals the second."""
    sent: list[float] = []

    def note(_: dict) -> None:
        sent.append(time.perf_counter())

    if browser:
        browser.stage.tiles.observe(note, names="value")
    clock, processor = time.perf_counter(), time.process_time()
    action()
    ended = time.perf_counter()
    used = time.process_time() - processor
    if browser:
        browser.stage.tiles.unobserve(note, names="value")
    return 1000 * np.array([(sent[0] if sent else ended) - clock, ended - clock, used])


def actions(browser: MistakeBrowser) -> dict[str, list[Callable[[], object]]]:
    """What a person does, several times each: no answer may come from the last one's cache alone."""
    filters = browser.filters

    def put(control, *values) -> list[Callable[[], object]]:
        return [lambda value=value: setattr(control, "value", value) for value in values]

    return {
        "filter: errors": put(filters.errors, *["false positives", "false negatives", "all predictions"]),
        "filter: label": put(filters.label, 3, 7, -1),
        "filter: confidence": put(filters.confidence, (0.2, 0.9), (0.5, 0.7), (0.0, 1.0)),
        "filter: duplicates": put(
            filters.duplicates, "one of each group", "only near duplicates", "all images"
        ),
        "sort": put(filters.order, "confidence, high first", "close to the threshold", "loss, worst first"),
        "page": [lambda page=page: browser.show_page(page) for page in (2, 900, 17)],
        "image in full": [lambda place=place: browser.open(place) for place in (5_000, 1, 9_999)],
        "verdict": [lambda verdict=verdict: browser.judge(verdict) for verdict in ("label wrong", "unsure")],
    }


def measure(n: int) -> dict[str, np.ndarray]:
    """The slowest of each kind of action, as `milliseconds` tells it."""
    with tempfile.TemporaryDirectory() as folder:
        given = predictions(n, Path(folder))
        opened: list[MistakeBrowser] = []
        times = {"opening": milliseconds(lambda: opened.append(MistakeBrowser(**given)))}
        for name, tries in actions(opened[0]).items():
            times[name] = np.max([milliseconds(action, opened[0]) for action in tries], axis=0)
    return times


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="10,000 predictions instead of 50,000")
    n = 10_000 if parser.parse_args().quick else 50_000
    times = measure(n)
    print(f"{n:,} predictions of {LABELS} labels: the slowest of each, in the kernel")
    print(f"  {'milliseconds':20s} {'thumbnails':>10s} {'all':>6s} {'processor':>10s}")
    for name, (thumbnails, everything, processor) in times.items():
        print(f"  {name:20s} {thumbnails:10.0f} {everything:6.0f} {processor:10.0f}")
    told = {name: dict(zip(COLUMNS, took.round(1).tolist(), strict=True)) for name, took in times.items()}
    print(json.dumps({"predictions": n, "labels": LABELS, "ms": told}))


if __name__ == "__main__":
    main()
