"""What a run's parameters mean, in words: where its labels came from, and what its source is."""

from typing import Any

from wikitopics.export.markdown import escaped

SOURCES = {
    "sample": "the sample embedded in the project: mostly drawings, some photographs, of at most 128 pixels "
    "but for a few that are broken on purpose, "
    "described in the project's `sample/DATA.md`; its category graph and article topics are small and partly "
    "made by hand",
    "table": "pictures of a folder, named by a table that their owner wrote",
    "folder": "pictures in folders of their owner",
    "commons_api": "files of Wikimedia Commons, downloaded through its API",
    "commons_dump": "files of Wikimedia Commons, named by its database dumps",
    "wit": "images that Wikipedia's articles use, named by Google's WIT data set",
}
LABELS = {
    "commons": "From each category of a file, a walk goes up the graph of categories until it meets a "
    "category that stands for a label. People chose the categories, for other purposes; the walk is a rule",
    "commons-learned": "A small linear model weighs the names of a file's categories and the walks from them "
    "up their graph. It was fitted to labels that people gave to other files",
    "ores": "A file gets the topics of the articles that use it, in the words of Wikimedia's article topic "
    "model. They say what the article is about, which the picture need not show",
    "categories": "Each category of a file, as its owner wrote it, is itself a label",
    "given": "The labels are those of the source's own table",
}
RULES = {
    "all": "every parent category",
    "depth": "parents nearer to the root",
    "head": "the parents that share the noun of the category's name",
    "headJ": "the category named like the noun that a category and its parent share",
    "lookahead": "parents from which a labelled category is near",
    "embedding": "the parents whose names mean the most similar",
    "embeddingNN": "the parents whose names mean the most similar",
}
PEOPLE = {
    "sample": "the folder in which librarians put a drawing, or this project a photograph, turned into "
    "labels by a table; one judgement a picture, and not blind to the tags that its categories come from",
}


def people_words(source: str | None) -> str:
    """Whose judgement the human view of a source is."""
    return PEOPLE.get(source or "", "as the source or the annotations named in its parameters give them")


def source_words(name: str | None) -> str:
    """Where the files come from."""
    return SOURCES.get(name or "", f"a source that its record names {escaped(str(name))}")


def label_words(parameters: dict[str, Any]) -> str:
    """How the labels of a run of 01_labels came about, by its parameters; "missing" without them."""
    kind = parameters.get("label_source")
    if kind not in LABELS:
        return "How the labels came about is missing: their run has no record."
    sentences = [LABELS[kind] + "."]
    if kind == "commons":
        rules = str(parameters.get("heuristics", "")).split("+")
        told = [f"`{rule}` ({RULES.get(rule.rstrip('0123456789'), 'see 01_labels')})" for rule in rules]
        sentences.append(f"The ways it goes, the first that labels wins: {', '.join(told)}.")
    if kind == "ores":
        sentences.append(f"Topics below {parameters.get('topic_threshold')} are left out.")
    if parameters.get("source") == "sample" and kind in ("commons", "commons-learned", "ores"):
        sentences.append("In the sample they imitate Wikimedia's: small, and partly made by hand.")
    if parameters.get("corrections"):
        sentences.append("Verdicts of a person on doubtful labels corrected them (a second round).")
    if parameters.get("min_images", 1) > 1:
        sentences.append(f"Labels of fewer than {parameters['min_images']} files are left out.")
    return " ".join(sentences)
