"""The batch engine: what is out of date and why, and what is left after failures, kills and company."""

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from importlib.metadata import PackageNotFoundError
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

import fake_laboratory
from fake_laboratory import Laboratory
from wikitopics import paths
from wikitopics.artefacts import read_json, write_json
from wikitopics.batch import driver
from wikitopics.batch import run as batch
from wikitopics.batch.plan import Run, plan, reasons
from wikitopics.errors import UserError
from wikitopics.images import squares
from wikitopics.params import read_params
from wikitopics.runs import fingerprint, record

EVERY = ["01_labels/a", "01_labels/b", "02_images/s", "03_train/x", "03_train/y"]
EVERY += ["04_evaluate/x", "04_evaluate/y", "05_compare/grid"]


@pytest.fixture
def laboratory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Laboratory:
    monkeypatch.setenv("WIKITOPICS_ROOT", str(tmp_path))
    made = Laboratory(tmp_path)
    made.small()
    return made


class Instant:
    """Stands in for the process that executes a notebook: writes what it would leave, at once."""

    def __init__(self) -> None:
        self.made: list[str] = []
        self.fails: set[str] = set()
        self.texts: dict[str, str] = {}  # what a run writes, where it is not its name

    def start(self, run: Run) -> "Instant.Ended":
        assert all(record.content(*need.split("/")) for need in run.inputs), "started before its inputs"
        self.made.append(run.name)
        if run.name in self.fails:
            return self.Ended(1)
        record.forget(run.stage, run.run)
        make(run.stage, run.run, self.texts.get(run.name, run.name))
        paths.run_notebook(run.stage, run.run).write_text("{}")
        return self.Ended(0)

    class Ended:
        def __init__(self, exitcode: int) -> None:
            self.exitcode = exitcode

        def kill(self) -> None:
            pass


def make(stage: str, run: str, text: str, **changed) -> None:
    """What a stage's notebook does, without a kernel: begin, write one artefact, finish."""
    parameters = read_params(stage, run)[1] | changed
    folder = record.start_run(stage, parameters)
    (folder / "text").write_text(text)
    record.finish_run(folder, parameters, time.time())


@pytest.fixture
def instant(laboratory, monkeypatch) -> Instant:
    executor = Instant()
    monkeypatch.setenv("WIKITOPICS_BATCH", "1")
    monkeypatch.setattr(batch, "Local", lambda jobs, stages: executor)
    monkeypatch.setattr(driver, "SECONDS_BETWEEN_LOOKS", 0)
    assert batch.run_batch([]) == []
    assert sorted(executor.made) == EVERY
    executor.made.clear()
    return executor


def remade(instant: Instant) -> list[str]:
    """What a repeat makes; the repeat after it must find nothing to do."""
    assert batch.run_batch([]) == []
    made = sorted(instant.made)
    instant.made.clear()
    assert batch.run_batch([]) == [] and instant.made == []
    return made


def why(name: str) -> str:
    return reasons(plan())[name]


def test_a_repeat_does_nothing(instant):
    assert remade(instant) == []


def test_a_touched_or_saved_notebook_is_no_change(laboratory, instant):
    path = laboratory.root / "notebooks/01_labels.ipynb"
    notebook = json.loads(path.read_text())
    for cell in notebook["cells"]:
        cell["metadata"]["executionInfo"] = {"elapsed": 3}
        if cell["cell_type"] == "code":
            cell["outputs"] = [{"output_type": "stream", "name": "stdout", "text": "hello"}]
            cell["execution_count"] = 7
        else:
            cell["source"] = "other prose"
    path.write_text(json.dumps(notebook))
    os.utime(path, (1, 1))
    os.utime(laboratory.root / "params/01_labels/a.yaml")
    assert remade(instant) == []


def test_a_comment_in_a_params_file_is_no_change(laboratory, instant):
    laboratory.params("01_labels/b", "value: 2  # because")
    laboratory.params("01_labels/a", "value: 1  # the default, said")
    assert remade(instant) == []


def test_a_code_cell_reruns_its_stage_and_what_follows(laboratory, instant):
    laboratory.notebook("03_train", "print(1)")
    assert why("03_train/x") == "its notebook's code was changed"
    assert why("04_evaluate/x") == "03_train/x is made before it and may come out otherwise"
    assert remade(instant) == EVERY[3:5]  # they came out as they were


