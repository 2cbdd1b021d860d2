"""What people judged: journals that only ever grow, outside data/, on the disk before anybody says "saved".

judgements/STAGE/RUN/PERSON.jsonl holds one JSON object a line, each with `person` and `time` (UTC); a later
line about the same thing replaces an earlier one of the same person. Several kernels and people may write at
once. No command of this project deletes or rewrites a journal.
"""

import getpass
import json
import os
import re
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pandas as pd

from wikitopics import paths
from wikitopics.artefacts import read_table, take_lock
from wikitopics.errors import UserError

Entry = dict[str, Any]
TEXTS = ("time", "person", "title")  # what each judgement has
LONGEST_LINE = 1 << 20  # bytes; what is longer is no judgement of ours
VERDICT_COLUMNS = ["title", "label", "kind", "verdict", "corrected_labels", "reviewer", "time"]
ANNOTATION_COLUMNS = ["title", "annotator", "labels", "time"]
UNNAMED = "unnamed"  # whose judgements those are that have no name
TAKEN_OVER = "taken_over"  # what an old table is called once its rows are in journals


def person_here() -> str:
    """The name of whoever sits here: $WIKITOPICS_PERSON, else the name they logged in with."""
    try:
        return os.environ.get("WIKITOPICS_PERSON") or getpass.getuser()
    except (KeyError, OSError):  # a container without users
        return UNNAMED


def journal(folder: Path, person: str) -> Path:
    """The file of one person's judgements; any name can be one.

    >>> journal(Path("judgements/04_evaluate/grid"), "../Zoë").name
    '%2E%2E%2FZo%C3%AB.jsonl'
    """
    name = quote(person or UNNAMED, safe=" ").replace(".", "%2E")
    return folder / f"{name[:200]}.jsonl"


def append(folder: Path, person: str, entries: Iterable[Entry]) -> list[Entry]:
    """Add entries to a person's journal in `folder`; they are on the disk when this returns.

    Returns them with `person` and `time`. Raises OSError where they could not be written; then none of them
    is.
    """
    whole = [stamped(entry, person) for entry in entries]
    lines = "".join(json.dumps(entry, ensure_ascii=False) + "\n" for entry in whole).encode()
    path = journal(folder, person)
    path.parent.mkdir(parents=True, exist_ok=True)
    with _locked(path) as descriptor:
        size = os.fstat(descriptor).st_size
        try:
            _write(descriptor, (b"" if _ends_whole(descriptor, size) else b"\n") + lines)
            os.fsync(descriptor)
        except OSError:
            os.ftruncate(descriptor, size)  # what was there before is still whole
            raise
    _sync_folder(path.parent)
    return whole


def stamped(entry: Entry, person: str) -> Entry:
    """A judgement with its time (now, if it has none) and whose it is."""
    now = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
    return {"time": now} | entry | {"person": person or UNNAMED}


class Journals:
    """What all people judged about one run: read as it grows, added to by one person.

    folder: judgements/STAGE/RUN, which need not be there yet; None: kept in memory only. Lines that are torn
    or are no judgement are left out.
    """

    def __init__(self, folder: Path | None, person: str = "") -> None:
        self.folder, self.person = folder, person or person_here()
        self._read: dict[Path, int] = {}  # bytes of each journal that are known

    def add(self, entry: Entry) -> Entry:
        """Add a judgement, which is on the disk when this returns; OSError where it could not be written.

        What others have added meanwhile is in `news`, and so is this one.
        """
        return self.add_all([entry])[0]

    def add_all(self, entries: Iterable[Entry]) -> list[Entry]:
        """Add several judgements, all or none of them, as `add` does."""
        if self.folder is None:
            return [stamped(entry, self.person) for entry in entries]
        return append(self.folder, self.person, entries)

    def news(self) -> list[Entry]:
        """The judgements that have come since this was asked last, each person's in the order of writing."""
        found: list[Entry] = []
        for path in sorted(self.folder.glob("*.jsonl")) if self.folder else ():
            known = self._read.get(path, 0)
            if path.stat().st_size < known:  # a write that failed was taken away after it was read
                known = 0
            if path.stat().st_size > known:
                entries, self._read[path] = _entries(path, known)
                found += entries
        return found


