"""How far a long piece of work has come: rate and time left, for a notebook and for the batch driver."""

import os
import time

_started: dict[str, float] = {}
_shown: dict[str, float] = {}
SECONDS_BETWEEN_LINES = 5.0


def report(what: str, done: int, total: int) -> None:
    """Tell that `done` of `total` steps of `what` are finished, at most every five seconds and at the end."""
    now = time.monotonic()
    if done == 0 or what not in _started:
        _started[what] = _shown[what] = now
    if 0 < done < total and now - _shown[what] < SECONDS_BETWEEN_LINES:
        return
    _shown[what] = now
    line = _line(what, done, total, now - _started[what])
    if done:
        print(line, flush=True)
    if os.environ.get("WIKITOPICS_PROGRESS"):
        with open(os.environ["WIKITOPICS_PROGRESS"], "a", encoding="utf-8") as file:
            file.write(line + "\n")


def _line(what: str, done: int, total: int, seconds: float) -> str:
    rate = done / seconds if seconds > 0 else 0.0
    left = f", {(total - done) / rate:.0f} s left" if rate and done < total else ""
    return f"{what}: {done:,} of {total:,}" + (f" ({rate:,.1f}/s{left})" if rate else "")
