"""Scored pictures as arrays: what the tables and figures of 06_score are made from."""

import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow.parquet as pq

from wikitopics.artefacts import finished_run
from wikitopics.evaluate.human import label_matrix
from wikitopics.scoring.settings import Settings, from_json
from wikitopics.scoring.shards import score_files
from wikitopics.topics_found.chosen import Chosen

GROUPS = {"folder": "folder", "category": "categories", "wiki": "articles", "group": "group"}


@dataclass(frozen=True)
class Found:
    """Pictures that could be scored: frame (n rows: Chosen's columns, labels, sureness), probabilities
    (n, L), above (n, L) bool, which labels they got; rejected: path, title, reason, detail of others."""

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


def score_chosen(chosen: Chosen, model: str, evaluation: str, out: Path, jobs: int) -> Found:
    """Score the chosen files with the run `model` at the thresholds of `evaluation` into `out` (.parquet)."""
    folders = finished_run("03_train", model), finished_run("04_evaluate", evaluation)
    paths = list(chosen.frame["path"])
    score_files(folders[0], paths, out, evaluation=folders[1], jobs=jobs, source=chosen.source)
    return read_found(chosen, out)


def read_found(chosen: Chosen, topics: Path) -> Found:
    """The rows of scoring.results beside what is known of their files; both are in the order of `chosen`."""
    table = pq.read_table(topics)
    settings = from_json(json.loads(table.schema.metadata[b"wikitopics"]), topics.name)
    results = table.select(["labels", "sureness", "reason", "detail"]).to_pandas()
    good = (results["reason"] == "").to_numpy()
    flat = table["probabilities"].combine_chunks().flatten().to_numpy()
    told = results[good].reset_index(drop=True)[["labels", "sureness"]]
    bad = results[~good].reset_index(drop=True)[["reason", "detail"]]
    return Found(
        settings,
        pd.concat([chosen.rows(good), told], axis=1),
        flat.reshape(int(good.sum()), len(settings.label_names)),
        label_matrix(told["labels"], settings.label_names).astype(bool),
        pd.concat([chosen.rows(~good)[["path", "title"]], bad], axis=1),
    )


def funnel(chosen: Chosen, found: Found) -> list[dict]:
    """From the files there are to the pictures that got a topic: {"step", "files"} each."""
    steps = {"read and scored": len(found.frame), "given a topic": int(found.above.any(axis=1).sum())}
    return chosen.funnel + [{"step": step, "files": files} for step, files in steps.items()]


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
