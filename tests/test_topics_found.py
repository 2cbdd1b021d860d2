"""What was found in scored pictures: intervals that cover planted shares, groups that lack a topic or not."""

import hashlib
import os
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from PIL import Image
from scipy.stats import fisher_exact

from evaluate_planted import planted
from wikitopics.artefacts import write_json, write_table
from wikitopics.errors import UserError
from wikitopics.evaluate.calibration import apply_platt, fit_platt
from wikitopics.evaluate.thresholds import best_f1
from wikitopics.images import sandbox
from wikitopics.images.decode import Recipe, decode
from wikitopics.images.sandbox import decode_in_child
from wikitopics.labels.category_graph import open_graph
from wikitopics.runs import fingerprint
from wikitopics.scoring import choose as choose_module
from wikitopics.scoring import groups, shares
from wikitopics.scoring import pictures as scored_pictures
from wikitopics.scoring.choose import Chosen, HeldOut, choose, named_files, titles_in_set
from wikitopics.scoring.found import (
    against_people,
    captions_of_doubtful,
    captions_of_examples,
    doubtful,
    examples,
    score_chosen,
    without_hidden,
)
from wikitopics.scoring.pictures import FILES, Pictures, WithTitles
from wikitopics.show.pictures import Thumbnails
from wikitopics.sources.inputs import inputs_digest


def drawn(rng: np.random.Generator, n: int, share: float, signal: float = 2.0) -> tuple:
    """Truth (n, 1) with this share, and scores that know of it."""
    truth = (rng.random((n, 1)) < share).astype(np.uint8)
    return truth, planted(rng, truth, signal)


def scored_elsewhere(rng: np.random.Generator, learned: float, here: float, rounds: int = 200) -> pd.Series:
    """The row of `shares` for a topic that so many held-out pictures have, and so many of these."""
    truth, scores = drawn(rng, 300, learned)
    _, new = drawn(rng, 400, here)
    platt, cut = fit_platt(truth, scores), best_f1(truth[:, 0], scores[:, 0])
    held_out = HeldOut(truth, apply_platt(scores, platt), np.arange(300))
    return shares.shares(
        apply_platt(new, platt), new >= cut, ["A"], held_out, np.arange(400), rounds, 0
    ).iloc[0]


@pytest.mark.parametrize(("learned", "here"), [(0.15, 0.4), (0.3, 0.08), (0.2, 0.2)])
def test_the_interval_covers_a_planted_share_about_as_often_as_it_says(learned, here):
    rng = np.random.default_rng([int(100 * learned), int(100 * here)])
    rows = [scored_elsewhere(rng, learned, here) for _ in range(60)]
    inside = np.mean([row["low"] <= here <= row["high"] for row in rows])
    assert inside >= 0.87  # of 60 with 95 %: less is a chance of one in 200
    assert abs(np.mean([row["share"] for row in rows]) - here) < 0.03
    if learned != here:
        assert abs(np.mean([row["expected_share"] for row in rows]) - here) > 0.07  # adding up does not
        error = 1.96 * np.sqrt(here * (1 - here) / 400)  # the interval of a plain count
        assert np.mean([abs(row["counted_share"] - here) <= error for row in rows]) < 0.6


def test_copies_are_no_evidence():
    rng = np.random.default_rng(3)
    truth, scores = drawn(rng, 200, 0.3)
    _, new = drawn(rng, 100, 0.3)
    held_out = HeldOut(truth, scores, np.arange(200))
    twice = HeldOut(np.tile(truth, (9, 1)), np.tile(scores, (9, 1)), np.tile(np.arange(200), 9))
    plain = shares.shares(new, new > 0.5, ["A"], held_out, np.arange(100), 100, 0)
    copied = shares.shares(
        np.tile(new, (9, 1)), np.tile(new > 0.5, (9, 1)), ["A"], twice, np.tile(np.arange(100), 9), 100, 0
    )
    pd.testing.assert_frame_equal(plain[["share", "low", "high"]], copied[["share", "low", "high"]])


def test_what_cannot_be_told_is_not_told():
    rng = np.random.default_rng(0)
    truth = np.zeros((100, 3), np.uint8)
    truth[:4, 0], truth[:50, 1], truth[:50, 2] = 1, 1, 1  # too rare; no skill; fine
    scores = np.column_stack([truth[:, 0], rng.random(100), 0.2 + 0.5 * truth[:, 2]]).astype(np.float32)
    held_out = HeldOut(truth, scores, np.arange(100))
    table = shares.shares(scores[:40], scores[:40] > 0.5, list("abc"), held_out, np.arange(40), 100, 0)
    assert table["share"].isna().tolist() == [True, True, False]
    assert table.loc[:1, ["low", "high"]].to_numpy().tolist() == [[0, 1], [0, 1]]
    for few in (0, 5):
        table = shares.shares(scores[:few], scores[:few] > 0.5, list("abc"), held_out, np.arange(few), 20, 0)
        assert table["share"].isna().all() and (table["high"] == 1).all()


