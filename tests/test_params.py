"""Parameters: what a notebook may declare, what YAML may say, and the sentence for each mistake."""

import json
from pathlib import Path

import pytest

from wikitopics import params, paths, rules
from wikitopics.batch.plan import plan
from wikitopics.errors import UserError
from wikitopics.params import parse_cell

CELLS = {
    "01_labels": 'run: str = "a"  # name\nseed: int = 0\ntopic_threshold: float = 0.5  # share',
    "02_images": 'run: str = "a"\nlabels: list[str] = ["a"]\n'
    "validation_share: float = 0.2\ntest_share: float = 0.2",
    "03_train": 'run: str = "a"\nimages: str = "a"\nlabels: str = "a"\nlearning_rate: float = 0.001\n'
    'backbone: str = "EfficientNetLite0"\nlimit: int | None = None\ninteractive: bool = True',
}


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A root of its own with three tiny notebooks and one run of each of the first two stages."""
    monkeypatch.setenv("WIKITOPICS_ROOT", str(tmp_path))
    (tmp_path / "notebooks").mkdir()
    for stage, source in CELLS.items():
        cell = {"cell_type": "code", "metadata": {"tags": ["parameters"]}, "source": source}
        (tmp_path / "notebooks" / f"{stage}.ipynb").write_text(json.dumps({"cells": [cell]}))
    write("01_labels", "a", "run: a\n")
    write("02_images", "a", "run: a\n")
    return tmp_path


def write(stage: str, run: str, text: str) -> None:
    path = paths.params_file(stage, run)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, "utf-8")


def sentence(stage: str, run: str) -> str:
    with pytest.raises(UserError) as caught:
        params.read_params(stage, run)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_yaml_is_laid_over_the_defaults(root):
    write("03_train", "x", "run: x\nlearning_rate: 1  # a whole number is a number\n")
    given, merged = params.read_params("03_train", "x")
    assert given == {"run": "x", "learning_rate": 1}
    assert merged["learning_rate"] == 1.0 and isinstance(merged["learning_rate"], float)
    assert merged["backbone"] == "EfficientNetLite0" and merged["limit"] is None


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("learning_rte: 0.1", ["'learning_rte'", "did you mean learning_rate?"]),
        ("1: 2", ["key must be a parameter", "but 1 is none", "learning_rate"]),
        ("learning_rate: 1e-4", ["a finite number", "'1e-4'", "write 1.0e-4"]),
        ("learning_rate: 1e4", ["write 1.0e+4"]),
        ("learning_rate: .nan", ["a finite number", "but is nan"]),
        ("learning_rate: true", ["a finite number", "but is True"]),
        ("learning_rate: 0", ["above 0 and at most 1", "but is 0.0", "default is 0.001"]),
        ("backbone: EfficientNetLite9", ["one of EfficientNetLite0", "'EfficientNetLite9'"]),
        ("backbone: 3", ["must be text", "but is 3", "quotes"]),
        ("limit: many", ["a whole number or nothing (null)", "'many'"]),
        ("images: b", ["02_images has no 'b'", "only a"]),
        ("labels: ''", ["labels must be the name of a run of 01_labels", "''"]),
        ("interactive: 1", ["true or false"]),
        ("learning_rate: 0.1\nlearning_rate: 0.2", ["line 1", "learning_rate is given twice"]),
        ("learning_rate: [0.1", ["must be a YAML file", "line"]),
        ("limit: yes", ["a whole number", "but is True", "no numbers in YAML"]),
        ("limit: 20.0", ["but is 20.0", "write 20"]),
        ("limit: '20'", ["the text '20'", "write it without quotes"]),
        ("limit: 010", ["line 2", "010 is 8 in YAML", 'or "010" for the text']),
        ("limit: 1:30", ["1:30 is 90 in YAML"]),
        ("learning_rate: 0:0.5", ["0:0.5 is 0.5 in YAML"]),
        ("backbone: 2022-06-01", ["must be text", 'put it in quotes, as "2022-06-01"']),
        ("backbone: off", ["must be text", '"off"']),
        ("backbone: 2022-13-45", ["must be a YAML file", "month"]),
        ("LEARNING-RATE: 0.1", ["did you mean learning_rate?"]),
        ("learn: 0.1", ["did you mean learning_rate?"]),
        ("topic_threshold: 0.1", ["'topic_threshold' is none; it is a parameter of 01_labels"]),
        ("backbone: efficientnetlite2", ["did you mean 'EfficientNetLite2'?"]),
        ("backbone: [EfficientNetLite2]", ["must be text", "write it without brackets"]),
        ("backbone:", ["must be text", "write it behind the colon, or leave the line out"]),
        ("limit: 1e3", ["1e3 is text in YAML: write 1000"]),
        ("learning_rate: 1.5e3", ["1.5e3 is text in YAML: write 1.5e+3"]),
        ("limit: 3.5", ["but is 3.5; write a whole number"]),
        ("limit: ３", ["the text '３'; write a number"]),
        ("images: a.yaml", ["02_images has no 'a.yaml'", "did you mean 'a'?"]),
        ("images: 02_images/a", ["did you mean 'a'?"]),
    ],
)
def test_each_mistake_has_its_sentence(root, text, parts):
    write("03_train", "x", f"run: x\n{text}\n")
    message = sentence("03_train", "x")
    for part in ["03_train/x", *parts]:
        assert part in message


@pytest.mark.parametrize("text", ["run: y", "seed: 1", "run: 2024"])
def test_run_is_the_name_of_its_file(root, text):
    write("01_labels", "x", text)
    assert "must start with `run: x`" in sentence("01_labels", "x")


@pytest.mark.parametrize(
    ("run", "remedy"),
    [("2022", 'as "2022"'), ("no", 'as "no"'), ("on", 'as "on"'), ("2022-06-01", 'as "2022-06-01"')]
    + [("0x10", 'as "0x10"'), ("1_0", 'as "1_0"'), ("null", 'as "null"')],
)
def test_a_name_that_yaml_takes_for_something_else_is_to_be_quoted(root, run, remedy):
    write("01_labels", run, f"run: {run}\n")
    message = sentence("01_labels", run)
    assert remedy in message and f'`run: "{run}"`' in message
    write("01_labels", run, f'run: "{run}"\n')
    assert params.read_params("01_labels", run)[1]["run"] == run


def test_a_list_of_texts_that_are_numbers_is_to_be_quoted(root):
    write("02_images", "x", "run: x\nlabels: [2022]\n")
    assert 'in quotes, as ["2022"]' in sentence("02_images", "x")


def test_numbers_that_look_like_octal_but_are_not_are_taken(root):
    write("03_train", "x", "run: x\nlearning_rate: 0.010\nlimit: 0\n")
    assert params.read_params("03_train", "x")[0] == {"run": "x", "learning_rate": 0.01, "limit": 0}


@pytest.mark.parametrize("name", ["y.yml", "y.YAML", "y.Yml"])
def test_a_params_file_with_another_ending_is_told_not_skipped(root, name):
    (root / "params" / "01_labels" / name).write_text("run: y\n")
    with pytest.raises(UserError, match="must end in .yaml.*rename it to y.yaml"):
        params.params_files()


@pytest.mark.parametrize(
    ("name", "remedy"),
    [
        ("01_labels/y.yaml.txt", "rename it to y.yaml"),
        ("y.yaml", "move it to the folder of its stage"),
        ("01_labels/old/y.yaml", "move it to the folder of its stage"),
    ],
)
def test_a_params_file_that_would_never_run_is_told_not_skipped(root, name, remedy):
    (root / "params" / name).parent.mkdir(exist_ok=True)
    (root / "params" / name).write_text("run: y\n")
    with pytest.raises(UserError, match=rf"params/{name}; {remedy}"):
        params.params_files()


def test_what_editors_leave_beside_params_files_is_none(root):
    before = params.params_files()
    (root / "params" / "01_labels" / ".ipynb_checkpoints").mkdir()
    for name in (".ipynb_checkpoints/a-checkpoint.yaml", "._a.yaml", "a.yaml~", "notes.txt", "a.yaml.bak"):
        (root / "params" / "01_labels" / name).write_bytes(b"\0\5")
    assert params.params_files() == before and params.known_runs("01_labels") == ["a"]


def test_a_params_file_that_is_a_link_to_nothing_is_told(root):
    (root / "params" / "01_labels" / "l.yaml").symlink_to("nowhere")
    with pytest.raises(UserError, match=r"params/01_labels/l\.yaml .*No such file"):
        plan(["01_labels/l"])


@pytest.mark.parametrize("text", ["", "- a\n- b\n", "just text"])
def test_a_file_without_keys(root, text):
    write("01_labels", "x", text)
    assert "`key: value` lines" in sentence("01_labels", "x")


def test_a_file_that_is_not_text(root):
    write("01_labels", "x", "")
    paths.params_file("01_labels", "x").write_bytes(b"run: x\xff\xfe")
    assert "UTF-8" in sentence("01_labels", "x")


@pytest.mark.parametrize("run", ["", "..", ".hidden", "a/b", "a b", "é", "x" * 101, "a\n"])
def test_names_that_cannot_be_files(run):
    with pytest.raises(UserError, match="letters, digits"):
        params.check_run_name(run)


def test_lists_of_runs_and_shares(root):
    write("02_images", "x", "run: x\nlabels: a\n")
    assert "in brackets" in sentence("02_images", "x")
    write("02_images", "x", "run: x\nlabels: [a, a]\n")
    assert "one or more different runs of 01_labels" in sentence("02_images", "x")
    write("02_images", "x", "run: x\nlabels: []\n")
    assert "one or more different runs" in sentence("02_images", "x")
    write("02_images", "x", "run: x\ntest_share: 0.8\n")
    assert "together with test_share, below 1" in sentence("02_images", "x")


def test_a_notebook_checks_its_own_globals(root):
    values = {"run": "x", "images": "a", "labels": "a", "learning_rate": 0.1, "os": object()}
    assert params.check("03_train", values)["learning_rate"] == 0.1
    assert "os" not in params.check("03_train", values)
    with pytest.raises(UserError, match="learning_rate must be above 0"):
        params.check("03_train", values | {"learning_rate": 7.0})
    # Plain papermill only warns of a mistyped key; the cell that it injects is in IPython's history.
    with pytest.raises(UserError, match="did you mean learning_rate"):
        params.check("03_train", values | {"In": ["", "# Parameters\nrun = 'x'\nlearning_rte = 3\n"]})


def test_a_run_made_by_hand_in_jupyterlab_exists(root):
    (root / "data/02_images/mine").mkdir(parents=True)
    assert params.known_runs("02_images") == ["a"]
    (root / "data/02_images/mine/run.json").write_text("{}")
    assert params.known_runs("02_images") == ["a", "mine"]


@pytest.mark.parametrize(
    "source",
    ["a = 1", "a: int", "a: int = 1 + b", "import os", "a: int = 'x'", "a: float = 'x'", "a: Path = 1"],
)
def test_only_typed_literals_are_parameters(source):
    with pytest.raises(UserError):
        parse_cell(source)


def test_help_is_the_comment():
    rates = "rates: list[float] = [\n    0.1,  # slow\n    1,\n]  # tried in turn"
    found = parse_cell(f"# training\n{rates}\nname: str | None = None")
    assert found["rates"].default == [0.1, 1] and found["rates"].help == "tried in turn"
    assert found["name"].help == ""


@pytest.mark.parametrize(
    ("text", "part"),
    [
        ("taxonomy: v9", "01_labels/x: taxonomy must be one of"),
        ("heuristics: depth+nose", "01_labels/x: heuristics must be rules joined by +"),
        ("graph: nowhere", "graph must be '' or the path of a file or folder that is there"),
    ],
)
def test_what_another_part_reads_is_checked_by_it(root, text, part):
    source = CELLS["01_labels"] + '\ntaxonomy: str = "v1.4"\nheuristics: str = "depth"\ngraph: str = ""'
    cell = {"cell_type": "code", "metadata": {"tags": ["parameters"]}, "source": source}
    (root / "notebooks/01_labels.ipynb").write_text(json.dumps({"cells": [cell]}))
    write("01_labels", "x", "run: x\ngraph: notebooks  # a folder that is there\n")
    params.read_params("01_labels", "x")
    write("01_labels", "x", f"run: x\n{text}\n")
    assert part in sentence("01_labels", "x")


def test_conditions_between_parameters():
    rule = rules.RULES["01_labels"]["table"]
    assert not rule.holds("", {"source": "table"})
    assert rule.holds("", {"source": "sample"}) and rule.holds("t.csv", {"source": "table"})


def test_every_rule_names_a_declared_parameter():
    """A renamed parameter must not lose its rule silently."""
    for stage, table in rules.RULES.items():
        if (paths.PROJECT / "notebooks" / f"{stage}.ipynb").exists():
            assert set(table) <= set(params.declared(paths.PROJECT / "notebooks" / f"{stage}.ipynb"))


def test_every_params_file_of_the_project_is_right(monkeypatch):
    monkeypatch.delenv("WIKITOPICS_ROOT", raising=False)
    for path in sorted((paths.PROJECT / "params").glob("*/*.yaml")):
        params.read_params(path.parent.name, path.stem)
