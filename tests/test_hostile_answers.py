"""Servers and wikis that say anything: every answer ends in time, as a value, a counted row, a sentence."""

import hashlib
import io
import json
import os
import time
from contextlib import contextmanager, suppress
from dataclasses import replace

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from hostile_structures import tiff_of_a_tile
from raw_server import answer, saying, talking
from small_commons import small_commons, small_pictures
from wikitopics.errors import UserError
from wikitopics.fence import said_by
from wikitopics.sources.article_topics import tagged_topics
from wikitopics.sources.online import download as downloading
from wikitopics.sources.online.action_api import SAID, ActionApi, understood
from wikitopics.sources.online.answers import (
    LARGEST,
    asked_pause,
    declared_length,
    fitting,
    joined,
    parsed,
    web_address,
)
from wikitopics.sources.online.article_topics import topics_from_model
from wikitopics.sources.online.download import FIRST_REST, GaveUp, download
from wikitopics.sources.online.harvest import Request, harvest
from wikitopics.sources.online.http import Answer, Client, Failed, Manners
from wikitopics.sources.online.wiki_pages import descriptions, pictures, text_of_html

QUICK = Manners(
    "tests@example.org", api_pause=0, slow_pause=0, first_wait=0.01, longest_wait=1, attempts=5, timeout=0.5
)
ENDLESS = 10_000  # parts; the client hangs up long before


# --- One deadline a request, whatever a server does with the time


SLOW = {
    "100 Continue for ever": saying(b"HTTP/1.1 100 Continue\r\n\r\n", pause=0.1, times=ENDLESS),
    "a head that trickles": saying(b"HTTP/1.1 200 OK\r\nX: ", b"x", pause=0.1, times=ENDLESS),
    "headers that trickle": saying(b"HTTP/1.1 200 OK\r\n", b"X: 1\r\n", pause=0.1, times=60),
    "nothing": saying(b"", b"", pause=3),
    "chunks whose lengths trickle": saying(
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1;", b"x", pause=0.1, times=ENDLESS
    ),
    "trailers for ever": saying(
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nx\r\n0\r\n",
        b"X: 1\r\n",
        pause=0.1,
        times=ENDLESS,
    ),
}


@pytest.mark.parametrize("name", SLOW)
def test_an_answer_that_never_ends_is_given_up_after_two_attempts(name):
    asked = []

    def talk(connection, request):
        asked.append(request)
        SLOW[name](connection, request)

    with talking(talk) as url, Client(QUICK) as client, pytest.raises(Failed) as failed:
        client.fetch(url, 1000)
    assert failed.value.reason in ("unreachable", "too slow"), failed.value
    assert len(asked) == 2


def test_100_continue_at_full_speed_is_too_much_soon():
    flood = saying(b"HTTP/1.1 100 Continue\r\n\r\n" * 1000, times=1000)
    patient = replace(QUICK, timeout=600, attempts=1)
    with talking(flood) as url, Client(patient) as client, pytest.raises(Failed, match="unreachable"):
        client.fetch(url, 1000)


def test_an_honest_slow_body_has_the_time_that_its_bytes_need():
    slow = saying(answer(b"x" * 40)[:-40], b"xxxx", pause=0.1, times=10)
    with talking(slow) as url, Client(replace(QUICK, slowest=20)) as client:
        assert client.fetch(url, 1000).body == b"x" * 40


# --- Answers that make no sense are Failed, nothing else


