"""A second round: verdicts change labels as they say, and doubted training labels come from other folds."""

import json
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from test_labels_people import labelled
from wikitopics.errors import UserError
from wikitopics.evaluate import label_issues as label_issues_module
from wikitopics.evaluate.label_issues import Head, label_issues, out_of_fold, to_correct
from wikitopics.judgements import append, struck_hops
from wikitopics.labels.category_graph import from_edges, without
from wikitopics.labels.label_sources import graph_for
from wikitopics.labels.labelled import correct
from wikitopics.show.browser.reviews import Reviews
from wikitopics.sources import open_source


def reviewed(tmp_path, *verdicts):
    reviews = Reviews(tmp_path / "run", "anna")
    for key, verdict, corrected in verdicts:
        reviews.put(key, verdict, corrected)
    return tmp_path / "run"


def test_verdicts_take_away_give_and_replace(tmp_path):
    before = labelled([["a"], ["b"], ["a", "c"], ["c"]], [[0.9], [0.8], [0.7, 0.6], [0.5]])
    titles = before.labels["title"]
    path = reviewed(
        tmp_path,
        ((titles[0], "a", "false negative"), "label wrong", None),
        ((titles[1], "c", "false positive"), "label wrong", None),
        ((titles[2], "a", "true positive"), "label wrong", ["b", "c"]),
        ((titles[3], "c", "false negative"), "label right", None),
        ((titles[3], "a", "false positive"), "unsure", None),
        (("elsewhere.png", "a", "false positive"), "label wrong", None),
    )
    after = correct(before, path)
    assert after.labels["labels"].tolist() == [[], ["b", "c"], ["b", "c"], ["c"]]
    assert [np.round(row.astype(float), 2).tolist() for row in after.labels["scores"]] == [
        [],
        [0.8, 1],
        [1, 0.6],
        [0.5],
    ]
    assert after.notes == {"files corrected by people": 3, "verdicts of other files": 1}
    assert before.labels["labels"].tolist()[0] == ["a"]
    assert correct(before, "") is before


def test_verdicts_in_journals_and_in_any_table_say_the_same_however_titles_are_written(tmp_path):
    before = labelled([["a"], ["b"], ["c"]])
    labels = before.labels.assign(title=["A fox.jpg", "B.jpg", "C.jpg"])
    before = replace(before, labels=labels)
    rows = [("File:a_fox.jpg", "a", "true positive", ["b", "c"]), ("Datei:b.jpg", "b", "true positive", [])]
    folder = reviewed(tmp_path, *((row[:3], "label wrong", row[3]) for row in rows))
    reviewed(tmp_path, (("C.jpg", "c", "true positive"), "label wrong", None))
    table = tmp_path / "verdicts.csv"
    lines = [f"{title};{label};{kind};label wrong;{json.dumps(said)}" for title, label, kind, said in rows]
    lines = ["title;label;kind;verdict;corrected_labels", *lines, "C.jpg;c;true positive;label wrong;"]
    table.write_text("\n".join(line.replace('"', "'") for line in lines))
    for place in (folder, table):
        assert correct(before, place).labels["labels"].tolist() == [["b", "c"], [], []]


def test_a_judgement_that_says_something_else_gets_a_sentence(tmp_path):
    append(tmp_path / "run", "me", [{"title": "0.jpg", "label": ["a", "b"], "kind": "", "verdict": "unsure"}])
    with pytest.raises(UserError, match="a row must have one label"):
        correct(labelled([["a"]]), tmp_path / "run")


def test_a_wrong_file_of_verdicts_gets_a_sentence(tmp_path):
    with pytest.raises(UserError, match="must be a table, or a folder like judgements/04_evaluate/RUN"):
        correct(labelled([["a"]]), tmp_path / "none.parquet")
    pd.DataFrame({"title": ["x"]}).to_parquet(tmp_path / "other.parquet")
    with pytest.raises(UserError, match="must have the columns title, label, kind, verdict"):
        correct(labelled([["a"]]), tmp_path / "other.parquet")


def test_planted_errors_among_training_labels_are_found_out_of_fold():
    rng = np.random.default_rng(0)
    truth = (rng.random((600, 3)) < 0.3).astype(np.uint8)
    features = (truth @ rng.normal(0, 1, (3, 40)) + rng.normal(0, 0.5, (600, 40))).astype(np.float32)
    given = truth.copy()
    wrong = rng.choice(600, 60, replace=False)
    given[wrong, 1] ^= 1
    scores = out_of_fold(features, given, np.arange(600))
    frame = pd.DataFrame({"title": np.arange(600).astype(str), "row": np.arange(600), "split": "train"})
    first = label_issues(frame, given, scores, ["a", "b", "c"]).head(60)
    assert np.isin(first.loc[first["label"] == "b", "row"], wrong).mean() > 0.9
    assert (first["label"] == "b").mean() > 0.8


