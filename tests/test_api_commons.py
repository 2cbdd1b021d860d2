"""From a real MediaWiki through its API: the sample's tables, labels and pictures."""

import numpy as np
import pandas as pd
import pytest

from cdn_model import Cdn
from faulty_proxy import proxied
from wikitopics import cli
from wikitopics.errors import UserError
from wikitopics.images.decode import Recipe
from wikitopics.images.image_set import decode_files
from wikitopics.labels.label_sources import graph_for, label_from
from wikitopics.sources import open_source
from wikitopics.sources.online.action_api import ActionApi
from wikitopics.sources.online.harvest import Request, harvest
from wikitopics.sources.online.http import Client, Manners
from wikitopics.sources.online.wiki_pages import categories_above, files_below

pytestmark = pytest.mark.servers
QUICK = Manners("tests@example.org", api_pause=0, slow_pause=0, first_wait=0.05, attempts=3)


@pytest.fixture
def api(wiki):
    with Client(QUICK) as client:
        yield ActionApi(client, wiki.api)


@pytest.fixture(scope="module")
def imported(wiki) -> list[str]:
    """Titles of all files of the wiki."""
    named = wiki.sql("SELECT img_name FROM image ORDER BY img_name").decode()
    return [name.replace("_", " ") for name in named.split("\n") if name]


@pytest.fixture(scope="module")
def downloaded(wiki, imported, tmp_path_factory):
    """data/downloads/all of a root folder: every file of the wiki, by the command, with a CDN's rules."""
    root = tmp_path_factory.mktemp("root")
    (root / "titles.txt").write_text("\n".join([*imported, "An old name.jpg", "Only a page.jpg"]))
    cdn = Cdn()
    with pytest.MonkeyPatch.context() as patch, proxied(wiki.url, cdn) as proxy:
        patch.setenv("WIKITOPICS_ROOT", str(root))
        patch.setattr("wikitopics.sources.online.download.Manners", lambda contact: QUICK)
        asked = ["--list", str(root / "titles.txt"), "--width", "100", "--articles", "here"]
        said = cli.main(["download", "all", *asked, "--contact", "tests@example.org", "--api", proxy.api])
        before = len(proxy.log)
        again = cli.main(["download", "all", *asked, "--contact", "tests@example.org", "--api", proxy.api])
        assert (said, again, len(proxy.log)) == (0, 0, before), "the second time something was asked for"
        assert proxy.at_once() <= 2 and not cdn.refused
    return root


# --- walks ---------------------------------------------------------------------------------------------


def test_a_walk_down_takes_each_file_once_and_no_other(wiki, api):
    members = wiki.sql(
        "SELECT page_namespace, page_title, cl_to FROM categorylinks JOIN page ON page_id = cl_from"
    ).decode()
    rows = [line.replace("_", " ").split("\t") for line in members.split("\n") if line]
    children, files = {}, {}
    for space, title, parent in rows:
        ({"14": children, "6": files}.get(space, {}).setdefault(parent, set())).add(title)

    def below(category, depth):
        deeper = [below(child, depth - 1) for child in children.get(category, ())] if depth else []
        return files.get(category, set()).union(*deeper)

    top = max(children, key=lambda name: (len(below(name, 2) - below(name, 1)), name))
    assert below(top, 2) > below(top, 1)
    for depth in (1, 2):
        if below(top, depth):
            found = files_below(api, top, depth, 0)
            assert len(found) == len(set(found)) and set(found) == below(top, depth)
    assert len(files_below(api, top, 2, 3)) == min(3, len(below(top, 2)))


def test_a_walk_down_asks_for_each_category_once(wiki):
    with proxied(wiki.url) as proxy, Client(QUICK) as client:
        with pytest.raises(UserError, match="'Egg' has none"):
            files_below(ActionApi(client, proxy.api), "Egg", 5, 0)  # Egg and Hen lie in each other
        assert len(proxy.log) == 2


def test_a_walk_up_meets_redirects_circles_and_red_links(api):
    graph = categories_above(api, ["Felines", "Felidae of the house", "Egg", "No such category"], 0)
    assert graph.redirects == {"Felines": "Cats", "Felidae of the house": "Cats"}
    assert graph.parents["Egg"] == ["Hen"] and graph.parents["Hen"] == ["Egg"]
    assert graph.parents["No such category"] == []
    assert "CommonsRoot" in graph.parents and graph.parents["Cats"]
    assert categories_above(api, ["Cats"], 1).parents.keys() == {"Cats", *graph.parents["Cats"]}


# --- tables --------------------------------------------------------------------------------------------


