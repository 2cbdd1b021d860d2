"""A person's verdicts as corrected labels: what 04_evaluate's browser keeps comes back for a second round."""

from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from wikitopics.artefacts import read_table
from wikitopics.errors import UserError
from wikitopics.judgements import verdicts
from wikitopics.labels.labelled import Labelled
from wikitopics.labels.taxonomy import Taxonomy

WRONG = "label wrong"  # the verdict that the given label is wrong
HAD = ("true positive", "false negative")  # kinds of mistake where the file had the label
COLUMNS = ["title", "label", "kind", "verdict", "corrected_labels"]


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
    """The verdicts "label wrong", oldest first.

    path: a folder of journals, judgements/04_evaluate/RUN, or a table with COLUMNS. Raises UserError where
    it is neither.
    """
    if not path.exists():
        raise UserError(
            f"corrections must be a folder like judgements/04_evaluate/RUN, but {path} is not there; "
            "correct the path"
        )
    table = verdicts(path) if path.is_dir() else read_table(path)
    missing = [name for name in COLUMNS if name not in table]
    if missing:
        raise UserError(
            f"corrections must have the column {missing[0]}, but {path} has none; name another file"
        )
    table = table[table["verdict"] == WRONG]
    corrected = [None if names is None else list(names) for names in table["corrected_labels"]]
    rows = zip(table["title"], table["label"], table["kind"].isin(HAD), corrected, strict=True)
    return [Verdict(*row) for row in rows]
