"""README.md of a bundle: what is in it, the commands that use it, and how to do without this project."""

from wikitopics.export.facts import Facts
from wikitopics.export.markdown import Markdown, document, escaped, table

FILES = {
    "MODEL_CARD.md": "what the model is for, how good it is, for which labels, and where it is not",
    "DATA_CARD.md": "the pictures that it learned from: source, licences, splits, labels",
    "settings.json": "order of the labels, parents, thresholds, calibration, how pictures are made",
    "export.json": "what this export checked, and with which versions",
    "credits.csv": "title, creator, licence and split of every picture in training, validation and test; "
    "an apostrophe stands before what a spreadsheet would take for a formula (= + - @)",
    "model.keras": "the model for Keras 3 and for `wikitopics score`",
    "model.onnx": "the same for ONNX Runtime and others that read ONNX",
    "model.tflite": "the same for TFLite (LiteRT)",
    "evaluation/": "metrics.json and per_label.parquet, with intervals, and the frozen thresholds",
    "runs/": "run.json of every run in the chain, as it was written",
    "params/": "the parameters that the runs were given: with them the project makes the model again",
    "SHA256SUMS": "checksums: they tell damage, not who made the bundle",
}
SIZES = {
    "pad": "size = [max(1, round(length * side / max(picture.size))) for length in picture.size]",
    "stretch": "size = [side, side]",
}
FITTED = {
    "pad": "keeping its shape, in the middle of a white square",
    "stretch": "in both directions, whatever its shape",
}
WITHOUT = """\
import json, sys, numpy, onnxruntime
from PIL import Image, ImageOps
settings = json.load(open("settings.json", encoding="utf-8"))
side, picture = settings["side"], Image.open(sys.argv[1])
{size}
turn, _ = picture.getexif().get(0x0112, 1), picture.draft(None, size)
picture, white = picture.convert("RGBA"), Image.new("RGB", picture.size, "white")
white.paste(picture, mask=picture.getchannel("A"))
factor = max(1, min(white.width // size[0], white.height // size[1]) // 2)
small = white.reduce(factor).resize(size, Image.Resampling.BICUBIC)
small.getexif()[0x0112] = turn
small, square = ImageOps.exif_transpose(small), Image.new("RGB", (side, side), "white")
square.paste(small, ((side - small.width) // 2, (side - small.height) // 2))
session = onnxruntime.InferenceSession("model.onnx")
scores = session.run(["scores"], {{"pictures": numpy.asarray(square)[None]}})[0][0]
for label, score, least in zip(settings["label_names"], scores, settings["thresholds"]):
    print(f"{{score:.4f}}", "yes" if score >= least else "no ", label)
"""


def snippet(fit: str) -> str:
    """A program that scores one picture with ONNX Runtime and Pillow alone, run in the bundle's folder."""
    return WITHOUT.format(size=SIZES[fit])


def read_me(facts: Facts, names: list[str]) -> str:
    """The page, for a bundle that holds the files `names`."""
    there = {name: what for name, what in FILES.items() if any(n.startswith(name) for n in names)}
    rows = [(Markdown(f"`{name}`"), Markdown(what)) for name, what in there.items()]
    use = f"""\
With Wiki Image Topics {escaped(facts.settings.version)} installed; nothing else of the \
project's data is needed:

```sh
sha256sum --check SHA256SUMS   # in this folder: is it whole?
wikitopics score PICTURES --model BUNDLE --out topics.parquet
```

`BUNDLE` is this folder, or the zip as it is; `PICTURES` are files, folders or a table of paths; \
`topics.jsonl` instead gives lines of JSON."""
    return document(
        f"{escaped(facts.settings.name)}: topics for pictures",
        [
            ("", [table(("file", "what"), rows)]),
            ("Use it", [use]),
            ("Without this project", _without(facts, names)),
        ],
    )


def _without(facts: Facts, names: list[str]) -> list[str]:
    side, labels = facts.settings.side, len(facts.settings.label_names)
    told = (
        f"The input `pictures` is (n, {side}, {side}, 3) bytes, RGB, any n; the output is (n, {labels}) "
        "scores, in the order of `label_names` in settings.json. A picture is laid on white where it is "
        f"transparent, turned as its EXIF says, and brought to {side} pixels {FITTED[facts.settings.fit]}. "
        "Nothing is subtracted or divided: the model does that itself. A label holds where its score is at "
        "least its threshold; `wikitopics score` adds those above it."
    )
    if "model.onnx" not in names:
        return [told]
    how = (
        "Saved as `topics.py` above this folder and run in it, `python ../topics.py PICTURE` needs "
        "onnxruntime and pillow (a file more in here would make the sums wrong):"
    )
    return [told, how, f"```python\n{snippet(facts.settings.fit)}```"]
