"""The browser of mistakes where people use it: the real JupyterLab, in a real Chromium, without network."""

import json
import os
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

import nbformat
import pytest

from wikitopics import paths
from wikitopics.judgements import verdicts

selenium = pytest.importorskip("selenium", reason="selenium is not installed (extra browser-test)")

from selenium import webdriver  # noqa: E402
from selenium.common.exceptions import WebDriverException  # noqa: E402
from selenium.webdriver.chrome.service import Service  # noqa: E402
from selenium.webdriver.common.action_chains import ActionChains  # noqa: E402
from selenium.webdriver.common.by import By  # noqa: E402
from selenium.webdriver.common.keys import Keys  # noqa: E402
from selenium.webdriver.support.ui import Select, WebDriverWait  # noqa: E402

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
DRIVER = shutil.which("chromedriver")
pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(not (CHROMIUM and DRIVER), reason="no Chromium with chromedriver on the PATH"),
]

FLAGS = (
    "--headless=new --no-sandbox --disable-gpu --no-first-run --disable-background-networking "
    "--disable-component-update --disable-sync --disable-quic --window-size=1500,1900"
)
SETTINGS = {  # no news in the corner; every cell in the page, not only those in sight
    "@jupyterlab/apputils-extension:notification": {"fetchNews": "false", "checkForUpdates": False},
    "@jupyterlab/notebook-extension:tracker": {"windowingMode": "none"},
}
TOKEN = "testtoken"
HOSTILE = '<img src=x onerror="window.pwned=1">'

NOTEBOOK = f"""
from pathlib import Path
import numpy as np, pandas as pd
from wikitopics.show.browser.mistakes import MistakeBrowser

hostile, rng = {HOSTILE!r}, np.random.default_rng(0)
label_names = ["Animals", "Plants", "Vehicles", "People", "Food"]
images = np.full((90, 64, 64, 3), 255, np.uint8)
for image in images:
    x, y = rng.integers(4, 34, 2)
    image[x : x + 26, y : y + 26] = rng.integers(30, 220, 3)
truth = (rng.random((80, 5)) < 0.35).astype(np.uint8)
scores = np.clip(0.5 * truth + rng.normal(0.25, 0.22, truth.shape), 0, 1).astype(np.float32)
titles = [f"{{hostile}} {{i}}" if i % 2 else f"Drawing {{i}}.svg" for i in range(80)]
frame = pd.DataFrame(dict(title=titles, row=range(80), split="test", group=range(80)))
lists = {{"categories": [[hostile, "SVG drawings"]] * 80, "labels: human": [["Food"]] * 80}}
hops = dict(label="Food", score=0.9, start=hostile, path=[hostile, "Food"], rules=["depth"])
why = pd.DataFrame([dict(title=title, **hops) for title in titles])
browser = MistakeBrowser(
    frame, truth, scores, np.full(5, 0.5), label_names, images, details=pd.DataFrame(lists, titles), why=why,
    features=rng.normal(size=(90, 16)).astype(np.float32), judgements=Path("judgements"),
)
browser.widget
"""

