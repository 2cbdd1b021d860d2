"""What a comparison found: the claims of the prior work asked again, in words and in tables."""

from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pandas as pd

from wikitopics.artefacts import read_json, read_table, write_json, write_table
from wikitopics.compare import estimates
from wikitopics.compare.differences import AND, Together, count_of, macro_pair, pairs, value_of
from wikitopics.compare.estimates import Estimate
from wikitopics.compare.pretraining import Group, groups, spearman
from wikitopics.compare.runs import PEOPLE, Cell, Draws, sides, with_other_labels
from wikitopics.compare.tables import PRIMARY, column, headline
from wikitopics.evaluate.bootstrap import interval, p_value
from wikitopics.evaluate.intervals import SIGNIFICANCE, holm
from wikitopics.evaluate.tables import plain
from wikitopics.rules import is_preset

LEFT_OUT = ["micro ROC-AUC", "micro F1"]  # the table must fit a page; the notebook has it all
SHOWN = ("higher", "lower")
FEW = 4  # single changes that a summary tells one by one

COLUMNS = ["name", "question", "unit", "number", "low", "high", "low_images", "high_images"]
COLUMNS += ["low_labels", "high_labels", "seeds", "p", "p_holm", "based_on", "basis", "verdict", "sentence"]
UNIT = "macro ROC-AUC"
FEWEST_LABELS = 5  # a rank correlation over fewer points says nothing
QUESTIONS = ["question", "answer", "by how much", "other images and seeds", "other images alone"]
QUESTIONS += ["other labels too", "corrected p", "that is"]
CHANGES = ["run", "is", "than", UNIT, "other images and seeds", "corrected p", "over"]


def write(
    folder: Path,
    comparison: pd.DataFrame,
    differences: pd.DataFrame,
    seeds: pd.DataFrame,
    claims: pd.DataFrame,
) -> None:
    """Write comparison.parquet, differences.parquet, seeds.parquet and claims.json into a run's folder."""
    write_table(folder / "comparison.parquet", comparison)
    write_table(folder / "differences.parquet", differences)
    write_table(folder / "seeds.parquet", seeds)
    write_json(folder / "claims.json", plain(claims))


def findings(folder: Path, rounds: int) -> str:
    """Markdown of the comparison in data/05_compare/RUN: tables of cells, of questions, of single changes.

    rounds: the resamples behind its intervals. Reads comparison.parquet, differences.parquet, claims.json.
    """
    comparison, differences, claims = _written(folder)
    cells = markdown_table(headline(folder).drop(columns=LEFT_OUT, errors="ignore"))
    asked = markdown_table(questions(claims))
    said = _single_changes(differences[differences["metric"] == PRIMARY]) + _people(comparison)
    return "\n\n".join([cells, _measured_on(comparison, rounds), asked, *said]) + "\n"


def summary(folder: Path) -> str:
    """The answer in a few sentences of Markdown, made from the numbers.

    What holds over other images and other seeds, what does not, which cell is highest, and how far seeds and
    images move a value. Reads what `findings` reads.
    """
    comparison, differences, claims = _written(folder)
    main = differences[differences["metric"] == PRIMARY]
    return "\n\n".join(
        [
            _holds(main, claims, comparison),
            _holds_not(main, claims),
            _highest(comparison),
            _chance(comparison),
        ]
    )


def _written(folder: Path) -> tuple[pd.DataFrame, pd.DataFrame, list[dict]]:
    tables = (read_table(Path(folder) / f"{name}.parquet") for name in ("comparison", "differences"))
    return *tables, read_json(Path(folder) / "claims.json")


def _is_shown(claim: dict) -> bool:
    return bool(claim["based_on"]) and claim["p_holm"] is not None and claim["p_holm"] < SIGNIFICANCE


def _seeds(comparison: pd.DataFrame) -> pd.Series:
    """The number of seeds of each cell that could have had another; of all where none could."""
    drawn = comparison[~comparison["by_names"]] if "by_names" in comparison else comparison
    return (drawn if len(drawn) else comparison)["seeds"]


def _chance_in_words(seeds: int) -> str:
    return (
        "other images and other seeds" if seeds > 1 else "other images (one seed each: another is not asked)"
    )


