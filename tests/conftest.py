"""Fixtures that several test files share."""

from hypothesis import settings

from mediawiki.fixture import wiki  # noqa: F401
from score_planted import folders, pictures, root  # noqa: F401  (a tiny trained run)

settings.register_profile("any load", deadline=None)  # a busy machine is slow, and no test's fault
settings.load_profile("any load")

collect_ignore_glob = ["fuzz_*.py"]  # programs: they need atheris, and are called by test_*_fuzz.py
settings.register_profile("any machine", deadline=None)  # how long an example takes under load says nothing
settings.load_profile("any machine")
