"""Where the categories of a few paths stand in a drawing: by distance from the start, near neighbours."""

import pandas as pd

from wikitopics.show.long_names import shortened

LONGEST_TEXT = 30  # characters of a name in the drawing; the whole name is in the hover text
Path = tuple  # of names, and of bends (name, next name, column) where a hop passes a column


def layout(rows: pd.DataFrame) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Nodes (name, text, kind, x, y, rows) and lines (rule, x0, y0, x1, y1) of the paths in `rows`.

    `rows` has label, path (list of names) and rules (one per hop). kind is "start", "between" or "anchor";
    rows is the height of the drawing: how many nodes its fullest column has. A hop that passes a column
    has several lines, and its rule on the first.
    """
    rows = rows[rows["path"].map(len) > 0]
    column = _columns([tuple(path) for path in rows["path"]])
    paths = list(dict.fromkeys(_bent(tuple(path), column) for path in rows["path"]))
    column |= {bend: bend[2] for path in paths for bend in path if isinstance(bend, tuple)}
    place = _places(paths, column)
    ends = rows.groupby(rows["path"].map(lambda p: p[-1]))["label"].agg(
        lambda names: ", ".join(dict.fromkeys(names))
    )
    nodes = _nodes(
        {name: x for name, x in column.items() if isinstance(name, str)}, place, paths, ends.to_dict()
    )
    rules = {
        (a, b): r for path, rs in zip(rows["path"], rows["rules"], strict=True) for a, b, r in _hops(path, rs)
    }
    return nodes.assign(rows=pd.Series(column).value_counts().max()), _lines(paths, rules, column, place)


def _columns(paths: list[Path]) -> dict:
    """Longest distance of each name from the start of a path, the ends all in the last column.

    (In a loop between paths it stops growing.)
    """
    column = {name: 0 for path in paths for name in path}
    for _ in range(len(column)):
        before = dict(column)
        for path in paths:
            for name, after in zip(path, path[1:], strict=False):
                column[after] = max(column[after], min(column[name] + 1, len(column)))
        if column == before:
            break
    last = max(column.values(), default=0)
    return column | {path[-1]: last for path in paths}


def _bent(path: Path, column: dict) -> Path:
    """The path with a bend in every column that one of its hops passes."""
    bent = list(path[:1])
    for name, after in zip(path, path[1:], strict=False):
        bent += [(name, after, x) for x in range(column[name] + 1, column[after])] + [after]
    return tuple(bent)


def _places(paths: list[Path], column: dict) -> dict:
    """Each column's names and bends around the middle, near to those they come from."""
    before: dict = {name: set() for name in column}
    for path in paths:
        for name, after in zip(path, path[1:], strict=False):
            before[after].add(name)
    place: dict = {}
    for x in sorted(set(column.values())):
        names = [name for name in column if column[name] == x]
        near = {name: [place[other] for other in before[name] if other in place] for name in names}
        names.sort(key=lambda name: sum(near[name]) / max(len(near[name]), 1))
        for i, name in enumerate(names):
            place[name] = i - (len(names) - 1) / 2
    return place


def _nodes(column: dict, place: dict, paths: list[Path], ends: dict[str, str]) -> pd.DataFrame:
    starts = {path[0] for path in paths}
    kinds = {name: "anchor" if name in ends else "start" if name in starts else "between" for name in column}
    rows = [(name, _text(name, ends), kinds[name], x, place[name]) for name, x in column.items()]
    return pd.DataFrame(rows, columns=["name", "text", "kind", "x", "y"])


def _text(name: str, ends: dict[str, str]) -> str:
    short = shortened(name, LONGEST_TEXT)
    return f"{short} → {ends[name]}" if name in ends else short


def _hops(path: Path, rules: list[str]) -> list[tuple]:
    return list(zip(path, path[1:], rules, strict=False))


def _lines(paths: list[Path], rules: dict, column: dict, place: dict) -> pd.DataFrame:
    lines = {}
    for path in paths:
        for name, after in zip(path, path[1:], strict=False):
            goal = after[1] if isinstance(after, tuple) else after
            rule = rules.get((name, goal), "")
            lines[(name, after)] = (rule, column[name], place[name], column[after], place[after])
    return pd.DataFrame(list(lines.values()), columns=["rule", "x0", "y0", "x1", "y1"])
