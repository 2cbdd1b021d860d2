"""Label sources behind one function, and what they read beside the files."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from wikitopics.errors import UserError
from wikitopics.judgements import added_anchors, annotations, check_there, struck_hops
from wikitopics.labels import combined, depicts
from wikitopics.labels import taxonomy as taxonomies
from wikitopics.labels.category_graph import CategoryGraph, open_graph, without
from wikitopics.labels.deep.forms import LEARNED, learned_labels
from wikitopics.labels.file_labels import COLUMNS as WHY_COLUMNS
from wikitopics.labels.file_labels import file_categories, label_files, why_files
from wikitopics.labels.heuristics import label_categories
from wikitopics.labels.labelled import Labelled, human_labels
from wikitopics.labels.people import agreement, majority
from wikitopics.labels.taxonomy import Taxonomy
from wikitopics.paths import judgements_folder, located, sample_folder
from wikitopics.sources import Source, describe
from wikitopics.sources.article_topics import search_dumps, topic_name, topics_from_dumps
from wikitopics.sources.files import article_key, need_columns
from wikitopics.sources.table_cells import add_one_hot, as_list, as_text, number_of
from wikitopics.sources.tables import read_table
from wikitopics.titles import mediawiki_title

LABEL_SOURCES = ("commons", *LEARNED, "depicts", "ores", "categories", "given", "combined")
WALKS = LABEL_SOURCES[:4]  # up a category graph
BY_RULES = ("commons", "depicts")  # each label by a hop after the other, and by nothing else

COLUMNS = ["article", "topic", "score"]


def label_from(
    label_source: str,
    files: pd.DataFrame,
    taxonomy: str | Taxonomy = "v1.4",
    heuristics: str = "headJ+depth",
    topic_threshold: float = 0.5,
    graph: CategoryGraph | None = None,
    topics: pd.DataFrame | None = None,
    items: pd.DataFrame | None = None,
    combination: combined.Combination | None = None,
) -> Labelled:
    """Label `files` (title, categories, articles, `labels` for "given", `items`) from the named source.

    commons: a walk up the category `graph` to the taxonomy's anchors. commons-learned: the trained labeller;
    commons-learned-deep: its slower form, which reads whole names.
    depicts: the same walk, from the categories that the files' `items` have (item, category, name, article);
    in a taxonomy without anchors the `topics` of the articles that they have.
    ores: `topics` (article, topic, score) of the articles that use the file. categories: each category is
    a label. given: the column `labels`. combined: what other runs say together (see `combination_for`).
    taxonomy: its name, or as `taxonomy_for` gives it. Raises UserError
    for another source or where its input is missing.
    """
    if label_source == "commons":
        return _from_graph(
            files, _needed(graph, label_source, "graph"), taxonomies.load(taxonomy), heuristics
        )
    if label_source in LEARNED:
        return _learned(label_source, files, _needed(graph, label_source, "graph"), taxonomies.load(taxonomy))
    if by_articles(label_source, taxonomies.load(taxonomy)):
        files, items = _with_items(files), _needed(items, label_source, "items")
        topics = _needed(topics, label_source, "topics")  # asked for last: without items they would not help
        return _from_articles(files, items, topics, taxonomies.load(taxonomy), topic_threshold)
    if label_source == "depicts":
        led = walked(label_source, files, graph, items)
        return _from_items(
            led,
            _needed(items, label_source, "items"),
            _needed(graph, label_source, "graph"),
            taxonomies.load(taxonomy),
            heuristics,
        )
    if label_source == "ores":
        return _from_topics(
            files, _needed(topics, label_source, "topics"), taxonomies.load(taxonomy), topic_threshold
        )
    if label_source in ("categories", "given"):
        column = "categories" if label_source == "categories" else "labels"
        return _from_column(files, column, label_source)
    if label_source == "combined":
        joined = _needed(combination, label_source, "runs to combine")
        return combined.labelled(files, taxonomies.load(taxonomy), joined)
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


def walked(
    label_source: str, files: pd.DataFrame, graph: CategoryGraph | None, items: pd.DataFrame | None
) -> pd.DataFrame:
    """The files as a walk sees them: for "depicts" their items' categories are theirs, else as they are."""
    if label_source != "depicts":
        return files
    files = _with_items(files)
    known, above = _needed(items, label_source, "items"), _needed(graph, label_source, "graph")
    return depicts.walked(files, known, above)