ODD = {
    "a redirect to no address": answer(b"", "Location: http://[bad", status="302 Found"),
    "a redirect to a port that is none": answer(b"", "Location: http://h:99999/", status="302 Found"),
    "a redirect to a file": answer(b"", "Location: file:///etc/passwd", status="302 Found"),
    "a redirect to nowhere": answer(b"", "Location: http://", status="302 Found"),
    "a redirect with control characters": answer(b"", "Location: /\x01 \x7f", status="302 Found"),
    "a redirect in circles": answer(b"", "Location: /", status="302 Found"),
    "a length in other digits": b"HTTP/1.1 200 OK\r\nContent-Length: \xb2\r\n\r\n",
    "a length that is huge": b"HTTP/1.1 200 OK\r\nContent-Length: " + b"9" * 5000 + b"\r\n\r\nx",
    "a length below nothing": b"HTTP/1.1 200 OK\r\nContent-Length: -5\r\n\r\nx",
    "two lengths": b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nx",
    "a pause that is huge": answer(b"", "Retry-After: " + "9" * 400, status="503 Busy"),
    "a pause in the year 9999": answer(
        b"",
        "Date: Mon, 01 Jan 0001 00:00:00 +2359",
        "Retry-After: Fri, 31 Dec 9999 23:59:59 -2359",
        status="503 x",
    ),
    "a pause that is no date": answer(
        b"", "Retry-After: Fri, 99 Dec 99999999999999 23:59:59", status="503 x"
    ),
    "a pause in other digits": answer(b"", "Retry-After: \xb2", status="503 Busy"),
    "no packing": answer(b"not gzip", "Content-Encoding: gzip"),
    "packed a hundred times": answer(b"x", "Content-Encoding: " + ",".join(["gzip"] * 100)),
    "chunks without length": b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
    "a chunk of less than nothing": b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n-5\r\nx",
    "no status": b"HTTP/1.1 abc\r\n\r\n",
    "a status of six digits": b"HTTP/1.1 999999 x\r\n\r\n",
    "no HTTP": b"\x00\xff" * 100,
    "a line without end": b"HTTP/1.1 200 OK\r\nX: " + b"x" * 100_000,
    "a thousand headers": b"HTTP/1.1 200 OK\r\n" + b"X: 1\r\n" * 1000 + b"\r\n",
    "a cookie of nonsense": answer(b"x", "Set-Cookie: " + "a=" * 1000 + ';Expires="'),
}


@pytest.mark.parametrize("name", ODD)
def test_an_answer_of_nonsense_is_an_answer_or_failed(name):
    with talking(saying(ODD[name])) as url, Client(replace(QUICK, attempts=2)) as client:
        try:
            assert isinstance(client.fetch(f"{url}/", 1000), Answer)
        except (Failed, downloading.ToldToWait) as error:
            str(error).encode()


@settings(max_examples=60, deadline=None)
@given(st.binary(max_size=60), st.sampled_from(["Location", "Retry-After", "Content-Length", "Date", "Link"]))
def test_any_header_is_read(value, name):
    text = value.decode("latin-1")
    for read in (declared_length, asked_pause):
        number = read({name: text, "Date": text})
        assert number is None or 0 <= number <= LARGEST
    web_address(text)
    joined("https://x.org/a", text)


# --- What a wiki says: only what has the shape that is read


NAMES = (
    *("query", "pages", "title", "ns", "imageinfo", "categories", "redirects", "from", "to", "continue"),
    *("error", "code", "extmetadata", "Artist", "value", "url", "thumburl", "width", "warnings", "source"),
    *("globalusage", "wiki", "cirrusdoc", "weighted_tags"),
)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**80), 2**80) | st.floats() | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(
            st.sampled_from(NAMES),
            inner,
            max_size=4,
        )
    ),
    max_leaves=25,
)


def test_json_is_bounded_and_has_whole_letters():
    for body in (b"[" * 100_000, b"[" * 60 + b"]" * 60, b"NaN", b"9" * 5000, b"\xff", b""):
        with pytest.raises(ValueError):
            parsed(body)
    assert parsed(b'["\\ud83d\\ude00", "\\ude00"]') == ["\U0001f600", "\ufffd"]


@settings(max_examples=150, deadline=None)
@given(JSON)
def test_any_answer_is_understood_or_refused(value):
    body = json.dumps({"query": {}, "said": value} if not isinstance(value, dict) else {"query": {}, **value})
    try:
        said, trouble = understood(Answer(200, {}, body.encode(), 1))
    except UserError:
        return
    assert isinstance(trouble, str) and fitting(said, SAID) == said or "pages" in said["query"]


class Wiki:
    """An API that gives the answers of a list, the last one for ever."""

    def __init__(self, *said):
        self.said, self.asked = list(said), 0

    def __call__(self, connection, _):
        self.asked += 1
        said = self.said[min(self.asked, len(self.said)) - 1]
        said = said(self.asked) if callable(said) else said
        connection.sendall(answer(said if isinstance(said, bytes) else json.dumps(said).encode()))


