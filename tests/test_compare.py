"""05 on planted runs: the planted difference is found, the absent one is not, like is compared with like."""

import dataclasses
import json
from itertools import combinations
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import spearmanr

from evaluate_planted import write_source_runs, write_train_run
from wikitopics import paths, ranking
from wikitopics.artefacts import read_json, write_json, write_table
from wikitopics.compare import differences, estimates, names_only, pretraining, tables
from wikitopics.compare import findings as claims
from wikitopics.compare.findings import findings, summary
from wikitopics.compare.runs import (
    agreed,
    draw,
    macro,
    overall,
    read_runs,
    settings_that_differ,
    shared_names,
    with_other_labels,
)
from wikitopics.errors import UserError
from wikitopics.evaluate import bootstrap, metrics, thresholds
from wikitopics.evaluate import tables as evaluate_tables
from wikitopics.evaluate.intervals import freedom, metric_interval
from wikitopics.evaluate.predictions import freeze_thresholds, read_test, read_validation
from wikitopics.labels.taxonomy import load
from wikitopics.show import comparison_figures, evaluation_figures

LABELS = ["Animals", "Music", "Food", "Sports", "Space", "Art"]
TOPICS = [
    "STEM.Biology",
    "Culture.Media.Music",
    "Culture.Food and drink",
    "Culture.Sports",
    "STEM.Space",
    "STEM.Physics",
]
ROUNDS = 200


def evaluate(root, run):
    """What notebook 04 writes, as far as 05 reads it."""
    folder = root / "data" / "04_evaluate" / run
    validation = read_validation(run)
    cuts = thresholds.choose("per_label", validation.truth, validation.scores)
    test = read_test(run, freeze_thresholds(folder, validation.label_names, cuts))
    drawn = bootstrap.bootstrap(
        test.truth, test.scores, cuts, bootstrap.group_codes(test.frame["group"]), rounds=10
    )
    prior = evaluate_tables.read_prior(run, test.label_names)
    table = evaluate_tables.overall(
        test, cuts, drawn, evaluate_tables.baseline_overall(validation, test, prior, "per_label")
    )
    write_json(folder / "metrics.json", evaluate_tables.plain({"model": run, "overall": table}))
    write_json(folder / "run.json", {})


def plant(root, run, names=LABELS, signal=1.5, people=True, seed_parameter=0, **parameters):
    settings = {"taxonomy": "v1.4", "labels": "commons", "backbone": "EfficientNetLite0"} | parameters
    train = write_train_run(root, run, names, signal=signal, seed=1, **settings)
    record = read_json(train / "run.json")
    record["parameters"]["seed"] = seed_parameter
    write_json(train / "run.json", record)
    if people:
        write_source_runs(root, train)
    evaluate(root, run)


@pytest.fixture(scope="module")
def grid(tmp_path_factory):
    """Two sources of equal quality; a second backbone that is clearly better for both."""
    root = tmp_path_factory.mktemp("grid")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("WIKITOPICS_ROOT", str(root))
        for source, taxonomy, names in (("commons", "v1.4", LABELS), ("ores", "ores-64", TOPICS)):
            for size, signal in (("0", 1.2), ("2", 2.2)):
                backbone = f"EfficientNetLite{size}"
                plant(
                    root,
                    f"{source}-{size}",
                    names,
                    signal,
                    labels=source,
                    taxonomy=taxonomy,
                    backbone=backbone,
                )
        runs = read_runs(["commons-0", "commons-2", "ores-0", "ores-2"])
        draws = [draw(run, ROUNDS, 0) for run in runs]
        yield root, runs, draws, {claim.name: claim for claim in claims.answer_claims(runs, draws, ROUNDS, 0)}


def test_planted_size_difference_is_found_and_the_sentence_says_it(grid):
    claim = grid[3]["network size"]
    assert claim.number > 0.05 and claim.low > 0 and claim.p_holm < 0.05 and claim.based_on == 2
    assert "EfficientNetLite2 is higher" in claim.sentence and f"{claim.number:+.3f}" in claim.sentence


def test_sources_of_equal_quality_show_no_difference(grid):
    for name in ("label source, own labels", "label source, people's view"):
        claim = grid[3][name]
        assert claim.low < 0 < claim.high and claim.verdict == "no difference shown"
        assert "No difference shown" in claim.sentence and "ores minus commons" in claim.sentence


def test_three_label_sources_are_compared_two_by_two(grid):
    """Averaged together, ores - commons and depicts - ores once made one number that says nothing."""
    _, runs, draws, two = grid
    third = [
        dataclasses.replace(run, name=f"depicts-{number}", settings=run.settings | {"labels": "depicts"})
        for number, run in enumerate(runs[2:])
    ]
    for cell, same in zip(third, runs[2:], strict=True):
        vars(cell)["judged"] = same.judged  # there is no labels run of that name to ask
    cells = [*runs, *third]
    found = {claim.name: claim for claim in claims.own_labels(cells, [*draws, *draws[2:]], 0)}
    start = "label source, own labels: "
    assert set(found) == {
        f"{start}commons and ores",
        f"{start}commons and depicts",
        f"{start}depicts and ores",
    }
    assert all(claim.based_on == 2 for claim in found.values())
    assert found[f"{start}commons and ores"].number == two["label source, own labels"].number
    assert found[f"{start}depicts and ores"].number == pytest.approx(0)  # the same labels under two names
    seen = claims.shared_view(cells, ROUNDS, 0)
    assert [claim.name for claim in seen] == [name.replace("own labels", "people's view") for name in found]


@pytest.mark.parametrize(
    ("smaller", "larger", "changed"),
    [
        ("imagenet", "imagenet", ["backbone"]),
        ("weights/EfficientNetB0.h5", "weights/EfficientNetB2.h5", ["backbone"]),  # no file fits both
        ("~/efficientnetb0.weights.h5", "~/efficientnetb2.weights.h5", ["backbone"]),
        ("mine/EfficientNetB0.h5", "theirs/EfficientNetB2.h5", ["backbone", "weights"]),
        ("imagenet", "weights/EfficientNetB2.h5", ["backbone", "weights"]),
        ("weights/small.h5", "weights/large.h5", ["backbone", "weights"]),
    ],
)
def test_weights_named_after_their_networks_are_no_second_change(smaller, larger, changed):
    cells = [
        SimpleNamespace(settings={"backbone": backbone, "weights": weights})
        for backbone, weights in (("EfficientNetB0", smaller), ("EfficientNetB2", larger))
    ]
    assert settings_that_differ(*cells) == changed


