"""The trees behind sunbursts and treemaps: children, sizes, colours, rectangles."""

from dataclasses import dataclass, field
from typing import Any

import numpy as np

from wikitopics.show.static_values import array, colour, each, number, ramp_colours
from wikitopics.show.theme import PALETTE


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
        measure(root, total=trace.branchvalues == "total", counted=trace.values is None)
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


def measure(node: Node, total: bool, counted: bool, depth: int = 0) -> None:
    """Set depth and value of a subtree: values are totals or remainders, or leaves are counted."""
    node.depth = depth
    for child in node.children:
        measure(child, total, counted, depth + 1)
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
