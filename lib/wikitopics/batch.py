"""The batch driver: makes what is out of date, in the order of the graph, several runs at once.

It only starts processes and reads logs; what happens in them is in execute.py. Any number of drivers may work
on one tree: a run that another one is making is left to it and looked at again a little later.
"""

import multiprocessing
import os
import re
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Protocol

from wikitopics import paths, stamps
from wikitopics.graph import Run, plan
from wikitopics.progress import Screen, latest

MADE, BUSY, MADE_ELSEWHERE = 0, 75, 76  # exit codes of a run's process; any other is a failure
SECONDS_BETWEEN_LOOKS, SECONDS_UNTIL_RETRY = 0.1, 2.0


class Job(Protocol):
    """A run being made: `exitcode` is None until it ends."""

    exitcode: int | None

    def kill(self) -> None:
        """End it now."""


def work_file(run: Run, suffix: str) -> Path:
    """The run's lock or log."""
    return paths.root() / "data" / ".batch" / run.stage / f"{run.run}.{suffix}"


def reasons(runs: dict[str, Run]) -> dict[str, str]:
    """Why each run must be made, in the order of `runs`; "" where it is up to date."""
    why: dict[str, str] = {}
    for run in runs.values():
        inputs = {need: stamps.built(runs[need]) for need in run.inputs}
        again = [f"{need} is made before it" for need in run.inputs if why[need]]
        why[run.name] = again[0] if again else stamps.outdated(run, inputs)
    return why


def tell(names: list[str]) -> None:
    """Dry run: say which runs would be made, and why."""
    why = reasons(plan(names))
    for name, reason in why.items():
        print(f"{name:<{max(map(len, why))}}  {f'would run: {reason}' if reason else 'up to date'}")
    print(f"{len(why)} runs: {sum(map(bool, why.values()))} would run")


def run_batch(names: list[str], jobs: int | None = None, dask: str = "") -> list[str]:
    """Make the named runs (all where none is named) and what they need; the names of those that are not made.

    `jobs` is how many at once: two (about 1 GB each), or as many as the cluster at `dask` has threads.
    """
    began = time.monotonic()
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
            "JUPYTER_PREFER_ENV_PATH": "1",  # this environment's kernel, not one of the user's
        }
        self.context = multiprocessing.get_context("forkserver")
        self.context.set_forkserver_preload(["wikitopics.mortal", "wikitopics.execute"])

    def start(self, run: Run, needs: list[Run]) -> Job:
        """Start one run."""
        process = self.context.Process(target=_execute, args=(run, needs, self.environment))
        process.start()
        return process


def _execute(run: Run, needs: list[Run], environment: dict[str, str]) -> None:
    from wikitopics.execute import execute  # imports papermill, which a no-op does not need

    execute(run, needs, environment)


class Driver:
    """Drives the runs of `todo` (name -> why) to their end, at most `jobs` at once."""

    def __init__(self, runs: dict[str, Run], todo: dict[str, str], jobs: int, start: Callable) -> None:
        self.runs, self.todo, self.jobs, self.start = runs, todo, jobs, start
        self.outcomes: dict[str, str] = {}
        self.running: dict[str, Job] = {}
        self.began: dict[str, float] = {}
        self.retry: dict[str, float] = {}  # made by another driver: when to look again
        self.width = max(map(len, todo))
        self.screen = Screen()

    def drive(self) -> dict[str, str]:
        """What became of each run: made, made by another driver, failed or skipped."""
        try:
            while len(self.outcomes) < len(self.todo):
                self.skip()
                for name in self.ready()[: self.jobs - len(self.running)]:
                    self.begin(name)
                time.sleep(SECONDS_BETWEEN_LOOKS)
                for name in [name for name, job in self.running.items() if job.exitcode is not None]:
                    self.end(name, self.running.pop(name).exitcode)
                self.screen.status([self.line(name, self.progress(name)) for name in self.running])
        finally:
            self.screen.clear()
            for job in self.running.values():
                job.kill()
        return self.outcomes

    def ready(self) -> list[str]:
        """Runs that can start now."""
        now, free = time.monotonic(), []
        for name in self.todo:
            waits = [
                need for need in self.runs[name].inputs if need in self.todo and need not in self.outcomes
            ]
            known = name in self.outcomes or name in self.running
            if not known and not waits and now >= self.retry.get(name, 0):
                free.append(name)
        return free

    def skip(self) -> None:
        """Runs whose input failed are not tried."""
        for name in self.todo:
            lost = [n for n in self.runs[name].inputs if self.outcomes.get(n) in ("failed", "skipped")]
            if lost and name not in self.outcomes:
                self.outcomes[name] = "skipped"
                self.screen.say(self.line(name, f"skipped: {lost[0]} {self.outcomes[lost[0]]}"))

    def begin(self, name: str) -> None:
        """Start one run."""
        run = self.runs[name]
        self.running[name] = self.start(run, [self.runs[need] for need in run.inputs])
        if name not in self.began:
            self.screen.say(self.line(name, f"starts: {self.todo[name]}"))
        self.began[name] = time.monotonic()

    def end(self, name: str, code: int | None) -> None:
        """Note what became of one run."""
        run, seconds = self.runs[name], duration(time.monotonic() - self.began[name])
        if code == BUSY:
            if name not in self.retry:
                holder = work_file(run, "lock").read_text("utf-8")
                self.screen.say(self.line(name, f"is being made by {holder}; waiting for it"))
            self.retry[name] = time.monotonic() + SECONDS_UNTIL_RETRY
            return
        if code == MADE_ELSEWHERE:
            self.outcomes[name], text = "made by another driver", "made by another driver"
        elif code == MADE:
            self.outcomes[name] = "made"
            stamp = stamps.read(run.stage, run.run)
            text = f"made in {seconds} (processor {stamp.get('cpu_seconds')} s, {stamp.get('peak_mb')} MB)"
        else:
            self.outcomes[name] = "failed"
            text = f"failed after {seconds}: {self.reason(run, code)}"
        self.screen.say(self.line(name, text))

    def line(self, name: str, text: str) -> str:
        """`[ 3/20] STAGE/RUN  text`"""
        total = len(self.todo)
        return f"[{list(self.todo).index(name) + 1:{len(str(total))}}/{total}] {name:<{self.width}}  {text}"

    def progress(self, name: str) -> str:
        """How far a run has come, by its own account."""
        told = latest(work_file(self.runs[name], "log")) or "begins"
        return f"{told}, {duration(time.monotonic() - self.began[name])}"

    def reason(self, run: Run, code: int | None) -> str:
        """Why a run failed: the last line of its log; and where to look."""
        log = work_file(run, "log")
        text = re.sub(r"\x1b\[[0-9;]*m", "", log.read_text("utf-8", "replace")) if log.exists() else ""
        last = next((line.strip() for line in reversed(text.splitlines()) if line.strip()), "")
        killed = f"ended by signal {-code} " if code and code < 0 else ""
        part = paths.executed(run.stage, run.run).with_suffix(".part.ipynb")
        return f"{killed}{last[:500]} (see {_inside(part)} and {_inside(log)})"


def _inside(path: Path) -> str:
    return str(path.relative_to(paths.root()))


def duration(seconds: float) -> str:
    """Seconds as people say them.

    >>> duration(7.4), duration(312)
    ('7 s', '5 min 12 s')
    """
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes} min {rest} s" if minutes else f"{rest} s"
