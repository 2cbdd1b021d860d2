"""Topics of articles from a wiki: what its search index holds, or what Wikimedia's model says."""

import json
from collections.abc import Iterable
from pathlib import Path

import pandas as pd

from wikitopics.artefacts import write_table
from wikitopics.errors import UserError
from wikitopics.progress import report
from wikitopics.sources.article_topics import tagged_topics, topic_name
from wikitopics.sources.commons_api import TOPICS
from wikitopics.sources.online.action_api import BATCH, ActionApi
from wikitopics.sources.online.answers import Needed, fitting, parsed
from wikitopics.sources.online.http import Client, Failed
from wikitopics.sources.online.journal import Journal

LIFTWING = "https://api.wikimedia.org/service/lw/inference/v1/models/outlink-topic-model:predict"
COLUMNS = {"article": "", "topics": "[]"}  # topics: JSON of [name, score] pairs, in the model's order
MAX_BYTES = 1 << 20
PREDICTED = {
    "prediction": Needed({"results": Needed([{"topic": Needed(str), "score": Needed(float)}])}),
}


def topics_from_index(articles: Iterable[str], api: ActionApi, folder: Path) -> tuple[pd.DataFrame, dict]:
    """Ask the search index (prop=cirrusdoc), 50 articles a question; as `topics_from_model`."""
    journal, asked = _kept(folder, articles)
    try:
        for start in range(0, len(asked), BATCH):
            batch = asked[start : start + BATCH]
            found: dict[str, dict[str, float]] = {}
            for said in api.pages(batch, prop="cirrusdoc", cdincludes="weighted_tags"):
                found = {title: tagged_topics(_weighted_tags(page))[0] for title, page in said.found()}
            for article in batch:
                journal.put(article=article, topics=json.dumps(list(found.get(article, {}).items())))
            report("articles asked for", start + len(batch), len(asked))
    finally:
        journal.close(asked)
    return _table(journal, articles, folder)


def topics_from_model(
    articles: Iterable[str], client: Client, folder: Path, language: str, address: str = LIFTWING
) -> tuple[pd.DataFrame, dict]:
    """Ask LiftWing's outlink topic model, one article a question (threshold 0, so that all scores are kept).

    Writes topics.parquet (article, topic in the names of ores-64, score in [0, 1]) into `folder`; that table
    and counts of what has none. Articles answered before are not asked for again.
    """
    journal, asked = _kept(folder, articles)
    try:
        for number, article in enumerate(asked):
            journal.put(article=article, topics=json.dumps(_predicted(client, article, language, address)))
            report("articles asked for", number + 1, len(asked))
    finally:
        journal.close(asked)
    return _table(journal, articles, folder)


def _kept(folder: Path, articles: Iterable[str]) -> tuple[Journal, list[str]]:
    journal = Journal(folder / "articles.parquet", COLUMNS)
    return journal, [article for article in dict.fromkeys(articles) if article not in journal.rows]


def _weighted_tags(page: dict) -> list[str]:
    documents = page.get("cirrusdoc") or [{}]
    return documents[0].get("source", {}).get("weighted_tags", [])


def _predicted(client: Client, article: str, language: str, address: str) -> list[tuple[str, float]]:
    """What the model says about one article; nothing for one that it does not know."""
    question = {"page_title": article, "lang": language, "threshold": 0.0}  # a JSON float, or it is refused
    try:
        answer = client.fetch(address, MAX_BYTES, json=question)
    except Failed as failure:
        raise _silent(address, article, f"{failure.reason}: {failure.detail}") from None
    client.pace.sleep(client.manners.api_pause)
    try:
        said = fitting(parsed(answer.body), PREDICTED)
    except ValueError:
        said = None
    if said is not None:
        return [(row["topic"], row["score"]) for row in said["prediction"]["results"]]
    if answer.status in (400, 404, 422) and b"Model with name" not in answer.body:
        return []  # no such article
    raise _silent(address, article, f"status {answer.status}, {answer.body[:100]!r}")


def _silent(address: str, article: str, trouble: str) -> UserError:
    return UserError(
        f"the topic model at {address} must answer, but does not for {article!r} ({trouble}); "
        "check the address, or try again later: what was answered is kept"
    )


def _table(journal: Journal, articles: Iterable[str], folder: Path) -> tuple[pd.DataFrame, dict]:
    wanted = [article for article in dict.fromkeys(articles) if article in journal.rows]
    answers = [(article, json.loads(journal.rows[article]["topics"])) for article in wanted]
    rows = [(a, topic_name(topic), score) for a, topics in answers for topic, score in topics]
    known = [(a, topic, min(1.0, max(0.0, score))) for a, topic, score in rows if topic]
    table = pd.DataFrame(known, columns=["article", "topic", "score"])
    write_table(folder / TOPICS, table)
    counts = {
        "articles without a topic": len(wanted) - table["article"].nunique(),
        "topics of unknown name left out": len(rows) - len(known),
    }
    return table, {what: count for what, count in counts.items() if count}
