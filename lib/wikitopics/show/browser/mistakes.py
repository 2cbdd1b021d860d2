"""The browser of misclassified images: filters, pages of thumbnails, one image in full, and a verdict.

A view over values: the filters make a `Choice`, `Predictions.select` answers with pairs (image, label),
and what is shown follows from two integers, the page and the place of the opened pair. It never waits
for a click, and can be driven without a browser.
"""

from collections.abc import Callable
from pathlib import Path

import ipywidgets as w
import numpy as np
import pandas as pd

from wikitopics.errors import UserError
from wikitopics.show.browser import html as say
from wikitopics.show.browser.choice import Predictions, Review, Reviews
from wikitopics.show.browser.controls import FilterBar, Pages, ReviewPanel, boxed, button
from wikitopics.show.browser.detail import Detail, Neighbours
from wikitopics.show.browser.style import STYLE, TILE_PX, listener
from wikitopics.show.pictures import Thumbnails


class SelectionBar:
    """The line that says that only some images are shown, and the way back; hidden while all are.

    images: places of the wanted ones, or None for all.
    """

    def __init__(self, on_show_all: Callable[[], None]) -> None:
        self.images = None
        self.told = w.HTML()
        self.show_all = button("Show all images", "mb-all", "undo")
        self.show_all.on_click(lambda _: on_show_all())
        self.listeners: list[Callable[[], None]] = []  # hear that all images are shown again
        self.widget = boxed(w.HBox, [self.told, self.show_all], "mb-row")
        self.widget.layout.display = "none"

    def set(self, images, told: str) -> None:
        """Keep the wanted images; `told` is HTML."""
        self.images, self.told.value = images, f'<span role="status">{told}</span>'
        self.widget.layout.display = "none" if images is None else "flex"
        for heard in self.listeners if images is None else ():
            heard()


