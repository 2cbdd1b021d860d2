"""How much the seed of commons-learned-deep matters, and what the mean of several brings.

    python training/several_seeds.py silver --words words.npz   # on silver files left out: choose by these
    python training/several_seeds.py people --words words.npz   # nested on people's files, once

Reads what the steps held-out and train of commons_learned_deep.py wrote into --work for each --seed. There
are two means: of the seeds' log odds, as slow as all of them, and of their weights, as fast as one (a soup,
Wortsman et al. 2022: all began at the same published weights), which is written into --work as the seed
`mean`. The figures go into deep_scores.json.
"""

import argparse
from collections.abc import Mapping
from pathlib import Path

import numpy as np
from commons_learned import Data
from commons_learned_deep import (
    HELD_OUT,
    HERE,
    WHOLE,
    Known,
    Weights,
    encoder_logits,
    mixed,
    on_silver,
    on_top,
    read_arrays,
    weights_of,
    wide_fitted,
)
from given import commons_graph, word_vectors
from validation import choose_threshold, f1, nested, told, written

from wikitopics.artefacts import read_json, write_json

MEAN = "mean"  # of weights, as a seed
ODDS = "mean of log odds"
REPETITIONS = 3


def mean_weights(states: list[Weights]) -> Weights:
    return {name: np.mean([state[name] for state in states], axis=0) for name in states[0]}


def read_states(work: Path, stage: str) -> dict[str, Weights]:
    """The weights of each seed and, written into `work` too, their mean."""
    paths = [path for path in sorted(work.glob(f"{stage}_*.npz")) if path != weights_of(work, stage, MEAN)]
    states = {path.stem.removeprefix(f"{stage}_"): read_arrays(path) for path in paths}
    mean = mean_weights(list(states.values()))
    np.savez(weights_of(work, stage, MEAN), **mean)
    return states | {MEAN: mean}


def every_way(states: Mapping[str, Weights], known: Known, rows: np.ndarray, wide: np.ndarray) -> dict:
    """Log odds (n, L) of the rows by each seed, by the mean of weights and by that of log odds."""
    found = {way: mixed(encoder_logits(state, known, rows), wide) for way, state in states.items()}
    return found | {ODDS: np.mean([found[seed] for seed in found if seed != MEAN], axis=0)}


def silver_gain(known: Known, ways: dict, rounds: int = 1000) -> dict:
    """F1s by the mean of weights less those of a single seed, on average, with a 95 % interval over files."""
    truth, rng = known.soft[known.silver[known.held]] == 1, np.random.default_rng(0)
    chances = {way: known.chances(z) for way, z in ways.items() if way != ODDS}
    given = {way: scores >= choose_threshold(scores, truth) for way, scores in chances.items()}

    def gain(rows: np.ndarray) -> np.ndarray:
        of = {way: f1(truth[rows], labels[rows]) for way, labels in given.items()}
        return of[MEAN] - np.mean([of[seed] for seed in of if seed != MEAN], axis=0)

    drawn = [gain(rng.integers(0, len(truth), len(truth))) for _ in range(rounds)]
    low, high = np.percentile(drawn, [2.5, 97.5], axis=0)
    return written(gain(np.arange(len(truth)))) | {"low": written(low), "high": written(high)}


def on_silver_left_out(work: Path, data: Data) -> dict:
    known = Known(work)
    train, rows = known.silver[~known.held], known.silver[known.held]
    wide = wide_fitted(data, train).logits(data.x[rows], data.facts[rows])
    ways = every_way(read_states(work, HELD_OUT), known, rows, wide)
    return on_silver(known, ways) | {"gain of the mean of weights": silver_gain(known, ways)}


def on_people(work: Path, data: Data) -> dict:
    """Nested figures by each way; `all seeds`: their mean, its interval, the standard deviation of a seed."""
    known = Known(work)
    rows = np.arange(known.n)
    wide = wide_fitted(data, known.silver).logits(data.x[rows], data.facts[rows])
    ways = every_way(read_states(work, WHOLE), known, rows, wide)
    found = {
        way: [nested(on_top(known, z), known.truth, known.group, seed) for seed in range(REPETITIONS)]
        for way, z in ways.items()
    }
    scores = {way: told(predicted, known.truth, known.group) for way, predicted in found.items()}
    seeds = [way for way in ways if way not in (MEAN, ODDS)]
    values = [[scores[seed][of] for of in ("micro", "macro")] for seed in seeds]
    together = told([one for seed in seeds for one in found[seed]], known.truth, known.group)
    return scores | {"all seeds": together | {"spread": written(np.std(values, axis=0, ddof=1))}}


def main() -> None:
    """Figures of one kind."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("labels", choices=("silver", "people"))
    parser.add_argument("--words", type=Path, required=True, help="from word_vectors.py")
    parser.add_argument("--work", type=Path, default=Path("data/commons_learned_deep"))
    options = parser.parse_args()
    data = Data(commons_graph(parser), word_vectors(parser, options.words))
    way = on_silver_left_out if options.labels == "silver" else on_people
    scores, path = way(options.work, data), HERE / "deep_scores.json"
    for name, figures in scores.items():
        print(name, figures)
    before = read_json(path)
    write_json(path, before | {"seeds": before.get("seeds", {}) | {options.labels: scores}})


if __name__ == "__main__":
    main()
