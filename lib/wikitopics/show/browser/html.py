"""The browser's pieces of HTML, from plain values. Titles, categories and labels are other people's text:
every string passes `told`, and nothing here ever holds a script or an event handler."""

import base64
import html
from collections.abc import Iterable, Sequence

from wikitopics.show.browser.choice import Review

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


def nothing() -> str:
    """What stands in place of the thumbnails when no prediction matches."""
    words = "No prediction matches these filters. Widen one, or reset them."
    return f'<div class="mb-none" role="status">{words}</div>'


def saved(review: Review | None, count: int, on_disk: bool, reviewer: str) -> str:
    """What is kept of the opened decision and by whom, and how many verdicts there are in all."""
    if review is None:
        return f'<span class="mb-soft" role="status">no verdict yet; {count:,} in all</span>'
    corrected = ""
    if review.corrected_labels is not None:
        corrected = (
            f", corrected to {', '.join(told(name) for name in review.corrected_labels) or 'no label'}"
        )
    where = "saved" if on_disk else "kept in memory only"
    who = "" if review.reviewer == reviewer else f"by {told(review.reviewer)}, "
    kept = f"{MARKS[review.verdict]} {review.verdict}{corrected} ({who}{where}; {count:,} in all)"
    return f'<span role="status">{kept}</span>'


def not_saved(what: str, error: Exception) -> str:
    """What stands there, in red, when a judgement could not be written."""
    reason = getattr(error, "strerror", None) or str(error)
    return (
        f'<b class="mb-failed" role="alert" style="color:#c4320a">NOT SAVED: {told(what)} '
        f"({told(reason)}). Make room or allow writing, then press again.</b>"
    )
