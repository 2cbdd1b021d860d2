"""Labels from what files depict: item, its category on Commons, and the walk from there."""

import json

import pandas as pd
import pytest
from PIL import Image

from wikitopics.errors import UserError
from wikitopics.labels import depicts
from wikitopics.labels.category_graph import from_table
from wikitopics.labels.label_sources import graph_for, items_for, label_from, walked
from wikitopics.labels.labelled import write_labels
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
    return pd.DataFrame(ITEMS, columns=depicts.COLUMNS)


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
    write_labels(root, files, found, None, describe(source))
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
    assert depicts.read_items(root / "items.csv", ["Q1"]).values.tolist() == [["Q1", "Cats", ""]]
    (root / "items.csv").write_text("item,category\nQ1,Cats\nQ2,Dogs\nQ1,Lions\n")
    with pytest.raises(UserError, match="Q1 of items.csv has 'Cats' and 'Lions'; keep one"):
        depicts.read_items(root / "items.csv", [])


def test_a_column_of_that_name_without_a_q_id_is_left_alone(root):
    (root / "pictures.csv").write_text("path,items,labels\na.png,3,Cat\nb.png,a lot,Dog\n")
    files = open_source("table", table="pictures.csv").files()
    assert "items" not in files and files.attrs["notes"]["columns left alone (items)"] == 1
    with pytest.raises(UserError, match=r"columns left alone \(items\): 1\); add it"):
        label_from("depicts", files)
