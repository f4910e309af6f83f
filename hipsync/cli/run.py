"""`run` and `demo`: the same service, on this computer's clock and bands, or on a fast clock with a simulated band."""

from __future__ import annotations

import contextlib
import logging
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import click

from hipsync.cli.app import App
from hipsync.cli.completion import kinds
from hipsync.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from hipsync.fleet.sharing import FleetSharing
    from hipsync.fleet.shipper import Shipper
    from hipsync.home.bridge import Bridge
    from hipsync.host.clock import Clock
    from hipsync.service.collecting import Collecting
    from hipsync.service.delivery import Delivery
    from hipsync.service.home_port import Home
    from hipsync.service.state import Settings
    from hipsync.store import Store

log = logging.getLogger(__name__)


@click.command("run")
@click.pass_obj
def run_command(app: App) -> None:
    """Watch and remind, in this terminal.

    Ctrl-C ends it.

    This is what the service file starts.

    \b
    hipsync run
    hipsync --db ~/try.db run
    """
    from hipsync.host.interrupt import run_until_interrupted

    begin(app)
    run_until_interrupted(serve(app))


def begin(app: App) -> None:
    """Log to this terminal from now on, and what is wrong with the database."""
    from hipsync.cli.logs import log_events

    if not app.verbose:
        log_events()
    app.look_after_database()
    told, app.checked = app.damage_told(), None  # told now, and not again when the service ends
    if told is not None:
        log.error("%s", told)


async def serve(
    app: App,
    shipper: Shipper | None = None,
    sharing: Callable[[Home, Store, Clock], FleetSharing] | None = None,
) -> None:
    """Run the service on the paired bands until it is told to end. Raises `HipsyncError`.

    `shipper` ships what they report meanwhile, and `sharing` makes a home by which the wearer's computers share that;
    None for nothing of that kind.
    """
    from zoneinfo import ZoneInfo

    from hipsync.cli.app import host_zone
    from hipsync.host.clock import SystemClock
    from hipsync.host.lock import only_instance
    from hipsync.host.paths import figures_dir
    from hipsync.host.presence.computer import Computer
    from hipsync.model import Desk
    from hipsync.radio.bleak_radio import opened_radio
    from hipsync.registry import drivers
    from hipsync.service.daemon import run
    from hipsync.service.delivery import Delivery
    from hipsync.service.here import here_now
    from hipsync.service.presence import ABOUT, PresenceWatch
    from hipsync.service.service import Service
    from hipsync.service.show_me import ShowMe

    keys, clock = app.keys(), SystemClock()
    with app.paired_store() as store, only_instance(app.database):
        zone = ZoneInfo(host_zone())
        delivery = Delivery(store, app.now, app.config(), ShowMe(_this_program(app)), figures_dir())
        computer = Computer(app.now, activitywatch=lambda: delivery.config.activitywatch)
        watch = PresenceWatch(store, clock, computer.look, lambda: delivery.config.rule.desk is not Desk.OFF)
        if delivery.config.rule.desk is not Desk.OFF and not store.has_presence():
            log.info("%s", ABOUT)
        async with opened_radio(store.bands(), keys.secret, zone, app.now, app.radio()) as radio:

            def settings() -> Settings:
                delivery.config = app.config()
                radio.use(app.radio())
                return app.settings()

            service = Service(
                store, settings(), radio=radio, drivers=drivers(), secret=keys.secret, keep=keys.keep_of,
                now=app.now, passed=clock.passed,
                hear=radio.hear, deliver=delivery.deliver, deliver_quietly=delivery.deliver_quietly,
                show_remark=delivery.show_remark, show_damage=delivery.show_damage, store_presence=watch.store,
                look_here=lambda: here_now(computer, delivery.config.policy.hold), notices=delivery,
                speaks=delivery.speaks,
            )  # fmt: skip
            with contextlib.closing(computer):
                async with watch.watching(), contextlib.nullcontext() if shipper is None else shipper.running():
                    zone_now = partial(zone_of, service)
                    troubles = [delivery.trouble, *([] if shipper is None else [shipper.trouble])]
                    home: Home = _home(store, clock, delivery)
                    if sharing is not None:
                        home = shared = sharing(home, store, clock)
                        troubles.append(shared.trouble)
                    delivery.home = home
                    line, trouble = app.line_file, partial(_troubles, troubles)
                    await run(service, clock, settings=settings, zone=zone_now, trouble=trouble, line=line, home=home,
                              rooms=radio)  # fmt: skip


def _home(store: Store, clock: Clock, delivery: Delivery) -> Bridge:
    """Return the way to home automation. It is off while no broker is set."""
    from hipsync.home.bridge import Bridge
    from hipsync.registry import drivers

    families = {key: driver.label for key, driver in drivers().items()}
    return Bridge(store, clock, lambda: delivery.config, families)


def _this_program(app: App) -> list[str]:
    """Return how this hipsync is started, on the same database and settings, up to the subcommand."""
    import sys

    settings = [] if app.config_path is None else ["--config", str(app.config_path.absolute())]
    return [sys.executable, "-m", "hipsync", "--db", str(app.database.absolute()), *settings]


def _troubles(each: Sequence[Callable[[], str | None]]) -> str | None:
    return "; ".join(filter(None, (trouble() for trouble in each))) or None


def zone_of(service: Collecting) -> str:
    """Return this computer's zone, or the service's last one if it cannot be named now: that must not end a service."""
    from hipsync.cli.app import host_zone

    try:
        return host_zone()
    except ConfigError:
        return service.settings.host_zone  # `hipsync doctor` says why


@click.command("demo")
@click.option(
    "--band", "kind", default="huami", show_default=True, shell_complete=kinds, help="Which kind of simulated band."
)
@click.option("--data", type=click.Path(exists=True, dir_okay=False, path_type=Path), help="Minutes of your own (CSV).")
@click.option("--speed", default="max", show_default=True, help="Simulated seconds a second, or max.")
@click.option("--date", "when", default="yesterday", show_default=True, help="Which day is lived through.")
@click.option("--seed", default=1, show_default=True, help="Another seed, another day.")
@click.pass_obj
def demo_command(app: App, kind: str, data: Path | None, speed: str, when: str, seed: int) -> None:
    """See a day with a simulated band.

    It pairs, syncs, reminds as the day goes, and ends with the summary.

    No hardware is needed: the Bluetooth stack above the radio is real, the band and the radio are not.

    \b
    hipsync demo
    hipsync demo --band infinitime --date 2026-03-29
    hipsync demo --data minutes.csv --speed 3600
    """
    from functools import partial

    from hipsync.cli.dates import day_of
    from hipsync.cli.review import pen_of
    from hipsync.cli.saying import say
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
        echo=partial(say, indent=7),  # below the words, behind the time
        pen=pen_of(app),
    )
