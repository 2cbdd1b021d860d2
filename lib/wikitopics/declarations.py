"""What a notebook declares: the typed literals of its cell tagged `parameters`."""

import ast
import io
import json
import math
import re
import tokenize
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from wikitopics.errors import UserError

TYPES = {"str": str, "int": int, "float": (int, float), "bool": bool, "list": list, "None": type(None)}
WORDS = {
    "str": "text",
    "int": "a whole number",
    "float": "a finite number",
    "bool": "true or false",
    "list": "a list",
    "None": "nothing (null)",
}


@dataclass(frozen=True)
class Parameter:
    """One line of a parameters cell: `name: type = default  # help`."""

    name: str
    type: str
    default: Any
    help: str


def declared(notebook_path: Path) -> dict[str, Parameter]:
    """The parameters that a notebook declares, in order, from its cell tagged `parameters`.

    Raises UserError where there is not exactly one such cell, or where it holds anything but
    `name: type = literal` lines: what is computed there would keep its old value when a run sets a parameter.
    """
    path = Path(notebook_path)
    try:
        cells = json.loads(path.read_text("utf-8"))["cells"]
    except (json.JSONDecodeError, UnicodeDecodeError, KeyError) as error:
        raise UserError(
            f"{path.name} must be a notebook, but it cannot be read ({error}); restore it"
        ) from error
    tagged = [cell for cell in cells if "parameters" in cell["metadata"].get("tags", [])]
    if len(tagged) != 1:
        raise UserError(f"{path.name} must have one cell tagged 'parameters', but has {len(tagged)}; tag one")
    return parse_cell("".join(tagged[0]["source"]), path.name)


def parse_cell(source: str, where: str = "the parameters cell") -> dict[str, Parameter]:
    """The parameters of one cell's source.

    >>> parse_cell("size: int = 128  # px")
    {'size': Parameter(name='size', type='int', default=128, help='px')}
    """
    tokens = tokenize.generate_tokens(io.StringIO(source).readline)
    comments = {
        token.start[0]: token.string.lstrip("# ") for token in tokens if token.type == tokenize.COMMENT
    }
    found = [_parameter(node, comments, where) for node in ast.parse(source).body]
    return {parameter.name: parameter for parameter in found}


def _parameter(node: ast.stmt, comments: dict[int, str], where: str) -> Parameter:
    line = ast.unparse(node)
    try:
        name, type_ = node.target.id, ast.unparse(node.annotation)
        default = ast.literal_eval(node.value)
    except (AttributeError, ValueError) as error:
        raise UserError(
            f"{where} must hold only lines like `size: int = 128`, but has `{line}`; "
            "give it a type and a literal value, and compute in the next cell"
        ) from error
    if not fits(default, type_):
        raise UserError(
            f"{where} must give a value of the declared type, but has `{line}`; change one of the two"
        )
    return Parameter(name, type_, default, comments.get(node.end_lineno, ""))


def fits(value: Any, type_: str) -> bool:
    """Whether a value is of the declared type; a whole number is also a float, true and false are no numbers.

    >>> fits(1, "float"), fits(True, "int"), fits("1e-4", "float"), fits(["a"], "list[str]")
    (True, False, False, True)
    """
    if "|" in type_:
        return any(fits(value, part.strip()) for part in type_.split("|"))
    if type_.startswith("list["):
        return isinstance(value, list) and all(fits(item, type_[5:-1]) for item in value)
    if type_ not in TYPES:
        raise UserError(f"a type must be one of {', '.join(TYPES)} or list[...], but is {type_!r}; use one")
    if isinstance(value, bool) or isinstance(value, float) and not math.isfinite(value):
        return type_ == "bool" and isinstance(value, bool)
    return isinstance(value, TYPES[type_])


def type_in_words(type_: str) -> str:
    """The type in words.

    >>> type_in_words("list[int] | None")
    'a list (each item a whole number) or nothing (null)'
    """
    if "|" in type_:
        return " or ".join(type_in_words(part.strip()) for part in type_.split("|"))
    if type_.startswith("list["):
        return f"a list (each item {type_in_words(type_[5:-1])})"
    return WORDS[type_]


def hint(value: Any, type_: str) -> str:
    """What to write instead, for the mistakes that YAML makes easy.

    >>> hint("1e-4", "float")
    '1e-4 is text in YAML: write 1.0e-4'
    """
    if isinstance(value, str) and (number := re.fullmatch(r"([+-]?\d+)[eE]([+-]?)(\d+)", value)):
        return f"{value} is text in YAML: write {number[1]}.0e{number[2] or '+'}{number[3]}"
    if type_.startswith("list"):
        return "write it in brackets, as [a, b]"
    return 'put it in quotes, as "..."' if type_ == "str" else "write it without quotes"
