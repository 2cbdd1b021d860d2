"""Fetching over HTTP politely: who we say we are, one pace, every answer bounded."""

import http.client
import io
import re
import socket
import sys
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple
from urllib.parse import urlsplit

import requests
from requests.adapters import HTTPAdapter
from urllib3 import BaseHTTPResponse, HTTPConnectionPool, HTTPSConnectionPool
from urllib3.exceptions import (
    ConnectTimeoutError,
    HTTPError,
    MaxRetryError,
    NameResolutionError,
    ReadTimeoutError,
)
from urllib3.util import Retry

from wikitopics import __version__
from wikitopics.errors import UserError
from wikitopics.sources.online.answers import asked_pause, declared_length, joined

BUSY = (429, 500, 502, 503, 504)  # answers after which the same request may succeed
BURST = 0.25  # seconds of traffic that may come at once

BLOCK = 64 << 10  # bytes read at once
MAX_REDIRECTS = 5
MAX_HEAD = 1 << 20  # bytes before an answer's body: status, headers, and any number of "100 Continue"
MAX_RAW = 128 << 20  # bytes of an answer as they travel, all that is no body among them
STANDSTILLS = 2  # attempts at a server that is too slow; more would take minutes for nothing


# --- How we behave towards the servers of others: who we say we are, how much at once, how long we wait


@dataclass(frozen=True)
class Manners:
    """Limits, by default those of Wikimedia's robot policy (wikitech.wikimedia.org/wiki/Robot_policy).

    contact: an e-mail or web address of the person who downloads. connections: requests at once, over all
    hosts. megabits: a second, over all connections. api_pause: seconds between two questions to an API;
    slow_pause: after one that took more than a second. attempts: for one answer. first_wait: seconds after
    the first failure, doubled with each further one; longest_wait: a server that asks for more ends the run.
    timeout: seconds for the head of an answer, however its bytes trickle, and without a byte of its body.
    slowest: bytes a second; slower answers are given up after `timeout`.
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

    def increment(self, method=None, url=None, response=None, error=None, _pool=None, _stacktrace=None):
        """One attempt less; none is left for a server that let its time pass STANDSTILLS times."""
        slow = sum(isinstance(past.error, ReadTimeoutError) for past in self.history) + 1
        if isinstance(error, ReadTimeoutError) and slow >= STANDSTILLS and _pool is not None:
            raise MaxRetryError(_pool, str(url), error)
        return super().increment(method, url, response, error, _pool, _stacktrace)

    def get_retry_after(self, response: BaseHTTPResponse) -> float | None:
        """Seconds of the header Retry-After; a date is counted from the server's own Date."""
        return asked_pause(response.headers)

    def sleep(self, response: BaseHTTPResponse | None = None) -> None:
        """Wait as the server asks, or longer with each failure. Raises ToldToWait or Stopped."""
        asked = self.get_retry_after(response) if response is not None else None
        last = self.history[-1] if self.history else None
        trouble = "" if last is None else in_words(last.error) if last.error else f"status {last.status}"
        hold(self.pace, self.manners, len(self.history), asked, trouble)


def hold(
    pace: Pace, manners: Manners, failures: int, asked: float | None = None, trouble: str = "no answer"
) -> None:
    """After so many failures in a row, wait as the server asked or 1, 2, 4 ... times `first_wait`.

    Who waits for a second or more is told why.
    """
    seconds = asked or min(manners.first_wait * 2 ** max(0, failures - 1), manners.longest_wait)
    if seconds > manners.longest_wait:
        pace.stop(ToldToWait(f"the server asks to come back in {seconds:.0f} s"))
    elif seconds >= 1:
        print(f"{trouble}: attempt {failures + 1} of {manners.attempts} in {seconds:.0f} s", file=sys.stderr)
    pace.pause(seconds)
    pace.wait()


# --- One deadline for every answer, whatever its server does with the time between two bytes


class Watched(io.RawIOBase):
    """The bytes of a socket, for as long as an answer may take: TimeoutError afterwards.

    Until `head_is_there` that is the socket's own timeout, then what the bytes that came need at `slowest` a
    second besides. A timeout between two bytes, as sockets have it, does not end a server that sends one
    letter of a header every few seconds, or "100 Continue" for ever.
    """

    def __init__(self, raw: Any, sock: socket.socket, slowest: float):
        self._raw, self._socket, self._slowest = raw, sock, slowest
        self._began, self._timeout = time.monotonic(), sock.gettimeout() or 0.0
        self._count, self.head_is_there = 0, False

    def readable(self) -> bool:
        """Yes."""
        return True

    def readinto(self, buffer: Any) -> int | None:
        """Read once. Raises TimeoutError when the time is up, OSError for more bytes than there may be."""
        if self._count > (MAX_RAW if self.head_is_there else MAX_HEAD):
            raise OSError(f"more than {self._count:,} bytes")
        more = self._count / self._slowest if self.head_is_there else 0.0
        left = self._began + self._timeout + more - time.monotonic()
        if left <= 0:
            raise TimeoutError(f"{self._count:,} bytes in {self._timeout + more:.0f} s")
        self._socket.settimeout(min(self._timeout, left))
        count = self._raw.readinto(buffer)
        self._count += count or 0
        return count

    def close(self) -> None:
        """Let go of the socket."""
        self._raw.close()
        super().close()


