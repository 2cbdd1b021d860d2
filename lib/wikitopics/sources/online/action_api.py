"""Questions to MediaWiki's Action API, politely: one at a time, in batches, answers complete."""

import json
import threading
import time
from collections import Counter
from collections.abc import Iterable, Iterator
from typing import Any, NamedTuple

from wikitopics.errors import UserError
from wikitopics.sources.online.http import Answer, Client, Failed, asked_pause, hold

LATER = ("maxlag", "ratelimited", "readonly", "internal_api_error_DBQueryError")  # the same may succeed later

BATCH = 50  # titles a question
MAX_BYTES = 64 << 20  # of one answer
MAXLAG = 5  # seconds that a database copy may lag before we hold back


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
    if not isinstance(error, dict):
        return {}, f"an error without a code, {str(error)[:60]!r}"
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
    """A title as the wiki writes it without its namespace; one of the main namespace has none.

    >>> bare("File:A: b.jpg"), bare("Category:Cats"), bare("Red fox")
    ('A: b.jpg', 'Cats', 'Red fox')
    """
    return title.partition(":")[2] or title


class ActionApi:
    """The API at `address` (…/w/api.php); `warnings` counts what it remarked on."""

    def __init__(self, client: Client, address: str):
        self.client, self.address = client, address
        self.warnings: Counter[str] = Counter()
        self._turn = threading.Lock()  # one question at a time

    def pages(self, titles: Iterable[str], **parameters: Any) -> Iterator[Pages]:
        """What the wiki says about titles, 50 at a time, redirects followed; in the order of the batches."""
        titles = list(dict.fromkeys(titles))
        for start in range(0, len(titles), BATCH):
            yield self._complete(titles[start : start + BATCH], redirects=1, **parameters)

    def members(self, category: str, **parameters: Any) -> Iterator[list[dict]]:
        """The members of a category (title with namespace, ns), page after page of the answer."""
        asked = {"list": "categorymembers", "cmtitle": f"Category:{category}", "cmlimit": "max"}
        for said in self._continued({**asked, **parameters}):
            yield said.get("categorymembers", [])

    def _complete(self, titles: list[str], **parameters: Any) -> Pages:
        """All continuations of one batch of titles as one answer; lists that were cut are joined again."""
        merged: dict[str, dict] = {}
        renamed: dict[str, str] = {}
        for said in self._continued({**parameters, "titles": "|".join(titles)}):
            for step in ("normalized", "redirects"):
                renamed.update({row["from"]: row["to"] for row in said.get(step, [])})
            pages = said.get("pages", [])
            for page in pages.values() if isinstance(pages, dict) else pages:  # a dict in the older form
                merge(merged.setdefault(page.get("title", ""), {}), page)
        return Pages(titles, list(merged.values()), renamed)

    def _continued(self, parameters: dict[str, Any]) -> Iterator[dict]:
        """The part "query" of an answer and of all its continuations. UserError if they go in a circle."""
        following: dict[str, str] = {}
        seen = set()
        while True:
            said = self.ask({"action": "query", **parameters, **following})
            yield said.get("query", {})
            following = said.get("continue", {})
            if not following:
                return
            mark = json.dumps(following, sort_keys=True)
            if mark in seen:
                raise UserError(
                    f"an answer of the API must come to an end, but {self.address} continues in a circle at "
                    f"{mark[:100]}; try again later or ask for less"
                )
            seen.add(mark)

    def ask(self, parameters: dict[str, Any]) -> dict:
        """One answer, decoded. Waits and asks again while the wiki is behind or talks nonsense.

        Raises UserError where it goes on doing so, or refuses the question.
        """
        asked = {"format": "json", "formatversion": "2", "maxlag": str(MAXLAG), **parameters}
        with self._turn:
            trouble = ""
            for turn in range(self.client.manners.attempts):
                began = time.monotonic()
                answer = self._fetch(asked)
                said, trouble = understood(answer)
                slow = time.monotonic() - began > 1
                manners = self.client.manners
                self.client.pace.sleep(manners.slow_pause if slow else manners.api_pause)
                if not trouble:
                    self._remember_warnings(said)
                    return said
                hold(self.client.pace, self.client.manners, turn + 1, asked_pause(answer.headers))
        raise UserError(
            f"the API at {self.address} must answer with JSON, but did not in {turn + 1} attempts "
            f"({trouble}); check the address, or try again later"
        )

    def _fetch(self, asked: dict[str, Any]) -> Answer:
        try:
            return self.client.fetch(self.address, MAX_BYTES, form=asked)
        except Failed as failure:
            raise UserError(
                f"the API at {self.address} must be reachable, but is not "
                f"({failure.reason}: {failure.detail}); check the address "
                "and the network; what is already here is kept"
            ) from None

    def _remember_warnings(self, said: dict) -> None:
        for module, warning in said.get("warnings", {}).items():
            text = warning.get("warnings", warning) if isinstance(warning, dict) else warning
            self.warnings[f"API warning of {module}: {str(text)[:160]}"] += 1
