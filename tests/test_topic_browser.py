"""The browser of scored pictures without a browser, and the figures of 06_score with their static twins."""

import numpy as np
import pandas as pd
import pytest

from wikitopics.errors import UserError
from wikitopics.judgements import verdicts
from wikitopics.scoring.groups import COLUMNS, by_group
from wikitopics.show import score_figures
from wikitopics.show.browser.surface import PAGE
from wikitopics.show.browser.topics import NONE, TopicBrowser
from wikitopics.show.figures import funnel
from wikitopics.show.png.draw import picture

HOSTILE = '<img src=x onerror="alert(1)">'
NAMES = ["Animals", f"Plants {HOSTILE}"]


def planted(n: int = 130, **more) -> TopicBrowser:
    """n pictures whose colour is their place; every third has the first topic, the first ten a group."""
    rng = np.random.default_rng(0)
    chance = rng.random((n, 2)).astype(np.float32)
    frame = pd.DataFrame({"title": [f"{place} {HOSTILE}" for place in range(n)]})
    frame["sureness"] = np.maximum(chance, 1 - chance).mean(axis=1)
    above = np.column_stack([np.arange(n) % 3 == 0, np.arange(n) == 7])
    more.setdefault(
        "images", np.broadcast_to(np.arange(n, dtype=np.uint8)[:, None, None, None], (n, 8, 8, 3))
    )
    groups = pd.Series([[HOSTILE] if place < 10 else [] for place in range(n)])
    return TopicBrowser(frame, chance, above, NAMES, groups=groups, **more)


def test_the_least_sure_come_first_and_steps_follow_the_order():
    browser = planted()
    assert len(browser.found) == 130 and (np.diff(browser.sureness[browser.found]) >= 0).all()
    browser.step(+1)
    assert browser.at == 1 == browser.widget.opened["place"] and browser.widget.opened["of"] == 130
    browser.open(PAGE)
    assert browser.number == 2
    browser.hear({"act": "step", "by": -1})
    assert browser.at == PAGE - 1 and browser.number == 1
    browser.step(-100)
    assert browser.at == 0


def test_the_pictures_of_a_page_are_asked_for_together():
    class Decoded:
        """What is decoded when asked for: how many at a time."""

        asked: list[int] = []

        def __len__(self) -> int:
            return 130

        def __getitem__(self, row: int) -> np.ndarray:
            return self.several([row])[0]

        def several(self, rows: list[int]) -> list[np.ndarray]:
            self.asked.append(len(rows))
            return [np.full((8, 8, 3), row, np.uint8) for row in rows]

    browser = planted(images=Decoded(), nearest=lambda place: [(129, 0.9), (128, 0.8), (place, 0.7)])
    tiles = [tile["jpeg"] for tile in browser.widget.page["tiles"]]
    assert Decoded.asked[:2] == [PAGE, 1] and len(Decoded.asked) <= 3  # a page, the opened one, its alike
    plain = planted().widget.page["tiles"]
    assert tiles == [tile["jpeg"] for tile in plain]
    browser.show_page(1)
    assert len(Decoded.asked) <= 3  # what was made is kept


def test_filters_by_topic_group_sureness_and_words():
    browser = planted()
    browser.choose(topic=0)
    assert set(browser.found) == set(range(0, 130, 3))
    browser.choose(order="most probable first")
    assert (np.diff(browser.probabilities[browser.found, 0]) <= 0).all()
    browser.choose(group=HOSTILE)
    assert set(browser.found) == {0, 3, 6, 9}
    browser.choose(topic=NONE)
    assert set(browser.found) == {1, 2, 4, 5, 8}
    browser.choose(group="", low=0.7, high=0.8)
    assert ((browser.sureness[browser.found] >= 0.7) & (browser.sureness[browser.found] <= 0.8)).all()
    browser.choose(topic=1)
    assert set(browser.found) <= {7}
    browser.choose(low=1.0)
    assert len(browser.found) == 0 and browser.at is None and browser.widget.opened == {}
    browser.reset()
    browser.choose(search="7 plants")
    assert set(browser.found) == {7}
    with pytest.raises(UserError, match="a filter is one of topic"):
        browser.choose(label=1)


