"""The static site where people read it: a real Chromium, a folder, light and dark, keyboard and paper."""

import base64
import importlib.util
import json
import os
import shutil
from pathlib import Path

import pytest

from site_planted import code, figure_output, plant, plant_all, shown
from wikitopics import paths
from wikitopics.show.theme import DARK_PAPER
from wikitopics.site.build import build
from wikitopics.site.notebooks import read_all

selenium = pytest.importorskip("selenium", reason="selenium is not installed (extra browser-test)")

from selenium import webdriver  # noqa: E402
from selenium.common.exceptions import WebDriverException  # noqa: E402
from selenium.webdriver.chrome.service import Service  # noqa: E402
from selenium.webdriver.common.action_chains import ActionChains  # noqa: E402
from selenium.webdriver.common.keys import Keys  # noqa: E402
from selenium.webdriver.support.ui import WebDriverWait  # noqa: E402

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
DRIVER = shutil.which("chromedriver")
AXE = importlib.util.find_spec("axe_playwright_python")  # only its copy of axe-core is used
pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(not (CHROMIUM and DRIVER), reason="no Chromium with chromedriver on the PATH"),
]
FLAGS = (
    "--headless=new --no-sandbox --disable-gpu --no-first-run --disable-background-networking "
    "--disable-component-update --disable-sync --hide-scrollbars"
)
WIDE, NARROW = 1400, 390  # CSS pixels
HOSTILE = (
    '<table><tr><td><img src="http://elsewhere.example/p.png" onerror="window.pwned=1"><svg onload="pwned=1">'
    "<script>window.pwned=1</script><style>@import 'http://elsewhere.example/s.css';</style></td></tr></table>"
)


class Chromium:
    """What a reader does, and what the browser notes meanwhile."""

    def __init__(self, driver) -> None:
        self.driver = driver

    def open(self, page: Path, scheme: str = "light", width: int = WIDE, scripts: bool = True) -> None:
        """Open a page of a site; what was noted before is forgotten."""
        features = [{"name": "prefers-color-scheme", "value": scheme}]
        size = {"width": width, "height": 1000, "deviceScaleFactor": 1, "mobile": width < 500}
        self.call("Emulation.setEmulatedMedia", media="", features=features)
        self.call("Emulation.setDeviceMetricsOverride", **size)
        self.call("Emulation.setScriptExecutionDisabled", value=not scripts)
        for log in ("browser", "performance"):
            self.driver.get_log(log)
        self.driver.get(page.resolve().as_uri())

    def call(self, method: str, **values):
        return self.driver.execute_cdp_cmd(method, values)

    def ask(self, script: str, *values):
        return self.driver.execute_script(f"return {script}", *values)

    def until(self, script: str, seconds: float = 30):
        wait = WebDriverWait(self.driver, seconds, 0.05, [WebDriverException])
        return wait.until(lambda _: self.ask(script))

    def read_to_the_end(self) -> None:
        """Scroll down until every figure is live."""
        for place in range(self.ask("document.querySelectorAll('script.data').length")):
            plot = f"document.querySelectorAll('figure:has(script.data)')[{place}]"
            self.ask(f"{plot}.scrollIntoView({{block: 'center', behavior: 'instant'}})")
            self.until(f"{plot}.querySelector('.live .main-svg') && {plot}.classList.contains('is-live')")
        self.ask("scrollTo({top: 0, behavior: 'instant'})")

    def requests(self) -> list[str]:
        """Addresses asked for since the page was opened, but for pictures that are in the page."""
        notes = [json.loads(entry["message"])["message"] for entry in self.driver.get_log("performance")]
        asked = [n["params"]["request"]["url"] for n in notes if n["method"] == "Network.requestWillBeSent"]
        return [address for address in asked if not address.startswith("data:")]

    def violations(self) -> list[str]:
        """What axe-core finds: rule, and the first elements that break it."""
        location = Path(next(iter(AXE.submodule_search_locations)))
        self.driver.execute_script((location / "axe.min.js").read_text("utf-8"))
        script = "axe.run(document, {resultTypes: ['violations']}).then(arguments[0])"
        found = self.driver.execute_async_script(script)["violations"]
        return [f"{one['id']}: {[node['html'][:150] for node in one['nodes'][:3]]}" for one in found]

    def press(self, key: str) -> dict:
        """Press a key; what has the focus then: its text, where it leads, whether its outline is seen."""
        ActionChains(self.driver).send_keys(key).perform()
        return self.ask(
            "(e => ({text: e.textContent.trim(), hash: e.hash || '', id: e.id, tag: e.tagName,"
            "seen: e.matches(':focus-visible') && getComputedStyle(e).outlineStyle !== 'none'"
            "&& e.getBoundingClientRect().left >= 0}))(document.activeElement)"
        )

    def shot(self, name: str) -> None:
        """Keep a picture of the whole page where $WIKITOPICS_SCREENSHOTS says."""
        target = os.environ.get("WIKITOPICS_SCREENSHOTS")
        if target:
            Path(target).mkdir(parents=True, exist_ok=True)
            taken = self.call("Page.captureScreenshot", format="png", captureBeyondViewport=True)
            (Path(target) / f"{name}.png").write_bytes(base64.b64decode(taken["data"]))


