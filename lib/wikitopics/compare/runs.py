"""The cells that are compared: settings, the test scores of every seed, what people said of the images."""

import re
from dataclasses import dataclass, replace
from fnmatch import fnmatchcase
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from wikitopics import ranking
from wikitopics.artefacts import finished_run, read_json
from wikitopics.compare import estimates
from wikitopics.compare.estimates import Estimate
from wikitopics.errors import UserError
from wikitopics.evaluate import bootstrap, metrics, predictions, thresholds
from wikitopics.evaluate.intervals import AP, freedom
from wikitopics.evaluate.people import Judged, read_judged
from wikitopics.evaluate.predictions import Predictions, lineage, read_frozen
from wikitopics.labels.taxonomy import bridge
from wikitopics.progress import report

NOT_A_SETTING = {"run", "seed", "seeds", "interactive"}
PEOPLE = "human roc_auc"
RULE = "threshold_rule"  # of 04: as much a setting as any of 03's
ASKED = {"texts", "words", "phrase"}  # of 03's parameters those that only a head of names hears of, ...
LEARNING = {  # ... and those that it does not hear of
    "targets", "resampling", "resampling_share", "head_units", "flip", "rotation", "shift", "zoom", "views",
    "loss", "focal_gamma", "asymmetric", "label_weights", "weight_cap", "label_smoothing", "optimizer",
    "learning_rate", "schedule", "warmup_epochs", "batch_size", "epochs", "patience", "monitor",
}  # fmt: skip


@dataclass(frozen=True)
class Network:
    """One trained network: run of 03_train, seed, scores (n, L) of the test images, thresholds (L,)."""

    run: str
    seed: int
    scores: np.ndarray
    thresholds: np.ndarray


@dataclass(frozen=True)
class Cell:
    """Runs of 04_evaluate that are equal but for the seed, under the name of the first.

    settings: parameters of the 03_train run, and 04's rule for thresholds; test: the first network's
    predictions, rows sorted by title, so that all cells have the same; groups: (n,) int.
    """

    name: str
    settings: dict[str, Any]
    taxonomy: str
    test: Predictions
    networks: tuple[Network, ...]
    groups: np.ndarray
    metrics: dict[str, Any]

    @property
    def by_names(self) -> bool:
        """Whether the labels' names are its head, which no label and no seed had a part in."""
        return _by_names(self.settings)

    @cached_property
    def judged(self) -> Judged | None:
        """Human labels of the test images, in this cell's vocabulary; None where there are none."""
        return read_judged(self.settings, self.test.frame["title"], self.test.label_names)

    @cached_property
    def people(self) -> np.ndarray:
        """ROC-AUC of each network against people: (k, L), NaN where people tell nothing apart."""
        if self.judged is None:
            return np.full((len(self.networks), len(self.test.label_names)), np.nan)
        truth, rows = self.judged.truth, self.judged.rows
        return np.stack([ranking.roc_auc(truth, network.scores[rows]) for network in self.networks])

    @cached_property
    def by_people(self) -> dict[tuple, tuple[np.ndarray, np.ndarray]]:
        """What was asked of the cell and people so far: filled and read by `sides`."""
        return {}

    @cached_property
    def overall(self) -> list[dict[str, float]]:
        """metrics.overall of each network."""
        truth = self.test.truth
        return [metrics.overall(truth, network.scores, network.thresholds) for network in self.networks]

    @cached_property
    def others(self) -> np.ndarray:
        """ranking.precision_of_others of each network: (k, L)."""
        return np.stack([ranking.precision_of_others(self.test.truth, one.scores) for one in self.networks])

    def per_label(self, name: str) -> np.ndarray:
        """One of metrics.per_label's columns, or ROC-AUC against people, of each network: (k, L)."""
        if name == PEOPLE:
            return self.people
        return np.stack([table[name].to_numpy() for table in self._tables])

    @cached_property
    def _tables(self) -> list[pd.DataFrame]:
        """metrics.per_label of each network."""
        names = self.test.label_names
        return [
            metrics.per_label(self.test.truth, one.scores, one.thresholds, names) for one in self.networks
        ]

    def values(self, metric: str) -> np.ndarray:
        """A metric of the whole test set of each network: (k,); "human roc_auc" is macro, against people."""
        if metric == PEOPLE:
            return metrics.row_means(self.people)
        return np.array([found[metric] for found in self.overall])

    def value(self, metric: str) -> float:
        """A metric, the mean over the cell's networks."""
        return float(self.values(metric).mean())

    def baseline(self, metric: str) -> float:
        """The label prior's value of a metric, as 04_evaluate wrote it."""
        found = [row["label prior"] for row in self.metrics["overall"] if row["metric"] == metric]
        return float("nan") if not found or found[0] is None else found[0]

    def positives(self, metric: str) -> np.ndarray:
        """Test images with each label, which a metric rests on; of a micro metric all of them together."""
        if metric == PEOPLE:
            return np.zeros(1) if self.judged is None else self._positives_of_people()
        support = self.test.truth.sum(axis=0)
        return support.sum()[None] if metric.startswith("micro") else support

    def _positives_of_people(self) -> np.ndarray:
        return np.where(np.isnan(self.people[0]), 0, self.judged.truth.sum(axis=0) if self.judged else 0)


