"""Work on many cores or many machines by joblib: processes of this one, or a Dask cluster's workers."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from joblib import Parallel, delayed, parallel_config
from joblib.externals.loky.process_executor import BrokenProcessPool

from wikitopics.errors import UserError

ATTEMPTS = 3  # at one task, each with workers of its own


def in_order(work: Callable[[Any], Any], tasks: list, jobs: int, scheduler: str = "") -> Iterator:
    """What `work` gives for each task, in order, by `jobs` processes (-1: one per core) or the cluster there.

    A worker that is killed costs the tasks that are not done; they are given to new ones. Raises UserError
    where that does not help, or where no scheduler answers.
    """
    done, attempts = 0, 0
    while done < len(tasks):
        began = done
        try:
            with _workers(jobs, scheduler) as parallel:
                for result in parallel(delayed(work)(task) for task in tasks[done:]):
                    yield result
                    done += 1
        except BrokenProcessPool as error:
            attempts = attempts + 1 if done == began else 1
            if attempts == ATTEMPTS:
                raise UserError(
                    f"processes must live until they are done, but {ATTEMPTS} were killed from outside at "
                    "one piece of work; free memory or take fewer jobs and run again: it goes on where it was"
                ) from error


@contextmanager
def _workers(jobs: int, scheduler: str) -> Iterator[Parallel]:
    if not scheduler:
        yield Parallel(n_jobs=jobs, return_as="generator", batch_size=1)
        return
    with client(scheduler) as cluster, parallel_config(backend="dask", client=cluster):
        yield Parallel(n_jobs=-1, return_as="generator", batch_size=1)


def client(address: str, option: str = "scheduler"):
    """A client of the Dask cluster at `address`, which the option of that name gave; or UserError."""
    try:
        from distributed import Client
    except ImportError as error:
        raise UserError(
            f"{option} needs the package distributed, but it is not installed ({option} is {address!r}); "
            "install it: pip install -e .[cluster]"
        ) from error
    try:
        return Client(address, timeout=20, set_as_default=False)
    except (OSError, ValueError) as error:
        raise UserError(
            f"{option} must be a Dask cluster's, like tcp://host:8786, but {address!r} does not answer; "
            f"start it or leave {option} empty for the cores of this machine"
        ) from error
