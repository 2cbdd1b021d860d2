"""The browser of mistakes without a browser: what is chosen, what is shown, what is written."""

import errno
import json
import os
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from wikitopics.errors import UserError
from wikitopics.evaluate.calibration import reliability
from wikitopics.evaluate.mistakes import confusion_shares, mistakes, multi_label_confusion
from wikitopics.judgements import read, verdicts
from wikitopics.labels.labelled import read_verdicts
from wikitopics.show import evaluation_figures as figures
from wikitopics.show.browser.choice import (
    AGAINST,
    CROSSING,
    DUPLICATES,
    KINDS,
    ORDERS,
    TILES,
    WANTED,
    Choice,
    Predictions,
)
from wikitopics.show.browser.clicks import hear_figures
from wikitopics.show.browser.detail import Neighbours
from wikitopics.show.browser.hops import ranked
from wikitopics.show.browser.mistakes import MistakeBrowser
from wikitopics.show.browser.reviews import Reviews
from wikitopics.show.browser.surface import PAGE
from wikitopics.vectors.text_side import Asked

HOSTILE = '<img src=x onerror="alert(1)">'
LABELS = ["Animals", "Plants", "Food"]


def planted(n: int = 60, seed: int = 0, **changed) -> dict:
    """A browser's arguments: n images, three labels, 10 more images that only neighbours can be."""
    rng = np.random.default_rng(seed)
    truth = (rng.random((n, 3)) < 0.4).astype(np.uint8)
    scores = np.round(np.clip(0.4 * truth + rng.normal(0.3, 0.25, (n, 3)), 0, 1), 3).astype(np.float32)
    frame = pd.DataFrame(
        {
            "title": [f"File {i}.png" for i in range(n)],
            "row": np.arange(n)[::-1],  # rows are not places: mixing them up must show
            "split": np.where(np.arange(n) % 3, "test", "validation"),
            "group": np.arange(n) // 2 * (np.arange(n) < 20) + np.arange(n) * (np.arange(n) >= 20) + 100,
        }
    )
    images = rng.integers(0, 255, (n + 10, 16, 16, 3)).astype(np.uint8)
    predictions = {"frame": frame, "truth": truth, "scores": scores, "thresholds": np.array([0.5, 0.4, 0.6])}
    return predictions | {"label_names": LABELS, "images": images} | changed


def spelled_out(p: dict, choice: Choice) -> list[tuple[int, int]]:
    """The (image, label) that `choice` means, one by one, unsorted."""
    frame, found = p["frame"], []
    seen: set[int] = set()
    for i in range(len(frame)):
        first = frame.group[i] not in seen
        seen.add(frame.group[i])
        twins = (frame.group == frame.group[i]).sum() - 1
        right_duplicates = {
            "all images": True,
            "without near duplicates": twins == 0,
            "only near duplicates": twins > 0,
            "one of each group": first,
        }[choice.duplicates]
        for j in range(3):
            true, predicted = bool(p["truth"][i, j]), bool(p["scores"][i, j] >= p["thresholds"][j])
            kind = f"{'true' if true == predicted else 'false'} {'positive' if predicted else 'negative'}"
            if (
                right_duplicates
                and choice.label in (None, j)
                and KINDS.index(kind) in WANTED[choice.errors]
                and choice.split in ("", frame.split[i])
                and choice.low <= p["scores"][i, j] <= choice.high
                and all(
                    word in f"{frame.title[i]} {LABELS[j]}".lower() for word in choice.search.lower().split()
                )
            ):
                found.append((i, j))
    return found


choices = st.builds(
    Choice,
    label=st.sampled_from([None, 0, 1, 2]),
    errors=st.sampled_from(list(WANTED)),
    split=st.sampled_from(["", "test", "validation", "train"]),
    low=st.sampled_from([0.0, 0.25, 0.5]),
    high=st.sampled_from([0.4, 0.75, 1.0]),
    duplicates=st.sampled_from(DUPLICATES),
    order=st.sampled_from(ORDERS),
    search=st.sampled_from(["", "file", "1 png", "ANIM", "food 2"]),
)


@settings(max_examples=60, deadline=None)
@given(choice=choices, seed=st.integers(0, 3))
def test_filters_mean_what_they_say(choice: Choice, seed: int):
    p = planted(seed=seed)
    known = Predictions(*(p[name] for name in ("frame", "truth", "scores", "thresholds", "label_names")))
    pairs = [known.parts(pair) for pair in known.select(choice)]
    assert sorted(pairs) == spelled_out(p, choice)
    scores = np.array([p["scores"][i, j] for i, j in pairs])
    chance = np.array([s if p["truth"][i, j] else 1 - s for (i, j), s in zip(pairs, scores, strict=True)])
    distance = np.array([abs(s - p["thresholds"][j]) for (_, j), s in zip(pairs, scores, strict=True)])
    without = [p["scores"][p["truth"][:, j] == 0, j].mean() for j in range(3)]
    with_it = [p["scores"][p["truth"][:, j] == 1, j].mean() for j in range(3)]
    doubt = np.array([p["scores"][i, j] - without[j] if p["truth"][i, j] else with_it[j] - p["scores"][i, j]
                      for i, j in pairs])  # fmt: skip
    sorted_by = dict(zip(ORDERS, (chance, -scores, scores, distance, doubt), strict=True))[choice.order]
    assert (np.diff(sorted_by) >= -1e-6).all()


