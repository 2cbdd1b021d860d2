"""What a network with a text side is asked for each label: its name, names of categories, or prompts."""

import re
from collections.abc import Mapping, Sequence
from pathlib import Path

import pandas as pd

from wikitopics.artefacts import RECORD, read_json
from wikitopics.errors import UserError
from wikitopics.labels.taxonomy import Taxonomy, load

WORDS = ("labels", "anchors", "prompts")
PHRASE = "a photo of {}"  # what CLIP was first asked (Radford et al. 2021, section 3.1.4)
TOPIC = re.compile(r"(Culture|Geography|History and Society|STEM)(\.[^.]+)+")  # of ORES: the path of a topic

Prompts = Mapping[str, tuple[str, ...]]


def prompts_of(
    label_names: Sequence[str],
    words: str = "labels",
    phrase: str = PHRASE,
    taxonomy: Taxonomy | None = None,
) -> dict[str, tuple[str, ...]]:
    """The texts that mean each label, in the order of `label_names`.

    words: "labels", the label's name in `phrase`, where {} stands; "anchors", its name and those of its
    anchors, each in the phrase; "prompts", what the taxonomy's column `prompt` says, as it is. Raises
    UserError where a label has no prompt, or no row in a taxonomy that is needed.

    >>> prompts_of(["Maps", "STEM.Earth and environment"])
    {'Maps': ('a photo of Maps',), 'STEM.Earth and environment': ('a photo of Earth and environment',)}
    """
    if words == "labels":
        return {label: (phrase.replace("{}", spoken(label)),) for label in label_names}
    known = {} if taxonomy is None else (taxonomy.prompts if words == "prompts" else taxonomy.anchors)
    missing = next((label for label in label_names if label not in known), None)
    if missing is not None:
        whole = "the labels run" if taxonomy is None else f"the taxonomy {taxonomy.name}"
        remedy = "fill in its column prompt" if words == "prompts" else "name the taxonomy in the labels run"
        raise UserError(
            f"words: {words} needs a row with {words} for each label, but {whole} has none for {missing!r}; "
            f"{remedy}, or choose words: labels"
        )
    if words == "prompts":
        return {label: known[label] for label in label_names}
    names = {label: dict.fromkeys([spoken(label), *map(spoken, known[label])]) for label in label_names}
    return {label: tuple(phrase.replace("{}", name) for name in own) for label, own in names.items()}


def spoken(name: str) -> str:
    """A label or a category as one says it: of an ORES topic the last part, no underscores.

    >>> [spoken(name) for name in ("Culture.Media.Media*", "Works_of_art", "St. Paul's")]
    ['Media', 'Works of art', "St. Paul's"]
    """
    last = name.rsplit(".", 1)[-1].rstrip("*") if TOPIC.fullmatch(name) else name
    return last.replace("_", " ")


def of_run(
    labels_run: Path, label_names: Sequence[str], words: str = "labels", phrase: str = PHRASE
) -> dict[str, tuple[str, ...]]:
    """`prompts_of` labels of the finished 01_labels run in this folder, by the taxonomy that it names."""
    if words == "labels":
        return prompts_of(label_names, words, phrase)
    return prompts_of(
        label_names, words, phrase, load(read_json(labels_run / RECORD)["parameters"]["taxonomy"])
    )


def table(prompts: Prompts) -> pd.DataFrame:
    """What is asked, to be looked at: label, prompts (their number), texts, divided by |."""
    return pd.DataFrame(
        {
            "label": list(prompts),
            "prompts": [len(texts) for texts in prompts.values()],
            "texts": [" | ".join(texts) for texts in prompts.values()],
        }
    )
