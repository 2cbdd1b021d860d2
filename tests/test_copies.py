"""The same picture in several folders, or in several rows of a table: one file with all that was said."""

import numpy as np
import pandas as pd
from PIL import Image

from planted import write_images, write_labels
from wikitopics.artefacts import write_table
from wikitopics.images.exact_copies import matrix_of_copies, with_labels_of_copies
from wikitopics.sources import open_source
from wikitopics.train.examples import read_examples


def test_copies_in_other_folders_are_one_file_with_all_labels(tmp_path, monkeypatch):
    monkeypatch.setenv("WIKITOPICS_ROOT", str(tmp_path))
    for place, colour in {
        "animals/1": "red",
        "birds/1": "red",
        "animals/2": "blue",
        "animals/3": "red",
    }.items():
        file = tmp_path / "pics" / f"{place}.png"
        file.parent.mkdir(parents=True, exist_ok=True)
        Image.new("RGB", (8, 8), colour).save(file)
    found = open_source("folder", image_root="pics").files()
    categories = dict(zip(found["path"], found["categories"], strict=True))
    assert categories == {"animals/1.png": ["animals", "birds"], "animals/2.png": ["animals"]}
    assert found.attrs["notes"]["copies in other folders, joined to the first"] == 2
    (tmp_path / "t.csv").write_text(
        "path,label\nanimals/1.png,animal\nbirds/1.png,bird\nanimals/2.png,animal\n"
    )
    found = open_source("table", table="t.csv", image_root="pics").files()
    assert found["labels"].tolist() == [["animal", "bird"], ["animal"]]


def test_copies_on_two_sides_of_a_split_stay_two_files(tmp_path, monkeypatch):
    monkeypatch.setenv("WIKITOPICS_ROOT", str(tmp_path))
    for place in ("train/a", "train/b", "test/a"):
        (tmp_path / "pics" / place).mkdir(parents=True)
        Image.new("RGB", (8, 8)).save(tmp_path / "pics" / place / "1.png")
    found = open_source("folder", image_root="pics").files()
    assert dict(zip(found["path"], found["categories"], strict=True)) == {
        "test/a/1.png": ["a"],
        "train/a/1.png": ["a", "b"],
    }


def test_labels_of_exact_copies_are_joined_in_02_and_in_03(tmp_path):
    """Twenty birds, each in a file of other bytes and equal pixels in the folder "birds": none is lost."""
    titles = [f"animals {i}" for i in range(20)] + [f"birds {i}" for i in range(20)]
    labels = pd.DataFrame({"title": titles, "labels": [["Animal"]] * 20 + [["Bird", "Animal"]] * 20})
    labels["scores"] = [[0.5]] * 20 + [[0.9, 0.8]] * 20
    exact = pd.DataFrame({"title": titles[20:], "duplicate_of": titles[:20], "kind": "exact"})
    joined = with_labels_of_copies(labels, exact).set_index("title")
    assert joined.loc[titles[:20], "labels"].map(sorted).tolist() == [["Animal", "Bird"]] * 20
    assert joined.loc["animals 3", "scores"] == [0.8, 0.9]
    matrix = np.array([[1, 0]] * 20 + [[1, 1]] * 20, np.uint8)
    kept, new = matrix_of_copies(matrix, pd.Series(np.arange(40), index=titles), exact)
    assert new == 20 and (kept[:20] == 1).all()
    write_images(tmp_path, n=30)
    write_labels(tmp_path, n=30)
    images, runs = tmp_path / "data/02_images/sample", tmp_path / "data/01_labels/commons"
    before = read_examples(images, runs).label_matrix
    told = {"title": ["Picture 1.png"], "duplicate_of": ["Picture 0.png"], "kind": ["exact"]}
    write_table(images / "duplicates.parquet", pd.DataFrame(told))
    after = read_examples(images, runs).label_matrix
    assert not before[0].any() and np.array_equal(after[0], before[1]) and before[1].any()
    assert np.array_equal(after[1:], before[1:])


def test_a_near_copy_gives_no_label():
    labels = pd.DataFrame({"title": ["a", "b"], "labels": [["x"], ["y"]]})
    near = pd.DataFrame({"title": ["b"], "duplicate_of": ["a"], "kind": ["near"]})
    assert with_labels_of_copies(labels, near)["labels"].tolist() == [["x"], ["y"]]
