"""The house style: colours that survive colour blindness and a grey printer, one small plotly template."""

import plotly.graph_objects as go

# Okabe & Ito (2008), "Color Universal Design", ordered so that neighbours also differ in lightness.
PALETTE = ("#0072B2", "#E69F00", "#009E73", "#CC79A7", "#D55E00", "#56B4E9", "#000000", "#F0E442")
# A second code for series, so that no figure depends on colour alone.
DASHES = ("solid", "dash", "dot", "dashdot")
SYMBOLS = ("circle", "square", "diamond", "triangle-up", "x", "cross")

INK = "#1F2933"  # text
MUTED = "#7B8794"  # baselines, reference lines, what is there for comparison only
GRID = "#E4E7EB"
PAPER = "#FFFFFF"
# One meaning, one colour, in every figure and browser; told apart in grey by lightness, and by a sign or a
# shape beside it.
MEANING = {
    "false positive": "#E69F00",  # said, though it is not there
    "false negative": "#0072B2",  # there, and not said
    "true positive": "#009E73",  # there and said
    "true negative": MUTED,
    "both": "#CC79A7",  # both kinds of mistake
}
# The house's colours on a dark page; its ramps stay as they are, because texts say that dark is much.
DARK_INK, DARK_PAPER = "#DDE4EC", "#12181F"
DARK = {
    INK: DARK_INK,
    PAPER: DARK_PAPER,
    "rgba(255,255,255,0.8)": "rgba(18,24,31,0.8)",
    GRID: "#2A3540",
    MUTED: "#8B98A7",
    "#000000": "#FFFFFF",
    "#0072B2": "#4BA6E0",
    "#CC79A7": "#DD93BC",
    "#D55E00": "#F0803C",
    "#009E73": "#2BBF94",
}
# One hue, lightness falling all the way: read the same in colour and in grey.
SEQUENTIAL = ((0.0, "#F7FBFF"), (0.25, "#C6DDF0"), (0.5, "#6BAED6"), (0.75, "#0072B2"), (1.0, "#08306B"))
# Blue for less, white for nothing, orange for more; both arms darken.
DIVERGING = ((0.0, "#08306B"), (0.25, "#56A0CE"), (0.5, "#F7F7F7"), (0.75, "#E69F00"), (1.0, "#7F3B08"))

FONT = "Inter, Helvetica Neue, Arial, DejaVu Sans, sans-serif"
WIDTH, HEIGHT = 900, 450  # of a figure, in CSS pixels; the static twin has twice as many


def series_style(index: int) -> dict[str, str]:
    """Colour, dash and marker symbol of the `index`-th series: {"color", "dash", "symbol"}.

    >>> series_style(1)
    {'color': '#E69F00', 'dash': 'dash', 'symbol': 'square'}
    """
    return {
        "color": PALETTE[index % len(PALETTE)],
        "dash": DASHES[index % len(DASHES)],
        "symbol": SYMBOLS[index % len(SYMBOLS)],
    }


def _axis() -> dict:
    return {
        "gridcolor": GRID,
        "showline": True,
        "linecolor": MUTED,
        "zerolinecolor": GRID,
        "ticks": "outside",
        "tickcolor": MUTED,
        "ticklen": 4,
        "automargin": True,
        "title": {"standoff": 8},
    }


def _template() -> go.layout.Template:
    """Under 1 KB of JSON: plotly's own template is 7 KB, in every figure of every executed notebook."""
    bar = go.Bar(marker={"line": {"width": 0}})
    heat = go.Heatmap(colorscale=SEQUENTIAL, colorbar={"outlinewidth": 0, "thickness": 12})
    return go.layout.Template(
        layout={
            "font": {"family": FONT, "size": 13, "color": INK},
            "title": {"x": 0, "y": 1, "yanchor": "top", "pad": {"t": 14, "l": 14}, "font": {"size": 17}},
            "colorway": list(PALETTE),
            "paper_bgcolor": PAPER,
            "plot_bgcolor": PAPER,
            "margin": {"l": 60, "r": 24, "t": 66, "b": 52},
            "hoverlabel": {"align": "left"},
            "legend": {"bgcolor": "rgba(255,255,255,0.8)"},
            "xaxis": _axis(),
            "yaxis": _axis(),
        },
        data={"bar": [bar], "heatmap": [heat]},
    )


TEMPLATE = _template()
# `new_figure(..., legend=LEGEND_ABOVE)`: a row between title and panel, which leaves the panel its width.
LEGEND_ABOVE = {"orientation": "h", "x": 0, "y": 1.01, "yanchor": "bottom", "traceorder": "normal"}
