"""What each parameter may be: one table, one line a parameter; the runs that a run names are in it too."""

from pathlib import Path
from typing import Any

from wikitopics.rule_kinds import (
    SCHEDULER,
    WORKERS,
    Rule,
    accepted_by,
    at_least,
    between,
    each_different,
    given_when,
    located,
    one_of,
    path_or,
    positive_up_to,
    run_of,
    runs_of,
    share_beside,
)

RULES: dict[str, dict[str, Rule]] = {
    "01_labels": {
        "source": one_of("sample", "table", "folder", "commons_api", "commons_dump", "wit"),
        "label_source": one_of("commons", "commons-learned", "ores", "categories", "given"),
        "taxonomy": accepted_by("wikitopics.labels.taxonomy:load", reads=True),
        "heuristics": accepted_by("wikitopics.labels.heuristics:parse"),
        "topic_threshold": between(0, 1),
        "graph": path_or(""),
        "topics": path_or(""),
        "table": given_when("source", "table"),
        "image_root": given_when("source", "table", "folder", "commons_api"),
        "dump": given_when("source", "commons_dump"),
        "wit": given_when("source", "wit"),
        "max_files": at_least(0),
        "corrections": path_or(""),
        "min_images": at_least(1),
        "seed": at_least(0),
    },
    "02_images": {
        "labels": runs_of("01_labels"),
        "labelled_by": one_of("all", "any"),
        "store_size": between(16, 1024),
        "fit": one_of("pad", "stretch"),
        "max_bytes": at_least(1),
        "max_pixels": at_least(1),
        "max_seconds": between(0.1, 3600),
        "near_duplicate_distance": between(0, 32),
        "validation_share": share_beside("test_share"),
        "test_share": share_beside("validation_share"),
        "jobs": WORKERS,
        "scheduler": SCHEDULER,
        "seed": at_least(0),
    },
    "03_train": {
        "images": run_of("02_images"),
        "labels": run_of("01_labels"),
        "labels_top": at_least(0),
        "targets": one_of("labels", "confidences"),
        "resampling": one_of("none", "ml_ros", "ml_rus", "reward"),
        "resampling_share": between(0, 1),
        "backbone": one_of(
            *(f"EfficientNet{size}" for size in ("Lite0", "Lite1", "Lite2", "B0", "B1", "B2"))
        ),
        "weights": path_or("imagenet", "none"),
        "image_size": between(32, 300),
        "trainable_layers": at_least(-1),
        "head_units": between(0, 8192),
        "hierarchy": one_of("none", "max_constraint"),
        "rotation": between(0, 180),
        "shift": between(0, 0.9),
        "zoom": between(0, 0.9),
        "views": between(1, 64),
        "loss": one_of("binary_crossentropy", "focal", "positive_weighted", "asymmetric"),
        "focal_gamma": between(0, 10),
        "asymmetric": Rule(
            "three numbers: two gammas from 0 to 10 and a clip from 0 to below 1",
            lambda value, _: len(value) == 3 and min(value) >= 0 and max(value[:2]) <= 10 and value[2] < 1,
        ),
        "label_weights": one_of("equal", "rare"),
        "weight_cap": between(1, 10_000),
        "label_smoothing": between(0, 0.9),
        "optimizer": one_of("adam", "adamw", "sgd"),
        "learning_rate": positive_up_to(1),
        "schedule": one_of("constant", "cosine"),
        "warmup_epochs": between(0, 10_000),
        "batch_size": between(1, 4096),
        "epochs": between(1, 10_000),
        "patience": at_least(0),
        "monitor": one_of("macro_pr_auc", "micro_pr_auc", "loss"),
        "seed": at_least(0),
    },
    "04_evaluate": {
        "model": run_of("03_train"),
        "threshold_rule": one_of("per_label", "ghost", "common", "half"),
        "rounds": between(10, 100_000),
        "seed": at_least(0),
    },
    "05_compare": {
        "evaluations": runs_of("04_evaluate"),
        "rounds": between(10, 100_000),
        "seed": at_least(0),
    },
    "06_score": {
        "evaluation": run_of("04_evaluate"),
        "inputs": each_different("paths or titles"),
        "group_by": one_of("category", "folder", "wiki", "group"),
        "smallest_group": at_least(1),
        "abstain": between(0, 1),
        "rounds": between(10, 100_000),
        "jobs": at_least(0),
        "seed": at_least(0),
    },
}


def rules_of(stage: str) -> dict[str, Rule]:
    """The rules of one stage's parameters; a parameter without a rule may have any value of its type."""
    return RULES.get(stage, {})


def inputs(stage: str, parameters: dict[str, Any]) -> list[tuple[str, str]]:
    """The runs that a run of `stage` with these parameters reads, as (stage, run), in the order of the rules.

    >>> inputs("03_train", {"images": "sample", "labels": "commons"})
    [('02_images', 'sample'), ('01_labels', 'commons')]
    """
    named = []
    for name, rule in rules_of(stage).items():
        if rule.stage and name in parameters:
            value = parameters[name]
            named += [(rule.stage, run) for run in (value if isinstance(value, list) else [value])]
    return named


def files_read(stage: str, parameters: dict[str, Any]) -> dict[str, Path]:
    """The files and folders that these parameters name by path, by parameter; sources are not among them."""
    named = {name: located(parameters.get(name, "")) for name, rule in rules_of(stage).items() if rule.reads}
    return {name: path for name, path in named.items() if parameters.get(name) and path.exists()}
