"""`drivers`: list the drivers, what each can do, and how well it is proven."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, TypedDict

import click

from hipsync.cli.saying import say, tell_json
from hipsync.report.family_words import able_sentences, listed
from hipsync.text import clean, counted

if TYPE_CHECKING:
    from hipsync.driver import Driver
    from hipsync.evidence import Proof


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
        tell_json({"version": 1, "drivers": rows})
        return
    for key in sorted(known):
        for number, line in enumerate(_driver_lines(known[key], proof(key))):
            say(f"{'' if number else key:<12}  {line}", indent=14, prose=True)


def _driver_lines(driver: Driver, proof: Proof) -> Iterator[str]:
    """Yield what bands these are, what they keep and can do, and on what that was tested."""
    yield clean(driver.label, 200)
    yield " ".join(able_sentences(driver.abilities))
    yield _tested(proof)


def _tested(proof: Proof) -> str:
    """Return on what a driver was tested, the strongest first."""
    tests = [
        counted(proof.reported, "real band") if proof.reported else "",
        counted(proof.recorded + proof.captures, "recording") if proof.recorded + proof.captures else "",
        "the firmware's source" if proof.firmware else "",
        counted(proof.published, "published example") if proof.published else "",
        "a simulated band" if proof.rules else "",
    ]
    if not any(tests):
        return "On what it was tested is not stated."
    return f"Tested on {listed([*filter(None, tests)])}{'' if proof.reported else '; not yet on a real band'}."


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
