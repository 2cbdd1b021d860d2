"""The part of the browser of mistakes that judges: a verdict on the opened pair, at once on disk."""

from wikitopics.show import browser_html as say
from wikitopics.show.browser_controls import Pager, ReviewPanel
from wikitopics.show.browser_data import Predictions
from wikitopics.show.browser_detail import Detail
from wikitopics.show.reviews import Review, Reviews


class Judging:
    """What a browser can do about its opened pair; `at` is None where none is open."""

    predictions: Predictions
    reviews: Reviews
    detail: Detail
    review: ReviewPanel
    pager: Pager
    at: int | None
    pair: int

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
            except OSError as error:
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
        except OSError as error:  # a full disk: a widget's exceptions are seen by nobody, so say it here
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
