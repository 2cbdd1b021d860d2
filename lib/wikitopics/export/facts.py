"""Everything that the cards tell, read from the records of the runs and never written by hand."""

from dataclasses import dataclass
from typing import Any

import pandas as pd
import pyarrow.parquet as pq

from wikitopics.artefacts import read_json
from wikitopics.evaluate.abstention import curve, sureness
from wikitopics.evaluate.metrics import predict
from wikitopics.evaluate.predictions import read_frozen, read_test
from wikitopics.export.chain import Chain, read_record
from wikitopics.scoring.settings import Settings

Rows = list[dict[str, Any]]


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
    """funnel.json of a run with the files that each step lost: step, files, lost."""
    path = folder / "funnel.json"
    steps = read_json(path) if path.is_file() else []
    before = [None, *(step["files"] for step in steps)]
    lost = [None if old is None else old - step["files"] for old, step in zip(before, steps, strict=False)]
    return [step | {"lost": gone} for step, gone in zip(steps, lost, strict=True)]


def table_of(folder, name: str, columns: list[str]) -> pd.DataFrame:
    """Columns of a run's table; an empty table where the run has none."""
    path = folder / name
    return pd.read_parquet(path, columns=columns) if path.is_file() else pd.DataFrame(columns=columns)
