"""Runs on a Dask cluster: each is the same command, on a worker that sees the same folders."""

import os
import subprocess
import sys
from collections.abc import Callable

from wikitopics import paths
from wikitopics.errors import UserError
from wikitopics.graph import Run


class ClusterJob:
    """A run on the cluster; `exitcode` is None until it ends."""

    def __init__(self, future) -> None:
        self.future = future

    @property
    def exitcode(self) -> int | None:
        """The command's exit code; 1 where the worker was lost for good."""
        if not self.future.done():
            return None
        return self.future.result() if self.future.status == "finished" else 1

    def kill(self) -> None:
        """Take it off the queue; what a worker has begun ends there and can be used later."""
        self.future.cancel()


def connect(address: str) -> tuple[int, Callable[[Run], ClusterJob]]:
    """The number of runs the cluster can make at once (its threads), and what starts one.

    Raises UserError where the extra is not installed or nobody answers at `address`.
    """
    try:
        from distributed import Client
    except ImportError as error:
        raise UserError(
            "--dask must find the package distributed; install it: pip install -e .[cluster]"
        ) from error
    try:
        client = Client(address, timeout=20)
    except (OSError, ValueError) as error:
        raise UserError(
            f"--dask must be a scheduler like tcp://host:8786, but {address!r} does not answer"
        ) from error

    def start(run: Run) -> ClusterJob:
        # A run reads folders, not results of tasks: Dask must neither reuse nor forget it by its arguments.
        return ClusterJob(client.submit(run_command, run.name, str(paths.root()), pure=False, key=run.name))

    return max(1, sum(client.nthreads().values())), start


def run_command(name: str, root: str) -> int:
    """Make one run by the command line in a process of its own; its exit code. This is what a worker does."""
    from distributed import get_worker

    threads = max(1, (os.cpu_count() or 1) // get_worker().state.nthreads)
    command = [sys.executable, "-m", "wikitopics.cli", "run", name, "--root", root, "--jobs", "1"]
    return subprocess.run(command, env=os.environ | {"OMP_NUM_THREADS": str(threads)}, check=False).returncode