def test_by_group_is_fishers_test_against_the_rest():
    above = np.zeros((40, 1), bool)
    above[[0, 1, *range(20, 32)]] = True
    names = pd.Series([["few"]] * 20 + [["many"]] * 20)
    table = groups.by_group(names, above, ["A"], smallest=5).set_index("group")
    assert table.loc["few", ["pictures", "counted", "expected", "difference"]].tolist() == [20, 2, 7, -0.5]
    one_sided = fisher_exact([[2, 18], [12, 8]], alternative="less").pvalue
    assert table.loc["few", "p"] == pytest.approx(2 * one_sided)
    assert (table["difference_low"] < table["difference"]).all()
    assert table.loc["few", "verdict"] == groups.FEWER and table.loc["many", "verdict"] == groups.MORE


def test_chance_is_hardly_ever_called_a_lack():
    """Random groups: Holm's correction holds the share of tables with any verdict at 5 %."""
    rng = np.random.default_rng(1)
    wrong = 0
    for _ in range(100):
        above = rng.random((300, 4)) < [0.02, 0.1, 0.3, 0.6]
        names = pd.Series([[f"g{group}"] for group in rng.integers(0, 12, 300)])
        wrong += (groups.by_group(names, above, list("abcd"), 10)["verdict"] != groups.SAME).any()
    assert wrong <= 10


def test_a_planted_lack_is_found_and_a_small_group_lacks_nothing():
    rng = np.random.default_rng(2)
    above = rng.random((600, 2)) < [0.3, 0.3]
    above[:60, 0] = rng.random(60) < 0.03
    above[60:65, 0] = False
    names = pd.Series([["big"]] * 60 + [["small", "both"]] * 5 + [["both"]] * 55 + [[]] * 480)
    table = groups.by_group(names, above, ["A", "B"], smallest=5).set_index(["group", "label"])
    assert table.loc[("big", "A"), "verdict"] == groups.FEWER
    assert (table.drop(("big", "A"))["verdict"] == groups.SAME).all()
    assert list(dict.fromkeys(table.index.get_level_values(0))) == ["big", "both", "small"]


def test_a_picture_that_lies_there_ten_times_counts_once():
    above = np.zeros((100, 1), bool)
    above[:9] = True
    names, copies = pd.Series([["copies"]] * 12 + [["rest"]] * 88), np.array([0] * 9 + [*range(1, 92)])
    assert (groups.by_group(names, above, ["A"], 3)["verdict"] != groups.SAME).any()
    table = groups.by_group(names, above, ["A"], 3, copies).set_index("group")
    assert (table["verdict"] == groups.SAME).all()
    assert table.loc["copies", ["pictures", "counted"]].tolist() == [4, 1]


def test_groups_of_all_of_none_and_of_nothing():
    above = np.array([[True, False]] * 12)
    table = groups.by_group(pd.Series([["all"]] * 12), above, ["A", "B"], 10)
    assert table["p"].isna().all() and (table["verdict"] == groups.SAME).all()
    assert groups.by_group(pd.Series([[]] * 12), above, ["A", "B"], 10).empty
    empty = groups.by_group(pd.Series([], dtype=object), np.zeros((0, 2), bool), ["A", "B"], 10)
    assert list(empty) == groups.COLUMNS and empty.empty


@pytest.fixture
def found():
    frame = pd.DataFrame({"title": list("abcdef"), "duplicates": [0, 0, 1, 2, 3, 4]})
    chance = np.array([[0.99, 0.1], [0.98, 0.1], [0.9, 0.2], [0.5, 0.55], [0.3, 0.8], [0.1, 0.1]], np.float32)
    sure = np.maximum(chance, 1 - chance).mean(axis=1)
    frame = frame.assign(sureness=sure, abstained=sure < 0.6, human=[["A"], None, ["A"], ["B"], ["B"], []])
    return SimpleNamespace(
        frame=frame,
        probabilities=chance,
        above=chance > 0.4,
        label_names=["A", "B"],
        duplicates=frame["duplicates"].to_numpy(),
    )


