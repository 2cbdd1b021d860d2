"""Names of any length and script in every figure: drawn, cut for want of room, whole in the hover text."""

import json

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from figures_planted import FIGURES
from wikitopics.show.figures import new_figure
from wikitopics.show.long_names import LONGEST, with_short_names
from wikitopics.show.png.draw import picture

LONG = "A category of Wikimedia Commons, & what it is <about>, " * 6
AWKWARD = {
    "long": [LONG, "W" * 300, "a\nb\r\nc", ""],
    "forty letters": ["x" * 40, "a", "b", "c"],
    "two of 28 letters": ["y" * 28, "z" * 28],
    "scripts": ["القطط والكلاب", "बिल्लियाँ और कुत्ते", "猫と犬" * 50, "고양이", "1984", "$a_b$", "%{x}"],
}


@pytest.mark.parametrize("kind", ["long", "scripts"])
@pytest.mark.parametrize("name", FIGURES)
def test_every_figure_is_drawn_with_any_names(name: str, kind: str):
    short = with_short_names(FIGURES[name](AWKWARD[kind]))
    assert picture(short).size == (1800, 2 * short.layout.height)
    drawn = json.loads(short.to_json())
    for axis in ("xaxis", "yaxis"):
        texts = drawn["layout"].get(axis, {}).get("ticktext", [])
        assert all(len(text) <= LONGEST + len("&amp;&lt;&gt;") for text in texts)
    assert all(len(trace.get("name", "")) <= LONGEST + len("&amp;&lt;&gt;") for trace in drawn["data"])


@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.sampled_from(sorted(FIGURES)), st.lists(st.text(max_size=300), min_size=1, max_size=4, unique=True))
def test_no_name_stops_a_figure(name: str, names: list[str]):
    """Not even where nobody cut them before: only the panel is small then."""
    assert picture(FIGURES[name](names)).width == 1800


@pytest.mark.parametrize("kind", ["forty letters", "two of 28 letters", "long"])
@pytest.mark.parametrize("name", ["label_plots.co_occurrence", "failure_plots.confusion"])
def test_long_names_leave_room_for_what_they_name(name: str, kind: str):
    pixels = np.asarray(picture(with_short_names(FIGURES[name](AWKWARD[kind]))))
    assert (pixels == (0x08, 0x30, 0x6B)).all(axis=2).sum() > 2_000  # the cell of 100 %


def test_cut_names_are_whole_in_the_hover_text():
    bars = with_short_names(FIGURES["label_plots.label_counts"]([LONG, "b"])).data[0]
    told = bars.hovertext[list(bars.y).index("b") - 1].replace("<br>", " ")
    assert told == LONG.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;").strip()
    assert bars.hovertemplate.startswith("%{hovertext}: ")
    heat = with_short_names(FIGURES["label_plots.co_occurrence"]([LONG, "b"])).data[0]
    assert "%{customdata[1]}" in heat.hovertemplate and "%{y}" not in heat.hovertemplate
    assert heat.customdata[1][0][0].replace("<br>", " ") == told and heat.customdata[1][0][1] == "b"
    line = with_short_names(FIGURES["evaluation_plots.reliability"]([LONG])).data[1]
    assert line.name.endswith("…") and told in line.hovertemplate.replace("<br>", " ")
    tree = with_short_names(FIGURES["label_plots.taxonomy_tree"]([LONG, "b"])).data[0]
    assert tree.labels[0].endswith("…") and tree.parents[1] == tree.ids[0] != tree.labels[0]
    assert tree.hovertext[0].replace("<br>", " ") == told


def test_names_that_begin_alike_stay_apart():
    figure = with_short_names(FIGURES["label_plots.label_counts"]([LONG + "1", LONG + "2"]))
    axis = figure.layout.yaxis
    assert len(set(axis.tickvals)) == 2 and len(set(axis.ticktext)) == 1
    assert set(figure.data[0].y) == set(axis.tickvals)


def test_what_is_short_stays_as_it_is():
    for name, make in FIGURES.items():
        figure = make(["Animals", "Plants & fungi", "Food"])
        assert json.loads(with_short_names(figure).to_json()) == json.loads(figure.to_json()), name


def test_numbers_and_days_stay_names():
    figure = new_figure("").add_bar(x=["1984", "2021-01-01"], y=[1, 2])
    assert with_short_names(figure).layout.xaxis.type == "category"
