"""The static site without a browser: what a page holds, what it never holds, how its folder is written."""

import errno
import hashlib
import html
import json
import os
import re
import subprocess
import sys
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from site_planted import FINDINGS, Read, code, figure_output, pages, picture, plant, plant_all, shown
from wikitopics import cli, paths
from wikitopics.errors import UserError
from wikitopics.show.figures import in_markdown
from wikitopics.show.theme import DARK
from wikitopics.site import build as site_folder
from wikitopics.site.build import build
from wikitopics.site.cells import MAX_BYTES
from wikitopics.site.figures import Figure, numbers
from wikitopics.site.notebooks import Links, read, read_all
from wikitopics.site.pages import read_comparison
from wikitopics.site.prose import Outline, Renderer, markdown
from wikitopics.site.sanitise import PICTURE, TAGS, sanitised


@pytest.fixture(scope="module")
def real(tmp_path_factory) -> Path:
    """The site of this checkout's own executed notebooks."""
    if not (paths.PROJECT / "executed").is_dir():
        pytest.skip("this checkout has no executed notebooks")
    place = tmp_path_factory.mktemp("real") / "site"
    build(paths.PROJECT, place)
    return place


@pytest.fixture
def root(tmp_path: Path) -> Path:
    plant_all(tmp_path)
    return tmp_path


@pytest.fixture
def site(root: Path) -> Path:
    build(root, root / "site")
    return root / "site"


# -- pages -----------------------------------------------------------------------------------------


def check_links(site: Path) -> None:
    found = pages(site)
    for name, page in found.items():
        for tag, attributes in page.tags:
            address = attributes.get("href") or attributes.get("src") or ""
            parts = urlsplit(address)
            if address.startswith("data:") or tag == "a" and parts.scheme in ("http", "https"):
                continue
            assert not parts.scheme and not parts.netloc, (name, tag, address)
            target = (site / name).parent / unquote(parts.path) if parts.path else site / name
            assert target.is_file(), (name, address)
            if parts.fragment:
                there = found[str(target.resolve().relative_to(site.resolve()))]
                assert parts.fragment in there.anchors, (name, address)


def check_structure(name: str, page: Read) -> None:
    assert page.levels.count(1) == 1 and page.levels[0] in (1, 2), name
    assert all(b <= a + 1 for a, b in zip(page.levels, page.levels[1:], strict=False)), (name, page.levels)
    assert len(page.anchors) == len(set(page.anchors)), name
    assert [len(page.all(tag)) for tag in ("main", "header", "footer", "title")] == [1, 1, 1, 1], name
    assert page.tags[[tag for tag, _ in page.tags].index("body") + 1][1]["class"] == "skip", name
    assert all(image.get("alt") for image in page.all("img")), name
    assert all(head.get("scope") for head in page.all("th")), name
    assert len(page.all("caption")) == len(page.all("table")), name
    assert all(live["aria-label"] for live in page.all("div") if live.get("class") == "live"), name


def check_quiet(name: str, page: Read) -> None:
    """Nothing that loads names another host, no script but ours, no handler, no style of an element."""
    policy = next(meta["content"] for meta in page.all("meta") if "http-equiv" in meta)
    assert "default-src 'none'" in policy and "http" not in policy and "unsafe-eval" not in policy
    scripts = [script for script in page.all("script") if script.get("type") != "application/json"]
    assert {Path(script["src"]).name for script in scripts} <= {"browser.js", "plotly.min.js", "site.js"}, (
        name
    )
    for tag, attributes in page.tags:
        assert tag not in ("iframe", "object", "embed", "base", "form", "style", "svg"), (name, tag)
        assert not any(key.startswith("on") or key == "style" for key in attributes), (name, attributes)
        assert "javascript:" not in (attributes.get("href") or ""), (name, attributes)


@pytest.mark.parametrize("which", ["real", "site"])
def test_pages_are_whole_quiet_and_in_order(which, request):
    site = request.getfixturevalue(which)
    check_links(site)
    for name, page in pages(site).items():
        check_structure(name, page)
        check_quiet(name, page)


def test_every_page_weighs_less_than_three_megabytes(real: Path):
    for page in real.rglob("*.html"):
        pictures = sum(file.stat().st_size for file in page.with_suffix("").glob("*"))
        assert page.stat().st_size + pictures < MAX_BYTES == 3_000_000, page


