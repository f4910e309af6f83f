"""`status`: say how long its user has sat, when the next reminder comes, and if none does, why.

It explains with the functions by which the service decides (`hipsync.service.plan`), and words it as every other
surface does (`hipsync.service.status_text`). A running service also knows what is not in the database yet, and what its
user does at this computer, so it is asked.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, NamedTuple

import click

from hipsync.cli.app import App
from hipsync.cli.saying import say, tell_json
from hipsync.cli.status_line import LONGEST_TEXT, line_of, lines_of
from hipsync.errors import ConfigError, HipsyncError
from hipsync.text import Json, clean, counted, length

if TYPE_CHECKING:
    from hipsync.model import Band, Remark
    from hipsync.service.clock_steps import Step
    from hipsync.service.now import Now
    from hipsync.service.state import Contacts, Families, State
    from hipsync.store import Checked, Store

LABEL = 11
"""The width of the names before the lines of `status`."""


@click.command("status")
@click.option("--json", "as_json", is_flag=True, help="For programs; with --line for waybar and its like.")
@click.option("--line", is_flag=True, help="One line, for a status bar.")
@click.option("--follow", is_flag=True, help="With --line: go on, and print a line whenever it changes.")
@click.pass_obj
def status_command(app: App, as_json: bool, line: bool, follow: bool) -> None:
    """How long you have sat, the next reminder, and what runs.

    \b
    hipsync status
    hipsync status --line       for a status bar
    """
    if follow and not line:
        raise ConfigError("--follow goes with --line")
    if line:
        for text in lines_of(app, as_json=as_json) if follow else [line_of(app, as_json=as_json)]:
            click.echo(text)
        return
    store = app.read_store()
    checked = _checked_json(app.checked)
    if store is None:
        from hipsync.service.status_text import NO_BAND

        if as_json:
            tell_json({**_empty_json(app), **checked})
            return
        say(f"No band yet: {app.to_begin}." if app.is_practice else NO_BAND)
        return
    with store:
        known = _known(app, store)
        if as_json:
            tell_json({**_status_json(known), **checked})
            return
        say("\n".join(_head(app, known)))
        click.echo()
        say("\n".join(_details(app, store, known)), indent=2 + LABEL)


class _Known(NamedTuple):
    """All that `status` shows."""

    state: State
    now: Now
    service: Mapping[str, Json] | None
    """What a running service answered; empty if it did not, None if none runs."""
    remarks: Sequence[Remark]
    steps: Sequence[Step]
    """The steps of this computer's clock that the service saw."""
    ahead: datetime | None
    """The last instant of data that are dated in the future; None without any."""

    @property
    def is_gateway(self) -> bool:
        """Whether a gateway runs here: then the bands are of many wearers, and there is no day to tell of."""
        return (self.service or {}).get("judges") is False


def _known(app: App, store: Store) -> _Known:
    from hipsync.core.band_troubles import troubles
    from hipsync.instants import is_believed
    from hipsync.service.band_facts import facts_of
    from hipsync.service.here import here_from_json
    from hipsync.service.now import now_of
    from hipsync.service.state import Running, state_of

    now, service, newest = app.now(), _service(app), store.newest()
    here = here_from_json((service or {}).get("here"))
    families = _families(store.bands(), fetches=service is not None)
    state = state_of(store, app.settings(), now, families, Running(here=here))
    remarks = [each for facts in facts_of(store, state.contacts, now) for each in troubles(facts, state.zones, now)]
    steps = _steps(service)
    ahead = None if newest is None or is_believed(newest, now) else newest
    return _Known(state, now_of(state, now, running=service is not None), service, remarks, steps, ahead)


def _families(bands: Sequence[Band], *, fetches: bool) -> Families:
    """Return what has to be known of the families of these bands, with as few drivers imported as that takes.

    A driver is asked for a band that has not shown yet what it can do, and while somebody `fetches`, how often that may
    be.
    """
    from hipsync.service.state import Families, families_of

    asked = {band.driver for band in bands if band.address is not None and (fetches or band.abilities is None)}
    if not asked:
        return Families()
    from hipsync.registry import drivers

    return families_of(drivers(asked))


def _steps(service: Mapping[str, Json] | None) -> Sequence[Step]:
    """Return the steps of this computer's clock that a running service tells of."""
    if not service:
        return ()
    from hipsync.service.clock_steps import steps_from_json

    return steps_from_json(service.get("clock_steps"))


def _service(app: App) -> Mapping[str, Json] | None:
    """Return what a running service answers of itself; empty if it does not answer, None if none runs."""
    from hipsync.host.lock import running

    if not running(app.database):
        return None
    from hipsync.service.control_client import ask

    with contextlib.suppress(HipsyncError):
        return ask(app.database, {"do": "status"}, 1.0) or {}
    return {}


# ------------------------------------------------------------------ for people


def _head(app: App, known: _Known) -> Iterator[str]:
    """Yield what is known now, and what its user should do."""
    from hipsync.service.status_text import sentences

    if known.is_gateway:
        yield f"A gateway runs here: it collects from {counted(len(known.state.contacts), 'band')}, and judges no day."
        return
    yield from sentences(known.now)
    if known.service is None:
        yield f"hipsync is not running: no reminders. {'`hipsync --demo run`' if app.is_practice else _starts()}"