def _holds(main: pd.DataFrame, claims: list[dict], comparison: pd.DataFrame) -> str:
    """What is shown."""
    shown, answered = main[main["verdict"].isin(SHOWN)], [claim for claim in claims if claim["based_on"]]
    told = [f"{claim['name']}: {claim['verdict']}, {_by(claim)}" for claim in claims if _is_shown(claim)]
    number = len(told) + len(shown)
    told += _changes_in_short(shown)
    count = f"{number or 'none'} {'is' if number < 2 else 'are'} shown"
    asked = f"of {len(main)} single changes and {len(answered)} claims {count}"
    start = f"**What holds** over {_chance_in_words(int(_seeds(comparison).min()))}: {asked}."
    return "\n".join([start, "", *(f"- {one}" for one in told)]) if told else start


def _by(claim: dict) -> str:
    """How much, how much it may be, and of what."""
    return f"{claim['number']:+.3f} {claim['unit']} ({_range(claim['low'], claim['high'])}; {claim['basis']})"


def _range(low: float | None, high: float | None) -> str:
    return "" if low is None or high is None else f"{low:+.3f} to {high:+.3f}"


def _changes_in_short(shown: pd.DataFrame) -> list[str]:
    """Single changes in words: each of a few, of many the largest."""
    if len(shown) <= FEW:
        return [_change(row) for row in shown.to_dict("records")]
    largest = shown.loc[shown["difference"].abs().idxmax()].to_dict()
    return [f"{len(shown)} single changes (each in the last table below), the largest: {_change(largest)}"]


def _holds_not(main: pd.DataFrame, claims: list[dict]) -> str:
    """What is not shown, and how large it may still be."""
    open_ = [claim for claim in claims if claim["based_on"] and not _is_shown(claim)]
    told = [f"{claim['name']}: {_by(claim)}" for claim in open_]
    grey = main[~main["verdict"].isin(SHOWN)]
    if len(grey):
        widest = max(grey["low"].abs().max(), grey["high"].abs().max())
        told.append(f"{len(grey)} single changes, whose intervals reach to {widest:.3f} {UNIT} at most")
    if not told:
        return "**What is not shown**: nothing that was asked."
    start = (
        "**What is not shown**, and how much it may be. An interval is for its own question; a verdict pays "
        "for the number of questions, so an interval may leave 0 out and nothing be shown."
    )
    return "\n".join([start, "", *(f"- {one}" for one in told)])


def _highest(comparison: pd.DataFrame) -> str:
    """Which cell is the highest, by its own labels and by people's, and which others its interval holds."""
    told = []
    for metric, whose in ((PRIMARY, "its own labels"), (PEOPLE, "people's labels")):
        name = column(metric)
        if comparison[name].notna().any():
            best = comparison.loc[comparison[name].idxmax()]
            others = int((comparison[name] >= best[f"{name}_low"]).sum()) - 1
            told.append(
                f"by {whose} {best['run']} with {best[name]:.3f}, and {others} of the {len(comparison) - 1} "
                f"others {'lies' if others == 1 else 'lie'} within its interval"
            )
    return (
        f"**Highest** in macro ROC-AUC: {'; '.join(told)}. To be highest is not to be better: see what holds."
    )


def _chance(comparison: pd.DataFrame) -> str:
    """How far another seed and other images move a value."""
    name = column(PRIMARY)
    half = (comparison[f"{name}_high_images"] - comparison[f"{name}_low_images"]).mean() / 2
    images = f"Other test images alone move a cell's macro ROC-AUC by {half:.3f} either way (95 %)"
    if _seeds(comparison).min() < 2:
        return f"**Chance**: {images}; how far another seed moves it is not known, since a cell has only one."
    sd = np.sqrt((comparison[f"{name}_sd"] ** 2).mean())
    return (
        f"**Chance**: {images}; another seed moves a single network by {sd:.3f} (standard deviation), and "
        f"each value here is the mean of {count_of(_seeds(comparison))} seeds."
    )


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
    seeds, name = _seeds(comparison).min(), column(PRIMARY)
    several = f"each value is the mean of {count_of(_seeds(comparison))} seeds"
    value = several if seeds > 1 else "some cells are a single seed"
    unknown = "" if seeds > 1 else ", which of a single seed say nothing of other seeds"
    few = " A cell with too few positives has no interval." if comparison[f"{name}_low"].isna().any() else ""
    return (
        f"{len(comparison)} cells on the same {images:,} test images; {value}. In brackets 95 % intervals "
        f"for other images and other seeds{unknown}, from {rounds:,} resamples of {groups:,} groups of "
        "images and of the seeds; beside the first those for other images alone. Average precision of few "
        f"positives comes out too high, so its interval reaches further down than up.{few} \\* is the "
        "highest of a column, which alone does not make it better than the others."
    )


