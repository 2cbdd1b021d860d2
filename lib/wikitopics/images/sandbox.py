"""Decoding behind the fence: a file that brings its decoder down costs that file, not the run.

Pixels come back in shared memory, all else as the fence has it.
"""

import math
import mmap

import numpy as np
from PIL import Image

from wikitopics.fence import Limits, ended, in_child
from wikitopics.images.decode import Picture, Recipe, decode
from wikitopics.images.reasons import Rejected, as_reason


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
            outcomes += alone or [Rejected(*ended(end, _limits(recipe)))]
    return outcomes


def decode_alone(data: bytes, recipe: Recipe) -> Picture:
    """One file decoded in a child, for whoever shows it; raises Rejected, as `decode` does."""
    outcome = decode_in_child([data], recipe)[0]
    if isinstance(outcome, Rejected):
        raise outcome
    return outcome


def _limits(recipe: Recipe) -> Limits:
    return Limits(recipe.max_seconds, recipe.max_memory)


def _in_a_child(files: list[bytes], recipe: Recipe) -> tuple[list[Picture | Rejected], int]:
    """The outcomes of the first files, up to the one the child died of, and how it ended (0: well)."""
    shape = (len(files), recipe.store_size, recipe.store_size, 3)
    pixels = np.frombuffer(mmap.mmap(-1, math.prod(shape)), np.uint8).reshape(shape)

    def work(number: int) -> dict:
        try:
            picture = decode(files[number], recipe)
        except (Rejected, MemoryError) as error:
            failure = error if isinstance(error, Rejected) else as_reason(error)
            return {"reason": failure.reason, "detail": failure.detail}
        pixels[number] = picture.pixels
        return {name: value for name, value in picture._asdict().items() if name != "pixels"}

    lines, end = in_child(work, len(files), _limits(recipe))
    return [_outcome(line, pixels[number]) for number, line in enumerate(lines)], end


def _outcome(line: dict, pixels: np.ndarray) -> Picture | Rejected:
    return Rejected(**line) if "reason" in line else Picture(pixels, **line)
