"""The README's "what it finds", copied from the executed comparison: the answer, the table, the picture.

    python -m wikitopics.readme [--check]

The words lie between two comments in README.md, the picture is docs/all_runs.png. What is copied is what the
executed notebook shows, so a reader can hold the one against the other; a test does so too.
"""

import argparse
import base64
import json
import sys
from pathlib import Path

from wikitopics import paths
from wikitopics.artefacts import replacing
from wikitopics.errors import UserError

COMPARISON = "grid"  # the run of 05_compare that the README is about
BEGIN, END = "<!-- from the executed comparison: begin -->", "<!-- from the executed comparison: end -->"
SOURCES = {  # tag of the cell: kind of output
    "headline": "text/markdown",
    "findings": "text/markdown",
    "headline-figure": "image/png",
}


def output_of(notebook: Path, tag: str) -> str:
    """What the cell with this tag shows, as text; UserError where the notebook has no such output."""
    for cell in json.loads(notebook.read_text("utf-8"))["cells"]:
        if tag in cell["metadata"].get("tags", []):
            for output in cell.get("outputs", []):
                if SOURCES[tag] in output.get("data", {}):
                    return "".join(output["data"][SOURCES[tag]])
    raise UserError(
        f"an executed comparison must have a cell tagged {tag!r} that shows {SOURCES[tag]}, but "
        f"{notebook.name} has none; run 05_compare again"
    )


def told_by(notebook: Path) -> str:
    """What the executed comparison says, as Markdown: its answer in sentences, its table and its list."""
    return "\n\n".join(output_of(notebook, tag).strip() for tag in ("headline", "findings"))


def with_findings(readme: str, findings: str) -> str:
    """The README with `findings` between its two comments; UserError where these are not there once each."""
    if readme.count(BEGIN) != 1 or readme.count(END) != 1:
        raise UserError(f"README.md must hold {BEGIN!r} and {END!r} once each, but does not; put them back")
    before, _, rest = readme.partition(BEGIN)
    return f"{before}{BEGIN}\n\n{findings.strip()}\n\n{END}{rest.partition(END)[2]}"


def main(arguments: list[str] | None = None) -> int:
    """Bring README.md and its picture up to date, or only say that they are not (exit code 1)."""
    parser = argparse.ArgumentParser("wikitopics.readme", description=__doc__.splitlines()[0])
    parser.add_argument("--check", action="store_true", help="change nothing")
    check = parser.parse_args(arguments).check
    notebook = paths.PROJECT / "executed" / "05_compare" / f"{COMPARISON}.ipynb"
    readme, picture = paths.PROJECT / "README.md", paths.PROJECT / "docs" / "all_runs.png"
    wanted = {
        readme: with_findings(readme.read_text("utf-8"), told_by(notebook)).encode(),
        picture: base64.b64decode(output_of(notebook, "headline-figure")),
    }
    old = [path for path, data in wanted.items() if not path.exists() or path.read_bytes() != data]
    for path in old:
        print(f"{path.name} {'is not' if check else 'was not'} what {notebook.name} shows")
        if not check:
            with replacing(path) as temporary:
                temporary.write_bytes(wanted[path])
    return int(check and bool(old))


if __name__ == "__main__":
    sys.exit(main())