def questions(claims: list[dict]) -> pd.DataFrame:
    """Every claim of claims.json as a row of texts with the columns QUESTIONS; bold is what is shown."""
    return pd.DataFrame([_question(claim) for claim in claims], columns=QUESTIONS)


def _question(claim: dict) -> list[str]:
    if not claim["based_on"]:
        return [claim["question"], "these runs do not tell", *[""] * (len(QUESTIONS) - 3), claim["basis"]]
    ranges = [_range(claim[f"low{which}"], claim[f"high{which}"]) for which in ("", "_images", "_labels")]
    if claim["seeds"] < 2:  # then the two are one
        ranges[0], ranges[1] = "one seed each", ranges[1] or ranges[0]
    answer = f"**{claim['verdict']}**" if _is_shown(claim) else claim["verdict"]
    number = f"{claim['number']:+.3f} {claim['unit']}"
    return [claim["question"], answer, number, *ranges, _p(claim["p_holm"]), claim["basis"]]


def _single_changes(differences: pd.DataFrame) -> list[str]:
    """How many pairs were asked about, and a row for each difference that is shown."""
    if differences.empty:
        return []
    shown = differences[differences["verdict"].isin(SHOWN)].to_dict("records")
    told = "**Does a single changed setting make a difference?** "
    told += f"In {len(shown)} of {len(differences)} pairs of cells{':' if shown else '.'}"
    return [told, markdown_table(changes(shown))] if shown else [told]


def changes(shown: list[dict]) -> pd.DataFrame:
    """Rows of differences.parquet as rows of texts with the columns CHANGES."""
    return pd.DataFrame([_change_cells(row) for row in shown], columns=CHANGES)


def _change_cells(row: dict) -> list[str]:
    number, spread = f"{row['difference']:+.3f}", _range(row["low"], row["high"])
    return [row["to_run"], row["verdict"], row["from_run"], number, spread, _p(row["p_holm"]), _over(row)]


def _p(value: float | None) -> str:
    if value is None:
        return ""
    return "below 0.001" if value < 0.0005 else f"{value:.3f}"


def _over(row: dict) -> str:
    """Which labels a difference is a mean over, and what else moved."""
    over = f"the {row['n_labels']} labels they share" if row["labels"] == "shared" else "its own labels each"
    return over + (
        f"; {row['setting'].replace(AND, ' and ')} moved together" if AND in row["setting"] else ""
    )


def _change(row: dict) -> str:
    return (
        f"{row['to_run']} is {row['verdict']} than {row['from_run']}, {row['difference']:+.3f} {UNIT} "
        f"({_range(row['low'], row['high'])}, corrected p {_p(row['p_holm'])}) over {_over(row)}"
    )


def _people(comparison: pd.DataFrame) -> list[str]:
    values, prior = comparison[column(PEOPLE)].dropna(), comparison[f"{column(PEOPLE)}_prior"].max()
    if values.empty:
        return []
    return [
        "**What do people say?** By people's labels, which no run was trained on, the cells reach a "
        f"ROC-AUC of {values.min():.3f} to {values.max():.3f}; the label prior has {prior:.3f}."
        + people_sentence(comparison)
    ]


def people_sentence(comparison: pd.DataFrame) -> str:
    """How independent people's labels are of each label source; empty where nobody judged."""
    met = comparison.groupby("label_source", sort=False)["people_f1"].mean().dropna()
    if met.empty:
        return ""
    each = " and ".join(
        f"the labels of {source} meet them at micro F1 {value:.2f}" for source, value in met.items()
    )
    return (
        f" They are not independent of the sources: {each}, and where tags, folders and categories come from "
        "the same hands, meeting them is partly meeting oneself."
    )


