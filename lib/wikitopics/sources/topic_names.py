"""The 64 article topics in every spelling that Wikimedia's services use, and scores as they write them."""

from collections.abc import Iterable
from functools import cache

from wikitopics.labels.taxonomy import load

TAXONOMY = "ores-64"
PREFIXES = ("classification.prediction.articletopic/", "classification.ores.articletopic/")  # new, old
PER_MILLE = 1000  # scores of the search index are whole numbers


@cache
def spellings() -> dict[str, str]:
    """Every spelling of a topic -> its name in the taxonomy ores-64.

    With blanks (ORES), with underscores (LiftWing, today's search index), or as a word to search for.

    >>> spelled = spellings()
    >>> spelled["STEM.Medicine_&_Health"], spelled["medicine-and-health"], spelled["europe"]
    ('STEM.Medicine & Health', 'STEM.Medicine & Health', 'Geography.Regions.Europe.Europe*')
    """
    known: dict[str, str] = {}
    for name in load(TAXONOMY).label_names:
        word = name.rpartition(".")[2].rstrip("*").lower().replace("&", "and").replace(" ", "-")
        known |= {name: name, name.replace(" ", "_"): name, word: name}
    return known


def topic_name(spelled: str) -> str | None:
    """The topic's name in the taxonomy ores-64, None where it has none of that spelling."""
    return spellings().get(spelled)


def tagged_topics(tags: Iterable[str]) -> tuple[dict[str, float], int]:
    """Topics with scores in [0, 1] from the search index's weighted tags, and how many topics are unknown.

    >>> tagged_topics(["classification.ores.articletopic/STEM.Biology|939", "recommendation.link/exists|1"])
    ({'STEM.Biology': 0.939}, 0)
    """
    scores: dict[str, float] = {}
    unknown = 0
    for tag in tags:
        prefix = next((prefix for prefix in PREFIXES if tag.startswith(prefix)), None)
        if prefix is None:
            continue
        spelled, _, value = tag.removeprefix(prefix).rpartition("|")
        name = topic_name(spelled)
        if name is None or not value.isdigit():
            unknown += 1
        else:
            scores[name] = max(scores.get(name, 0.0), min(int(value) / PER_MILLE, 1.0))
    return scores, unknown
