"""Whose fault a wrong label is: the hops that brought it, and changes of the walk that help."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from wikitopics import judgements
from wikitopics.labels.category_graph import UNCONNECTED, CategoryGraph, part, spans, without
from wikitopics.labels.file_labels import bits, file_categories
from wikitopics.labels.heads import forms_of
from wikitopics.labels.heuristics import (
    CategoryLabels,
    Hops,
    Ladder,
    joined,
    label_categories,
    nearer_parents,
)
from wikitopics.labels.taxonomy import Taxonomy, label_matrix

HOP = ["title", "label", "child", "parent", "wrong"]
RANKED = ["child", "parent", "blamed", "wrong", "given", "share", "labels"]
STRIKE, ANCHOR = "strike out", "add anchor"
CHANGES = ["change", "category", "to", "files", "found", "shown"]
FIGURES = ["half", "files", "figure", "value", "low", "high"]
HALVES = FOUND, SHOWN = ("found on", "shown on")
BOTH = "both"
FEWEST = 3  # groups of files that a change must speak for: what is wrong with one is that one's fault
FEWEST_GROUPS = 40  # judged groups of files, of which halves still say something
SHORTLIST = 30  # changes of each kind that are tried
ENDS = (2.5, 97.5)  # percentiles
BLOCK = 4096  # categories looked at together, to bound the memory


# --- Which hop brought a wrong label


def hops(why: pd.DataFrame, people: pd.DataFrame) -> pd.DataFrame:
    """Each hop of each way to a label of a judged file: row (number of the way) and HOP.

    why: title, label, path (from the file's category to the anchor); people: title, labels. wrong: people do
    not say the label. A way of one name, a category that is an anchor itself, is a hop to no parent: "".

    >>> why = pd.DataFrame({"title": ["a"], "label": ["Food"], "path": [["Cakes", "Bakery", "Food"]]})
    >>> hops(why, pd.DataFrame({"title": ["a"], "labels": [["Art"]]}))[HOP[2:]].to_numpy().tolist()
    [['Cakes', 'Bakery', True], ['Bakery', 'Food', True]]
    """
    said = {title: set(labels) for title, labels in zip(people["title"], people["labels"], strict=True)}
    ways = why[why["title"].isin(said.keys())]
    each = zip(ways["title"], ways["label"], ways["path"], strict=True)
    rows = [
        (row, title, label, child, parent, label not in said[title])
        for row, (title, label, path) in enumerate(each)
        for child, parent in _steps(list(path))
    ]
    table = pd.DataFrame(rows, columns=["row", "title", "label", "child", "parent", "wrong"])
    return table.astype({"row": int, "wrong": bool})


def _steps(path: list[str]) -> list[tuple[str, str]]:
    return list(zip(path, path[1:], strict=False)) or [(name, "") for name in path]


def blamed(table: pd.DataFrame) -> pd.DataFrame:
    """The hop that brought each wrong label, of a table of `hops`: its rows, one for each wrong label.

    Of a way's hops it is the one whose labels are wrong most surprisingly often, by the standard score of a
    binomial share against that of all hops; the first of equals. So a hop that serves right labels too takes
    no blame for what comes to it from one that serves wrong ones only.
    """
    by_hop = table.groupby(["child", "parent"])["wrong"]
    given, wrong, usual = by_hop.transform("size"), by_hop.transform("sum"), table["wrong"].mean()
    spread = np.sqrt(given * max(usual * (1 - usual), 1e-9))
    ordered = table.assign(score=(wrong - given * usual) / spread)[table["wrong"]]
    ordered = ordered.sort_values(["row", "score"], ascending=[True, False], kind="stable")
    return ordered.drop_duplicates("row").drop(columns="score").reset_index(drop=True)


def ranked(table: pd.DataFrame) -> pd.DataFrame:
    """The hops of a table of `hops` that brought wrong labels: RANKED, those that brought most first.

    blamed: wrong labels put down to the hop (see `blamed`); wrong: all that came by it, of `given` labels;
    share: wrong / given; labels: the three most frequent of those blamed, in words.
    """
    each = table.groupby(["child", "parent"])["wrong"].agg(given="size", wrong="sum")
    brought = blamed(table).groupby(["child", "parent"])["label"].agg(blamed="size", labels=_most_frequent)
    found = brought.join(each).reset_index()
    found["share"] = found["wrong"] / found["given"]
    found = found.sort_values(["blamed", "share", "child", "parent"], ascending=[False, False, True, True])
    return found[RANKED].reset_index(drop=True)


def _most_frequent(labels: pd.Series) -> str:
    return ", ".join(f"{label} ({count})" for label, count in Counter(labels).most_common(3))


# --- What labels the judged files would have if the walk were changed


class Change(NamedTuple):
    """One change of the walk: to strike out the hop from `category` to `to`, or to make it an anchor
    of the label `to`."""

    change: str
    category: str
    to: str


@dataclass(frozen=True)
class Walk:
    """The judged files and the part of the graph that their walks can meet.

    truth: (n, L) {0, 1}, what people say of each file, in the order of `names`. row, category: (m,) the file
    and the category of each pair. groups: (n,) one number for files that belong together. titles: n of them.
    """

    graph: CategoryGraph
    taxonomy: Taxonomy
    heuristics: str
    names: tuple[str, ...]
    truth: np.ndarray
    row: np.ndarray
    category: np.ndarray
    groups: np.ndarray
    titles: pd.Series

    def labels(self, changes: Sequence[Change] = ()) -> CategoryLabels:
        """The labels of the categories under some changes, exactly as a run that reads them gives them."""
        struck = [(one.category, one.to) for one in changes if one.change == STRIKE]
        added = [(one.category, one.to) for one in changes if one.change == ANCHOR]
        return label_categories(
            without(self.graph, struck), self.taxonomy.with_anchors(added), self.heuristics
        )

    def said(self, changes: Sequence[Change] = ()) -> np.ndarray:
        """The labels of the files under some changes: (n, L) uint8."""
        masks = np.zeros(len(self.truth), dtype=np.uint64)
        np.bitwise_or.at(masks, self.row, self.labels(changes).masks[self.category])
        return bits(masks, 0, len(self.taxonomy.label_names))[:, self.columns]

    @cached_property
    def columns(self) -> np.ndarray:
        """Where the labels that count stand in the taxonomy."""
        return np.array([self.taxonomy.label_names.index(name) for name in self.names])


def walk_of(
    graph: CategoryGraph,
    taxonomy: Taxonomy,
    heuristics: str,
    files: pd.DataFrame,
    people: pd.DataFrame,
    label_names: Sequence[str] = (),
) -> Walk:
    """The walk of the `files` (title, categories) that people (title, labels) judged.

    label_names: those that count; all of the taxonomy, if none are named. Files with the same categories are
    one group: pictures of a series are described together, and one would tell of the other.
    """
    names = tuple(label_names or taxonomy.label_names)
    said = people.drop_duplicates("title", keep="last").set_index("title")["labels"]
    files = files[files["title"].isin(said.index)].drop_duplicates("title").reset_index(drop=True)
    kept = _met(graph, taxonomy, file_categories(graph, files)[1])
    small = part(graph, kept)
    truth = label_matrix(said.loc[files["title"]].tolist(), names)
    row, category = file_categories(small, files)
    return Walk(small, taxonomy, heuristics, names, truth, row, category, _series(files), files["title"])


def _met(graph: CategoryGraph, taxonomy: Taxonomy, starts: np.ndarray) -> np.ndarray:
    """Which categories any rule can meet on any way up from the starts, by parents or by heads: (n,) bool."""
    anchors = graph.find(list(taxonomy.anchor_masks()))
    met = np.zeros(len(graph), dtype=bool)
    met[anchors[anchors >= 0]] = True
    new = np.unique(starts[~met[starts]])
    met[new] = True
    while len(new):
        parents = graph.parents[spans(graph.indptr[new], graph.indptr[new + 1])]
        named = graph.heads.category[forms_of(graph.heads, np.concatenate([new, parents]))]
        above = np.unique(np.concatenate([parents, named[named >= 0]]))
        new = above[~met[above]]
        met[new] = True
    return met


def _series(files: pd.DataFrame) -> np.ndarray:
    """The same number for files with the same categories; one without any is alone: (n,) int."""
    keys = [
        tuple(sorted(names)) or title
        for title, names in zip(files["title"], files["categories"], strict=True)
    ]
    return pd.factorize(pd.Series(keys, dtype=object))[0]


# --- Which changes to try: hops that bring more wrong labels than right ones, categories that miss a label


def candidates(walk: Walk, table: pd.DataFrame, rows: np.ndarray) -> list[Change]:
    """Changes that, were there no other ways, would raise micro F1 on the files `rows` (n,) bool.

    table: of `hops`. At most SHORTLIST hops to strike out and as many anchors to add, the most promising
    first.
    """
    found = walk.labels()
    said = walk.said()
    f1 = micro_f1(walk.truth[rows], said[rows])
    group = pd.Series(walk.groups[rows], index=walk.titles[rows])
    mine = table[table["title"].isin(group.index) & table["label"].isin(walk.names)]
    return _strikes(walk.graph, mine.assign(group=mine["title"].map(group)), f1) + _anchors(
        walk, found, said, rows, f1
    )


def micro_f1(truth: np.ndarray, said: np.ndarray) -> float:
    """Micro F1 of {0, 1} matrices, 0 where nothing is said and nothing is true."""
    return float(2 * (truth & said).sum() / max(truth.sum(dtype=int) + said.sum(dtype=int), 1))


def _strikes(graph: CategoryGraph, table: pd.DataFrame, f1: float) -> list[Change]:
    """Slope of F1: a wrong label less is worth F1, a right one less costs 2 - F1 (over all said and true)."""
    ends = [graph.find(table[name].tolist()) >= 0 for name in ("child", "parent")]
    by_hop = table[ends[0] & ends[1]].groupby(["child", "parent"], sort=False)
    each = by_hop.agg(given=("wrong", "size"), wrong=("wrong", "sum"), ways=("row", tuple))
    groups = table[table["wrong"]].groupby(["child", "parent"])["group"].nunique()
    each = each.join(groups).query("group >= @FEWEST").drop_duplicates("ways")
    each["value"] = f1 * each["wrong"] - (2 - f1) * (each["given"] - each["wrong"])
    best = each[each["wrong"] * 2 > each["given"]].sort_values("value", ascending=False, kind="stable")
    return [Change(STRIKE, *hop) for hop in best.index[:SHORTLIST]]


def _anchors(
    walk: Walk, found: CategoryLabels, said: np.ndarray, rows: np.ndarray, f1: float
) -> list[Change]:
    """As `_strikes`: a missing label more is worth 2 - F1, a foreign one costs F1, those above it as well."""
    truth, said = walk.truth[rows].astype(np.float32), said[rows].astype(np.float32)
    missing, foreign = truth * (1 - said), (1 - truth) * (1 - said)
    above = np.array([[a == b or a in walk.taxonomy.ancestors(b) for b in walk.names] for a in walk.names])
    below = _below(walk, found, rows)
    places = np.flatnonzero(below.any(axis=1) & ((found.rule >= 0) | (found.masks == 0)))
    places = places[
        np.argsort(-walk.graph.depth[places], kind="stable")
    ]  # of equals the one that claims least
    places = places[np.sort(np.unique(below[places], axis=0, return_index=True)[1])]
    values = []
    for start in range(0, len(places), BLOCK):
        some = places[start : start + BLOCK]
        files = np.unpackbits(below[some].view(np.uint8), axis=1, bitorder="little")[:, : len(truth)]
        more, wrong = files @ missing, files @ foreign
        value = ((2 - f1) * more - f1 * wrong) @ above
        values.append(np.where((more >= FEWEST) & (more > wrong), value, 0))
    value = np.concatenate(values) if values else np.zeros((0, len(walk.names)))
    order = np.argsort(-value, axis=None, kind="stable")[:SHORTLIST]
    best = [np.unravel_index(at, value.shape) for at in order if value.flat[at] > 0]
    return [Change(ANCHOR, walk.graph.title(int(places[place])), walk.names[label]) for place, label in best]


def _below(walk: Walk, found: CategoryLabels, rows: np.ndarray) -> np.ndarray:
    """Which of the files `rows` can come to each category, a bit each: (n, words) uint64."""
    number = np.where(rows, np.cumsum(rows) - 1, -1)[walk.row]
    start = number >= 0
    place, bit = walk.category[start], number[start].astype(np.uint64)
    files = np.zeros((len(walk.graph), -(-int(rows.sum()) // 64)), dtype=np.uint64)
    np.bitwise_or.at(files, (place, bit // 64), np.uint64(1) << bit % np.uint64(64))
    graph, is_anchor = walk.graph, (found.rule < 0) & (found.masks != 0)
    on = joined([found.hops, nearer_parents(graph)])
    on = on.where((graph.depth[on.source] != UNCONNECTED) & ~graph.hidden[on.source] & ~is_anchor[on.source])
    return Ladder(Hops(on.target, on.source), graph.depth.max(initial=0) - graph.depth).climb(files)


# --- The proposal: found on one half of the judged files, shown on the other


@dataclass(frozen=True)
class Proposal:
    """Changes of the walk, chosen greedily on one half of the judged files, and what they do on both.

    changes: one row a change, in the order of choice: CHANGES; `files` of the half it was found on that it
    changes, `found` and `shown` the micro F1 of each half after it and all before it. figures: for each half
    FIGURES with 95 % intervals: micro F1 before and after; the gain; what it would be by chance, if each
    label were said of as many files drawn at random (F1 rises when a frequent label is said more often, of
    whatever); the gain beyond chance. And by how much the gain drops from the first half to the second.
    candidates, looks: how many changes were tried, and how often F1 was computed on the first half; the
    second was looked at when all were chosen.
    """

    changes: pd.DataFrame
    figures: pd.DataFrame
    candidates: int = 0
    looks: int = 0

    @property
    def holds(self) -> bool:
        """Whether the files it was not found on show a gain, and one beyond chance, at the level of 95 %."""
        shown = self.figures[self.figures["half"] == SHOWN].set_index("figure")["low"]
        return bool(len(self.changes) and shown["gain"] > 0 and shown["beyond chance"] > 0)


def propose(walk: Walk, table: pd.DataFrame, most: int = 10, rounds: int = 500, seed: int = 0) -> Proposal:
    """At most `most` changes that raise micro F1 on half of a walk's files most, and what the rest says.

    table: of `hops`. The halves are drawn by groups. A change must also put more labels right than wrong, and
    some right in FEWEST groups: F1 by itself rises when a frequent label is given to everything. `rounds`
    resamples of groups make the intervals. With fewer than FEWEST_GROUPS groups nothing is proposed.
    """
    found = half(walk.groups, seed)
    if walk.groups.max(initial=-1) + 1 < FEWEST_GROUPS:
        return Proposal(pd.DataFrame(columns=CHANGES), pd.DataFrame(columns=FIGURES))
    tried = candidates(walk, table, found)
    changes, said, looks = _greedy(walk, tried, found, most)
    rows = [
        (*change, int((after != before)[found].any(axis=1).sum()))
        + tuple(micro_f1(walk.truth[rows], after[rows]) for rows in (found, ~found))
        for change, before, after in zip(changes, said, said[1:], strict=False)
    ]
    figures = _figures(walk, said[0], said[-1], found, rounds, seed)
    return Proposal(pd.DataFrame(rows, columns=CHANGES), figures, len(tried), looks)


def half(groups: np.ndarray, seed: int) -> np.ndarray:
    """Half of the files, drawn by whole groups: (n,) bool.

    >>> drawn = half(np.array([0, 0, 1, 1]), seed=0)
    >>> int(drawn.sum()), bool(drawn[0] == drawn[1])
    (2, True)
    """
    sizes = np.bincount(groups)
    order = np.random.default_rng(seed).permutation(len(sizes))
    return np.isin(groups, order[np.cumsum(sizes[order]) * 2 <= len(groups)])


def _greedy(
    walk: Walk, tried: Sequence[Change], rows: np.ndarray, most: int
) -> tuple[list[Change], list[np.ndarray], int]:
    """The changes chosen, the files' labels before them and after each, and how many changes were computed.

    Each is the one that then raises F1 on `rows` most. Lazily (Minoux 1978): the rise of a change that was
    computed earlier stands until it is the highest, which is exact where rises only fall.
    """
    chosen: list[Change] = []
    said, looks = [walk.said()], 0
    rises = dict.fromkeys(tried, np.inf)
    while rises and len(chosen) < most:
        fresh: dict[Change, np.ndarray] = {}
        while (best := max(rises, key=rises.__getitem__)) not in fresh:
            fresh[best] = walk.said([*chosen, best])
            rises[best] = _rise(walk, said[-1], fresh[best], rows)
            looks += 1
        if rises.pop(best) <= 0:
            break
        chosen.append(best)
        said.append(fresh[best])
    return chosen, said, looks


def _rise(walk: Walk, before: np.ndarray, after: np.ndarray, rows: np.ndarray) -> float:
    """By how much micro F1 rises; 0 where few groups gain, or no more labels are put right than wrong."""
    truth, before, after = walk.truth[rows], before[rows], after[rows]
    right, wrong = (before != after) & (after == truth), (before != after) & (after != truth)
    groups = np.unique(walk.groups[rows][right.any(axis=1)])
    if len(groups) < FEWEST or right.sum() <= wrong.sum():
        return 0.0
    return micro_f1(truth, after) - micro_f1(truth, before)


def _figures(
    walk: Walk, before: np.ndarray, after: np.ndarray, found: np.ndarray, rounds: int, seed: int
) -> pd.DataFrame:
    """FIGURES of both halves, the files resampled by groups, the same groups before and after (paired)."""
    rng, halves = np.random.default_rng(seed), {FOUND: found, SHOWN: ~found}
    told = {name: _resampled(walk, (before, after), rows, rounds, rng) for name, rows in halves.items()}
    drop = (told[FOUND] - told[SHOWN])[["gain"]].rename(columns={"gain": "drop"})
    halves[BOTH] = np.ones_like(found)
    table = [
        (name, int(halves[name].sum()), figure, drawn[figure][0], *np.percentile(drawn[figure][1:], ENDS))
        for name, drawn in (told | {BOTH: drop}).items()
        for figure in drawn
    ]
    return pd.DataFrame(table, columns=FIGURES)


def _resampled(
    walk: Walk, said: Sequence[np.ndarray], rows: np.ndarray, rounds: int, rng: np.random.Generator
) -> pd.DataFrame:
    """Figures of the files `rows` first, then of each resample of their groups; said: before and after."""
    group = pd.factorize(walk.groups[rows])[0]
    n = group.max(initial=-1) + 1
    drawn = np.vstack([np.ones(n), rng.multinomial(n, np.full(n, 1 / n), size=rounds)]).astype(np.float32)
    truth = walk.truth[rows]
    f1, by_chance = zip(*(_f1_and_chance(truth, some[rows], group, drawn) for some in said), strict=True)
    gain, chance = f1[1] - f1[0], by_chance[1] - by_chance[0]
    table = {"before": f1[0], "after": f1[1], "gain": gain, "by chance": chance}
    return pd.DataFrame(table | {"beyond chance": gain - chance})


def _f1_and_chance(
    truth: np.ndarray, said: np.ndarray, group: np.ndarray, drawn: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Micro F1, and its expectation if each label were said of as many files at random; two (rounds,).

    truth, said: (n, L) {0, 1}; group: (n,) from 0; drawn: (rounds, groups), how often each group is drawn.
    """
    parts = np.hstack([truth & said, said, truth, np.ones((len(truth), 1), np.uint8)])
    sums = np.zeros((drawn.shape[1], parts.shape[1]), np.float32)
    np.add.at(sums, group, parts)
    total = drawn @ sums
    right, given, true = np.split(total[:, :-1], 3, axis=1)
    both = np.maximum(given.sum(axis=1) + true.sum(axis=1), 1)
    lucky = given * true / np.maximum(total[:, -1:], 1)
    return 2 * right.sum(axis=1) / both, 2 * lucky.sum(axis=1) / both


# --- Told, and taken over by a person


def in_words(proposal: Proposal) -> list[str]:
    """What a proposal is worth, a sentence each; the last says whether it holds on the other files."""
    if not len(proposal.figures):
        return [f"Too few files are judged for a proposal: two halves need {FEWEST_GROUPS} groups of them."]
    told = {(row.half, row.figure): row for row in proposal.figures.itertuples()}
    if not len(proposal.changes):
        return [
            f"None of the {proposal.candidates} changes that were tried would put more labels right than "
            f"wrong in {FEWEST} groups of the files or more: nothing is proposed."
        ]
    found, shown, drop = told[FOUND, "gain"], told[SHOWN, "gain"], told[BOTH, "drop"]
    before_after = [f"from {told[h, 'before'].value:.3f} to {told[h, 'after'].value:.3f}" for h in HALVES]
    first = (
        f"{len(proposal.changes)} of the {proposal.candidates} changes that were tried are chosen, greedily, "
        f"by {proposal.looks} looks at one half of the judged files ({found.files:,}): there micro F1 goes "
        f"{before_after[0]}, a gain of {_signed(found)} that is too high, since chance helped the choice."
    )
    second = (
        f"On the other half ({shown.files:,} files), looked at once, when all were chosen, it goes "
        f"{before_after[1]}, a gain of {_signed(shown)}: {drop.value:.3f} less. Beyond what as many "
        f"labels given at random would bring, it is {_signed(told[SHOWN, 'beyond chance'])}."
    )
    verdict = (
        "So the changes help on files they were not found on; look at each before you take it over."
        if proposal.holds
        else "So no gain is shown on files they were not found on: the proposal claims nothing."
    )
    return [first, second, verdict]


def _signed(row: Any) -> str:
    return f"{row.value:+.3f} [{row.low:+.3f}, {row.high:+.3f}]"


def take_over(
    changes: pd.DataFrame, folder: Path, person: str = "", on: bool = True
) -> list[judgements.Entry]:
    """File some changes (change, category, to) as a person's own judgement in the journals of `folder`.

    A run of 01 whose `corrections` name the folder walks without these hops and with these anchors. on: False
    takes them back. person: empty, who is logged in. Returns the entries, which are on the disk; OSError
    where they could not be written. Nothing calls this by itself.
    """
    each = changes[["change", "category", "to"]].itertuples(index=False)
    entries = [
        {"title": f"Category:{category}", "hop": {"child": category, "parent": to, "struck": on}}
        if change == STRIKE
        else {"title": f"Category:{category}", "anchor": {"category": category, "label": to, "added": on}}
        for change, category, to in each
    ]
    return judgements.append(folder, person or judgements.person_here(), entries)
