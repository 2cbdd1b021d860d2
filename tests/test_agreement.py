"""Whether label sources agree: counted by hand, topic by topic, with files to look at."""

import numpy as np
import pandas as pd
import pytest

from wikitopics.artefacts import write_array, write_json, write_table
from wikitopics.compare import agreement
from wikitopics.compare.agreement import LabelRun
from wikitopics.show import comparison_figures

SAID = {  # what three sources say of six files
    "commons": ("v1.4", [["Food"], ["Food"], ["Space"], ["Music"], [], ["Food"]]),
    "depicts": ("v1.4", [["Food"], ["Space"], ["Space"], [], ["Food"], ["Food"]]),
    "ores": ("ores-64", [["Culture.Food and drink"], [], ["STEM.Space"], ["STEM.Space"], [], ["STEM.Space"]]),
}
NAMES = {"v1.4": ["Space", "Music", "Food"], "ores-64": ["STEM.Space", "Culture.Food and drink"]}
TITLES = [f"{number}.png" for number in range(6)]


@pytest.fixture
def root(tmp_path, monkeypatch):
    monkeypatch.setenv("WIKITOPICS_ROOT", str(tmp_path))
    for run, (taxonomy, lists) in SAID.items():
        folder = tmp_path / "data" / "01_labels" / run
        write_table(folder / "labels.parquet", pd.DataFrame({"title": TITLES, "labels": lists}))
        write_json(folder / "label_names.json", {"taxonomy": taxonomy, "label_names": NAMES[taxonomy]})
        write_json(folder / "run.json", {})
    people = pd.DataFrame({"title": TITLES[:3], "labels": [["Food"], ["Food"], ["Food"]]})
    write_table(tmp_path / "data" / "01_labels" / "commons" / "human.parquet", people)
    images = tmp_path / "data" / "02_images" / "sample"
    write_table(images / "images.parquet", pd.DataFrame({"title": TITLES[:5], "row": [4, 3, 2, 1, 0]}))
    write_array(images / "images.npy", np.arange(5, dtype=np.uint8)[:, None, None, None] * np.ones((2, 2, 3)))
    write_json(images / "run.json", {"parameters": {"labels": ["commons", "ores"]}})
    return tmp_path


class Cell:
    """What is read of a cell here."""

    def __init__(self, labels: str) -> None:
        self.settings = {"images": "sample", "labels": labels}


def runs(*names: str) -> list[LabelRun]:
    found = [agreement.read_label_run(names[0])]
    return [*found, *(agreement.read_label_run(name, found[0].titles) for name in names[1:])]


def test_the_label_runs_are_those_of_the_images_and_those_that_were_learned_from(root):
    found = agreement.read_label_runs([Cell("commons"), Cell("depicts")])
    assert [run.name for run in found] == ["commons", "ores", "depicts"]
    assert [len(agreement.by_topic(found[:n])) > 0 for n in (1, 2, 3)] == [False, True, True]


def test_files_are_counted_by_hand(root):
    agreed = agreement.by_topic(runs("commons", "depicts", "ores")).set_index(["first", "second", "topic"])
    counts = ["files", "both", "first_only", "second_only"]
    # both label 0, 1, 2 and 5; Music is said by neither there
    assert agreed.loc[("commons", "depicts", "Food"), counts].tolist() == [4, 2, 1, 0]
    assert agreed.loc[("commons", "depicts", "Space"), counts].tolist() == [4, 1, 0, 1]
    assert ("commons", "depicts", "Music") not in agreed.index
    food = agreed.loc[("commons", "depicts", "Food")]
    assert food["shared"] == pytest.approx(2 / 3)
    chance = 3 / 4 * 2 / 4 + 1 / 4 * 2 / 4
    assert food["kappa"] == pytest.approx((3 / 4 - chance) / (1 - chance))
    # commons and ores both label 0, 2, 3 and 5, each in its own words
    space = agreed.loc[("commons", "ores", "Space")]
    assert space["other_topic"] == "STEM.Space" and space[counts].tolist() == [4, 1, 0, 2]


