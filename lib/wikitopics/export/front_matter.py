"""What stands in YAML at the head of a card, where the Hugging Face Hub reads it.

Only words of ours and numbers go in: a page shows it as it is, to whoever does not know it for YAML.
"""

import re
from collections.abc import Iterable
from typing import Any

import yaml

from wikitopics.export.facts import Facts
from wikitopics.export.licences import licence_of

Front = dict[str, Any]
SIZES = {"n<1K": 10**3, "1K<n<10K": 10**4, "10K<n<100K": 10**5, "100K<n<1M": 10**6, "1M<n<10M": 10**7}
METRICS = {  # of metrics.json: how the Hub calls it
    "macro roc_auc": "roc_auc",
    "macro average_precision": "average_precision",
    "macro f1": "f1",
    "micro f1": "f1",
    "micro precision": "precision",
    "micro recall": "recall",
    "subset accuracy": "accuracy",
}
TASK = "image-classification"
TAGS = ["wikitopics", "multi-label-classification"]


def with_front(front: Front, card: str) -> str:
    """A card with its front matter.

    >>> with_front({"license": "other"}, "# Card")
    '---\\nlicense: other\\n---\\n\\n# Card'
    """
    said = yaml.safe_dump(front, sort_keys=False, allow_unicode=True, width=1 << 20)
    return f"---\n{said}---\n\n{card}"


def licence_front(licences: Iterable[str], card: str) -> Front:
    """The licence of many pictures: the one that all have, if the Hub has a name for it; else each its own.

    card: the file that tells them. What is no licence of the list counts as one without a name.

    >>> licence_front(["CC0", "CC0-1.0"], "README.md")
    {'license': 'cc0-1.0'}
    >>> licence_front(["CC0", "CC BY 4.0"], "README.md")["license"]
    'other'
    """
    listed = [licence_of(said) for said in set(licences)]
    names = {licence.hub if licence else "" for licence in listed}
    if len(names) == 1 and "" not in names:
        return {"license": names.pop()}
    return {"license": "other", "license_name": "each-picture-has-its-own", "license_link": card}


def size_of(pictures: int) -> str:
    """The Hub's words for how many there are.

    >>> size_of(999), size_of(1000)
    ('n<1K', '1K<n<10K')
    """
    return next((words for words, end in SIZES.items() if pictures < end), "n>10M")


def data_front(name: str, licences: Iterable[str], pictures: int, card: str) -> Front:
    """Of a data set of labelled pictures; card: the file whose head this is."""
    return {
        **licence_front(licences, card),
        "pretty_name": plain(name),
        "task_categories": [TASK],
        "task_ids": ["multi-label-image-classification"],
        "size_categories": [size_of(pictures)],
        "tags": TAGS,
    }


def splits_front(splits: Iterable[str], form: str) -> Front:
    """Which files are which part, form as in `dataset_files.FORMS`."""
    pattern = "data/{}-*" if form == "parquet" else "{}/**"
    files = [{"split": split, "path": pattern.format(split)} for split in splits]
    return {"configs": [{"config_name": "default", "data_files": files}]}


def model_front(facts: Facts) -> Front:
    """Of a model: its library, what it is for, and the figures of its test pictures, as they were measured.

    The licence of the weights is unknown: no record gives them one.
    """
    found = {name: facts.overall(name).get("value") for name in METRICS}
    known = {name: value for name, value in found.items() if value is not None and value == value}
    metrics = [
        {"type": METRICS[name], "name": name, "value": round(float(v), 4)} for name, v in known.items()
    ]
    images = plain(facts.chain.images.name)
    formats = [name for name in ("onnx", "tflite") if name in facts.export["bytes"]]
    result = {
        "task": {"type": TASK, "name": "multi-label image classification"},
        "dataset": {"type": images, "name": f"test pictures of the image set {images}", "split": "test"},
        "metrics": metrics,
    }
    front: Front = {
        "license": "unknown",
        "library_name": "keras",
        "pipeline_tag": TASK,
        "tags": [*TAGS, *formats],
        "metrics": list(dict.fromkeys(METRICS[name] for name in known)),
    }
    index = [{"name": plain(facts.settings.name), "results": [result]}]
    return {
        name: value for name, value in (front | {"model-index": index if metrics else []}).items() if value
    }


def plain(name: str) -> str:
    """A name with nothing in it that YAML, Markdown or HTML could read as something else.

    >>> plain("commons-10_lite0"), plain("<b>*x*: y")
    ('commons-10_lite0', 'b x y')
    """
    return " ".join(re.sub(r"[^\w.-]+", " ", name).split())
