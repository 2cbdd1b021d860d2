"""Links between notebooks as links between pages; what the site does not have is no link."""

import posixpath
import re

from wikitopics.site.executed import Notebook

NOTEBOOK = re.compile(r"(?:.*/)?(?:(?P<stage>\d\d_\w+)/(?P<run>[^/]+)|(?P<source>\d\d_\w+))\.ipynb")


class Links:
    """Where addresses in notebooks lead, for a site of these notebooks."""

    def __init__(self, notebooks: list[Notebook]) -> None:
        self.notebooks = notebooks

    def resolve(self, here: Notebook, url: str) -> str | None:
        """The address to use on `here`'s page, or None where the site has nothing of that name."""
        if re.match(r"https?://", url):
            return url
        found = NOTEBOOK.fullmatch(url.partition("#")[0])
        if not found:
            return None
        there = self.run(found["stage"], found["run"]) if found["run"] else self.stage(found["source"], here)
        return relative(there.address, here.address) if there else None

    def run(self, stage: str, run: str) -> Notebook | None:
        """The notebook of that stage and run."""
        return next((one for one in self.notebooks if (one.stage, one.run) == (stage, run)), None)

    def stage(self, stage: str, here: Notebook) -> Notebook | None:
        """The stage's run of the same name, or one that reads this run or is read by it, or the first."""
        runs = [one for one in self.notebooks if one.stage == stage]
        related = [one for one in runs if one.run == here.run or reads(one, here) or reads(here, one)]
        return next(iter(sorted(related, key=lambda one: one.run != here.run) or runs), None)

    def stages(self, here: Notebook) -> list[Notebook]:
        """One run of each stage, as near to `here` as there is."""
        found = [self.stage(stage, here) for stage in dict.fromkeys(one.stage for one in self.notebooks)]
        return [one for one in found if one is not None]


def reads(later: Notebook, earlier: Notebook) -> bool:
    """Whether a run names another one among its parameters."""
    return any(
        earlier.run == value or isinstance(value, list) and earlier.run in value
        for value in later.differing.values()
    )


def relative(target: str, page: str) -> str:
    """An address in the site as seen from a page.

    >>> relative("index.html", "04_evaluate/a.html"), relative("04_evaluate/b.html", "04_evaluate/a.html")
    ('../index.html', 'b.html')
    """
    return posixpath.relpath(target, posixpath.dirname(page) or ".")
