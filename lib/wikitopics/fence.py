"""Work on foreign bytes in a child process that may die: a crash, a hang, a flood of memory cost that work.

The child is a copy of its parent made when the bytes are in memory already, so nothing is sent to it; what it
finds comes back as lines of JSON, since what a decoder has been tricked into is not to be unpickled. Each
piece of work has its own share of CPU time and memory, which the system enforces: a decoder that is stuck in
its own code hears nobody else.
"""

import faulthandler
import gc
import json
import logging
import mmap
import os
import re
import resource
import select
import signal
import threading
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NoReturn

STANDSTILL = 30  # times `seconds` by the clock: a child that neither computes nor answers is ended
_MEMORY = Path("/proc/self/statm")  # where there is none (not Linux), memory is not bounded here
_forking = threading.Lock()  # no other child may inherit the writing end of a pipe: it would never close

Work = Callable[[int], dict[str, Any]]


@dataclass(frozen=True)
class Limits:
    """What one piece of work may take: seconds of CPU time, bytes of memory."""

    seconds: float
    memory: int


def in_child(work: Work, count: int, limits: Limits) -> tuple[list[dict[str, Any]], int]:
    """What `work` says of 0, 1 ... `count` - 1, each as plain JSON, and how its child ended (0: well).

    Where the child died, what it said before. `ended` tells in words of what it died.

    >>> in_child(lambda number: {"square": number**2}, 3, Limits(2.0, 1 << 28))
    ([{'square': 0}, {'square': 1}, {'square': 4}], 0)
    """
    heard = signal.pthread_sigmask(signal.SIG_BLOCK, [])
    try:
        signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})  # amid a fork Python would print it
        reading, child = _begun(work, count, limits)
    except BaseException:
        signal.pthread_sigmask(signal.SIG_SETMASK, heard)
        raise
    try:
        signal.pthread_sigmask(signal.SIG_SETMASK, heard)
        lines = _listen(reading, child, STANDSTILL * limits.seconds)
    except BaseException:
        os.kill(child, signal.SIGKILL)
        raise
    finally:
        os.close(reading)
        end = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    return [json.loads(line) for line in lines], end


def _begun(work: Work, count: int, limits: Limits) -> tuple[int, int]:
    """The reading end of what a new child says, and its number. It hears no Ctrl-C: its parent ends it."""
    with _forking:
        reading, writing = os.pipe()
        child = os.fork()
        if not child:
            _work(work, count, limits, writing)
        os.close(writing)
    return reading, child


def ended(end: int, limits: Limits) -> tuple[str, str]:
    """Why a child ended as it did (its exit code, or minus the signal), in a word and in more of them.

    >>> ended(-signal.SIGSEGV, Limits(2.0, 1 << 28))
    ('crashed', 'signal 11')
    """
    if -end in (signal.SIGPROF, signal.SIGALRM):
        return "too_slow", f"more than {limits.seconds:g} s"
    if -end == signal.SIGKILL:
        return "too_much_memory", "the system ended the decoder"
    return "crashed", f"signal {-end}" if end < 0 else f"exit code {end}"


def said_by(error: Exception) -> str:
    """What an exception says in one line, without the addresses in memory that libraries print.

    >>> said_by(ValueError("cannot identify <_io.BytesIO object at 0x7fa2deadbeef>\\nat all"))
    'ValueError: cannot identify <_io.BytesIO object>'
    """
    text = f"{type(error).__name__}: {error}".encode("utf-8", "replace").decode()
    return re.sub(r" at 0x[0-9a-fA-F]+", "", (text.splitlines() or [""])[0])[:200]


def _listen(reading: int, child: int, patience: float) -> list[bytes]:
    """The child's lines, until it ends; one that is silent for `patience` seconds is ended."""
    heard, ready = b"", select.poll()
    ready.register(reading, select.POLLIN)
    while True:
        if not ready.poll(1000 * patience):
            os.kill(child, signal.SIGALRM)
        block = os.read(reading, 1 << 16)
        if not block:
            return heard.splitlines()
        heard += block


def _work(work: Work, count: int, limits: Limits, writing: int) -> NoReturn:
    """What the child does: it writes one line a piece, and never returns to the code it is a copy of."""
    try:
        _confine(limits)
        for number in range(count):
            signal.setitimer(signal.ITIMER_PROF, limits.seconds)
            os.write(writing, json.dumps(work(number)).encode() + b"\n")
        os._exit(0)
    finally:
        os._exit(1)


def _confine(limits: Limits) -> None:
    faulthandler.disable()  # who dies here is told by the parent
    logging.disable()  # what decoders remark about foreign bytes
    gc.freeze()  # what the parent had is neither searched nor copied
    signal.signal(signal.SIGPROF, signal.SIG_DFL)  # ends the process, whatever it is at
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    if _MEMORY.exists():
        mapped = int(_MEMORY.read_text().split()[0]) * mmap.PAGESIZE
        hard = resource.getrlimit(resource.RLIMIT_AS)[1]
        resource.setrlimit(resource.RLIMIT_AS, (mapped + limits.memory, hard))
        Path("/proc/self/oom_score_adj").write_text("1000")  # where memory ends for all, this goes first
