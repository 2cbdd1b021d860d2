"""A view of the browser as something to keep: a table, a list of titles, a line of code, a curve."""

from collections.abc import Callable, Sequence
from dataclasses import fields
from typing import Any

import numpy as np
import pandas as pd

from wikitopics.errors import UserError
from wikitopics.show.browser.choice import KINDS, Choice, Predictions
from wikitopics.show.browser.reviews import Reviews
from wikitopics.sources.table_cells import without_formula

STEPS = 101  # thresholds of a curve
_OTHER = {"against": "right"}  # what a filter is called in `browse`, where `against` names the other run
MOST_COPIED = 5000  # rows of a table that is copied by hand


def short(choice: Choice, label_names: Sequence[str]) -> dict[str, Any]:
    """The filters that are not at their defaults, by name; the label by its own name.

    >>> short(Choice(label=1, search="fox"), ["Animals", "Plants"])
    {'label': 'Plants', 'search': 'fox'}
    """
    default = Choice()
    values = {field.name: getattr(choice, field.name) for field in fields(Choice)}
    changed = {name: value for name, value in values.items() if value != getattr(default, name)}
    if choice.label is not None:
        changed["label"] = label_names[choice.label]
    return changed


def line(run: str, against: str, choice: Choice, label_names: Sequence[str]) -> str:
    """The line of code that opens a view of a run, `against` another one if there is one.

    >>> line("commons", "", Choice(search="fox"), [])
    "wikitopics.browse('commons', search='fox')"
    """
    given = short(choice, label_names)
    if against:
        given = {"against": against} | {_OTHER.get(name, name): value for name, value in given.items()}
    words = [repr(run), *(f"{name}={value!r}" for name, value in given.items())]
    return f"wikitopics.browse({', '.join(words)})"


def table(pairs: np.ndarray, known: Predictions, reviews: Reviews) -> pd.DataFrame:
    """A row a pair: title, label, kind, score, threshold, split, verdict, reviewer ("" without one)."""
    images, labels = np.divmod(pairs, max(1, known.width))
    names, kinds = np.array(known.label_names, object), np.array(KINDS, object)
    found = pd.DataFrame(
        {
            "title": known.titles[images],
            "label": names[labels],
            "kind": kinds[known.kinds[images, labels]],
            "score": known.scores[images, labels].astype(float).round(4),
            "threshold": known.thresholds[labels].round(4),
            "split": known.splits[images],
            "verdict": "",
            "reviewer": "",
        }
    )
    for row in np.flatnonzero(np.isin(pairs, known.pairs_of(reviews.keys()))):
        said = reviews.get(known.key(pairs[row]))
        assert said is not None
        found.loc[row, ["verdict", "reviewer"]] = [said.verdict, said.reviewer]
    return found


def copied(what: str, table: Callable[[], pd.DataFrame], line: Callable[[], str]) -> str:
    """A view as text: "csv", "table" (Markdown), "titles" (a line each) or "code"; at most 5,000 rows."""
    if what == "code":
        return line()
    rows = table().head(MOST_COPIED)
    if what == "csv":
        return rows.map(without_formula).to_csv(index=False)
    if what == "titles":
        return "\n".join(rows["title"].drop_duplicates().astype(str))
    if what == "table":
        cells = [list(rows.columns), ["---"] * len(rows.columns), *rows.astype(str).to_numpy().tolist()]
        return "\n".join("| " + " | ".join(_cell(value) for value in row) + " |" for row in cells)
    raise UserError(
        f"a view is copied as csv, table, titles or code, but not as {what!r}; choose one of these"
    )


def _cell(value: str) -> str:
    return value.replace("|", "\\|").replace("\n", " ")


def curve(truth: np.ndarray, scores: np.ndarray) -> dict[str, list[float]]:
    """Precision and recall of one label at thresholds from 0 to 1: cuts, precision, recall, crossing counts.

    truth (n,) bool; scores (n,) in [0, 1]. Where nothing is predicted precision is 1.

    >>> curve(np.array([True, False]), np.array([0.9, 0.4]))["precision"][::50]
    [0.5, 1.0, 1.0]
    """
    cuts = np.linspace(0, 1, STEPS)
    every, right = np.sort(scores), np.sort(scores[truth])
    said = len(every) - np.searchsorted(every, cuts.astype(every.dtype), "left")
    found = len(right) - np.searchsorted(right, cuts.astype(right.dtype), "left")
    precision = np.where(said > 0, found / np.maximum(said, 1), 1.0)
    recall = found / max(1, len(right))
    return {
        "cuts": cuts.round(2).tolist(),
        "precision": precision.round(4).tolist(),
        "recall": recall.round(4).tolist(),
        "said": said.tolist(),
    }
