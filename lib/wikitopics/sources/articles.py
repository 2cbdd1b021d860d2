"""How an article is named in every table: by its wiki's language, as in links between wikis ("en:Cat")."""

from urllib.parse import unquote, urlsplit

RENAMED = {"be-x-old": "be-tarask"}  # wikis whose database kept an old code


def article_name(wiki: str, title: str) -> str:
    """The name of an article on a wiki, given by its host or its database.

    >>> article_name("en.wikipedia.org", "Albert_Einstein"), article_name("zh_min_nanwiki", "Niau")
    ('en:Albert Einstein', 'zh-min-nan:Niau')
    """
    return f"{language(wiki)}:{title.replace('_', ' ')}"


def language(wiki: str) -> str:
    """The language code of a Wikipedia by its host or database; other projects keep their name.

    >>> language("en.m.wikipedia.org"), language("be_x_oldwiki"), language("de.wikivoyage.org")
    ('en', 'be-tarask', 'de.wikivoyage')
    """
    if "." in wiki:
        code = wiki.lower().replace(".m.", ".").removesuffix(".org").removesuffix(".wikipedia")
    else:
        code = wiki.removesuffix("wiki").replace("_", "-")
    return RENAMED.get(code, code)


def article_of_url(url: str) -> str | None:
    """The article that a page's address names, None where it is no article's.

    >>> article_of_url("https://fr.wikipedia.org/wiki/Caf%C3%A9_noir")
    'fr:Café noir'
    """
    parts = urlsplit(url)
    if not parts.netloc or not parts.path.startswith("/wiki/"):
        return None
    return article_name(parts.netloc, unquote(parts.path[len("/wiki/") :]))