def test_what_comes_out_otherwise_reruns_what_follows(laboratory, instant):
    laboratory.notebook("03_train", "print(1)")
    instant.texts["03_train/y"] = "other"
    assert remade(instant) == ["03_train/x", "03_train/y", "04_evaluate/y"]
    laboratory.notebook("03_train", "print(2)")
    instant.texts |= {
        "03_train/x": "new",
        "03_train/y": "new",
        "04_evaluate/x": "new",
        "04_evaluate/y": "new",
    }
    assert remade(instant) == EVERY[3:]


def test_a_parameter_reruns_one_run_and_its_dependants(laboratory, instant):
    laboratory.params("03_train/x", "learning_rate: 0.2")
    assert why("03_train/x") == "learning_rate is 0.2, was 0.1"
    assert remade(instant) == ["03_train/x", "04_evaluate/x"]  # a run's parameters are part of its content


def test_another_default_is_another_parameter(laboratory, instant, monkeypatch):
    path = laboratory.root / "notebooks/01_labels.ipynb"
    path.write_text(path.read_text().replace("value: int = 1", "value: int = 3"))
    assert remade(instant) == ["01_labels/a", "02_images/s", "03_train/x"]  # b sets its own value


def test_how_it_is_shown_is_not_in_the_key(laboratory, instant):
    laboratory.params("01_labels/a", "interactive: false")
    assert remade(instant) == []


def test_another_version_of_a_package_that_computes(laboratory, instant, monkeypatch):
    assert plan()["01_labels/a"].ingredients["versions"].keys() == {"numpy", "pandas"}
    monkeypatch.setattr(fingerprint, "version", lambda name: "99")
    assert why("01_labels/a") == "numpy is '99', was " + repr(__import__("numpy").__version__)


def test_an_engine_counts_for_the_runs_that_compute_with_it(laboratory, instant, monkeypatch):
    source = 'run: str = "a"\nlabel_source: str = "commons"\nvalue: int = 1'
    monkeypatch.setitem(fake_laboratory.PARAMETERS, "01_labels", source)
    laboratory.notebook("01_labels")
    laboratory.params("01_labels/a", "label_source: commons-learned-deep")
    real = fingerprint.version
    monkeypatch.setattr(fingerprint, "version", lambda name: "1" if name == "onnxruntime" else real(name))
    remade(instant)
    assert "engine" not in plan()["01_labels/b"].ingredients
    monkeypatch.setattr(fingerprint, "version", lambda name: "2" if name == "onnxruntime" else real(name))
    assert why("01_labels/a") == "onnxruntime is '2', was '1'" and why("01_labels/b") == ""

    def missing(name):
        if name == "onnxruntime":
            raise PackageNotFoundError(name)
        return real(name)

    monkeypatch.setattr(fingerprint, "version", missing)
    with pytest.raises(UserError, match="commons-learned-deep needs onnxruntime, .*wikitopics.deep."):
        plan()


def test_the_library_of_presets_counts_for_the_runs_that_see_with_one(monkeypatch):
    monkeypatch.setattr(fingerprint, "version", lambda name: "1")
    assert fingerprint.engine({"backbone": "keras_hub:a"}) == {"engine": {"keras-hub": "1"}}
    assert fingerprint.engine({"backbone": "EfficientNetLite0"}) == {}


@pytest.mark.parametrize(
    ("lost", "reason"), [("data/{}", "never finished"), ("data/{}/text", "its text is missing")]
)
def test_deleted_artefacts_rebuild_that_run_alone(laboratory, instant, lost, reason):
    path = laboratory.root / lost.format("03_train/y")
    shutil.rmtree(path) if path.is_dir() else path.unlink()
    assert reason in why("03_train/y") and "may come out otherwise" in why("04_evaluate/y")
    assert remade(instant) == ["03_train/y"]  # the same bytes again


def test_a_dependant_knows_when_its_input_was_remade_alone(laboratory, instant):
    instant.texts["02_images/s"] = "other"
    shutil.rmtree(laboratory.root / "data/02_images/s")
    assert batch.run_batch(["02_images/s"]) == []
    assert why("03_train/x") == "02_images/s was changed"
    instant.made.clear()
    assert remade(instant) == EVERY[3:5]


def test_a_changed_file_and_a_missing_notebook(laboratory, instant):
    (laboratory.root / "data/04_evaluate/x/text").write_text("half")
    (laboratory.root / "data/04_evaluate/y/notebook.ipynb").unlink()
    assert why("04_evaluate/x") == "its text was changed"
    assert why("04_evaluate/y") == "its executed notebook is missing"
    assert remade(instant) == ["04_evaluate/x", "04_evaluate/y"]


