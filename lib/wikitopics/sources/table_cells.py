"""Cells of tables that people bring: texts that stay what they are, and lists however they are written."""

import ast
import json
import math
import re
import unicodedata
from collections import Counter
from collections.abc import Iterable
from typing import Any

from wikitopics.errors import UserError

LONGEST_LIST = 100_000  # characters of one list written as text
NUMPY_LIST = re.compile(r"""\[\s*(?:(?:'[^']*'|"[^"]*")\s*)*\]""")  # ['a' 'b'], as NumPy prints them
QUOTED = re.compile(r"""'([^']*)'|"([^"]*)\"""")
ENDS = {"[": "]", "(": ")", "{": "}"}
TRUE = {"1", "1.0", "1,0", "true", "t", "yes", "y", "x", "✓", "✔", "wahr", "ja", "vrai", "oui"}
MISSING = {"", "na", "nan", "null", "none"}
FALSE = {"0", "0.0", "0,0", "false", "f", "no", "n", "falsch", "nein", "faux", "non"}
INVISIBLE = "\u200b\u2060\ufeff\u200e\u200f"  # blanks without width, marks of direction
FORMULA = ("=", "+", "-", "@", "\t", "\r")  # how a cell begins that spreadsheets compute


def without_formula(cell: Any) -> Any:
    """A cell that no spreadsheet computes: strangers wrote titles and creators.

    >>> without_formula("=1+1"), without_formula("Owl"), without_formula(-3)
    ("'=1+1", 'Owl', -3)
    """
    return f"'{cell}" if isinstance(cell, str) and cell.startswith(FORMULA) else cell


def stripped(text: str) -> str:
    """A text without blanks around it, those that nobody sees among them.

    >>> stripped("\\ufeff fox\\u200b ")
    'fox'
    """
    return text.strip() if text.isascii() else text.strip().strip(INVISIBLE).strip()


def text_of(value: Any) -> str:
    """A cell as text without blanks around; "" where it says nothing. Whole numbers stay whole.

    >>> [text_of(value) for value in (" fox ", 3.0, 7, True, None, float("nan"), "007", "NA")]
    ['fox', '3', '7', 'True', '', '', '007', 'NA']
    """
    if isinstance(value, str):
        return stripped(value)
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
    """A cell's list, each item once, in its order: a list, a text divided by | or lines, or a list as text.

    JSON's lists and Python's, as pandas writes them, are read, never run. Letters with marks are composed
    (NFC). Raises UserError for a text in brackets that is neither, and for lists of lists.

    >>> as_list("Cats| Pets |Cats|"), as_list(["Cats", None]), as_list(None), as_list(3.0)
    (['Cats', 'Pets'], ['Cats'], [], ['3'])
    >>> as_list("['bird', 'animal']"), as_list('["bird", 1]'), as_list("['bird' 'animal']"), as_list("(red)")
    (['bird', 'animal'], ['bird', '1'], ['bird', 'animal'], ['(red)'])
    """
    if isinstance(value, str):
        value = _written_list(stripped(value))
    elif not isinstance(value, (list, tuple, set)):
        value = value.tolist() if hasattr(value, "tolist") else [value]
    items = value if isinstance(value, Iterable) else [value]
    return list(dict.fromkeys(text for item in items if (text := _item(item))))


def _item(item: Any) -> str:
    if isinstance(item, (list, tuple, set, dict)):
        raise UserError(
            f"a list must hold texts or numbers, but one holds {str(item)[:60]!r}; write items side by side"
        )
    return unicodedata.normalize("NFC", text_of(item))


def _written_list(text: str) -> Iterable[Any]:
    """The items of a list that is written as text."""
    if text[:1] not in ENDS or not text.endswith(ENDS[text[:1]]):
        return _divided(text)
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
        if isinstance(found, dict):
            return [found]  # refused as an item
    if text.startswith("["):
        raise UserError(
            f'a list must be written like a|b or ["a", "b"], but one is {text[:60]!r}; write it again'
        )
    return _divided(text)


