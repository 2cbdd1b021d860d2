"""Labels' names as the classifier beside heads that learned from labels: for which labels do these win?"""

from collections.abc import Iterator
from pathlib import Path

import pandas as pd

from wikitopics.artefacts import RECORD, finished_run, read_json, write_table
from wikitopics.compare.differences import change, paired, shared_labels, verdict
from wikitopics.compare.runs import Cell, Draws, each_label
from wikitopics.evaluate.intervals import holm

COLUMNS = ["by_names", "trained", "label", "labelled", "names", "head", "difference", "low", "high"]
COLUMNS += ["p", "p_holm", "verdict"]


def table(cells: list[Cell], draws: list[Draws]) -> pd.DataFrame:
    """One row for each label of each pair of a run by names and a trained one, none where no run is by names.

    by_names, trained: the runs; label; labelled: training images with it that the trained one learned from
    (-1: not written down); names, head: test ROC-AUC of each, of the trained one the mean over its seeds;
    difference (head - names), low, high (95 %, paired, on other images and with other trained networks), p,
    p_holm (over all rows), verdict ("higher": labelled images beat the names).

    Pairs are runs on the same network where there are any, else all that share labels of one source.
    """
    rows = [
        row
        for names, trained in pairs(cells)
        for row in _rows(cells[names], draws[names], cells[trained], draws[trained])
    ]
    found = pd.DataFrame(rows, columns=COLUMNS[:-2])
    found["p_holm"] = holm(found["p"].to_numpy(float))
    found["verdict"] = [verdict(*row) for row in zip(found["difference"], found["p_holm"], strict=True)]
    return found


def pairs(cells: list[Cell]) -> Iterator[tuple[int, int]]:
    """Places of a run by names and a trained one that are to be compared."""
    trained = [number for number, cell in enumerate(cells) if not cell.by_names]
    for number, cell in enumerate(cells):
        if cell.by_names:
            sharing = [other for other in trained if shared_labels(cell, cells[other])]
            same = [other for other in sharing if change(cell, cells[other], []) == "head"]
            yield from ((number, other) for other in same or sharing)


def _rows(cell: Cell, drawn: Draws, other: Cell, redrawn: Draws) -> Iterator[dict]:
    labels, learned = shared_labels(cell, other), _learned_from(other)
    sides = (each_label(cell, drawn, "roc_auc", labels), each_label(other, redrawn, "roc_auc", labels))
    for label, first, second in zip(labels, *sides, strict=True):
        found = paired(first, second)
        values = {"names": found["first"], "head": found["second"]}
        values |= {name: found[name] for name in ("difference", "low", "high", "p")}
        about = {"by_names": cell.name, "trained": other.name, "label": label}
        yield about | {"labelled": learned.get(label, -1)} | values


def _learned_from(cell: Cell) -> dict[str, int]:
    """Training images with each label that the first network of a cell learned from."""
    record = read_json(finished_run("03_train", cell.networks[0].run) / RECORD)
    return record.get("label_images", {})


def write(folder: Path, found: pd.DataFrame) -> None:
    """Write names.parquet into the folder of a comparison; nothing where no run is by names."""
    if len(found):
        write_table(folder / "names.parquet", found)


def in_words(found: pd.DataFrame) -> list[str]:
    """What `table` says, a sentence a pair."""
    return [
        _sentence(str(run), str(trained), rows)
        for (run, trained), rows in found.groupby(["by_names", "trained"], sort=False)
    ]


def _sentence(run: str, trained: str, rows: pd.DataFrame) -> str:
    known = rows.loc[rows["labelled"] >= 0, "labelled"]
    some = f" ({known.min():,} to {known.max():,} labelled images a topic)" if len(known) else ""
    sides = {"higher": f"{trained}{some} is better than", "lower": "worse than"}
    told = [
        f"{how} the names alone ({run}) for {_listed(rows.loc[rows['verdict'] == side, 'label'])}"
        for side, how in sides.items()
    ]
    open_ = int((~rows["verdict"].isin(sides)).sum())
    return f"{told[0]} and {told[1]}; of {len(rows)} topics {open_} are not told apart."


def _listed(labels: pd.Series) -> str:
    return f"{len(labels)} ({', '.join(labels)})" if len(labels) else "none"
