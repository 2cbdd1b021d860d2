"""A map of pictures: who lies near whom, coloured and marked by what each is."""

from collections.abc import Sequence

import numpy as np
import plotly.graph_objects as go

from wikitopics.evaluate.map import BOTH, MISSED, WRONG
from wikitopics.show.figures import new_figure, plain
from wikitopics.show.theme import MEANING, MUTED, PALETTE

# Shape tells a kind where colour cannot: on grey paper, and for colour-blind eyes.
MARKS = (
    ("circle", PALETTE[0]),
    ("triangle-up", PALETTE[1]),
    ("square", PALETTE[2]),
    ("x", PALETTE[4]),
    ("diamond", PALETTE[3]),
    ("cross", PALETTE[5]),
    ("triangle-down", PALETTE[6]),
    ("star", "#7F3B08"),
)
# Kinds of mistake look the same on every map, whichever is the most frequent.
MEANT = {
    MISSED: ("triangle-down", MEANING["false negative"]),
    WRONG: ("triangle-up", MEANING["false positive"]),
    BOTH: ("square", MEANING["both"]),
}
REST = ("circle-open", MUTED)  # what is not asked about
LONGEST = 40  # characters of a title
NOTE = "near each other: alike to the network (nothing else has a meaning)"


def picture_map(
    places: np.ndarray,
    kinds: Sequence[str],
    titles: Sequence[str],
    title: str = "Map of the images",
    rest: Sequence[str] = (),
    height: int = 560,
) -> go.Figure:
    """A point for each picture, one trace for each kind, the most frequent first.

    places: (n, 2), see evaluate.map.placed; kinds, titles: n each. Kinds in `rest`, and all after the eighth,
    are drawn soft and last in the legend.
    """
    figure = new_figure(title, x=NOTE, height=height)
    for layer in layers(places, kinds, titles, rest):
        figure.add_scatter(**layer)
    figure.update_xaxes(tickvals=[], showgrid=False, zeroline=False)
    figure.update_yaxes(tickvals=[], showgrid=False, zeroline=False)
    return figure.update_layout(legend={"itemsizing": "constant"})


def layers(
    places: np.ndarray, kinds: Sequence[str], titles: Sequence[str], rest: Sequence[str] = ()
) -> list[dict]:
    """The traces of such a map as plotly's dictionaries."""
    titles, of = list(titles), np.array(kinds, object)
    found = []
    for name, (symbol, colour) in styles(kinds, rest).items():
        mine = np.flatnonzero(of == name)
        found.append(
            {
                **_points(places[mine], [titles[i] for i in mine]),
                "name": f"{plain(name)} ({len(mine):,})",
                "marker": {"symbol": symbol, "color": colour, "size": 7},
            }
        )
    return found


def styles(kinds: Sequence[str], rest: Sequence[str] = ()) -> dict[str, tuple[str, str]]:
    """Symbol and colour of each kind, in the legend's order."""
    names, counts = np.unique(np.array(kinds, str), return_counts=True)
    by_count = [str(names[i]) for i in np.argsort(-counts, kind="stable")]
    asked = [name for name in by_count if name not in rest][: len(MARKS)]
    others = [name for name in by_count if name not in asked]
    marks = dict(zip(asked, MARKS, strict=False)) | dict.fromkeys(others, REST)
    return marks | {name: MEANT[name] for name in asked if name in MEANT}


def _points(places: np.ndarray, titles: Sequence[str]) -> dict:
    told = [plain(title if len(title) <= LONGEST else title[:LONGEST] + "…") for title in map(str, titles)]
    return {
        "x": np.asarray(places[:, 0], np.int16),
        "y": np.asarray(places[:, 1], np.int16),
        "text": told,
        "mode": "markers",
        "hovertemplate": "%{text}<extra></extra>",
    }
