"""`scan`: list the bands in reach, and the driver that would take each."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import click

from hipsync.cli.app import App
from hipsync.cli.saying import complain, tell_json
from hipsync.host.interrupt import run_until_interrupted

if TYPE_CHECKING:
    from hipsync.radio.scan import NearbyDevice
    from hipsync.service.pairing_ports import InReach


@click.command("scan")
@click.option("--seconds", default=10.0, show_default=True, type=click.FloatRange(1, 120), help="How long to listen.")
@click.option("--all", "everything", is_flag=True, help="Everything nearby, also what no driver takes.")
@click.option("--json", "as_json", is_flag=True, help="For programs.")
@click.pass_obj
def scan_command(app: App, seconds: float, everything: bool, as_json: bool) -> None:
    """List bands nearby, and which driver would take each.

    Of a model that hipsync knows and cannot read it says why.

    \b
    hipsync scan
    hipsync scan --seconds 30 --all
    """
    from hipsync.registry import claimants, drivers, refusal

    known = drivers()
    seen = run_until_interrupted(_heard(app, seconds))
    paired = _paired_addresses(app)
    rows = [
        (
            device,
            [driver.key for driver in claimants(device.advertisement, known)],
            refusal(device.advertisement, known),
        )
        for device in seen
    ]
    rows = [row for row in rows if everything or row[1] or row[2] or row[0].address in paired]
    if as_json:
        tell_json({"version": 1, "devices": [_as_json(*row, row[0].address in paired) for row in rows]})
        return
    for device, takers, why in rows:
        click.echo(_as_line(device, takers, why, device.address in paired))
    if not rows:
        click.echo(
            f"No band found in {seconds:g} s. Turn off Bluetooth on your phone, wake the band, and try again "
            "(--all lists everything nearby)."
        )


def _as_json(device: NearbyDevice, takers: Sequence[str], why: str | None, paired: bool) -> dict[str, object]:
    """What programs are told of a device; `takers` are the drivers that would take it, `why` is why none does."""
    from hipsync.radio.ways import proxy_of

    return {
        "address": device.address,
        "name": device.advertisement.name,
        "rssi_dbm": device.rssi_dbm,
        "connected": device.rssi_dbm is None,
        "drivers": takers,
        "paired": paired,
        **({} if why is None else {"reason": why}),
        **({} if (proxy := proxy_of(device.bleak_device)) is None else {"proxy": proxy}),
    }


def _as_line(device: NearbyDevice, takers: Sequence[str], why: str | None, paired: bool) -> str:
    """What people read of a device; the arguments are as for `_as_json`."""
    from hipsync.radio.ways import proxy_of

    proxy = proxy_of(device.bleak_device)
    mark = "; ".join(filter(None, ("paired" if paired else "", "" if proxy is None else f"by {proxy}", why)))
    name = device.advertisement.name or "(no name)"
    taker = takers[0] if takers else "-"
    return f"{device.address}  {signal_text(device)}  {taker:<12}  {name:<24}  {mark}".rstrip()


async def _heard(app: App, seconds: float) -> list[NearbyDevice]:
    """Listen for `seconds`, and say what is wrong with proxies. Raises `HipsyncError`."""
    from hipsync.cli.rooms import opened_beside_service
    from hipsync.radio.scan import scan

    async with opened_beside_service(app) as radio:
        seen = await scan(radio.adapter, seconds)
        for each in radio.troubles():
            complain(each)
    return seen


def signal_text(device: InReach) -> str:
    """Return the strength of a device's signal, nine characters wide, or that it is connected and so has none."""
    return "connected" if device.rssi_dbm is None else f"{device.rssi_dbm:>5} dBm"


def _paired_addresses(app: App) -> set[str | None]:
    store = app.read_store()
    if store is None:
        return set()
    with store:
        return {band.address for band in store.bands()}
