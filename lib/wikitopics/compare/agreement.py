"""Whether label sources agree: what each covers, where two say the same of a file, and files where not."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import combinations
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from wikitopics.artefacts import RECORD, finished_run, read_json, read_table, write_table
from wikitopics.compare.runs import Cell, names_in_common
from wikitopics.images.squares import read_squares
from wikitopics.labels.combined import list_of
from wikitopics.labels.people import judge
from wikitopics.labels.taxonomy import label_matrix

COVERED = ["run", "taxonomy", "files", "labelled", "share", "labels_a_file"]
COVERED += ["people", "micro_f1", "micro_f1_low", "micro_f1_high", "macro_f1"]
AGREED = ["first", "second", "topic", "other_topic", "files", "both", "first_only", "second_only"]
AGREED += ["shared", "kappa"]
EXAMPLES = ["first", "second", "topic", "said_by", "not_by", "title", "row"]
FEWEST = 5  # files with a topic, below which nothing is said of how far two sources agree about it


@dataclass(frozen=True)
class LabelRun:
    """What a run of 01_labels says of the files of its source.

    titles: n; said: (n, L) uint8 {0, 1}, in the order of label_names; people: title, labels of judged files
    in the same vocabulary, None where nobody judged; combines: the runs that it was made from, if any.
    """

    name: str
    taxonomy: str
    label_names: list[str]
    titles: pd.Index
    said: np.ndarray
    people: pd.DataFrame | None = None
    combines: tuple[str, ...] = ()

    @property
    def labelled(self) -> np.ndarray:
        """Which files have a label; of the others nothing is known: (n,) bool."""
        return self.said.sum(axis=1) > 0


def read_label_runs(cells: Sequence[Cell]) -> list[LabelRun]:
    """The label runs of the cells' image set, and others that the cells learned from; all of one source."""
    images = finished_run("02_images", cells[0].settings["images"])
    of_images = read_json(images / "run.json")["parameters"]["labels"]
    names = dict.fromkeys([*of_images, *(cell.settings["labels"] for cell in cells)])
    found: list[LabelRun] = []
    for name in names:
        found.append(read_label_run(name, found[0].titles if found else None))
    return found


def read_label_run(name: str, titles: pd.Index | None = None) -> LabelRun:
    """One finished run of 01_labels, files in the order of `titles`; a file that it lacks has no label."""
    folder = finished_run("01_labels", name)
    about = read_json(folder / "label_names.json")
    table = read_table(folder / "labels.parquet", ["title", "labels"]).set_index("title")["labels"]
    titles = table.index if titles is None else titles
    human = folder / "human.parquet"
    people = read_table(human) if human.exists() else None
    said = label_matrix(list(map(list_of, table.reindex(titles))), about["label_names"])
    combines = tuple(read_json(folder / RECORD).get("parameters", {}).get("combines", ()))
    return LabelRun(name, about["taxonomy"], about["label_names"], titles, said, people, combines)


def coverage(runs: Sequence[LabelRun], rounds: int = 1000, seed: int = 0) -> pd.DataFrame:
    """One row a label run: COVERED.

    files, labelled, share (labelled / files), labels_a_file (of labelled ones); people: files that people
    judged; micro_f1 with its 95 % interval over files and macro_f1 against them, in the run's own vocabulary
    (NaN where nobody judged): two vocabularies are two questions.
    """
    rows = []
    for run in runs:
        n = int(run.labelled.sum())
        told = [run.name, run.taxonomy, len(run.titles), n, n / max(len(run.titles), 1)]
        rows.append([*told, run.said.sum() / max(n, 1), *_beside_people(run, rounds, seed)])
    return pd.DataFrame(rows, columns=COVERED)


def _beside_people(run: LabelRun, rounds: int, seed: int) -> list[float]:
    """The last columns of COVERED."""
    people = run.people
    if people is None or not people["title"].isin(run.titles).any():
        return [0, *[float("nan")] * 4]
    people = people[people["title"].isin(run.titles)]
    said = run.said[run.titles.get_indexer(people["title"])]
    truth = label_matrix(people["labels"], run.label_names)
    found = judge(truth, said, run.label_names, rounds, seed)
    return [len(people), *found.loc[0, ["f1", "f1_low", "f1_high"]], found.loc[1, "f1"]]


def by_topic(runs: Sequence[LabelRun]) -> pd.DataFrame:
    """One row for each two runs and topic that both have and one of them gives: AGREED.

    A run that was made from another is not set beside it: what they share was put there.

    Topics of two vocabularies are set side by side by the bridge (`labels.taxonomy.bridge`). files: those
    that both label at all, since who says nothing of a file does not disagree; both, first_only, second_only:
    how many of them get the topic from whom; shared: both / all three; kappa: Cohen's (1960), agreement
    beyond what two that label independently would reach, 1 at best; NaN where all have the topic.
    """
    rows = [
        [first.name, second.name, *pair, *_counted(*columns)]
        for first, second in combinations(runs, 2)
        if first.name not in second.combines and second.name not in first.combines
        for pair, columns in _side_by_side(first, second)
        if (columns[0] | columns[1]).any()
    ]
    return pd.DataFrame(rows, columns=AGREED)


