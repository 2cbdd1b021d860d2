"""What a comparison found, in words and one table: made from its numbers, so that no text can drift."""

from pathlib import Path

import pandas as pd

from wikitopics.artefacts import read_json, read_table
from wikitopics.compare.claims import UNIT
from wikitopics.compare.runs import PEOPLE
from wikitopics.compare.tables import PRIMARY, column, headline

LEFT_OUT = ["micro F1"]  # the table must fit a page; the notebook has it all
SHOWN = ("higher", "lower")


def findings(folder: Path, rounds: int) -> str:
    """Markdown of the comparison in data/05_compare/RUN: a table of the runs and a list of what it shows.

    rounds: the resamples behind its intervals. Reads comparison.parquet, differences.parquet, claims.json.
    """
    comparison = read_table(Path(folder) / "comparison.parquet")
    differences = read_table(Path(folder) / "differences.parquet")
    said = [_claim(claim) for claim in read_json(Path(folder) / "claims.json")]
    said += _single_changes(differences[differences["metric"] == PRIMARY]) + _people(comparison)
    table = markdown_table(headline(folder).drop(columns=LEFT_OUT, errors="ignore"))
    return "\n\n".join([table, _measured_on(comparison, rounds), "\n".join(said)]) + "\n"


def markdown_table(table: pd.DataFrame) -> str:
    """A table of texts in Markdown, without its index.

    >>> print(markdown_table(pd.DataFrame({"run": ["a|b"], "AP": ["0.5"]})))
    | run | AP |
    |---|---|
    | a\\|b | 0.5 |
    """
    rows = [list(table.columns), *table.to_numpy().tolist()]
    lines = ["| " + " | ".join(str(cell).replace("|", "\\|") for cell in row) + " |" for row in rows]
    return "\n".join([lines[0], "|" + "---|" * len(table.columns), *lines[1:]])


def _measured_on(comparison: pd.DataFrame, rounds: int) -> str:
    images, groups = comparison["images"].iloc[0], comparison["groups"].iloc[0]
    return (
        f"{len(comparison)} runs on the same {images:,} test images; in brackets 95 % intervals from "
        f"{rounds:,} resamples of their {groups:,} groups; \\* is the highest of a column, which alone does "
        "not make it better than the others."
    )


def _claim(claim: dict) -> str:
    answer = claim["sentence"].removeprefix(claim["question"]).strip()
    return f"- **{claim['question']}** {answer}"


def _single_changes(differences: pd.DataFrame) -> list[str]:
    """One line for each difference that is shown, and how many pairs were asked about."""
    shown = differences[differences["verdict"].isin(SHOWN)]
    if differences.empty:
        return []
    start = "- **Does a single changed setting make a difference?** "
    start += f"In {len(shown)} of {len(differences)} pairs of runs"
    told = [_change(row) for row in shown.to_dict("records")]
    return [f"{start}{': ' if told else ''}{'; '.join(told)}."]


def _change(row: dict) -> str:
    over = (
        f"the {row['n_labels']} labels they share" if row["labels"] == "shared" else "each one's own labels"
    )
    return (
        f"{row['to_run']} is {row['verdict']} than {row['from_run']}, {row['difference']:+.3f} {UNIT} "
        f"({row['low']:+.3f} to {row['high']:+.3f}, corrected p {row['p_holm']:.3f}) over {over}"
    )


def _people(comparison: pd.DataFrame) -> list[str]:
    values, prior = comparison[column(PEOPLE)].dropna(), comparison[f"{column(PEOPLE)}_prior"].max()
    if values.empty:
        return []
    return [
        "- **What do people say?** By people's labels, which no run was trained on, the runs reach a ROC-AUC "
        f"of {values.min():.3f} to {values.max():.3f}; the label prior has {prior:.3f}."
    ]
