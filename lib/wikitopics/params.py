"""Parameters of a run: declared in a notebook, given in YAML, checked before anything is computed."""

import ast
import difflib
import io
import json
import math
import re
import tokenize
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from wikitopics import paths
from wikitopics.errors import UserError
from wikitopics.rules import Rule, inputs, rules_of

TYPES: dict[str, type | tuple[type, ...]] = {
    "str": str,
    "int": int,
    "float": (int, float),
    "bool": bool,
    "list": list,
    "None": type(None),
}
WORDS = {
    "str": "text",
    "int": "a whole number",
    "float": "a finite number",
    "bool": "true or false",
    "list": "a list",
    "None": "nothing (null)",
}


@dataclass(frozen=True)
class Parameter:
    """One line of a parameters cell: `name: type = default  # help`."""

    name: str
    type: str
    default: Any
    help: str


def declared(notebook_path: Path) -> dict[str, Parameter]:
    """The parameters that a notebook declares, in order, from its cell tagged `parameters`.

    Raises UserError where there is not exactly one such cell, or where it holds anything but
    `name: type = literal` lines: what is computed there would keep its old value when a run sets a parameter.
    """
    path = Path(notebook_path)
    try:
        cells = json.loads(path.read_text("utf-8"))["cells"]
    except (json.JSONDecodeError, UnicodeDecodeError, KeyError) as error:
        raise UserError(
            f"{path.name} must be a notebook, but it cannot be read ({error}); restore it"
        ) from error
    tagged = [cell for cell in cells if "parameters" in cell["metadata"].get("tags", [])]
    if len(tagged) != 1:
        raise UserError(f"{path.name} must have one cell tagged 'parameters', but has {len(tagged)}; tag one")
    return parse_cell("".join(tagged[0]["source"]), path.name)


def parse_cell(source: str, where: str = "the parameters cell") -> dict[str, Parameter]:
    """The parameters of one cell's source.

    >>> parse_cell("size: int = 128  # px")
    {'size': Parameter(name='size', type='int', default=128, help='px')}
    """
    tokens = tokenize.generate_tokens(io.StringIO(source).readline)
    comments = {
        token.start[0]: token.string.lstrip("# ") for token in tokens if token.type == tokenize.COMMENT
    }
    found = [_parameter(node, comments, where) for node in ast.parse(source).body]
    return {parameter.name: parameter for parameter in found}


def _parameter(node: ast.stmt, comments: dict[int, str], where: str) -> Parameter:
    line = ast.unparse(node)
    try:
        if not (isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name) and node.value):
            raise ValueError(line)
        name, type_ = node.target.id, ast.unparse(node.annotation)
        default = ast.literal_eval(node.value)
    except ValueError as error:
        raise UserError(
            f"{where} must hold only lines like `size: int = 128`, but has `{line}`; "
            "give it a type and a literal value, and compute in the next cell"
        ) from error
    if not fits(default, type_):
        raise UserError(
            f"{where} must give a value of the declared type, but has `{line}`; change one of the two"
        )
    return Parameter(name, type_, default, comments.get(node.end_lineno or 0, ""))


def fits(value: Any, type_: str) -> bool:
    """Whether a value is of the declared type; a whole number is also a float, true and false are no numbers.

    >>> fits(1, "float"), fits(True, "int"), fits("1e-4", "float"), fits(["a"], "list[str]")
    (True, False, False, True)
    """
    if "|" in type_:
        return any(fits(value, part.strip()) for part in type_.split("|"))
    if type_.startswith("list["):
        return isinstance(value, list) and all(fits(item, type_[5:-1]) for item in value)
    if type_ not in TYPES:
        raise UserError(f"a type must be one of {', '.join(TYPES)} or list[...], but is {type_!r}; use one")
    if isinstance(value, bool) or isinstance(value, float) and not math.isfinite(value):
        return type_ == "bool" and isinstance(value, bool)
    return isinstance(value, TYPES[type_])


def type_in_words(type_: str) -> str:
    """The type in words.

    >>> type_in_words("list[int] | None")
    'a list (each item a whole number) or nothing (null)'
    """
    if "|" in type_:
        return " or ".join(type_in_words(part.strip()) for part in type_.split("|"))
    if type_.startswith("list["):
        return f"a list (each item {type_in_words(type_[5:-1])})"
    return WORDS[type_]


def hint(value: Any, type_: str) -> str:
    """What to write instead, for the mistakes that YAML makes easy.

    >>> hint("1e-4", "float"), hint([2022], "list[str]"), hint(20.0, "int")
    ('1e-4 is text in YAML: write 1.0e-4', 'put each of its texts in quotes, as ["2022"]', 'write 20')
    """
    if isinstance(value, str) and (number := re.fullmatch(r"([+-]?\d+)[eE]([+-]?)(\d+)", value)):
        return f"{value} is text in YAML: write {number[1]}.0e{number[2] or '+'}{number[3]}"
    if type_.startswith("list"):
        return _hint_for_a_list(value, type_)
    if type_ == "str":
        return in_quotes(value)
    if type_ == "bool":
        return "write true or false, without quotes"
    if isinstance(value, bool):
        return "yes, no, on, off, true and false are no numbers in YAML: write a number"
    if isinstance(value, float) and math.isfinite(value):
        return f"write {round(value)}"
    return "write it without quotes" if _is_number(value) else "write a number"


