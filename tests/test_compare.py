"""05 on planted runs: the planted difference is found, the absent one is not, like is compared with like."""

import json

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import spearmanr

from evaluate_planted import write_source_runs, write_train_run
from wikitopics.artefacts import write_json, write_table
from wikitopics.compare import differences, pretraining, tables
from wikitopics.compare import findings as claims
from wikitopics.compare.findings import findings
from wikitopics.compare.runs import draw, read_runs, shared_columns, shared_names
from wikitopics.errors import UserError
from wikitopics.evaluate import bootstrap, thresholds
from wikitopics.evaluate import tables as evaluate_tables
from wikitopics.evaluate.predictions import freeze_thresholds, read_test, read_validation
from wikitopics.labels.taxonomy import load

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


def plant(root, run, names=LABELS, signal=1.5, people=True, **parameters):
    settings = {"taxonomy": "v1.4", "labels": "commons", "backbone": "EfficientNetLite0"} | parameters
    train = write_train_run(root, run, names, signal=signal, seed=1, **settings)
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
    assert found["difference"] == found["low"] == found["high"] == 0 and found["p"] == 1


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
    columns = shared_columns(commons, ores, "Music", "Culture.Media.Music")
    assert np.array_equal(columns[0][0], columns[1][0]) and len(columns[0][0]) < 250  # disagreements left out


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


def test_holm():
    assert differences.holm(np.array([0.01, np.nan, 0.02])).tolist()[::2] == [0.02, 0.02]
    assert differences.holm(np.array([])).tolist() == []
    assert differences.verdict(0.1, 0.01) == "higher" and differences.verdict(-0.1, 0.01) == "lower"
    assert differences.verdict(0.1, 0.05) == "no difference shown"


def test_spread_over_seeds(tmp_path, monkeypatch):
    monkeypatch.setenv("WIKITOPICS_ROOT", str(tmp_path))
    for run, settings in (("a", {}), ("b", {}), ("c", {}), ("d", {"backbone": "EfficientNetLite2"})):
        plant(tmp_path, run, **settings)
    runs = read_runs(["a", "b", "c", "d"])
    table = differences.seed_spread(runs)
    row = table[table["metric"] == tables.PRIMARY].iloc[0]
    values = [run.value(tables.PRIMARY) for run in runs[:3]]
    assert row["runs"] == "a, b, c" and row["mean"] == pytest.approx(np.mean(values))
    assert row["sd"] == pytest.approx(
        np.std(values, ddof=1)
    ) and "3 or more seeds" in differences.seed_sentence(table, tables.PRIMARY)
    assert "not known" in differences.seed_sentence(differences.seed_spread(runs[2:]), tables.PRIMARY)


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
    assert f"{table['macro_roc_auc'].max():.3f} [" in text and "| label prior |  | 0.500 |" in text
    assert "In 2 of 4 pairs of runs: commons-2 is higher than commons-0, +" in text
    assert all(claim["question"] in text for claim in answers.to_dict("records"))
    write_table(tmp_path / "differences.parquet", found.assign(verdict="no difference shown"))
    assert "In 0 of 4 pairs of runs.\n" in findings(tmp_path, ROUNDS)
    write_table(tmp_path / "comparison.parquet", table.assign(human_roc_auc=np.nan))
    assert "What do people say" not in findings(tmp_path, ROUNDS)
