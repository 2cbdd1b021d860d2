"""Pictures to score: found by path or title, and decoded a few chunks ahead by other processes."""

import os
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field
from functools import lru_cache
from itertools import islice
from pathlib import Path
from typing import ClassVar, Protocol

import numpy as np
import pandas as pd
from joblib import cpu_count
from joblib.externals.loky import ProcessPoolExecutor
from joblib.externals.loky.process_executor import BrokenProcessPool

from wikitopics.errors import UserError
from wikitopics.images.decode import Picture, Recipe, read
from wikitopics.images.parallel import end_with
from wikitopics.images.reasons import Rejected
from wikitopics.images.sandbox import decode_in_child
from wikitopics.paths import root
from wikitopics.sources.commons_api import COMMONS
from wikitopics.sources.inputs import PREFIX
from wikitopics.sources.reading import MANIFEST, digest_of, read_inside, read_stored

Bad = tuple[int, str, str, str]  # a file that cannot be used: place, path, reason, detail
AHEAD = 2  # chunks a worker may be ahead: enough never to wait, and memory stays flat

WIDTH = 330  # pixels, as `wikitopics download` fetches by default

SIDE = 128  # pixels of a picture that is shown
TOGETHER = 64 << 20  # bytes of files beyond which no further one waits for the same process
WHITE, GREY = 255, 236  # of a place without a picture; of a picture that can no longer be read


class Reads(Protocol):
    """What pictures are read from: any source (sources.Source), or anything else that can be pickled.

    name tells whose the paths are; read: the bytes at a path, or OSError as sources.Source.read raises it, or
    Rejected with the reason to tell.
    """

    name: ClassVar[str]

    def read(self, path: str, max_bytes: int) -> bytes:
        """The bytes at `path`; TooLarge above `max_bytes`."""


@dataclass(frozen=True)
class NamedFiles:
    """Files that somebody named, wherever they lie.

    base: the folder of relative names, "" for that of this process. Who sends it to another process, which
    may be in another folder or on another machine, sends its own folder along.
    """

    name: ClassVar[str] = "files"
    base: str = field(default="", repr=False, compare=False)

    def __reduce__(self):
        return NamedFiles, (self.base or os.getcwd(),)

    def read(self, path: str, max_bytes: int) -> bytes:
        """The bytes of a regular file, links followed; raises as sources.reading.read_inside."""
        return read_inside(Path("/"), os.path.abspath(os.path.join(self.base, path)), max_bytes)


FILES = NamedFiles()