def test_every_figure_has_its_data_its_picture_and_its_words(real: Path):
    found = pages(real)
    for notebook in read_all(paths.PROJECT):
        page = found[f"{notebook.name}.html"]
        outputs = [output for cell in notebook.cells for output in cell.get("outputs", [])]
        live = [output["data"] for output in outputs if "plotly" in str(list(output.get("data", {})))]
        alts = ["".join(data["text/plain"]) for data in live]
        assert [div["aria-label"] for div in page.all("div") if div.get("class") == "live"] == alts
        assert len([s for s in page.all("script") if s.get("class") == "data"]) == len(alts)
        assert len([image for image in page.all("img") if image.get("class") == "twin"]) >= len(alts)


def test_the_index_has_the_comparison_the_claims_and_every_notebook(site: Path):
    index = pages(site)["index.html"]
    linked = {link["href"] for link in index.all("a")}
    assert {"03_train/a.html", "04_evaluate/b.html", "05_compare/grid.html"} <= linked
    for told in (
        "0.871*",
        "[0.851, 0.890]",
        "0.105 to 0.211",
        "What is asked of 04_evaluate?",
        "Is it larger?",
    ):
        assert told in index.text
    assert "Is it larger?" in index.text and "No difference shown. +0.001 (corrected p 1.000)." in index.text
    assert "model b" in index.text and "All runs" in index.text
    assert len([s for s in index.all("script") if s.get("class") == "data"]) == 1


def test_several_comparisons_and_none(root: Path):
    plant(root, "05_compare/other", [code("say()", shown(text_markdown=FINDINGS.replace("0.871", "0.777")))])
    plant(root, "05_compare/silent", ["## Nothing yet"])
    build(root, root / "site")
    text = pages(root / "site")["index.html"].text
    assert "What was found: grid" in text and "0.871*" in text
    assert "What was found: other" in text and "0.777*" in text
    assert "The run silent shows no findings" in text
    for file in (root / "executed" / "05_compare").iterdir():
        file.unlink()
    build(root, root / "site")
    assert "No comparison of runs has been executed yet." in pages(root / "site")["index.html"].text
    check_links(root / "site")


def test_what_a_comparison_says_is_read_as_it_is(root: Path):
    found = read_comparison(read(root / "executed" / "05_compare" / "grid.ipynb"))
    assert found.heads == ["run", "labels", "macro ROC-AUC", "macro AP"] and found.cell == "write"
    best = found.rows[0][2]
    assert (best.text, best.interval, best.best) == ("0.871", "[0.851, 0.890]", True)
    assert [row[3].text for row in found.rows] == ["0.715", "-", "0.105 to 0.211"]
    assert not found.rows[1][2].best and found.note.endswith("; * is the highest of a column.")
    assert found.findings[1][:2] == ("What do people say?", "")


def test_links_lead_to_the_run_that_belongs_here(root: Path):
    for run in ("c", "d"):
        plant(root, f"03_train/{run}", ["## x"])
    plant(root, "04_evaluate/of-c", ["## x"], model="c")
    links = Links(read_all(root))
    there = {run: links.resolve(links.run("03_train", run), "04_evaluate.ipynb") for run in "acd"}
    assert there == {
        "a": "../04_evaluate/a.html",  # the same name
        "c": "../04_evaluate/of-c.html",  # reads it
        "d": "../04_evaluate/a.html",  # the first
    }
    here = links.run("05_compare", "grid")
    assert links.resolve(here, "../executed/04_evaluate/b.ipynb") == "../04_evaluate/b.html"
    assert links.resolve(here, "https://example.org/x") == "https://example.org/x"
    for lost in (
        "09_none.ipynb",
        "../sample/DATA.md",
        "javascript:alert(1)",
        "#x",
        "//host/x",
        "file:///etc/x",
    ):
        assert links.resolve(here, lost) is None


def test_a_parameter_that_differs_is_said(root: Path, site: Path):
    page = pages(site)["04_evaluate/b.html"]
    assert "3 of them, 1 not the default" in page.text and "b default: a" in page.text
    assert "rounds" in page.text and 'run = "b"' not in page.text
    assert "not the default" not in pages(site)["04_evaluate/a.html"].text


