"""The head of a category name by rule: names of every kind, and agreement with the recorded parser."""

import dataclasses
from collections import Counter

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from test_labels_replay import DATA, final_taxonomy, graph, table
from wikitopics.labels.file_labels import label_files
from wikitopics.labels.heads import described, find_head, find_heads, head_forms
from wikitopics.labels.heuristics import label_categories
from wikitopics.labels.lookup import SMALL, categories_at, positions

recorded = pytest.mark.skipif(not DATA.exists(), reason="needs the logged part of Commons")


@pytest.mark.parametrize(
    "name, head",
    [
        ("Train stations in Japan", "Train stations"),
        ("Railway stations opened in 1846", "Railway stations"),
        ("Tall buildings", "Buildings"),
        ("1937 events in London", "Events"),
        ("Women's sports in Canada", "Sports"),
        ("Monuments and memorials referencing Bible verses", "Memorials"),
        ("Orders, decorations and medals of Spain", "Medals"),
        ("Blue, green, red, yellow flags", "Flags"),
        ("Three-quarter view portraits, facing left", "Three-quarter view portraits"),
        ("Golden, Colorado", "Golden"),
        ("Timbre (music)", "Timbre"),
        ("SVG flags - historical", "Svg flags"),
        ("Actresses performing", "Actresses"),
        ("Cross country running in the United Kingdom", "Cross country running"),
        ("Halloween 2014 in Canada", "Halloween"),
        ("World War II ships", "World war ii ships"),
        ("Abraham Lincoln", "Abraham lincoln"),
        ("Treptow-Köpenick", "Köpenick"),
        ("Anti-psychiatry", "Anti-psychiatry"),
        ("Built in England in 1891", ""),
        ("2019-10-30", ""),
        ("Frederiksted", "Frederiksted"),
        ("Music", "Music"),
        ("Ελληνική τέχνη", "Ελληνική τέχνη"),
        ("日本の食文化", "日本の食文化"),
    ],
)
def test_heads_of_names_of_every_kind(name, head):
    assert find_head(name) == head


@given(st.text())
@example(";\r:")  # a word that is all punctuation leaves nothing
def test_any_text_has_a_head_that_the_graph_can_hold(name):
    head = find_head(name)
    assert head == head.capitalize() and "\n" not in head and not head.startswith(" ")


def test_an_empty_name_has_no_head():
    assert find_head("") == find_head(" , ") == ""


@recorded
def test_last_words_agree_with_the_parser():
    known = table("categories").dropna(subset=["head"])
    ours = [find_head(name).split(" ")[-1].casefold() for name in known["title"]]
    same = np.array(ours) == known["head"].str.split(" ").str[-1].str.casefold().to_numpy()
    assert len(known) == 83_275 and same.mean() >= 0.95
    kinds = Counter(kind(a, b) for a, b in zip(ours, known["head"][~same].str.casefold(), strict=False))
    assert sum(kinds.values()) == (~same).sum()


def kind(ours: str, theirs: str) -> str:
    return "parser empty" if not theirs else "possessive" if "'" in theirs else "other"


@recorded
def test_walks_with_rule_heads_agree_with_people_as_well_as_with_recorded_heads():
    """headJ+depth on the 324 files: micro and macro F1."""
    titles, forms = graph().titles, head_forms(find_heads(graph().titles))
    ruled = dataclasses.replace(graph(), heads=described(forms, positions(forms.texts, titles)))
    by_rule, by_parser = agreement(ruled), agreement(graph())
    assert by_rule[0] >= by_parser[0] and by_rule[1] >= by_parser[1]


def agreement(g):
    people, names = table("human_validation"), final_taxonomy().label_names
    labels = label_files(label_categories(g, final_taxonomy(), "headJ+depth"), people)["labels"]
    truth, said = (
        np.array([[n in row for n in names] for row in rows]) for rows in (people["labels"], labels)
    )
    right, either = (truth & said).sum(0), truth.sum(0) + said.sum(0)
    return 2 * right.sum() / either.sum(), (2 * right / np.maximum(either, 1)).mean()


@pytest.mark.parametrize("values", [[], [[]], [["c7", "Category:c8", "nowhere"]]])
def test_names_are_found_in_a_column_of_many_chunks_or_none(values):
    names = pa.array([f"C{number}" for number in range(SMALL)])
    column = pa.chunked_array(values, pa.string())
    assert categories_at(column, names).tolist() == [7, 8, -1][: len(column)]
