"""The notebooks as committed: one skeleton, no outputs, more prose than code, functions in the library."""

import ast
import json
import re
from pathlib import Path

import pytest

from wikitopics.batch.strip import as_text, main, stripped, timeless
from wikitopics.params import declared
from wikitopics.paths import PROJECT, STAGES

NOTEBOOKS = sorted((PROJECT / "notebooks").glob("*.ipynb"))
EXECUTED = sorted(
    set((PROJECT / "executed").glob("*/*.ipynb")) - set((PROJECT / "executed").glob("*/*.part.ipynb"))
)
every_notebook = pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
every_executed = pytest.mark.parametrize("path", EXECUTED, ids=lambda path: f"{path.parent.name}/{path.stem}")


def cells_of(path: Path, kind: str = "") -> list[dict]:
    cells = json.loads(path.read_text("utf-8"))["cells"]
    return [cell for cell in cells if kind in ("", cell["cell_type"])]


def source(cell: dict) -> str:
    return "".join(cell["source"])


def test_there_is_one_notebook_for_each_stage():
    assert [path.stem for path in NOTEBOOKS] == list(STAGES)


@every_notebook
def test_skeleton(path):
    cells = cells_of(path)
    assert re.match(r"# \S", source(cells[0])) and cells[0]["cell_type"] == "markdown"
    assert "eads" in source(cells[0]) and "rites" in source(cells[0])  # what it reads and writes
    assert cells[-1]["cell_type"] == "markdown"
    code = cells_of(path, "code")
    tagged = [place for place, cell in enumerate(code) if "parameters" in cell["metadata"].get("tags", [])]
    assert tagged == [1], "imports, parameters, then the check"
    assert f'check("{path.stem}", globals())' in source(code[2])
    assert "finish_run(" in source(code[-1]) or "finish_run(" in source(code[-2])


@every_notebook
def test_parameters_have_a_type_a_default_and_a_reason(path):
    parameters = declared(path)
    assert parameters["run"].type == "str"
    assert parameters["interactive"].type == "bool" and parameters["interactive"].default is True
    assert all(parameter.help for parameter in parameters.values())


@every_notebook
def test_prose_and_short_code(path):
    prose, code = cells_of(path, "markdown"), cells_of(path, "code")
    assert len(prose) / (len(prose) + len(code)) >= 0.45
    assert 8 <= len(code) <= 24
    steps = [len(source(cell).splitlines()) for cell in code[3:]]
    assert max(steps) <= 16 and sorted(steps)[len(steps) // 2] <= 7


@every_notebook
def test_functions_are_in_the_library(path):
    text = "\n".join(source(cell) for cell in cells_of(path, "code"))
    nodes = list(ast.walk(ast.parse(text)))
    assert sum(isinstance(node, ast.FunctionDef | ast.ClassDef) for node in nodes) <= 2
    assert "sys.path" not in text and "os.chdir" not in text and "../" not in text


@every_notebook
def test_names_and_format(path):
    notebook = json.loads(path.read_text("utf-8"))
    assert (notebook["nbformat"], notebook["nbformat_minor"]) == (4, 5)
    assert notebook["metadata"]["kernelspec"]["name"] == "python3"
    names = [cell["id"] for cell in notebook["cells"]]
    assert len(set(names)) == len(names)


@every_notebook
def test_nothing_is_left_of_a_run(path):
    assert as_text(stripped(json.loads(path.read_text("utf-8")))) == path.read_text("utf-8")


@every_executed
def test_executed_copies_can_be_read_anywhere(path):
    text = path.read_text("utf-8")
    notebook = json.loads(text)
    assert "widgets" not in notebook["metadata"] and "start_time" not in text
    assert notebook["metadata"]["papermill"]["parameters"]["interactive"] is False
    assert len(text) < 1.5e6
    assert not re.search(r"/(root|home|work|tmp|Users)/|site-packages", text), "a path of the machine"
    outputs = [output for cell in notebook["cells"] for output in cell.get("outputs", [])]
    assert not [o for o in outputs if o["output_type"] == "error" or o.get("name") == "stderr"]
    for output in outputs:
        if any(kind.startswith("application/vnd.plotly") for kind in output.get("data", {})):
            assert {"image/png", "image/jpeg", "image/svg+xml"} & set(output["data"])


@pytest.mark.skipif(not EXECUTED, reason="there are no executed copies here")
def test_executed_copies_are_small_and_complete():
    assert sum(path.stat().st_size for path in EXECUTED) < 20e6  # 30 runs
    runs = {f"{path.parent.name}/{path.stem}" for path in (PROJECT / "params").glob("*/*.yaml")}
    assert {f"{path.parent.name}/{path.stem}" for path in EXECUTED} == runs


def test_strip_takes_outputs_and_times_and_keeps_tags(tmp_path, capsys):
    cell = {"cell_type": "code", "id": "a", "source": "1", "execution_count": 3, "outputs": [{"x": 1}]}
    cell["metadata"] = {"tags": ["parameters"], "papermill": {"start_time": 1}, "collapsed": True}
    path = tmp_path / "a.ipynb"
    path.write_text(
        json.dumps({"cells": [cell], "metadata": {"widgets": {}}, "nbformat": 4, "nbformat_minor": 5})
    )
    assert main([str(tmp_path), "--check"]) == 1 and "is not stripped" in capsys.readouterr().out
    assert main([str(tmp_path)]) == 0
    assert main([str(tmp_path), "--check"]) == 0
    left = json.loads(path.read_text())
    assert left["cells"][0] == cell | {
        "metadata": {"tags": ["parameters"]},
        "execution_count": None,
        "outputs": [],
    }
    assert set(left["metadata"]) == {"kernelspec", "language_info"}


def test_an_executed_copy_keeps_outputs_and_parameters_only():
    cell = {"cell_type": "code", "id": "x81", "source": "1", "execution_count": 3, "outputs": [{"x": 1}]}
    cell["metadata"] = {"tags": ["injected-parameters"], "papermill": {"duration": 2.0}}
    papermill = {"parameters": {"run": "a"}, "input_path": "/somewhere/a.ipynb", "duration": 3.0}
    metadata = {"papermill": papermill, "widgets": {}, "kernelspec": {"name": "python3"}}
    left = timeless({"cells": [cell], "metadata": metadata, "nbformat": 4, "nbformat_minor": 5})
    assert left["metadata"] == {"kernelspec": {"name": "python3"}, "papermill": {"parameters": {"run": "a"}}}
    assert left["cells"][0]["metadata"] == {"tags": ["injected-parameters"]}
    assert left["cells"][0]["outputs"] == [{"x": 1}] and left["cells"][0]["id"] == "injected-parameters"
