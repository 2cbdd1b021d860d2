"""The map of images: places that mean something, kinds that can be told apart, a brush and the way back."""

import numpy as np
import pandas as pd
import pytest

from wikitopics.errors import UserError
from wikitopics.evaluate.map import mapped, mistake_kinds, neighbours_kept, placed, rarest_labels
from wikitopics.show.browser.mistakes import MistakeBrowser
from wikitopics.show.browser.picture_map import PictureMap, in_polygon
from wikitopics.show.map_figures import picture_map, styles
from wikitopics.show.png.draw import picture
from wikitopics.show.theme import MEANING

HOSTILE = '<img src=x onerror="alert(1)">'


def clusters(n: int = 60) -> np.ndarray:
    """Three kinds of vectors, one after the other."""
    rng = np.random.default_rng(0)
    return np.repeat(rng.normal(size=(3, 20)), n // 3, axis=0) + 0.1 * rng.normal(size=(n, 20))


def test_alike_pictures_lie_together_and_the_same_way_again():
    rows, places = placed(clusters())
    assert rows.tolist() == list(range(60)) and np.abs(places).max() == 1000
    kind = np.arange(60) // 20
    apart = ((places[:, None].astype(float) - places[None]) ** 2).sum(axis=2)
    np.fill_diagonal(apart, np.inf)
    assert (kind[apart.argmin(axis=1)] == kind).all()
    assert (placed(clusters())[1] == places).all()
    assert (
        neighbours_kept(clusters(), places) > 0.5 > neighbours_kept(clusters(), places[::7].repeat(7, 0)[:60])
    )


def test_how_long_a_vector_is_means_nothing():
    vectors = clusters(30).astype(np.float32)
    lengths = 2.0 ** np.random.default_rng(1).integers(-20, 20, (30, 1))  # which leave the direction exact
    assert (placed(vectors * lengths)[1] == placed(vectors)[1]).all()


def test_of_many_pictures_a_sample_is_placed():
    rows, places = placed(clusters(), seed=3, most=30)
    assert len(rows) == len(places) == 30 and (np.diff(rows) > 0).all()
    assert (
        rows.tolist()
        == placed(clusters(), seed=3, most=30)[0].tolist()
        != placed(clusters(), 4, 30)[0].tolist()
    )


@pytest.mark.parametrize("n", [0, 1, 2, 4, 5, 7])
def test_few_and_equal_pictures_have_places_too(n: int):
    for features in (np.ones((n, 3)), np.zeros((n, 1)), np.random.default_rng(0).normal(size=(n, 2))):
        rows, places = placed(features)
        assert len(rows) == len(places) == n and np.isfinite(places).all()


def test_features_that_are_no_numbers_are_one_sentence():
    with pytest.raises(UserError, match="finite"):
        placed(np.array([[1.0], [np.nan]]))
    with pytest.raises(UserError, match=r"\(3,\)"):
        placed(np.ones(3))


def test_kinds_of_mistake_and_the_rarest_label():
    truth = np.array([[1, 1, 0], [1, 0, 0], [1, 0, 1], [0, 0, 0]])
    predicted = np.array([[1, 1, 0], [1, 0, 1], [1, 0, 0], [0, 0, 0]])
    assert mistake_kinds(truth, predicted) == [
        "all right",
        "a label too many",
        "a label is missing",
        "all right",
    ]
    names = ["Nature", "Plants", "Food"]
    assert rarest_labels(truth, names) == ["Plants", "Nature", "Food", "no label"]
    assert rarest_labels(truth, names, most=1).count("other labels") == 2
    assert rarest_labels(np.zeros((2, 0)), []) == ["no label"] * 2


def test_no_more_than_eight_kinds_have_a_mark_and_none_of_these_shares_one():
    kinds = [f"kind {i}" for i in range(12) for _ in range(20 - i)] + ["right"] * 99
    marks = styles(kinds, ["right"])
    own = list(marks.values())[:8]
    assert len(set(own)) == len({symbol for symbol, _ in own}) == 8  # by shape alone, too
    assert list(marks)[:2] == ["kind 0", "kind 1"] and len(set(list(marks.values())[8:])) == 1
    assert marks["right"] == marks["kind 11"]


def test_every_picture_is_one_point_in_the_trace_of_its_kind():
    places, kinds = np.arange(12).reshape(6, 2), ["a", "b", "a", HOSTILE, "b", "a"]
    titles = pd.Series([f"{i}{HOSTILE}" for i in range(6)], index=[5, 4, 3, 2, 1, 0])  # a shuffled index
    figure = picture_map(places, kinds, titles)
    for trace, kind in zip(figure.data, styles(kinds), strict=True):
        mine = [i for i in range(6) if kinds[i] == kind]
        assert list(zip(trace.x, trace.y, strict=True)) == [tuple(places[i]) for i in mine]
        assert [text[0] for text in trace.text] == [str(i) for i in mine]
    assert "<img" not in figure.to_json().replace("\\u003c", "<")
    assert picture(figure).size == (1800, 1120)
    assert picture(picture_map(places[:0], [], [])).size


def test_a_kind_of_mistake_has_one_look_whichever_is_frequent():
    for kinds in (
        ["a label is missing"] * 3 + ["a label too many"],
        ["a label too many"] * 3 + ["all right"],
    ):
        marks = styles(kinds, ["all right"])
        for name, colour in (
            ("a label is missing", "false negative"),
            ("a label too many", "false positive"),
        ):
            assert name not in marks or marks[name][1] == MEANING[colour]


@pytest.fixture
def shown() -> PictureMap:
    """30 images, two of them wrong in one label each; titles are places on the map in reverse order."""
    truth, scores = np.zeros((30, 2), np.uint8), np.full((30, 2), 0.1, np.float32)
    scores[4, 0] = scores[20, 1] = 0.9
    titles = [f"{i} {HOSTILE}" for i in range(30)]
    frame = pd.DataFrame({"title": titles, "row": np.arange(30), "split": "test", "group": np.arange(30)})
    images = np.random.default_rng(0).integers(0, 255, (30, 8, 8, 3)).astype(np.uint8)
    browser = MistakeBrowser(frame, truth, scores, np.full(2, 0.5), ["A", "B"], images)
    kinds = {"mistake": ["x"] * 29 + ["y"], "label": ["a", "b", "c"] * 10}
    places = np.stack([np.arange(30), np.arange(30)], axis=1)
    return PictureMap(browser, titles[::-1], places, kinds)


def test_a_brush_shows_the_images_of_its_points_and_show_all_the_others_again(shown: PictureMap):
    browser = shown.browser
    assert len(browser.found) == 2 and browser.widget.setup["map"]["images"][0] == 29
    shown.brush([9, 0, 1])  # points are in reverse order: the images 20, 29 and 28
    assert browser._images.tolist() == [20] and browser.widget.brushed["chosen"] == [0, 1, 9]
    assert "Only 3 of 30 images" in browser.widget.page["only"]
    browser.choose(errors="all predictions")
    assert sorted(browser._images) == [20, 28, 29]
    browser.hear({"act": "all"})
    assert len(browser.found) == 30 and not len(shown.chosen) and browser.widget.page["only"] == ""
    assert browser.widget.brushed["chosen"] == []
    shown.brush([3])
    shown.brush([])
    assert len(browser.found) == 30


def test_an_outline_takes_the_points_within_it_and_more_can_be_added(shown: PictureMap):
    corners = [[2.5, 2.5], [6.5, 2.5], [6.5, 6.5], [2.5, 6.5]]
    shown.browser.hear({"act": "brush", "outline": corners})
    assert shown.chosen.tolist() == [3, 4, 5, 6]
    shown.browser.hear({"act": "brush", "outline": [[9.5, 9], [10.5, 9], [10.5, 11]], "add": True})
    assert shown.chosen.tolist() == [3, 4, 5, 6, 10]
    shown.browser.hear({"act": "brush", "kind": "y", "by": "mistake"})
    assert shown.chosen.tolist() == [29]
    shown.browser.hear({"act": "brush", "outline": [[500, 500], [600, 500], [600, 600]]})
    assert not len(shown.chosen) and shown.browser.only is None
    shown.browser.hear({"act": "brush", "outline": "all"})
    assert shown.browser.widget.said["failed"]


def test_a_point_is_within_a_bent_outline_as_one_sees_it():
    corners = np.array([[0, 0], [4, 0], [4, 4], [2, 1], [0, 4]])  # with a notch from above
    points = np.array([[1, 1], [2, 3], [3, 1], [2, 0.5], [5, 1], [-1, 1]])
    assert in_polygon(points, corners).tolist() == [True, False, True, True, False, False]
    assert in_polygon(points, corners[::-1]).tolist() == in_polygon(points, corners).tolist()
    assert not in_polygon(points, corners[:0]).any() and not in_polygon(points, corners[:2]).any()


def test_pointing_shows_the_picture(shown: PictureMap):
    shown.browser.hear({"act": "point", "point": 29})
    pointed = shown.widget.brushed["pointed"]
    assert pointed["title"].startswith("0 <img") and pointed["jpeg"][:2] == b"\xff\xd8"


def test_a_picture_without_prediction_is_refused(shown: PictureMap):
    with pytest.raises(UserError, match="'nowhere' has none"):
        PictureMap(shown.browser, ["nowhere"], np.zeros((1, 2)), {"mistake": ["x"]})


def test_a_run_without_features_has_an_empty_map(shown: PictureMap):
    frame = pd.DataFrame({"title": ["a"], "row": [0]})
    one = np.ones((1, 2), int)
    empty = mapped(frame, one, one, ["A", "B"], None)
    assert empty.told == "there are no features"
    assert PictureMap(shown.browser, empty.titles, empty.places, empty.colourings).widget
    full = mapped(frame, one, one, ["A", "B"], np.ones((3, 4), np.float32))
    assert full.titles == ["a"] and full.colourings == {"mistake": ["all right"], "label": ["A"]}
