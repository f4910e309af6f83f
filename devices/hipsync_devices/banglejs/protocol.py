"""The conversation with a Bangle.js: set the clock, fetch blocks of ten minutes, listen, show a message.

::

    > DLE GB({"t":"actfetch","ts":...})         < {"t":"actfetch","state":"start"}
                                                < {"t":"act","ts":...,"stp":12, ...}     once a block
                                                < {"t":"actfetch","state":"end","count":144}

A programmable watch has a JavaScript console. Any other takes only `GB` calls: it reports neither clock nor zone, and
its clock cannot be set. Nothing is ever deleted from a watch.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta

from hipsync.driver import Link, Message, Session
from hipsync.errors import DeviceError, NoReply, UnexpectedReply
from hipsync.model import Answer, Charge, Counter, Epoch, Info, Reading, State
from hipsync_devices import gatt
from hipsync_devices.banglejs import commands
from hipsync_devices.banglejs.console import Console
from hipsync_devices.banglejs.packets import (
    ACTIVITIES,
    BLOCK,
    EPOCH,
    Block,
    BlockEnded,
    Button,
    FetchEnded,
    FetchStarted,
    Hello,
    Measured,
    Pressed,
    Status,
    Text,
    Version,
    Walked,
)

GREETING = timedelta(seconds=4)
"""The watch sends battery and version two seconds after a connection begins, and not again."""
HELLO_WITHIN = timedelta(seconds=3)
CLOCK_OFF = timedelta(seconds=2)
"""Setting the clock may end a block early, so a smaller difference is left alone."""

SILENCE = timedelta(seconds=30)
FETCH_WITHIN = timedelta(minutes=15)
"""The longest that a fetch may take. A day is 12 kB, which takes about 20 s over a slow link."""
TRIES = 3
"""Tries of one fetch. The count at its end shows whether a line was lost on the way."""
FIRST_FETCH = timedelta(days=31)
"""How far back the first fetch asks. A watch stores more, but a fetch succeeds as a whole or not at all."""
BACK = timedelta(hours=1)
"""How far a fetch overlaps with what is stored: `watch` may have left out the block before the last one."""
DAY = timedelta(days=1)
SLACK = timedelta(minutes=5)
MOST_BLOCKS = 40 * 144
BATCH = 144
LABELLED = timedelta(seconds=590)
"""The watch files a block under the local time so long before its end (espruino/BangleApps 0fe18ed, `apps/health`)."""

REPORT = timedelta(seconds=30)
SILENT = timedelta(seconds=75)
"""After so long, two reports and a half, the watch has loaded an app, which ends the reports silently."""
RENEWALS = 3
PUNCTUAL = timedelta(minutes=1)
"""A block report that comes later than this after a full ten minutes may be of either block."""

NUMBER = 0x686970
"""The number of our message on the watch, so that the next one takes its place."""
RINGS_FOR = timedelta(seconds=60)
"""How long a watch buzzes, every 4 s, until its wearer looks. The message is gone when the connection ends."""
GLANCE = timedelta(seconds=6)
"""How long a message needs that asks for nothing: it is shown after half a second, the second buzz comes after four."""
ANSWERS = {Button.OPEN: Answer.DONE, Button.DISMISS: Answer.SNOOZED, Button.MUTE: Answer.SKIPPED}


# ------------------------------------------------------------------ who it is, its clock


async def opened(link: Link, session: Session) -> Sequence[Reading]:
    """Set clock and zone, if the watch is programmable; its versions and its battery.

    The greeting is waited for in any case: a message that is shown before would cancel it.
    """
    del session
    console = await Console.on(link)
    version, status = await _greeting(console, link.now() + GREETING)
    hello = await _hello(console, link)
    if hello is not None:
        await _set_clock(console, link, hello.said, hello.ahead)
        status = status or hello.said.status
    readings: list[Reading] = []
    firmware = version.firmware if version else hello.said.firmware if hello else None
    if firmware is not None:
        hardware = gatt.text(version.hardware.encode()) if version else None
        readings.append(Info(link.now(), firmware=gatt.text(firmware.encode()), hardware=hardware))
    if status is not None:
        readings.append(Charge(link.now(), status.percent, status.charging))
    return readings


async def _greeting(console: Console, until: datetime) -> tuple[Version | None, Status | None]:
    version, status = None, None
    with suppress(NoReply):
        while version is None or status is None:
            _, message = await console.heard(until)
            if isinstance(message, Version):
                version = message
            elif isinstance(message, Status):
                status = message
    return version, status


@dataclass(frozen=True, slots=True)
class _Met:
    """What a programmable watch answered, and how far its clock is ahead of ours."""

    said: Hello
    ahead: timedelta


async def _hello(console: Console, link: Link) -> _Met | None:
    """The answer to `HELLO`; None from a watch that is not programmable, or is busy."""
    sent = link.now()
    await console.send(commands.HELLO)
    try:
        while True:
            at, message = await console.heard(sent + HELLO_WITHIN)
            if isinstance(message, Hello):
                return _Met(message, message.clock - (sent + (at - sent) / 2))
    except NoReply:
        return None


async def _set_clock(console: Console, link: Link, said: Hello, ahead: timedelta) -> None:
    now = link.now()
    offset = now.astimezone(link.zone).utcoffset() or timedelta()
    late = commands.set_time(now) if abs(ahead) > CLOCK_OFF else ""
    zone = commands.keep_zone(offset) if offset != said.offset else ""
    if late or zone:
        await console.send(commands.statement(late + zone))


# ------------------------------------------------------------------ stored blocks


async def sync(link: Link, session: Session) -> AsyncGenerator[Sequence[Reading], None]:
    """The finished blocks since the last one stored, and an hour before it, oldest first, a batch for each day.

    A watch files its blocks under local time, and sends their times by the offset that it has now. So after a change of
    its zone all older blocks are off by the difference. Those from before the last change that a driver made are
    corrected by the note that it left on the watch. After a step back (autumn) the watch finds the places of the next
    hour taken and stores nothing of that hour, which stays unknown.

    Not used are the state `NOT_WORN`, which the watch also reports for somebody who sits very still, and heart rates of
    0, when the sensor is off. Blocks that a wrong clock stamped ahead of ours are left out. Other wrong stamps cannot
    be recognised, for nobody knows since when the clock was wrong.
    """
    console = await Console.on(link)
    met = await _hello(console, link)
    stored = session.since.get(Epoch)
    first = link.now() - FIRST_FETCH if stored is None else stored - BACK
    blocks = await _fetch(console, link, first)
    epochs = {epoch.start: epoch for epoch in (_epoch(block, met.said if met else None) for block in blocks)}
    now = link.now()
    finished = [epochs[start] for start in sorted(epochs) if start >= first and epochs[start].end <= now]
    for at in range(0, len(finished), BATCH):
        yield finished[at : at + BATCH]


def _epoch(block: Block, said: Hello | None) -> Epoch:
    """The epoch of a fetched block, with its time corrected by the watch's note about its zone."""
    start = block.end - BLOCK
    if said is not None and said.zone_set is not None:
        before = start + said.offset - said.zone_set.before
        if border_after(before + LABELLED) <= said.zone_set.at:  # filed before the change
            start = before
    return _measured(border_after(start + LABELLED), block.measured)


