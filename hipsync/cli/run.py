"""The service from the command line: `run`, `status`, `demo`."""

from __future__ import annotations

import contextlib
import json
import sys
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

import click

from hipsync.cli.app import App
from hipsync.cli.completion import kinds
from hipsync.errors import ConfigError
from hipsync.text import clean

if TYPE_CHECKING:
    from hipsync.core.days import Zones
    from hipsync.model import Remark
    from hipsync.service.plan import Settings, State

LONGEST_TROUBLE = 300
"""Characters of why a band was not reached."""


@click.command("run")
@click.pass_obj
def run_command(app: App) -> None:
    """Watch the paired bands and prompt when an hour of sitting is full; Ctrl-C ends it.

    This is what the service file starts.

    \b
    hipsync run
    hipsync --db ~/try.db run
    """
    import asyncio
    import logging
    from zoneinfo import ZoneInfo

    from hipsync.cli import hush_libraries
    from hipsync.cli.app import host_zone
    from hipsync.host.clock import SystemClock
    from hipsync.host.lock import only_instance
    from hipsync.radio.bleak_radio import opened_radio
    from hipsync.registry import drivers
    from hipsync.service.daemon import run
    from hipsync.service.delivery import Delivery
    from hipsync.service.service import Service

    if not app.verbose:
        logging.basicConfig(level=logging.INFO, stream=sys.stderr, format="%(asctime)s %(message)s", datefmt="%H:%M:%S")
        hush_libraries()
    keys = app.keys()

    async def serve() -> None:
        with app.paired_store() as store, only_instance(app.database):
            delivery = Delivery(store, app.now, app.config())

            def settings() -> Settings:
                delivery.config = app.config()
                return app.settings()

            zone = ZoneInfo(host_zone())
            async with opened_radio(store.bands(), keys.secret, zone, app.now) as radio:
                service = Service(
                    store,
                    settings(),
                    radio=radio,
                    drivers=drivers(),
                    secret=keys.secret,
                    deliver=delivery.deliver,
                    now=app.now,
                    hear=radio.hear,
                    show_remark=delivery.tell,
                )
                await run(service, SystemClock(), settings=settings, zone=host_zone)

    asyncio.run(serve())


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
    from hipsync.core.band_troubles import troubles
    from hipsync.host.lock import running
    from hipsync.service.plan import facts_of, live_kinds, next_wake, state_of
    from hipsync.service.status_text import other_prompts, status_line

    now, store = app.now(), app.read_store()
    if store is None:
        if as_json:
            told = {"version": 1, "at": now.isoformat(), "running": False, "sitting_minutes": 0, "reason": "no data"}
            nothing = dict.fromkeys(("known_until", "until", "next_wake"))
            click.echo(json.dumps({**told, **nothing, "occasions": {}, "remarks": [], "bands": []}, indent=1))
        else:
            click.echo("No band is paired and nothing is known: `hipsync pair`, or `hipsync demo` to see how it works.")
        return
    with store:
        live: frozenset[str] = frozenset()
        if not line:  # a status bar asks often, and drivers take long to import
            from hipsync.registry import drivers

            live = live_kinds(drivers())
        state = state_of(store, app.settings(), now, live)
        zones = app.zones(store)
        facts = [] if line else facts_of(store, state.contacts)
        remarks = [remark for each in facts for remark in troubles(each, zones, now)]
    watched = running(app.database)
    if as_json:
        told = {"running": watched, **_status_json(state, now, next_wake(state, now), remarks)}
        click.echo(json.dumps(told, indent=1))
        return
    known = state.seen.line.known_until()
    click.echo(status_line(state, now))
    if line:
        return
    click.echo(_running(app) if watched else "the service does not run: `hipsync run` starts it")
    click.echo(f"last data: {_ago(known, now, zones)}")
    for contact in state.contacts:
        reached = f"{zones.local(contact.reached):%a %H:%M}" if contact.reached else "never"
        trouble = f", {contact.failures} attempts failed since" if contact.failures else ""
        click.echo(f"{contact.band.name}: last reached {reached}{trouble}")
        if contact.trouble:
            click.echo(f"    {clean(contact.trouble, LONGEST_TROUBLE)}")
    for other in other_prompts(state, now):
        click.echo(other)
    for remark in remarks:
        click.echo(remark.text)
    click.echo(f"next contact or check: {zones.local(next_wake(state, now)):%a %H:%M}")


def _line_of_service(app: App) -> str | None:
    """The service knows more than the database, and a status bar asks often."""
    from hipsync.errors import HipsyncError
    from hipsync.service.control_client import ask

    with contextlib.suppress(HipsyncError):
        told = ask(app.database, {"do": "line"}, 0.5)
        return None if told is None else clean(str(told.get("line")), LONGEST_TROUBLE)
    return None


def _running(app: App) -> str:
    from hipsync.errors import HipsyncError
    from hipsync.service.control_client import ask

    try:
        told = ask(app.database, {"do": "status"}, 1.0)
    except HipsyncError:
        return "the service runs, and does not answer: see its log"
    if told is None:
        return "the service runs"
    trouble = f"\nits trouble: {clean(str(told['trouble']), LONGEST_TROUBLE)}" if told.get("trouble") else ""
    connected = told.get("connected") or "no band"
    return f"the service runs (process {told.get('process')}), connected to {connected} now{trouble}"


def _status_json(state: State, now: datetime, wake: datetime, remarks: Sequence[Remark]) -> dict[str, object]:
    from hipsync.core.prompting import Due
    from hipsync.core.timeline import instant_of

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
        "next_wake": wake.isoformat(),
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
                "trouble": contact.trouble,
            }
            for contact in state.contacts
        ],
    }


def _ago(known: int | None, now: datetime, zones: Zones) -> str:
    from hipsync.core.timeline import instant_of

    if known is None:
        return "none in the last day"
    minutes = int((now - instant_of(known)).total_seconds()) // 60
    return f"{zones.local(instant_of(known)):%a %H:%M} ({minutes} min ago)"


@click.command("demo")
@click.option(
    "--band", "kind", default="huami", show_default=True, shell_complete=kinds, help="Which kind of simulated band."
)
@click.option("--data", type=click.Path(exists=True, dir_okay=False, path_type=Path), help="Minutes of your own (CSV).")
@click.option("--speed", default="max", show_default=True, help="Simulated seconds a second, or max.")
@click.option("--date", "when", default="today", show_default=True, help="Which day is lived through.")
@click.option("--seed", default=1, show_default=True, help="Another seed, another day.")
@click.pass_obj
def demo_command(app: App, kind: str, data: Path | None, speed: str, when: str, seed: int) -> None:
    """Let a simulated band live through an office day: pair, sync, prompts as they come, the summary.

    No hardware is needed: the Bluetooth stack above the radio is real, the band and the radio are not.

    \b
    hipsync demo
    hipsync demo --band infinitime --date 2026-03-29
    hipsync demo --data minutes.csv --speed 3600
    """
    from hipsync.cli.dates import day_of
    from hipsync.demo import demo

    if speed != "max" and not (speed.replace(".", "", 1).isdecimal() and float(speed) > 0):
        raise ConfigError(f"--speed {speed!r} is neither max nor a number above 0")
    demo(
        kind=kind,
        data=data,
        speed=None if speed == "max" else float(speed),
        seed=seed,
        database=app.db_path,
        today=day_of(when, app.now().date()),
        echo=click.echo,
        colour=app.colour,
    )