def read_runs(evaluations: list[str], without: list[str] | None = None) -> list[Cell]:
    """The cells of the finished 04_evaluate runs, in the given order; runs equal but for the seed are one.

    without: patterns like "Geography.Regions*" of labels that do not count. Raises UserError where two runs
    were not judged on the same test images with the same groups, where one network comes twice, and where a
    pattern meets no label.
    """
    found: list[Cell] = []
    for name in evaluations:
        read = read_run(name)
        place = next((i for i, cell in enumerate(found) if same_settings(cell, read)), None)
        if place is None:
            found.append(read)
        else:
            found[place] = _joined(found[place], read)
    for cell in found[1:]:
        _check_common(found[0], cell)
    return _without(found, without or [])


def read_run(evaluation: str) -> Cell:
    """One finished 04_evaluate run as a cell: a network for each seed of its 03_train run.

    The first seed's thresholds are those that 04 froze; the others' are chosen by the same rule, each on its
    own network's validation scores.
    """
    folder = finished_run("04_evaluate", evaluation)
    found, frozen = read_json(folder / "metrics.json"), read_frozen(folder)
    rule = read_json(folder / "run.json").get("parameters", {}).get(RULE, "per_label")
    model = found["model"]
    test, cuts, networks = predictions.read_test(model, frozen), frozen.thresholds, []
    order = np.argsort(test.frame["title"].to_numpy(), kind="stable")
    for number, seed in enumerate(predictions.seeds(model)):
        if number:
            validation = predictions.read_validation(model, seed)
            cuts = thresholds.choose(rule, validation.truth, validation.scores)
        scores = predictions.read_test(model, frozen, seed).scores[order]
        networks.append(Network(model, seed, scores, cuts))
    test = test.rows(order)
    return Cell(
        evaluation,
        lineage(model) | {RULE: rule},
        read_json(finished_run("03_train", model) / "label_names.json").get("taxonomy", ""),
        test,
        tuple(networks),
        bootstrap.group_codes(test.frame["group"]),
        found,
    )


def network_of(cell: Cell) -> str:
    """The name of a cell's backbone; of given features that of their file; and whether names are its head."""
    backbone, file = cell.settings["backbone"], cell.settings.get("features")
    return (f"features of {Path(file).name}" if file else backbone) + (" by names" if cell.by_names else "")


def settings_that_differ(first: Cell, other: Cell) -> list[str]:
    """Names of the parameters in which two cells differ (seeds and the name do not count).

    A file of weights fits one network, so that another network cannot have it: paths of weights that differ
    in the backbone's name alone are one setting. So is whose features a run was given beside a backbone.
    Where names are a head, how a head learns is no setting; where they are not, what they are is none.
    """
    names = (first.settings.keys() | other.settings.keys()) - NOT_A_SETTING
    if first.settings["backbone"] != other.settings["backbone"]:
        names -= {"features"}
    asked = [_by_names(cell.settings) for cell in (first, other)]
    names -= LEARNING if any(asked) else set()
    names -= set() if all(asked) else ASKED
    return sorted(name for name in names if _setting(first, name) != _setting(other, name))


