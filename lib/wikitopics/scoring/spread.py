"""Shards on the machines of a Dask cluster: each is written by its worker, on a disk that all share."""

import multiprocessing
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

from wikitopics.errors import UserError
from wikitopics.images.workers import client

LOSSES = 3  # workers that one shard may cost before it is taken for the cause


def on_cluster(work: Callable[[Any], int], tasks: list, address: str) -> Iterator[int]:
    """What `work` gives for each of `tasks`, as they end, computed by the cluster at `address`.

    A task whose worker is lost is done again by another. Raises UserError where nobody answers there, where
    one task has cost LOSSES workers, and as `work` does.
    """
    with client(address, "--dask") as cluster:
        from distributed import KilledWorker, as_completed

        cluster.scheduler_info()
        futures = cluster.map(partial(_with_children, work), tasks, pure=False, retries=0)
        try:
            for future in as_completed(futures):
                yield future.result()
        except KilledWorker as error:
            raise UserError(
                f"workers of {address} must live until they are done, but {LOSSES} were lost at one piece of "
                "work; give them more memory and run again: it goes on where it was"
            ) from error
        finally:
            cluster.cancel(futures)


def _with_children(work: Callable[[Any], int], task: Any) -> int:
    """Dask starts its workers as daemons, which may have no children; ours decode, and end when idle."""
    multiprocessing.current_process()._config["daemon"] = False
    return work(task)
