"""A model of the rules that Wikimedia's servers hold clients to."""

import re
from collections import Counter, deque

from proxy_replies import Reply, Seen
from wikitopics.sources.online.wiki_pages import STEPS

GENERIC = re.compile(r"(python-requests|Python-urllib|curl|Wget|Java|Go-http-client)\b", re.IGNORECASE)


class Cdn:
    """A model of the rules of Wikimedia's servers: agents, standard widths, `rate` pictures a `window`."""

    def __init__(self, rate: int = 10_000, window: float = 1.0):
        self.rate, self.window = rate, window
        self.times: deque[float] = deque()
        self.refused: Counter[str] = Counter()

    def __call__(self, seen: Seen) -> Reply | None:
        """429 or 403 where a rule is broken."""
        if not seen.agent or (GENERIC.match(seen.agent) and "@" not in seen.agent and "//" not in seen.agent):
            self.refused["agent"] += 1
            return Reply(403, body=b"Please set a user-agent")
        width = re.search(r"/thumb/.*/(?:[a-z0-9-]+-)?(\d+)px-", seen.path)
        if width and int(width[1]) not in STEPS:
            self.refused["width"] += 1
            return Reply(429, {"Retry-After": 10}, b"Use thumbnail steps")
        return self._too_many(seen) if seen.media else None

    def _too_many(self, seen: Seen) -> Reply | None:
        while self.times and self.times[0] < seen.began - self.window:
            self.times.popleft()
        if len(self.times) >= self.rate:
            self.refused["rate"] += 1
            return Reply(429, {"Retry-After": 1}, b"Too many requests")
        self.times.append(seen.began)
        return None
