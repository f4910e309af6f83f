"""The page on which a band is added: what is being done, what is asked, and what comes next.

Every answer is a form, so that it works without a script. A key is typed into a field that no browser keeps, and it is
sent in the body of a form.
"""

# A line of HTML is one line.
# ruff: noqa: E501

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from typing import Literal, NamedTuple

from hipsync.report.family_words import FIRST, KEY_PLACES
from hipsync.report.page.document import Follows, Served, document

Kind = Literal["key", "name", "felt", "passkey", "pin", "agrees"]
YES_OR_NO: frozenset[Kind] = frozenset({"felt", "agrees"})
BUSY, ASKING = Follows(script_s=1, reload_s=3), Follows(script_s=1, reload_s=None)
TITLE = "Add a band"


class Told(NamedTuple):
    """A line of what a pairing told: a plain one, a step that worked, a band's name, or what its family means."""

    kind: Literal["line", "step", "name", "family"]
    text: str
    label: str = ""
    """The word before a line on the family."""


class Asked(NamedTuple):
    """A question that waits for an answer."""

    number: int
    """Which question it is, so that an answer to an earlier one is none to this."""
    kind: Kind
    text: str
    proposed: str = ""
    wrong: str = ""
    """Why the last answer was none; empty for a new question."""


class Found(NamedTuple):
    """A band in reach."""

    address: str
    name: str
    kind: str
    """The name of its family."""
    signal: str
    """How strong its signal is, in words."""
    paired_as: str = ""
    """The name under which it is paired already; empty for a new one."""


class PairingShown(NamedTuple):
    """What the page shows of a pairing, or of the search before it."""

    busy: bool = False
    told: Sequence[Told] = ()
    fetched: tuple[int, int | None] | None = None
    """How many epochs were fetched so far, of about how many (None if nobody knows); None while nothing is fetched."""
    asked: Asked | None = None
    found: Sequence[Found] | None = None
    """The bands that the last search found; None if there was no search."""
    failed: str = ""
    """Why it failed; empty if it did not."""
    paired: str = ""
    """The name of the band that was paired; empty before that."""


class Offered(NamedTuple):
    """What the page offers besides a search."""

    practice: Sequence[tuple[str, str]] = ()
    """The kinds of practice bands that can be paired, by key and label; empty where only real ones are."""
    reminders: bool = False
    """Whether reminders can be turned on once a band is paired."""


def pair_html(shown: PairingShown, offered: Offered, served: Served, said: str) -> str:
    """The whole page as HTML, from its DOCTYPE on; `said` is the outcome of the last form."""
    lines = "".join(map(_told, shown.told))
    body = (
        f'<div class="dates"><h1 tabindex="-1">{TITLE}</h1></div>'
        f'<div class="steps" id="steps" data-live="yes" role="log" aria-label="What hipsync does">{lines}</div>'
        f'<div id="next" data-live="yes">{_next(shown, offered, served.key)}</div>'
    )
    follows = None if not shown.busy else ASKING if shown.asked else BUSY
    return document(f"{TITLE} - hipsync", body, view="pair", name="pair", follows=follows, served=served, message=said)


def _told(told: Told) -> str:
    label = f"<b>{escape(told.label)}</b> " if told.label else ""
    return f'<p class="{told.kind}">{label}<span>{escape(told.text)}</span></p>'


def _next(shown: PairingShown, offered: Offered, key: str) -> str:
    """What follows the lines that were told."""
    if shown.busy:
        asked = _question(shown.asked, key) if shown.asked else _progress(shown.fetched)
        return f"{asked}{_form('pair-stop', key, _button('Stop', 'stop'))}"
    if shown.paired:
        return _ready(shown.paired, offered, key)
    failed = f'<p class="message trouble" role="alert">{escape(shown.failed)}</p>' if shown.failed else ""
    found = "" if shown.found is None else _found(shown.found, key)
    return f"{failed}{found}{_start(shown, offered, key)}"