def test_differences_are_between_runs_that_differ_in_one_setting(grid):
    _, runs, draws, _ = grid
    table = differences.differences(runs, draws)
    main = table[table["metric"] == tables.PRIMARY]
    assert main["setting"].value_counts().to_dict() == {"backbone": 2, "labels": 2}
    assert set(main.loc[main["setting"] == "backbone", "labels"]) == {"shared"}
    assert set(main.loc[main["setting"] == "labels", "labels"]) == {"own"}
    assert (main.loc[main["setting"] == "backbone", "verdict"] == "higher").all()
    assert ((main["low"] <= main["difference"]) & (main["difference"] <= main["high"])).all()
    assert (table["p_holm"] >= table["p"]).all() and table.columns.tolist() == differences.COLUMNS


def test_ten_and_twenty_labels_are_compared_on_the_labels_they_share(tmp_path, monkeypatch):
    monkeypatch.setenv("WIKITOPICS_ROOT", str(tmp_path))
    plant(tmp_path, "few", LABELS[:3], labels_top=3)
    plant(tmp_path, "all", LABELS, labels_top=0)
    runs = read_runs(["all", "few"])
    table = differences.differences(runs, [draw(run, ROUNDS, 0) for run in runs])
    row = table[table["metric"] == tables.PRIMARY].iloc[0]
    assert (row["from_run"], row["to_run"], row["n_labels"]) == ("few", "all", 3)  # 0 means all: the larger
    few = pd.DataFrame(runs[1].metrics["overall"]).set_index("metric")["value"]
    assert row["first"] == pytest.approx(few["macro roc_auc"])
    assert row["second"] != pytest.approx(runs[0].value("macro roc_auc"))


def test_a_run_compared_with_itself_differs_by_nothing(grid):
    run, drawn = grid[1][0], grid[2][0]
    found = differences.paired(*differences.macro_pair(run, drawn, run, drawn))
    assert (
        found["difference"] == found["low"] == found["high"] == found["low_images"] == 0 and found["p"] == 1
    )


def test_other_test_images_are_refused(tmp_path, monkeypatch):
    monkeypatch.setenv("WIKITOPICS_ROOT", str(tmp_path))
    plant(tmp_path, "one")
    plant(tmp_path, "two", backbone="EfficientNetLite2", images={"validation": 150, "test": 249})
    with pytest.raises(UserError, match="same test images, but 1 of 'one' and 0 of 'two'"):
        read_runs(["one", "two"])


def test_other_groups_are_refused(tmp_path, monkeypatch):
    monkeypatch.setenv("WIKITOPICS_ROOT", str(tmp_path))
    plant(tmp_path, "one")
    plant(tmp_path, "two", backbone="EfficientNetLite2", group_size=2)
    with pytest.raises(UserError, match="same groups of duplicates"):
        read_runs(["one", "two"])


def test_rows_are_brought_into_one_order(tmp_path, monkeypatch):
    """The prior work computed metrics on shuffled rows: here a shuffled file gives the same numbers."""
    monkeypatch.setenv("WIKITOPICS_ROOT", str(tmp_path))
    plant(tmp_path, "one")
    first = read_runs(["one"])[0]
    path = tmp_path / "data" / "03_train" / "one" / "predictions_test.parquet"
    write_table(path, pd.read_parquet(path).sample(frac=1, random_state=0))
    again = read_runs(["one"])[0]
    assert np.array_equal(first.test.scores, again.test.scores)
    assert np.array_equal(first.groups, again.groups)


def test_without_people_or_pairs_the_claims_are_not_answered(tmp_path, monkeypatch):
    monkeypatch.setenv("WIKITOPICS_ROOT", str(tmp_path))
    plant(tmp_path, "alone", taxonomy="my own")
    (tmp_path / "data" / "01_labels" / "commons" / "human.parquet").unlink()
    runs = read_runs(["alone"])
    draws = [draw(runs[0], ROUNDS, 0)]
    for claim in claims.answer_claims(runs, draws, ROUNDS, 0):
        assert claim.verdict == "not answered by these runs" and "do not tell" in claim.sentence
    assert np.isnan(tables.comparison(runs, draws)["human_roc_auc"].iloc[0])
    assert len(differences.differences(runs, draws)) == 0
    assert len(pretraining.table(pretraining.groups(runs, draws))) == 0
    json.dumps(
        evaluate_tables.plain(claims.claims_table(claims.answer_claims(runs, draws, ROUNDS, 0))),
        allow_nan=False,
    )


def test_shared_topics_follow_the_bridge_in_both_directions(grid):
    commons, _, ores, _ = grid[1]
    there = shared_names(commons, ores)
    assert ("Animals", "STEM.Biology") in there and ("Music", "Culture.Media.Music") in there
    assert len(there) == 5  # Art and Physics have no counterpart here
    assert shared_names(ores, commons) == [(b, a) for a, b in there]
    rows, truth = agreed(commons, ores, "Music", "Culture.Media.Music")
    assert rows.sum() == len(truth) < 250  # disagreements left out


def test_headline_prints_every_run_and_the_prior(grid):
    root, runs, draws, _ = grid
    folder = root / "data" / "05_compare" / "grid"
    write_table(folder / "comparison.parquet", tables.comparison(runs, draws))
    table = tables.headline(folder)
    assert table["run"].tolist() == ["commons-0", "commons-2", "ores-0", "ores-2", "label prior"]
    assert table["macro ROC-AUC"].iloc[-1] == "0.500" and table["human ROC-AUC"].iloc[-1] == "0.500"
    assert table["macro ROC-AUC"].str.contains("*", regex=False).sum() == 1


