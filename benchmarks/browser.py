"""How quickly the browser of mistakes answers, with 50,000 predictions of 31 labels: 1,550,000 pairs.

    python benchmarks/browser.py [--quick] [--page]

Measured in the kernel: opening, every filter, a search, a moved threshold, a page, a picture in full with
its look-alikes among 1,280 features, a verdict on disk with the next picture. `tiles`: from the question
until the new page of tiles is sent; `all`: until the last message, look-alikes of the opened picture
included; `processor`: time of the processor for all of it, which is what a quiet machine would take. The
goal is below 1 s for opening and below 200 ms for a filter or a page. --page: also in JupyterLab and
Chromium, where they are, from the question until the page is drawn (goal: 400 ms). The table is followed by
one line of JSON.
"""

import argparse
import json
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import explain  # noqa: F401
import numpy as np
import pandas as pd

from wikitopics.show.browser.choice import TILES
from wikitopics.show.browser.mistakes import MistakeBrowser

LABELS, FEATURES, SIDE = 31, 1280, 128
COLUMNS = ("tiles", "all", "processor")


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
    """(tiles, all, processor) of one action; without tiles the first equals the second."""
    sent: list[float] = []

    def note(_: dict) -> None:
        sent.append(time.perf_counter())

    if browser:
        browser.widget.observe(note, names="page")
    clock, processor = time.perf_counter(), time.process_time()
    action()
    ended = time.perf_counter()
    used = time.process_time() - processor
    if browser:
        browser.widget.unobserve(note, names="page")
    return 1000 * np.array([(sent[0] if sent else ended) - clock, ended - clock, used])


def actions(browser: MistakeBrowser) -> dict[str, list[Callable[[], object]]]:
    """What a person does, several times each: no answer may come from the last one's cache alone."""

    def put(name: str, *values) -> list[Callable[[], object]]:
        return [lambda value=value: browser.choose(**{name: value}) for value in values]

    return {
        "filter: errors": put("errors", "false positives", "false negatives", "all predictions"),
        "filter: label": put("label", 3, 7, None),
        "filter: score": put("low", 0.2, 0.5, 0.0),
        "filter: duplicates": put("duplicates", "one of each group", "only near duplicates", "all images"),
        "sort": put("order", "confidence, high first", "close to the threshold", "loss, worst first"),
        "first search": put("search", "benchmark 12"),
        "search": put("search", "category two", "label 7 123", "no. 4", ""),
        "threshold": [lambda cut=cut: browser.choose(label=3, threshold=cut) for cut in (0.3, 0.31, None)],
        "a tile is a pair": put("tiles", *TILES[::-1]),
        "page": [lambda page=page: browser.show_page(page) for page in (2, 300, 17)],
        "picture in full": [lambda place=place: browser.open(place) for place in (500, 1, 999)],
        "verdict and next": [lambda said=said: browser.judge(said) for said in ("label wrong", "unsure")],
        "verdict for 60": [lambda: (browser.mark_page(), browser.judge("unsure"))],
        "undo": [browser.undo, browser.undo],
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


PAGE = f"""
import sys
sys.path.insert(0, {str(Path(__file__).parent)!r})
from pathlib import Path
from browser import predictions
from wikitopics.show.browser.mistakes import MistakeBrowser

browser = MistakeBrowser(**predictions(NUMBER, Path(".")))
browser.widget
"""
# Sends a question as the page does, and calls back once a frame was painted after the answer.
ASKED = """
const done = arguments[arguments.length - 1], grid = document.querySelector('.wt-grid');
const [name, value] = arguments, start = performance.now();
new MutationObserver((_, watch) => { watch.disconnect(); requestAnimationFrame(() => setTimeout(() =>
    done(performance.now() - start))); }).observe(grid, {childList: true});
const control = document.querySelector(`.wt [data-name='${name}']`) || document.querySelector(name);
if (control.tagName === 'SELECT') { control.selectedIndex = value;
    control.dispatchEvent(new Event('change')); }
else { control.value = value; control.dispatchEvent(new Event('input')); }
"""
SEEN = {
    "errors": ("errors", [1, 2, 4, 0]),
    "label": ("label", [4, 8, 0]),
    "sort": ("order", [1, 3, 0]),
    "search (150 ms of them waiting)": (".wt-search", ["benchmark 12", "no. 4", ""]),
}


def seen(n: int, folder: Path) -> dict[str, float]:
    """The slowest of each question in JupyterLab and Chromium, milliseconds until the page is drawn."""
    import lab_in_chromium as lab

    lab.notebook(folder / "page.ipynb", PAGE.replace("NUMBER", str(n)))
    with lab.server(folder, folder / "jupyter") as distance, lab.driver() as chromium:
        page = lab.Lab(chromium, f"http://127.0.0.1:{distance.port}")
        page.run("page.ipynb", 300)
        chromium.set_script_timeout(60)
        chromium.execute_script("document.querySelector('.wt-search').focus()")  # as a hand does, some time
        page.idle()  # before it types
        return {
            name: max(chromium.execute_async_script(ASKED, control, value) for value in values)
            for name, (control, values) in SEEN.items()
        }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="10,000 predictions instead of 50,000")
    parser.add_argument("--page", action="store_true", help="also in JupyterLab and Chromium")
    options = parser.parse_args()
    n = 10_000 if options.quick else 50_000
    times = measure(n)
    print(f"{n:,} predictions of {LABELS} labels: the slowest of each, in the kernel")
    print(f"  {'milliseconds':20s} {'tiles':>10s} {'all':>6s} {'processor':>10s}")
    for name, (tiles, everything, processor) in times.items():
        print(f"  {name:20s} {tiles:10.0f} {everything:6.0f} {processor:10.0f}")
    told = {name: dict(zip(COLUMNS, took.round(1).tolist(), strict=True)) for name, took in times.items()}
    found = {"predictions": n, "labels": LABELS, "ms": told}
    if options.page:
        with tempfile.TemporaryDirectory() as folder:
            found["seen"] = seen(n, Path(folder))
        for name, took in found["seen"].items():
            print(f"  seen: {name:34s} {took:6.0f}")
    print(json.dumps(found))


if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))
    main()
