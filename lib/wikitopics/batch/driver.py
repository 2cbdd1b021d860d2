"""Drives runs to their end: starts what can start, reads logs, and tells what became of each.

What happens in a run is in process.py. Any number of drivers may work on one tree: a run that another one is
making is left to it and looked at again a little later.
"""

import re
import time
from collections.abc import Callable
from pathlib import Path
from typing import Protocol

from wikitopics import paths
from wikitopics.artefacts import read_json
from wikitopics.batch.plan import MAY_CHANGE, Run, outdated
from wikitopics.progress import Screen, latest

MADE, BUSY, MADE_ELSEWHERE = 0, 75, 76  # exit codes of a run's process; any other is a failure
SECONDS_BETWEEN_LOOKS, SECONDS_UNTIL_RETRY = 0.1, 2.0


class Job(Protocol):
    """A run being made: `exitcode` is None until it ends."""

    @property
    def exitcode(self) -> int | None:
        """Its exit code, once it has one."""

    def kill(self) -> None:
        """End it now."""


def work_file(run: Run, suffix: str) -> Path:
    """The run's lock, log or costs."""
    return paths.root() / "data" / ".batch" / run.stage / f"{run.run}.{suffix}"


class Driver:
    """Drives the runs of `todo` (name -> why) to their end, at most `jobs` at once."""

    def __init__(
        self, runs: dict[str, Run], todo: dict[str, str], jobs: int, start: Callable[[Run], Job]
    ) -> None:
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
                self.spare()
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

    def spare(self) -> None:
        """Runs that waited for others are not made where those came out as they were."""
        waiting = [name for name in self.ready() if self.todo[name].endswith(MAY_CHANGE)]
        for name in waiting:
            self.todo[name] = outdated(self.runs[name])
            if not self.todo[name]:
                self.outcomes[name] = "up to date"
                self.screen.say(self.line(name, "up to date: what it reads came out the same"))
        if waiting:
            self.spare()  # others may have waited for these

    def begin(self, name: str) -> None:
        """Start one run."""
        self.running[name] = self.start(self.runs[name])
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
            text = f"made in {seconds}{self.costs(run)}"
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

    def costs(self, run: Run) -> str:
        """What a run took, in brackets; "" where another machine has not said so yet."""
        path = work_file(run, "costs.json")
        if not path.exists():
            return ""
        cost = read_json(path)
        return f" (processor {cost['cpu_seconds']} s, {cost['peak_mb']} MB)"

    def reason(self, run: Run, code: int | None) -> str:
        """Why a run failed: the last line of its log; and where to look."""
        log = work_file(run, "log")
        text = re.sub(r"\x1b\[[0-9;]*m", "", log.read_text("utf-8", "replace")) if log.exists() else ""
        last = next((line.strip() for line in reversed(text.splitlines()) if line.strip()), "")
        killed = f"ended by signal {-code} " if code and code < 0 else ""
        part = paths.run_notebook(run.stage, run.run).with_suffix(".part.ipynb")
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
