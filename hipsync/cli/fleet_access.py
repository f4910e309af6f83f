"""`fleet care`, `fleet site`, `fleet computer`: whose days a doctor sees; of which site, or whose, a gateway is."""

from __future__ import annotations

import click

from hipsync.cli.app import App
from hipsync.cli.fleet_place import connected_fleet
from hipsync.cli.saying import say
from hipsync.text import clean, counted


@click.command("care")
@click.argument("login")
@click.argument("pseudonyms", metavar="PSEUDONYM...", nargs=-1, required=True)
@click.option("--remove", is_flag=True, help="It sees them no more.")
@click.pass_obj
def fleet_care_command(app: App, login: str, pseudonyms: tuple[str, ...], remove: bool) -> None:
    """Say whose days a doctor's login sees, as the owner.

    \b
    hipsync fleet care dr_weber P-017 P-018
    hipsync fleet care dr_weber P-017 --remove
    """
    with connected_fleet(app) as database:
        from hipsync.fleet.access import give_care, take_care

        if remove:
            taken = take_care(database, login, pseudonyms)
            say(f"{clean(login)} saw {taken} of these, and sees none of them any more.")
            return
        give_care(database, login, pseudonyms)
    say(f"{clean(login)} sees {counted(len(set(pseudonyms)), 'wearer')} of these.")


@click.command("site")
@click.argument("login")
@click.argument("site")
@click.pass_obj
def fleet_site_command(app: App, login: str, site: str) -> None:
    """Say of which site a gateway is, as the owner.

    It then ships the bands of that site alone. With an empty word it is of none, as all are at first.

    \b
    hipsync fleet site ward_3 north
    hipsync fleet site ward_3 ''
    """
    with connected_fleet(app) as database:
        from hipsync.fleet.access import set_site

        set_site(database, login, site)
    say(f"{clean(login)} is of the site {site}." if site else f"{clean(login)} is of no site.")


@click.command("computer")
@click.argument("login")
@click.argument("pseudonym")
@click.pass_obj
def fleet_computer_command(app: App, login: str, pseudonym: str) -> None:
    """Say whose own computer a gateway is, as the owner.

    All computers of one wearer share what they know, and one of them reminds: docs/fleet.md says how. With an
    empty word it is nobody's, as all are at first.

    \b
    hipsync fleet computer desk_14 P-014
    hipsync fleet computer laptop_14 P-014
    hipsync fleet computer desk_14 ''
    """
    with connected_fleet(app) as database:
        from hipsync.fleet.access import set_computer

        set_computer(database, login, pseudonym)
    say(f"{clean(login)} is a computer of {pseudonym}." if pseudonym else f"{clean(login)} is nobody's own computer.")
