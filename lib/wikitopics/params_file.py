"""Params files: YAML read strictly, mistakes told with their line."""

from pathlib import Path
from typing import Any

import yaml

from wikitopics.errors import UserError


class _Loader(yaml.SafeLoader):
    """YAML that refuses a key given twice, where PyYAML would silently take the last."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        keys = [key.value for key, _ in node.value]
        twice = [key for key in keys if keys.count(key) > 1]
        if twice:
            raise yaml.MarkedYAMLError(problem=f"{twice[0]} is given twice", problem_mark=node.start_mark)
        return super().construct_mapping(node, deep)


def read_yaml(path: Path) -> dict[Any, Any]:
    """What a params file says; UserError where it is not YAML, or not `key: value` lines."""
    where = f"params/{path.parent.name}/{path.name}"
    try:
        given = yaml.load(path.read_text("utf-8"), Loader=_Loader)
    except (yaml.YAMLError, UnicodeDecodeError, OSError) as error:
        mark = getattr(error, "problem_mark", None)
        line = f"line {mark.line + 1}: " if mark else ""
        reason = " ".join(str(getattr(error, "problem", None) or error).split())
        raise UserError(
            f"{where} must be a YAML file in UTF-8, but is not ({line}{reason}); correct it"
        ) from error
    if not isinstance(given, dict):
        raise UserError(
            f"{where} must hold `key: value` lines, but holds {quoted(given)}; start with `run: NAME`"
        )
    return given


def quoted(value: Any) -> str:
    """A value as a message quotes it, cut to 100 characters."""
    text = f"the text {value!r}" if isinstance(value, str) else repr(value)
    return text if len(text) <= 100 else text[:97] + "..."