def _hint_for_a_list(value: Any, type_: str) -> str:
    if not isinstance(value, list):
        return "write it in brackets, as [a, b]"
    wrong = next(item for item in value if not fits(item, type_[5:-1]))
    if type_ == "list[str]" and not isinstance(wrong, list | dict):
        return f'put each of its texts in quotes, as ["{_as_written(wrong)}"]'
    return "correct that item of it"


def in_quotes(value: Any) -> str:
    """How a text is to be written that YAML takes for something else.

    >>> in_quotes(2022), in_quotes(False)
    ('put it in quotes, as "2022"', 'put it in quotes, as "no" (or "off", "false")')
    """
    if isinstance(value, bool):
        words = ("yes", "on", "true") if value else ("no", "off", "false")
        return 'put it in quotes, as "{}" (or "{}", "{}")'.format(*words)
    return f'put it in quotes, as "{_as_written(value)}"'


def _as_written(value: Any) -> str:
    return "..." if value is None or isinstance(value, list | dict) else str(value)


def _is_number(value: Any) -> bool:
    try:
        return isinstance(value, str) and math.isfinite(float(value))
    except ValueError:
        return False


# --- Params files: YAML read strictly, mistakes told with their line


class _Loader(yaml.SafeLoader):
    """YAML that refuses what PyYAML silently takes for something else: a key given twice, 010 and 1:30."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        keys = [key.value for key, _ in node.value]
        twice = [key for key in keys if keys.count(key) > 1]
        if twice:
            raise yaml.MarkedYAMLError(problem=f"{twice[0]} is given twice", problem_mark=node.start_mark)
        return super().construct_mapping(node, deep)

    def number(self, node: yaml.ScalarNode) -> int | float:
        """A number that is what it looks like; 010 would be 8 and 1:30 would be 90."""
        written = node.value
        value = yaml.SafeLoader.yaml_constructors[node.tag](self, node)
        if ":" in written or re.match(r"[+-]?0[0-9_]", written) and not re.search(r"[.eE]", written):
            problem = f'{written} is {value} in YAML; write the number meant, or "{written}" for the text'
            raise yaml.MarkedYAMLError(problem=problem, problem_mark=node.start_mark)
        return value


for _tag in ("tag:yaml.org,2002:int", "tag:yaml.org,2002:float"):
    _Loader.add_constructor(_tag, _Loader.number)


def read_yaml(path: Path) -> dict[Any, Any]:
    """What a params file says; UserError where it is not YAML, or not `key: value` lines."""
    where = f"params/{path.parent.name}/{path.name}"
    try:
        given = yaml.load(path.read_text("utf-8"), Loader=_Loader)
    except (yaml.YAMLError, ValueError, OSError, RecursionError) as error:
        mark = getattr(error, "problem_mark", None)
        line = f"line {mark.line + 1}: " if mark else ""
        reason = " ".join(str(getattr(error, "problem", None) or error).split())
        raise UserError(
            f"{where} must be a YAML file in UTF-8, but is not ({line}{reason}); correct it"
        ) from error
    if not isinstance(given, dict):
        raise UserError(
            f"{where} must hold `key: value` lines, but holds {quoted(given)}; start with `run: NAME`"
        )
    return given


def quoted(value: Any) -> str:
    """A value as a message quotes it, cut to 100 characters."""
    text = f"the text {value!r}" if isinstance(value, str) else repr(value)
    return text if len(text) <= 100 else text[:97] + "..."


# --- Parameters of a run: read from YAML or from a notebook, and checked before anything is computed


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
    _check_own_name(stage, run, given.get("run"))
    chosen = {name: given.get(name, parameter.default) for name, parameter in parameters.items()}
    return given, _checked(stage, chosen, parameters)


def _check_own_name(stage: str, run: str, named: Any) -> None:
    """UserError unless a params file says `run: NAME` with the file's own name."""
    if named == run:
        return
    plain = yaml.safe_load(run) if re.fullmatch(r"[\w.-]+", run) else run
    wanted = run if isinstance(plain, str) else f'"{run}"'  # as YAML reads it back as a text
    if named is None or isinstance(named, str):
        remedy = "change one of the two"
    else:
        remedy = f"YAML reads what stands there without quotes as {named!r}: {in_quotes(named)}"
    raise UserError(
        f"params/{stage}/{run}.yaml must start with `run: {wanted}` (the file's name), but its run is "
        f"{quoted(named)}; {remedy}"
    )


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


def params_files() -> list[Path]:
    """All params/STAGE/RUN.yaml of the root folder, sorted.

    Raises UserError for a file whose name ends in .yml or .YAML, which would never be run.
    """
    folder = paths.root() / "params"
    for path in sorted(folder.glob("*/*")):
        if path.suffix.lower() in (".yml", ".yaml") and path.suffix != ".yaml":
            raise UserError(
                "a params file's name must end in .yaml, but there is "
                f"params/{path.parent.name}/{path.name}; rename it to {path.stem}.yaml"
            )
    return sorted(folder.glob("*/*.yaml"))


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
