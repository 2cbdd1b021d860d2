"""What a proxy sees of a request, and what it may do to the answer."""

from collections.abc import Callable
from dataclasses import dataclass, field


@dataclass
class Seen:
    """One request: number (from 1), path, how often this path was asked, whether it is for a picture."""

    number: int
    path: str
    again: int
    agent: str
    body: bytes
    media: bool
    began: float = 0.0
    ended: float = 0.0
    sent: int = 0
    status: int = 0


@dataclass
class Reply:
    """What the proxy says instead, or how it spoils what the server says.

    cut: bytes after which the connection is reset; trickle: bytes a second; length: added to Content-Length;
    change: of the server's body.
    """

    status: int = 0
    headers: dict = field(default_factory=dict)
    body: bytes = b"<!DOCTYPE html><title>Error</title>"
    cut: int | None = None
    trickle: float = 0
    length: int = 0
    change: Callable[[bytes], bytes] = bytes
    hang_up: bool = False
