"""Bundles: the run's own scores in every format, the same bytes twice, cards from records, written whole."""

import hashlib
import json
import os
import resource
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path
from types import ModuleType

import numpy as np
import pandas as pd
import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st
from markdown_it import MarkdownIt
from PIL import Image

import export_planted
import planted
from wikitopics.artefacts import read_array, read_json, write_json
from wikitopics.errors import UserError
from wikitopics.export import convert
from wikitopics.export.cards import cell
from wikitopics.export.export import export_run
from wikitopics.export.facts import funnel
from wikitopics.export.written import whole_bundle
from wikitopics.images.decode import Recipe, decode
from wikitopics.scoring.archive import SUMS, bundle_path
from wikitopics.scoring.bundle import load_bundle
from wikitopics.scoring.network import load_scorer
from wikitopics.train.model import load_model, save_model

RUN = export_planted.RUN
METRICS = f"data/04_evaluate/{RUN}/metrics.json"
try:
    import onnxruntime
    import tf2onnx  # noqa: F401

    FORMATS = ["keras", "onnx", "tflite"]
except ImportError:  # the extra `export` is not installed
    onnxruntime, FORMATS = None, ["keras", "tflite"]
COMMAND = """
import sys

import pytest
import wikitopics.networks.engine  # which starts quietly

import export_planted
from wikitopics.cli import main

export_planted.small_backbone(pytest.MonkeyPatch())
sys.exit(main(sys.argv[1:]))
"""
with_onnx = pytest.mark.skipif(onnxruntime is None, reason="needs the extra export")


@pytest.fixture(scope="module")
def chain(tmp_path_factory):
    """A root with a finished chain, which is the laboratory's root while this file runs."""
    root = tmp_path_factory.mktemp("chain")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("WIKITOPICS_ROOT", str(root))
        export_planted.small_backbone(patch)
        export_planted.write_chain(root)
        yield root


@pytest.fixture(scope="module")
def bundle(chain, tmp_path_factory):
    out = tmp_path_factory.mktemp("bundle") / "tiny"
    export_run(RUN, out, formats=FORMATS)
    return out


@pytest.fixture
def copied(chain, tmp_path, monkeypatch):
    """The chain once more, to be spoiled."""
    shutil.copytree(chain, tmp_path / "root")
    monkeypatch.setenv("WIKITOPICS_ROOT", str(tmp_path / "root"))
    return tmp_path / "root"


def validation(chain):
    table = pd.read_parquet(chain / "data" / "03_train" / RUN / "predictions_validation.parquet")
    pixels = read_array(chain / "data" / "02_images" / "sample" / "images.npy")
    return np.asarray(pixels[table["row"]]), np.stack(table["scores"])


def command(*arguments, root, **more):
    environment = os.environ | {"WIKITOPICS_ROOT": str(root), "TF_CPP_MIN_LOG_LEVEL": "2", **more}
    searched = [str(Path(__file__).parent), os.environ.get("PYTHONPATH", "")]
    environment["PYTHONPATH"] = os.pathsep.join(filter(None, searched))
    program = [sys.executable, "-c", COMMAND, *map(str, arguments)]
    return subprocess.run(program, env=environment, capture_output=True, text=True, timeout=600)


def test_every_format_gives_the_scores_that_the_run_wrote(bundle, chain):
    pictures, scores = validation(chain)
    told = read_json(bundle / "export.json")["checked"]["largest_difference"]
    assert list(told) == ["safetensors", *FORMATS] and max(told.values()) <= 1e-5
    assert np.abs(scores - scores[0]).max() > 0.02  # scores that no wrong network gives by chance
    for name in told:
        given = convert.RUNNERS[f".{name}"](bundle / f"model.{name}")
        for some in (pictures[:1], pictures[:5]):
            assert np.allclose(given(some), scores[: len(some)], atol=1e-5)


