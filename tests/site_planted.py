"""Small executed notebooks for the tests of the site, and a reader of its pages."""

import base64
import io
import json
from html.parser import HTMLParser
from pathlib import Path

import nbformat
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output
from PIL import Image

from wikitopics.show.figures import new_figure

PLOTLY = "application/vnd.plotly.v1+json"
FINDINGS = """\
| run | labels | macro ROC-AUC | macro AP |
|---|---|---|---|
| a | 10 | 0.871 [0.851, 0.890]* | 0.715 [0.679, 0.751] |
| b | 20 | 0.840 [0.816, 0.863] | - |
| label prior |  | 0.500 | 0.105 to 0.211 |

2 runs on the same 9 test images; \\* is the highest of a column.

- **Is it larger?** No difference shown: +0.001 (corrected p 1.000).
- **What do people say?** By people's labels 0.9 is reached; the label prior has 0.500.
"""


def picture(size: int = 8, noise: bool = False) -> str:
    """A PNG in base64."""
    import numpy as np

    shape = (size, size, 3)
    pixels = np.random.default_rng(0).integers(0, 255, shape) if noise else np.zeros(shape)
    buffer = io.BytesIO()
    Image.fromarray(pixels.astype("uint8")).save(buffer, "png")
    return base64.b64encode(buffer.getvalue()).decode()


def figure_output(alt: str = "Two dots", name: str = "dots", png: str = "") -> dict:
    """What display_figure puts out in batch."""
    figure = new_figure("Dots", x="x").add_scatter(x=[0, 1], y=[0.5, 0.5], name=name, mode="markers")
    data = {PLOTLY: json.loads(figure.to_json()), "text/plain": alt, "image/png": png or picture()}
    metadata = {"image/png": {"alt": alt, "width": 900, "height": 450}}
    return new_output("display_data", data, metadata=metadata)


def shown(**data) -> dict:
    """An output of one kind: shown(text_html="...")."""
    return new_output("display_data", {name.replace("_", "/", 1): value for name, value in data.items()})


def code(source: str, *outputs: dict, id: str = "", tags: tuple = ()) -> dict:
    """A cell that has run; without an `id` it is named by its place."""
    return new_code_cell(source, outputs=list(outputs), metadata={"tags": list(tags)}, id=id or "later")


def plant(root: Path, name: str, cells: list, **parameters) -> Path:
    """Write root/executed/STAGE/RUN.ipynb: a title and these cells (texts are Markdown)."""
    stage, run = name.split("/")
    title = f"# {stage[:2]} {stage[3:].title()}\n\n**What is asked of {stage}?**"
    made = [new_markdown_cell(cell) if isinstance(cell, str) else cell for cell in [title, *cells]]
    for place, cell in enumerate(made):
        named = cell["cell_type"] == "code" and cell["id"] != "later"
        cell["id"] = cell["id"] if named else f"c{place}"  # nbformat's own are random
    notebook = new_notebook(cells=made)
    notebook.metadata["papermill"] = {"parameters": {"run": run, "interactive": False, **parameters}}
    path = root / "executed" / stage / f"{run}.ipynb"
    path.parent.mkdir(parents=True, exist_ok=True)
    nbformat.write(notebook, path)
    return path


def plant_all(root: Path) -> None:
    """Four runs: two evaluated, a comparison of them, and one that stands alone."""
    declared = code(
        'run: str = "a"  # name\nmodel: str = "a"  # whose\nrounds: int = 10', tags=("parameters",)
    )
    injected = code('# Parameters\nrun = "b"', tags=("injected-parameters",))
    plant(root, "03_train/a", ["## How?\n\nNext: [04_evaluate](04_evaluate.ipynb), [lost](nowhere.md)."])
    for run in "ab":
        cells = ["## How good?", declared, injected, code("1 + 1", figure_output(f"Dots of {run}"))]
        plant(root, f"04_evaluate/{run}", cells, model=run)
    cells = ["## All", code("draw()", figure_output("All runs"), id="runs-figure")]
    cells += [code("say()", shown(text_markdown=FINDINGS), id="write")]
    plant(root, "05_compare/grid", cells, evaluations=["a", "b"])


class Read(HTMLParser):
    """One page: its tags with their attributes, its anchors, its headings."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict]] = []
        self.words: list[str] = []
        self.anchors: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attributes: list) -> None:
        self.tags.append((tag, dict(attributes)))
        self.anchors += [value for name, value in attributes if name == "id"]

    def handle_data(self, data: str) -> None:
        self.words.append(data)

    def all(self, *names: str) -> list[dict]:
        return [attributes for tag, attributes in self.tags if tag in names]

    @property
    def levels(self) -> list[int]:
        return [int(tag[1]) for tag, _ in self.tags if tag in ("h1", "h2", "h3", "h4", "h5", "h6")]

    @property
    def text(self) -> str:
        return " ".join("".join(self.words).split())


def pages(site: Path) -> dict[str, Read]:
    """Every page of a site, by its path in it."""
    return {
        str(path.relative_to(site)): Read(path.read_text("utf-8")) for path in sorted(site.rglob("*.html"))
    }
