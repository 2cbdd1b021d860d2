"""An environment like Wikimedia's PAWS, made and used: what works there, in which time and memory.

    python3 benchmarks/paws.py

PAWS gives a person Python 3.12, JupyterLab 4.4, one core and 3 GB. A new environment gets JupyterLab 4.4 with
a kernel of its time and this library without extras. A JupyterLab is started; 01_labels and the browser of a
finished run of this checkout work in kernels of its, the rest as in its terminal. Then the extra train is
installed and 03_train learns from given features.

Every process may have 3 GiB of data (RLIMIT_DATA) and runs on one core. The peak told is that of all of them
together, JupyterLab too: PSS, looked at five times a second. It must stay below 3 GiB as well. Linux only; it
needs the package index, and nothing of ours installed.
"""

import argparse
import json
import os
import resource
import shutil
import socket
import subprocess
import sys
import tempfile
import threading
import time
import urllib.request
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

PROJECT = Path(__file__).resolve().parents[1]
GRAPH = Path(os.environ.get("WIKITOPICS_COMMONS_GRAPH") or PROJECT.parent / "shared/data/commons_graph")
LIMIT = 3 << 30  # bytes
BROWSED = "commons-20-lite2"
TOKEN = "paws"
PARAMS = {
    "01_labels/commons": "label_source: commons",
    "02_images/sample": "labelled_by: any\nlabels: [commons]\njobs: 1",
    "03_train/given": "backbone: features\nfeatures: features.parquet\nlabels_top: 20",
}
SHOWN = """
import sys, wikitopics
browser = wikitopics.browse({run!r})
assert not {{"keras", "tensorflow", "h5py"}} & set(sys.modules), "a network was imported"
assert browser.page["tiles"] and browser.setup["map"] and browser.opened["title"]
browser
"""
# Numbers of each picture, as a network elsewhere would give them: here its pixels, 16 a side.
MADE = """
import numpy as np, pandas as pd, pyarrow as pa, pyarrow.parquet as pq
images = np.load("data/02_images/sample/images.npy", mmap_mode="r")
side = images.shape[1] // 16
small = images[:, : side * 16, : side * 16].reshape(len(images), 16, side, 16, side, 3).mean(axis=(2, 4))
titles = pd.read_parquet("data/02_images/sample/images.parquet").sort_values("row")["title"].tolist()
vectors = small.reshape(len(images), -1).astype("float32") / 128 - 1
pq.write_table(pa.table({"title": titles, "pixels": list(vectors)}), "features.parquet")
"""


def python_of_paws() -> str:
    """Python 3.12 where there is one, else this one."""
    for name in ("python3.12", sys.executable):
        asked = [name, "-c", "import sys, venv, ensurepip; print(sys.executable)"]
        if (
            shutil.which(name)
            and not (done := subprocess.run(asked, capture_output=True, text=True)).returncode
        ):
            return done.stdout.strip()
    raise SystemExit("a Python with venv is needed: apt install python3-venv")


def install(python: Path, *packages: str) -> None:
    """Install into the new environment, without a limit: PAWS' own packages are there already."""
    command = [python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", *packages]
    subprocess.run(command, check=True, cwd=PROJECT)


def confined() -> None:
    """What a process is told before it begins: 3 GiB of data, and one core."""
    resource.setrlimit(resource.RLIMIT_DATA, (LIMIT, LIMIT))
    os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})


