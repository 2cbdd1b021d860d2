"""Reading foreign files safely: never outside the root, never a device, never more than allowed."""

import hashlib
import os
import stat
from pathlib import Path

HASHED_BYTES = 64 << 20  # of a larger file its size and this many first bytes stand for its content


class TooLarge(OSError):
    """The file holds more bytes than the limit."""


class Refused(OSError):
    """The path is not a regular file inside the root."""


def inside(root: Path, path: str | os.PathLike) -> Path:
    """The real place of `root / path`, links followed; Refused where that is outside of `root`.

    Raises FileNotFoundError for a missing file and OSError for a loop of links or an impossible name.
    """
    try:
        real = Path(os.path.realpath(Path(root) / path, strict=True))
    except ValueError as error:  # a NUL character in the name
        raise Refused(f"not a possible file name: {error}") from None
    if not real.is_relative_to(os.path.realpath(root)):
        raise Refused("the path leads out of the root folder")
    return real


def open_regular(real: Path) -> int:
    """A descriptor of a regular file; Refused, unopened, for folders, pipes, sockets and devices."""
    refuse_special(os.stat(real).st_mode)
    # Between the look and the open the file may have been swapped: do not follow, do not block, look again.
    descriptor = os.open(real, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    try:
        refuse_special(os.fstat(descriptor).st_mode)
    except Refused:
        os.close(descriptor)
        raise
    return descriptor


def refuse_special(mode: int) -> None:
    """Refused unless `mode` is a regular file's."""
    kinds = {stat.S_IFDIR: "a folder", stat.S_IFIFO: "a pipe", stat.S_IFSOCK: "a socket"}
    if not stat.S_ISREG(mode):
        raise Refused(f"{kinds.get(stat.S_IFMT(mode), 'a device')}, not a file")


def read_inside(root: Path, path: str | os.PathLike, max_bytes: int) -> bytes:
    """Bytes of a regular file under `root`, at most `max_bytes` of them ever read; else TooLarge."""
    with os.fdopen(open_regular(inside(root, path)), "rb") as file:
        size = os.fstat(file.fileno()).st_size
        data = b"" if size > max_bytes else file.read(max_bytes + 1)
    if size > max_bytes or len(data) > max_bytes:
        raise TooLarge(f"{max(size, len(data)):,} bytes, limit {max_bytes:,}")
    return data


def hash_inside(root: Path, path: str | os.PathLike) -> str:
    """Hex digest of one file's content, or of the reason why it cannot be read."""
    digest = hashlib.blake2b(digest_size=16)
    try:
        with os.fdopen(open_regular(inside(root, path)), "rb") as file:
            digest.update(str(os.fstat(file.fileno()).st_size).encode())
            left = HASHED_BYTES
            while left > 0 and (block := file.read(min(left, 1 << 20))):
                digest.update(block)
                left -= len(block)
    except OSError as error:
        digest.update(type(error).__name__.encode())
    return digest.hexdigest()
