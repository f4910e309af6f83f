"""`mqtt`: try the broker by which Home Assistant is told, and take back what it keeps.

The service does the telling (`hipsync.home.bridge`); these commands connect by a name of their own, beside it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import click

from hipsync.cli import exits
from hipsync.cli.app import App
from hipsync.cli.saying import say, tell_json
from hipsync.errors import ConfigError
from hipsync.host.interrupt import run_until_interrupted

if TYPE_CHECKING:
    from hipsync.home.discovery import Announced
    from hipsync.home.names import Names
    from hipsync.home.place import Broker

WORDS = {"broker": "broker", "write": "write", "read": "read", "home": "Home Assistant"}
"""What people read of what was tried."""


class _Home(NamedTuple):
    """The broker and the names by the settings, the bands to announce, and whether everything is shared."""

    broker: Broker
    names: Names
    bands: list[Announced]
    shares: bool


@click.group("mqtt")
def mqtt_command() -> None:
    """Home Assistant: try the broker, or take everything back.

    \b
    hipsync config set mqtt.host homeassistant.local
    hipsync mqtt check
    hipsync mqtt forget
    """


@mqtt_command.command("check")
@click.option("--json", "as_json", is_flag=True, help="For programs.")
@click.pass_context
def mqtt_check_command(ctx: click.Context, as_json: bool) -> None:
    """Connect, write, read back, and say what the broker refuses.

    It announces you and your bands to Home Assistant, and shows no reminder.

    \b
    hipsync mqtt check
    hipsync mqtt check --json
    """
    from importlib.metadata import version

    app: App = ctx.obj
    home = _home(app)
    from hipsync.cli.doctor import OVERHEARD, SHOWN
    from hipsync.home.checking import Tried, check, needed

    tried = run_until_interrupted(
        check(home.broker, home.names, version("hipsync"), home.bands, int(app.now().timestamp()), shares=home.shares)
    )
    if home.broker.is_overheard:
        tried.append(Tried("broker", None, "look", OVERHEARD))
    if as_json:
        rows = [each._asdict() for each in tried]
        tell_json({"version": 1, "broker": home.broker.place, "findings": rows})
    else:
        for each in tried:
            word, colour = SHOWN[each.verdict]
            where = WORDS[each.what] if each.topic is None else f"{WORDS[each.what]} {each.topic}"
            say(f"{click.style(word, fg=colour)}{'':<{6 - len(word)}}{where}: {each.text}", indent=8)
        if any(each.verdict == "bad" for each in tried):
            say("\nmosquitto's access list (acl_file) needs these lines:")
            click.echo("\n".join(f"  {line}" for line in needed(home.names, home.broker.user)))
    if any(each.verdict == "bad" for each in tried):
        ctx.exit(exits.FAILED)


@mqtt_command.command("forget")
@click.confirmation_option(prompt="Really take it all back? Home Assistant then removes all its entities")
@click.pass_obj
def mqtt_forget_command(app: App) -> None:
    """Take back all that the broker keeps of you.

    Home Assistant then removes you, your bands and all their entities. Your data here stay.

    \b
    hipsync mqtt forget
    hipsync mqtt forget --yes
    """
    from hipsync.host.lock import running

    home = _home(app)
    if running(app.database):
        raise ConfigError("hipsync runs, and would announce all again: stop it first (`hipsync service stop`)")
    from hipsync.home.checking import forget

    topics = run_until_interrupted(forget(home.broker, home.names, [band.key for band in home.bands]))
    for topic in topics:
        say(topic)
    say(f"The broker {home.broker.place} keeps nothing of {home.names.wearer} any more.")


def _home(app: App) -> _Home:
    """Return what the settings say of the home. Raises `ConfigError`, also if the extra is missing."""
    from importlib.util import find_spec

    from hipsync.home.bridge import NEEDS_EXTRA, this_host
    from hipsync.home.discovery import Announced
    from hipsync.home.place import broker_of
    from hipsync.host.installed import with_extra
    from hipsync.registry import drivers
    from hipsync.text import clean
    from hipsync.together.topics import band_key

    if find_spec("aiomqtt") is None:
        raise ConfigError(NEEDS_EXTRA.format(with_extra("mqtt")))
    mqtt = app.config().mqtt
    broker, bands = broker_of(mqtt), list[Announced]()
    if (store := app.read_store()) is not None:
        with store:
            found = [band for band in store.bands() if band.address]
        known = drivers({band.driver for band in found})
        bands = [
            Announced(band_key(band), clean(band.name) or band.driver,
                      known[band.driver].label if band.driver in known else band.driver)
            for band in found
        ]  # fmt: skip
    return _Home(broker, this_host(mqtt), bands, mqtt.is_shared)
