"""Questions to MediaWiki's Action API, politely: one at a time, in batches, answers complete."""

import hashlib
import json
import threading
import time
from collections import Counter
from collections.abc import Iterable, Iterator
from typing import Any, NamedTuple

from wikitopics.errors import UserError
from wikitopics.sources.online.answers import Needed, asked_pause, fitting, parsed
from wikitopics.sources.online.http import Answer, Client, Failed, hold

LATER = ("maxlag", "ratelimited", "readonly", "internal_api_error_DBQueryError")  # the same may succeed later

BATCH = 50  # titles a question
MAX_BYTES = 64 << 20  # of one answer
MAXLAG = 5  # seconds that a database copy may lag before we hold back
EMPTY_PARTS = 20  # of an answer one after the other that say nothing new; an honest wiki sends one or two
MOST_PARTS = 2_000  # of the answer about 50 titles: a million lines; what comes after is left out, and told

# What is read of an answer; each part of another shape is left out.
TITLED = {"title": Needed(str), "ns": (int, str)}
META = {"value": (str, float)}
INFO = {
    **dict.fromkeys(("url", "thumburl", "sha1", "mime", "mediatype"), str),
    **dict.fromkeys(("size", "width", "height"), int),
    "extmetadata": {"Artist": META, "LicenseShortName": META},
}
PAGE = {
    **TITLED,
    "imageinfo": [INFO],
    **dict.fromkeys(("categories", "templates", "links", "fileusage"), [TITLED]),
    "globalusage": [{**TITLED, "wiki": str}],
    "categoryinfo": {"hidden": bool},
    "cirrusdoc": [{"source": {"weighted_tags": [str]}}],
}
STEP = {"from": Needed(str), "to": Needed(str)}
VALUE = {"id": str, "entity-type": str, "numeric-id": int}
STATEMENT = {
    "mainsnak": Needed({"snaktype": Needed(str), "datavalue": {"value": VALUE}}),
    "rank": Needed(str),
}
ENTITY = {
    "title": str,
    "missing": (str, bool),
    "statements": {"P180": [STATEMENT]},
    "sitelinks": {str: {"title": Needed(str)}},
    "labels": {str: {"value": Needed(str)}},
    "redirects": STEP,
}
SAID = {
    "query": {
        "pages": ([PAGE], {str: PAGE}),
        **dict.fromkeys(("normalized", "redirects"), [STEP]),
        "categorymembers": [TITLED],
    },
    "entities": {str: ENTITY},
    "continue": {str: (str, int)},
    "error": ({"code": str, "info": str}, str),
    "warnings": {str: ({"warnings": str}, str)},
}


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
    """The answer decoded and "", or {} and why it must be asked for again; UserError for a refusal.

    Of the answer only what has the shape SAID is left; pages are a list, in whatever form they came.
    """
    try:
        said = parsed(answer.body)
    except ValueError:
        return {}, f"status {answer.status}, {answer.body[:60]!r}"
    if not isinstance(said, dict) or not said.keys() & {
        "query",
        "batchcomplete",
        "error",
        "continue",
        "entities",
    }:
        return {}, f"an answer without content, {answer.body[:60]!r}"
    told = said.get("error") is not None
    said = fitting(said, SAID)
    if told:
        return {}, _refused(said.get("error", ""))
    pages = said.get("query", {}).get("pages")
    if isinstance(pages, dict):  # as MediaWiki's older form of answers has them
        said["query"]["pages"] = list(pages.values())
    return said, ""


def _refused(error: dict | str) -> str:
    """Why to ask again, in words; raises Refusal where that would not help."""
    code, info = (error.get("code", ""), error.get("info", "")) if isinstance(error, dict) else ("", error)
    if not code or code in LATER:
        return f"{code or 'an error without a code'}: {info[:100]}"
    raise Refusal(
        code,
        f"the API must accept the question, but refuses it ({code[:100]}: {info[:200]}); "
        "check the address and the names asked for",
    )


def merge(known: dict, page: dict) -> None:
    """Add to a page what a continuation says about it; lists that were cut are joined again."""
    for key, value in page.items():
        if isinstance(value, list) and key in known:
            known[key].extend(value)
        else:
            known[key] = value


def each_once(page: dict) -> dict:
    """The page with every item of its lists once."""
    lists = {key: value for key, value in page.items() if isinstance(value, list)}
    return page | {key: list({repr(item): item for item in items}.values()) for key, items in lists.items()}


def _digest(value: dict) -> bytes:
    return hashlib.blake2b(json.dumps(value, sort_keys=True).encode(), digest_size=16).digest()


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
        for number, said in enumerate(self._continued({**parameters, "titles": "|".join(titles)})):
            for step in ("normalized", "redirects"):
                renamed.update({row["from"]: row["to"] for row in said.get(step, [])})
            for page in said.get("pages", []):
                merge(merged.setdefault(page["title"], {}), page)
            if number + 1 == MOST_PARTS:
                self.warnings[f"answers of more than {MOST_PARTS:,} parts, cut off there"] += 1
                break
        return Pages(titles, [each_once(page) for page in merged.values()], renamed)

    def _continued(self, parameters: dict[str, Any]) -> Iterator[dict]:
        """The part "query" of an answer and of all its continuations.

        UserError if they go in a circle, or on and on without saying anything new.
        """
        following: dict[str, str | int] = {}
        asked_before, said_before, empty = set(), set(), 0
        while True:
            said = self.ask({"action": "query", **parameters, **following})
            yield (query := said.get("query", {}))
            following = said.get("continue", {})
            if not following:
                return
            content, mark = _digest(query), _digest(following)
            empty = empty + 1 if content in said_before else 0
            if mark in asked_before:
                raise self._endless(f"continues in a circle at {json.dumps(following)[:100]}")
            if empty == EMPTY_PARTS:
                raise self._endless(f"says nothing new in {empty} parts")
            said_before.add(content)
            asked_before.add(mark)

    def _endless(self, why: str) -> UserError:
        return UserError(
            f"an answer of the API must come to an end, but {self.address} {why}; try again later or ask for "
            "less"
        )

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
                f"({failure.detail or failure.reason}); check the address "
                "and the network; what is already here is kept"
            ) from None

    def _remember_warnings(self, said: dict) -> None:
        for module, warning in said.get("warnings", {}).items():
            text = warning.get("warnings", "") if isinstance(warning, dict) else warning
            self.warnings[f"API warning of {module[:100]}: {text[:160]}"] += 1