def test_the_doubtful_ones_come_first_with_what_is_open(found):
    table = doubtful(found)
    assert table["title"].tolist()[:2] == ["d", "e"] and table["abstained"].tolist() == [True] + [False] * 5
    assert table["why"].iloc[0] == "A 0.50, B 0.55" and table["why"].iloc[-1] == "many small chances"
    assert captions_of_doubtful(table)[0] == "d\nA 0.50\nB 0.55"


def test_examples_are_a_row_a_topic_without_copies(found):
    table = examples(found, columns=3, rows=5)
    assert table["title"].tolist() == ["a", "c", "d", "e", "d", ""]
    assert table["place"].tolist() == [0, 2, 3, 4, 3, -1] and table["label"].tolist() == ["A"] * 3 + ["B"] * 3
    assert captions_of_examples(table)[::5] == ["0.99 A\na", ""]
    found.above[:] = False
    assert examples(found, columns=3, rows=5).empty


def test_people_are_asked_of_the_judged_pictures_only():
    rng = np.random.default_rng(5)
    truth, scores = drawn(rng, 500, 0.3)
    held_out = HeldOut(truth[:250], scores[:250], np.arange(250))
    said = [["A"] if yes else [] for yes in truth[250:, 0]]
    frame = pd.DataFrame({"human": [*said[:200], *[None] * 50], "duplicates": np.arange(250)})
    asked = SimpleNamespace(
        frame=frame,
        probabilities=scores[250:],
        above=scores[250:] > 0.4,
        label_names=["A"],
        duplicates=frame["duplicates"].to_numpy(),
    )
    table, sentence = against_people(asked, held_out, 200, 0)
    assert table["judged"].tolist() == [200] and table["inside"].all()
    assert table["people"].iloc[0] == pytest.approx(truth[250:450].mean())
    assert "200 of 250" in sentence and "1 of 1 labels" in sentence
    frame["human"] = None
    assert against_people(asked, held_out, 20, 0)[0].empty


@pytest.fixture
def pictures(tmp_path, monkeypatch):
    monkeypatch.setenv("WIKITOPICS_ROOT", str(tmp_path))
    for name in ("birds/owl.png", "birds/gull.png", "cars/mini.png"):
        (tmp_path / "mine" / name).parent.mkdir(parents=True, exist_ok=True)
        Image.new("RGB", (8, 8), "red").save(tmp_path / "mine" / name)
    rows = "path,group,categories,human\nmine/birds/owl.png,x|y,Owls,Animals\nmine/cars/mini.png,y,,\n"
    (tmp_path / "table.csv").write_text(rows)
    return tmp_path


def test_named_files_tell_their_folders_and_what_the_table_says(pictures):
    source, frame = named_files(["mine"], "")
    assert source is FILES and frame["folder"].tolist() == ["mine/birds", "mine/birds", "mine/cars"]
    assert frame["title"].tolist()[2] == "mine/cars/mini.png" and frame["human"].isna().all()
    _, frame = named_files(["table.csv"], "")
    assert frame["group"].tolist() == [["x", "y"], ["y"]] and frame["categories"].tolist() == [["Owls"], []]
    assert frame["human"].tolist() == [["Animals"], None]
    with pytest.raises(UserError, match="nowhere"):
        named_files(["nowhere"], "")
    with pytest.raises(UserError, match="contact"):  # asked before anything is fetched
        named_files(["mine", "File:Owl.jpg"], "")


def test_the_digest_of_inputs_is_content_and_names(pictures):
    before = {name: inputs_digest([name]) for name in ("mine", "table.csv", "File:Owl.jpg", "nowhere")}
    os.utime(pictures / "mine/birds/owl.png", (1, 1))
    assert {name: inputs_digest([name]) for name in before} == before
    Image.new("RGB", (8, 8), "blue").save(pictures / "mine/birds/owl.png")
    now = {name: inputs_digest([name]) for name in before}
    assert [now[name] != before[name] for name in before] == [True, True, False, False]
    (pictures / "mine/birds/owl.png").rename(pictures / "mine/birds/eule.png")
    assert inputs_digest(["mine"]) != now["mine"]


def test_a_run_depends_on_the_files_it_is_given_and_not_on_who_fetches(pictures):
    given = {"inputs": ["mine"], "contact": "me@example.org", "rounds": 10}
    before = fingerprint.data("06_score", given)
    assert set(before) == {"inputs"} and fingerprint.data("06_score", {"inputs": []}) == {}
    (pictures / "mine/cars/mini.png").unlink()
    assert fingerprint.data("06_score", given) != before
    assert "contact" in fingerprint.NOT_RESULT


