"""Topics for Wikimedia images: a thin library under numbered notebooks.

`wikitopics.score` is scoring.api.score, `wikitopics.browse` is browsers.browse: imported when asked for, so
that the import of the package stays light.
"""

__version__ = "0.3.0"


def __getattr__(name: str):
    if name == "score":
        from wikitopics.scoring.api import score

        return score
    if name == "browse":
        from wikitopics.browsers import browse

        return browse
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted([*globals(), "browse", "score"])
