"""What each parameter may be: one table, one line a parameter; the runs that a run names are in it too."""

from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any

from wikitopics.paths import located

# --- Kinds of rules for parameters: each says what is allowed, in words and as a test


@dataclass(frozen=True)
class Rule:
    """`allowed` completes the sentence "NAME must be ..."; `holds(value, all_values)` decides.

    `stage` is set where the value names runs of that stage; those names are what joins the runs to a graph.
    `reads` is set where the value may be the path of a file or folder, whose content then counts for the run.
    `words`: the texts that are allowed, where only some are.
    """

    allowed: str
    holds: Callable[[Any, dict[str, Any]], bool]
    stage: str = ""
    reads: bool = False
    words: tuple[str, ...] = ()


def one_of(*values: str) -> Rule:
    """One of these texts."""
    return Rule("one of " + ", ".join(values), lambda value, _: value in values, words=values)


def between(low: float, high: float) -> Rule:
    """A number from `low` to `high`, both allowed."""
    return Rule(f"from {low:g} to {high:g}", lambda value, _: low <= value <= high)


def at_least(low: float) -> Rule:
    """A number of at least `low`."""
    return Rule(f"at least {low:g}", lambda value, _: value >= low)


def positive_up_to(high: float) -> Rule:
    """A number above 0, at most `high`."""
    return Rule(f"above 0 and at most {high:g}", lambda value, _: 0 < value <= high)


def given_when(other: str, *settings: str) -> Rule:
    """Not empty where the parameter `other` has one of these settings; otherwise anything."""
    allowed = f"given when {other} is {' or '.join(settings)}"
    return Rule(allowed, lambda value, values: bool(value) or values.get(other) not in settings)


PRESET = "keras_hub:"  # what a backbone begins with that is a preset of KerasHub


def is_preset(backbone: Any) -> bool:
    """Whether a backbone is a preset of KerasHub.

    >>> is_preset("keras_hub:dinov3_vit_small_lvd1689m"), is_preset("EfficientNetLite0")
    (True, False)
    """
    return str(backbone).startswith(PRESET)


def network(*names: str) -> Rule:
    """One of these backbones, or a preset of KerasHub, whose folder counts for the run where it is one."""
    return Rule(
        f"one of {', '.join(names)}, or {PRESET}PRESET",
        lambda value, _: value in names or value.removeprefix(PRESET) not in ("", value),
        reads=True,
        words=names,
    )


def picture_size(low: int, high: int, largest: int) -> Rule:
    """Pixels a side from `low` to `high`; beside a preset to `largest`, or 0 for its own."""

    def holds(value: int, values: dict[str, Any]) -> bool:
        preset = is_preset(values.get("backbone"))
        return low <= value <= (largest if preset else high) or preset and value == 0

    return Rule(f"from {low} to {high} (beside {PRESET}PRESET to {largest}, or 0 for its own size)", holds)


def weights_of(*words: str) -> Rule:
    """As path_or, but beside a preset only one of these texts."""
    paths = path_or(*words)

    def holds(value: str, values: dict[str, Any]) -> bool:
        return value in words or not is_preset(values.get("backbone")) and paths.holds(value, values)

    return Rule(f"{paths.allowed} (no path beside {PRESET}PRESET)", holds, reads=True)


def of_pictures(high: float) -> Rule:
    """A number from 0 to `high`; 0 where the network is given features of pictures as they are."""
    return Rule(
        f"from 0 to {high:g}, and 0 with backbone: features",
        lambda value, values: 0 <= value <= (0 if values.get("backbone") == "features" else high),
    )


def share_beside(other: str) -> Rule:
    """A share above 0 that leaves something of the whole beside the share called `other`."""
    allowed = f"above 0 and, together with {other}, below 1"
    return Rule(allowed, lambda value, values: 0 < value < 1 and value + values.get(other, 0) < 1)


def path_or(*words: str) -> Rule:
    """One of these texts, or the path of a file or folder that is there, relative to the root folder."""
    allowed = f"{', '.join(repr(word) for word in words)} or the path of a file or folder that is there"
    return Rule(allowed, lambda value, _: value in words or located(value).exists(), reads=True)