@dataclass(frozen=True)
class Claim:
    """One question and its answer: a number, its 95 % intervals (low and high: other images and other seeds;
    other images alone; other labels too), p-value (also corrected over all claims by Holm), the seeds of the
    cell with fewest, how many pairs of cells or labels it rests on, what they are, and one sentence.

    Where the runs cannot answer, the numbers are NaN and based_on is 0.
    """

    name: str
    question: str
    unit: str
    number: float = float("nan")
    low: float = float("nan")
    high: float = float("nan")
    low_images: float = float("nan")
    high_images: float = float("nan")
    low_labels: float = float("nan")
    high_labels: float = float("nan")
    seeds: int = 0
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
        if self.p_holm >= SIGNIFICANCE:
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
            f"{self.low:+.3f} to {self.high:+.3f}{self._more()}; corrected p {_p(self.p_holm)}; "
            f"{self.basis})."
        )

    def _more(self) -> str:
        """The other intervals, as far as there are some."""
        if np.isnan(self.low_images):
            return ""
        if self.seeds < 2:
            told = " on other images, one seed each"
        else:
            alone = f"{self.low_images:+.3f} to {self.high_images:+.3f}"
            told = f" on other images and seeds, {alone} on other images alone"
        if np.isnan(self.low_labels):
            return told
        return told + f", {self.low_labels:+.3f} to {self.high_labels:+.3f} had other labels been drawn too"


def answer_claims(
    cells: list[Cell], draws: list[Draws], rounds: int, seed: int, together: Together | None = None
) -> list[Claim]:
    """Every claim, answered from the cells that learned; p-values corrected over those that were asked."""
    learned = [pair for pair in zip(cells, draws, strict=True) if not pair[0].by_names]
    cells, draws = [cell for cell, _ in learned], [drawn for _, drawn in learned]
    moved = [AND.join(group) for group in together or [] if "backbone" in group]
    claims = [
        *own_labels(cells, draws, seed),
        *shared_view(cells, rounds, seed),
        network_size(cells, draws),
        *[network_size(cells, draws, together, changed) for changed in moved],
        *[pretraining(group, seed) for group in groups(cells, draws)],
    ]
    corrected = holm(np.array([claim.p for claim in claims]))
    return [replace(claim, p_holm=float(p)) for claim, p in zip(claims, corrected, strict=True)]


def own_labels(cells: list[Cell], draws: list[Draws], seed: int) -> list[Claim]:
    """Label source, each cell judged by its own labels, on the same images; also with other labels drawn.

    One claim for two sources, and for more one for each two of them: a mean over unlike pairs says nothing.
    """
    question = "is easier to learn, each judged by its own labels?"
    return [
        _own_labels(_of_sources("own labels", which, question), cells, draws, found, seed)
        for which, found in _pairs_of_sources(cells)
    ]


def _of_sources(view: str, which: str, question: str) -> Claim:
    """The claim of one pair of sources, `which` as `_pairs_of_sources` has it."""
    asked = f"Which of {which.removeprefix(': ')}" if which else "Which label source"
    return Claim(f"label source, {view}{which}", f"{asked} {question}", UNIT)


def _own_labels(claim: Claim, cells: list[Cell], draws: list[Draws], found: list, seed: int) -> Claim:
    sides = [(a, b, macro_pair(cells[a], draws[a], cells[b], draws[b])) for a, b in found]
    claim = _mean_difference(claim, cells, "labels", sides)
    if not sides:
        return claim
    also = [[with_other_labels(cells[i], draws[i], "roc_auc", seed) for i in pair] for pair in found]
    low, high = estimates.average([estimates.difference(*pair) for pair in also]).ends()
    return replace(claim, low_labels=low, high_labels=high)


def shared_view(cells: list[Cell], rounds: int, seed: int) -> list[Claim]:
    """Label source, judged by people on the topics that both taxonomies have, on the same images.

    As many claims as `own_labels` has.
    """
    question = "makes the better model, judged by people on the topics both have?"
    claims = []
    for which, found in _pairs_of_sources(cells):
        judged = [(a, b, sides(cells[a], cells[b], rounds, seed)) for a, b in found]
        claim = _of_sources("people's view", which, question)
        claims.append(_mean_difference(claim, cells, "labels", [row for row in judged if row[2] is not None]))
    return claims


