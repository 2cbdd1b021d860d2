"""The browser of any finished run, ready to be shown in a notebook."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

from wikitopics import paths
from wikitopics.artefacts import RECORD, finished_run, read_json
from wikitopics.errors import UserError

if TYPE_CHECKING:
    import anywidget

    from wikitopics.show.browser.mistakes import MistakeBrowser
    from wikitopics.show.browser.topics import TopicBrowser

BROWSED = ("04_evaluate", "06_score")


def browse(
    name: str, root: Path | str | None = None, against: str = "", **view: Any
) -> "anywidget.AnyWidget":
    """The widget of a finished run: its mistakes and a map (04_evaluate), or its scored pictures (06_score).

    name: RUN or STAGE/RUN; root: another root folder than `paths.root()`; against: a second run of
    04_evaluate, to see what one gets right and the other does not. Other words set filters, as in
    `browse("commons", label="Animals", errors="false positives", search="fox")`; with `against` also
    right="right here, wrong there". The run is only read; verdicts go to its journals in judgements/. Raises
    UserError where a run is not there, or a filter.
    """
    with paths.rooted(root):
        stage, run = browsable(name)
        if stage == "06_score":
            if against:
                raise UserError(f"two runs must be of 04_evaluate, but {name!r} is of {stage}; name another")
            browser: Any = _pictures(run)
        else:
            browser = mistakes(run, against)
        if "right" in view:
            view["against"] = view.pop("right")
        if view:
            browser.choose(**view)
        return browser.widget


def browsable(name: str) -> tuple[str, str]:
    """(stage, run) of a finished run with a browser; UserError where `name` means none of them, or two."""
    stage, _, run = name.rpartition("/")
    stages = [stage] if stage else BROWSED
    found = [(one, run) for one in stages if (paths.run_folder(one, run) / RECORD).exists()]
    if stage and stage not in BROWSED:
        raise UserError(
            f"a browser shows runs of {' and '.join(BROWSED)}, but {name!r} is of {stage}; name another"
        )
    if len(found) > 1:
        raise UserError(
            f"a run must be named by one name, but {run!r} is in {' and '.join(BROWSED)}; name STAGE/RUN"
        )
    if not found:
        there = [f"{one}/{path.parent.name}" for one in BROWSED for path in _records(one)]
        raise UserError(
            f"a run to browse must be finished, but {name!r} is not; there are {', '.join(there) or 'none'}"
        )
    return found[0]


def _records(stage: str) -> list[Path]:
    return sorted((paths.root() / "data" / stage).glob(f"*/{RECORD}"))


def mistakes(run: str, against: str = "", on_map: bool = True) -> "MistakeBrowser":
    """The browser of a finished run of 04_evaluate, below a map of its test images if `on_map`."""
    from wikitopics.evaluate.context import read_context
    from wikitopics.evaluate.map import NOTHING, mapped
    from wikitopics.evaluate.predictions import read_frozen, read_joined
    from wikitopics.show.browser.picture_map import mistakes_on_map

    folder = finished_run("04_evaluate", run)
    record = read_json(folder / RECORD)
    everything, thresholds = read_joined(folder), read_frozen(folder).thresholds
    context = read_context(record["model"])
    test = everything.rows((everything.frame["split"] == "test").to_numpy())
    judged = (test.truth, test.reaching(thresholds), test.label_names)
    placed = (context.features, record["parameters"]["seed"])
    shown = mapped(test.frame, *judged, *placed) if on_map else NOTHING
    beside = {"against": _beside(against)} if against else {}
    return mistakes_on_map(everything, thresholds, context, shown, run, **beside)


def _beside(name: str) -> tuple:
    """Name, titles, scores, thresholds and label names of a run to compare with."""
    from wikitopics.evaluate.predictions import read_frozen, read_joined

    stage, run = browsable(name if "/" in name else f"04_evaluate/{name}")
    folder = finished_run(stage, run)
    there = read_joined(folder)
    return run, there.frame["title"], there.scores, read_frozen(folder).thresholds, there.label_names


def _pictures(run: str) -> "TopicBrowser":
    from wikitopics.alike.look_alikes import kept_alike
    from wikitopics.scoring.choose import choose
    from wikitopics.scoring.found import groups_of, read_found
    from wikitopics.scoring.pictures import Pictures
    from wikitopics.show.browser.topics import TopicBrowser

    folder = finished_run("06_score", run)
    record = read_json(folder / RECORD)
    parameters = record["parameters"]
    files = choose(record["model"], parameters["inputs"], parameters["contact"])
    if len(files.frame) != record["files"]:
        raise UserError(
            f"the files must be those that were scored, but 06_score/{run} scored {record['files']:,} and "
            "there are "
            f"{len(files.frame):,} now; run `wikitopics run 06_score/{run}`"
        )
    found = read_found(files, folder / "topics.parquet")
    pictures = Pictures(files.source, found.frame["path"], found.settings.fit, found.settings.side)
    scored = (found.frame, found.probabilities, found.above, found.label_names)
    near = kept_alike(folder / "features" / "features.parquet", pictures.paths)
    journals = paths.judgements_folder("06_score", run)
    groups, above = groups_of(found.frame, parameters["group_by"]), found.settings.parents
    return TopicBrowser(*scored, pictures, groups, near, journals, parents=above)