def accepted_by(function: str, reads: bool = False) -> Rule:
    """Text that `module:function` of this library accepts; where it does not, its own sentence is told."""
    module, name = function.split(":")

    def holds(value: str, _: dict[str, Any]) -> bool:
        getattr(import_module(module), name)(value)
        return True

    return Rule(f"what {name} reads", holds, reads=reads)


def run_of(stage: str) -> Rule:
    """The name of one run of `stage`."""
    return Rule(f"the name of a run of {stage}", lambda value, _: bool(value), stage)


def runs_of(stage: str) -> Rule:
    """A list of different runs of `stage`."""
    allowed = f"a list of one or more different runs of {stage}"
    return Rule(allowed, lambda value, _: len(value) > 0 and len(set(value)) == len(value), stage)


def each_different(what: str) -> Rule:
    """A list without repetitions, which may be empty."""
    return Rule(f"a list of different {what}", lambda value, _: len(set(value)) == len(value))


WORKERS = Rule("-1 (all cores) or at least 1", lambda value, _: value == -1 or value >= 1)


SCHEDULER = Rule(
    "empty (this machine) or a Dask scheduler like tcp://host:8786",
    lambda value, _: not value or "://" in value,
)


MOVED = Rule(
    "a list of lists of two or more different parameters of 03_train",
    lambda value, _: all(
        isinstance(group, list) and len(group) > 1 and {*map(str, group)} <= RULES["03_train"].keys()
        for group in value
    ),
)


# What NumPy, scikit-learn and Keras all take.
SEED = Rule("a whole number from 0 to 4294967295", lambda value, _: 0 <= value < 2**32)


def _names_can_be_a_head(values: dict[str, Any]) -> bool:
    """Whether a network of these parameters can be asked in words."""
    backbone = str(values.get("backbone", "features"))
    can = backbone == "features" or is_preset(backbone)
    return can and not values.get("trainable_layers") and values.get("seeds", 1) == 1


# --- The table of rules, and what it says of a stage