def test_a_changed_file_of_the_same_size_is_told_by_its_content(laboratory, instant):
    text = laboratory.root / "data/04_evaluate/x/text"
    later = time.time() + 60
    os.utime(text, (later, later))
    assert why("04_evaluate/x") == ""
    text.write_text(text.read_text()[::-1])
    os.utime(text, (later, later))
    assert why("04_evaluate/x") == "its text was changed"


def test_named_runs_are_made_again_when_asked(laboratory, instant):
    assert batch.run_batch(["04_evaluate"], again=True) == []
    assert sorted(instant.made) == ["04_evaluate/x", "04_evaluate/y"]


def test_a_record_that_names_files_elsewhere_deletes_nothing_there(laboratory, instant):
    """made_from.json may come from anybody: names in it never leave the run's folder."""
    precious = laboratory.root / "precious"
    precious.write_text("mine")
    place = laboratory.root / "data/04_evaluate/x/made_from.json"
    known = read_json(place)
    for name in (str(precious), "../../../precious", "reviews.parquet"):
        known["artefacts"][name] = {"bytes": 4, "sha256": "0"}
    write_json(place, known)
    (place.parent / "reviews.parquet").write_text("a verdict")
    assert "is missing" in why("04_evaluate/x")
    record.forget("04_evaluate", "x")
    assert precious.read_text() == "mine" and (place.parent / "reviews.parquet").read_text() == "a verdict"


def test_a_run_made_outside_of_the_batch_is_the_run(laboratory, instant, monkeypatch):
    shutil.rmtree(laboratory.root / "data/03_train/x")
    monkeypatch.delenv("WIKITOPICS_BATCH")
    make("03_train", "x", "03_train/x")
    assert remade(instant) == []
    make("03_train", "x", "03_train/x", learning_rate=0.3)
    assert why("03_train/x") == "it was made in Python with learning_rate 0.3, not 0.1"


def test_looking_at_a_finished_run_changes_nothing(laboratory, instant, monkeypatch, capsys):
    """Somebody runs the notebook's cells again: half of them, all of them, with other numerics."""
    monkeypatch.delenv("WIKITOPICS_BATCH")
    text = laboratory.root / "data/03_train/x/text"
    parameters = read_params("03_train", "x")[1]
    folder = record.start_run("03_train", parameters)
    (folder / "text").write_text("half")
    assert text.read_text() == "03_train/x" and remade(instant) == []  # and goes away
    make("03_train", "x", "the same to the last digit but one")
    assert "it stays as it is" in capsys.readouterr().out
    assert text.read_text() == "03_train/x" and remade(instant) == []
    make("03_train", "x", "another", learning_rate=0.3)
    assert text.read_text() == "another" and not (text.parent / "notebook.ipynb").exists()


def test_a_set_made_again_in_jupyter_with_pixels_is_not_taken_for_its_jpegs_of_before(
    laboratory, instant, monkeypatch
):
    monkeypatch.delenv("WIKITOPICS_BATCH")
    parameters, pixels = read_params("02_images", "s")[1], np.zeros((3, 8, 8, 3), np.uint8)
    for value, store in enumerate(("jpeg", "pixels", "jpeg"), 2):
        folder = record.start_run("02_images", parameters | {"value": value})
        if store == "jpeg":
            with squares.growing_shards(squares.place(folder, store)) as append:
                append(pa.array([squares.jpeg(one) for one in pixels]))
        else:
            np.save(squares.place(folder, store), pixels)
        record.finish_run(folder, parameters | {"value": value}, time.time())
        found = squares.read_squares(paths.run_folder("02_images", "s"))
        assert isinstance(found, squares.Jpegs) == (store == "jpeg") and len(found) == 3


@pytest.mark.parametrize("place", [".ipynb_checkpoints", ".squares.1.part"])
def test_what_lies_in_a_hidden_folder_of_a_run_is_no_artefact(laboratory, instant, place):
    hidden = laboratory.root / "data/03_train/x" / place / "notebook-checkpoint.ipynb"
    hidden.parent.mkdir()
    hidden.write_text("as somebody saved it")
    assert batch.run_batch(["03_train/x"], again=True) == []
    assert list(record.made_from("03_train", "x")["artefacts"]) == ["text"]
    hidden.write_text("and once more")
    instant.made.clear()
    assert remade(instant) == []


