"""What a family of bands means for its wearer, in a few lines that are read before anything is asked."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import timedelta

from hipsync.driver import LONGEST_EPOCH_TO_JUDGE_BY, Abilities, Driver, Secret
from hipsync.model import MINUTE
from hipsync.text import length

Line = tuple[str, str]
"""A word, and what it means for this family."""
KEY_PLACES: Sequence[Line] = (
    (
        "Mi Band 4 to 7, Amazfit of those years",
        (
            "the tool huami-token (a Python program) asks your Zepp Life or Mi Fitness account for it. "
            "On a phone with Gadgetbridge: the band's settings show it."
        ),
    ),
    (
        "Xiaomi Smart Band 7 Pro to 10, Redmi Smart Band and Watch",
        (
            "the same tool, by its method xiaomi, asks your Mi Fitness account for it. On Android the app's log holds "
            "it: search that for encryptKey. Never unbind or reset the band, which makes another key."
        ),
    ),
    ("Mi Band 2 and 3", "they need none: tap the band when it asks."),
)
"""Where the key of a band is found, by the bands."""
FIRST: Line = ("First", "turn off Bluetooth on your phone, or the band won't answer.")


def family_lines(driver: Driver, need: Secret) -> Iterator[Line]:
    """What the band keeps, what follows from that, and what it needs. `need` is where its key comes from."""
    yield from _keeps(driver)
    match need:
        case "given":
            yield "Needs", "its key (32 letters and digits). Where: hipsync pair --help-key"
        case "own":
            yield "Needs", "a tap: it will ask, and vibrate. The maker's app has to be paired again after that."
        case "none":
            pass
    if (extra := driver.missing_extra()) is not None:
        yield (
            "Needs",
            f"the extra {extra} for its stored minutes; `hipsync doctor` names the command.",
        )
    if driver.advice:
        yield "Note", driver.advice


def _keeps(driver: Driver) -> Iterator[Line]:
    history = driver.abilities.history
    if history is None:
        yield "Keeps", "nothing. It counts steps only while hipsync is connected."
        yield "So", "leave hipsync running. Minutes while it is off or out of range stay without data, never sitting."
    elif history <= MINUTE:
        yield "Keeps", "every minute, for about a week. hipsync can be off for days."
    elif history <= LONGEST_EPOCH_TO_JUDGE_BY:
        long = length(history // MINUTE)
        yield "Keeps", f"steps in slots of {long}. hipsync can be off for days."
        yield "So", f"reminders come up to {long} late, and a short break may not show."
    else:
        yield "Keeps", f"steps {_often(history)}: too long to see sitting by."
        live = "minutes only while hipsync is connected: leave it running."
        yield "So", live if driver.abilities.live else "steps only, no reminders."


def _often(history: timedelta) -> str:
    return "by the hour" if history == timedelta(hours=1) else f"in slots of {length(history // MINUTE)}"


def expected_epochs(abilities: Abilities) -> int | None:
    """About how many epochs a first fetch brings; None if the band keeps none."""
    history = abilities.history
    return None if history is None else timedelta(days=7) // history


def able_sentences(able: Abilities) -> Iterator[str]:
    """What a band or a family keeps, how it reminds, and what it reports beside steps."""
    live = ", counts live while connected" if able.live else ""
    yield f"Keeps {_kept(able.history)}{live}."
    if able.nudges:
        words, answers = ", in words" if able.text else "", ", answers from the wrist" if able.answers else ""
        yield f"Reminders on the wrist{words}{answers}."
    facts = {"wear": able.wear, "sleep": able.sleep, "heart rate": able.heart_rate, "battery": able.battery}
    if reported := [fact for fact, is_reported in facts.items() if is_reported]:
        yield f"Reports {listed(reported)}."


def _kept(history: timedelta | None) -> str:
    if history is None:
        return "nothing"
    minutes = history // MINUTE
    return {1: "every minute", 60: "hourly steps"}.get(minutes, f"{minutes}-minute steps")


def listed(words: Sequence[str]) -> str:
    """Words as a list in a sentence: "wear, sleep and battery"."""
    return " and ".join([*filter(None, [", ".join(words[:-1])]), words[-1]])
