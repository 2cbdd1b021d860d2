"""Differences between cells that differ in exactly one setting, or in settings that move together."""

from collections.abc import Iterator
from itertools import combinations

import numpy as np
import pandas as pd

from wikitopics.compare import estimates
from wikitopics.compare.estimates import Estimate
from wikitopics.compare.runs import PEOPLE, Cell, Draws, macro, network_of, settings_that_differ
from wikitopics.compare.tables import METRICS, PRIMARY
from wikitopics.evaluate.intervals import SIGNIFICANCE, holm

COMPARED = {
    PRIMARY: "roc_auc",
    "macro average_precision": "average_precision",
    "macro f1": "f1",
    PEOPLE: PEOPLE,
}
COLUMNS = ["setting", "from_run", "to_run", "from_value", "to_value", "metric", "labels", "n_labels", "seeds"]
COLUMNS += ["first", "second", "difference", "low", "high", "low_images", "high_images", "sd", "p"]
COLUMNS += ["p_holm", "verdict"]
AND = " with "  # between the names of settings that move together
PARAMETERS = {  # of a backbone without its head
    "EfficientNetLite0": 3_413_024,
    "EfficientNetB0": 4_049_571,
    "EfficientNetLite1": 4_189_344,
    "EfficientNetLite2": 4_869_168,
    "EfficientNetB1": 6_575_239,
    "EfficientNetB2": 7_768_569,
}

Together = list[list[str]]  # groups of settings that are one change when all of a group differ


def change(first: Cell, other: Cell, together: Together) -> str:
    """The one setting in which two cells differ, or "A with B" for a group of `together`; else empty.

    Where a group is declared, two cells that differ in all of it and in nothing else are a pair.
    """
    differ = settings_that_differ(first, other)
    if len(differ) == 1:
        return differ[0]
    return next((AND.join(group) for group in together if sorted(group) == differ), "")


def pairs(cells: list[Cell], together: Together | None = None) -> Iterator[tuple[int, int, str]]:
    """Indices of two cells, the one with the smaller value first, and what changes (see `change`)."""
    for first, other in combinations(range(len(cells)), 2):
        changed = change(cells[first], cells[other], together or [])
        if changed:
            by = changed.split(AND)[0]
            smaller, larger = sorted((first, other), key=lambda number: _size(cells[number], by))
            yield smaller, larger, changed


def _size(cell: Cell, setting: str) -> tuple:
    """What puts two values of a setting in order: networks by their parameters, numbers before texts;
    labels_top 0 means all labels."""
    value = len(cell.test.label_names) if setting == "labels_top" else cell.settings.get(setting)
    if setting == "backbone":
        value = PARAMETERS.get(str(value), value)
    number = isinstance(value, int | float)
    return (not number, value if number else str(value))


def value_of(cell: Cell, changed: str) -> str:
    """A cell's value of a change, in words: "EfficientNetB2", or "EfficientNetB2 with image_size 260"."""
    first, *more = changed.split(AND)
    value = network_of(cell) if first in ("backbone", "features") else str(cell.settings.get(first))
    return AND.join([value, *(f"{name} {cell.settings.get(name)}" for name in more)])


def differences(cells: list[Cell], draws: list[Draws], together: Together | None = None) -> pd.DataFrame:
    """One row for each pair of cells and metric: setting, from_run, to_run, from_value, to_value (of the
    setting), metric, labels ("shared" or "own"), n_labels, seeds (of the cell with fewer), first, second
    (values of the metric, means over seeds), difference (second - first), low, high (95 %, paired, on other
    images and with other networks), low_images, high_images (other images alone), sd (over seeds, of the
    difference of two networks), p, p_holm (over the rows of that metric), verdict.
    """
    rows = [
        _names(cells[first], cells[other], changed)
        | _compare(cells[first], draws[first], cells[other], draws[other], metric)
        for first, other, changed in pairs(cells, together)
        for metric in COMPARED
    ]
    table = pd.DataFrame(rows, columns=COLUMNS[:-2]).dropna(subset=["difference"], ignore_index=True)
    table["p_holm"] = table.groupby("metric")["p"].transform(holm)
    table["verdict"] = [verdict(*row) for row in zip(table["difference"], table["p_holm"], strict=True)]
    return table


