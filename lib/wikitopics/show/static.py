"""The static twin of a plotly figure, drawn with matplotlib: no browser, no global state."""

import plotly.graph_objects as go
from PIL import Image


def picture(figure: go.Figure) -> Image.Image:
    """A first stand-in: a white page of the right size, until the traces are drawn."""
    return Image.new("RGB", (1800, 2 * int(figure.layout.height or 450)), "white")
