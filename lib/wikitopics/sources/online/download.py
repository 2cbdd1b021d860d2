"""Downloading pictures: which are due, two at a time, a row of the manifest for each, stopped at any time."""

from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from wikitopics.errors import UserError
from wikitopics.progress import report
from wikitopics.sources.online.action_api import BATCH, ActionApi
from wikitopics.sources.online.fetch_picture import COLUMNS, fetch_picture
from wikitopics.sources.online.file_details import PICTURES as WITH_PICTURE
from wikitopics.sources.online.file_details import Picture, pictures
from wikitopics.sources.online.journal import Journal, held
from wikitopics.sources.online.manners import Manners
from wikitopics.sources.online.pace import ToldToWait
from wikitopics.sources.online.picture_store import holds
from wikitopics.sources.online.standard_widths import standard_width
from wikitopics.sources.online.web import Client
from wikitopics.sources.stored import MANIFEST, PICTURES

FINAL = ("fetched", "renamed", "missing", "unsupported")
IN_A_ROW = 10  # after so many failures one after the other the server is left alone


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

    manifest.parquet in `folder` has one row per title (fetch_picture.COLUMNS, STATUSES). What it says was
    fetched is not fetched again; what failed comes first, or alone where `only_failed`. At every end, even
    an interrupted one, the manifest is written. Raises GaveUp, ToldToWait, Stopped or UserError then.
    """
    width = standard_width(width)
    manifest = Journal(folder / MANIFEST, COLUMNS)
    try:
        for title in titles:
            if title not in manifest.rows:
                manifest.rows[title] = {**COLUMNS, "title": title, "status": "waiting"}
        _fetch_all(due(manifest, folder / PICTURES, only_failed), manifest, api, folder / PICTURES, width)
    finally:
        manifest.close(titles)
    return dict(Counter(row["status"] for row in manifest.rows.values()))


def due(manifest: Journal, store: Path, only_failed: bool) -> list[str]:
    """Titles to fetch: those that failed, then those that wait or whose picture is no longer in the store."""
    failed = [title for title, row in manifest.rows.items() if row["status"] == "failed"]
    if only_failed:
        return failed
    rows = manifest.rows.items()
    lost = [t for t, r in rows if r["status"] == "fetched" and not holds(store, r["path"], r["bytes"])]
    return failed + lost + [title for title, row in rows if row["status"] not in (*FINAL, "failed")]


def _fetch_all(titles: list[str], manifest: Journal, api: ActionApi, store: Path, width: int) -> None:
    in_a_row, done = 0, 0
    report("pictures fetched", 0, len(titles))
    with ThreadPoolExecutor(api.client.manners.connections) as pool:
        try:
            for start in range(0, len(titles), BATCH):
                for row in _batch(titles[start : start + BATCH], manifest, api, store, width, pool):
                    manifest.put(**row)
                    in_a_row = in_a_row + 1 if row["status"] == "failed" else 0
                    if in_a_row >= IN_A_ROW:
                        raise GaveUp(f"{in_a_row} files in a row failed, the last one: {row['reason']}")
                done += len(titles[start : start + BATCH])
                report("pictures fetched", done, len(titles))
        except BaseException:
            api.client.close()  # whoever waits in the pool stops waiting
            pool.shutdown(cancel_futures=True)
            raise


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
    yield from pool.map(lambda picture: fetch_picture(api.client, picture, store), wanted.values())


def _final(manifest: Journal, title: str, store: Path) -> bool:
    row = manifest.rows.get(title, COLUMNS)
    whole = row["status"] != "fetched" or holds(store, row["path"], row["bytes"])
    return row["status"] in FINAL and whole
