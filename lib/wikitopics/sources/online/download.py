"""Downloading pictures: which are due, fetched, checked, stored, and told in a manifest."""

import hashlib
import io
import re
import threading
import time
import warnings
from collections import Counter
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor, as_completed
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from PIL import Image

from wikitopics.artefacts import read_table, replacing
from wikitopics.errors import UserError
from wikitopics.fence import Limits, ended, in_child, said_by
from wikitopics.progress import report
from wikitopics.sources.file_kinds import SUPPORTED, kind_of
from wikitopics.sources.online.action_api import BATCH, ActionApi
from wikitopics.sources.online.http import Client, Failed, Manners, ToldToWait
from wikitopics.sources.online.journal import Journal, held
from wikitopics.sources.online.wiki_pages import PICTURES as WITH_PICTURE
from wikitopics.sources.online.wiki_pages import Picture, pictures, standard_width
from wikitopics.sources.reading import MANIFEST, PICTURES

FINAL = ("fetched", "renamed", "missing", "unsupported")
IN_A_ROW = 10  # after so many failures one after the other the server is left alone, if it is its trouble
FIRST_REST = 600  # seconds until a file that failed is asked for again, doubled with every further time ...
LONGEST_REST = 86_400  # ... up to this

MAX_BYTES = 50_000_000  # of one file; 02_images reads no more by default
MAX_PIXELS = 50_000_000
FENCE = Limits(seconds=5.0, memory=1 << 30)  # of looking at one picture; thumbnails are small

# What a manifest row says; the first is the key. Bytes, sha1, width and height are those of what lies in the
# store, original_* those of the file at the wiki. failures: calls in a row in which it failed;
# rests_until: seconds since 1970 before which it is not asked for again.
COLUMNS: dict[str, Any] = {
    "title": "", "status": "", "reason": "", "detail": "", "attempts": 0, "url": "", "path": "", "bytes": 0,
    "sha1": "", "width": 0, "height": 0, "format": "", "original_sha1": "", "original_bytes": 0,
    "original_width": 0, "original_height": 0, "mime": "", "creator": "", "licence": "",
    "failures": 0, "rests_until": 0,
}  # fmt: skip
STATUSES = {
    "fetched": "the picture is in the store",
    "renamed": "the wiki has it under another name, in `detail`; that name has a row of its own",
    "missing": "the wiki has no such file: deleted, or never there",
    "unsupported": "a document, sound or video, or a form of picture that is not decoded here",
    "failed": "it could not be fetched, `reason` says why; it is tried again later, behind new ones",
    "waiting": "not tried yet",
}

SUFFIXES = {"JPEG": ".jpg", "PNG": ".png", "GIF": ".gif", "WEBP": ".webp", "TIFF": ".tiff", "BMP": ".bmp"}
_writing = threading.Lock()  # two threads with equal pictures would share one temporary file


class GaveUp(Exception):
    """Too many files in a row could not be fetched; what is left is waiting."""


@contextmanager
def polite_client(contact: str, folder: Path) -> Iterator[Client]:
    """A client that downloads into `folder`, which no other process may use until the block ends.

    Raises UserError without a contact (an e-mail or web address), and where a server is to be left alone.
    """
    with Client(Manners(contact)) as client, held(folder):
        try:
            yield client
        except (GaveUp, ToldToWait) as stop:
            raise UserError(
                f"a server must be left alone when it cannot go on, and this one cannot ({stop}); "
                "the same command goes on later where it was"
            ) from None


def download(
    titles: list[str], api: ActionApi, folder: Path, width: int, only_failed: bool = False
) -> dict[str, int]:
    """Fetch the pictures of `titles` of a standard width, at least `width`, into `folder`; statuses, counted.

    manifest.parquet in `folder` has one row per title (COLUMNS, STATUSES). What it says was
    fetched is not fetched again; what failed comes last, once it has rested, or alone and at once where
    `only_failed`. At every end, even an interrupted one, the manifest is written. Raises GaveUp, ToldToWait,
    Stopped or UserError then.
    """
    standard_width(width)  # a width that cannot be is told before anybody is asked
    manifest = Journal(folder / MANIFEST, COLUMNS)
    for title in titles:
        manifest.rows.setdefault(title, {**COLUMNS, "title": title, "status": "waiting"})
    try:
        _fetch_all(due(manifest, folder / PICTURES, only_failed), manifest, api, folder / PICTURES, width)
    finally:
        manifest.close(titles)
    return dict(Counter(row["status"] for row in manifest.rows.values()))


