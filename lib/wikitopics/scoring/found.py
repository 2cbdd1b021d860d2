"""Scored pictures as arrays, what a person should look at, and what people said of them."""

import json
import re
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from wikitopics.artefacts import finished_run, read_arrow, read_json
from wikitopics.errors import UserError
from wikitopics.evaluate.predictions import lineage
from wikitopics.images.reasons import REASONS
from wikitopics.labels.category_graph import CategoryGraph
from wikitopics.labels.label_sources import graph_for
from wikitopics.labels.taxonomy import label_matrix
from wikitopics.scoring.choose import Chosen, HeldOut
from wikitopics.scoring.given import score_features
from wikitopics.scoring.settings import Settings, from_json, topics
from wikitopics.scoring.shards import score_files
from wikitopics.scoring.shares import shares
from wikitopics.sources import open_source

GROUPS = {"folder": "folder", "category": "categories", "wiki": "articles", "group": "group"}

# How categories of Commons that are hidden are called, where no graph says which are.
MAINTENANCE = re.compile(
    r"(CC[- ](BY|Zero|0|PD|SA)|PD[- ]|GFDL|FAL$|Public domain|Copyright|Licen[sc]e |Self-published"
    r"|Uploaded |Uploads by|Media (needing|lacking|missing|with|without|contributed)"
    r"|Files (with|without|by|uploaded|from)|Images (that should|with|without|needing|uploaded)"
    r"|Pages (with|using|where)|(Valid|Invalid) SVG|SVG created with|Items with|Artworks (with|without)"
    r"|Template |Flickr |Wikipedia (backlog|maintenance))",
    re.IGNORECASE,
)

OPEN = (0.25, 0.75)  # a probability in here is a question
NAMED = 3  # questions that are told of one picture

COLUMNS = ["label", "judged", "people", "counted_share", "expected_share", "share", "low", "high", "inside"]


@dataclass(frozen=True)
class Found:
    """Pictures that could be scored, n of them, and rejected: path, title, reason, detail of the others.

    frame: Chosen's columns, labels, sureness, abstained; probabilities (n, L); above (n, L) bool: the labels
    that scoring.settings.topics gives, also to pictures whose `labels` are empty because it abstained."""

    settings: Settings
    frame: pd.DataFrame
    probabilities: np.ndarray
    above: np.ndarray
    rejected: pd.DataFrame

    @property
    def label_names(self) -> list[str]:
        """The model's labels, in the order of every column."""
        return self.settings.label_names

    @property
    def duplicates(self) -> np.ndarray:
        """(n,) a code that copies of one picture share."""
        return self.frame["duplicates"].to_numpy()


def score_chosen(
    chosen: Chosen,
    model: str,
    evaluation: str,
    out: Path,
    abstain: float,
    jobs: int,
    features: Path | None = None,
) -> Found:
    """Score the chosen files with the run `model` at the thresholds of `evaluation` into `out` (.parquet).

    abstain, jobs: see scoring.shards.score_files; features: a file of their features in the same order, for a
    model that learned from such. Raises UserError where no picture can be used.
    """
    run, judged = finished_run("03_train", model), finished_run("04_evaluate", evaluation)
    if features is not None:
        counts = score_features(run, [str(features)], out, judged, abstain)
    else:
        counts = score_files(
            run,
            list(chosen.frame["path"]),
            out,
            evaluation=judged,
            source=chosen.source,
            abstain=abstain,
            jobs=jobs,
        )
    if not counts["scored"]:
        why = ", ".join(f"{what}: {n:,}" for what, n in counts.items() if what not in ("files", "scored"))
        raise UserError(
            f"at least one picture must be usable, but of {counts['files']:,} files none is ({why}); "
            "correct the inputs, or image_root of the source that the model learned from"
        )
    return read_found(chosen, out)


def read_found(chosen: Chosen, results: Path) -> Found:
    """The rows of scoring.results beside what is known of their files; both are in the order of `chosen`."""
    table = read_arrow(results)
    settings = from_json(json.loads(table.schema.metadata[b"wikitopics"]), results.name)
    told = table.select(["labels", "sureness", "abstained", "reason", "detail"]).to_pandas()
    good = (told["reason"] == "").to_numpy()
    shape = (int(good.sum()), len(settings.label_names))
    probabilities, scores = (
        table[name].combine_chunks().flatten().to_numpy().reshape(shape)
        for name in ("probabilities", "scores")
    )
    scored = told.loc[good, ["labels", "sureness", "abstained"]].reset_index(drop=True)
    bad = told.loc[~good, ["reason", "detail"]].reset_index(drop=True)
    return Found(
        settings,
        pd.concat([chosen.rows(good), scored], axis=1),
        probabilities,
        label_matrix(topics(scores, settings), settings.label_names).astype(bool),
        pd.concat([chosen.rows(~good)[["path", "title"]], bad], axis=1),
    )


def funnel(chosen: Chosen, found: Found) -> list[dict]:
    """From the files there are to the pictures that got a topic: {"step", "files"} each."""
    labels = found.frame["labels"].map(len)
    steps = {"read and scored": len(labels), "sure enough": int((~found.frame["abstained"]).sum())}
    steps["given a topic"] = int((labels > 0).sum())
    return chosen.funnel + [{"step": step, "files": files} for step, files in steps.items()]


def reasons(found: Found) -> pd.DataFrame:
    """Why files could not be used, the most frequent first: reason, meaning, files, for_instance."""
    told = found.rejected.groupby("reason")["title"].agg(files="size", for_instance="first").reset_index()
    told.insert(1, "meaning", told["reason"].map(lambda reason: REASONS.get(reason, "")))
    return told.sort_values("files", ascending=False, ignore_index=True, kind="stable")


