"""Fetching over HTTP politely: one session for everything, every answer bounded in size and time."""

import threading
import time
from collections.abc import Mapping
from typing import NamedTuple
from urllib.parse import urljoin, urlsplit

import requests
from requests.adapters import HTTPAdapter
from urllib3.exceptions import HTTPError

from wikitopics.sources.online.manners import Manners
from wikitopics.sources.online.pace import Pace, Patience, hold

BLOCK = 64 << 10  # bytes read at once
MAX_REDIRECTS = 5


class Answer(NamedTuple):
    """What a server said: status, headers, body (bytes, decoded), and how often it was asked."""

    status: int
    headers: Mapping[str, str]
    body: bytes
    attempts: int


class Failed(Exception):
    """No usable answer: `reason` is a code word, `detail` says more, `attempts`: how often it was tried."""

    def __init__(self, reason: str, detail: str = "", attempts: int = 1):
        super().__init__(reason, detail)
        self.reason, self.detail, self.attempts = reason, detail, attempts


class Client:
    """A polite client for several threads; `manners` are kept over all of them. Close it when done.

    Connections are kept open and used again. Raises UserError where manners.contact is no address.
    """

    def __init__(self, manners: Manners):
        self.manners, self.pace = manners, Pace(manners)
        self._slots = threading.BoundedSemaphore(manners.connections)
        self._session = requests.Session()
        self._session.headers["User-Agent"] = manners.user_agent()
        self._session.trust_env = False  # no password of ~/.netrc is sent, no proxy is used unasked
        adapter = HTTPAdapter(pool_maxsize=manners.connections, max_retries=Patience.of(manners, self.pace))
        self._session.mount("http://", adapter)
        self._session.mount("https://", adapter)

    def __enter__(self) -> "Client":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Whoever waits stops waiting (Stopped); connections are closed."""
        self.pace.stop()
        self._session.close()

    def fetch(self, url: str, max_bytes: int, form: dict | None = None, json: dict | None = None) -> Answer:
        """GET, or POST a form or JSON; answers that break off are asked for again, as often as manners say.

        Redirects are followed on the same host only. Raises Failed, ToldToWait (the run should end) or
        Stopped. Any status below 500 but 429 is an answer, not a failure.
        """
        attempts, broken = 0, Failed("unreachable")
        for turn in range(self.manners.attempts):
            if turn:
                hold(self.pace, self.manners, turn)
            try:
                answer = self._once(url, max_bytes, form, json)
                return answer._replace(attempts=attempts + answer.attempts)
            except Failed as failure:
                attempts, broken = attempts + failure.attempts, failure
                if failure.reason not in ("interrupted", "too slow"):
                    break
        raise Failed(broken.reason, broken.detail, attempts)

    def _once(self, url: str, max_bytes: int, form: dict | None, json: dict | None) -> Answer:
        """One answer, busy servers and refused connections already tried again by urllib3."""
        with self._slots:
            for _ in range(MAX_REDIRECTS):
                self.pace.wait()
                with self._request(url, form, json) as response:
                    attempts = len(response.raw.retries.history) + 1 if response.raw.retries else 1
                    if response.status_code in (429, 500, 502, 503, 504):
                        raise Failed("busy", f"status {response.status_code} {response.reason}", attempts)
                    if response.is_redirect:
                        url = same_host(url, response.headers["Location"])
                        continue
                    return Answer(
                        response.status_code, response.headers, self._body(response, max_bytes), attempts
                    )
        raise Failed("redirected in circles", url)

    def _request(self, url: str, form: dict | None, json: dict | None) -> requests.Response:
        method, timeout = ("GET" if form is None and json is None else "POST"), self.manners.timeout
        try:
            return self._session.request(
                method, url, data=form, json=json, stream=True, allow_redirects=False, timeout=timeout
            )
        except requests.RequestException as error:
            raise Failed("unreachable", _short(error), self.manners.attempts) from None

    def _body(self, response: requests.Response, max_bytes: int) -> bytes:
        """All bytes of the answer, if they come fast enough and are not too many."""
        declared = response.headers.get("Content-Length", "")
        if declared.isdigit() and int(declared) > max_bytes:
            raise Failed("too large", f"{int(declared):,} bytes, limit {max_bytes:,}")
        began, body = time.monotonic(), bytearray()
        try:
            while block := response.raw.read1(BLOCK, decode_content=True):
                body += block
                self.pace.spend(len(block))
                if len(body) > max_bytes:
                    raise Failed("too large", f"more than {max_bytes:,} bytes")
                patience = self.manners.timeout + len(body) / self.manners.slowest
                if time.monotonic() - began > patience:
                    raise Failed("too slow", f"{len(body):,} bytes in {time.monotonic() - began:.0f} s")
        except (HTTPError, OSError) as error:  # reset, timeout, fewer bytes than declared, bad encoding
            raise Failed("interrupted", _short(error)) from None
        return bytes(body)


def same_host(url: str, location: str) -> str:
    """Where a redirect leads, if that is on the same host and not less safe; raises Failed.

    >>> same_host("https://commons.wikimedia.org/a", "/b")
    'https://commons.wikimedia.org/b'
    """
    target = urljoin(url, location)
    old, new = urlsplit(url), urlsplit(target)
    if new.hostname != old.hostname or (old.scheme, new.scheme) == ("https", "http"):
        raise Failed("redirected elsewhere", target[:200])
    if new.port != old.port and old.scheme == new.scheme:
        raise Failed("redirected elsewhere", target[:200])
    return target


def _short(error: Exception) -> str:
    return f"{type(error).__name__}: {error}"[:200]