def test_presence_counts_are_the_ranges_and_cover_both_taxonomies():
    table = pd.read_csv(
        pretraining.files("wikitopics.compare") / "imagenet_presence.csv", keep_default_na=False
    )
    for row in table.itertuples():
        indices = pretraining.parse_indices(row.indices)
        assert len(indices) == row.classes and all(0 <= i < 1000 for i in indices), row.label
        assert row.reason
    for name in ("v1.4", "ores-64"):
        taxonomy = load(name)
        rows = table[table["taxonomy"] == name].set_index("label")["indices"].map(pretraining.parse_indices)
        assert set(rows.index) == set(taxonomy.label_names)
        for label, parent in taxonomy.parents.items():
            if name == "v1.4" and parent:
                assert rows[label] <= rows[parent], (label, parent)


@given(st.lists(st.tuples(st.integers(0, 5), st.integers(0, 5)), min_size=5, max_size=12))
def test_spearman_equals_scipy(points):
    first, second = np.array(points, dtype=float).T
    ours, _ = pretraining.spearman(first, second, second[None], seed=0)
    theirs = spearmanr(first, second).statistic if first.std() and second.std() else np.nan
    assert ours == pytest.approx(theirs, nan_ok=True)


def test_pretraining_claim_finds_a_planted_relation():
    share = np.arange(12) / 12
    noise = np.random.default_rng(0).normal(scale=0.02, size=(ROUNDS, 12))
    group = pretraining.Group(
        "commons", list("abcdefghijkl"), share, 0.6 + 0.3 * share, 0.6 + 0.3 * share + noise
    )
    claim = claims.pretraining(group, seed=0)
    assert claim.number == 1 and claim.low > 0.8 and claim.p < 0.05


def test_a_label_source_has_its_labels_with_the_mean_over_its_networks(grid):
    _, runs, draws, _ = grid
    few = dataclasses.replace(runs[0], test=dataclasses.replace(runs[0].test, label_names=LABELS[:3]))
    found = pretraining.groups([few, *runs], [draws[0], *draws])  # one with fewer labels does not count
    assert [(group.source, group.label_names, group.seeds) for group in found] == [
        ("commons", LABELS, 1),
        ("ores", TOPICS, 1),
    ]
    aucs = [
        metrics.per_label(run.test.truth, run.networks[0].scores, np.full(6, 0.5), LABELS) for run in runs
    ]
    assert found[0].values == pytest.approx((aucs[0]["roc_auc"] + aucs[1]["roc_auc"]).to_numpy() / 2)
    rounds = [drawn.own[0].per_label["roc_auc"] for drawn in draws]
    np.testing.assert_allclose(found[1].rounds, (rounds[2] + rounds[3]) / 2)
    assert found[0].share.tolist() == [pretraining.class_counts("v1.4")[name] / 1000 for name in LABELS]
    table = pretraining.table(found).set_index(["source", "label"])
    assert table.loc[("commons", "Animals"), "classes"] == 398 and len(table) == 12


def test_pretraining_draws_the_labels_too():
    """Where no image moves anything, which dozen of labels it is still does."""
    share, values = np.arange(12) / 12, np.linspace(0.6, 0.9, 12)[::-1] + np.tile([0, 0.1], 6)
    _, drawn = pretraining.spearman(share, values, np.tile(values, (ROUNDS, 1)), seed=0)
    assert np.nanstd(drawn) > 0.05
    other = pretraining.spearman(share, values, np.tile(values, (ROUNDS, 1)), seed=1)[1]
    assert not np.array_equal(drawn, other)


def test_holm():
    assert differences.holm(np.array([0.01, np.nan, 0.02])).tolist()[::2] == [0.02, 0.02]
    assert differences.holm(np.array([])).tolist() == []
    assert differences.verdict(0.1, 0.01) == "higher" and differences.verdict(-0.1, 0.01) == "lower"
    assert differences.verdict(0.1, 0.05) == "no difference shown"


# --- Seeds: members of a cell, never a setting, and a chance of their own


@pytest.fixture
def seeded(tmp_path, monkeypatch):
    """A run of three seeds, a run that differs by its seed alone, and another backbone of three seeds."""
    monkeypatch.setenv("WIKITOPICS_ROOT", str(tmp_path))
    plant(tmp_path, "a", further_seeds=(1, 2), seeds=3)
    plant(tmp_path, "b", seed_parameter=3)
    plant(tmp_path, "c", further_seeds=(1, 2), seeds=3, backbone="EfficientNetLite2")
    return read_runs(["a", "b", "c"])


def test_runs_that_differ_by_the_seed_alone_are_one_cell(seeded):
    """Whether they are columns of one run or runs of their own; a number of seeds is no setting either."""
    assert [cell.name for cell in seeded] == ["a", "c"]
    assert [(one.run, one.seed) for one in seeded[0].networks] == [("a", 0), ("a", 1), ("a", 2), ("b", 3)]
    table = differences.differences(seeded, [draw(cell, ROUNDS, 0) for cell in seeded])
    assert set(table["setting"]) == {"backbone"} and set(table["seeds"]) == {3}


def test_the_value_of_a_cell_is_the_mean_of_its_networks_each_with_its_own_thresholds(seeded):
    cell, values = seeded[0], []
    for run, column in (("a", "scores"), ("a", "scores_seed_1"), ("a", "scores_seed_2"), ("b", "scores")):
        test, validation = (
            pd.read_parquet(paths.run_folder("03_train", run) / f"predictions_{split}.parquet")
            for split in ("test", "validation")
        )
        truth = np.stack(validation["truth"].to_list())
        cuts = thresholds.choose("per_label", truth, np.stack(validation[column].to_list()))
        values.append(
            metrics.overall(np.stack(test["truth"].to_list()), np.stack(test[column].to_list()), cuts)
        )
    for metric in ("macro f1", "macro roc_auc"):
        assert cell.value(metric) == pytest.approx(np.mean([found[metric] for found in values]))
    table = tables.comparison([cell], [draw(cell, ROUNDS, 0)]).iloc[0]
    assert table["seeds"] == 4
    assert table["macro_roc_auc_sd"] == pytest.approx(np.std([v["macro roc_auc"] for v in values], ddof=1))