@contextmanager
def api_of(*said):
    wiki = Wiki(*said)
    with talking(wiki) as url, Client(replace(QUICK, attempts=2, timeout=5)) as client:
        yield ActionApi(client, f"{url}/w/api.php"), wiki


def page(**said):
    """An answer about one file, with these parts changed."""
    info = {"url": "http://127.0.0.1:9/a.png", "thumburl": "http://127.0.0.1:9/a.png", "mediatype": "BITMAP"}
    info |= said.pop("info", {})
    return {"query": {"pages": [{"ns": 6, "title": "File:A.png", "imageinfo": [info], **said}]}}


STRANGE = {
    "an error that is a text": {"error": "rate limited"},
    "an error that is a number": {"error": 7},
    "an error without a code": {"error": {"info": None}},
    "an error with a code that is a list": {"error": {"code": ["x"], "info": {}}},
    "a query that is a list": {"query": []},
    "pages that are a text": {"query": {"pages": "no"}},
    "a page that is nothing": {"query": {"pages": [None, 5, {}]}},
    "pages in the older form": {"query": {"pages": {"1": {"ns": 6, "title": "File:A.png"}}}},
    "a redirect without an end": {"query": {"redirects": [{"from": "File:A.png"}], "pages": []}},
    "a redirect to a gallery": {
        "query": {"redirects": [{"from": "File:A.png", "to": "Fox"}], "pages": [{"ns": 0, "title": "Fox"}]}
    },
    "a title without its namespace": page(title="Fox"),
    "a width of 2^70": page(info={"width": 2**70, "size": -1, "height": 1e400}),
    "half a letter": json.dumps(page(info={"extmetadata": {"Artist": {"value": "\ud800"}}})).encode(),
    "an artist in languages": page(info={"extmetadata": {"Artist": {"value": {"en": "Ann"}}}}),
    "an artist that is null": page(info={"extmetadata": {"Artist": None}}),
    "extmetadata that is a list": page(info={"extmetadata": []}),
    "an address that is none": page(info={"url": "http://[bad"}),
    "a thumbnail that is null": page(info={"thumburl": None}),
    "categories that are null": page(categories=None),
    "categories without a title": page(categories=[{"ns": 14}, None, {"title": "Category:Foxes"}]),
    "continue that is a list": {**page(), "continue": [1]},
    "warnings that are null": {**page(), "warnings": None},
    "a warning that is a list": {**page(), "warnings": {"main": []}},
    "nested without end": b'{"query": ' + b"[" * 100_000,
    "a number of 5,000 digits": b'{"query": {"pages": ' + b"9" * 5000 + b"}}",
}


@pytest.mark.parametrize("name", STRANGE)
@pytest.mark.parametrize("ask", ["pictures", "descriptions"])
def test_whatever_an_api_says_ends_in_rows_or_in_a_sentence(name, ask, tmp_path):
    with api_of(STRANGE[name]) as (api, _):
        try:
            if ask == "descriptions":
                harvest(Request(api.address, titles=("A.png",), levels_up=1), api, tmp_path)
            else:
                download(["A.png"], api, tmp_path, 330)
        except UserError as error:
            assert "must" in str(error)
            return
    table = pd.read_parquet(tmp_path / ("files.parquet" if ask == "descriptions" else "manifest.parquet"))
    assert len(table) >= 1


@settings(max_examples=40, deadline=None)
@given(JSON)
def test_any_answer_about_files_ends_in_descriptions_or_a_sentence(value):
    class Told(ActionApi):
        def ask(self, parameters):
            said, trouble = understood(Answer(200, {}, json.dumps(page(**(value or {}))).encode(), 1))
            if trouble:
                raise UserError(f"an answer must make sense ({trouble})")
            return {**said, "continue": {}}

    value = (
        {k: v for k, v in value.items() if k != "info"} if isinstance(value, dict) else {"imageinfo": value}
    )
    api = Told(None, "")
    try:
        list(descriptions(api, ["A.png"], "en.wikipedia.org"))
        list(pictures(api, ["A.png"], 330))
    except UserError:
        pass