def test_a_group_is_never_scored_by_a_fit_that_saw_it():
    """Copies of one picture with labels of their own: by heart they would be right, out of fold by chance."""
    rng = np.random.default_rng(0)
    groups = np.repeat(np.arange(50), 4)
    features = np.repeat(rng.normal(size=(50, 30)), 4, axis=0).astype(np.float32)
    truth = np.repeat(rng.integers(0, 2, (50, 1)), 4, axis=0).astype(np.uint8)
    scores = out_of_fold(features, truth, groups)
    assert ((scores >= 0.5) == truth).mean() < 0.7
    again = out_of_fold(features, np.ones((200, 1), np.uint8), groups)
    assert (again == 1).all()


def test_features_are_asked_for_by_row_a_few_at_a_time(monkeypatch, tmp_path):
    """Those of the training images lie between others' in a file that memory need not hold."""
    rng = np.random.default_rng(0)
    rows, groups = rng.permutation(900)[:300], np.arange(300)
    truth = rng.integers(0, 2, (300, 2)).astype(np.uint8)
    np.save(tmp_path / "all.npy", np.full((900, 40), np.nan, np.float32))
    kept = np.load(tmp_path / "all.npy", mmap_mode="r+")
    kept[rows] = truth @ rng.normal(0, 1, (2, 40)) + rng.normal(0, 1, (300, 40))
    alone = out_of_fold(np.array(kept[rows]), truth, groups)
    assert np.array_equal(out_of_fold(kept, truth, groups, rows=rows), alone)
    monkeypatch.setattr("wikitopics.evaluate.label_issues.ROWS", 7)
    np.testing.assert_allclose(out_of_fold(kept, truth, groups, rows=rows), alone, atol=1e-4)


def test_nothing_of_a_fold_is_fitted_to_what_the_fold_is_scored_on():
    """A spike in one held-out picture would be a principal direction of its own, if all were looked at."""
    rng = np.random.default_rng(0)
    features = rng.normal(size=(200, 80)).astype(np.float32)
    truth, groups = rng.integers(0, 2, (200, 2)).astype(np.uint8), np.arange(200)
    before = out_of_fold(features, truth, groups)
    features[7] += 500
    changed = np.flatnonzero((out_of_fold(features, truth, groups) != before).any(axis=1))
    assert 7 in changed
    assert 150 <= len(changed) <= 161  # the other folds, which learned from it, and not those beside it


@pytest.mark.parametrize(
    "head", [Head(), Head(16), Head(16, 2.0, 2.0), Head(16, 0.0, 4.0, 0.05), Head(16, weight_cap=20.0)]
)
def test_the_slope_of_a_head_is_that_of_its_loss(head):
    rng = np.random.default_rng(0)
    logits, truth = rng.normal(size=(5, 3)), rng.integers(0, 2, (5, 3))
    positive = 3.0 if head.weight_cap else 1.0

    def loss(values):
        p = 1 / (1 + np.exp(-values))
        q = np.maximum(p - head.clip, 1e-12)
        there = positive * truth * (1 - p) ** head.gamma_positive * -np.log(p)
        return there + (1 - truth) * q**head.gamma_negative * -np.log1p(-q)

    slope = (loss(logits + 1e-5) - loss(logits - 1e-5)) / 2e-5
    found = label_issues_module._slope_of_loss(1 / (1 + np.exp(-logits)), truth, head, positive)
    np.testing.assert_allclose(found, slope, atol=1e-4)


def test_the_head_of_a_fold_is_of_the_kind_that_the_run_names():
    assert Head.of({"head_units": 32, "loss": "binary_crossentropy"}) == Head(32)
    assert Head.of({"loss": "focal"}) == Head(0, 2.0, 2.0)
    assert Head.of({"loss": "focal", "focal_gamma": 1.5}) == Head(0, 1.5, 1.5)
    assert Head.of({"loss": "asymmetric"}) == Head(0, 0.0, 4.0, 0.05)
    assert Head.of({"loss": "asymmetric", "asymmetric": [1.0, 3.0, 0.2]}) == Head(0, 1.0, 3.0, 0.2)
    assert Head.of({"loss": "positive_weighted"}) == Head(weight_cap=20.0)
    assert Head.of({"loss": "positive_weighted", "weight_cap": 7.0}) == Head(weight_cap=7.0)


