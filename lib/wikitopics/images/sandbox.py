"""Decoding in a child process that may die: a crash, a hang or a flood of memory costs one file, not the run.

The child is a copy of its parent made when the bytes are in memory already, so nothing is sent to it; pixels
come back in shared memory, all else as lines of JSON, since what a decoder has been tricked into is not to be
unpickled. Each file has its own share of CPU time and memory, which the system enforces: a decoder that is
stuck in its own code hears nobody else.
"""

import faulthandler
import gc
import json
import logging
import math
import mmap
import os
import resource
import select
import signal
import threading
from pathlib import Path
from typing import NoReturn

import numpy as np
from PIL import Image

from wikitopics.images.decode import Picture, Recipe, decode
from wikitopics.images.reasons import Rejected, as_reason

STANDSTILL = 30  # times max_seconds by the clock: a child that neither computes nor answers is ended
_MEMORY = Path("/proc/self/statm")  # where there is none (not Linux), max_pixels alone bounds memory
_forking = threading.Lock()  # no other child may inherit the writing end of a pipe: it would never close


def decode_in_child(files: list[bytes], recipe: Recipe) -> list[Picture | Rejected]:
    """Each file decoded, or the reason why not: "crashed", "too_slow", "too_much_memory" among them.

    A file is blamed only where a child that had nothing else to do dies of it too.

    >>> [outcome.reason for outcome in decode_in_child([b"", b"%PDF"], Recipe())]
    ['empty', 'unsupported_kind']
    """
    Image.init()  # in the parent once, not in each child
    outcomes: list[Picture | Rejected] = []
    while len(outcomes) < len(files):
        outcomes += _in_a_child(files[len(outcomes) :], recipe)[0]
        if len(outcomes) < len(files):
            alone, end = _in_a_child([files[len(outcomes)]], recipe)
            outcomes += alone or [_blame(end, recipe)]
    return outcomes


def _blame(end: int, recipe: Recipe) -> Rejected:
    """The reason why a file is not used, by how its child ended: its exit code, or minus the signal."""
    if -end in (signal.SIGPROF, signal.SIGALRM):
        return Rejected("too_slow", f"more than {recipe.max_seconds:g} s")
    if -end == signal.SIGKILL:
        return Rejected("too_much_memory", "the system ended the decoder")
    return Rejected("crashed", f"signal {-end}" if end < 0 else f"exit code {end}")


def _in_a_child(files: list[bytes], recipe: Recipe) -> tuple[list[Picture | Rejected], int]:
    """The outcomes of the first files, up to the one the child died of, and how it ended (0: well)."""
    shape = (len(files), recipe.store_size, recipe.store_size, 3)
    pixels = np.frombuffer(mmap.mmap(-1, math.prod(shape)), np.uint8).reshape(shape)
    with _forking:
        reading, writing = os.pipe()
        child = os.fork()
        if not child:
            _work(files, recipe, pixels, writing)
        os.close(writing)
    try:
        lines = _listen(reading, child, STANDSTILL * recipe.max_seconds)
    except BaseException:
        os.kill(child, signal.SIGKILL)
        raise
    finally:
        os.close(reading)
        end = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    return [_outcome(json.loads(line), pixels[number]) for number, line in enumerate(lines)], end


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


def _outcome(line: dict, pixels: np.ndarray) -> Picture | Rejected:
    return Rejected(**line) if "reason" in line else Picture(pixels, **line)


def _work(files: list[bytes], recipe: Recipe, pixels: np.ndarray, writing: int) -> NoReturn:
    """What the child does: it writes one line a file, and never returns to the code it is a copy of."""
    try:
        _confine(recipe)
        for number, data in enumerate(files):
            signal.setitimer(signal.ITIMER_PROF, recipe.max_seconds)
            try:
                picture = decode(data, recipe)
                pixels[number] = picture.pixels
                line = {name: value for name, value in picture._asdict().items() if name != "pixels"}
            except (Rejected, MemoryError) as error:
                failure = error if isinstance(error, Rejected) else as_reason(error)
                line = {"reason": failure.reason, "detail": failure.detail}
            os.write(writing, json.dumps(line).encode() + b"\n")
        os._exit(0)
    finally:
        os._exit(1)


def _confine(recipe: Recipe) -> None:
    faulthandler.disable()  # who dies here is told by the parent
    logging.disable()  # what decoders remark about foreign bytes
    gc.freeze()  # what the parent had is neither searched nor copied
    signal.signal(signal.SIGPROF, signal.SIG_DFL)  # ends the process, whatever it is at
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    if _MEMORY.exists():
        mapped = int(_MEMORY.read_text().split()[0]) * mmap.PAGESIZE
        hard = resource.getrlimit(resource.RLIMIT_AS)[1]
        resource.setrlimit(resource.RLIMIT_AS, (mapped + recipe.max_memory, hard))
        Path("/proc/self/oom_score_adj").write_text("1000")  # where memory ends for all, this goes first
