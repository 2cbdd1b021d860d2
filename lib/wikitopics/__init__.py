"""Topics for Wikimedia images: a thin library under numbered notebooks."""

__version__ = "0.3.0"
__all__ = ["browse", "score"]


def __getattr__(name: str):
    """`wikitopics.score` and `wikitopics.browse`, imported where first used: the import stays light."""
    if name == "score":
        from wikitopics.scoring.api import score

        return score
    if name == "browse":
        from wikitopics.browsers import browse

        return browse
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted([*globals(), *__all__])