def _starts() -> str:
    """Return the command that starts the service on this computer."""
    from hipsync.host.autostart import installed

    try:
        return "`hipsync service start`" if installed() is not None else "`hipsync service install` or `hipsync run`"
    except ConfigError:
        return "`hipsync run`"


def _details(app: App, store: Store, known: _Known) -> Iterator[str]:
    """Yield the lines below: service, bands, the day, settings, other reminders, and what needs a look."""
    from hipsync.service.status_text import clock_step, future_data, other_reminders

    state, now = known.state, known.now
    yield from _row("Service", *_service_lines(known.service))
    for each in state.contacts:
        yield from _row("Band", *_band_lines(store, each, known))
    if not known.is_gateway:
        if day := _day(app, store, state, now.at):
            yield from _row("Today", day)
        yield from _row("Reminders", _hours(store, state, now.at), *other_reminders(state, now.at))
    if (home := _home_text(known.service)) is not None:
        yield from _row("Home", home)
    yield from _row("Database", _checked_text(app.checked, now))
    steps = [clock_step(step, state.zones) for step in known.steps]
    ahead = [] if known.ahead is None else [future_data(known.ahead, state.zones)]
    if steps or ahead:
        yield from _row("Clock", *steps, *ahead)
    if known.remarks:
        yield from _row("To do", *(remark.text for remark in known.remarks))


def _row(name: str, *lines: str) -> Iterator[str]:
    """Yield lines with a name before the first of them."""
    for at, line in enumerate(lines):
        yield f"  {'' if at else name:<{LABEL}}{line}"


def _service_lines(service: Mapping[str, Json] | None) -> Iterator[str]:
    if service is None:
        yield "not running"
    elif not service:
        yield "running, and does not answer: `hipsync service logs`"
    else:
        connected = clean(str(service.get("connected") or ""), LONGEST_TEXT)
        process = f"running (process {clean(str(service.get('process')))})"
        yield f"{process}, connected to {connected}" if connected else process
        if service.get("trouble"):
            yield f"trouble: {clean(str(service['trouble']), LONGEST_TEXT)}"


def _band_lines(store: Store, contacts: Contacts, known: _Known) -> Iterator[str]:
    """Yield when a band was synced, how full its battery is, what it is spared, and what is wrong with it."""
    from hipsync.model import MINUTE
    from hipsync.service.status_text import when

    zones, now = known.state.zones, known.now.at
    synced = "never synced" if contacts.reached is None else f"synced {when(zones, contacts.reached, now)}"
    failed = f", {counted(contacts.failures, 'failed try', 'failed tries')} since" if contacts.failures else ""
    charge = store.newest_charge(contacts.band.id, now=now)
    battery = "" if charge is None else f", battery {charge.percent} %"
    yield f"{contacts.band.name}, {synced}{failed}{battery}"
    if (spacing := contacts.spacing) is not None:
        yield f"its minutes are fetched every {length(spacing.least // MINUTE)} at most: each time, {spacing.why}"
    yield from (clean(trouble, LONGEST_TEXT) for trouble in _troubles(contacts, known.state))


def _day(app: App, store: Store, state: State, now: datetime) -> str | None:
    """Return the day so far in one line; None if nothing is known of it."""
    from hipsync.core.period import awake_minutes
    from hipsync.history.summaries import summarise
    from hipsync.model import Kind

    day = summarise(store, app.rule(), state.zones, state.zones.date_of(now), now)
    if day.complete_until is None:
        return None
    if not awake_minutes(day.minutes):
        return "no waking minutes recorded yet"
    over = f"{counted(day.over_limit, 'spell')} over {day.limit_minutes} min"
    return f"{length(day.minutes[Kind.SITTING])} sitting, {over}, {counted(day.breaks, 'break')}"


def _hours(store: Store, state: State, now: datetime) -> str:
    """Return when reminders come today, and whether they are paused."""
    from datetime import time

    from hipsync.service.status_text import when

    def spans(windows: Sequence[tuple[time, time]]) -> str:
        ends = ["24:00" if end == time.max else f"{end:%H:%M}" for _, end in windows]
        return ", ".join(f"{start:%H:%M}-{end}" for (start, _), end in zip(windows, ends, strict=True))

    policy, pause = state.settings.policy, store.pause(now)
    hours = spans(policy.hours.get(state.zones.local(now).weekday(), ())) or "none today"
    lunch = f", lunch {spans(policy.lunch)}" if policy.lunch else ""
    return f"{hours}{lunch}, {'not paused' if pause is None else f'paused until {when(state.zones, pause.until, now)}'}"


def _troubles(contacts: Contacts, state: State) -> list[str]:
    """Return what is wrong with the contacts with a band: a clock that was ahead, and why the last attempt failed."""
    from hipsync.service.status_text import future_contact

    return [text for text in (future_contact(contacts, state.zones), contacts.trouble) if text is not None]


