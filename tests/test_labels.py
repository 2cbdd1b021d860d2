"""Labels of files from every source, why they have them, and what the stage writes."""

import json

import numpy as np
import pandas as pd
import pytest

from wikitopics.errors import UserError
from wikitopics.labels import taxonomy
from wikitopics.labels.category_graph import from_table, open_graph
from wikitopics.labels.label_sources import label_by_topics, label_from
from wikitopics.labels.labelled import funnel, human_labels, keep_frequent, write_labels
from wikitopics.sources import open_source

V14, ORES = taxonomy.load("v1.4"), taxonomy.load("ores-64")
ROWS = {
    "CommonsRoot": [],
    "Topics": ["CommonsRoot"],
    "Food": ["Topics"],
    "Animalia": ["Topics"],
    "Bread": ["Food"],
    "Ways": ["Topics"],
    "Old ways": ["Ways"],
    "Bread in art": ["Old ways", "Bread"],
    "Dogs": ["Animalia"],
    "Dogs eating bread": ["Dogs", "Bread"],
}


@pytest.fixture
def graph():
    heads = [{"Bread in art": "Bread", "Dogs eating bread": "Scenes"}.get(title, title) for title in ROWS]
    return from_table(pd.DataFrame({"title": list(ROWS), "parents": list(ROWS.values()), "head": heads}))


@pytest.fixture
def files():
    table = pd.DataFrame(
        {
            "title": ["a.jpg", "b.jpg", "c.jpg", "d.jpg"],
            "categories": [["Bread in art", "Gone"], ["Dogs eating bread", "Bread"], ["Ways"], []],
            "articles": [["Bread"], ["Dog", "Bread"], ["Unknown"], []],
        }
    )
    return table.assign(path=table["title"], creator="", licence="")


TOPICS = pd.DataFrame(
    [
        ("Bread", "Culture.Food_and_drink", 0.9),
        ("Bread", "STEM.Chemistry", 0.2),
        ("Dog", "STEM.Biology", 0.5),
        ("Dog", "Culture.Food and drink", 0.6),
    ],
    columns=["article", "topic", "score"],
)


def test_the_path_of_every_label_starts_at_a_category_and_ends_at_an_anchor(graph, files):
    labelled = label_from("commons", files, graph=graph)
    assert labelled.labels["labels"].tolist() == [
        ["Culture", "Food"],
        ["STEM", "Nature", "Animals", "Culture", "Food"],
        [],
        [],
    ]
    why = labelled.why.set_index(["title", "label"])
    food = why.loc[("a.jpg", "Food")]
    assert food["path"] == ["Bread in art", "Bread", "Food"] and food["rules"] == ["headJ", "depth"]
    assert (food["start"], food["anchor"], food["score"]) == ("Bread in art", "Food", 1.0)
    assert why.loc[("b.jpg", "Animals")]["path"] == ["Dogs eating bread", "Dogs", "Animalia"]
    assert why.loc[("b.jpg", "Food")]["start"] == "Bread"  # all of its walks end there, half of the other's


def test_why_has_one_row_for_every_label_with_its_score_and_one_rule_for_every_hop(graph, files):
    labelled = label_from("commons", files, graph=graph, heuristics="all")
    exploded = labelled.labels.explode(["labels", "scores"]).dropna(subset=["labels"])
    assert labelled.why["label"].tolist() == exploded["labels"].tolist()
    assert labelled.why["score"].tolist() == exploded["scores"].tolist()
    anchors = V14.anchor_masks()
    for row in labelled.why.itertuples():
        assert len(row.rules) == len(row.path) - 1 and row.path[0] == row.start and row.path[-1] == row.anchor
        assert row.label in V14.labels(anchors[row.anchor])
        assert all(parent in ROWS[child] for child, parent in zip(row.path, row.path[1:], strict=False))


def test_the_funnel_and_the_notes_account_for_every_file(graph, files):
    labelled = keep_frequent(label_from("commons", files, graph=graph), 2)
    assert labelled.label_names == ("Culture", "Food")
    assert funnel(labelled)["files"].tolist() == [4, 3, 3, 3, 2, 2]
    assert labelled.notes == {
        "categories of files that have no page": 1,
        "labels with fewer than 2 files": 26,
    }
    assert labelled.labels["labels"].tolist() == [["Culture", "Food"], ["Culture", "Food"], [], []]
    with pytest.raises(UserError, match="no label has 3 files"):
        keep_frequent(label_from("commons", files, graph=graph), 3)


def test_topics_are_the_union_over_articles_by_their_highest_score(files):
    labels, why, notes = label_by_topics(files, TOPICS, ORES, 0.5)
    assert labels["labels"].tolist() == [
        ["Culture.Food and drink"],
        ["Culture.Food and drink", "STEM.STEM*", "STEM.Biology"],
        [],
        [],
    ]
    np.testing.assert_allclose(labels["scores"][1], [0.9, 0.5, 0.5])
    assert labels["evidence"].tolist() == [1, 2, 0, 0]
    assert why.loc[1, ["title", "start", "anchor"]].tolist() == ["b.jpg", "Bread", "Culture.Food and drink"]
    assert why["path"].tolist()[2] == ["Dog", "STEM.Biology"]
    assert list(notes.values()) == [1, 1, 1]  # d has no article, c one without topics


def test_the_threshold_is_reached_by_its_own_value(files):
    assert label_by_topics(files, TOPICS, ORES, 0.51)[0]["labels"][1] == ["Culture.Food and drink"]
    notes = label_by_topics(files, TOPICS, ORES, 1.0)[2]
    assert notes["files whose articles have no topic above the threshold"] == 3


