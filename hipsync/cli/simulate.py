"""`simulate`: serve a simulated band to other programs, through any transport that Bumble knows."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

import click

from hipsync.cli.app import App, host_zone
from hipsync.cli.completion import kinds
from hipsync.cli.saying import complain, say
from hipsync.errors import ConfigError
from hipsync.host.interrupt import run_until_interrupted

if TYPE_CHECKING:
    from hipsync.simulated import SimulatedBand

ADDRESS = "C0:00:00:00:00:01"
LOOK_S = 0.2
"""Seconds between two looks at what the band shows its wearer."""


@click.command("simulate")
@click.argument("kind", shell_complete=kinds)
@click.option(
    "--transport",
    default="tcp-server:127.0.0.1:6402",
    show_default=True,
    help="Where: any transport of Bumble's, such as vhci (an adapter of this Linux machine) or usb:0 (a dongle).",
)
@click.option("--data", type=click.Path(exists=True, dir_okay=False, path_type=Path), help="Minutes of your own (CSV).")
@click.option("--key-file", type=click.Path(exists=True, dir_okay=False, path_type=Path), help="Its key.")
@click.option("--address", default=ADDRESS, show_default=True, help="A static random one.")
@click.option("--bond", is_flag=True, help="It talks only over a bond (Just Works).")
@click.option(
    "--passkey", type=click.IntRange(0, 999_999), help="It talks only over a bond made with this, which it shows."
)
@click.pass_obj
def simulate_command(
    app: App,
    kind: str,
    transport: str,
    data: Path | None,
    key_file: Path | None,
    address: str,
    bond: bool,
    passkey: int | None,
) -> None:
    """Serve a simulated band to other programs.

    What its wearer sees is printed; Ctrl-C ends it.

    \b
    hipsync simulate infinitime --transport usb:0         by a dongle of its own
    hipsync simulate huami --transport vhci --key-file F  as root, for BlueZ here
    """
    bonds = bond or passkey is not None
    band = _band(app, kind, data, key_file)
    run_until_interrupted(_serve(band, transport, address, app.now, bonds=bonds, passkey=passkey))


def _band(app: App, kind: str, data: Path | None, key_file: Path | None) -> SimulatedBand:
    """Return a simulated band of this kind, with the minutes of a file or made-up ones.

    Raises `InputError`, and `ConfigError`, also if the band needs a key and none was given.
    """
    from hipsync.demo import minutes_of_file
    from hipsync.radio.bleak_radio import simulated_office_worker
    from hipsync.registry import driver_key, drivers, simulator
    from hipsync.store.keys import key_from_file

    key, warning = (None, None) if key_file is None else key_from_file(key_file)
    if warning:
        complain(warning)
    zone, now = ZoneInfo(host_zone()), app.now()
    if data is None:
        band = simulated_office_worker(kind, key, zone, now)
    else:
        band = simulator(kind)(minutes_of_file(data), now=now, zone=zone, secret=key)
    driver = drivers().get(driver_key(kind))
    if driver is not None and key is None and driver.secret(band.advertisement()) == "given":
        raise ConfigError(f"a band of kind {kind!r} only talks to who knows its key: give it one with --key-file")
    return band


async def _serve(
    band: SimulatedBand,
    transport: str,
    address: str,
    now: Callable[[], datetime],
    *,
    bonds: bool,
    passkey: int | None,
) -> None:
    """Serve the band until Ctrl-C, and print what its wearer feels and sees."""
    from hipsync.radio.simulation import Bond, serve

    bond, zone = Bond(passkey) if bonds else None, ZoneInfo(host_zone())
    async with serve([band], transport, now, addresses=[address], bond=bond) as reached:
        say(f"{band.advertisement().name} ({address}) is on the air at {reached}")
        printed = 0
        while True:
            for shown in band.shown[printed:]:
                click.echo(f"{shown.at.astimezone(zone):%H:%M:%S}  {shown.text or 'it buzzes'}")
                printed += 1
            await asyncio.sleep(LOOK_S)
