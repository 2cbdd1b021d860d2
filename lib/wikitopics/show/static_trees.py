"""Sunbursts and treemaps of the static twin, in plotly's own geometry and colours."""

from dataclasses import dataclass, field
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.patches import Rectangle, Wedge

from wikitopics.show.static_values import array, colour, each, ink_on, number, points, ramp_colours, words
from wikitopics.show.theme import PALETTE

LEAF_OPACITY = 0.7  # plotly's default for the leaves of a sunburst


@dataclass
class Node:
    """A node with its subtree; `value` is what its sector or rectangle stands for."""

    label: str
    value: float
    fill: Any = "#FFFFFF"
    depth: int = 0
    children: list["Node"] = field(default_factory=list)


def forest(trace: Any, colorway: Any) -> list[Node]:
    """The trees of a trace, children by falling value, coloured as plotly does (a hue per main branch)."""
    labels = [str(label) for label in trace.labels]
    names = [str(name) for name in (trace.ids if trace.ids is not None else labels)]
    parents = [str(parent or "") for parent in trace.parents]
    values = array(trace.values) if trace.values is not None else np.zeros(len(labels))
    nodes = {name: Node(label, float(v)) for name, label, v in zip(names, labels, values, strict=True)}
    roots = [nodes[name] for name, parent in zip(names, parents, strict=True) if parent not in nodes]
    for name, parent in zip(names, parents, strict=True):
        if parent in nodes:
            nodes[parent].children.append(nodes[name])
    given = _given_colours(trace, len(labels))
    chosen = {id(nodes[name]): given[i] for i, name in enumerate(names) if given[i] is not None}
    for root in roots:
        _measure(root, total=trace.branchvalues == "total", counted=trace.values is None)
    _paint(roots, chosen, list(colorway or PALETTE))
    if trace.textinfo and "value" in trace.textinfo:
        for node in nodes.values():
            node.label = f"{node.label} {number(node.value)}"
    return roots


def _given_colours(trace: Any, n: int) -> list:
    if trace.marker.colors is None:
        return [None] * n
    colours = array(trace.marker.colors)
    if colours.dtype != object:
        return list(ramp_colours(colours, trace.marker.colorscale, trace.marker.cmin, trace.marker.cmax))
    return [colour(name) if name else None for name in each(trace.marker.colors, n, "")]


def _measure(node: Node, total: bool, counted: bool, depth: int = 0) -> None:
    node.depth = depth
    for child in node.children:
        _measure(child, total, counted, depth + 1)
    if counted and not node.children:
        node.value = 1.0
    elif not total or counted:
        node.value += sum(child.value for child in node.children)
    node.children.sort(key=lambda child: -child.value)


def _paint(roots: list[Node], chosen: dict, colorway: list[str]) -> None:
    single = len(roots) == 1
    for i, branch in enumerate(roots[0].children if single else roots):
        _paint_branch(branch, chosen, colour(colorway[i % len(colorway)]))
    if single:
        roots[0].fill = chosen.get(id(roots[0]), "#FFFFFF")


def _paint_branch(node: Node, chosen: dict, inherited: Any) -> None:
    node.fill = chosen.get(id(node), inherited)
    for child in node.children:
        _paint_branch(child, chosen, node.fill)


def _faded(fill: Any, opacity: float) -> tuple:
    rgb = np.array(colour(fill)[:3] if isinstance(fill, str) else fill[:3])
    return tuple(opacity * rgb + (1 - opacity))


def sunburst(axes: Axes, trace: Any, colorway: Any) -> None:
    """Rings from the root outwards, clockwise from twelve o'clock's left as plotly draws them."""
    roots = forest(trace, colorway)
    if len(roots) > 1:
        roots = [Node("", sum(root.value for root in roots), children=roots)]
        _measure(roots[0], total=True, counted=False)
    depth = _depth(roots[0])
    axes.set(xlim=(-depth, depth), ylim=(-depth, depth), aspect="equal")
    axes.axis("off")
    opacity = trace.leaf.opacity if trace.leaf.opacity is not None else LEAF_OPACITY
    _ring(axes, roots[0], 0.0, 1.0, opacity)


def _depth(node: Node) -> int:
    return max([node.depth + 1] + [_depth(child) for child in node.children])


