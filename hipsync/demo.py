"""The demo: a simulated band lives through an office day, over real GATT, on a fast clock.

It runs the `Service` of `hipsync run`, in the same loop over `next_wake` and `wake`. Only three things differ: the
clock is fast, the radio is a Bluetooth stack in software, and the wearer answers by a script.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

from hipsync.conversation.session import Connection
from hipsync.core.days import Zones
from hipsync.core.exercises import Move
from hipsync.driver import Driver
from hipsync.errors import ConfigError
from hipsync.history.summaries import summarise
from hipsync.host.clock import FastClock, VirtualTimeLoop
from hipsync.host.interrupt import run_until_interrupted
from hipsync.model import Answer, Band, Epoch, Occasion, Prompt, Where
from hipsync.office_day import office_days
from hipsync.radio.bleak_radio import BleakRadio
from hipsync.radio.scan import scan
from hipsync.radio.simulation import simulated_radio
from hipsync.registry import driver_key, drivers, simulator
from hipsync.report.pen import Pen
from hipsync.report.terminal_day import day_text
from hipsync.service.answers import answer_prompt
from hipsync.service.notice import notice_of
from hipsync.service.plan import next_wake
from hipsync.service.service import Service
from hipsync.service.state import Settings
from hipsync.settings.config import Config
from hipsync.store import Store
from hipsync.text import counted

ADDRESS = "C0:00:00:00:00:01"
KEY = bytes.fromhex("00112233445566778899aabbccddeeff")
"""The key of the simulated band; a real band's would come from its maker's app."""
ANSWERS: Sequence[tuple[Answer, timedelta] | None] = (
    (Answer.DONE, timedelta(minutes=2)),
    None,
    (Answer.SNOOZED, timedelta(minutes=1)),
    None,
    (Answer.SKIPPED, timedelta(minutes=3)),
)
"""The wearer's answers to the first prompts other than the morning's, and how long after the prompt each comes. None:
the wearer does not answer, so the service judges by whether the wearer moves. Later prompts get no answer."""
MORNING_ANSWER = (Answer.DONE, timedelta(minutes=4))
"""The wearer's answer to the morning prompt, and how long after the prompt it comes."""
HOURS = ((time(7), time(22)),)
"""Prompt hours of an early riser, in local time: the default hours begin after the wearer's first movement."""

Echo = Callable[[str], None]


@dataclass(slots=True)
class Wearer:
    """The person who sees the prompts of the demo, and answers some of them."""

    echo: Echo
    zone: ZoneInfo
    now: Callable[[], datetime]
    planned: list[tuple[datetime, Prompt, Answer]] = field(default_factory=list[tuple[datetime, Prompt, Answer]])
    """Answers that are still to come, each with its instant."""
    prompts_seen: int = 0
    """The index in `ANSWERS` of the answer to the next new prompt; it stops at the end of that list."""
    contacts: int = 0
    """How often the band was contacted."""

    async def see(self, prompt: Prompt, move: Move, strong: bool) -> Sequence[Where]:
        """Print a prompt, plan the wearer's answer, and return where the prompt was shown.

        This is the port `Deliver` of the service.
        """
        notice = notice_of(prompt, move, strong=strong)
        said = "reminder" if prompt.shown == 1 else "again"
        self.echo(f"{self.now().astimezone(self.zone):%H:%M}  {said}: {notice.line}")
        if prompt.occasion is Occasion.MORNING:
            self.planned.append((self.now() + MORNING_ANSWER[1], prompt, MORNING_ANSWER[0]))
        elif prompt.shown == 1 and self.prompts_seen < len(ANSWERS):
            if (planned := ANSWERS[self.prompts_seen]) is not None:
                self.planned.append((self.now() + planned[1], prompt, planned[0]))
            self.prompts_seen += 1
        return [Where.TERMINAL]

    def answer(self, store: Store) -> None:
        """Store the answers whose time has come, and print each."""
        for at, prompt, answer in [plan for plan in self.planned if plan[0] <= self.now()]:
            self.planned.remove((at, prompt, answer))
            answer_prompt(store, prompt, answer, at)
            self.echo(f"{at.astimezone(self.zone):%H:%M}    the wearer answers: {answer.value}")


class CountedRadio:
    """A radio that counts how often it contacts the band."""

    def __init__(self, radio: BleakRadio, wearer: Wearer) -> None:
        self._radio, self._wearer = radio, wearer

    def reach(self, band: Band) -> AbstractAsyncContextManager[Connection]:
        self._wearer.contacts += 1
        return self._radio.reach(band)


