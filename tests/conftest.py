"""Fixtures that several test files share."""

from mediawiki.fixture import wiki  # noqa: F401

collect_ignore_glob = ["fuzz_*.py"]  # programs: they need atheris, and are called by test_*_fuzz.py
