"""The sample in a real MediaWiki, dumped by the real mysqldump: the labels are the sample's own."""

import os
import shutil
from pathlib import Path

import pandas as pd
import pytest

from mediawiki.packages import Unavailable
from mediawiki.serve import remembered, sample_wiki
from wikitopics.labels.inputs import graph_for
from wikitopics.labels.label_sources import label_from
from wikitopics.sources import open_source


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    """A root folder with the dump; the wiki is started unless WIKITOPICS_TEST_WIKI names one."""
    folder = tmp_path_factory.mktemp("dumped")
    (folder / "dump").mkdir()
    known = os.environ.get("WIKITOPICS_TEST_WIKI")
    try:
        if known:
            remembered(Path(known)).dump(folder / "dump")
        else:
            with sample_wiki(folder / "wiki") as wiki:
                wiki.dump(folder / "dump")
    except Unavailable as error:
        pytest.skip(str(error))
    yield folder
    shutil.rmtree(folder)


@pytest.fixture
def dumped(root, monkeypatch):
    monkeypatch.setenv("WIKITOPICS_ROOT", str(root))
    return open_source("commons_dump", dump="dump")


@pytest.mark.slow
def test_a_dump_of_the_samples_pictures_gives_the_samples_labels(dumped):
    sample = open_source("sample")
    both = sample.files().merge(dumped.files(), on="title", suffixes=("", "_dumped"))
    stems = both["title"].map(lambda title: Path(title).stem)
    both = both[~stems.duplicated(keep=False)]  # NAME.png and NAME.jpg are imported with one NAME.txt
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


@pytest.mark.slow
def test_what_a_wiki_has_beside_pictures_is_followed_or_left_out(dumped):
    files = dumped.files()
    assert "An old name.jpg" not in set(files["title"])
    notes = files.attrs["notes"]
    assert notes["file redirects left out"] == 1 and notes["category redirects followed"] == 1
    table = pd.read_parquet(dumped.graph() / "categories.parquet").set_index("title")["parents"]
    assert "Felines" not in table and list(table["Egg"]) == ["Hen"] and list(table["Hen"]) == ["Egg"]
