"""The one exception a person at the keyboard is meant to see."""


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
