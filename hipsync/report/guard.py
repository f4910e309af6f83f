"""Which requests to a page of hipsync are let in: the rules of both servers, on plain headers.

Every program and every user of the computer can reach a port of 127.0.0.1, and any web page in a browser can send
requests to it. So every request must meet four conditions. It comes from a program of this user, as far as the system
tells. It is addressed to this host and port. It holds the key that `hipsync.report.door` sells for a ticket. And it
comes from the browser's address bar or from a page of ours: a form or a script of ours says the secret of the page.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

from hipsync.report.door import Door, same
from hipsync.report.page.document import policy

OF_THE_SCRIPT = "x-hipsync"
"""The header by which a script of ours says the secret: no other page can read it, and none can send this header."""
LONGEST_FORM_BYTES = 4096
HEADERS = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": f"{policy()}; frame-ancestors 'none'",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "same-origin",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
}
"""What every answer carries."""
ANOTHER_PAGE = "another page may not ask"
TOO_OLD = "this page is too old: load it again"
TICKET_WANTED = "open the address that hipsync printed: it holds the ticket to this page"
TICKET_USED = (
    "this address is too old, or was opened before: it opens the page once. Stop the command with Ctrl-C and "
    "start it again for a new one. If nobody opened it before you, do that at once: somebody else did"
)
Client = tuple[str, int]
"""The address and port of whoever sent a request."""


class Refusal(NamedTuple):
    """Why a request is not let in, as text and as a status of HTTP."""

    text: str
    status: int


class Guard:
    """Decides which requests are let in."""

    def __init__(self, port: int, door: Door, is_strangers: Callable[[Client], bool]) -> None:
        """`is_strangers` says whether another user of the computer sent a request; none of theirs is let in."""
        self._host, self.cookie_name = f"127.0.0.1:{port}", f"hipsync-{port}"
        self._door, self._is_strangers = door, is_strangers

    def refusal(self, method: str, headers: Mapping[str, str], client: Client | None) -> Refusal | None:
        """Why a request is not let in, whatever it holds; None for one that is. The names of headers are lower case."""
        if client is None or self._is_strangers(client):
            return Refusal("this page belongs to another user of this computer", 403)
        if headers.get("host", "") != self._host:
            return Refusal("hipsync answers at 127.0.0.1 alone", 421)
        return Refusal(ANOTHER_PAGE, 403) if self._is_of_another_page(method, headers) else None

    def ticket_refusal(self, ticket: str | None, headers: Mapping[str, str]) -> Refusal | None:
        """Why a ticket does not open the page; None if it does, and never again. Call `refusal` before."""
        if ticket is None:
            return Refusal(TICKET_WANTED, 403)
        if "prefetch" in headers.get("sec-purpose", "") or OF_THE_SCRIPT in headers:
            return Refusal("a ticket is for who looks at the page", 403)  # and is not used up by a look ahead
        if headers.get("sec-fetch-site", "none") != "none":
            return Refusal(ANOTHER_PAGE, 403)  # not even one of this port, which may be left from another server
        return None if self._door.takes(ticket) else Refusal(TICKET_USED, 403)

    def holds_key(self, word: str, cookies: Sequence[str]) -> bool:
        """Whether a request holds the key: the word of its address, and its headers named Cookie."""
        pairs = (pair.strip().partition("=") for pair in ";".join(cookies).split(";"))
        return self._door.opens(word, [value for name, _, value in pairs if name == self.cookie_name])

    def knows(self, form: Mapping[str, str]) -> bool:
        """Whether a form carries the secret that our pages contain."""
        return same(form.get("key", ""), self._door.token)

    def _is_of_another_page(self, method: str, headers: Mapping[str, str]) -> bool:
        """Whether another page than ours sent a request, or a script that does not know the secret of our page.

        Browsers say so in headers that no script can change (W3C, "Fetch Metadata Request Headers"). A worker that
        another server left at this port is a script too; it could read an answer that the browser fetched ahead for it.
        """
        changes = method == "POST"
        if (changes or "origin" in headers) and headers.get("origin") != f"http://{self._host}":
            return True
        if headers.get("sec-fetch-site", "same-origin") not in (
            {"same-origin"} if changes else {"same-origin", "none"}
        ):
            return True
        if "service-worker-navigation-preload" in headers:
            return True
        if OF_THE_SCRIPT in headers:
            return not same(headers[OF_THE_SCRIPT], self._door.token)
        return (
            headers.get("sec-fetch-dest", "document") != "document"
            or headers.get("sec-fetch-mode", "navigate") != "navigate"
        )