def test_an_answer_that_goes_on_and_on_without_news_ends(tmp_path):
    goes_on = lambda number: {"query": {"pages": []}, "continue": {"clcontinue": str(number)}}  # noqa: E731
    with api_of(goes_on) as (api, wiki), pytest.raises(UserError, match="says nothing new in 20 parts"):
        list(api.pages(["File:A.png"]))
    assert wiki.asked == 21


def test_an_answer_with_too_many_parts_is_cut_and_told(monkeypatch):
    monkeypatch.setattr("wikitopics.sources.online.action_api.MOST_PARTS", 30)

    def goes_on(number):
        said = page(categories=[{"ns": 14, "title": f"Category:{number}"}])
        return {**said, "continue": {"clcontinue": str(number)}}

    with api_of(goes_on) as (api, wiki):
        found = next(api.pages(["File:A.png"])).pages[0]
    assert wiki.asked == 30 and len(found["categories"]) == 30 and len(found["imageinfo"]) == 1
    assert list(api.warnings) == ["answers of more than 30 parts, cut off there"]


@pytest.mark.parametrize(
    "said",
    [
        {"prediction": None},
        {"prediction": {"results": [{"topic": 5, "score": "x"}, None]}},
        {"prediction": {"results": [{"topic": "STEM.Biology", "score": 1e400}]}},
        [],
    ],
)
def test_the_topic_model_may_say_anything(said, tmp_path):
    with talking(Wiki(said)) as url, Client(replace(QUICK, attempts=1)) as client:
        try:
            table, _ = topics_from_model(["Fox"], client, tmp_path, "en", url)
            assert table.empty
        except UserError as error:
            assert "the topic model" in str(error)


def test_markup_of_a_megabyte_takes_no_time():
    began = time.process_time()
    text_of_html("<style" * 200_000)
    assert time.process_time() - began < 5


# --- Pictures that come over the net are decoded behind the fence


def many_scans(count=60, side=1600):
    """A progressive JPEG whose refining scans are repeated."""
    file = io.BytesIO()
    Image.effect_noise((side, side), 90).save(file, "JPEG", progressive=True, quality=60)
    data = file.getvalue()
    last = data.rindex(b"\xff\xda")
    return data[:last] + data[last:-2] * count + b"\xff\xd9"


@contextmanager
def a_thumbnail_of(body):
    with small_commons({"A.png": body, "330px-A.png": body}) as wiki:
        told = wiki._page("A.png")
        told["imageinfo"][0]["thumburl"] = f"{wiki.url}/wikipedia/commons/thumb/a/ab/A.png/330px-A.png"
        wiki._page = lambda title: told
        yield wiki


def test_a_picture_that_never_gets_ready_is_a_failed_file(tmp_path, monkeypatch):
    monkeypatch.setattr(downloading, "FENCE", replace(downloading.FENCE, seconds=0.3))
    with a_thumbnail_of(many_scans()) as wiki, Client(replace(QUICK, attempts=1, timeout=30)) as client:
        counts = download(["A.png"], ActionApi(client, wiki.api), tmp_path, 330)
    assert counts == {"failed": 1}
    row = pd.read_parquet(tmp_path / "manifest.parquet").iloc[0]
    assert (row["reason"], row["detail"][:8]) == ("damaged", "too_slow")


def test_a_picture_that_wants_more_memory_than_there_may_be_is_a_failed_file():
    huge = tiff_of_a_tile(1, 1, 46_000)
    with pytest.raises(Failed) as failed:
        downloading._decoded(huge)
    assert failed.value.reason == "damaged"


def test_the_parent_never_decodes_what_came(monkeypatch, tmp_path):
    """Neither a thumbnail nor an original, whose header alone is read."""
    parent, opened = os.getpid(), Image.open
    monkeypatch.setattr(Image, "open", lambda *a, **k: opened(*a, **k) if os.getpid() != parent else 1 / 0)
    with small_commons(small_pictures(2)) as wiki, Client(replace(QUICK, timeout=30)) as client:
        counts = download(list(wiki.pictures), ActionApi(client, wiki.api), tmp_path, 330)
    assert counts == {"fetched": 2}


# --- One bad file does not keep the good ones away


def spoilt(wiki, bad):
    """The wiki believes that these files have other bytes, so they fail whenever they are asked for."""
    usual = wiki._page

    def told(title):
        said = usual(title)
        if title in bad:
            said["imageinfo"][0]["sha1"] = hashlib.sha1(title.encode()).hexdigest()
        return said

    wiki._page = told