def test_another_network_in_a_file_is_refused(bundle, chain, tmp_path):
    pictures, scores = validation(chain)
    with pytest.raises(UserError, match=r"up to 0.001, but those of model.tflite differ by 0\.[0-9]+; leave"):
        convert.largest_difference(bundle / "model.tflite", pictures[::-1], scores)


def test_a_bundle_scores_where_the_projects_data_is_not(chain, tmp_path):
    """As a zip, by the command, below an empty root."""
    folder = tmp_path / "pictures"
    folder.mkdir()
    rng = np.random.default_rng(1)
    for number in range(5):
        Image.fromarray(planted.picture(number, 40, rng)).save(folder / f"{number}.png")
    export_run(RUN, tmp_path / "tiny.zip", formats=["keras"])
    (tmp_path / "empty").mkdir()
    out = tmp_path / "out.parquet"
    done = command("score", folder, "--model", tmp_path / "tiny.zip", "--out", out, root=tmp_path / "empty")
    assert done.returncode == 0, done.stderr
    found = pd.read_parquet(out)
    of_run = load_scorer(chain / "data" / "03_train" / RUN, chain / "data" / "04_evaluate" / RUN)
    pixels = [decode(file.read_bytes(), of_run.recipe).pixels for file in sorted(folder.iterdir())]
    scores = of_run.forward(np.stack(pixels))
    assert np.array_equal(np.stack(found["scores"]), scores)
    assert np.allclose(np.stack(found["probabilities"]), of_run.settings.probabilities(scores), atol=1e-5)
    assert set(found["model"]) == {RUN} and set(found["key"]) == {of_run.settings.key}


def test_the_same_run_gives_the_same_bytes(bundle, chain, tmp_path):
    for name in ("one.zip", "two.zip"):
        export_run(RUN, tmp_path / name, formats=FORMATS)
    assert (tmp_path / "one.zip").read_bytes() == (tmp_path / "two.zip").read_bytes()
    with zipfile.ZipFile(tmp_path / "one.zip") as archive:
        assert all(archive.read(name) == (bundle / name).read_bytes() for name in archive.namelist())


def test_sets_of_the_converter_have_an_order_while_it_converts():
    module = ModuleType("somebody")
    with convert.ordered_sets(module):
        exec("found = set('export'); found.remove('x'); found |= set('onnx')", vars(module))
    assert "".join(module.found) == "eportnx" and "set" not in vars(module)


@pytest.mark.slow
def test_the_command_gives_them_too_with_another_hash_seed(chain, tmp_path):
    export_run(RUN, tmp_path / "one.zip", formats=FORMATS)
    more = {"root": chain, "PYTHONHASHSEED": "7"}
    made = command("export", RUN, "--out", tmp_path / "two.zip", "--formats", ",".join(FORMATS), **more)
    assert made.returncode == 0 and made.stderr == "" and "model.tflite" in made.stdout
    assert (tmp_path / "one.zip").read_bytes() == (tmp_path / "two.zip").read_bytes()


def test_a_folder_is_a_bundle_too_and_its_settings_are_the_runs(bundle, chain):
    of_bundle = load_scorer(bundle)
    of_run = load_scorer(chain / "data" / "03_train" / RUN, chain / "data" / "04_evaluate" / RUN)
    assert of_bundle.settings.as_json() == of_run.settings.as_json()
    pictures, scores = validation(chain)
    assert np.array_equal(of_bundle.forward(pictures), of_run.forward(pictures))
    assert np.allclose(of_bundle.forward(pictures), scores, atol=1e-5)


def test_a_path_is_told_from_a_run(bundle, tmp_path, monkeypatch):
    assert bundle_path("commons-10-lite2", None) is None
    assert bundle_path(str(bundle), None) == bundle
    monkeypatch.chdir(bundle.parent)
    assert bundle_path(bundle.name, None) == Path(bundle.name)
    with pytest.raises(UserError, match="nothing at"):
        bundle_path(str(tmp_path / "no.zip"), None)
    with pytest.raises(UserError, match="thresholds of its own"):
        bundle_path(str(bundle), "other")


