"""The map of images where people use it: in the real JupyterLab, pointed at, brushed, and taken back."""

import json
from pathlib import Path

import nbformat
import pytest

from test_lab_browser import HOSTILE, Lab, chromium, lab, pytestmark  # noqa: F401

selenium = pytest.importorskip("selenium", reason="selenium is not installed (extra browser-test)")

from selenium.webdriver.common.action_chains import ActionChains  # noqa: E402
from selenium.webdriver.common.by import By  # noqa: E402
from selenium.webdriver.support.ui import Select  # noqa: E402

NOTEBOOK = f"""
import numpy as np, pandas as pd
from wikitopics.show.browser.mistakes import MistakeBrowser
from wikitopics.show.browser.picture_map import PictureMap

rng = np.random.default_rng(0)
images = rng.integers(0, 255, (40, 48, 48, 3)).astype(np.uint8)
truth = np.zeros((40, 2), np.uint8)
scores = np.full((40, 2), 0.9, np.float32)
titles = [{HOSTILE!r} if i == 3 else f"Drawing {{i}}.svg" for i in range(40)]
frame = pd.DataFrame(dict(title=titles, row=range(40), split="test", group=range(40)))
browser = MistakeBrowser(frame, truth, scores, np.full(2, 0.5), ["Animals", "Plants"], images)
places = np.stack([np.where(np.arange(40) < 10, -800, 800), np.linspace(-900, 900, 40)], axis=1)
kinds = dict(mistake=["left" if i < 5 else "right" for i in range(40)], label=["a", "b"] * 20)
mapped = PictureMap(browser, titles, places.astype(np.int16), kinds, rest=["right"])
mapped.widget
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("map")
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(NOTEBOOK.strip())])
    notebook.metadata["kernelspec"] = {"name": "python3", "display_name": "Python 3", "language": "python"}
    nbformat.write(notebook, folder / "map.ipynb")
    return folder


@pytest.fixture(scope="module")
def page(lab: str, chromium) -> Lab:  # noqa: F811
    opened = Lab(chromium, lab)
    opened.run("map.ipynb")
    opened.until(lambda: opened.all(".picture-map .js-plotly-plot .scatterlayer .point"))
    return opened


def at(page: Lab, x: float, y: float) -> tuple[int, int]:
    """Where a place of the map is on the screen, from the middle of the plot's element."""
    return page.driver.execute_script(
        "const gd = document.querySelector('.picture-map .js-plotly-plot'), l = gd._fullLayout;"
        "gd.scrollIntoView(); const r = gd.getBoundingClientRect();"
        "return [Math.round(l.xaxis._offset + l.xaxis.l2p(arguments[0]) - r.width / 2),"
        "Math.round(l.yaxis._offset + l.yaxis.l2p(arguments[1]) - r.height / 2)]",
        x,
        y,
    )


def brush(page: Lab, corners: list[tuple[float, float]]) -> None:
    """Draw round a part of the map with the pointer."""
    plot = page.one(".picture-map .js-plotly-plot")
    places = [at(page, *corner) for corner in [*corners, corners[0]]]
    pointer = ActionChains(page.driver, duration=60).move_to_element_with_offset(plot, *places[0])
    pointer.click_and_hold()
    for before, after in zip(places, places[1:], strict=False):
        for share in (0.25, 0.5, 0.75, 1):
            step = [round(a + (b - a) * share) for a, b in zip(before, after, strict=True)]
            pointer.move_to_element_with_offset(plot, *step)
    pointer.release().perform()


LEFT = [(-880, -960), (-500, -960), (-500, 600), (-880, 600)]


def shown(page: Lab) -> str:
    return page.one(".mistake-browser .mb-pager [role=status]").text


def test_pointing_shows_the_image(page: Lab):
    assert "Point at a mark" in page.one(".pm-side").text
    plot = page.one(".picture-map .js-plotly-plot")
    place = at(page, 800, 900)  # the last image
    ActionChains(page.driver).move_to_element_with_offset(plot, *place).perform()
    page.until(lambda: page.one(".pm-side .pm-title").text == "Drawing 39.svg")
    assert "mistake: right" in page.one(".pm-side").text and "label: b" in page.one(".pm-side").text
    assert page.driver.execute_script(
        "const i = document.querySelector('.pm-side img'); return i.naturalWidth == 48 && i.alt"
    )


def test_a_brush_filters_the_browser_and_show_all_takes_it_back(page: Lab):
    assert "of 80" in shown(page) and not page.one(".mb-all").is_displayed()
    brush(page, LEFT)
    page.until(lambda: "of 20" in shown(page))  # ten images, two mistakes each
    assert "Only 10 of 40 images: those brushed on the map." in page.one(".mistake-browser").text
    assert len(page.all(".mb-tile")) == 20

    page.one(".pm-all").click()
    page.until(lambda: "of 80" in shown(page))
    page.until(lambda: not page.one(".mb-all").is_displayed())
    assert not page.all(".picture-map .selectionlayer path")


def test_colours_change_and_the_brush_stays_heard(page: Lab):
    label = "//label[normalize-space()='Colour by']/following-sibling::select"
    Select(page.driver.find_element(By.XPATH, label)).select_by_visible_text("label")
    page.until(lambda: "a (20)" in "".join(page.texts(".picture-map .legendtext")))
    brush(page, LEFT)
    page.until(lambda: "of 20" in shown(page))
    page.one(".mb-all").click()  # the browser's own way back
    page.until(lambda: "of 80" in shown(page))
    page.until(lambda: not page.all(".picture-map .selectionlayer path"))


def test_nothing_foreign_ran_and_no_request_left(page: Lab):
    assert page.driver.execute_script("return window.pwned") is None
    events = [json.loads(entry["message"])["message"] for entry in page.driver.get_log("performance")]
    addresses = [e["params"]["request"]["url"] for e in events if e["method"] == "Network.requestWillBeSent"]
    assert addresses
    assert [a for a in addresses if not a.startswith((page.address, "data:", "blob:", "chrome"))] == []
