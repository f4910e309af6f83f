"""The demo: a simulated band lives through an office day, over real GATT, on a clock that waits for nothing.

The same `Service` as in `hipsync run`, looping over the same `next_wake` and `wake`; only clock, radio and wearer
differ.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
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
from hipsync.model import Answer, Epoch, Occasion, Prompt, Where
from hipsync.office_day import office_days
from hipsync.radio import connect as bluetooth
from hipsync.radio.bleak_radio import BleakRadio
from hipsync.radio.simulation import simulated_radio
from hipsync.registry import drivers, simulator
from hipsync.report.terminal_day import day_text
from hipsync.service.answers import answer_prompt
from hipsync.service.notify import notice_of
from hipsync.service.plan import next_wake, settings_of
from hipsync.service.service import Service
from hipsync.settings.config import Config
from hipsync.store import Band, Store

ADDRESS = "C0:00:00:00:00:01"
KEY = bytes.fromhex("00112233445566778899aabbccddeeff")
"""Of the simulated band; a real one's would come from its maker's app."""
ANSWERS: Sequence[tuple[Answer, timedelta] | None] = (
    (Answer.DONE, timedelta(minutes=2)),
    None,
    (Answer.SNOOZED, timedelta(minutes=1)),
    None,
    (Answer.SKIPPED, timedelta(minutes=3)),
)
"""What the wearer does about the first, second ... prompt for sitting, and how soon. Without an answer, moving or not
tells."""
IN_THE_MORNING = (Answer.DONE, timedelta(minutes=4))
HOURS = ((time(7), time(22)),)
"""Of an early riser: the default ones begin too late for the wearer's first movement."""

Echo = Callable[[str], None]


@dataclass(slots=True)
class Wearer:
    """Who sees the prompts of the demo and answers some."""

    echo: Echo
    zone: ZoneInfo
    now: Callable[[], datetime]
    planned: list[tuple[datetime, Prompt, Answer]] = field(default_factory=list[tuple[datetime, Prompt, Answer]])
    seen: int = 0
    contacts: int = 0

    async def shown(self, prompt: Prompt, move: Move, strong: bool) -> Sequence[Where]:
        notice = notice_of(prompt, move, strong=strong)
        again = " again" if prompt.shown > 1 else ""
        self.echo(f"{self.now().astimezone(self.zone):%H:%M}  PROMPT{again}: {notice.title}. {notice.body}")
        if prompt.occasion is Occasion.MORNING:
            self.planned.append((self.now() + IN_THE_MORNING[1], prompt, IN_THE_MORNING[0]))
        elif prompt.shown == 1 and self.seen < len(ANSWERS):
            if (planned := ANSWERS[self.seen]) is not None:
                self.planned.append((self.now() + planned[1], prompt, planned[0]))
            self.seen += 1
        return [Where.TERMINAL]

    def answer(self, store: Store) -> None:
        """Give the answers whose time has come."""
        for at, prompt, answer in [plan for plan in self.planned if plan[0] <= self.now()]:
            self.planned.remove((at, prompt, answer))
            answer_prompt(store, prompt, answer, at)
            self.echo(f"{at.astimezone(self.zone):%H:%M}    the wearer answers: {answer.value}")


class CountedRadio:
    """Counts how often the band is called."""

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
    colour: bool,
    zone: str = "Europe/London",
) -> Path:
    """Run it to the end of the day; the database it leaves. Raises `HipsyncError`."""
    known = drivers()
    if kind not in known:
        raise ConfigError(f"no band of kind {kind!r}: there are {', '.join(sorted(known))}")
    where = ZoneInfo(zone)
    life = office_days(today - timedelta(days=1), 2, where, seed) if data is None else minutes_of_file(data)
    day = today if data is None else life[-1].start.astimezone(where).date()
    path = database or Path(tempfile.mkdtemp(prefix="hipsync-demo-")) / "demo.db"
    if path.exists():
        raise ConfigError(f"{path} exists already: the demo makes a database of its own, give another --db")
    loop = VirtualTimeLoop()
    try:
        start = datetime.combine(day, time(5), where).astimezone(UTC)
        clock = FastClock(loop, start, speed)
        loop.run_until_complete(live(known[kind], life, day, clock, path, where, echo, colour=colour))
        loop.run_until_complete(loop.shutdown_asyncgens())
        loop.run_until_complete(loop.shutdown_default_executor())
    finally:
        loop.close()
    echo(f"The database: {path}   (hipsync --db {path} day {day})")
    return path


async def live(
    driver: Driver,
    life: Sequence[Epoch],
    day: date,
    clock: FastClock,
    path: Path,
    zone: ZoneInfo,
    echo: Echo,
    *,
    colour: bool,
) -> None:
    """Pair, then wake the service whenever it asks for it, until midnight."""
    settings = settings_of(Config(hours=dict.fromkeys(range(7), HOURS)), zone.key)
    zones = Zones([], zone.key)
    end = zones.day(day).end
    band = simulator(driver.key)(life, now=clock.now(), zone=zone, secret=KEY)
    echo(f"A simulated {driver.label}, over a Bluetooth stack in software. {day:%A} {day}, {zone.key}.")
    wearer = Wearer(echo, zone, clock.now)
    async with simulated_radio([band], now=clock.now, addresses=[ADDRESS]) as air:
        found = [seen for seen in await bluetooth.scan(air.radio, 2) if seen.address == ADDRESS]
        name = (found[0].advertisement.name if found else None) or driver.key
        with Store.open(path) as store:
            able = driver.abilities
            store.add_band(
                name=name,
                driver=driver.key,
                address=ADDRESS,
                advertised_name=name,
                simulated=True,
                vouches=able.wear or able.sleep or able.heart_rate,
                reports_wear=able.wear,
                now=clock.now(),
            )
            key = "" if driver.secret(band.advertisement()) == "none" else "; its key is known"
            echo(f"{clock.now().astimezone(zone):%H:%M}  paired with {name!r}{key}")
            service = Service(
                store,
                settings,
                radio=CountedRadio(BleakRadio(air.radio), wearer),
                drivers={driver.key: driver},
                secret=lambda _: KEY,
                deliver=wearer.shown,
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
                if driver.abilities.history is not None and not driver.held:  # the day's summary wants all of the day
                    async with service.connector.talk(store.bands()[0]):
                        service.settle(service.state(clock.now()), clock.now())
            finally:
                await service.leave()
            summary = summarise(store, settings.rule, zones, day, clock.now())
    echo("")
    echo(day_text(summary, style="colour" if colour else "plain"))
    echo(f"The band was called {wearer.contacts} time{'' if wearer.contacts == 1 else 's'}.")


def minutes_of_file(file: Path) -> list[Epoch]:
    """Somebody's minutes, as `import csv` takes them. Raises `InputError`."""
    from hipsync.formats.csv_minutes import epochs_of_csv

    with file.open("rb") as lines:
        return sorted(epochs_of_csv(lines, zone=None))