def test_a_folder_that_is_no_bundle_is_not_used_unchecked(chain, tmp_path):
    """A run's folder, as a shell completes it, would be scored at 0.5; a foreign one without any check."""
    run = chain / "data" / "03_train" / RUN
    with pytest.raises(UserError, match=f"has no SHA256SUMS; name the run: --model {RUN}$"):
        bundle_path(f"{run}{os.sep}", None)
    shutil.copytree(run, tmp_path / RUN)
    with pytest.raises(UserError, match="has no SHA256SUMS; name a run by its name alone$"):
        bundle_path(str(tmp_path / RUN), None)


def test_no_cell_of_the_credits_is_a_formula_to_a_spreadsheet(bundle):
    creators = pd.read_csv(bundle / "credits.csv")["creator"]
    assert export_planted.FORMULA not in set(creators) and f"'{export_planted.FORMULA}" in set(creators)
    assert export_planted.NASTY in set(creators)


@with_onnx
@pytest.mark.parametrize("kind", ["photograph.jpg", "transparent.png", "tall.png"])
def test_the_readme_program_makes_pictures_and_scores_as_we_do(bundle, tmp_path, monkeypatch, capsys, kind):
    rng = np.random.default_rng(3)
    image = Image.fromarray(planted.picture(4, 300, rng)).resize((500, 300))
    more = {}
    if kind == "photograph.jpg":
        more["exif"] = image.getexif()
        more["exif"][0x0112] = 6
    elif kind == "transparent.png":
        image.putalpha(Image.fromarray(rng.integers(0, 255, (300, 500)).astype(np.uint8)))
    else:
        image = image.resize((31, 77))
    image.save(tmp_path / kind, **more)
    program = (bundle / "README.md").read_text("utf-8").split("```python\n")[1].split("```")[0]
    assert len(program.splitlines()) < 20
    monkeypatch.chdir(bundle)
    monkeypatch.setattr(sys, "argv", ["topics.py", str(tmp_path / kind)])
    exec(compile(program, "topics.py", "exec"), {})
    printed = [line.split(maxsplit=2) for line in capsys.readouterr().out.splitlines()]
    scorer = load_scorer(bundle)
    pixels = decode((tmp_path / kind).read_bytes(), Recipe(store_size=export_planted.SIDE)).pixels
    scores = scorer.forward(pixels[None])[0]
    assert [line[2] for line in printed] == export_planted.NAMES
    assert np.allclose([float(line[0]) for line in printed], scores, atol=2e-4)
    assert [line[1] == "yes" for line in printed] == (scores >= scorer.settings.thresholds).tolist()


def test_the_bundle_holds_the_chain_and_its_sums_are_those_of_sha256sum(bundle, chain):
    files = {path.relative_to(bundle).as_posix() for path in bundle.rglob("*") if path.is_file()}
    wanted = {
        f"runs/{stage}/run.json" for stage in ("01_labels/commons", "02_images/sample", f"03_train/{RUN}")
    }
    wanted |= {
        f"runs/04_evaluate/{RUN}/run.json",
        f"params/03_train/{RUN}.yaml",
        "credits.csv",
        "settings.json",
    }
    wanted |= {"evaluation/metrics.json", "evaluation/per_label.parquet", "MODEL_CARD.md", "DATA_CARD.md"}
    assert wanted <= files
    checked = subprocess.run(["sha256sum", "--check", "--strict", SUMS], cwd=bundle, capture_output=True)
    assert checked.returncode == 0
    missing = read_json(bundle / "export.json")["missing"]
    assert [name.split()[0] for name in missing] == [
        "params/01_labels/commons.yaml",
        "params/02_images/sample.yaml",
        f"params/04_evaluate/{RUN}.yaml",
    ]


