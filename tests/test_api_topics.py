"""Topics of articles over the network: LiftWing's contract and the search index's, by servers of our own."""

import json
import threading
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler
from urllib.parse import parse_qs

import pandas as pd
import pytest

from faulty_proxy import QuietServer
from wikitopics.errors import UserError
from wikitopics.labels.label_sources import check_topics
from wikitopics.labels.taxonomy import load
from wikitopics.sources.online.action_api import ActionApi
from wikitopics.sources.online.article_topics import topics_from_index, topics_from_model
from wikitopics.sources.online.http import Client, Manners

QUICK = Manners("tests@example.org", api_pause=0, slow_pause=0, first_wait=0.01, attempts=3, timeout=5)
SCORES = {
    "Moon": [("STEM.Space", 1.00001), ("STEM.STEM*", 0.8), ("STEM.Libraries_&_Information", 0.1)],
    "Château": [("Culture.Visual_arts.Architecture", 0.95)],
    "Stub": [],
}


@contextmanager
def serving(answer):
    """`answer(body)` -> (status, JSON) behind a real server; gives its address and the bodies it was sent."""
    bodies = []

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def log_message(self, *_):
            pass

        def do_POST(self):
            bodies.append(self.rfile.read(int(self.headers["Content-Length"])))
            status, said = answer(bodies[-1])
            data = json.dumps(said).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

    server = QuietServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/w/api.php", bodies
    finally:
        server.shutdown()
        server.server_close()


def liftwing(body: bytes):
    """The contract of outlink-topic-model: one article, a float threshold, scores from it upwards."""
    asked = json.loads(body)
    if not isinstance(asked.get("threshold", 0.5), float):
        return 400, {"error": 'Expected "threshold" to be a float'}
    if ("page_title" in asked) == ("page_id" in asked) or "lang" not in asked:
        return 400, {"error": "Pass exactly one of `page_title` or `page_id`, and `lang`."}
    if asked["page_title"] not in SCORES:
        return 404, {"detail": "no such page"}
    rows = [(topic, score) for topic, score in SCORES[asked["page_title"]] if score >= asked["threshold"]]
    article = f"https://{asked['lang']}.wikipedia.org/wiki/{asked['page_title']}"
    return 200, {"prediction": {"article": article, "results": [{"topic": t, "score": s} for t, s in rows]}}


def index(body: bytes):
    """prop=cirrusdoc for at most 50 titles."""
    titles = parse_qs(body.decode())["titles"][0].split("|")
    assert len(titles) <= 50
    pages = [{"title": title, "ns": 0, "cirrusdoc": [{"source": _tags(title)}]} for title in titles]
    return 200, {"batchcomplete": True, "query": {"pages": pages}}


def _tags(title):
    if title not in SCORES:
        return {}
    kinds = ("prediction", "ores")  # today's prefix and the one before
    scores = enumerate(SCORES[title])
    tags = [
        f"classification.{kinds[i % 2]}.articletopic/{t}|{min(1000, round(1000 * s))}" for i, (t, s) in scores
    ]
    return {"weighted_tags": ["recommendation.link/exists|1", *tags]}


def test_the_model_is_asked_article_by_article_and_every_score_is_kept(tmp_path):
    with serving(liftwing) as (address, bodies), Client(QUICK) as client:
        articles = ["Moon", "Château", "Stub", "Nowhere", "Moon"]
        table, counts = topics_from_model(articles, client, tmp_path, "en", address)
        assert len(bodies) == 4
        topics_from_model(articles, client, tmp_path, "en", address)
        assert len(bodies) == 4, "answered articles were asked for again"
    moon = ["STEM.Space", "STEM.STEM*", "STEM.Libraries & Information"]
    assert table["topic"].tolist() == [*moon, "Culture.Visual arts.Architecture"]
    assert table["score"].tolist() == [1.0, 0.8, 0.1, 0.95]
    assert counts == {"articles without a topic": 2}
    written = pd.read_parquet(tmp_path / "topics.parquet")
    pd.testing.assert_frame_equal(written, table)
    check_topics(written, load("ores-64"))  # what 01_labels does with it


def test_a_model_that_is_not_there_is_one_sentence_and_loses_nothing(tmp_path):
    said = []

    def failing(body):
        said.append(1)
        return liftwing(body) if len(said) < 3 else (404, {"error": "Model with name X does not exist."})

    told = pytest.raises(UserError, match="topic model .* must answer, but does not for 'Stub'")
    with serving(failing) as (address, _), Client(QUICK) as client, told:
        topics_from_model(["Moon", "Château", "Stub"], client, tmp_path, "en", address)
    with serving(liftwing) as (address, bodies), Client(QUICK) as client:
        table, _ = topics_from_model(["Moon", "Château", "Stub"], client, tmp_path, "en", address)
        assert len(bodies) == 1 and set(table["article"]) == {"Moon", "Château"}


def test_the_index_is_asked_in_batches_of_50(tmp_path):
    articles = [f"Article {i}" for i in range(120)] + ["Moon", "Château"]
    with serving(index) as (address, bodies), Client(QUICK) as client:
        table, counts = topics_from_index(articles, ActionApi(client, address), tmp_path)
        assert len(bodies) == 3
        topics_from_index(articles, ActionApi(client, address), tmp_path)
        assert len(bodies) == 3
    assert counts == {"articles without a topic": 120}
    assert table["score"].tolist() == [1.0, 0.8, 0.1, 0.95]
    assert table["topic"].iloc[3] == "Culture.Visual arts.Architecture"
