"""`status`: show what is known now, when the next prompt could come, and if nothing happens, why.

It explains with the functions by which the service decides (`hipsync.service.plan`). A running service also knows what
is not in the database yet, so `status --line` asks it first.
"""

from __future__ import annotations

import contextlib
import json
from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING

import click

from hipsync.cli.app import App
from hipsync.text import clean

if TYPE_CHECKING:
    from hipsync.core.days import Zones
    from hipsync.model import Remark
    from hipsync.service.clock_steps import Step
    from hipsync.service.plan import Contacts, State
    from hipsync.store import Checked, Store

LONGEST_TEXT = 300
"""The most characters that are shown of what a service answers, or of why a band was not reached."""
NOTHING_KNOWN = "No band is paired and nothing is known: `hipsync pair`, or `hipsync demo` to see how it works."


@click.command("status")
@click.option("--json", "as_json", is_flag=True, help="For programs.")
@click.option("--line", is_flag=True, help="One line, for a status bar.")
@click.pass_obj
def status_command(app: App, as_json: bool, line: bool) -> None:
    """Say what is known now, when the next prompt could come, and if nothing happens, why.

    \b
    hipsync status
    hipsync status --line       for a status bar
    """
    if line and (by_service := _line_of_service(app)) is not None:
        click.echo(by_service)
        return
    now, store = app.now(), app.read_store()
    checked = _checked_json(app.checked)
    if store is None:
        click.echo(json.dumps({**_empty_json(now), **checked}, indent=1) if as_json else NOTHING_KNOWN)
        return
    with store:
        state, remarks = _known(app, store, now, quickly=line)
        zones, newest = app.zones(store), None if line else store.newest()
    from hipsync.host.lock import running
    from hipsync.instants import is_believed
    from hipsync.service.status_text import status_line

    if line:
        click.echo(status_line(state, now))
        return
    is_running = running(app.database)
    service, steps = _service(app) if is_running else ("the service does not run: `hipsync run` starts it", ())
    ahead = None if newest is None or is_believed(newest, now) else newest
    if as_json:
        clock: dict[str, object] = {
            "clock_steps": [{"was": was.isoformat(), "became": became.isoformat()} for was, became in steps],
            "dated_ahead": None if ahead is None else ahead.isoformat(),
        }
        click.echo(
            json.dumps({"running": is_running, **_status_json(state, now, remarks), **clock, **checked}, indent=1)
        )
        return
    head = [status_line(state, now), service, *_clock(steps, ahead, zones)]
    click.echo("\n".join([*head, *_details(state, now, zones, remarks), _checked_text(app.checked, zones)]))


def _known(app: App, store: Store, now: datetime, *, quickly: bool) -> tuple[State, Sequence[Remark]]:
    """Return what the service would decide by, and a remark on each trouble that a band has now.

    With `quickly` no driver is imported, so no band counts as a live one, and there are no remarks: a status bar
    asks often.
    """
    from hipsync.core.band_troubles import troubles
    from hipsync.service.band_facts import facts_of
    from hipsync.service.plan import live_kinds, state_of

    if quickly:
        return state_of(store, app.settings(), now, frozenset()), ()
    from hipsync.registry import drivers

    state = state_of(store, app.settings(), now, live_kinds(drivers()))
    zones = app.zones(store)
    return state, [remark for facts in facts_of(store, state.contacts, now) for remark in troubles(facts, zones, now)]


def _details(state: State, now: datetime, zones: Zones, remarks: Sequence[Remark]) -> list[str]:
    """Return the lines below the first two: data, bands, other prompts, remarks and the next contact."""
    from hipsync.service.plan import next_wake
    from hipsync.service.status_text import other_prompts

    lines = [f"last data: {_ago(state.seen.line.known_until(), now, zones)}"]
    for contact in state.contacts:
        reached = f"{zones.local(contact.reached):%a %H:%M}" if contact.reached else "never"
        failures = f", {contact.failures} attempts failed since" if contact.failures else ""
        lines.append(f"{contact.band.name}: last reached {reached}{failures}")
        lines += [f"    {clean(trouble, LONGEST_TEXT)}" for trouble in _troubles(contact, zones)]
    lines += other_prompts(state, now)
    lines += [remark.text for remark in remarks]
    return [*lines, f"next contact or check: {zones.local(next_wake(state, now)):%a %H:%M}"]


def _clock(steps: Sequence[Step], ahead: datetime | None, zones: Zones) -> list[str]:
    """Return a line for each step of this computer's clock, and one for data that are dated `ahead` of now."""
    from hipsync.service.status_text import clock_step, future_data

    lines = [clock_step(step, zones) for step in steps]
    return lines if ahead is None else [*lines, future_data(ahead, zones)]