def test_cards_tell_what_records_say_and_that_the_rest_is_missing(bundle, chain):
    model, data = ((bundle / name).read_text("utf-8") for name in ("MODEL_CARD.md", "DATA_CARD.md"))
    found = read_json(chain / "data" / "04_evaluate" / RUN / "metrics.json")
    auc = next(row for row in found["overall"] if row["metric"] == "macro roc_auc")
    assert f"{auc['value']:.3f} ({auc['low']:.3f} to {auc['high']:.3f}) on 18 test pictures" in model
    per_label = pd.read_parquet(chain / "data" / "04_evaluate" / RUN / "per_label.parquet").iloc[1]
    told = f"{per_label['recall']:.2f} ({per_label['recall_low']:.2f} to {per_label['recall_high']:.2f})"
    assert any(line.startswith("| Red | 6 |") and told in line for line in model.splitlines())
    assert "| odd rows | 9 |" in model and "No labels by people are recorded" in model
    assert "missing with a head of missing units" in model and "| best" not in model
    assert "| epoch that was kept | missing |" in model
    assert "| left | 90 | 9 |" in data and "| CC0-1.0 | 90 |" in data and "| train | 54 | 54 |" in data
    assert "(alike by at least missing, 1 being equal) kept" in " ".join(data.split())
    for page in (model, data):
        shown = MarkdownIt("commonmark").enable("table").render(page)
        assert "<script" not in shown and 'evil.example"' not in shown and "nan" not in page.lower().split()
    assert "&lt;script&gt;alert(1)&lt;/script&gt; *Eve* [x](http://evil.example) | `rm` &amp;amp;" in shown


def test_cards_begin_with_what_the_hub_reads_and_the_figures_that_were_measured(bundle, chain):
    heads = {}
    for name in ("MODEL_CARD.md", "DATA_CARD.md", "README.md"):
        begin, head, rest = (bundle / name).read_text("utf-8").split("---\n", 2)
        heads[name] = yaml.safe_load(head)
        assert begin == "" and rest.startswith("\n# ") and "<" not in head.replace("n<1K", "")
    model, data = heads["MODEL_CARD.md"], heads["DATA_CARD.md"]
    assert heads["README.md"] == model and model["library_name"] == "keras" and "tflite" in model["tags"]
    (result,) = model["model-index"][0]["results"]
    measured = {row["metric"]: row["value"] for row in read_json(chain / METRICS)["overall"]}
    told = {row["name"]: row["value"] for row in result["metrics"]}
    assert told["macro roc_auc"] == round(measured["macro roc_auc"], 4) and len(told) == 7
    assert all(value == round(measured[name], 4) for name, value in told.items())
    assert data["license"] == "cc0-1.0" and data["size_categories"] == ["n<1K"]


def test_the_hub_reads_the_cards(bundle):
    hub = pytest.importorskip("huggingface_hub", reason="needs the extra huggingface")
    card = hub.ModelCard.load(bundle / "README.md")
    assert card.data.library_name == "keras" and card.data.eval_results[0].metric_type == "roc_auc"
    assert hub.DatasetCard.load(bundle / "DATA_CARD.md").data.license == "cc0-1.0"


@pytest.mark.parametrize("kind", ["categories", "given"])
def test_cards_name_no_taxonomy_where_none_was_used(kind):
    from wikitopics.export.cards import _templates

    words = _templates().get_template("provenance.md.j2").module.vocabulary_words
    assert str(words({"label_source": kind, "taxonomy": "v1.4"})) == "without a taxonomy"
    assert str(words({"label_source": "commons", "taxonomy": "v1.4"})) == "taxonomy v1.4"


def test_cards_say_in_words_where_the_labels_of_every_source_come_from():
    from wikitopics.export.cards import _templates
    from wikitopics.labels.label_sources import LABEL_SOURCES

    words = _templates().get_template("provenance.md.j2").module.label_words
    given = {"source": "sample", "heuristics": "headJ+depth", "combines": ["one", "two"]}
    told = {kind: " ".join(str(words(given | {"label_source": kind})).split()) for kind in LABEL_SOURCES}
    assert not [kind for kind, text in told.items() if "no record" in text] and "no record" in str(words({}))
    assert "`headJ`" in told["depicts"] and "derived from titles" in told["depicts"]
    by_articles = {"label_source": "depicts", "taxonomy": "ores-64", "topic_threshold": 0.5}
    text = " ".join(str(words(given | by_articles)).split())
    assert "the file gets the topics of these" in text and "Topics below 0.5 are left out." in text
    assert "walk" not in text and "headJ" not in text
    assert "`one`, `two`. The runs are weighed" in told["combined"]
    assert "that two of them give" in str(words(given | {"label_source": "combined", "combination": "agree"}))


