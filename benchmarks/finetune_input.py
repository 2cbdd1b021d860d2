"""Does fine-tuning ever wait for its pictures? Step rate from the decoded store against synthetic data.

python benchmarks/finetune_input.py [--quick]

All layers of EfficientNet-Lite0 learn at 96 px, batches of 32, augmentation (flip, rotation, shift, zoom) in
the model, so on both sides. Real: the library's Batches, shuffled, from a memory-mapped store of 4,000
pictures. Synthetic: one batch, in memory as a tensor, over and over. Rounds of both alternate; the ratio is
the median of the rounds' ratios, of wall and of CPU seconds. About 4 minutes on two free cores; --quick: 1
minute. The last line is one JSON object.
"""

import argparse
import json
import tempfile
import time
from pathlib import Path

import explain  # noqa: F401
import numpy as np

from wikitopics.artefacts import read_array, write_array
from wikitopics.networks.engine import keras
from wikitopics.train.examples import Batches
from wikitopics.train.features import Augmentation, augmented
from wikitopics.train.members import compile_model
from wikitopics.train.model import build_model

SIDE, BATCH, LABELS, STORED = 96, 32, 10, 4000
AUGMENTATION = Augmentation(flip=True, rotation=20, shift=0.1, zoom=0.1)


class Synthetic(keras.utils.PyDataset):
    """One batch of tensors, `steps` times."""

    def __init__(self, inputs: np.ndarray, targets: np.ndarray, steps: int):
        super().__init__()
        self.batch = tuple(map(keras.ops.convert_to_tensor, (inputs, targets)))
        self.steps = steps

    def __len__(self) -> int:
        return self.steps

    def __getitem__(self, number: int) -> tuple:
        return self.batch


def learner() -> keras.Model:
    """The compiled model with all layers thawed, behind its augmentation."""
    network = build_model(LABELS, image_size=SIDE, store_size=SIDE, trainable_layers=-1)
    model = augmented(network, AUGMENTATION, seed=0)
    compile_model(model, keras.optimizers.Adam(0.0001))
    return model


def store(folder: Path) -> np.ndarray:
    """Pictures (STORED, SIDE, SIDE, 3) uint8, memory-mapped."""
    pictures = np.random.default_rng(0).integers(0, 256, (STORED, SIDE, SIDE, 3), dtype=np.uint8)
    write_array(folder / "images.npy", pictures)
    return read_array(folder / "images.npy")


def seconds(model: keras.Model, batches: keras.utils.PyDataset) -> tuple[float, float]:
    """Wall and CPU seconds of one epoch."""
    wall, cpu = time.perf_counter(), time.process_time()
    model.fit(batches, epochs=1, shuffle=False, verbose=0)
    return time.perf_counter() - wall, time.process_time() - cpu


def main(quick: bool) -> None:
    steps, rounds = (8, 3) if quick else (25, 5)
    model, rng = learner(), np.random.default_rng(1)
    with tempfile.TemporaryDirectory() as name:
        pictures = store(Path(name))
        rows = rng.permutation(STORED)[: steps * BATCH]
        targets = (rng.random((len(rows), LABELS)) < 0.1).astype(np.float32)
        real = Batches(pictures, rows, targets, BATCH, seed=0)
        synthetic = Synthetic(*real.first(), steps)
        seconds(model, synthetic), seconds(model, real)  # compiled here, once
        found = []
        for _ in range(rounds):
            found.append((seconds(model, synthetic), seconds(model, real)))
            print("synthetic, real (wall, CPU seconds):", np.round(found[-1], 2).tolist(), flush=True)
    times = np.array(found)  # (rounds, synthetic and real, wall and CPU)
    wall, cpu = np.median(times[:, 0] / times[:, 1], axis=0)
    rates = steps / np.median(times[:, :, 0], axis=0)
    figures = {
        "steps": steps,
        "rounds": rounds,
        "synthetic_steps_per_s": round(float(rates[0]), 2),
        "real_steps_per_s": round(float(rates[1]), 2),
        "real_to_synthetic": round(float(wall), 3),
        "real_to_synthetic_cpu": round(float(cpu), 3),
    }
    for key, value in figures.items():
        print(f"{key:24} {value}")
    print(json.dumps(figures))


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="8 steps a round")
    main(parser.parse_args().quick)
