"""The params set for the real thing: with its downloads in place, all of its twenty runs are ready."""

import os
import shutil
import subprocess
import sys

import pytest

from dump_planted import plant
from test_wit import row, url, write_tsv
from wikitopics.params import read_params
from wikitopics.paths import PROJECT, STAGES

PARAMS = PROJECT / "wikipedia" / "params"


@pytest.fixture
def root(tmp_path, monkeypatch):
    """The params beside downloads that are there, but tiny."""
    monkeypatch.setenv("WIKITOPICS_ROOT", str(tmp_path))
    shutil.copytree(PARAMS, tmp_path / "params")
    for name in ("commonswiki", "wit", "pictures", "search_index"):
        (tmp_path / "downloads" / name).mkdir(parents=True)
    plant(tmp_path / "downloads" / "commonswiki")
    shard = tmp_path / "downloads" / "wit" / "wit_v1.train.all-00000-of-00010.tsv.gz"
    write_tsv(shard, [row("https://en.wikipedia.org/wiki/Cat", url("Tom's cat.jpg"))])
    return tmp_path


def test_every_run_is_ready(root):
    """Two label sources, one image set, eight networks and their evaluations, one comparison."""
    command = [sys.executable, "-m", "wikitopics.cli", "run", "--dry-run", "--root", root]
    found = subprocess.run(command, capture_output=True, text=True, env=os.environ | {"WIKITOPICS_ROOT": ""})
    assert found.returncode == 0, found.stderr
    assert sum(found.stdout.count(f"{stage}/") for stage in STAGES) >= 20


def test_the_grid_is_the_one_of_the_mission(root):
    cells = [
        read_params("03_train", path.stem)[1] for path in sorted((root / "params/03_train").glob("*.yaml"))
    ]
    grid = {(c["labels"], c["backbone"], c["labels_top"], c["weights"]) for c in cells}
    backbones = ("EfficientNetB0", "EfficientNetB2")
    assert grid == {(s, b, n, "imagenet") for s in ("commons", "ores") for b in backbones for n in (10, 20)}
    one, other = (read_params("01_labels", name)[1] for name in ("commons", "ores"))
    assert all(one[name] == other[name] for name in ("source", "dump", "wit", "max_files", "image_root"))


def test_without_the_downloads_there_is_one_sentence(tmp_path):
    shutil.copytree(PARAMS, tmp_path / "params")
    command = [sys.executable, "-m", "wikitopics.cli", "run", "--dry-run", "--root", tmp_path]
    found = subprocess.run(command, capture_output=True, text=True)
    assert found.returncode == 2 and "Traceback" not in found.stderr
    assert len(found.stderr.strip().splitlines()) == 1 and "downloads/" in found.stderr


def test_the_dry_run_says_what_is_ready_and_what_is_missing(root):
    """Not only the first download that is not there: a person fetches them one by one, for days."""
    shutil.rmtree(root / "downloads" / "search_index")
    command = [sys.executable, "-m", "wikitopics.cli", "run", "--dry-run", "--root", root]
    found = subprocess.run(command, capture_output=True, text=True)
    said = {line.split()[0]: " ".join(line.split()[1:]) for line in found.stdout.splitlines()}
    assert found.returncode == 2 and len(found.stderr.strip().splitlines()) == 1
    assert said["01_labels/commons"].startswith("would run")
    assert said["01_labels/ores"].startswith("cannot run") and "search_index" in said["01_labels/ores"]
    assert said["03_train/ores-10-b0"].startswith("cannot run: it reads")
    assert len(said) >= 20
