"""What a click on a mark of a figure opens: the pictures that the mark counts."""

from collections.abc import Callable, Mapping, Sequence

import numpy as np

from wikitopics.errors import UserError
from wikitopics.evaluate.calibration import BINS
from wikitopics.evaluate.mistakes import NO_PREDICTED, NO_TRUE
from wikitopics.show.browser.choice import KINDS, Choice
from wikitopics.show.browser.mistakes import MistakeBrowser
from wikitopics.show.figures import plain

PLURALS = {"false positive": "false positives", "false negative": "false negatives"}
FIRST_SCORES = "as it comes"  # the reliability curve of the scores that the browser has


def hear_figures(browser: MistakeBrowser, slices: Mapping[str, np.ndarray] | None = None) -> MistakeBrowser:
    """The browser, which from now on opens the pictures behind marks of figures made with `figures.opens`.

    slices: parts of its *test* images by name, masks in their order, as the figure of slices has them.
    """

    def show(opens: str, trace: str, names: Sequence[str]) -> None:
        if opens not in SHOWN:
            raise UserError(
                f"a figure opens one of {', '.join(SHOWN)}, but this one {opens!r}; look at it alone"
            )
        if opens == "slice":
            show_slice(browser, names[0], slices or {})
        else:
            SHOWN[opens](browser, trace, *names)

    browser.acts["figure"] = show
    browser.widget.setup = browser.widget.setup | {"has": browser.widget.setup["has"] | {"figures": True}}
    return browser


def show_mistakes(browser: MistakeBrowser, trace: str, label: str) -> None:
    """The mistakes of one kind, which the trace is named by, with one label."""
    browser.show_only(
        tested(browser),
        "the test images",
        _plain(browser),
        label=_named(browser, label),
        errors=PLURALS[trace],
        split="test",
    )


def show_confusion(browser: MistakeBrowser, trace: str, true: str, said: str) -> None:
    """The test images counted in a cell: one label true or missed, the other one wrongly said instead."""
    known = browser.predictions
    kinds = known.kinds[tested(browser)]
    right, extra, missed = (kinds == KINDS.index(kind) for kind in KINDS[1:])
    truth = known.truth[tested(browser)]
    blamed = np.where(missed.any(axis=1, keepdims=True), missed, truth)  # as in multi_label_confusion
    if true == said:
        cell = right[:, _place(browser, true)]
    elif said == plain(NO_PREDICTED):
        nothing = ~truth.any(axis=1) if true == plain(NO_TRUE) else missed[:, _place(browser, true)]
        cell = nothing & ~extra.any(axis=1)
    elif true == plain(NO_TRUE):
        cell = extra[:, _place(browser, said)] & ~truth.any(axis=1)
    else:
        cell = blamed[:, _place(browser, true)] & extra[:, _place(browser, said)]
    browser.show_only(
        tested(browser)[cell],
        f"{true} true, {said} said",
        _plain(browser),
        errors="all predictions",
        label=None,
    )


def show_bin(browser: MistakeBrowser, trace: str, number: str) -> None:
    """The decisions with scores in one bin of the reliability curve; only of the scores as they come."""
    if trace != FIRST_SCORES:
        raise UserError(
            f"the browser has the scores {FIRST_SCORES!r}, but this curve is {trace!r}; click there"
        )
    low, high = int(number) / BINS, (int(number) + 1) / BINS
    told = f"test images; scores from {low:.1f} to {high:.1f}"
    last = high if int(number) == BINS - 1 else float(np.nextafter(np.float32(high), np.float32(0)))
    browser.show_only(tested(browser), told, _plain(browser), errors="all predictions", low=low, high=last)


def show_slice(browser: MistakeBrowser, name: str, slices: Mapping[str, np.ndarray]) -> None:
    """The mistakes on the test images of one part."""
    parts = {plain(part): mask for part, mask in slices.items()}
    images = tested(browser)
    if name != "all images":
        if name not in parts:
            raise UserError(f"a slice must be one of {', '.join(parts)}, but is {name!r}; run 04 again")
        images = images[parts[name]]
    browser.show_only(images, name, _plain(browser))


def _plain(browser: MistakeBrowser) -> Choice:
    """The filters at their defaults."""
    return Choice(tiles=browser.choice.tiles)


def tested(browser: MistakeBrowser) -> np.ndarray:
    """Places of the test images, in the order of the predictions: int64."""
    return np.flatnonzero(browser.predictions.splits == "test")


def _place(browser: MistakeBrowser, name: str) -> int:
    return [plain(label) for label in browser.label_names].index(name)


def _named(browser: MistakeBrowser, name: str) -> str:
    return browser.label_names[_place(browser, name)]


SHOWN: dict[str, Callable[..., None]] = {
    "mistakes": show_mistakes,
    "confusion": show_confusion,
    "bin": show_bin,
    "slice": show_slice,
}
