"""What the browser tells of one image, as HTML: scores, labels, categories, reasons, neighbours.

As in browser_html, every string of other people passes `told`.
"""

from collections.abc import Sequence

import numpy as np
import pandas as pd

from wikitopics.show.browser_html import picture, told


def scores(
    names: Sequence[str], values: np.ndarray, thresholds: np.ndarray, truth: np.ndarray, asked: int
) -> str:
    """All labels as bars, highest score first, the one asked about in bold; thresholds as ticks."""
    rows = [
        _bar(names[i], float(values[i]), float(thresholds[i]), bool(truth[i]), i == asked)
        for i in np.argsort(-values, kind="stable")
    ]
    key = "✓ in the labels, ✗ wrong, tick: threshold"
    return f'<h4>Scores <span>({key})</span></h4><div class="mb-scores">{"".join(rows)}</div>'


def _bar(name: str, value: float, cut: float, true: bool, asked: bool) -> str:
    wrong = (value >= cut) != true
    style = "mb-bar mb-false" if wrong else "mb-bar mb-true" if true else "mb-bar"
    tick = f'<span class="mb-cut" style="left:{100 * cut:.1f}%"></span>' if 0 <= cut <= 1 else ""
    return (
        f'<span class="{"mb-asked" if asked else ""}">{told(name)}{" ✓" if true else ""}</span>'
        f'<span class="mb-track"><span class="{style}" style="width:{max(0.5, 100 * value):.1f}%"></span>'
        f"{tick}</span><span>{value:.2f}{' ✗' if wrong else ''}</span>"
    )


def labels(by_source: dict[str, Sequence[str]], asked: str) -> str:
    """The labels that each source and the model give, a row each; the label asked about stands out."""
    rows = [
        f'<tr><th scope="row">{told(source)}</th><td>{_chips(names, asked)}</td></tr>'
        for source, names in by_source.items()
    ]
    return f'<h4>Labels</h4><table class="mb-labels">{"".join(rows)}</table>'


def categories(names: Sequence[str]) -> str:
    """The image's categories."""
    return f"<h4>Categories</h4><div>{_chips(names)}</div>"


def _chips(names: Sequence[str], asked: str | None = None) -> str:
    if not len(names):
        return '<span class="mb-soft">none</span>'
    style = {True: "mb-chip mb-asked", False: "mb-chip"}
    return "".join(f'<span class="{style[name == asked]}">{told(name)}</span>' for name in names)


def why(rows: pd.DataFrame) -> str:
    """How each label was reached: category or article, hop by hop, to the anchor."""
    if not len(rows):
        return ""
    lines = [_path(row) for row in rows.sort_values("score", ascending=False).head(12).to_dict("records")]
    return f"<h4>Why these labels</h4>{''.join(lines)}"


def _path(row: dict) -> str:
    steps = " → ".join([told(step) for step in row["path"]] or [told(row["start"])])
    rules = ", ".join(dict.fromkeys(told(rule) for rule in row["rules"]))
    used = f' <span class="mb-soft">({rules})</span>' if rules else ""
    return f'<div class="mb-path"><b>{told(row["label"])}</b> {row["score"]:.2f}: {steps}{used}</div>'


def neighbours(found: Sequence[tuple[bytes, str, float, str]]) -> str:
    """Nearest images by features: (JPEG bytes, title, similarity, a line about it) each."""
    if not len(found):
        return ""
    figures = [
        f"<figure>{picture(data, title)}{_line(f'{likeness:.2f} {title}')}{_line(about, 'mb-soft')}</figure>"
        for data, title, likeness, about in found
    ]
    return f'<h4>Nearest by features (cosine)</h4><div class="mb-near">{"".join(figures)}</div>'


def _line(text: str, style: str = "") -> str:
    return f'<span class="mb-line {style}" title="{told(text)}">{told(text)}</span>'
