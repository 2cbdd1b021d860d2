"""Whatever the network does, every file is fetched or accounted for, and the limits are kept.

A real MediaWiki behind a proxy that fails in a chosen way; the proxy's log says what was asked of it.
"""

import re
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pandas as pd
import pytest

from cdn_model import Cdn
from faulty_proxy import proxied
from proxy_replies import Reply
from wikitopics.errors import UserError
from wikitopics.sources.online import http
from wikitopics.sources.online.action_api import ActionApi
from wikitopics.sources.online.download import GaveUp, download
from wikitopics.sources.online.http import Client, Manners, ToldToWait, asked_pause

pytestmark = pytest.mark.servers
QUICK = Manners(
    "tests@example.org", api_pause=0, slow_pause=0, first_wait=0.05, longest_wait=3, timeout=1.5, attempts=4
)
FILES = 12


@pytest.fixture(scope="module")
def titles(wiki) -> list[str]:
    """Some files whose pictures are wider than 60 pixels, so that thumbnails are made."""
    named = wiki.sql(
        "SELECT img_name FROM image WHERE img_width > 60 AND img_height > 40 ORDER BY img_name LIMIT 60"
    )
    return [
        name.replace("_", " ") for name in named.decode().split("\n") if ".png" in name or ".jpg" in name
    ][:FILES]


def fetched(proxy, titles, folder, manners=QUICK, width=60):
    """Download through the proxy; the manifest by title."""
    with Client(manners) as client:
        download(titles, ActionApi(client, proxy.api), folder, width)
    return pd.read_parquet(folder / "manifest.parquet").set_index("title")


def media(nth=None, reply=None, times=1):
    """A rule: `reply` for every nth picture asked for, the first `times` times it is."""
    numbers = {}

    def rule(seen):
        if not seen.media or seen.again > times:
            return None
        number = numbers.setdefault(seen.path, len(numbers))
        return reply if number % nth == 0 else None

    return rule


def wrong_kind(body: bytes) -> bytes:
    return b"<!DOCTYPE html><html><title>Wikimedia Error</title></html>"


