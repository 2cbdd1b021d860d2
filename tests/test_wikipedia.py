"""The params set for the real thing: with its downloads in place, all of its 28 runs are ready."""

import os
import shutil
import subprocess
import sys
from collections import Counter
from types import SimpleNamespace

import pytest

from dump_planted import plant
from test_wit import row, url, write_tsv
from wikitopics.compare import differences
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
    """Two label sources, one image set, twelve networks and their evaluations, one comparison."""
    command = [sys.executable, "-m", "wikitopics.cli", "run", "--dry-run", "--root", root]
    found = subprocess.run(command, capture_output=True, text=True, env=os.environ | {"WIKITOPICS_ROOT": ""})
    assert found.returncode == 0, found.stderr
    assert sum(found.stdout.count(f"{stage}/") for stage in STAGES) >= 28


def test_the_grid_is_the_one_of_the_mission(root):
    cells = [
        read_params("03_train", path.stem)[1] for path in sorted((root / "params/03_train").glob("*.yaml"))
    ]
    grid = {(c["labels"], c["backbone"], c["image_size"], c["labels_top"], c["weights"]) for c in cells}
    sizes = (("EfficientNetB0", 224), ("EfficientNetB2", 260), ("EfficientNetB2", 224))
    assert grid == {(s, *b, n, "imagenet") for s in ("commons", "ores") for b in sizes for n in (10, 20)}
    one, other = (read_params("01_labels", name)[1] for name in ("commons", "ores"))
    assert all(one[name] == other[name] for name in ("source", "dump", "wit", "max_files", "image_root"))


def test_every_claim_of_05_has_its_runs(root):
    """Pairs for each question that 05 asks: source, number of labels, size alone, resolution alone, both."""
    _, compared = read_params("05_compare", "grid")
    cells = []
    for name in compared["evaluations"]:
        settings = read_params("03_train", read_params("04_evaluate", name)[1]["model"])[1]
        labels = SimpleNamespace(label_names=[str(number) for number in range(settings["labels_top"])])
        cells.append(SimpleNamespace(name=name, settings=settings, test=labels))
    together = compared["together"]
    asked = Counter(changed for *_, changed in differences.pairs(cells, together))
    both = "backbone with image_size"
    assert asked == {"labels": 6, "labels_top": 6, "backbone": 4, "image_size": 4, both: 4}
    for smaller, larger, changed in differences.pairs(cells, together):
        if changed in ("backbone", both):
            assert cells[larger].settings["backbone"] == "EfficientNetB2"
            assert changed == both or cells[smaller].settings["image_size"] == 224
    assert both not in {changed for *_, changed in differences.pairs(cells)}  # it is said, not assumed


def test_peoples_view_needs_one_line_and_the_files_of_both_sources(root):
    """The line is in the params as a comment; with the folder there, it is a parameter of both."""
    for name in ("commons", "ores"):
        path = root / "params" / "01_labels" / f"{name}.yaml"
        (root / "judgements" / "01_labels" / name).mkdir(parents=True)
        path.write_text(path.read_text().replace("# annotations", "annotations"))
        assert read_params("01_labels", name)[1]["annotations"] == f"judgements/01_labels/{name}"


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
    assert len(said) >= 28