def _troubles(contacts: Contacts, zones: Zones) -> list[str]:
    """Return what is wrong with the contacts with a band: a clock that was ahead, and why the last attempt failed."""
    from hipsync.service.status_text import future_contact

    return [trouble for trouble in (future_contact(contacts, zones), contacts.trouble) if trouble is not None]


def _ago(minute: int | None, now: datetime, zones: Zones) -> str:
    """Return in words when a minute, counted from 1970, began: local time, and how long before `now`; None is none."""
    from hipsync.core.timeline import instant_of

    if minute is None:
        return "none in the last day"
    minutes = int((now - instant_of(minute)).total_seconds()) // 60
    return f"{zones.local(instant_of(minute)):%a %H:%M} ({minutes} min ago)"


def _checked_text(checked: Checked | None, zones: Zones) -> str:
    """Return in words what the last check of the database found, and when it was."""
    if checked is None:
        return "database: not checked"
    found = "damaged" if checked.damage else "rows make no sense" if checked.strange else "no damage found"
    more = "" if found.startswith("no ") else ", see `hipsync db check`"
    return f"database: {found}, checked {zones.local(checked.at):%a %H:%M}{more}"


def _checked_json(checked: Checked | None) -> dict[str, object]:
    """Return what `status --json` shows of the last check of the database."""
    if checked is None:
        return {"database": None}
    found = {"damage": list(checked.damage), "strange": list(checked.strange)}
    return {"database": {"checked": checked.at.isoformat(), **found}}


def _line_of_service(app: App) -> str | None:
    """Return the line that a running service would show; None if none runs, or it does not answer."""
    from hipsync.errors import HipsyncError
    from hipsync.service.control_client import ask

    with contextlib.suppress(HipsyncError):
        answer = ask(app.database, {"do": "line"}, 0.5)
        return None if answer is None else clean(str(answer.get("line")), LONGEST_TEXT)
    return None


def _service(app: App) -> tuple[str, Sequence[Step]]:
    """Return what a running service answers: process, connections, trouble; and the clock's steps that it saw."""
    from hipsync.errors import HipsyncError
    from hipsync.service.clock_steps import steps_from_json
    from hipsync.service.control_client import ask

    try:
        answer = ask(app.database, {"do": "status"}, 1.0)
    except HipsyncError:
        return "the service runs, and does not answer: see its log", ()
    if answer is None:
        return "the service runs", ()
    trouble = f"\nits trouble: {clean(str(answer['trouble']), LONGEST_TEXT)}" if answer.get("trouble") else ""
    connected = answer.get("connected") or "no band"
    text = f"the service runs (process {answer.get('process')}), connected to {connected} now{trouble}"
    return text, steps_from_json(answer.get("clock_steps"))


def _empty_json(now: datetime) -> dict[str, object]:
    """Return what `status --json` shows without a database; the keys are the same as with one."""
    head = {"version": 1, "at": now.isoformat(), "running": False, "sitting_minutes": 0, "reason": "no data"}
    nothing = dict.fromkeys(("known_until", "until", "next_wake"))
    return {**head, **nothing, "occasions": {}, "remarks": [], "bands": [], "clock_steps": [], "dated_ahead": None}


def _status_json(state: State, now: datetime, remarks: Sequence[Remark]) -> dict[str, object]:
    """Return what `status --json` shows of the database."""
    from hipsync.core.prompting import Due
    from hipsync.core.timeline import instant_of
    from hipsync.service.plan import next_wake

    known = state.seen.line.known_until()
    verdict = state.verdict
    quiet_until = None if isinstance(verdict, Due) else verdict.until
    return {
        "version": 1,
        "at": now.isoformat(),
        "known_until": None if known is None else instant_of(known).isoformat(),
        "sitting_minutes": state.seen.found.age,
        "reason": "due" if isinstance(verdict, Due) else verdict.reason.value,
        "until": None if quiet_until is None else quiet_until.isoformat(),
        "next_wake": next_wake(state, now).isoformat(),
        "occasions": {
            occasion.value: "due" if isinstance(judged, Due) else judged.reason.value
            for occasion, judged in state.occasions.items()
        },
        "remarks": [{"what": remark.what.value, "text": remark.text} for remark in remarks],
        "bands": [
            {
                "name": contact.band.name,
                "reached": None if contact.reached is None else contact.reached.isoformat(),
                "failures": contact.failures,
                "trouble": "; ".join(_troubles(contact, state.zones)) or None,
            }
            for contact in state.contacts
        ],
    }
