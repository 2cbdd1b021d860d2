"""Notebook 01 on a Commons dump with WIT and a search index: both label sources, run as one would."""

import json
import subprocess
import sys

import pandas as pd
import pytest
from PIL import Image

from dump_planted import plant
from test_cirrus import ENGLISH, HEBREW, write_index
from test_wit import ROWS, write_tsv
from wikitopics.sources.reading import stored_path

SOURCE = "source: commons_dump\ndump: dump\nwit: wit\nimage_root: images\n"


@pytest.fixture
def root(tmp_path, monkeypatch):
    monkeypatch.setenv("WIKITOPICS_ROOT", str(tmp_path))
    plant(tmp_path / "dump")
    (tmp_path / "wit").mkdir()
    write_tsv(tmp_path / "wit" / "a.tsv.gz", ROWS)
    write_index(tmp_path / "topics" / "enwiki_content-1.json.bz2", ENGLISH)
    write_index(tmp_path / "topics" / "hewiki_content-1.json.bz2", HEBREW)
    picture = tmp_path / "images" / stored_path("Tom's cat.jpg")
    picture.parent.mkdir(parents=True)
    Image.new("RGB", (60, 50), (200, 30, 30)).save(picture)
    (tmp_path / "anchors.csv").write_text("label,parent,anchors\nNature,,Animals\nPlaces,,Cartography\n")
    return tmp_path


def write_params(root, run: str, text: str) -> None:
    path = root / "params" / "01_labels" / f"{run}.yaml"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"run: {run}\n{SOURCE}{text}")


@pytest.mark.slow
def test_both_label_sources_run_on_the_same_files(root):
    write_params(
        root, "walk", f"label_source: commons\ntaxonomy: {root / 'anchors.csv'}\nheuristics: depth\n"
    )
    write_params(root, "topics", "label_source: ores\ntaxonomy: ores-64\ntopics: topics\n")
    command = [sys.executable, "-m", "wikitopics.cli", "run", "01_labels/walk", "01_labels/topics"]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    folders = {run: root / "data" / "01_labels" / run for run in ("walk", "topics")}
    labels = {run: pd.read_parquet(folder / "labels.parquet") for run, folder in folders.items()}
    assert (
        labels["walk"]["title"].tolist()
        == labels["topics"]["title"].tolist()
        == ["Tom's cat.jpg", "Drawing.svg"]
    )
    assert labels["walk"]["labels"].map(list).tolist() == [["Nature"], []]
    assert "STEM.Biology" in labels["topics"]["labels"][0] and len(labels["topics"]["labels"][1]) == 0
    sources = [json.loads((folder / "source.json").read_text()) for folder in folders.values()]
    assert sources[0] == sources[1] and sources[0]["options"]["wit"] == "wit"
