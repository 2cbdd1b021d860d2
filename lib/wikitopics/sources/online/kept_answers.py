"""Answers of an API that stay on disk until what was asked for is whole: a kill costs no question twice."""

import base64
import hashlib
import json
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from wikitopics.sources.online.action_api import ActionApi
from wikitopics.sources.online.http import Client
from wikitopics.sources.online.journal import Journal

COLUMNS = {"question": "", "answer": ""}
Asking = Callable[[Client, str], ActionApi]  # as ActionApi is called


class KeptApi(ActionApi):
    """An ActionApi that asks nothing that `journal` knows the answer to, and notes what it was answered."""

    def __init__(self, client: Client, address: str, journal: Journal):
        super().__init__(client, address)
        self._journal = journal

    def ask(self, parameters: dict[str, Any]) -> dict:
        """One answer, decoded, as `ActionApi.ask`."""
        asked = json.dumps([self.address, parameters], sort_keys=True)
        question = hashlib.blake2b(asked.encode(), digest_size=16).hexdigest()
        if question in self._journal.rows:
            said = _unpacked(self._journal.rows[question]["answer"])
            self._remember_warnings(said)
            return said
        said = super().ask(parameters)
        self._journal.put(question=question, answer=_packed(said))
        return said


@contextmanager
def kept_answers(folder: Path) -> Iterator[Asking]:
    """Opens APIs whose answers are kept in `folder`; when the block ends without an error they go."""
    journal = Journal(folder / "answers.parquet", COLUMNS)
    try:
        yield lambda client, address: KeptApi(client, address, journal)
    finally:
        journal.close([])
    journal.table.unlink()


def _packed(said: dict) -> str:
    """Some tenth of the length: an answer is mostly names, many times the same.

    >>> _unpacked(_packed({"query": {"pages": []}}))
    {'query': {'pages': []}}
    """
    return base64.b85encode(zlib.compress(json.dumps(said).encode())).decode()


def _unpacked(text: str) -> dict:
    return json.loads(zlib.decompress(base64.b85decode(text)))