def read(folder: Path) -> list[Entry]:
    """All entries of all people's journals in `folder`, each person's in the order of writing."""
    return Journals(folder).news()


def latest(entries: Iterable[Entry], about: Callable[[Entry], Any]) -> list[Entry]:
    """The last entry of each person about each thing, oldest first."""
    known = {(entry["person"], about(entry)): entry for entry in entries}
    return sorted(known.values(), key=lambda entry: entry["time"])


def verdict_key(entry: Entry) -> tuple[str, str, str]:
    """What a verdict is about: title, label, kind of mistake."""
    return str(entry.get("title")), str(entry.get("label")), str(entry.get("kind"))


def verdicts(folder: Path | str) -> pd.DataFrame:
    """People's verdicts on a run, one row a person and decision, oldest first: VERDICT_COLUMNS.

    folder: judgements/04_evaluate/RUN, or the name of that run. corrected_labels: a list, or None where none
    were named. Verdicts that were taken back are not there.
    """
    known = latest(read(_folder_of("04_evaluate", folder)), verdict_key)
    rows = [entry | {"reviewer": entry["person"]} for entry in known if entry.get("verdict")]
    return pd.DataFrame(rows, columns=VERDICT_COLUMNS, dtype=object)


def struck_hops(folder: Path | str) -> list[tuple[str, str]]:
    """(child, parent) of the hops of the category graph that somebody struck out, and has not allowed again.

    folder: judgements/04_evaluate/RUN, or the name of that run. In alphabetical order.
    """
    entries = [e for e in read(_folder_of("04_evaluate", folder)) if isinstance(e.get("hop"), dict)]
    known = latest(entries, lambda entry: (str(entry["hop"].get("child")), str(entry["hop"].get("parent"))))
    struck = [entry["hop"] for entry in known if entry["hop"].get("struck") is True]
    return sorted({(str(hop.get("child")), str(hop.get("parent"))) for hop in struck})


def added_anchors(folder: Path | str) -> list[tuple[str, str]]:
    """(category, label) of the anchors that somebody added to the taxonomy, and has not taken back.

    folder: as in `struck_hops`, or judgements/01_labels/RUN as a path. In alphabetical order.
    """
    entries = [e for e in read(_folder_of("04_evaluate", folder)) if isinstance(e.get("anchor"), dict)]
    known = latest(entries, lambda entry: tuple(str(entry["anchor"].get(n)) for n in ("category", "label")))
    added = [entry["anchor"] for entry in known if entry["anchor"].get("added") is True]
    return sorted({(str(one.get("category")), str(one.get("label"))) for one in added})


def annotations(folder: Path | str) -> pd.DataFrame:
    """What people said the files of a run show, one row a person and file: ANNOTATION_COLUMNS.

    folder: judgements/01_labels/RUN, or the name of that run. labels: a list; empty: none of them fits.
    """
    entries = [entry for entry in read(_folder_of("01_labels", folder)) if is_list(entry.get("labels"))]
    known = latest(entries, lambda entry: str(entry["title"]))
    rows = [entry | {"annotator": entry["person"]} for entry in known]
    return pd.DataFrame(rows, columns=ANNOTATION_COLUMNS, dtype=object)


def check_there(place: Path, parameter: str, stage: str) -> None:
    """UserError, naming the parameter, where what people said in `stage` is neither a file nor a folder."""
    if not place.exists():
        raise UserError(
            f"{parameter} must be a table, or a folder like judgements/{stage}/RUN, but {place} is not "
            "there; correct the path"
        )


