"""Files with their labels, whatever the source: corrected by people, summed up, and written."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from wikitopics.artefacts import write_json, write_table
from wikitopics.errors import UserError
from wikitopics.judgements import check_there, verdicts
from wikitopics.labels.taxonomy import Taxonomy, label_matrix
from wikitopics.sources.table_cells import as_list, as_text, check_divided, text_of
from wikitopics.sources.tables import read_table
from wikitopics.titles import mediawiki_title

FILE_COLUMNS = ["title", "path", "creator", "licence", "categories", "articles"]

WRONG = "label wrong"  # the verdict that the given label is wrong
VERDICTS = ("label right", WRONG, "unsure", "")
HAD = ("true positive", "false negative")  # kinds of mistake where the file had the label
LACKED = ("false positive", "true negative")
COLUMNS = ["title", "label", "kind", "verdict", "corrected_labels"]

MOST_BYTES = 50_000_000  # of a file that is shown


@dataclass(frozen=True)
class Labelled:
    """Files with their labels.

    labels: title, labels (list, in label_names order), scores (float32 in [0, 1]), evidence (int); one row
    per file, in the files' order. why: one row per file and label (`file_labels.COLUMNS`), empty for "given".
    steps: the funnel, what is left -> files. notes: what could not be used -> count.
    """

    taxonomy: Taxonomy
    labels: pd.DataFrame
    why: pd.DataFrame
    steps: dict[str, int]
    notes: dict[str, int]

    @property
    def label_names(self) -> tuple[str, ...]:
        """The labels in their frozen order."""
        return self.taxonomy.label_names


def _where_they_went(labelled: Labelled) -> str:
    """The steps by which files were lost, in words."""
    told = [f"{what}: {count:,}" for what, count in labelled.notes.items() if count]
    return ", ".join(told)[:300] or "the source says nothing of any of them"


def keep_frequent(labelled: Labelled, min_images: int) -> Labelled:
    """The same without the labels that fewer than `min_images` files have; they are counted in the notes.

    A label above a kept one has at least as many files, so the hierarchy stays whole.
    """
    counts = labelled.labels["labels"].explode().value_counts()
    kept = [name for name in labelled.label_names if counts.get(name, 0) >= min_images]
    if not len(counts.index.dropna()):
        raise UserError(
            f"a file must have a label, but none of {len(labelled.labels):,} files has one "
            f"({_where_they_went(labelled)}); lay pictures in folders that are named as their labels, name "
            "them in a table, or choose another label_source"
        )
    if not kept:
        raise UserError(
            f"min_images must leave a label, but no label has {min_images} files (the most frequent has "
            f"{counts.max() if len(counts) else 0}); lower it or look at the funnel"
        )
    old = labelled.taxonomy
    taxonomy = replace(
        old,
        label_names=tuple(kept),
        parents={name: old.parents[name] for name in kept},
        anchors={name: old.anchors[name] for name in kept},
        left_out=(*old.left_out, *(name for name in old.label_names if name not in kept)),
    )
    labels = _restricted(labelled.labels, set(kept))
    left = {f"with a label that {min_images} files have": int((labels["labels"].map(len) > 0).sum())}
    dropped = len(old.label_names) - len(kept)
    return Labelled(
        taxonomy,
        labels,
        labelled.why[labelled.why["label"].isin(kept)].reset_index(drop=True),
        {**labelled.steps, **(left if min_images > 1 else {})},
        {**labelled.notes, **({f"labels with fewer than {min_images} files": dropped} if dropped else {})},
    )


def _restricted(labels: pd.DataFrame, kept: set[str]) -> pd.DataFrame:
    masks = [np.array([name in kept for name in names], dtype=bool) for names in labels["labels"]]
    pairs = zip(labels["labels"], labels["scores"], masks, strict=True)
    rows = [
        ([n for n, k in zip(names, mask, strict=True) if k], scores[mask]) for names, scores, mask in pairs
    ]
    return labels.assign(labels=[names for names, _ in rows], scores=[scores for _, scores in rows])


def human_labels(people: pd.DataFrame | None, taxonomy: Taxonomy) -> pd.DataFrame | None:
    """What people said (title, labels), in this run's labels and closed upward; None where nobody did.

    Labels that the run left out because they are rare count as none; a file of which people say only what no
    label of the taxonomy is (another vocabulary, a slip of the pen) was not judged, and is left out.
    """
    if people is None:
        return None
    ours = {*taxonomy.parents, *taxonomy.left_out}
    judged = people["labels"].map(lambda names: not len(names) or any(name in ours for name in names))
    people = people[judged.astype(bool)]
    known = people["labels"].map(lambda names: [name for name in names if name in taxonomy.parents])
    if people.empty and len(judged):
        return None
    return pd.DataFrame({"title": people["title"], "labels": known.map(taxonomy.close)})


def funnel(labelled: Labelled) -> pd.DataFrame:
    """How many files are left after each step: step, files."""
    return pd.DataFrame({"step": list(labelled.steps), "files": list(labelled.steps.values())})


def write_labels(
    folder: Path,
    files: pd.DataFrame,
    labelled: Labelled,
    human: pd.DataFrame | None,
    source: dict[str, Any],
    known_items: pd.DataFrame | None = None,
) -> None:
    """Write the artefacts of stage 01 into `folder`; `source` is what `sources.describe` gives.

    known_items: item, category, name of the items that the files depict, where a label source read them.
    """
    write_table(
        folder / "files.parquet", files[[name for name in (*FILE_COLUMNS, "items", "split") if name in files]]
    )
    items = {"items": files["items"].tolist()} if "items" in files else {}
    write_table(folder / "labels.parquet", labelled.labels.assign(**items))
    write_table(folder / "why.parquet", labelled.why)
    for name, table in (("human.parquet", human), ("items.parquet", known_items)):
        if table is not None:
            write_table(folder / name, table)
        else:
            (folder / name).unlink(missing_ok=True)  # of an earlier run of this name
    taxonomy = labelled.taxonomy
    names = {"label_names": list(taxonomy.label_names), "parents": taxonomy.parents}
    write_json(folder / "label_names.json", {"taxonomy": taxonomy.name, **names})
    write_json(folder / "source.json", source)
    write_json(folder / "funnel.json", funnel(labelled).to_dict("records"))


def correct(labelled: Labelled, path: str | Path) -> Labelled:
    """The labelled files under the verdicts at `path` (see `read_verdicts`); "" changes nothing.

    A verdict "label wrong" takes the label away where the file had it (and those below it), and gives it
    where the file lacked it (and those above it), with score 1; labels that the person named instead
    (`corrected_labels`) replace all of the file's. Other verdicts change nothing. Later verdicts win.
    How many files changed, and verdicts on files or labels that this run does not have, are in the notes.
    """
    if not str(path):
        return labelled
    found = read_verdicts(Path(path))
    names, taxonomy = set(labelled.label_names), labelled.taxonomy
    rows = {title: row for row, title in enumerate(labelled.labels["title"])}
    found = [v if v.title in rows else replace(v, title=mediawiki_title(v.title)) for v in found]
    known = [v for v in found if v.title in rows and (v.corrected is not None or v.label in names)]
    lists, scores = labelled.labels["labels"].tolist(), labelled.labels["scores"].tolist()
    changed = set()
    for verdict in known:
        row = rows[verdict.title]
        new = verdict.applied(list(lists[row]), taxonomy)
        if new != list(lists[row]):
            old = dict(zip(lists[row], scores[row], strict=True))
            lists[row], scores[row] = new, np.array([old.get(name, 1) for name in new], dtype=np.float32)
            changed.add(row)
    notes = {"files corrected by people": len(changed), "verdicts of other files": len(found) - len(known)}
    named = {name for verdict in known for name in verdict.corrected or ()}
    notes["labels named by people that this run does not have"] = len(named - names)
    notes = {what: count for what, count in notes.items() if count}
    labels = labelled.labels.assign(labels=lists, scores=scores)
    return replace(labelled, labels=labels, notes=labelled.notes | notes)


@dataclass(frozen=True)
class Verdict:
    """One "label wrong": of which file and label, whether the file had it, what the person named instead."""

    title: str
    label: str
    had: bool
    corrected: list[str] | None

    def applied(self, labels: list[str], taxonomy: Taxonomy) -> list[str]:
        """The file's labels afterwards, in the taxonomy's order.

        >>> from wikitopics.labels.taxonomy import load
        >>> Verdict("a", "Culture", True, None).applied(["Culture", "Food", "Places"], load("v1.4"))
        ['Places']
        >>> Verdict("a", "Food", False, None).applied(["Places"], load("v1.4"))
        ['Places', 'Culture', 'Food']
        """
        if self.corrected is not None:
            return taxonomy.close([name for name in self.corrected if name in taxonomy.parents])
        if not self.had:
            return taxonomy.close([*labels, self.label])
        return taxonomy.close([name for name in labels if self.label not in taxonomy.close([name])])


def read_verdicts(path: Path) -> list[Verdict]:
    """The verdicts "label wrong", and all that name other labels, oldest first.

    path: a folder of journals, judgements/04_evaluate/RUN, or a table with COLUMNS, of which the last may be
    missing. Raises UserError where it is neither, and for a cell that cannot be read.
    """
    check_there(path, "corrections", "04_evaluate")
    table = verdicts(path) if path.is_dir() else read_table(path, "corrections", COLUMNS[:4], COLUMNS[4:])
    texts = {name: [as_text(name, cell) for cell in table[name]] for name in COLUMNS[:4]}
    named = table["corrected_labels"] if "corrected_labels" in table else [""] * len(table)
    check_divided("corrected_labels", named)
    if not path.is_dir():  # journals are our own
        _check_words("verdict", texts["verdict"], VERDICTS)
        wrong = [kind for kind, said in zip(texts["kind"], texts["verdict"], strict=True) if said == WRONG]
        _check_words("kind", wrong, (*HAD, *LACKED))
    found = []
    for title, label, kind, verdict, cell in zip(*texts.values(), named, strict=True):
        said = as_list(cell) if text_of(cell) else None
        if verdict == WRONG or said is not None:  # other labels were named, whatever was asked about
            found.append(Verdict(title, label, kind in HAD, said))
    return found


def _check_words(name: str, said: Iterable[str], words: Iterable[str]) -> None:
    wrong = next((word for word in said if word not in words), None)
    if wrong is not None:
        raise UserError(
            f"the column {name} of corrections must say {', '.join(filter(None, words))}, but one cell says "
            f"{wrong[:60]!r}; correct it"
        )


def label_counts(labelled: Labelled) -> pd.DataFrame:
    """Each label, parent, files, share (of all), alone (files with none of its children), mean_score."""
    names, parents = labelled.label_names, labelled.taxonomy.parents
    matrix = label_matrix(labelled.labels["labels"], names)
    child_of = np.array([[parents[child] == name for name in names] for child in names], dtype=np.uint8)
    alone = (matrix.astype(bool) & (matrix @ child_of == 0)).sum(axis=0)
    rows = labelled.labels[["labels", "scores"]].explode(["labels", "scores"]).dropna()
    score = rows.astype({"scores": float}).groupby("labels")["scores"].mean()
    return pd.DataFrame(
        {
            "label": names,
            "parent": [parents[name] or "" for name in names],
            "files": matrix.sum(axis=0, dtype=int),
            "share": matrix.mean(axis=0),
            "alone": alone,
            "mean_score": [score.get(name, np.nan) for name in names],
        }
    )


def co_occurrence(labelled: Labelled, most: int = 28) -> pd.DataFrame:
    """Share of the files with the row's label that also have the column's; the `most` frequent labels."""
    matrix = label_matrix(labelled.labels["labels"], labelled.label_names).astype(np.float32)
    frequent = np.sort(np.argsort(-matrix.sum(axis=0), kind="stable")[:most])
    together = matrix[:, frequent].T @ matrix[:, frequent]
    names = [labelled.label_names[i] for i in frequent]
    return pd.DataFrame(together / np.maximum(np.diag(together), 1)[:, None], index=names, columns=names)


def labels_per_file(labelled: Labelled) -> pd.DataFrame:
    """How many files have 0, 1, 2 ... labels: labels, files."""
    counts = np.bincount(labelled.labels["labels"].map(len))
    return pd.DataFrame({"labels": np.arange(len(counts)), "files": counts})


def examples(labelled: Labelled, files: pd.DataFrame, per_label: int, labels: int, seed: int) -> pd.DataFrame:
    """Files drawn at random for the most frequent labels that have no children: label, title, path, score.

    `per_label` files for each of `labels` labels, no file twice.
    """
    rng = np.random.default_rng(seed)
    counts = label_counts(labelled)
    leaves = counts[~counts["label"].isin(counts["parent"])].nlargest(labels, "files")["label"]
    rows = labelled.labels[["title", "labels", "scores"]].explode(["labels", "scores"])
    rows = rows.set_axis(["title", "label", "score"], axis=1)
    rows = rows.iloc[rng.permutation(len(rows))].drop_duplicates("title")
    rows = rows[rows["label"].isin(leaves)].groupby("label", sort=False).head(per_label)
    rows = rows.merge(files[["title", "path"]], on="title")
    order = {label: i for i, label in enumerate(leaves)}
    return rows.sort_values("label", key=lambda column: column.map(order), kind="stable").reset_index(
        drop=True
    )


def by_title(
    source: Any, files: pd.DataFrame, decode: Callable[[bytes], Any], errors: tuple[type[Exception], ...]
) -> Callable[[str], np.ndarray | None]:
    """A function from a title to its decoded `pixels` ((h, w, 3) uint8), None for what is no picture.

    `source.read` and `decode` keep their own limits; `errors` are what they raise for a bad file.
    """
    path = files.set_index("title")["path"]

    def pixels(title: str) -> np.ndarray | None:
        try:
            return decode(source.read(path[title], MOST_BYTES)).pixels
        except errors:
            return None

    return pixels


def pictures(see: Callable[[str], np.ndarray | None], titles: Sequence[str]) -> list[np.ndarray]:
    """The pictures of some titles; a grey square for each that `see` has none of."""
    grey = np.full((64, 64, 3), 200, dtype=np.uint8)
    found = [see(title) for title in titles]
    return [grey if pixels is None else pixels for pixels in found]


# --- What was found, in sentences


def in_words(labelled: Labelled, agreement: pd.DataFrame | None, ranked: pd.DataFrame | None) -> list[str]:
    """What this run showed and what of it is to be doubted, a sentence each.

    agreement: of people.judge, None where nobody judged; ranked: of people.rank_heuristics with rounds, None
    where there is no walk to vary.
    """
    counts, names = label_counts(labelled), labelled.labels["labels"].map(len)
    some = labelled.labels[names > 0]
    first, last = counts.iloc[0], counts.iloc[-1]
    told = [
        f"{len(some):,} of {len(names):,} files have a label ({len(some) / len(names):.0%}), "
        f"{names[names > 0].mean():.1f} of them on average. The others are no negative examples: nothing is "
        "known of them.",
        f"The labels are uneven: {first['label']} has {first['files']:,} files, {last['label']} "
        f"{last['files']:,}.",
    ]
    if len(labelled.why):  # else the labels were given as they are, and rest on nothing else
        alone = (some["evidence"] == 1).mean()
        told.append(f"{alone:.0%} of the labelled files rest on one category, item, article or run alone.")
    if agreement is not None and len(agreement):
        told += _beside_people(agreement)
    if ranked is not None and len(ranked):
        told.append(_best_way(ranked))
    return told


def _beside_people(agreement: pd.DataFrame) -> list[str]:
    micro, each = agreement.iloc[0], agreement.iloc[2:].dropna(subset="f1")
    each = each[each["people"] > 0]
    ends = f"[{micro['f1_low']:.3f}, {micro['f1_high']:.3f}]"
    told = [f"Against what people say of the same files their micro F1 is {micro['f1']:.3f} {ends}."]
    if len(each) > 1:
        first_and_last = each.loc[each["f1"].idxmax()], each.loc[each["f1"].idxmin()]
        best, worst = (
            f"{row['label']} (F1 {row['f1']:.2f}, {row['people']:,.0f} files)" for row in first_and_last
        )
        told.append(f"Both agree most about {best} and least about {worst}: an average hides that.")
    return told


def _best_way(ranked: pd.DataFrame) -> str:
    best = ranked.iloc[0]
    alike = int((ranked["micro_f1_high"] >= best["micro_f1_low"]).sum()) - 1
    return (
        f"Of {len(ranked)} ways to label, {best['heuristics']} agrees best with these people (micro F1 "
        f"{best['micro_f1']:.3f}); the intervals of {alike} others overlap with its own."
    )