def decoded(
    paths: list[str], recipe: Recipe, chunk: int, jobs: int = 0, source: Reads = FILES
) -> Iterator[tuple[list[str], np.ndarray, pd.DataFrame]]:
    """For each `chunk` of paths, in order: the paths, pixels (k, s, s, 3) uint8 of the k that can be used,
    and a table of the others (path, reason, detail), whose index is their places among these paths.

    A file that is named twice is read twice, and may be gone the second time: only a place tells which.

    Unlike joblib's own generator it stops decoding when nobody takes the pictures. jobs: worker processes,
    0 for half of the cores (a network on a processor wants the others). source: what reads the paths.
    """
    jobs = jobs or max(1, cpu_count() // 2)
    workers = _workers(jobs)
    starts = iter(range(0, len(paths), chunk))
    waiting: deque = deque()

    def begin() -> None:
        for start in islice(starts, 1):
            some = paths[start : start + chunk]
            waiting.append((some, workers.submit(decode_some, some, recipe, source)))

    for _ in range(AHEAD * jobs):
        begin()
    while waiting:
        some, task = waiting.popleft()
        pixels, rejected = _result(task)
        begin()
        yield some, pixels, _table(rejected)


def _table(rejected: list[Bad]) -> pd.DataFrame:
    columns = ["place", "path", "reason", "detail"]
    return pd.DataFrame(rejected, columns=columns).astype({"place": np.int64}).set_index("place")


@lru_cache(maxsize=1)
def _workers(jobs: int) -> ProcessPoolExecutor:
    """Processes of our own, for all shards: joblib cannot use its reusable ones after somebody else did."""
    return ProcessPoolExecutor(max_workers=jobs, timeout=60, initializer=end_with, initargs=(os.getpid(),))


def _result(task: Future) -> tuple[np.ndarray, list[Bad]]:
    try:
        return task.result()
    except BrokenProcessPool as error:
        _workers.cache_clear()
        raise UserError(
            "processes that decode must live until they are done, but one was killed from outside; free "
            "memory and run again: it goes on where it was"
        ) from error


def decode_some(paths: list[str], recipe: Recipe, source: Reads = FILES) -> tuple[np.ndarray, list[Bad]]:
    """Pixels (k, s, s, 3) uint8 of the k files that can be used; place in `paths`, path, reason, detail of
    the others."""
    found = [_read(source, path, recipe.max_bytes) for path in paths]
    decoded = iter(decode_in_child([data for data in found if isinstance(data, bytes)], recipe))
    outcomes = [next(decoded) if isinstance(data, bytes) else data for data in found]
    pixels = [outcome.pixels for outcome in outcomes if not isinstance(outcome, Rejected)]
    shape = (len(pixels), recipe.store_size, recipe.store_size, 3)
    rejected = [
        (place, path, outcome.reason, outcome.detail)
        for place, (path, outcome) in enumerate(zip(paths, outcomes, strict=True))
        if isinstance(outcome, Rejected)
    ]
    return np.stack(pixels) if pixels else np.empty(shape, np.uint8), rejected


def _read(source: Reads, path: str, max_bytes: int) -> bytes | Rejected:
    try:
        return read(source, path, max_bytes)
    except Rejected as reason:  # a source may know more than the system does
        return reason


@dataclass(frozen=True)
class WithTitles:
    """Named files, and titles whose pictures are in `folder`; `state`: digest of what became of them."""

    name: ClassVar[str] = "files and commons"
    folder: Path
    state: str
    files: NamedFiles = FILES  # with it travels what a relative name means

    def read(self, path: str, max_bytes: int) -> bytes:
        """The bytes of a title's picture or of a file; Rejected for a title that has no picture here."""
        if not path.startswith(PREFIX):
            return self.files.read(path, max_bytes)
        title, status, why = self.found(path)
        if status == "fetched":
            return read_stored(self.folder, title, max_bytes)
        reason = {"missing": "missing", "unsupported": "unsupported_kind"}.get(status, "not_fetched")
        raise Rejected(reason, why)

    def found(self, path: str) -> tuple[str, str, str]:
        """The title whose picture stands for `path`, redirects followed; its status there and why."""
        manifest = self.folder / MANIFEST
        rows = _rows(manifest, manifest.stat().st_mtime_ns)
        title = path.removeprefix(PREFIX)
        for _ in range(len(rows)):  # redirects may go in circles
            status, why = rows.get(title, ("waiting", ""))
            if status != "renamed":
                break
            title = why
        return title, status, why


def remark(source: Reads, path: str) -> str:
    """What is to be told of a picture that was scored: where a title redirects to, or ""."""
    if not isinstance(source, WithTitles) or not path.startswith(PREFIX):
        return ""
    title = source.found(path)[0]
    return "" if PREFIX + title == path else f"redirects to {PREFIX}{title}"


@lru_cache(maxsize=2)
def _rows(manifest: Path, modified: int) -> dict[str, tuple[str, str]]:
    """Title -> status, and the new title or the reason, of one version of the manifest."""
    table = pd.read_parquet(manifest, columns=["title", "status", "reason", "detail"])
    told = table["reason"].where(table["detail"] == "", table["reason"] + ": " + table["detail"])
    why = table["detail"].where(table["status"] == "renamed", told)
    return dict(zip(table["title"], zip(table["status"], why, strict=True), strict=True))


def fetched(
    names: list[str], contact: str, folder: str | Path = "", width: int = WIDTH, api: str = COMMONS
) -> WithTitles:
    """Fetch the pictures of the titles among `names` into `folder`, politely; what reads them.

    width: pixels, the next standard one is taken. folder: by default one of data/downloads, named by the
    digest of titles and width, so that the same titles are never fetched twice. Raises UserError without a
    contact (an e-mail or web address) and where the server is to be left alone.
    """
    from wikitopics.sources.online.action_api import ActionApi
    from wikitopics.sources.online.download import any_failed, download, polite_client

    titles = list(dict.fromkeys(name.removeprefix(PREFIX) for name in names if name.startswith(PREFIX)))
    own = root() / "data" / "downloads" / f"titles-{digest_of(api, str(width), *sorted(titles))[:16]}"
    folder = Path(folder).absolute() if folder else own
    with polite_client(contact, folder) as client:
        failed = any_failed(folder)
        counts = download(titles, ActionApi(client, api), folder, width)
        if failed:  # whoever names a title again wants it now, rested or not
            counts = download(titles, ActionApi(client, api), folder, width, only_failed=True)
    print("titles " + ", ".join(f"{what}: {count:,}" for what, count in counts.items()), flush=True)
    source = WithTitles(folder, "")
    return WithTitles(folder, digest_of(*(" ".join(source.found(PREFIX + title)) for title in titles)))


class Pictures:
    """Pictures (side, side, 3) uint8 by row, decoded when asked for: `pictures[row]`, as of an array.

    Behind the fence, in a child process: a file may be another one than when it was scored.
    """

    def __init__(self, source: Reads, paths: Sequence[str], fit: str = "pad", side: int = SIDE) -> None:
        self.source, self.paths = source, list(paths)
        self.recipe = Recipe(side, fit)

    def __len__(self) -> int:
        return len(self.paths)

    def __getitem__(self, row: int) -> np.ndarray:
        return self.several([row])[0]

    def several(self, rows: Iterable[int]) -> list[np.ndarray]:
        """The pictures of some rows, decoded in one process: to begin one takes longer than a picture.

        White for a row below 0, grey for a file that cannot be shown.
        """
        shown: list[np.ndarray] = []
        waiting: dict[int, bytes] = {}  # by place in `shown`
        held = 0  # bytes of what waits
        for row in rows:
            shown.append(self._blank(WHITE if row < 0 else GREY))
            data = None if row < 0 else _read(self.source, self.paths[row], self.recipe.max_bytes)
            if isinstance(data, bytes):
                waiting[len(shown) - 1] = data
                held += len(data)
            if held > TOGETHER:
                self._decode(waiting, shown)
                held = 0
        self._decode(waiting, shown)
        return shown

    def _decode(self, waiting: dict[int, bytes], shown: list[np.ndarray]) -> None:
        """Put what waits to be decoded into its place; nothing waits after it."""
        for place, outcome in zip(waiting, decode_in_child([*waiting.values()], self.recipe), strict=True):
            if isinstance(outcome, Picture):
                shown[place] = outcome.pixels
        waiting.clear()

    def _blank(self, shade: int) -> np.ndarray:
        return np.full((self.recipe.store_size, self.recipe.store_size, 3), shade, np.uint8)
