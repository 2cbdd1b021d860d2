"""Artefacts that were cut: whoever reads them says in a sentence which file it is, or does not need it."""

import os

import pytest

import export_planted
from wikitopics.artefacts import finished_run, read_array
from wikitopics.browsers import browse
from wikitopics.compare.runs import read_run
from wikitopics.errors import UserError
from wikitopics.evaluate.context import read_context
from wikitopics.evaluate.predictions import read_frozen, read_test, read_validation
from wikitopics.export.export import validation_batch
from wikitopics.export.facts import read_chain, read_facts
from wikitopics.scoring.choose import choose, model_of
from wikitopics.scoring.settings import finished_pair, settings_of
from wikitopics.train.examples import read_examples
from wikitopics.train.record import read_trained

RUN = export_planted.RUN
READ = {  # the readers of each stage's artefacts
    "01_labels": ("train", "export"),
    "02_images": ("train", "pixels", "export"),
    "03_train": ("score", "settings", "judge", "evaluate", "export"),
    "04_evaluate": ("judge", "compare", "browse", "export"),
}


@pytest.fixture(scope="module")
def chain(tmp_path_factory):
    root = tmp_path_factory.mktemp("chain")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("WIKITOPICS_ROOT", str(root))
        export_planted.small_backbone(patch)
        export_planted.write_chain(root)
        yield root


def readers():
    """What reads a finished chain, by name."""
    return {
        "score": lambda: read_trained(finished_pair(RUN)[0]),
        "settings": lambda: settings_of(*finished_pair(RUN), 32),
        "export": lambda: facts_of(read_chain(RUN)),
        "train": lambda: read_examples(
            finished_run("02_images", "sample"), finished_run("01_labels", "commons")
        ),
        "pixels": lambda: read_array(finished_run("02_images", "sample") / "images.npy"),
        "evaluate": lambda: read_validation(RUN),
        "context": lambda: read_context(RUN),
        "judge": lambda: read_test(RUN, read_frozen(finished_run("04_evaluate", RUN))),
        "compare": lambda: read_run(RUN),
        "browse": lambda: browse(RUN),
        "choose": lambda: choose(model_of(RUN), []),
    }


def test_every_cut_artefact_is_named_by_whoever_reads_it(chain):
    """Each artefact cut in half; a reader that worked before works, or names the file."""
    works = {name for name, read in readers().items() if tried(read) is None}
    assert {"score", "export", "train", "judge"} <= works
    wrong, told = [], 0
    for place in sorted(path for path in chain.glob("data/*/*/*") if path.is_file()):
        whole, times = place.read_bytes(), place.stat()
        stage = place.parent.parent.name
        place.write_bytes(whole[: len(whole) // 2])
        for name, read in readers().items():
            error = tried(read) if name in works and name in READ[stage] else None
            told += error is not None
            if error is not None and not (isinstance(error, UserError) and named(place, error)):
                wrong.append(f"{name}, {place.relative_to(chain)}: {error!r}"[:250])
        place.write_bytes(whole)
        os.utime(place, ns=(times.st_atime_ns, times.st_mtime_ns))
    assert not wrong, "\n".join(wrong)
    assert told > 10


def facts_of(chain):
    """What `export` reads beside the network, for its cards."""
    settings = settings_of(chain.model, chain.evaluation, 32)
    validation_batch(chain, len(settings.label_names))
    facts = read_facts(chain, settings, {}, [])
    return facts.pictures, facts.labels(), facts.label_counts(), facts.source()


def named(place, error: UserError) -> bool:
    """Whether a sentence leads to the file: by its name, or by its run."""
    return any(word in str(error) for word in (place.name, place.stem, f"{place.parent.parent.name}/"))


def tried(read) -> Exception | None:
    try:
        read()
    except Exception as error:
        return error
    return None