def _names(first: Cell, other: Cell, changed: str) -> dict[str, str]:
    ends = {"from_value": value_of(first, changed), "to_value": value_of(other, changed)}
    return {"setting": changed, "from_run": first.name, "to_run": other.name} | ends


def _compare(first: Cell, drawn: Draws, other: Cell, redrawn: Draws, metric: str) -> dict:
    shared = shared_labels(first, other)
    name = COMPARED[metric]
    spreads = [_seed_variance(cell, name, shared) for cell in (first, other)]
    return {
        "metric": metric,
        "labels": "shared" if shared else "own",
        "n_labels": len(shared or first.test.label_names),
        **paired(*macro_pair(first, drawn, other, redrawn, name)),
        "sd": float(np.sqrt(sum(spreads))),
    }


def _seed_variance(cell: Cell, name: str, labels: list[str]) -> float:
    columns = [cell.test.label_names.index(label) for label in labels or cell.test.label_names]
    values = pd.DataFrame(cell.per_label(name)[:, columns]).mean(axis=1)
    return float(values.var()) if len(values) > 1 else float("nan")


def macro_pair(
    first: Cell, drawn: Draws, other: Cell, redrawn: Draws, name: str = "roc_auc"
) -> tuple[Estimate, Estimate]:
    """The macro metric of both cells over the labels they share (each over its own where they share none)."""
    shared = shared_labels(first, other)
    return macro(first, drawn, name, shared), macro(other, redrawn, name, shared)


def shared_labels(first: Cell, other: Cell) -> list[str]:
    """Labels that both cells give, if both learned them from the same label source; else none."""
    if first.settings["labels"] != other.settings["labels"]:
        return []
    return [name for name in first.test.label_names if name in other.test.label_names]


def paired(first: Estimate, second: Estimate) -> dict[str, float]:
    """Two values compared: seeds, first, second, difference (second - first), low, high, low_images,
    high_images, p."""
    apart = estimates.difference(first, second)
    low, high = apart.ends()
    low_images, high_images = apart.ends(networks=False)
    return {
        "seeds": apart.seeds,
        "first": first.value,
        "second": second.value,
        "difference": apart.value,
        "low": low,
        "high": high,
        "low_images": low_images,
        "high_images": high_images,
        "p": apart.p_value(),
    }


def verdict(difference: float, p_holm: float) -> str:
    """ "higher" or "lower" where the corrected p-value is below 0.05, else "no difference shown"."""
    if np.isnan(p_holm):
        return "not defined"
    return "no difference shown" if p_holm >= SIGNIFICANCE else "higher" if difference > 0 else "lower"


def seed_spread(cells: list[Cell]) -> pd.DataFrame:
    """One row for each cell of several seeds and metric: runs (its name), metric, seeds, mean, sd (n - 1),
    low, high (of its networks).

    The sd is between trained networks on the same test images. Empty where every cell is one network.
    """
    rows = []
    for cell in cells:
        for metric in METRICS if len(cell.networks) > 1 else ():
            values = pd.Series(cell.values(metric))
            rows.append(
                (cell.name, metric, len(values), values.mean(), values.std(), values.min(), values.max())
            )
    table = pd.DataFrame(rows, columns=["runs", "metric", "seeds", "mean", "sd", "low", "high"])
    return table.dropna(subset=["mean"], ignore_index=True)


def count_of(seeds: pd.Series) -> str:
    """Numbers of seeds in words.

    >>> count_of(pd.Series([5, 5])), count_of(pd.Series([3, 5]))
    ('5', '3 to 5')
    """
    fewest, most = seeds.min(), seeds.max()
    return f"{fewest}" if fewest == most else f"{fewest} to {most}"


def seed_sentence(table: pd.DataFrame, metric: str) -> str:
    """What `seed_spread` says of one metric, or that nothing is known."""
    rows = table[table["metric"] == metric]
    if rows.empty:
        return (
            "No two networks differ by their seed alone: how far another seed would move them is not known."
        )
    sd = np.sqrt((rows["sd"] ** 2).mean())
    return (
        f"Over {count_of(rows['seeds'])} seeds the {metric.replace('roc_auc', 'ROC-AUC')} of one network "
        f"has a standard deviation of {sd:.3f} ({len(rows)} cells); a smaller difference of two may be it."
    )
