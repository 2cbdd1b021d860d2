"""The learned labeller's two forms by the names that label sources have."""

import pandas as pd

from wikitopics.labels.category_graph import CategoryGraph
from wikitopics.labels.taxonomy import Taxonomy

FAST, DEEP = "commons-learned", "commons-learned-deep"
LEARNED = (FAST, DEEP)


def learned_labels(form: str, graph: CategoryGraph, taxonomy: Taxonomy, files: pd.DataFrame) -> pd.DataFrame:
    """The labels table of `files` (title, categories) by one of LEARNED, whose model is read only here.

    Raises UserError for a taxonomy that the models were not fitted to.
    """
    if form == DEEP:
        from wikitopics.labels.deep.labeller import label_files as label
    else:
        from wikitopics.labels.learned import label_files as label
    return label(graph, taxonomy, files)