def test_a_funnel_loses_files_step_by_step_and_not_to_what_is_counted_beside(tmp_path):
    first, last = [("files of the source", 100), ("labelled by a", 70)], ("decoded in full", 50)
    both = [*first, ("labelled by b", 80), ("labelled by all of a, b", 60), last]
    for steps, lost in (([*first, last], [None, 30, 20]), (both, [None, None, None, 40, 10])):
        write_json(tmp_path / "funnel.json", [{"step": step, "files": files} for step, files in steps])
        assert [row["lost"] for row in funnel(tmp_path)] == lost


@with_onnx
def test_numbers_of_chance_leave_no_trace_in_an_onnx_file():
    from onnx import TensorProto, helper

    from wikitopics.export.convert import named_in_order

    def made(numbers, turned):
        a, b, c, d = (f"const_fold_opt__{number}" for number in numbers)
        nodes = [helper.make_node("Mul", ["in", a], [c], name=c), helper.make_node("Add", [c, b], [d])]
        nodes.append(helper.make_node("Clip", [d, "", b], ["Identity:0"]))
        weights = [
            helper.make_tensor(name, TensorProto.FLOAT, [1], [value]) for name, value in ((a, 2), (b, 3))
        ]
        ends = [
            helper.make_tensor_value_info(name, TensorProto.FLOAT, [f"unk__{numbers[0]}", 1])
            for name in ("in", "Identity:0")
        ]
        weights = [
            *weights[:: -1 if turned else 1],
            helper.make_tensor("unused", TensorProto.FLOAT, [1], [0]),
        ]
        return helper.make_model(helper.make_graph(nodes, "g", ends[:1], ends[1:], weights))

    one, two = (
        named_in_order(made(*of), "pictures", "scores") for of in (((1, 2, 3, 4), 0), ((9, 7, 5, 6), 1))
    )
    assert one.SerializeToString() == two.SerializeToString()
    assert [list(node.input) for node in one.graph.node] == [
        ["pictures", "weight_0"],
        ["value_0", "weight_1"],
        ["value_1", "", "weight_1"],
    ]
    assert one.graph.output[0].name == "scores" and len(one.graph.initializer) == 2


@given(st.text(max_size=60))
def test_foreign_text_stays_text(text):
    inline = MarkdownIt("commonmark").enable("table")
    shown = " ".join("".join(letter if letter.isprintable() else " " for letter in text).split())
    page = inline.parse(f"| a | b |\n| --- | --- |\n| {cell(text)} | end |\n")
    cells = [token for token in page if token.type == "inline"]
    assert len(cells) == 4
    parts = cells[2].children
    assert all(part.type in ("text", "text_special") for part in parts)
    assert "".join(part.content for part in parts) == shown


def test_what_does_not_fit_together_is_one_sentence(copied, tmp_path):
    data = copied / "data"
    (copied / "params" / "03_train" / f"{RUN}.yaml").write_text(f"run: {RUN}\nepochs: 7\n")
    with pytest.raises(UserError, match="epochs is 7 there and was 1"):
        export_run(RUN, tmp_path / "a", formats=["keras"])
    assert not (tmp_path / "a").exists()
    write_json(data / "04_evaluate" / RUN / "made_from.json", {"inputs": {f"03_train/{RUN}": "old"}})
    with pytest.raises(UserError, match=f"03_train/{RUN} was made again after 04_evaluate/{RUN}"):
        export_run(RUN, tmp_path / "a", formats=["keras"])
    write_json(data / "04_evaluate" / RUN / "run.json", {"model": "other"})
    with pytest.raises(UserError, match="judged 'other'"):
        export_run(RUN, tmp_path / "a", formats=["keras"])
    with pytest.raises(UserError, match="04_evaluate must have finished the run 'no'"):
        export_run(RUN, tmp_path / "a", "no", ["keras"])


