"""Fetching over HTTP politely: who we say we are, one pace, every answer bounded."""

import re
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from typing import NamedTuple
from urllib.parse import urljoin, urlsplit

import requests
from requests.adapters import HTTPAdapter
from urllib3 import BaseHTTPResponse
from urllib3.exceptions import HTTPError
from urllib3.util import Retry

from wikitopics import __version__
from wikitopics.errors import UserError

BUSY = (429, 500, 502, 503, 504)  # answers after which the same request may succeed
BURST = 0.25  # seconds of traffic that may come at once

BLOCK = 64 << 10  # bytes read at once
MAX_REDIRECTS = 5


# --- How we behave towards the servers of others: who we say we are, how much at once, how long we wait


@dataclass(frozen=True)
class Manners:
    """Limits, by default those of Wikimedia's robot policy (wikitech.wikimedia.org/wiki/Robot_policy).

    contact: an e-mail or web address of the person who downloads. connections: requests at once, over all
    hosts. megabits: a second, over all connections. api_pause: seconds between two questions to an API;
    slow_pause: after one that took more than a second. attempts: for one answer. first_wait: seconds after
    the first failure, doubled with each further one; longest_wait: a server that asks for more ends the run.
    timeout: seconds without a byte. slowest: bytes a second; slower answers are given up after `timeout`.
    """

    contact: str
    connections: int = 2
    megabits: float = 25.0
    api_pause: float = 0.2
    slow_pause: float = 5.0
    attempts: int = 5
    first_wait: float = 5.0
    longest_wait: float = 600.0
    timeout: float = 30.0
    slowest: float = 10_000.0

    def user_agent(self) -> str:
        """Name, version, contact and library, as Wikimedia's policy asks for.

        >>> Manners("someone@example.org").user_agent().startswith("wikitopics/")
        True
        >>> Manners("").user_agent()
        Traceback (most recent call last):
        ...
        wikitopics.errors.UserError: contact must be an e-mail or web address at which you can be reached...
        """
        if not re.fullmatch(r"[!-~]*(\w@\w|https?://\w)[!-~]*", self.contact, re.ASCII):
            raise UserError(
                "contact must be an e-mail or web address at which you can be reached, since Wikimedia "
                f"refuses programs that do not say whose they are, but is {self.contact!r}; give yours"
            )
        return f"wikitopics/{__version__} ({self.contact}) requests/{requests.__version__}"


# --- Waiting: all connections of a client keep one pace, and all pause when a server asks one to


class Stopped(Exception):
    """The client was closed while it waited."""


class ToldToWait(Exception):
    """The server asks for a longer pause than `longest_wait`: nothing may be asked until then."""


class Pace:
    """One clock for all connections: pauses hold all of them, bytes are spent from one purse.

    All times are of the monotonic clock: it does not matter if somebody sets the computer's.
    """

    def __init__(self, manners: Manners):
        self._bytes_a_second = manners.megabits * 1e6 / 8
        self._lock = threading.Lock()
        self._stop = threading.Event()
        self._why: Exception = Stopped()
        self._quiet_until = self._paid_until = time.monotonic()

    def pause(self, seconds: float) -> None:
        """Nobody asks anything for `seconds`."""
        with self._lock:
            self._quiet_until = max(self._quiet_until, time.monotonic() + seconds)

    def wait(self) -> None:
        """Return when no pause is on. Raises Stopped when the client is closed."""
        while (left := self._quiet_until - time.monotonic()) > 0:
            self.sleep(left)
        self.sleep(0)

    def spend(self, count: int) -> None:
        """`count` bytes have come: wait until the next ones may."""
        with self._lock:
            now = time.monotonic()
            self._paid_until = max(self._paid_until, now) + count / self._bytes_a_second
            ahead = self._paid_until - now - BURST
        if ahead > 0:
            self.sleep(ahead)

    def sleep(self, seconds: float) -> None:
        """Sleep, but not on after `stop`; then raises what that was given."""
        if self._stop.wait(seconds):
            raise self._why

    def stop(self, why: Exception | None = None) -> None:
        """Whoever waits, or will, raises `why` (without one: Stopped); the first reason counts."""
        with self._lock:
            if not self._stop.is_set():
                self._why = why or self._why
                self._stop.set()


class Patience(Retry):
    """urllib3's Retry, waiting as Manners say; while one connection waits, so do the others."""

    manners: Manners
    pace: Pace

    @classmethod
    def of(cls, manners: Manners, pace: Pace) -> "Patience":
        """`attempts` for connections that fail and for answers that say BUSY, whatever was asked."""
        again = cls(manners.attempts - 1, redirect=False, status_forcelist=BUSY, allowed_methods=None,
                    raise_on_status=False)  # fmt: skip
        again.manners, again.pace = manners, pace
        return again

    def new(self, **changes) -> "Patience":
        """The same with one attempt less; urllib3 makes one for each."""
        again = super().new(**changes)
        again.manners, again.pace = self.manners, self.pace
        return again

    def get_retry_after(self, response: BaseHTTPResponse) -> float | None:
        """Seconds of the header Retry-After; a date is counted from the server's own Date."""
        return asked_pause(response.headers)

    def sleep(self, response: BaseHTTPResponse | None = None) -> None:
        """Wait as the server asks, or longer with each failure. Raises ToldToWait or Stopped."""
        asked = self.get_retry_after(response) if response is not None else None
        hold(self.pace, self.manners, len(self.history), asked)


def hold(pace: Pace, manners: Manners, failures: int, asked: float | None = None) -> None:
    """After so many failures in a row, wait as the server asked or 1, 2, 4 ... times `first_wait`."""
    seconds = asked or min(manners.first_wait * 2 ** max(0, failures - 1), manners.longest_wait)
    if seconds > manners.longest_wait:
        pace.stop(ToldToWait(f"the server asks to come back in {seconds:.0f} s"))
    pace.pause(seconds)
    pace.wait()


def asked_pause(headers: Mapping[str, str]) -> float | None:
    """Seconds that the header Retry-After asks for; None without one, or without sense.

    >>> asked_pause({"Retry-After": "7"}), asked_pause({}), asked_pause({"Retry-After": "soon"})
    (7.0, None, None)
    >>> asked_pause({"Date": "Mon, 01 Jan 2001 00:00:00 GMT", "Retry-After": "Mon, 01 Jan 2001 00:00:09 GMT"})
    9.0
    """
    asked = headers.get("Retry-After", "").strip()
    if re.fullmatch(r"\d+", asked):
        return float(asked)
    try:
        pause = parsedate_to_datetime(asked) - parsedate_to_datetime(headers.get("Date", ""))
    except (TypeError, ValueError):
        return None
    return max(0.0, pause.total_seconds())


# --- Fetching over HTTP politely: one session for everything, every answer bounded in size and time


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
