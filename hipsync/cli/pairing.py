"""`pair`: choose a band at a terminal, and log in to it.

This module has only what a terminal shows and asks. What pairing does is in `hipsync.service.pairing`, and how a band
is bonded is in `hipsync.radio.first_meeting`.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from hipsync.cli.app import App, checked_name, host_zone
from hipsync.cli.completion import kinds
from hipsync.cli.saying import complain, say, tell_rows
from hipsync.cli.scan import signal_text
from hipsync.errors import ConfigError
from hipsync.host.interrupt import asking, run_until_interrupted
from hipsync.report.pen import shows_unicode
from hipsync.text import clean

if TYPE_CHECKING:
    from hipsync.model import Band
    from hipsync.radio.bluez_agent import Person as Asked
    from hipsync.radio.scan import Adapter
    from hipsync.report.family_words import Line
    from hipsync.service.pairing_ports import InReach, Person
    from hipsync.service.which_band import Wanted

LABEL, BAR = 8, 40
DONE = "\u2713"
LONGEST_ADVICE = 1000
"""The most characters that are shown of a line on a family, which may come from a driver that strangers wrote."""
ABOUT_KEYS = """\
Some bands only talk to whoever knows their key: 16 bytes, written as 32 letters and digits. \
The key was made when the band was paired with its maker's app, and is also in your account there.

Where it is
{places}

How to give it
  hipsync pair                     it asks, and what you type stays hidden
  hipsync pair --key-file FILE     from a file that only you can read

It stays valid until you unpair the band in the app, or reset it: \
then pair it with the app once more, and give the new key. docs/keys.md has more.
"""


@click.command("pair")
@click.argument("address", required=False)
@click.option("--name", help="What to call it; by default the name it shows.")
@click.option("--driver", "kind", shell_complete=kinds, help="Which driver, where the scan does not say.")
@click.option(
    "--key-file", type=click.Path(exists=True, dir_okay=False, path_type=Path), help="A file with the band's key."
)
@click.option("--again", is_flag=True, help="Once more, with a new bond or key; its data stay.")
@click.option("--help-key", is_flag=True, help="What a band's key is, and where to find it.")
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
    help_key: bool,
    simulate: str | None,
) -> None:
    """Add your band.

    You choose it, hipsync logs in, sets its clock and fetches what it remembers.

    \b
    hipsync pair                             choose from a scan
    hipsync pair C8:0F:10:80:D0:21 --name left
    hipsync pair C8:0F:10:80:D0:21 --again   after a reset, or for a new key
    hipsync pair --help-key                  what a key is, and where it is
    hipsync pair --simulate huami            try it without a band
    """
    if help_key:
        say(about_keys().removesuffix("\n"), prose=True)
        return
    from hipsync.cli.passkey import Terminal
    from hipsync.service.which_band import Wanted

    if name is not None:
        checked_name(name)
    if simulate is not None:
        app.practise()
    wanted, person = Wanted(address, name, kind, again), PairingTerminal(key_file)
    run_until_interrupted(pair_band(app, wanted, person, Terminal(), simulate))
    _ready(app, simulated=simulate is not None)


def about_keys() -> str:
    """What a band's key is, where to find it, and how to give it."""
    from hipsync.report.family_words import KEY_PLACES

    places = (f"  {bands}: {where}" for bands, where in KEY_PLACES)
    return ABOUT_KEYS.format(places="\n".join(places))


def _ready(app: App, *, simulated: bool) -> None:
    """Say what comes next; at a terminal, ask whether reminders are to be turned on."""
    from hipsync.host.autostart import installed
    from hipsync.host.lock import running

    if not simulated and sys.stdin.isatty() and sys.stdout.isatty() and not running(app.database) and not installed():
        click.echo()
        if click.confirm("Turn on reminders now?", default=True):
            from hipsync.cli.service import install_command

            click.get_current_context().invoke(install_command)
    if app.is_practice:
        say("\nPractice band ready, in a database of its own:")
        say(f"{'':<{LABEL}}{'hipsync --demo today':<26}see its day")
        say(f"{'':<{LABEL}}{'hipsync --demo run':<26}be reminded in this terminal")
        return
    say(f"\n{'Ready.':<{LABEL}}{'hipsync today':<26}see your day")
    if not installed():
        say(f"{'':<{LABEL}}{'hipsync service install':<26}get reminders, also after a restart")