def test_formats_are_known_and_installed(monkeypatch):
    with pytest.raises(UserError, match="but are keras,pmml"):
        convert.check_formats(["keras", "pmml"])
    monkeypatch.setitem(convert.PACKAGES, "onnx", ("no_such_package",))
    with pytest.raises(UserError, match=r"needs no_such_package.*pip install -e '\.\[export\]'"):
        convert.check_formats(["keras", "onnx"])
    assert convert.check_formats(["tflite", "keras"]) == ["keras", "tflite"]
    assert convert.check_formats([]) == []
    assert convert.check_formats(None) == ["keras", "tflite"]  # all that can be made here


def test_something_else_is_not_written_over(tmp_path):
    (tmp_path / "notes.zip").write_text("mine")
    (tmp_path / "folder").mkdir()
    (tmp_path / "folder" / "thesis.txt").write_text("mine")
    with zipfile.ZipFile(tmp_path / "other.zip", "w") as archive:
        archive.writestr("thesis.txt", "mine")
    sums, theirs = tmp_path / "downloads" / SUMS, b"3 GB of somebody's"
    sums.parent.mkdir()
    (sums.parent / "debian.iso").write_bytes(theirs)
    sums.write_text(f"{hashlib.sha256(theirs).hexdigest()}  debian.iso\n")
    with whole_bundle(tmp_path / "bundle") as folder:
        for name in ("model.safetensors", "settings.json"):
            (folder / name).write_text("")
    (tmp_path / "bundle" / "my_notes.txt").write_text("mine")
    for name in ("notes.zip", "folder", "other.zip", "downloads", "bundle"):
        with pytest.raises(UserError, match="is something else"), whole_bundle(tmp_path / name):
            raise AssertionError("nothing may be made")
    assert (tmp_path / "notes.zip").read_text() == "mine"
    assert (tmp_path / "bundle" / "my_notes.txt").read_text() == "mine"
    left = sorted(path.name for path in tmp_path.iterdir())
    assert left == ["bundle", "downloads", "folder", "notes.zip", "other.zip"]


@pytest.mark.parametrize("out", ["new", "new.zip"])
@pytest.mark.parametrize("end", [KeyboardInterrupt, OSError(28, "No space left on device")])
def test_stopped_half_way_nothing_looks_whole_and_the_old_one_stays(tmp_path, out, end):
    def make(text, stop=None):
        with whole_bundle(tmp_path / out) as folder:
            for name in ("model.safetensors", "settings.json", "a.txt"):
                (folder / name).write_text(text)
            if stop:
                raise stop

    with pytest.raises((KeyboardInterrupt, UserError)):
        make("never", end)
    assert list(tmp_path.iterdir()) == []
    make("old")
    with pytest.raises((KeyboardInterrupt, UserError)):
        make("never", end)
    assert [path.name for path in tmp_path.iterdir()] == [out]
    make("new")
    kept = tmp_path / out
    text = zipfile.ZipFile(kept).read("a.txt") if out.endswith(".zip") else (kept / "a.txt").read_bytes()
    assert text == b"new" and [path.name for path in tmp_path.iterdir()] == [out]


