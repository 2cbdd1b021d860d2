"""`make photographs`: its list and params, and the whole of it from a real MediaWiki, killed twice."""

import os
import shutil
import signal
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path
from urllib.parse import parse_qs

import pandas as pd
import pytest
import yaml

import photographs_planted as planted
from cdn_model import Cdn
from faulty_proxy import proxied
from mediawiki import content
from mediawiki.packages import Unavailable
from mediawiki.server import running
from wikitopics import cli
from wikitopics.artefacts import read_json, read_table
from wikitopics.commands.photographs import LIST, experiment
from wikitopics.labels.taxonomy import load
from wikitopics.params import read_params
from wikitopics.paths import PROJECT
from wikitopics.sources.online.topic_files import read_categories

ROWS = read_categories(experiment() / LIST)
PARAMS = experiment() / "params"
FILES = 240  # of the sample's, in the wiki; the larger part of the test is networks, not files
SOURCES = ("commons", "depicts", "ores")

# --- the list and the params ---------------------------------------------------------------------------


def test_the_list_has_twenty_topics_of_the_taxonomy_and_two_thousand_files():
    topics = {row.topic for row in ROWS}
    assert len(topics) == 20 and topics <= set(load("v1.4").label_names)
    for topic in topics:
        assert sum(row.max_files for row in ROWS if row.topic == topic) == 100
    assert "People" not in topics and len({row.category for row in ROWS}) == len(ROWS)


def test_the_experiment_is_the_demos_with_a_third_label_source(tmp_path, monkeypatch):
    """Three sources, two networks, 10 and 20 labels; every other setting as in the demo."""
    monkeypatch.setenv("WIKITOPICS_ROOT", str(tmp_path))
    shutil.copytree(PARAMS, tmp_path / "params")
    cells = {}
    for name in read_params("05_compare", "grid")[1]["evaluations"]:
        model = read_params("04_evaluate", name)[1]["model"]
        assert model == name
        cells[name] = read_params("03_train", model)[1]
    grid = {(cell["labels"], cell["backbone"], cell["labels_top"]) for cell in cells.values()}
    networks = ("EfficientNetLite0", "EfficientNetLite2")
    assert grid == {(s, b, n) for s in SOURCES for b in networks for n in (10, 20)} and len(cells) == 12
    monkeypatch.setenv("WIKITOPICS_ROOT", str(PROJECT))
    demo = read_params("03_train", "commons-10-lite0")[1]
    own = {"run", "images", "labels", "backbone", "labels_top"}
    for cell in cells.values():
        assert {name: value for name, value in cell.items() if name not in own} == {
            name: value for name, value in demo.items() if name not in own
        }


