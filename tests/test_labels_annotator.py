"""The annotation widget, driven without a browser: ancestors, none, several people, a restarted kernel."""

import numpy as np

from wikitopics.judgements import annotations
from wikitopics.labels.people import majority
from wikitopics.labels.taxonomy import load
from wikitopics.show.browser.annotator import Annotator
from wikitopics.sources import file_page

V14 = load("v1.4")
EVIL = "<img src=x onerror=alert(1)>.jpg"
GREY = np.full((8, 8, 3), 128, dtype=np.uint8)
TITLES = ["a.jpg", "b.jpg", EVIL]


def annotator(path=None, who="x", picture=lambda title: GREY, page=""):
    return Annotator(TITLES, V14.label_names, V14.parents, picture, path, who, page)


def where(one: Annotator) -> str:
    return one.widget.opened["where"]


def test_ticking_adds_what_lies_above_and_unticking_takes_what_lies_below():
    one = annotator()
    one.tick("Animals")
    assert one.chosen == ["STEM", "Nature", "Animals"]
    one.tick("Food")
    one.tick("Nature", False)
    assert one.chosen == ["STEM", "Culture", "Food"]


def test_a_judgement_is_on_disk_at_once_and_survives_the_kernel(tmp_path):
    path = tmp_path / "run"
    one = annotator(path)
    one.tick("Food")
    one.hear({"act": "save"})
    assert annotations(path)["labels"].tolist() == [["Culture", "Food"]]
    assert one.title == "b.jpg" and one.chosen == []
    one.hear({"act": "none"})
    again = annotator(path)
    assert again.title == EVIL and "2 judged by x" in where(again)
    again.hear({"act": "move", "step": -1})
    assert again.title == "b.jpg" and "· judged" in where(again) and again.chosen == []
    again.hear({"act": "move", "step": -1})
    assert again.chosen == ["Culture", "Food"]


def test_several_people_keep_their_own_word_in_one_file(tmp_path):
    path = tmp_path / "run"
    people = [annotator(path, who) for who in "xyz"]
    for person, label in zip(people, ["Food", "Food", "Art"], strict=True):
        person.tick(label)
        person.save()
    people[2].move(-1)
    people[2].tick("Art", False)
    people[2].tick("Music")
    people[2].save()
    table = annotations(path)
    assert table["annotator"].tolist() == ["x", "y", "z"]
    assert table["labels"].map(list).tolist()[2] == ["Culture", "Music"]
    assert majority(table, V14)["labels"].tolist() == [["Culture", "Food"]]


def test_a_judgement_that_cannot_be_written_is_told_and_what_is_ticked_stays(tmp_path):
    (tmp_path / "file").write_text("")
    one = annotator(tmp_path / "file" / "run")
    one.tick("Food")
    one.hear({"act": "save"})
    assert "NOT SAVED: Culture, Food" in one.widget.said["text"] and one.widget.said["failed"]
    assert one.title == "a.jpg" and one.chosen == ["Culture", "Food"]


def test_skipping_files_nothing_and_the_ends_hold():
    one = annotator()
    for _ in range(5):
        one.hear({"act": "move", "step": 1})
    assert one.title == EVIL and one.annotations.table().empty
    for _ in range(5):
        one.hear({"act": "move", "step": -1})
    assert one.title == "a.jpg"


def test_a_picture_that_is_not_there_leaves_its_page_on_commons():
    one = annotator(picture=lambda title: None, page=file_page("wit"))
    one.move(2)
    assert one.widget.opened["jpeg"] is None and one.widget.opened["title"] == EVIL
    assert one.widget.opened["address"].startswith("https://commons.wikimedia.org/wiki/File:%3Cimg")
    assert annotator(page=file_page("folder")).widget.opened["address"] == ""  # files of no wiki have none


def test_the_page_toggles_forgets_and_sees_what_was_said():
    one = annotator()
    food = one.names.index("Food")
    one.hear({"act": "toggle", "label": food})
    assert one.chosen == ["Culture", "Food"]
    assert {label["name"] for label in one.widget.opened["labels"] if label["now"]} == {"Culture", "Food"}
    one.hear({"act": "forget"})
    assert one.chosen == [] and one.annotations.table().empty
    one.tick("Food")
    one.save()
    assert "saved" in one.widget.said["text"] or "memory" in one.widget.said["text"]
    one.move(-1)
    assert one.chosen == ["Culture", "Food"]


def test_only_a_file_that_was_seen_is_judged_and_nothing_chosen_is_no_judgement(tmp_path):
    one = annotator(tmp_path / "run")
    for act in ({"act": "save"}, {"act": "none"}, {"act": "toggle", "label": 0}):
        one.hear(act | {"seen": 1})
        assert "not shown yet" in one.widget.said["text"] and one.title == "a.jpg" and not one.chosen
    one.hear({"act": "save", "seen": 0})
    assert "press 2" in one.widget.said["text"] and one.title == "a.jpg"
    assert annotations(tmp_path / "run").empty
    one.hear({"act": "none", "seen": 0})
    assert annotations(tmp_path / "run")["labels"].tolist() == [[]] and one.title == "b.jpg"


def test_what_is_chosen_is_saved_before_another_file_comes(tmp_path):
    one = annotator(tmp_path / "run")
    one.tick("Food")
    one.hear({"act": "move", "step": 1})
    assert annotations(tmp_path / "run")["labels"].tolist() == [["Culture", "Food"]] and one.title == "b.jpg"
    one.tick("Art")
    one.hear({"act": "forget"})
    assert one.chosen == [] and len(annotations(tmp_path / "run")) == 1
