"""Static twins: what a figure shows, drawn without a browser."""

import numpy as np
import pytest

from wikitopics.errors import UserError
from wikitopics.show import static
from wikitopics.show.figures import new_figure


def ink(image) -> float:
    """Share of pixels that are not white."""
    return float((np.asarray(image.convert("L")) < 250).mean())


def test_a_bar_twice_as_long_is_twice_as_much_ink_of_its_colour():
    figure = new_figure("Bars", x="images", y="label")
    figure.add_bar(x=[10, 20], y=["a", "b"], orientation="h", marker_color=["#0072B2", "#E69F00"])
    pixels = np.asarray(static.picture(figure).convert("RGB")).astype(int)
    first, second = (
        (np.abs(pixels - colour).sum(axis=2) < 40).sum() for colour in ((0, 114, 178), (230, 159, 0))
    )
    assert second / first == pytest.approx(2, rel=0.1)


def test_the_same_figure_is_the_same_picture():
    figure = new_figure("Line", x="epoch", y="loss")
    figure.add_scatter(x=[1, 2, 3], y=[3, 2, 1], mode="lines+markers")
    first, second = (static.picture(figure) for _ in range(2))
    assert first.tobytes() == second.tobytes() and ink(first) > 0.001


def test_a_figure_without_data_says_so():
    figure = new_figure("Empty", x="share (0 to 1)", y="score")
    figure.add_hline(y=0.5)
    assert ink(static.picture(figure)) > 0.001


def test_a_trace_without_a_twin_is_refused_in_one_sentence():
    figure = new_figure("Pie").add_pie(values=[1, 2])
    with pytest.raises(UserError, match="'pie'"):
        static.picture(figure)
