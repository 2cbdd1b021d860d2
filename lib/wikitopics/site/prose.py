"""Markdown of notebooks as HTML: headings in order with anchors, links that lead somewhere, no raw HTML."""

import html
import re
from collections.abc import Callable
from dataclasses import dataclass, field

import mistune

Resolve = Callable[[str], str | None]  # a link's address -> where it leads from this page, or None


@dataclass
class Outline:
    """The headings of one page so far: what the table of contents lists, and which level may come next."""

    headings: list[tuple[int, str, str]] = field(default_factory=list)  # level, anchor, text as HTML
    anchors: set[str] = field(default_factory=set)
    level: int = 0

    def add(self, text: str, level: int) -> tuple[int, str]:
        """Take a heading in; its level without jumps, and its anchor. Only the first is of level 1."""
        level = 1 if not self.level else min(max(level, 2), self.level + 1)
        anchor = unique(slug(re.sub(r"<[^>]*>", "", text)), self.anchors)
        self.headings.append((level, anchor, text))
        self.level = level
        return level, anchor

    @property
    def section(self) -> str:
        """The heading that we are under, as HTML without links."""
        return re.sub(r"</?a\b[^>]*>", "", self.headings[-1][2]) if self.headings else ""


def slug(text: str) -> str:
    """A heading as an anchor.

    >>> slug("Who learns, who chooses?")
    'who-learns-who-chooses'
    """
    return re.sub(r"[^\w]+", "-", html.unescape(text).lower()).strip("-") or "section"


def unique(name: str, taken: set[str]) -> str:
    """`name`, or `name-2` and so on where it is taken; it is taken from now on.

    >>> unique("a", {"a", "a-2"})
    'a-3'
    """
    wanted, number = name, 1
    while wanted in taken:
        number += 1
        wanted = f"{name}-{number}"
    taken.add(wanted)
    return wanted


class Renderer(mistune.HTMLRenderer):
    """HTML of one page's Markdown.

    `caption` gives the next table's caption as HTML; `run` is said beside the page's one first heading.
    """

    def __init__(self, outline: Outline, resolve: Resolve, caption: Callable[[], str], run: str = "") -> None:
        super().__init__(escape=True)
        self.outline, self.resolve, self.caption, self.run = outline, resolve, caption, run

    def text(self, text: str) -> str:
        """Words, in which an entity is the letter it stands for, as everywhere in Markdown."""
        return html.escape(html.unescape(text))

    def heading(self, text: str, level: int, **_: object) -> str:
        """A heading, with a link to itself unless it is the page's title."""
        level, anchor = self.outline.add(text, level)
        if level == 1:
            said = f' <span class="run">{html.escape(self.run)}</span>' if self.run else ""
            return f'<h1 id="{anchor}">{text}{said}</h1>\n'
        label = html.escape(html.unescape(re.sub(r"<[^>]*>", "", text)))
        link = f'<a class="anchor" href="#{anchor}" aria-label="Link to the section: {label}">#</a>'
        return f'<h{level} id="{anchor}">{text} {link}</h{level}>\n'

    def link(self, text: str, url: str, title: str | None = None) -> str:
        """A link that leads somewhere, or else its text."""
        target = self.resolve(url)
        return text if target is None else f'<a href="{html.escape(target)}">{text}</a>'

    def image(self, text: str, url: str, title: str | None = None) -> str:
        """The site holds what cells put out, no other pictures: the alternative text."""
        return f"<em>{html.escape(text)}</em>"

    def table(self, text: str) -> str:
        """A table, numbered like those that cells put out."""
        return f'<div class="table"><table><caption>{self.caption()}</caption>{text}</table></div>\n'

    def table_cell(self, text: str, align: str | None = None, head: bool = False) -> str:
        """A cell; those of the first row are headers of their columns."""
        return f'<th scope="col">{text}</th>' if head else f"<td>{text}</td>"


def markdown(source: str, renderer: Renderer) -> str:
    """One Markdown cell as HTML."""
    render = mistune.create_markdown(renderer=renderer, plugins=["table", "strikethrough"])
    return str(render(source))