class Pod:
    """All processes of a person: started under the limits, with the memory of all of them looked at."""

    def __init__(self, root: Path, python: Path) -> None:
        self.root, self.python, self.peak = root, python, 0
        self.ticks: dict[int, int] = {}  # of every process that was seen, also of those that ended
        self.rows: dict[str, dict[str, int]] = {}
        own = {f"JUPYTER_{name}_DIR": str(root / ".jupyter" / name) for name in ("CONFIG", "DATA", "RUNTIME")}
        self.environment = os.environ | own | {"WIKITOPICS_ROOT": str(root), "CUDA_VISIBLE_DEVICES": ""}
        self.environment.pop("PYTHONPATH", None)
        self.server: subprocess.Popen | None = None
        self.port = free_port()
        threading.Thread(target=self._watch, daemon=True).start()

    def _watch(self) -> None:
        while True:
            ticks = ticks_below(os.getpid())
            self.ticks |= ticks
            self.peak = max(self.peak, sum(map(memory_of, ticks)))
            time.sleep(0.2)

    def start(self, *command: str | Path, **options: Any) -> subprocess.Popen:
        """A program of the environment, confined."""
        program = self.python.parent / command[0]
        given = {"cwd": self.root, "env": self.environment, "preexec_fn": confined} | options
        return subprocess.Popen([program, *command[1:]], **given)

    def run(self, *command: str | Path) -> None:
        """A program of the environment, to its end; an error ends the check."""
        if code := self.start(*command).wait():
            raise SystemExit(f"{' '.join(map(str, command))} ended with {code}")

    def step(self, what: str, work: Callable[[], object]) -> None:
        """Do the work and note its seconds, by the clock and of the core, and the peak of all processes."""
        began, before = time.monotonic(), sum(self.ticks.values())
        self.peak = 0
        work()
        cpu = (sum(self.ticks.values()) - before) / os.sysconf("SC_CLK_TCK")
        row = {"seconds": time.monotonic() - began, "cpu_seconds": cpu, "peak_mb": self.peak / 2**20}
        self.rows[what] = {name: round(value) for name, value in row.items()}
        print(f"{what}: {self.rows[what]}", flush=True)

    def lab(self) -> None:
        """Start JupyterLab and wait until it answers."""
        options = [f"--ServerApp.port={self.port}", f"--IdentityProvider.token={TOKEN}", "--no-browser"]
        log = (self.root / "lab.log").open("wb")
        options += ["--ServerApp.allow_root=True", "--ServerApp.ip=127.0.0.1"]
        self.server = self.start("jupyter", "lab", *options, stdout=log, stderr=subprocess.STDOUT)
        latest = time.monotonic() + 180
        while self.server.poll() is None and time.monotonic() < latest:
            time.sleep(0.2)
            try:
                return print("JupyterLab answers:", self.ask("GET", "status"))
            except OSError:
                continue  # not yet
        raise SystemExit(f"JupyterLab did not start: {(self.root / 'lab.log').read_text('utf-8')}")

    def end(self) -> None:
        """Stop JupyterLab and its kernels."""
        if self.server:
            self.server.terminate()
            self.server.wait()

    def ask(self, method: str, path: str, body: dict[str, Any] | None = None) -> Any:
        """An answer of JupyterLab's server."""
        address, data = (
            f"http://127.0.0.1:{self.port}/api/{path}",
            json.dumps(body).encode() if body else None,
        )
        asked = urllib.request.Request(address, data, {"Authorization": f"token {TOKEN}"}, method=method)
        with urllib.request.urlopen(asked, timeout=60) as answer:
            return json.loads(answer.read() or "null")

    def in_kernel(self, notebook: str) -> None:
        """Run the cells of a notebook in a kernel that JupyterLab starts for it, and end that kernel."""
        kernel = {"path": notebook, "name": notebook, "type": "notebook", "kernel": {"name": "python3"}}
        session = self.ask("POST", "sessions", kernel)
        place = Path(self.environment["JUPYTER_RUNTIME_DIR"], f"kernel-{session['kernel']['id']}.json")
        self.run("python", __file__, "--cells", notebook, "--kernel", place)
        self.ask("DELETE", f"sessions/{session['id']}")


def free_port() -> int:
    """A port that nobody has now."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return free.getsockname()[1]


def ticks_below(pid: int) -> dict[int, int]:
    """CPU ticks so far of each process that descends from `pid`."""
    told: dict[int, tuple[int, int]] = {}  # parent, ticks
    for entry in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):  # it ended
            fields = (entry / "stat").read_text().rpartition(")")[2].split()
            told[int(entry.name)] = (int(fields[1]), int(fields[11]) + int(fields[12]))
    below, waiting = {}, [pid]
    while waiting:
        one = waiting.pop()
        children = {child: ticks for child, (parent, ticks) in told.items() if parent == one}
        below |= children
        waiting += children
    return below


def memory_of(pid: int) -> int:
    """Bytes of one process, its part of what it shares with others (PSS); 0 where it has ended."""
    try:
        told = Path(f"/proc/{pid}/smaps_rollup").read_text()
    except OSError:
        return 0
    return int(told.partition("\nPss:")[2].split()[0]) << 10 if "\nPss:" in told else 0


def run_cells(notebook: Path, connection: Path) -> None:
    """Run a notebook's cells in a kernel that is there, as Shift+Enter does; the first error ends it."""
    from jupyter_client import BlockingKernelClient

    client = BlockingKernelClient(connection_file=str(connection))
    client.load_connection_file()
    client.start_channels()
    client.wait_for_ready(timeout=60)
    for cell in json.loads(notebook.read_text("utf-8"))["cells"]:
        if cell["cell_type"] == "code":
            reply = client.execute_interactive(
                "".join(cell["source"]), output_hook=lambda _: None, timeout=300
            )
            if reply["content"]["status"] != "ok":
                raise SystemExit("\n".join(reply["content"]["traceback"]))


