"""Start the wiki with sample pictures by hand and keep it until Ctrl-C: python -m mediawiki.serve FOLDER

Tests use it instead of starting their own where WIKITOPICS_TEST_WIKI names FOLDER (2 s instead of a minute).
"""

import json
import os
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from mediawiki import content
from mediawiki.server import MediaWiki, running

RUNNING = "running.json"
FILES = int(os.environ.get("WIKITOPICS_TEST_FILES", 160))  # of the sample's 2,320; 16 are imported a second


@contextmanager
def sample_wiki(folder: Path, packages: Path | None = None) -> Iterator[MediaWiki]:
    """A running wiki that holds FILES of the sample's pictures, their categories and articles."""
    with running(folder, packages) as server:
        files = content.sample_files(FILES)
        server.import_pages([*content.furniture(), *content.category_pages(content.edges_above(files))])
        server.import_pages(content.article_pages(files))
        server.import_files(content.write_files(files, folder / "import"))
        server.import_pages(content.awkward_pages(files))
        server.run_jobs()
        yield server


def remembered(folder: Path) -> MediaWiki:
    """The wiki that another process keeps running in `folder`."""
    known = json.loads((folder / RUNNING).read_text())
    place = {name: Path(known[name]) for name in ("folder", "wiki", "socket")}
    return MediaWiki(**place, port=known["port"], environment=known["environment"])


def main(folder: Path) -> None:
    """Start, say where, wait."""
    with sample_wiki(folder) as server:
        known = {**vars(server), **{n: str(getattr(server, n)) for n in ("folder", "wiki", "socket")}}
        (folder / RUNNING).write_text(json.dumps(known))
        print(f"MediaWiki at {server.api}; Ctrl-C stops it", flush=True)
        try:
            signal.pause()
        finally:
            (folder / RUNNING).unlink()


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    main(Path(sys.argv[1]).resolve())
