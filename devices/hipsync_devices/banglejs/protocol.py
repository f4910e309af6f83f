"""The conversation with a Bangle.js: set the clock, fetch blocks of ten minutes, follow the steps, show a message.

::

    > DLE GB({"t":"actfetch","ts":...})         < {"t":"actfetch","state":"start"}
                                                < {"t":"act","ts":...,"stp":12, ...}     for each block
                                                < {"t":"actfetch","state":"end","count":144}

A programmable watch has a JavaScript console. Any other watch accepts only `GB` calls: it reports neither clock nor
zone, and its clock cannot be set. Nothing is ever deleted from a watch.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta

from hipsync.driver import Link, Message, Session
from hipsync.errors import DeviceError, LinkLost, NoReply, NotAuthorised, UnexpectedReply
from hipsync.model import MINUTE, STEPS_A_MINUTE, Answer, Charge, Counter, Epoch, Info, Reading, State
from hipsync_devices import gatt
from hipsync_devices.banglejs import commands
from hipsync_devices.banglejs.console import Console
from hipsync_devices.banglejs.packets import (
    ACTIVITIES,
    BLOCK,
    EPOCH,
    NOTIFY,
    WRITE,
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

NEEDS = frozenset({(NOTIFY, b""), (WRITE, b'\x10GB({"t":"actfetch"')})
"""What the steps depend on; see `Driver.needs`."""
GREETING = timedelta(seconds=4)
"""How long to wait for battery and version, which the watch sends once, two seconds after a connection begins."""
HELLO_WITHIN = timedelta(seconds=3)
CLOCK_OFF = timedelta(seconds=2)
"""The clock is set only if it is off by more than this, because setting it may end a block early."""

SILENCE = timedelta(seconds=30)
FETCH_WITHIN = timedelta(minutes=15)
"""The longest that a fetch may take. A day has 12 kB, which take about 20 s over a slow link."""
TRIES = 3
"""How often a fetch is tried; the count at its end shows whether a line was lost on the way."""
FIRST_FETCH = timedelta(days=31)
"""How far back the first fetch asks. A watch stores more, but the more it sends, the longer a weak link must hold."""
BACK = timedelta(hours=1)
"""How far a fetch reaches back before the end of the last block stored: `watch` may have left out a block there."""
DAY = timedelta(days=1)
SLACK = timedelta(minutes=5)
MOST = BLOCK // MINUTE * STEPS_A_MINUTE
"""The most steps that a block may have; one with more is not stored."""
MOST_BLOCKS = 40 * 144
BATCH = 144
LABELLED = timedelta(seconds=590)
"""How long before its end a block has the local time under which the watch files it (espruino/BangleApps 0fe18ed,
`apps/health`)."""

REPORT = timedelta(seconds=30)
SILENT = timedelta(seconds=75)
"""How long to wait for a report, 2.5 times `REPORT`. If none comes, the watch has loaded an app, which ends them."""
RENEWALS = 3
PUNCTUAL = timedelta(minutes=1)
"""A report of an ended block that comes later than this after a full ten minutes may be about either block."""

NUMBER = 0x686970
"""The number of our message on the watch. It is always the same, so that the next message replaces the last."""
RINGS_FOR = timedelta(seconds=60)
"""How long a watch buzzes, every 4 s, if its wearer does not look. The message disappears when the connection ends."""
GLANCE = timedelta(seconds=6)
"""How long to stay connected for a message without a question: it appears after half a second, and buzzes again after
four seconds."""
ANSWERS = {Button.OPEN: Answer.DONE, Button.DISMISS: Answer.SNOOZED, Button.MUTE: Answer.SKIPPED}


# ------------------------------------------------------------------ who it is, its clock


async def opened(link: Link, session: Session) -> Sequence[Reading]:
    """Set the clock and the zone if the watch is programmable, and return its versions and battery level.

    The watch's greeting is awaited in any case, because a message that is shown before it would cancel it.
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
    return [*readings, *_charges(link.now(), status)]


def _charges(at: datetime, status: Status | None) -> list[Charge]:
    """Return the battery as a reading, in a list; none if its level is not known."""
    if status is None or status.percent is None:
        return []
    return [Charge(at, status.percent, status.charging)]


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
    """The answer of a programmable watch to `HELLO`, and how far its clock is ahead of ours."""

    said: Hello
    ahead: timedelta