def border_after(instant: datetime) -> datetime:
    """The first border of blocks, a multiple of ten minutes of UTC, at or after an instant."""
    return instant + (EPOCH - instant) % BLOCK


def border_before(instant: datetime) -> datetime:
    """The last border of blocks at or before an instant."""
    return instant - (instant - EPOCH) % BLOCK


def _measured(end: datetime, measured: Measured) -> Epoch:
    act = measured.activity
    state = {"WALKING": State.WALKING, "LIGHT_SLEEP": State.ASLEEP, "DEEP_SLEEP": State.ASLEEP}.get(act or "")
    return Epoch(
        end - BLOCK,
        BLOCK,
        measured.steps,
        intensity=int(measured.movement),
        heart_rate=int(measured.heart_rate + 0.5) or None,
        state=state,
        kind=ACTIVITIES.index(act) if act in ACTIVITIES else None,
    )


class SpoiltFetch(UnexpectedReply):
    """Raised when lines of an answer were lost or torn on the way; the watch still has them."""


async def _fetch(console: Console, link: Link, first: datetime) -> list[Block]:
    """All blocks that end after `first`, and some before it. Raises `DeviceError` after three tries."""
    for left in reversed(range(TRIES)):
        try:
            return await _attempt(console, link, first)
        except SpoiltFetch:
            if not left:
                raise
    raise AssertionError("the last attempt returns or raises")


