"""The runs that a model comes from, 01 to 04: their folders, records and parameters, and that they fit."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from wikitopics import paths
from wikitopics.artefacts import MADE_FROM, RECORD, finished_run, read_json
from wikitopics.errors import UserError
from wikitopics.params import check_run_name
from wikitopics.runs.record import content

Run = tuple[str, str]  # stage, run


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


def read_record(folder: Path, name: str = RECORD) -> dict[str, Any]:
    """A run's run.json, or another such file of it; {} where there is none."""
    return read_json(folder / name) if (folder / name).is_file() else {}


def read_chain(model: str, evaluation: str | None = None) -> Chain:
    """The chain of a finished run of 03_train and of the run of 04_evaluate that judged it.

    Raises UserError where the model, its evaluation or its images are missing, and where one of the runs
    was repeated after another had read it: their figures would be of different models.
    """
    folder = finished_run("03_train", check_run_name(model))
    judged = finished_run("04_evaluate", check_run_name(evaluation or model))
    of = read_json(judged / RECORD).get("model")
    if of != model:
        raise UserError(
            f"--evaluation must be a run that judged {model!r}, but {judged.name!r} judged {of!r}; "
            "name another"
        )
    parameters = read_json(folder / RECORD)["parameters"]
    images = finished_run("02_images", parameters["images"])
    own = parameters.get("labels", "")
    labels = dict.fromkeys([*read_json(images / RECORD)["parameters"].get("labels", []), own])
    runs = [("01_labels", name) for name in labels if name]
    runs += [("02_images", images.name), ("03_train", folder.name), ("04_evaluate", judged.name)]
    chain = Chain(folder, judged, images, paths.run_folder("01_labels", own), tuple(runs))
    for stage, run in runs:
        _check_inputs(stage, run)
    return chain


def _check_inputs(stage: str, run: str) -> None:
    """What a run has read is what lies there now, as far as it says what it read."""
    for name, was in read_record(paths.run_folder(stage, run), MADE_FROM).get("inputs", {}).items():
        if content(*name.split("/")) not in (was, ""):
            raise UserError(
                f"a bundle's figures must be those of its model, but {name} was made again after "
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
