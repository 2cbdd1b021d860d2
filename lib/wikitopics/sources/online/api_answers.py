"""What MediaWiki's Action API answers: pages in batches, refusals, and what is no answer at all."""

import json
from collections.abc import Iterator
from typing import NamedTuple

from wikitopics.errors import UserError
from wikitopics.sources.online.web import Answer

LATER = ("maxlag", "ratelimited", "readonly", "internal_api_error_DBQueryError")  # the same may succeed later


class Refusal(UserError):
    """The API refuses a question; `code` is its own word for why."""

    def __init__(self, code: str, sentence: str):
        super().__init__(sentence)
        self.code = code


class Pages(NamedTuple):
    """What a wiki says of titles: those asked; pages: a dict each; renamed: title -> the next it leads to."""

    asked: list[str]
    pages: list[dict]
    renamed: dict[str, str]

    def found(self) -> Iterator[tuple[str, dict]]:
        """Each title asked for with its page, however often renamed; those without one are left out."""
        by_title = {page["title"]: page for page in self.pages}
        for title in self.asked:
            now, steps = title, 0
            while now in self.renamed and steps <= len(self.renamed):  # redirects may go in circles
                now, steps = self.renamed[now], steps + 1
            if now in by_title:
                yield title, by_title[now]


def understood(answer: Answer) -> tuple[dict, str]:
    """The answer decoded and "", or {} and why it must be asked for again; UserError for a refusal."""
    try:
        said = json.loads(answer.body)
    except ValueError:
        return {}, f"status {answer.status}, {answer.body[:60]!r}"
    if not isinstance(said, dict) or not said.keys() & {"query", "batchcomplete", "error", "continue"}:
        return {}, f"an answer without content, {answer.body[:60]!r}"
    error = said.get("error")
    if error is None:
        return said, ""
    if error.get("code") in LATER:
        return {}, f"{error['code']}: {error.get('info', '')[:100]}"
    raise Refusal(
        error.get("code", ""),
        f"the API must accept the question, but refuses it "
        f"({error.get('code')}: {error.get('info', '')[:200]}); check the address and the names asked for",
    )


def merge(known: dict, page: dict) -> None:
    """Add to a page what a continuation says about it; lists that were cut are joined again."""
    for key, value in page.items():
        if isinstance(value, list) and isinstance(known.get(key), list):
            known[key] = known[key] + [item for item in value if item not in known[key]]
        else:
            known[key] = value


def bare(title: str) -> str:
    """A title without its namespace.

    >>> bare("File:A: b.jpg"), bare("Category:Cats")
    ('A: b.jpg', 'Cats')
    """
    return title.split(":", 1)[1]