@pytest.mark.parametrize("share", [0.0, 0.02, 0.5, 1.0])  # few are looked at one by one, many are not
@pytest.mark.parametrize("order", ORDERS)
def test_a_picture_is_led_by_the_one_of_its_pairs_that_comes_first(order: str, share: float):
    p = planted(2500, thresholds=np.array([0.5, np.inf, 0.6]))  # a label that is never predicted
    known = Predictions(*(p[name] for name in ("frame", "truth", "scores", "thresholds", "label_names")))
    found = np.random.default_rng(1).random((2500, 3)) < share
    found[0, 1] = share > 0
    bad = known.badness(order, np.arange(7500)).reshape(2500, 3)
    first = [min(bad[i, j] for j in range(3) if found[i, j]) for i in range(2500) if found[i].any()]
    led = known.leading(order, found)
    assert sorted(led // 3) == np.flatnonzero(found.any(axis=1)).tolist() and found.ravel()[led].all()
    assert bad.ravel()[led].tolist() == sorted(first)


def test_a_score_at_its_threshold_is_a_prediction():
    p = planted(
        2, scores=np.full((2, 3), 0.5, np.float32), truth=np.zeros((2, 3)), thresholds=np.full(3, 0.5)
    )
    browser = by_pair(**p)
    assert len(browser.found) == 6
    assert {browser.key(pair)[2] for pair in browser.found} == {"false positive"}


def by_pair(**given) -> MistakeBrowser:
    """A browser whose tiles are pairs."""
    browser = MistakeBrowser(**given)
    browser.choose(tiles=TILES[1])
    return browser


def opened(browser: MistakeBrowser) -> dict:
    return browser.widget.opened


def now(browser: MistakeBrowser) -> list[str]:
    """The labels of the opened picture as they stand."""
    return [label["name"] for label in opened(browser)["labels"] if label["now"]]


def test_shapes_must_agree():
    with pytest.raises(UserError, match="same run"):
        MistakeBrowser(**planted(thresholds=np.full(4, 0.5)))


def test_a_filter_that_is_not_there_is_refused_with_those_that_are():
    browser = MistakeBrowser(**planted())
    for wrong, said in (
        ({"color": 1}, "a filter is one of"),
        ({"label": "Cars"}, "a label must be one of Animals, Plants, Food"),
        ({"errors": "all"}, "errors must be one of"),
        ({"order": ""}, "order must be one of"),
    ):
        with pytest.raises(UserError, match=said):
            browser.choose(**wrong)
    browser.hear({"act": "choose", "errors": "all"})  # a page that is wrong is told so
    assert browser.widget.said["failed"] and "errors must be one of" in browser.widget.said["text"]
    browser.hear({"act": "no such thing"})
    browser.hear({"act": "open", "place": "x"})
    browser.hear({})
    assert browser.widget.said["failed"] and browser.at == 0


def test_opening_shows_the_worst_mistake():
    p = planted()
    browser = MistakeBrowser(**p)
    image, label = browser.predictions.parts(browser.pair)
    wrong = (p["scores"] >= p["thresholds"]) != p["truth"]
    chance = np.where(p["truth"], p["scores"], 1 - p["scores"])
    assert chance[image, label] == chance[wrong].min()
    assert p["frame"].title[image] == opened(browser)["title"]


def test_a_picture_is_one_tile_with_all_its_labels():
    p = planted()
    browser = MistakeBrowser(**p)
    wrong = (p["scores"] >= p["thresholds"]) != p["truth"]
    assert len(browser.found) == wrong.any(axis=1).sum() and len(browser.pairs) == wrong.sum()
    pages = (browser.show_page(page + 1) or browser.widget.page["tiles"] for page in range(browser.pages))
    tiles = [tile for page in pages for tile in page]
    assert len({tile["title"] for tile in tiles}) == len(tiles) == len(browser.found)
    kind = {"true positive": (1, 1), "false positive": (0, 1), "false negative": (1, 0)}
    for tile in tiles:
        truth, said = p["truth"][tile["image"]], (p["scores"] >= p["thresholds"])[tile["image"]]
        assert {(LABELS.index(name), *kind[of]) for name, of in tile["chips"]} == {
            (j, truth[j], said[j]) for j in range(3) if truth[j] or said[j]
        }
        assert [of == "true positive" for _, of in tile["chips"]] == sorted(
            of == "true positive" for _, of in tile["chips"]
        )  # mistakes first
    browser.choose(tiles=TILES[1])
    assert len(browser.found) == wrong.sum() and len(browser.widget.page["tiles"][0]["chips"]) == 1


def test_what_is_searched_is_ready_when_somebody_goes_to_the_search_field():
    browser, found = by_pair(**planted()), "texts"
    assert found not in vars(browser.predictions)
    browser.hear({"act": "searching"})
    assert found in vars(browser.predictions) and not browser.widget.said.get("failed")


def test_pages_and_steps():
    browser = by_pair(**planted(200))
    browser.choose(errors="all predictions")
    assert len(browser.found) == 600 and browser.pages == 600 // PAGE
    browser.hear({"act": "page", "number": 2})
    assert browser.number == 2 and len(browser.widget.page["tiles"]) == PAGE
    browser.hear({"act": "open", "place": PAGE + 3})
    assert browser.at == PAGE + 3 == opened(browser)["place"]
    browser.open(PAGE - 1)
    assert browser.number == 1
    browser.hear({"act": "step", "by": 1})
    assert browser.number == 2 and browser.at == PAGE  # a step turns the page
    browser.open(10_000)
    assert browser.at == 599
    browser.step(+1)
    assert browser.at == 599


def test_nothing_found_says_so_and_reset_brings_all_back():
    browser = MistakeBrowser(**planted())
    everything = len(browser.found)
    browser.choose(low=0.999, errors="false negatives")
    assert len(browser.found) == 0 and browser.widget.page["tiles"] == [] and opened(browser) == {}
    browser.judge("unsure")  # nothing is open: nothing happens
    browser.step(1)
    browser.toggle(0)
    for act in (browser.discard, browser.undo, browser.save_labels, browser.take_back, browser.enlarge):
        act()
    assert len(browser.reviews) == 0
    browser.reset()
    assert len(browser.found) == everything and browser.at == 0


def test_a_search_finds_words_of_titles_categories_items_and_labels():
    p = planted()
    lists = {
        "categories": [["Red foxes"]] * 2 + [[]] * 58,
        "items": [[]] * 2 + [["house cat (Q146)"]] + [[]] * 57,
    }
    browser = by_pair(**p, details=pd.DataFrame(lists, p["frame"].title))
    for words in ("cat", "q146 file", "(q146)"):
        browser.choose(errors="all predictions", search=words)
        assert {browser.key(pair)[0] for pair in browser.found} == {"File 2.png"}
    browser.choose(errors="all predictions", search="FOX file")
    assert {browser.key(pair)[0] for pair in browser.found} == {"File 0.png", "File 1.png"}
    browser.choose(search="fox plants")
    assert {browser.key(pair)[:2] for pair in browser.found} == {
        ("File 0.png", "Plants"),
        ("File 1.png", "Plants"),
    }


def worded(**given) -> MistakeBrowser:
    """A browser whose pictures lie around the compass: picture k at k degrees from "fox"."""
    p = planted(**given)
    degrees = np.radians(np.arange(len(p["images"])))

    def by_words(words: str) -> Asked:
        if "fox" not in words:
            raise UserError("words asked of pictures must be in a text that has a vector; take others")
        return Asked([f"a photo of a {words}"], np.cos(degrees).astype(np.float32))

    return MistakeBrowser(**p, by_words=by_words)


def test_words_after_a_tilde_put_what_is_found_in_the_order_of_likeness():
    browser = worded()
    known, before = browser.predictions, set(browser.found // browser.width)
    browser.choose(search="~fox")
    rows = known.rows[browser.found // browser.width]
    assert rows.tolist() == sorted(rows.tolist()) and set(browser.found // browser.width) == before
    assert browser.widget.page["unit"] == "pictures, by likeness to a photo of a fox"
    assert browser.widget.page["tiles"][0]["line"].startswith(f"alike {np.cos(np.radians(rows[0])):.2f}, 0.")
    browser.choose(search="~fox", tiles="a picture and label", errors="false positives")
    rows = known.rows[browser.found // browser.width]
    assert rows.tolist() == sorted(rows.tolist()) and set(known.kinds.ravel()[browser.found]) == {2}
    browser.choose(search="~", tiles="a picture", errors="both kinds of mistake")
    assert browser.widget.page["unit"] == "pictures" and set(browser.found // browser.width) == before


def test_words_that_no_text_has_change_nothing_and_are_told():
    browser = worded()
    browser.choose(search="~fox")
    found = browser.found.tolist()
    browser.hear({"act": "choose", "search": "~whale"})
    assert browser.found.tolist() == found and browser.choice.search == "~fox"
    assert "must be in a text that has a vector" in browser.widget.said["text"]
    assert browser.widget.setup["has"]["words"]


def test_a_run_without_a_text_side_says_so():
    browser = MistakeBrowser(**planted())
    with pytest.raises(
        UserError, match="words after a ~ need a network with a text side, but this run has n"
    ):
        browser.choose(search="~fox")
    assert not browser.widget.setup["has"]["words"] and browser.choice.search == ""


def test_all_labels_are_told_with_scores_and_thresholds():
    browser = MistakeBrowser(**planted())
    labels = opened(browser)["labels"]
    assert [label["name"] for label in labels] == LABELS
    assert [label["cut"] for label in labels] == [0.5, 0.4, 0.6]


def test_every_source_category_and_reason_is_told():
    p = planted()
    lists = {
        "categories": [["Foxes"]] * 60,
        "items": [["red fox (Q8332)", "Q1"]] * 60,
        "labels: ores": [["STEM.Biology"]] * 60,
        "labels: human": [[]] * 60,
    }
    hop = {
        "label": "Food",
        "score": 0.9,
        "start": "Apples",
        "path": ["Apples", "Fruit", "Food"],
        "rules": ["depth"],
    }
    why = pd.DataFrame([{"title": title} | hop for title in p["frame"].title])
    browser = MistakeBrowser(**p, details=pd.DataFrame(lists, p["frame"].title), why=why)
    told = opened(browser)
    assert told["items"] == ["red fox (Q8332)", "Q1"]
    assert told["categories"] == ["Foxes"] and told["sources"] == [["ores", ["STEM.Biology"]], ["human", []]]
    assert told["why"] == [
        {"label": "Food", "score": 0.9, "path": ["Apples", "Fruit", "Food"], "rules": "depth"}
    ]


def test_titles_without_details_are_shown_all_the_same():
    details = pd.DataFrame({"categories": [["Foxes"]], "labels: ores": [np.nan]}, ["File 1000.png"])
    browser = MistakeBrowser(**planted(), details=details)
    assert opened(browser)["categories"] == opened(browser)["items"] == [] and opened(browser)["labels"]
    browser.choose(search="file 1")
    assert len(browser.found)


@pytest.mark.parametrize("browser_of", [MistakeBrowser, by_pair])
def test_what_is_done_is_what_a_browser_opened_anew_would_say(tmp_path: Path, browser_of):
    rng, browser = np.random.default_rng(0), browser_of(**planted(), judgements=tmp_path / "run")
    other = Reviews(tmp_path / "run", "another person")
    browser.choose(errors="all predictions")
    for step in range(30):
        browser.open(int(rng.integers(len(browser.found))))
        act = rng.integers(4)
        if act == 0:
            browser.take_back()
        elif act == 1:
            browser.undo()
        else:
            browser.ask(int(rng.integers(browser.width)) if act == 2 else None)
            browser.judge("unsure")
        if step % 5 == 0:
            other.put(browser.key(int(rng.choice(browser.pairs))), "label right")
        browser._look()
        again = browser_of(**planted(), judgements=tmp_path / "run")
        again.choose(errors="all predictions")
        assert (again.found == browser.found).all() and (again._done == browser._done).all()
        assert len(again.reviews) == len(browser.reviews) == len(verdicts(tmp_path / "run"))
        assert (
            browser._known == np.isin(np.arange(browser._known.size), again._places(again.reviews.keys()))
        ).all()
    assert 0 < browser._done.sum() < len(browser.found)


def test_what_is_done_follows_a_verdict_that_comes_while_tiles_change_their_kind(tmp_path: Path):
    browser, other = MistakeBrowser(**planted(), judgements=tmp_path), Reviews(tmp_path, "another person")
    for step, tiles in enumerate((TILES[1], TILES[0], TILES[1], TILES[0])):
        other.put(browser.key(int(browser.pairs[-1 - step])), "label right")
        browser.choose(tiles=tiles, errors=list(WANTED)[step % 2])
        again = MistakeBrowser(**planted(), judgements=tmp_path)
        again.choose(tiles=tiles, errors=list(WANTED)[step % 2])
        assert browser._done.tolist() == again._done.tolist() and browser._done.any()


def test_a_verdict_on_what_the_filters_leave_out_finishes_no_tile():
    browser = MistakeBrowser(**planted())
    browser.choose(errors="false positives")
    shown = set((browser.found // 3).tolist())
    hidden = [image * 3 + label for image in range(60) if image not in shown for label in range(3)]
    for pair in hidden:
        browser.reviews.put(browser.key(pair), "label right")
    browser._look()
    assert not browser._done.any() and browser.widget.marks["done"] == 0


# -- a threshold moved, two runs, hops, views ------------------------------------------------------


def test_a_moved_threshold_shows_what_crosses_it_and_is_never_kept():
    p = planted()
    browser = by_pair(**p)
    before = browser.predictions.thresholds.copy()
    browser.choose(label="Plants", errors=CROSSING, threshold=0.6)  # from 0.4
    scores = p["scores"][:, 1]
    assert set(browser._images) == set(np.flatnonzero((scores >= 0.4) & (scores < 0.6)))
    browser.choose(errors="false positives")
    assert set(browser._images) == set(np.flatnonzero((scores >= 0.6) & (p["truth"][:, 1] == 0)))
    browser.choose(errors=CROSSING, threshold=None)
    assert len(browser.found) == 0 and (browser.predictions.thresholds == before).all()
    curve = browser.widget.asked["curve"]
    at = curve["cuts"].index(0.6)
    said = scores >= np.float32(0.6)
    right = said & (p["truth"][:, 1] == 1)
    assert curve["precision"][at] == pytest.approx(right.sum() / said.sum(), abs=1e-3)
    assert curve["recall"][at] == pytest.approx(right.sum() / p["truth"][:, 1].sum(), abs=1e-3)
    assert curve["own"] == 0.4
    browser.choose(label="Food")
    assert browser.choice.threshold is None  # it was of the other label


def test_a_verdict_under_a_moved_threshold_is_filed_as_the_run_decided(tmp_path: Path):
    browser = by_pair(**planted(), judgements=tmp_path / "run")
    browser.choose(label="Plants", errors=CROSSING, threshold=0.6)
    key = browser.key(browser.pair)
    browser.judge("unsure")
    saved = verdicts(tmp_path / "run")
    assert (saved.title[0], saved.label[0], saved.kind[0]) == key
    again = by_pair(**planted(), judgements=tmp_path / "run")
    assert len(again.predictions.pairs_of(again.reviews.keys())) == 1


def test_two_runs_what_one_gets_right_and_the_other_does_not():
    p = planted()
    order = np.random.default_rng(1).permutation(60)[:50]  # other images, in another order
    there = np.random.default_rng(2).random((50, 2))
    titles = [f"File {i}.png" for i in order]
    other = ("other", titles, there, np.array([0.5, 0.5]), ["Food", "Animals"])
    browser = by_pair(**p, against=other)
    here = (p["scores"] >= p["thresholds"]) == p["truth"]
    found = {}
    for name, rights in AGAINST.items():
        browser.choose(errors="all predictions", against=name)
        found[name] = {browser.predictions.parts(pair) for pair in browser.found}
        if rights is not None:
            assert found[name] == {
                (int(image), label)
                for place, image in enumerate(order)
                for column, label in ((0, 2), (1, 0))
                if here[image, label] == rights[0]
                and ((there[place, column] >= 0.5) == p["truth"][image, label]) == rights[1]
            }
    assert len(found["any"]) == 180
    assert "right='right here, wrong there'" in browser_line(browser, "right here, wrong there")


def browser_line(browser: MistakeBrowser, against: str) -> str:
    browser.choose(against=against)
    assert "against='other'" in browser.line()
    return browser.line()


def ways(p: dict, hops: dict[str, list[str]]) -> pd.DataFrame:
    """A way to each given label of each image, by what comes first on it."""
    rows = [
        {"title": p["frame"].title[i], "label": LABELS[j], "score": 1.0, "path": path, "rules": []}
        for i in range(60)
        for j, path in enumerate([hops["even"], hops["odd"], hops["even"]])
        if p["truth"][i, j]
    ]  # fmt: skip
    return pd.DataFrame(rows)


def test_hops_are_ranked_by_the_mistakes_they_bring_and_show_their_files(tmp_path: Path):
    scores = np.full((60, 3), 0.1, np.float32)
    p = planted(scores=scores)  # every given label is missed ...
    p["scores"][:, [0, 2]] = np.where(p["truth"][:, [0, 2]], 0.9, 0.1)  # ... of Plants alone
    why = ways(p, {"even": ["Cats", "Pets", "Top"], "odd": ["Planting", "Plants", "Top"]})
    browser = MistakeBrowser(**p, why=why, judgements=tmp_path / "run", reviewer="me")
    browser.show_hops()
    rows = browser.widget.panel["rows"]
    given = int(p["truth"][:, 1].sum())
    assert {(row["child"], row["parent"]) for row in rows[:2]} == {("Planting", "Plants"), ("Plants", "Top")}
    assert rows[0]["missed"] == rows[0]["given"] == given and rows[0]["share"] == 1
    assert rows[-1]["missed"] == 0 and rows[-1]["excess"] < 0
    browser.show_hop("Planting", "Plants", "Plants")
    assert set(browser._images) == set(np.flatnonzero(p["truth"][:, 1]))
    assert "Plants by Planting → Plants" in browser.widget.page["only"]
    browser.strike("Planting", "Plants")
    assert [row["struck"] for row in browser.widget.panel["rows"]].count(True) == 1
    entry = read(tmp_path / "run")[-1]
    assert entry["hop"] == {"child": "Planting", "parent": "Plants", "struck": True, "given": given}
    assert verdicts(tmp_path / "run").empty  # it is no verdict on a label
    again = Reviews(tmp_path / "run", "me")
    assert again.struck() == {("Planting", "Plants")} and len(again) == 0
    again.strike("Planting", "Plants", False, given)
    assert Reviews(tmp_path / "run").struck() == set()
    assert not len(ranked(pd.DataFrame())) and MistakeBrowser(**p).show_hops() is None


def test_a_view_is_kept_beside_the_verdicts_and_is_a_line_of_code(tmp_path: Path):
    browser = MistakeBrowser(**planted(), judgements=tmp_path / "run", run="04_evaluate/x")
    browser.choose(label="Plants", errors="false positives", search="file")
    browser.keep_view("plants <b>")
    browser.show_only(np.array([3, 4, 5]), "three", errors="all predictions", label=None, search="")
    browser.keep_view("three")
    again = MistakeBrowser(**planted(), judgements=tmp_path / "run", run="04_evaluate/x")
    again.show_view("plants <b>")
    assert again.line() == (
        "wikitopics.browse('04_evaluate/x', label='Plants', errors='false positives', search='file')"
    )
    again.show_view("three")
    assert sorted(again._images) == [3, 4, 5] and len(again.reviews) == 0
    again.show_view("plants <b>")
    assert again.only is None
    with pytest.raises(UserError, match="there are plants <b>, three"):
        again.show_view("four")


def test_what_is_filtered_is_copied_as_a_table_csv_and_titles(tmp_path: Path):
    browser = MistakeBrowser(**planted(), judgements=tmp_path / "run", reviewer="me")
    browser.judge("unsure")
    table = browser.table()
    assert len(table) == len(browser.pairs) and (table.verdict == "unsure").sum() >= 1
    assert set(table.reviewer) == {"me", ""}
    for what in ("csv", "table", "titles", "code"):
        browser.hear({"act": "copy", "what": what})
        assert browser.widget.panel["kind"] == "copy" and browser.widget.panel["text"]
        if what == "csv":
            assert browser.widget.panel["text"].count("\n") == len(table) + 1
    with pytest.raises(UserError, match="csv, table, titles or code"):
        browser.copy("html")


# -- verdicts --------------------------------------------------------------------------------------


def test_a_verdict_is_on_disk_at_once_outlives_the_kernel_and_brings_the_next(tmp_path: Path):
    path = tmp_path / "run"
    browser = by_pair(**planted(), judgements=path, reviewer="me")
    title, label, kind = browser.key(browser.pair)
    browser.hear({"act": "judge", "verdict": "label wrong"})
    saved = verdicts(path)
    assert saved.columns.tolist() == [
        *("title", "label", "kind", "verdict", "corrected_labels", "reviewer", "time")
    ]
    assert saved.iloc[0, :4].tolist() == [title, label, kind, "label wrong"]
    assert saved.reviewer[0] == "me" and saved.corrected_labels[0] is None
    assert browser.at == 1 and browser.widget.marks["done"] == 1
    again = by_pair(**planted(), judgements=path, reviewer="me")
    assert opened(again)["questions"][0]["verdict"] == "label wrong"
    assert again.widget.marks["verdicts"] == {str(again.pair): "label wrong"}
    again.judge("unsure")  # in place of the first
    again.open(5)
    again.judge("label right")
    assert sorted(verdicts(path).verdict) == ["label right", "unsure"]


def test_a_picture_is_judged_as_a_whole_or_label_by_label(tmp_path: Path):
    browser = MistakeBrowser(**planted(), judgements=tmp_path / "run")
    place = next(i for i in range(99) if len(browser._pairs_of(int(browser.found[i]))) == 2)
    browser.open(place)
    asked = [question["name"] for question in opened(browser)["questions"]]
    browser.judge("label wrong")
    assert sorted(verdicts(tmp_path / "run").label) == sorted(asked) and browser.at != place
    browser.undo()
    assert browser.at == place and verdicts(tmp_path / "run").empty
    browser.ask(asked[1])
    browser.judge("label right")
    assert verdicts(tmp_path / "run").label.tolist() == [asked[1]]
    assert browser.at == place and opened(browser)["asked"] == LABELS.index(asked[0])  # the other one is next
    browser.judge("unsure")
    assert len(verdicts(tmp_path / "run")) == 2 and browser.at != place


def test_four_hundred_verdicts_cost_four_hundred_presses(tmp_path: Path):
    browser = by_pair(**planted(600), judgements=tmp_path / "run")
    assert len(browser.found) > 400
    for _ in range(400):
        browser.hear({"act": "judge", "verdict": "label right"})
    assert len(verdicts(tmp_path / "run")) == 400 == browser.widget.marks["done"]
    assert browser.widget.marks["pace"] > 0


def test_what_is_marked_is_judged_together_and_undone_together(tmp_path: Path):
    browser = by_pair(**planted(200), judgements=tmp_path / "run")
    browser.hear({"act": "mark", "place": 3})
    browser.hear({"act": "mark", "place": 7, "to": 5})
    assert len(browser.widget.marks["marked"]) == 4
    browser.judge("label right")
    keys = {browser.key(int(browser.found[i])) for i in (3, 5, 6, 7)}
    saved = verdicts(tmp_path / "run")
    assert set(saved[["title", "label", "kind"]].itertuples(index=False, name=None)) == keys
    assert browser.marked == set() and browser.at == 0
    browser.mark_page()
    assert len(browser.marked) == PAGE
    browser.judge("unsure")
    assert set(verdicts(tmp_path / "run").verdict) == {"unsure"}
    browser.undo()
    assert sorted(verdicts(tmp_path / "run").verdict) == ["label right"] * 4  # as it was before
    browser.undo()
    browser.undo()  # there is no more
    assert verdicts(tmp_path / "run").empty
    browser.mark_page()
    browser.mark_page()
    assert browser.marked == set()


def test_labels_are_saved_by_save_or_the_next_picture_alone(tmp_path: Path):
    path = tmp_path / "run"
    browser = MistakeBrowser(**planted(), judgements=path, parents={"Plants": "Food"})
    given = browser.detail.given(browser.image)
    title = opened(browser)["title"]
    browser.toggle("Animals")
    assert opened(browser)["changed"] and not path.exists()  # a slip of the pointer
    assert set(now(browser)) == set(given) ^ {"Animals"}
    browser.undo()
    assert now(browser) == given and not opened(browser)["changed"] and not path.exists()
    browser.toggle("Animals")
    browser.step(1)
    saved = verdicts(path)
    assert set(saved.title) == {title} and set(saved.corrected_labels[0]) == set(given) ^ {"Animals"}
    browser.step(-1)
    assert set(now(browser)) == set(given) ^ {"Animals"} and opened(browser)["corrected"]
    browser.toggle("Animals")
    browser.save_labels()  # back to what was given: no correction
    assert verdicts(path).corrected_labels[0] is None
    browser.toggle("Animals")
    browser.discard()
    assert verdicts(path).corrected_labels[0] is None and now(browser) == given


def test_a_label_brings_what_lies_above_it_and_takes_what_lies_below():
    browser = MistakeBrowser(**planted(), parents={"Animals": "Food", "Plants": "Animals"})
    browser.correct([])
    browser.toggle("Plants")
    assert now(browser) == LABELS
    browser.toggle("Food")
    assert now(browser) == []


def test_a_correction_says_what_follows_for_each_mistake_and_outlives_another_verdict(tmp_path: Path):
    path = tmp_path / "run"
    browser = MistakeBrowser(**planted(), judgements=path)
    browser.correct(LABELS)
    given = browser.detail.given(browser.image)
    for row in verdicts(path).itertuples():
        assert row.verdict == ("label right" if row.label in given else "label wrong")
        assert row.corrected_labels == LABELS
    browser.judge("unsure")
    assert set(verdicts(path).verdict) == {"unsure"} and verdicts(path).corrected_labels[0] == LABELS
    browser.open(1)
    browser.toggle("Food")
    browser.judge("label wrong")  # one press files the verdict with the labels
    mine = verdicts(path)[lambda table: table.verdict == "label wrong"]
    assert mine.corrected_labels.map(bool).all()


def test_what_was_not_seen_is_not_judged(tmp_path: Path):
    """At a distance the next picture may be on its way when a key is pressed a second time."""
    browser = by_pair(**planted(), judgements=tmp_path / "run")
    seen = opened(browser)["id"]
    browser.hear({"act": "judge", "verdict": "unsure", "tile": seen})
    browser.hear({"act": "judge", "verdict": "label wrong", "tile": seen})
    browser.hear({"act": "toggle", "label": 0, "tile": seen})
    assert verdicts(tmp_path / "run").verdict.tolist() == ["unsure"] and not opened(browser)["changed"]
    assert "not shown yet" in browser.widget.said["text"] and browser.at == 1


def test_looking_writes_nothing(tmp_path: Path):
    path = tmp_path / "run"
    browser = MistakeBrowser(**planted(), judgements=path)
    for place in range(len(browser.found)):
        browser.open(place)
    browser.choose(label=1)
    browser.choose(threshold=0.2)
    browser.enlarge()
    browser.show_hops()
    browser.copy("csv")
    assert not path.exists()


def test_take_back_and_filter_by_verdict(tmp_path: Path):
    browser = by_pair(**planted(), judgements=tmp_path / "run")
    everything = len(browser.found)
    browser.judge("label right")
    browser.open(3)
    browser.judge("label wrong")
    browser.choose(reviewed="reviewed")
    assert len(browser.found) == 2
    browser.take_back()
    browser.choose(reviewed="not reviewed")
    assert len(browser.found) == everything - 1
    assert len(verdicts(tmp_path / "run")) == 1


def test_two_kernels_and_two_people_see_each_other(tmp_path: Path):
    people = ("anna", "anna", "ben")
    one, two, ben = (by_pair(**planted(), judgements=tmp_path / "run", reviewer=who) for who in people)
    one.judge("label right")
    two.open(1)
    two.judge("unsure")
    pair = ben.pair
    ben.judge("label wrong")
    assert sorted(verdicts(tmp_path / "run").reviewer) == ["anna", "anna", "ben"]
    two.choose(reviewed="reviewed")
    assert len(two.found) == 2 and len(two.reviews) == 3
    two.open(int(np.flatnonzero(two.found == pair)[0]))
    assert opened(two)["questions"][0]["verdict"] == "label right"  # her own word before another's
    two.hear({"act": "reviewer", "name": "carl"})
    assert opened(two)["questions"][0]["by"] in ("anna", "ben") and two.reviews.steps == 0
    two.judge("unsure")
    assert sorted(verdicts(tmp_path / "run").reviewer) == ["anna", "anna", "ben", "carl"]


def test_the_name_of_whoever_judges_is_kept(tmp_path: Path, monkeypatch):
    monkeypatch.setenv("WIKITOPICS_PERSON", "Zoë / she")
    browser = MistakeBrowser(**planted(), judgements=tmp_path / "run")
    browser.judge("unsure")
    assert browser.widget.marks["reviewer"] == "Zoë / she" == verdicts(tmp_path / "run").reviewer[0]


def full(*_):
    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def test_a_verdict_that_cannot_be_written_is_told_in_red_and_stays_on_the_screen(tmp_path, monkeypatch):
    (tmp_path / "file").write_text("")
    browser = MistakeBrowser(**planted(), judgements=tmp_path / "file" / "run")
    browser.judge("unsure")
    said = browser.widget.said
    assert said["failed"] and "NOT SAVED: unsure" in said["text"] and len(browser.reviews) == 0
    assert browser.at == 0 and browser.widget.marks["steps"] == 0
    browser = by_pair(**planted(), judgements=tmp_path / "run")
    browser.judge("label right")
    before = (tmp_path / "run").iterdir().__next__().read_bytes()
    monkeypatch.setattr(os, "fsync", full)
    browser.toggle("Food")
    browser.step(1)  # what was changed could not be saved: it stays, and so does the picture
    assert "NOT SAVED" in browser.widget.said["text"] and "No space left" in browser.widget.said["text"]
    assert browser.at == 1 and opened(browser)["changed"]
    browser.choose(label=1)
    assert browser.choice.label is None
    browser.discard()
    browser.undo()
    assert "NOT SAVED: undone" in browser.widget.said["text"] and browser.reviews.steps == 1
    browser.open(0)
    browser.take_back()
    assert "NOT SAVED: taken back" in browser.widget.said["text"]
    assert (tmp_path / "run").iterdir().__next__().read_bytes() == before
    assert verdicts(tmp_path / "run").verdict.tolist() == ["label right"]


def test_an_unknown_verdict_is_refused_and_so_are_those_beside_it(tmp_path: Path):
    reviews = Reviews(tmp_path / "run")
    key = ("a", "b", "false positive")
    with pytest.raises(UserError, match="label right, label wrong, unsure"):
        reviews.put(key, "maybe", None)
    with pytest.raises(UserError):
        reviews.put_all([(key, "unsure", None), (key, "maybe", None)])
    assert len(reviews) == 0 and reviews.steps == 0 and not (tmp_path / "run").exists()


# -- pictures --------------------------------------------------------------------------------------


def test_the_large_picture_is_the_original_where_there_is_one():
    p = planted()
    seen = []

    def original(title: str):
        seen.append(title)
        return np.zeros((400, 300, 3), np.uint8) if len(seen) == 1 else None

    browser = MistakeBrowser(**p, original=original)
    assert seen == []  # asked for when somebody wants it, not before
    browser.hear({"act": "large"})
    assert seen == [opened(browser)["title"]] and "300 × 400" in browser.widget.large["told"]
    browser.enlarge()
    assert "no original file" in browser.widget.large["told"] and browser.widget.large["jpeg"]


# -- neighbours ------------------------------------------------------------------------------------


def test_neighbours_are_the_nearest_by_angle(tmp_path: Path):
    rng = np.random.default_rng(0)
    features = rng.normal(size=(20_000, 8)).astype(np.float32)
    features[17_000] = features[5] * 3  # same direction, far away
    np.save(tmp_path / "features.npy", features)
    near = Neighbours(np.load(tmp_path / "features.npy", mmap_mode="r"))
    rows, likeness = near.of(5, 4)
    unit = features / np.linalg.norm(features, axis=1, keepdims=True)
    assert rows[0] == 17_000 and likeness[0] == pytest.approx(1, abs=1e-5)
    assert rows.tolist() == [i for i in np.argsort(-unit @ unit[5]) if i != 5][:4]


def test_few_images_and_empty_features_have_few_neighbours():
    assert Neighbours(np.zeros((1, 4), np.float32)).of(0, 8)[0].tolist() == []
    rows, likeness = Neighbours(np.zeros((3, 4), np.float32)).of(0, 8)
    assert sorted(rows.tolist()) == [1, 2] and np.isfinite(likeness).all()


def test_neighbours_with_a_prediction_are_named_by_their_row_and_open():
    p = planted()
    browser = MistakeBrowser(**p)
    image = browser.image
    features = np.eye(70, 70, dtype=np.float32)
    twin = (image + 7) % 60
    features[p["frame"].row[twin]] = features[p["frame"].row[image]]
    browser = MistakeBrowser(**p, features=features)
    near = browser.widget.near["pictures"][0]
    assert near["title"] == p["frame"].title[twin] and near["like"] == pytest.approx(1)
    browser.hear({"act": "look", "image": near["image"]})
    assert browser.image == twin
    browser.choose(errors="false negatives", search="no such picture")
    browser.look_at(twin)  # the filters leave it out
    assert browser.image == twin and len(browser.found) == 1
    browser.show_all()
    browser.look_at(image)
    browser.more_like_this()
    assert {image, twin} <= set(browser._images) and "those most like" in browser.widget.page["only"]


def test_neighbours_without_a_prediction_are_named_by_the_catalogue():
    p = planted()
    features = np.eye(70, 8, dtype=np.float32)
    catalogue = pd.DataFrame({"row": range(70), "title": [f"Known {i}" for i in range(70)], "split": "train"})
    row = int(p["frame"].row[MistakeBrowser(**p).image])
    features[65] = features[row] = 1.0
    names = MistakeBrowser(**p, features=features).widget.near["pictures"]
    assert "row 65" in [near["title"] for near in names]
    names = MistakeBrowser(**p, features=features, catalogue=catalogue).widget.near["pictures"]
    known = next(near for near in names if near["title"] == "Known 65")
    assert known["about"] == "train" and known["image"] == -1


# -- other people's text ---------------------------------------------------------------------------


@pytest.fixture
def hostile(tmp_path: Path) -> MistakeBrowser:
    """Every text that comes from elsewhere tries to run something."""
    p = planted(label_names=["Animals", f"{HOSTILE} label", "</script><script>alert(2)</script>"])
    p["frame"]["title"] = [
        f"{HOSTILE} ' \" & </figure></script><script>alert(3)</script> {i}" for i in range(60)
    ]
    titles = p["frame"].title
    lists = {name: [[HOSTILE]] * 60 for name in ("categories", "items", f"labels: {HOSTILE}")}
    details = pd.DataFrame(lists, titles)
    why = pd.DataFrame({"title": titles, "label": HOSTILE, "score": 0.5, "start": HOSTILE})
    why["path"], why["rules"] = [[HOSTILE, HOSTILE]] * 60, [[HOSTILE]] * 60
    features = np.random.default_rng(0).normal(size=(70, 4)).astype(np.float32)
    return MistakeBrowser(**p, details=details, why=why, features=features, judgements=tmp_path / "run")


SCRIPT = Path(MistakeBrowser.__init__.__code__.co_filename).with_name("browser.js")


def test_the_page_makes_no_markup_of_text_and_asks_no_host():
    """All other text goes through text nodes: nothing in the module can read a string as markup or code."""
    code = SCRIPT.read_text("utf-8")
    markup = (
        "innerHTML",
        "outerHTML",
        "insertAdjacent",
        "document.write",
        "srcdoc",
        "DOMParser",
        "Contextual",
    )
    for way in (*markup, "eval(", "Function(", "fetch(", "XMLHttp", "import(", "http://", "WebSocket"):
        assert way not in code.replace("http://www.w3.org/2000/svg", ""), way
    assert "https://" not in code and "https://" not in SCRIPT.with_suffix(".css").read_text("utf-8")


class Live(HTMLParser):
    """What would run or load on a page: scripts and pictures, outside of text and of data."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.found: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attributes: list) -> None:
        known = dict(attributes)
        if any(name.startswith("on") for name in known) or known.get("src") == "x":
            self.found.append(self.get_starttag_text())

    def handle_data(self, data: str) -> None:
        if self.cdata_elem == "script" and data.startswith("alert"):
            self.found.append(data)


def test_saved_state_and_exported_page_are_harmless(hostile: MistakeBrowser):
    """Should somebody save the widgets' state, the notebook's page holds no live markup either."""
    import nbformat
    from ipywidgets.embed import dependency_state
    from nbconvert import HTMLExporter

    state = {"version_major": 2, "version_minor": 0, "state": dependency_state([hostile.widget])}
    view = {"application/vnd.jupyter.widget-view+json": {"model_id": hostile.widget.model_id}}
    output = nbformat.v4.new_output("display_data", view | {"text/plain": "browser"})
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell("browser.widget", outputs=[output])])
    notebook.metadata["widgets"] = {"application/vnd.jupyter.widget-state+json": state}
    page, _ = HTMLExporter(template_name="basic").from_notebook_node(notebook)
    assert Live(page).found == []
    assert Live('<img src=x onerror="alert(1)"><script>alert(2)</script>').found  # it would see them


def test_every_text_is_cut_and_every_value_is_plain(hostile: MistakeBrowser):
    json.dumps([hostile.widget.setup, hostile.widget.asked])
    hostile.correct(["</script><script>alert(2)</script>"])
    long = planted()
    long["frame"]["title"] = ["x" * 5000 + str(i) for i in range(60)]
    browser = MistakeBrowser(**long)
    assert max(len(tile["title"]) for tile in browser.widget.page["tiles"]) == 301
    browser.judge("unsure")
    assert len(browser.widget.said["text"]) < 800


def test_no_file_is_opened_beside_reviews(tmp_path: Path):
    before = set(os.listdir(tmp_path))
    MistakeBrowser(**planted(), judgements=tmp_path / "run").judge("unsure")
    assert set(os.listdir(tmp_path)) - before == {"run"} and len(os.listdir(tmp_path / "run")) == 1


# -- clicks on figures -----------------------------------------------------------------------------


def clicked(browser: MistakeBrowser, figure, trace: str, *places: int) -> set[int]:
    """The images that a click on a mark of a figure shows."""
    meta = figure.layout.meta
    names = [meta["names"][i][place] for i, place in enumerate(places)]
    browser.hear({"act": "figure", "opens": meta["opens"], "trace": trace, "names": names})
    assert not browser.widget.said.get("failed"), browser.widget.said
    return {int(image) for image in browser._images}


def test_a_click_on_a_figure_opens_the_pictures_that_its_mark_counts():
    p = planted(200, label_names=["Animals", "R&D <b>", "Food"])
    p["frame"]["split"] = np.where(np.arange(200) < 80, "validation", "test")
    test, said = np.arange(200) >= 80, (p["scores"] >= p["thresholds"]).astype(np.uint8)
    truth, rows = p["truth"][test], np.flatnonzero(test)
    parts = {"small": np.arange(120) % 3 == 0}
    browser = hear_figures(MistakeBrowser(**p), parts)
    names = p["label_names"]

    wrong = mistakes(p["frame"][test], truth, p["scores"][test], p["thresholds"], names)
    figure = figures.mistakes_by_label(wrong)
    label = wrong["label"].value_counts().index[1]
    found = clicked(browser, figure, "false negative", 1)
    column = names.index(label)
    assert found == set(rows[truth[:, column] > said[test][:, column]])

    shares = confusion_shares(truth, said[test], names)
    figure, matrix = figures.confusion(shares), multi_label_confusion(truth, said[test])
    for true in range(4):
        for predicted in range(4):
            if true == 3 and predicted == 3:
                expected = set(rows[~truth.any(axis=1) & ~said[test].any(axis=1)])
                assert clicked(browser, figure, "", true, predicted) == expected
            else:  # cells count pairs, and an image is one pair of a cell
                assert len(clicked(browser, figure, "", true, predicted)) == matrix[true, predicted]

    table = reliability(truth, p["scores"][test])
    figure = figures.reliability({"as it comes": table, "Platt": table})
    browser.choose(tiles=TILES[1])
    clicked(browser, figure, "as it comes", 2)
    assert len(browser.found) == table["count"][2]
    meta = {"act": "figure", "opens": "bin", "trace": "Platt", "names": ["2"]}
    browser.hear(meta)
    assert browser.widget.said["failed"] and "as it comes" in browser.widget.said["text"]

    table = pd.DataFrame({"slice": ["all images", "small"], "images": [120, 40], "micro_f1": 0.5, "low": 0.4})
    figure = figures.slices(table.assign(high=0.6))
    found = clicked(browser, figure, "", 0)  # rows are drawn from below
    assert found == set(rows[parts["small"] & (truth != said[test]).any(axis=1)])
    browser.hear({"act": "figure", "opens": "nothing", "trace": "", "names": []})
    assert browser.widget.said["failed"]


# -- what a person said is never lost ---------------------------------------------------------------


def one_picture(tmp_path: Path, who: str = "me", **changed) -> MistakeBrowser:
    """One picture of Plants and Food, of which the model says Animals and Plants."""
    frame = pd.DataFrame({"title": ["a.png"], "row": [0], "split": ["test"], "group": [0]})
    scores = np.array([[0.9, 0.9, 0.1]], np.float32)
    given = {"frame": frame, "truth": np.array([[0, 1, 1]], np.uint8), "scores": scores}
    others = {
        "thresholds": np.full(3, 0.5),
        "label_names": LABELS,
        "images": np.zeros((1, 8, 8, 3), np.uint8),
    }
    return MistakeBrowser(**given, **others, judgements=tmp_path / "run", reviewer=who, **changed)


def corrected(tmp_path: Path) -> list[list[str] | None]:
    """What a labels run hears of it, the last word last."""
    return [verdict.corrected for verdict in read_verdicts(tmp_path / "run")]


def test_labels_that_were_not_asked_about_are_corrected_too(tmp_path: Path):
    browser = one_picture(tmp_path)
    browser.choose(label="Animals")
    browser.toggle("Animals")
    browser.toggle("Animals")
    browser.toggle("Plants")
    browser.save_labels()
    assert corrected(tmp_path) and set(map(tuple, corrected(tmp_path))) == {("Food",)}


def test_labels_decide_over_an_earlier_verdict(tmp_path: Path):
    browser = one_picture(tmp_path)
    browser.choose(label="Food")
    browser.judge("label right")
    browser.open(0)
    browser.toggle("Food")
    browser.save_labels()
    assert verdicts(tmp_path / "run")["verdict"].tolist() == ["label wrong"]


def test_a_second_correction_under_another_filter_keeps_the_first(tmp_path: Path):
    browser = one_picture(tmp_path)
    for label in ("Plants", "Food"):
        browser.choose(label=label, errors="all predictions")
        browser.toggle(label)
        browser.save_labels()
    assert corrected(tmp_path)[-1] == [] and all(labels == [] for labels in corrected(tmp_path))


def test_two_kernels_of_one_person_keep_each_others_words(tmp_path: Path):
    first, second = one_picture(tmp_path), one_picture(tmp_path)
    second.toggle("Plants")
    second.save_labels()
    first.judge("unsure")
    assert corrected(tmp_path) and all(labels == ["Food"] for labels in corrected(tmp_path))
    second.open(0)
    second.judge("label right")
    first.undo()
    assert set(verdicts(tmp_path / "run")["verdict"]) == {"label right"}


def test_marked_verdicts_and_taking_back_leave_changed_labels_alone(tmp_path: Path):
    browser = MistakeBrowser(**planted(), judgements=tmp_path / "run", reviewer="me")
    browser.judge("unsure")
    browser.open(0)
    browser.toggle("Food")
    browser.take_back()
    assert browser.widget.opened["changed"]
    browser.mark(3)
    browser.judge("unsure")
    assert browser.widget.opened["changed"]


def test_only_what_was_seen_is_judged_marked_and_taken_back(tmp_path: Path):
    browser = MistakeBrowser(**planted(), judgements=tmp_path / "run", reviewer="me")
    seen = browser.tile
    browser.judge("unsure", seen, -1)
    count = len(verdicts(tmp_path / "run"))
    for act in ({"act": "judge", "verdict": "unsure", "asked": -1}, {"act": "back"}, {"act": "save"}):
        browser.hear(act | {"tile": seen})
        assert "not shown yet" in browser.widget.said["text"] and len(verdicts(tmp_path / "run")) == count
    browser.hear({"act": "mark", "place": browser.at, "tile": seen})
    assert not browser.marked
    browser.hear({"act": "judge", "verdict": "unsure", "tile": browser.tile, "asked": 1})
    assert len(verdicts(tmp_path / "run")) == count


def test_a_view_and_a_struck_hop_are_each_persons_own(tmp_path: Path):
    rows = {"title": ["a.png"], "label": ["Food"], "score": [1.0], "path": [["Cakes", "Food"]]}
    rows |= {"start": ["Cakes"], "rules": [["depth"]]}
    anna, ben = (one_picture(tmp_path, who, why=pd.DataFrame(rows)) for who in ("anna", "ben"))
    anna.choose(search="anna")
    anna.keep_view("todo")
    ben.choose(search="ben")
    ben.keep_view("todo")
    again = one_picture(tmp_path, "anna", why=pd.DataFrame(rows))
    again.show_view("todo")
    assert again.choice.search == "anna"
    again.strike("Cakes", "Food")
    ben.reviews.look()
    ben.strike("Cakes", "Food", False)
    assert "still struck out by anna" in ben.widget.said["text"]
    after = one_picture(tmp_path, "anna", why=pd.DataFrame(rows).head(0))  # 01 has left it out since
    after.show_hops()
    (row,) = after.widget.panel["rows"]
    assert row["struck"] and (row["child"], row["parent"], row["given"]) == ("Cakes", "Food", 0)


def test_a_panel_opens_again_and_a_refused_act_changes_no_filter(tmp_path: Path):
    browser = one_picture(tmp_path)
    panels = []
    browser.widget.observe(lambda change: panels.append(change["new"]["kind"]), "panel")
    for _ in range(2):
        browser.show_views()
    assert panels == ["views", "views"]
    for act in ({"act": "choose", "label": 99}, {"act": "view", "name": "none"}):
        before = browser.choice
        browser.hear(act)
        assert browser.choice == before and browser.widget.said["text"].startswith("not done")


def test_what_was_not_saved_stays_said_while_one_looks_on(tmp_path: Path, monkeypatch):
    browser = MistakeBrowser(**planted(), judgements=tmp_path / "run", reviewer="me")
    monkeypatch.setattr("wikitopics.judgements.append", no_room)
    browser.hear({"act": "judge", "verdict": "unsure"})
    browser.hear({"act": "open", "place": 3})
    assert browser.widget.said["text"].startswith("NOT SAVED") and browser.widget.said["failed"]


def no_room(*_):
    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def test_a_copied_table_computes_nothing_in_a_spreadsheet(tmp_path: Path):
    given = planted()
    given["frame"]["title"] = "=1+1"
    browser = MistakeBrowser(**given)
    browser.copy("csv")
    assert all(line.startswith("'=1+1,") for line in browser.widget.panel["text"].splitlines()[1:])
