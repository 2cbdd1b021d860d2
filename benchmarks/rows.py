"""How time and memory grow with the number of rows: a table, and a picture of it, from other benchmarks.

python benchmarks/rows.py [--measure] [--only WORD]

--measure: run the benchmarks of RUNS, one after the other, each size in a process of its own, and put what
they print into rows_growth.csv, in place of what it holds of the same rows (half an hour, of which 4 million
rows of near duplicates take 20 minutes and 10 GB; --only: those with this word in their command). The
picture, rows_growth.png, is drawn from that table: CPU seconds and peak memory of the whole process, made-up
data included, on logarithmic axes.
"""

import argparse
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import explain  # noqa: F401
import numpy as np
import pandas as pd
import plotly.graph_objects as go
from bench import Run, told_by

from wikitopics.artefacts import replacing
from wikitopics.show.figures import new_figure
from wikitopics.show.pictures import with_few_colours
from wikitopics.show.png.draw import picture
from wikitopics.show.theme import LEGEND_ABOVE, series_style

HERE = Path(__file__).resolve().parent
TABLE, PICTURE = HERE / "rows_growth.csv", HERE / "rows_growth.png"
COLUMNS = ["subject", "rows", "cpu_seconds", "peak_mb"]
PANELS = {"cpu_seconds": "CPU time (seconds)", "peak_mb": "peak memory (MB)"}
LONGEST = 3600  # seconds of one benchmark
SIZES = (50_000, 200_000, 800_000)  # rows of scale.py

Rows = Iterator[tuple[int, float, float]]  # rows, CPU seconds, MB (NaN: not told)


def of_scale(told: dict[str, Any]) -> Rows:
    """One size of scale.py: of the browser the slowest filter among all predictions."""
    yield told["measured"], told.get("all_predictions", told["seconds"]), told["peak_mb"]


def of_bootstrap(told: dict[str, Any]) -> Rows:
    """One size of metrics.py, as if of 100 rounds, which time is proportional to."""
    yield told["images"], told["cpu_seconds"] * 100 / told["rounds"], told["peak_mb"]


def of_duplicates(told: dict[str, Any]) -> Rows:
    """One size of duplicates.py: of the search alone."""
    yield from ((one["pictures"], one["seconds"], 1000 * told["peak_gb"]) for one in told["growth"])


def of_labels(told: dict[str, Any]) -> Rows:
    """All sizes of labels_scale.py, by files."""
    yield from ((one["files"], one["cpu"], 1000 * one["peak_gb"]) for one in told["sizes"])


RUNS: list[tuple[str, str, Callable[[dict[str, Any]], Rows]]] = [
    *(("parts of 04", f"scale.py slices --rows {rows}", of_scale) for rows in SIZES),
    *(("browser's filter", f"scale.py browser --rows {rows}", of_scale) for rows in SIZES),
    ("bootstrap, 100 rounds", "metrics.py --quick", of_bootstrap),
    ("bootstrap, 100 rounds", "metrics.py --large", of_bootstrap),
    *(("near duplicates", f"duplicates.py --rows {rows}", of_duplicates) for rows in (*SIZES, 4_000_000)),
    ("labels by categories", "labels_scale.py", of_labels),
]  # fmt: skip


def measured(only: str) -> pd.DataFrame:
    """What the benchmarks with this word in their command print: COLUMNS."""
    found = []
    for subject, command, rows_of in RUNS:
        if only in command:
            told, how = told_by(Run(command, LONGEST, []), LONGEST)
            print(f"{command}: {how}", flush=True)
            found += [(subject, *row) for row in (rows_of(told) if told else ())]
    return pd.DataFrame(found, columns=COLUMNS)


def merged(before: pd.DataFrame, new: pd.DataFrame) -> pd.DataFrame:
    """The table with what was measured anew in place of what it held of the same subject and rows."""
    both = pd.concat([part for part in (before, new) if len(part)])
    kept = both.drop_duplicates(["subject", "rows"], keep="last")
    return kept.sort_values(["subject", "rows"], ignore_index=True)


def exponent(rows: pd.Series, values: pd.Series) -> float:
    """The slope of values by rows on logarithmic axes; 1: twice the rows, twice the value; NaN below two.

    >>> round(exponent(pd.Series([10, 100]), pd.Series([3, 300])), 6)
    2.0
    """
    told = values.notna()
    if told.sum() < 2:
        return float("nan")
    return float(np.polyfit(np.log(rows[told]), np.log(values[told]), 1)[0])


def drawn(table: pd.DataFrame) -> go.Figure:
    """Time above, memory below, a line a subject; the exponent of its time stands in the legend."""
    title = "Time and memory by the number of rows (beside each name: the exponent of its time)"
    figure = new_figure(title, height=900, rows=2, legend=LEGEND_ABOVE)
    for number, (subject, some) in enumerate(table.groupby("subject", sort=True)):
        style, power = series_style(number), exponent(some["rows"], some["cpu_seconds"])
        look = {"line": {"color": style["color"], "dash": style["dash"]}, "mode": "lines+markers"}
        look["marker"] = {"symbol": style["symbol"], "size": 9, "color": style["color"]}
        for panel, column in enumerate(PANELS, 1):
            known = some[some[column].notna()]
            place = {"row": panel, "col": 1, "showlegend": panel == 1, "name": f"{subject}: {power:.2f}"}
            figure.add_scatter(x=known["rows"], y=known[column], **look, **place)
    figure.update_xaxes(type="log", title_text="rows: images, pictures or files (logarithmic)", range=[4, 7])
    for panel, (column, title) in enumerate(PANELS.items(), 1):
        decades = np.log10([table[column].min(), table[column].max()])
        span = [float(np.floor(decades[0])), float(np.ceil(decades[1]))]
        figure.update_yaxes(type="log", title_text=f"{title}, logarithmic", range=span, row=panel, col=1)
    return figure


def main(measure: bool, only: str) -> None:
    table = pd.read_csv(TABLE) if TABLE.exists() else pd.DataFrame(columns=COLUMNS)
    if measure:
        table = merged(table, measured(only))
        with replacing(TABLE) as temporary:
            table.round(3).to_csv(temporary, index=False)
    with replacing(PICTURE) as temporary:
        with_few_colours(picture(drawn(table))).save(temporary, "PNG", optimize=True)
    print(table.to_string(index=False))
    by_subject = table.groupby("subject")
    powers = {name: exponent(some["rows"], some["cpu_seconds"]) for name, some in by_subject}
    print(json.dumps({"exponents_cpu": {name: round(one, 2) for name, one in powers.items() if one == one}}))


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--measure", action="store_true", help="run the benchmarks first")
    parser.add_argument("--only", default="", help="with --measure: those with this word in their command")
    main(**vars(parser.parse_args()))