async def _hello(console: Console, link: Link) -> _Met | None:
    """Send `HELLO` and return the answer; None if the watch is not programmable, is busy, or refuses it.

    Raises `NoReply` if the watch takes nothing at all.
    """
    sent = link.now()
    try:
        await console.send(commands.HELLO)
    except (LinkLost, NoReply, NotAuthorised):
        raise
    except DeviceError:
        return None
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
        await gatt.courtesy(console.send(commands.statement(late + zone)))


# ------------------------------------------------------------------ stored blocks


async def sync(link: Link, session: Session) -> AsyncGenerator[Sequence[Reading], None]:
    """Yield the finished blocks since an hour before the end of the last one stored, oldest first, 144 in a batch.

    A watch files its blocks under local time, and sends their times by the offset that it has now. So after a change of
    its zone all older blocks are off by the difference. A driver that changes the zone leaves a note on the watch, by
    which the blocks from before the last such change are corrected. When the clock is put back (autumn), the watch
    finds the places of the next hour taken and stores nothing of that hour, which stays unknown.

    Not used are the activity `NOT_WORN`, which the watch also reports for somebody who sits very still, and heart rates
    of 0, from a sensor that is off. Blocks that end in the future by our clock are left out. Other wrong stamps cannot
    be recognised, because nobody knows since when the clock was wrong.

    If the fetch fails or the link is lost on the way, the blocks up to the first one that is missing are yielded before
    the error is raised: the next sync asks for the rest.
    """
    console = await Console.on(link)
    met = await _hello(console, link)
    stored = session.since.get(Epoch)
    first = link.now() - FIRST_FETCH if stored is None else stored - BACK
    came: dict[datetime, Block] = {}
    failure: DeviceError | None = None
    try:
        await _fetch(console, link, first, came)
    except (LinkLost, SpoiltFetch) as error:
        failure = error
    blocks = _in_a_row(came, stored) if failure is not None else [*came.values()]
    epochs = {epoch.start: epoch for epoch in (_epoch(block, met.said if met else None) for block in blocks)}
    now = link.now()
    possible = {start: epoch for start, epoch in epochs.items() if epoch.steps <= MOST}
    finished = [possible[start] for start in sorted(possible) if start >= first and possible[start].end <= now]
    for at in range(0, len(finished), BATCH):
        yield finished[at : at + BATCH]
    if failure is not None:
        raise failure


def _in_a_row(came: Mapping[datetime, Block], stored: datetime | None) -> list[Block]:
    """Return the blocks of a fetch that was not whole, up to the first one that may be missing.

    If epochs up to `stored` are stored, there are none if the first block is later: those before it may be missing.
    """
    row: list[Block] = []
    for end in sorted(came):
        before = border_after(row[-1].end) if row else stored
        if before is not None and border_after(end) - BLOCK > before:
            break
        row.append(came[end])
    return row


def _epoch(block: Block, said: Hello | None) -> Epoch:
    """Return the epoch of a fetched block, with its time corrected by the watch's note about its zone.

    `said` is None if the watch does not answer `HELLO`; then nothing is corrected.
    """
    start = block.end - BLOCK
    if said is not None and said.zone_set is not None:
        before = start + said.offset - said.zone_set.before
        if border_after(before + LABELLED) <= said.zone_set.at:  # filed before the change
            start = before
    return _measured(border_after(start + LABELLED), block.measured)


def border_after(instant: datetime) -> datetime:
    """Return the first multiple of ten minutes, in UTC, at or after an instant; blocks begin and end at these."""
    return instant + (EPOCH - instant) % BLOCK


def border_before(instant: datetime) -> datetime:
    """Return the last multiple of ten minutes, in UTC, at or before an instant; blocks begin and end at these."""
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
    """Raised when lines of an answer were lost or torn on the way; the watch still has the blocks."""


async def _fetch(console: Console, link: Link, first: datetime, came: dict[datetime, Block]) -> None:
    """Fetch all blocks since `first`, and some before it, into `came`, by their ends.

    If lines were lost, all are asked for again, and what was whole before is kept. Lines that are missing twice cannot
    be read, and their time is unknown. Raises `SpoiltFetch` after three tries, and `NoReply` or `UnexpectedReply` at
    once if the watch does not report its history.
    """
    sent = 0
    for left in reversed(range(TRIES)):
        before = len(came)
        try:
            sent = await _attempt(console, link, first, came)
        except SpoiltFetch:
            if not left:
                raise
            continue
        if len(came) >= sent or len(came) == before > 0:
            return
    raise SpoiltFetch(f"the watch sent {sent} blocks, and {len(came)} arrived whole")


