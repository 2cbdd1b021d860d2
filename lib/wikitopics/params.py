"""Parameters of a run: read from YAML or from a notebook, and checked before anything is computed."""

import ast
import difflib
import re
from typing import Any

from wikitopics import paths
from wikitopics.declarations import Parameter, declared, fits, hint, type_in_words
from wikitopics.errors import UserError
from wikitopics.params_file import quoted, read_yaml
from wikitopics.rule_kinds import Rule
from wikitopics.rules import inputs, rules_of

__all__ = ["Parameter", "check", "check_run_name", "declared", "known_runs", "read_params"]


def check(stage: str, values: dict[str, Any]) -> dict[str, Any]:
    """The declared parameters of `stage` with their values, checked; `values` is a notebook's globals().

    Raises UserError for a key that papermill injected but the stage does not declare, a wrong type, an
    impossible value, or a run that does not exist.
    """
    parameters = declared(paths.notebook(stage))
    for key in _injected(values):
        _known(key, parameters, f"{stage}/{values.get('run')}")
    chosen = {name: values.get(name, parameter.default) for name, parameter in parameters.items()}
    return _checked(stage, chosen, parameters)


def _injected(values: dict[str, Any]) -> list[str]:
    """Names set by the cell that papermill injects; IPython keeps the source of each cell in `In`."""
    cells = [cell for cell in values.get("In", []) if cell.startswith("# Parameters\n")]
    nodes = [node for cell in cells for node in ast.parse(cell).body if isinstance(node, ast.Assign)]
    return [target.id for node in nodes for target in node.targets if isinstance(target, ast.Name)]


def read_params(stage: str, run: str) -> tuple[dict[str, Any], dict[str, Any]]:
    """What params/STAGE/RUN.yaml says, and the whole set of parameters with the notebook's defaults.

    Raises UserError as `check` does, and where the file is not YAML or its `run` is not its name.
    """
    path = paths.params_file(stage, check_run_name(run))
    given = read_yaml(path)
    parameters = declared(paths.notebook(stage))
    for key in given:
        _known(key, parameters, f"{stage}/{run}")
    if given.get("run") != run:
        raise UserError(
            f"params/{stage}/{path.name} must start with `run: {run}` (the file's name), "
            f"but its run is {given.get('run')!r}; change one of the two"
        )
    chosen = {name: given.get(name, parameter.default) for name, parameter in parameters.items()}
    return given, _checked(stage, chosen, parameters)


def _known(key: Any, parameters: dict[str, Parameter], who: str) -> None:
    if key not in parameters:
        close = difflib.get_close_matches(str(key), parameters, 1)
        remedy = f"did you mean {close[0]}?" if close else f"there are {', '.join(parameters)}"
        raise UserError(f"{who}: a key must be a parameter of the notebook, but {key!r} is none; {remedy}")


def _checked(stage: str, chosen: dict[str, Any], parameters: dict[str, Parameter]) -> dict[str, Any]:
    who = f"{stage}/{chosen.get('run')}"
    for name, value in chosen.items():
        type_ = parameters[name].type
        if not fits(value, type_):
            raise UserError(
                f"{who}: {name} must be {type_in_words(type_)}, but is {quoted(value)}; {hint(value, type_)}"
            )
        if type_ == "float":
            chosen[name] = float(value)
    check_run_name(chosen["run"])
    for name, rule in rules_of(stage).items():
        if name in chosen:
            _possible(rule, chosen, parameters[name], who)
    for input_stage, run in inputs(stage, chosen):
        _existing(input_stage, run, who)
    return chosen


def _possible(rule: Rule, chosen: dict[str, Any], parameter: Parameter, who: str) -> None:
    name, value = parameter.name, chosen[parameter.name]
    try:
        if rule.holds(value, chosen):
            return
        usual = rule.holds(parameter.default, chosen)
    except UserError as error:
        raise UserError(f"{who}: {error}") from error
    remedy = f"the default is {quoted(parameter.default)}" if usual else "set it in its params file"
    raise UserError(f"{who}: {name} must be {rule.allowed}, but is {quoted(value)}; {remedy}")


def check_run_name(run: str) -> str:
    """`run` itself, if it can be the name of a file and of a folder everywhere.

    >>> check_run_name("../up")
    Traceback (most recent call last):
    ...
    wikitopics.errors.UserError: a run's name must be letters, digits and ._- only, but is '../up'; rename it
    """
    if not re.fullmatch(r"[A-Za-z0-9_][A-Za-z0-9._-]{0,99}", run):
        raise UserError(f"a run's name must be letters, digits and ._- only, but is {run!r}; rename it")
    return run


def known_runs(stage: str) -> list[str]:
    """Runs of a stage: those with a params file, and those that somebody has finished in JupyterLab."""
    given = {path.stem for path in (paths.root() / "params" / stage).glob("*.yaml")}
    made = {path.parent.name for path in (paths.root() / "data" / stage).glob("*/run.json")}
    return sorted(given | made)


def _existing(stage: str, run: str, who: str) -> None:
    runs = known_runs(stage)
    if run not in runs:
        close = difflib.get_close_matches(run, runs, 1)
        remedy = (
            f"did you mean {close[0]!r}?" if close else f"write params/{stage}/NAME.yaml or choose another"
        )
        there = ", ".join(runs) or "none"
        raise UserError(
            f"{who}: a run must exist to be read, but {stage} has no {run!r} (only {there}); {remedy}"
        )
