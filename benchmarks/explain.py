"""What a benchmark lacks is said in one sentence (`import explain` before what may be missing), or made.

Importing it is enough: where a package is not installed, or a person's mistake or a child process ends the
benchmark, the last line on stderr says what to do, and no traceback is shown.
"""

import subprocess
import sys
from pathlib import Path
from types import TracebackType

from wikitopics.artefacts import finished_run
from wikitopics.errors import UserError, not_installed
from wikitopics.paths import PROJECT

EXTRAS = {
    **dict.fromkeys(("keras", "tensorflow", "h5py", "safetensors"), "train"),
    **dict.fromkeys(("onnx", "onnxruntime", "tf2onnx"), "export"),
    "faiss": "alike",
    "keras_hub": "hub",
    "networkx": "benchmark",
    "selenium": "browser-test",
}
EXCEPTHOOK = sys.excepthook


def sentence(error: BaseException) -> str | None:
    """What to do about an error that is no fault of the code; None for any other.

    >>> sentence(ModuleNotFoundError(name="networkx"))
    "this benchmark needs networkx, which is not installed; run: pip install 'wikitopics[benchmark]'"
    """
    if isinstance(error, ModuleNotFoundError):
        package = str(error.name).partition(".")[0]
        if package in EXTRAS:
            return not_installed(EXTRAS[package], "this benchmark", package)
        return f"this benchmark needs {package}, which is not installed; run: make install"
    if isinstance(error, UserError):
        return str(error)
    if isinstance(error, subprocess.CalledProcessError):
        told = str(error.stderr or "").strip().splitlines()
        words = " ".join(Path(str(word)).name for word in error.cmd[1:4])
        return told[-1] if told else f"{words} ended with {error.returncode}; what it said is above"
    return None


def _hook(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
    said = sentence(error)
    if said is None:
        EXCEPTHOOK(kind, error, trace)
    else:
        print(said, file=sys.stderr)


def run_of_demo(stage: str, run: str) -> Path:
    """The folder of a run of the demo, which is made, with what it needs, where it is not there."""
    try:
        return finished_run(stage, run)
    except UserError:
        print(f"{stage}/{run} is not there and is made first", file=sys.stderr, flush=True)
        command = [sys.executable, "-m", "wikitopics", "run", "--root", str(PROJECT), f"{stage}/{run}"]
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
        return finished_run(stage, run)


sys.excepthook = _hook