def by_articles(label_source: str, taxonomy: Taxonomy) -> bool:
    """Whether labels are the topics of what the files' items have an article about: there is no anchor to
    walk to."""
    return label_source == "depicts" and not any(taxonomy.anchors.values())


def _with_items(files: pd.DataFrame) -> pd.DataFrame:
    """The files; UserError where they have no items."""
    if "items" not in files:
        raise UserError(
            "label_source 'depicts' needs files with the column 'items', but the source has none"
            f"{_told(files)}; add it to the table, lay the dump of structured data into the folder of the "
            "others, or choose another label_source"
        )
    return files


def _from_items(
    files: pd.DataFrame, items: pd.DataFrame, graph: CategoryGraph, taxonomy: Taxonomy, heuristics: str
) -> Labelled:
    """files: as `walked` gives them."""
    found = _from_graph(files, graph, taxonomy, heuristics)
    steps, notes = depicts.counted(files, items)
    later = {step: count for step, count in found.steps.items() if step != "with a category"}
    return replace(
        found,
        why=depicts.why_items(found.why, files),
        steps=steps | later,
        notes=notes | found.notes,
    )


def _from_articles(
    files: pd.DataFrame, items: pd.DataFrame, topics: pd.DataFrame, taxonomy: Taxonomy, threshold: float
) -> Labelled:
    led = depicts.shown_in(files, items)
    found = _from_topics(led, topics, taxonomy, threshold)
    steps, notes = depicts.counted(led, items, by="articles")
    later = {
        "with an article that has topics": found.steps["used by an article with topics"],
        "with a label": found.steps["with a label"],
    }
    why = depicts.why_items(found.why, led, by="articles")
    return replace(found, why=why, steps=steps | later, notes=notes | found.notes)


def _learned(label_source: str, files: pd.DataFrame, graph: CategoryGraph, taxonomy: Taxonomy) -> Labelled:
    labels = learned_labels(label_source, graph, taxonomy, files)
    walked = _from_graph(files, graph, taxonomy, "headJ+lookahead+depth").why
    given = labels[["title", "labels", "scores"]].explode(["labels", "scores"]).dropna()
    given = given.rename(columns={"labels": "label", "scores": "score"})
    ways = walked.drop(columns="score").astype(object)  # of no way they are numbers
    why = given.merge(ways, on=["title", "label"], how="left")
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
    described = set(topics["article"].map(article_key))
    known = files["articles"].map(lambda names: not described.isdisjoint(map(article_key, names)))
    steps = {
        "in the source": len(files),
        "used by an article": int((files["articles"].map(len) > 0).sum()),
        "used by an article with topics": int(known.sum()),
        "with a label": int((labels["labels"].map(len) > 0).sum()),
    }
    return Labelled(taxonomy, labels, why, steps, notes)


def _told(files: pd.DataFrame) -> str:
    """What the source told of its files, as an aside."""
    notes = files.attrs.get("notes") or {}
    return f" ({'; '.join(f'{what}: {count:,}' for what, count in notes.items())})" if notes else ""


