"""The browser of mistakes without a browser: what is chosen, what is shown, what is written."""

import errno
import json
import os
from html.parser import HTMLParser
from pathlib import Path

import ipywidgets
import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from wikitopics.errors import UserError
from wikitopics.judgements import verdicts
from wikitopics.show.browser.choice import DUPLICATES, KINDS, ORDERS, WANTED, Choice, Predictions, Reviews
from wikitopics.show.browser.controls import PAGE
from wikitopics.show.browser.detail import Neighbours
from wikitopics.show.browser.mistakes import MistakeBrowser

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
    sorted_by = dict(zip(ORDERS, (chance, -scores, scores, distance), strict=True))[choice.order]
    assert (np.diff(sorted_by) >= -1e-6).all()


def test_a_score_at_its_threshold_is_a_prediction():
    p = planted(
        2, scores=np.full((2, 3), 0.5, np.float32), truth=np.zeros((2, 3)), thresholds=np.full(3, 0.5)
    )
    browser = MistakeBrowser(**p)
    assert len(browser.found) == 6
    assert {browser.predictions.key(pair)[2] for pair in browser.found} == {"false positive"}


def test_shapes_must_agree():
    with pytest.raises(UserError, match="same run"):
        MistakeBrowser(**planted(thresholds=np.full(4, 0.5)))


def test_opening_shows_the_worst_mistake():
    p = planted()
    browser = MistakeBrowser(**p)
    image, label = browser.predictions.parts(browser.pair)
    wrong = (p["scores"] >= p["thresholds"]) != p["truth"]
    chance = np.where(p["truth"], p["scores"], 1 - p["scores"])
    assert chance[image, label] == chance[wrong].min()
    assert p["frame"].title[image] in browser.head.value


def test_pages_and_steps():
    browser = MistakeBrowser(**planted(200))
    browser.filters.errors.value = "all predictions"
    assert len(browser.found) == 600 and browser.pager.number.max == 600 // PAGE
    browser.pager.later.click()
    assert browser.pager.number.value == 2 and browser.stage.tiles.value.count("<figure") == PAGE
    browser.stage.hits[3].click()
    assert browser.at == PAGE + 3
    browser.open(PAGE - 1)
    assert browser.pager.number.value == 1
    browser.on.click()
    assert browser.pager.number.value == 2 and browser.at == PAGE  # a step turns the page
    browser.open(10_000)
    assert browser.at == 599 and browser.on.disabled
    browser.step(+1)
    assert browser.at == 599


def test_nothing_found_says_so_and_reset_brings_all_back():
    browser = MistakeBrowser(**planted())
    everything = len(browser.found)
    browser.filters.confidence.value = (0.999, 1.0)
    browser.filters.errors.value = "false negatives"
    assert len(browser.found) == 0 and "No prediction matches" in browser.stage.tiles.value
    browser.judge("unsure")  # nothing is open: nothing happens
    browser.step(1)
    assert len(browser.reviews) == 0
    browser.filters.reset.click()
    assert len(browser.found) == everything and browser.at == 0


def test_all_labels_are_drawn_as_bars_with_their_thresholds():
    browser = MistakeBrowser(**planted())
    assert browser.body.value.count('class="mb-track"') == 3
    assert browser.body.value.count('class="mb-cut"') == 3


