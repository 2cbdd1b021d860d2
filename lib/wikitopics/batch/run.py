"""Making what is out of date, in the order of the plan, several runs at once, here or on a cluster."""

import multiprocessing
import os
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from multiprocessing import forkserver

from wikitopics import paths
from wikitopics.batch.driver import Driver, Job, duration, work_file
from wikitopics.batch.plan import Run, chosen_runs, plan, reasons, unmade
from wikitopics.errors import UserError
from wikitopics.runs.notebook_cells import BATCH
from wikitopics.runs.record import forget

LONGEST_PLACE = 55  # bytes of the path of a folder, behind which 45 more come
UP_TO_DATE = "everything is up to date"
# Importing TensorFlow, scikit-learn and their like takes six seconds of a processor, for some notebooks as
# long as their work: they are imported once, into the server that runs are forked from, and a run forks its
# kernel from itself. What of ours is among them a run forgets: it reads our code as it is when it starts.
TABLES = (
    "ipykernel.kernelapp",
    "matplotlib.backends.backend_agg",
    "pandas",
    "plotly.graph_objects",
    "pyarrow.parquet",
)
ARRAYS = ("scipy.sparse", "scipy.stats", "sklearn.decomposition", "sklearn.model_selection")
NETWORKS = ("wikitopics.batch.networks",)
IMPORTED = {  # stage: what its notebook imports that takes long
    "01_labels": TABLES,
    "02_images": TABLES,
    "03_train": (*TABLES, *ARRAYS, *NETWORKS),
    "04_evaluate": (*TABLES, *ARRAYS),
    "05_compare": (*TABLES, *ARRAYS),
    "06_score": (*TABLES, *ARRAYS, *NETWORKS),
}


def tell(names: list[str]) -> None:
    """Dry run: say which runs would be made and why, which cannot be made and what they miss.

    Raises UserError, after all of them, where one cannot be made.
    """
    runs = plan(names, to_the_end=True)
    lost = unmade(runs)
    why = reasons({name: run for name, run in runs.items() if name not in lost})
    for name in runs:
        told = f"would run: {why[name]}" if why.get(name) else "up to date"
        print(f"{name:<{max(map(len, runs))}}  {f'cannot run: {lost[name]}' if name in lost else told}")
    to_do = sum(map(bool, why.values()))
    print(f"{len(runs)} runs: {to_do} would run" if lost or to_do else UP_TO_DATE)
    if lost:
        first = next(run.missing for run in runs.values() if run.missing)
        others = f"; {len(lost)} of {len(runs)} runs cannot be made" if len(lost) > 1 else ""
        raise UserError(first + others)


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
    for name in todo:
        work_file(runs[name], "lock").parent.mkdir(parents=True, exist_ok=True)
        with open(work_file(runs[name], "lock"), "a"):
            pass  # who may not make a run, another person's or on a disk that is only read, is told before
    outcomes = _drive(runs, todo, jobs, dask) if todo else {}
    counts = Counter(outcomes.values()) + Counter({"up to date": len(runs) - len(todo)})
    told = ", ".join(f"{number} {outcome}" for outcome, number in counts.items())
    print(f"{len(runs)} runs: {told}; {duration(time.monotonic() - began)}")
    return [name for name, outcome in outcomes.items() if outcome in ("failed", "skipped")]


def conclude() -> None:
    """Print what a person looks at after everything has run: the comparison, and what to open."""
    from wikitopics.compare.tables import headline

    compared = sorted((paths.root() / "params" / "05_compare").glob("*.yaml"))
    for file in compared:
        print(f"\n{file.stem}, on the test images; in brackets 95 % intervals; * the best of a column")
        print(headline(paths.run_folder("05_compare", file.stem)).to_string(index=False))
    first = paths.run_notebook("05_compare", compared[0].stem) if compared else None
    print(f"\nopen this: {first}" if first else "")
    print(f"all executed notebooks: {paths.root() / 'data'}/STAGE/RUN/notebook.ipynb")
    print("the browser of a run's mistakes: wikitopics browse RUN")