def test_a_network_that_comes_twice_is_refused(seeded, tmp_path):
    plant(tmp_path, "again", seed_parameter=2)
    with pytest.raises(UserError, match="'a' and 'again' both have seed 2"):
        read_runs(["a", "again"])


def test_a_run_without_the_scores_of_its_seed_is_refused(seeded, tmp_path):
    path = tmp_path / "data" / "03_train" / "a" / "predictions_test.parquet"
    write_table(path, pd.read_parquet(path).drop(columns="scores_seed_2"))
    with pytest.raises(UserError, match="must have the column 'scores_seed_2'"):
        read_runs(["a"])


def test_both_chances_are_in_the_interval_and_each_is_told(seeded):
    cell = seeded[0]
    found = overall(cell, draw(cell, 2000, 0), tables.PRIMARY)
    values = cell.values(tables.PRIMARY)
    assert found.network_deviation == pytest.approx(values.std(ddof=1) / 2, rel=0.15)  # of a mean of four
    low, high = found.ends()
    low_images, high_images = found.ends(networks=False)
    assert low < low_images < found.value < high_images < high


def test_one_seed_says_nothing_of_other_seeds(tmp_path, monkeypatch):
    monkeypatch.setenv("WIKITOPICS_ROOT", str(tmp_path))
    plant(tmp_path, "one")
    plant(tmp_path, "two", backbone="EfficientNetLite2")
    cells = read_runs(["one", "two"])
    draws = [draw(cell, ROUNDS, 0) for cell in cells]
    row = differences.differences(cells, draws).iloc[0]
    assert row["seeds"] == 1 and np.isnan(row["sd"]) and row["low"] == pytest.approx(row["low_images"])
    claim = next(one for one in claims.answer_claims(cells, draws, ROUNDS, 0) if one.name == "network size")
    assert "on other images, one seed each" in claim.sentence
    table = differences.seed_spread(cells)
    assert table.empty and "not known" in differences.seed_sentence(table, tables.PRIMARY)


def test_two_networks_leave_few_degrees_of_freedom(seeded):
    """The interval with other networks is Student's with the cell's degrees, the one of images is not."""
    cell = dataclasses.replace(seeded[0], networks=seeded[0].networks[:2])
    drawn = draw(cell, ROUNDS, 0)
    row, support = tables.comparison([cell], [drawn]).iloc[0], cell.test.truth.sum(axis=0)
    others = ranking.precision_of_others(cell.test.truth, cell.networks[0].scores)
    others = (others + ranking.precision_of_others(cell.test.truth, cell.networks[1].scores)).mean() / 2
    for metric, centre in ((tables.PRIMARY, None), ("macro average_precision", others), ("micro f1", None)):
        rests_on = support.sum()[None] if metric == "micro f1" else support
        found, name = overall(cell, drawn, metric), tables.column(metric)
        assert found.freedom.positives == pytest.approx(freedom(rests_on).positives)
        ends = metric_interval(metric, found.value, found.both, rests_on, centre, found.degrees())
        assert [row[f"{name}_low"], row[f"{name}_high"]] == pytest.approx(np.stack(ends))
        ends = metric_interval(metric, found.value, found.images, rests_on, centre)
        assert [row[f"{name}_low_images"], row[f"{name}_high_images"]] == pytest.approx(np.stack(ends))


def test_spread_over_seeds(seeded):
    table = differences.seed_spread(seeded)
    row = table[table["metric"] == tables.PRIMARY].iloc[0]
    values = seeded[0].values(tables.PRIMARY)
    assert (row["runs"], row["seeds"]) == ("a", 4) and row["mean"] == pytest.approx(np.mean(values))
    assert row["sd"] == pytest.approx(np.std(values, ddof=1))
    assert "Over 3 to 4 seeds" in differences.seed_sentence(table, tables.PRIMARY)


# --- The estimates: two chances, a tail that many questions do not hide


def estimate(values, rounds=4000, image_sd=0.0, seed=0, cell="cell"):
    noise = np.random.default_rng(seed).normal(scale=image_sd, size=(rounds, 1))
    values = np.asarray(values)
    free = estimates.Freedom(estimates.MANY, 1.0, 100.0)
    return estimates.of_cell(
        cell, values, values + noise, estimates.redrawn(len(values), rounds, seed, cell), free
    )


@pytest.mark.parametrize("seeds", [2, 3, 5, 12])
def test_redrawn_networks_spread_as_the_mean_of_that_many_does(seeds):
    """k drawn of k would spread by (k - 1) / k too little: at two seeds by half."""
    values = np.random.default_rng(seeds).normal(size=seeds)
    found = estimate(values, rounds=20_000)
    assert found.network_deviation == pytest.approx(values.std(ddof=1) / np.sqrt(seeds), rel=0.03)
    assert found.degrees() == pytest.approx(seeds - 1)


def test_intervals_over_seeds_hold_the_truth_as_often_as_they_say():
    """Five seeds and an image part of the same size: 95 % of 400 intervals hold 0 (with k of k drawn: 91)."""
    rng, hits = np.random.default_rng(0), 0
    for number in range(400):
        values = rng.normal(scale=np.sqrt(5), size=5) + rng.normal()
        low, high = estimate(values, rounds=400, image_sd=1.0, seed=number).ends()
        hits += low <= 0 <= high
    assert 0.93 <= hits / 400 <= 0.985


def test_the_smallest_p_is_not_a_matter_of_rounds():
    """ROC-AUC .99 against .50 in each of 28 pairs was "no difference shown" with 1,000 rounds."""
    apart = estimates.difference(estimate([0.5], 1000, 0.02), estimate([0.99], 1000, 0.02, seed=1))
    p = apart.p_value()
    assert p < 1e-6 and differences.holm(np.full(28, p))[0] < 0.05
    assert differences.holm(np.full(28, bootstrap.p_value(apart.images)))[0] >= 0.05  # as it was


