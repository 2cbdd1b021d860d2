"""`wikitopics label`, and labelling in bulk: the same as in memory, whatever the portions."""

import argparse

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from depicts_planted import entity, item, write_mediainfo, write_merged, write_pages
from wikitopics.commands import label
from wikitopics.errors import UserError
from wikitopics.labels import bulk, depicts, lookup
from wikitopics.labels.category_graph import open_graph
from wikitopics.labels.file_labels import label_files
from wikitopics.labels.heuristics import label_categories
from wikitopics.labels.label_sources import label_from
from wikitopics.labels.taxonomy import load


def run(*arguments: str) -> int:
    top = argparse.ArgumentParser()
    label.add_parser(top.add_subparsers())
    options = top.parse_args(["label", *arguments])
    return options.call(options)


@pytest.fixture
def folder(tmp_path):
    """A random graph of 300 categories and 1,000 files, some without categories, some with red links."""
    rng = np.random.default_rng(0)
    names = ["CommonsRoot", "Topics", "Food", "Art", "Sports", "Plantae"] + [f"Cats {i}" for i in range(300)]
    parents = [[], ["CommonsRoot"]] + [["Topics"]] * 4
    parents += [list(rng.choice(names[1 : 6 + i], rng.integers(1, 4))) for i in range(300)]
    pd.DataFrame({"title": names, "parents": parents}).to_parquet(tmp_path / "categories.parquet")
    lists = [list(rng.choice([*names, "Red link"], rng.integers(0, 5))) for _ in range(1000)]
    files = pd.DataFrame({"title": [f"{i}.jpg" for i in range(1000)], "categories": lists})
    files.to_parquet(tmp_path / "files.parquet", row_group_size=100)
    return tmp_path


def arguments(folder, source="headJ+depth"):
    return [
        *("--graph", str(folder), "--files", str(folder / "files.parquet")),
        *("--source", source, "--out", str(folder / "out.parquet")),
    ]


@pytest.mark.parametrize("source", ["all", "headJ+lookahead+depth"])
@pytest.mark.parametrize("portion", [1, 300, 5000])
def test_bulk_gives_what_labelling_in_memory_gives(folder, monkeypatch, source, portion):
    monkeypatch.setattr(bulk, "PORTION", portion)
    monkeypatch.setattr(bulk, "LOOKED_UP", 250)
    assert run(*arguments(folder, source)) == 0
    out = pd.read_parquet(folder / "out.parquet")
    files = pd.read_parquet(folder / "files.parquet")
    expected = label_files(label_categories(open_graph(folder), load("v1.4"), source), files)
    assert out["title"].tolist() == files["title"].tolist()
    assert out["labels"].map(list).tolist() == expected["labels"].tolist()
    for ours, theirs in zip(out["scores"], expected["scores"], strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=2e-3)
    assert expected["labels"].map(len).sum() > 500


def test_looking_up_in_parts_finds_the_same(monkeypatch):
    names = pa.array([f"{'x' * (i % 11)}{i}" for i in range(500)])
    values = pa.chunked_array([["xx2", "nowhere", None], ["0", "xxx3", "xx2"]])
    whole = lookup.positions(values, names)
    monkeypatch.setattr(lookup, "SMALL", 0)
    assert lookup.positions(values, names).tolist() == whole.tolist() == [2, -1, -1, 0, 3, 2]


def test_the_command_counts_and_explains(folder, capsys):
    assert run(*arguments(folder), "--why", str(folder / "why.parquet")) == 0
    said = capsys.readouterr().out
    assert "1,000 files, " in said and "have no page" in said
    out, why = pd.read_parquet(folder / "out.parquet"), pd.read_parquet(folder / "why.parquet")
    assert len(why) == out["labels"].map(len).sum()


@pytest.mark.parametrize(
    "changed, sentence",
    [
        (["--source", "magic"], "one is 'magic'"),
        (["--taxonomy", "v9"], "is 'v9'"),
        (["--files", "nowhere.parquet"], "nowhere.parquet is none"),
        (["--graph", "nowhere"], "is neither"),
        (["--source", "commons-learned", "--why", "x"], "--why needs rules"),
        (["--source", "commons-learned-deep", "--why", "x"], "but the source is commons-learned-deep"),
    ],
)
def test_mistakes_get_a_sentence_and_leave_no_file(folder, changed, sentence):
    with pytest.raises(UserError, match=sentence):
        run(*arguments(folder), *changed)
    assert not (folder / "out.parquet").exists()


