"""What a data set says of itself: names behind numbers of labels, columns of pictures, parts of the split.

It says so in the schema of its shards (JSON), and at the head of README.md (YAML). Both are foreign: read as
plain values, bounded, and believed only in what is asked for.
"""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

import pyarrow as pa
import yaml

from wikitopics.errors import UserError
from wikitopics.sources.reading import read_inside

CARD = "README.md"
MAX_CARD = 8 << 20  # bytes
MAX_NAMES = 100_000
DEEP = 6  # how far in another value a column's names may stand
HEAD = re.compile(r"\s*---[ \t]*\r?\n(.*?)\r?\n---[ \t]*(?:\r?\n|$)", re.DOTALL)


class PlainLoader(yaml.SafeLoader):
    """YAML's plain values without `<<`, by which ten lines could grow to a billion."""

    def flatten_mapping(self, node: yaml.MappingNode) -> None:
        """Nothing is merged: a `<<` is then an error."""


@dataclass(frozen=True)
class Said:
    """What a data set says of itself; empty where it says nothing.

    names: of the labels of a column, by their numbers; pictures: columns that are said to hold pictures;
    parts: (pattern of paths, name of the part) of the files that are meant, in order.
    """

    names: dict[str, list[str]] = field(default_factory=dict)
    pictures: frozenset[str] = frozenset()
    parts: tuple[tuple[str, str], ...] = ()

    def part_of(self, path: str) -> str | None:
        """The part that a file is of by the patterns; None where none of them is its path's."""
        return next((part for pattern, part in self.parts if fnmatchcase(path, pattern)), None)


def said_by_schema(schema: pa.Schema) -> Said:
    """What the library `datasets` has written into the schema of a shard."""
    text = (schema.metadata or {}).get(b"huggingface", b"{}")
    try:
        features = _at(json.loads(text), "info", "features")
    except (ValueError, RecursionError):
        return Said()
    return _said(features.items() if isinstance(features, dict) else [])


def said_by_card(top: Path) -> Said:
    """What README.md says at its head, if it is there.

    Raises UserError where that is no YAML, and where it has several configurations and none is the default.
    """
    try:
        text = read_inside(top, CARD, MAX_CARD).decode("utf-8-sig", "replace")
    except FileNotFoundError:
        return Said()
    except OSError as error:
        raise UserError(f"{CARD} of a data set must be a text, but is not ({error}); take it away") from None
    head = HEAD.match(text)
    try:
        front = yaml.load(head[1], PlainLoader) if head else {}
    except (yaml.YAMLError, RecursionError, ValueError, LookupError, AttributeError):  # as of `!!bool x`
        raise UserError(
            f"the head of {CARD} (between ---) must be YAML, but that of {top} is not; correct it "
            "or take it away"
        ) from None
    infos = _at(front, "dataset_info")
    infos = infos if isinstance(infos, list) else [infos]
    listed = [feature for info in infos for feature in _rows(_at(info, "features"))]
    said = _said((str(feature.get("name")), feature) for feature in listed)
    return Said(said.names, said.pictures, tuple(_parts(_rows(_at(front, "configs")), top)))


def _said(features: Any) -> Said:
    names, pictures = {}, set()
    for column, feature in features:
        found = _names(feature)
        if found is not None:
            names[column] = found
        if _at(feature, "_type") == "Image" or _at(feature, "dtype") == "image":
            pictures.add(column)
    return Said(names, frozenset(pictures))


def _names(feature: Any, deep: int = 0) -> list[str] | None:
    """The names of a ClassLabel, in whatever lists it stands; None where a feature is none."""
    if isinstance(feature, list) and len(feature) == 1:
        feature = feature[0]
    if not isinstance(feature, dict) or deep > DEEP:
        return None
    if feature.get("_type") == "ClassLabel" or "class_label" in feature:
        return _in_order(_at(feature.get("class_label", feature), "names"))
    inside = (feature.get(name) for name in ("feature", "dtype", "sequence", "list", "large_list"))
    return next((found for value in inside if (found := _names(value, deep + 1)) is not None), None)


def _in_order(names: Any) -> list[str] | None:
    """A list of names, or a table from each number to its name, as a list; None for anything else."""
    if isinstance(names, dict):
        numbered = {str(number): name for number, name in names.items()}
        names = [numbered.get(str(number)) for number in range(len(numbered))]
    if not isinstance(names, list) or not 0 < len(names) <= MAX_NAMES:
        return None
    plain = [str(name) for name in names if isinstance(name, (str, int, float, bool))]
    return plain if len(plain) == len(names) else None


def _parts(configs: list[dict[str, Any]], top: Path) -> Iterator[tuple[str, str]]:
    """Patterns and parts of the one configuration; of several the one called default."""
    configs = [config for config in configs if "data_files" in config]
    if len(configs) > 1:
        configs = [
            config for config in configs if _at(config, "config_name") == "default" or _at(config, "default")
        ]
        if len(configs) != 1:
            raise UserError(
                f"a data set must have one configuration, or one called default, but {top} has several; "
                f"leave only the one you mean in {CARD}"
            )
    for config in configs:
        files = config["data_files"]
        for one in files if isinstance(files, list) else [files]:
            part = str(one.get("split", "train")) if isinstance(one, dict) else "train"
            paths = one.get("path") if isinstance(one, dict) else one
            yield from ((str(path), part) for path in (paths if isinstance(paths, list) else [paths]))


def _at(value: Any, *names: str) -> Any:
    """What stands at a place of nested tables; {} where there is nothing."""
    for name in names:
        value = value.get(name, {}) if isinstance(value, dict) else {}
    return value


def _rows(value: Any) -> list[dict[str, Any]]:
    return [row for row in value if isinstance(row, dict)] if isinstance(value, list) else []