def _side_by_side(
    first: LabelRun, second: LabelRun
) -> Iterator[tuple[tuple[str, str], tuple[np.ndarray, np.ndarray]]]:
    """Each pair of topics, and who of the files that both label gets each: two (m,) bool."""
    rows = first.labelled & second.labelled
    ours, theirs = (first.taxonomy, first.label_names), (second.taxonomy, second.label_names)
    for one, other in names_in_common(*ours, *theirs):
        a, b = first.said[rows, ours[1].index(one)], second.said[rows, theirs[1].index(other)]
        yield (one, other), (a.astype(bool), b.astype(bool))


def _counted(a: np.ndarray, b: np.ndarray) -> list[float]:
    """The last columns of AGREED.

    >>> _counted(np.array([True, True, False, False]), np.array([True, False, False, False]))
    [4, 1, 1, 0, 0.5, 0.5]
    """
    both, first, second, n = int((a & b).sum()), int((a & ~b).sum()), int((b & ~a).sum()), len(a)
    chance = a.mean() * b.mean() + (1 - a.mean()) * (1 - b.mean())
    kappa = (1 - (first + second) / n - chance) / (1 - chance) if chance < 1 else float("nan")
    return [n, both, first, second, both / (both + first + second), float(kappa)]


def least(agreed: pd.DataFrame, topics: int) -> pd.DataFrame:
    """For each two runs the `topics` rows of `by_topic` of the lowest kappa, of topics with FEWEST files."""
    some = agreed[agreed[["both", "first_only", "second_only"]].sum(axis=1) >= FEWEST]
    some = some.dropna(subset="kappa").sort_values("kappa", kind="stable")
    return some.groupby(["first", "second"], sort=False).head(topics)


def disagreements(
    runs: Sequence[LabelRun], agreed: pd.DataFrame, images_run: str, seed: int, topics: int = 3
) -> pd.DataFrame:
    """Pictures of the topics that two runs agree about `least`, drawn at random: EXAMPLES.

    images_run: the 02_images run whose pictures they are. For each topic up to two pictures that the first
    run alone gives it, and two that the second alone does, of files that both label; no picture twice.
    """
    images = read_table(finished_run("02_images", images_run) / "images.parquet", ["title", "row"])
    known, rng = {run.name: run for run in runs}, np.random.default_rng(seed)
    row_of = images.drop_duplicates("title").set_index("title")["row"]
    found: list[list[Any]] = []
    for topic in least(agreed, topics).to_dict("records"):
        first, second = known[topic["first"]], known[topic["second"]]
        a = first.said[:, first.label_names.index(topic["topic"])].astype(bool)
        b = second.said[:, second.label_names.index(topic["other_topic"])].astype(bool)
        shown = first.labelled & second.labelled & first.titles.isin(row_of.index)
        named = {first.name: topic["topic"], second.name: topic["other_topic"]}
        for (one, other), alone in (((first, second), a & ~b), ((second, first), b & ~a)):
            titles = first.titles[rng.permutation(np.flatnonzero(alone & shown))]
            titles = [title for title in titles if title not in {row[5] for row in found}][:2]
            told = [first.name, second.name, named[one.name], one.name, other.name]
            found += [[*told, title, int(row_of[title])] for title in titles]
    return pd.DataFrame(found, columns=EXAMPLES)


def pictures(images_run: str, shown: pd.DataFrame) -> list[np.ndarray]:
    """The stored picture of each of `disagreements`, (s, s, 3) uint8."""
    pixels = read_squares(finished_run("02_images", images_run))
    return [pixels[row] for row in shown["row"]]


def captions(shown: pd.DataFrame) -> list[str]:
    """A caption for each of `disagreements`."""
    rows = shown.itertuples()
    return [f"{row.topic}\nby {row.said_by}, not {row.not_by}\n{row.title}" for row in rows]


def write(folder: Path, covered: pd.DataFrame, agreed: pd.DataFrame) -> None:
    """Write coverage.parquet and agreement.parquet into the folder of a comparison."""
    write_table(folder / "coverage.parquet", covered)
    write_table(folder / "agreement.parquet", agreed)


def in_words(covered: pd.DataFrame, agreed: pd.DataFrame) -> list[str]:
    """What the two tables say, a sentence for all sources and one for each two."""
    told = [f"{row.run} labels {row.share:.0%} of {row.files:,} files" for row in covered.itertuples()]
    words = [", ".join(told) + "."]
    for (first, second), rows in agreed.groupby(["first", "second"], sort=False):
        words.append(_of_two(str(first), str(second), rows))
    return words


def _of_two(first: str, second: str, rows: pd.DataFrame) -> str:
    sizes = rows[["both", "first_only", "second_only"]]
    known = rows[sizes.sum(axis=1) >= FEWEST].dropna(subset="kappa")
    start = f"{first} and {second} both label {rows['files'].iloc[0]:,} files"
    if known.empty:
        return f"{start}, too few with a topic that both have to say where they agree."
    total = sizes.sum()
    best, worst = known.loc[known["kappa"].idxmax()], known.loc[known["kappa"].idxmin()]
    return (
        f"{start}; of the topics that either gives there, both give {total['both'] / total.sum():.0%}. They "
        f"agree most about {best['topic']} (kappa {best['kappa']:.2f}) and least about {worst['topic']} "
        f"({worst['kappa']:.2f}; {worst['first_only']:,} files by {first} alone, {worst['second_only']:,} by "
        f"{second} alone)."
    )
