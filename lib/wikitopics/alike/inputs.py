"""The pictures that a command's inputs name, on this machine."""

from wikitopics.errors import UserError
from wikitopics.scoring.inputs import paths_of
from wikitopics.scoring.titles import PREFIX


def pictures_of(names: list[str], jobs: int = 0) -> list[str]:
    """The paths of files as scoring.inputs.paths_of gives them; UserError for titles of Commons, jobs < 0."""
    if jobs < 0:
        raise UserError(f"--jobs must be at least 1, but is {jobs}; leave it out for half the cores")
    paths = paths_of(names)
    title = next((path for path in paths if path.startswith(PREFIX)), None)
    if title is not None:
        raise UserError(
            f"pictures must be files here, but {title!r} is a title of Commons; fetch it first with "
            "`wikitopics download` or `wikitopics score`"
        )
    return paths
