"""Label sources behind one function, and what they read beside the files."""

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from wikitopics.errors import UserError
from wikitopics.judgements import annotations
from wikitopics.labels import taxonomy as taxonomies
from wikitopics.labels.category_graph import CategoryGraph, open_graph
from wikitopics.labels.file_labels import COLUMNS as WHY_COLUMNS
from wikitopics.labels.file_labels import file_categories, label_files, why_files
from wikitopics.labels.heuristics import label_categories
from wikitopics.labels.labelled import Labelled, human_labels, known_labels
from wikitopics.labels.people import agreement, majority
from wikitopics.labels.taxonomy import Taxonomy
from wikitopics.paths import located, sample_folder
from wikitopics.sources import Source
from wikitopics.sources.article_topics import search_dumps, topics_from_dumps
from wikitopics.sources.files import need_columns

LABEL_SOURCES = ("commons", "commons-learned", "ores", "categories", "given")

COLUMNS = ["article", "topic", "score"]


def label_from(
    label_source: str,
    files: pd.DataFrame,
    taxonomy: str = "v1.4",
    heuristics: str = "headJ+depth",
    topic_threshold: float = 0.5,
    graph: CategoryGraph | None = None,
    topics: pd.DataFrame | None = None,
) -> Labelled:
    """Label `files` (title, categories, articles, and `labels` for "given") from the named source.

    commons: a walk up the category `graph` to the taxonomy's anchors. commons-learned: the trained labeller.
    ores: `topics` (article, topic, score) of the articles that use the file. categories: each category is
    a label. given: the column `labels`. Raises UserError for another source or where its input is missing.
    """
    if label_source == "commons":
        return _from_graph(
            files, _needed(graph, label_source, "graph"), taxonomies.load(taxonomy), heuristics
        )
    if label_source == "commons-learned":
        return _learned(files, _needed(graph, label_source, "graph"), taxonomies.load(taxonomy))
    if label_source == "ores":
        return _from_topics(
            files, _needed(topics, label_source, "topics"), taxonomies.load(taxonomy), topic_threshold
        )
    if label_source in ("categories", "given"):
        column = "categories" if label_source == "categories" else "labels"
        return _from_column(files, column, label_source)
    raise UserError(
        f"label_source must be one of {', '.join(LABEL_SOURCES)}, but is {label_source!r}; choose one"
    )


def _needed(value, label_source: str, name: str):
    if value is None:
        raise UserError(f"label_source {label_source!r} needs {name}, but there is none; name its file")
    return value


def _from_graph(files: pd.DataFrame, graph: CategoryGraph, taxonomy: Taxonomy, heuristics: str) -> Labelled:
    found = label_categories(graph, taxonomy, heuristics)
    labels = label_files(found, files)
    return Labelled(taxonomy, labels, why_files(found, files, labels), *_graph_counts(files, graph, labels))


def _learned(files: pd.DataFrame, graph: CategoryGraph, taxonomy: Taxonomy) -> Labelled:
    from wikitopics.labels.learned import (
        label_files as label_files_learned,  # its model is read only when used
    )

    labels = label_files_learned(graph, taxonomy, files)
    walked = _from_graph(files, graph, taxonomy, "headJ+lookahead+depth").why
    given = labels[["title", "labels", "scores"]].explode(["labels", "scores"]).dropna()
    given = given.rename(columns={"labels": "label", "scores": "score"})
    why = given.merge(walked.drop(columns="score"), on=["title", "label"], how="left")
    alone = why["start"].isna()  # no walk gives this label: the words of names did
    why.loc[alone, ["start", "anchor"]] = ""
    for column, value in (("path", []), ("rules", ["learned"])):
        why[column] = [value if lone else old for lone, old in zip(alone, why[column], strict=True)]
    return Labelled(taxonomy, labels, why[WHY_COLUMNS], *_graph_counts(files, graph, labels))


def _graph_counts(files: pd.DataFrame, graph: CategoryGraph, labels: pd.DataFrame) -> tuple[dict, dict]:
    row, category = file_categories(graph, files)
    connected = row[graph.depth[category] >= 0]
    listed = files["categories"].map(len)
    steps = {
        "in the source": len(files),
        "with a category": int((listed > 0).sum()),
        "with a category that the graph has": len(np.unique(row)),
        "with one that reaches the root": len(np.unique(connected)),
        "with a label": int((labels["labels"].map(len) > 0).sum()),
    }
    red = int(listed.sum()) - len(row)
    return steps, {**graph.notes, **({"categories of files that have no page": red} if red else {})}


