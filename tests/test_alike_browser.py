"""The map of images where people use it: in the real JupyterLab, 100 ms away, pointed at and brushed."""

import random
import time
from functools import cache
from pathlib import Path

import pytest

from lab_in_chromium import (  # noqa: F401
    PLANTED,
    Distance,
    Lab,
    chromium,
    distance,
    lab,
    notebook,
    pytestmark,
)

selenium = pytest.importorskip("selenium", reason="selenium is not installed (extra browser-test)")

from selenium.webdriver.common.action_chains import ActionChains  # noqa: E402
from selenium.webdriver.common.keys import Keys  # noqa: E402
from selenium.webdriver.support.ui import Select  # noqa: E402

CANVAS = ".wt-plot > canvas"
PICTURES = 450


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("map")
    notebook(folder / "map.ipynb", PLANTED)
    return folder


@pytest.fixture(scope="module")
def page(lab: str, chromium, distance: Distance) -> Lab:  # noqa: F811
    opened = Lab(chromium, lab)
    opened.run("map.ipynb", shows=CANVAS)
    distance.seconds = 0.1
    opened.script("document.querySelector('.wt-map').scrollIntoView()")
    opened.until(lambda: opened.all(".wt-kind"))
    return opened


@cache
def places(n: int = PICTURES):
    """The places of the marks, made as the notebook makes them."""
    import numpy as np

    rng = np.random.default_rng(0)
    for _ in range(n):
        rng.integers(4, 34, 2), rng.integers(30, 220, 3)
    truth = (rng.random((n, 5)) < 0.35).astype(np.uint8)
    rng.normal(0.25, 0.22, truth.shape), rng.normal(size=(n, 16))
    return np.round(rng.uniform(-1000, 1000, (n, 2))).astype(np.int16)


def on_screen(page: Lab, x: float, y: float) -> tuple[int, int]:
    """Where a place of the map is on the screen, from the middle of the canvas."""
    width, height = page.script(
        f"const r = document.querySelector('{CANVAS}').getBoundingClientRect(); return [r.width, r.height]"
    )
    (left, low), (right, high) = places().min(axis=0).astype(float), places().max(axis=0).astype(float)
    across = 16 + (x - left) / (right - left) * (width - 32)
    down = 16 + (high - y) / (high - low) * (height - 32)
    return round(across - width / 2), round(down - height / 2)


def brush(page: Lab, corners: list[tuple[float, float]]) -> None:
    """Draw round a part of the map with the pointer, and move on at once as a hand does."""
    canvas = page.one(CANVAS)
    spots = [on_screen(page, *corner) for corner in [*corners, corners[0]]]
    pointer = ActionChains(page.driver, duration=25).move_to_element_with_offset(canvas, *spots[0])
    pointer.click_and_hold()
    for before, after in zip(spots, spots[1:], strict=False):
        for share in (0.34, 0.67, 1):
            step = [round(a + (b - a) * share) for a, b in zip(before, after, strict=True)]
            pointer.move_to_element_with_offset(canvas, *step)
    pointer.release()
    pointer.move_by_offset(9, 7).move_by_offset(-25, 12).perform()


def chosen(page: Lab) -> int | None:
    """How many images the browser says are chosen; None: all."""
    only = page.one(".wt-only").text
    return int(only.split()[1]) if only.startswith("Only") else None


def test_pointing_shows_the_picture_and_a_click_opens_it(page: Lab):
    assert "Point at a mark" in page.one(".wt-side").text
    marks = places()
    spot = on_screen(page, *marks[100])
    ActionChains(page.driver).move_to_element_with_offset(page.one(CANVAS), *spot).perform()
    page.until(lambda: page.all(".wt-side .wt-title"))
    assert page.script(
        "const i = document.querySelector('.wt-side img'); return i.naturalWidth == 64 && i.alt"
    )
    title = page.one(".wt-side .wt-title").text
    ActionChains(page.driver).click().perform()
    page.until(lambda: page.title() == title)
    page.click(page.button("Reset filters"))
    page.click(page.button("map all")) if page.button("map all").is_enabled() else None


def test_no_brush_is_lost_among_450_marks_wherever_it_ends(page: Lab):
    """Of 20 brushes through plotly's traitlet 12 to 20 were lost: a hover that followed took their place."""
    import numpy as np

    from wikitopics.show.browser.picture_map import in_polygon

    marks, draw, heard = places(), random.Random(0), 0
    for attempt in range(20):
        on_a_mark = attempt % 2 == 0
        middle = marks[draw.randrange(PICTURES)].astype(float) if on_a_mark else np.array([0.0, 0.0])
        middle = np.clip(middle, -600, 600) if not on_a_mark else np.clip(middle, -650, 650)
        size = draw.uniform(150, 340)
        corners = [
            (middle[0] + size * dx, middle[1] + size * dy) for dx, dy in ((0, 0), (1, 0), (1, 1), (0, 1))
        ]
        expected = int(in_polygon(marks.astype(float), np.array(corners)).sum())
        brush(page, corners)
        page.until(lambda: chosen(page) is not None, 20)
        heard += abs(chosen(page) - expected) <= 4  # a pixel is some units of the map
        page.click(page.one(".wt-only button"))
        page.until(lambda: chosen(page) is None, 20)
    assert heard == 20


def test_a_kind_in_the_legend_and_other_colours(page: Lab):
    assert page.texts(".wt-kind")[0].startswith("left")
    Select(page.one(".wt-map select")).select_by_visible_text("label")
    page.until(lambda: "a (150)" in page.texts(".wt-kind"))
    page.click(page.all(".wt-kind")[0])
    page.until(lambda: chosen(page) == 150)
    page.shot("map")
    page.click(page.one(".wt-only button"))
    page.until(lambda: chosen(page) is None)


def test_the_brush_without_a_mouse(page: Lab):
    page.press("m")
    page.until(lambda: page.script(f"return document.activeElement.matches('{CANVAS}')"))
    page.press("+", "+", "+", Keys.ARROW_LEFT, Keys.ARROW_UP)
    page.press(Keys.SPACE)
    page.until(lambda: chosen(page))
    first = chosen(page)
    for _ in range(12):
        page.press(Keys.ARROW_RIGHT)
    ActionChains(page.driver).key_down(Keys.SHIFT).send_keys(Keys.SPACE).key_up(Keys.SHIFT).perform()
    page.until(lambda: chosen(page) > first)  # added to what was there
    page.shot("keyboard-brush")
    page.press(Keys.ESCAPE)
    page.until(lambda: chosen(page) is None)


def test_the_map_is_as_wide_as_there_is_room_from_the_start(page: Lab):
    for width in (1280, 1920):
        page.wide(width)
        page.until(lambda: page.one(CANVAS).size["width"] > 0.6 * page.one(".wt").size["width"])
        sharp = page.script(
            f"const c = document.querySelector('{CANVAS}'); return c.width / c.getBoundingClientRect().width"
        )
        assert abs(sharp - page.script("return devicePixelRatio")) < 0.02
    time.sleep(0.2)


def test_nothing_foreign_ran_and_no_request_left(page: Lab):
    assert page.script("return window.pwned") is None
    assert page.foreign_requests() == []
