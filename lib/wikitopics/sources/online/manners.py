"""How we behave towards the servers of others: who we say we are, how much at once, how long we wait."""

import re
from dataclasses import dataclass

import requests

from wikitopics import __version__
from wikitopics.errors import UserError


@dataclass(frozen=True)
class Manners:
    """Limits, by default those of Wikimedia's robot policy (wikitech.wikimedia.org/wiki/Robot_policy).

    contact: an e-mail or web address of the person who downloads. connections: requests at once, over all
    hosts. megabits: a second, over all connections. api_pause: seconds between two questions to an API;
    slow_pause: after one that took more than a second. attempts: for one answer. first_wait: seconds after
    the first failure, doubled with each further one; longest_wait: a server that asks for more ends the run.
    timeout: seconds without a byte. slowest: bytes a second; slower answers are given up after `timeout`.
    """

    contact: str
    connections: int = 2
    megabits: float = 25.0
    api_pause: float = 0.2
    slow_pause: float = 5.0
    attempts: int = 5
    first_wait: float = 5.0
    longest_wait: float = 600.0
    timeout: float = 30.0
    slowest: float = 10_000.0

    def user_agent(self) -> str:
        """Name, version, contact and library, as Wikimedia's policy asks for.

        >>> Manners("someone@example.org").user_agent().startswith("wikitopics/")
        True
        >>> Manners("").user_agent()
        Traceback (most recent call last):
        ...
        wikitopics.errors.UserError: contact must be an e-mail or web address at which you can be reached...
        """
        if not re.fullmatch(r"[!-~]*(\w@\w|https?://\w)[!-~]*", self.contact, re.ASCII):
            raise UserError(
                "contact must be an e-mail or web address at which you can be reached, since Wikimedia "
                f"refuses programs that do not say whose they are, but is {self.contact!r}; give yours"
            )
        return f"wikitopics/{__version__} ({self.contact}) requests/{requests.__version__}"