class TimedAnswer(http.client.HTTPResponse):
    """An answer that is read through Watched."""

    def __init__(self, sock: socket.socket, *rest: Any, slowest: float, **named: Any):
        super().__init__(sock, *rest, **named)
        self._watched = Watched(self.fp.detach(), sock, slowest)
        self.fp = io.BufferedReader(self._watched)

    def begin(self) -> None:
        """Read the head."""
        super().begin()
        self._watched.head_is_there = True


def timed_pools(manners: Manners) -> dict[str, type]:
    """urllib3's pools of connections, by scheme, with answers that keep the time of these manners."""

    def answer(sock: socket.socket, *rest: Any, **named: Any) -> TimedAnswer:
        return TimedAnswer(sock, *rest, slowest=manners.slowest, **named)

    pools = {}
    for pool in (HTTPConnectionPool, HTTPSConnectionPool):
        timed = type("TimedConnection", (pool.ConnectionCls,), {"response_class": staticmethod(answer)})
        pools[pool.scheme] = type("TimedPool", (pool,), {"ConnectionCls": timed})
    return pools


# --- Fetching over HTTP politely: one session for everything, every answer bounded in size and time


# What a request ends with; ValueError where a part of an address or of a head makes no sense to one of them.
NETWORK = (requests.RequestException, HTTPError, http.client.HTTPException, OSError, ValueError)


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
        adapter.poolmanager.pool_classes_by_scheme = timed_pools(manners)
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
        attempts, slow, broken = 0, 0, Failed("unreachable")
        for turn in range(self.manners.attempts):
            if turn:
                hold(self.pace, self.manners, turn)
            try:
                answer = self._once(url, max_bytes, form, json)
                return answer._replace(attempts=attempts + answer.attempts)
            except Failed as failure:
                attempts, broken = attempts + failure.attempts, failure
                slow += failure.reason == "too slow"
                if failure.reason not in ("interrupted", "too slow") or slow >= STANDSTILLS:
                    break
        raise Failed(broken.reason, broken.detail, attempts)

    def _once(self, url: str, max_bytes: int, form: dict | None, json: dict | None) -> Answer:
        """One answer, busy servers and refused connections already tried again by urllib3."""
        with self._slots:
            for _ in range(MAX_REDIRECTS):
                self.pace.wait()
                with self._request(url, form, json) as response:
                    attempts = len(response.raw.retries.history) + 1 if response.raw.retries else 1
                    if response.status_code in BUSY:
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
        except NETWORK as error:
            cause = getattr(error.args[0], "reason", None) if error.args else None
            most = STANDSTILLS if isinstance(cause, ReadTimeoutError) else self.manners.attempts
            raise Failed("unreachable", in_words(error), min(most, self.manners.attempts)) from None

    def _body(self, response: requests.Response, max_bytes: int) -> bytes:
        """All bytes of the answer, if they come fast enough and are not too many."""
        declared = declared_length(response.headers)
        if declared > max_bytes:
            raise Failed("too large", f"{declared:,} bytes, limit {max_bytes:,}")
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
        except ReadTimeoutError as error:
            raise Failed("too slow", _short(error)) from None
        except NETWORK as error:  # reset, fewer bytes than declared, bad encoding
            raise Failed("interrupted", _short(error)) from None
        return bytes(body)


def same_host(url: str, location: str) -> str:
    """Where a redirect leads, if that is on the same host and not less safe; raises Failed.

    >>> same_host("https://commons.wikimedia.org/a", "/b")
    'https://commons.wikimedia.org/b'
    """
    target = joined(url, location)
    if target is None:
        raise Failed("redirected elsewhere", location[:200])
    old, new = urlsplit(url), urlsplit(target)
    if new.hostname != old.hostname or (old.scheme, new.scheme) == ("https", "http"):
        raise Failed("redirected elsewhere", target[:200])
    if new.port != old.port and old.scheme == new.scheme:
        raise Failed("redirected elsewhere", target[:200])
    return target


def in_words(error: BaseException) -> str:
    """Why there is no answer, for a person: without the names of classes that wrap what happened.

    >>> in_words(OSError(111, "Connection refused"))
    'Connection refused'
    """
    wrapped = error.args[0] if error.args else None
    cause = getattr(wrapped, "reason", None) or error
    if isinstance(cause, NameResolutionError):
        return f"the name {cause.conn.host} cannot be found, as where there is no network"
    if isinstance(cause, TimeoutError | ReadTimeoutError | ConnectTimeoutError):
        return "it does not answer in time"
    system = cause.__cause__ or cause
    return getattr(system, "strerror", None) or _short(system)


def _short(error: BaseException) -> str:
    return re.sub(r" at 0x[0-9a-f]+", "", f"{type(error).__name__}: {error}")[:200]
