"""What a person waits for with a large set: parts of 04, the browser, one verdict, what a folder holds.

python benchmarks/scale.py {slices,folds,browser,verdict,folder} [--quick] [--rows N]

slices: parts of the test set in 04, 100 rounds. folds: scores of 100,000 training images from other folds, 20
labels, 1,280 numbers of each image. browser: the slowest filter among mistakes and among all
predictions. verdict: one more beside 80,000, in its journal, and shown by the browser. folder: the
fingerprint of files that are known, the second time it is asked for; they are made first. Made-up rows of 31
labels, 800,000 by default, and a million files; --quick: an eighth of the rows, a tenth of the files, and the
figure for all of them is that times eight, or ten. CPU seconds, which other work on the machine moves least.
The last line is one JSON object.
"""

import argparse
import json
import os
import resource
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import explain  # noqa: F401
import numpy as np
import pandas as pd

LABELS, ROUNDS, STORED, SIDE, VERDICTS, NUMBERS = 31, 100, 1000, 128, 80_000, 1280
ROWS = {"slices": 800_000, "folds": 100_000, "browser": 800_000, "verdict": 800_000, "folder": 1_000_000}


def cpu(work: Callable[[], object]) -> float:
    """CPU seconds of this process for the work."""
    started = time.process_time()
    work()
    return time.process_time() - started


def decisions(rows: int) -> tuple[np.ndarray, np.ndarray]:
    """Truth (rows, LABELS) uint8, a tenth of it 1, and scores that are mostly right, float32."""
    rng = np.random.default_rng(0)
    truth, scores = np.empty((rows, LABELS), np.uint8), np.empty((rows, LABELS), np.float32)
    for start in range(0, rows, 50_000):
        some = slice(start, start + 50_000)
        drawn = rng.random(truth[some].shape, dtype=np.float32) < 0.1
        noise = rng.standard_normal(drawn.shape, dtype=np.float32)
        truth[some], scores[some] = drawn, np.clip(0.6 * drawn + 0.2 + 0.15 * noise, 0, 1)
    return truth, scores


