"""Vector drawings made pixels by rsvg-convert where somebody asks for it, in a confined process.

SVG is a program in other people's hands. The text comes in by a pipe, so that it has no folder to refer to
(librsvg then loads nothing but data: URLs, and has no network code); the process gets no environment, no
file that it could write, and little time and memory.
"""

import os
import resource
import subprocess
from shutil import which
from typing import TYPE_CHECKING

from wikitopics.errors import UserError
from wikitopics.images.reasons import Rejected

if TYPE_CHECKING:
    from wikitopics.images.decode import Recipe

PROGRAM = "rsvg-convert"
MEMORY = 512 << 20  # bytes of address space
OVERSIZE = 4  # times the square: lines thinner than its pixels come out grey, not by chance


def rasterised(svg: bytes, recipe: "Recipe") -> bytes:
    """The drawing as PNG, its longer side OVERSIZE times the square; raises Rejected.

    UserError where rsvg-convert is not installed.
    """
    side = str(OVERSIZE * recipe.store_size)
    command = [required(), "--format=png", "--keep-aspect-ratio", f"--width={side}", f"--height={side}"]
    seconds = max(1, round(recipe.max_seconds))

    def confine() -> None:
        resource.setrlimit(resource.RLIMIT_CPU, (seconds, seconds))
        resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
        resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))

    try:
        done = subprocess.run(
            command,
            input=svg,
            capture_output=True,
            env={"LC_ALL": "C.UTF-8", "GIO_USE_VFS": "local"},
            cwd="/",
            preexec_fn=confine,
            timeout=10 * seconds,
            check=False,
        )
    except subprocess.TimeoutExpired:
        raise Rejected("too_slow", f"{PROGRAM} stood still") from None
    if done.returncode < 0:
        slow = -done.returncode in (9, 24)  # SIGKILL and SIGXCPU end what uses up its CPU time
        raise Rejected("too_slow" if slow else "crashed", f"{PROGRAM} ended by signal {-done.returncode}")
    if done.returncode:
        said = done.stderr.decode("utf-8", "replace").strip()
        raise Rejected("damaged", said.rpartition("\n")[2][:200])
    return done.stdout


def required() -> str:
    """Where rsvg-convert is; UserError where it is not."""
    found = which(PROGRAM, path=os.environ.get("PATH", os.defpath))
    if not found:
        raise UserError(
            f"svg: true needs {PROGRAM}, but it is not installed; install librsvg2-bin or leave svg: false"
        )
    return found
