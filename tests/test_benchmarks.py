"""Benchmarks: what they lack is a sentence; what each of them tells is one table, whatever the others do."""

import json
import os
import subprocess
import sys
import time
from importlib import import_module

import pytest

from wikitopics.paths import PROJECT

FOLDER = PROJECT / "benchmarks"
LIBRARIES = {"commons_like", "download_like", "dump_ways", "explain", "features_like"}
LIBRARIES |= {"grid_least", "june_2022", "stopwatch"}
PROGRAMS = sorted(path.stem for path in FOLDER.glob("*.py") if path.stem not in LIBRARIES)
# What no extra brings, as the environment of somebody who installed the core alone.
BLOCKED = """
import runpy, sys

class Missing:
    def find_spec(self, name, *_):
        if name.partition(".")[0] in {"keras", "tensorflow", "keras_hub", "networkx", "selenium", "faiss"}:
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)

sys.meta_path.insert(0, Missing())
sys.argv = sys.argv[1:]
sys.path.insert(0, sys.argv[0].rpartition("/")[0])
runpy.run_path(sys.argv[0], run_name="__main__")
"""


@pytest.fixture
def bench(monkeypatch):
    monkeypatch.syspath_prepend(str(FOLDER))
    before = sys.excepthook
    yield import_module("bench")
    sys.excepthook = before


@pytest.mark.slow
@pytest.mark.parametrize("program", PROGRAMS)
def test_help_is_told_and_where_an_extra_is_missing_a_sentence(program):
    call = [sys.executable, "-c", BLOCKED, str(FOLDER / f"{program}.py"), "--help"]
    done = subprocess.run(call, capture_output=True, text=True, timeout=120)
    assert "Traceback" not in done.stderr, done.stderr
    if done.returncode:
        assert done.stderr.splitlines()[-1].endswith("run: pip install 'wikitopics[train]'"), done.stderr
    else:
        assert done.stdout.startswith("usage: ")


def programs(bench, monkeypatch, folder, **texts: str):
    """Benchmarks of a line or two, each with one figure, "value", that must be 2 at most."""
    monkeypatch.setattr(bench, "HERE", folder)
    for name, text in texts.items():
        (folder / f"{name}.py").write_text(text)
    figure = bench.Figure("a value", lambda told: told["value"], " s", most=2)
    return [bench.Run(f"{name}.py --quick", 30, [figure]) for name in texts]


def test_what_fails_says_so_in_its_row_and_the_others_run(bench, monkeypatch, tmp_path):
    runs = programs(
        bench,
        monkeypatch,
        tmp_path,
        good="print('words'); print('{\"value\": 1.5}')",
        large="print('{\"value\": 2.5}')",
        other="print('{\"another\": 2.5}')",
        lists="print('[1]')",
        broken="import sys; sys.exit('it needs mariadb-server; install it')",
        silent="pass",
        late="import time; time.sleep(60)",
    )
    runs[-1] = runs[-1]._replace(seconds=1)
    rows = bench.measure(runs)
    assert [row[1] for row in rows] == ["1.5 s", "2.5 s", *[""] * 5]
    assert [row[3] for row in rows] == [
        "met",
        "**missed**",
        "not measured: KeyError 'value'",
        "not measured: TypeError list indices must be integers or slices, not str",
        "not measured: it needs mariadb-server; install it",
        "not measured: its last line is no JSON",
        "not measured: it took more than 1 s",
    ]
    assert {row[2] for row in rows} == {"at most 2 s"} and rows[0][4] == "`good.py --quick`"


def test_a_line_of_another_form_is_told_in_the_row(bench):
    run = bench.Run("a.py", 1, [bench.Figure("", bench.exponents, most=1)])
    assert "not measured: AttributeError" in bench.rows_of(run, {"exponents": [1.0]}, "")[0][3]


def test_when_the_time_is_over_the_rest_is_not_begun(bench, monkeypatch, tmp_path):
    runs = programs(bench, monkeypatch, tmp_path, one="open('made', 'w')")
    assert [row[3] for row in bench.measure(runs, 0.5)] == ["not measured: 0 minutes are over"]
    assert not (tmp_path / "made").exists()


def test_a_limit_holds_on_its_side_and_at_its_value(bench):
    most, least = (bench.Figure("", float, "×", **limit) for limit in ({"most": 2}, {"least": 2}))
    assert [most.met(value) for value in (1, 2, 3)] == [True, True, False]
    assert [least.met(value) for value in (1, 2, 3)] == [False, True, True]
    assert (most.wanted, least.wanted) == ("at most 2×", "at least 2×")
    assert not most.met(float("nan")) and not least.met(float("nan"))


def test_the_table_replaces_the_one_before_and_nothing_else(bench):
    page = f"before\n{bench.BEGIN}\n\nold\n\n{bench.END}\nafter\n"
    new = bench.with_table(page, "| new |\n")
    assert new == f"before\n{bench.BEGIN}\n\n| new |\n\n{bench.END}\nafter\n"
    assert bench.with_table(new, "| new |") == new
    with pytest.raises(SystemExit, match="once each; put them back"):
        bench.with_table("a page without", "| new |")