def test_degrees_of_freedom_worked_out_by_hand():
    """Variances 9 of images with 10 degrees and 4 of three networks with 2: 13^2 / (9^2 / 10 + 4^2 / 2)."""
    images, networks = np.array([3.0, -3.0, 3.0, -3.0]), np.array([2.0, 2.0, -2.0, -2.0])
    known = estimates.Freedom(10.0, 4.0, 11.0)
    found = estimates.Estimate(1.0, 2.0, images, images + networks, known, {"cell": 3})
    assert found.network_deviation == 2 and found.degrees() == pytest.approx(169 / 16.1)
    assert found.degrees(networks=False) == 10
    reach = 2.228 * 3 * 2  # Student's t for 10 degrees; a variance four times too small
    assert found.ends(networks=False) == pytest.approx((2 - reach, 2 + reach), abs=0.01)
    both = dataclasses.replace(found, networks={"cell": 3, "other": 2})  # two cells: 2 + 1 degrees
    assert both.degrees() == pytest.approx(169 / (8.1 + 16 / 3)) and both.seeds == 2
    single = dataclasses.replace(found, networks={"cell": 3, "other": 1})
    assert single.degrees() == 10 and np.isnan(single.network_deviation)


def test_two_values_are_compared_with_both_their_chances():
    first = estimate([0.5, 0.54], image_sd=0.01)
    second = estimate([0.61, 0.6, 0.62], image_sd=0.01, seed=1, cell="other")
    apart, found = estimates.difference(first, second), differences.paired(first, second)
    assert (found["first"], found["second"], found["seeds"]) == pytest.approx((0.52, 0.61, 2))
    assert found["difference"] == pytest.approx(0.09) and found["p"] == apart.p_value()
    assert (found["low"], found["high"]) == apart.ends()
    assert (found["low_images"], found["high_images"]) == apart.ends(networks=False)
    assert found["low"] < found["low_images"] < 0.09 < found["high_images"] < found["high"]


def test_p_and_interval_say_the_same():
    found = estimate([0.1, 0.12, 0.09], image_sd=0.05)
    (low, high), p = found.ends(), found.p_value()
    assert (p < 0.05) == (not low <= 0 <= high)
    edge = dataclasses.replace(found, centre=found.centre - low)
    assert edge.p_value() == pytest.approx(0.05)


# --- What moves together, which network is larger, which labels count


def test_settings_that_move_together_are_one_change_where_that_is_declared(tmp_path, monkeypatch):
    monkeypatch.setenv("WIKITOPICS_ROOT", str(tmp_path))
    for run, backbone, size in (("b0", "B0", 224), ("b2", "B2", 260), ("b2-224", "B2", 224)):
        plant(tmp_path, run, backbone=f"EfficientNet{backbone}", image_size=size)
    cells = read_runs(["b0", "b2", "b2-224"])
    draws = [draw(cell, ROUNDS, 0) for cell in cells]
    found = {(a, b): change for a, b, change in differences.pairs(cells)}
    assert found == {(0, 2): "backbone", (2, 1): "image_size"}
    together = [["backbone", "image_size"]]
    found = {(a, b): change for a, b, change in differences.pairs(cells, together)}
    assert found[0, 1] == "backbone with image_size" and len(found) == 3
    table = differences.differences(cells, draws, together)
    assert set(table["setting"]) == set(found.values())
    answers = {claim.name: claim for claim in claims.answer_claims(cells, draws, ROUNDS, 0, together)}
    assert "EfficientNetB2 with image_size 260 minus EfficientNetB0 with image_size 224" in (
        sentence := answers["network size with image_size"].sentence
    )
    assert "moved together" in sentence and answers["network size"].based_on == 1
    assert "network size with image_size" not in {
        c.name for c in claims.answer_claims(cells, draws, ROUNDS, 0)
    }


def test_the_larger_network_is_the_one_with_more_parameters(tmp_path, monkeypatch):
    """By the alphabet, Lite0 came after B2 and was the larger."""
    monkeypatch.setenv("WIKITOPICS_ROOT", str(tmp_path))
    plant(tmp_path, "b2", backbone="EfficientNetB2")
    plant(tmp_path, "lite0", backbone="EfficientNetLite0")
    cells = read_runs(["b2", "lite0"])
    assert list(differences.pairs(cells)) == [(1, 0, "backbone")]
    claim = claims.network_size(cells, [draw(cell, ROUNDS, 0) for cell in cells])
    assert "EfficientNetB2 minus EfficientNetLite0" in claim.basis


def test_given_features_are_one_change_of_a_network_of_unknown_size(tmp_path, monkeypatch):
    monkeypatch.setenv("WIKITOPICS_ROOT", str(tmp_path))
    plant(tmp_path, "lite0", backbone="EfficientNetLite0", features="", image_size=128)
    plant(tmp_path, "clip", backbone="features", features="from/clip.parquet", image_size=128)
    plant(tmp_path, "dino", backbone="features", features="from/dino.parquet", image_size=128)
    cells = read_runs(["lite0", "clip", "dino"])
    draws = [draw(cell, ROUNDS, 0) for cell in cells]
    assert [(*pair[:2], pair[2]) for pair in differences.pairs(cells)] == [
        (0, 1, "backbone"),
        (0, 2, "backbone"),
        (1, 2, "features"),
    ]
    assert differences.value_of(cells[1], "backbone") == "features of clip.parquet"
    assert claims.network_size(cells, draws).based_on == 0
    assert len(pretraining.groups(cells, draws)) == 1 and not pretraining.groups(cells[1:], draws[1:])
    labels = pretraining.table([])
    assert labels.empty and len(comparison_figures.presence(labels).layout.title.text) > 0
    table = tables.comparison(cells, draws)
    assert table["backbone"].tolist() == [
        "EfficientNetLite0",
        *(f"features of {n}.parquet" for n in ("clip", "dino")),
    ]
    assert (table["image_size"] == 0).tolist() == [False, True, True]


