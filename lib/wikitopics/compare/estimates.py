"""A value, and where it would have been on other test images, and with other networks too.

Two things are chance in a trained network's score: which images it was tested on, and which seed it was
trained from. The first is resampled by groups of duplicates, the same groups for every network of every cell,
so that differences are paired. The second is nested in cells: each round draws from a cell's k seeds, k - 1
with replacement, because the mean of k - 1 drawn from k spreads as the mean of k networks does, where k drawn
would spread by (k - 1) / k too little. Sources: Davison and Hinkley 1997, section 3.8 (nested data, resampled
at both levels); McCarthy and Snowden 1985 (k - 1 of k). What is chance of one network *with* these images is
in both parts, which is on the safe side (Owen 2007).

Tests are Student's t on the rounds' standard deviation, not a count of rounds beyond zero: the smallest p of
a count is 2 / (rounds + 1), which a thousand rounds times Holm's factor for 28 pairs hide. Degrees of freedom
are Satterthwaite's (1946), from positives and seeds. How often this errs is measured: benchmarks/power.py.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy import stats

from wikitopics.evaluate.bootstrap import LEVEL
from wikitopics.evaluate.intervals import Freedom, deviation, mean

MANY = 1e9  # degrees of freedom that are as good as none


@dataclass(frozen=True)
class Estimate:
    """A value, the mean over a cell's networks, or a difference or mean of such.

    centre: the value without its bias; images, both: its (rounds,) on other images, and with other networks
    too; freedom: what the positives of its labels leave; networks: the seeds of each cell it is made from,
    of those that have any.
    """

    value: float
    centre: float
    images: np.ndarray
    both: np.ndarray
    freedom: Freedom
    networks: dict[str, int]

    @property
    def seeds(self) -> int:
        """Networks of the cell that has the fewest: with one, nothing is known of other seeds."""
        return min(self.networks.values(), default=1)

    @property
    def network_deviation(self) -> float:
        """Standard error that other networks add; NaN where a cell has only one."""
        if self.seeds < 2:
            return float("nan")
        return float(deviation(self.both - self.images))  # round by round: the same images in both

    def degrees(self, networks: bool = True) -> float:
        """Degrees of freedom of its standard deviation (Satterthwaite 1946)."""
        if not networks or self.seeds < 2:
            return float(self.freedom.degrees)
        of_networks, of_images = self.network_deviation**2, deviation(self.images) ** 2
        few = sum(count - 1 for count in self.networks.values())
        below = of_networks**2 / few + of_images**2 / self.freedom.degrees
        return float((of_networks + of_images) ** 2 / below) if below > 0 else MANY

    def ends(self, networks: bool = True) -> tuple[float, float]:
        """95 % interval: on other images and with other networks, or on other images alone."""
        reach = stats.t.ppf((1 + LEVEL) / 2, self.degrees(networks)) * self._spread(networks)
        return self.centre - reach, self.centre + reach

    def p_value(self) -> float:
        """Two-sided p of "no difference", other networks included where known; 1 for 0 in all rounds."""
        spread = self._spread(True)
        if np.isnan(self.centre) or np.isnan(spread):
            return float("nan")
        if not spread:
            return 1.0 if not self.centre else 2 / (len(self.images) + 1)
        return float(2 * stats.t.sf(abs(self.centre) / spread, self.degrees()))

    def _spread(self, networks: bool) -> float:
        rounds = self.both if networks else self.images
        return float(deviation(rounds) * np.sqrt(self.freedom.inflation))


def redrawn(networks: int, rounds: int, seed: int, cell: str) -> np.ndarray:
    """Weight of each of a cell's networks in each round: (rounds, networks), rows sum to 1.

    k - 1 of k are drawn with replacement; a single one is always itself. Cells are drawn independently.

    >>> redrawn(3, 2, 0, "commons").sum(axis=1)
    array([1., 1.])
    """
    if networks == 1:
        return np.ones((rounds, 1))
    rng = np.random.default_rng([seed, *cell.encode()])
    return rng.multinomial(networks - 1, np.full(networks, 1 / networks), size=rounds) / (networks - 1)


def of_cell(
    cell: str,
    values: np.ndarray,
    rounds: np.ndarray,
    weights: np.ndarray,
    freedom: Freedom,
    centre: float | None = None,
) -> Estimate:
    """A metric of a cell: values (k,) of its networks, rounds (rounds, k), weights (rounds, k) of `redrawn`.

    centre: the value without its bias where that is known better than from the rounds.
    """
    value, images = float(np.mean(values)), rounds.mean(axis=1)
    middle = 2 * value - float(mean(images)) if centre is None else centre
    return Estimate(value, middle, images, images + weights @ values - value, freedom, {cell: len(values)})


def difference(first: Estimate, second: Estimate) -> Estimate:
    """second - first, round by round; as free as the side that is less so."""
    return Estimate(
        second.value - first.value,
        second.centre - first.centre,
        second.images - first.images,
        second.both - first.both,
        _least([first, second]),
        first.networks | second.networks,
    )


def average(estimates: Sequence[Estimate]) -> Estimate:
    """Mean of several values or differences, round by round."""
    return Estimate(
        float(np.mean([one.value for one in estimates])),
        float(np.mean([one.centre for one in estimates])),
        np.mean([one.images for one in estimates], axis=0),
        np.mean([one.both for one in estimates], axis=0),
        _least(estimates),
        {cell: count for one in estimates for cell, count in one.networks.items()},
    )


def _least(estimates: Sequence[Estimate]) -> Freedom:
    every = [one.freedom for one in estimates]
    return Freedom(
        min(float(one.degrees) for one in every),
        max(float(one.inflation) for one in every),
        min(float(one.positives) for one in every),
    )