def test_what_people_and_later_runs_add_is_no_change(laboratory, instant):
    (laboratory.root / "data/04_evaluate/x/mine.txt").write_text("a note")
    cache = laboratory.root / "data/02_images/s/features/lite0.npy"
    cache.parent.mkdir()
    cache.write_text("features")
    assert remade(instant) == []


def test_a_file_that_a_parameter_names_counts_by_its_content(laboratory, instant):
    path = laboratory.root / "notebooks/03_train.ipynb"
    path.write_text(path.read_text().replace('"run: str', '"weights: str = \\"imagenet\\"\\nrun: str'))
    weights = laboratory.root / "mine.h5"
    weights.write_text("one")
    laboratory.params("03_train/x", "weights: mine.h5")
    assert remade(instant) == ["03_train/x", "03_train/y", "04_evaluate/x", "04_evaluate/y"]
    os.utime(weights, (1, 1))
    assert remade(instant) == []
    weights.write_text("two")
    assert why("03_train/x") == "what its weights names was changed"
    assert remade(instant) == ["03_train/x"]


@pytest.mark.parametrize("text", ['{"key": "', "[]", '{"key": 1}'])
def test_a_record_that_is_none(laboratory, instant, text):
    (laboratory.root / "data/01_labels/a/made_from.json").write_text(text)
    assert "an earlier version" in why("01_labels/a")


def test_a_library_module_counts_where_it_is_reached(laboratory, instant, tmp_path, monkeypatch):
    package = tmp_path / "package"
    shutil.copytree(fingerprint.PACKAGE, package)
    monkeypatch.setattr(fingerprint, "PACKAGE", package)
    assert remade(instant) == []
    for module in ("progress.py", "batch.py", "show/figures.py"):  # only drives, not imported, not reached
        with open(package / module, "a") as file:
            file.write("# changed\n")
    assert remade(instant) == []
    with open(package / "artefacts.py", "a") as file:
        file.write("# changed\n")
    assert why("01_labels/a") == "wikitopics.artefacts was changed"
    assert "01_labels/a" in why("02_images/s") or why("02_images/s")


def test_imports_are_followed_through_the_library(tmp_path, monkeypatch):
    monkeypatch.setattr(fingerprint, "PACKAGE", tmp_path)
    for name, text in {
        "a/__init__.py": "",
        "a/one.py": "def f():\n    from wikitopics.b import two\n",
        "a/data.csv": "1",
        "a/tables/deep.csv": "2",
        "b/__init__.py": "from . import three",
        "b/two.py": "NAMES = {'x': 'wikitopics.c.four:F'}",
        "b/three.py": "import keras",
        "b/unused.py": "",
        "c/__init__.py": "",
        "c/four.py": "",
    }.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    modules, packages = fingerprint.reached(["%matplotlib inline\nfrom wikitopics.a.one import f"])
    assert sorted(modules) == [
        "wikitopics." + n for n in ("a", "a.one", "b", "b.three", "b.two", "c", "c.four")
    ]
    assert "keras" in packages
    (tmp_path / "a/CARD.md").write_text("a card explains, and decides nothing")
    files = fingerprint.library_files(modules).keys()
    assert {"a/data.csv", "a/tables/deep.csv"} <= files and "a/CARD.md" not in files


def test_an_edit_while_it_is_made_is_not_lost(laboratory, instant):
    run = plan()["04_evaluate/x"]
    assert fingerprint.unchanged(run.stage, run.ingredients)
    path = laboratory.notebook("04_evaluate", "print(1)")
    assert not fingerprint.unchanged(run.stage, run.ingredients)
    path.write_text(laboratory.notebook("04_evaluate").read_text())  # and taken back
    folder = record.start_run("04_evaluate", read_params("04_evaluate", "x")[1])
    laboratory.notebook("04_evaluate", "print(1)")
    record.finish_run(folder, {}, time.time())
    laboratory.notebook("04_evaluate")
    assert why("04_evaluate/x") == "it was edited while it was made"