def test_numbers_of_a_figure_are_a_table(site: Path):
    figure = {
        "data": [{"type": "bar", "name": "a<b>b</b>", "x": ["u"], "y": {"bdata": "AAAAPw==", "dtype": "f4"}}]
    }
    assert numbers(figure) == (["series", "x", "y"], [["ab", "u", "0.5"]])
    heat = {"type": "heatmap", "x": ["u", "v"], "y": ["w"], "z": [[1.0, None]]}
    assert numbers({"data": [heat]}) == (["row", "column", "value"], [["w", "u", "1"]])
    assert numbers({"data": [{"type": "scatter", "x": list(range(999)), "y": list(range(999))}]}) == ([], [])
    assert "Numbers of the figure: All runs" in pages(site)["05_compare/grid.html"].text


def test_the_dark_colours_are_those_of_the_house(site: Path):
    from wikitopics.show import theme

    own = {theme.INK, theme.PAPER, theme.GRID, theme.MUTED, theme.TEMPLATE.layout.legend.bgcolor}
    assert own <= set(DARK) <= own | set(theme.PALETTE)
    assert DARK[theme.PAPER].lower() in (site / "assets" / "style.css").read_text()
    assert DARK[theme.INK] in (site / "assets" / "site.js").read_text()


# -- other people's text ---------------------------------------------------------------------------

HOSTILE = [
    "<script>alert(1)</script>",
    "<img src=x onerror=alert(1)>",
    '<img src="http://elsewhere.example/p.png" alt="seen">',
    '<a href="javascript:alert(1)">a</a>',
    '<a href=" java&#10;script:alert(1)">a</a>',
    '<a href="data:text/html,<script>alert(1)</script>">a</a>',
    '<svg onload=alert(1)><a xlink:href="javascript:alert(1)"><text>x</text></a></svg>',
    "<style>@import 'http://elsewhere.example/s.css'; td{background:url(http://elsewhere.example/)}</style>",
    '<iframe srcdoc="<script>alert(1)</script>"></iframe>',
    '<meta http-equiv="refresh" content="0;url=http://elsewhere.example/">',
    '<base href="http://elsewhere.example/">',
    '<form action="http://elsewhere.example/"><input autofocus onfocus=alert(1)></form>',
    "<math><mtext></table><mglyph><style><img src=x onerror=alert(1)>",
    "<noscript><p title='</noscript><img src=x onerror=alert(1)>'>",
    "<td background=http://elsewhere.example/ style='behavior:url(x)'>t</td>",
    "</table></div></main><h1>mine</h1>",
    "<details open ontoggle=alert(1)>d</details>",
    '<img src="data:image/svg+xml;base64,PHN2Zz48c2NyaXB0Lz48L3N2Zz4=" alt="s">',
    "<b/onclick=alert(1)>b",
    "<!--><script>alert(1)</script>-->",
    "]]><![CDATA[<script>alert(1)</script>",
]


def check_harmless(text: str) -> None:
    for tag, attributes in Read(text).tags:
        assert tag in TAGS, text
        assert not any(name.startswith("on") or name in ("style", "background") for name in attributes), text
        assert "src" not in attributes or PICTURE.fullmatch(attributes["src"]), text
        assert attributes.get("href", "http://").startswith(("http://", "https://")), text


@settings(max_examples=150, deadline=None)
@given(
    st.lists(st.sampled_from([*HOSTILE, "<table><tr><th>a</th></tr>", "<td>1.0", "</td>", "&lt;script&gt;"]))
)
def test_nothing_hostile_is_left(parts: list[str]):
    check_harmless(sanitised("".join(parts), "<b>Table 1.</b>"))


