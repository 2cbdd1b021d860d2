"""Topics for Wikimedia images: a thin library under numbered notebooks."""

__version__ = "0.2.0"


def __getattr__(name: str):
    """`wikitopics.score`, imported where it is first used: `import wikitopics` stays light."""
    if name == "score":
        from wikitopics.scoring.api import score

        return score
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
