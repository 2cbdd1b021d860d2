"""How good a cell would be with fewer labels: its own training again, on some of its training images.

A point of the curve is a cell as any other, whose networks learned from about so many labels a topic; its
last point is the cell itself, which learned from all. Each network of a point differs in the images that were
drawn for it as well as in its seed, so its interval says what other images to learn from would have changed
too (estimates.py). Images are drawn for each network in one order, and a point has the first of them: the
smaller parts lie in the larger ones. Validation and test stay whole. That is a luxury: who has ten labels a
topic has no 300 labelled images to stop training by, so the left end of a curve is rather too high.
"""

import tempfile
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from wikitopics.artefacts import finished_run, read_array, read_json
from wikitopics.compare import estimates
from wikitopics.compare.estimates import Estimate
from wikitopics.compare.runs import Cell, Draws, Network, macro, network_of
from wikitopics.errors import UserError
from wikitopics.evaluate import bootstrap
from wikitopics.evaluate.bootstrap import Resamples
from wikitopics.evaluate.intervals import AP, metric_interval

if TYPE_CHECKING:  # Keras takes seconds to come, and who draws no curve needs none
    from wikitopics.train.examples import Batches, Examples
    from wikitopics.train.losses import LossSettings

NETWORKS = 3  # of each point: other images to learn from, and another seed
FEWEST_STEPS = 4  # of an epoch
METRIC = f"macro {AP}"
ALL = "all"
COLUMNS = ["run", "label_source", "backbone", "asked", "labels", "fewest", "most", "images", "networks"]
COLUMNS += ["value", "low", "high", "share", "prior"]
AUGMENTED = ("flip", "rotation", "shift", "zoom")


@dataclass(frozen=True)
class Point:
    """A cell that learned from `asked` labels a topic ("10", or "all").

    positives: (networks, L) training images with each label that its networks learned from; images:
    (networks,) all of them; value: its macro average precision on the test images.
    """

    asked: str
    cell: Cell
    positives: np.ndarray
    images: np.ndarray
    value: Estimate

    @property
    def labels(self) -> float:
        """Labels a topic: the median over topics, the mean over networks."""
        return float(np.median(self.positives, axis=1).mean())


# --- Which images are learned from


def nested(label_matrix: np.ndarray, counts: list[int], rng: np.random.Generator) -> list[np.ndarray]:
    """Positions of some images for each of the rising `counts`, sorted; each part holds the one before.

    label_matrix: (n, L) {0, 1}. In an order that `rng` draws, each label in turn, the rarest first, takes
    images until it has `count` of them, or all its own: an image has all its labels, so that frequent ones
    come to more. Images without any label join in the share that they have of all.

    >>> [part.tolist() for part in nested(np.eye(2)[[0, 0, 1, 1]], [1, 2], np.random.default_rng(0))]
    [[0, 2], [0, 1, 2, 3]]
    """
    order = rng.permutation(len(label_matrix))
    truth = label_matrix[order] > 0
    bare, taken, parts = np.asarray(~truth.any(axis=1)), np.zeros(len(order), bool), []
    for count in counts:
        for label in np.argsort(truth.sum(axis=0), kind="stable"):
            _take(taken, truth[:, label], count)
        _take(taken, bare, round((taken & ~bare).sum() * bare.sum() / max(1, (~bare).sum())))
        parts.append(np.sort(order[taken]))
    return parts


def _take(taken: np.ndarray, of: np.ndarray, count: int) -> None:
    """Mark the first images of a kind until there are `count`."""
    taken[np.flatnonzero(of & ~taken)[: max(0, count - (taken & of).sum())]] = True


def possible(counts: list[int], label_matrix: np.ndarray) -> list[int]:
    """Those counts of labels a topic that more than half of the topics have; label_matrix (n, L) of train."""
    return [count for count in sorted(counts) if count < np.median(label_matrix.sum(axis=0))]


