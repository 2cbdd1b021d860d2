"""Labels from what files depict: item, its category on Commons, and the walk from there."""

import json

import pandas as pd
import pytest
from PIL import Image

from wikitopics.errors import UserError
from wikitopics.labels import depicts
from wikitopics.labels.category_graph import from_table
from wikitopics.labels.label_sources import graph_for, items_for, label_from, topics_for, walked
from wikitopics.labels.labelled import write_labels
from wikitopics.labels.taxonomy import load
from wikitopics.sources import describe, open_source
from wikitopics.titles import NoTitle, item_key

PARENTS = {
    "CommonsRoot": [],
    "Topics": ["CommonsRoot"],
    "Animalia": ["Topics"],
    "Food": ["Topics"],
    "Cats": ["Animalia"],
    "Bread": ["Food"],
    "Ways": ["Topics"],
}
ITEMS = [
    ("Q146", "Category:Cats", "house cat"),
    ("Q1", "Cats", ""),
    ("Q7802", "bread", "bread"),
    ("Q3", "", "a thing without a category"),
    ("Q4", "Gone", "a thing whose category is red"),
    ("Q5", "Ways", "a thing that leads nowhere"),
]
FILES = {
    "tom.png": ["Q146"],
    "lunch.png": ["Q7802", "Q1", "Q146"],
    "thing.png": ["Q3", "Q999"],
    "red.png": ["Q4"],
    "way.png": ["Q5"],
    "none.png": [],
}


@pytest.fixture
def graph():
    return from_table(pd.DataFrame({"title": list(PARENTS), "parents": list(PARENTS.values())}))


@pytest.fixture
def files():
    table = pd.DataFrame({"title": list(FILES), "items": list(FILES.values())})
    return table.assign(categories=[["Food"]] * len(table), articles=[[]] * len(table))


def items() -> pd.DataFrame:
    about = {"Q146": "en:Cat", "Q7802": "en:Bread", "Q3": "en:Thing"}
    return pd.DataFrame([(*row, about.get(row[0], "")) for row in ITEMS], columns=depicts.COLUMNS)


def test_a_label_tells_the_item_its_category_and_the_walk(graph, files):
    found = label_from("depicts", files, graph=graph, items=items())
    assert found.labels["labels"].tolist() == [
        ["STEM", "Nature", "Animals"],
        ["STEM", "Nature", "Animals", "Culture", "Food"],
        *([[]] * 4),
    ]  # and nothing of the category Food that each file has
    why = found.why.set_index(["title", "label"])
    cat = why.loc[("tom.png", "Animals")]
    assert cat["path"] == ["depicts house cat (Q146)", "Cats", "Animalia"]
    assert cat["rules"] == ["item", "depth"]
    assert (cat["start"], cat["anchor"]) == ("depicts house cat (Q146)", "Animalia")
    assert (
        why.loc[("lunch.png", "Animals")]["start"] == "depicts Q1"
    )  # the first of those that have the category
    assert why.loc[("lunch.png", "Food")]["path"] == ["depicts bread (Q7802)", "Bread", "Food"]


def test_every_item_of_a_file_has_one_vote(graph, files):
    found = label_from("depicts", files, graph=graph, items=items()).labels
    scores = dict(zip(found["labels"][1], found["scores"][1].round(3).tolist(), strict=True))
    assert scores["Animals"] == pytest.approx(2 / 3, abs=1e-3) and scores["Food"] == pytest.approx(
        1 / 3, abs=1e-3
    )
    assert found["evidence"].tolist() == [1, 3, 0, 0, 0, 0]


def test_the_funnel_accounts_for_items_that_lead_nowhere(graph, files):
    found = label_from("depicts", files, graph=graph, items=items())
    assert found.steps == {
        "in the source": 6,
        "with a depicted item": 5,
        "with an item that has a category": 4,
        "with a category that the graph has": 3,
        "with one that reaches the root": 3,
        "with a label": 2,
    }
    assert found.notes == {
        "items of which nothing is known (merged, or deleted)": 1,
        "items without a category on Commons": 1,
        "categories of files that have no page": 1,
    }


# --- A taxonomy without anchors: what the items' articles are about


