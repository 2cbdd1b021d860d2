"""Runs with a planted truth, in the contract's format: pictures whose shape and colour decide the labels."""

import hashlib
from pathlib import Path

import numpy as np
import pandas as pd
from PIL import Image, ImageDraw

from wikitopics.artefacts import write_array, write_json, write_table

TAXONOMY = {
    "Colour": None,
    "Red": "Colour",
    "Green": "Colour",
    "Shape": None,
    "Round": "Shape",
    "Square": "Shape",
}
NAMES = list(TAXONOMY)
SPLITS = ("train", "train", "train", "validation", "test")


def planted_labels(number: int) -> list[str]:
    """The truth of picture `number`: its colour, its shape and their parents; one of nine has no label."""
    colour, shape = [None, "Red", "Green"][number % 3], [None, "Round", "Square"][number // 3 % 3]
    labels = {name for own in (colour, shape) if own for name in (own, TAXONOMY[own])}
    return [name for name in NAMES if name in labels]


def picture(number: int, size: int, rng: np.random.Generator) -> np.ndarray:
    """A disc, a square or a bar; red, green or blue; somewhere, on a grey ground with noise."""
    image = Image.new("RGB", (size, size), (int(rng.integers(160, 255)),) * 3)
    colour = [(40, 60, 220), (220, 30, 30), (30, 180, 40)][number % 3]
    side = int(rng.integers(size // 2, size * 3 // 4))
    left, top = rng.integers(0, size - side, 2)
    box = [int(left), int(top), int(left + side), int(top + side)]
    draw = ImageDraw.Draw(image)
    shape = number // 3 % 3
    if shape == 1:
        draw.ellipse(box, fill=colour)
    else:
        draw.rectangle(box if shape == 2 else [box[0], box[1], box[2], box[1] + side // 5], fill=colour)
    noisy = np.asarray(image, np.int16) + rng.integers(-12, 13, (size, size, 3))
    return noisy.clip(0, 255).astype(np.uint8)


def write_images(root: Path, run: str = "sample", n: int = 90, size: int = 32, seed: int = 0) -> Path:
    """data/02_images/RUN with `n` pictures; of five in a row three are train, one validation, one test."""
    folder = root / "data" / "02_images" / run
    rng = np.random.default_rng(seed)
    pictures = np.stack([picture(number, size, rng) for number in range(n)])
    frame = pd.DataFrame(
        {
            "row": np.arange(n),
            "title": [f"Picture {number}.png" for number in range(n)],
            "path": [f"{number}.png" for number in range(n)],
            "width": size,
            "height": size,
            "format": "PNG",
            "mode": "RGB",
            "bytes": size * size * 3,
            "sha1": [hashlib.sha1(one.tobytes()).hexdigest() for one in pictures],
            "file_sha1": [hashlib.sha1(b"%d" % number).hexdigest() for number in range(n)],
            "group": np.arange(n),
            "split": [SPLITS[number // 9 % len(SPLITS)] for number in range(n)],
        }
    )
    write_array(folder / "images.npy", pictures)
    write_table(folder / "images.parquet", frame)
    write_json(folder / "run.json", {"stage": "02_images", "run": run, "parameters": {"store_size": size}})
    return folder


def write_labels(root: Path, run: str = "commons", n: int = 90) -> Path:
    """data/01_labels/RUN for the same `n` pictures, in another order of rows."""
    folder = root / "data" / "01_labels" / run
    labels = [planted_labels(number) for number in range(n)]
    frame = pd.DataFrame({"title": [f"Picture {number}.png" for number in range(n)], "labels": labels})
    frame["scores"] = [[np.float32(0.9)] * len(own) for own in labels]
    write_table(folder / "labels.parquet", frame.iloc[::-1])
    write_json(
        folder / "label_names.json", {"taxonomy": "planted", "label_names": NAMES, "parents": TAXONOMY}
    )
    write_json(folder / "run.json", {"stage": "01_labels", "run": run, "parameters": {}})
    return folder