def test_pictures_are_decoded_when_asked_for(pictures):
    paths = [str(pictures / "mine/birds/owl.png"), str(pictures / "gone.png")]
    shown = Pictures(FILES, paths, side=16)
    assert len(shown) == 2 and shown[0].shape == (16, 16, 3)
    assert shown[0][8, 8].tolist() == [255, 0, 0]
    assert shown[1].min() == shown[1].max() == 236 and shown[-1].min() == 255


def test_a_page_of_pictures_is_decoded_by_one_process_and_a_second_look_by_none(pictures, monkeypatch):
    owl, mini = (str(pictures / "mine" / name) for name in ("birds/owl.png", "cars/mini.png"))
    started, begin = [], sandbox.in_child
    monkeypatch.setattr(sandbox, "in_child", lambda *given: started.append(given[1]) or begin(*given))
    shown = Pictures(FILES, [owl, str(pictures / "gone.png"), mini], side=16)
    several = shown.several([2, -1, 0, 1])
    assert started == [2] and all(map(np.array_equal, several, [shown[2], shown[-1], shown[0], shown[1]]))
    small, wanted = Thumbnails(shown), Thumbnails(shown).jpeg(2, 8)
    started.clear()
    small.ahead([0, 2, 0], 8)
    assert started == [2] and small.jpeg(2, 8) == wanted
    small.ahead([0, 2], 8)
    assert started == [2]
    small.kept = 3
    small.jpeg(1, 8)  # now 0, 2 and 1 are kept, and of a page of 0 and -1 only the latter is new
    small.ahead([0, -1], 8)
    assert list(small._made) == [(1, 8), (0, 8), (-1, 8)]
    started.clear()
    monkeypatch.setattr(scored_pictures, "TOGETHER", 1)
    assert np.array_equal(shown.several([0, 2]), [several[2], several[0]]) and started == [1, 1]


def test_a_title_whose_picture_has_gone_is_grey_among_the_others(pictures, tmp_path):
    owl = str(pictures / "mine/birds/owl.png")
    pd.DataFrame({"title": ["Other.jpg"], "status": "fetched", "reason": "", "detail": ""}).to_parquet(
        tmp_path / "manifest.parquet"
    )
    shown = Pictures(WithTitles(tmp_path, ""), ["File:Gone.jpg", owl], side=16).several([0, 1])
    assert shown[0].min() == shown[0].max() == 236 and shown[1][8, 8].tolist() == [255, 0, 0]


def test_of_thumbnails_the_latest_are_kept(pictures):
    small = Thumbnails([np.full((4, 4, 3), shade, np.uint8) for shade in (0, 90, 180)], kept=2)
    first = small.jpeg(0)
    for row in (1, 0, 2):
        small.jpeg(row)
    assert list(small._made) == [(0, None), (2, None)] and small.jpeg(0) == first
    small.ahead([1])  # an array is not asked ahead: it costs nothing to look at
    assert list(small._made) == [(2, None), (0, None)]


def test_a_picture_that_the_model_has_met_is_known_by_its_pixels(tmp_path):
    rng, recipe = np.random.default_rng(0), Recipe(store_size=16)
    for name in ("met", "new"):
        pixels = rng.integers(0, 256, (16, 16, 3), np.uint8)
        Image.fromarray(pixels).save(tmp_path / f"{name}.bmp")  # all of one size
    (tmp_path / "renamed").write_bytes((tmp_path / "met.bmp").read_bytes())
    (tmp_path / "broken").write_bytes((tmp_path / "met.bmp").read_bytes()[:-1])
    data = (tmp_path / "met.bmp").read_bytes()
    images = pd.DataFrame({"title": ["Met"], "bytes": [len(data)], "sha1": [decode(data, recipe).sha1]})
    paths = [str(tmp_path / name) for name in ("new.bmp", "renamed", "broken", "nowhere")]
    assert (tmp_path / "new.bmp").stat().st_size == len(data)
    assert titles_in_set(paths, images, recipe) == {paths[1]: "Met"}