@pytest.fixture
def named(tmp_path, monkeypatch):
    """Names alone, a better trained head on the same features, an equal one on others, another source."""
    monkeypatch.setenv("WIKITOPICS_ROOT", str(tmp_path))
    clip = {"backbone": "features", "features": "clip.parquet"}
    given = clip | {"head": "trained", "head_units": 128, "texts": ""}
    plant(
        tmp_path, "names", signal=0.8, **clip, head="names", head_units=0, texts="t.parquet", words="labels"
    )
    plant(tmp_path, "clip", signal=2.5, **given)
    plant(tmp_path, "lite0", signal=2.5, **(given | {"backbone": "EfficientNetLite0", "features": ""}))
    plant(tmp_path, "ores", TOPICS, taxonomy="ores-64", labels="ores", **given)
    record = read_json(tmp_path / "data/03_train/clip/run.json")
    record["label_images"] = dict.fromkeys(LABELS, 130) | {"Art": 30}
    write_json(tmp_path / "data/03_train/clip/run.json", record)
    cells = read_runs(["names", "clip", "lite0", "ores"])
    return cells, [draw(cell, ROUNDS, 0) for cell in cells]


def test_names_are_compared_label_by_label_with_what_was_trained_on_the_same_network(named, tmp_path):
    cells, draws = named
    assert settings_that_differ(cells[0], cells[1]) == ["head"]  # not in what only one of the two hears of
    assert settings_that_differ(cells[1], cells[2]) == ["backbone"]
    found = names_only.table(cells, draws)
    assert found[["by_names", "trained"]].drop_duplicates().to_numpy().tolist() == [["names", "clip"]]
    assert found["label"].tolist() == LABELS and found["labelled"].tolist() == [130] * 5 + [30]
    own, learned = (ranking.roc_auc(cell.test.truth, cell.networks[0].scores) for cell in cells[:2])
    assert np.allclose(found["names"], own) and np.allclose(found["head"], learned)
    assert np.allclose(found["difference"], learned - own)
    assert (found["low"] < found["difference"]).all() and (found["difference"] < found["high"]).all()
    assert (found["p_holm"] >= found["p"]).all() and (found["verdict"] == "higher").sum() >= 3
    won = ", ".join(found.loc[found["verdict"] == "higher", "label"])
    (said,) = names_only.in_words(found)
    assert said.startswith("clip (30 to 130 labelled images a topic) is better than the names alone (names)")
    assert f"({won}) and worse than the names alone (names) for none" in said
    names_only.write(tmp_path, found)
    assert len(pd.read_parquet(tmp_path / "names.parquet")) == len(LABELS)
    figure = comparison_figures.beside_names(found)
    assert sum(len(trace.x) for trace in figure.data if trace.x is not None) == len(LABELS)


def test_names_are_compared_with_other_networks_where_their_own_was_not_trained(named):
    cells, draws = named
    found = names_only.table([cells[0], *cells[2:]], [draws[0], *draws[2:]])
    assert found["trained"].unique().tolist() == ["lite0"]  # the other source has other labels
    assert (found["labelled"] == -1).all() and "labelled images" not in names_only.in_words(found)[0]


def test_without_names_there_is_no_such_table(named, tmp_path):
    cells, draws = named
    found = names_only.table(cells[1:], draws[1:])
    assert found.empty and names_only.in_words(found) == []
    names_only.write(tmp_path, found)
    assert not (tmp_path / "names.parquet").exists()


def test_of_a_head_of_names_no_other_seed_could_have_been(named, tmp_path):
    cells, draws = named
    assert overall(cells[0], draws[0], tables.PRIMARY).networks == {}
    by_head = differences.differences(cells, draws)
    assert set(by_head.loc[by_head["setting"] == "head", "seeds"]) == {1}  # of the trained one
    table = tables.comparison(cells, draws)
    assert table["backbone"][0] == "features of clip.parquet by names" and table["by_names"].sum() == 1
    for some in (slice(None), slice(0, 1)):  # the prior work's claims are about networks that learned
        asked = claims.answer_claims(cells[some], draws[some], ROUNDS, 0)
        assert not any("names" in claim.basis for claim in asked)
    assert asked and not any(claim.based_on for claim in asked)
    assert claims._seeds(table.assign(seeds=[1, 5, 3, 5])).tolist() == [5, 3, 5]


def test_every_backbone_has_its_number_of_parameters():
    from wikitopics.networks.backbones import BACKBONES

    assert set(differences.PARAMETERS) == set(BACKBONES)  # given features and presets are of unknown size


def test_labels_can_be_left_out_of_every_cell(grid):
    names = ["commons-0", "ores-0"]
    cells = read_runs(names, without=["Culture.*", "Art"])
    assert [len(cell.test.label_names) for cell in cells] == [5, 3]
    assert cells[0].test.scores.shape == cells[0].networks[0].scores.shape == (250, 5)
    full = read_runs(names)[0]
    kept = ranking.roc_auc(full.test.truth, full.test.scores)[:5]
    assert cells[0].value(tables.PRIMARY) == pytest.approx(kept.mean())
    with pytest.raises(UserError, match="'Geography.Nowhere\\*' meets none"):
        read_runs(names, without=["Geography.Nowhere*"])
    with pytest.raises(UserError, match="leaves 'commons-0' none"):
        read_runs(["commons-0"], without=["*"])


def test_other_labels_widen_which_source_is_easier(grid):
    """The labels of a source are drawn too: their spread is there, and the same in both its cells."""
    cells, draws = grid[1], grid[2]
    plain, also = (
        macro(cells[0], draws[0], "roc_auc", []),
        with_other_labels(cells[0], draws[0], "roc_auc", 0),
    )
    values = cells[0].per_label("roc_auc").mean(axis=0)
    apart = also.both - plain.both
    assert apart.std() == pytest.approx(values.std(ddof=1) / np.sqrt(len(values)), rel=0.25)
    again = with_other_labels(cells[1], draws[1], "roc_auc", 0)
    twin = again.both - macro(cells[1], draws[1], "roc_auc", []).both
    assert np.corrcoef(apart, twin)[0, 1] > 0.3 or np.corrcoef(apart, twin)[0, 1] < -0.3  # one draw of labels
    claim = grid[3]["label source, own labels"]
    assert claim.low_labels < claim.low and claim.high_labels > claim.high
    assert "had other labels been drawn too" in claim.sentence