RECOVERABLE = {
    "429 with Retry-After": Reply(429, {"Retry-After": "1"}),
    "429 without": Reply(429),
    "a burst of 503": Reply(503),
    "a reset before the answer": Reply(hang_up=True),
    "a reset in mid-body": Reply(cut=300),
    "more bytes announced than sent": Reply(length=50),
    "fewer bytes announced than there are": Reply(length=-200),
    "a web page instead of a picture": Reply(change=wrong_kind),
    "half a picture, whole by its length": Reply(change=lambda body: body[: len(body) // 2]),
    "a trickle": Reply(trickle=100),
}


@pytest.mark.parametrize("name", RECOVERABLE)
def test_what_passes_is_tried_again_and_nothing_is_lost(wiki, titles, tmp_path, name):
    rule = media(4, RECOVERABLE[name])
    with proxied(wiki.url, rule, Cdn()) as proxy:
        manners = replace(QUICK, slowest=2000.0, timeout=0.5) if name == "a trickle" else QUICK
        rows = fetched(proxy, titles, tmp_path, manners)
        assert rows["status"].eq("fetched").all(), rows[rows["status"] != "fetched"].T.to_string()
        assert sum(rows["attempts"] > 1) == FILES / 4
        assert rows["attempts"].sum() == len(proxy.media())
        assert proxy.at_once() <= 2
        assert {seen.agent.split("/")[0] for seen in proxy.log} == {"wikitopics"}
    for row in rows.itertuples():
        assert (tmp_path / "pictures" / row.path).stat().st_size == row.bytes


def test_a_429_makes_everybody_wait_as_long_as_it_says(wiki, titles, tmp_path):
    with proxied(wiki.url, media(100, Reply(429, {"Retry-After": "2"}))) as proxy:
        fetched(proxy, titles, tmp_path)
        refused = next(seen for seen in proxy.log if seen.status == 429)
        others = [seen.began for seen in proxy.media() if seen.began > refused.ended + 0.05]
        assert min(others) >= refused.ended + 1.9


def test_the_limit_of_a_server_is_met_by_waiting(wiki, titles, tmp_path):
    cdn = Cdn(rate=5, window=1.0)
    with proxied(wiki.url, cdn) as proxy:
        rows = fetched(proxy, titles, tmp_path, replace(QUICK, attempts=8))
    assert rows["status"].eq("fetched").all()
    assert cdn.refused["rate"] <= 8 and not cdn.refused["width"] and not cdn.refused["agent"]


def test_a_server_that_asks_for_an_hour_is_left_alone(wiki, titles, tmp_path):
    with proxied(wiki.url, media(1, Reply(429, {"Retry-After": "3600"}))) as proxy:
        with pytest.raises(ToldToWait):
            fetched(proxy, titles, tmp_path)
        assert len(proxy.media()) <= 2
        rows = pd.read_parquet(tmp_path / "manifest.parquet")
        assert len(rows) == FILES and rows["status"].eq("waiting").all()
    with proxied(wiki.url) as proxy:
        assert fetched(proxy, titles, tmp_path)["status"].eq("fetched").all()


def test_a_server_that_is_down_is_not_hammered(wiki, titles, tmp_path):
    with proxied(wiki.url, media(1, Reply(503), times=1000)) as proxy:
        with pytest.raises(GaveUp, match="10 files in a row"):
            fetched(proxy, titles, tmp_path, replace(QUICK, attempts=2, first_wait=0.01))
        assert len(proxy.media()) <= 2 * FILES
        rows = pd.read_parquet(tmp_path / "manifest.parquet").set_index("title")
        assert set(rows["status"]) == {"failed", "waiting"} and len(rows) == FILES
        failed = rows[rows["status"] == "failed"].index
    with proxied(wiki.url) as proxy:
        assert fetched(proxy, titles, tmp_path)["status"].eq("fetched").all()
        assert len(proxy.media()) == FILES
    assert len(failed) >= 10


def test_a_refused_connection_is_a_reason(wiki, titles, tmp_path):
    def elsewhere(seen):  # the API names a host where nobody listens
        return (
            None
            if seen.media
            else Reply(change=lambda body: re.sub(rb"127\.0\.0\.1:\d+", b"127.0.0.1:9", body))
        )

    with proxied(wiki.url, elsewhere) as proxy:
        rows = fetched(proxy, titles[:3], tmp_path, replace(QUICK, attempts=2))
    assert rows["reason"].eq("unreachable").all() and rows["status"].eq("failed").all()


def test_redirects_stay_on_their_host(wiki, titles, tmp_path):
    def rule(seen):
        if seen.media and "?" not in seen.path:
            away = "http://localhost:1/x.png" if seen.number % 2 else f"{seen.path}?again"
            return Reply(302, {"Location": away})
        return None

    with proxied(wiki.url, rule) as proxy:
        rows = fetched(proxy, titles, tmp_path)
    failed = rows[rows["status"] == "failed"]
    assert 0 < len(failed) < FILES
    assert failed["reason"].eq("redirected elsewhere").all()
    assert failed["detail"].eq("http://localhost:1/x.png").all()


def test_the_api_is_waited_for_when_it_lags_or_talks_nonsense(wiki, titles, tmp_path):
    said = [
        Reply(200, {"Retry-After": "1"}, b'{"error": {"code": "maxlag", "info": "Waiting for a database"}}'),
        Reply(200, {}, b"<html>not JSON"),
        Reply(200, {}, b'{"batchcomplete": tr'),
    ]
    with proxied(wiki.url, lambda seen: said.pop(0) if said and not seen.media else None) as proxy:
        began = time.monotonic()
        assert fetched(proxy, titles, tmp_path)["status"].eq("fetched").all()
        assert time.monotonic() - began > 1
        assert b"maxlag=5" in proxy.log[0].body


def test_an_api_that_never_makes_sense_is_one_sentence(wiki, titles, tmp_path):
    with proxied(wiki.url, lambda seen: Reply(200, {}, b"[]")) as proxy:
        with pytest.raises(UserError, match="must answer with JSON, but did not in 4 attempts"):
            fetched(proxy, titles, tmp_path)
        assert len(proxy.log) == 4
    assert pd.read_parquet(tmp_path / "manifest.parquet")["status"].eq("waiting").all()


def test_a_circle_of_continuations_ends(wiki):
    circle = b'{"continue": {"cmcontinue": "same", "continue": "-||"}, "query": {"categorymembers": []}}'
    with proxied(wiki.url, lambda seen: Reply(200, {}, circle)) as proxy, Client(QUICK) as client:
        with pytest.raises(UserError, match="continues in a circle"):
            list(ActionApi(client, proxy.api).members("Cats"))
        assert len(proxy.log) == 2


def test_warnings_of_the_api_are_counted(wiki):
    with Client(QUICK) as client:
        api = ActionApi(client, wiki.api)
        api.ask({"action": "query", "meta": "siteinfo", "titels": "Cats"})
    assert [text for text in api.warnings if "titels" in text] and sum(api.warnings.values()) == 1


def test_bytes_are_spread_over_time(wiki, titles, tmp_path):
    slow = replace(QUICK, megabits=0.08, slowest=100.0)  # 10 kB a second
    with proxied(wiki.url) as proxy:
        fetched(proxy, titles, tmp_path, slow)
        seconds = proxy.log[-1].ended - proxy.log[0].began
        sent = sum(seen.sent for seen in proxy.log[:-2])  # after the last two nothing is asked for
    assert sent > 20_000
    assert sent / (seconds + http.BURST) <= 10_500


def test_more_threads_than_connections_wait_for_their_turn(wiki):
    slow = media(1, Reply(trickle=2000), times=100)
    with proxied(wiki.url, slow) as proxy, Client(QUICK) as client, ThreadPoolExecutor(6) as pool:
        list(pool.map(lambda _: client.fetch(f"{proxy.url}/wikipedia/commons/nothing", 10_000), range(12)))
        assert proxy.at_once() == 2


def test_connections_are_used_again(wiki, titles, tmp_path):
    with proxied(wiki.url) as proxy:
        fetched(proxy, titles, tmp_path)
        assert proxy.connections <= 3 < len(proxy.log)


def test_a_clock_that_jumps_changes_nothing(wiki, titles, tmp_path, monkeypatch):
    now = [1e9]

    def jumping():
        now[0] += 86_400 * (-1) ** int(now[0] % 2)
        return now[0]

    monkeypatch.setattr(time, "time", jumping)
    dated = {"Date": "Mon, 05 Jan 2026 00:00:00 GMT", "Retry-After": "Mon, 05 Jan 2026 00:00:01 GMT"}
    with proxied(wiki.url, media(4, Reply(429, {"Retry-After": "1"}))) as proxy:
        began = time.monotonic()
        rows = fetched(proxy, titles, tmp_path)
    assert rows["status"].eq("fetched").all() and time.monotonic() - began < 30
    assert asked_pause(dated) == 1.0
