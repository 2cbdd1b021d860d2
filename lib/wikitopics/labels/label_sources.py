"""Label sources behind one function, so that notebook 01 is the same for all of them."""

import numpy as np
import pandas as pd

from wikitopics.errors import UserError
from wikitopics.labels import taxonomy as taxonomies
from wikitopics.labels.category_graph import CategoryGraph
from wikitopics.labels.file_labels import file_categories, label_files
from wikitopics.labels.heuristics import label_categories
from wikitopics.labels.labelled import Labelled
from wikitopics.labels.taxonomy import Taxonomy
from wikitopics.labels.topics import label_by_topics
from wikitopics.labels.why import COLUMNS as WHY_COLUMNS
from wikitopics.labels.why import why_files

LABEL_SOURCES = ("commons", "commons-learned", "ores", "categories", "given")


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
        label_files as label_files_learned,
    )  # its model is read only when used

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
    lists = files[column].map(lambda names: sorted(set(names)))
    taxonomy = taxonomies.from_labels(label_source, sorted({name for names in lists for name in names}))
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