def _from_topics(files: pd.DataFrame, topics: pd.DataFrame, taxonomy: Taxonomy, threshold: float) -> Labelled:
    labels, why, notes = label_by_topics(files, topics, taxonomy, threshold)
    described = set(topics["article"])
    known = files["articles"].map(lambda names: not described.isdisjoint(names))
    steps = {
        "in the source": len(files),
        "used by an article": int((files["articles"].map(len) > 0).sum()),
        "used by an article with topics": int(known.sum()),
        "with a label": int((labels["labels"].map(len) > 0).sum()),
    }
    return Labelled(taxonomy, labels, why, steps, notes)


def _from_column(files: pd.DataFrame, column: str, label_source: str) -> Labelled:
    if column not in files:
        raise UserError(
            f"label_source {label_source!r} needs files with the column {column!r}, but the source has none; "
            f"choose another label_source or source"
        )
    names = sorted({name for names in files[column] for name in names})
    parents = files.attrs.get("parents") if column == "categories" else None
    taxonomy = taxonomies.from_labels(label_source, names, parents)
    place = {name: number for number, name in enumerate(taxonomy.label_names)}
    lists = files[column].map(lambda names: sorted(set(names), key=place.__getitem__))
    scores = [np.ones(len(names), dtype=np.float32) for names in lists]
    labels = pd.DataFrame(
        {"title": files["title"], "labels": lists, "scores": scores, "evidence": lists.map(len)}
    )
    steps = {"in the source": len(files), "with a label": int((lists.map(len) > 0).sum())}
    return Labelled(taxonomy, labels, _why_column(labels, label_source), steps, {})


def _why_column(labels: pd.DataFrame, label_source: str) -> pd.DataFrame:
    if label_source == "given":
        return pd.DataFrame(columns=WHY_COLUMNS)
    rows = labels[["title", "labels", "scores"]].explode(["labels", "scores"]).dropna().reset_index(drop=True)
    name = rows["labels"]
    return pd.DataFrame(
        {
            "title": rows["title"],
            "label": name,
            "score": rows["scores"].astype(np.float32),
            "start": name,
            "path": [[n] for n in name],
            "rules": [[] for _ in name],
            "anchor": name,
        }
    )


# --- What notebook 01 reads beside the files: a category graph, topics of articles, what people said


def graph_for(label_source: str, path: str, source: Source) -> CategoryGraph | None:
    """The category graph at `path` below the root folder, if the label source walks.

    Without a path: the source's own, else the sample's.
    """
    if not label_source.startswith("commons"):
        return None
    return open_graph(located(path) if path else source.graph() or sample_folder())


def topics_for(label_source: str, path: str, files: pd.DataFrame) -> pd.DataFrame | None:
    """The topics (article, topic, score) of the articles of `files`, if the label source uses them.

    `path`, below the root folder: a table, or dumps of search indices; empty: the sample's table.
    """
    if label_source != "ores":
        return None
    place = located(path) if path else sample_folder() / "articles.csv"
    if search_dumps(place):
        return topics_from_dumps(place, files["articles"].explode().dropna())
    return read_table(place, "topics")


def people_for(source: Any, path: str, taxonomy: Taxonomy) -> tuple[pd.DataFrame | None, float | None]:
    """What people said (title, labels) in this run's labels, and how far they agree with each other.

    With annotations at `path` (a folder of journals, judgements/01_labels/RUN, or a table with title,
    annotator and labels: lists, or texts joined by |): their
    majority, and the micro F1 of one annotator against another. Else the source's human view and None.
    """
    if not path:
        return human_labels(source.human(taxonomy.name), taxonomy), None
    place = located(path)
    table = annotations(place) if place.is_dir() else read_table(place, "annotations")
    if "labels" in table:
        said = table["labels"].map(lambda cell: cell.split("|") if isinstance(cell, str) else list(cell))
        table["labels"] = known_labels(said, taxonomy)
    return majority(table, taxonomy), float(agreement(table, taxonomy)["f1"][0])


def read_table(path: Path, parameter: str) -> pd.DataFrame:
    """A table from a CSV or Parquet file; UserError, naming the parameter, where there is none."""
    if not path.is_file() or path.suffix not in (".csv", ".parquet"):
        raise UserError(f"{parameter} must be a .csv or .parquet file, but {path} is none; correct the path")
    if path.suffix == ".parquet":
        return pd.read_parquet(path)
    return pd.read_csv(path, keep_default_na=False)


# --- Topics of the articles that use a file: the union over its articles, the highest score of each topic


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