def any_failed(folder: Path) -> bool:
    """Whether an earlier call left files that failed in `folder`."""
    manifest = folder / MANIFEST
    return manifest.exists() and "failed" in set(read_table(manifest, ["status"])["status"])


def due(manifest: Journal, store: Path, only_failed: bool) -> list[str]:
    """Titles to fetch: those that wait or whose picture is no longer in the store, then those that failed
    and have rested, the fewest times first. `only_failed`: those that failed, rested or not."""
    rows = manifest.rows.items()
    failed = sorted((r["failures"], t) for t, r in rows if r["status"] == "failed")
    if only_failed:
        return [title for _, title in failed]
    lost = [t for t, r in rows if r["status"] == "fetched" and not holds(store, r["path"], r["bytes"])]
    waiting = [title for title, row in rows if row["status"] not in (*FINAL, "failed")]
    return lost + waiting + [title for _, title in failed if not rests(manifest.rows[title])]


def rests(row: Mapping[str, Any]) -> bool:
    """Whether a file that failed is not yet to be asked for again; one that would rest too long, because
    somebody set the clock back, is."""
    return row["status"] == "failed" and 0 < row["rests_until"] - time.time() <= LONGEST_REST


def _rested(row: dict[str, Any], before: Mapping[str, Any]) -> dict[str, Any]:
    """The row of a file that failed, with the rest that it has earned."""
    rest = min(FIRST_REST * 2 ** min(before["failures"], 30), LONGEST_REST)
    return {**row, "failures": before["failures"] + 1, "rests_until": int(time.time()) + rest}


def _fetch_all(titles: list[str], manifest: Journal, api: ActionApi, store: Path, width: int) -> None:
    failed: list[tuple[dict[str, Any], Mapping[str, Any]]] = []  # in a row, with what was known before
    report("pictures fetched", 0, len(titles))
    with ThreadPoolExecutor(api.client.manners.connections) as pool:
        try:
            for start in range(0, len(titles), BATCH):
                for row in _batch(titles[start : start + BATCH], manifest, api, store, width, pool):
                    before = manifest.rows.get(row["title"], COLUMNS)
                    bad = row["status"] == "failed"
                    manifest.put(**(_rested(row, before) if bad else row))
                    failed = [*failed, (row, before)] if bad else []
                    if len(failed) >= IN_A_ROW:
                        _stop_unless_well(failed, manifest, api.client)
                        failed = []
                report("pictures fetched", min(start + BATCH, len(titles)), len(titles))
        except BaseException:
            api.client.close()  # whoever waits in the pool stops waiting
            pool.shutdown(cancel_futures=True)
            raise


def _stop_unless_well(
    failed: list[tuple[dict[str, Any], Mapping[str, Any]]], manifest: Journal, client: Client
) -> None:
    """Tell the host's trouble from the files': a picture that came from there is asked for once more.

    Where it does not come, or none ever came, the files are not blamed (they need no rest): raises GaveUp.
    """
    last = failed[-1][0]
    if _well(urlsplit(last.get("url", "")).netloc, manifest, client):
        return
    for row, before in failed:
        manifest.put(**row, failures=before["failures"], rests_until=0)
    raise GaveUp(f"{len(failed)} files in a row failed, the last one: {last['reason']}")


def _well(host: str, manifest: Journal, client: Client) -> bool:
    """Whether the host still gives a picture that it gave before."""
    rows = reversed(manifest.rows.values())
    came = next((r for r in rows if r["status"] == "fetched" and urlsplit(r["url"]).netloc == host), None)
    try:
        return came is not None and client.fetch(came["url"], MAX_BYTES).status == 200
    except Failed:
        return False


