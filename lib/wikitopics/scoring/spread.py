"""Shards on the machines of a Dask cluster: each is written by its worker, on a disk that all share."""

import multiprocessing
from collections.abc import Callable, Iterator
from itertools import islice
from typing import Any

from wikitopics.errors import UserError
from wikitopics.images.workers import client

AHEAD = 2  # tasks for each thread of the cluster: enough never to wait, and the names of few at a time


def on_cluster(work: Callable[[Any], int], tasks: list, address: str) -> Iterator[int]:
    """What `work` gives for each of `tasks`, as they end, computed by the cluster at `address`.

    A task whose worker is lost is done again by another. Raises UserError where nobody answers there or
    nobody works, where one task has cost several workers, and as `work` does.
    """
    with client(address, "--dask") as cluster:
        from distributed import KilledWorker, as_completed

        threads = sum(cluster.nthreads().values())
        if not threads:
            raise UserError(f"--dask must be a cluster with workers, but {address} has none; start some")
        left = (cluster.submit(_with_children, work, task, pure=False) for task in tasks)
        begun = as_completed(islice(left, AHEAD * threads), loop=cluster.loop)
        try:
            for future in begun:
                yield future.result()
                begun.update(islice(left, 1))
        except KilledWorker as error:
            raise UserError(
                f"workers of {address} must live until they are done, but several were lost at one piece of "
                "work; give them more memory and run again: it goes on where it was"
            ) from error


def _with_children(work: Callable[[Any], int], task: Any) -> int:
    """Dask starts its workers as daemons, which may have no children; ours decode, and end when idle."""
    multiprocessing.current_process()._config["daemon"] = False
    return work(task)
