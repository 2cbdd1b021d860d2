"""Topics of the articles that use a file: the union over its articles, the highest score of each topic."""

import numpy as np
import pandas as pd

from wikitopics.errors import UserError
from wikitopics.labels.taxonomy import Taxonomy
from wikitopics.sources.files import need_columns

COLUMNS = ["article", "topic", "score"]


def check_topics(topics: pd.DataFrame, taxonomy: Taxonomy) -> pd.DataFrame:
    """The table of article topics (article, topic, score) with names as in the taxonomy and scores in [0, 1].

    Underscores are written as spaces, as topic models write them either way; a score slightly above 1 is 1.
    Raises UserError for a missing column, a topic that the taxonomy does not have, or a score outside.
    """
    need_columns("article topics", topics.columns, COLUMNS)
    topics = topics[COLUMNS].assign(topic=topics["topic"].str.replace("_", " "))
    unknown = sorted(set(topics["topic"]) - set(taxonomy.label_names))
    if unknown:
        raise UserError(
            f"a topic must be in the taxonomy {taxonomy.name}, but {unknown[0]!r} (and {len(unknown) - 1} "
            f"others) are not; correct the names or choose another taxonomy"
        )
    if not topics["score"].between(0, 1.001).all():
        wrong = topics["score"][~topics["score"].between(0, 1.001)].iloc[0]
        raise UserError(
            f"a topic's score must be from 0 to 1, but one is {wrong}; divide scores in per mille by 1000"
        )
    return topics.assign(score=topics["score"].clip(upper=1.0).astype(np.float32))


def label_by_topics(
    files: pd.DataFrame, topics: pd.DataFrame, taxonomy: Taxonomy, threshold: float
) -> tuple[pd.DataFrame, pd.DataFrame, dict[str, int]]:
    """Labels, why, and notes of `files` (title, articles), from `topics` (article, topic, score).

    A file has every topic that one of its articles has with score >= threshold, and what lies above it; the
    label's score is the highest of all its articles (and of what lies below). `evidence`: how many of its
    articles have topics above the threshold. Notes count what could not be used.
    """
    pairs = files[["title", "articles"]].explode("articles").dropna()
    pairs = pairs.rename(columns={"articles": "article"}).drop_duplicates()
    known = check_topics(topics, taxonomy)
    strong = known[known["score"] >= threshold]
    found = pairs.merge(_closed(strong, taxonomy), on="article")
    found = found.sort_values("score", ascending=False, kind="stable").drop_duplicates(["title", "label"])
    why = _in_order(found, files, taxonomy)
    evidence = pairs[pairs["article"].isin(strong["article"])].groupby("title").size()
    labels = _lists(why, files).assign(evidence=files["title"].map(evidence).fillna(0).to_numpy(np.int32))
    return labels, why, _notes(files, pairs, known, labels)


def _closed(topics: pd.DataFrame, taxonomy: Taxonomy) -> pd.DataFrame:
    """Each topic of an article, also for every label above it: article, topic, score, label."""
    above = [(t, label) for t in taxonomy.label_names for label in (t, *taxonomy.ancestors(t))]
    return topics.merge(pd.DataFrame(above, columns=["topic", "label"]), on="topic")


def _in_order(found: pd.DataFrame, files: pd.DataFrame, taxonomy: Taxonomy) -> pd.DataFrame:
    """Provenance as why.py writes it: from the article to the topic that gave the label."""
    row = found["title"].map(dict(zip(files["title"], range(len(files)), strict=True)))
    number = found["label"].map(
        dict(zip(taxonomy.label_names, range(len(taxonomy.label_names)), strict=True))
    )
    found = found.iloc[np.lexsort((number, row))].reset_index(drop=True)
    path = [list(pair) for pair in zip(found["article"], found["topic"], strict=True)]
    why = found.assign(
        start=found["article"], path=path, rules=[["topic"]] * len(found), anchor=found["topic"]
    )
    return why[["title", "label", "score", "start", "path", "rules", "anchor"]]


def _lists(why: pd.DataFrame, files: pd.DataFrame) -> pd.DataFrame:
    grouped = why.groupby("title")
    labels, scores = grouped["label"].agg(list), grouped["score"].agg(list)
    return pd.DataFrame(
        {
            "title": files["title"].to_numpy(),
            "labels": [labels.get(title, []) for title in files["title"]],
            "scores": [np.array(scores.get(title, []), dtype=np.float32) for title in files["title"]],
        }
    )


def _notes(
    files: pd.DataFrame, pairs: pd.DataFrame, known: pd.DataFrame, labels: pd.DataFrame
) -> dict[str, int]:
    counts = {
        "files without an article": int((~files["title"].isin(pairs["title"])).sum()),
        "articles without topics": int((~pairs["article"].drop_duplicates().isin(known["article"])).sum()),
        "files whose articles have no topic above the threshold": int(
            (files["title"].isin(pairs["title"]).to_numpy() & (labels["evidence"] == 0)).sum()
        ),
    }
    return {what: count for what, count in counts.items() if count}
