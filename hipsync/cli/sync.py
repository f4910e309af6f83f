"""`sync`: contact the bands once, now.

If a service runs on this database, it is asked to do so, because two connections to one band would disturb each other.
"""

from __future__ import annotations

import contextlib
import sys
from collections.abc import AsyncGenerator, Sequence
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

import click

from hipsync.cli import exits
from hipsync.cli.app import App, band_named
from hipsync.cli.completion import band_names
from hipsync.cli.saying import complain, say
from hipsync.errors import DeviceError, Refused
from hipsync.host.interrupt import run_until_interrupted
from hipsync.model import Where
from hipsync.text import counted, one_line

if TYPE_CHECKING:
    from hipsync.cli.record import Record
    from hipsync.model import Band
    from hipsync.service.collecting import Fetched
    from hipsync.service.service import Service
    from hipsync.store import Store


@click.command("sync")
@click.argument("names", nargs=-1, metavar="[BAND]...", shell_complete=band_names)
@click.option("--since", metavar="DATE", help="Fetch again from this day on, as far as the band remembers.")
@click.option(
    "--record",
    metavar="FILE",
    type=click.Path(path_type=Path),
    help="Write down the conversation with one band, for those who mend its driver.",
)
@click.option("--yes", is_flag=True, help="With --record: do not ask.")
@click.pass_obj
def sync_command(app: App, names: tuple[str, ...], since: str | None, record: Path | None, yes: bool) -> None:
    """Fetch new data from your bands now.

    \b
    hipsync sync
    hipsync sync desk-band --since mon
    hipsync sync left --record talk.txt   for whoever mends its driver
    """
    with app.paired_store() as store, contextlib.ExitStack() as stack:
        bands = [band_named(store, name) for name in names] or [band for band in store.bands() if band.address]
        start = None
        if since is not None:
            from hipsync.cli.dates import day_of

            zones = app.zones(store)
            start = zones.day(day_of(since, zones.date_of(app.now()))).start
        recording, failed = None, None
        if record is not None:
            from hipsync.cli.record import recorded

            recording = stack.enter_context(recorded(record, bands, app.now, ask=not yes))
        else:
            failed = _fetch_by_service(app.database, bands, start)
        if failed is None:
            failed = run_until_interrupted(_fetch(app, store, bands, start, recording))
    if failed:
        sys.exit(exits.FAILED)


async def _fetch(
    app: App, store: Store, bands: Sequence[Band], since: datetime | None, record: Record | None = None
) -> int:
    """Fetch from each band, and print what came of it; return how many bands failed."""
    failed = 0
    async with service_on(app, store, bands, record) as service:
        for band in bands:
            try:
                say(f"{band.name}: {_outcome(await service.fetch(band, since))}")
            except DeviceError as error:
                failed += 1
                complain(one_line(f"{band.name}: {error}"))
        service.settle(service.state(app.now()), app.now())
    return failed


def _fetch_by_service(database: Path, bands: Sequence[Band], since: datetime | None) -> int | None:
    """Let the service that runs on this database fetch from each band; return how many failed.

    Return None if no service runs.
    """
    from hipsync.service.collecting import Fetched
    from hipsync.service.control_client import ask

    failed = 0
    for band in bands:
        question = {"do": "sync", "band": band.name, "since": None if since is None else since.isoformat()}
        try:
            answer = ask(database, question, within_s=None)
        except Refused as refused:
            failed += 1
            complain(one_line(f"{band.name}: {refused}"))
            continue
        if answer is None:
            return None
        fetched = Fetched(int(str(answer["epochs"])), history=bool(answer["history"]), held=bool(answer["held"]))
        say(f"{band.name}: {_outcome(fetched)}")
    return failed


def _outcome(fetched: Fetched) -> str:
    """Return in words what a contact brought."""
    if fetched.held:
        return "the service is connected to it, and stores its data as they come"
    nothing = "nothing new" if fetched.history else "its counter, as it is now"
    return counted(fetched.epochs, "new minute or slot", "new minutes and slots") if fetched.epochs else nothing


@contextlib.asynccontextmanager
async def service_on(
    app: App, store: Store, bands: Sequence[Band], record: Record | None = None
) -> AsyncGenerator[Service, None]:
    """Yield a service that can reach these bands and shows prompts nowhere, for one contact from the command line."""
    from zoneinfo import ZoneInfo

    from hipsync.cli.app import host_zone
    from hipsync.host.clock import SystemClock
    from hipsync.host.name import host_name
    from hipsync.radio.bleak_radio import opened_radio
    from hipsync.registry import drivers
    from hipsync.service.service import Service

    async def nowhere(*_: object) -> list[Where]:
        return []

    keys = app.keys()
    store.note_zone(app.now(), host_zone(), host_name(), in_use=True)
    async with opened_radio(bands, keys.secret, ZoneInfo(host_zone()), app.now, app.radio()) as radio:
        yield Service(
            store,
            app.settings(),
            radio=radio if record is None else record.radio(radio),
            drivers=drivers() if record is None else record.drivers(drivers()),
            secret=keys.secret,
            keep=keys.keep_of,
            deliver=nowhere,
            now=app.now,
            passed=SystemClock().passed,
        )