def safe_since(first: datetime, now: datetime) -> datetime:
    """The instant to ask for, so that every library on the watch sends all blocks since `first`.

    For most other instants libraries leave blocks out: the old one (before 0.35) steps in whole days from the instant,
    the newer one takes the UTC date for the local one. Asking for a whole number of days before now, one more than
    needed, plus five minutes lost nothing in 1,200 cases run with the watch's own code.
    """
    days = -((first - now) // DAY)
    return now - (days + 1) * DAY + SLACK


async def _attempt(console: Console, link: Link, first: datetime) -> list[Block]:
    end = link.now() + FETCH_WITHIN
    await console.send(commands.fetch(safe_since(first, link.now())))
    blocks: list[Block] | None = None
    spoke = link.now()
    while True:
        try:
            at, message = await console.heard(min(spoke + SILENCE, end))
        except NoReply as error:
            raise _unanswered(blocks) from error
        match message:
            case FetchStarted():
                blocks = []
            case Block() if blocks is not None:
                blocks.append(message)
                if len(blocks) > MOST_BLOCKS:
                    raise UnexpectedReply("the watch sends more blocks than it was asked for")
            case FetchEnded(count) if blocks is not None:
                if count != len(blocks):
                    raise SpoiltFetch(f"the watch sent {count} blocks, and {len(blocks)} arrived whole")
                return blocks
            case Text():
                _check_app(message)
                continue
            case _:
                pass
        spoke = at


def _check_app(text: Text) -> None:
    """Raise `UnexpectedReply` where the watch says that it lacks the app which reports its history."""
    if text.no_android:
        raise UnexpectedReply("install the app Android Integration on the watch (banglejs.com/apps)")
    if text.unknown_command:
        raise UnexpectedReply("update the app Android Integration on the watch to 0.31 or later")


def _unanswered(blocks: list[Block] | None) -> DeviceError:
    if blocks is None:
        return NoReply("the watch does not tell its history: does it have the app Android Integration (0.31 or later)?")
    if not blocks:
        return UnexpectedReply("the watch broke off: install the app Health Tracking on it (banglejs.com/apps)")
    return SpoiltFetch(f"the watch stopped after {len(blocks)} blocks")


# ------------------------------------------------------------------ live steps, messages


async def watch(link: Link, session: Session) -> AsyncGenerator[Sequence[Reading], None]:
    """The steps since the request every half minute, every block as it ends, and the battery as the watch reports it.

    The watch forgets the request when it loads an app, so the request is repeated when the watch is silent. The steps
    in between are in the block. A block is reported if it follows the last one without a gap, else it is left to the
    next `sync`. Raises `NoReply` when repeating does not help.
    """
    del session
    console = await Console.on(link)
    ended = border_before(link.now())
    unheard = 0
    while unheard < RENEWALS:
        await console.send(commands.live(int(REPORT.total_seconds())))
        spoke, total = link.now(), 0
        yield [Counter(spoke, 0)]
        with suppress(NoReply):
            while True:
                at, message = await console.heard(spoke + SILENT)
                match message:
                    case Walked(steps):
                        spoke, total, unheard = at, total + steps, 0
                        yield [Counter(at, total)]
                    case Status():
                        yield [Charge(at, message.percent, message.charging)]
                    case BlockEnded(measured):
                        epoch = _just_ended(at, measured)
                        if epoch is not None and epoch.start == ended:
                            ended = epoch.end
                            yield [epoch]
                    case _:
                        pass
        unheard += 1
    raise NoReply("the watch no longer reports steps")


def _just_ended(at: datetime, measured: Measured) -> Epoch | None:
    """The block that a report at `at` means; None if that is not certain, or it has not ended by our clock."""
    end = border_before(at)
    return _measured(end, measured) if at - end <= PUNCTUAL else None


async def nudge(link: Link, session: Session, message: Message) -> Answer | None:
    """Show a message, which buzzes as the wearer has set it, and wait for a button: tick, cross or mute.

    If strong, a programmable watch buzzes once more, and long. The wait is a minute, for the watch drops its messages
    when the connection ends; if the message asks for nothing, it is a few seconds.
    """
    del session
    console = await Console.on(link)
    if message.strong:
        await console.send(commands.BUZZ)
    await console.send(commands.notify(NUMBER, message.title, message.body))
    until = link.now() + (RINGS_FOR if message.asks else GLANCE)
    try:
        while True:
            _, said = await console.heard(until)
            if isinstance(said, Pressed) and said.id == NUMBER:
                return ANSWERS.get(said.button)
            if isinstance(said, Text) and said.no_android:
                raise UnexpectedReply("install the app Android Integration on the watch (banglejs.com/apps)")
    except NoReply:
        return None
