"""The browser's pieces of HTML, from plain values. Titles, categories and labels are other people's text:
every string passes `told`, and nothing here ever holds a script or an event handler."""

import base64
import html
from collections.abc import Iterable, Sequence

import numpy as np
import pandas as pd

from wikitopics.show.reviews import Review

SHORT = {"true negative": "TN", "true positive": "TP", "false positive": "FP", "false negative": "FN"}
MARKS = {"label right": "✓", "label wrong": "✗", "unsure": "?"}
KEYS_HINT = (
    '<span class="mb-soft"><kbd>←</kbd> <kbd>→</kbd> image &ensp; <kbd>1</kbd> right &ensp; '
    "<kbd>2</kbd> wrong &ensp; <kbd>3</kbd> unsure</span>"
)
LONGEST = 300  # characters of one title or category that are shown


def told(text: object) -> str:
    """Text for HTML, inside or outside of an attribute: cut to 300 characters, then escaped.

    >>> told('<img src=x onerror="alert(1)">')
    '&lt;img src=x onerror=&quot;alert(1)&quot;&gt;'
    """
    text = str(text)
    return html.escape(text if len(text) <= LONGEST else text[:LONGEST] + "…", quote=True)


def harmless(text: object, longest: int = 120) -> str:
    """Text for a place that is not HTML but may be stored inside some (button names, tool tips).

    >>> harmless("<script>")
    '‹script›'
    """
    return str(text)[:longest].replace("<", "‹").replace(">", "›")


def picture(data: bytes, alt: str) -> str:
    """An <img> of JPEG bytes."""
    return f'<img src="data:image/jpeg;base64,{base64.b64encode(data).decode("ascii")}" alt="{told(alt)}">'


def tile(data: bytes, title: str, label: str, kind: str, score: float, verdict: str | None) -> str:
    """One thumbnail: picture, label, kind and score, and the verdict's mark if there is one."""
    mark = f'<span class="mb-verdict" title="{told(verdict)}">{MARKS[verdict]}</span>' if verdict else ""
    return (
        f'<figure class="mb-tile"><div class="mb-frame">{picture(data, title)}{mark}</div>'
        f'<figcaption><span class="mb-line">{badge(kind)} {score:.2f}</span>'
        f'<span class="mb-line">{told(label)}</span></figcaption></figure>'
    )


def badge(kind: str) -> str:
    """FP, FN, TP or TN on its colour."""
    return f'<span class="mb-badge mb-{kind.replace(" ", "-")}" title="{kind}">{SHORT[kind]}</span>'


def tiles(figures: Iterable[str]) -> str:
    """The page of thumbnails."""
    return f'<div class="mb-tiles">{"".join(figures)}</div>'


def question(label: str, kind: str, score: float, threshold: float) -> str:
    """What the reviewer is asked about one decision, in words."""
    name, cut = f"<b>{told(label)}</b>", f"score {score:.2f}, threshold {threshold:.2f}"
    said = {
        "false positive": f"The model says {name} ({cut}); the labels do not.",
        "false negative": f"The labels say {name}; the model does not ({cut}).",
        "true positive": f"Labels and model both say {name} ({cut}).",
        "true negative": f"Neither labels nor model say {name} ({cut}).",
    }
    return f"{badge(kind)} {said[kind]} Are the labels right?"


def head(data: bytes, title: str, facts: Sequence[str], asked: str) -> str:
    """The opened image with its title, its facts and the question about it (HTML of `question`)."""
    listed = "<br>".join(told(fact) for fact in facts)
    return (
        f'<div class="mb-head">{picture(data, title)}<div><div class="mb-title">{told(title)}</div>'
        f'<p class="mb-soft">{listed}</p><p>{asked}</p></div></div>'
    )


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


def nothing() -> str:
    """What stands in place of the thumbnails when no prediction matches."""
    words = "No prediction matches these filters. Widen one, or reset them."
    return f'<div class="mb-none" role="status">{words}</div>'


def saved(review: Review | None, count: int, on_disk: bool) -> str:
    """What is kept of the opened decision, and how many verdicts there are in all."""
    if review is None:
        return f'<span class="mb-soft" role="status">no verdict yet; {count:,} in all</span>'
    corrected = ""
    if review.corrected_labels is not None:
        corrected = (
            f", corrected to {', '.join(told(name) for name in review.corrected_labels) or 'no label'}"
        )
    where = "saved" if on_disk else "kept in memory only"
    kept = f"{MARKS[review.verdict]} {review.verdict}{corrected} ({where}; {count:,} in all)"
    return f'<span role="status">{kept}</span>'


def not_saved(error: OSError) -> str:
    """What stands there when the file could not be written."""
    return f'<b role="alert">Not saved: {told(error)}. Free the disk or the file, then judge again.</b>'
