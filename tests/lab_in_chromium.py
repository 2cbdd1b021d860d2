"""The real JupyterLab in a real Chromium, without network: fixtures, and what a person does there."""

import asyncio
import json
import os
import shutil
import socket
import subprocess
import sys
import threading
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import nbformat
import pytest

selenium = pytest.importorskip("selenium", reason="selenium is not installed (extra browser-test)")

from selenium import webdriver  # noqa: E402
from selenium.common.exceptions import WebDriverException  # noqa: E402
from selenium.webdriver.chrome.service import Service  # noqa: E402
from selenium.webdriver.common.action_chains import ActionChains  # noqa: E402
from selenium.webdriver.common.by import By  # noqa: E402
from selenium.webdriver.support.ui import Select, WebDriverWait  # noqa: E402

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
DRIVER = shutil.which("chromedriver")
pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(not (CHROMIUM and DRIVER), reason="no Chromium with chromedriver on the PATH"),
]
FLAGS = (
    "--headless=new --no-sandbox --disable-gpu --no-first-run --disable-background-networking "
    "--disable-component-update --disable-sync --disable-quic --window-size=1440,1000"
)
SETTINGS = {  # no news in the corner; every cell in the page, not only those in sight
    "@jupyterlab/apputils-extension:notification": {"fetchNews": "false", "checkForUpdates": False},
    "@jupyterlab/notebook-extension:tracker": {"windowingMode": "none"},
}
TOKEN = "testtoken"
HOSTILE = '<img src=x onerror="window.pwned=1">'

# A browser of 450 pictures with a map of them all; some titles try to run something.
PLANTED = f"""
from pathlib import Path
import numpy as np, pandas as pd
from wikitopics.show.browser.mistakes import MistakeBrowser
from wikitopics.show.browser.picture_map import PictureMap
from wikitopics.vectors.text_side import Asked

hostile, rng, n = {HOSTILE!r}, np.random.default_rng(0), 450
label_names = ["Nature", "Animals", "Plants", "Vehicles", "Food"]
images = np.full((n, 64, 64, 3), 255, np.uint8)
for image in images:
    x, y = rng.integers(4, 34, 2)
    image[x : x + 26, y : y + 26] = rng.integers(30, 220, 3)
truth = (rng.random((n, 5)) < 0.35).astype(np.uint8)
scores = np.clip(0.5 * truth + rng.normal(0.25, 0.22, truth.shape), 0, 1).astype(np.float32)
titles = [f"{{hostile}} {{i}}" if i % 2 else f"Drawing {{i}}.svg" for i in range(n)]
frame = pd.DataFrame(dict(title=titles, row=range(n), split="test", group=range(n)))
lists = {{"categories": [[hostile, "SVG drawings"]] * n, "labels: human": [["Food"]] * n}}
lists["items"] = [[f"{{hostile}} (Q5)"] for i in range(n)]
hops = dict(label="Food", score=0.9, start=hostile, path=[hostile, "Meals", "Food"], rules=["depth"])
why = pd.DataFrame([dict(title=title, **hops) for title in titles])
browser = MistakeBrowser(
    frame, truth, scores, np.full(5, 0.5), label_names, images, details=pd.DataFrame(lists, titles), why=why,
    features=rng.normal(size=(n, 16)).astype(np.float32), judgements=Path("judgements"),
    parents=dict(Animals="Nature", Plants="Nature"), run="planted",
    by_words=lambda words: Asked([words], 1 - np.arange(n) / n),  # the first is like anything
)
places = np.round(rng.uniform(-1000, 1000, (n, 2))).astype(np.int16)
kinds = dict(mistake=["left" if x < 0 else "right" for x in places[:, 0]], label=["a", "b", "c"] * (n // 3))
mapped = PictureMap(browser, titles, places, kinds, rest=["right"])
browser.widget
"""


def notebook(path: Path, code: str) -> None:
    """A notebook of one cell."""
    made = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(code.strip())])
    made.metadata["kernelspec"] = {"name": "python3", "display_name": "Python 3", "language": "python"}
    nbformat.write(made, path)


class Distance:
    """A way to a server on this machine on which every byte takes `seconds`, in both directions."""

    def __init__(self, to: int) -> None:
        self.to, self.seconds = to, 0.0
        self._loop = asyncio.new_event_loop()
        self._server = self._loop.run_until_complete(asyncio.start_server(self._accept, "127.0.0.1", 0))
        self.port = self._server.sockets[0].getsockname()[1]
        threading.Thread(target=self._loop.run_forever, daemon=True).start()

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        there, back = await asyncio.open_connection("127.0.0.1", self.to)
        await asyncio.gather(self._carry(reader, back), self._carry(there, writer))

    async def _carry(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        queue: asyncio.Queue = asyncio.Queue()

        async def write() -> None:
            while True:
                due, data = await queue.get()
                await asyncio.sleep(max(0, due - time.monotonic()))
                if not data:
                    writer.close()
                    return
                writer.write(data)

        writing = asyncio.ensure_future(write())
        try:
            while data := await reader.read(1 << 16):
                queue.put_nowait((time.monotonic() + self.seconds, data))
        except OSError:
            pass
        queue.put_nowait((time.monotonic() + self.seconds, b""))
        await asyncio.gather(writing, return_exceptions=True)

    def close(self) -> None:
        """Stop carrying."""
        self._loop.call_soon_threadsafe(self._loop.stop)


@contextmanager
def server(folder: Path, own: Path) -> Iterator[Distance]:
    """A JupyterLab of this environment with settings of its own, behind a Distance; stopped afterwards."""
    own.mkdir(exist_ok=True)
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
        "LabApp.expose_app_in_browser": True,
    }
    names = ("JUPYTER_CONFIG_DIR", "JUPYTER_DATA_DIR", "JUPYTER_RUNTIME_DIR")
    process = subprocess.Popen(
        [sys.executable, "-m", "jupyterlab", *(f"--{name}={value}" for name, value in options.items())],
        env=os.environ | {name: str(own / name) for name in names} | {"WIKITOPICS_ROOT": str(folder)},
        stdout=(own / "log").open("wb"),
        stderr=subprocess.STDOUT,
    )
    way = Distance(port)
    try:
        _wait_for_server(f"http://127.0.0.1:{port}/api/status?token={TOKEN}")
        yield way
    finally:
        way.close()
        process.terminate()
        process.wait(20)


