"""Does 05 show what is there, and nothing where nothing is? Whole grids of cells with planted truths.

python benchmarks/power.py [--quick] [--write FILE]   prints a Markdown table; --write also puts it there

A grid is some cells that differ in one setting, each of some seeds, judged on the same 500 images and six
labels; every pair of cells is asked about, with Holm's correction. Images are as hard for all networks, each
network has noise of its own, and its seed moves its ROC-AUC by .004 (standard deviation). In a null grid all
cells are equally good, and "shown" is the share of grids in which any pair is shown: 5 % at most. Else one
cell is better by what is said, and "shown" is the share of its pairs that are. Counting rounds beyond zero,
as was done before, could show nothing from 26 pairs on, whatever is true. 100 null grids (--quick: 24).
"""

import argparse
from itertools import combinations
from pathlib import Path
from typing import NamedTuple

import explain  # noqa: F401
import numpy as np
import pandas as pd
from scipy.special import expit
from scipy.stats import norm

from wikitopics import ranking
from wikitopics.compare import estimates
from wikitopics.compare.findings import markdown_table
from wikitopics.evaluate import bootstrap, metrics
from wikitopics.evaluate.intervals import SIGNIFICANCE, freedom, holm

IMAGES, LABELS, SEED_SD = 500, 6, 0.004
SHARED = 0.7  # share of a score's variance that all networks have in common: what makes pairs worth it


class Grid(NamedTuple):
    """Cells, seeds of each, positives of the rarest and commonest label, ROC-AUC of all and of one cell."""

    cells: int
    seeds: int
    positives: tuple[int, int]
    usual: float
    better: float


NULL = [
    Grid(8, 5, (30, 150), 0.85, 0.85),
    Grid(15, 5, (30, 150), 0.85, 0.85),
    Grid(15, 5, (10, 30), 0.85, 0.85),
    Grid(15, 2, (30, 150), 0.85, 0.85),
    Grid(15, 1, (30, 150), 0.85, 0.85),
]
PLANTED = [
    Grid(8, 5, (30, 150), 0.50, 0.99),
    Grid(15, 5, (30, 150), 0.70, 0.86),
    Grid(15, 5, (10, 30), 0.70, 0.86),
    Grid(15, 2, (30, 150), 0.70, 0.86),
    Grid(15, 5, (30, 150), 0.85, 0.87),
    Grid(15, 5, (30, 150), 0.85, 0.88),
]


def draw(grid: Grid, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Truth (n, L) and scores (cells, seeds, n, L); the last cell is the better one."""
    share = np.linspace(*grid.positives, LABELS) / IMAGES
    truth = (rng.random((IMAGES, LABELS)) < share).astype(np.uint8)
    skill = np.full((grid.cells, grid.seeds), grid.usual)
    skill[-1] = grid.better
    skill = np.clip(skill + rng.normal(scale=SEED_SD, size=skill.shape), 0.01, 0.999)
    signal = np.sqrt(2) * norm.ppf(skill)[..., None, None]
    common, own = rng.normal(size=truth.shape), rng.normal(size=(grid.cells, grid.seeds, *truth.shape))
    odds = np.sqrt(SHARED) * common + np.sqrt(1 - SHARED) * own + signal * truth
    return truth, expit(odds).astype(np.float32)


def resampled(truth: np.ndarray, scores: np.ndarray, rounds: int, seed: int) -> np.ndarray:
    """Macro ROC-AUC of every network in every round: scores (networks, n, L) -> (rounds, networks).

    What bootstrap.bootstrap_roc_auc gives where no two scores are equal, without its preparation.
    """
    weights = bootstrap.group_weights(IMAGES, range(rounds), seed).T.astype(np.float32)
    order = np.argsort(-scores.transpose(0, 2, 1), axis=2)
    hits = np.stack([truth[:, label][order[:, label]] for label in range(LABELS)], axis=1).astype(np.float32)
    found = []
    for drawn in weights:
        counts = drawn[order]
        positive = counts * hits
        negative = np.cumsum(counts - positive, axis=2)
        beaten, with_label = (positive * negative).sum(axis=2), positive.sum(axis=2)
        with np.errstate(invalid="ignore"):  # a label of which no positive was drawn
            found.append(metrics.row_means(1 - beaten / (with_label * negative[..., -1])))
    return np.array(found, dtype=np.float64)


def p_values(grid: Grid, rounds: int, seed: int) -> np.ndarray:
    """p of every pair of cells, in the order of itertools.combinations."""
    truth, scores = draw(grid, np.random.default_rng(seed))
    flat, shape = scores.reshape(-1, IMAGES, LABELS), (grid.cells, grid.seeds)
    again = resampled(truth, flat, rounds, seed).reshape(rounds, *shape)
    values = np.array([metrics.nanmean(ranking.roc_auc(truth, one)) for one in flat]).reshape(shape)
    free, found = freedom(truth.sum(axis=0)), []
    for cell in range(grid.cells):
        weights = estimates.redrawn(grid.seeds, rounds, seed, str(cell))
        found.append(estimates.of_cell(str(cell), values[cell], again[:, cell], weights, free))
    return np.array([estimates.difference(*pair).p_value() for pair in combinations(found, 2)])


def measure(grid: Grid, grids: int, rounds: int, seed: int) -> dict:
    """One line of the table."""
    pairs = list(combinations(range(grid.cells), 2))
    planted = np.array([grid.cells - 1 in pair for pair in pairs])
    null = grid.usual == grid.better
    told = np.array([holm(p_values(grid, rounds, seed + number)) < SIGNIFICANCE for number in range(grids)])
    return {
        "truth": "all equal" if null else f"{grid.better:.2f} against {grid.usual:.2f}",
        "cells": grid.cells,
        "pairs": len(pairs),
        "seeds": grid.seeds,
        "positives": "{} to {}".format(*grid.positives),
        "grids": grids,
        "shown": f"{told.any(axis=1).mean() if null else told[:, planted].mean():.3f}",
        "shown among equals": "" if null else f"{told[:, ~planted].any(axis=1).mean():.3f}",
    }


def main(quick: bool, write: str) -> None:
    grids, rounds = (24, 200) if quick else (100, 200)
    rows = []
    for number, grid in enumerate(NULL + PLANTED):
        many = grids if grid in NULL else max(grids // 8, 4)
        rows.append(measure(grid, many, rounds, 1000 * number))
        print(rows[-1], flush=True)
    text = markdown_table(pd.DataFrame(rows))
    print(text)
    if write:
        Path(write).write_text(text + "\n", encoding="utf-8")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="24 null grids each instead of 100")
    parser.add_argument("--write", default="", metavar="FILE", help="write the table to a file")
    main(**vars(parser.parse_args()))
