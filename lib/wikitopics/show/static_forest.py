"""The tree behind a sunburst: children, sizes, colours."""

from dataclasses import dataclass, field
from typing import Any

from wikitopics.show.static_values import array, colour


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
    roots = []
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