RULES: dict[str, dict[str, Rule]] = {
    "01_labels": {
        "source": one_of("sample", "table", "folder", "commons_api", "commons_dump", "wit"),
        "label_source": one_of(
            *("commons", "commons-learned", "commons-learned-deep", "depicts", "ores", "categories", "given"),
            "combined",
        ),
        "combines": Rule(
            "a list of two or more different runs of 01_labels, not this one, with label_source: combined, "
            "and empty otherwise",
            lambda value, values: (
                len({*value} - {values.get("run")}) == len(value) > 1
                if values.get("label_source") == "combined"
                else not value
            ),
            "01_labels",
        ),
        "combination": one_of("agree", "weighed"),
        "taxonomy": accepted_by("wikitopics.labels.taxonomy:load", reads=True),
        "heuristics": accepted_by("wikitopics.labels.heuristics:parse"),
        "topic_threshold": between(0, 1),
        "graph": path_or(""),
        "topics": path_or(""),
        "items": path_or(""),
        "table": given_when("source", "table"),
        "image_root": given_when("source", "folder", "commons_api"),
        "dump": given_when("source", "commons_dump"),
        "wit": given_when("source", "wit"),
        "max_files": at_least(0),
        "annotations": path_or(""),
        "corrections": path_or(""),
        "min_images": at_least(1),
        "seed": SEED,
    },
    "02_images": {
        "labels": runs_of("01_labels"),
        "labelled_by": one_of("all", "any"),
        "store_size": between(16, 1024),
        "store": one_of("pixels", "jpeg"),
        "fit": one_of("pad", "stretch"),
        "max_bytes": at_least(1),
        "max_pixels": at_least(1),
        "max_seconds": between(0.1, 3600),
        "near_duplicate_likeness": between(0.5, 1),
        "validation_share": share_beside("test_share"),
        "test_share": share_beside("validation_share"),
        "jobs": WORKERS,
        "scheduler": SCHEDULER,
        "seed": SEED,
    },
    "03_train": {
        "images": run_of("02_images"),
        "labels": run_of("01_labels"),
        "labels_top": at_least(0),
        "targets": one_of("labels", "confidences"),
        "resampling": one_of("none", "ml_ros", "ml_rus", "reward"),
        "resampling_share": between(0, 1),
        "backbone": network(
            *(f"EfficientNet{size}" for size in ("Lite0", "Lite1", "Lite2", "B0", "B1", "B2")), "features"
        ),
        "features": Rule(
            "the path of a Parquet file that is there with backbone: features, and empty otherwise",
            lambda value, values: (
                located(value).is_file() if values.get("backbone") == "features" else not value
            ),
            reads=True,
        ),
        "head": Rule(
            "trained, or names with a backbone that has a text side (features or keras_hub:PRESET), "
            "trainable_layers: 0 and seeds: 1, since nothing is drawn",
            lambda value, values: value == "trained" or (value == "names" and _names_can_be_a_head(values)),
            words=("trained", "names"),
        ),
        "texts": Rule(
            "the path of a Parquet file that is there with head: names and backbone: features; else that or "
            "empty",
            lambda value, values: (
                located(value).is_file()
                if value
                else (values.get("head"), values.get("backbone")) != ("names", "features")
            ),
            reads=True,
        ),
        "words": one_of("labels", "anchors", "prompts"),
        "phrase": Rule("a text in which {} stands once, for a name", lambda value, _: value.count("{}") == 1),
        "weights": weights_of("imagenet", "none"),
        "image_size": picture_size(32, 300, 1024),
        "trainable_layers": Rule(
            "at least -1, and 0 with backbone: features",
            lambda value, values: value == 0 or (value >= -1 and values.get("backbone") != "features"),
        ),
        "head_units": between(0, 8192),
        "hierarchy": one_of("none", "max_constraint"),
        "flip": Rule(
            "false with backbone: features, which are of the pictures as they are",
            lambda value, values: not value or values.get("backbone") != "features",
        ),
        "rotation": of_pictures(180),
        "shift": of_pictures(0.9),
        "zoom": of_pictures(0.9),
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
        "seed": SEED,
        "seeds": Rule(
            "from 1 to 100, and 1 where layers of the backbone learn (give each seed a run of its own: "
            "05_compare takes runs that differ by seed alone together)",
            lambda value, values: 1 <= value <= (1 if values.get("trainable_layers") else 100),
        ),
    },
    "04_evaluate": {
        "model": run_of("03_train"),
        "threshold_rule": one_of("per_label", "ghost", "common", "half"),
        "rounds": between(10, 100_000),
        "seed": SEED,
    },
    "05_compare": {
        "evaluations": runs_of("04_evaluate"),
        "together": MOVED,
        "without": each_different("labels, or starts of labels and *"),
        "learning_curve": Rule(
            "a list of different whole numbers above 0, or empty",
            lambda value, _: (
                all(isinstance(one, int) and one > 0 for one in value) and len(set(value)) == len(value)
            ),
        ),
        "curve_of": Rule(
            "a list of different runs that are in evaluations, or empty",
            lambda value, values: len(set(value)) == len(value) and {*value} <= {*values["evaluations"]},
        ),
        "rounds": between(10, 100_000),
        "seed": SEED,
    },
    "06_score": {
        "evaluation": run_of("04_evaluate"),
        "inputs": each_different("paths or titles"),
        "features": Rule(
            "the path of a Parquet file that is there, or empty",
            lambda value, _: not value or located(value).is_file(),
            reads=True,
        ),
        "group_by": one_of("category", "folder", "wiki", "group"),
        "smallest_group": at_least(1),
        "abstain": between(0, 1),
        "rounds": between(10, 100_000),
        "jobs": at_least(0),
        "seed": SEED,
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
    named = {name: _path(name, parameters.get(name)) for name, rule in rules_of(stage).items() if rule.reads}
    return {name: path for name, path in named.items() if path and path.exists()}


def _path(name: str, value: Any) -> Path | None:
    """Where a value of a parameter may be; the name of a backbone is a path only as a preset."""
    if name == "backbone":
        value = str(value).removeprefix(PRESET) if is_preset(value) else ""
    return located(value) if value else None
