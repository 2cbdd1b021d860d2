"""Kinds of rules for parameters: each says what is allowed, in words and as a test."""

from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any

from wikitopics import paths


@dataclass(frozen=True)
class Rule:
    """`allowed` completes the sentence "NAME must be ..."; `holds(value, all_values)` decides.

    `stage` is set where the value names runs of that stage; those names are what joins the runs to a graph.
    `reads` is set where the value may be the path of a file or folder, whose content then counts for the run.
    """

    allowed: str
    holds: Callable[[Any, dict[str, Any]], bool]
    stage: str = ""
    reads: bool = False


def one_of(*values: str) -> Rule:
    """One of these texts."""
    return Rule("one of " + ", ".join(values), lambda value, _: value in values)


def between(low: float, high: float) -> Rule:
    """A number from `low` to `high`, both allowed."""
    return Rule(f"from {low:g} to {high:g}", lambda value, _: low <= value <= high)


def at_least(low: float) -> Rule:
    """A number of at least `low`."""
    return Rule(f"at least {low:g}", lambda value, _: value >= low)


def positive_up_to(high: float) -> Rule:
    """A number above 0, at most `high`."""
    return Rule(f"above 0 and at most {high:g}", lambda value, _: 0 < value <= high)


def given_when(other: str, *settings: str) -> Rule:
    """Not empty where the parameter `other` has one of these settings; otherwise anything."""
    allowed = f"given when {other} is {' or '.join(settings)}"
    return Rule(allowed, lambda value, values: bool(value) or values.get(other) not in settings)


def share_beside(other: str) -> Rule:
    """A share above 0 that leaves something of the whole beside the share called `other`."""
    allowed = f"above 0 and, together with {other}, below 1"
    return Rule(allowed, lambda value, values: 0 < value < 1 and value + values.get(other, 0) < 1)


def path_or(*words: str) -> Rule:
    """One of these texts, or the path of a file or folder that is there, relative to the root folder."""
    allowed = f"{', '.join(repr(word) for word in words)} or the path of a file or folder that is there"
    return Rule(allowed, lambda value, _: value in words or located(value).exists(), reads=True)


def accepted_by(function: str, reads: bool = False) -> Rule:
    """Text that `module:function` of this library accepts; where it does not, its own sentence is told."""
    module, name = function.split(":")

    def holds(value: str, _: dict[str, Any]) -> bool:
        getattr(import_module(module), name)(value)
        return True

    return Rule(f"what {name} reads", holds, reads=reads)


def located(path: str) -> Path:
    """A path that a parameter names: relative to the root folder, ~ is the home folder."""
    return paths.root() / Path(path).expanduser()


def run_of(stage: str) -> Rule:
    """The name of one run of `stage`."""
    return Rule(f"the name of a run of {stage}", lambda value, _: bool(value), stage)


def runs_of(stage: str) -> Rule:
    """A list of different runs of `stage`."""
    allowed = f"a list of one or more different runs of {stage}"
    return Rule(allowed, lambda value, _: len(value) > 0 and len(set(value)) == len(value), stage)


def each_different(what: str) -> Rule:
    """A list without repetitions, which may be empty."""
    return Rule(f"a list of different {what}", lambda value, _: len(set(value)) == len(value))


WORKERS = Rule("-1 (all cores) or at least 1", lambda value, _: value == -1 or value >= 1)
SCHEDULER = Rule(
    "empty (this machine) or a Dask scheduler like tcp://host:8786",
    lambda value, _: not value or "://" in value,
)