@pytest.fixture(scope="module")
def chromium():
    options = webdriver.ChromeOptions()
    options.binary_location = CHROMIUM
    options.set_capability("goog:loggingPrefs", {"performance": "ALL", "browser": "ALL"})
    for flag in FLAGS.split():
        options.add_argument(flag)
    driver = webdriver.Chrome(options=options, service=Service(DRIVER))
    yield Chromium(driver)
    driver.quit()


def first_of_each_stage(root: Path) -> list[str]:
    names: dict[str, str] = {}
    for file in sorted((root / "executed").glob("*/*.ipynb")):
        if not file.name.endswith(".part.ipynb"):
            names.setdefault(file.parent.name, f"{file.parent.name}/{file.stem}.html")
    return list(names.values())


PAGES = ["index.html", *first_of_each_stage(paths.PROJECT)]


@pytest.fixture(scope="module")
def site(tmp_path_factory) -> Path:
    """The site of this checkout's executed notebooks."""
    if len(PAGES) == 1:
        pytest.skip("this checkout has no executed notebooks")
    place = tmp_path_factory.mktemp("site") / "site"
    build(paths.PROJECT, place)
    return place


@pytest.fixture(scope="module")
def planted(tmp_path_factory) -> Path:
    """A small site, one page of which holds other people's worst."""
    root = tmp_path_factory.mktemp("planted")
    plant_all(root)
    outputs = [shown(text_html=HOSTILE), figure_output("<img src=x onerror=pwned=1>", name=HOSTILE)]
    plant(root, "04_evaluate/hostile", [HOSTILE, code("x", *outputs)], model=HOSTILE)
    build(root, root / "site")
    return root / "site"


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("page", PAGES)
def test_a_page_is_live_quiet_and_accessible(chromium: Chromium, site: Path, page: str, scheme: str):
    chromium.open(site / page, scheme)
    chromium.read_to_the_end()
    asked = chromium.requests()
    assert asked and [address for address in asked if not address.startswith(site.as_uri())] == []
    assert [entry["message"] for entry in chromium.driver.get_log("browser")] == []
    assert chromium.ask("[...document.images].filter(i => !i.naturalWidth).length") == 0
    if AXE is None:
        pytest.skip("axe-playwright-python is not installed (extra accessibility)")
    assert chromium.violations() == []
    chromium.shot(f"{Path(page).stem}-{Path(page).parent.name}-{scheme}")


@pytest.mark.parametrize("page", PAGES)
def test_a_narrow_page_scrolls_down_only(chromium: Chromium, site: Path, page: str):
    chromium.open(site / page, width=NARROW)
    chromium.read_to_the_end()
    assert chromium.ask("document.documentElement.scrollWidth") <= NARROW
    if AXE is not None:
        assert chromium.violations() == []
    chromium.shot(f"{Path(page).stem}-{Path(page).parent.name}-narrow")


def test_every_other_page_is_live_and_quiet(chromium: Chromium, site: Path):
    others = [one.address for one in read_all(paths.PROJECT) if one.address not in PAGES]
    for page in others:
        chromium.open(site / page)
        chromium.read_to_the_end()
        assert [one for one in chromium.requests() if not one.startswith(site.as_uri())] == [], page
        assert [entry["message"] for entry in chromium.driver.get_log("browser")] == [], page


def test_figures_follow_the_page_from_light_to_dark(chromium: Chromium, planted: Path):
    chromium.open(planted / "05_compare" / "grid.html")
    chromium.read_to_the_end()
    paper = "document.querySelector('.live').layout.template.layout.paper_bgcolor"
    page = "getComputedStyle(document.documentElement).backgroundColor"
    assert chromium.ask(page) == "rgb(255, 255, 255)"
    dark = [{"name": "prefers-color-scheme", "value": "dark"}]
    chromium.call("Emulation.setEmulatedMedia", features=dark)
    assert chromium.ask(page) == f"rgb({', '.join(str(int(DARK_PAPER[i : i + 2], 16)) for i in (1, 3, 5))})"
    chromium.until(f"{paper} === '{DARK_PAPER}'")