def test_files_without_the_column_get_a_sentence(folder):
    pd.DataFrame({"title": ["a"]}).to_parquet(folder / "files.parquet")
    with pytest.raises(UserError, match="must have the columns title, categories"):
        run(*arguments(folder))
    assert [path.name for path in folder.iterdir() if "out" in path.name] == []


@pytest.mark.parametrize("column", ["categories", "items"])
def test_a_table_without_files_gives_one_without_labels_or_ways(folder, column):
    (folder / "files.csv").write_text(f"title,{column}\n")
    (folder / "items.csv").write_text("item,category\nQ1,Cats 1\n")
    own = ["--source", "depicts", "--items", str(folder / "items.csv")] if column == "items" else []
    why = folder / "why.parquet"
    assert run(*arguments(folder), "--files", str(folder / "files.csv"), "--why", str(why), *own) == 0
    assert len(pd.read_parquet(folder / "out.parquet")) == len(pd.read_parquet(why)) == 0


# --- By what files depict


@pytest.fixture
def depicting(folder):
    """The files of `folder` with items in place of categories, and a table of items; some lead nowhere."""
    rng = np.random.default_rng(1)
    lists = [[f"Q{n}" for n in rng.integers(1, 220, rng.integers(0, 5))] for _ in range(1000)]
    files = pd.DataFrame({"title": [f"{i}.jpg" for i in range(1000)], "items": lists})
    files.to_parquet(folder / "files.parquet", row_group_size=100)
    categories = [f"Category:Cats_{n}" if n % 7 else "" for n in range(1, 200)]
    known = pd.DataFrame(
        {"item": [f"Q{n}" for n in range(1, 200)], "category": categories, "name": "a thing"}
    )
    known.to_csv(folder / "items.csv", index=False)
    return folder


def from_items(folder, *changed):
    return run(*arguments(folder, "depicts"), "--items", str(folder / "items.csv"), *changed)


@pytest.mark.parametrize("portion", [7, 5000])
def test_labels_by_items_are_those_of_the_notebook(depicting, monkeypatch, capsys, portion):
    monkeypatch.setattr(bulk, "PORTION", portion)
    assert from_items(depicting, "--why", str(depicting / "why.parquet")) == 0
    files = pd.read_parquet(depicting / "files.parquet")
    files["items"] = [list(dict.fromkeys(names)) for names in files["items"]]  # as every source gives them
    items = depicts.read_items(depicting / "items.csv", files["items"].explode().dropna())
    expected = label_from("depicts", files, graph=open_graph(depicting), items=items)
    out = pd.read_parquet(depicting / "out.parquet")
    assert out["labels"].map(list).tolist() == expected.labels["labels"].tolist()
    for ours, theirs in zip(out["scores"], expected.labels["scores"], strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=2e-3)
    why = pd.read_parquet(depicting / "why.parquet")
    assert len(why) == len(expected.why) > 500
    assert why["path"].map(list).tolist() == expected.why["path"].tolist()
    assert why["start"].str.fullmatch(r"depicts a thing \(Q\d+\)").all()
    said = capsys.readouterr().out
    for step in ("with a depicted item", "with an item that has a category"):
        assert f"{expected.steps[step]:,} files {step}" in said
    for what in (
        "items of which nothing is known (merged, or deleted)",
        "items without a category on Commons",
    ):
        assert f"{expected.notes[what]:,} {what}" in said


def test_items_may_be_written_as_tables_write_them(depicting):
    files = pd.DataFrame({"title": ["a.jpg"], "categories": [[f"Cats {n}" for n in range(50, 56)]]})
    found = label_files(label_categories(open_graph(depicting), load("v1.4"), "headJ+depth"), files)
    assert found["labels"][0]
    items = ["wd:q50", "http://www.wikidata.org/entity/Q51", *(f"Q{n}" for n in range(52, 56))]
    (depicting / "files.csv").write_text(f"title,items\na.jpg,{'|'.join(items)}\nb.jpg,\n")
    assert from_items(depicting, "--files", str(depicting / "files.csv")) == 0
    written = pd.read_parquet(depicting / "out.parquet")
    assert written["labels"].map(list).tolist() == [*found["labels"], []]


