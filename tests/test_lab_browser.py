"""The browsers where people use them: the real JupyterLab, a real pointer, real keys, 100 ms away."""

import re
import shutil
import subprocess
import sys
import time
from pathlib import Path

import pytest

from lab_in_chromium import (  # noqa: F401
    HOSTILE,
    PLANTED,
    Distance,
    Lab,
    chromium,
    distance,
    lab,
    notebook,
    pytestmark,
)
from wikitopics import paths
from wikitopics.judgements import added_anchors, annotations, struck_hops, verdicts

selenium = pytest.importorskip("selenium", reason="selenium is not installed (extra browser-test)")

from selenium.webdriver.common.action_chains import ActionChains  # noqa: E402
from selenium.webdriver.common.keys import Keys  # noqa: E402

TOPICS = f"""
import numpy as np, pandas as pd
from pathlib import Path
from wikitopics.show.browser.topics import TopicBrowser

hostile, rng = {HOSTILE!r}, np.random.default_rng(0)
images = rng.integers(0, 255, (60, 32, 32, 3)).astype(np.uint8)
chance = rng.random((60, 4)).astype(np.float32)
frame = pd.DataFrame(dict(title=[f"{{hostile}} {{i}}" for i in range(60)]))
frame["sureness"] = np.maximum(chance, 1 - chance).mean(axis=1)
groups = pd.Series([[hostile, "Owls"] if i < 20 else [] for i in range(60)])
labels, near = ["Animals", hostile, "Food", "Places"], lambda i: [((i + 1) % 60, 0.9)]
journals = Path("judgements/topics")
TopicBrowser(frame, chance, chance > 0.6, labels, images, groups, near, journals).widget
"""