def test_the_keyboard_reaches_everything(chromium: Chromium, site: Path):
    page = next(page for page in PAGES if page.startswith("04_evaluate"))
    chromium.open(site / page)
    chromium.read_to_the_end()
    first = chromium.press(Keys.TAB)
    assert first["text"] == "Skip to the content" and first["seen"]
    walk = [chromium.press(Keys.TAB) for _ in range(len(PAGES) + 4)]
    assert all(step["seen"] for step in walk)
    told = [step["text"] for step in walk]
    assert (
        told[0] == "Wiki Image Topics"
        and told[1].startswith("01")
        and told[-4:-2] == ["Fold code", "On this page"]
    )
    target = walk[-1]["hash"][1:]
    assert target and chromium.ask("!!document.getElementById(arguments[0])", target)
    chromium.open(site / page)
    chromium.press(Keys.TAB)
    chromium.press(Keys.ENTER)
    assert chromium.ask("location.hash") == "#content"
    inside = chromium.press(Keys.TAB)
    assert chromium.ask("document.querySelector('main').contains(document.activeElement)") and inside["seen"]


def test_code_folds_and_unfolds(chromium: Chromium, site: Path):
    chromium.open(site / next(page for page in PAGES if page.startswith("04_evaluate")))
    opened = "document.querySelectorAll('details.code[open]').length"
    assert chromium.ask(opened) > 5
    for count in (0, chromium.ask("document.querySelectorAll('details.code:not(.parameters)').length")):
        chromium.ask("document.querySelector('button.fold').click()")
        assert chromium.ask(opened) == count


def test_on_paper_there_are_pictures_and_all_code(chromium: Chromium, site: Path):
    page = next(page for page in PAGES if page.startswith("04_evaluate"))
    chromium.open(site / page, "dark")
    chromium.read_to_the_end()
    printed = base64.b64decode(chromium.call("Page.printToPDF", printBackground=True)["data"])
    assert printed.startswith(b"%PDF") and printed.count(b"/Subtype /Image") >= 1
    features = [{"name": "prefers-color-scheme", "value": "dark"}]
    chromium.call("Emulation.setEmulatedMedia", media="print", features=features)
    shown = "[...document.querySelectorAll(arguments[0])].filter(e => e.checkVisibility()).length"
    assert chromium.ask(shown, ".live") == chromium.ask(shown, "nav, .top, .skip, .anchor") == 0
    assert chromium.ask(shown, ".twin") == chromium.ask("document.querySelectorAll('.twin').length") > 5
    background = "getComputedStyle(document.documentElement).backgroundColor"
    assert chromium.ask(background) == "rgb(255, 255, 255)"
    chromium.ask("dispatchEvent(new Event('beforeprint'))")
    assert chromium.ask("document.querySelectorAll('details.code:not([open])').length") == 0
    chromium.ask("dispatchEvent(new Event('afterprint'))")
    assert chromium.ask("document.querySelectorAll('details.code:not([open])').length") > 0


def test_without_scripts_there_are_pictures(chromium: Chromium, site: Path):
    page = next(page for page in PAGES if page.startswith("05_compare"))
    chromium.open(site / page, scripts=False)
    size = chromium.call("Page.getLayoutMetrics")["cssContentSize"]
    document = chromium.call("DOM.getDocument", depth=-1)["root"]
    twins = chromium.call("DOM.querySelectorAll", nodeId=document["nodeId"], selector="img.twin")["nodeIds"]
    boxes = [chromium.call("DOM.getBoxModel", nodeId=twin)["model"] for twin in twins]
    chromium.call("Emulation.setScriptExecutionDisabled", value=False)
    assert len(boxes) > 3 and all(box["width"] > 500 and box["height"] > 200 for box in boxes)
    assert size["height"] > 3000


def test_no_script_of_other_people_runs_and_nothing_is_asked_for_it(chromium: Chromium, planted: Path):
    for page in ("04_evaluate/hostile.html", "index.html"):
        chromium.open(planted / page)
        chromium.read_to_the_end()
        assert chromium.ask("window.pwned === undefined")
        assert [one for one in chromium.requests() if not one.startswith(planted.as_uri())] == []
        assert [entry["message"] for entry in chromium.driver.get_log("browser")] == []
