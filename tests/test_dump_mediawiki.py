"""The sample in a real MediaWiki, dumped by the real mysqldump: the labels are the sample's own."""

import shutil

import pandas as pd
import pytest

from wikitopics.labels.label_sources import graph_for, label_from
from wikitopics.sources import open_source

pytestmark = pytest.mark.servers


@pytest.fixture(scope="module")
def root(wiki, tmp_path_factory):
    """A root folder with the dump."""
    folder = tmp_path_factory.mktemp("dumped")
    (folder / "dump").mkdir()
    wiki.dump(folder / "dump")
    yield folder
    shutil.rmtree(folder)


@pytest.fixture
def dumped(root, monkeypatch):
    monkeypatch.setenv("WIKITOPICS_ROOT", str(root))
    return open_source("commons_dump", dump="dump")


def test_a_dump_of_the_samples_pictures_gives_the_samples_labels(dumped):
    sample = open_source("sample")
    both = sample.files().merge(dumped.files(), on="title", suffixes=("", "_dumped"))
    assert len(both) >= 100
    hidden = hidden_categories(dumped)
    for row in both.itertuples():
        assert set(row.categories_dumped) - hidden == set(row.categories) - hidden
    titles = both["title"]
    assert labels_of(dumped, titles) == labels_of(sample, titles)


def hidden_categories(source) -> set[str]:
    table = pd.read_parquet(source.graph() / "categories.parquet")
    return set(table["title"][table["hiddencat"]])


def labels_of(source, titles) -> dict[str, list[str]]:
    files = source.files().set_index("title").loc[titles].reset_index()
    found = label_from("commons", files, graph=graph_for("commons", "", source)).labels
    return dict(zip(found["title"], found["labels"], strict=True))


def test_what_a_wiki_has_beside_pictures_is_followed_or_left_out(dumped):
    files = dumped.files()
    assert "An old name.jpg" not in set(files["title"])
    notes = files.attrs["notes"]
    assert notes["file redirects left out"] == 1 and notes["category redirects followed"] == 1
    table = pd.read_parquet(dumped.graph() / "categories.parquet").set_index("title")["parents"]
    assert "Felines" not in table and list(table["Egg"]) == ["Hen"] and list(table["Hen"]) == ["Egg"]
