"""A laboratory of five tiny notebooks in a root of its own: the batch engine's behaviour without its cost.

Each notebook writes one artefact from its parameters and its inputs' artefacts, and adds a line to `ran`.
"""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

PARAMETERS = {
    "01_labels": 'run: str = "a"\nvalue: int = 1\nseconds: float = 0.0\nfail: bool = False',
    "02_images": 'run: str = "s"\nlabels: list[str] = ["a"]\nvalue: int = 1',
    "03_train": 'run: str = "x"\nimages: str = "s"\nlabels: str = "a"\nlearning_rate: float = 0.1',
    "04_evaluate": 'run: str = "x"\nmodel: str = "x"',
    "05_compare": 'run: str = "grid"\nevaluations: list[str] = ["x"]',
}
INPUTS = {
    "01_labels": "[]",
    "02_images": "[('01_labels', name) for name in labels]",
    "03_train": "[('02_images', images), ('01_labels', labels)]",
    "04_evaluate": "[('03_train', model)]",
    "05_compare": "[('04_evaluate', name) for name in evaluations]",
}
IMPORTS = """\
import time
from wikitopics import paths
from wikitopics.artefacts import finished_run
from wikitopics.params import check
from wikitopics.progress import report
from wikitopics.runs.record import finish_run, start_run"""
BODY = """\
parameters = check({stage!r}, globals())
folder = start_run({stage!r}, parameters)
with open(paths.root() / "ran", "a") as file:
    file.write({stage!r} + "/" + run + "\\n")
texts = [(finished_run(*pair) / "text").read_text() for pair in {inputs}]
for step in range(10):
    time.sleep(globals().get("seconds", 0) / 10)
    report("step", step + 1, 10)
if globals().get("fail"):
    raise ValueError("planted")
(folder / "text").write_text(run + str(parameters) + "".join(texts))
print("made", run)
record = finish_run(folder, parameters, time.time())"""


def hear_ctrl_c() -> None:
    """As in a terminal: a shell's background job inherits an ignored SIGINT, and so would the driver."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


class Laboratory:
    """Writes params, runs the command line in a process of its own, and reads what was made."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.environment = os.environ | {"WIKITOPICS_ROOT": str(root)}
        (root / "notebooks").mkdir()
        for stage in PARAMETERS:
            self.notebook(stage)

    def notebook(self, stage: str, extra: str = "", first: str = "") -> Path:
        """Write a stage's notebook, with `extra` code at its end and `first` before everything."""
        parameters = PARAMETERS[stage] + "\ninteractive: bool = True"
        body = BODY.format(stage=stage, inputs=INPUTS[stage])
        cells = [
            ("markdown", "# Fake", []),
            ("code", first + IMPORTS, []),
            ("code", parameters, ["parameters"]),
        ]
        cells += [("code", body, []), ("code", extra or "pass", [])]
        path = self.root / "notebooks" / f"{stage}.ipynb"
        path.write_text(json.dumps(notebook_of(cells)), "utf-8")
        return path

    def params(self, name: str, text: str = "") -> None:
        """Write params/STAGE/RUN.yaml: its run's name, and `text`."""
        path = self.root / "params" / f"{name}.yaml"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f"run: {path.stem}\n{text}\n", "utf-8")

    def small(self) -> None:
        """Two label runs, one image run, two trained and evaluated, one comparison: 8 runs."""
        for name, text in {
            "01_labels/a": "",
            "01_labels/b": "value: 2",
            "02_images/s": "labels: [a, b]",
            "03_train/x": "",
            "03_train/y": "labels: b",
            "04_evaluate/x": "",
            "04_evaluate/y": "model: y",
            "05_compare/grid": "evaluations: [x, y]",
        }.items():
            self.params(name, text)

    def start(self, *arguments: str) -> subprocess.Popen:
        """Start `wikitopics run ARGUMENTS`."""
        command = [sys.executable, "-m", "wikitopics.cli", "run", *arguments]
        pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
        return subprocess.Popen(command, env=self.environment, cwd=self.root, preexec_fn=hear_ctrl_c, **pipes)

    def run(self, *arguments: str, code: int = 0) -> str:
        """Run it to its end; what it said. Its exit code must be `code`."""
        process = self.start(*arguments)
        said, errors = process.communicate(timeout=300)
        assert process.returncode == code, said + errors
        return said + errors

    def ran(self) -> list[str]:
        """The notebooks executed since this was asked last, sorted."""
        path = self.root / "ran"
        lines = path.read_text().split() if path.exists() else []
        path.unlink(missing_ok=True)
        return sorted(lines)

    def text(self, name: str) -> str:
        """A run's artefact."""
        return (self.root / "data" / name / "text").read_text()


def notebook_of(cells: list[tuple[str, str, list[str]]]) -> dict:
    """A notebook of (type, source, tags)."""
    made = []
    for number, (kind, source, tags) in enumerate(cells):
        cell = {"cell_type": kind, "id": f"cell-{number}", "metadata": {"tags": tags}, "source": source}
        made.append(cell | ({"execution_count": None, "outputs": []} if kind == "code" else {}))
    kernel = {"display_name": "Python 3", "language": "python", "name": "python3"}
    return {"cells": made, "metadata": {"kernelspec": kernel}, "nbformat": 4, "nbformat_minor": 5}
