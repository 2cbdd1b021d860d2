"""Judging by people: agreement of labels with people, of people with each other, and which files to show."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import cohen_kappa_score, precision_recall_fscore_support

from wikitopics.errors import UserError
from wikitopics.labels.labelled import Labelled
from wikitopics.labels.people import (
    agreement,
    fleiss_kappa,
    judge,
    krippendorff_alpha,
    majority,
    orders,
    rank_heuristics,
    uncertain_sample,
    uniform_sample,
)
from wikitopics.labels.taxonomy import from_labels, load

V14 = load("v1.4")


def labelled(lists, scores=None):
    names = sorted({name for row in lists for name in row})
    scores = scores or [[1.0] * len(row) for row in lists]
    table = pd.DataFrame(
        {
            "title": [f"{i}.jpg" for i in range(len(lists))],
            "labels": lists,
            "scores": [np.array(row, dtype=np.float32) for row in scores],
            "evidence": 1,
        }
    )
    return Labelled(from_labels("test", names), table, pd.DataFrame(), {}, {})


def test_judge_gives_sklearns_figures():
    rng = np.random.default_rng(0)
    truth, said = (rng.random((200, 5)) < 0.3).astype(np.uint8), (rng.random((200, 5)) < 0.4).astype(np.uint8)
    table = judge(truth, said, list("abcde"), rounds=200)
    for row, average in ((0, "micro"), (1, "macro")):
        expected = precision_recall_fscore_support(truth, said, average=average)[:3]
        ours = table.loc[row, ["precision", "recall", "f1"]].astype(float)
        np.testing.assert_allclose(ours, expected, rtol=1e-5)
    each = precision_recall_fscore_support(truth, said)
    np.testing.assert_allclose(table["f1"][2:], each[2], rtol=1e-5)
    assert table["people"].tolist()[2:] == each[3].tolist()
    assert ((table["f1_low"] < table["f1"]) & (table["f1"] < table["f1_high"])).all()


def test_judge_is_right_where_a_label_is_never_given_or_never_said():
    truth, said = np.array([[1, 0, 1], [1, 0, 0]]), np.array([[1, 0, 0], [1, 0, 0]])
    table = judge(truth, said, ["a", "b", "c"], rounds=50)
    assert table["f1"].tolist()[1:3] == [0.5, 1.0] and table["f1"][4] == 0 and np.isnan(table["f1"][3])


def annotations(rows):
    return pd.DataFrame(rows, columns=["title", "annotator", "labels"])


THREE = annotations(
    [
        ("a", "x", ["Food"]),
        ("a", "y", ["Food", "Art"]),
        ("a", "z", []),
        ("b", "x", ["Sports"]),
        ("b", "y", ["Sports"]),
        ("c", "x", ["Plants"]),
    ]
)


def test_the_majority_needs_more_than_half():
    assert majority(THREE, V14).set_index("title")["labels"].to_dict() == {
        "a": ["Culture", "Food"],
        "b": ["Society", "Sports"],
        "c": ["STEM", "Nature", "Plants"],
    }
    two = annotations([("a", "x", ["Food"]), ("a", "y", [])])
    assert majority(two, V14)["labels"].tolist() == [[]]


def test_somebody_who_judges_twice_counts_once_with_the_last_word():
    again = pd.concat([THREE, annotations([("c", "x", ["Animals"])])])
    assert majority(again, V14)["labels"].tolist()[2] == ["STEM", "Nature", "Animals"]


def test_pairwise_f1_by_hand():
    """a: pairs xy (Culture, Food in common of 2 + 3), xz (0 of 2), yz (0 of 3); b: xy (2 of 2 + 2)."""
    table = agreement(THREE, V14).set_index("label")
    assert table.loc["micro", "f1"] == pytest.approx(2 * (2 + 2) / (5 + 2 + 3 + 4))
    assert table.loc["Sports", "f1"] == 1 and table.loc["Food", "f1"] == pytest.approx(2 / 4)
    assert table.loc["micro", "files"] == 2 and table.loc["Plants", "files"] == 0
    assert np.isnan(table.loc["Plants", "f1"])


def test_kappa_and_alpha_of_the_textbooks():
    """Fleiss' kappa of two raters is Scott's pi; alpha = 1 - (1 - pi) (N - 1) / N with N ratings."""
    rng = np.random.default_rng(3)
    one = rng.random(60) < 0.4
    other = np.where(rng.random(60) < 0.8, one, ~one)
    votes = np.column_stack([one, other]).reshape(-1, 1).astype(int)
    file = np.repeat(np.arange(60), 2)
    share = votes.mean()
    chance = share**2 + (1 - share) ** 2
    pi = ((one == other).mean() - chance) / (1 - chance)
    assert fleiss_kappa(votes, file)[0] == pytest.approx(pi)
    assert krippendorff_alpha(votes, file)[0] == pytest.approx(1 - (1 - pi) * 119 / 120)
    assert abs(pi - cohen_kappa_score(one, other)) < 0.02


@given(st.integers(0, 500))
def test_raters_by_chance_agree_with_kappa_about_0_and_perfect_ones_with_1(seed):
    rng = np.random.default_rng(seed)
    file = np.repeat(np.arange(300), 3)
    votes = (rng.random((900, 1)) < 0.5).astype(int)
    assert abs(fleiss_kappa(votes, file)[0]) < 0.2 and abs(krippendorff_alpha(votes, file)[0]) < 0.2
    same = np.repeat((rng.random((300, 1)) < 0.5).astype(int), 3, axis=0)
    assert fleiss_kappa(same, file)[0] == krippendorff_alpha(same, file)[0] == 1


def test_wrong_annotations_get_a_sentence():
    with pytest.raises(UserError, match="have no annotator"):
        majority(THREE.drop(columns="annotator"), V14)
    with pytest.raises(UserError, match="'Dogs' is not"):
        majority(annotations([("a", "x", ["Dogs"])]), V14)


def test_uncertain_samples_prefer_scores_near_a_half():
    table = labelled([["a"]] * 200, [[0.5]] * 100 + [[1.0]] * 100)
    chosen = uncertain_sample(table, 50, seed=0)
    assert sum(int(title[:-4]) < 100 for title in chosen) >= 45
    assert len(set(uncertain_sample(table, 200, seed=0))) == 200


def test_uniform_samples_are_seeded_and_not_larger_than_what_is_there():
    table = labelled([["a"]] * 20)
    assert uniform_sample(table, 5, 1).tolist() == uniform_sample(table, 5, 1).tolist()
    with pytest.raises(UserError, match="from 1 to 20 files, but is to have 21"):
        uniform_sample(table, 21, 1)


def test_all_orders_are_ranked_and_the_planted_best_comes_first():
    from test_labels import ROWS
    from wikitopics.labels.category_graph import from_table

    heads = ["Bread" if title == "Bread in art" else title for title in ROWS]
    graph = from_table(pd.DataFrame({"title": list(ROWS), "parents": list(ROWS.values()), "head": heads}))
    files = pd.DataFrame({"title": ["a", "b"], "categories": [["Bread in art"], ["Dogs"]]})
    said = [["STEM", "Nature", "Animals"], ["Culture", "Food"]]
    people = pd.DataFrame({"title": ["b", "a"], "labels": said})
    ranked = rank_heuristics(graph, V14, files, people, rounds=20)
    assert len(ranked) == len(orders()) + 1 == 16  # and the trained labeller
    best = ranked[ranked["micro_f1"] == 1]["heuristics"].tolist()
    assert "headJ+depth" in best and "headJ" not in best
    assert ranked["micro_f1"].is_monotonic_decreasing and "micro_f1_low" in ranked