def test_every_source_category_and_reason_is_told():
    p = planted()
    lists = {
        "categories": [["Foxes"]] * 60,
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
    for told in ("Foxes", "STEM.Biology", "Apples → Fruit → Food", "depth", "human"):
        assert told in browser.body.value


def test_titles_without_details_are_shown_all_the_same():
    details = pd.DataFrame({"categories": [["Foxes"]], "labels: ores": [np.nan]}, ["File 1000.png"])
    assert "Scores" in MistakeBrowser(**planted(), details=details).body.value


# -- verdicts --------------------------------------------------------------------------------------


def test_a_verdict_is_on_disk_at_once_and_outlives_the_kernel(tmp_path: Path):
    path = tmp_path / "run"
    browser = MistakeBrowser(**planted(), judgements=path, reviewer="me")
    title, label, kind = browser.predictions.key(browser.pair)
    browser.review.verdicts[1].click()
    saved = verdicts(path)
    assert saved.columns.tolist() == [
        *("title", "label", "kind", "verdict", "corrected_labels", "reviewer", "time")
    ]
    assert saved.iloc[0, :4].tolist() == [title, label, kind, "label wrong"]
    assert saved.reviewer[0] == "me" and saved.corrected_labels[0] is None
    again = MistakeBrowser(**planted(), judgements=path, reviewer="me")
    assert "label wrong" in again.review.saved.value and 'class="mb-verdict"' in again.stage.tiles.value
    again.judge("unsure")
    again.open(5)
    again.judge("label right")
    assert sorted(verdicts(path).verdict) == ["label right", "unsure"]


def test_corrected_labels_are_saved_by_their_button_alone(tmp_path: Path):
    path = tmp_path / "run"
    browser = MistakeBrowser(**planted(), judgements=path)
    given = browser.review.corrected.value
    assert list(given) == browser.detail.given(browser.pair)
    browser.review.corrected.value = ("Food", "Plants") if set(given) != {"Food", "Plants"} else ("Food",)
    assert "not saved yet" in browser.review.saved.value and not path.exists()  # a slip of the pointer
    browser.review.save_labels.click()
    saved = verdicts(path).iloc[0]
    assert set(saved.corrected_labels) == set(browser.review.corrected.value)
    assert saved.verdict == "label wrong" and browser.review.save_labels.disabled  # what a correction says
    browser.judge("unsure")  # another verdict keeps the correction
    assert set(verdicts(path).corrected_labels[0]) == set(browser.review.corrected.value)
    browser.correct(list(given))  # back to what was given: no correction
    assert verdicts(path).corrected_labels[0] is None
    browser.correct([])
    assert verdicts(path).corrected_labels[0] == ([] if given else None)


def test_looking_writes_nothing(tmp_path: Path):
    path = tmp_path / "run"
    browser = MistakeBrowser(**planted(), judgements=path)
    for place in range(len(browser.found)):
        browser.open(place)
    browser.filters.label.value = 1
    assert not path.exists()


def test_take_back_and_filter_by_verdict(tmp_path: Path):
    browser = MistakeBrowser(**planted(), judgements=tmp_path / "run")
    everything = len(browser.found)
    browser.judge("label right")
    browser.open(3)
    browser.judge("label wrong")
    browser.filters.reviewed.value = "reviewed"
    assert len(browser.found) == 2
    browser.review.clear.click()
    browser.filters.reviewed.value = "not reviewed"
    assert len(browser.found) == everything - 1
    assert len(verdicts(tmp_path / "run")) == 1


def test_two_kernels_and_two_people_see_each_other(tmp_path: Path):
    people = ("anna", "anna", "ben")
    one, two, ben = (MistakeBrowser(**planted(), judgements=tmp_path / "run", reviewer=who) for who in people)
    one.judge("label right")
    two.open(1)
    two.judge("unsure")
    ben.judge("label wrong")
    assert sorted(verdicts(tmp_path / "run").reviewer) == ["anna", "anna", "ben"]
    two.filters.reviewed.value = "reviewed"
    assert len(two.found) == 2 and len(two.reviews) == 3
    two.open(int(np.flatnonzero(two.found == ben.pair)[0]))
    assert "label right" in two.review.saved.value  # her own word before another's
    two.review.reviewer.value = "carl"
    assert "by ben" in two.review.saved.value or "by anna" in two.review.saved.value
    two.judge("unsure")
    assert sorted(verdicts(tmp_path / "run").reviewer) == ["anna", "anna", "ben", "carl"]


def test_the_name_of_whoever_judges_is_kept(tmp_path: Path, monkeypatch):
    monkeypatch.setenv("WIKITOPICS_PERSON", "Zoë / she")
    browser = MistakeBrowser(**planted(), judgements=tmp_path / "run")
    browser.judge("unsure")
    assert browser.review.reviewer.value == "Zoë / she" == verdicts(tmp_path / "run").reviewer[0]


def full(*_):
    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def test_a_verdict_that_cannot_be_written_is_told_in_red_and_stays_on_the_screen(tmp_path, monkeypatch):
    (tmp_path / "file").write_text("")
    browser = MistakeBrowser(**planted(), judgements=tmp_path / "file" / "run")
    browser.judge("unsure")
    assert "NOT SAVED: unsure" in browser.review.saved.value and len(browser.reviews) == 0
    browser = MistakeBrowser(**planted(), judgements=tmp_path / "run")
    browser.judge("label right")
    before = (tmp_path / "run").iterdir().__next__().read_bytes()
    monkeypatch.setattr(os, "fsync", full)
    browser.review.corrected.value = ("Food",)
    browser.review.save_labels.click()
    assert "NOT SAVED" in browser.review.saved.value and "No space left" in browser.review.saved.value
    assert browser.review.corrected.value == ("Food",) and not browser.review.save_labels.disabled
    browser.take_back()
    assert "NOT SAVED: taken back" in browser.review.saved.value
    assert (tmp_path / "run").iterdir().__next__().read_bytes() == before
    assert verdicts(tmp_path / "run").verdict.tolist() == ["label right"]


def test_an_unknown_verdict_is_refused():
    with pytest.raises(UserError, match="label right, label wrong, unsure"):
        Reviews(None).put(("a", "b", "false positive"), "maybe", None)


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


def test_neighbours_with_a_prediction_are_named_by_their_row():
    p = planted()
    browser = MistakeBrowser(**p)
    image, _ = browser.predictions.parts(browser.pair)
    features = np.eye(70, 70, dtype=np.float32)
    twin = (image + 7) % 60
    features[p["frame"].row[twin]] = features[p["frame"].row[image]]
    told = MistakeBrowser(**p, features=features).nearest.value
    assert f"1.00 {p['frame'].title[twin]}<" in told


def test_neighbours_without_a_prediction_are_named_by_the_catalogue():
    p = planted()
    features = np.eye(70, 8, dtype=np.float32)
    catalogue = pd.DataFrame({"row": range(70), "title": [f"Known {i}" for i in range(70)], "split": "train"})
    row = int(p["frame"].row[MistakeBrowser(**p).predictions.parts(MistakeBrowser(**p).pair)[0]])
    features[65] = features[row] = 1.0
    assert "row 65" in MistakeBrowser(**p, features=features).nearest.value
    told = MistakeBrowser(**p, features=features, catalogue=catalogue).nearest.value
    assert "Known 65" in told and "train" in told


# -- other people's text ---------------------------------------------------------------------------


class Handlers(HTMLParser):
    """Collects what must not be there: scripts, event handlers, images from elsewhere."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.bad: list[str] = []
        self.images = 0
        self.feed(text)

    def handle_starttag(self, tag: str, attributes: list) -> None:
        known = dict(attributes)
        self.images += tag == "img"
        ours = known.get("class") == "mb-ear"  # the keys' listener: a constant
        if tag == "script" or (any(name.startswith("on") for name in known) and not ours):
            self.bad.append(self.get_starttag_text())
        if tag == "img" and not (known["src"].startswith("data:image/") and "alt" in known):
            self.bad.append(self.get_starttag_text())


@pytest.fixture
def hostile(tmp_path: Path) -> MistakeBrowser:
    """Every text that comes from elsewhere tries to run something."""
    p = planted(label_names=["Animals", f"{HOSTILE} label", "</script><script>alert(2)</script>"])
    p["frame"]["title"] = [
        f"{HOSTILE} ' \" & </figure></script><script>alert(3)</script> {i}" for i in range(60)
    ]
    titles = p["frame"].title
    details = pd.DataFrame({"categories": [[HOSTILE]] * 60, f"labels: {HOSTILE}": [[HOSTILE]] * 60}, titles)
    why = pd.DataFrame({"title": titles, "label": HOSTILE, "score": 0.5, "start": HOSTILE})
    why["path"], why["rules"] = [[HOSTILE, HOSTILE]] * 60, [[HOSTILE]] * 60
    features = np.random.default_rng(0).normal(size=(70, 4)).astype(np.float32)
    return MistakeBrowser(**p, details=details, why=why, features=features, judgements=tmp_path / "run")


def html_values(browser: MistakeBrowser) -> list[str]:
    def walk(widget):
        yield widget
        for child in getattr(widget, "children", ()):
            yield from walk(child)

    return [w.value for w in walk(browser.widget) if isinstance(w, ipywidgets.HTML)]


def test_html_is_harmless_in_the_live_widget(hostile: MistakeBrowser):
    hostile.correct(["</script><script>alert(2)</script>"])
    found = [Handlers(value) for value in html_values(hostile)]
    assert [bad for part in found for bad in part.bad] == []
    assert sum(part.images for part in found) > PAGE


def test_saved_state_and_exported_page_are_harmless(hostile: MistakeBrowser):
    """Should somebody save the widgets' state, the notebook and its page hold no live markup either."""
    import nbformat
    from ipywidgets.embed import dependency_state
    from nbconvert import HTMLExporter

    state = {"version_major": 2, "version_minor": 0, "state": dependency_state([hostile.widget])}
    hostile_parts = ("<img src=x", "<script>alert", "</script")
    assert not any(part in json.dumps(state) for part in hostile_parts)
    view = {"application/vnd.jupyter.widget-view+json": {"model_id": hostile.widget.model_id}}
    output = nbformat.v4.new_output("display_data", view | {"text/plain": "browser"})
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell("browser.widget", outputs=[output])])
    notebook.metadata["widgets"] = {"application/vnd.jupyter.widget-state+json": state}
    page, _ = HTMLExporter(template_name="basic").from_notebook_node(notebook)
    assert not any(part in page for part in hostile_parts[:2])


def test_every_control_has_a_name(hostile: MistakeBrowser):
    for control in (*hostile.filters._controls, hostile.pager.number, hostile.review.corrected):
        assert control.description
    assert all(hit.description for hit in hostile.stage.hits[: min(PAGE, len(hostile.found))])


def test_no_file_is_opened_beside_reviews(tmp_path: Path):
    before = set(os.listdir(tmp_path))
    MistakeBrowser(**planted(), judgements=tmp_path / "run").judge("unsure")
    assert set(os.listdir(tmp_path)) - before == {"run"} and len(os.listdir(tmp_path / "run")) == 1
