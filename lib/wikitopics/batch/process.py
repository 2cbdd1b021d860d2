"""One run in a process of its own: lock, notebook, and the executed notebook beside the artefacts last.

Everything here dies with the driver: this process and its kernel ask the system for it (Linux); elsewhere the
kernel looks once a second whether its parent is still there.
"""

import gc
import json
import os
import resource
import signal
import socket
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import papermill

from wikitopics import paths
from wikitopics.artefacts import RECORD, replacing, take_lock, write_json
from wikitopics.batch.die_with_parent import die_with_parent
from wikitopics.batch.driver import BUSY, MADE, MADE_ELSEWHERE, work_file
from wikitopics.batch.kernel import Kernel, WaitingKernel
from wikitopics.batch.plan import Run, outdated
from wikitopics.batch.strip import as_text, timeless
from wikitopics.errors import UserError
from wikitopics.progress import MARK
from wikitopics.runs.record import forget


@contextmanager
def lock(run: Run) -> Iterator[bool]:
    """Whether this process alone may make the run. The system drops the lock when its holder dies."""
    with open(work_file(run, "lock"), "a+", encoding="utf-8") as file:
        try:
            take_lock(file.fileno(), file.name, wait=False)
        except BlockingIOError:
            yield False
            return
        file.truncate(0)
        file.write(f"{socket.gethostname()} (process {os.getpid()})")
        file.flush()
        yield True


def execute(run: Run, environment: dict[str, str]) -> None:
    """Make one run and leave the process with MADE, BUSY (another process is at it) or MADE_ELSEWHERE.

    An error ends the process with 1 and its traceback in the run's log; the notebook as far as it came stays
    as notebook.part.ipynb.
    """
    die_with_parent()
    gc.freeze()  # what the server has imported is not searched again, nor copied for that
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches the whole terminal; the driver ends us
    os.environ.update(environment)
    work_file(run, "lock").parent.mkdir(parents=True, exist_ok=True)
    with lock(run) as mine:
        if not mine:
            sys.exit(BUSY)
        if not outdated(run):
            sys.exit(MADE_ELSEWHERE)
        _write_into(work_file(run, "log"))
        os.environ["JUPYTER_RUNTIME_DIR"] = tempfile.mkdtemp(dir=environment["JUPYTER_RUNTIME_DIR"])
        if sys.platform != "linux":
            make(run)
        else:
            with WaitingKernel() as Kernel.waiting:  # forked before papermill starts threads
                make(run)
    sys.exit(MADE)


def _write_into(log: Path) -> None:
    """From now on what this process and its kernel print, and the notebook's progress, goes to the log."""
    os.environ["WIKITOPICS_PROGRESS"] = str(log)
    descriptor = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_APPEND, 0o644)
    for stream in (sys.stdout, sys.stderr):
        stream.flush()
    os.dup2(descriptor, 1)
    os.dup2(descriptor, 2)


def make(run: Run) -> None:
    """Execute the run's notebook, which writes the artefacts and run.json, and keep it beside them."""
    final = paths.run_notebook(run.stage, run.run)
    part = final.with_suffix(".part.ipynb")
    final.parent.mkdir(parents=True, exist_ok=True)
    forget(run.stage, run.run)
    papermill.execute_notebook(
        _no_pattern(paths.notebook(run.stage)),
        _no_pattern(part),
        parameters=run.given | {"interactive": False},
        kernel_name="python3",
        kernel_manager_class=Kernel,
        cwd=str(paths.root()),
        progress_bar=False,
        store_widget_state=False,
        record_timing=False,
        on_cell_start=_tell_cell(paths.notebook(run.stage)),
    )
    if not (paths.run_folder(run.stage, run.run) / RECORD).exists():
        raise UserError(
            f"a notebook must end with finish_run, but {run.stage}.ipynb wrote no {RECORD}; add it"
        )
    with replacing(final) as temporary:
        temporary.write_text(as_text(timeless(json.loads(part.read_text("utf-8")))), "utf-8")
    part.unlink()
    write_json(work_file(run, "costs.json"), costs())


def _no_pattern(path: Path) -> str:
    """A path as papermill takes it, which puts parameters in for {names}: braces of a folder stay braces."""
    return str(path).replace("{", "{{").replace("}", "}}")


def _tell_cell(notebook: Path) -> Callable[..., None]:
    """What tells, at the start of each code cell, how far the notebook is."""
    cells = (
        len(json.loads(notebook.read_text("utf-8"))["cells"]) + 1
    )  # papermill adds the parameters it injects
    return lambda cell, cell_index: print(f"{MARK}cell {cell_index + 1} of {cells}", flush=True)


def costs() -> dict[str, float]:
    """What the processes started from here (the kernel) took: processor seconds and peak memory."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    peak_mb = used.ru_maxrss >> (10 if sys.platform == "linux" else 20)
    return {"cpu_seconds": round(used.ru_utime + used.ru_stime, 1), "peak_mb": peak_mb}
