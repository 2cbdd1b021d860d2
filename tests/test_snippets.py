"""What README and docs tell people to type: commands that parse, parameters that exist, names that import."""

import ast
import os
import re
import shlex
import subprocess
from importlib import import_module

import pytest
import yaml

from wikitopics import params
from wikitopics.cli import parser
from wikitopics.params import declared, read_yaml
from wikitopics.paths import PROJECT, STAGES

DOCUMENTS = [PROJECT / "README.md", PROJECT / "CONTRIBUTING.md", *sorted((PROJECT / "docs").glob("*.md"))]
BLOCKS = [
    (document.name, kind, text)
    for document in DOCUMENTS
    for kind, text in re.findall(r"^```(\w*)\n(.*?)^```", document.read_text("utf-8"), re.S | re.M)
]
COMMANDS = [
    (name, line.strip())
    for name, kind, text in BLOCKS
    if kind in ("sh", "")
    for line in text.replace("\\\n", " ").splitlines()
    if line.startswith("wikitopics ") and "$" not in line
]


def of_kind(kind: str) -> list:
    return [
        pytest.param(text, id=f"{name}-{number}")
        for number, (name, k, text) in enumerate(BLOCKS)
        if k == kind
    ]


def block_with(words: str) -> str:
    return next(text for _, _, text in BLOCKS if words in text)


@pytest.mark.parametrize("name, line", COMMANDS, ids=[f"{n}: {line[:60]}" for n, line in COMMANDS])
def test_a_command_parses(name, line):
    words = shlex.split(line.split(" #")[0].replace("...", ""))[1:]
    parser(words[0]).parse_args(words)


@pytest.mark.parametrize("text", of_kind("yaml"))
def test_a_params_file_names_parameters_of_a_notebook(text, tmp_path):
    path = tmp_path / "x.yaml"
    path.write_text(text, "utf-8")
    given = read_yaml(path)
    stages = {stage: declared(PROJECT / "notebooks" / f"{stage}.ipynb") for stage in STAGES}
    stage = next(stage for stage, known in stages.items() if given.keys() <= known.keys())
    assert all(params.fits(value, stages[stage][key].type) for key, value in given.items())


@pytest.mark.parametrize("text", [p for p in of_kind("python") if not p.values[0].startswith("rule ")])
def test_python_names_what_this_library_has(text):
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.ImportFrom) and node.module.startswith("wikitopics"):
            assert all(hasattr(import_module(node.module), name.name) for name in node.names)
        used = isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name)
        if used and node.value.id == "wikitopics":
            assert node.attr in dir(import_module("wikitopics"))


def test_each_task_of_the_slurm_array_makes_one_run_and_a_task_too_many_makes_none(tmp_path):
    """The script says nothing of how many there are: `sbatch --array` is given that."""
    script = block_with("SLURM_ARRAY_TASK_ID")
    for name in ("a", "b"):
        (tmp_path / "params/03_train").mkdir(parents=True, exist_ok=True)
        (tmp_path / "params/03_train" / f"{name}.yaml").write_text(f"run: {name}\n")
    stub = tmp_path / "wikitopics"
    stub.write_text('#!/bin/sh\necho "$@"\n')
    stub.chmod(0o755)
    lines = [line for line in script.splitlines() if not line.startswith("sbatch")]
    made = []
    for task in range(3):
        environment = os.environ | {
            "PATH": f"{tmp_path}:{os.environ['PATH']}",
            "SLURM_ARRAY_TASK_ID": str(task),
        }
        command = ["bash", "-c", "\n".join(lines)]
        done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True)
        made.append((done.returncode == 0, done.stdout.strip()))
    assert made == [(True, "run params/03_train/a.yaml"), (True, "run params/03_train/b.yaml"), (False, "")]
    asked = next(line for line in script.splitlines() if line.startswith("sbatch"))
    count = subprocess.run(
        ["bash", "-c", asked.split("#")[0].replace("sbatch", "echo")],
        cwd=tmp_path,
        capture_output=True,
        text=True,
    )
    assert "--array=0-1" in count.stdout


def test_the_snakemake_rule_sees_an_edited_params_file():
    rule = yaml.safe_load(
        block_with("rule train").replace("rule train:", "train:").split("#")[0]
        + "\n"
        + ("\n".join(block_with("rule train").splitlines()[1:]))
    )
    assert rule["train"]["input"] == "params/03_train/{run}.yaml"
