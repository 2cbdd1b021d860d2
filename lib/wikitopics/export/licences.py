"""Which pictures may be passed on: by the licence that each one's source names, from a committed list.

What is not on the list is left out, with its reason: a licence that nobody here has read is no permission.
"""

import csv
import re
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

UNKNOWN = "no licence is known"
NO_TRADE = "no use for money (NC)"
NO_CHANGE = "no changes allowed (ND)"
NOT_FREE = "not free (fair use, all rights reserved)"
OTHER = "a licence that is not on the list"
UNNAMED = "credit is due, but no creator is named"
REASONS = (UNKNOWN, NO_TRADE, NO_CHANGE, NOT_FREE, OTHER, UNNAMED)

_WORDS = {"creative commons": "cc", "attribution share alike": "by sa", "attribution sharealike": "by sa"}
_NOBODY = re.compile(
    r"(?:(?:unknown|anonymous) ?(?:author|artist|creator|photographer)? ?)+"
)  # as on Commons
_SAYS_NOTHING = {"", "unknown", "missing", "none", "null", "nan", "n a", "na", "?", "see page", "other"}
_NC = re.compile(r"\b(nc|non ?commercial)\b")
_ND = re.compile(r"\b(nd|no ?deriv\w*)\b")
_CLOSED = re.compile(r"\b(fair ?use|non ?free|not free|all rights reserved|copyrighted|©)")
_PORTS = (  # countries with a version of their own, up to 3.0; two other letters may be NC
    "am|ar|at|au|az|be|bg|br|ca|ch|cl|cn|co|cr|cz|de|dk|ec|ee|eg|es|fi|fr|ge|gr|gt|hk|hr|hu|ie|igo|il|in|it|"
    "jp|kr|lu|mk|mt|mx|my|nl|no|nz|pe|ph|pl|pr|pt|ro|rs|scotland|se|sg|si|th|tw|ua|ug|uk|us|ve|vn|za"
)
_VERSIONED = re.compile(rf"(cc by(?: sa)?) (4\.0(?!.*[a-z])|[123]\.0|2\.[15])(?: \d\.\d)*(?: ({_PORTS}))?")
_OF_THE_HUB = {"cc-by-2.0", "cc-by-2.5", "cc-by-3.0", "cc-by-4.0", "cc-by-sa-3.0", "cc-by-sa-4.0"}


@dataclass(frozen=True)
class Licence:
    """A licence that allows to pass a picture on.

    name: in its usual spelling, with its version; hub: how the Hugging Face Hub calls it, "" where it has no
    name of its own; address: of its text; credit: whether the creator must be named.
    """

    name: str
    hub: str
    address: str
    credit: bool


def licence_of(said: str) -> Licence | None:
    """The licence that a source's words name, where it is on the list; else None.

    Capitals, `-`, `_` and the words Creative Commons make no difference; the first of versions counts.

    >>> licence_of("CC-BY-SA 3.0 de").address
    'https://creativecommons.org/licenses/by-sa/3.0/de/'
    >>> licence_of("CC0-1.0").name, licence_of("cc by-sa 4.0").hub, licence_of("CC BY-NC 2.0")
    ('CC0 1.0', 'cc-by-sa-4.0', None)
    """
    words, listed = _plain(said), _listed()
    versioned = _VERSIONED.fullmatch(words)
    if not versioned:
        return listed.get(words) if not words.startswith("cc by") else None
    family, version, port = versioned.groups()
    found = listed[family]
    address = found.address.replace("VERSION", version) + (f"{port}/" if port else "")
    name = f"{found.name} {version}" + (f" {port.upper()}" if port else "")
    hub = "" if port else f"{found.hub}-{version}"
    return Licence(name, hub if hub in _OF_THE_HUB else "", address, found.credit)


def left_out(licence: str, creator: str) -> str:
    """Why a picture of this licence and creator is not passed on, one of REASONS; "" where it may be.

    >>> left_out("CC BY 4.0", "Eve"), left_out("CC BY 4.0", " "), left_out("Public domain", "")
    ('', 'credit is due, but no creator is named', '')
    >>> left_out("CC BY-ND 2.0", "Eve"), left_out("", "Eve"), left_out("Fair use", "Eve")
    ('no changes allowed (ND)', 'no licence is known', 'not free (fair use, all rights reserved)')
    """
    found = licence_of(licence)
    if found:
        return UNNAMED if found.credit and _names_nobody(creator) else ""
    words = _plain(licence)
    if words in _SAYS_NOTHING:
        return UNKNOWN
    for pattern, reason in ((_NC, NO_TRADE), (_ND, NO_CHANGE), (_CLOSED, NOT_FREE)):
        if pattern.search(words):
            return reason
    return OTHER


def _names_nobody(creator: str) -> bool:
    words = _plain(creator)
    return words in _SAYS_NOTHING or bool(_NOBODY.fullmatch(words))


def _plain(said: str) -> str:
    """Small letters, single blanks, one word for one thing."""
    words = re.sub(r"[-_\s,/]+", " ", said).lower().strip()
    for spelled, short in _WORDS.items():
        words = words.replace(spelled, short)
    return re.sub(r"^cc attribution\b", "cc by", words)


@cache
def _listed() -> dict[str, Licence]:
    """The list by its spellings; of CC BY and CC BY-SA without their versions."""
    text = files("wikitopics.export").joinpath("licences.csv").read_text("utf-8")
    rows = csv.DictReader(text.splitlines())
    found: dict[str, Licence] = {}
    for row in rows:
        licence = Licence(row["name"], row["hub"], row["address"], row["credit"] == "yes")
        found |= dict.fromkeys(row["licence"].split("|"), licence)
    return found
