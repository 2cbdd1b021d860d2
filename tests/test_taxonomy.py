"""Taxonomies: the shipped ones say what they should, and a wrong file is told in one sentence."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wikitopics.errors import UserError
from wikitopics.labels import taxonomy

V14 = taxonomy.load("v1.4")
ORES = taxonomy.load("ores-64")


@pytest.mark.parametrize(
    "name, labels", [("v0.0", 41), ("v1.1", 30), ("v1.2", 34), ("v1.3", 31), ("v1.4", 28), ("ores-64", 64)]
)
def test_shipped_taxonomies_have_their_size(name, labels):
    assert len(taxonomy.load(name).label_names) == labels


def test_order_is_depth_first_and_parents_come_before_children():
    assert V14.label_names[:3] == ("STEM", "Diagrams", "Mathematics")
    for name in taxonomy.shipped():
        t = taxonomy.load(name)
        for label, parent in t.parents.items():
            assert parent is None or t.label_names.index(parent) < t.label_names.index(label)


def test_order_does_not_depend_on_the_order_of_a_childs_row(tmp_path):
    file = tmp_path / "mine.csv"
    file.write_text("label,parent,anchors\nCat,Animal,Felis catus\nThing,,\nAnimal,,Animalia\n")
    assert taxonomy.load(str(file)).label_names == ("Thing", "Animal", "Cat")


def test_sets_are_closed_upward():
    assert V14.close(["Animals", "Food"]) == ["STEM", "Nature", "Animals", "Culture", "Food"]
    assert V14.flat().close(["Animals", "Food"]) == ["Animals", "Food"]
    assert ORES.close(["STEM.Physics"]) == ["STEM.STEM*", "STEM.Physics"]


@given(st.sets(st.sampled_from(V14.label_names)))
def test_masks_and_labels_are_inverse_on_closed_sets(labels):
    closed = V14.close(labels)
    assert V14.close(closed) == closed
    assert V14.labels(V14.mask(closed)) == closed
    assert set(labels) <= set(closed)


def test_roll_ups_are_the_parents_of_their_branch():
    for topic, parent in ORES.parents.items():
        branch = topic.rsplit(".", 1)[0]
        roll_up = f"{branch}.{branch.rsplit('.', 1)[-1]}*"
        assert parent == (roll_up if roll_up in ORES.parents and topic != roll_up else None)


def test_anchors_give_the_label_and_its_ancestors():
    masks = V14.anchor_masks()
    assert V14.labels(masks["Plantae"]) == ["STEM", "Nature", "Plants"]
    assert V14.labels(masks["Human births"]) == V14.labels(masks["People"]) == ["Society", "People"]
    with pytest.raises(UserError, match="ores-64 has none"):
        ORES.anchor_masks()


def test_a_shared_anchor_gives_both_labels(tmp_path):
    file = tmp_path / "mine.csv"
    file.write_text("label,parent,anchors,shared\nA,,X,X\nB,,X|Y,X\n")
    t = taxonomy.load(str(file))
    assert t.labels(t.anchor_masks()["X"]) == ["A", "B"]


def test_bridge_names_labels_and_topics_that_exist():
    pairs = taxonomy.bridge()
    assert len(pairs) >= 10
    for label, topic, reason in pairs:
        assert label in V14.parents and topic in ORES.parents and len(reason) > 10


@pytest.mark.parametrize(
    "text, sentence",
    [
        ("name,parent\nA,\n", "must have the columns label, parent, anchors"),
        ("label,parent,anchors\n", "there is no row"),
        ("label,parent,anchors\n,,X\n", "one row has none"),
        ("label,parent,anchors\nA,,X,Y\n", "4 cells in line 2"),
        ("label,parent,anchors\nA,,X\nA,,Y\n", "'A' stands in several"),
        ("label,parent,anchors\nA,B,X\n", "that of 'A' is 'B'"),
        ("label,parent,anchors\nA,B,X\nB,A,Y\n", "'A' run in a circle"),
        ("label,parent,anchors\nA,,X\nB,,X\n", "'X' is in 'A' and 'B'"),
        ("label,parent,anchors,shared\nA,,X,X\nB,,X,\n", "`shared` of both"),
        ("label,parent,anchors\n" + "".join(f"L{i},,\n" for i in range(65)), "at most 64 labels, but has 65"),
    ],
)
def test_a_wrong_file_gets_one_sentence(tmp_path, text, sentence):
    file = tmp_path / "mine.csv"
    file.write_text(text)
    with pytest.raises(UserError, match=sentence) as caught:
        taxonomy.load(str(file))
    assert "\n" not in str(caught.value)


def test_an_unknown_taxonomy_lists_the_known_ones():
    with pytest.raises(UserError, match=r"v1\.4 or the path of a CSV file, but is 'v9'"):
        taxonomy.load("v9")
    with pytest.raises(UserError, match="'Dogs' is not"):
        V14.mask(["Dogs"])