@pytest.fixture(scope="module")
def distance(folder: Path, tmp_path_factory):
    """The way to a JupyterLab whose root is `folder`."""
    with server(folder, tmp_path_factory.mktemp("jupyter")) as way:
        yield way


@pytest.fixture(scope="module")
def lab(distance: Distance) -> str:
    """The address of that JupyterLab."""
    return f"http://127.0.0.1:{distance.port}"


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


@contextmanager
def driver() -> Iterator[webdriver.Chrome]:
    """A headless Chromium that writes down every request."""
    options = webdriver.ChromeOptions()
    options.binary_location = CHROMIUM
    options.set_capability("goog:loggingPrefs", {"performance": "ALL", "browser": "ALL"})
    for flag in FLAGS.split():
        options.add_argument(flag)
    chrome = webdriver.Chrome(options=options, service=Service(DRIVER))
    try:
        yield chrome
    finally:
        chrome.quit()


@pytest.fixture(scope="module")
def chromium():
    """Such a Chromium."""
    with driver() as chrome:
        yield chrome


class Lab:
    """What a person does in JupyterLab."""

    def __init__(self, driver, address: str) -> None:
        self.driver, self.address = driver, address

    def until(self, ask, seconds: float = 90):
        wait = WebDriverWait(
            self.driver, seconds, poll_frequency=0.05, ignored_exceptions=[WebDriverException]
        )
        return wait.until(lambda _: ask())

    def run(self, name: str, seconds: float = 240, shows: str = ".wt .wt-tile") -> None:
        """Open a notebook, run all its cells; only the status bar knows when a kernel is there."""
        self.driver.get(f"{self.address}/lab/workspaces/auto-t/tree/{name}?token={TOKEN}&reset")
        self.until(lambda: "| Idle" in self.one("#jp-main-statusbar").text, 240)
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

    def script(self, code: str, *given):
        return self.driver.execute_script(code, *given)

    def texts(self, css: str) -> list[str]:
        return self.script("return [...document.querySelectorAll(arguments[0])].map(e => e.textContent)", css)

    def choose(self, name: str, value: str) -> None:
        """Choose from the drop-down of a filter."""
        Select(self.one(f".wt [data-name='{name}']")).select_by_visible_text(value)

    def button(self, key: str):
        """A button of the browser by its key."""
        return self.one(f".wt [data-key='{key}']")

    def click(self, element) -> None:
        """Move the pointer there and press it, where a person would have scrolled to."""
        self.script("arguments[0].scrollIntoView({block: 'nearest'})", element)
        ActionChains(self.driver, duration=30).move_to_element(element).click().perform()

    def title(self) -> str:
        return self.one(".wt-detail .wt-title").text

    def opens(self, place: int) -> None:
        """Click on a tile of the page and wait until it is shown."""

        def clicked() -> bool:  # again where the tiles were drawn anew meanwhile
            tile = self.all(".wt-tile")[place]
            title = tile.get_attribute("title")
            self.click(tile)
            return self.until(lambda: self.title() == title, 5)

        self.until(clicked)

    def opened_tile(self) -> int | None:
        """Place on the page of the tile that is framed."""
        return self.script(
            "const i = [...document.querySelectorAll('.wt-tile')]"
            ".findIndex(b => b.classList.contains('wt-open')); return i < 0 ? null : i"
        )

    def press(self, *keys: str) -> None:
        for key in keys:
            ActionChains(self.driver).send_keys(key).perform()

    def wide(self, width: int, height: int = 900) -> None:
        """A window of that size, the browser of mistakes in sight."""
        self.driver.set_window_size(width, height)
        self.until(lambda: abs(self.script("return window.innerWidth") - width) < 20)
        self.script("document.querySelector('.wt').scrollIntoView()")
        time.sleep(0.3)

    def theme(self, name: str) -> None:
        """JupyterLab's own theme, by its settings."""
        self.script(
            "const app = window.jupyterapp; if (app) return app.commands.execute("
            "'apputils:change-theme', {theme: arguments[0]});",
            name,
        )

    def shot(self, name: str) -> None:
        """Keep a picture of the window where $WIKITOPICS_SCREENSHOTS says."""
        target = os.environ.get("WIKITOPICS_SCREENSHOTS")
        if target:
            Path(target).mkdir(parents=True, exist_ok=True)
            self.driver.save_screenshot(str(Path(target) / f"{name}.png"))

    def foreign_requests(self) -> list[str]:
        """What was asked of anybody but this JupyterLab."""
        events = [json.loads(entry["message"])["message"] for entry in self.driver.get_log("performance")]
        sent = [e["params"]["request"]["url"] for e in events if e["method"] == "Network.requestWillBeSent"]
        assert sent
        return [url for url in sent if not url.startswith((self.address, "data:", "blob:", "chrome"))]
