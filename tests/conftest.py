"""Fixtures that several test files share."""

import sys

import pytest
from hypothesis import settings

from mediawiki.fixture import wiki  # noqa: F401
from score_planted import folders, pictures, root  # noqa: F401  (a tiny trained run)

# A busy machine is slow, and no test's fault. The same code draws the same examples, so that no change is
# refused for another's defect; to look for new ones: pytest --hypothesis-profile="new draws".
settings.register_profile("same draws", deadline=None, derandomize=True)
settings.register_profile("new draws", deadline=None)
settings.load_profile("same draws")

collect_ignore_glob = ["fuzz_*.py"]  # programs: they need atheris, and are called by test_*_fuzz.py


@pytest.fixture(scope="module", autouse=True)
def forget_networks():
    """Keras keeps what every network of this process left behind: with 2,700 tests gigabytes."""
    yield
    if "keras" in sys.modules:
        sys.modules["keras"].backend.clear_session()