@pytest.fixture
def topics():
    rows = [
        ("en:Cat", "STEM.Biology", 0.9),
        ("en:Cat", "STEM.STEM*", 0.95),
        ("en:Bread", "Culture.Food and drink", 0.8),
        ("en:Bread", "STEM.Biology", 0.4),
        ("en:Another", "Culture.Sports", 1.0),
    ]
    return pd.DataFrame(rows, columns=["article", "topic", "score"])


def test_without_anchors_labels_are_the_topics_of_the_items_articles(files, topics):
    found = label_from("depicts", files, "ores-64", items=items(), topics=topics)
    assert found.labels["labels"].tolist() == [
        ["STEM.STEM*", "STEM.Biology"],
        ["Culture.Food and drink", "STEM.STEM*", "STEM.Biology"],
        *([[]] * 4),
    ]
    why = found.why.set_index(["title", "label"])
    food = why.loc[("lunch.png", "Culture.Food and drink")]
    assert food["path"] == ["depicts bread (Q7802)", "en:Bread", "Culture.Food and drink"]
    assert food["rules"] == ["item", "topic"] and food["start"] == "depicts bread (Q7802)"
    assert why.loc[("tom.png", "STEM.Biology")]["start"] == "depicts house cat (Q146)"


def test_their_funnel_accounts_for_items_and_articles(files, topics):
    found = label_from("depicts", files, "ores-64", items=items(), topics=topics)
    assert found.steps == {
        "in the source": 6,
        "with a depicted item": 5,
        "with an item that has an article": 3,
        "with an article that has topics": 2,
        "with a label": 2,
    }
    assert found.notes["items without an article"] == 3
    assert found.notes["items of which nothing is known (merged, or deleted)"] == 1
    assert found.notes["articles without topics"] == 1


def test_then_nothing_is_walked_and_topics_are_read(root):
    (root / "files.csv").write_text("path,items\ntom.png,Q146\n")
    (root / "items.csv").write_text("item,category,article\nQ146,Cats,cat_(pet)\n")
    (root / "topics.csv").write_text("article,topic,score\nCat (pet),STEM.Biology,.9\n")
    source, tree = open_source("table", table="files.csv"), load("ores-64")
    files = source.files()
    depicted = items_for("depicts", "items.csv", source, files)
    assert graph_for("depicts", "gone.csv", source, taxonomy=tree) is None
    asked = topics_for("depicts", "topics.csv", files, depicted, tree)
    found = label_from("depicts", files, tree, items=depicted, topics=asked)
    assert found.labels["labels"].tolist() == [["STEM.STEM*", "STEM.Biology"]]
    assert set(found.why["start"]) == {"depicts Q146"}
    assert topics_for("depicts", "gone.csv", files, depicted, load("v1.4")) is None


def test_without_items_it_is_the_column_that_is_asked_for_and_not_topics(root):
    (root / "files.csv").write_text("path,labels\ntom.png,Cat\n")
    source, tree = open_source("table", table="files.csv"), load("ores-64")
    files = source.files()
    depicted = items_for("depicts", "", source, files)
    asked = topics_for("depicts", "", files, depicted, tree)
    with pytest.raises(UserError, match="'depicts' needs files with the column 'items', but the source has"):
        label_from("depicts", files, tree, items=depicted, topics=asked)


def test_other_label_sources_see_the_files_as_they_are(graph, files):
    assert walked("commons", files, graph, None) is files
    assert walked("depicts", files, graph, items())["categories"].tolist()[:2] == [
        ["Cats"],
        ["Bread", "Cats", "Cats"],
    ]


@pytest.mark.parametrize(
    "without, told", [("items", "the column 'items'"), ("graph", "needs graph"), ("table", "needs items")]
)
def test_what_is_missing_is_told(graph, files, without, told):
    given = files.drop(columns="items") if without == "items" else files
    with pytest.raises(UserError, match=told):
        label_from(
            "depicts",
            given,
            graph=None if without == "graph" else graph,
            items=None if without == "table" else items(),
        )


# --- Tables that people bring


@pytest.fixture
def root(tmp_path, monkeypatch):
    monkeypatch.setenv("WIKITOPICS_ROOT", str(tmp_path))
    for number, name in enumerate(FILES):
        Image.new("RGB", (8, 8), (40 * number, 0, 0)).save(tmp_path / name)
    edges = [f"{title},{parent}" for title, above in PARENTS.items() for parent in above]
    (tmp_path / "graph.csv").write_text("\n".join(["title,parent", *edges]) + "\n")
    return tmp_path


