"""`pair`: choose a band at a terminal, and log in to it.

This module has only what a terminal shows and asks. What pairing does is in `hipsync.service.pairing`, and how a band
is bonded is in `hipsync.radio.first_meeting`.
"""

from __future__ import annotations

import sys
import textwrap
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from hipsync.cli.app import App, checked_name, host_zone
from hipsync.cli.completion import kinds
from hipsync.cli.scan import signal_text
from hipsync.errors import ConfigError
from hipsync.text import clean

if TYPE_CHECKING:
    from hipsync.service.pairing import InReach, Wanted

COLUMNS = 80
LONGEST_ADVICE = 1000
"""The most characters that are shown of a piece of advice, which may come from a driver that strangers wrote."""


@click.command("pair")
@click.argument("address", required=False)
@click.option("--name", help="What to call it; by default the name it shows.")
@click.option("--driver", "kind", shell_complete=kinds, help="Which driver, where the scan does not tell.")
@click.option(
    "--key-file", type=click.Path(exists=True, dir_okay=False, path_type=Path), help="A file with the band's key."
)
@click.option("--again", is_flag=True, help="Anew, with a new bond or key; what it told is kept.")
@click.option(
    "--simulate",
    metavar="KIND",
    shell_complete=kinds,
    help="Pair a simulated band of this kind instead: no hardware needed.",
)
@click.pass_obj
def pair_command(
    app: App,
    address: str | None,
    name: str | None,
    kind: str | None,
    key_file: Path | None,
    again: bool,
    simulate: str | None,
) -> None:
    """Add your band.

    You choose it, hipsync logs in, sets its clock and fetches what it remembers.

    \b
    hipsync pair                                    choose from a scan
    hipsync pair C8:0F:10:80:D0:21 --name left
    hipsync pair C8:0F:10:80:D0:21 --again          after the band was reset, or has a new key
    hipsync pair --simulate huami                   try it without a band
    """
    import asyncio

    from hipsync.service.pairing import Wanted

    if name is not None:
        checked_name(name)
    asyncio.run(_pair(app, Wanted(address, name, kind, again), key_file, simulate))
    click.echo("Next: `hipsync today`, and `hipsync run` to be prompted.")


async def _pair(app: App, wanted: Wanted, key_file: Path | None, simulate: str | None) -> None:
    """Pair a real band, or a simulated one of the kind `simulate`. Raises as `Pairing.pair` does."""
    import os
    from zoneinfo import ZoneInfo

    from hipsync.cli.passkey import Terminal
    from hipsync.host.clock import SystemClock
    from hipsync.radio.bleak_radio import simulated_office_worker
    from hipsync.radio.first_meeting import FirstMeetings
    from hipsync.radio.scan import Adapter
    from hipsync.registry import drivers
    from hipsync.service.pairing import Pairing, Wanted

    known, host, person = drivers(), host_zone(), PairingTerminal(key_file)

    def pairing(adapter: Adapter, simulated_key: bytes | None) -> Pairing:
        first_meetings = FirstMeetings(adapter, Terminal(), ZoneInfo(host), app.now, SystemClock().passed)
        return Pairing(person, first_meetings, known, app.open_store, app.keys(), host, app.now, simulated_key)

    wanted.check(known)
    if simulate is None:
        _check_not_mixed(app, simulated=False)
        await pairing(app.adapter(), None).pair(wanted)
        return
    from hipsync.radio.simulation import simulated_radio

    Wanted(kind=simulate).check(known)
    _check_not_mixed(app, simulated=True)
    key, address = os.urandom(16), _simulated_address(app, simulate)
    band = simulated_office_worker(simulate, key, ZoneInfo(host), app.now())
    async with simulated_radio([band], now=app.now, addresses=[address]) as air:
        await pairing(air.adapter, key).pair(Wanted(address, wanted.name, simulate))


def _check_not_mixed(app: App, *, simulated: bool) -> None:
    """Raise `ConfigError` if a simulated band would come beside a real one in the user's own database."""
    store = app.read_store() if app.db_path is None else None
    if store is not None:
        from hipsync.service.pairing import check_not_mixed

        with store:
            check_not_mixed(store, simulated=simulated)


def _simulated_address(app: App, kind: str) -> str:
    from hipsync.service.pairing import simulated_address

    store = app.read_store()
    if store is None:
        return simulated_address([], kind)
    with store:
        return simulated_address(store.bands(), kind)


class PairingTerminal:
    """The port `service.pairing.Person` at a terminal, or in a pipe, where nobody can be asked."""

    def __init__(self, key_file: Path | None = None) -> None:
        self._key_file = key_file
        self._is_counting = False

    def show(self, line: str) -> None:
        if self._is_counting:
            click.echo("\r", nl=False, err=True)
            self._is_counting = False
        click.echo(line)

    def advise(self, text: str) -> None:
        click.echo(textwrap.fill(clean(text, LONGEST_ADVICE), COLUMNS))

    def show_count(self, epochs: int) -> None:
        if sys.stderr.isatty():
            click.echo(f"\r{epochs:,} minutes", nl=False, err=True)
            self._is_counting = True

    async def choose(self, devices: Sequence[InReach]) -> InReach:
        for number, device in enumerate(devices, 1):
            click.echo(f"{number}  {device.address}  {signal_text(device)}  {device.advertisement.name or '(no name)'}")
        if not sys.stdin.isatty():
            raise ConfigError("several bands are in reach: give the address of one")
        return devices[click.prompt("Which one", type=click.IntRange(1, len(devices))) - 1]

    def given_key(self) -> bytes | None:
        if self._key_file is None:
            return None
        from hipsync.store.keys import key_from_file

        key, warning = key_from_file(self._key_file)
        if warning:
            click.echo(f"hipsync: {warning}", err=True)
        return key

    async def ask_key(self) -> bytes:
        from hipsync.store.keys import parsed_key

        if not sys.stdin.isatty():
            raise ConfigError("the band's key is needed: give a file with it (--key-file)")
        return parsed_key(click.prompt("Key", hide_input=True))