def _divided(text: str) -> list[str]:
    """The items of a text that are divided by |, or stand in lines of their own as in a spreadsheet."""
    return re.split(r"[|\n\r]", text)


def check_divided(name: str, cells: Iterable[Any], never: str = ";", perhaps: str = ",") -> None:
    """UserError where a text of a column of lists is several items, divided by another mark than |.

    A mark of `never` belongs to no name. One of `perhaps` may: it divides where one of the parts is an item
    elsewhere, or each of them is part of another text too.

    >>> check_divided("labels", ["Paris, Texas", "Houston, Texas", '["a; b"]', "a"])
    >>> check_divided("labels", ["fox, owl", "fox"])
    Traceback (most recent call last):
    ...
    wikitopics.errors.UserError: items of labels must be divided by |, but one cell is 'fox, owl'; write \
fox|owl, or ["fox, owl"] where that is one item
    """
    texts = {cell for cell in cells if isinstance(cell, str) and cell[:1] not in ENDS}
    items = {item for text in texts for item in as_list(text)}
    marks = re.compile(f"[{never}{perhaps}]")
    parts = {item: list(map(stripped, marks.split(item))) for item in items if marks.search(item)}
    met = Counter(part for several in parts.values() for part in set(several))
    for item, several in sorted(parts.items()):
        if set(item) & set(never) or not items.isdisjoint(several) or all(met[part] > 1 for part in several):
            quoted = json.dumps([item], ensure_ascii=False)[:60]
            raise UserError(
                f"items of {name} must be divided by |, but one cell is {item[:60]!r}; write "
                f"{'|'.join(several)[:60]}, or {quoted} where that is one item"
            )


def in_capitals(lists: Iterable[Iterable[str]]) -> int:
    """How many names of lists differ from another only in capitals, which may be slips.

    >>> in_capitals([["Fox", "owl"], ["fox"]])
    1
    """
    names = {name for names in lists for name in names}
    return len(names) - len({name.casefold() for name in names})


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


def yes_or_no(name: str, cell: Any) -> bool:
    """Whether a cell says yes, in any of the words of TRUE; UserError, naming the column, for another word.

    >>> yes_or_no("hidden", "WAHR"), yes_or_no("hidden", 1.0), yes_or_no("hidden", "")
    (True, True, False)
    """
    said = text_of(cell).lower()
    if said not in TRUE | FALSE | MISSING:
        raise UserError(f"the column {name} must say 1 or 0, but one cell says {said[:60]!r}; correct it")
    return said in TRUE


def one_hot(columns: dict[str, list[Any]]) -> dict[str, list[bool]]:
    """Of columns of cells those that only say yes or no: name -> whether, row by row.

    >>> one_hot({"fox": ["1", "0"], "bird": [True, ""], "year": ["1984", "1"], "note": ["", ""]})
    {'fox': [True, False], 'bird': [True, False]}
    """
    found = {}
    for name, cells in columns.items():
        said = [None if isinstance(cell, list) else text_of(cell).lower() for cell in cells]
        if set(said) <= TRUE | FALSE | MISSING and not set(said) <= MISSING:
            found[name] = [cell in TRUE for cell in said]
    return found


def add_one_hot(columns: dict[str, list[Any]], others: Iterable[str]) -> list[str]:
    """Where there is no column `labels`, make it of columns of yes and no but `others`; the names of these.

    Of two columns at least: one alone may say anything.

    >>> columns = {"path": ["a", "b"], "fox": ["1", "0"], "bird": ["x", ""]}
    >>> add_one_hot(columns, ["path"]), columns["labels"]
    (['fox', 'bird'], [['fox', 'bird'], []])
    """
    if "labels" in columns:
        return []
    found = one_hot({name: cells for name, cells in columns.items() if name not in others})
    if len(found) < 2:
        return []
    rows = zip(*found.values(), strict=True)
    columns["labels"] = [[name for name, yes in zip(found, row, strict=True) if yes] for row in rows]
    return list(found)
