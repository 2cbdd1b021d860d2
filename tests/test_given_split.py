"""A split that people bring: a column, or folders train, val and test; groups never cross it."""

import numpy as np
import pandas as pd
from PIL import Image

from wikitopics.images.image_set import Selection
from wikitopics.images.split import SPLITS, split_of
from wikitopics.sources import open_source

SHARES = (0.6, 0.2, 0.2)


def test_folders_train_val_and_test_are_a_split_and_no_labels(tmp_path, monkeypatch):
    monkeypatch.setenv("WIKITOPICS_ROOT", str(tmp_path))
    for part in ("train", "val", "test"):
        (tmp_path / "pics" / part / "cats").mkdir(parents=True)
        Image.new("RGB", (8, 8)).save(tmp_path / "pics" / part / "cats" / "1.png")
    files = open_source("folder", image_root="pics").files()
    assert dict(zip(files["path"], files["split"], strict=True)) == {
        "test/cats/1.png": "test",
        "train/cats/1.png": "train",
        "val/cats/1.png": "validation",
    }
    assert files["categories"].tolist() == [["cats"]] * 3
    assert files.attrs["notes"]["files in folders that are parts of a split"] == 3
    (tmp_path / "pics" / "dogs").mkdir()
    Image.new("RGB", (8, 8)).save(tmp_path / "pics" / "dogs" / "1.png")
    files = open_source("folder", image_root="pics").files()
    assert "split" not in files
    assert files.attrs["notes"]["folders named as parts of a split that are categories here"] == 3


def test_a_given_split_is_kept_and_no_group_crosses_it():
    given = pd.Series(["train", "train", "validation", "test", "test", "validation"])
    part, notes = split_of(given, np.ones((6, 1)), np.array([0, 1, 2, 0, 3, 4]), SHARES, 0)
    assert part.tolist() == ["train", "train", "validation", "train", "test", "validation"]
    assert notes == {"images of the given split": 6, "images moved to their group": 1}


def test_what_a_given_split_lacks_is_dealt_out_of_train():
    given, groups = pd.Series(["train"] * 80 + ["test"] * 20), np.arange(100) // 2
    part, notes = split_of(given, np.ones((100, 1)), groups, SHARES, 0)
    assert (part[80:] == "test").all() and (part[:80] == "validation").sum() == 20
    assert all(len(set(part[groups == group])) == 1 for group in range(50))
    assert notes["images dealt to validation, which it lacks"] == 20


def test_without_a_given_split_all_is_dealt():
    part, notes = split_of(None, np.ones((10, 1)), np.arange(10), SHARES, 0)
    assert set(part) == set(SPLITS) and notes == {}


def test_a_selection_knows_the_split_of_its_files():
    files = pd.DataFrame({"title": ["a", "b"], "path": ["a", "b"], "split": ["train", "test"]})
    selection = Selection(None, files, [], np.zeros((2, 0)), [])
    assert selection.split_of(pd.Series(["b", "a"])).tolist() == ["test", "train"]
    assert Selection(None, files.drop(columns="split"), [], np.zeros((2, 0)), []).split_of(["a"]) is None