def _start(shown: PairingShown, offered: Offered, key: str) -> str:
    again = "Look again" if shown.found is not None or shown.failed else "Look for bands"
    first = f"<p>First, {escape(FIRST[1])} Then wake the band. Looking takes ten seconds.</p>"
    look = _form("pair-look", key, _button(again, "look", first=not shown.found))
    if not offered.practice:
        return f"{first}{look}"
    kinds = "".join(f'<option value="{escape(kind)}">{escape(label)}</option>' for kind, label in offered.practice)
    select = (
        f'<label for="kind">No band at hand? Pair a practice band</label><select id="kind" name="kind">{kinds}</select>'
    )
    pair = _button("Pair it", "practise")
    return f"{first}{look}{_form('pair-practice', key, f'{select}{pair}', 'row')}"


def _found(found: Sequence[Found], key: str) -> str:
    if not found:
        return "<p>No band found.</p>"
    return f'<h2>Bands nearby</h2><ul class="list">{"".join(_one_found(each, key) for each in found)}</ul>'


def _one_found(found: Found, key: str) -> str:
    paired = f" It is paired as {escape(found.paired_as)}." if found.paired_as else ""
    word, again = ("Pair again", "yes") if found.paired_as else ("Add", "")
    hidden = f'<input type="hidden" name="address" value="{escape(found.address)}"><input type="hidden" name="again" value="{again}">'
    label = f"{word} {found.name}"
    button = f'<button aria-label="{escape(label)}">{word}</button>'
    form = _form("pair-band", key, f"{hidden}{button}", "came")
    return f'<li><span><strong>{escape(found.name)}</strong><br><span class="soft">{escape(found.kind)}, {escape(found.signal)}.{paired}</span></span>{form}</li>'


def _progress(fetched: tuple[int, int | None] | None) -> str:
    if fetched is None:
        return '<p class="soft">Working ...</p>'
    epochs, of = fetched
    about = f" of about {of:,}" if of is not None and epochs <= of else ""
    bar = f'<progress max="{of}" value="{min(epochs, of)}" aria-label="Fetched"></progress>' if of else ""
    return f"<p>Fetching: {epochs:,}{about}</p>{bar}"


def _question(asked: Asked, key: str) -> str:
    wrong = f'<p class="message trouble" role="alert">{escape(asked.wrong)}</p>' if asked.wrong else ""
    number = f'<input type="hidden" name="question" value="{asked.number}">'
    if asked.kind in YES_OR_NO:
        answers = (
            '<button class="first" name="answer" value="yes" autofocus id="yes">Yes</button>'
            '<button name="answer" value="no" id="no">No</button>'
        )
        question = f'<p id="asked">{escape(asked.text)}</p>'
    else:
        answers = f"{_field(asked)}{_button('Go on', 'go-on', first=True)}"
        question = f'<label for="answer">{escape(asked.text)}</label>'
    return f"{wrong}{_form('pair-answer', key, f'{number}{question}{answers}', 'row')}{_help(asked.kind)}"


def _field(asked: Asked) -> str:
    """The field for an answer. What is secret is hidden as it is typed, and is not a password to the browser."""
    shape = {
        "key": 'class="secret" autocapitalize="off"',
        "passkey": 'inputmode="numeric"',
    }.get(asked.kind, "")
    return f'<input id="answer" name="answer" type="text" autocomplete="off" spellcheck="false" {shape} value="{escape(asked.proposed)}" autofocus required>'


def _help(kind: Kind) -> str:
    if kind != "key":
        return ""
    places = "".join(f"<dt>{escape(bands)}</dt><dd>{escape(where)}</dd>" for bands, where in KEY_PLACES)
    return f'<details id="key-places"><summary>Where is the key?</summary><dl>{places}</dl></details>'


def _ready(paired: str, offered: Offered, key: str) -> str:
    reminders = _form("pair-reminders", key, _button("Turn on reminders", "reminders", first=True))
    turn_on = reminders if offered.reminders else ""
    shape = "button" if offered.reminders else "button first"
    day = f'<a class="{shape}" href="../day/today" id="day">See your day</a>'
    more = _form("pair-look", key, _button("Look for another", "look"))
    return f'<h2>{escape(paired)} is ready</h2><div class="buttons">{turn_on}{day}{more}</div>'


def _button(label: str, name: str, *, first: bool = False) -> str:
    shape = ' class="first"' if first else ""
    return f'<button id="do-{name}"{shape}>{escape(label)}</button>'


def _form(what: str, key: str, content: str, shape: str = "") -> str:
    kind = f' class="{shape}"' if shape else ""
    return f'<form method="post" action="../do/{what}"{kind}><input type="hidden" name="key" value="{escape(key)}">{content}</form>'