def test_findings_tell_what_is_shown_and_how_many_were_asked(grid, tmp_path):
    _, runs, draws, _ = grid
    table, answers = (
        tables.comparison(runs, draws),
        claims.claims_table(claims.answer_claims(runs, draws, ROUNDS, 0)),
    )
    found = differences.differences(runs, draws)
    write_table(tmp_path / "comparison.parquet", table)
    write_table(tmp_path / "differences.parquet", found)
    write_json(tmp_path / "claims.json", evaluate_tables.plain(answers))
    text = findings(tmp_path, ROUNDS)
    assert f"{table['macro_roc_auc'].max():.3f} [" in text and "| label prior |  |  | 0.500 |" in text
    assert "In 2 of 4 pairs of cells:\n\n| run | is | than |" in text
    assert "\n| commons-2 | higher | commons-0 | +" in text
    assert all(claim["question"] in text for claim in answers.to_dict("records"))
    told = summary(tmp_path)
    start = "**What holds** over other images (one seed each: another is not asked): "
    assert (
        f"{start}of 4 single changes and 5 claims 3 are shown.\n\n- network size: EfficientNetLite2 is"
        in told
    )
    assert "\n- commons-2 is higher than commons-0, +" in told
    assert (
        f"with {table['macro_roc_auc'].max():.3f}" in told and "nothing be shown.\n\n- label source" in told
    )
    write_table(tmp_path / "differences.parquet", found.assign(verdict="no difference shown"))
    assert "In 0 of 4 pairs of cells.\n" in findings(tmp_path, ROUNDS)
    write_table(tmp_path / "comparison.parquet", table.assign(human_roc_auc=np.nan))
    assert "What do people say" not in findings(tmp_path, ROUNDS)


def planted_findings(folder):
    """Three cells, four single changes and three claims, with numbers that are easy to count and average."""
    comparison = pd.DataFrame({"run": ["a", "b", "c"], "images": 1000, "groups": 900, "seeds": [2, 3, 5]})
    comparison = comparison.assign(
        label_source=["commons", "commons", "ores"],
        people_f1=[0.5, 0.7, np.nan],
        macro_roc_auc=[0.9, 0.88, 0.7],
        macro_roc_auc_low=[0.87, 0.8, 0.6],
        macro_roc_auc_low_images=[0.89, 0.86, 0.67],
        macro_roc_auc_high_images=[0.91, 0.9, 0.73],
        macro_roc_auc_sd=[0.01, 0.02, 0.02],
        human_roc_auc=[0.6, 0.8, 0.7],
        human_roc_auc_low=[0.5, 0.55, 0.6],
        human_roc_auc_prior=0.5,
    )
    changes = pd.DataFrame(
        {
            "setting": ["labels", "backbone with image_size", "backbone", "backbone"],
            "from_run": ["a", "a", "b", "b"],
            "to_run": ["c", "b", "a", "c"],
            "metric": tables.PRIMARY,
            "labels": ["own", "shared", "shared", "own"],
            "n_labels": [6, 3, 3, 6],
            "difference": [-0.2, 0.1, 0.02, -0.03],
            "low": [-0.25, 0.05, -0.03, -0.07],
            "high": [-0.15, 0.15, 0.05, 0.01],
            "p_holm": [0.001, 0.04, 0.4, 0.05],
        }
    )
    changes["verdict"] = [differences.verdict(*row) for row in changes[["difference", "p_holm"]].to_numpy()]
    other = changes.assign(metric="macro f1", verdict="higher")  # of which these sentences say nothing
    write_table(folder / "comparison.parquet", comparison)
    write_table(folder / "differences.parquet", pd.concat([changes, other]))
    asked = {"question": "?", "unit": "macro ROC-AUC", "number": -0.1, "low": -0.2, "high": 0.05}
    asked |= {"low_images": -0.15, "high_images": 0.04, "low_labels": None, "high_labels": None}
    asked |= {"basis": "b minus a", "seeds": 2}
    answers = [
        asked | {"name": "first", "p_holm": 0.01, "based_on": 2, "verdict": "a is higher"},
        asked | {"name": "second", "p_holm": 0.05, "based_on": 1, "verdict": "no difference shown"},
        asked | {"name": "third", "p_holm": None, "based_on": 0, "verdict": "not answered by these runs"},
    ]
    write_json(folder / "claims.json", answers)
    return comparison, changes


def test_the_summary_counts_and_averages_what_a_hand_does(tmp_path):
    comparison, changes = planted_findings(tmp_path)
    holds, held, holds_not, not_held, highest, chance = summary(tmp_path).split("\n\n")
    start = "**What holds** over other images and other seeds: of 4 single changes and 2 claims "
    assert holds == f"{start}3 are shown."
    assert held.split("\n") == [
        "- first: a is higher, -0.100 macro ROC-AUC (-0.200 to +0.050; b minus a)",
        "- c is lower than a, -0.200 macro ROC-AUC (-0.250 to -0.150, corrected p 0.001) "
        "over its own labels each",
        "- b is higher than a, +0.100 macro ROC-AUC (+0.050 to +0.150, corrected p 0.040) "
        "over the 3 labels they share; backbone and image_size moved together",
    ]
    assert holds_not.startswith("**What is not shown**, and how much it may be. An interval is")
    assert not_held.split("\n") == [
        "- second: -0.100 macro ROC-AUC (-0.200 to +0.050; b minus a)",
        "- 2 single changes, whose intervals reach to 0.070 macro ROC-AUC at most",
    ]
    assert highest.startswith(
        "**Highest** in macro ROC-AUC: by its own labels a with 0.900, and 1 of the 2 others lies within its "
        "interval; by people's labels b with 0.800, and 2 of the 2 others lie within its interval. To be"
    )
    assert chance == (
        "**Chance**: Other test images alone move a cell's macro ROC-AUC by 0.020 either way (95 %); another "
        "seed moves a single network by 0.017 (standard deviation), and each value here is the mean of 2 to "
        "5 seeds."
    )
    many = pd.concat([changes, changes.assign(difference=changes["difference"] / 2, verdict="higher")])
    write_table(tmp_path / "differences.parquet", many.assign(p_holm=0.0001))
    told, each = summary(tmp_path).split("\n\n")[:2]
    assert (
        "\n- 6 single changes (each in the last table below), the largest: c is lower than a, -0.200" in each
    )
    assert "corrected p below 0.001) over its" in each and told.endswith(
        "8 single changes and 2 claims 7 are shown."
    )
    write_table(tmp_path / "differences.parquet", changes.assign(verdict="no difference shown"))
    assert summary(tmp_path).split("\n\n")[0].endswith("claims 1 is shown.")
    write_json(tmp_path / "claims.json", read_json(tmp_path / "claims.json")[1:])
    none = start.replace("2 claims", "1 claims")
    assert summary(tmp_path).startswith(none + "none is shown.\n\n**What is not shown**")
    write_table(tmp_path / "comparison.parquet", comparison.assign(seeds=[3, 3, 1]))
    assert "how far another seed moves it is not known" in summary(tmp_path)