def _home_text(service: Mapping[str, Json] | None) -> str | None:
    """Return how things are with Home Assistant, as a running service tells; None if it was not set up."""
    match (service or {}).get("home"):
        case {"trouble": str(trouble)}:
            return f"trouble: {clean(trouble, LONGEST_TEXT)}"
        case {"broker": str(broker), "connected": True, "home_assistant": str() | None as online}:
            heard = {"online": ", Home Assistant is online", "offline": ", Home Assistant is offline"}
            return f"connected to {clean(broker, LONGEST_TEXT)}{heard.get(str(online), '')}{_shared_text(service)}"
        case {"broker": None}:
            return _shared_text(service).removeprefix(", ") or None
        case {"broker": str(broker)}:
            return f"connecting to {clean(broker, LONGEST_TEXT)}"
        case _:
            return None


def _shared_text(service: Mapping[str, Json] | None) -> str:
    """Return with whom a running service shares everything, as the end of a line; empty if it does not share."""
    match (service or {}).get("home"):
        case {"sharing": [*others]}:
            names = ", ".join(clean(str(each), LONGEST_TEXT) for each in others)
            return f", shares with {names}" if names else ", shares; no other computer is online"
        case _:
            return ""


def _checked_text(checked: Checked | None, now: Now) -> str:
    """Return in words what the last check of the database found, and when it was."""
    from hipsync.service.status_text import when

    if checked is None:
        return "not checked"
    found = "damaged" if checked.damage else "rows make no sense" if checked.strange else "OK"
    more = "" if found == "OK" else ": `hipsync db check` says more"
    return f"{found}, checked {when(now.zones, checked.at, now.at)}{more}"


# ------------------------------------------------------------------ for programs


def _checked_json(checked: Checked | None) -> dict[str, object]:
    """Return what `status --json` shows of the last check of the database."""
    if checked is None:
        return {"database": None}
    found = {"damage": list(checked.damage), "strange": list(checked.strange)}
    return {"database": {"checked": checked.at.isoformat(), **found}}


def _empty_json(app: App) -> dict[str, object]:
    """Return what `status --json` shows without a database; the keys are the same as with one."""
    head = {"version": 1, "at": app.now().isoformat(), "running": False, "sitting_minutes": None, "reason": "no data"}
    nothing = dict.fromkeys(("known_until", "until", "next_wake", "since", "reminder", "held_by", "home"))
    more = {"state": "no band", "limit_minutes": app.rule().limit_minutes}
    lists: dict[str, object] = {key: [] for key in ("remarks", "bands", "proxies", "clock_steps")}
    return {**head, **nothing, **more, **lists, "occasions": {}, "dated_ahead": None}


def _status_json(known: _Known) -> dict[str, object]:
    """Return what `status --json` shows of the database."""
    from hipsync.core.prompting import Due
    from hipsync.core.timeline import instant_of
    from hipsync.service.plan import next_wake

    state, now = known.state, known.now
    until = state.seen.line.known_until()
    return {
        "running": known.service is not None,
        "version": 1,
        "at": now.at.isoformat(),
        "known_until": None if until is None else instant_of(until).isoformat(),
        **_now_json(now),
        **(_NO_DAY if known.is_gateway else {}),
        "until": None if now.until is None else now.until.isoformat(),
        "next_wake": next_wake(state, now.at).isoformat(),
        "occasions": {
            occasion.value: "due" if isinstance(judged, Due) else judged.reason.value
            for occasion, judged in state.occasions.items()
        },
        "remarks": [{"what": remark.what.value, "text": remark.text} for remark in known.remarks],
        "bands": [
            {
                "name": contact.band.name,
                "reached": None if contact.reached is None else contact.reached.isoformat(),
                "failures": contact.failures,
                "trouble": "; ".join(_troubles(contact, state)) or None,
            }
            for contact in state.contacts
        ],
        "home": (known.service or {}).get("home"),
        "proxies": (known.service or {}).get("proxies", []),
        "clock_steps": [{"was": was.isoformat(), "became": became.isoformat()} for was, became in known.steps],
        "dated_ahead": None if known.ahead is None else known.ahead.isoformat(),
    }


_NO_DAY: Mapping[str, object] = {
    "state": "gateway", "since": None, "sitting_minutes": None, "reason": "gateway", "held_by": None, "reminder": None,
}  # fmt: skip
"""What `status --json` says in place of a day while a gateway runs."""


def _now_json(now: Now) -> dict[str, object]:
    """Return the keys of `status --json` that say what is known now."""
    from hipsync.service.status_text import HELD_BY

    prompt = now.open
    return {
        "state": now.doing.value,
        "since": None if now.since is None else now.since.isoformat(),
        "sitting_minutes": now.minutes,
        "limit_minutes": now.limit,
        "reason": "due" if now.reason is None else now.reason.value,
        "held_by": None if now.reason is None else HELD_BY.get(now.reason),
        "reminder": None
        if prompt is None
        else {"at": prompt.at.isoformat(), "exercise": prompt.exercise, "shown": prompt.shown},
    }