# --- Which cells have a curve


def why_none(cell: Cell) -> str:
    """Why a cell has no curve, in words; empty where it has one."""
    settings = cell.settings
    if settings.get("head") == "names":
        return "its head learned from no label"
    if settings.get("trainable_layers"):
        return "its backbone learns, and would have to learn again for each point"
    if any(settings.get(name) for name in AUGMENTED):
        return "it learned from augmented images, whose features are not asked for here"
    return ""


def chosen(cells: list[Cell], names: list[str]) -> list[Cell]:
    """The named cells; without names the first cell of each network and label source that can have a curve.

    Raises UserError where a name is of none, or of one that can have no curve.
    """
    if not names:
        able = [cell for cell in cells if not why_none(cell)]
        firsts = {(network_of(cell), cell.settings["labels"]): cell for cell in reversed(able)}
        return [cell for cell in able if any(cell is first for first in firsts.values())]
    known = {cell.name: cell for cell in cells}
    for name in names:
        reason = why_none(known[name]) if name in known else f"the cells are {', '.join(known)}"
        if reason:
            raise UserError(f"curve_of must name cells that can have a curve, but {name!r} is none: {reason}")
    return [known[name] for name in names]


# --- Learning


def learn_curves(
    cells: list[Cell], draws: list[Draws], counts: list[int], names: list[str], rounds: int, seed: int
) -> list[list[Point]]:
    """A curve for each of the `chosen` cells: its points from few labels to all; none without `counts`.

    counts: labels a topic, rising; draws: of the cells, whose rounds and seed are `rounds` and `seed`.
    Raises UserError as `chosen`, and where the features that a cell learned from are gone.
    """
    found = []
    for cell in chosen(cells, names) if counts else []:
        drawn = draws[[one.name for one in cells].index(cell.name)]
        found.append(_curve(cell, drawn, counts, rounds, seed))
    return found


def _curve(cell: Cell, drawn: Draws, counts: list[int], rounds: int, seed: int) -> list[Point]:
    data, inputs = learned_from(cell)
    truth = data.label_matrix[data.rows("train")]
    everything = [np.arange(len(truth))] * len(cell.networks)
    last = _point(ALL, cell, truth, everything, macro(cell, drawn, AP, []))
    counts = possible(counts, truth)
    if not counts:
        return [last]
    draws = [nested(truth, counts, np.random.default_rng([seed, number])) for number in range(NETWORKS)]
    flat = [part for own in draws for part in own]
    seeds = [cell.settings["seed"] + number for number in range(NETWORKS) for _ in counts]
    scores, points = trained(cell, data, inputs, flat, seeds), []
    for place, count in enumerate(counts):
        fewer = with_networks(cell, f"{cell.name}, {count} labels", scores[place :: len(counts)])
        value = macro(fewer, draw_precision(fewer, rounds, seed), AP, [])
        points.append(_point(str(count), fewer, truth, flat[place :: len(counts)], value))
    return [*points, last]


def _point(asked: str, cell: Cell, truth: np.ndarray, parts: list[np.ndarray], value: Estimate) -> Point:
    positives = np.array([truth[part].sum(axis=0, dtype=np.int64) for part in parts])
    return Point(asked, cell, positives, np.array([len(part) for part in parts]), value)


def learned_from(cell: Cell) -> "tuple[Examples, np.ndarray]":
    """What the cell's networks learned from: its examples, and the features (m, d) by row of the images."""
    from wikitopics.train import examples

    settings, record = cell.settings, read_json(finished_run("03_train", cell.networks[0].run) / "run.json")
    images = finished_run("02_images", settings["images"])
    file = images / "features" / (record.get("features_file") or "-")
    if not file.is_file():
        raise UserError(
            f"a learning curve must have the features that {cell.name!r} learned from, but {file.name} is no "
            "longer there; run its 03_train again, or set learning_curve: []"
        )
    data, inputs = (
        examples.read_examples(images, finished_run("01_labels", settings["labels"])),
        read_array(file),
    )
    if settings.get("features"):  # made by somebody, and not of every picture
        data = examples.only(data, inputs[data.frame["row"].to_numpy()].any(axis=1))
    return examples.keep_top_labels(data, settings["labels_top"]), inputs