def test_the_tables_are_the_samples_but_for_hidden_categories(downloaded, imported, monkeypatch):
    monkeypatch.setenv("WIKITOPICS_ROOT", str(downloaded))
    got = open_source("commons_api", image_root="data/downloads/all").files().set_index("title")
    sample = open_source("sample").files().set_index("title").loc[imported]
    assert sorted(got.index) == sorted(imported)
    hidden = _hidden()
    for title, row in sample.iterrows():
        categories = {_name(name) for name in row["categories"]} - hidden
        assert set(got.loc[title, "categories"]) == categories, title
        assert set(got.loc[title, "articles"]) == set(row["articles"])
        assert (got.loc[title, "creator"], got.loc[title, "licence"]) == (
            " ".join(row["creator"].split()), row["licence"])  # fmt: skip


def test_the_labels_are_the_samples(downloaded, imported, monkeypatch):
    monkeypatch.setenv("WIKITOPICS_ROOT", str(downloaded))
    source = open_source("commons_api", image_root="data/downloads/all")
    walked = label_from("commons", source.files(), graph=graph_for("commons", "", source)).labels
    sample = open_source("sample")
    files = sample.files()[lambda table: table["title"].isin(imported)]
    known = label_from("commons", files, graph=graph_for("commons", "", sample)).labels.set_index("title")
    assert (known["labels"].map(len) > 0).mean() > 0.8  # or there is nothing to compare
    for row in walked.itertuples():
        assert row.labels == known.loc[row.title, "labels"], row.title
        np.testing.assert_allclose(row.scores, known.loc[row.title, "scores"], atol=1e-6)


def _hidden():
    from wikitopics.paths import sample_folder

    edges = pd.read_csv(sample_folder() / "categories.csv", dtype=str, keep_default_na=False)
    return set(edges["title"][edges["hidden"] == "yes"])


def _name(category):
    """As MediaWiki writes it."""
    return category[:1].upper() + category[1:]


# --- pictures ------------------------------------------------------------------------------------------


def test_every_file_is_accounted_for_and_02_images_decodes_them(downloaded, imported, tmp_path, monkeypatch):
    monkeypatch.setenv("WIKITOPICS_ROOT", str(downloaded))
    manifest = pd.read_parquet(downloaded / "data" / "downloads" / "all" / "manifest.parquet")
    assert len(manifest) == len(imported) + 2
    rows = manifest.set_index("title")
    assert rows.loc["An old name.jpg", "status"] == "renamed"
    assert rows.loc["Only a page.jpg", "status"] == "missing"
    others = rows.drop(["An old name.jpg", "Only a page.jpg"])
    assert set(others["status"]) <= {"fetched", "unsupported"}
    assert (others["status"] == "fetched").mean() > 0.95
    wide = others[(others["original_width"] > 120) & (others["format"] != "")]
    thumbnails = wide[wide["url"].str.contains("/thumb/")]
    assert len(thumbnails) > 0.5 * len(wide) and thumbnails["width"].eq(120).all()
    source = open_source("commons_api", image_root="data/downloads/all")
    decoded = decode_files(source.files(), source, Recipe(store_size=32), tmp_path / "images.npy", jobs=1)
    assert len(decoded.images) + len(decoded.exact) + len(decoded.rejected) == len(imported)
    assert len(decoded.rejected) < 0.15 * len(imported), decoded.rejected.to_string()
    assert np.load(tmp_path / "images.npy", mmap_mode="r").shape == (len(decoded.images), 32, 32, 3)


def test_a_category_is_asked_for_once(wiki, api, tmp_path):
    named = wiki.sql("SELECT cl_to, COUNT(*) FROM categorylinks WHERE cl_type = 'file' AND cl_to != "
                     "'Files_by_licence' GROUP BY 1 ORDER BY 2 DESC, 1 LIMIT 1").decode()  # fmt: skip
    category, count = named.strip().replace("_", " ").split("\t")
    request = Request(wiki.api, category=category, max_files=7)
    notes = harvest(request, api, tmp_path)
    files = pd.read_parquet(tmp_path / "files.parquet")
    assert len(files) == min(7, int(count))
    monologue = ActionApi(api.client, "http://127.0.0.1:9/nobody")  # would fail if it asked
    assert harvest(request, monologue, tmp_path) == notes
    with pytest.raises(UserError, match="to one with another max_files"):
        harvest(Request(wiki.api, category=category), api, tmp_path)


def test_the_database_can_be_dumped(wiki, tmp_path):
    folder = wiki.dump(tmp_path / "dump")
    names = {path.name for path in folder.iterdir()}
    assert {f"commonswiki-20260101-{table}.sql" for table in ("page", "categorylinks", "page_props")} <= names
    assert b"INSERT INTO `categorylinks`" in (folder / "commonswiki-20260101-categorylinks.sql").read_bytes()