def _ring(axes: Axes, node: Node, start: float, share: float, opacity: float) -> None:
    if node.depth or node.label:
        fill = _faded(node.fill, 1.0 if node.children else opacity)
        first, last = 360 * start, 360 * (start + share)
        wedge = Wedge((0, 0), node.depth + 1, first, last, width=1, fc=fill, ec="white", lw=points(1))
        axes.add_patch(wedge)
        _sector_text(axes, node, (first + last) / 2, share, fill)
    for child in node.children:
        portion = share * child.value / node.value if node.value else 0.0
        _ring(axes, child, start, portion, opacity)
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
    style = {"ha": "center", "va": "center", "rotation": rotation, "rotation_mode": "anchor"}
    place = (radius * np.cos(turn), radius * np.sin(turn))
    axes.text(*place, words(text), fontsize=points(size), color=ink_on(fill), **style)


def _pixels_per_unit(axes: Axes) -> float:
    box = axes.get_window_extent()
    return min(box.width, box.height) * 100 / axes.figure.dpi / (axes.get_xlim()[1] - axes.get_xlim()[0])


def treemap(axes: Axes, trace: Any, colorway: Any) -> None:
    """Nested rectangles, squarified (Bruls, Huizing & van Wijk 2000); a parent keeps a strip for its name."""
    box = axes.get_window_extent()
    width, height = box.width * 100 / axes.figure.dpi, box.height * 100 / axes.figure.dpi
    axes.set(xlim=(0, width), ylim=(height, 0))
    axes.axis("off")
    roots = forest(trace, colorway)
    for node, place in zip(
        roots, squarified([root.value for root in roots], 0, 0, width, height), strict=True
    ):
        _tile(axes, node, place)


def _tile(axes: Axes, node: Node, place: tuple[float, float, float, float]) -> None:
    x, y, width, height = place
    if width < 2 or height < 2:
        return
    fill = (
        "#FFFFFF" if node.depth == 0 and node.children else _faded(node.fill, 0.85 if node.children else 1.0)
    )
    axes.add_patch(Rectangle((x, y), width, height, fc=fill, ec="white", lw=points(1)))
    size = min(12.0, width * 0.92 / (0.6 * max(len(node.label), 1)), height * 0.8)
    if size >= 5.5:
        at = (x + 4, y + 3)
        axes.text(*at, words(node.label), ha="left", va="top", fontsize=points(size), color=ink_on(fill))
    inner = (x + 3, y + 19, width - 6, height - 22)
    if node.children and min(inner[2:]) > 3:
        places = squarified([child.value for child in node.children], *inner)
        for child, where in zip(node.children, places, strict=True):
            _tile(axes, child, where)


def squarified(values: list[float], x: float, y: float, width: float, height: float) -> list[tuple]:
    """Rectangles (x, y, width, height) whose areas are proportional to `values`, as square as can be.

    >>> squarified([2, 1, 1], 0, 0, 4, 2)
    [(0, 0, 2.0, 2.0), (2.0, 0, 2.0, 1.0), (2.0, 1.0, 2.0, 1.0)]
    """
    total = sum(values)
    if not values or total <= 0:
        return [(x, y, 0.0, 0.0)] * len(values)
    areas = [value * width * height / total for value in values]
    placed: list[tuple] = []
    while areas:
        side = min(width, height)
        count = _row_length(areas, side)
        thick = sum(areas[:count]) / side if side else 0.0
        at = y if width >= height else x
        for area in areas[:count]:
            long = area / thick if thick else 0.0
            placed.append((x, at, thick, long) if width >= height else (at, y, long, thick))
            at += long
        areas = areas[count:]
        x, y, width, height = (
            (x + thick, y, width - thick, height)
            if width >= height
            else (x, y + thick, width, height - thick)
        )
    return placed


def _row_length(areas: list[float], side: float) -> int:
    """How many of the first areas make the row whose worst aspect ratio is best."""
    best, worst = 1, np.inf
    for count in range(1, len(areas) + 1):
        row = [area for area in areas[:count] if area > 0] or [1e-9]
        total = sum(row)
        ratio = max(side**2 * max(row) / total**2, total**2 / (side**2 * min(row))) if side else 1.0
        if ratio > worst:
            break
        best, worst = count, ratio
    return best