def lay_out(root: Path) -> None:
    """A person's folder: notebooks, three params files, and a notebook that shows a run of this checkout."""
    shutil.copytree(PROJECT / "notebooks", root / "notebooks")
    for name, text in PARAMS.items():
        path = root / "params" / f"{name}.yaml"
        path.parent.mkdir(parents=True)
        path.write_text(f"run: {path.stem}\n{text}\n", "utf-8")
    finished = root / "finished"
    (finished / "data").mkdir(parents=True)
    for stage in ("01_labels", "02_images", "03_train", "04_evaluate"):
        (finished / "data" / stage).symlink_to(PROJECT / "data" / stage)
    code = f"import os; os.environ['WIKITOPICS_ROOT'] = {str(finished)!r}\n" + SHOWN.format(run=BROWSED)
    cells = [{"cell_type": "code", "metadata": {}, "source": code, "outputs": [], "execution_count": None}]
    kernel = {"kernelspec": {"name": "python3", "display_name": "Python 3"}}  # else JupyterLab asks for one
    notebook = {"cells": cells, "metadata": kernel, "nbformat": 4, "nbformat_minor": 4}
    (root / "look.ipynb").write_text(json.dumps(notebook), "utf-8")


def use(pod: Pod) -> None:
    """The steps, in the order in which a person would come to them."""
    pod.step("JupyterLab starts", pod.lab)
    pod.step("01_labels on the sample, in a kernel", lambda: pod.in_kernel("notebooks/01_labels.ipynb"))
    if GRAPH.is_dir():
        given = ["--graph", GRAPH, "--files", GRAPH / "files.parquet", "--out", "labels.parquet"]
        pod.step("wikitopics label, a part of Commons", lambda: pod.run("wikitopics", "label", *given))
    if (PROJECT / "data/04_evaluate" / BROWSED / "run.json").exists():
        pod.step("the browser of a finished run, in a kernel", lambda: pod.in_kernel("look.ipynb"))
    pod.step("02_images on the sample", lambda: pod.run("wikitopics", "run", "02_images/sample"))
    pod.run("python", "-c", MADE)
    refused = pod.start("wikitopics", "run", "03_train/given", stderr=subprocess.PIPE, text=True)
    told = refused.communicate()[1]
    assert refused.returncode == 2 and "pip install 'wikitopics[train]'" in told, told
    print(told.strip())
    install(pod.python, "--editable", f"{PROJECT}[train]")
    pod.step("03_train on given features", lambda: pod.run("wikitopics", "run", "03_train/given"))


def make(root: Path) -> Path:
    """The environment in `root`/venv, without extras; its Python."""
    began = time.monotonic()
    subprocess.run([python_of_paws(), "-m", "venv", root / "venv"], check=True)
    python = root / "venv/bin/python"
    install(python, "jupyterlab==4.4.*", "ipykernel==6.*", "--editable", str(PROJECT))
    asked = (
        "import sys, jupyterlab, ipykernel; print(sys.version, jupyterlab.__version__, ipykernel.__version__)"
    )
    told = subprocess.run([python, "-c", asked], check=True, capture_output=True, text=True).stdout.split()
    print(
        f"Python {told[0]}, JupyterLab {told[-2]}, ipykernel {told[-1]}: {time.monotonic() - began:.0f} s",
        flush=True,
    )
    return python


def main() -> int:
    """Make the environment, use it, print the table; 1 where more than the limit was needed."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--cells", type=Path, help=argparse.SUPPRESS)
    parser.add_argument("--kernel", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.cells:
        run_cells(options.cells, options.kernel)
        return 0
    with tempfile.TemporaryDirectory(prefix="paws-") as folder:
        pod = Pod(Path(folder), make(Path(folder)))
        lay_out(pod.root)
        try:
            use(pod)
        finally:
            pod.end()
    print(json.dumps(pod.rows))
    return int(max(row["peak_mb"] for row in pod.rows.values()) << 20 >= LIMIT)


if __name__ == "__main__":
    sys.exit(main())