def test_it_lays_itself_out_in_an_empty_folder_only(tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("WIKITOPICS_ROOT", str(tmp_path))
    assert cli.main(["photographs", "--dry-run"]) == 0
    said = capsys.readouterr().out
    assert "2,000 files of 20 topics" in said and "minutes" in said and not list(tmp_path.iterdir())
    assert cli.main(["photographs"]) == 2  # nobody is asked without a contact
    assert "contact must be" in capsys.readouterr().err and not list(tmp_path.iterdir())
    nobody = ["--contact", "me@example.org", "--api", "http://127.0.0.1:9/w/api.php"]
    monkeypatch.setattr("wikitopics.sources.online.download.Manners", lambda contact: planted.QUICK)
    assert cli.main(["photographs", *nobody]) == 2
    assert "must be reachable" in capsys.readouterr().err
    assert {path.name for path in tmp_path.iterdir()} == {LIST, "params", "data"}
    (tmp_path / LIST).unlink()
    assert cli.main(["photographs", *nobody]) == 2
    assert "is another laboratory" in capsys.readouterr().err


# --- the whole of it -----------------------------------------------------------------------------------

CHILD = """\
import sys
from photographs_planted import QUICK
from wikitopics import cli
from wikitopics.sources.online import download
download.Manners = lambda contact: QUICK
sys.exit(cli.main(sys.argv[1:]))
"""


@pytest.fixture(scope="module")
def commons(tmp_path_factory):
    """A MediaWiki with the sample's pictures in the categories of the list, and what is known of them."""
    files = planted.photographs(FILES)
    try:
        with running(tmp_path_factory.mktemp("commons")) as server:
            server.import_pages(planted.pages(files))
            server.import_pages(content.article_pages(files))
            written = content.write_files(planted.in_categories(files), server.folder / "import")
            server.import_files(written)
            yield server, files
    except Unavailable as reason:
        pytest.skip(f"a real MediaWiki cannot start here: {reason}")


@pytest.fixture(scope="module")
def root(tmp_path_factory) -> Path:
    """The experiment with 10 labels, one network, few epochs, seeds and resamples."""
    folder = tmp_path_factory.mktemp("root")
    shutil.copy(experiment() / LIST, folder)
    shutil.copytree(PARAMS, folder / "params", ignore=shutil.ignore_patterns("*-20-*", "*-lite2*"))
    for path in (folder / "params").glob("*/*.yaml"):
        less = {
            "03_train": {"epochs": 3, "seeds": 2},
            "04_evaluate": {"rounds": 50},
            "05_compare": {"rounds": 50},
        }
        given = yaml.safe_load(path.read_text()) | less.get(path.parent.name, {})
        if path.parent.name == "05_compare":
            given["evaluations"] = [f"{source}-10-lite0" for source in SOURCES]
        path.write_text(yaml.safe_dump(given))
    return folder


@pytest.fixture(scope="module")
def made(commons, root, tmp_path_factory):
    """All by the command, killed while it walks and while it fetches: the root, the log, what it said."""
    server, files = commons
    cdn = Cdn()
    with proxied(server.url, cdn, planted.wikibase(files), planted.search_index) as proxy:
        asked = ["photographs", "--root", str(root), "--contact", "tests@example.org", "--api", proxy.api]
        asked += ["--items-api", proxy.api, "--articles", "here"]
        here = {
            **os.environ,
            "PYTHONPATH": os.pathsep.join([str(Path(__file__).parent), os.environ.get("PYTHONPATH", "")]),
        }
        command = [sys.executable, "-c", CHILD, *asked]
        for reached in (lambda: len(proxy.log) > 40, lambda: len(proxy.media()) > 60):
            child = subprocess.Popen(command, env=here, stdout=subprocess.DEVNULL)
            while child.poll() is None and not reached():
                time.sleep(0.005)
            child.send_signal(signal.SIGKILL)
            assert child.wait() == -signal.SIGKILL, "it was over before it was killed"
        done = subprocess.run(command, env=here, capture_output=True, text=True, timeout=1800)
        assert done.returncode == 0, done.stdout + done.stderr
        log = list(proxy.log)
        again = subprocess.run(command, env=here, capture_output=True, text=True, timeout=300)
        assert again.returncode == 0 and len(proxy.log) == len(log), "the second time something was asked for"
        assert proxy.at_once() <= 2 and not cdn.refused
    return root, log, done.stdout, again.stdout


@pytest.mark.servers
def test_after_two_kills_nothing_was_asked_twice(made):
    """But for what was on its way when it was killed, more of it on a slow machine, and the addresses of
    pictures, which do not keep."""
    _, log, _, _ = made
    questions = [seen.body for seen in log if not seen.media]
    lasting = [body for body in questions if "iiurlwidth" not in parse_qs(body.decode())]
    assert len(lasting) > 80 and len(lasting) - len(set(lasting)) <= 2
    pictures = Counter(seen.path for seen in log if seen.media)
    assert sum(count - 1 for count in pictures.values()) <= 8


@pytest.mark.servers
def test_what_is_gone_is_told_what_has_moved_is_followed(made, commons):
    root, _, said, again = made
    listed = read_table(root / "data/downloads/photographs/listed.parquet")
    files = commons[1].set_index("title")
    assert set(listed["title"]) <= set(files.index) and len(listed) > 0.9 * FILES
    assert (listed["topic"] == files.loc[listed["title"], "topic"].to_numpy()).mean() > 0.95
    assert planted.MOVED in set(listed["category"])
    for told in (
        "categories that are gone",
        planted.GONE,
        "topics with fewer than 30 files",
        "Mathematics (0)",
    ):
        assert told in said and told in again


@pytest.mark.servers
def test_every_picture_has_its_credits(made):
    manifest = read_table(made[0] / "data/downloads/photographs/manifest.parquet")
    assert (manifest["status"] == "fetched").all() and (manifest["licence"] != "").all()
    files = read_table(made[0] / "data/downloads/photographs/files.parquet")
    assert (files["licence"] != "").all() and (files["creator"] != "").mean() > 0.9


@pytest.mark.servers
def test_the_three_sources_label_the_same_pictures_and_are_compared(made):
    root, _, said, again = made
    assert "11 runs: 11 made" in said and "11 runs: 11 up to date" in again
    images = read_table(root / "data/02_images/photographs/images.parquet")
    for source in SOURCES:
        labels = read_table(root / f"data/01_labels/{source}/labels.parquet").set_index("title")["labels"]
        assert labels.loc[images["title"]].map(len).gt(0).all()
    cells = read_table(root / "data/05_compare/grid/comparison.parquet")
    assert len(cells) == 3 and set(cells["label_source"]) == set(SOURCES)
    assert cells["macro_roc_auc"].between(0.5, 1).all()
    claims = read_json(root / "data/05_compare/grid/claims.json")
    asked = {claim["name"] for claim in claims if claim["based_on"] and "own labels" in claim["name"]}
    assert len(asked) == 3  # one for each two of the three
    assert "open this:" in said and "05_compare/grid" in said


@pytest.mark.servers
def test_the_depicted_items_lead_to_the_labels(made):
    why = read_table(made[0] / "data/01_labels/depicts/why.parquet")
    assert len(why) and why["start"].str.startswith("depicts ").all()
    assert (made[0] / "data/downloads/photographs/topics.parquet").exists()
    assert not list((made[0] / "data/downloads/photographs").glob("answers.*"))


def test_the_checkout_stays_clean():
    """What the experiment makes is ignored by git, what it is made from is not."""
    ignored = (PROJECT / ".gitignore").read_text().split()
    assert "/photographs/data/" in ignored
    assert pd.read_csv(experiment() / LIST).columns.tolist() == ["topic", "category", "depth", "max_files"]
