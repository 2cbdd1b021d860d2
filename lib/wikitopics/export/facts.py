"""Everything that the cards tell, read from the records of the runs and never written by hand."""

import re
from dataclasses import dataclass
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from wikitopics.artefacts import read_json
from wikitopics.evaluate.abstention import curve, sureness
from wikitopics.evaluate.metrics import predict
from wikitopics.evaluate.predictions import read_frozen, read_test
from wikitopics.export.chain import Chain, read_record
from wikitopics.scoring.settings import Settings

Rows = list[dict[str, Any]]
TOGETHER = re.compile("labelled by (all|any) of ")  # the step of 02 that several labels runs make together


@dataclass(frozen=True)
class Facts:
    """What is known of one exported model.

    metrics: as 04_evaluate wrote metrics.json; per_label, silence (evaluate.abstention.curve on the test
    pictures, by calibrated scores): rows; export: what this export measured (export.json); missing: names
    of records that are not there.
    """

    chain: Chain
    settings: Settings
    metrics: dict[str, Any]
    per_label: Rows
    silence: Rows
    export: dict[str, Any]
    missing: list[str]

    def rows(self, name: str) -> Rows:
        """One of the tables in metrics.json; [] where it is missing."""
        return self.metrics.get(name) or []

    def overall(self, metric: str) -> dict[str, Any]:
        """value, low and high of a metric on the test pictures; {} where it is missing."""
        return next((row for row in self.rows("overall") if row["metric"] == metric), {})

    def human(self, metric: str, who: str = "image model") -> dict[str, Any]:
        """The same by people's labels."""
        found = (row for row in self.rows("human") if (row["who"], row["metric"]) == (who, metric))
        return next(found, {})


def read_facts(chain: Chain, settings: Settings, export: dict[str, Any], missing: list[str]) -> Facts:
    """The facts of a chain whose evaluation is finished."""
    metrics = read_record(chain.evaluation, "metrics.json")
    file = chain.evaluation / "per_label.parquet"
    per_label = pq.read_table(file).to_pylist() if file.is_file() else []
    gone = [
        name for name, there in (("metrics.json", metrics), ("per_label.parquet", per_label)) if not there
    ]
    missing = [*missing, *(f"04_evaluate/{chain.evaluation.name}/{name}" for name in gone)]
    return Facts(chain, settings, metrics, per_label, _silence(chain, settings), export, missing)


def _silence(chain: Chain, settings: Settings) -> Rows:
    """What answering only for the surest pictures would bring, as 04_evaluate draws it."""
    frozen = read_frozen(chain.evaluation)
    test = read_test(chain.model.name, frozen)
    sure = sureness(settings.probabilities(test.scores))
    return curve(test.truth, predict(test.scores, frozen.thresholds), sure).to_dict("records")


def funnel(folder) -> Rows:
    """funnel.json of a run with the files that each step lost: step, files, lost.

    lost is None for the first step, and where 02 counts beside the others what one of several labels runs
    has labelled, of which only "labelled by all of" (or any of) is a step.
    """
    path = folder / "funnel.json"
    steps = read_json(path) if path.is_file() else []
    together = any(TOGETHER.match(step["step"]) for step in steps)
    rows, left = [], None
    for step in steps:
        beside = together and step["step"].startswith("labelled by ") and not TOGETHER.match(step["step"])
        rows.append(step | {"lost": None if left is None or beside else left - step["files"]})
        left = left if beside else step["files"]
    return rows


def table_of(folder, name: str, columns: list[str], titles: pd.Series | None = None) -> pd.DataFrame:
    """Columns of a run's table; an empty table where the run has none.

    With `titles` only their rows are kept while it is read: a source may hold many times as many files.
    """
    path = folder / name
    if not path.is_file():
        return pd.DataFrame(columns=columns)
    chosen = None if titles is None else pc.field("title").isin(pa.array(titles, pa.string()))
    return pq.read_table(path, columns=columns, filters=chosen).to_pandas()
