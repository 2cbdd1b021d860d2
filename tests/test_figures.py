"""Figures: one house style, live in JupyterLab, and a static twin in the same output everywhere else."""

import base64
import io
import json
import subprocess
import sys

import nbformat
import numpy as np
import pandas as pd
import plotly.graph_objects as go
import pytest
from IPython.core.displaypub import CapturingDisplayPublisher
from IPython.core.interactiveshell import InteractiveShell
from PIL import Image

from figures_planted import FIGURES
from wikitopics.errors import UserError
from wikitopics.show import comparison_figures
from wikitopics.show.figures import PLOTLY, display_figure, display_picture, live_json, new_figure, plain
from wikitopics.show.pictures import picture_bytes
from wikitopics.show.png.draw import picture
from wikitopics.show.png.sunburst import tree
from wikitopics.show.theme import PALETTE, series_style

NAMES = ["Animals", "Plants & fungi", "Vehicles", "Food"]


@pytest.fixture
def shown(monkeypatch) -> list[dict]:
    """What `display` was given."""
    shell = InteractiveShell.instance()
    publisher = CapturingDisplayPublisher()
    monkeypatch.setattr(shell, "display_pub", publisher)
    return publisher.outputs


def rgb(hexadecimal: str) -> tuple[int, ...]:
    return tuple(bytes.fromhex(hexadecimal.removeprefix("#")))


def colours(figure: go.Figure) -> dict[tuple[int, ...], int]:
    """How many pixels of each colour the twin has, as it is stored."""
    stored = Image.open(io.BytesIO(picture_bytes(picture(figure), "png"))).convert("RGB")
    return {colour: count for count, colour in stored.getcolors(1 << 24)}


def lines() -> go.Figure:
    """Three lines with what stands on top of data."""
    figure = new_figure("Lines", x="epoch", y="loss")
    for i in range(3):
        style = series_style(i)
        line = {"color": style["color"], "dash": style["dash"]}
        figure.add_scatter(x=[0, 1, 2], y=[i, 1, 2], mode="lines", name=f"run {i}", line=line)
    return figure.add_hline(y=0.5, annotation_text="prior").add_vline(x=1)


@pytest.mark.parametrize("name", FIGURES)
def test_every_figure_has_a_small_sharp_twin(name: str):
    figure = FIGURES[name](NAMES)
    image = picture(figure)
    assert image.size == (1800, 2 * figure.layout.height)
    assert len(picture_bytes(image, "png")) < 60_000
    assert len(set(image.resize((90, 45)).get_flattened_data())) > 3  # something is drawn


def test_a_figure_without_data_says_so():
    assert picture(new_figure("Nothing to show yet")).getcolors(1 << 24)[0][0] < 1800 * 900


@pytest.mark.parametrize(
    "name",
    ["label_plots.taxonomy_tree", "label_plots.co_occurrence", "failure_plots.slices", "figures.funnel"],
)
def test_twins_survive_a_notebook_file(name: str):
    """A figure read back from its JSON (numbers in base64) has the same twin."""
    figure = FIGURES[name](NAMES)
    again = go.Figure(json.loads(figure.to_json()))
    assert np.array_equal(np.asarray(picture(again)), np.asarray(picture(figure)))


def test_colours_are_plotly_s_own():
    figure = new_figure("Colours")
    for i in range(3):
        figure.add_bar(x=NAMES, y=[1, 2, 3, 4], name=f"{i}")
    figure.add_bar(x=NAMES, y=[4, 3, 2, 1], marker_color="#123456", name="own")
    found = colours(figure)
    for wanted in (*PALETTE[:3], "#123456"):
        assert found.get(rgb(wanted), 0) > 5_000, wanted


def red_and_blue(red: float, blue: float, **layout) -> go.Figure:
    """Two bars, the red one first."""
    figure = new_figure("", showlegend=False, barmode="overlay", **layout)
    for name, length, colour in (("a", red, "#FF0000"), ("b", blue, "#0000FF")):
        figure.add_bar(x=[length], y=[name], orientation="h", marker_color=colour)
    return figure


def test_bars_are_as_long_as_their_numbers():
    found = colours(red_and_blue(1, 3))
    assert found[255, 0, 0] * 3 == pytest.approx(found[0, 0, 255], rel=0.02)


def test_stacked_bars_stand_on_each_other():
    figure = new_figure("Stacked", barmode="stack")
    figure.add_bar(x=NAMES, y=[1, 2, 3, 4], name="a").add_bar(x=NAMES, y=[4, 3, 2, 1], name="b")
    pixels = np.asarray(picture(figure))
    blue, orange = ((pixels == rgb(PALETTE[i])).all(axis=2) for i in (0, 1))
    column = np.flatnonzero(blue.any(axis=0) & orange.any(axis=0))[20]
    assert np.flatnonzero(orange[:, column]).max() < np.flatnonzero(blue[:, column]).min()


def test_reversed_categories_begin_on_top():
    rows = {}
    for name, settings in {"plain": {}, "reversed": {"autorange": "reversed"}}.items():
        pixels = np.asarray(picture(red_and_blue(1, 9, yaxis=settings)))
        rows[name] = np.flatnonzero((pixels == (255, 0, 0)).all(axis=2).any(axis=1)).mean()
    assert rows["reversed"] < 450 < rows["plain"]


