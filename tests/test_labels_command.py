"""`wikitopics label`, and labelling in bulk: the same as in memory, whatever the portions."""

import argparse

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from wikitopics.commands import label
from wikitopics.errors import UserError
from wikitopics.labels import bulk, lookup
from wikitopics.labels.category_graph import open_graph
from wikitopics.labels.file_labels import label_files
from wikitopics.labels.heuristics import label_categories
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