def _batch(
    titles: list[str], manifest: Journal, api: ActionApi, store: Path, width: int, pool: ThreadPoolExecutor
) -> Iterator[dict[str, Any]]:
    """The manifest rows of up to 50 titles, each as soon as it is known. Their addresses are asked for anew,
    since those of yesterday may lead nowhere today."""
    described = {title: picture for said in pictures(api, titles, width) for title, picture in said.items()}
    wanted: dict[str, Picture] = {}
    for title in titles:
        picture = described.get(title)
        if picture is None:
            yield {"title": title, "status": "missing", "reason": "no such file"}
            continue
        if picture.title != title:
            yield {"title": title, "status": "renamed", "detail": picture.title}
        if _final(manifest, picture.title, store):
            continue
        if picture.kind not in WITH_PICTURE:
            known = {"reason": picture.kind, "mime": picture.mime}
            yield {"title": picture.title, "status": "unsupported", **known}
        else:
            wanted[picture.title] = picture
    tasks = [pool.submit(fetch_picture, api.client, picture, store) for picture in wanted.values()]
    for task in as_completed(tasks):  # in the order of `wanted` one slow picture would keep others unwritten
        yield task.result()


def _final(manifest: Journal, title: str, store: Path) -> bool:
    row = manifest.rows.get(title, COLUMNS)
    whole = row["status"] != "fetched" or holds(store, row["path"], row["bytes"])
    return row["status"] in FINAL and whole


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
    """Format and size by the header; ("", (0, 0)) where it cannot be read: this is no place to judge it."""
    found = _looked_at(body, whole=False)
    return ("", (0, 0)) if "error" in found else (found["format"], tuple(found["size"]))


def _decoded(body: bytes) -> tuple[str, tuple[int, int]]:
    """Format and size of a thumbnail, decoded to its last pixel; Failed where it breaks off."""
    found = _looked_at(body, whole=True)
    if "error" in found:
        raise Failed(found.get("reason", "damaged"), found["error"][:200], 0)
    return found["format"], tuple(found["size"])


def _looked_at(body: bytes, whole: bool) -> dict[str, Any]:
    """`format` and `size` of a picture, or `error`: by Pillow, in a child with limits."""
    Image.init()
    said, end = in_child(lambda _: _look(body, whole), 1, FENCE)
    return said[0] if said else {"error": " ".join(ended(end, FENCE))}


def _look(body: bytes, whole: bool) -> dict[str, Any]:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            with Image.open(io.BytesIO(body), formats=list(SUPPORTED)) as image:
                if whole and image.width * image.height > MAX_PIXELS:
                    return {"reason": "too large", "error": f"{image.width:,} x {image.height:,} pixels"}
                if whole:
                    image.load()
                return {"format": image.format or "", "size": image.size}
    except Exception as error:  # decoders raise everything there is: this picture is not whole
        return {"error": said_by(error)}


def address(sha1: str, form: str) -> str:
    """Where a picture lies below the store: two levels of 256 folders, so 100 million make 1,526 in each.

    >>> address("0beec7b5ea3f0fdbc95d0dd47f3c5bc275da8a33", "JPEG")
    '0b/ee/0beec7b5ea3f0fdbc95d0dd47f3c5bc275da8a33.jpg'
    """
    if not re.fullmatch("[0-9a-f]{40}", sha1):
        raise ValueError(f"not a sha1: {sha1!r}")
    return f"{sha1[:2]}/{sha1[2:4]}/{sha1}{SUFFIXES.get(form, '')}"


def put(store: Path, data: bytes, form: str) -> tuple[str, str]:
    """Write a picture, whole or not at all; its sha1 and its address. One that is there stays as it is."""
    sha1 = hashlib.sha1(data).hexdigest()
    path = address(sha1, form)
    with _writing:
        if not holds(store, path, len(data)):
            with replacing(store / path) as temporary:
                temporary.write_bytes(data)
    return sha1, path


def holds(store: Path, path: str, size: int) -> bool:
    """Whether the store has this picture with all its bytes."""
    try:
        return (store / path).stat().st_size == size
    except FileNotFoundError:
        return False