def demo(
    *,
    kind: str,
    data: Path | None,
    speed: float | None,
    seed: int,
    database: Path | None,
    today: date,
    echo: Echo,
    pen: Pen,
    zone: str = "Europe/London",
) -> Path:
    """Run the demo to the end of a day, and return the path of its database.

    The day is the last local day in the CSV file `data`, or `today` if `data` is None. `speed` is in simulated seconds
    a second; None is as fast as possible. `database` must not exist yet; None makes one in a new temporary folder.
    Raises `HipsyncError`.
    """
    known = drivers()
    if driver_key(kind) not in known:
        raise ConfigError(f"no band of kind {kind!r}: there are {', '.join(sorted(known))}")
    home = ZoneInfo(zone)
    life = office_days(today - timedelta(days=1), 2, home, seed) if data is None else minutes_of_file(data)
    day = today if data is None else life[-1].start.astimezone(home).date()
    path = database or Path(tempfile.mkdtemp(prefix="hipsync-demo-")) / "demo.db"
    if path.exists():
        raise ConfigError(f"{path} exists already: the demo makes a database of its own, give another --db")
    loop = VirtualTimeLoop()
    clock = FastClock(loop, datetime.combine(day, time(5), home).astimezone(UTC), speed)
    day_lived = live(known[driver_key(kind)], kind, life, day, clock, path, home, echo, pen=pen)
    run_until_interrupted(day_lived, loop_factory=lambda: loop)
    echo(f"\nSee it again:  {_started_by()}hipsync --db {path} day {day}")
    return path


def _started_by() -> str:
    """What is typed before `hipsync` in this terminal: `uv run` says in the environment of a program that it ran it."""
    return "uv run " if os.environ.get("UV") else ""


async def live(
    driver: Driver,
    kind: str,
    life: Sequence[Epoch],
    day: date,
    clock: FastClock,
    path: Path,
    zone: ZoneInfo,
    echo: Echo,
    *,
    pen: Pen,
) -> None:
    """Pair the band, wake the service whenever it asks for it until local midnight, then print the day's summary."""
    settings = Settings(policy=replace(Config().policy, hours=dict.fromkeys(range(7), HOURS)), host_zone=zone.key)
    zones = Zones([], zone.key)
    end = zones.day(day).end
    band = simulator(kind)(life, now=clock.now(), zone=zone, secret=KEY)
    echo(f"Simulated, over a Bluetooth stack in software, on {day:%A} {day.day} {day:%B %Y}:")
    echo(f"{driver.label}. Times are those of {zone.key}.")
    wearer = Wearer(echo, zone, clock.now)
    async with simulated_radio([band], now=clock.now, addresses=[ADDRESS]) as air:
        found = [seen for seen in await scan(air.adapter, 2) if seen.address == ADDRESS]
        name = (found[0].advertisement.name if found else None) or driver.key
        with Store.open(path) as store:
            able = driver.abilities
            store.add_band(
                name=name,
                driver=driver.key,
                address=ADDRESS,
                advertised_name=name,
                simulated=True,
                vouches=able.wear,
                reports_wear=able.wear,
                now=clock.now(),
            )
            key = "" if driver.secret(band.advertisement()) == "none" else ", with its key"
            echo(f"{clock.now().astimezone(zone):%H:%M}  paired with {name!r}{key}")
            service = Service(
                store,
                settings,
                radio=CountedRadio(BleakRadio(air.adapter), wearer),
                drivers={driver.key: driver},
                secret=lambda _: KEY,
                deliver=wearer.see,
                now=clock.now,
            )
            service.live.attend()
            try:
                while clock.now() < end:
                    state = await service.wake(clock.now())
                    wake = min([next_wake(state, clock.now()), end, *(plan[0] for plan in wearer.planned)])
                    await clock.sleep_until(max(wake, clock.now() + timedelta(seconds=1)))
                    wearer.answer(store)
                await service.wake(clock.now())
                if not service.state(clock.now()).contacts[0].live:  # the day's summary needs the whole day
                    await service.fetch(store.bands()[0])
                    service.settle(service.state(clock.now()), clock.now())
            finally:
                await service.leave()
            summary = summarise(store, settings.rule, zones, day, clock.now())
    echo("")
    echo(day_text(summary, pen))
    echo(f"hipsync connected to the band {counted(wearer.contacts, 'time')}.")


def minutes_of_file(file: Path) -> list[Epoch]:
    """Return the minutes of a CSV file in the form of `hipsync import csv`, in order of time.

    Raises `InputError`, also for a timestamp without an offset from UTC.
    """
    from hipsync.formats.csv_minutes import epochs_of_csv

    with file.open("rb") as lines:
        return sorted(epochs_of_csv(lines, zone=None))