def _from_column(files: pd.DataFrame, column: str, label_source: str) -> Labelled:
    if column not in files:
        raise UserError(
            f"label_source {label_source!r} needs files with the column {column!r}, but the source has none"
            f"{_told(files)}; rename the column that holds them, or choose another label_source or source"
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


def graph_for(
    label_source: str, path: str, source: Source, corrections: str = "", taxonomy: Taxonomy | None = None
) -> CategoryGraph | None:
    """The category graph at `path` below the root folder, if the label source walks (to `taxonomy`).

    Without a path: the source's own, else the sample's. It lacks the hops that people struck out in the
    folder `corrections` (judgements/STAGE/RUN); a table of verdicts strikes none. The notes count these
    hops, and the anchors that `taxonomy_for` adds.
    """
    if label_source not in WALKS or (taxonomy and by_articles(label_source, taxonomy)):
        return None
    graph = open_graph(located(path) if path else source.graph() or sample_folder())
    folder = _journals(corrections)
    if folder is None:
        return graph
    added = {"anchors added by people": len(added_anchors(folder))}
    graph = without(graph, struck_hops(folder))
    return replace(graph, notes=graph.notes | {what: count for what, count in added.items() if count})


def taxonomy_for(label_source: str, name: str, corrections: str = "") -> Taxonomy:
    """The taxonomy of that name; for a walk with the anchors that people added in the folder `corrections`.

    Raises UserError for an unknown taxonomy, and for an anchor of a label that it does not have.
    """
    tree, folder = taxonomies.load(name), _journals(corrections)
    return tree.with_anchors(added_anchors(folder)) if folder and label_source in WALKS else tree


def corrections_folder(corrections: str, run: str) -> Path:
    """Where a person's corrections of a walk are kept: the folder that the run reads, else the run's own."""
    return _journals(corrections) or judgements_folder("01_labels", run)


def _journals(corrections: str) -> Path | None:
    """The folder of journals that `corrections` name; None for a table, and where they name nothing."""
    folder = located(corrections) if corrections else None
    return folder if folder and folder.is_dir() else None


def items_for(label_source: str, path: str, source: Source, files: pd.DataFrame) -> pd.DataFrame | None:
    """The items (item, category, name, article) that `files` depict, if the label source walks from them.

    `path`, below the root folder: a table, or Wikidata's wb_items_per_site; empty: the source's own.
    """
    if label_source != "depicts" or "items" not in files:
        return None
    place = located(path) if path else source.items()
    if place is None:
        raise UserError(
            "label_source 'depicts' needs items, but the source knows none; name a table of item and "
            "category, or the file of Wikidata's wb_items_per_site"
        )
    return depicts.read_items(place, files["items"].explode().dropna())


def combination_for(
    label_source: str,
    combines: list[str],
    combination: str,
    source: Source,
    files: pd.DataFrame,
    taxonomy: Taxonomy,
    annotations: str = "",
    seed: int = 0,
) -> combined.Combination | None:
    """What the runs `combines` of 01_labels say of `files` together, if that is the label source.

    combination: "agree" or "weighed", by what people say (see `people_for`).
    """
    if label_source != "combined":
        return None
    people, _ = people_for(source, annotations, taxonomy)
    return combined.combine(combines, combination, files, taxonomy, people, seed, describe(source))


def topics_for(
    label_source: str,
    path: str,
    files: pd.DataFrame,
    items: pd.DataFrame | None = None,
    taxonomy: Taxonomy | None = None,
) -> pd.DataFrame | None:
    """The topics (article, topic, score) of the articles of `files`, or of their `items` where the labels are
    theirs (see `by_articles`); None where no topic is asked.

    `path`, below the root folder: a table, or dumps of search indices; empty: the sample's table.
    """
    from_items = taxonomy is not None and by_articles(label_source, taxonomy) and items is not None
    if label_source != "ores" and not from_items:
        return None
    place = located(path) if path else sample_folder() / "articles.csv"
    if search_dumps(place):
        articles = items["article"] if items is not None and from_items else files["articles"].explode()
        return topics_from_dumps(place, articles.dropna())
    table = read_table(place, "topics", ["article", "topic", "score"])
    texts = {name: [as_text(name, cell) for cell in table[name]] for name in ("article", "topic")}
    return pd.DataFrame(
        {**texts, "score": [number_of(cell) for cell in table["score"]]}, dtype=object
    ).astype({"score": float})


def people_for(source: Any, path: str, taxonomy: Taxonomy) -> tuple[pd.DataFrame | None, float | None]:
    """What people said (title, labels) in this run's labels, and how far they agree with each other.

    With annotations at `path` (see `annotations_of`): their majority, and the micro F1 of one annotator
    against another, None where no file has two. Else the source's human view and None.
    """
    if not path:
        return human_labels(source.human(taxonomy.name), taxonomy), None
    table = annotations_of(located(path), taxonomy)
    compared = table["title"].duplicated().any()  # one person alone cannot disagree
    ceiling = float(agreement(table, taxonomy)["f1"][0]) if compared else np.nan
    return majority(table, taxonomy), None if np.isnan(ceiling) else ceiling


def annotations_of(path: Path, taxonomy: Taxonomy) -> pd.DataFrame:
    """title, annotator, labels (in this run's labels, closed upward) of what people said.

    path: a folder of journals, judgements/01_labels/RUN, or a table. Titles may be written in any way; labels
    are lists, as `table_cells.as_list` reads them, columns of 0 and 1, or one row each. In journals, and in a
    table with a column `time`, a later row of the same person and file replaces the earlier one, else the two
    are joined. Raises UserError for a label that no row of the taxonomy has.
    """
    check_there(path, "annotations", "01_labels")
    if path.is_dir():
        table = annotations(path)
    else:
        table = read_table(path, "annotations", ["title", "annotator"], ["labels", "time"])
    columns = {name: table[name].tolist() for name in table}
    if "labels" not in columns:
        add_one_hot(columns, ("title", "annotator", "time"))
    if "labels" not in columns:
        raise UserError(
            f"annotations must have title, annotator, labels, but {path.name} has no labels; add the column"
        )
    titles = [mediawiki_title(as_text("title", title)) for title in columns["title"]]
    if "" in titles:
        raise UserError(
            f"every row of {path.name} must have a title, but {titles.count('')} have none; fill them in"
        )
    people = [as_text("annotator", person) for person in columns["annotator"]]
    said: dict[tuple[str, str], list[str]] = {}
    for key, cell in zip(zip(titles, people, strict=True), columns["labels"], strict=True):
        before = [] if "time" in columns else said.get(key, [])
        said[key] = list(dict.fromkeys([*before, *as_list(cell)]))
    _check_known(said.values(), taxonomy, path.name)
    rows = pd.DataFrame(
        {
            "title": [title for title, _ in said],
            "annotator": [person for _, person in said],
            "labels": list(said.values()),
        }
    )
    told = human_labels(rows, taxonomy)
    return rows if told is None else rows.assign(labels=told["labels"])


def _check_known(lists: Iterable[list[str]], taxonomy: Taxonomy, name: str) -> None:
    """UserError where people name a label that this run could not have: it would count as none of them."""
    known = {*taxonomy.parents, *taxonomy.left_out}
    unknown = Counter(label for labels in lists for label in labels if label not in known)
    if unknown:
        first = ", ".join(f"{label!r} ({count} times)" for label, count in unknown.most_common(3))
        raise UserError(
            f"a label of {name} must be in the taxonomy {taxonomy.name}, but {first} is not; "
            f"it has {', '.join(taxonomy.label_names)[:300]}"
        )


def _topic(name: str, taxonomy: Taxonomy) -> str:
    return name if name in taxonomy.parents else topic_name(name) or name.replace("_", " ")


def check_topics(topics: pd.DataFrame, taxonomy: Taxonomy) -> pd.DataFrame:
    """The table of article topics (article, topic, score) with names as in the taxonomy and scores in [0, 1].

    Articles are named as `files.article_key` does, topics in any way that Wikimedia's services do; a score
    slightly above 1 is 1.
    Raises UserError for a missing column, a topic that the taxonomy does not have, or a score outside.
    """
    need_columns("article topics", topics.columns, COLUMNS)
    topics = topics[COLUMNS].assign(
        article=topics["article"].map(article_key),
        topic=topics["topic"].map({name: _topic(name, taxonomy) for name in topics["topic"].unique()}),
    )
    unknown = sorted(set(topics["topic"]) - set(taxonomy.label_names))
    if unknown:
        raise UserError(
            f"a topic must be in the taxonomy {taxonomy.name}, but {unknown[0]!r} is not, one of "
            f"{len(unknown):,} such names; correct them or choose another taxonomy"
        )
    topics = topics[topics["score"].notna()]
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
    pairs = pairs.assign(articles=pairs["articles"].map(article_key))
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