def test_a_taxonomy_without_anchors_is_told_before_anything_is_read(depicting):
    (depicting / "files.parquet").write_bytes(b"no table")
    with pytest.raises(UserError, match="needs a taxonomy with anchors, but ores-64 has none"):
        from_items(depicting, "--taxonomy", "ores-64")


def test_an_item_that_a_file_names_twice_has_one_vote(depicting):
    rows = {"once.jpg": ["Q4", "Q22"], "twice.jpg": ["Q4", "wd:Q4", "Q22", "Q4"]}
    pd.DataFrame({"title": list(rows), "items": list(rows.values())}).to_parquet(depicting / "files.parquet")
    assert from_items(depicting, "--why", str(depicting / "why.parquet")) == 0
    once, twice = pd.read_parquet(depicting / "out.parquet")["scores"]
    assert len(once) == 5 and once.tolist() == twice.tolist()
    why = pd.read_parquet(depicting / "why.parquet").groupby("title")["score"].agg(list)
    assert why["once.jpg"] == why["twice.jpg"]


def test_dumps_of_commons_and_of_wikidata_are_labelled(tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("WIKITOPICS_ROOT", str(tmp_path))
    (tmp_path / "categories.csv").write_text(
        "title,parent\nTopics,CommonsRoot\nAnimalia,Topics\nCats,Animalia\n"
    )
    wikidata = tmp_path / "wikidata"
    wikidata.mkdir()
    write_pages(wikidata / "wikidatawiki-20260101-wb_items_per_site.sql.gz")
    write_merged(wikidata)
    told = [entity(1, "File:Tom.jpg", [item(146)]), entity(2, "File:Old tom.jpg", [item(1460)])]
    dump = write_mediainfo(
        tmp_path / "commons-20260105-mediainfo.json.gz", [*told, entity(3, "File:No.jpg", {})]
    )
    places = ("--graph", tmp_path, "--files", dump, "--items", wikidata, "--out", tmp_path / "out.jsonl")
    assert run("--source", "depicts", "--why", str(tmp_path / "why.parquet"), *map(str, places)) == 0
    out = pd.read_json(tmp_path / "out.jsonl", lines=True)
    assert out["title"].tolist() == ["Tom.jpg", "Old tom.jpg"]  # an item that was merged is its successor
    assert out["labels"].tolist() == [["STEM", "Nature", "Animals"]] * 2
    why = pd.read_parquet(tmp_path / "why.parquet")
    assert list(why["path"][2]) == ["depicts Cat (Q146)", "Cats", "Animalia"]
    assert "1 files without a depicts statement" in capsys.readouterr().out


@pytest.mark.parametrize(
    "changed, sentence",
    [
        (["--items", "nowhere.csv"], "needs --items, but nowhere.csv is not there; name"),
        (
            ["--source", "depth"],
            "--items must be left out unless the source is depicts, but the source is depth",
        ),
        (["--items", "GRAPH"], "items must have the columns item, category, but graph.csv has title"),
        (["--out", "ITEMS"], "must not be an input"),
        (["--files", "OTHER"], "must have the columns title, items, but other.parquet has title, categories"),
    ],
)
def test_mistakes_with_items_get_a_sentence(depicting, changed, sentence):
    files = pd.read_parquet(depicting / "files.parquet")
    files.rename(columns={"items": "categories"}).to_parquet(depicting / "other.parquet")
    (depicting / "graph.csv").write_text("title,parent\nA,B\n")
    named = {"GRAPH": "graph.csv", "ITEMS": "items.csv", "OTHER": "other.parquet"}
    changed = [str(depicting / named[one]) if one in named else one for one in changed]
    with pytest.raises(UserError, match=sentence):
        from_items(depicting, *changed)
    assert not (depicting / "out.parquet").exists()


def test_without_items_the_source_depicts_says_what_it_needs(depicting):
    with pytest.raises(UserError, match="--source depicts needs --items, but has none; name a table"):
        run(*arguments(depicting, "depicts"))


def test_what_is_no_item_is_told_by_its_name(depicting):
    (depicting / "files.csv").write_text("title,items\na.jpg,Q1|house cat\n")
    with pytest.raises(UserError, match="'house cat' is none; write it like Q146"):
        from_items(depicting, "--files", str(depicting / "files.csv"))
