"""Fixtures that several test files share."""

from mediawiki.fixture import wiki  # noqa: F401