def _drive(runs: dict[str, Run], todo: dict[str, str], jobs: int | None, dask: str) -> dict[str, str]:
    start: Callable[[Run], Job]
    if dask:
        room, start = connect(dask)
    else:
        room = min(2, os.cpu_count() or 1)
        start = Local(jobs or room, [runs[name].stage for name in todo]).start
    return Driver(runs, todo, jobs or room, start).drive()


class Local:
    """Starts runs as processes of this machine, its cores divided among `jobs` of them.

    The number of threads is the same for every run, busy or not: it changes the last digits of what
    TensorFlow computes. The processes are forked from a server that has imported papermill once, and what the
    notebooks of two or more `stages` import; it, and so they, end when this process ends.
    """

    def __init__(self, jobs: int, stages: Sequence[str] = ()) -> None:
        threads = str(max(1, (os.cpu_count() or 1) // jobs))
        names = ("OMP_NUM_THREADS", "TF_NUM_INTRAOP_THREADS", "TF_NUM_INTEROP_THREADS")
        tempfile.tempdir = place_of_sockets()  # of this process: multiprocessing asks for no other place
        self.sockets = tempfile.TemporaryDirectory(prefix="wikitopics-")
        self.environment = {name: os.environ.get(name, threads) for name in names} | {
            "WIKITOPICS_ROOT": str(paths.root()),
            "JUPYTER_RUNTIME_DIR": self.sockets.name,
            BATCH: "1",
            "TF_CPP_MIN_LOG_LEVEL": os.environ.get("TF_CPP_MIN_LOG_LEVEL", "2"),  # errors stay
            "JUPYTER_PREFER_ENV_PATH": "1",  # this environment's kernel, not one of the user's
        }
        self.context = multiprocessing.get_context("forkserver")
        ours = ["wikitopics.batch.die_with_parent", "wikitopics.batch.process"]
        self.context.set_forkserver_preload([*ours, *imported_before(stages)])
        with _environment(self.environment):  # libraries read the number of threads when they are imported
            forkserver.ensure_running()

    def start(self, run: Run) -> Job:
        """Start one run."""
        process = self.context.Process(target=_execute, args=(run, self.environment))
        process.start()
        return process


@contextmanager
def _environment(values: dict[str, str]) -> Iterator[None]:
    """The environment with these values, and after it as it was."""
    before = dict(os.environ)
    os.environ.update(values)
    try:
        yield
    finally:
        os.environ.clear()
        os.environ.update(before)


def imported_before(stages: Sequence[str]) -> list[str]:
    """What is imported once for runs of these stages: what two of them need; nothing where kernels are new.

    >>> imported_before(["03_train"])
    []
    """
    if sys.platform != "linux":
        return []  # a fork after such imports is only safe there
    needs = [module for stage in stages for module in IMPORTED.get(stage, ())]
    return [module for module in dict.fromkeys(needs) if needs.count(module) > 1]


def place_of_sockets() -> str:
    """A folder for the kernels' sockets, whose paths the system allows some hundred letters.

    Raises UserError where there is none.
    """
    usual = [tempfile.gettempdir(), os.environ.get("XDG_RUNTIME_DIR", ""), "/tmp", "/var/tmp", "/dev/shm"]
    for folder in usual:
        if folder and len(os.fsencode(folder)) <= LONGEST_PLACE and os.access(folder, os.W_OK | os.X_OK):
            return folder
    raise UserError(
        f"the folder for temporary files must have a path of at most {LONGEST_PLACE} letters, since sockets "
        f"lie in it, but is {usual[0]}; set TMPDIR to a shorter one"
    )


def _execute(run: Run, environment: dict[str, str]) -> None:
    from wikitopics.batch.process import execute  # imports papermill, which a no-op does not need

    execute(run, environment)


# --- Runs on a Dask cluster: each is the same command, on a worker that sees the same folders


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