ANNOTATOR = f"""
import numpy as np
from pathlib import Path
from wikitopics.show.browser.annotator import Annotator

names = ["STEM", "Nature", "Animals", "Plants", "Food"]
above = dict(Nature="STEM", Animals="Nature", Plants="Nature")
grey = np.full((64, 64, 3), 128, np.uint8)
titles = [str(i) + {HOSTILE!r} for i in range(9)]
Annotator(titles, names, above, lambda title: grey, Path("judgements/annotator")).widget
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    """Where the notebooks lie, and judgements/ will."""
    folder = tmp_path_factory.mktemp("lab")
    for name, code in (("mistakes", PLANTED), ("topics", TOPICS), ("annotator", ANNOTATOR)):
        notebook(folder / f"{name}.ipynb", code)
    return folder


@pytest.fixture(scope="module")
def page(lab: str, chromium, distance: Distance) -> Lab:  # noqa: F811
    opened = Lab(chromium, lab)
    opened.run("mistakes.ipynb")
    distance.seconds = 0.1
    return opened


@pytest.fixture(autouse=True)
def clean(page: Lab):
    """All pictures, no filter and nothing over them, before each test."""
    reset = page.all(".wt [data-key='Reset filters']")
    if reset and page.all(".wt-mistakes"):
        page.until(lambda: nothing_over_the_pictures(page))  # again where an answer was under way
        page.click(reset[0])
        page.until(lambda: page.one(".wt-search").get_attribute("value") == "")


def nothing_over_the_pictures(page: Lab) -> bool:
    """Close what lies over them and show them all; whether that is done."""
    if page.one(".wt-layer").is_displayed():
        page.click(page.button("shut"))
    elif page.one(".wt-only").is_displayed():
        page.click(page.all(".wt-only button")[0])
    else:
        return True
    return False


def said(page: Lab) -> str:
    return page.one(".wt-said").text


def test_everything_is_drawn(page: Lab):
    assert len(page.all(".wt-tile")) == 60
    page.until(
        lambda: page.script("return [...document.querySelectorAll('.wt img')].every(i => i.naturalWidth)")
    )
    page.shot("opened")


@pytest.mark.parametrize("width", [900, 1280, 1366, 1440, 1920, 2560])
def test_a_click_on_a_tile_shows_its_picture_beside_it_at_every_width(page: Lab, width: int):
    """At 1280 the detail once came 400 px below the window, and at 1440 its buttons read "Previ..."."""
    page.wide(width)
    page.script("document.querySelector('.wt-body').scrollIntoView({block: 'center'})")
    for place in (1, 0):
        page.opens(place)
    box = page.script(
        "const [t, d, w] = ['.wt-title', '.wt-detail', '.wt'].map(s => document.querySelector(s)"
        ".getBoundingClientRect()); return {top: t.top, bottom: t.bottom, left: t.left, right: t.right,"
        "end: w.right, rest: w.right - d.right, high: innerHeight}"
    )
    assert box["top"] > 0 and box["bottom"] < box["high"] and box["right"] <= box["end"] + 1
    assert box["rest"] < 20  # nothing to the right of it stays empty
    cut = page.script(
        "return [...document.querySelectorAll('.wt button, .wt select')].filter(b => b.offsetParent &&"
        "!b.matches('.wt-tile, .wt-like, .wt-toggle') && b.scrollWidth > b.clientWidth + 1)"
        ".map(b => b.textContent)"
    )
    assert cut == []
    columns = page.script("return getComputedStyle(document.querySelector('.wt-grid')).gridTemplateColumns")
    assert len(columns.split()) >= (1 if width < 1280 else 2 if width < 1440 else 3)
    page.shot(f"width-{width}")
    page.wide(1440)


def test_filters_pages_and_words(page: Lab):
    page.choose("errors", "false positives")
    page.until(lambda: set(page.texts(".wt-question .wt-badge")) == {"FP"})
    page.choose("errors", "both kinds of mistake")
    page.until(lambda: page.all(".wt-c-false-negative") and "of 241" in page.one(".wt-count").text)
    first = page.texts(".wt-tile .wt-line")
    page.click(page.all(".wt-pager button")[1])
    page.until(lambda: page.texts(".wt-tile .wt-line") != first)
    page.press(Keys.PAGE_UP)
    page.until(lambda: page.texts(".wt-tile .wt-line") == first)
    page.click(page.one(".wt-search"))
    titles = page.script("return [...document.querySelectorAll('.wt-tile')].map(tile => tile.title)")
    number = next(found[1] for title in titles if (found := re.fullmatch(r"Drawing (\d{3})\.svg", title)))
    page.press(*f"svg {number}")
    page.until(lambda: len(page.all(".wt-tile")) == 1 and page.title() == f"Drawing {number}.svg")
    assert page.one(".wt-search").get_attribute("value") == f"svg {number}"  # typed through, 100 ms away
    page.one(".wt-search").send_keys(Keys.CONTROL, "a", Keys.NULL, Keys.BACKSPACE, Keys.ENTER)
    page.until(lambda: page.texts(".wt-tile .wt-line") == first)


def test_words_after_a_tilde_put_the_pictures_in_the_order_of_likeness(page: Lab):
    search = page.one(".wt-search")
    assert "~what it shows" in search.get_attribute("placeholder")
    page.click(search)
    page.press(*"~a red fox")
    page.until(lambda: "by likeness to a red fox" in page.one(".wt-count").text)
    page.until(lambda: "alike" in page.texts(".wt-tile .wt-line")[0])
    titles = page.script("return [...document.querySelectorAll('.wt-tile')].map(tile => tile.title)")
    places = [int(re.search(r"(\d+)(\.svg)?$", title)[1]) for title in titles]
    assert len(places) > 20 and places == sorted(places)  # picture 0 is like anything, 449 like nothing
    search.send_keys(Keys.CONTROL, "a", Keys.NULL, Keys.BACKSPACE, Keys.ENTER)
    page.until(lambda: "by likeness" not in page.one(".wt-count").text)


def test_keys_are_heard_after_every_control_and_jupyterlab_gets_none(page: Lab, folder: Path):
    """They were not after a tick: the focus stayed in a checkbox, whose keys were thrown away."""
    for prepare in (
        lambda: page.click(page.all(".wt-tile")[0]),
        lambda: page.click(page.all(".wt-toggle")[0]) or page.press("u"),
        lambda: (page.press("z"), page.until(lambda: page.all(".wt-zoom")), page.press(Keys.ESCAPE)),
        lambda: page.click(page.button("Next ▶")),
    ):
        prepare()
        time.sleep(0.5)
        before = page.title()
        page.press("3")
        page.until(lambda before=before: page.title() != before)  # the next picture comes
        page.until(lambda: "unsure" in said(page))
        page.press("u")
        page.until(lambda before=before: page.title() == before)
    page.click(page.all(".wt-tile")[0])
    for key, place in ((Keys.ARROW_RIGHT, 1), (Keys.ARROW_RIGHT, 2), (Keys.ARROW_LEFT, 1)):
        page.press(key)
        page.until(lambda place=place: page.opened_tile() == place)
    columns = page.script(
        "return getComputedStyle(document.querySelector('.wt-grid')).gridTemplateColumns.split(' ').length"
    )
    page.press(Keys.ARROW_DOWN)
    page.until(lambda: page.opened_tile() == 1 + columns)
    assert page.one(".jp-Notebook .jp-Cell").get_attribute("class").count("jp-CodeCell")


def test_a_slip_of_the_pointer_saves_nothing(page: Lab, folder: Path):
    """One plain click once replaced all labels, and saved that."""
    page.opens(4)
    before = len(verdicts(folder / "judgements"))
    given = page.texts(".wt-toggle.wt-now")
    page.click(page.all(".wt-toggle")[-1])
    page.until(lambda: page.all(".wt-toggle.wt-changed"))
    assert len(set(page.texts(".wt-toggle.wt-now")) ^ set(given)) == 1
    assert "not saved yet" in page.one(".wt-unsaved").text
    assert len(verdicts(folder / "judgements")) == before
    page.press("u")
    page.until(lambda: page.texts(".wt-toggle.wt-now") == given)
    page.click(page.all(".wt-toggle")[-1])
    page.until(lambda: page.all(".wt-toggle.wt-changed"))
    page.press("s")
    page.until(lambda: "saved" in said(page) and "labels" in said(page))
    assert len(verdicts(folder / "judgements")) > before
    page.press("u")
    page.until(lambda: len(verdicts(folder / "judgements")) == before)


def test_twenty_verdicts_are_twenty_keys(page: Lab, folder: Path):
    page.press("/")
    page.press(Keys.ESCAPE)
    page.opens(0)
    before = len({*verdicts(folder / "judgements")["title"]})
    for _ in range(20):
        title = page.title()
        page.press("1")
        page.until(lambda title=title: page.title() != title)
    page.until(lambda: len({*verdicts(folder / "judgements")["title"]}) >= before + 20)
    assert "of 241 judged" in page.one(".wt-pager").text and "a minute" in page.one(".wt-pager").text
    for _ in range(20):
        page.press("u")
    page.until(lambda: len({*verdicts(folder / "judgements")["title"]}) == before)


def test_no_arrow_is_lost_while_the_kernel_answers_the_one_before(page: Lab, folder: Path):
    """An answer once took the frame back, and the next key went on from there."""
    page.opens(0)
    for _ in range(12):
        page.press(Keys.ARROW_RIGHT)
        time.sleep(0.06)  # less than an answer takes
    page.until(lambda: page.title() == page.all(".wt-tile")[12].get_attribute("title"))
    assert page.opened_tile() == 12
    for _ in range(6):
        page.press(Keys.ARROW_DOWN)
    page.until(
        lambda: page.script(
            "const [t, g] = ['.wt-tile.wt-open', '.wt-grid'].map(s => document.querySelector(s)"
            ".getBoundingClientRect()); return t.top >= g.top - 1 && t.bottom <= g.bottom + 1"
        )
    )  # tiles below were never drawn, so nobody knew how high they are


def test_marked_tiles_are_judged_together(page: Lab, folder: Path):
    page.opens(0)
    page.press("x", Keys.ARROW_RIGHT, "x")  # faster than the kernel answers
    page.until(lambda: len(page.all(".wt-marked")) == 2)
    assert "2 marked" in page.one(".wt-pager").text
    page.shot("marked")
    page.press("2")
    page.until(lambda: not page.all(".wt-marked") and "label wrong" in said(page))
    page.until(lambda: page.texts(".wt-tile .wt-verdict")[:2] == ["✗", "✗"])
    page.press("u")
    page.until(lambda: page.texts(".wt-tile .wt-verdict")[:2] == ["", ""])


def test_a_moved_threshold_tells_at_once_and_shows_what_crosses_it(page: Lab):
    page.choose("label", "Plants")
    page.until(lambda: page.one(".wt-curve").is_displayed())
    slider = page.button("threshold")
    slider.send_keys(Keys.ARROW_LEFT * 10)
    assert "threshold 0.40 (the run's 0.50)" in page.one(".wt-curve").text  # before the kernel has answered
    page.click(page.button("What it changes"))
    page.until(lambda: page.texts(".wt-question b") and set(page.texts(".wt-question b")) == {"Plants"})

    def scores() -> list[float]:
        return [float(text.split()[0]) for text in page.texts(".wt-tile .wt-line")]

    page.until(lambda: scores() and all(0.395 <= score <= 0.505 for score in scores()))
    page.shot("threshold")
    page.click(page.button("Reset filters"))
    page.until(lambda: not page.one(".wt-curve").is_displayed())


def test_hops_views_help_and_copy(page: Lab):
    page.click(page.button("Hops"))
    page.until(lambda: page.all(".wt-table tbody tr"))
    page.click(page.button("show 0"))
    page.until(lambda: "by" in page.one(".wt-only").text and "→" in page.one(".wt-only").text)
    page.click(page.all(".wt-only button")[0])
    page.until(lambda: not page.one(".wt-only").is_displayed())
    page.press("v")
    page.until(lambda: page.all(".wt-sheet input"))[0].send_keys("mine", Keys.ENTER)
    page.until(lambda: "mine" in page.texts(".wt-names button"))
    page.press(Keys.ESCAPE)
    page.press(Keys.ESCAPE)
    page.choose("copy", "one line of code")
    page.until(lambda: page.all(".wt-sheet textarea"))
    assert page.one(".wt-sheet textarea").get_attribute("value").startswith("wikitopics.browse('planted'")
    page.press(Keys.ESCAPE)
    page.press("?")
    assert page.until(lambda: page.texts(".wt-keys kbd")).count("1") == 1
    page.press(Keys.ESCAPE)
    page.until(lambda: not page.one(".wt-layer").is_displayed())


def test_look_alikes_and_hops_of_a_way_are_clickable(page: Lab):
    page.opens(0)
    page.until(lambda: page.all(".wt-like img"))
    time.sleep(0.5)
    near = page.all(".wt-like")[0]
    title = near.get_attribute("title").split(" · ")[0]
    page.click(near)
    page.until(lambda: page.title() == title)
    page.click(page.all(".wt-path .wt-hop")[-1])
    page.until(lambda: "Food by Meals → Food" in page.one(".wt-only").text)
    page.click(page.all(".wt-only button")[0])
    page.click(page.button("Reset filters"))
    page.until(lambda: "1–60" in page.one(".wt-count").text)


def test_what_a_picture_depicts_is_told_as_text(page: Lab):
    page.opens(0)
    page.until(lambda: "Depicts" in page.texts(".wt-detail h4"))
    page.until(lambda: f"{HOSTILE} (Q5)" in page.texts(".wt-detail .wt-chip"))


def test_it_is_dark_where_the_notebook_is(page: Lab):
    page.theme("JupyterLab Dark")
    page.until(lambda: page.all(".wt.wt-dark"))
    page.script("document.querySelector('.wt-map').scrollIntoView()")
    time.sleep(1)
    ground = page.script("return getComputedStyle(document.querySelector('.wt')).backgroundColor")
    assert max(map(int, ground.strip("rgba()").split(",")[:3])) < 80
    light = page.script(
        "const c = document.querySelector('.wt-plot > canvas'), d = c.getContext('2d')"
        ".getImageData(0, 0, c.width, c.height).data; let n = 0; for (let i = 0; i < d.length; i += 4)"
        "if (d[i + 3] > 200 && d[i] + d[i + 1] + d[i + 2] > 700) n++; return n / (d.length / 4)"
    )
    assert light < 0.02  # no white slab
    page.shot("dark")
    page.theme("JupyterLab Light")
    page.until(lambda: not page.all(".wt.wt-dark"))


def test_every_control_has_a_name(page: Lab):
    nameless = page.script(
        "return [...document.querySelectorAll('.wt button, .wt input, .wt select, .wt textarea, .wt canvas')]"
        ".filter(e => e.offsetParent && !e.getAttribute('aria-label') && !e.textContent.trim() &&"
        "!e.closest('label') && !e.getAttribute('aria-hidden')).map(e => e.outerHTML.slice(0, 80))"
    )
    assert nameless == []


def test_no_script_of_other_people_ran_and_no_request_left_the_machine(page: Lab):
    assert page.script("return window.pwned") is None
    assert not page.all(".wt script, .wt img[src='x']")
    assert page.script(
        "return [...document.querySelectorAll('.wt, .wt *')].every(e => e.getAttributeNames()"
        ".every(a => !a.startsWith('on')))"
    )
    assert any(HOSTILE in text for text in page.texts(".wt-chip"))
    assert page.foreign_requests() == []


def test_a_verdict_survives_the_kernel(page: Lab, folder: Path):
    page.opens(0)
    page.press("2")
    page.until(lambda: "label wrong" in said(page))
    before = verdicts(folder / "judgements")
    page.run("mistakes.ipynb")
    page.choose("reviewed", "reviewed")
    page.until(lambda: len(page.all(".wt-tile")) == before["title"].nunique())
    assert page.texts(".wt-tile .wt-verdict") == ["✗"] * before["title"].nunique()


def test_the_annotator_hears_its_keys_after_a_label_was_chosen(page: Lab, folder: Path):
    page.run("annotator.ipynb", 240, ".wt-annotator .wt-toggle")
    first = page.one(".wt-title").text
    page.click(page.all(".wt-toggle")[2])
    page.until(lambda: len(page.all(".wt-toggle.wt-now")) == 3)  # and what lies above
    page.press("1")
    page.until(lambda: page.one(".wt-title").text != first)
    assert annotations(folder / "judgements" / "annotator")["labels"].tolist() == [
        ["STEM", "Nature", "Animals"]
    ]
    second = page.one(".wt-title").text
    page.press("l", Keys.SPACE)
    page.until(lambda: page.texts(".wt-toggle.wt-now"))
    page.press("2")
    page.until(lambda: page.one(".wt-title").text != second)
    assert annotations(folder / "judgements" / "annotator")["labels"].tolist()[1] == []
    page.press(Keys.ARROW_LEFT)
    page.until(lambda: page.one(".wt-title").text == second)
    assert page.script("return window.pwned") is None
    page.shot("annotator")


def test_scored_pictures_by_topic_group_and_key(page: Lab, folder: Path):
    """The browser of 06: filters, arrow keys, look-alikes, a verdict; nobody's text becomes anything else."""
    page.run("topics.ipynb")
    page.click(page.all(".wt-tile")[0])
    page.press(Keys.ARROW_RIGHT)
    page.until(lambda: page.opened_tile() == 1)
    assert page.all(".wt-likes img") and len(page.all(".wt-track")) == 4
    assert page.one(".wt").get_attribute("aria-label").startswith("Browser of scored pictures")
    page.choose("group", "Owls (20)")
    page.until(lambda: len(page.all(".wt-tile")) == 20)
    page.choose("topic", "Food")
    page.until(lambda: all("Food" in text for text in page.texts(".wt-tile .wt-chips")))
    page.opens(1)
    title = page.title()
    page.press("2")
    page.until(lambda: page.title() != title)
    assert set(verdicts(folder / "judgements" / "topics")["title"]) == {title}
    page.shot("topics")
    assert page.script("return window.pwned") is None


