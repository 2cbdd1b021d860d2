"""Who made a photograph and under which licence, as the packages' own files state it."""

import re
from pathlib import Path

Credit = tuple[str, str, str]  # licence, creator, page of origin ("" where none is named)

LICENCES = {
    "public domain": "Public domain",
    "cc0-1.0": "CC0-1.0",
    "cc-by 2.0": "CC-BY-2.0",
    "cc-by-2.0": "CC-BY-2.0",
    "cc-by-3.0": "CC-BY-3.0",
    "cc-by-4.0": "CC-BY-4.0",
    "cc-by-sa 4.0": "CC-BY-SA-4.0",
    "cc-by-sa-4.0": "CC-BY-SA-4.0",
    "cc-by-sa-3.0": "CC-BY-SA-3.0",
}
SCIKIT_LEARN = {  # as the README.txt beside the two pictures says
    "china.jpg": ("CC-BY-2.0", "danielbuechele", "https://www.flickr.com/photos/danielbuechele/6061409035/"),
    "flower.jpg": ("CC-BY-2.0", "vultilion", "https://www.flickr.com/photos/vultilion/6056698931/"),
}


def stanzas(text: str) -> list[dict[str, str]]:
    """Paragraphs of "Key: value" lines with continuation lines, as Debian's copyright files have them."""
    found = []
    for paragraph in re.split(r"\n\s*\n", text):
        fields, key = {}, ""
        for line in paragraph.splitlines():
            match = re.match(r"([A-Z][a-z]+):\s*(.*)", line)
            if match:
                key = match[1]
                fields[key] = match[2]
            elif key:
                fields[key] += f" {line.strip()}"
        found.append(fields)
    return found


def credit(stanza: dict[str, str]) -> Credit:
    """(licence, creator, source)."""
    source = re.search(r"https?://\S+", stanza.get("Source", "") or stanza.get("Comment", ""))
    creator = re.sub(r"Copyright (?=\d{4})", "; ", stanza.get("Copyright", ""))
    creator = re.sub(r",?\s*(©\s*)?\b(19|20)\d\d\b,?\s*", " ", creator)
    return (
        stanza.get("License", "").strip(),
        " ".join(creator.split()).strip(' ;,."'),
        source[0] if source else "",
    )


def debian_credits(root: Path, package: str) -> dict[str, Credit]:
    """file name -> (licence, creator, source) from a Debian copyright file."""
    text = (root / "usr/share/doc" / package / "copyright").read_text(encoding="utf-8")
    named = [s for s in stanzas(text) if s.get("Files", "").strip().endswith(".jpg")]
    return {Path(s["Files"].strip()).name: credit(s) for s in named}
