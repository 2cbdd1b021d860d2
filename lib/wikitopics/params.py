"""Parameters of a run: declared in a notebook, given in YAML, checked before anything is computed."""

import ast
import difflib
import io
import json
import math
import re
import tokenize
from collections.abc import Iterable
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


POWER = r"([+-]?\d+)(\.\d+)?[eE]([+-]?)(\d+)"  # a number that YAML takes for a text, unless it has . and +


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
    >>> hint("1e3", "int | None"), hint(None, "str")
    ('1e3 is text in YAML: write 1000', 'write it behind the colon, or leave the line out')
    """
    type_ = type_.split("|")[0].strip()
    if value is None:
        return "write it behind the colon, or leave the line out"
    if isinstance(value, str) and (number := re.fullmatch(POWER, value, re.ASCII)):
        plain = f"{number[1]}{number[2] or '.0'}e{number[3] or '+'}{number[4]}"
        whole = type_ == "int" and abs(float(plain)) < 1e18 and float(plain).is_integer()
        return f"{value} is text in YAML: write {int(float(plain)) if whole else plain}"
    if type_.startswith("list"):
        return _hint_for_a_list(value, type_)
    if type_ == "str":
        return "write it without brackets" if isinstance(value, list | dict) else in_quotes(value)
    if type_ == "bool":
        return "write true or false, without quotes"
    if isinstance(value, bool):
        return "yes, no, on, off, true and false are no numbers in YAML: write a number"
    if isinstance(value, float) and math.isfinite(value):
        return f"write {int(value)}" if value.is_integer() else "write a whole number"
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
        return isinstance(value, str) and value.isascii() and math.isfinite(float(value))
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
    if isinstance(named, str) or plain != named:
        remedy = "change one of the two"
    else:
        remedy = f'YAML reads what stands there without quotes as {named}: put it in quotes, as "{run}"'
    raise UserError(
        f"params/{stage}/{run}.yaml must start with `run: {wanted}` (the file's name), but its run is "
        f"{quoted(named)}; {remedy}"
    )


def _known(key: Any, parameters: dict[str, Parameter], who: str) -> None:
    if key not in parameters:
        close = nearest(str(key), parameters)
        other = next((stage for stage in paths.STAGES if key in declared(paths.notebook(stage))), None)
        remedy = f"did you mean {close}?" if close else f"there are {', '.join(parameters)}"
        if other:
            remedy = f"it is a parameter of {other}"
        raise UserError(f"{who}: a key must be a parameter of the notebook, but {key!r} is none; {remedy}")


def nearest(word: str, words: Iterable[str]) -> str | None:
    """Which of `words` is most likely meant by `word`, None where none is near.

    >>> nearest("MIN-IMAGES", ["min_images"]), nearest("label", ["table", "label_source"])
    ('min_images', 'label_source')
    """
    plain = {each.casefold().replace("-", "_"): each for each in words}
    word = word.casefold().replace("-", "_")
    begun = [each for each in plain if len(word) > 2 and each.startswith(word)]
    close = begun[:1] or difflib.get_close_matches(word, plain, 1)
    return plain[close[0]] if close else None


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
    close = nearest(value, rule.words) if isinstance(value, str) else None
    remedy = f"did you mean {close!r}?" if close else remedy
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
    """All params/STAGE/RUN.yaml of the root folder, sorted; hidden ones, as editors keep them, left out.

    Raises UserError for a file that is meant to be one and would never be run: of another ending (.yml,
    .YAML, .yaml.txt), or not in the folder of a stage.
    """
    folder = paths.root() / "params"
    found = []
    for path in sorted(folder.rglob("*")):
        inside = path.relative_to(folder)
        endings = [suffix.lower() for suffix in path.suffixes[-2:]]
        if any(part.startswith(".") for part in inside.parts) or (path.is_dir() and path.suffix != ".yaml"):
            continue
        if endings[-1:] in ([".yml"], [".yaml"]) or endings in ([".yml", ".txt"], [".yaml", ".txt"]):
            _check_place(inside)
            found.append(path)
    return found


def _check_place(path: Path) -> None:
    """UserError unless the path of a params file, below params/, is STAGE/RUN.yaml."""
    if path.suffix != ".yaml":
        stem = re.sub(r"\.ya?ml(\.txt)?$", "", path.name, flags=re.IGNORECASE)
        raise UserError(
            f"a params file's name must end in .yaml, but there is params/{path.as_posix()}; rename it to "
            f"{stem}.yaml"
        )
    if len(path.parts) != 2:
        raise UserError(
            f"a params file must be params/STAGE/RUN.yaml, but there is params/{path.as_posix()}; move it to "
            f"the folder of its stage, one of {', '.join(paths.STAGES)}"
        )


def known_runs(stage: str) -> list[str]:
    """Runs of a stage: those with a params file, and those that somebody has finished in JupyterLab."""
    given = {path.stem for path in (paths.root() / "params" / stage).glob("[!.]*.yaml")}
    made = {path.parent.name for path in (paths.root() / "data" / stage).glob("*/run.json")}
    return sorted(given | made)


def _existing(stage: str, run: str, who: str) -> None:
    runs = known_runs(stage)
    if run not in runs:
        close = nearest(Path(run).stem, runs)
        remedy = f"did you mean {close!r}?" if close else f"write params/{stage}/NAME.yaml or choose another"
        there = ", ".join(runs) or "none"
        raise UserError(
            f"{who}: a run must exist to be read, but {stage} has no {run!r} (only {there}); {remedy}"
        )
