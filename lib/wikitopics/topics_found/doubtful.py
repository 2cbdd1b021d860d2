"""What a person should look at: each topic's most probable pictures, and those the model is least sure of."""

import numpy as np
import pandas as pd

from wikitopics.topics_found.found import Found

OPEN = (0.25, 0.75)  # a probability in here is a question
NAMED = 3  # questions that are told of one picture


def doubtful(found: Found) -> pd.DataFrame:
    """The scored pictures, least sure first: place (in found.frame), title, sureness, abstained, why."""
    sure = found.frame["sureness"].to_numpy(dtype=np.float64)
    order = np.argsort(sure, kind="stable")
    why = [_why(found.probabilities[place], found.label_names) for place in order]
    return pd.DataFrame(
        {
            "place": order,
            "title": found.frame["title"].to_numpy()[order],
            "sureness": sure[order],
            "abstained": found.frame["abstained"].to_numpy(dtype=bool)[order],
            "why": why,
        }
    )


def _why(probabilities: np.ndarray, label_names: list[str]) -> str:
    open_ones = np.flatnonzero((probabilities > OPEN[0]) & (probabilities < OPEN[1]))
    nearest = sorted(open_ones, key=lambda label: abs(probabilities[label] - 0.5))[:NAMED]
    told = ", ".join(f"{label_names[label]} {probabilities[label]:.2f}" for label in nearest)
    more = f" and {len(open_ones) - NAMED} more" if len(open_ones) > NAMED else ""
    return told + more or "many small chances"


def examples(found: Found, columns: int, rows: int) -> pd.DataFrame:
    """For each topic (the `rows` most found ones) its `columns` most probable pictures above the threshold.

    place (in found.frame, -1 where there are no more), label, probability, title; topic by topic, each with
    exactly `columns` rows. Of copies of one picture only the first is taken.
    """
    counts = found.above.sum(axis=0)
    chosen = [label for label in np.argsort(-counts, kind="stable")[:rows] if counts[label]]
    return pd.concat([_most_probable(found, label, columns) for label in sorted(chosen)] or [_none()])


def _most_probable(found: Found, label: int, columns: int) -> pd.DataFrame:
    chance = np.where(found.above[:, label], found.probabilities[:, label], -1)
    order = np.argsort(-chance, kind="stable")
    first = ~pd.Series(found.duplicates[order]).duplicated().to_numpy()
    places = [place for place in order[first][:columns] if chance[place] >= 0]
    table = _none().reindex(range(columns))
    table["place"] = places + [-1] * (columns - len(places))
    table["label"] = found.label_names[label]
    table["probability"] = [chance[place] if place >= 0 else np.nan for place in table["place"]]
    table["title"] = [found.frame["title"].iloc[place] if place >= 0 else "" for place in table["place"]]
    return table


def captions_of_examples(table: pd.DataFrame) -> list[str]:
    """For each row of `examples`: its probability and topic, and its title; "" where there is no picture."""
    told = zip(table["place"], table["label"], table["probability"], table["title"], strict=True)
    return [f"{chance:.2f} {label}\n{title}" if place >= 0 else "" for place, label, chance, title in told]


def captions_of_doubtful(table: pd.DataFrame) -> list[str]:
    """For each row of `doubtful`: its title, and below it one line for each open question."""
    return [f"{row.title}\n" + row.why.replace(", ", "\n") for row in table.itertuples()]


def _none() -> pd.DataFrame:
    return pd.DataFrame(columns=["place", "label", "probability", "title"])