def trained(
    cell: Cell, data: "Examples", inputs: np.ndarray, parts: list[np.ndarray], seeds: list[int]
) -> list[np.ndarray]:
    """Scores (n, L) of the test images, in the cell's order, by a head for each of `parts` of train.

    Heads, their loss and their training are those of the cell's settings, as in 03_train, started from
    `seeds`; only their epochs differ (see `_shown`).
    """
    from wikitopics.train import coherence, fit, members, model
    from wikitopics.train.examples import Batches, targets
    from wikitopics.train.features import Learner

    o, rows = cell.settings, data.frame["row"].to_numpy()
    descent = coherence.mask(o["hierarchy"], data.label_names, data.parents)
    train, settings = _shown(o, data, inputs, parts, seeds, descent)
    first = model.build_model(
        len(data.label_names), model.GIVEN, 0, o["head_units"], seed=seeds[0], given_width=inputs.shape[1]
    )
    steps = partial(
        fit.build_optimizer,
        o["optimizer"],
        o["learning_rate"],
        o["schedule"],
        o["warmup_epochs"],
        o["epochs"],
    )
    part = Learner(model.head_of(first), inputs, inputs, "")
    networks = members.prepare(part, train, settings, steps)
    target = targets(data, "validation", o["targets"])
    validation = Batches(inputs, rows[data.rows("validation")], target, o["batch_size"])
    with tempfile.TemporaryDirectory() as folder:
        fit.fit(networks, validation, o["epochs"], o["patience"], Path(folder), "", o["monitor"])
    place = pd.Series(rows, index=data.frame["title"])[cell.test.frame["title"]].to_numpy()
    scores = networks.scores(Batches(inputs, place, np.zeros((len(place), 0)), o["batch_size"]))
    kept = [data.label_names.index(name) for name in cell.test.label_names]
    return [coherence.coherent(own, descent)[:, kept] for own in scores]


def _shown(
    o: dict[str, Any],
    data: "Examples",
    inputs: np.ndarray,
    parts: list[np.ndarray],
    seeds: list[int],
    descent: np.ndarray | None,
) -> "tuple[list[Batches], list[LossSettings]]":
    """The images of each head in its own order, and its loss, by the settings `o` of 03_train.

    A small part is shown again and again until all epochs are as long as that of the largest: ten labels a
    topic fit into one step, and twenty epochs of one step end before there is anything to stop.
    """
    from wikitopics.train import balance, losses
    from wikitopics.train.examples import Batches, targets

    own, truth = data.rows("train"), data.label_matrix[data.rows("train")]
    rows, target = data.frame["row"].to_numpy()[own], targets(data, "train", o["targets"])
    shown = [
        part[balance.resample(o["resampling"], truth[part], o["resampling_share"], seed)]
        for part, seed in zip(parts, seeds, strict=True)
    ]
    settings = [
        losses.loss_settings(
            o["loss"],
            truth[part],
            focal_gamma=o["focal_gamma"],
            asymmetric=o["asymmetric"],
            weight_cap=o["weight_cap"],
            label_weights=o["label_weights"],
            smoothing=o["label_smoothing"],
            descent=descent,
        )
        for part in shown
    ]
    length = max(FEWEST_STEPS * o["batch_size"], *map(len, shown))
    repeated = [np.resize(part, length) for part in shown]
    train = [
        Batches(inputs, rows[part], target[part], o["batch_size"], seed)
        for part, seed in zip(repeated, seeds, strict=True)
    ]
    return train, settings