def test_the_page_has_a_place_for_the_table_and_every_benchmark_is_there(bench):
    bench.with_table((FOLDER / "README.md").read_text("utf-8"), "")
    assert {run.command.split()[0] for run in bench.RUNS} <= {path.name for path in FOLDER.glob("*.py")}
    assert all(run.figures and run.seconds <= 360 for run in bench.RUNS)


def test_the_table_of_the_page_is_of_the_benchmarks_as_they_are(bench):
    """A row that was renamed, or a limit that was moved, needs `make bench` once more."""
    page = (FOLDER / "README.md").read_text("utf-8")
    lines = page[page.index(bench.BEGIN) : page.index(bench.END)].splitlines()
    rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines if line.startswith("|")]
    figures = [(figure, f"`{run.command}`") for run in bench.RUNS for figure in run.figures]
    assert [(what, wanted, command) for what, _, wanted, _, command in rows[2:]] == [
        (figure.what, figure.wanted, command) for figure, command in figures
    ]
    for (figure, _), (_, value, _, verdict, _) in zip(figures, rows[2:], strict=True):
        number = float(value.removesuffix(figure.unit.strip()).strip())
        assert verdict == ("met" if figure.met(number) else "**missed**"), figure.what


@pytest.mark.parametrize("asked", [{"only": "no such word"}, {"only": "grid", "write": True}])
def test_an_empty_table_and_a_part_of_one_are_refused_before_anything_runs(bench, monkeypatch, asked):
    monkeypatch.setattr(bench, "measure", lambda runs: pytest.fail("it ran"))
    with pytest.raises(SystemExit, match="--(only|write) must be .* (see --dry|leave one out)"):
        bench.main(**{"dry": False, "write": False} | asked)


@pytest.mark.parametrize("stopped", [None, KeyboardInterrupt])
def test_what_is_stopped_leaves_no_process_behind(bench, monkeypatch, tmp_path, stopped):
    """The benchmark, and what it started, which holds its pipes."""
    child = "import os, time; open('pids', 'a').write(f'{os.getpid()} '); time.sleep(5); open('end', 'w')"
    text = f"import subprocess, sys; subprocess.Popen([sys.executable, '-c', {child!r}]); {child}"
    monkeypatch.chdir(tmp_path)
    (run,) = programs(bench, monkeypatch, tmp_path, late=text)

    def both_there(process, **_):
        while len((tmp_path / "pids").read_text().split() if (tmp_path / "pids").exists() else ()) < 2:
            time.sleep(0.01)
        raise stopped or subprocess.TimeoutExpired("late", 1)

    with monkeypatch.context() as patch:
        told, communicate = [], subprocess.Popen.communicate
        patch.setattr(
            subprocess.Popen,
            "communicate",
            lambda process, **given: both_there(process) if given else told.append(communicate(process)),
        )
        if stopped:
            with pytest.raises(stopped):
                bench.told_by(run, 30)
        else:
            assert bench.told_by(run, 30) == (None, "not measured: it took more than 30 s")
    assert told and not (tmp_path / "end").exists()  # the pipes are closed: nobody holds them any more


def test_an_extra_and_a_mistake_are_sentences_and_a_fault_of_the_code_is_none(bench):
    explain = import_module("explain")
    told = explain.sentence(ModuleNotFoundError(name="keras.src.legacy"))
    assert told == "this benchmark needs keras, which is not installed; run: pip install 'wikitopics[train]'"
    failed = subprocess.CalledProcessError(2, [sys.executable, "a.py"], stderr="words\nthe reason\n")
    assert explain.sentence(failed) == "the reason"
    assert explain.sentence(KeyError("a")) is None


def test_the_seconds_of_larger_sets_are_scaled_and_a_verdict_is_not(tmp_path):
    environment = os.environ | {"OPENBLAS_NUM_THREADS": "1"}
    call = [sys.executable, str(FOLDER / "scale.py"), "slices", "--rows", "400"]
    done = subprocess.run(call, capture_output=True, text=True, check=True, env=environment)
    told = json.loads(done.stdout.splitlines()[-1])
    assert told["seconds_of_all"] == pytest.approx(told["seconds"] * 2000, rel=0.05)
    assert told["measured"] == 400 and told["all"] == 800_000


def test_rows_measured_anew_replace_the_same_rows_and_the_picture_shows_every_subject(bench):
    rows, pandas = import_module("rows"), import_module("pandas")
    lines = [("a", 10, 1.0, 5.0), ("a", 100, 10.0, 5.0), ("b", 100, 2.0, float("nan"))]
    before = pandas.DataFrame(lines, columns=rows.COLUMNS)
    table = rows.merged(before, pandas.DataFrame([("a", 100, 100.0, 50.0)], columns=rows.COLUMNS))
    assert table["cpu_seconds"].tolist() == [1.0, 100.0, 2.0]
    assert rows.exponent(table["rows"][:2], table["cpu_seconds"][:2]) == pytest.approx(2)
    figure = rows.drawn(table)
    assert [trace.name for trace in figure.data if trace.showlegend] == ["a: 2.00", "b: nan"]
    assert [list(trace.y) for trace in figure.data] == [[1.0, 100.0], [5.0, 50.0], [2.0], []]
    assert {axis.type for axis in (figure.layout.xaxis, figure.layout.yaxis, figure.layout.yaxis2)} == {"log"}