def test_weighted_positives_raise_the_scores_of_a_rare_label_as_far_as_the_cap_lets_them():
    """With features that say nothing, odds are those of the label times its weight: 1 to 3, times 2 or 3."""
    rng = np.random.default_rng(0)
    features, truth = rng.normal(size=(1000, 2)).astype(np.float32), np.arange(1000)[:, None] % 4 == 0
    for cap, chance in ((0.0, 0.25), (2.0, 0.4), (20.0, 0.5)):
        scores = out_of_fold(features, truth.astype(np.uint8), np.arange(1000), head=Head(weight_cap=cap))
        assert scores.mean() == pytest.approx(chance, abs=0.05)


def test_hidden_units_learn_what_no_weighting_of_the_features_says():
    """Either of two signs but not both: every straight line is right half the time."""
    signs = np.random.default_rng(0).choice([-1.0, 1.0], (600, 2))
    truth = (signs.prod(axis=1, keepdims=True) < 0).astype(np.uint8)
    features = (signs + np.random.default_rng(1).normal(0, 0.1, signs.shape)).astype(np.float32)
    right = [
        ((out_of_fold(features, truth, np.arange(600), head=Head(units)) >= 0.5) == truth).mean()
        for units in (0, 32)
    ]
    assert right[0] < 0.7 and right[1] > 0.95


def test_doubts_are_ranked_in_each_split_and_test_is_offered_only_when_asked():
    """Test scores are bolder than those out of fold: on one scale they would take the first places."""
    rng = np.random.default_rng(0)
    split = np.repeat(["train", "validation", "test"], 200)
    frame = pd.DataFrame({"title": np.arange(600).astype(str), "row": np.arange(600), "split": split})
    truth = rng.integers(0, 2, (600, 2))
    boldness = np.where(split == "train", 0.2, 0.5)[:, None]
    scores = 0.5 + boldness * (2 * (truth ^ (rng.random((600, 2)) < 0.1)) - 1) * rng.random((600, 2))
    issues = label_issues(frame[::-1], truth[::-1], scores[::-1], ["a", "b"])
    assert issues["split"].drop_duplicates().tolist() == ["train", "validation", "test"]
    for _, part in issues.groupby("split"):
        assert part["rank"].tolist() == list(range(1, len(part) + 1))
        assert part["margin"].is_monotonic_decreasing
    assert set(to_correct(issues)["split"]) == {"train", "validation"}
    assert len(to_correct(issues, test=True)) == len(issues)


def test_a_struck_hop_is_gone_from_the_graph_of_the_next_run_and_is_counted(tmp_path):
    edges = [("Cats", "Pets"), ("Cats", "Ships"), ("Pets", "Animals"), ("Ships", "Animals")]
    edges.append(("Animals", "CommonsRoot"))
    graph = from_edges(pd.DataFrame(edges, columns=["title", "parent"]))
    reviews = Reviews(tmp_path / "run", "anna")
    reviews.strike("Cats", "Ships", True, 7)
    reviews.strike("Pets", "Animals", True, 9)
    reviews.strike("Pets", "Animals", False, 9)  # allowed again
    reviews.strike("Dogs", "Pets", True, 0)  # of another graph: the sample's
    reviews.put(("a", "b", "false positive"), "unsure", None)
    assert struck_hops(tmp_path / "run") == [("Cats", "Ships"), ("Dogs", "Pets")]
    after = without(graph, struck_hops(tmp_path / "run"))
    left = [(after.title(child), after.title(parent)) for child, parent in zip(*after.edges(), strict=True)]
    assert sorted(left) == sorted(edge for edge in edges if edge != ("Cats", "Ships"))
    assert after.notes["hops struck out by people"] == 1 and after.notes["struck hops of other graphs"] == 1
    assert len(graph.edges()[0]) == 5 and without(graph, []) is graph
    folder = str(tmp_path / "run")
    sample = open_source("sample")
    whole, cut = graph_for("commons", "", sample), graph_for("commons", "", sample, folder)
    assert len(whole.parents) == len(cut.parents) + 1 and cut.notes["hops struck out by people"] == 1
    assert graph_for("ores", "", sample, folder) is None