def test_hostile_text_is_shown_or_gone_but_never_runs(tmp_path: Path):
    everything = "".join(HOSTILE)
    outputs = [shown(text_html=f"<table><tr><td>{part}</td></tr></table>") for part in HOSTILE]
    outputs += [shown(text_html=everything), shown(text_markdown=everything), shown(text_plain=everything)]
    outputs += [figure_output(everything, name=f"</script>{everything}")]
    markdown = (
        everything
        + "\n\n[x](javascript:alert(1)) ![y](http://elsewhere.example/p.png)\n\n# Again\n\n#### Deep"
    )
    plant(tmp_path, "01_labels/a", [markdown, code("'</code></pre><script>'", *outputs)], source=everything)
    build(tmp_path, tmp_path / "site")
    for name, page in pages(tmp_path / "site").items():
        check_quiet(name, page)
        if name != "index.html":
            assert page.levels.count(1) == 1
    check_links(tmp_path / "site")
    page = pages(tmp_path / "site")["01_labels/a.html"]
    assert "<script>alert(1)</script>" in page.text  # printed text is shown as text
    data = page.words[next(i for i, text in enumerate(page.words) if text.startswith('{"data"'))]
    assert json.loads(data)["data"][0]["name"] == f"</script>{everything}"


def test_html_that_is_nested_without_end_is_shown_as_its_text(tmp_path: Path):
    output = shown(text_html="<table><tr><td>" * 20_000, text_plain="a short text")
    plant(tmp_path, "01_labels/a", [code("x", output)])
    build(tmp_path, tmp_path / "site")
    page = pages(tmp_path / "site")["01_labels/a.html"]
    assert "a short text" in page.text and not page.all("table")


def test_tables_have_headers_and_a_caption():
    untrusted = (
        "<style>td{}</style><table border=1><thead><tr><th></th><th>a_b</th><th colspan=2>c</th></tr></thead>"
        "<tbody><tr><th>0</th><td>1.5</td><td>x</td><td>2</td></tr></tbody></table>"
    )
    assert sanitised(untrusted, "<b>Table 1.</b> All") == (
        "<table><caption><b>Table 1.</b> All</caption><thead><tr><td></td>"
        '<th scope="col">a_<wbr>b</th><th colspan="2" scope="colgroup">c</th></tr></thead>'
        '<tbody><tr><th scope="row">0</th><td class="number">1.5</td><td>x</td>'
        '<td class="number">2</td></tr></tbody></table>'
    )


# -- the folder ------------------------------------------------------------------------------------