def test_a_failure_skips_its_dependants_only(laboratory, instant, capsys):
    instant.fails = {"03_train/y"}
    laboratory.notebook("03_train", "print(1)")
    instant.texts["03_train/x"] = "new"
    assert batch.run_batch([]) == ["03_train/y", "04_evaluate/y", "05_compare/grid"]
    assert "04_evaluate/x" in instant.made and "04_evaluate/y" not in instant.made
    said = capsys.readouterr().out
    assert "skipped: 03_train/y failed" in said and "2 made, 1 failed, 2 skipped" in said
    instant.fails = set()
    instant.made.clear()
    assert remade(instant) == ["03_train/y"]


def test_a_named_run_brings_what_it_needs_and_no_more(laboratory, instant):
    laboratory.notebook("01_labels", "print(1)")
    batch.run_batch(["03_train/y", "01_labels"])
    assert sorted(instant.made) == ["01_labels/a", "01_labels/b"]  # the others read the same as before


def test_a_run_finished_by_hand_is_read_but_not_made(laboratory, instant):
    folder = laboratory.root / "data/01_labels/mine"
    folder.mkdir()
    (folder / "run.json").write_text('{"seconds": 1}')
    laboratory.params("02_images/t", "labels: [mine]")
    assert remade(instant) == ["02_images/t"]
    (folder / "run.json").write_text('{"seconds": 2}')
    assert why("02_images/t") == "01_labels/mine was changed"


@pytest.mark.parametrize(
    ("name", "text", "part"),
    [
        ("03_train/z", "labels: nobody", "no 'nobody'"),
        ("03_train/z", "learning_rate: 1e-4", "write 1.0e-4"),
        ("06_dream/z", "", "a folder of params/ must be one of"),
    ],
)
def test_mistakes_end_it_before_anything_runs(laboratory, instant, name, text, part):
    shutil.rmtree(laboratory.root / "data")
    laboratory.params(name, text)
    with pytest.raises(UserError, match=part):
        batch.run_batch([])
    assert instant.made == []


def test_names_that_are_not_there(laboratory):
    with pytest.raises(UserError, match=r"'03_train/xx' has none; did you mean 03_train/x\?"):
        plan(["03_train/xx"])
    shutil.rmtree(laboratory.root / "params")
    with pytest.raises(UserError, match="must hold STAGE/RUN.yaml files"):
        plan()


# From here on with real kernels.


def alive(root: Path) -> list[str]:
    """Processes whose working directory is the laboratory: its drivers and kernels."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            if Path(os.readlink(process / "cwd")) == root:
                found.append((process / "cmdline").read_text().replace("\0", " "))
        except OSError:
            continue
    return found


def wait_until(condition, seconds: float = 60) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "it did not happen in time"
        time.sleep(0.05)


def chain(laboratory: Laboratory, seconds: float = 0) -> None:
    """Two independent runs, and one that needs both."""
    shutil.rmtree(laboratory.root / "params")
    laboratory.params("01_labels/a", f"seconds: {seconds}")
    laboratory.params("01_labels/b", f"seconds: {seconds}")
    laboratory.params("02_images/s", "labels: [a, b]")


CHAIN = ["01_labels/a", "01_labels/b", "02_images/s"]


def test_a_real_run_and_a_real_failure(laboratory):
    chain(laboratory)
    laboratory.params("01_labels/bad", "fail: true")
    laboratory.params("02_images/t", "labels: [bad]")
    assert "01_labels/a    would run: it was never finished here" in laboratory.run("--dry-run")
    assert laboratory.ran() == []
    said = laboratory.run(code=1)
    assert laboratory.ran() == sorted([*CHAIN, "01_labels/bad"])
    assert "failed after" in said and "ValueError: planted" in said
    assert "skipped: 01_labels/bad failed" in said and "3 made, 1 failed, 1 skipped" in said
    part = json.loads((laboratory.root / "data/01_labels/bad/notebook.part.ipynb").read_text())
    assert any("planted" in json.dumps(cell.get("outputs", "")) for cell in part["cells"])
    assert not (laboratory.root / "data/01_labels/bad/notebook.ipynb").exists()
    assert "step 10 of 10" in (laboratory.root / "data/.batch/01_labels/a.log").read_text()

    text = (laboratory.root / "data/02_images/s/notebook.ipynb").read_text()
    executed = json.loads(text)
    assert executed["metadata"]["papermill"] == {
        "parameters": {"run": "s", "labels": ["a", "b"], "interactive": False}
    }
    assert all(set(cell["metadata"]) <= {"tags"} for cell in executed["cells"])
    assert "made s" in text and str(laboratory.root) not in text and "start_time" not in text
    assert "'interactive': False" in laboratory.text("02_images/s")


FIRST = """
import sys
had, ours = "matplotlib" in sys.modules, [name for name in sys.modules if name.startswith("wikitopics")]
"""
LAST = """
import atexit, json, multiprocessing, random, matplotlib.pyplot, numpy
multiprocessing.set_start_method("spawn")
chance = [random.random(), float(numpy.random.rand())]
shows, history = matplotlib.get_backend(), str(get_ipython().history_manager.hist_file)
found = {"had": had, "ours": ours, "chance": chance, "shows": shows, "history": history}
(folder / "kernel.json").write_text(json.dumps(found))
ended = folder.parent / f"ended-{run}"
atexit.register(ended.touch)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere kernels are new interpreters")
def test_kernels_share_what_takes_long_to_import_and_nothing_else(laboratory):
    chain(laboratory)
    laboratory.notebook("01_labels", LAST, FIRST)
    laboratory.run()
    a, b = (read_json(laboratory.root / f"data/01_labels/{run}/kernel.json") for run in "ab")
    assert a["had"] and b["had"] and a["ours"] == b["ours"] == []
    assert a["chance"][0] != b["chance"][0] and a["chance"][1] != b["chance"][1]
    assert "inline" in a["shows"], "figures are shown in the notebook, as in a new kernel"
    assert a["history"] == ":memory:", "cells of a batch are none that a person typed"
    assert all((laboratory.root / f"data/01_labels/ended-{run}").exists() for run in "ab"), "ended in order"
    laboratory.params("01_labels/b", "seconds: 0.1")
    laboratory.run("01_labels/b")
    assert not read_json(laboratory.root / "data/01_labels/b/kernel.json")["had"], (
        "one run alone imports what it needs itself"
    )