def groups_of(frame: pd.DataFrame, group_by: str) -> pd.Series:
    """The names of the groups that each picture is in, by `group_by` (one of GROUPS): a list a picture.

    "wiki": the wikis of its articles ("en:Cat" is in "en"); an article that names none counts for no wiki.
    """
    column = frame[GROUPS[group_by]]
    if group_by == "folder":
        return column.map(lambda name: [name] if name else [])
    if group_by == "wiki":
        return column.map(lambda names: list(dict.fromkeys(n.partition(":")[0] for n in names if ":" in n)))
    return column.map(list)


def without_hidden(groups: pd.Series, graph: CategoryGraph | None) -> tuple[pd.Series, int]:
    """`groups` of categories (a list a picture) without hidden ones; and how many different ones these are.

    Hidden categories keep house: licences, what is to be mended, who uploaded. A category is hidden where the
    graph says so, and where it is named as such categories are (MAINTENANCE).

    >>> without_hidden(pd.Series([["PD-user", "Owls"], ["CC-BY-SA-4.0"]]), None)[0].tolist()
    [['Owls'], []]
    """
    names = list(dict.fromkeys(name for own in groups for name in own))
    hidden = {name for name in names if MAINTENANCE.match(name)}
    if graph is not None:
        place = graph.find(names)
        flagged = np.where(place >= 0, graph.hidden[place], False)
        hidden |= {name for name, flag in zip(names, flagged, strict=True) if flag}
    return groups.map(lambda own: [name for name in own if name not in hidden]), len(hidden)


def graph_of(model: str) -> CategoryGraph | None:
    """The category graph that the files of a 03_train run's source are sorted in, or the sample's."""
    labels = finished_run("01_labels", lineage(model)["labels"])
    described = read_json(labels / "source.json")
    given = read_json(labels / "run.json")["parameters"].get("graph", "")
    return graph_for("commons", given, open_source(described["source"], **described["options"]))


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


def against_people(found: Found, held_out: HeldOut, rounds: int, seed: int) -> tuple[pd.DataFrame, str]:
    """COLUMNS, one row a label that people gave at all, on the judged pictures only; and one sentence.

    people: the share that people gave the label; counted_share, expected_share, share, low, high: as
    scoring.shares has them, for the same pictures; inside: whether people's share is in the interval.
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
    ways = ("share", "expected_share", "counted_share")
    far = [np.abs(table[way] - table["people"]).mean() for way in ways]
    return (
        f"People judged {table['judged'].iloc[0]:,} of {pictures:,} pictures. Their share lies in the "
        f"interval for {table['inside'].sum()} of {len(table)} labels; on average it is {100 * far[0]:.1f} "
        f"percentage points from the estimate, {100 * far[1]:.1f} from the mean probability and "
        f"{100 * far[2]:.1f} from the plain count."
    )


def in_words(
    steps: list[dict], counts: pd.DataFrame, doubts: pd.DataFrame, abstain: float, groups: pd.DataFrame
) -> list[str]:
    """What was found and what of it is to be doubted, a sentence each.

    steps: of `funnel`; counts: of scoring.shares; doubts: of `doubtful`; groups: of scoring.groups.
    """
    left = int(doubts["abstained"].sum())
    told = [
        f"Of {steps[0]['files']:,} files {len(doubts):,} were scored and {steps[-1]['files']:,} have a "
        f"topic; {left:,} are left to a person, {left / max(len(doubts), 1):.1%} where {abstain:.1%} were "
        "expected.",
    ]
    known = counts.dropna(subset="share")
    if len(known):
        told += [_most_frequent(known), _misled(known), _shifted(known)]
    else:
        told.append("Of no topic enough is known to say how many pictures have it.")
    return told + [_lacking(groups)] if len(groups) else told


def _most_frequent(known: pd.DataFrame) -> str:
    rows = known.sort_values("share", ascending=False).head(3).itertuples()
    told = ", ".join(f"{row.label} in {row.share:.0%} [{row.low:.0%}, {row.high:.0%}]" for row in rows)
    return f"Most frequent, by the estimate: {told} of the pictures."


def _misled(known: pd.DataFrame) -> str:
    outside = known[(known["counted_share"] < known["low"]) | (known["counted_share"] > known["high"])]
    told = f"Counting labels misleads about {len(outside)} of {len(known)} topics"
    if outside.empty:
        return told + "."
    worst = outside.loc[(outside["counted_share"] - outside["share"]).abs().idxmax()]
    return (
        f"{told}, most about {worst['label']}: {worst['counted']:,} counted where about "
        f"{worst['pictures']:,} are estimated."
    )


def _shifted(known: pd.DataFrame) -> str:
    names = list(known.loc[known["shifted"], "label"])
    return (
        "Topics with signs of being more or less frequent here than among the held-out pictures: "
        f"{', '.join(names) or 'none'}. For the others the mean probability (expected_share) is the nearer "
        "guess: the correction only adds chance."
    )


def _lacking(groups: pd.DataFrame) -> str:
    shown = groups[groups["verdict"] == "lacks"].sort_values("difference")
    asked = f"Of {groups['p'].notna().sum():,} questions about {groups['group'].nunique():,} groups"
    if shown.empty:
        return f"{asked}, no answer says beyond chance that a topic is lacking."
    row = shown.iloc[0]
    return (
        f"{asked}, {len(shown):,} answers say beyond chance that a topic is lacking, first of all "
        f"{row['label']} in {row['group']}: {row['counted']:,} pictures where {row['expected']:.0f} would be "
        "like the rest."
    )
