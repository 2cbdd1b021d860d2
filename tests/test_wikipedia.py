"""The params set for the real thing: with its downloads in place, all of its 50 runs are ready."""

import os
import shutil
import subprocess
import sys
from collections import Counter
from types import SimpleNamespace

import pytest

from depicts_planted import write_mediainfo, write_pages
from dump_planted import plant
from test_wit import row, url, write_tsv
from wikitopics.compare import differences
from wikitopics.params import read_params
from wikitopics.paths import PROJECT, STAGES

PARAMS = PROJECT / "wikipedia" / "params"
LABELS = ("commons", "commons-walk", "ores")  # of the grid and the walk
STATED = ("commons", "depicts", "ores")  # of the files that people said something of
RUNS = sum(1 for _ in PARAMS.glob("*/*.yaml"))


@pytest.fixture
def root(tmp_path, monkeypatch):
    """The params beside downloads that are there, but tiny."""
    monkeypatch.setenv("WIKITOPICS_ROOT", str(tmp_path))
    shutil.copytree(PARAMS, tmp_path / "params")
    for name in ("commonswiki", "wit", "pictures", "search_index"):
        (tmp_path / "downloads" / name).mkdir(parents=True)
    plant(tmp_path / "downloads" / "commonswiki")
    write_mediainfo(tmp_path / "downloads" / "commonswiki" / "commons-20260101-mediainfo.json.gz", [])
    write_pages(tmp_path / "downloads" / "commonswiki" / "wikidatawiki-20260101-wb_items_per_site.sql.gz")
    shard = tmp_path / "downloads" / "wit" / "wit_v1.train.all-00000-of-00010.tsv.gz"
    write_tsv(shard, [row("https://en.wikipedia.org/wiki/Cat", url("Tom's cat.jpg"))])
    return tmp_path


def test_every_run_is_ready(root):
    """Four label runs, two image sets, twenty networks, their evaluations, three comparisons, the wikis."""
    command = [sys.executable, "-m", "wikitopics.cli", "run", "--dry-run", "--root", root]
    found = subprocess.run(command, capture_output=True, text=True, env=os.environ | {"WIKITOPICS_ROOT": ""})
    assert found.returncode == 0, found.stderr
    runs = [line.split()[0] for line in found.stdout.splitlines() if line.startswith(STAGES)]
    assert len(runs) == len(set(runs)) == RUNS == 50


def trained(comparison: str) -> list[dict]:
    """The settings of 03 behind each evaluation of a run of 05."""
    models = [
        read_params("04_evaluate", name)[1]["model"]
        for name in read_params("05_compare", comparison)[1]["evaluations"]
    ]
    return [read_params("03_train", model)[1] for model in models]


def test_the_grid_is_the_one_of_the_mission(root):
    cells = trained("grid")
    grid = {(c["labels"], c["backbone"], c["image_size"], c["labels_top"], c["weights"]) for c in cells}
    sizes = (("EfficientNetB0", 224), ("EfficientNetB2", 260), ("EfficientNetB2", 224))
    assert grid == {(s, *b, n, "imagenet") for s in ("commons", "ores") for b in sizes for n in (10, 20)}


def test_all_labels_are_of_the_same_files_and_images(root):
    """Commons' labels are the learned ones, the walk's stand beside them, and no picture is one source's."""
    runs = {name: read_params("01_labels", name)[1] for name in (*LABELS, "depicts")}
    assert [run["label_source"] for run in runs.values()] == ["commons-learned", "commons", "ores", "depicts"]
    for name in ("source", "dump", "wit", "max_files", "image_root", "min_images"):
        assert len({run[name] for run in runs.values()}) == 1
    _, images = read_params("02_images", "wikipedia")
    assert (images["labels"], images["labelled_by"]) == (list(LABELS), "all")
    assert {cell["images"] for name in ("grid", "walk") for cell in trained(name)} == {"wikipedia"}


def test_what_is_depicted_has_an_image_set_of_its_own(root):
    """One file in five has statements: the grid does not lose the others, and three sources share these."""
    _, images = read_params("02_images", "stated")
    assert (images["labels"], images["labelled_by"]) == (list(STATED), "all")
    cells = trained("stated")
    grid = {(c["images"], c["labels"], c["backbone"], c["labels_top"]) for c in cells}
    assert grid == {("stated", source, "EfficientNetB0", n) for source in STATED for n in (10, 20)}
    assert Counter(changed for *_, changed in differences.pairs(cells_of("stated"))) == {
        "labels": 6,
        "labels_top": 3,
    }


def cells_of(comparison: str) -> list[SimpleNamespace]:
    """Cells as far as their settings tell."""
    cells = []
    for settings in trained(comparison):
        labels = SimpleNamespace(label_names=[str(number) for number in range(settings["labels_top"])])
        cells.append(SimpleNamespace(name=settings["run"], settings=settings, test=labels))
    return cells


def test_the_walk_is_compared_with_what_was_learned_and_with_nothing_else(root):
    cells = cells_of("walk")
    pairs = [
        (cells[one].name, cells[other].name, changed) for one, other, changed in differences.pairs(cells)
    ]
    assert [pair for pair in pairs if pair[2] == "labels"] == [
        ("commons-10-b0", "commons-walk-10-b0", "labels"),
        ("commons-20-b0", "commons-walk-20-b0", "labels"),
    ]
    assert Counter(changed for *_, changed in pairs) == {"labels": 2, "labels_top": 2}


def test_every_claim_of_05_has_its_runs(root):
    """Pairs for each question that 05 asks: source, number of labels, size alone, resolution alone, both."""
    cells, together = cells_of("grid"), read_params("05_compare", "grid")[1]["together"]
    asked = Counter(changed for *_, changed in differences.pairs(cells, together))
    both = "backbone with image_size"
    assert asked == {"labels": 6, "labels_top": 6, "backbone": 4, "image_size": 4, both: 4}
    for smaller, larger, changed in differences.pairs(cells, together):
        if changed in ("backbone", both):
            assert cells[larger].settings["backbone"] == "EfficientNetB2"
            assert changed == both or cells[smaller].settings["image_size"] == 224
    assert both not in {changed for *_, changed in differences.pairs(cells)}  # it is said, not assumed


def test_peoples_view_needs_one_line_and_the_files_of_both_sources(root):
    """The line is in the params as a comment; with the folders there, it is a parameter of all four.

    The learned labels and the two walks' are of one vocabulary: people say once what serves all.
    """
    of_commons = ("commons", "commons-walk", "depicts")
    for name, said in (*((name, "commons") for name in of_commons), ("ores", "ores")):
        path = root / "params" / "01_labels" / f"{name}.yaml"
        (root / "judgements" / "01_labels" / said).mkdir(parents=True, exist_ok=True)
        path.write_text(path.read_text().replace("# annotations", "annotations"))
        assert read_params("01_labels", name)[1]["annotations"] == f"judgements/01_labels/{said}"


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
    assert len(said) >= RUNS
