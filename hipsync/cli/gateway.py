"""`gateway`: one computer that collects from the bands of many wearers; docs/fleet.md is its paper."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

import click

from hipsync.cli.app import App
from hipsync.cli.fleet_place import fleet_conninfo, refuse_missing_extra
from hipsync.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Callable

    from hipsync.fleet.sharing import FleetSharing
    from hipsync.fleet.shipper import Shipper
    from hipsync.fleet.shipping import Told
    from hipsync.host.clock import Clock
    from hipsync.service.home_port import Home
    from hipsync.service.state import Settings
    from hipsync.store import Store


@click.group("gateway")
def gateway_command() -> None:
    """Collect from the bands of many wearers.

    \b
    hipsync pair
    hipsync config set fleet.dsn 'host=db.example.org dbname=fleet user=ward_3'
    hipsync gateway run
    """


@gateway_command.command("run")
@click.pass_obj
def gateway_run_command(app: App) -> None:
    """Collect and ship, and remind nobody.

    It contacts each paired band now and then, and brings what they report to the fleet's database. Ctrl-C ends it.

    \b
    hipsync gateway run
    hipsync --db /var/lib/hipsync/ward.db gateway run
    """
    from hipsync.cli.run import begin, serve
    from hipsync.host.interrupt import run_until_interrupted

    begin(app)
    shipper = _shipper(app)
    gateway = app.config().gateway
    if gateway.share and not gateway.prompt:
        raise ConfigError("gateway.share is for one wearer's computers: `hipsync config set gateway.prompt true`, too")
    work = serve(app, shipper, _sharing(app)) if gateway.prompt else _collect(app, shipper)
    run_until_interrupted(work)


def _shipper(app: App) -> Shipper:
    from hipsync.fleet.shipper import Shipper
    from hipsync.host.clock import SystemClock

    return Shipper(partial(_ship, app), lambda: app.config().gateway.ship_minutes, SystemClock().passed)


def _sharing(app: App) -> Callable[[Home, Store, Clock], FleetSharing] | None:
    """What makes a home also share by the fleet's database, by the settings; None if they say nothing of it.

    Raises `ConfigError`.
    """
    config = app.config()
    if not config.gateway.is_shared:
        return None
    if config.mqtt.is_shared:
        raise ConfigError(
            "gateway.share and mqtt.share are two ways for one thing: `hipsync config set mqtt.share state`"
        )
    refuse_missing_extra()
    from hipsync.fleet.sharing import FleetSharing
    from hipsync.host.name import host_name
    from hipsync.together.topics import slug

    return partial(FleetSharing, conninfo=fleet_conninfo(app), host=slug(host_name()) or "host")


def _ship(app: App) -> Told | None:
    """Ship as `hipsync fleet ship` does; None if no database is named. Raises `HipsyncError`."""
    import os

    from hipsync.fleet.place import is_named

    if not is_named(app.config().fleet, os.environ):
        return None
    from hipsync.cli.fleet_obeying import obey_fleet
    from hipsync.cli.fleet_place import connected_fleet
    from hipsync.fleet.shipping import ship

    with app.existing_store() as store, connected_fleet(app) as database:
        obey_fleet(app, store, database)
        return ship(store, database, app.now())


async def _collect(app: App, shipper: Shipper) -> None:
    """Collect from the paired bands until it is told to end. Raises `HipsyncError`."""
    from zoneinfo import ZoneInfo

    from hipsync.cli.app import host_zone
    from hipsync.cli.run import zone_of
    from hipsync.host.clock import SystemClock
    from hipsync.host.lock import only_instance
    from hipsync.radio.bleak_radio import opened_radio
    from hipsync.registry import drivers
    from hipsync.service.daemon import run
    from hipsync.service.gateway import Gateway

    keys, clock = app.keys(), SystemClock()
    with app.paired_store() as store, only_instance(app.database):
        zone = ZoneInfo(host_zone())
        async with opened_radio(store.bands(), keys.secret, zone, app.now, app.radio()) as radio:

            def settings() -> Settings:
                radio.use(app.radio())
                return app.settings()

            gateway = Gateway(
                store, settings(), radio=radio, drivers=drivers(), secret=keys.secret, keep=keys.keep_of,
                now=app.now, passed=clock.passed, hear=radio.hear,
            )  # fmt: skip
            async with shipper.running():
                await run(
                    gateway, clock, settings=settings, zone=partial(zone_of, gateway), trouble=shipper.trouble,
                    rooms=radio,
                )  # fmt: skip
