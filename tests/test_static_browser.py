"""The browser of an evaluation on a page of the site: light, harmless, and it answers without a kernel."""

import json
import re
from pathlib import Path

import numpy as np
import pytest

from test_browser import HOSTILE, planted
from wikitopics.show.browser.mistakes import MistakeBrowser
from wikitopics.site import static_browser
from wikitopics.site.notebooks import Links, Notebook

NOTEBOOK = Notebook("04_evaluate", "run", [], {})


@pytest.fixture
def text(monkeypatch) -> str:
    """The page of 200 planted pictures, some of whose titles try to run something."""
    p = planted(200)
    p["frame"]["title"] = [f"{HOSTILE}</script> {i}" if i % 2 else f"File {i}.png" for i in range(200)]
    p["images"] = np.random.default_rng(0).integers(0, 255, (210, 128, 128, 3)).astype(np.uint8)
    monkeypatch.setattr(static_browser, "mistakes", lambda run, on_map: MistakeBrowser(**p))
    monkeypatch.setattr(static_browser, "address", lambda one: "04_evaluate/run.browser.html")
    return static_browser.browser_page(NOTEBOOK, Links([NOTEBOOK]))


def data(text: str) -> dict:
    found = re.search(r'<script type="application/json" id="pictures">(.*?)</script>', text, re.DOTALL)
    assert found
    return json.loads(found[1])


def test_a_page_is_light_and_holds_the_worst_first_and_no_markup_of_others(text: str):
    assert len(text.encode()) < 3_000_000 and HOSTILE not in text
    pictures = data(text)["pictures"]
    browser = static_browser.mistakes("run", False)
    assert [one["tile"]["title"] for one in pictures] == [
        str(browser.titles[image]) for image in browser._images[: len(pictures)]
    ]
    assert len(pictures) > 80 and all(one["tile"]["jpeg"].startswith("data:image/jpeg") for one in pictures)
    assert not data(text)["setup"]["verdicts"]  # nobody would hear them


def test_a_run_that_is_not_there_has_none(tmp_path: Path, monkeypatch):
    monkeypatch.setenv("WIKITOPICS_ROOT", str(tmp_path))
    assert static_browser.address(NOTEBOOK) == ""
    assert static_browser.address(Notebook("05_compare", "grid", [], {})) == ""


@pytest.mark.browser
def test_it_filters_sorts_searches_and_opens_from_a_file(text: str, tmp_path: Path):
    lab = pytest.importorskip("lab_in_chromium")
    if not (lab.CHROMIUM and lab.DRIVER):
        pytest.skip("no Chromium with chromedriver on the PATH")
    from selenium.webdriver.common.keys import Keys

    (tmp_path / "assets").mkdir()
    scripts = {"browser.js": static_browser.script(), "browser.css": static_browser.style()}
    for name, content in (scripts | {"style.css": "", "site.js": ""}).items():
        (tmp_path / "assets" / name).write_text(content, "utf-8")
    (tmp_path / "04_evaluate").mkdir()
    page = tmp_path / "04_evaluate" / "run.browser.html"
    page.write_text(text, "utf-8")
    with lab.driver() as chromium:
        chromium.get(page.as_uri())
        seen = lab.Lab(chromium, "file://")
        seen.until(lambda: len(seen.all(".wt-tile")) == 60)
        assert seen.script("return [...document.querySelectorAll('.wt img')].every(i => i.src)")
        seen.opens(3)
        seen.press(Keys.ARROW_RIGHT)
        assert seen.opened_tile() == 4
        seen.choose("errors", "false negatives")
        assert set(seen.texts(".wt-question .wt-badge")) == {"FN"}
        seen.choose("label", "Plants")
        assert set(seen.texts(".wt-question b")) == {"Plants"}
        seen.choose("order", "confidence, high first")
        scores = [float(line.split()[0]) for line in seen.texts(".wt-tile .wt-line")]
        assert scores == sorted(scores, reverse=True) and len(scores) > 5
        seen.one(".wt-search").send_keys("file 1")
        seen.until(lambda: 0 < len(seen.all(".wt-tile")) < len(scores))
        assert all("File 1" in tile.get_attribute("title") for tile in seen.all(".wt-tile"))
        seen.press(Keys.ENTER)
        seen.press("z")
        seen.until(lambda: seen.all(".wt-zoom img"))
        assert seen.script("return window.pwned") is None
        assert [e for e in chromium.get_log("browser") if e["level"] == "SEVERE"] == []