def _by_names(settings: dict[str, Any]) -> bool:
    return settings.get("head") == "names"


def _setting(cell: Cell, name: str) -> Any:
    """A parameter's value as it is compared."""
    value = cell.settings.get(name)
    if name == "head":
        return _by_names(cell.settings)
    if name != "weights":
        return value
    return re.sub(re.escape(cell.settings["backbone"]), "BACKBONE", str(value), flags=re.IGNORECASE)


def same_settings(first: Cell, other: Cell) -> bool:
    """Whether two runs are one cell: the same settings and labels, the seed apart."""
    return not settings_that_differ(first, other) and first.test.label_names == other.test.label_names


def _joined(cell: Cell, other: Cell) -> Cell:
    """One cell of both runs' networks."""
    _check_common(cell, other)
    twice = {network.seed for network in cell.networks} & {network.seed for network in other.networks}
    if twice:
        raise UserError(
            f"runs that are equal but for the seed must have different seeds, but {cell.name!r} and "
            f"{other.name!r} both have seed {min(twice)}; leave one of them out of evaluations"
        )
    return replace(cell, networks=cell.networks + other.networks)


def _without(cells: list[Cell], patterns: list[str]) -> list[Cell]:
    """The cells less the labels whose names meet one of the patterns."""
    every = sorted({name for cell in cells for name in cell.test.label_names})
    for pattern in patterns:
        if not any(fnmatchcase(name, pattern) for name in every):
            raise UserError(
                f"without must name labels of the runs, but {pattern!r} meets none of "
                f"{', '.join(every[:5])} ...; write a label's name, or the start of one and *"
            )
    return [_less(cell, patterns) for cell in cells]


def _less(cell: Cell, patterns: list[str]) -> Cell:
    names = cell.test.label_names
    kept = [i for i, name in enumerate(names) if not any(fnmatchcase(name, pattern) for pattern in patterns)]
    if not kept:
        raise UserError(f"without must leave each run a label, but leaves {cell.name!r} none; shorten it")
    test = Predictions(
        cell.test.frame, cell.test.truth[:, kept], cell.test.scores[:, kept], [names[i] for i in kept]
    )
    fewer = [
        replace(one, scores=one.scores[:, kept], thresholds=one.thresholds[kept]) for one in cell.networks
    ]
    return replace(cell, test=test, networks=tuple(fewer))


def _check_common(first: Cell, other: Cell) -> None:
    ours, theirs = set(first.test.frame["title"]), set(other.test.frame["title"])
    if ours != theirs:
        raise UserError(
            f"all runs must be judged on the same test images, but {len(ours - theirs)} of {first.name!r} "
            f"and {len(theirs - ours)} of {other.name!r} are not in both; make both from one run of 02_images"
        )
    if not np.array_equal(first.groups, other.groups):
        raise UserError(
            f"all runs must have the same groups of duplicates, but {first.name!r} and {other.name!r} "
            "differ; make both from one run of 02_images"
        )


# --- Resampling: the same groups for every network of every cell, and each cell's own networks


@dataclass(frozen=True)
class Draws:
    """A cell's metrics in every round, network by network: against its labels, and ROC-AUC against people
    (rounds, L) each; weights (rounds, k) of its networks where these are redrawn too."""

    own: list[bootstrap.Resamples]
    people: list[np.ndarray]
    weights: np.ndarray

    def per_label(self, name: str) -> np.ndarray:
        """A metric of each label: (k, rounds, L)."""
        return np.stack(self.people if name == PEOPLE else [one.per_label[name] for one in self.own])

    def rounds(self, metric: str) -> np.ndarray:
        """A metric named as in Cell.values: (rounds, k)."""
        if metric == PEOPLE:
            return np.stack([metrics.row_means(table) for table in self.people], axis=1)
        return np.stack([one.overall[metric] for one in self.own], axis=1)


def draw_all(cells: list[Cell], rounds: int, seed: int) -> list[Draws]:
    """`draw` for every cell, saying how far it has come."""
    draws = []
    for number, cell in enumerate(cells, 1):
        draws.append(draw(cell, rounds, seed))
        report("resampling cells", number, len(cells))
    return draws