def digest(site: Path) -> dict[str, str]:
    files = [path for path in sorted(site.rglob("*")) if path.is_file()]
    return {str(path.relative_to(site)): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


def test_two_builds_are_the_same_bytes(real: Path, tmp_path: Path):
    build(paths.PROJECT, tmp_path / "again")
    assert digest(tmp_path / "again") == digest(real)


def test_too_heavy_a_figure_is_a_picture_only(root: Path):
    heavy = [figure_output("Heavy"), figure_output("Light")]
    heavy[0]["data"]["application/vnd.plotly.v1+json"]["data"][0]["customdata"] = ["x" * MAX_BYTES]
    plant(root, "04_evaluate/heavy", ["## How good?", code("draw()", *heavy)])
    made = build(root, root / "site")
    page = pages(root / "site")["04_evaluate/heavy.html"]
    assert made.still == {"04_evaluate/heavy": 1}
    assert [div["aria-label"] for div in page.all("div") if div.get("class") == "live"] == ["Light"]
    assert [image["alt"] for image in page.all("img")] == ["Heavy", "Light"]
    assert (root / "site" / "04_evaluate" / "heavy.html").stat().st_size < MAX_BYTES


def test_too_heavy_a_page_is_refused(root: Path):
    plant(root, "04_evaluate/huge", [code("draw()", figure_output(png=picture(1200, noise=True)))])
    with pytest.raises(UserError, match="less than 3 MB with its pictures, but the one of 04_evaluate/huge"):
        build(root, root / "site")
    assert not (root / "site").exists()


@pytest.mark.parametrize(
    "damage", ["", "{", "[]", '{"cells": 1}', '{"nbformat": 3, "worksheets": []}', "\udcff"]
)
def test_a_damaged_notebook_is_named(root: Path, damage: str):
    (root / "executed" / "04_evaluate" / "b.ipynb").write_bytes(damage.encode("utf-8", "surrogateescape"))
    with pytest.raises(UserError, match=r"executed/04_evaluate/b.ipynb is not .+run --again 04_evaluate/b"):
        build(root, root / "site")


@pytest.mark.parametrize("png", ["%%%", "R0lGODlh", "=", "aGVsbG8"])
def test_a_damaged_picture_is_named(root: Path, png: str):
    plant(root, "04_evaluate/b", [code("draw()", figure_output(png=png))])
    with pytest.raises(UserError, match="executed/04_evaluate/b.ipynb is not"):
        build(root, root / "site")


def test_a_damaged_figure_is_named(root: Path):
    output = figure_output()
    output["data"]["application/vnd.plotly.v1+json"]["data"][0]["y"] = {"bdata": "AAA=", "dtype": "f8"}
    plant(root, "04_evaluate/b", [code("draw()", output)])
    with pytest.raises(UserError, match=r"executed/04_evaluate/b.ipynb is not .+numbers"):
        build(root, root / "site")


def test_unfinished_notebooks_have_no_page(root: Path):
    (root / "executed" / "03_train" / "half.part.ipynb").write_text("{")
    (root / "executed" / ".ipynb_checkpoints").mkdir()
    (root / "executed" / ".ipynb_checkpoints" / "x.ipynb").write_text("{")
    build(root, root / "site")
    assert "half.html" not in {Path(name).name for name in pages(root / "site")}
    assert "x.html" not in {Path(name).name for name in pages(root / "site")}


def test_without_executed_notebooks_there_is_one_sentence(tmp_path: Path, capsys, monkeypatch):
    monkeypatch.setenv("WIKITOPICS_ROOT", str(tmp_path))
    assert cli.main(["site"]) == 2
    said = capsys.readouterr()
    assert (
        said.out == ""
        and said.err.count("\n") == 1
        and "run `wikitopics share` first, or name --runs" in said.err
    )
    assert not (tmp_path / "site").exists()


def test_the_runs_themselves_make_the_same_site(root: Path):
    """--runs: data/STAGE/RUN/notebook.ipynb instead of the shared copies."""
    build(root, root / "shared")
    for file in (root / "executed").glob("*/*.ipynb"):
        place = root / "data" / file.parent.name / file.stem
        place.mkdir(parents=True)
        file.rename(place / "notebook.ipynb")
    (root / "data" / "03_train" / ".x.1.again").mkdir(parents=True)
    (root / "data" / "03_train" / ".x.1.again" / "notebook.ipynb").write_text("{")
    build(root, root / "site", runs=True)
    shared, own = (pages(root / name) for name in ("shared", "site"))
    assert shared.keys() == own.keys() and all(shared[name].text == own[name].text for name in own)


def test_the_command_says_what_it_made(root: Path, capsys, monkeypatch):
    monkeypatch.setenv("WIKITOPICS_ROOT", "/")
    assert cli.main(["site", "--root", str(root)]) == 0
    assert "4 pages, 3 live figures" in capsys.readouterr().out
    assert (root / "site" / "index.html").is_file()


def test_what_is_no_site_is_never_replaced(root: Path):
    folder = root / "thesis"
    folder.mkdir()
    build(root, folder)  # an empty folder may be taken
    (folder / "stale.html").write_text("")
    build(root, folder)
    assert not (folder / "stale.html").exists()  # a site made before is replaced as a whole
    (folder / site_folder.MARK).unlink()
    for place in (folder, folder / "index.html", root):
        before = digest(root)
        with pytest.raises(UserError, match="--out must be a new folder, an empty one or a site made before"):
            build(root, place)
        assert digest(root) == before


def test_a_full_disk_leaves_the_site_that_was_there(root: Path, site: Path, monkeypatch):
    before, write = digest(site), Path.write_bytes

    def full(path: Path, data: bytes) -> int:
        if path.name == "index.html":
            raise OSError(errno.ENOSPC, "No space left on device")
        return write(path, data)

    monkeypatch.setattr(Path, "write_bytes", full)
    with pytest.raises(UserError, match="the disk must have room"):
        build(root, site)
    assert digest(site) == before
    assert [path.name for path in root.iterdir() if path.name.startswith(".")] == []


def test_a_site_that_cannot_be_put_in_its_place_leaves_the_old_one_there(root, site, monkeypatch):
    before, rename = digest(site), Path.rename

    def refused(path: Path, target: Path) -> Path:
        if path.name.endswith(".part"):
            raise OSError(errno.EACCES, "Permission denied")
        return rename(path, target)

    monkeypatch.setattr(Path, "rename", refused)
    with pytest.raises(OSError, match="Permission denied"):
        build(root, site)
    assert digest(site) == before


def test_a_killed_build_leaves_no_half_site_and_the_next_one_clears_up(root: Path, site: Path):
    (site / "kept").write_text("")
    script = (
        "import os, signal, sys; from pathlib import Path; from wikitopics.site import build as b\n"
        "b.index_page = lambda *_: os.kill(os.getpid(), signal.SIGKILL)\n"
        "b.build(Path(sys.argv[1]), Path(sys.argv[1]) / 'site')"
    )
    ended = subprocess.run([sys.executable, "-c", script, str(root)])
    assert ended.returncode == -9 and (site / "kept").exists()
    assert len(list(root.glob(".site.*.part"))) == 1
    running = root / f".site.{os.getpid()}.x"
    running.mkdir()  # not ours to take away
    build(root, site)
    assert not list(root.glob(".site.*.part")) and not (site / "kept").exists() and running.exists()


def test_the_command_line_stays_light():
    script = "import sys; from wikitopics.cli import parser; parser('site'); print(*sys.modules)"
    loaded = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True).stdout
    assert not {"nbformat", "plotly", "bs4", "bleach", "jinja2", "numpy", "mistune"} & set(loaded.split())


