"""Fixtures that several test files share."""

import sys

import pytest
from hypothesis import settings

from mediawiki.fixture import wiki  # noqa: F401
from score_planted import folders, pictures, root  # noqa: F401  (a tiny trained run)

settings.register_profile("any load", deadline=None)  # a busy machine is slow, and no test's fault
settings.load_profile("any load")

collect_ignore_glob = ["fuzz_*.py"]  # programs: they need atheris, and are called by test_*_fuzz.py


@pytest.fixture(scope="module", autouse=True)
def forget_networks():
    """Keras keeps what every network of this process left behind: with 2,700 tests gigabytes."""
    yield
    if "keras" in sys.modules:
        sys.modules["keras"].backend.clear_session()