def draw(cell: Cell, rounds: int, seed: int) -> Draws:
    """Resample the test groups for each network. Same rounds and seed: the same groups in every cell."""
    own = [
        bootstrap.bootstrap(cell.test.truth, one.scores, one.thresholds, cell.groups, rounds, seed)
        for one in cell.networks
    ]
    people = [_against_people(cell, number, rounds, seed) for number in range(len(cell.networks))]
    return Draws(own, people, estimates.redrawn(len(own), rounds, seed, cell.name))


def _against_people(cell: Cell, number: int, rounds: int, seed: int) -> np.ndarray:
    found = np.full((rounds, len(cell.test.label_names)), np.nan)
    known = np.flatnonzero(~np.isnan(cell.people[number]))
    if cell.judged is not None and len(known):
        scores, codes = cell.networks[number].scores[cell.judged.rows], cell.groups[cell.judged.rows]
        columns = [(cell.judged.truth[:, i], scores[:, i], codes) for i in known]
        found[:, known] = bootstrap.bootstrap_roc_auc(columns, int(cell.groups.max()) + 1, rounds, seed)
    return found


def overall(cell: Cell, drawn: Draws, metric: str) -> Estimate:
    """A metric of the whole test set, named as in Cell.values."""
    free = freedom(cell.positives(metric))
    return _estimate(cell, cell.values(metric), drawn.rounds(metric), drawn.weights, free)


def macro(cell: Cell, drawn: Draws, name: str, labels: list[str]) -> Estimate:
    """The mean of a metric over some labels, all where the list is empty."""
    names = cell.test.label_names
    columns = [names.index(label) for label in labels or names]
    values = metrics.row_means(cell.per_label(name)[:, columns])
    rounds = np.stack([metrics.row_means(table[:, columns]) for table in drawn.per_label(name)], axis=1)
    support = cell.positives(name)
    free = freedom(support[columns] if len(support) == len(names) else support)
    centre = float(metrics.row_means(cell.others[:, columns]).mean()) if name == AP else None
    return _estimate(cell, values, rounds, drawn.weights, free, centre)


def each_label(cell: Cell, drawn: Draws, name: str, labels: list[str]) -> list[Estimate]:
    """A metric of each of some labels by itself."""
    values, rounds, positives = cell.per_label(name), drawn.per_label(name), cell.positives(name)
    centres = cell.others.mean(axis=0) if name == AP else None
    found = []
    for place in map(cell.test.label_names.index, labels):
        free = freedom(positives[[place]])
        centre = None if centres is None else float(centres[place])
        own = (values[:, place], rounds[:, :, place].T, drawn.weights)
        found.append(_estimate(cell, *own, free, centre))
    return found


def _estimate(cell: Cell, *measured: Any) -> Estimate:
    """An estimate of a cell; of a head of names no other seed could have been."""
    found = estimates.of_cell(cell.name, *measured)
    return replace(found, networks={}) if cell.by_names else found


def with_other_labels(cell: Cell, drawn: Draws, name: str, seed: int) -> Estimate:
    """The mean of a metric over all labels, in rounds that weigh the labels anew too.

    A label weighs the same in every cell that has it, a draw from the exponential distribution (Rubin 1981),
    stretched so that the mean of L labels spreads as that of L drawn ones does.
    """
    plain, values = macro(cell, drawn, name, []), cell.per_label(name).mean(axis=0)
    some = ~np.isnan(values)
    rounds, labels = len(plain.both), int(some.sum())
    streams = [[seed, *f"{cell.taxonomy} {label}".encode()] for label in cell.test.label_names]
    weights = np.stack([np.random.default_rng(stream).exponential(size=rounds) for stream in streams], axis=1)
    shares = weights[:, some] / weights[:, some].sum(axis=1, keepdims=True)
    stretch = np.sqrt((labels + 1) / max(labels - 1, 1))
    both = plain.both + stretch * (shares @ values[some] - values[some].mean())
    return replace(plain, both=both, networks={f"labels of {cell.settings['labels']}": labels})


# --- People: two vocabularies on the images of which they say the same


