"""Scored pictures as arrays: what the tables and figures of 06_score are made from."""

import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow.parquet as pq

from wikitopics.artefacts import finished_run
from wikitopics.images.reasons import REASONS
from wikitopics.labels.lineage import label_matrix
from wikitopics.scoring.settings import Settings, from_json
from wikitopics.scoring.shards import score_files
from wikitopics.scoring.topics import topics
from wikitopics.topics_found.chosen import Chosen

GROUPS = {"folder": "folder", "category": "categories", "wiki": "articles", "group": "group"}


@dataclass(frozen=True)
class Found:
    """Pictures that could be scored, n of them, and rejected: path, title, reason, detail of the others.

    frame: Chosen's columns, labels, sureness, abstained; probabilities (n, L); above (n, L) bool: the labels
    that scoring.topics.topics gives, also to pictures whose `labels` are empty because it abstained."""

    settings: Settings
    frame: pd.DataFrame
    probabilities: np.ndarray
    above: np.ndarray
    rejected: pd.DataFrame

    @property
    def label_names(self) -> list[str]:
        """The model's labels, in the order of every column."""
        return self.settings.label_names

    @property
    def duplicates(self) -> np.ndarray:
        """(n,) a code that copies of one picture share."""
        return self.frame["duplicates"].to_numpy()


def score_chosen(chosen: Chosen, model: str, evaluation: str, out: Path, abstain: float, jobs: int) -> Found:
    """Score the chosen files with the run `model` at the thresholds of `evaluation` into `out` (.parquet).

    abstain, jobs: see scoring.shards.score_files.
    """
    run, judged = finished_run("03_train", model), finished_run("04_evaluate", evaluation)
    paths = list(chosen.frame["path"])
    score_files(run, paths, out, evaluation=judged, source=chosen.source, abstain=abstain, jobs=jobs)
    return read_found(chosen, out)


def read_found(chosen: Chosen, results: Path) -> Found:
    """The rows of scoring.results beside what is known of their files; both are in the order of `chosen`."""
    table = pq.read_table(results)
    settings = from_json(json.loads(table.schema.metadata[b"wikitopics"]), results.name)
    told = table.select(["labels", "sureness", "abstained", "reason", "detail"]).to_pandas()
    good = (told["reason"] == "").to_numpy()
    shape = (int(good.sum()), len(settings.label_names))
    probabilities, scores = (
        table[name].combine_chunks().flatten().to_numpy().reshape(shape)
        for name in ("probabilities", "scores")
    )
    scored = told.loc[good, ["labels", "sureness", "abstained"]].reset_index(drop=True)
    bad = told.loc[~good, ["reason", "detail"]].reset_index(drop=True)
    return Found(
        settings,
        pd.concat([chosen.rows(good), scored], axis=1),
        probabilities,
        label_matrix(topics(scores, settings), settings.label_names).astype(bool),
        pd.concat([chosen.rows(~good)[["path", "title"]], bad], axis=1),
    )


def funnel(chosen: Chosen, found: Found) -> list[dict]:
    """From the files there are to the pictures that got a topic: {"step", "files"} each."""
    labels = found.frame["labels"].map(len)
    steps = {"read and scored": len(labels), "sure enough": int((~found.frame["abstained"]).sum())}
    steps["given a topic"] = int((labels > 0).sum())
    return chosen.funnel + [{"step": step, "files": files} for step, files in steps.items()]


def reasons(found: Found) -> pd.DataFrame:
    """Why files could not be used, the most frequent first: reason, meaning, files, for_instance."""
    told = found.rejected.groupby("reason")["title"].agg(files="size", for_instance="first").reset_index()
    told.insert(1, "meaning", told["reason"].map(lambda reason: REASONS.get(reason, "")))
    return told.sort_values("files", ascending=False, ignore_index=True, kind="stable")


def groups_of(frame: pd.DataFrame, group_by: str) -> pd.Series:
    """The names of the groups that each picture is in, by `group_by` (one of GROUPS): a list a picture.

    "wiki": the wikis of its articles ("en:Cat" is in "en"); an article that names none counts for no wiki.
    """
    column = frame[GROUPS[group_by]]
    if group_by == "folder":
        return column.map(lambda name: [name] if name else [])
    if group_by == "wiki":
        return column.map(lambda names: list(dict.fromkeys(n.partition(":")[0] for n in names if ":" in n)))
    return column.map(list)