TOPICS = f"""
import numpy as np, pandas as pd
from wikitopics.show.browser.topics import TopicBrowser

hostile, rng = {HOSTILE!r}, np.random.default_rng(0)
images = np.full((60, 64, 64, 3), 255, np.uint8)
for image in images:
    x, y = rng.integers(4, 34, 2)
    image[x : x + 26, y : y + 26] = rng.integers(30, 220, 3)
chance = rng.random((60, 4)).astype(np.float32)
frame = pd.DataFrame(dict(title=[f"{{hostile}} {{i}}" for i in range(60)]))
frame["sureness"] = np.maximum(chance, 1 - chance).mean(axis=1)
groups = pd.Series([[hostile, "Owls"] if i < 20 else [] for i in range(60)])
labels = ["Animals", hostile, "Food", "Places"]
TopicBrowser(frame, chance, chance > 0.6, labels, images, groups, lambda i: [((i + 1) % 60, 0.9)]).widget
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    """Where the notebook lies, and judgements/ will."""
    folder = tmp_path_factory.mktemp("lab")
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(NOTEBOOK.strip())])
    notebook.metadata["kernelspec"] = {"name": "python3", "display_name": "Python 3", "language": "python"}
    nbformat.write(notebook, folder / "mistakes.ipynb")
    notebook.cells = [nbformat.v4.new_code_cell(TOPICS.strip())]
    nbformat.write(notebook, folder / "topics.ipynb")
    return folder


@pytest.fixture(scope="module")
def lab(folder: Path, tmp_path_factory):
    """The address of a JupyterLab of this environment, with settings of its own; stopped afterwards."""
    own = tmp_path_factory.mktemp("jupyter")
    (own / "overrides.json").write_text(json.dumps(SETTINGS))
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    options = {
        "ServerApp.ip": "127.0.0.1",
        "ServerApp.port": port,
        "ServerApp.open_browser": False,
        "ServerApp.root_dir": folder,
        "ServerApp.allow_root": True,
        "IdentityProvider.token": TOKEN,
        "LabApp.app_settings_dir": own,
        "LabApp.news_url": None,
    }
    variables = {
        name: str(own / name) for name in ("JUPYTER_CONFIG_DIR", "JUPYTER_DATA_DIR", "JUPYTER_RUNTIME_DIR")
    }
    server = subprocess.Popen(
        [sys.executable, "-m", "jupyterlab", *(f"--{name}={value}" for name, value in options.items())],
        env=os.environ | variables | {"WIKITOPICS_ROOT": str(folder)},
        stdout=(own / "log").open("wb"),
        stderr=subprocess.STDOUT,
    )
    try:
        _wait_for_server(f"http://127.0.0.1:{port}/api/status?token={TOKEN}")
        yield f"http://127.0.0.1:{port}"
    finally:
        server.terminate()
        server.wait(20)


def _wait_for_server(address: str, seconds: float = 60) -> None:
    end = time.monotonic() + seconds
    while True:
        try:
            urllib.request.urlopen(address, timeout=5).close()
            return
        except OSError:
            if time.monotonic() > end:
                raise
            time.sleep(0.2)


@pytest.fixture(scope="module")
def chromium():
    """A headless Chromium that writes down every request."""
    options = webdriver.ChromeOptions()
    options.binary_location = CHROMIUM
    options.set_capability("goog:loggingPrefs", {"performance": "ALL", "browser": "ALL"})
    for flag in FLAGS.split():
        options.add_argument(flag)
    driver = webdriver.Chrome(options=options, service=Service(DRIVER))
    yield driver
    driver.quit()


class Lab:
    """What a person does in JupyterLab."""

    def __init__(self, driver, address: str) -> None:
        self.driver, self.address = driver, address

    def until(self, ask, seconds: float = 40):
        wait = WebDriverWait(
            self.driver, seconds, poll_frequency=0.05, ignored_exceptions=[WebDriverException]
        )
        return wait.until(lambda _: ask())

    def run(self, notebook: str, seconds: float = 90, shows: str = ".mistake-browser .mb-tile") -> None:
        """Open a notebook, run all its cells; only the status bar knows when a kernel is there."""
        self.driver.get(f"{self.address}/lab/workspaces/auto-t/tree/{notebook}?token={TOKEN}&reset")
        self.until(lambda: "| Idle" in self.one("#jp-main-statusbar").text, 90)
        menu = "//div[contains(@class,'lm-MenuBar-itemLabel') and text()='Run']"
        self.driver.find_element(By.XPATH, menu).click()
        self.until(lambda: self.all("li[data-command='runmenu:run-all']"))[0].click()
        self.until(lambda: self.all(shows), seconds)

    def idle(self, seconds: float = 200) -> None:
        """Wait until the kernel has nothing more to do."""
        self.until(lambda: "| Idle" in self.one("#jp-main-statusbar").text, seconds)

    def one(self, css: str):
        return self.driver.find_element(By.CSS_SELECTOR, css)

    def all(self, css: str):
        return self.driver.find_elements(By.CSS_SELECTOR, css)

    def texts(self, css: str) -> list[str]:
        return self.driver.execute_script(
            "return [...document.querySelectorAll(arguments[0])].map(e => e.textContent)", css
        )

    def control(self, description: str):
        """The input or select that a label describes."""
        label = f"//label[normalize-space()='{description}']"
        return self.driver.find_element(
            By.XPATH, f"{label}/following-sibling::*[self::select or self::input]"
        )

    def opened_tile(self) -> int | None:
        """Place on the page of the thumbnail that is framed."""
        return self.driver.execute_script(
            "const i = [...document.querySelectorAll('.mb-hits button')]"
            ".findIndex(b => b.classList.contains('mb-open')); return i < 0 ? null : i"
        )

    def press(self, key: str) -> None:
        ActionChains(self.driver).send_keys(key).perform()

    def shot(self, name: str) -> None:
        """Keep a picture of the browser of mistakes where $WIKITOPICS_SCREENSHOTS says."""
        target = os.environ.get("WIKITOPICS_SCREENSHOTS")
        if target:
            Path(target).mkdir(parents=True, exist_ok=True)
            self.one(".mistake-browser").screenshot(str(Path(target) / f"{name}.png"))


@pytest.fixture(scope="module")
def page(lab: str, chromium) -> Lab:
    opened = Lab(chromium, lab)
    opened.run("mistakes.ipynb")
    return opened


def test_everything_is_drawn(page: Lab):
    assert len(page.all(".mb-tile")) == 24
    page.until(
        lambda: page.driver.execute_script(
            "return [...document.querySelectorAll('.mistake-browser img')].every(i => i.naturalWidth)"
        )
    )
    page.shot("opened")


def test_filter_page_image_and_verdict(page: Lab, folder: Path):
    Select(page.control("Errors")).select_by_visible_text("false positives")
    page.until(lambda: set(page.texts(".mb-tile .mb-badge")) == {"FP"})
    Select(page.control("Errors")).select_by_visible_text("both kinds of mistake")
    page.until(lambda: "FN" in page.texts(".mb-tile .mb-badge"))
    first = page.texts(".mb-tile figcaption")
    page.one(".mb-later").click()
    page.until(lambda: page.texts(".mb-tile figcaption") != first)
    page.all(".mb-hits button")[2].click()
    page.until(lambda: page.opened_tile() == 2)
    title = page.one(".mb-title").text
    page.one(".mb-verdict-2").click()
    page.until(lambda: "saved" in page.one(".mb-review [role=status]").text)
    saved = verdicts(folder / "judgements")
    assert saved["title"].tolist() == [title] and saved["verdict"].tolist() == ["label wrong"]
    page.shot("verdict")


def test_keys(page: Lab, folder: Path):
    """Arrows and digits work right after a click on a thumbnail, and JupyterLab gets none of them."""
    page.all(".mb-hits button")[0].click()
    page.until(lambda: page.opened_tile() == 0)
    for key, place in ((Keys.ARROW_RIGHT, 1), (Keys.ARROW_DOWN, 2), (Keys.ARROW_LEFT, 1)):
        page.press(key)
        page.until(lambda place=place: page.opened_tile() == place)
    for digit, verdict in (("1", "label right"), ("3", "unsure")):
        page.press(digit)
        page.until(lambda verdict=verdict: verdict in page.one(".mb-review [role=status]").text)
    assert "unsure" in verdicts(folder / "judgements")["verdict"].tolist()
    assert page.one(".jp-Notebook .jp-Cell").get_attribute("class").count("jp-CodeCell")


def test_no_script_of_other_people_ran(page: Lab):
    assert page.driver.execute_script("return window.pwned") is None
    assert not page.all(".mistake-browser script, .mistake-browser .mistake-browser img[src='x']")
    handlers = page.driver.execute_script(
        "return [...document.querySelectorAll('.mistake-browser *')].filter(e => e.getAttributeNames()"
        ".some(a => a.startsWith('on'))).map(e => e.className)"
    )
    assert handlers == ["mb-ear"]  # the keys' listener, a constant
    assert HOSTILE in page.one(".mb-title").text or any(HOSTILE in text for text in page.texts(".mb-chip"))


def test_no_request_left_the_machine(page: Lab):
    events = [json.loads(entry["message"])["message"] for entry in page.driver.get_log("performance")]
    addresses = [e["params"]["request"]["url"] for e in events if e["method"] == "Network.requestWillBeSent"]
    assert addresses
    assert [a for a in addresses if not a.startswith((page.address, "data:", "blob:", "chrome"))] == []


def test_a_verdict_survives_the_kernel(page: Lab, folder: Path):
    before = verdicts(folder / "judgements")
    page.run("mistakes.ipynb")
    page.until(lambda: f"{len(before)} in all" in page.one(".mb-review [role=status]").text)
    Select(page.control("Verdict")).select_by_visible_text("reviewed")
    page.until(lambda: len(page.all(".mb-tile")) == len(before))
    assert len(page.all(".mb-tile .mb-verdict")) == len(before)


def test_scored_pictures_by_topic_group_and_key(page: Lab):
    """The browser of 06: filters, arrow keys, look-alikes; nobody's text becomes anything else."""
    page.run("topics.ipynb")
    page.all(".mb-hits button")[0].click()
    page.until(lambda: page.opened_tile() == 0)
    page.press(Keys.ARROW_RIGHT)
    page.until(lambda: page.opened_tile() == 1)
    assert page.all(".mb-near img") and len(page.all(".mb-track")) == 4
    assert page.one(".mistake-browser").get_attribute("aria-label").startswith("Browser of scored pictures")
    Select(page.control("Group")).select_by_visible_text("Owls (20)")
    page.until(lambda: len(page.all(".mb-tile")) == 20)
    Select(page.control("Topic")).select_by_visible_text("Food")
    page.until(lambda: all("Food" in text for text in page.texts(".mb-tile figcaption")))
    page.shot("topics")
    assert page.driver.execute_script("return window.pwned") is None


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
    page.driver.execute_script("document.querySelector('.mistake-browser').scrollIntoView()")
    page.all(".mb-hits button")[1].click()
    page.until(lambda: page.one(".mb-head .mb-soft").text.startswith("2 of "))  # it follows the tile's mark
    title = page.one(".mb-title").text
    page.press("2")
    reviews = folder / "judgements" / "04_evaluate" / "commons-10-lite0"
    page.until(reviews.exists)
    assert verdicts(reviews)["title"].tolist() == [title]
    assert page.all(".mb-near img") and page.all(".mb-chip") and page.all(".mb-path")
    page.until(lambda: "| Idle" in page.one("#jp-main-statusbar").text, 200)
    assert page.texts(".jp-OutputArea-output[data-mime-type='application/vnd.jupyter.stderr']") == []
    assert page.all(".js-plotly-plot") and not page.texts(".jp-OutputArea-output .modebar-btn--logo")
    page.shot("evaluate")


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
    page.run("01_labels.ipynb", 200, ".label-annotator button")
    page.idle()
    assert any("it stays as it is" in text for text in page.texts(".jp-OutputArea-output"))
    page.run("04_evaluate.ipynb", 400)
    page.idle()
    assert any("it stays as it is" in text for text in page.texts(".jp-OutputArea-output"))
    assert "everything is up to date" in up_to_date(folder)


def test_any_run_has_its_browser_in_one_line(page: Lab, folder: Path):
    """`wikitopics browse`'s notebook: the same browser and map, with the verdict of the test before."""
    if not (folder / "params").exists():
        pytest.skip("the sample's runs are not there: run `make demo` first")
    code = 'import wikitopics\n\nwikitopics.browse("commons-10-lite0")'
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(code)])
    notebook.metadata["kernelspec"] = {"name": "python3", "display_name": "Python 3", "language": "python"}
    nbformat.write(notebook, folder / "browse.ipynb")
    page.run("browse.ipynb", 200)
    page.until(lambda: "1 in all" in page.one(".mb-review [role=status]").text)
    assert page.all(".picture-map .js-plotly-plot") and page.all(".mb-near img")
    assert "everything is up to date" in up_to_date(folder)
    page.shot("browse")