def _folder_of(stage: str, folder: Path | str) -> Path:
    place = paths.judgements_folder(stage, str(folder)) if isinstance(folder, str) else folder
    if not place.is_dir() and Path(folder).is_dir():
        return Path(folder)
    return place


# -- from before there were journals ----------------------------------------------------------------


def take_over_all() -> list[str]:
    """Bring the judgements that earlier versions kept in data/ into journals; a sentence for each table."""
    told = []
    for stage, name in (("04_evaluate", "reviews"), ("01_labels", "annotations")):
        for table in sorted((paths.root() / "data" / stage).glob(f"*/{name}.parquet")):
            told.append(_take_over(stage, table))
    return told


def _take_over(stage: str, table: Path) -> str:
    """Append the rows of an old table to journals, and give it a name by which it is not taken over again."""
    run, who = table.parent.name, "reviewer" if stage == "04_evaluate" else "annotator"
    folder, rows = paths.judgements_folder(stage, run), read_table(table).to_dict("records")
    about = verdict_key if stage == "04_evaluate" else lambda entry: str(entry.get("title"))
    by_person: dict[str, list[Entry]] = {}
    for row in rows:
        person = str(row.pop(who, "") or UNNAMED)
        by_person.setdefault(person, []).append({name: _plain(value) for name, value in row.items()})
    known = {(entry["person"], about(entry)): entry["time"] for entry in latest(read(folder), about)}
    for person, entries in by_person.items():
        since = [known.get((person, about(one)), "") for one in entries]
        pairs = zip(entries, since, strict=True)
        old = [one for one, newer in pairs if not newer or str(one.get("time", "")) > newer]
        if old:  # what was said since then, in a journal, counts
            append(folder, person, old)
    kept = table.with_name(f"{table.stem}.{TAKEN_OVER}.parquet")
    table.rename(kept)
    return (
        f"{len(rows):,} judgements of data/{stage}/{run}/{table.name} are now in judgements/{stage}/{run}/; "
        f"the table stays as {kept.name}"
    )


def _plain(value: Any) -> Any:
    """A cell of a table as JSON has it."""
    return (
        [str(item) for item in value] if hasattr(value, "__len__") and not isinstance(value, str) else value
    )


# -- lines on the disk ------------------------------------------------------------------------------


@contextmanager
def _locked(path: Path) -> Iterator[int]:
    """A descriptor that appends to the file, which nobody else writes meanwhile."""
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o644)
    try:
        take_lock(descriptor, path)
        yield descriptor
    finally:
        os.close(descriptor)  # and with it the lock


def _ends_whole(descriptor: int, size: int) -> bool:
    """Whether the last line has its end: a process killed while it wrote may have left half of one."""
    return size == 0 or os.pread(descriptor, 1, size - 1) == b"\n"


def _write(descriptor: int, data: bytes) -> None:
    while data:
        data = data[os.write(descriptor, data) :]


def _sync_folder(folder: Path) -> None:
    """Have the name of a new file on the disk, too."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _entries(path: Path, known: int) -> tuple[list[Entry], int]:
    """The judgements after the first `known` bytes, up to the last line that is whole, and where it ends."""
    found = []
    with open(path, "rb") as file:
        file.seek(known)
        while (line := file.readline(LONGEST_LINE)).endswith(b"\n") or len(line) == LONGEST_LINE:
            known += len(line)
            entry = _entry(line)
            if entry is not None:
                found.append(entry)
    return found, known


def _entry(line: bytes) -> Entry | None:
    try:
        entry = json.loads(line.decode("utf-8"))
    except (UnicodeDecodeError, ValueError, RecursionError):
        return None
    texts = isinstance(entry, dict) and all(isinstance(entry.get(name), str) for name in TEXTS)
    return entry if texts and re.fullmatch(r"[\d:TZ.+-]{0,40}", entry["time"]) else None


def is_list(value: Any) -> bool:
    """Whether a judgement's value is a list of texts."""
    return isinstance(value, list) and all(isinstance(item, str) for item in value)