def with_networks(cell: Cell, name: str, scores: list[np.ndarray]) -> Cell:
    """The cell with other networks, of these scores (n, L) each."""
    half = np.full(len(cell.test.label_names), 0.5)
    networks = tuple(Network(name, number, own, half) for number, own in enumerate(scores))
    return replace(cell, name=name, networks=networks)


def draw_precision(cell: Cell, rounds: int, seed: int) -> Draws:
    """`runs.draw` as far as average precision needs it."""
    n_groups = int(cell.groups.max()) + 1
    truth = cell.test.truth
    own = []
    for network in cell.networks:
        columns = [(truth[:, i], network.scores[:, i], cell.groups) for i in range(truth.shape[1])]
        _, precision = bootstrap.bootstrap_rankings(columns, n_groups, rounds, seed)
        own.append(Resamples({AP: precision}, {}))
    return Draws(own, [], estimates.redrawn(len(own), rounds, seed, cell.name))


# --- What a curve says


def curve_table(curves: list[list[Point]]) -> pd.DataFrame:
    """One row a point: run, label_source, backbone, asked (labels a topic, or "all"), labels (the median over
    topics), fewest, most (of a topic), images (to learn from), networks, value (macro average precision),
    low, high (95 %, other test images and other networks), share (of the value with all labels), prior (the
    label prior's value). What is counted is a mean over the point's networks.
    """
    return pd.DataFrame([_row(point, curve[-1]) for curve in curves for point in curve], columns=COLUMNS)


def _row(point: Point, last: Point) -> list:
    cell, found = point.cell, point.value
    centre = float(np.nanmean(cell.others))
    degrees = found.degrees() if found.seeds > 1 else None
    low, high = metric_interval(METRIC, found.value, found.both, cell.positives(METRIC), centre, degrees)
    return [
        last.cell.name,
        cell.settings["labels"],
        network_of(cell),
        point.asked,
        point.labels,
        point.positives.min(axis=1).mean(),
        point.positives.max(axis=1).mean(),
        point.images.mean(),
        len(cell.networks),
        found.value,
        float(low),
        float(high),
        found.value / last.value.value,
        last.cell.baseline(METRIC),
    ]


def curve_sentences(curves: list[list[Point]], cells: list[Cell], counts: list[int]) -> list[str]:
    """What each curve says, a sentence each, and which cells have none and why; none without `counts`."""
    told = [_in_words(curve) for curve in curves]
    for reason in dict.fromkeys(filter(None, map(why_none, cells))) if counts else ():
        names = [cell.name for cell in cells if why_none(cell) == reason]
        told.append(f"No curve of {', '.join(names)}: {reason}.")
    return told


def _in_words(curve: list[Point]) -> str:
    *fewer, last = curve
    cell = last.cell
    name = f"{network_of(cell)}, {cell.settings['labels']} ({cell.name})"
    if not fewer:
        return f"{name}: half of its topics have fewer labels than were asked for, so there is no curve."
    values = [f"{point.asked} labels a topic give {point.value.value:.3f}" for point in fewer[:1]]
    values += [f"{point.asked} give {point.value.value:.3f}" for point in fewer[1:]]
    told = (
        f"{name}: {', '.join(values)} in macro average precision, all ({last.labels:.0f}) give "
        f"{last.value.value:.3f}."
    )
    near = next((point for point in reversed(fewer) if point.labels < last.labels), None)
    if near is None:
        return f"{told} Most topics have all their labels there already, so what more are worth is not told."
    doublings = np.log2(last.labels / near.labels)
    apart = estimates.difference(near.value, last.value)
    worth, low, high = (number / doublings for number in (apart.value, *apart.ends()))
    return (
        f"{told} So {near.asked} reach {near.value.value / last.value.value:.0%} of it, and "
        f"beyond them a doubling of labels is worth {worth:+.3f} (95 % interval {low:+.3f} to {high:+.3f})."
    )
