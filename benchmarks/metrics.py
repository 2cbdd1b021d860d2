"""How fast are 1,000 bootstrap rounds, against scikit-learn in a loop, and are they equal?

python benchmarks/metrics.py [--quick]   100,000 images x 31 labels (quick: 20,000 x 31, 200 rounds)
python benchmarks/metrics.py --large     800,000 x 31, 100 rounds, ours alone: does memory grow no faster?
Both ways run on the same machine in the same process; scikit-learn does two rounds, and its time for all
is the time of one round times their number.
"""

import argparse
import json
import resource
import time

import explain  # noqa: F401
import numpy as np
from sklearn import metrics as sk

from wikitopics.evaluate import bootstrap, metrics

LABELS, JOBS, SLOW_ROUNDS = 31, 2, 2


def draw(images: int, seed: int = 0) -> tuple[np.ndarray, ...]:
    """Truth (5 % positives on average), scores and groups (one image in ten has a near duplicate)."""
    rng = np.random.default_rng(seed)
    truth = (rng.random((images, LABELS)) < np.linspace(0.005, 0.1, LABELS)).astype(np.uint8)
    scores = (1 / (1 + np.exp(2 - 1.5 * truth - rng.normal(size=truth.shape)))).astype(np.float32)
    copies = np.where(rng.random(images) < 0.1, np.arange(images) // 2, np.arange(images) + images)
    return truth, scores, np.full(LABELS, 0.4), bootstrap.group_codes(copies)


def scikit_learn_round(truth, scores, thresholds, groups, weights) -> dict[str, float]:
    """The same numbers the usual way: image weights handed to scikit-learn, label by label."""
    weight = weights[groups]
    predicted = metrics.predict(scores, thresholds)
    columns = [(truth[:, i], scores[:, i]) for i in range(LABELS)]
    pairs = truth.ravel(), scores.ravel(), np.repeat(weight, LABELS)
    found = {
        "macro roc_auc": np.mean([sk.roc_auc_score(*pair, sample_weight=weight) for pair in columns]),
        "macro average_precision": np.mean(
            [sk.average_precision_score(*pair, sample_weight=weight) for pair in columns]
        ),
        "micro roc_auc": sk.roc_auc_score(*pairs[:2], sample_weight=pairs[2]),
        "micro average_precision": sk.average_precision_score(*pairs[:2], sample_weight=pairs[2]),
    }
    for average in ("micro", "macro", "weighted"):
        values = sk.precision_recall_fscore_support(
            truth, predicted, average=average, sample_weight=weight, zero_division=0
        )
        for name, value in zip(("precision", "recall", "f1"), values[:3], strict=True):
            found[f"{average} {name}"] = value
    return found


def main(quick: bool, large: bool) -> None:
    images, rounds = (20_000, 200) if quick else (800_000, 100) if large else (100_000, 1000)
    problem = draw(images)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    start, cpu = time.perf_counter(), time.process_time()
    fast = bootstrap.bootstrap(*problem, rounds=rounds, seed=0, jobs=JOBS)
    seconds, cpu_seconds = time.perf_counter() - start, time.process_time() - cpu
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    figures = {
        "images": images,
        "labels": LABELS,
        "rounds": rounds,
        "jobs": JOBS,
        "seconds": round(seconds, 2),
        "cpu_seconds": round(cpu_seconds, 2),
        "peak_mb": round(peak / 1000),
        "data_mb": round(before / 1000),
    }
    if not large:
        figures |= by_scikit_learn(problem, fast, rounds, (seconds, cpu_seconds))
    for name, value in figures.items():
        print(f"{name:26} {value}")
    print(json.dumps(figures))


def by_scikit_learn(
    problem: tuple, fast: bootstrap.Resamples, rounds: int, ours: tuple[float, float]
) -> dict[str, float]:
    """What the loop would take for all rounds, how many times ours that is, and whether both agree."""
    weights = bootstrap.group_weights(int(problem[3].max()) + 1, range(SLOW_ROUNDS), 0)
    start, cpu = time.perf_counter(), time.process_time()
    slow = [scikit_learn_round(*problem, weights[:, i]) for i in range(SLOW_ROUNDS)]
    loop = (time.perf_counter() - start) / SLOW_ROUNDS * rounds
    loop_cpu = (time.process_time() - cpu) / SLOW_ROUNDS * rounds
    apart = max(
        abs(fast.overall[name][i] - value) for i in range(SLOW_ROUNDS) for name, value in slow[i].items()
    )
    return {
        "scikit_learn_seconds": round(loop, 1),
        "scikit_learn_cpu_seconds": round(loop_cpu, 1),
        "ratio": round(loop / ours[0], 1),
        "ratio_cpu": round(loop_cpu / ours[1], 1),
        "largest_difference": float(apart),
    }


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="20,000 images, 200 rounds")
    parser.add_argument("--large", action="store_true", help="800,000 images, 100 rounds, ours alone")
    main(**vars(parser.parse_args()))