def test_a_disk_that_is_full_half_way_is_one_sentence_and_leaves_nothing(chain, tmp_path):
    """A limit on the size of files, below the zip's and above each part's, is met like a full disk."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    export_run(RUN, tmp_path / "once.zip", formats=["keras"])
    size = (tmp_path / "once.zip").stat().st_size
    try:
        resource.setrlimit(resource.RLIMIT_FSIZE, (size - 1000, before[1]))
        with pytest.raises(UserError, match="must have room"):
            export_run(RUN, tmp_path / "full.zip", formats=["keras"])
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert [path.name for path in tmp_path.iterdir()] == ["once.zip"]


def resaved(root, model):
    """The model of the chain below `root` replaced by another, whose record does not say so."""
    folder = root / "data" / "03_train" / RUN
    save_model(model, folder / "model.keras")
    record = read_json(folder / "run.json")
    write_json(folder / "run.json", {k: v for k, v in record.items() if k != "model_sha256"})


def test_a_network_that_is_not_ours_is_refused_when_it_is_exported(copied, tmp_path):
    import keras

    pictures = keras.Input((40, 40, 3))
    x = keras.layers.GlobalAveragePooling2D()(keras.layers.GaussianNoise(0.1)(pictures))
    resaved(copied, keras.Model(pictures, keras.layers.Dense(6)(x)))
    with pytest.raises(UserError, match="must be one that 03_train builds, but .* has no layer 'features'"):
        export_run(RUN, tmp_path / "b.zip", formats=[])
    assert not (tmp_path / "b.zip").exists()


def test_a_network_that_is_ours_but_for_what_no_weight_tells_is_refused_by_its_scores(copied, tmp_path):
    import keras

    model = load_model(copied / "data" / "03_train" / RUN / "model.keras")

    def sharper(layer):
        other = layer.from_config(layer.get_config())
        if layer.name == "head":
            other.activation = keras.activations.tanh
        return other

    other = keras.models.clone_model(model, clone_function=sharper)
    other.set_weights(model.get_weights())
    resaved(copied, other)
    pictures, _ = validation(copied)
    file = copied / "data" / "03_train" / RUN / "predictions_validation.parquet"
    table = pd.read_parquet(file)
    table["scores"] = list(other.predict(pictures, verbose=0))  # as that network's own run would have them
    table.to_parquet(file)
    with pytest.raises(UserError, match="model.safetensors differ by .* none that 03_train builds now"):
        export_run(RUN, tmp_path / "b.zip", formats=[])


def test_without_the_extra_a_bundle_has_no_onnx_and_says_so(chain, tmp_path, monkeypatch, capsys):
    from wikitopics.cli import main

    monkeypatch.setitem(convert.PACKAGES, "onnx", ("no_such_package", "nor_this"))
    assert main(["export", RUN, "--out", str(tmp_path / "b")]) == 0
    said = capsys.readouterr().out
    assert "model.onnx was left out: it needs no_such_package and nor_this (`pip install" in said
    there = {path.name for path in (tmp_path / "b").iterdir()}
    assert {"model.safetensors", "model.keras", "model.tflite"} <= there and "model.onnx" not in there
    page = (tmp_path / "b" / "README.md").read_text("utf-8")
    assert "`model.tflite`" in page and "onnxruntime" not in page


@pytest.mark.slow
@with_onnx
def test_the_demos_run_travels(tmp_path, monkeypatch):
    """Needs the finished demo: a real network, and cards in which next to nothing is missing."""
    monkeypatch.delenv("WIKITOPICS_ROOT", raising=False)
    from wikitopics import paths

    run = "commons-10-lite2"
    if not (paths.run_folder("04_evaluate", run) / "run.json").exists():
        pytest.skip("the demo has not run")
    made = export_run(run, tmp_path / "out.zip")
    assert max(made["checked"]["largest_difference"].values()) < 1e-4
    model, found = load_bundle(tmp_path / "out.zip")
    assert model.output_shape[-1] == len(found.label_names) == 10
    with zipfile.ZipFile(tmp_path / "out.zip") as archive:
        cards = [archive.read(name).decode() for name in ("MODEL_CARD.md", "DATA_CARD.md")]
        assert json.loads(archive.read("export.json"))["missing"] == []
    assert "missing" not in cards[0].split("## Licence")[0].split("*missing* means")[1]
    assert cards[1].count("missing") == 2  # what the word means, and how far two people would agree
