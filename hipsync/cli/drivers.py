"""`drivers`: list the drivers, what each can do, and how well it is proven."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, TypedDict

import click

from hipsync.text import clean

if TYPE_CHECKING:
    from hipsync.driver import Driver
    from hipsync.evidence import Proof

COLUMNS = 80
"""The width of the list in characters, whatever the width of the terminal."""


class DriverRow(TypedDict):
    """One driver in `drivers --json`."""

    key: str
    label: str
    abilities: dict[str, int | bool | None]
    proof: dict[str, object]
    """The fields of `hipsync.evidence.Proof`."""


@click.command("drivers")
@click.option("--json", "as_json", is_flag=True, help="For programs.")
def drivers_command(as_json: bool) -> None:
    """Which bands work, and how well tested.

    \b
    hipsync drivers
    hipsync drivers --json
    """
    from hipsync.registry import drivers, proof

    known = drivers()
    if as_json:
        rows = [_driver_json(known[key], proof(key)) for key in sorted(known)]
        click.echo(json.dumps({"version": 1, "drivers": rows}, indent=1))
        return
    for key in sorted(known):
        for number, line in enumerate(_driver_lines(known[key], proof(key))):
            click.echo(f"{'' if number else key:<12}  {line}")


def _driver_lines(driver: Driver, proof: Proof) -> list[str]:
    """Return label, abilities and proof, wrapped so that the driver's key fits in front."""
    import textwrap

    row = _driver_json(driver, proof)["abilities"]
    minutes = row.pop("history_minutes")
    able = [word.replace("_", " ") for word, can in row.items() if can]
    history = f"keeps history, {minutes} min a slot" if minutes else "keeps no history"
    parts = [clean(driver.label, 200), "; ".join([history, *([", ".join(able)] if able else [])]), proof.sentence()]
    return [line for part in parts for line in textwrap.wrap(part, COLUMNS - 14)]


def _driver_json(driver: Driver, proof: Proof) -> DriverRow:
    able = driver.abilities
    minutes = None if able.history is None else int(able.history.total_seconds()) // 60
    return {
        "key": driver.key,
        "label": driver.label,
        "abilities": {
            "history_minutes": minutes,
            "live": able.live,
            "buzz": able.buzz,
            "text": able.text,
            "answers": able.answers,
            "battery": able.battery,
            "wear": able.wear,
            "sleep": able.sleep,
            "heart_rate": able.heart_rate,
        },
        "proof": {
            "level": proof.level,
            "levels": list(proof.levels),
            "vectors": {
                "recorded": proof.recorded,
                "firmware": proof.firmware,
                "published": proof.published,
                "ours": proof.ours,
                "not_met": proof.not_met,
            },
            "captures": proof.captures,
            "rules": proof.rules,
            "rules_known": proof.rules_known,
            "bluez": proof.bluez,
            "reported": proof.reported,
        },
    }