def test_topics_are_judged_and_corrected_and_the_journal_is_read_again(tmp_path):
    browser = planted(judgements=tmp_path / "run", reviewer="me")
    browser.choose(topic=1)  # of picture 7 alone
    browser.judge("label wrong")
    browser.choose(topic=NONE, order="most sure first")
    place = int(browser.found[0])
    best = NAMES[int(np.argmax(browser.probabilities[place]))]
    browser.toggle("Animals")
    browser.judge("label wrong")  # nothing is given: it is about the most probable one
    saved = verdicts(tmp_path / "run")
    assert saved.title.tolist() == [browser.titles[7], browser.titles[place]]
    assert saved.label.tolist() == [NAMES[1], best] and saved.kind.tolist() == ["given", "not given"]
    assert saved.corrected_labels[1] == ["Animals"]
    again = planted(judgements=tmp_path / "run", reviewer="me")
    again.choose(reviewed="reviewed")
    assert set(again.found) == {7, place}
    again.choose(reviewed="not reviewed")
    assert len(again.found) == 128
    browser.undo()
    assert len(verdicts(tmp_path / "run")) == 1


def test_look_alikes_are_told_and_opened():
    browser = planted(nearest=lambda place: [((place + 1) % 130, 0.9)])
    near = browser.widget.near["pictures"][0]
    assert near["like"] == 0.9 and near["image"] == (browser.image + 1) % 130
    browser.choose(topic=1)
    browser.look_at(9)
    assert browser.image == 9 and len(browser.found) == 1
    browser.show_all()
    assert len(browser.found) == 130


def test_no_picture_at_all():
    browser = planted(0)
    assert browser.at is None and browser.widget.opened == {}


COUNTS = pd.DataFrame(
    {
        "label": ["A", "B", f"C {HOSTILE}"],
        "counted": [5, 3, 0],
        "counted_share": [0.5, 0.3, 0.0],
        "share": [0.4, np.nan, 0.02],
        "low": [0.2, 0.0, 0.0],
        "high": [0.6, 1.0, 0.1],
        "people": [0.45, 0.2, 0.0],
    }
)


def group_table(n: int) -> pd.DataFrame:
    above = np.arange(n)[:, None] < [n // 3, n // 2]
    return by_group(pd.Series([["first" if i < n // 3 else HOSTILE] for i in range(n)]), above, ["A", "B"], 1)


FIGURES = {
    "funnel": lambda: funnel([{"step": "all", "files": 7}, {"step": "some", "files": 3}], "Files left"),
    "shares": lambda: score_figures.topic_shares(COUNTS),
    "people": lambda: score_figures.against_people(COUNTS),
    "sureness": lambda: score_figures.sureness(np.linspace(0.6, 1, 50), 0.71),
    "sureness of none": lambda: score_figures.sureness(np.array([]), 0.0),
    "groups": lambda: score_figures.by_group(group_table(60)),
    "lacking": lambda: score_figures.lacking(group_table(60)),
    "nothing": lambda: score_figures.lacking(pd.DataFrame(columns=COLUMNS)),
}


@pytest.mark.parametrize("name", FIGURES)
def test_figures_have_a_twin_and_titles(name):
    figure = FIGURES[name]()
    assert picture(figure).width > 500
    assert figure.layout.xaxis.title.text and "<img" not in figure.to_json().replace("\\u003c", "<")


def test_bars_of_sureness_break_at_the_cut():
    figure = score_figures.sureness(np.array([0.69, 0.705, 0.711, 0.9]), 0.71)
    answered, silent = figure.data
    assert sum(answered.y) == 2 and sum(silent.y) == 2
    assert max(silent.x) < 71 < min(answered.x)


def test_what_cannot_be_told_looks_different():
    names = [trace.name for trace in score_figures.topic_shares(COUNTS).data]
    assert "cannot be told" in names
    assert "cannot be told" not in [t.name for t in score_figures.topic_shares(COUNTS.dropna()).data]
