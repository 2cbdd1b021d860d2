"""Titles of Wikimedia Commons among what is scored: their pictures as `wikitopics download` keeps them."""

from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import ClassVar

import pandas as pd

from wikitopics.images.reasons import Rejected
from wikitopics.paths import root
from wikitopics.scoring.decoding import FILES, NamedFiles, Reads
from wikitopics.sources.cache import digest_of
from wikitopics.sources.commons_api import COMMONS
from wikitopics.sources.stored import MANIFEST, read_stored

PREFIX = "File:"  # of every title; the name of a file on disk has a folder before it, if only "./"
WIDTH = 330  # pixels, as `wikitopics download` fetches by default


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
    from wikitopics.sources.online.download import download, polite_client

    titles = list(dict.fromkeys(name.removeprefix(PREFIX) for name in names if name.startswith(PREFIX)))
    own = root() / "data" / "downloads" / f"titles-{digest_of(api, str(width), *sorted(titles))[:16]}"
    folder = Path(folder).absolute() if folder else own
    with polite_client(contact, folder) as client:
        counts = download(titles, ActionApi(client, api), folder, width)
    print("titles " + ", ".join(f"{what}: {count:,}" for what, count in counts.items()), flush=True)
    source = WithTitles(folder, "")
    return WithTitles(folder, digest_of(*(" ".join(source.found(PREFIX + title)) for title in titles)))