def _pairs_of_sources(cells: list[Cell]) -> list[tuple[str, list[tuple[int, int]]]]:
    """The pairs of cells that differ by their labels alone, for each two label sources; told apart by name
    where there are several (": commons and ores"), and "" with no pair where there is none."""
    found: dict[str, list[tuple[int, int]]] = {}
    for pair in _pairs(cells, "labels"):
        sources = sorted(value_of(cells[end], "labels") for end in pair)
        found.setdefault(f": {' and '.join(sources)}", []).append(pair)
    return list(found.items()) if len(found) > 1 else [("", next(iter(found.values()), []))]


def network_size(
    cells: list[Cell], draws: list[Draws], together: Together | None = None, changed: str = "backbone"
) -> Claim:
    """The larger backbone, by its parameters, against the smaller one: same labels, same images.

    Given features and presets of KerasHub are of networks of unknown size, and in no pair.
    changed: "backbone", or what moves together with it, as differences.change names it.
    """
    more = changed.split(AND)[1:]
    question, name = "Is the larger network better than the smaller one?", "network size"
    if more:
        beside = " and ".join(more)
        question = f"Is the larger network better, each with its own {beside}?"
        name = f"network size with {beside}"
    claim = Claim(name, question, UNIT)
    sides = [
        (a, b, macro_pair(cells[a], draws[a], cells[b], draws[b]))
        for a, b in _pairs(cells, changed, together)
        if not any(_of_unknown_size(cells[end]) for end in (a, b))
    ]
    claim = _mean_difference(claim, cells, changed, sides)
    if sides and more:
        claim = replace(
            claim, basis=f"{claim.basis}; both moved together, so neither alone is answered by it"
        )
    return claim


def _of_unknown_size(cell: Cell) -> bool:
    return bool(cell.settings.get("features")) or is_preset(cell.settings["backbone"])


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
    return replace(
        claim,
        number=number,
        low=float(low),
        high=float(high),
        seeds=group.seeds,
        p=p_value(drawn),
        based_on=int(some.sum()),
        basis=f"{some.sum()} labels; images{', seeds' if group.seeds > 1 else ''} and labels resampled",
    )


def claims_table(claims: list[Claim]) -> pd.DataFrame:
    """One row a claim: name, question, unit, number, low, high, low_images, high_images, low_labels,
    high_labels, seeds, p, p_holm, based_on, basis, verdict, sentence."""
    return pd.DataFrame([[getattr(claim, name) for name in COLUMNS] for claim in claims], columns=COLUMNS)


def as_differences(claims: pd.DataFrame) -> pd.DataFrame:
    """Rows of `claims` as comparison_figures.differences draws them: name, difference, low, high, verdict."""
    word = np.where(claims["number"] > 0, "higher", "lower")
    shown = np.where(claims["p_holm"] < SIGNIFICANCE, word, "no difference shown")
    return claims.rename(columns={"number": "difference"}).assign(verdict=shown)


def _pairs(cells: list[Cell], changed: str, together: Together | None = None) -> list[tuple[int, int]]:
    return [(first, other) for first, other, name in pairs(cells, together) if name == changed]


def _mean_difference(claim: Claim, cells: list[Cell], changed: str, sides: list[tuple]) -> Claim:
    """The claim with the mean over pairs of cells of second - first, in every round of the same resamples."""
    if not sides:
        what = changed.replace(AND, " and ")
        return replace(claim, basis=f"no two of them differ in {what} alone and can be judged this way")
    found: Estimate = estimates.average([estimates.difference(*pair) for *_, pair in sides])
    smaller, larger = (
        "/".join(dict.fromkeys(value_of(cells[row[end]], changed) for row in sides)) for end in (0, 1)
    )
    (low, high), (low_images, high_images) = found.ends(), found.ends(networks=False)
    return replace(
        claim,
        number=found.value,
        low=low,
        high=high,
        low_images=low_images,
        high_images=high_images,
        seeds=found.seeds,
        p=found.p_value(),
        based_on=len(sides),
        basis=f"{larger} minus {smaller}, mean of {len(sides)} pair{'s' * (len(sides) > 1)} of cells",
        says=(f"{larger} is higher", f"{smaller} is higher"),
    )
