"""Estimated shares and counts of topics against what people said of the same pictures."""

import numpy as np
import pandas as pd

from wikitopics.labels.lineage import label_matrix
from wikitopics.topics_found.found import Found
from wikitopics.topics_found.held_out import HeldOut
from wikitopics.topics_found.shares import shares

COLUMNS = ["label", "judged", "people", "counted_share", "share", "low", "high", "inside"]


def against_people(found: Found, held_out: HeldOut, rounds: int, seed: int) -> tuple[pd.DataFrame, str]:
    """COLUMNS, one row a label that people gave at all, on the judged pictures only; and one sentence.

    people: the share that people gave the label; counted_share, share, low, high: as topics_found.shares has
    them, for the same pictures; inside: whether people's share is in the interval.
    """
    judged = found.frame["human"].notna().to_numpy()
    if not judged.any():
        return pd.DataFrame(columns=COLUMNS), "No person has said what these pictures show."
    said = label_matrix(found.frame.loc[judged, "human"], found.label_names)
    scored = found.probabilities[judged], found.above[judged]
    table = shares(*scored, found.label_names, held_out, found.duplicates[judged], rounds, seed)
    table = table.assign(people=said.mean(axis=0), judged=int(judged.sum()))
    table["inside"] = (table["low"] <= table["people"]) & (table["people"] <= table["high"])
    table = table[(table["people"] > 0) & table["share"].notna()].reset_index(drop=True)
    return table[COLUMNS], _sentence(table, len(judged))


def _sentence(table: pd.DataFrame, pictures: int) -> str:
    if table.empty:
        return "People gave these pictures none of the labels that can be estimated."
    far = [np.abs(table[column] - table["people"]).mean() for column in ("share", "counted_share")]
    return (
        f"People judged {table['judged'].iloc[0]:,} of {pictures:,} pictures. Their share lies in the "
        f"interval for {table['inside'].sum()} of {len(table)} labels; on average it is {100 * far[0]:.1f} "
        f"percentage points from the estimate and {100 * far[1]:.1f} from the plain count."
    )