@pytest.mark.parametrize(
    "topics, sentence",
    [
        (TOPICS.drop(columns="score"), "have no score"),
        (TOPICS.assign(topic="STEM.Magic"), "'STEM.Magic'"),
        (TOPICS.assign(score=900), "one is 900"),
    ],
)
def test_wrong_topics_get_a_sentence(files, topics, sentence):
    with pytest.raises(UserError, match=sentence):
        label_by_topics(files, topics, ORES, 0.5)


def test_categories_and_given_labels_are_labels_as_they_are(files):
    labelled = label_from("categories", files)
    assert labelled.label_names == ("Bread", "Bread in art", "Dogs eating bread", "Gone", "Ways")
    assert labelled.labels["labels"][1] == ["Bread", "Dogs eating bread"]
    assert labelled.why["path"].tolist()[0] == ["Bread in art"]
    given = label_from("given", files.assign(labels=[["x"], ["y", "x"], [], ["y", "y"]]))
    assert given.labels["labels"].tolist() == [["x"], ["x", "y"], [], ["y"]] and given.why.empty


@pytest.mark.parametrize(
    "label_source, sentence",
    [
        ("given", "column 'labels'"),
        ("magic", "but is 'magic'"),
        ("commons", "needs graph"),
        ("ores", "needs topics"),
    ],
)
def test_a_source_without_what_it_needs_gets_a_sentence(files, label_source, sentence):
    with pytest.raises(UserError, match=sentence):
        label_from(label_source, files)


def test_what_people_said_is_put_into_the_runs_labels():
    people = pd.DataFrame({"title": ["a", "b"], "labels": [["Animals", "Politics"], []]})
    assert human_labels(people, V14)["labels"].tolist() == [["STEM", "Nature", "Animals"], []]
    assert human_labels(None, V14) is None


def test_the_stage_writes_what_the_next_one_reads(tmp_path, graph, files):
    labelled = keep_frequent(label_from("commons", files, graph=graph), 1)
    people = pd.DataFrame({"title": ["a.jpg"], "labels": [["Food"]]})
    human, source = human_labels(people, labelled.taxonomy), {"source": "x", "options": {}}
    write_labels(tmp_path, files, labelled, human, source)
    names = json.loads((tmp_path / "label_names.json").read_text())
    assert names["label_names"] == ["STEM", "Nature", "Animals", "Culture", "Food"]
    assert names["parents"]["Animals"] == "Nature" and names["taxonomy"] == "v1.4"
    labels = pd.read_parquet(tmp_path / "labels.parquet")
    assert labels["labels"].map(list).tolist() == labelled.labels["labels"].tolist()
    assert labels["scores"][1].dtype == np.float32
    assert list(pd.read_parquet(tmp_path / "files.parquet")) == [
        "title", "path", "creator", "licence", "categories", "articles",
    ]  # fmt: skip
    steps = json.loads((tmp_path / "funnel.json").read_text())
    assert [step["files"] for step in steps] == [4, 3, 3, 3, 2]
    write_labels(tmp_path, files, labelled, None, source)
    assert not (tmp_path / "human.parquet").exists()


def test_a_graph_is_read_from_parquet_and_from_csv_alike(tmp_path, graph):
    table = pd.DataFrame({"title": list(ROWS), "parents": list(ROWS.values())})
    table.to_parquet(tmp_path / "categories.parquet")
    edges = table.explode("parents").rename(columns={"parents": "parent"}).assign(hidden=False)
    (tmp_path / "csv").mkdir()
    edges.to_csv(tmp_path / "csv" / "categories.csv", index=False)
    for opened in (open_graph(tmp_path), open_graph(tmp_path / "csv")):
        order = opened.find(list(ROWS))
        assert opened.depth[order].tolist() == graph.depth.tolist()
    with pytest.raises(UserError, match="is neither"):
        open_graph(tmp_path / "nowhere")


def test_a_flat_folder_is_told_what_it_lacks_not_to_lower_a_limit(tmp_path, monkeypatch):
    monkeypatch.setenv("WIKITOPICS_ROOT", str(tmp_path))
    (tmp_path / "flat").mkdir()
    (tmp_path / "flat" / "a.png").write_bytes(b"x")
    files = open_source("folder", image_root="flat").files()
    labelled = label_from("categories", files, "v1.4", "depth", 0.5, None, None)
    with pytest.raises(UserError, match="none of 1 files has one.*folders that are named as their labels"):
        keep_frequent(labelled, 1)


def test_folders_in_folders_keep_their_tree(tmp_path, monkeypatch):
    """Owls are always birds; 2020 lies in several folders, so in none of them."""
    monkeypatch.setenv("WIKITOPICS_ROOT", str(tmp_path))
    for place in ("birds/owls/a.png", "birds/b.png", "birds/owls/2020/c.png", "cars/2020/d.png", "e.png"):
        (tmp_path / "set" / place).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "set" / place).write_text(place)
    labelled = label_from("categories", open_source("folder", image_root="set").files())
    assert labelled.taxonomy.parents == {"2020": None, "birds": None, "owls": "birds", "cars": None}
    assert labelled.label_names.index("birds") < labelled.label_names.index("owls")
    said = dict(zip(labelled.labels["title"], labelled.labels["labels"], strict=True))
    assert said["A.png"] == ["birds", "owls"] and said["D.png"] == ["2020", "cars"] and said["E.png"] == []