def fetched(wiki, titles, folder):
    with Client(replace(QUICK, attempts=1, timeout=30)) as client, suppress(GaveUp):
        download(titles, ActionApi(client, wiki.api), folder, 330)
    return pd.read_parquet(folder / "manifest.parquet").set_index("title")


def test_files_that_always_fail_come_behind_new_ones_and_rest(tmp_path, monkeypatch):
    names = list(small_pictures(40))
    bad, first, new = names[:24:2], names[:24], names[24:]
    with small_commons(small_pictures(40)) as wiki:
        spoilt(wiki, bad)
        rows = fetched(wiki, first, tmp_path)
        assert rows["status"].value_counts().to_dict() == {"fetched": 12, "failed": 12}
        wiki.asked.clear()
        rows = fetched(wiki, names, tmp_path)
        assert rows.loc[new, "status"].eq("fetched").all()
        assert not any(wiki.asked[name] for name in bad)
        now = time.time()
        for calls, rest in ((2, 2 * FIRST_REST), (3, 4 * FIRST_REST)):
            now += 3 * FIRST_REST
            monkeypatch.setattr(time, "time", lambda now=now: now)
            rows = fetched(wiki, names, tmp_path)
            assert (rows.loc[bad, "failures"] == calls).all()
            assert (rows.loc[bad, "rests_until"] == int(now) + rest).all()
        monkeypatch.setattr(time, "time", lambda: 0.0)  # the clock is set back by years
        assert (fetched(wiki, names, tmp_path).loc[bad, "failures"] == 4).all()


def test_a_hosts_trouble_is_not_the_files(tmp_path):
    names = list(small_pictures(30))
    with small_commons(small_pictures(30)) as wiki:
        fetched(wiki, names[:2], tmp_path)
        spoilt(wiki, names[2:])
        rows = fetched(wiki, names, tmp_path)  # one that came before comes: so the files are to blame
        assert rows["status"].value_counts().to_dict() == {"failed": 28, "fetched": 2}
        assert (rows.loc[names[2:], "failures"] == 1).all()
    with small_commons({}) as wiki:
        info = {name: {"ns": 6, "title": f"File:{name}"} for name in names}
        address = {"url": "http://127.0.0.1:9/x.png", "thumburl": "http://127.0.0.1:9/x.png"}
        wiki._page = lambda title: {**info[title], "imageinfo": [{**address, "mediatype": "BITMAP"}]}
        rows = fetched(wiki, names, tmp_path / "down")
        assert rows["status"].value_counts().to_dict() == {"waiting": 20, "failed": 10}
        assert (rows["rests_until"] == 0).all() and (rows["failures"] == 0).all()


def test_a_manifest_without_the_newer_columns_is_read(tmp_path):
    with small_commons(small_pictures(3)) as wiki:
        fetched(wiki, list(wiki.pictures)[:2], tmp_path)
        old = pd.read_parquet(tmp_path / "manifest.parquet").drop(columns=["failures", "rests_until"])
        old.to_parquet(tmp_path / "manifest.parquet")
        assert fetched(wiki, list(wiki.pictures), tmp_path)["status"].eq("fetched").all()


# --- Small things that a wiki's words have ended


def test_scores_in_other_digits_and_no_tags_are_counted():
    assert tagged_topics(["classification.ores.articletopic/STEM.Biology|²", None, 5]) == ({}, 3)
    assert tagged_topics(None) == ({}, 0)


def test_a_reason_holds_no_address_in_memory():
    try:
        Image.open(io.BytesIO(b"nothing"))
    except Exception as error:
        assert "0x" in str(error) and "0x" not in said_by(error)


def test_without_a_network_a_person_reads_why_and_what_comes_next(capsys):
    quick = Manners("me@example.org", attempts=2, first_wait=1.0)
    with Client(quick) as client, pytest.raises(Failed) as failed:
        client.fetch("http://no-such-host.invalid/w/api.php", 100)
    why = "the name no-such-host.invalid cannot be found, as where there is no network"
    assert failed.value.detail == why
    assert f"{why}: attempt 2 of 2 in 1 s" in capsys.readouterr().err