def pictures() -> np.ndarray:
    """STORED pictures, a fifth of them on a ground of one colour."""
    rng = np.random.default_rng(0)
    images = rng.integers(0, 256, (STORED, SIDE, SIDE, 3), np.uint8)
    images[::5, : SIDE // 2] = 255
    return images


def slices(rows: int) -> dict[str, float]:
    """Seconds of the parts of 04: what each picture is, and micro-F1 of each part with its interval."""
    from wikitopics.evaluate import slices

    rng, (truth, scores) = np.random.default_rng(1), decisions(rows)
    kinds = rng.choice(["JPEG", "PNG", "GIF"], rows)
    table = pd.DataFrame({"row": np.arange(rows) % STORED, "format": kinds})
    table[["width", "height"]] = rng.integers(100, 900, (rows, 2))
    images, predicted, groups, parts = pictures(), scores >= 0.5, np.arange(rows), {}
    looking = cpu(lambda: parts.update(slices.image_slices(table, images)))
    counting = cpu(lambda: slices.by_image(parts, truth, predicted, groups, ROUNDS, 0))
    return {"seconds": looking + counting, "looking": looking, "counting": counting}


def folds(rows: int) -> dict[str, float]:
    """Seconds of what the doubts about training labels in 04 are made of."""
    from wikitopics.evaluate.label_issues import out_of_fold

    rng, (truth, _) = np.random.default_rng(1), decisions(rows)
    truth = truth[:, :20]
    features = truth @ rng.standard_normal((20, NUMBERS), dtype=np.float32)
    features += rng.standard_normal(features.shape, dtype=np.float32)
    return {"seconds": cpu(lambda: out_of_fold(features, truth, np.arange(rows)))}


def opened(rows: int, folder: Path):
    """A browser of made-up mistakes."""
    from wikitopics.show.browser.mistakes import MistakeBrowser

    truth, scores = decisions(rows)
    titles = [f"A file of the benchmark, no. {number}.jpg" for number in range(rows)]
    frame = pd.DataFrame({"title": titles, "row": np.arange(rows) % STORED, "split": "test"})
    names, cuts = [f"Label {number}" for number in range(LABELS)], np.full(LABELS, 0.5)
    frame["group"] = np.arange(rows) // 2
    return MistakeBrowser(frame, truth, scores, cuts, names, pictures(), judgements=folder)


def browser(rows: int) -> dict[str, float]:
    """Seconds until a filter is answered: the slowest among mistakes, and among all predictions."""
    asked: dict[str, tuple] = {
        "label": (3, None),
        "low": (0.2, 0.0),
        "duplicates": ("one of each group", "all images"),
        "order": ("confidence, high first", "close to the threshold", "loss, worst first"),
    }
    with tempfile.TemporaryDirectory() as folder:
        shown, found = opened(rows, Path(folder)), {}
        for errors in ("both kinds of mistake", "all predictions"):
            shown.choose(errors=errors)
            found[errors] = max(
                cpu(lambda name=name, value=value: shown.choose(**{name: value}))
                for name, values in asked.items()
                for value in values
            )
    return {"seconds": found["both kinds of mistake"], "all_predictions": found["all predictions"]}


def verdict(rows: int) -> dict[str, float]:
    """Milliseconds of one verdict, in its journal alone and with all the browser does, the median of 9."""
    with tempfile.TemporaryDirectory() as folder:
        shown = opened(rows, Path(folder))
        some = [shown.key(pair) for pair in shown.pairs[:VERDICTS]]
        shown.reviews.put_all([(key, "label wrong", None) for key in some])
        shown.choose(reviewed="any")
        shown.judge("unsure")  # those that were filed just now are read back once
        whole = np.median([cpu(lambda: shown.judge("unsure")) for _ in range(9)])
        filed = np.median([cpu(lambda key=key: shown.reviews.put(key, "unsure")) for key in some[:9]])
    return {"journal_ms": 1000 * float(filed), "browser_ms": 1000 * float(whole), "verdicts": VERDICTS}


def folder(files: int) -> dict[str, float]:
    """Seconds of the fingerprint of known files, and of asking the system for the size and times of each."""
    from wikitopics import known_digests
    from wikitopics.sources import open_source

    with tempfile.TemporaryDirectory() as name:
        os.environ["WIKITOPICS_ROOT"] = name
        top = Path(name, "pictures")
        for number in range(files):
            inner = top / f"{number // 1000:04}"
            if number % 1000 == 0:
                inner.mkdir(parents=True)
            Path(inner, f"A file of the usual length {number:07}.jpg").write_bytes(b"%d" % number)
        time.sleep(2 * known_digests.SETTLED)  # what is newer is not remembered
        source = open_source("folder", image_root="pictures")
        first = cpu(source.fingerprint)
        known_digests.remember()
        again = cpu(source.fingerprint)
        least = cpu(lambda: [one.stat() for inner in os.scandir(top) for one in os.scandir(inner)])
    return {"seconds": again, "first": first, "least": least}


PARTS = {"slices": slices, "folds": folds, "browser": browser, "verdict": verdict, "folder": folder}


def main(part: str, quick: bool, rows: int | None) -> None:
    whole = ROWS[part]
    measured = rows or (whole // (10 if part == "folder" else 8) if quick else whole)
    found = {name: round(value, 4) for name, value in PARTS[part](measured).items()}
    if part != "verdict":  # a verdict is not worth more where there are more rows
        found["seconds_of_all"] = round(found["seconds"] * whole / measured, 3)
    peak = round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1000)
    for name, value in found.items():
        print(f"{name:20} {value}")
    print(json.dumps({"part": part, "measured": measured, "all": whole, "peak_mb": peak} | found))


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("part", choices=PARTS)
    parser.add_argument("--quick", action="store_true", help="an eighth of the rows, a tenth of the files")
    parser.add_argument("--rows", type=int, help="others; scaled to all of them")
    main(**vars(parser.parse_args()))
