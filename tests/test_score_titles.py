"""Titles of Commons are fetched politely and once; what has no picture is a row with its reason."""

from functools import partial

import pandas as pd
import pytest

import wikitopics
from cdn_model import Cdn
from faulty_proxy import proxied
from proxy_replies import Reply
from small_commons import small_commons, small_pictures
from wikitopics import cli
from wikitopics.errors import UserError
from wikitopics.sources.inputs import paths_of
from wikitopics.sources.online import download, http

ME = "tests@example.org"
PICTURE = "File:Picture 0001.png"


@pytest.fixture
def laboratory(root, tmp_path, monkeypatch):
    """The tiny run, in a folder whose downloads are this test's own."""
    monkeypatch.setenv("WIKITOPICS_ROOT", str(tmp_path))
    (tmp_path / "data").mkdir()
    for stage in ("02_images", "03_train", "04_evaluate"):
        (tmp_path / "data" / stage).symlink_to(root / "data" / stage)
    return tmp_path


@pytest.fixture
def commons():
    with small_commons(small_pictures(4), {"Old.png": "Picture 0002.png"}) as wiki:
        page = wiki._page
        wiki._page = lambda title: spoken(page("Picture 0000.png")) if title == "Song.ogg" else page(title)
        yield wiki


def spoken(page: dict) -> dict:
    page["title"] = "File:Song.ogg"
    page["imageinfo"][0] |= {"mediatype": "AUDIO", "mime": "application/ogg"}
    return page


def test_every_title_is_a_row_and_is_fetched_once(laboratory, commons):
    asked = ["file:picture_0001.png", "File:Old.png", "File:Nowhere.png", "File:Song.ogg", PICTURE]
    with proxied(commons.url, Cdn()) as proxy:
        how = {"model": "tiny", "contact": ME, "api": proxy.api, "abstain": 0}
        rows = wikitopics.score(asked, **how)
        assert {seen.agent.split("/")[0] for seen in proxy.log} == {"wikitopics"} and proxy.at_once() <= 2
        before = len(proxy.media())
        again = wikitopics.score(asked, **how)
        assert len(proxy.media()) == before == 2
    pd.testing.assert_frame_equal(rows, again)
    assert rows.path.tolist() == [PICTURE, *asked[1:]] and set(rows.source) == {"files and commons"}
    assert rows.reason.tolist() == ["", "", "missing", "unsupported_kind", ""]
    assert rows.detail.tolist()[1:4] == [
        "redirects to File:Picture 0002.png", "no such file", "AUDIO"
    ]  # fmt: skip
    assert rows.scores[0].tolist() == rows.scores[4].tolist() and len(rows.scores[2]) == 0


def test_titles_and_files_are_scored_together_and_a_lost_picture_is_fetched_again(
    laboratory, commons, pictures
):
    kept = laboratory / "kept"
    how = {"model": "tiny", "contact": ME, "api": commons.api, "pictures": kept, "abstain": 0}
    rows = wikitopics.score([pictures / "03.png", PICTURE], **how)
    next(kept.glob("pictures/*/*/*.png")).unlink()
    again = wikitopics.score([pictures / "03.png", PICTURE], **how)
    pd.testing.assert_frame_equal(rows, again)
    assert rows.reason.tolist() == ["", ""] and commons.asked["Picture 0001.png"] == 2


def test_what_cannot_be_fetched_is_told_and_tried_again(laboratory, commons, monkeypatch):
    monkeypatch.setattr(download, "Manners", partial(http.Manners, first_wait=0.01))
    broken = [Reply(change=lambda body: body[:40])]
    rule = lambda seen: broken[0] if seen.media and "0001" in seen.path and broken else None  # noqa: E731
    with proxied(commons.url, rule) as proxy:
        how = {"model": "tiny", "contact": ME, "api": proxy.api}
        rows = wikitopics.score([PICTURE, "File:Picture 0003.png"], **how)
        assert rows.reason.tolist() == ["not_fetched", ""] and "wrong content" in rows.detail[0]
        broken.clear()
        assert wikitopics.score([PICTURE, "File:Picture 0003.png"], **how).reason.tolist() == ["", ""]


def test_a_table_may_hold_titles(tmp_path):
    (tmp_path / "list.csv").write_text("title,who\nowl.jpg,me\nFile:A_red__fox.jpg,you\n")
    assert paths_of([str(tmp_path / "list.csv")]) == ["File:Owl.jpg", "File:A red fox.jpg"]
    pd.DataFrame({"title": ["x"], "path": ["y.png"]}).to_parquet(tmp_path / "both.parquet")
    assert paths_of([str(tmp_path / "both.parquet")]) == [str(tmp_path / "y.png")]


def test_names_of_files_beside_a_table_are_those_files_and_said(tmp_path):
    (tmp_path / "list.csv").write_text("image;label\nowl.jpg;x\nfox.jpg;y\n")
    told = []
    assert paths_of([str(tmp_path / "list.csv")], told.append) == ["File:Owl.jpg", "File:Fox.jpg"]
    (tmp_path / "owl.jpg").touch()
    with pytest.raises(UserError, match="but 1 of 2 lie beside list.csv"):
        paths_of([str(tmp_path / "list.csv")])
    (tmp_path / "fox.jpg").touch()
    assert paths_of([str(tmp_path / "list.csv")], told.append) == [
        str(tmp_path / "owl.jpg"),
        str(tmp_path / "fox.jpg"),
    ]
    assert told == [
        "list.csv: 2 titles of Commons, read as CSV with ;, UTF-8",
        "list.csv: 2 files beside it, read as CSV with ;, UTF-8",
    ]


def test_a_file_that_is_named_like_a_title_can_be_named(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "File:x.png").touch()
    assert paths_of(["File:x.png", "./File:x.png", "."]) == ["File:X.png", "./File:x.png", "./File:x.png"]


def test_nobody_fetches_without_an_address(laboratory, commons, capsys):
    command = [
        "score",
        PICTURE,
        "--model",
        "tiny",
        "--out",
        str(laboratory / "o.jsonl"),
        "--api",
        commons.api,
    ]
    assert cli.main(command) == 2
    said = capsys.readouterr().err
    assert "contact must be an e-mail or web address" in said and said.count("\n") == 1
    assert not commons.asked
    with pytest.raises(UserError, match="width must be from 1 to 3840"):
        wikitopics.score(PICTURE, "tiny", contact=ME, api=commons.api, width=4000)


@pytest.mark.servers
def test_a_real_wiki_behind_the_rules_of_wikimedias_servers(laboratory, wiki):
    named = wiki.sql("SELECT img_name FROM image WHERE img_width > 60 ORDER BY img_name LIMIT 40").decode()
    titles = [f"File:{name}" for name in named.split("\n") if name.endswith((".png", ".jpg"))][:8]
    cdn = Cdn(rate=5, window=1.0)
    with proxied(wiki.url, cdn) as proxy:
        rows = wikitopics.score([*titles, "File:Nowhere.png"], "tiny", contact=ME, api=proxy.api, width=60)
    assert rows.reason.tolist() == [""] * len(titles) + ["missing"] and len(titles) == 8
    assert not cdn.refused["width"] and not cdn.refused["agent"]
