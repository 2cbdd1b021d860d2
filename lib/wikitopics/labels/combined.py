"""What several label runs say, together: labels that two of them give, or all weighed by what people say.

The weighing is a logistic regression a label, over who of the sources gives it, who does not, and how sure
they are; its weights are a part that all labels share and a part of the label's own, which is drawn to zero
(Evgeniou and Pontil 2004, "Regularized multi-task learning", section 2, written as features as in Daumé 2007,
"Frustratingly easy domain adaptation", section 3). So a label that few people gave is weighed as the others
are, and a frequent one by itself. How strongly, and from which probability on a label is given, is chosen by
cross-validation on the judged files; a judged file gets its own labels from a model that saw neither it nor a
file of its group.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import product
from typing import Any

import numpy as np
import pandas as pd
from scipy import sparse
from scipy.sparse.csgraph import connected_components

from wikitopics.artefacts import finished_run, read_json, read_table
from wikitopics.errors import UserError
from wikitopics.labels.file_labels import COLUMNS as WHY_COLUMNS
from wikitopics.labels.file_labels import labels_table
from wikitopics.labels.labelled import Labelled
from wikitopics.labels.taxonomy import Taxonomy, bridge, closed_upwards, descent, label_matrix

COMBINATIONS = ("agree", "weighed")
AGREEING = 2  # sources that must give a label
FEWEST_JUDGED, FEWEST_GROUPS = 50, 20  # files and groups of files, below which no weight can be trusted
FOLDS = 5
SETTINGS = tuple(product((0.1, 1.0, 10.0), (0.3, 1.0)))  # inverse penalty; what a label's own part counts
CUTS = np.arange(0.1, 0.9, 0.02)  # probabilities from which a label may be given
SURE = 5.0  # log-odds, where people confirmed all, or nothing
TITLE = 14  # letters: files whose titles begin with the same belong together
VOTES = ("yes", "no", "score")
WEIGHTS = ["label", "source", *VOTES]


@dataclass(frozen=True)
class Said:
    """What one label run says of some files, in one taxonomy.

    scores: (n, L) float32, above 0 where it gives the label; knows: (n, L) bool, whether it has a say: it
    labels the file at all, and its vocabulary has the label.
    """

    run: str
    scores: np.ndarray
    knows: np.ndarray

    @property
    def gives(self) -> np.ndarray:
        """(n, L) bool."""
        return self.scores > 0


@dataclass(frozen=True)
class Combination:
    """What several runs say together: scores (n, L) float32, 0 where a label is not given, in [0, 1] else.

    weights: WEIGHTS of each label and source, in log-odds; empty where none were learned. judged: files that
    people judged, whose labels are of a model that did not see them; 0 where none was learned.
    """

    how: str
    said: tuple[Said, ...]
    scores: np.ndarray
    weights: pd.DataFrame
    judged: int = 0


# --- What the runs say, in one taxonomy


def read_said(run: str, titles: Sequence[str], taxonomy: Taxonomy, source: dict | None = None) -> Said:
    """What a finished run of 01_labels says of the files `titles`, in the labels of `taxonomy`.

    source: as source.json has it, which the run must have labelled. A run with labels of another taxonomy is
    translated by the bridge (`taxonomy.bridge`); a label that it cannot give is one that it has no say on.
    Raises UserError for another source, and for a vocabulary without a bridge.
    """
    folder = finished_run("01_labels", run)
    if source is not None and read_json(folder / "source.json") != source:
        raise UserError(
            f"label runs that are combined must label the source of this run, but {run!r} labels another; "
            "name runs of one source"
        )
    about = read_json(folder / "label_names.json")
    own = list(about["label_names"])
    pairs = _translated(run, about["taxonomy"], own, taxonomy)
    table = read_table(folder / "labels.parquet", ["title", "labels", "scores"]).set_index("title")
    table = table.reindex(titles)
    given = [list_of(row) for row in table["scores"]]
    theirs = label_matrix(list(map(list_of, table["labels"])), own, given).astype(np.float32)
    scores = np.zeros((len(titles), len(taxonomy.label_names)), dtype=np.float32)
    for label, name in pairs:
        place = taxonomy.label_names.index(label)
        np.maximum(scores[:, place], theirs[:, own.index(name)], out=scores[:, place])
    known = np.isin(taxonomy.label_names, [label for label, _ in pairs])
    closed = closed_upwards(scores, descent(taxonomy.label_names, taxonomy.parents))
    return Said(run, closed, (closed > 0) | ((theirs.sum(axis=1) > 0)[:, None] & known))


def list_of(cell: Any) -> list[Any]:
    """A cell of lists as a Parquet table has it; a missing one is empty."""
    return cell.tolist() if isinstance(cell, np.ndarray) else []


def _translated(run: str, name: str, own: list[str], taxonomy: Taxonomy) -> list[tuple[str, str]]:
    """(label of the taxonomy, label of the run) of those that mean nearly the same."""
    if set(own) <= set(taxonomy.label_names):
        return [(label, label) for label in own]
    pairs = {("v1.4", "ores-64"): [(a, b) for a, b, _ in bridge()]}
    pairs["ores-64", "v1.4"] = [(b, a) for a, b in pairs["v1.4", "ores-64"]]
    ours = set(taxonomy.label_names)
    found = [(a, b) for a, b in pairs.get((taxonomy.name, name), []) if a in ours and b in own]
    if not found:
        raise UserError(
            f"label runs that are combined must have labels of the taxonomy {taxonomy.name}, or such as the "
            f"bridge between v1.4 and ores-64 joins to it, but {run!r} has those of {name!r}; choose that "
            "taxonomy, or other runs"
        )
    return found


# --- Two that agree


def agreed(said: Sequence[Said]) -> Combination:
    """Labels that at least two of the sources give, with the mean of the scores of those that do."""
    votes = sum(one.gives.astype(np.int32) for one in said)
    total = sum(one.scores for one in said)
    scores = np.where(votes >= AGREEING, total / np.maximum(votes, 1), 0).astype(np.float32)
    return Combination("agree", tuple(said), scores, pd.DataFrame(columns=WEIGHTS))


# --- All, weighed by what people say


def weighed(
    said: Sequence[Said],
    taxonomy: Taxonomy,
    truth: np.ndarray,
    rows: np.ndarray,
    groups: np.ndarray,
    seed: int,
) -> Combination:
    """All labels that any source gives and the weights of who gives them speak for.

    truth: (m, L) {0, 1}, what people say of the files `rows` (m,); groups: (m,) int, files that belong
    together. Scores are probabilities. UserError where people judged too few files.
    """
    votes = Votes.of(said)
    judged = votes.of_files(rows)
    some = np.unique(judged.file)
    _check_enough(len(some), len(np.unique(groups[some])))
    everything = fit(judged, truth, groups, seed)
    given = everything.given(votes)
    given[rows] = cross_fitted(judged, truth, groups, seed)
    scores = closed_upwards(given, descent(taxonomy.label_names, taxonomy.parents))
    return Combination("weighed", tuple(said), scores, everything.table(said, taxonomy), len(rows))


def _check_enough(files: int, groups: int) -> None:
    if files < FEWEST_JUDGED or groups < FEWEST_GROUPS:
        raise UserError(
            f"combination weighed needs {FEWEST_JUDGED} files, in {FEWEST_GROUPS} groups, that a source "
            f"labels and people judged, but there are {files:,} in {groups:,}; name more annotations, or "
            "choose combination agree"
        )


@dataclass(frozen=True)
class Votes:
    """Who says what of each (file, label) that any source gives: file and label (k,) int, x (k, 3 S) float.

    A source has three columns: 1 where it gives the label; 1 where it has a say and does not; its score.
    """

    file: np.ndarray
    label: np.ndarray
    x: np.ndarray
    shape: tuple[int, int]  # files, labels

    @classmethod
    def of(cls, said: Sequence[Said]) -> "Votes":
        """The votes of some sources."""
        some = np.any([one.gives for one in said], axis=0)
        file, label = np.nonzero(some)
        columns = [(one.gives[some], (one.knows & ~one.gives)[some], one.scores[some]) for one in said]
        x = np.stack([column for three in columns for column in three], axis=1).astype(float)
        return cls(file, label, x, some.shape)

    def of_files(self, rows: np.ndarray) -> "Votes":
        """Those of some files, which are numbered anew in that order."""
        place = np.full(self.shape[0], -1)
        place[rows] = np.arange(len(rows))
        kept = place[self.file] >= 0
        file = place[self.file[kept]]
        return Votes(file, self.label[kept], self.x[kept], (len(rows), self.shape[1]))

    def features(self, own: float) -> sparse.csr_matrix:
        """(k, 3 S + L (3 S + 1)): the votes once for all labels, and, `own` times, once for their label."""
        ones = own * np.column_stack([self.x, np.ones(len(self.x))])
        k, width = ones.shape
        columns = self.label[:, None] * width + np.arange(width)
        mine = sparse.csr_matrix(
            (ones.ravel(), columns.ravel(), np.arange(0, k * width + 1, width)),
            shape=(k, self.shape[1] * width),
        )
        return sparse.hstack([sparse.csr_matrix(self.x), mine], format="csr")

    def matrix(self, values: np.ndarray) -> np.ndarray:
        """A value for each vote as a matrix (files, labels) float32, 0 elsewhere."""
        full = np.zeros(self.shape, dtype=np.float32)
        full[self.file, self.label] = values
        return full


@dataclass(frozen=True)
class Model:
    """Weights of the features (see Votes.features), and from which probability on a label is given."""

    weights: np.ndarray
    intercept: float
    own: float
    cut: float = 0.5

    def probabilities(self, votes: Votes) -> np.ndarray:
        """That people would give each label that somebody gives: (k,) in (0, 1)."""
        return 1 / (1 + np.exp(-(votes.features(self.own) @ self.weights + self.intercept)))

    def given(self, votes: Votes) -> np.ndarray:
        """Probabilities of the labels that are given, 0 of all others: (files, labels) float32."""
        found = self.probabilities(votes)
        return votes.matrix(np.where(found >= self.cut, found, 0))

    def table(self, said: Sequence[Said], taxonomy: Taxonomy) -> pd.DataFrame:
        """WEIGHTS: what a source's yes, no and score count for each label, in log-odds.

        NaN for labels on which the source has no say of any file.
        """
        width = len(VOTES) * len(said)
        shared, own = self.weights[:width], self.weights[width:].reshape(-1, width + 1)[:, :width] * self.own
        rows = [
            [label, one.run, *(shared + mine)[len(VOTES) * number :][: len(VOTES)]]
            for label, mine in zip(taxonomy.label_names, own, strict=True)
            for number, one in enumerate(said)
        ]
        table = pd.DataFrame(rows, columns=WEIGHTS)
        has_say = np.stack([one.knows.any(axis=0) for one in said], axis=1).ravel()
        table.loc[~has_say, list(VOTES)] = np.nan
        return table


def fit(votes: Votes, truth: np.ndarray, groups: np.ndarray, seed: int) -> Model:
    """The model of these judged files, its settings and its cut chosen by cross-validation among them."""
    fold, right = folds(groups, FOLDS, seed), truth[votes.file, votes.label]
    tried = [_out_of_fold(votes, right, fold, *setting) for setting in SETTINGS]
    best = int(np.argmin([_loss(right, found) for found in tried]))
    strength, own = SETTINGS[best]
    model = _fitted(votes, right, strength, own)
    return Model(model.weights, model.intercept, own, best_cut(votes, truth, tried[best]))


def cross_fitted(votes: Votes, truth: np.ndarray, groups: np.ndarray, seed: int) -> np.ndarray:
    """Probabilities of the labels that each file gets from a `fit` that saw nothing of its group: (m, L)."""
    fold, found = folds(groups, FOLDS, seed + 1), np.zeros(truth.shape, dtype=np.float32)
    for number in range(FOLDS):
        inside, held = np.flatnonzero(fold != number), np.flatnonzero(fold == number)
        model = fit(votes.of_files(inside), truth[inside], groups[inside], seed)
        found[held] = model.given(votes.of_files(held))
    return found


def _out_of_fold(
    votes: Votes, right: np.ndarray, fold: np.ndarray, strength: float, own: float
) -> np.ndarray:
    found = np.full(len(right), 0.5)
    for number in range(FOLDS):
        inside, held = np.flatnonzero(fold != number), np.flatnonzero(fold == number)
        learned = np.isin(votes.file, inside)
        model = _fitted(votes.of_files(inside), right[learned], strength, own)
        found[~learned] = model.probabilities(votes.of_files(held))
    return np.clip(found, 1e-6, 1 - 1e-6)


def _fitted(votes: Votes, right: np.ndarray, strength: float, own: float) -> Model:
    from sklearn.linear_model import LogisticRegression  # only where weights are learned

    features = votes.features(own)
    if right.min(initial=1) == right.max(initial=0):  # all right, or all wrong: nobody's vote tells anything
        return Model(np.zeros(features.shape[1]), SURE if right.any() else -SURE, own)
    model = LogisticRegression(C=strength, max_iter=500).fit(features, right)
    return Model(model.coef_[0], float(model.intercept_[0]), own)


def _loss(right: np.ndarray, found: np.ndarray) -> float:
    return float(-np.mean(np.where(right > 0, np.log(found), np.log(1 - found))))


def best_cut(votes: Votes, truth: np.ndarray, found: np.ndarray) -> float:
    """The probability from which on labels are given with the best micro + macro F1, smoothed over cuts."""
    values = [sum(f1(truth, votes.matrix(found) >= cut)) for cut in CUTS]
    smooth = np.convolve(np.pad(values, 1, mode="edge"), np.ones(3) / 3, "valid")
    return float(CUTS[int(np.argmax(smooth))])


def f1(truth: np.ndarray, said: np.ndarray) -> tuple[float, float]:
    """Micro F1 and macro F1, the mean over labels that people gave; truth, said: (m, L) {0, 1}."""
    truth, said = truth.astype(bool), said.astype(bool)
    right, total = (truth & said).sum(axis=0), truth.sum(axis=0) + said.sum(axis=0)
    some = truth.any(axis=0)
    each = 2 * right[some] / np.maximum(total[some], 1)
    return float(2 * right.sum() / max(total.sum(), 1)), float(each.mean()) if some.any() else 0.0


def folds(groups: np.ndarray, k: int, seed: int) -> np.ndarray:
    """The fold of each file, whole groups, of about equal size: (m,) int from 0 to k - 1."""
    rng = np.random.default_rng(seed)
    names, number, sizes = np.unique(groups, return_inverse=True, return_counts=True)
    order = rng.permutation(len(names))
    load, fold = np.zeros(k), np.zeros(len(names), dtype=int)
    for place in order[np.argsort(-sizes[order], kind="stable")]:
        fold[place] = int(np.argmin(load))
        load[fold[place]] += sizes[place]
    return fold[number]


def groups_of(files: pd.DataFrame) -> np.ndarray:
    """One number for files that were described together: of the same categories, or titles that begin alike.

    files: title, categories; (n,) int. A file without a category, or with few letters, is alone in that.

    >>> groups_of(pd.DataFrame({"title": ["a.jpg", "b.jpg", "c.jpg"],
    ...                         "categories": [["Cats"], ["Cats"], []]})).tolist()
    [0, 0, 1]
    """
    stems = files["title"].str.replace(r"\.[^.]*$", "", regex=True)
    letters = stems.str.replace(r"[\W\d_]+", "", regex=True).str.casefold().str[:TITLE]
    keys = [
        ["\n".join(sorted(names)) or f"\n{row}", letters_ if len(letters_) > 5 else f"\t{row}"]
        for row, (names, letters_) in enumerate(zip(files["categories"], letters, strict=True))
    ]
    n = len(keys)
    if not n:
        return np.zeros(0, dtype=int)
    same = [pd.factorize(pd.Series([key[which] for key in keys]))[0] for which in (0, 1)]
    ends = np.concatenate([n + same[0], 2 * n + same[1]])
    rows = np.tile(np.arange(n), 2)
    joined = sparse.coo_matrix((np.ones(2 * n), (rows, ends)), shape=(3 * n, 3 * n))
    return pd.factorize(connected_components(joined, directed=False)[1][:n])[0]


# --- As labels of files


def combine(
    runs: Sequence[str],
    how: str,
    files: pd.DataFrame,
    taxonomy: Taxonomy,
    people: pd.DataFrame | None,
    seed: int = 0,
    source: dict | None = None,
) -> Combination:
    """What the finished label runs say of `files` (title, categories) together, in the labels of `taxonomy`.

    how: one of COMBINATIONS; people: title, labels of judged files, for "weighed"; source: see `read_said`.
    Raises UserError for fewer than two runs, another combination, and where people judged too few.
    """
    if how not in COMBINATIONS or len(set(runs)) < AGREEING:
        raise UserError(
            "label_source combined needs two runs of 01_labels and a combination "
            f"({', '.join(COMBINATIONS)}), but has {len(set(runs))} and {how!r}; name them in combines"
        )
    said = [read_said(run, files["title"].tolist(), taxonomy, source) for run in runs]
    if how == "agree":
        return agreed(said)
    known = pd.Series(dtype=object) if people is None else people.drop_duplicates("title", keep="last")
    known = known.set_index("title")["labels"] if people is not None else known
    rows = np.flatnonzero(files["title"].isin(known.index))
    truth = label_matrix(known.loc[files["title"].iloc[rows]].tolist(), taxonomy.label_names)
    return weighed(said, taxonomy, truth, rows, groups_of(files.iloc[rows]), seed)


def labelled(files: pd.DataFrame, taxonomy: Taxonomy, combination: Combination) -> Labelled:
    """`files` with the labels of a combination; `evidence`: how many sources give a label of the file."""
    labels = labels_table(files["title"], combination.scores, taxonomy.label_names)
    given = combination.scores > 0
    evidence = np.sum([(one.gives & given).any(axis=1) for one in combination.said], axis=0)
    covered = {f"labelled by {one.run}": int(one.gives.any(axis=1).sum()) for one in combination.said}
    some = np.any([one.gives.any(axis=1) for one in combination.said], axis=0)
    steps = {
        "in the source": len(files),
        "labelled by any run that is combined": int(some.sum()),
        "with a label": int(given.any(axis=1).sum()),
    }
    notes = covered | {"judged files, labelled by weights that did not see them": combination.judged}
    notes = {what: count for what, count in notes.items() if count}
    return Labelled(
        taxonomy,
        labels.assign(evidence=evidence.astype(np.int32)),
        _why(files["title"], taxonomy.label_names, combination),
        steps,
        notes,
    )


def _why(titles: pd.Series, names: Sequence[str], combination: Combination) -> pd.DataFrame:
    """One row for every label of every file: who gives it; the ways are in those runs' own tables."""
    row, place = np.nonzero(combination.scores)
    gives = np.stack([one.gives[row, place] for one in combination.said], axis=1)
    patterns, which = np.unique(gives, axis=0, return_inverse=True)
    runs = [one.run for one in combination.said]
    words = [said_by([run for run, yes in zip(runs, pattern, strict=True) if yes]) for pattern in patterns]
    start, label = np.array(words, dtype=object)[which.ravel()], np.array(names, dtype=object)[place]
    return pd.DataFrame(
        {
            "title": titles.to_numpy()[row],
            "label": label,
            "score": combination.scores[row, place],
            "start": start,
            "path": [list(pair) for pair in zip(start, label, strict=True)],
            "rules": [[combination.how]] * len(row),
            "anchor": label,
        },
        columns=WHY_COLUMNS,
    )


def said_by(runs: Iterable[str]) -> str:
    """Who gives a label, as the start of a way to it.

    >>> said_by(["commons", "ores", "depicts"])
    'said by commons, ores and depicts'
    """
    *others, last = runs
    return f"said by {', '.join(others)} and {last}" if others else f"said by {last}"
