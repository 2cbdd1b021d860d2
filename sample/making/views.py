"""The four views of the truth: categories, articles with their topics, depicted items, the folder's labels.

They are reduced from the same uploads in different ways: categories from uploader tags and title words,
articles and items from title words, and the human view from the folder alone.
"""

from collections.abc import Iterable

from making.places import Places
from making.tables import read_lists, read_rows
from making.words import chance, drawn, phrases, plain, tokens
from wikitopics.labels import taxonomy as taxonomies

UNCATEGORISED = 0.03  # share of files with maintenance and date categories only
UNUSED = 0.08  # share of files no article uses
OVERCATEGORISED = 0.15  # share of files that keep a category above another of theirs
ABOUT_THE_COLLECTION = 0.03  # share of drawings shown in an article about clip art
MOST_CATEGORIES, MOST_ARTICLES, MOST_ITEMS = 5, 3, 2


class Views:
    """The curated tables, ready to give a file its categories and articles."""

    def __init__(self) -> None:
        self.places = Places()
        self.graph = {
            r["title"]: [p for p in r["parents"].split("; ") if p] for r in read_rows("category_graph")
        }
        self.hidden = {r["title"] for r in read_rows("category_graph") if r["hidden"]}
        self.graph |= self.places.graph()
        self.categories_of = read_lists("tag_categories")
        self.articles_of = read_lists("concept_articles")
        self.known_items = read_rows("depicted_items")
        self.item_of = {row["category"]: row["item"] for row in self.known_items}

    def categories(self, title: str, words: list[str], tags: list[str], folder: str, year: str,
                   licence_category: str) -> list[str]:  # fmt: skip
        """Categories of a file: at most five topical ones, then date and maintenance categories."""
        topical = self.places.categories(title, words, folder)
        if not (topical and "flags" in folder):
            found = phrases(words, set(self.categories_of))
            for tag in tags:
                found += [p for p in phrases(tokens(tag), set(self.categories_of)) if p not in found]
            for word in found:
                topical += [c for c in drawn(self.categories_of[word], title, word) if c not in topical]
        topical = self._as_commons_asks(title, topical)[:MOST_CATEGORIES]
        if chance("uncategorised", title) < UNCATEGORISED:
            topical = []
        return topical + self._maintenance(title, year, licence_category, bool(topical))

    def articles(
        self, title: str, words: list[str], tags: list[str], folder: str, drawing: bool
    ) -> list[str]:
        """Articles that use a file: by the words of its title, by its tags only where those say nothing."""
        if chance("unused", title) < UNUSED:
            return []
        found = self.places.articles(title, words, folder)
        if not (found and "flags" in folder):
            known = set(self.articles_of)
            concepts = phrases(words, known) or [p for tag in tags for p in phrases(tokens(tag), known)]
            for concept in concepts:
                found += [a for a in drawn(self.articles_of[concept], title, concept) if a not in found]
        found = found[:MOST_ARTICLES]
        if drawing and chance("collection", title) < ABOUT_THE_COLLECTION:
            found.append("Openclipart")
        return found

    def items(self, words: list[str], tags: list[str], folder: str) -> list[str]:
        """Items that a file depicts: of a flag or a map it and its country, else what the title's words name.

        Its tags count only where the title names no item. An item may be more general than the word.
        """
        known = set(self.categories_of)
        found = (
            self._items(self.places.depicted(words, folder))
            or self._items(self._first(phrases(words, known)))
            or self._items(self._first(p for tag in tags for p in phrases(tokens(tag), known)))
        )
        return found[:MOST_ITEMS]

    def _first(self, concepts: Iterable[str]) -> list[str]:
        """The category of each concept that says what it is."""
        return [plain(self.categories_of[concept][0]) for concept in concepts]

    def _items(self, categories: Iterable[str]) -> list[str]:
        """The items of categories, each once."""
        return list(dict.fromkeys(item for category in categories if (item := self._item(category))))

    def _item(self, category: str) -> str:
        """The item of a category, else of the nearest one above that has one; "" where none has."""
        level, seen = [category], {category}
        while level:
            for name in level:
                if name in self.item_of:
                    return self.item_of[name]
            level = [above for name in level for above in self.graph.get(name, []) if above not in seen]
            seen |= set(level)
        return ""

    def _as_commons_asks(self, title: str, categories: list[str]) -> list[str]:
        """Without categories that lie above another one, except where the uploader did not care."""
        if chance("overcategorised", title) < OVERCATEGORISED:
            return categories
        above = {a for c in categories for a in self.above(c)}
        return [c for c in categories if c not in above]

    def above(self, category: str) -> set[str]:
        """Every category above one."""
        seen, ahead = set(), [category]
        while ahead:
            for parent in self.graph.get(ahead.pop(), []):
                if parent not in seen:
                    seen.add(parent)
                    ahead.append(parent)
        return seen - {category}

    def _maintenance(self, title: str, year: str, licence_category: str, topical: bool) -> list[str]:
        found = [f"{year} in art"] if f"{year} in art" in self.graph else []
        found += [licence_category] if licence_category else []
        if chance("vector", title) < 0.1:
            found.append("Images that should use vector graphics")
        if chance("italian", title) < 0.02:
            found.append("User-created clip art of Italy")
        if not topical:
            found.append("Media needing categories")
        return found


def article_topics(articles: set[str], places: Places) -> list[tuple[str, str, float]]:
    """(article, topic, score) rows: typical scores of the article's profiles, moved a little by its name."""
    profiles, typical = read_lists("article_profiles") | places.profiles(), {}
    for row in read_rows("topic_profiles"):
        typical.setdefault(row["profile"], []).append((row["topic"], float(row["score"])))
    rows = []
    for article in sorted(articles):
        best = {}
        for profile in profiles.get(article, []):
            for topic, score in typical[profile]:
                moved = score + (chance(article, topic) - 0.5) * (0.06 if score > 0.8 else 0.24)
                best[topic] = max(best.get(topic, 0.0), min(max(moved, 0.02), 0.995))
        rows += [(article, topic, round(score, 3)) for topic, score in sorted(best.items())]
    return rows


def folder_labels(folders: set[str]) -> list[tuple[str, str, str]]:
    """(folder, taxonomy, label) rows, ancestors included; "a + b" has the labels of both."""
    known = {row["folder"]: row for row in read_rows("folder_labels")}
    rows = []
    for folder in sorted(folders):
        for taxonomy in ("v1.4", "ores-64"):
            own = [
                label for part in folder.split(" + ") for label in known[part][taxonomy].split("; ") if label
            ]
            rows += [(folder, taxonomy, label) for label in taxonomies.load(taxonomy).close(own)]
    return rows