def made(stage: str, run: str) -> bool:
    return (paths.run_folder(stage, run) / "run.json").exists()


def test_the_evaluation_notebook_itself(page: Lab, folder: Path):
    """04_evaluate on the sample's runs, where `make demo` has made them; verdicts go to a copy's folder."""
    if not (made("02_images", "sample") and made("03_train", "commons-10-lite0")):
        pytest.skip("the sample's runs are not there: run `make demo` first")
    (folder / "data").mkdir()
    shutil.copytree(paths.root() / "data" / "01_labels", folder / "data" / "01_labels")
    for stage in ("02_images", "03_train"):
        (folder / "data" / stage).symlink_to(paths.root() / "data" / stage)
    shutil.copytree(paths.root() / "params", folder / "params")
    for stage in ("01_labels", "04_evaluate"):
        shutil.copy(paths.notebook(stage), folder / f"{stage}.ipynb")
    page.run("04_evaluate.ipynb", seconds=400)
    page.click(page.all(".wt-tile")[1])
    page.until(lambda: page.one(".wt-words .wt-soft").text.startswith("2 of "))  # it follows the tile's mark
    title = page.title()
    page.press("2")
    reviews = folder / "judgements" / "04_evaluate" / "commons-10-lite0"
    page.until(reviews.exists)
    assert set(verdicts(reviews)["title"]) == {title}
    page.until(lambda: page.all(".wt-likes img") and page.all(".wt-chip") and page.all(".wt-path"))
    page.until(lambda: "| Idle" in page.one("#jp-main-statusbar").text, 200)
    assert page.texts(".jp-OutputArea-output[data-mime-type='application/vnd.jupyter.stderr']") == []
    assert page.all(".js-plotly-plot") and not page.texts(".jp-OutputArea-output .modebar-btn--logo")
    page.shot("evaluate")
    click_in_figure(page, "mistakes", ".barlayer .point path")
    page.until(lambda: "the test images" in page.one(".wt-only").text)
    assert set(page.texts(".wt-question .wt-badge")) == {"FP"}  # the first trace of the bars
    click_in_figure(page, "slice", ".scatterlayer .point")
    page.until(lambda: "the test images" not in page.one(".wt-only").text)
    click_in_figure(page, "bin", ".scatterlayer .point")
    page.until(lambda: "scores from 0." in page.one(".wt-only").text)
    click_in_figure(page, "confusion", ".nsewdrag")
    page.until(lambda: " true, " in page.one(".wt-only").text and " said" in page.one(".wt-only").text)