def test_a_combined_run_is_not_set_beside_what_it_was_made_from(root):
    folder = root / "data" / "01_labels" / "depicts"
    write_json(folder / "run.json", {"parameters": {"combines": ["commons"]}})
    for order in (("commons", "depicts", "ores"), ("depicts", "commons", "ores")):
        agreed = agreement.by_topic(runs(*order))
        assert {*zip(agreed["first"], agreed["second"], strict=True)} == {
            ("commons", "ores"),
            ("depicts", "ores"),
        }


def test_a_topic_that_all_have_says_nothing_beyond_chance():
    said = np.ones((3, 1), np.uint8)
    two = [LabelRun(name, "v1.4", ["Food"], pd.Index(TITLES[:3]), said) for name in "ab"]
    found = agreement.by_topic(two)
    assert found["shared"].tolist() == [1] and found["kappa"].isna().all()
    assert "too few" in agreement.in_words(agreement.coverage(two), found)[1]


def test_what_each_source_covers_and_how_it_meets_people(root):
    covered = agreement.coverage(runs("commons", "ores"), rounds=20).set_index("run")
    assert covered.loc["commons", ["files", "labelled", "people"]].tolist() == [6, 5, 3]
    assert covered.loc["commons", "labels_a_file"] == 1
    assert covered.loc["commons", "micro_f1"] == pytest.approx(2 / 3)  # two of three, and one Space too many
    assert covered.loc["commons", "macro_f1"] == pytest.approx(4 / 5)  # of Food, which alone people know
    assert covered.loc["commons", "micro_f1_low"] <= 2 / 3 <= covered.loc["commons", "micro_f1_high"]
    assert covered.loc["ores", "people"] == 0 and np.isnan(covered.loc["ores", "micro_f1"])


def test_pictures_are_those_of_which_one_says_so_and_the_other_not(root, monkeypatch):
    monkeypatch.setattr(agreement, "FEWEST", 1)
    three = runs("commons", "depicts", "ores")
    agreed = agreement.by_topic(three)
    found = agreement.disagreements(three, agreed[agreed["topic"] == "Food"], "sample", seed=0)
    told = ["topic", "said_by", "not_by", "title", "row"]
    assert ["Food", "commons", "depicts", "1.png", 3] in found[told].to_numpy().tolist()
    found = agreement.disagreements(three, agreed, "sample", seed=0)
    assert ["STEM.Space", "ores", "commons", "3.png", 1] in found[told].to_numpy().tolist()
    assert "5.png" not in set(found["title"])  # it is no image of the set
    assert found["title"].is_unique
    assert [picture[0, 0, 0] for picture in agreement.pictures("sample", found)] == found["row"].tolist()
    assert agreement.captions(found)[0].startswith(f"{found['topic'][0]}\nby {found['said_by'][0]}, not ")


def test_the_sentences_name_the_best_and_the_worst_topic(root, monkeypatch):
    monkeypatch.setattr(agreement, "FEWEST", 1)
    three = runs("commons", "depicts", "ores")
    words = agreement.in_words(agreement.coverage(three), agreement.by_topic(three))
    assert words[0] == (
        "commons labels 83% of 6 files, depicts labels 83% of 6 files, ores labels 67% of 6 files."
    )
    assert words[1].startswith(
        "commons and depicts both label 4 files; of the topics that either gives there, "
    )
    assert "both give 60%" in words[1] and len(words) == 4


def test_the_figure_has_a_mark_for_each_pair_and_topic(root):
    agreed = agreement.by_topic(runs("commons", "depicts", "ores"))
    figure = comparison_figures.agreement(agreed)
    assert [trace.name for trace in figure.data] == [
        "commons and depicts",
        "commons and ores",
        "depicts and ores",
    ]
    assert sum(len(trace.x) for trace in figure.data) == agreed["kappa"].notna().sum()
    assert len({trace.marker.symbol for trace in figure.data}) == 3
