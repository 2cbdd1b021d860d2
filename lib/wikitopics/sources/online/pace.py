"""Waiting: all connections of a client keep one pace, and all pause when a server asks one to."""

import re
import threading
import time
from collections.abc import Mapping
from email.utils import parsedate_to_datetime

from urllib3 import BaseHTTPResponse
from urllib3.util import Retry

from wikitopics.sources.online.manners import Manners

BUSY = (429, 500, 502, 503, 504)  # answers after which the same request may succeed
BURST = 0.25  # seconds of traffic that may come at once


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