def test_tables_of_files_and_of_items_are_enough(root):
    rows = [
        "path,items",
        'tom.png,"wd:q146"',
        'lunch.png,"[""Q7802"", ""http://www.wikidata.org/entity/Q1""]"',
    ]
    (root / "files.csv").write_text("\n".join([*rows, "none.png,"]) + "\n")
    known = "\n".join(["?item,?category,?name", *(",".join(row) for row in ITEMS)])
    (root / "items.csv").write_text(known.replace("Q146,", "http://www.wikidata.org/entity/Q146,") + "\n")
    source = open_source("table", table="files.csv")
    files = source.files()
    assert files["items"].tolist() == [["Q146"], ["Q7802", "Q1"], []]
    depicted = items_for("depicts", "items.csv", source, files)
    assert sorted(depicted["item"]) == ["Q1", "Q146", "Q7802"]  # those that are asked for
    graph = graph_for("depicts", "graph.csv", source)
    found = label_from("depicts", files, graph=graph, items=depicted)
    assert found.labels["labels"].tolist()[0] == ["STEM", "Nature", "Animals"]
    write_labels(root, files, found, None, describe(source), depicted)
    named = pd.read_parquet(root / "items.parquet").set_index("item")["name"]
    assert named["Q146"] == "house cat"
    for table in ("files", "labels"):
        kept = pd.read_parquet(root / f"{table}.parquet")
        assert kept["items"].map(list).tolist() == [["Q146"], ["Q7802", "Q1"], []]
    assert json.loads((root / "funnel.json").read_text())[1] == {"step": "with a depicted item", "files": 2}


def test_items_are_read_for_no_other_label_source(root):
    (root / "files.csv").write_text("path,items\ntom.png,Q146\n")
    source = open_source("table", table="files.csv")
    assert items_for("commons", "gone.csv", source, source.files()) is None
    with pytest.raises(UserError, match="but the source knows none; name a table of item and category"):
        items_for("depicts", "", source, source.files())


def test_what_is_no_item_is_told(root):
    (root / "files.csv").write_text("path,items\ntom.png,Q146|house cat\n")
    with pytest.raises(NoTitle, match="'house cat' is none; write it like Q146"):
        open_source("table", table="files.csv").files()
    (root / "files.csv").write_text("path,items\ntom.png,Q146; Q1\n")
    with pytest.raises(UserError, match="must be divided by |"):
        open_source("table", table="files.csv").files()
    for text in ("Q0", "Q", "146", "P180", "Q146x", "https://example.org/wiki/Q146"):
        with pytest.raises(NoTitle):
            item_key(text)


def test_an_item_of_two_categories_is_told_and_a_row_that_is_repeated_is_not(root):
    (root / "items.csv").write_text("item,category\nQ1,Cats\nQ1,Cats\n")
    assert depicts.read_items(root / "items.csv", ["Q1"]).values.tolist() == [["Q1", "Cats", "", ""]]
    (root / "items.csv").write_text("item,category\nQ1,Cats\nQ2,Dogs\nQ1,Lions\n")
    with pytest.raises(UserError, match="Q1 of items.csv has 'Cats' and 'Lions'; keep one"):
        depicts.read_items(root / "items.csv", [])


def test_an_item_of_two_articles_is_told(root):
    (root / "items.csv").write_text("item,category,article\nQ1,Cats,en:Cat\nQ1,Cats,en:Lion\n")
    with pytest.raises(UserError, match="one article, but Q1 of items.csv has 'en:Cat' and 'en:Lion'"):
        depicts.read_items(root / "items.csv", [])


def test_a_column_of_that_name_without_a_q_id_is_left_alone(root):
    (root / "pictures.csv").write_text("path,items,labels\na.png,3,Cat\nb.png,a lot,Dog\n")
    files = open_source("table", table="pictures.csv").files()
    assert "items" not in files and files.attrs["notes"]["columns left alone (items)"] == 1
    with pytest.raises(UserError, match=r"columns left alone \(items\): 1\); add it"):
        label_from("depicts", files)
