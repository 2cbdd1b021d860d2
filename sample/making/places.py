"""Flags and maps: what the table of countries says about them (curated/countries.csv)."""

from making.tables import read_rows
from making.words import chance

PLAIN_ARTICLE = {
    "Georgia": "Georgia (country)", "Ireland": "Republic of Ireland", "Palestine": "State of Palestine",
    "People's Republic of China": "China", "Republic of China": "Taiwan",
    "Victoria (Australia)": "Victoria (state)",
}  # fmt: skip
IN_ITS_COUNTRY = 0.3  # share of flags also used in the article of the country
IN_A_LIST = 0.12


class Places:
    """Countries and regions by the name of their flag's file."""

    def __init__(self) -> None:
        self.rows = {row["stem"]: row for row in read_rows("countries")}
        self.first = {}
        for stem, row in self.rows.items():
            name = stem.split(" ", 1)[1] if row["kind"] == "region" and " " in stem else stem
            self.first.setdefault(name, row)

    def _flag(self, words: list[str], folder: str) -> dict[str, str] | None:
        """The longest name of a flag's file that the words begin with."""
        if "flags" not in folder:
            return None
        begun = (" ".join(words[:n]) for n in range(min(len(words), 6), 0, -1))
        return next((self.rows[name] for name in begun if name in self.rows), None)

    def _mapped(self, words: list[str], folder: str) -> dict[str, str] | None:
        """The longest country name among the words of a file that lies among the maps."""
        if not folder.startswith("geography") or "astronomy" in folder:
            return None
        names = [(name.count(" "), name) for name in self.first if f" {name} " in f" {' '.join(words)} "]
        return self.first[max(names)[1]] if names else None

    def categories(self, title: str, words: list[str], folder: str) -> list[str]:
        """ "Flags of X" or "Maps of X" and, for some, a more general one."""
        row = self._flag(words, folder)
        if row:
            general = (
                ["National flags"] if row["kind"] == "country" and chance("national", title) < 0.25 else []
            )
            return [
                f"Flags of {row['name']}",
                *(["Former countries"] if "historic" in words else []),
                *general,
            ]
        row = self._mapped(words, folder)
        return [f"Maps of {row['name']}"] if row else []

    def articles(self, title: str, words: list[str], folder: str) -> list[str]:
        """The article about the flag or the country."""
        row = self._flag(words, folder)
        if not row:
            row = self._mapped(words, folder)
            return [article_of(row["name"])] if row else []
        found = [f"Flag of {row['name']}"]
        found += [article_of(row["name"])] if chance("country", title) < IN_ITS_COUNTRY else []
        found += ["Gallery of sovereign state flags"] if chance("gallery", title) < IN_A_LIST else []
        return found

    def depicted(self, words: list[str], folder: str) -> list[str]:
        """The categories of what a flag or a map shows: "Flags" or "Maps", then the country itself."""
        for kind, row in (("Flags", self._flag(words, folder)), ("Maps", self._mapped(words, folder))):
            if row:
                return [kind, row["name"].removeprefix("the ")]
        return []

    def profiles(self) -> dict[str, list[str]]:
        """Article -> profiles, for the articles about flags and countries."""
        found = {"Gallery of sovereign state flags": ["flag", "geo"], "Openclipart": ["clip art"]}
        for row in self.rows.values():
            found[f"Flag of {row['name']}"] = ["flag", row["region"]]
            found.setdefault(article_of(row["name"]), ["country", row["region"]])
        return found

    def graph(self) -> dict[str, list[str]]:
        """Category -> parents, for flags and maps of each country and region."""
        graph = {
            "Flags by country subdivision": ["Flags by type"],
            "Maps by country subdivision": ["Maps by type"],
        }
        for row in self.rows.values():
            name, plain = row["name"], row["name"].removeprefix("the ")
            kind = "country" if row["kind"] == "country" else "country subdivision"
            graph[f"Flags of {name}"] = [f"Flags by {kind}", plain]
            graph[f"Maps of {name}"] = [f"Maps by {kind}", plain]
            graph[plain] = [
                f"Countries of {row['continent']}" if row["kind"] == "country" else row["continent"]
            ]
        return graph


def article_of(name: str) -> str:
    """The title of the article about a country."""
    plain = name.removeprefix("the ")
    return PLAIN_ARTICLE.get(plain, plain[:1].upper() + plain[1:])