def click_in_figure(page: Lab, opens: str, mark: str) -> None:
    """Click with the pointer on the middle of the first such mark of the figure that opens something."""
    found = page.script(
        "return [...document.querySelectorAll('.js-plotly-plot')].filter(p => p.layout.meta &&"
        "p.layout.meta.opens == arguments[0]).map(p => p.querySelector(arguments[1]))",
        opens,
        mark,
    )[0]
    page.script("arguments[0].scrollIntoView({block: 'center'})", found)
    time.sleep(1)
    ActionChains(page.driver, duration=60).move_to_element(found).pause(0.3).click().perform()


def up_to_date(folder: Path) -> str:
    """What a dry run says of the labels and the evaluation in this folder."""
    names = ["01_labels/commons", "04_evaluate/commons-10-lite0"]
    command = [sys.executable, "-m", "wikitopics", "run", "--dry-run", "--root", str(folder), *names]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout


def test_what_was_run_in_jupyterlab_is_the_run_and_looking_costs_nothing(page: Lab, folder: Path):
    """04 was made here by the test before; now 01 and 04, both finished, are run again from top to bottom."""
    if not made("01_labels", "commons") or not (folder / "params").exists():
        pytest.skip("the sample's runs are not there: run `make demo` first")
    said = up_to_date(folder)
    if "01_labels/commons " in said and "would run" in said.split("01_labels/commons ")[1].split("\n")[0]:
        pytest.skip("the sample's runs are of other code than this: run `make demo` first")
    assert "everything is up to date" in said
    page.run("01_labels.ipynb", 200, ".wt-annotator button")
    page.idle()
    assert any("it stays as it is" in text for text in page.texts(".jp-OutputArea-output"))
    take_over_a_change(page, folder / "judgements" / "01_labels" / "commons")
    page.run("04_evaluate.ipynb", 400)
    page.idle()
    assert any("it stays as it is" in text for text in page.texts(".jp-OutputArea-output"))
    assert "everything is up to date" in up_to_date(folder)


