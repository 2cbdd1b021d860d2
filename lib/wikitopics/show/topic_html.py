"""The pieces of HTML of the browser of scored pictures; other people's text is escaped as there."""

from collections.abc import Sequence

import numpy as np

from wikitopics.show import browser_html as say


def tile(data: bytes, title: str, sureness: float, given: Sequence[str]) -> str:
    """One thumbnail: picture (JPEG bytes), how sure the model is, and the labels given."""
    told = (f"{100 * sureness:.0f} % sure", ", ".join(given) or "no topic")
    lines = "".join(
        f'<span class="mb-line" title="{say.told(line)}">{say.told(line)}</span>' for line in told
    )
    frame = f'<div class="mb-frame">{say.picture(data, title)}</div>'
    return f'<figure class="mb-tile">{frame}<figcaption>{lines}</figcaption></figure>'


def chances(names: Sequence[str], probabilities: np.ndarray, above: np.ndarray) -> str:
    """All labels as bars, the most probable first; those that are given are blue and ticked."""
    rows = "".join(
        f'<span>{say.told(names[i])}{" ✓" if above[i] else ""}</span><span class="mb-track">'
        f'<span class="mb-bar{" mb-true" if above[i] else ""}" style="width:{_width(probabilities[i]):.1f}%">'
        f"</span></span><span>{probabilities[i]:.2f}</span>"
        for i in np.argsort(-probabilities, kind="stable")
    )
    return f'<h4>Probabilities <span>(✓ given)</span></h4><div class="mb-scores">{rows}</div>'


def groups(names: Sequence[str]) -> str:
    """The groups that a picture is in."""
    chips = "".join(f'<span class="mb-chip">{say.told(name)}</span>' for name in names)
    return f"<h4>Groups</h4><div>{chips}</div>" if names else ""


def _width(probability: float) -> float:
    return max(0.5, 100 * float(probability))
