"""What is told while a person waits: rate and time left of long work, and nothing that an engine remarks."""

import os
import re
import shutil
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

SECONDS_BETWEEN_LINES = {"notebook": 5.0, "batch": 1.0}
SECONDS_BETWEEN_STATUS = {"terminal": 0.5, "log": 10.0}
MARK = "> "
_started: dict[str, float] = {}
_shown: dict[str, float] = {}


def report(what: str, done: int, total: int) -> None:
    """Tell that `done` of `total` steps of `what` are finished.

    In JupyterLab a line is printed at most every five seconds and at the end. In batch the lines go to the
    file $WIKITOPICS_PROGRESS, which the driver reads, and only the last one is kept in the notebook.
    """
    now, file = time.monotonic(), os.environ.get("WIKITOPICS_PROGRESS")
    if done == 0 or what not in _started:
        _started[what], _shown[what] = now, -10.0
    if done < total and now - _shown[what] < SECONDS_BETWEEN_LINES["batch" if file else "notebook"]:
        return
    _shown[what] = now
    line = describe(what, done, total, now - _started[what])
    if done >= total:
        del _started[what]
    if file:
        with open(file, "a", encoding="utf-8") as progress:
            progress.write(f"{MARK}{line}\n")
    if done >= total or (done and not file):
        print(line, flush=True)


def describe(what: str, done: int, total: int, seconds: float) -> str:
    """One line: how much, how fast and how long still.

    >>> describe("decoding", 500, 2000, 2.0)
    'decoding 500 of 2,000 (250.0/s, 6 s left)'
    """
    line = f"{what} {done:,} of {total:,}"
    if not done or seconds <= 0:
        return line
    rate = done / seconds
    return line + (
        f" ({rate:,.1f}/s, {(total - done) / rate:.0f} s left)" if done < total else f" ({rate:,.1f}/s)"
    )


def latest(path: Path, last_bytes: int = 4096) -> str:
    """The newest progress line of a run's log, or "" where there is none yet."""
    try:
        with open(path, "rb") as file:
            file.seek(max(0, os.fstat(file.fileno()).st_size - last_bytes))
            lines = file.read().decode("utf-8", "replace").splitlines()
    except FileNotFoundError:
        return ""
    return next((line.removeprefix(MARK) for line in reversed(lines) if line.startswith(MARK)), "")


class Screen:
    """What a driver shows: lasting lines, and a status that a terminal overwrites and a log gets at times."""

    def __init__(self) -> None:
        self.terminal = sys.stdout.isatty()
        self.shown = time.monotonic()

    def say(self, line: str) -> None:
        """A line that stays."""
        self.clear()
        print(line, flush=True)
        self.shown = time.monotonic()

    def status(self, lines: list[str]) -> None:
        """How things stand: the last line of a terminal, or lines of their own every ten seconds in a log."""
        now = time.monotonic()
        if now - self.shown < SECONDS_BETWEEN_STATUS["terminal" if self.terminal else "log"]:
            return
        self.shown = now
        if self.terminal:
            width = shutil.get_terminal_size().columns // max(1, len(lines)) - 3
            print("\r\x1b[K" + " | ".join(line[:width] for line in lines), end="", flush=True)
        else:
            for line in lines:
                print(line, flush=True)

    def clear(self) -> None:
        """Take the status line off a terminal."""
        if self.terminal:
            print("\r\x1b[K", end="", flush=True)


# --- What TensorFlow's C++ code remarks about the processor, when it is imported

# Written before the engine reads its log level: notes (I), warnings (W), and that there is no GPU.
CHATTER = re.compile(
    r"^(WARNING: All log messages before absl|[IW]\d{4} |To enable the following|"
    r"E\d{4} .*failed call to cuInit)"
)


@contextmanager
def without_chatter() -> Iterator[None]:
    """Hold back what C++ code writes to stderr in the block; afterwards pass on what is not chatter.

    Of TensorFlow, if it is first imported in the block, errors alone are told from now on.
    """
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")  # errors stay
    sys.stderr.flush()
    kept = os.dup(2)
    with tempfile.TemporaryFile() as held:
        os.dup2(held.fileno(), 2)
        try:
            yield
        finally:
            os.dup2(kept, 2)
            os.close(kept)
            held.seek(0)
            lines = held.read().decode("utf-8", "replace").splitlines()
            for line in lines:
                if line.strip() and not CHATTER.match(line):
                    print(line, file=sys.stderr)