def shared_names(first: Cell, other: Cell) -> list[tuple[str, str]]:
    """(label of `first`, label of `other`) that mean nearly the same: by the bridge between the taxonomies,
    in either direction, or by name where both use one taxonomy."""
    ours, theirs = first.test.label_names, other.test.label_names
    return names_in_common(first.taxonomy, ours, other.taxonomy, theirs)


def names_in_common(
    taxonomy: str, label_names: list[str], other_taxonomy: str, other_names: list[str]
) -> list[tuple[str, str]]:
    """`shared_names` of two vocabularies, each given by its taxonomy's name and its labels.

    >>> names_in_common("v1.4", ["Space", "Food"], "ores-64", ["STEM.Space"])
    [('Space', 'STEM.Space')]
    """
    known = [(label, topic) for label, topic, _ in bridge()]
    if taxonomy == other_taxonomy:
        known = [(name, name) for name in label_names]
    elif (taxonomy, other_taxonomy) == ("ores-64", "v1.4"):
        known = [(topic, label) for label, topic in known]
    elif (taxonomy, other_taxonomy) != ("v1.4", "ores-64"):
        return []
    return [(a, b) for a, b in known if a in set(label_names) and b in set(other_names)]


def sides(first: Cell, other: Cell, rounds: int, seed: int) -> tuple[Estimate, Estimate] | None:
    """Macro ROC-AUC of both cells against people over their shared labels.

    For each pair of names only images count that people judged in both vocabularies with the same verdict.
    None where no pair has a positive and a negative image among them.
    """
    asked = [(pair, agreed(first, other, *pair)) for pair in shared_names(first, other)]
    mine, its = ([(pair[end], *same) for pair, same in asked if same is not None] for end in (0, 1))
    if not mine:
        return None
    return _by_people(first, mine, rounds, seed), _by_people(other, its, rounds, seed)


def agreed(first: Cell, other: Cell, ours: str, theirs: str) -> tuple[np.ndarray, np.ndarray] | None:
    """(rows (n,) bool, truth (rows.sum(),)) of the images of which people say the same by both names; None if
    that tells no image from another."""
    if first.judged is None or other.judged is None:
        return None
    says = _people(first.judged, first.test.label_names.index(ours))
    also = _people(other.judged, other.test.label_names.index(theirs))
    same = (says >= 0) & (says == also)
    truth = says[same]
    return None if not len(truth) or truth.min() == truth.max() else (same, truth)


def _people(judged: Judged, label: int) -> np.ndarray:
    """What people say of every test image: 1 yes, 0 no, -1 not judged."""
    says = np.full(len(judged.rows), -1, dtype=np.int8)
    says[judged.rows] = judged.truth[:, label]
    return says


def _by_people(
    cell: Cell, asked: list[tuple[str, np.ndarray, np.ndarray]], rounds: int, seed: int
) -> Estimate:
    """Mean ROC-AUC over (label, rows, truth), network by network."""
    values, drawn = (
        np.stack(part) for part in zip(*(_one(cell, *one, rounds, seed) for one in asked), strict=True)
    )
    free = freedom(np.array([truth.sum() for *_, truth in asked]))
    weights = estimates.redrawn(len(cell.networks), rounds, seed, cell.name)
    means = [metrics.row_means(drawn[:, :, number].T) for number in range(len(cell.networks))]
    return _estimate(cell, values.mean(axis=0), np.stack(means, axis=1), weights, free)


def _one(
    cell: Cell, label: str, rows: np.ndarray, truth: np.ndarray, rounds: int, seed: int
) -> tuple[np.ndarray, np.ndarray]:
    """ROC-AUC of a label on some images, of each network: (k,), and in each round: (rounds, k)."""
    key = (label, rows.tobytes(), rounds, seed)  # of other sources that are compared with the cell, too
    if key not in cell.by_people:
        place, groups = cell.test.label_names.index(label), cell.groups[rows]
        columns = [(truth, one.scores[rows, place], groups) for one in cell.networks]
        values = [ranking.roc_auc(truth[:, None], scores[:, None])[0] for _, scores, _ in columns]
        drawn = bootstrap.bootstrap_roc_auc(columns, int(cell.groups.max()) + 1, rounds, seed)
        cell.by_people[key] = np.array(values), drawn
    return cell.by_people[key]
