"""The same picture in several folders, or in several rows of a table: one file with all that was said."""

from PIL import Image

from wikitopics.sources import open_source


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
