"""The part of the browser of mistakes that judges: a verdict on the opened pair, at once on disk."""

from wikitopics.show import browser_html as say
from wikitopics.show.browser_controls import Pager, ReviewPanel
from wikitopics.show.browser_data import Predictions
from wikitopics.show.browser_detail import Detail
from wikitopics.show.reviews import Reviews


class Judging:
    """What a browser can do about its opened pair; `at` is None where none is open."""

    predictions: Predictions
    reviews: Reviews
    reviewer: str
    detail: Detail
    review: ReviewPanel
    pager: Pager
    at: int | None
    pair: int

    def judge(self, verdict: str) -> None:
        """File a verdict on the opened pair: "label right", "label wrong" or "unsure"; on disk at once."""
        if self.at is not None:
            known = self.reviews.get(self.predictions.key(self.pair))
            self._file(verdict, known.corrected_labels if known else None)

    def correct(self, labels: list[str]) -> None:
        """File the labels this image should have; without an earlier verdict this says "label wrong"."""
        if self.at is not None:
            known = self.reviews.get(self.predictions.key(self.pair))
            given = self.detail.given(self.pair)
            corrected = None if set(labels) == set(given) else list(labels)
            self._file(known.verdict if known else "label wrong", corrected)

    def take_back(self) -> None:
        """Remove the verdict on the opened pair."""
        if self.at is not None:
            self.reviews.drop(self.predictions.key(self.pair))
            self._judged()

    def _file(self, verdict: str, corrected: list[str] | None) -> None:
        try:
            self.reviews.put(self.predictions.key(self.pair), verdict, corrected, self.reviewer)
        except OSError as error:  # a full disk: a widget's exceptions are seen by nobody, so say it here
            self.review.saved.value = say.not_saved(error)
        else:
            self._judged()

    def _judged(self) -> None:
        self._show_review()
        self.show_page(self.pager.number.value)

    def _show_review(self) -> None:
        review = self.reviews.get(self.predictions.key(self.pair))
        given = self.detail.given(self.pair)
        self.review.show(review, given, say.saved(review, len(self.reviews), self.reviews.path is not None))