def test_every_question_and_every_change_is_a_row(tmp_path):
    _, changes = planted_findings(tmp_path)
    asked = read_json(tmp_path / "claims.json")
    number = ["-0.100 macro ROC-AUC", "-0.200 to +0.050", "-0.150 to +0.040", ""]
    assert claims.questions(asked).to_numpy().tolist() == [
        ["?", "**a is higher**", *number, "0.010", "b minus a"],
        ["?", "no difference shown", *number, "0.050", "b minus a"],
        ["?", "these runs do not tell", "", "", "", "", "", "b minus a"],
    ]
    one = claims.questions([asked[0] | {"seeds": 1}]).iloc[0]
    assert one[["other images and seeds", "other images alone"]].tolist() == ["one seed each", number[2]]
    told = claims.changes(changes.to_dict("records")[:2]).to_numpy().tolist()
    shared = "the 3 labels they share; backbone and image_size moved together"
    assert told == [
        ["c", "lower", "a", "-0.200", "-0.250 to -0.150", "0.001", "its own labels each"],
        ["b", "higher", "a", "+0.100", "+0.050 to +0.150", "0.040", shared],
    ]


def test_a_claim_says_its_own_side_and_no_more_than_its_p_allows():
    found = claims.Claim("n", "Which?", claims.UNIT, -0.1, -0.2, -0.05, -0.15, -0.06, seeds=2, p=0.01)
    found = dataclasses.replace(found, based_on=1, basis="b minus a", says=("b is higher", "a is higher"))
    told = dataclasses.replace(found, p_holm=0.02)
    assert told.sentence == (
        "Which? A is higher: -0.100 macro ROC-AUC (95 % interval -0.200 to -0.050 on other images and seeds, "
        "-0.150 to -0.060 on other images alone; corrected p 0.020; b minus a)."
    )
    assert dataclasses.replace(told, number=0.1).verdict == "b is higher"
    assert "-0.050 on other images, one seed each; corr" in dataclasses.replace(told, seeds=1).sentence
    labels = dataclasses.replace(told, low_labels=-0.3, high_labels=0.1).sentence
    assert "images alone, -0.300 to +0.100 had other labels been drawn too; corrected" in labels
    edge = dataclasses.replace(told, p_holm=0.05)
    assert edge.verdict == "no difference shown"
    assert dataclasses.replace(edge, unit="Spearman correlation").verdict == "no relation shown"
    assert dataclasses.replace(told, based_on=0).verdict == "not answered by these runs" == found.verdict
    drawn = claims.as_differences(pd.DataFrame({"number": [1.0, -1.0, 1.0], "p_holm": [0.04, 0.04, 0.05]}))
    assert drawn["verdict"].tolist() == ["higher", "lower", "no difference shown"]


def test_how_far_the_sources_meet_people_is_the_mean_over_their_cells(tmp_path):
    comparison, _ = planted_findings(tmp_path)
    assert "the labels of commons meet them at micro F1 0.60, and where" in claims.people_sentence(comparison)
    assert claims.people_sentence(comparison.assign(people_f1=np.nan)) == ""


# --- Figures


def test_names_in_the_scatter_cover_neither_each_other_nor_a_point():
    """Twelve points in a heap, six of them with long names."""
    rng = np.random.default_rng(0)
    x, y, letters = rng.normal(1.5, 0.05, 12), rng.normal(0.8, 0.01, 12), [20, 8] * 6
    at = comparison_figures.moved_apart(x, y, letters, (0.0, 3.0), (0.6, 1.0))
    scale = np.array(comparison_figures.PANEL) / [3.0, 0.4]
    half = (
        np.column_stack([np.array(letters) * comparison_figures.LETTER, [comparison_figures.LINE] * 12]) / 2
    )
    middles, points = at * scale, np.column_stack([x, y]) * scale
    for one, other in combinations(range(12), 2):
        assert (np.abs(middles[one] - middles[other]) >= half[one] + half[other] - 1e-9).any()
    for middle, size in zip(middles, half, strict=True):
        assert (np.abs(points - middle) >= size + 5 - 1e-9).any(axis=1).all()


def test_the_grid_tells_one_network_at_two_sizes_apart(grid):
    table = tables.comparison(grid[1], grid[2])
    twice = pd.concat([table, table.assign(image_size=260)])
    assert list(comparison_figures.cells(table).data[0].x) == ["EfficientNetLite0", "EfficientNetLite2"]
    assert len(comparison_figures.cells(twice).data[0].x) == 4


def test_marks_of_differences_have_a_shape_for_each_verdict():
    assert len({marker["symbol"] for marker in comparison_figures.VERDICTS.values()}) == 3


def test_curves_name_the_three_best_and_worst_labels():
    rng = np.random.default_rng(0)
    truth = (rng.random((400, 9)) < 0.3).astype(np.uint8)
    scores = rng.normal(size=truth.shape) + truth * np.linspace(0, 4, 9)
    points = evaluate_tables.curves(truth, scores, list("abcdefghi"))
    figure = evaluation_figures.curves(points, "roc")
    told = [trace.name for trace in figure.data if trace.showlegend is not False]
    assert told == ["i", "h", "g", "c", "b", "a", "chance", "all pairs (micro)"]
    assert len(figure.data) == 11 and len({t.line.dash for t in figure.data if t.name in "ihg"}) == 3
