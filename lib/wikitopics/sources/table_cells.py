"""Cells of tables that people bring: texts that stay what they are, and lists however they are written."""

import ast
import json
import math
import re
from collections.abc import Iterable
from typing import Any

from wikitopics.errors import UserError

LONGEST_LIST = 100_000  # characters of one list written as text
NUMPY_LIST = re.compile(r"""\[\s*(?:(?:'[^']*'|"[^"]*")\s*)*\]""")  # ['a' 'b'], as NumPy prints them
QUOTED = re.compile(r"""'([^']*)'|"([^"]*)\"""")
ENDS = {"[": "]", "(": ")", "{": "}"}
TRUE, FALSE = {"1", "1.0", "true"}, {"0", "0.0", "false", ""}


def text_of(value: Any) -> str:
    """A cell as text without blanks around; "" where it says nothing. Whole numbers stay whole.

    >>> [text_of(value) for value in (" fox ", 3.0, 7, True, None, float("nan"), "007", "NA")]
    ['fox', '3', '7', 'True', '', '', '007', 'NA']
    """
    if isinstance(value, str):
        return value.strip()
    if value is None or (isinstance(value, float) and math.isnan(value)):
        return ""
    if isinstance(value, float) and value.is_integer() and abs(value) < 2**53:
        return str(int(value))
    return str(value)


def as_text(name: str, cell: Any) -> str:
    """A cell of a column of texts; UserError, naming the column, for a list.

    >>> as_text("title", " A fox.jpg "), as_text("title", ["A fox.jpg"])
    ('A fox.jpg', 'A fox.jpg')
    """
    if isinstance(cell, list):
        if len(cell) > 1:
            raise UserError(f"a row must have one {name}, but one has {str(cell)[:60]}; write one text a row")
        return text_of(cell[0]) if cell else ""
    return text_of(cell)


def as_list(value: Any) -> list[str]:
    """A cell's list, each item once, in its order: a list, a text divided by |, or a list written as text.

    JSON's lists and Python's, as pandas writes them, are read, never run. Raises UserError for a text in
    brackets that is neither, and for lists of lists.

    >>> as_list("Cats| Pets |Cats|"), as_list(["Cats", None]), as_list(None), as_list(3.0)
    (['Cats', 'Pets'], ['Cats'], [], ['3'])
    >>> as_list("['bird', 'animal']"), as_list('["bird", 1]'), as_list("['bird' 'animal']"), as_list("(red)")
    (['bird', 'animal'], ['bird', '1'], ['bird', 'animal'], ['(red)'])
    """
    if isinstance(value, str):
        value = _written_list(value.strip())
    elif not isinstance(value, (list, tuple, set)):
        value = value.tolist() if hasattr(value, "tolist") else [value]
    items = value if isinstance(value, Iterable) else [value]
    return list(dict.fromkeys(text for item in items if (text := _item(item))))


def _item(item: Any) -> str:
    if isinstance(item, (list, tuple, set, dict)):
        raise UserError(
            f"a list must hold texts or numbers, but one holds {str(item)[:60]!r}; write items side by side"
        )
    return text_of(item)


def _written_list(text: str) -> Iterable[Any]:
    """The items of a list that is written as text."""
    if text[:1] not in ENDS or not text.endswith(ENDS[text[:1]]):
        return text.split("|")
    if len(text) > LONGEST_LIST:
        raise UserError(
            f"a list must have at most {LONGEST_LIST:,} characters, but one has {len(text):,}; shorten it"
        )
    if NUMPY_LIST.fullmatch(text):
        return [one or other for one, other in QUOTED.findall(text)]
    for read in (json.loads, ast.literal_eval):
        try:
            found = read(text)
        except (ValueError, SyntaxError, MemoryError, RecursionError):
            continue
        if isinstance(found, (list, tuple, set)):
            return sorted(found, key=str) if isinstance(found, set) else found
    if text.startswith("["):
        raise UserError(
            f'a list must be written like a|b or ["a", "b"], but one is {text[:60]!r}; write it again'
        )
    return text.split("|")


def number_of(value: Any) -> float | None:
    """A cell as a number, None where it says nothing; a decimal comma is one. UserError for anything else.

    >>> number_of("0.9"), number_of("0,9"), number_of(""), number_of("nan"), number_of(1)
    (0.9, 0.9, None, None, 1.0)
    """
    text = text_of(value)
    if not re.fullmatch(r"[+-]?(\d+[.,]?\d*|[.,]\d+)([eE][+-]?\d+)?", text, re.ASCII):
        if text.lower() in ("", "nan", "na", "none", "null"):
            return None
        raise UserError(f"a score must be a number, but one is {text[:60]!r}; correct it")
    return float(text.replace(",", "."))


def one_hot(columns: dict[str, list[Any]]) -> dict[str, list[bool]]:
    """Of columns of cells those that only say yes or no: name -> whether, row by row.

    >>> one_hot({"fox": ["1", "0"], "bird": [True, ""], "year": ["1984", "1"], "note": ["", ""]})
    {'fox': [True, False], 'bird': [True, False]}
    """
    found = {}
    for name, cells in columns.items():
        said = [None if isinstance(cell, list) else text_of(cell).lower() for cell in cells]
        if set(said) <= TRUE | FALSE and not set(said) <= {""}:
            found[name] = [cell in TRUE for cell in said]
    return found


def add_one_hot(columns: dict[str, list[Any]], others: Iterable[str]) -> int:
    """Where there is no column `labels`, make it of columns of 0 and 1 but `others`; how many labels that is.

    Of two columns at least: one alone may say anything.

    >>> columns = {"path": ["a", "b"], "fox": ["1", "0"], "bird": ["1", "0"]}
    >>> add_one_hot(columns, ["path"]), columns["labels"]
    (2, [['fox', 'bird'], []])
    """
    if "labels" in columns:
        return 0
    found = one_hot({name: cells for name, cells in columns.items() if name not in others})
    if len(found) < 2:
        return 0
    rows = zip(*found.values(), strict=True)
    columns["labels"] = [[name for name, yes in zip(found, row, strict=True) if yes] for row in rows]
    return len(found)
