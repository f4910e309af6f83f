"""How one person's browser gets into `hipsync web`, and nobody else: tickets, and the key that a ticket buys.

An address that is handed to a browser is no secret: other users of the computer read it in the browser's arguments, and
it stays in histories. So it holds a ticket, which works once and for a short time. Whoever hands it in gets the key,
in two halves: a word in the address of every page, and a cookie that is sent to addresses with that word alone.

Browsers send a cookie of 127.0.0.1 to every port of it, so to the servers of other users too. They do not know the
word, so they never get this cookie; and the word without the cookie opens nothing. Both are new in each run of the
site, so that a server which takes over its port gets a key to nothing. This module knows no HTTP and no clock.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
from collections.abc import Callable, Iterable


class Door:
    """The tickets that are not used yet, and the two halves of the key."""

    def __init__(self, clock: Callable[[], float]) -> None:
        """`clock` returns seconds that never go back, such as `time.monotonic`."""
        self._clock = clock
        self._tickets: dict[str, float] = {}
        self.word, self.cookie = secrets.token_urlsafe(24), secrets.token_urlsafe(24)
        self.token = hmac.new(self.cookie.encode(), b"form", hashlib.sha256).hexdigest()
        """What every form of a page carries, so that no other page can send one."""

    def ticket(self, lasts_s: float) -> str:
        """Return a new ticket, which works once within `lasts_s` seconds."""
        ticket = secrets.token_urlsafe(24)
        self._tickets[_mark(ticket)] = self._clock() + lasts_s
        return ticket

    def takes(self, ticket: str) -> bool:
        """Whether a ticket opens the door; it never does so again."""
        until = self._tickets.pop(_mark(ticket), None)
        return until is not None and self._clock() < until

    def opens(self, word: str, cookies: Iterable[str]) -> bool:
        """Whether a request holds the key: the word, and the cookie among `cookies`.

        Another site of 127.0.0.1 can add cookies of the same name, so one that is right is enough.
        """
        held = [same(cookie, self.cookie) for cookie in cookies]
        return same(word, self.word) and any(held)


def same(given: str, secret: str) -> bool:
    """Whether two texts are equal, in a time that tells nothing about the secret."""
    return hmac.compare_digest(given.encode("utf-8", "surrogateescape"), secret.encode())


def _mark(ticket: str) -> str:
    """Return what a ticket is found by, so that the time of a search tells nothing about the tickets there are."""
    return hashlib.sha256(ticket.encode("utf-8", "surrogateescape")).hexdigest()
