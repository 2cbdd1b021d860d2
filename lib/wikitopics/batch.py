"""The batch: makes what is out of date, in the order of the graph, several runs at once."""

import multiprocessing
import os
import tempfile
import time
from collections import Counter

from wikitopics import paths
from wikitopics.driver import Driver, Job, duration
from wikitopics.graph import Run, chosen_runs, plan, reasons
from wikitopics.runs.notebook_cells import BATCH
from wikitopics.runs.record import forget

UP_TO_DATE = "everything is up to date"


def tell(names: list[str]) -> None:
    """Dry run: say which runs would be made, and why."""
    why = reasons(plan(names))
    for name, reason in why.items():
        print(f"{name:<{max(map(len, why))}}  {f'would run: {reason}' if reason else 'up to date'}")
    print(f"{len(why)} runs: {sum(map(bool, why.values()))} would run" if any(why.values()) else UP_TO_DATE)


def run_batch(names: list[str], jobs: int | None = None, dask: str = "", again: bool = False) -> list[str]:
    """Make the named runs (all where none is named) and what they need; the names of those that are not made.

    `jobs` is how many at once: two (about 1 GB each), or as many as the cluster at `dask` has threads.
    `again`: make the named runs even where they are up to date.
    """
    began = time.monotonic()
    for name in chosen_runs(names) if again else ():
        forget(*name.split("/"))
    runs = plan(names)
    todo = {name: why for name, why in reasons(runs).items() if why}
    outcomes = _drive(runs, todo, jobs, dask) if todo else {}
    counts = Counter(outcomes.values()) + Counter({"up to date": len(runs) - len(todo)})
    told = ", ".join(f"{number} {outcome}" for outcome, number in counts.items())
    print(f"{len(runs)} runs: {told}; {duration(time.monotonic() - began)}")
    return [name for name, outcome in outcomes.items() if outcome in ("failed", "skipped")]


def _drive(runs: dict[str, Run], todo: dict[str, str], jobs: int | None, dask: str) -> dict[str, str]:
    if dask:
        from wikitopics.cluster import connect

        room, start = connect(dask)
    else:
        room = min(2, os.cpu_count() or 1)
        start = Local(jobs or room).start
    return Driver(runs, todo, jobs or room, start).drive()


class Local:
    """Starts runs as processes of this machine, its cores divided among `jobs` of them.

    The number of threads is the same for every run, busy or not: it changes the last digits of what
    TensorFlow computes. The processes are forked from a server that has imported papermill once; it, and so
    they, end when this process ends.
    """

    def __init__(self, jobs: int) -> None:
        threads = str(max(1, (os.cpu_count() or 1) // jobs))
        names = ("OMP_NUM_THREADS", "TF_NUM_INTRAOP_THREADS", "TF_NUM_INTEROP_THREADS")
        self.sockets = tempfile.TemporaryDirectory(
            prefix="wikitopics-"
        )  # of kernels; their paths must be short
        self.environment = {name: os.environ.get(name, threads) for name in names} | {
            "WIKITOPICS_ROOT": str(paths.root()),
            "JUPYTER_RUNTIME_DIR": self.sockets.name,
            BATCH: "1",
            "JUPYTER_PREFER_ENV_PATH": "1",  # this environment's kernel, not one of the user's
        }
        self.context = multiprocessing.get_context("forkserver")
        self.context.set_forkserver_preload(["wikitopics.mortal", "wikitopics.execute"])

    def start(self, run: Run) -> Job:
        """Start one run."""
        process = self.context.Process(target=_execute, args=(run, self.environment))
        process.start()
        return process


def _execute(run: Run, environment: dict[str, str]) -> None:
    from wikitopics.execute import execute  # imports papermill, which a no-op does not need

    execute(run, environment)
