"""Text and tables in Markdown. Text from elsewhere stays text: nothing in it becomes a mark or a tag."""

import re
from collections.abc import Iterable, Sequence
from typing import Any

MISSING = "missing"
_MARKS = re.compile(r"([\\`*_\[\]|~#!$@^{}])")
_ENTITY = re.compile(r"&(?=[#\w])")


class Markdown(str):
    """Text that is Markdown already."""


def cell(value: Any) -> str:
    r"""One value as Markdown: numbers with three places or thousands, None as "missing", text escaped.

    >>> cell(0.12345), cell(12345), cell(None), cell("a|b <i>")
    ('0.123', '12,345', 'missing', 'a\\|b &lt;i&gt;')
    """
    if isinstance(value, Markdown):
        return value
    if value is None or value != value:
        return MISSING
    if isinstance(value, float):
        return f"{value:.3f}"
    if isinstance(value, int) and not isinstance(value, bool):
        return f"{value:,}"
    return escaped(str(value))


def escaped(text: str) -> str:
    r"""Foreign text for one line of Markdown: no mark, no tag, no link, no control character, no line break.

    >>> escaped("*a*\n[b](c) <d> www.e")
    '\\*a\\* \\[b\\](c) &lt;d&gt; www\\.e'
    """
    text = "".join(letter if letter.isprintable() else " " for letter in text)
    text = _ENTITY.sub(r"\\&", _MARKS.sub(r"\\\1", " ".join(text.split())))
    text = text.replace("<", "&lt;").replace(">", "&gt;")
    return text.replace("://", r"\://").replace("www.", r"www\.")  # no link of its own accord


def table(header: Sequence[str], rows: Iterable[Sequence[Any]]) -> str:
    """A table, columns of numbers to the right; a sentence where it has no row."""
    rows = [list(row) for row in rows]
    if not rows:
        return "The records have no such rows.\n"
    right = ["---:" if all(map(_is_number, column)) else "---" for column in zip(*rows, strict=True)]
    lines = [[*map(cell, header)], right, *([cell(value) for value in row] for row in rows)]
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) or value in (None, "")


def between(value: float | None, low: float | None, high: float | None, places: int = 3) -> Markdown:
    """A value with its interval.

    >>> between(0.5, 0.25, 0.75, 2), between(0.5, None, None, 2)
    ('0.50 (0.25 to 0.75)', '0.50')
    """
    if value is None or value != value:
        return Markdown(MISSING)
    known = low is not None and high is not None and low == low
    return Markdown(f"{value:.{places}f}" + (f" ({low:.{places}f} to {high:.{places}f})" if known else ""))


def document(title: str, sections: Iterable[tuple[str, Iterable[str]]]) -> str:
    """A page: its title, then sections with their heading and paragraphs; empty paragraphs are left out."""
    parts = [f"# {title}"]
    for heading, paragraphs in sections:
        parts += [f"## {heading}"] if heading else []
        parts += [paragraph.rstrip("\n") for paragraph in paragraphs if paragraph]
    return "\n\n".join(parts) + "\n"
