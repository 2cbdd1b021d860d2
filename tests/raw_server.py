"""A server that writes bytes as a test says, whatever HTTP demands."""

import re
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

Talk = Callable[[socket.socket, bytes], None]


@contextmanager
def talking(talk: Talk) -> Iterator[str]:
    """Its address; `talk` gets each connection with each request, and the connection is closed."""
    listener = socket.create_server(("127.0.0.1", 0))
    stop = threading.Event()

    def answer(connection: socket.socket) -> None:
        with connection, suppress(OSError):
            while not stop.is_set() and (asked := _request(connection)):
                talk(connection, asked)

    def listen() -> None:
        with suppress(OSError):
            while True:
                threading.Thread(target=answer, args=(listener.accept()[0],), daemon=True).start()

    threading.Thread(target=listen, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
    finally:
        stop.set()
        listener.close()


def _request(connection: socket.socket) -> bytes:
    """One request with its body; empty when the client has hung up."""
    asked = b""
    while b"\r\n\r\n" not in asked:
        if not (block := connection.recv(1 << 16)):
            return b""
        asked += block
    declared = re.search(rb"(?i)content-length: *(\d+)", asked)
    missing = int(declared[1]) if declared else 0
    while len(asked.split(b"\r\n\r\n", 1)[1]) < missing and (block := connection.recv(1 << 16)):
        asked += block
    return asked


def saying(*parts: bytes, pause: float = 0.0, times: int = 1) -> Talk:
    """Writes the parts, the last one `times` times with a pause before each."""

    def talk(connection: socket.socket, _: bytes) -> None:
        for part in parts[:-1]:
            connection.sendall(part)
        for _ in range(times):
            time.sleep(pause)
            connection.sendall(parts[-1])
        connection.shutdown(socket.SHUT_RDWR)

    return talk


def answer(body: bytes, *headers: str, status: str = "200 OK") -> bytes:
    """A whole answer."""
    lines = [f"HTTP/1.1 {status}", f"Content-Length: {len(body)}", *headers]
    return "\r\n".join([*lines, "", ""]).encode("latin-1") + body
