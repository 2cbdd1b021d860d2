"""A small wiki without MediaWiki, for tests that run everywhere: imageinfo and originals, nothing more."""

import hashlib
import io
import json
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler
from urllib.parse import parse_qs, quote, unquote

import numpy as np
from PIL import Image

from faulty_proxy import QuietServer


def small_pictures(count: int) -> dict[str, bytes]:
    """`count` different PNG files of 16 x 12 pixels, by title; every tenth has the bytes of its neighbour."""
    pictures = {}
    for number in range(count):
        pixels = np.random.default_rng(number - (number % 10 == 9)).integers(0, 255, (12, 16, 3), np.uint8)
        file = io.BytesIO()
        Image.fromarray(pixels).save(file, "PNG")
        pictures[f"Picture {number:04d}.png"] = file.getvalue()
    return pictures


class SmallCommons:
    """`pictures`: title -> bytes; `renamed`: old title -> new one; `asked` counts what was asked for."""

    def __init__(self, pictures: dict[str, bytes], renamed: dict[str, str]):
        self.pictures, self.renamed, self.asked = pictures, renamed, Counter()
        handler = type("Handler", (_Handler,), {"wiki": self})
        self.server = QuietServer(("127.0.0.1", 0), handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}"
        self.api = f"{self.url}/w/api.php"

    def query(self, titles: list[str]) -> dict:
        """What the API says about files."""
        now = {title: self.renamed.get(title[5:], title[5:]) for title in titles}
        moved = [{"from": old, "to": f"File:{new}"} for old, new in now.items() if old[5:] != new]
        pages = [self._page(title) for title in dict.fromkeys(now.values())]
        return {"batchcomplete": True, "query": {"redirects": moved, "pages": pages}}

    def _page(self, title: str) -> dict:
        data = self.pictures.get(title)
        if data is None:
            return {"ns": 6, "title": f"File:{title}", "missing": True}
        url = f"{self.url}/wikipedia/commons/{quote(title.replace(' ', '_'))}"
        info = {"url": url, "thumburl": url, "sha1": hashlib.sha1(data).hexdigest(), "size": len(data)}
        info |= {"width": 16, "height": 12, "mime": "image/png", "mediatype": "BITMAP"}
        said = {"Artist": {"value": "<a>Ann</a>"}, "LicenseShortName": {"value": "CC0"}}
        return {"ns": 6, "title": f"File:{title}", "imageinfo": [{**info, "extmetadata": said}]}


@contextmanager
def small_commons(
    pictures: dict[str, bytes], renamed: dict[str, str] | None = None
) -> Iterator[SmallCommons]:
    """A running one."""
    wiki = SmallCommons(pictures, renamed or {})
    threading.Thread(target=wiki.server.serve_forever, args=(0.05,), daemon=True).start()
    try:
        yield wiki
    finally:
        wiki.server.shutdown()
        wiki.server.server_close()


class _Handler(BaseHTTPRequestHandler):
    wiki: SmallCommons
    protocol_version = "HTTP/1.1"

    def log_message(self, *_: object) -> None:
        """Nothing on the terminal."""

    def do_POST(self) -> None:
        asked = parse_qs(self.rfile.read(int(self.headers["Content-Length"])).decode())
        self.wiki.asked["api"] += 1
        self._say(
            200, "application/json", json.dumps(self.wiki.query(asked["titles"][0].split("|"))).encode()
        )

    def do_GET(self) -> None:
        title = unquote(self.path.rsplit("/", 1)[1]).replace("_", " ")
        self.wiki.asked[title] += 1
        data = self.wiki.pictures.get(title)
        self._say(*((200, "image/png", data) if data else (404, "text/html", b"<html>Not found")))

    def _say(self, status: int, kind: str, body: bytes) -> None:
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
