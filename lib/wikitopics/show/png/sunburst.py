"""Sunbursts of the static twin, in plotly's own geometry and colours."""

from dataclasses import dataclass, field
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import to_rgb
from matplotlib.patches import Wedge

from wikitopics.show.png.values import array, colour, ink_on, points, words

LEAF_OPACITY = 0.7  # plotly's default for the leaves of a sunburst


@dataclass
class Node:
    """A node with its subtree; `value` is what its sector stands for: its own and its children's."""

    label: str
    value: float
    fill: Any = "#FFFFFF"
    depth: int = 0
    children: list["Node"] = field(default_factory=list)


def tree(trace: Any, colorway: Any) -> Node:
    """The root of a trace's tree, children by falling value, coloured as plotly does (a hue a main branch).

    Several roots get one above them that has no name.
    """
    names = [str(name) for name in trace.ids]
    parents = [str(parent or "") for parent in trace.parents]
    nodes = {
        name: Node(str(label), float(value))
        for name, label, value in zip(names, trace.labels, array(trace.values), strict=True)
    }
    roots: list[Node] = []
    for name, parent in zip(names, parents, strict=True):
        above = nodes[parent].children if parent and parent in nodes else roots
        above.append(nodes[name])
    root = roots[0] if len(roots) == 1 else Node("", 0.0, children=list(roots))
    _measure(root)
    for i, branch in enumerate(root.children if len(roots) == 1 else roots):
        _paint(branch, colour(colorway[i % len(colorway)]))
    return root


def _measure(node: Node, depth: int = 0) -> None:
    """Set the depths of a subtree, add the children's values to each node's own, and sort them."""
    node.depth = depth
    for child in node.children:
        _measure(child, depth + 1)
    node.value += sum(child.value for child in node.children)
    node.children.sort(key=lambda child: -child.value)


def _paint(node: Node, fill: Any) -> None:
    node.fill = fill
    for child in node.children:
        _paint(child, fill)


def _faded(fill: Any, opacity: float) -> tuple:
    rgb = np.array(to_rgb(fill))
    return tuple(opacity * rgb + (1 - opacity))


def sunburst(axes: Axes, trace: Any, colorway: Any) -> None:
    """Rings from the root outwards, clockwise from twelve o'clock's left as plotly draws them."""
    root = tree(trace, colorway)
    depth = _depth(root)
    axes.set(xlim=(-depth, depth), ylim=(-depth, depth), aspect="equal")
    axes.axis("off")
    _ring(axes, root, 0.0, 1.0)


def _depth(node: Node) -> int:
    return max([node.depth + 1] + [_depth(child) for child in node.children])


def _ring(axes: Axes, node: Node, start: float, share: float) -> None:
    if node.depth or node.label:
        fill = _faded(node.fill, 1.0 if node.children else LEAF_OPACITY)
        first, last = 360 * start, 360 * (start + share)
        wedge = Wedge((0, 0), node.depth + 1, first, last, width=1, fc=fill, ec="white", lw=points(1))
        axes.add_patch(wedge)
        _sector_text(axes, node, (first + last) / 2, share, fill)
    for child in node.children:
        portion = share * child.value / node.value if node.value else 0.0
        _ring(axes, child, start, portion)
        start += portion


def _sector_text(axes: Axes, node: Node, angle: float, share: float, fill: Any) -> None:
    pixels = _pixels_per_unit(axes)
    arc = 2 * np.pi * share * (node.depth + 0.5) * pixels  # along the ring
    text, size = node.label, 11.0
    if node.depth == 0:
        axes.text(0, 0, words(text), ha="center", va="center", fontsize=points(12), color=ink_on(fill))
        return
    width = 0.6 * size * len(text)
    if node.depth == 1 and share > 0.08 and width < min(pixels, arc):
        turn = np.deg2rad(angle)
        place = (1.5 * np.cos(turn), 1.5 * np.sin(turn))
        axes.text(*place, words(text), ha="center", va="center", fontsize=points(size), color=ink_on(fill))
        return
    along = arc > width and arc > pixels * 0.9
    across, along_room = (pixels, arc) if not along else (arc, pixels)
    size = min(size, across * 0.94 / (0.6 * max(len(text), 1)), along_room * 0.9)
    if size < 5.5:
        return  # a label nobody could read
    turn = np.deg2rad(angle)
    rotation = (angle - 90) % 360 if along else angle % 360
    rotation = rotation - 180 if 90 < rotation < 270 else rotation
    radius = node.depth + 0.5
    axes.text(
        radius * np.cos(turn),
        radius * np.sin(turn),
        words(text),
        ha="center",
        va="center",
        fontsize=points(size),
        color=ink_on(fill),
        rotation=rotation,
        rotation_mode="anchor",
    )


def _pixels_per_unit(axes: Axes) -> float:
    box = axes.get_window_extent()
    return min(box.width, box.height) * 100 / axes.figure.dpi / (axes.get_xlim()[1] - axes.get_xlim()[0])