class MistakeBrowser(Pages):
    """The predictions of a run, to be looked at and judged; `.widget` is what a notebook displays.

    frame: one row a prediction: title, row, split, group, optionally near_duplicates; truth (n, L) {0, 1};
    scores (n, L) [0, 1]; thresholds (L,); label_names (L); images (m, S, S, 3) uint8, indexed by `row`;
    details: indexed by title, `categories` and any number of `labels: NAME` columns of lists;
    why: title, label, score, start, path, rules; features (m, d), indexed by `row`; catalogue: title, row,
    split of all images, which names the neighbours that have no prediction. Verdicts go into
    the journals of the folder `judgements`, at once, under the name `reviewer` (empty: who is logged in);
    without it they live as long as the kernel.

    Without a browser: `.filters.errors.value = "false positives"`, `.show_page(2)`, `.open(3)`,
    `.judge("label wrong")`, `.correct(["Animals"])`; `.found` and `.at` tell what is shown.
    """

    def __init__(
        self,
        frame: pd.DataFrame,
        truth: np.ndarray,
        scores: np.ndarray,
        thresholds: np.ndarray,
        label_names: list[str],
        images: np.ndarray,
        details: pd.DataFrame | None = None,
        why: pd.DataFrame | None = None,
        features: np.ndarray | None = None,
        judgements: Path | None = None,
        reviewer: str = "",
        catalogue: pd.DataFrame | None = None,
    ) -> None:
        super().__init__(say.KEYS_HINT + listener())
        self.predictions = Predictions(frame, truth, scores, thresholds, label_names)
        self.reviews = Reviews(judgements, reviewer)
        self.thumbnails = Thumbnails(images)
        near = None if features is None else Neighbours(features)
        self.detail = Detail(self.predictions, self.thumbnails, details, why, near, catalogue)
        self._build(sorted(set(self.predictions.splits)))
        self._refilter()

    def _build(self, splits: list[str]) -> None:
        names = self.predictions.label_names
        self.filters = FilterBar(names, splits, self._refilter)
        self.selection = SelectionBar(self.show_all)
        acts = (self.judge, self.correct, self.take_back)
        self.review = ReviewPanel(names, *acts, self.reviews.reviewer, self._renamed)
        self.head, self.body, self.nearest = w.HTML(), w.HTML(), w.HTML()
        body = self._beside([self.head, self.review.widget, self.body, self.nearest])
        parts = (w.HTML(STYLE), self.filters.widget, self.selection.widget, body)
        self.widget = boxed(w.VBox, parts, "mistake-browser")

    # -- choosing ----------------------------------------------------------------------------------

    def _refilter(self) -> None:
        choice, wanted = self.filters.choice, self.selection.images
        self.reviews.look()
        self._find(self.predictions.select(choice, self.reviews.keys(), wanted))

    def show_only(self, images: np.ndarray, told: str = "") -> None:
        """Only the predictions of these images (places in `frame`); `told` says in words which they are."""
        images = np.asarray(images, np.int64)
        told = say.told(told or "chosen")
        self.selection.set(images, f"Only {len(images):,} of {len(self.predictions):,} images: {told}.")
        self._refilter()

    def show_all(self) -> None:
        """The predictions of all images again."""
        self.selection.set(None, "")
        self._refilter()

    def _count(self, first: int, shown: int) -> str:
        return f"{first + 1:,}–{first + shown:,} of {len(self.found):,}" if shown else "none"

    def _tile(self, pair: int) -> str:
        image, label = self.predictions.parts(pair)
        title, name, kind = self.predictions.key(pair)
        review = self.reviews.get((title, name, kind))
        jpeg = self.thumbnails.jpeg(int(self.predictions.rows[image]), TILE_PX)
        score = float(self.predictions.scores[image, label])
        return say.tile(jpeg, title, name, kind, score, review and review.verdict)

    def _name(self, pair: int) -> str:
        title, label, kind = self.predictions.key(pair)
        return f"{label}, {kind}: {title}"

    # -- looking and judging -----------------------------------------------------------------------

    def _show(self, pair: int, where: str) -> None:
        self.head.value = self.detail.head(pair, where)
        self._show_review()
        self.body.value = self.detail.body(pair)
        self.nearest.value = self.detail.neighbours(pair)  # last: it takes longest

    @property
    def pair(self) -> int:
        """The opened pair (image * L + label); only where one is open."""
        return int(self.found[self.at])

    def judge(self, verdict: str) -> None:
        """File a verdict on the opened pair: "label right", "label wrong" or "unsure"; on disk at once."""
        if self.at is not None:
            known = self._mine()
            self._file(verdict, known.corrected_labels if known else None)

    def correct(self, labels: list[str]) -> None:
        """File the labels this image should have; without an earlier verdict this says "label wrong"."""
        if self.at is not None:
            known = self._mine()
            given = self.detail.given(self.pair)
            corrected = None if set(labels) == set(given) else list(labels)
            self._file(known.verdict if known else "label wrong", corrected)

    def take_back(self) -> None:
        """Remove this person's verdict on the opened pair."""
        if self.at is not None:
            try:
                self.reviews.drop(self.predictions.key(self.pair))
            except (OSError, UserError) as error:
                self.review.failed("taken back", error)
            else:
                self._judged()

    def _mine(self) -> Review | None:
        """This person's verdict on the opened pair."""
        known = self.reviews.get(self.predictions.key(self.pair))
        return known if known and known.reviewer == self.reviews.reviewer else None

    def _file(self, verdict: str, corrected: list[str] | None) -> None:
        try:
            self.reviews.put(self.predictions.key(self.pair), verdict, corrected)
        except (
            OSError,
            UserError,
        ) as error:  # a full disk: nobody sees a widget's exceptions
            self.review.failed(verdict, error)
        else:
            self._judged()

    def _judged(self) -> None:
        self._show_review()
        self.show_page(self.pager.number.value)

    def _show_review(self) -> None:
        review = self.reviews.get(self.predictions.key(self.pair))
        given = self.detail.given(self.pair)
        told = say.saved(review, len(self.reviews), self.reviews.on_disk, self.reviews.reviewer)
        self.review.show(review, given, told)

    def _renamed(self, name: str) -> None:
        """Somebody else sits here now."""
        self.reviews.reviewer = name.strip()
        if self.at is not None:
            self._show_review()
