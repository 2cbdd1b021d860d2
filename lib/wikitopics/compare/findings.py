"""What a comparison found: the claims of the prior work asked again, in words and in tables."""

from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pandas as pd

from wikitopics.artefacts import read_json, read_table
from wikitopics.compare.differences import LEVEL, holm, macro_pair, paired, pairs
from wikitopics.compare.pretraining import Group, groups, spearman
from wikitopics.compare.runs import PEOPLE, Draws, EvaluatedRun, sides
from wikitopics.compare.tables import PRIMARY, column, headline
from wikitopics.evaluate.bootstrap import interval, p_value

LEFT_OUT = ["micro F1"]  # the table must fit a page; the notebook has it all
SHOWN = ("higher", "lower")

COLUMNS = ["name", "question", "unit", "number", "low", "high", "p", "p_holm", "based_on", "verdict"]
COLUMNS += ["sentence"]
UNIT = "macro ROC-AUC"
FEWEST_LABELS = 5  # a rank correlation over fewer points says nothing


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


@dataclass(frozen=True)
class Claim:
    """One question and its answer: a number with its 95 % interval, p-value (also corrected over all claims
    by Holm), how many pairs of runs or labels it rests on, what they are, and one sentence.

    Where the runs cannot answer, the numbers are NaN and based_on is 0.
    """

    name: str
    question: str
    unit: str
    number: float = float("nan")
    low: float = float("nan")
    high: float = float("nan")
    p: float = float("nan")
    based_on: int = 0
    basis: str = ""
    says: tuple[str, str] = ("higher", "lower")
    p_holm: float = float("nan")

    @property
    def verdict(self) -> str:
        """What the number says, or that it says nothing."""
        if not self.based_on or np.isnan(self.p_holm):
            return "not answered by these runs"
        if self.p_holm >= LEVEL:
            return "no difference shown" if self.unit == UNIT else "no relation shown"
        return self.says[0] if self.number > 0 else self.says[1]

    @property
    def sentence(self) -> str:
        """The answer in words, made from the numbers."""
        if not self.based_on:
            return f"{self.question} These runs do not tell: {self.basis}."
        verdict = self.verdict[0].upper() + self.verdict[1:]
        return (
            f"{self.question} {verdict}: {self.number:+.3f} {self.unit} (95 % interval "
            f"{self.low:+.3f} to {self.high:+.3f}, corrected p {self.p_holm:.3f}; {self.basis})."
        )


def answer_claims(runs: list[EvaluatedRun], draws: list[Draws], rounds: int, seed: int) -> list[Claim]:
    """Every claim, answered from these runs; p-values corrected over those that could be asked."""
    claims = [
        own_labels(runs, draws),
        shared_view(runs, rounds, seed),
        network_size(runs, draws),
        *[pretraining(group, seed) for group in groups(runs, draws)],
    ]
    corrected = holm(np.array([claim.p for claim in claims]))
    return [replace(claim, p_holm=float(p)) for claim, p in zip(claims, corrected, strict=True)]


def own_labels(runs: list[EvaluatedRun], draws: list[Draws]) -> Claim:
    """Label source, each run judged by its own labels, on the same images."""
    question = "Which label source is easier to learn, each judged by its own labels?"
    claim = Claim("label source, own labels", question, UNIT)
    sides = [(a, b, macro_pair(runs[a], draws[a], runs[b], draws[b])) for a, b in _pairs(runs, "labels")]
    return _mean_difference(claim, runs, "labels", sides)


def shared_view(runs: list[EvaluatedRun], rounds: int, seed: int) -> Claim:
    """Label source, judged by people on the topics that both taxonomies have, on the same images."""
    question = "Which label source makes the better model, judged by people on the topics both have?"
    claim = Claim("label source, people's view", question, UNIT)
    found = [(a, b, sides(runs[a], runs[b], rounds, seed)) for a, b in _pairs(runs, "labels")]
    return _mean_difference(claim, runs, "labels", [row for row in found if row[2] is not None])


def network_size(runs: list[EvaluatedRun], draws: list[Draws]) -> Claim:
    """The larger backbone against the smaller one: same labels, same images."""
    claim = Claim("network size", "Is the larger network better than the smaller one?", UNIT)
    sides = [(a, b, macro_pair(runs[a], draws[a], runs[b], draws[b])) for a, b in _pairs(runs, "backbone")]
    return _mean_difference(claim, runs, "backbone", sides)


def pretraining(group: Group, seed: int) -> Claim:
    """Rank correlation of a label's share of ImageNet-1k with its ROC-AUC, over one label source's labels."""
    question = f"Does a label of {group.source!r} do better the more of it was in the pre-training set?"
    claim = Claim(
        f"pre-training, {group.source}", question, "Spearman correlation", says=("yes", "no, rather worse")
    )
    some = ~np.isnan(group.share) & ~np.isnan(group.values)
    if some.sum() < FEWEST_LABELS:
        return replace(
            claim, basis=f"{some.sum()} labels have a count and a ROC-AUC, {FEWEST_LABELS} are needed"
        )
    number, drawn = spearman(group.share[some], group.values[some], group.rounds[:, some], seed)
    low, high = interval(drawn)
    basis = f"{some.sum()} labels, images and labels resampled"
    return replace(
        claim,
        number=number,
        low=float(low),
        high=float(high),
        p=p_value(drawn),
        based_on=int(some.sum()),
        basis=basis,
    )


def claims_table(claims: list[Claim]) -> pd.DataFrame:
    """One row a claim: name, question, unit, number, low, high, p, p_holm, based_on, verdict, sentence."""
    return pd.DataFrame([[getattr(claim, name) for name in COLUMNS] for claim in claims], columns=COLUMNS)


def as_differences(claims: pd.DataFrame) -> pd.DataFrame:
    """Rows of `table` as comparison_figures.differences draws them: name, difference, low, high, verdict."""
    word = np.where(claims["number"] > 0, "higher", "lower")
    shown = np.where(claims["p_holm"] < LEVEL, word, "no difference shown")
    return claims.rename(columns={"number": "difference"}).assign(verdict=shown)


def _pairs(runs: list[EvaluatedRun], setting: str) -> list[tuple[int, int]]:
    return [(first, other) for first, other, name in pairs(runs) if name == setting]


def _mean_difference(claim: Claim, runs: list[EvaluatedRun], setting: str, sides: list[tuple]) -> Claim:
    """The claim with the mean over pairs of runs of second - first, in every round of the same resamples."""
    if not sides:
        return replace(claim, basis=f"no two of them differ in {setting!r} alone and can be judged this way")
    found = paired(*(_mean([side[end] for *_, side in sides]) for end in (0, 1)))
    smaller, larger = (
        "/".join(dict.fromkeys(str(runs[row[end]].settings[setting]) for row in sides)) for end in (0, 1)
    )
    basis = f"{larger} minus {smaller}, mean of {len(sides)} {'pair' if len(sides) == 1 else 'pairs'} of runs"
    says = (f"{larger} is higher", f"{smaller} is higher")
    return replace(
        claim,
        number=found["difference"],
        low=found["low"],
        high=found["high"],
        p=found["p"],
        based_on=len(sides),
        basis=basis,
        says=says,
    )


def _mean(sides: list[tuple[float, np.ndarray]]) -> tuple[float, np.ndarray]:
    return float(np.mean([value for value, _ in sides])), np.mean([rounds for _, rounds in sides], axis=0)
