"""A proxy before a real server that does what networks and busy servers do, and logs what was asked of it."""

import http.client
import select
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from proxy_replies import Reply, Seen

Rule = Callable[[Seen], Reply | None]


class Proxy:
    """`url` stands for `upstream`; `rules` are asked in turn, the first Reply counts; `log`: all requests."""

    def __init__(self, upstream: str, *rules: Rule):
        self.upstream, self.rules, self.log = upstream.removeprefix("http://"), list(rules), []
        self.lock, self.paths, self.connections = threading.Lock(), Counter(), 0
        handler = type("Handler", (_Handler,), {"proxy": self})
        self.server = QuietServer(("127.0.0.1", 0), handler)
        self.address = f"127.0.0.1:{self.server.server_port}"
        self.url = f"http://{self.address}"
        self.api = f"{self.url}/w/api.php"

    def at_once(self) -> int:
        """The largest number of requests that were open at one time."""
        turns = sorted([(s.began, 1) for s in self.log] + [(s.ended, -1) for s in self.log])
        most = now = 0
        for _, step in turns:
            now += step
            most = max(most, now)
        return most

    def media(self) -> list[Seen]:
        """The requests for pictures."""
        return [seen for seen in self.log if seen.media]


@contextmanager
def proxied(upstream: str, *rules: Rule) -> Iterator[Proxy]:
    """A running proxy."""
    proxy = Proxy(upstream, *rules)
    threading.Thread(target=proxy.server.serve_forever, args=(0.05,), daemon=True).start()
    try:
        yield proxy
    finally:
        proxy.server.shutdown()
        proxy.server.server_close()


class QuietServer(ThreadingHTTPServer):
    """A thread for each connection, and no word about clients that hang up."""

    daemon_threads = True

    def handle_error(self, request: object, address: object) -> None:
        """A client that hangs up is no error of the proxy's."""
        if not isinstance(sys.exc_info()[1], ConnectionError):
            super().handle_error(request, address)


class _Handler(BaseHTTPRequestHandler):
    proxy: Proxy
    protocol_version = "HTTP/1.1"
    timeout = 60

    def setup(self) -> None:
        super().setup()
        self.proxy.connections += 1

    def log_message(self, *_: object) -> None:
        """Nothing on the terminal."""

    def do_GET(self) -> None:
        began, proxy = time.monotonic(), self.proxy
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        with proxy.lock:
            proxy.paths[self.path] += 1
            media = "/wikipedia/commons/" in self.path
            agent, number = self.headers.get("User-Agent", ""), len(proxy.log) + 1
            seen = Seen(number, self.path, proxy.paths[self.path], agent, body, media, began, began)
            proxy.log.append(seen)
            reply = next((reply for rule in proxy.rules if (reply := rule(seen))), Reply())
        try:
            self._answer(seen, reply)
        finally:
            seen.ended = time.monotonic()

    do_POST = do_GET

    def _answer(self, seen: Seen, reply: Reply) -> None:
        if reply.hang_up:
            self.close_connection = True
            return
        status, headers, body = (reply.status, {}, reply.body) if reply.status else self._ask(seen)
        body = reply.change(body)
        seen.status = status
        self.send_response(status)
        kept = {"Content-Type": headers.get("Content-Type", "text/html")}
        for name, value in {**kept, "Content-Length": len(body) + reply.length, **reply.headers}.items():
            self.send_header(name, str(value))
        seen.ended = time.monotonic()  # a client that has read all may ask again before `_send` returns
        self.end_headers()
        self._send(seen, reply, body)

    def _send(self, seen: Seen, reply: Reply, body: bytes) -> None:
        if reply.cut is not None:
            self.wfile.write(body[: reply.cut])
            seen.sent = reply.cut
            self.close_connection = True
            return
        step = max(1, int(reply.trickle / 20)) if reply.trickle else len(body) or 1
        for start in range(0, len(body), step):
            self.wfile.write(body[start : start + step])
            seen.sent += len(body[start : start + step])
            if reply.trickle and self._left_alone(0.05):
                break
        self.close_connection = bool(reply.length)

    def _left_alone(self, seconds: float) -> bool:
        """Wait; whether the client has hung up meanwhile."""
        return bool(select.select([self.connection], [], [], seconds)[0])

    def _ask(self, seen: Seen) -> tuple[int, dict, bytes]:
        server = http.client.HTTPConnection(self.proxy.upstream, timeout=60)
        kind = {"Content-Type": self.headers["Content-Type"]} if "Content-Type" in self.headers else {}
        server.request(self.command, self.path, seen.body or None, {"User-Agent": seen.agent, **kind})
        answer = server.getresponse()
        body = answer.read()
        server.close()
        if not seen.media:  # addresses in the API's answers lead through the proxy too
            body = body.replace(self.proxy.upstream.encode(), self.proxy.address.encode())
        return answer.status, dict(answer.headers), body