async def pair_band(app: App, wanted: Wanted, person: Person, asked_by_bluez: Asked, simulate: str | None) -> Band:
    """Pair a real band, or a simulated one of the kind `simulate`, and return it. Raises as `Pairing.pair` does.

    `person` is asked what the pairing asks, and `asked_by_bluez` is the same person for what BlueZ asks.
    """
    import os
    from zoneinfo import ZoneInfo

    from hipsync.cli.rooms import opened_beside_service
    from hipsync.host.clock import SystemClock
    from hipsync.radio.bleak_radio import simulated_office_worker
    from hipsync.radio.first_meeting import FirstMeetings
    from hipsync.registry import drivers
    from hipsync.service.pairing import Pairing
    from hipsync.service.which_band import Wanted

    known, host = drivers(), host_zone()

    def pairing(adapter: Adapter, simulated_key: bytes | None) -> Pairing:
        first_meetings = FirstMeetings(adapter, asked_by_bluez, ZoneInfo(host), app.now, SystemClock().passed)
        return Pairing(person, first_meetings, known, app.open_store, app.keys(), host, app.now, simulated_key)

    wanted.check(known)
    if simulate is None:
        _check_not_mixed(app)
        async with opened_beside_service(app) as radio:
            for each in radio.troubles():
                person.show(each)
            return await pairing(radio.adapter, None).pair(wanted)
    from hipsync.radio.simulation import simulated_radio

    Wanted(kind=simulate).check(known)
    key, address = os.urandom(16), _simulated_address(app, simulate)
    band = simulated_office_worker(simulate, key, ZoneInfo(host), app.now())
    if known[simulate].secret(band.advertisement()) == "none":  # it was paired before with what it handed over then
        band = simulated_office_worker(simulate, app.keys().kept(simulate, address).secret, ZoneInfo(host), app.now())
    async with simulated_radio([band], now=app.now, addresses=[address]) as air:
        return await pairing(air.adapter, key).pair(Wanted(address, wanted.name, simulate))


def _check_not_mixed(app: App) -> None:
    """Raise `ConfigError` if a real band would come beside a simulated one in a database that nobody named."""
    store = app.read_store() if app.db_path is None or app.is_practice else None
    if store is not None:
        with store:
            if store.has_simulated():
                raise ConfigError(
                    "a real band is not kept beside a simulated one: give another database with --db FILE"
                )


def _simulated_address(app: App, kind: str) -> str:
    from hipsync.service.which_band import simulated_address

    store = app.read_store()
    if store is None:
        return simulated_address([], kind)
    with store:
        return simulated_address(store.bands(), kind)


class PairingTerminal:
    """The port `service.pairing_ports.Person` at a terminal, or in a pipe, where nobody can be asked."""

    def __init__(self, key_file: Path | None = None) -> None:
        self._key_file = key_file
        self._is_counting = False

    def show(self, line: str) -> None:
        self._end_count()
        say(line)

    def show_family(self, name: str, lines: Iterable[Line]) -> None:
        click.echo(f"\n{clean(name)}")
        for label, text in lines:
            say(f"  {label:<{LABEL + 2}}{clean(text, LONGEST_ADVICE)}", indent=LABEL + 4, prose=True)
        click.echo()

    def show_step(self, line: str) -> None:
        self._end_count()
        say(f"{DONE if shows_unicode(sys.stdout) else 'ok'} {line}", indent=2)

    def show_count(self, epochs: int, of: int | None) -> None:
        if not sys.stderr.isatty():
            return
        about = f" of about {of:,}" if of is not None and epochs <= of else ""
        bar = ""
        if of is not None:
            filled = min(round(epochs * BAR / of), BAR)
            done, to_do = ("\u2501", "\u2500") if shows_unicode(sys.stderr) else ("#", "-")
            bar = f"{done * filled}{to_do * (BAR - filled)}  "
        click.echo(f"\r  Fetching  {bar}{epochs:,}{about}", nl=False, err=True)
        self._is_counting = True

    def _end_count(self) -> None:
        if self._is_counting:
            click.echo("\r\x1b[K", nl=False, err=True)
            self._is_counting = False

    async def has_buzzed(self) -> bool | None:
        if not self._can_be_asked():
            return None
        with asking():
            return click.confirm("  Did it buzz?", default=True)

    async def name_for(self, proposed: str) -> str:
        if not self._can_be_asked():
            return proposed
        with asking():
            return checked_name(str(click.prompt("  Name for it", default=proposed)))

    def _can_be_asked(self) -> bool:
        return sys.stdin.isatty() and sys.stdout.isatty()

    async def choose(self, devices: Sequence[InReach]) -> InReach:
        names = (device.advertisement.name or "(no name)" for device in devices)
        tell_rows(
            [
                (f"{number}", device.address, signal_text(device), name)
                for number, (device, name) in enumerate(zip(devices, names, strict=True), 1)
            ]
        )
        if not sys.stdin.isatty():
            raise ConfigError("there are several bands: give the address of one")
        with asking():
            number = click.prompt("\nWhich one?", type=click.IntRange(1, len(devices)), prompt_suffix=" ")
        return devices[number - 1]

    def given_key(self) -> bytes | None:
        if self._key_file is None:
            return None
        from hipsync.store.keys import key_from_file

        key, warning = key_from_file(self._key_file)
        if warning:
            complain(warning)
        return key

    async def ask_key(self) -> bytes:
        from hipsync.store.keys import parsed_key

        if not sys.stdin.isatty():
            raise ConfigError("This band needs its key: give a file with it (--key-file); --help-key says where it is.")
        with asking():
            return parsed_key(click.prompt("Key (stays hidden)", hide_input=True))