@pytest.mark.skipif(not Path("/proc/self/task").exists(), reason="counts threads in Linux's /proc")
def test_the_engine_of_networks_is_imported_without_its_remarks_and_without_threads():
    pytest.importorskip("tensorflow")
    script = """
import wikitopics.batch.networks, pathlib
names = [task.joinpath("comm").read_text().strip() for task in pathlib.Path("/proc/self/task").iterdir()]
print([name for name in names if name.startswith("tf_")])  # the engine's; libraries have others
"""
    told = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert (told.stdout, told.stderr) == ("[]\n", "")


@pytest.mark.skipif(not Path("/proc/self/cwd").exists(), reason="looks for processes in Linux's /proc")
@pytest.mark.parametrize(
    ("number", "code"), [(signal.SIGKILL, -9), (signal.SIGTERM, 143), (signal.SIGINT, 130)]
)
def test_a_stopped_driver_leaves_no_process_and_goes_on(laboratory, number, code):
    chain(laboratory)
    laboratory.params("01_labels/b", "seconds: 600")
    driver = laboratory.start()
    wait_until((laboratory.root / "data/01_labels/a/notebook.ipynb").exists)
    wait_until(lambda: "01_labels/b" in (laboratory.root / "ran").read_text())
    assert len(alive(laboratory.root)) > 1
    driver.send_signal(number)
    began = time.monotonic()
    driver.wait(10)
    assert driver.returncode == code and time.monotonic() - began < 5
    wait_until(lambda: not alive(laboratory.root), 5)
    assert ("stopped by" in driver.stderr.read()) == (number != signal.SIGKILL)
    if number != signal.SIGKILL:
        return
    laboratory.ran()
    laboratory.params("01_labels/b")
    laboratory.run()
    assert laboratory.ran() == ["01_labels/b", "02_images/s"]
    assert not list(laboratory.root.glob("data/**/*.part.ipynb"))


def test_two_drivers_share_the_work(laboratory):
    chain(laboratory, seconds=3)
    drivers = [laboratory.start("-j", "1"), laboratory.start("-j", "1")]
    said = [driver.communicate(timeout=120)[0] for driver in drivers]
    assert [driver.returncode for driver in drivers] == [0, 0]
    assert laboratory.ran() == CHAIN
    assert sum(text.count("] 01_labels") and text.count(" made in ") for text in said) == 3


def test_a_cluster_makes_the_runs(laboratory):
    distributed = pytest.importorskip("distributed", reason="the extra [cluster] is not installed")
    chain(laboratory)
    with distributed.LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address=None) as cluster:
        said = laboratory.run("--dask", cluster.scheduler_address)
    assert "3 made" in said and laboratory.ran() == CHAIN
