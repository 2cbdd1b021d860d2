"""The one exception a person at the keyboard is meant to see, and what it says where a package is missing."""

from collections.abc import Iterator
from contextlib import contextmanager


class UserError(ValueError):
    """A user's mistake, told in one sentence: the rule, the value received, the remedy.

    Notebooks and the command line show the sentence alone, without a traceback.

    >>> raise UserError("image_size must be 32 to 300 pixels, but is 8; choose one in that range")
    Traceback (most recent call last):
    ...
    wikitopics.errors.UserError: image_size must be 32 to 300 pixels, but is 8; choose one in that range
    """

    def _render_traceback_(self) -> list[str]:
        """What IPython prints instead of a traceback."""
        return [f"{type(self).__name__}: {self}"]


@contextmanager
def brought_by(extra: str, what: str) -> Iterator[None]:
    """A block of imports of packages that the extra `extra` of this one brings, and that `what` needs.

    Raises UserError with the line that installs the extra where one of them is missing.

    >>> with brought_by("lab", "a bench"):
    ...     import no_such_package
    Traceback (most recent call last):
    ...
    wikitopics.errors.UserError: a bench needs no_such_package, which is not installed; run: pip install 'wikitopics[lab]'
    """  # noqa: E501
    try:
        yield
    except ModuleNotFoundError as missing:
        raise UserError(not_installed(extra, what, str(missing.name))) from missing


def not_installed(extra: str, what: str, package: str) -> str:
    """The sentence: `what` needs `package`, which is not installed, and the line that installs its extra."""
    return f"{what} needs {package}, which is not installed; run: pip install 'wikitopics[{extra}]'"
