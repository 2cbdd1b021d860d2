"""Cards filled from templates. Text from elsewhere stays text: nothing in it becomes a mark or a tag."""

import re
from functools import cache
from typing import Any

import jinja2
from markupsafe import Markup as Markdown  # what is Markdown already; templates and their macros give it

MISSING = Markdown("missing")
_MARKS = re.compile(r"([\\`*_\[\]|~#!$@^{}])")
_ENTITY = re.compile(r"&(?=[#\w])")
MANY = 8  # items of a list that are told
WHOLE = ("|", "#", "- ", "```")  # how parts begin whose lines are not joined


def filled(template: str, **given: Any) -> str:
    """A template of this package as a page of Markdown, each value escaped by `cell`; empty parts left out.

    Lines of a paragraph are joined, so that no value can begin one.
    """
    parts = re.split(r"\n{2,}", _templates().get_template(template).render(given).strip())
    return "\n\n".join(part if part.startswith(WHOLE) else part.replace("\n", " ") for part in parts) + "\n"


@cache
def _templates() -> jinja2.Environment:
    """Escaping is Markdown's: `finalize` sees every value first and marks what it gives as done."""
    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("wikitopics.export"),
        autoescape=True,
        finalize=cell,
        trim_blocks=True,
        lstrip_blocks=True,
        undefined=jinja2.StrictUndefined,
    )
    environment.globals |= {"between": between}
    environment.filters |= {"code": code, "in_one_line": in_one_line}
    return environment


def cell(value: Any) -> Markdown:
    r"""One value as Markdown: numbers with three places or thousands, None as "missing", text escaped.

    >>> [str(cell(value)) for value in (0.12345, 12345, None, "a|b <i>")]
    ['0.123', '12,345', 'missing', 'a\\|b &lt;i&gt;']
    """
    if isinstance(value, Markdown):
        return value
    if value is None or value != value:
        return MISSING
    if isinstance(value, float):
        return Markdown(f"{value:.3f}")
    if isinstance(value, int) and not isinstance(value, bool):
        return Markdown(f"{value:,}")
    return Markdown(escaped(str(value)))


def escaped(text: str) -> str:
    r"""Foreign text for one line of Markdown: no mark, no tag, no link, no control character, no line break.

    >>> escaped("*a*\n[b](c) <d> www.e")
    '\\*a\\* \\[b\\](c) &lt;d&gt; www\\.e'
    """
    text = "".join(letter if letter.isprintable() else " " for letter in text)
    text = _ENTITY.sub(r"\\&", _MARKS.sub(r"\\\1", " ".join(text.split())))
    text = text.replace("<", "&lt;").replace(">", "&gt;")
    return text.replace("://", r"\://").replace("www.", r"www\.")  # no link of its own accord


def code(name: Any) -> Markdown:
    """A name in the type of code, where it is one of letters, digits and a few signs; else as `cell`.

    >>> str(code("commons-10_lite0")), str(code("a`b"))
    ('`commons-10_lite0`', 'a\\\\`b')
    """
    return Markdown(f"`{name}`") if re.fullmatch(r"[\w./-]+", str(name)) else cell(name)


def between(value: float | None, low: float | None, high: float | None, places: int = 3) -> Markdown:
    """A value with its interval.

    >>> str(between(0.5, 0.25, 0.75, 2)), str(between(0.5, None, None, 2))
    ('0.50 (0.25 to 0.75)', '0.50')
    """
    if value is None or value != value:
        return MISSING
    known = low is not None and high is not None and low == low
    return Markdown(f"{value:.{places}f}" + (f" ({low:.{places}f} to {high:.{places}f})" if known else ""))


def in_one_line(value: Any) -> str | None:
    """A value of a record as text; None where there is none.

    >>> in_one_line({"a": [1, 2], "b": True})
    'a 1, 2, b yes'
    """
    if value is None:
        return None
    if isinstance(value, dict):
        return ", ".join(f"{name} {in_one_line(item)}" for name, item in value.items())
    if isinstance(value, list):
        more = f" and {len(value) - MANY} more" if len(value) > MANY else ""
        return (", ".join(str(item) for item in value[:MANY]) + more) or "none"
    if isinstance(value, bool):
        return "yes" if value else "no"
    return f"{value:.6g}" if isinstance(value, float) else str(value)