def test_trees_give_each_node_its_own_and_its_children_s_share():
    names = ["all", "a", "b", "a1"]
    trace = go.Sunburst(ids=names, labels=names, parents=["", "all", "all", "a"], values=[0, 1, 3, 2])
    root = tree(trace, PALETTE)
    assert root.value == 6 and [child.label for child in root.children] == ["a", "b"]  # 1 + 2 of its child, 3
    root = tree(go.Sunburst(ids=["a", "b"], labels=["a", "b"], parents=["", ""], values=[1, 2]), PALETTE)
    assert root.label == "" and root.value == 3 and [child.depth for child in root.children] == [1, 1]


def test_other_kinds_are_refused_rather_than_drawn_empty():
    with pytest.raises(UserError, match="'pie'"):
        picture(go.Figure(go.Pie(values=[1, 2])))


def test_texts_from_elsewhere_are_drawn_as_they_are():
    titles = ["$x", "a_b^c \\frac", plain("<b>R&D</b>"), "京都", ""]
    figure = new_figure(plain("<i>$5 & more</i>")).add_bar(x=titles, y=[1, 2, 3, 4, 5])
    figure.add_vline(x=0, annotation_text=plain("<script>"))
    assert picture(figure).size == (1800, 900)
    assert plain("<b>") == "&lt;b&gt;"


# -- what a notebook holds -------------------------------------------------------------------------


def test_live_figures_are_small_and_upload_nothing(shown: list[dict]):
    display_figure(lines(), alt="Loss by epoch", interactive=True)
    (output,) = shown
    assert set(output["data"]) == {PLOTLY, "text/plain"} and output["data"]["text/plain"] == "Loss by epoch"
    config = output["data"][PLOTLY]["config"]
    assert config["showSendToCloud"] is False and config["displaylogo"] is False
    assert len(json.dumps(live_json(new_figure("t", x="x", y="y")))) < 2_000


def test_executed_copies_hold_both_twins_in_one_output(shown: list[dict]):
    display_figure(lines(), alt="Loss by epoch", interactive=False)
    (output,) = shown
    assert set(output["data"]) == {PLOTLY, "image/png", "text/plain"}
    image = Image.open(io.BytesIO(base64.b64decode(output["data"]["image/png"])))
    assert image.size == (1800, 900)
    assert output["metadata"]["image/png"] == {"alt": "Loss by epoch", "width": 900, "height": 450}


def test_pictures_carry_their_alternative(shown: list[dict]):
    display_picture(Image.new("RGB", (40, 20)), alt="Two foxes")
    assert shown[0]["metadata"]["image/jpeg"] == {"alt": "Two foxes", "width": 40, "height": 20}


def test_an_exported_page_shows_the_twin_with_its_alternative(shown: list[dict]):
    from nbconvert import HTMLExporter

    display_figure(lines(), alt='Loss "by" epoch', interactive=False)
    output = nbformat.v4.new_output("display_data", shown[0]["data"], metadata=shown[0]["metadata"])
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell("figure", outputs=[output])])
    nbformat.validate(notebook)
    page, _ = HTMLExporter(template_name="basic").from_notebook_node(notebook)
    assert "data:image/png;base64" in page
    assert "Loss &quot;by&quot; epoch" in page or 'Loss "by" epoch' in page


def test_figures_touch_no_global_state_and_stay_light():
    code = """
import sys
from wikitopics.show.figures import new_figure
assert "matplotlib" not in sys.modules
import matplotlib
names = [name for name in dict.keys(matplotlib.rcParams) if "backend" not in name]
before = {name: matplotlib.rcParams[name] for name in names}
from wikitopics.show.png.draw import picture
picture(new_figure("t").add_bar(x=["a"], y=[1]))
assert before == {name: matplotlib.rcParams[name] for name in names}
assert not {"matplotlib.pyplot", "tensorflow", "keras"} & set(sys.modules)
"""
    subprocess.run([sys.executable, "-c", code], check=True)


def test_a_stack_s_top_leaves_a_margin():
    """An empty bar on top of a stack must not pin the axis to the stack's end."""
    figure = new_figure("", barmode="stack").add_bar(x=["a"], y=[10], marker_color="#FF0000", name="full")
    figure.add_bar(x=["a"], y=[0], name="none", showlegend=False)
    rows = np.flatnonzero((np.asarray(picture(figure)) == (255, 0, 0)).all(axis=2).any(axis=1))
    assert rows.min() > 50  # a page without a title begins at 28


@pytest.mark.parametrize("values", [[], [np.nan], [np.nan, 0.7]])
def test_labels_without_a_ranking_leave_the_scatter_whole(values):
    """As where each label has but a few positives: no axis may end at a number that is none."""
    table = pd.DataFrame(
        {"source": "commons", "label": NAMES[: len(values)], "classes": 3, "roc_auc": np.array(values, float)}
    )
    figure = comparison_figures.presence(table)
    assert np.isfinite(figure.layout.yaxis.range).all() and picture(figure).size
