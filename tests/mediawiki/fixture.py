"""The pytest fixture `wiki`: one real MediaWiki for a whole session, or a reason why there is none."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from mediawiki.packages import Unavailable
from mediawiki.serve import remembered, sample_wiki
from mediawiki.server import MediaWiki


@pytest.fixture(scope="session")
def wiki(tmp_path_factory: pytest.TempPathFactory) -> Iterator[MediaWiki]:
    """A running MediaWiki with sample pictures; WIKITOPICS_TEST_WIKI names one that runs already."""
    kept = os.environ.get("WIKITOPICS_TEST_WIKI")
    if kept:
        yield remembered(Path(kept))
        return
    try:
        with sample_wiki(tmp_path_factory.mktemp("wiki")) as server:
            yield server
    except Unavailable as reason:
        pytest.skip(f"a real MediaWiki cannot start here: {reason}")
