"""One picture over the network: fetched, checked to be a picture and the right one, stored."""

import hashlib
import io
import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from PIL import Image

from wikitopics.images.kinds import SUPPORTED, kind_of
from wikitopics.sources.online.file_details import Picture
from wikitopics.sources.online.picture_store import put
from wikitopics.sources.online.web import Client, Failed

MAX_BYTES = 50_000_000  # of one file; 02_images reads no more by default
MAX_PIXELS = 50_000_000

# What a manifest row says; the first is the key. Bytes, sha1, width and height are those of what lies in the
# store, original_* those of the file at the wiki.
COLUMNS: dict[str, Any] = {
    "title": "", "status": "", "reason": "", "detail": "", "attempts": 0, "url": "", "path": "", "bytes": 0,
    "sha1": "", "width": 0, "height": 0, "format": "", "original_sha1": "", "original_bytes": 0,
    "original_width": 0, "original_height": 0, "mime": "", "creator": "", "licence": "",
}  # fmt: skip
STATUSES = {
    "fetched": "the picture is in the store",
    "renamed": "the wiki has it under another name, in `detail`; that name has a row of its own",
    "missing": "the wiki has no such file: deleted, or never there",
    "unsupported": "a document, sound or video, or a form of picture that is not decoded here",
    "failed": "it could not be fetched, `reason` says why; it is tried again first next time",
    "waiting": "not tried yet",
}


def fetch_picture(client: Client, picture: Picture, store: Path) -> dict[str, Any]:
    """Fetch a picture into `store`; the row of the manifest that says how it went. Never raises Failed.

    Broken thumbnails, web pages in the place of pictures and originals of another sha1 are fetched anew, as
    often as the client's manners say. Raises ToldToWait or Stopped.
    """
    row, attempts, broken = _known(picture), 0, Failed("unreachable")
    for _ in range(client.manners.attempts):
        try:
            answer = client.fetch(picture.thumburl, MAX_BYTES)
            attempts += answer.attempts
            form, size = _checked(answer.status, answer.headers, answer.body, picture)
        except Failed as failure:
            attempts += failure.attempts
            broken = failure
            if failure.reason not in ("damaged", "wrong content"):
                break
            client.pace.pause(client.manners.first_wait)
            continue
        sha1, path = put(store, answer.body, form)
        came = {"path": path, "bytes": len(answer.body), "sha1": sha1, "format": form}
        return {**row, "status": "fetched", "attempts": attempts, **came, "width": size[0], "height": size[1]}
    status = "missing" if broken.reason == "gone" else "failed"
    why = {"reason": broken.reason, "detail": broken.detail[:200]}
    return {**row, "status": status, "attempts": attempts, **why}


def _known(picture: Picture) -> dict[str, Any]:
    return {
        "title": picture.title,
        "url": picture.thumburl,
        "original_sha1": picture.sha1,
        "original_bytes": picture.bytes,
        "original_width": picture.width,
        "original_height": picture.height,
        "mime": picture.mime,
        "creator": picture.creator,
        "licence": picture.licence,
    }


def _checked(
    status: int, headers: Mapping[str, str], body: bytes, picture: Picture
) -> tuple[str, tuple[int, int]]:
    """Format and size of a body that is the picture; raises Failed. `attempts` 0: the answer was counted."""
    if status in (404, 410):
        raise Failed("gone", f"status {status}", 0)
    if status != 200:
        raise Failed("refused", f"status {status}: {body[:120].decode('utf-8', 'replace')}", 0)
    if picture.thumburl == picture.url and picture.sha1:  # an original: the wiki knows its sha1
        if hashlib.sha1(body).hexdigest() != picture.sha1:
            raise Failed("wrong content", f"{len(body):,} bytes, {picture.bytes:,} expected", 0)
        return _described(body)  # right bytes, even if they are damaged: 02_images says so
    if kind_of(body) not in SUPPORTED:
        said, host = headers.get("Content-Type", ""), urlsplit(picture.thumburl).hostname
        raise Failed("wrong content", f"{kind_of(body)} ({said}) from {host}", 0)
    return _decoded(body)


def _described(body: bytes) -> tuple[str, tuple[int, int]]:
    """Format and size by the header; ("", (0, 0)) where it cannot be read."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            with Image.open(io.BytesIO(body), formats=list(SUPPORTED)) as image:
                return image.format or "", image.size
    except Exception:  # decoders raise everything there is; this is no place to judge the file
        return "", (0, 0)


def _decoded(body: bytes) -> tuple[str, tuple[int, int]]:
    """Format and size of a thumbnail, decoded to its last pixel; Failed where it breaks off."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            with Image.open(io.BytesIO(body), formats=list(SUPPORTED)) as image:
                if image.width * image.height > MAX_PIXELS:
                    raise Failed("too large", f"{image.width:,} x {image.height:,} pixels", 0)
                image.load()
                return image.format or "", image.size
    except Failed:
        raise
    except Exception as error:  # as above: whatever a decoder raises, this thumbnail is not whole
        raise Failed("damaged", f"{type(error).__name__}: {error}"[:200], 0) from None
