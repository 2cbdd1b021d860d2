"""The learning curve of 05 on made features, whose topics are as easy to learn as was planted."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

import planted
from wikitopics import ranking
from wikitopics.artefacts import write_array, write_json
from wikitopics.compare import learning_curve as curve
from wikitopics.compare.estimates import of_cell
from wikitopics.compare.learning_curve import Point, chosen, curve_sentences, curve_table, nested, possible
from wikitopics.compare.runs import Cell, Network
from wikitopics.errors import UserError
from wikitopics.evaluate.intervals import AP, freedom
from wikitopics.evaluate.predictions import Predictions
from wikitopics.rules import RULES
from wikitopics.show import comparison_figures
from wikitopics.train import fit, members, model
from wikitopics.train.examples import Batches, Examples, keep_top_labels

NAMES = ["Rare", "Common", "Noise"]
IMAGES = {"train": 900, "validation": 150, "test": 700}
SETTINGS = {
    "labels": "commons", "images": "sample", "labels_top": 0, "targets": "labels", "resampling": "none",
    "resampling_share": 0.2, "backbone": "EfficientNetLite0", "features": "", "trainable_layers": 0,
    "head_units": 0, "hierarchy": "none", "flip": False, "rotation": 0.0, "shift": 0.0, "zoom": 0.0,
    "loss": "binary_crossentropy", "focal_gamma": 2.0, "asymmetric": [0.0, 4.0, 0.05],
    "label_weights": "equal", "weight_cap": 20.0, "label_smoothing": 0.0, "optimizer": "adam",
    "learning_rate": 0.03, "schedule": "constant", "warmup_epochs": 0.0, "batch_size": 64, "epochs": 12,
    "patience": 3, "monitor": "macro_pr_auc", "seed": 0, "seeds": 2,
}  # fmt: skip
COUNTS, ROUNDS = [6, 25, 100], 60


def made() -> tuple[Examples, np.ndarray, np.ndarray]:
    """Examples, their features, and the score that no head can beat; the last topic is in no feature."""
    rng = np.random.default_rng(3)
    n = sum(IMAGES.values())
    inputs = rng.normal(size=(n, 24)).astype(np.float32)
    best = inputs @ rng.normal(size=(24, 3)) / 5
    best[:, 2] = 0
    truth = (best + [0.35, 0.5, 1] * rng.normal(size=(n, 3)) > [1.1, 0.6, 0.8]).astype(np.uint8)
    frame = pd.DataFrame(
        {"title": [f"{i}.png" for i in range(n)], "row": np.arange(n), "group": np.arange(n)}
    )
    frame["split"] = np.repeat(list(IMAGES), list(IMAGES.values()))
    parents = dict.fromkeys(NAMES)
    return Examples(frame, inputs, truth, truth.astype(np.float32), NAMES, parents, ""), inputs, best


def cell_of(data: Examples, scores: list[np.ndarray], name: str = "made", **settings) -> Cell:
    """A cell of networks with these scores of the test images."""
    rows = data.rows("test")
    test = Predictions(
        data.frame.iloc[rows].reset_index(drop=True), data.label_matrix[rows], scores[0], NAMES
    )
    networks = tuple(Network(name, seed, own, np.full(3, 0.5)) for seed, own in enumerate(scores))
    prior = {"metric": f"macro {AP}", "label prior": 0.2}
    found = {"overall": [prior]}
    return Cell(name, SETTINGS | settings, "", test, networks, np.arange(len(rows)), found)


@pytest.fixture(scope="module")
def learned():
    """A curve of the made features, from few labels to all; the score that no head can beat."""
    data, inputs, best = made()
    start = cell_of(data, [np.full((IMAGES["test"], 3), 0.5)])
    everything = [np.arange(IMAGES["train"])] * 2
    whole = cell_of(data, curve.trained(start, data, inputs, everything, [0, 1]))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(curve, "learned_from", lambda cell: (data, inputs))
        drawn = curve.draw_precision(whole, ROUNDS, 0)
        [points] = curve.learn_curves([whole], [drawn], COUNTS, [], ROUNDS, 0)
    return points, data, inputs, best[data.rows("test")]


def precision(point: Point) -> np.ndarray:
    """Of each topic, the mean over networks."""
    return point.cell.per_label(AP).mean(axis=0)


def test_more_labels_climb_to_what_can_be_known_and_noise_stays_noise(learned):
    points, _, _, best = learned
    each = np.array([precision(point) for point in points])
    truth = points[0].cell.test.truth
    ceiling, share = ranking.average_precision(truth, best), truth.mean(axis=0)
    assert [point.asked for point in points] == ["6", "25", "100", "all"]
    for topic in (0, 1):
        assert (np.diff(each[:, topic]) > 0).all() and each[-1, topic] - each[0, topic] > 0.1
        assert ceiling[topic] - 0.08 < each[-1, topic] < ceiling[topic] + 0.02
    assert np.abs(each[:, 2] - share[2]).max() < 0.06


def test_a_point_says_what_was_learned_from_and_its_interval_holds_the_draws(learned):
    points = learned[0]
    table = curve_table([points])
    assert table["asked"].tolist() == ["6", "25", "100", "all"]
    assert table["fewest"].tolist()[:3] == [6, 25, 78] and (table["labels"].diff()[1:] > 0).all()
    assert table["images"].iloc[-1] == IMAGES["train"] and table["networks"].tolist() == [3, 3, 3, 2]
    assert table["share"].iloc[-1] == 1 and (table["prior"] == 0.2).all()
    assert (table["low"] < table["value"]).all() and (table["value"] < table["high"]).all()
    few = points[0].value
    assert few.value == pytest.approx(precision(points[0]).mean())
    assert few.network_deviation > 0 and np.ptp(few.ends()) > np.ptp(few.ends(networks=False))


def test_heads_are_those_of_03_train_to_the_last_bit(learned):
    """All training images, drawn by nobody: then what learns is what 03_train would have trained."""
    points, data, inputs, _ = learned
    rows = np.arange(IMAGES["train"])
    validation = Batches(inputs, data.rows("validation"), data.label_matrix[data.rows("validation")], 64)
    heads = [
        model.head_of(model.build_model(3, model.GIVEN, 0, 0, seed=seed, given_width=24)) for seed in (0, 1)
    ]
    train = [Batches(inputs, rows, data.label_matrix[rows], 64, seed) for seed in (0, 1)]
    networks = members.Heads(heads, train, None, lambda steps: fit.build_optimizer("adam", 0.03))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(fit, "save_checkpoint", lambda *_: None)
        patch.setattr(fit, "_write_history", lambda *_: None)
        fit.fit(networks, validation, 12, 3, planted.Path("."), "")
    scores = networks.scores(Batches(inputs, data.rows("test"), np.zeros((IMAGES["test"], 3)), 64))
    for network, own in zip(points[-1].cell.networks, scores, strict=True):
        assert np.array_equal(network.scores, own)


def test_a_small_part_is_shown_as_long_as_the_largest_and_each_of_its_images_as_often(learned):
    _, data, inputs, _ = learned
    parts = [np.arange(10), np.arange(300)]
    train, _ = curve._shown(SETTINGS, data, inputs, parts, [0, 1], None)
    assert [len(batches.rows) for batches in train] == [300, 300]
    assert np.bincount(train[0].rows).tolist() == [30] * 10
    assert (train[0].targets == data.label_matrix[train[0].rows]).all()
    train, settings = curve._shown(SETTINGS | {"label_weights": "rare"}, data, inputs, parts[:1], [0], None)
    assert len(train[0].rows) == curve.FEWEST_STEPS * 64
    counts = data.label_matrix[:10].sum(axis=0).clip(1)  # weights are counted in what is drawn, not in all
    assert settings[0].label_weights == pytest.approx((1 / counts) / (1 / counts).mean())


# --- Which images


def test_each_topic_has_as_many_labels_as_asked_and_small_parts_lie_in_larger_ones():
    rng = np.random.default_rng(0)
    matrix = (rng.random((500, 4)) < [0.02, 0.1, 0.2, 0.4]).astype(np.uint8)
    few, more, most = nested(matrix, [5, 15, 60], np.random.default_rng(1))
    counts = [matrix[part].sum(axis=0) for part in (few, more, most)]
    assert (counts[0] >= 5).all() and (counts[1][1:] >= 15).all()
    assert counts[2][0] == matrix[:, 0].sum() < 15 <= counts[2][1]  # a rare topic gives all it has
    assert set(few) < set(more) < set(most) and len(set(most)) == len(most)
    bare = ~matrix.any(axis=1)
    assert all(abs(bare[part].mean() - bare.mean()) < 0.03 for part in (few, more, most))
    again = nested(matrix, [5, 15, 60], np.random.default_rng(1))
    assert all(np.array_equal(*pair) for pair in zip(again, (few, more, most), strict=True))
    assert set(nested(matrix, [5], np.random.default_rng(2))[0]) != set(few)


def test_no_part_is_asked_for_that_half_of_the_topics_cannot_fill():
    matrix = np.zeros((100, 3), np.uint8)
    for topic, count in enumerate((4, 20, 90)):
        matrix[:count, topic] = 1
    assert possible([30, 19, 20, 3], matrix) == [3, 19]


# --- Which cells


def test_the_first_cell_of_each_network_and_label_source_has_a_curve_if_its_backbone_does_not_learn():
    scores = [np.full((IMAGES["test"], 3), 0.5)]
    data = made()[0]
    cells = [
        cell_of(data, scores, "thawed", trainable_layers=2),
        cell_of(data, scores, "turned", rotation=5.0),
        cell_of(data, scores, "ten"),
        cell_of(data, scores, "twenty", labels_top=20),
        cell_of(data, scores, "ores", labels="ores"),
        cell_of(data, scores, "given", backbone="features", features="clip.parquet"),
    ]
    assert [cell.name for cell in chosen(cells, [])] == ["ten", "ores", "given"]
    assert [cell.name for cell in chosen(cells, ["twenty"])] == ["twenty"]
    told = curve_sentences([], cells, COUNTS)
    assert told == [
        "No curve of thawed: its backbone learns, and would have to learn again for each point.",
        "No curve of turned: it learned from augmented images, whose features are not asked for here.",
    ]
    assert curve_sentences([], cells, []) == []
    assert curve.learn_curves(cells, [], [], [], ROUNDS, 0) == []
    with pytest.raises(UserError, match=r"'thawed' is none: its backbone learns"):
        chosen(cells, ["thawed"])
    with pytest.raises(UserError, match=r"'eleven' is none: the cells are thawed, turned, ten"):
        chosen(cells, ["eleven"])


def test_features_are_read_where_03_train_left_them_and_given_ones_of_known_pictures_only(
    tmp_path, monkeypatch
):
    monkeypatch.setenv("WIKITOPICS_ROOT", str(tmp_path))
    images = planted.write_images(tmp_path)
    planted.write_labels(tmp_path)
    features = np.ones((90, 4), np.float32)
    features[::10] = 0
    write_array(images / "features" / "some.npy", features)
    for run, given in (("made", ""), ("given", "clip.parquet")):
        write_json(tmp_path / "data" / "03_train" / run / "run.json", {"features_file": "some.npy"})
        start = cell_of(made()[0], [np.full((IMAGES["test"], 3), 0.5)], run, features=given)
        data, inputs = curve.learned_from(start)
        assert np.array_equal(inputs, features) and data.label_names == planted.NAMES
        assert len(data.frame) == (81 if given else 90)
    (images / "features" / "some.npy").unlink()
    with pytest.raises(UserError, match=r"'given' learned from, but some.npy .* set learning_curve: \[\]"):
        curve.learned_from(start)


def test_the_cells_own_labels_are_learned_and_those_that_count_are_judged(learned):
    _, data, inputs, _ = learned
    two = keep_top_labels(data, 2)
    start = cell_of(data, [np.full((IMAGES["test"], 3), 0.5)])
    fewer = Predictions(start.test.frame, start.test.truth[:, :1], start.test.scores[:, :1], ["Common"])
    cell = replace(start, test=fewer)
    [scores] = curve.trained(cell, two, inputs, [np.arange(200)], [0])
    assert scores.shape == (IMAGES["test"], 1)
    assert ranking.roc_auc(data.label_matrix[data.rows("test")][:, [1]], scores)[0] > 0.7


# --- What it says


def point(asked: str, labels: int, value: float, networks: int = 3) -> Point:
    cell = cell_of(made()[0], [np.full((IMAGES["test"], 3), 0.5)] * networks)
    around = value + np.array([-0.01, 0.01] * 30)
    free = freedom(np.array([50, 50]))
    found = of_cell(f"{asked}", np.full(networks, value), np.tile(around[:, None], networks),
                    np.full((60, networks), 1 / networks), free, value)  # fmt: skip
    return Point(asked, cell, np.full((networks, 3), labels), np.full(networks, 3 * labels), found)


def test_a_curve_is_told_in_one_sentence():
    points = [point("10", 10, 0.3), point("100", 100, 0.5), point("all", 400, 0.6)]
    [told] = curve_sentences([points], [], [10, 100])
    assert told.startswith(
        "EfficientNetLite0, commons (made): 10 labels a topic give 0.300, 100 give 0.500 in"
    )
    assert "all (400) give 0.600. So 100 reach 83% of it" in told
    assert "a doubling of labels is worth +0.050 (95 % interval +0.050 to +0.050)" in told
    [told] = curve_sentences([[points[0], point("100", 400, 0.6), points[-1]]], [], [10, 100])
    assert "So 10 reach 50% of it" in told, "a point of all images is no step from which labels could double"
    [told] = curve_sentences([[point("100", 400, 0.6), points[-1]]], [], [100])
    assert "all (400) give 0.600. Most topics have all their labels there already" in told
    [told] = curve_sentences([points[-1:]], [], [10])
    assert "half of its topics have fewer labels" in told


def test_lines_are_told_apart_without_colour_and_begin_with_few_labels(learned):
    table = curve_table([learned[0]])
    both = pd.concat([table, table.assign(run="other", backbone="Lite2")], ignore_index=True)
    figure = comparison_figures.learning_curves(both)
    first, second, prior = figure.data
    assert list(prior.y) == [0.2, 0.2] and prior.line.dash == "dot"
    assert figure.layout.xaxis.type == "log" and list(first.y) == table["value"].tolist()
    assert first.line.dash != second.line.dash and first.marker.symbol != second.marker.symbol
    assert list(first.x) == table["labels"].tolist()
    assert first.error_y.array == pytest.approx(table["high"] - table["value"])


def test_a_curve_is_asked_for_in_whole_numbers_and_of_runs_that_are_compared():
    counts, of = RULES["05_compare"]["learning_curve"], RULES["05_compare"]["curve_of"]
    assert counts.holds([], {}) and counts.holds([10, 30], {})
    assert not any(counts.holds(wrong, {}) for wrong in ([0], [10, 10], [1.5], ["all"]))
    assert of.holds([], {"evaluations": ["a"]}) and of.holds(["a"], {"evaluations": ["a", "b"]})
    assert not of.holds(["c"], {"evaluations": ["a"]}) and not of.holds(["a", "a"], {"evaluations": ["a"]})