def safe_since(first: datetime, now: datetime) -> datetime:
    """Return the instant to ask for, so that any version of Health Tracking sends all blocks since `first`.

    For most other instants some versions leave blocks out: the old ones (before 0.35) step in whole days from that
    instant, the newer ones take the UTC date for the local one. The instant is a whole number of days before now, one
    more than needed, plus five minutes. It lost nothing in 1,200 cases run with the watch's own code.
    """
    days = -((first - now) // DAY)
    return now - (days + 1) * DAY + SLACK


async def _attempt(console: Console, link: Link, first: datetime, came: dict[datetime, Block]) -> int:
    """Fetch once, add the blocks that come to `came`, and return how many the watch says that it sent."""
    end, since = link.now() + FETCH_WITHIN, safe_since(first, link.now())
    await console.send(commands.fetch(since))
    bare: dict[datetime, Block] = {}
    received: int | None = None
    """How many blocks have come in this attempt; None if the watch has not begun."""
    spoke = link.now()
    while True:
        try:
            at, message = await console.heard(min(spoke + SILENCE, end))
        except NoReply as error:
            raise _unanswered(received) from error
        match message:
            case FetchStarted():
                received = 0
            case Block():
                if message.end >= since:  # else the line was torn, and still makes sense
                    (came if message.full else bare)[message.end] = message
                received = (received or 0) + 1
                if received > MOST_BLOCKS:
                    raise UnexpectedReply("the watch sends more blocks than it was asked for")
            case FetchEnded(count) if received is not None:
                if len(bare) == received:  # this watch writes no others
                    came.update(bare)
                return count
            case Text():
                _check_app(message)
                continue
            case _:
                pass
        spoke = at


def _check_app(text: Text) -> None:
    """Raise `UnexpectedReply` if a line says that the watch lacks Android Integration, or that the app is too old."""
    if text.no_android:
        raise UnexpectedReply("install the app Android Integration on the watch (banglejs.com/apps)")
    if text.unknown_command:
        raise UnexpectedReply("update the app Android Integration on the watch to 0.31 or later")


def _unanswered(received: int | None) -> DeviceError:
    if received is None:
        return NoReply("the watch does not tell its history: does it have the app Android Integration (0.31 or later)?")
    if not received:
        return UnexpectedReply("the watch broke off: install the app Health Tracking on it (banglejs.com/apps)")
    return SpoiltFetch(f"the watch stopped after {received} blocks")


# ------------------------------------------------------------------ live steps, messages


async def watch(link: Link, session: Session) -> AsyncGenerator[Sequence[Reading], None]:
    """Yield the steps since the request every half minute, each block when it ends, and each battery report.

    The watch forgets the request when it loads an app, so the request is repeated when no steps are reported. The block
    has the steps that are missed in the meantime. A block is yielded if it follows the last one without a gap; others
    are left to the next `sync`. Raises `NoReply` if the watch stays silent after three requests.
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
                        if charges := _charges(at, message):
                            yield charges
                    case BlockEnded(measured):
                        epoch = _just_ended(at, measured)
                        if epoch is not None and epoch.start == ended and epoch.steps <= MOST:
                            ended = epoch.end
                            yield [epoch]
                    case _:
                        pass
        unheard += 1
    raise NoReply("the watch no longer reports steps")


def _just_ended(at: datetime, measured: Measured) -> Epoch | None:
    """Return the block that a report received at `at` is about.

    None if that is not certain, or if the block has not ended by our clock.
    """
    end = border_before(at)
    return _measured(end, measured) if at - end <= PUNCTUAL else None


async def nudge(link: Link, session: Session, message: Message) -> Answer | None:
    """Show a message, with the buzz that the wearer has set for messages, and wait for a button: tick, cross or mute.

    If the message is strong, a programmable watch first gives one long buzz. The wait is a minute, because the watch
    drops its messages when the connection ends, or six seconds if the message asks for nothing. Return the wearer's
    answer, or None if there is none.
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
