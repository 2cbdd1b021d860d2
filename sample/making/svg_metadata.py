"""The RDF metadata of one Open Clip Art drawing, read without trusting the file.

An SVG is a program for an XML parser: entities can grow without bound and can name files of this machine.
So the size is bounded, a declared entity stops the reading, and nothing is read after the metadata.
"""

from dataclasses import dataclass, field
from xml.parsers import expat

MAX_BYTES = 4_000_000


class Refused(Exception):
    """The drawing is not used; the message is the reason, a short phrase that is counted."""


@dataclass
class Metadata:
    """What the uploader wrote: title, creator, tags (lower case, in order), date, licence URLs."""

    title: str = ""
    creator: str = ""
    date: str = ""
    tags: list[str] = field(default_factory=list)
    licences: list[str] = field(default_factory=list)

    @property
    def public_domain(self) -> bool:
        """True when every licence element, and at least one, says PublicDomain."""
        return bool(self.licences) and all(url.rstrip("/").endswith("PublicDomain") for url in self.licences)


class _Done(Exception):
    pass


def read_metadata(data: bytes) -> Metadata:
    """The metadata of an SVG file's bytes; raises `Refused` (too large, declares entities, broken XML)."""
    if len(data) > MAX_BYTES:
        raise Refused("drawing too large")
    found, stack, text = Metadata(), [], []

    def start(name: str, attributes: dict[str, str]) -> None:
        stack.append(_local(name))
        text.clear()
        if stack[-1] == "license":
            found.licences.append(" ".join(attributes.values()))

    def end(_: str) -> None:
        name, words = stack.pop(), " ".join("".join(text).split())
        text.clear()
        _note(found, stack, name, words)
        if name == "metadata" and found.licences:
            raise _Done

    def entity(*_: object) -> None:
        raise Refused("declares XML entities")

    parser = expat.ParserCreate(namespace_separator=" ")
    parser.StartElementHandler, parser.EndElementHandler = start, end
    parser.EntityDeclHandler, parser.CharacterDataHandler = entity, text.append
    try:
        parser.Parse(data, True)
    except _Done:
        pass
    except expat.ExpatError:
        raise Refused("broken XML") from None
    return found


def _note(found: Metadata, stack: list[str], name: str, words: str) -> None:
    """Keep the text of an element that closes, by where it stood."""
    if name == "title" and stack[-1:] == ["Work"]:
        found.title = found.title or words
    elif name == "title" and "creator" in stack:
        found.creator = found.creator or words
    elif name == "li" and "subject" in stack and words:
        found.tags.append(words.lower())
    elif name == "date" and "Work" in stack:
        found.date = found.date or words


def _local(name: str) -> str:
    return name.rpartition(" ")[2]