def test_of_files_whose_bytes_are_known_none_is_decoded(tmp_path, monkeypatch):
    """Of a million in a folder most were learned from: only the others of such a size need be looked at."""
    rng, recipe, rows = np.random.default_rng(0), Recipe(store_size=16), []
    for number in range(6):
        path = tmp_path / f"{number}.bmp"
        Image.fromarray(rng.integers(0, 256, (16, 16, 3), np.uint8)).save(path)
        data = path.read_bytes()
        row = {"title": f"No {number}", "bytes": len(data), "sha1": decode(data, recipe).sha1}
        rows.append(row | {"file_sha1": hashlib.sha1(data).hexdigest()})
    marked = bytearray((tmp_path / "5.bmp").read_bytes())
    marked[6] ^= 1  # reserved bytes of the header: the file is another, the picture is not
    (tmp_path / "5.bmp").write_bytes(marked)
    decoded = []

    def watched(files, recipe):
        decoded.extend(files)
        return decode_in_child(files, recipe)

    monkeypatch.setattr(choose_module, "decode_in_child", watched)
    paths = [str(tmp_path / f"{number}.bmp") for number in range(6)]
    met = titles_in_set(paths, pd.DataFrame(rows), recipe)
    assert met == {path: f"No {number}" for number, path in enumerate(paths)}
    assert decoded == [bytes(marked)]


def test_a_run_whose_pictures_are_all_missing_is_not_made(root, tmp_path, monkeypatch):
    """The folder was moved: 796 rows of reasons are no result that anybody looks for."""
    monkeypatch.setenv("WIKITOPICS_ROOT", str(root))
    frame = pd.DataFrame({"path": [str(tmp_path / f"{number}.png") for number in range(3)]})
    chosen = Chosen(FILES, frame, [], False)
    with pytest.raises(UserError, match=r"of 3 files none is \(missing: 3\)"):
        score_chosen(chosen, "tiny", "tiny", tmp_path / "topics.parquet", 0.05, 1)


def test_the_own_files_leave_out_what_was_learned_and_copies_share_a_code(tmp_path, monkeypatch):
    """b was learned and b2 is its exact copy; c2 is one of c, a test image; d was in no image set."""
    monkeypatch.setenv("WIKITOPICS_ROOT", str(tmp_path))
    labels, images, model = (
        tmp_path / "data" / name for name in ("01_labels/l", "02_images/i", "03_train/m")
    )
    for folder, record in (
        (labels, {}),
        (images, {}),
        (model, {"parameters": {"images": "i", "labels": "l"}}),
    ):
        write_json(folder / "run.json", record)
    write_json(labels / "source.json", {"source": "sample", "options": {}})
    titles = ["b", "b2", "c", "c2", "d"]
    files = {"title": titles, "path": titles, "categories": [[]] * 5, "articles": [[]] * 5}
    write_table(labels / "files.parquet", pd.DataFrame(files))
    known = pd.DataFrame({"title": ["b", "c"], "group": [0, 1], "split": ["train", "test"]})
    write_table(images / "images.parquet", known)
    copies = {"title": ["b2", "c2", "c"], "duplicate_of": ["b", "c", "d"], "kind": ["exact", "exact", "near"]}
    write_table(images / "duplicates.parquet", pd.DataFrame(copies))
    chosen = choose("m", [])
    assert chosen.frame["title"].tolist() == ["c", "c2", "d"]
    assert chosen.frame["known"].tolist() == ["c", "c", "d"]
    code = chosen.frame["duplicates"].tolist()
    assert code[0] == code[1] != code[2]
    assert [step["files"] for step in chosen.funnel] == [5, 3]


def test_hidden_categories_are_no_groups_by_the_graph_and_by_name():
    graph = open_graph(Path(__file__).parent.parent / "sample")
    groups = pd.Series([["PD OpenClipart", "Owls"], ["Pages with maps"], ["CC-BY-SA-2.5", "Owls", "Boats"]])
    left, hidden = without_hidden(groups, graph)
    assert left.tolist() == [["Owls"], [], ["Owls", "Boats"]] and hidden == 3
    subjects = [
        "PDAs",
        "Flags",
        "Uploading",
        "Images",
        "Ccedars",
        "Filing cabinets",
        "National flags",
        "Media",
    ]
    assert without_hidden(pd.Series([subjects]), None)[1] == 0


def test_a_topic_that_is_as_frequent_as_it_was_needs_no_correction_and_another_one_does():
    """Where nothing shifted the mean probability errs by less, and `shifted` says which of the two it is."""
    told = {}
    for here in (0.2, 0.45):
        rng = np.random.default_rng(int(100 * here))
        rows = pd.DataFrame([scored_elsewhere(rng, 0.2, here) for _ in range(40)])
        mean, corrected = (np.sqrt(((rows[way] - here) ** 2).mean()) for way in ("expected_share", "share"))
        told[here] = rows["shifted"].mean(), mean / corrected
    assert told[0.2][0] <= 0.2 and told[0.2][1] < 0.8
    assert told[0.45][0] >= 0.8 and told[0.45][1] > 1.5
