"""A real MediaWiki with a real MariaDB on loopback, in a folder of its own, as an ordinary user."""

import os
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import requests

import mariadb
from mediawiki.content import Page, export_xml
from mediawiki.packages import check, imagemagick, unpack

HERE = Path(__file__).parent
DATABASE = "commonswiki"
TABLES = ("page", "categorylinks", "linktarget", "page_props", "redirect", "image", "category", "imagelinks")
PHP = ["php", "-d", "memory_limit=512M", "-d", "opcache.enable_cli=1", "-d", "apc.enable_cli=1", "-d",
       "display_errors=stderr"]  # fmt: skip


@dataclass
class MediaWiki:
    """A running wiki: `url` its address, `api` its api.php; import what it shall hold, ask it, dump it."""

    folder: Path
    wiki: Path
    socket: Path
    port: int
    environment: dict[str, str] = field(default_factory=dict)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def api(self) -> str:
        return f"{self.url}/w/api.php"

    def script(self, name: str, *arguments: str | Path, text: str | None = None) -> str:
        """Run one of MediaWiki's maintenance scripts; what it printed. Raises RuntimeError where it fails."""
        command = [*PHP, self.wiki / "maintenance" / f"{name}.php", *arguments]
        done = subprocess.run(command, input=text, env=self.environment, capture_output=True, text=True)
        if done.returncode:
            raise RuntimeError(f"{name}.php: {(done.stdout + done.stderr)[-1500:]}")
        return done.stdout

    def import_pages(self, pages: Iterable[Page]) -> None:
        """Pages of any namespace, templates first: what follows from a page is made with it."""
        file = self.folder / "pages.xml"
        file.write_text(export_xml(pages), "utf-8")
        self.script("importDump", "--quiet", file)

    def import_files(self, folder: Path) -> str:
        """The files of `folder`; NAME.jpg.txt is the text of NAME.jpg's page. What could not is told."""
        suffixes = "png,gif,jpg,jpeg,webp,svg,tif,tiff,pdf"
        return self.script(
            "importImages", "--comment-ext=txt", f"--extensions={suffixes}", "--user=Admin", folder
        )

    def run_jobs(self) -> None:
        """What a wiki's job queue would see to in its own time."""
        self.script("runJobs")

    def sql(self, statements: str) -> bytes:
        """What the database says."""
        return mariadb.sql(self.socket, statements, DATABASE)

    def dump(self, folder: Path, date: str = "20260101") -> Path:
        """commonswiki-DATE-TABLE.sql of TABLES in `folder`, by the real mysqldump, named as Wikimedia's."""
        for table in TABLES:
            mariadb.dump(self.socket, DATABASE, table, folder / f"{DATABASE}-{date}-{table}.sql")
        return folder


@contextmanager
def running(folder: Path, packages: Path | None = None) -> Iterator[MediaWiki]:
    """An empty wiki in `folder` (absolute), stopped at the end; `packages`: where MediaWiki is kept unpacked.

    Raises packages.Unavailable where it cannot be started here.
    """
    check()
    unpacked = unpack(packages or folder)
    folder.mkdir(parents=True, exist_ok=True)
    wiki = shutil.copytree(unpacked, folder / "w", symlinks=True) if packages else unpacked
    with mariadb.server(folder / "database") as database:
        server = MediaWiki(folder, wiki, database, _free_port(), _environment(folder, wiki))
        _install(server)
        with _serving(server):
            yield server


def _environment(folder: Path, wiki: Path) -> dict[str, str]:
    (folder / "pictures").mkdir(exist_ok=True)
    ours = {
        "WIKI_ROOT": str(wiki),
        "WIKI_PICTURES": str(folder / "pictures"),
        "WIKI_CONVERT": imagemagick() or "",
    }
    return {**os.environ, **ours, "LC_ALL": "C.UTF-8", "PHP_CLI_SERVER_WORKERS": "4"}


def _install(server: MediaWiki) -> None:
    place = ["--dbtype=mysql", f"--dbserver=localhost:{server.socket}", f"--dbname={DATABASE}"]
    users = ["--dbuser=root", "--dbpass=", "--installdbuser=root", "--installdbpass="]
    web = [f"--server={server.url}", "--scriptpath=/w", f"--confpath={server.wiki}", "--skins=Vector"]
    server.script("install", *place, *users, *web, "--pass=only-for-tests-4711", "Commons for tests", "Admin")
    with open(server.wiki / "LocalSettings.php", "a", encoding="utf-8") as settings:
        settings.write((HERE / "settings.php").read_text("utf-8"))


@contextmanager
def _serving(server: MediaWiki) -> Iterator[None]:
    command = [*PHP, "-S", f"127.0.0.1:{server.port}", HERE / "router.php"]
    with open(server.folder / "web.log", "wb") as log:
        web = subprocess.Popen(
            command, env=server.environment, stdout=log, stderr=log, stdin=subprocess.DEVNULL,
            start_new_session=True,  # its workers are children of their own: the group is stopped as a whole
        )  # fmt: skip
    try:
        _wait(server, web)
        yield
    finally:
        os.killpg(web.pid, signal.SIGTERM)
        web.wait(30)


def _wait(server: MediaWiki, web: subprocess.Popen) -> None:
    until = time.monotonic() + 60
    while True:
        try:
            answer = requests.get(server.api, {"action": "query", "format": "json"}, timeout=30)
            answer.raise_for_status()
            return
        except requests.RequestException as error:
            if web.poll() is not None or time.monotonic() > until:
                raise RuntimeError(f"MediaWiki does not answer: {error}") from error
            time.sleep(0.1)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]