def take_over_a_change(page: Lab, kept: Path) -> None:
    """Tick the first proposed change of 01's walk with the pointer, save, and take it back."""
    named = "span[title^='add anchor: '], span[title^='strike out: ']"
    box, save = page.script(
        "const one = document.querySelector(arguments[0]).closest('.widget-checkbox');"
        "return [one.querySelector('input'), one.closest('.widget-vbox').querySelector('button')]",
        named,
    )
    for number, told in enumerate(
        ("1 taken over, 0 taken back, in judgements/01_labels/commons", "0 taken over, 1 taken back, in")
    ):
        page.click(box)
        assert len(added_anchors(kept)) + len(struck_hops(kept)) == number  # nothing before it is saved
        page.click(save)
        page.until(lambda told=told: any(told in text for text in page.texts(".widget-label")))
        assert len(added_anchors(kept)) + len(struck_hops(kept)) == 1 - number
    page.shot("take_over")


def test_any_run_has_its_browser_in_one_line(page: Lab, folder: Path):
    """`wikitopics browse`'s notebook: the same browser and map, with the verdict of the test before."""
    if not (folder / "params").exists():
        pytest.skip("the sample's runs are not there: run `make demo` first")
    before = up_to_date(folder)
    notebook(folder / "browse.ipynb", 'import wikitopics\n\nwikitopics.browse("commons-10-lite0")')
    page.run("browse.ipynb", 200)
    page.choose("reviewed", "reviewed")
    page.until(lambda: len(page.all(".wt-tile")) == 1)
    assert page.all(".wt-plot canvas")
    page.until(lambda: page.all(".wt-likes img"))
    assert up_to_date(folder) == before  # looking costs nothing
    page.shot("browse")
