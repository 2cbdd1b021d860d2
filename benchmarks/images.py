"""How fast images are checked: full verification, hash and resize on one core, against Pillow alone.

python benchmarks/images.py [--quick]

"Pillow, scaled" is the bare minimum: JPEG decoded at the decoder's smallest sufficient scale and resized; no
check, no hash, no square. The last line is one JSON object.
"""

import argparse
import io
import json
import time
from collections.abc import Callable

import explain  # noqa: F401
import numpy as np
from PIL import Image

from wikitopics.images.decode import Recipe, decode, fitted
from wikitopics.images.split import stratified_split

RECIPE = Recipe(store_size=128)


def jpegs(count: int, side: int) -> list[bytes]:
    """`count` JPEG files of `side` x 3/4 `side` pixels with detail at all scales, as photographs have."""
    rng, files = np.random.default_rng(0), []
    for _ in range(count):
        size = (side, side * 3 // 4)
        layers = [rng.integers(0, 256, (3 * 2**k, 4 * 2**k, 3), dtype=np.uint8) for k in range(6)]
        pictures = [Image.fromarray(layer).resize(size, Image.Resampling.BICUBIC) for layer in layers]
        mixed = sum(np.asarray(p, dtype=float) / 2 ** (k / 2) for k, p in enumerate(pictures))
        file = io.BytesIO()
        Image.fromarray((mixed / mixed.max() * 255).astype(np.uint8)).save(file, "JPEG", quality=85)
        files.append(file.getvalue())
    return files


def pillow_full(data: bytes) -> None:
    image = Image.open(io.BytesIO(data))
    np.asarray(image.convert("RGB").resize(fitted(image.size, RECIPE), Image.Resampling.BICUBIC))


def pillow_scaled(data: bytes) -> None:
    image = Image.open(io.BytesIO(data))
    size = fitted(image.size, RECIPE)
    image.draft(None, size)
    np.asarray(image.convert("RGB").resize(size, Image.Resampling.BICUBIC))


def ours(data: bytes) -> None:
    decode(data, RECIPE)


def rates(files: list[bytes], rounds: int) -> dict[str, float]:
    """Files per CPU second of each way, the best of `rounds` taken in turn, so that noise hits all alike."""
    ways: tuple[Callable, ...] = (pillow_full, pillow_scaled, ours)
    best = dict.fromkeys((way.__name__ for way in ways), 0.0)
    for _ in range(rounds):
        for way in ways:
            started = time.process_time()
            for data in files:
                way(data)
            rate = len(files) / (time.process_time() - started)
            best[way.__name__] = max(best[way.__name__], rate)
    return best


def seconds(work: Callable, *arguments) -> float:
    started = time.process_time()
    work(*arguments)
    return round(time.process_time() - started, 2)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="fewer files, no million of hashes")
    quick = parser.parse_args().quick
    figures: dict[str, float] = {}
    print(f"{'JPEG':>10} {'Pillow, full':>14} {'Pillow, scaled':>14} {'ours':>8}  files per CPU second")
    for side in (500, 1024):
        found = rates(jpegs(40 if quick else 150, side), 5 if quick else 10)
        full, scaled, checked = (found[way] for way in ("pillow_full", "pillow_scaled", "ours"))
        print(f"{side:>7} px {full:>14.0f} {scaled:>14.0f} {checked:>8.0f}")
        figures |= {f"{name}_{side}px_per_s": round(rate, 1) for name, rate in found.items()}
        for way in ("full", "scaled"):
            figures[f"ours_of_pillow_{way}_{side}px"] = round(found["ours"] / found[f"pillow_{way}"], 3)
    rng = np.random.default_rng(0)
    matrix = (rng.random((100_000, 60)) < np.geomspace(0.2, 0.0001, 60)).astype(np.uint8)
    figures["split_100k_x_60_s"] = seconds(stratified_split, matrix, np.arange(100_000), (0.6, 0.15, 0.25), 0)
    for name in [name for name in figures if name.endswith("_s") and "per" not in name]:
        print(f"{name}: {figures[name]}")
    print(json.dumps(figures))


if __name__ == "__main__":
    main()