def test_a_figure_fetches_nothing_from_elsewhere():
    away, tile = "https://evil.example/x.png", "https://evil.example/{z}/{x}/{y}.png"
    own = "data:image/png;base64,AAAA"
    live = {
        "data": [
            {"type": "bar", "x": ["a"], "y": [1], "text": f"<span style='background:url({away})'>a</span>"},
            *({"type": kind, "geojson": away} for kind in ("scattermap", "choroplethmapbox", "densitymap")),
            *({"type": kind, "geojson": away} for kind in ("scattergeo", "choropleth")),
            {"type": "image", "source": away},
            {"type": "sankey", "link": {"source": [0], "target": [1]}},
        ],
        "layout": {
            "images": [{"source": away}, {"source": own, "x": 1}],
            "map": {"style": {"layers": [{"source": tile}]}},
            "mapbox2": {"layers": [{"source": tile}]},
            "geo": {"visible": True},
            "template": {"layout": {"images": [{"source": away}]}, "data": {"scattermapbox": [{"x": away}]}},
            "title": {"text": f'<a href="{away}">who clicks, leaves</a>'},
        },
    }
    kept = json.loads(Figure("alt", live).json)
    assert [trace["type"] for trace in kept["data"]] == ["bar", "sankey"]
    assert kept["data"][1]["link"]["source"] == [0]
    assert kept["layout"]["images"] == [{"source": own, "x": 1}]
    assert set(kept["layout"]) == {"images", "template", "title"}
    text = json.dumps(kept).replace(kept["layout"]["title"]["text"], "")
    assert "url(" not in text and '"source": "https' not in text and "scattermap" not in text


@settings(max_examples=100, deadline=None)
@given(
    st.recursive(
        st.sampled_from(
            [None, 1, "https://x.org", "<b style='fill:url(//x)'>", "data:image/png;base64,AAAA"]
        ),
        lambda inner: (
            st.lists(inner, max_size=3)
            | st.dictionaries(st.sampled_from(["data", "layout", "type", "source", "images", "map"]), inner)
        ),
        max_leaves=20,
    )
)
def test_any_figure_is_cleaned(part):
    text = Figure("alt", {"data": part, "layout": part}).json
    assert "url(" not in text and '"source":"https' not in text and '"map":' not in text


def test_a_name_that_was_escaped_for_markdown_is_read_as_it_is_and_is_still_no_markup():
    renderer = Renderer(Outline(), lambda url: url, lambda: "")
    name = "Maps & Flags <img src=x> `R&amp;D` *all* [a](b)"
    html_ = markdown(f"- {in_markdown(name)} and `&lt;`", renderer)
    assert re.sub("<[^>]*>", "", html_).strip() == html.escape(f"{name} and &lt;", quote=False)
    assert not re.search("<(img|em|a|strong)", html_)
