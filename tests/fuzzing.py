"""Damaged bytes for decoders and drivers, and whether they got to where the meaning is made.

FAMILIES     what each family of the registry declares: how a packet is read, and which decoders are the innermost.
             A family that declares nothing has its packets read by whatever in its `packets` takes bytes alone
recorded     what a simulated band says in a conversation
decoded      damaged packets and noise through the decoders
talked       the same in place of what the band says, in whole conversations

An innermost decoder is wrapped wherever it is bound, so that each call and each return of it is counted.
"""

from __future__ import annotations

import asyncio
import contextlib
import importlib
import inspect
import json
import random
import sys
import zlib
from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from functools import cache, partial, wraps
from operator import itemgetter
from typing import Any, cast
from zoneinfo import ZoneInfo

from hipsync.conversation.session import Conversation, collect, meet
from hipsync.driver import Driver, Session
from hipsync.errors import DeviceError
from hipsync.host.clock import FastClock
from hipsync.model import Epoch
from hipsync.office_day import office_day
from hipsync.simulated import SimulatedBand, Simulator
from hipsync.testing.direct import DirectConnection, MemoryStore, run
from hipsync_devices import gatt
from hipsync_devices.banglejs import console as banglejs_console
from hipsync_devices.banglejs import packets as banglejs
from hipsync_devices.colmi import hours as colmi_hours
from hipsync_devices.colmi import packets as colmi
from hipsync_devices.fitpro import packets as fitpro
from hipsync_devices.fitpro import slots as fitpro_slots
from hipsync_devices.huami import chunked, endpoints
from hipsync_devices.huami import packets as huami
from hipsync_devices.infinitime import packets as infinitime
from hipsync_devices.lefun import packets as lefun
from hipsync_devices.moyoung import packets as moyoung
from hipsync_devices.sig import packets as sig

NOON = datetime(2026, 11, 20, 12, 0, 20, tzinfo=UTC)
ZONE = ZoneInfo("UTC")
KEY = bytes.fromhex("00112233445566778899aabbccddeeff")
WATCHED_S = 150.0
Packet = tuple[str, bytes]
"""A characteristic, and what comes of it."""


@dataclass(frozen=True, slots=True)
class Family:
    """`read` does with a packet what the driver does; `innermost` are dotted names below `hipsync_devices`.

    `frames`: the packets of a conversation as `read` takes them. `sealed`: a frame with this inside, its checksum or
    its lengths made anew; None where there are none.
    """

    read: Callable[[str, bytes], object]
    innermost: Sequence[str]
    frames: Callable[[Sequence[Packet]], list[Packet]] = list
    sealed: Callable[[Packet, Callable[[bytes], bytes]], Packet] | None = None
    kind: Callable[[Packet], object] = itemgetter(0)
    """Frames of a kind of which there are many do not crowd out the others."""


# ------------------------------------------------------------------ the families


def _read_banglejs(_: str, data: bytes) -> None:
    for line in banglejs_console.Lines().feed(data):
        with contextlib.suppress(DeviceError):  # as the console does: a torn line is left out
            banglejs.decode(line)


def _banglejs_sealed(packet: Packet, damage: Callable[[bytes], bytes]) -> Packet:
    """Still an object, of which one member is another."""
    characteristic, data = packet
    with contextlib.suppress(ValueError):
        said: object = json.loads(data)
        if isinstance(said, dict) and said:
            fields = cast(dict[str, object], said)
            name = list(fields)[zlib.crc32(damage(data)) % len(fields)]
            value = damage(json.dumps(fields[name]).encode()).decode("latin-1")
            try:
                fields[name] = json.loads(value)
            except (ValueError, RecursionError):
                fields[name] = value
            return characteristic, json.dumps(fields).encode() + b"\n"
    return characteristic, damage(data)


def _lines(said: Sequence[Packet]) -> list[Packet]:
    return [(banglejs.NOTIFY, line + b"\n") for line in b"".join(data for _, data in said).split(b"\n") if line]


def _read_colmi(characteristic: str, data: bytes) -> None:
    if characteristic != colmi.NOTIFY:
        return
    frame = colmi.decode_frame(data)
    if frame.command == colmi.STEPS:
        record = colmi.steps_of(frame.payload)
        if isinstance(record, colmi.StepsRecord):
            clock = colmi_hours.Clock(ZONE, NOON)
            colmi_hours.is_ahead([record], clock)
            colmi_hours.epochs(
                record.day, [record], colmi_hours.width_of([record]), clock, NOON - timedelta(hours=9), vouched=True
            )
    elif frame.command == colmi.TOTALS:
        colmi.Totals.of(frame.payload)
    elif frame.command == colmi.EVENT:
        colmi.event_of(frame.payload)
    elif frame.command == colmi.BATTERY:
        colmi.Battery.of(frame.payload)


def _colmi_kind(packet: Packet) -> object:
    return packet[1][:1]


def _rings(said: Sequence[Packet]) -> list[Packet]:
    """What is read, with a charge told unasked; and records on quarters, which few rings are known to send."""
    read = {colmi.STEPS, colmi.TOTALS, colmi.EVENT, colmi.BATTERY}
    records = [colmi.StepsRecord(NOON.date(), slot, slot, colmi.QUARTERS, 60, 10, 7) for slot in range(colmi.QUARTERS)]
    charge = bytes([colmi.CHARGE]) + colmi.Battery(21, charging=True).payload()[:-1]
    made = [*(colmi.Frame(colmi.STEPS, each.payload()) for each in records), colmi.Frame(colmi.EVENT, charge)]
    told = [packet for packet in said if packet[0] == colmi.NOTIFY and packet[1][0] in read]
    return [*told, *((colmi.NOTIFY, frame.encode()) for frame in made)]


def _colmi_sealed(packet: Packet, damage: Callable[[bytes], bytes]) -> Packet:
    """As long as ever, or nothing but the length would be found."""
    characteristic, data = packet
    return characteristic, colmi.Frame(data[0], damage(data[1:15])[: colmi.PAYLOAD]).encode()


def _read_fitpro(characteristic: str, data: bytes) -> None:
    if characteristic != fitpro.NOTIFY:
        return
    frame = fitpro.decode_frame(data)
    if isinstance(frame, fitpro.Data) and frame.group == fitpro.HISTORY:
        answer = fitpro_slots.Answer(NOON, UTC)
        if frame.command == fitpro.STEPS:
            answer.packet(fitpro.Steps.decode(frame.payload))
            answer.completed()
        elif frame.command == fitpro.TOTALS:
            answer.total(fitpro.Total.decode(frame.payload))
        elif frame.command == fitpro.SLEEP:
            fitpro.Sleep.decode(frame.payload)
        elif frame.command == fitpro.HEART:
            fitpro.Heart.decode(frame.payload)


def _fitpro_frames(said: Sequence[Packet]) -> list[Packet]:
    """The pieces of a frame joined."""
    frames: list[Packet] = []
    held = b""
    for characteristic, data in said:
        if characteristic == fitpro.NOTIFY:
            held += data
            if fitpro.frame_size(held) == len(held):
                frames.append((characteristic, held))
                held = b""
    return frames


def _fitpro_kind(packet: Packet) -> object:
    """Each of what the band remembers, and all the rest."""
    data = packet[1]
    return data[5] if data[:1] == bytes([fitpro.DATA]) and data[3:4] == bytes([fitpro.HISTORY]) else None


def _histories(said: Sequence[Packet]) -> list[Packet]:
    """What was recorded, its days in parts too, and measurements, which the simulated band does not make."""
    frames = _fitpro_frames(said)
    heart = fitpro.Heart(NOON.date(), (fitpro.Pulse(3600, 98, (120, 80), 61),))
    payloads = [
        (fitpro.SLEEP, fitpro.Sleep(NOON.date(), ((60, 1), (120, 2))).encode()),
        (fitpro.HEART, heart.encode()),
    ]
    for _, data in frames:
        frame = fitpro.decode_frame(data)
        if isinstance(frame, fitpro.Data) and (frame.group, frame.command) == (fitpro.HISTORY, fitpro.STEPS):
            day = fitpro.Steps.decode(frame.payload)
            payloads += [
                (fitpro.STEPS, fitpro.Steps(day.day, day.slots[:size]).encode()) for size in range(len(day.slots))
            ]
    total = fitpro.Total(NOON.date(), 4321)
    payloads += [(fitpro.TOTALS, replace(total, steps=steps).encode()) for steps in (0, 1, 999)]
    return [*frames, *((fitpro.NOTIFY, fitpro.Data(fitpro.HISTORY, *payload).encode()) for payload in payloads)]


def _fitpro_sealed(packet: Packet, damage: Callable[[bytes], bytes]) -> Packet:
    characteristic, data = packet
    return characteristic, fitpro.Data(data[3], data[5], damage(data[8:])).encode() if data[0] == fitpro.DATA else data


ROUND = "a round: its checksum, and its records"


def _read_huami(characteristic: str, data: bytes) -> None:
    if characteristic == ROUND:
        if huami.checksum(data[4:]) == data[:4]:  # else the driver asks anew
            huami.decode_records(data[4:], 8, NOON)
    elif characteristic == huami.BATTERY:
        huami.Battery.decode(data)
    elif characteristic == huami.REALTIME_STEPS:
        huami.RealtimeSteps.decode(data)
    elif characteristic in {huami.FETCH, huami.AUTHENTICATION}:
        reply = huami.Reply.decode(data)
        if reply.operation == huami.START and reply.status == huami.SUCCESS:
            huami.Round.decode(reply.payload)


def _rounds(said: Sequence[Packet]) -> list[Packet]:
    records = b"".join(data[1:] for characteristic, data in said if characteristic == huami.DATA)
    rounds = [records[at : at + 8 * size] for size in (1, 5, 60) for at in range(0, len(records), 8 * size)]
    others = [packet for packet in said if packet[0] in {huami.FETCH, huami.BATTERY, huami.REALTIME_STEPS}]
    return [*others, *((ROUND, huami.checksum(records) + records) for records in rounds)]


def _huami_sealed(packet: Packet, damage: Callable[[bytes], bytes]) -> Packet:
    characteristic, data = packet
    if characteristic != ROUND:
        return characteristic, damage(data)
    records = damage(data[4:])
    return ROUND, huami.checksum(records) + records


CHUNK = "a message in one chunk"
KEYS = chunked.Keys(bytes(range(16)), 7)
ROOM = 4096


def _read_newer(characteristic: str, data: bytes) -> None:
    if characteristic != CHUNK:
        _read_huami(characteristic, data)
        return
    chunked.receipt_for(data)
    heard = chunked.Assembly()
    heard.keys = KEYS
    message = heard.take(data)
    if message is not None:
        match message.endpoint:
            case endpoints.LOGIN:
                endpoints.Challenge.decode(message.payload)
            case endpoints.SERVICES:
                endpoints.decode_services(message.payload)
            case endpoints.BATTERY:
                endpoints.decode_battery(message.payload)
            case _:
                pass


def _messages(said: Sequence[Packet]) -> list[Packet]:
    """Each message bare and encrypted; the rounds as of a classic band."""
    heard, packets = chunked.Assembly(), _rounds([packet for packet in said if packet[0] != chunked.TO_PHONE])
    for characteristic, data in said:
        with contextlib.suppress(DeviceError):
            if characteristic == chunked.TO_PHONE and (message := heard.take(data)) is not None:
                packets += [(CHUNK, _chunk(message, seal=seal)) for seal in (False, True)]
    return packets


def _chunk(message: chunked.Message, *, seal: bool) -> bytes:
    return chunked.encode(replace(message, encrypted=seal), ROOM, KEYS)[0]


def _newer_sealed(packet: Packet, damage: Callable[[bytes], bytes]) -> Packet:
    if packet[0] != CHUNK:
        return _huami_sealed(packet, damage)
    heard = chunked.Assembly()
    heard.keys = KEYS
    message = heard.take(packet[1])
    if message is None:
        raise AssertionError("a message that is whole")
    return CHUNK, _chunk(replace(message, payload=damage(message.payload)), seal=message.encrypted)


def _read_lefun(characteristic: str, data: bytes) -> None:
    if characteristic != lefun.NOTIFY:
        return
    frame = lefun.Frame.decode(data)
    if frame.command == lefun.TOTAL:
        lefun.Total.decode(frame.params)
    elif frame.command == lefun.ACTIVITY:
        lefun.Record.decode(frame.params)
    elif frame.command == lefun.TEXT:
        lefun.Piece.decode(frame.params)
    elif frame.command == lefun.BATTERY:
        lefun.percent(frame.params)
    elif frame.command == lefun.INFO:
        lefun.Info.decode(frame.params)


def _lefun_kind(packet: Packet) -> object:
    return packet[1][2:3]


def _lefun_frames(said: Sequence[Packet]) -> list[Packet]:
    """With the pieces of a text, which a band reads."""
    read = {lefun.TOTAL, lefun.ACTIVITY, lefun.BATTERY, lefun.INFO}
    texts = [lefun.Frame(lefun.TEXT, piece.encode()).encode() for piece in lefun.pieces("Stand up: " * 5)]
    told = [packet for packet in said if packet[0] == lefun.NOTIFY and packet[1][2] in read]
    return [*told, *((lefun.NOTIFY, text) for text in texts)]


def _lefun_sealed(packet: Packet, damage: Callable[[bytes], bytes]) -> Packet:
    characteristic, data = packet
    frame = lefun.Frame.decode(data)
    return characteristic, frame._replace(params=damage(frame.params)[: lefun.LONGEST - lefun.SHORTEST]).encode()


def _read_moyoung(characteristic: str, data: bytes) -> None:
    if characteristic == moyoung.STEPS:
        moyoung.Today.of(data)
    elif characteristic == moyoung.BATTERY:
        moyoung.percent(data)
    elif characteristic == moyoung.REPLIES:
        _, frame = moyoung.taken(b"", data)
        if frame is not None:
            moyoung.Buckets.of(frame)


def _moyoung_frames(said: Sequence[Packet]) -> list[Packet]:
    """With buckets, which few watches are known to answer with."""
    return [*said, *((moyoung.REPLIES, moyoung.Buckets(part, tuple(range(24))).frame().packet()) for part in range(4))]


def _moyoung_sealed(packet: Packet, damage: Callable[[bytes], bytes]) -> Packet:
    characteristic, data = packet
    if characteristic != moyoung.REPLIES:
        return characteristic, damage(data)
    return characteristic, moyoung.Frame(data[4], damage(data[5:])).packet()


def _read_sig(characteristic: str, data: bytes) -> None:
    if characteristic == gatt.HEART_RATE_MEASUREMENT:
        sig.HeartRate.of(data)
    elif characteristic == sig.RSC_MEASUREMENT:
        sig.Pace.of(data)
    elif characteristic == sig.BATTERY_LEVEL:
        sig.percent(data)


def _read_infinitime(characteristic: str, data: bytes) -> None:
    if characteristic == infinitime.STEPS:
        infinitime.steps(data)
    elif characteristic == infinitime.BATTERY:
        infinitime.percent(data)
    elif characteristic == infinitime.EVENT:
        infinitime.press(data)
    else:
        infinitime.firmware(data.decode(errors="replace"))


def _presses(said: Sequence[Packet]) -> list[Packet]:
    """What is read as numbers, and the buttons, which nobody pressed."""
    told = [packet for packet in said if packet[0] in {infinitime.STEPS, infinitime.BATTERY}]
    return [*told, *((infinitime.EVENT, bytes([press])) for press in infinitime.Press)]


def _measurements(said: Sequence[Packet]) -> list[Packet]:
    read = {gatt.HEART_RATE_MEASUREMENT, sig.RSC_MEASUREMENT, sig.BATTERY_LEVEL}
    return [packet for packet in said if packet[0] in read]


CLASSIC = Family(
    _read_huami,
    ("huami.packets:decode_records", "huami.packets:Round.decode", "huami.packets:Battery.decode",
     "huami.packets:RealtimeSteps.decode"),
    _rounds, _huami_sealed,
)  # fmt: skip
NEWER = Family(
    _read_newer,
    ("huami.packets:decode_records", "huami.packets:Round.decode", "huami.endpoints:Challenge.decode",
     "huami.endpoints:decode_services", "huami.endpoints:decode_battery"),
    _messages, _newer_sealed,
)  # fmt: skip
FAMILIES = {
    "banglejs": Family(_read_banglejs, ("banglejs.packets:_meant",), _lines, _banglejs_sealed),
    "colmi": Family(
        _read_colmi,
        ("colmi.packets:steps_of", "colmi.packets:Totals.of", "colmi.packets:event_of", "colmi.packets:Battery.of"),
        _rings, _colmi_sealed, _colmi_kind,
    ),
    "fitpro": Family(
        _read_fitpro,
        tuple(f"fitpro.packets:{kind}.decode" for kind in ("Steps", "Sleep", "Heart", "Total")),
        _histories, _fitpro_sealed, _fitpro_kind,
    ),
    "huami": CLASSIC,
    "huami 2021": NEWER,
    "infinitime": Family(
        _read_infinitime, tuple(f"infinitime.packets:{name}" for name in ("steps", "percent", "press")), _presses
    ),
    "lefun": Family(
        _read_lefun,
        ("lefun.packets:Total.decode", "lefun.packets:Record.decode", "lefun.packets:Piece.decode",
         "lefun.packets:percent", "lefun.packets:Info.decode"),
        _lefun_frames, _lefun_sealed, _lefun_kind,
    ),
    "moyoung": Family(
        _read_moyoung, ("moyoung.packets:Today.of", "moyoung.packets:Buckets.of"), _moyoung_frames, _moyoung_sealed
    ),
    "sig": Family(
        _read_sig, ("sig.packets:HeartRate.of", "sig.packets:Pace.of", "sig.packets:percent"), _measurements
    ),
}  # fmt: skip


def family(key: str) -> Family:
    """What is declared of it; else each of its decoders that takes bytes alone, of which none is the innermost."""
    return FAMILIES.get(key) or Family(_each(tuple(_decoders(key))), ())


def _each(decoders: Sequence[Callable[[bytes], object]]) -> Callable[[str, bytes], None]:
    def read(_: str, data: bytes) -> None:
        for decode in decoders:
            with contextlib.suppress(DeviceError):
                decode(data)

    return read


def _decoders(key: str) -> Generator[Callable[[bytes], object]]:
    """Functions named `decode...`, and class methods `decode` and `of`, that take bytes and nothing else."""
    module = importlib.import_module(f"hipsync_devices.{key}.packets")
    for name, thing in vars(module).items():
        if getattr(thing, "__module__", None) == module.__name__:
            found = [getattr(thing, way, None) for way in ("decode", "of")] if inspect.isclass(thing) else []
            found += [thing] if inspect.isfunction(thing) and name.startswith("decode") else []
            for decode in filter(callable, found):
                if [each.annotation for each in inspect.signature(decode).parameters.values()] == ["bytes"]:
                    yield decode


# ------------------------------------------------------------------ counting


@dataclass(slots=True)
class Count:
    """Of the innermost decoders."""

    entered: int = 0
    returned: int = 0


@contextlib.contextmanager
def counted(names: Sequence[str]) -> Generator[Count]:
    count = Count()
    with contextlib.ExitStack() as stack:
        for name in names:
            where, path = name.split(":")
            *outer, last = path.split(".")
            holder: Any = importlib.import_module(f"hipsync_devices.{where}")
            for part in outer:
                holder = getattr(holder, part)
            raw: Any = inspect.getattr_static(holder, last)
            if hasattr(raw, "__func__"):
                setattr(holder, last, classmethod(_counting(raw.__func__, count)))
                stack.callback(setattr, holder, last, raw)
                continue
            wrapper = _counting(raw, count)
            for module in [module for key, module in sys.modules.items() if key.startswith("hipsync_devices")]:
                for bound in [bound for bound, value in vars(module).items() if value is raw]:
                    setattr(module, bound, wrapper)
                    stack.callback(setattr, module, bound, raw)
        yield count


def _counting(decode: Callable[..., Any], count: Count) -> Callable[..., Any]:
    @wraps(decode)
    def counting(*args: Any, **kwargs: Any) -> Any:
        count.entered += 1
        value = decode(*args, **kwargs)
        count.returned += 1
        return value

    return counting


# ------------------------------------------------------------------ conversations


@cache
def _life() -> tuple[Epoch, ...]:
    """Two hours before noon, and five minutes after."""
    day = office_day(NOON.date(), ZONE, seed=1)
    return tuple(e for e in day if NOON - timedelta(hours=2) <= e.start < NOON + timedelta(minutes=5))


Said = Callable[[str, bytes], Sequence[bytes]]


class Spoilt(DirectConnection):
    """What arrives is what `said` makes of what the band says."""

    def __init__(self, band: SimulatedBand, clock: FastClock, said: Said) -> None:
        super().__init__(band, clock.now)
        self._said = said

    async def read(self, characteristic: str, service: str | None = None) -> bytes:
        data = await super().read(characteristic, service)
        return next(iter(self._said(characteristic, data)), data)

    async def start_notify(self, characteristic: str, callback: Callable[[bytes], None]) -> None:
        def heard(data: bytes) -> None:
            for each in self._said(characteristic, data):
                callback(each)

        await super().start_notify(characteristic, heard)


def conversation(driver: Driver, simulator: Simulator, said: Said) -> None:
    """A meeting, a sync and some watching, each whether or not the one before went well."""

    async def story(clock: FastClock) -> None:
        bare = simulator(_life(), now=NOON, zone=ZONE, secret=KEY)
        secret = None if driver.secret(bare.advertisement()) == "none" else KEY
        band = bare if secret else simulator(_life(), now=NOON, zone=ZONE)
        connection, kept = Spoilt(band, clock, said), MemoryStore()
        talk = Conversation(connection, zone=ZONE, now=clock.now)
        session = Session(name=bare.advertisement().name or "", secret=secret)
        try:
            for part in (meet(driver, talk, session, kept.commit), collect(driver, talk, session, kept.commit)):
                with contextlib.suppress(DeviceError):
                    await part
            if driver.watch is not None:
                with contextlib.suppress(DeviceError, TimeoutError):
                    async with asyncio.timeout(WATCHED_S):
                        async with contextlib.aclosing(driver.watch(talk.view(), session)) as batches:
                            async for batch in batches:
                                await kept.commit(batch)
        finally:
            connection.drop()

    run(story, NOON)


def recorded(driver: Driver, simulator: Simulator) -> list[Packet]:
    """All that the band said, reads included, in order."""
    packets: list[Packet] = []

    def said(characteristic: str, data: bytes) -> Sequence[bytes]:
        packets.append((characteristic, data))
        return [data]

    conversation(driver, simulator, said)
    return packets


# ------------------------------------------------------------------ damage


def damaged(data: bytes, noise: random.Random) -> bytes:
    """Bytes changed, cut out, or doubled."""
    match noise.randrange(8):
        case 0:
            return data[: noise.randrange(len(data) + 1)]
        case 1:
            at, end = sorted(noise.randrange(len(data) + 1) for _ in range(2))
            return data[:at] + data[end:]
        case 2:
            return data + data
        case 3:
            at, end = sorted(noise.randrange(len(data) + 1) for _ in range(2))
            return data[:end] + data[at:end] + data[end:]
        case _:
            changed = bytearray(data)
            for _ in range(noise.choice([1, 1, 1, 2, 4])):
                if changed:
                    changed[noise.randrange(len(changed))] = noise.choice([0, 1, 0x7F, 0xFF, noise.randrange(256)])
            return bytes(changed)


def noisy(data: bytes, noise: random.Random) -> bytes:
    """Nothing of it, or no more than how it begins."""
    kept = noise.choice([0, 0, 1, 2, 3, 6, 12])
    return data[:kept] + noise.randbytes(noise.choice([noise.randrange(24), max(len(data) - kept, 0) % 300]))


@dataclass(slots=True)
class Tally:
    """What came of the inputs."""

    inputs: int = 0
    from_valid: int = 0
    """Of them: valid frames, damaged."""
    sealed: int = 0
    """Of all: damaged, or noise put in, before the checksum or the length was made."""
    reached: int = 0
    """Inputs on which an innermost decoder was entered."""
    decoded: int = 0
    """Of them: on which it returned a value."""
    talks: int = 0
    talked: int = 0
    """Damaged packets in place of what the band said, in conversations."""
    talks_reached: int = 0
    """Conversations in which an innermost decoder was entered after such a packet."""


def decoded(declared: Family, said: Sequence[Packet], inputs: int, tally: Tally, noise: random.Random) -> None:
    """So many through the decoders. Anything but a `DeviceError` is raised, with the packet as a note."""
    frames = sorted(set(declared.frames(said)))
    by_kind: dict[object, list[Packet]] = {}
    for frame in frames:
        by_kind.setdefault(declared.kind(frame), []).append(frame)
    kinds = list(by_kind.values())
    with counted(declared.innermost) as count:
        for number in range(inputs):
            frame = noise.choice(noise.choice(kinds))
            wrong = partial(noisy if number % 2 else damaged, noise=noise)
            if declared.sealed is not None and number % 8 > 1:
                packet = declared.sealed(frame, wrong)
                tally.sealed += 1
            else:
                packet = (frame[0], wrong(frame[1]))
            tally.inputs += 1
            tally.from_valid += not number % 2
            entered, returned = count.entered, count.returned
            try:
                declared.read(*packet)
            except DeviceError:
                pass
            except Exception as error:
                error.add_note(f"{packet[0]} {packet[1].hex()}")
                raise
            tally.reached += count.entered > entered
            tally.decoded += count.returned > returned


def talked(
    driver: Driver, simulator: Simulator, declared: Family, inputs: int, tally: Tally, noise: random.Random
) -> None:
    """So many in place of what the band said, or before it. Anything but a `DeviceError` is raised."""
    with counted(declared.innermost) as count:
        while tally.talked < inputs:
            first: int | None = None
            share = noise.choice([0.05, 0.3, 0.9])

            def said(characteristic: str, data: bytes, share: float = share) -> Sequence[bytes]:
                nonlocal first
                if noise.random() > share:
                    return [data]
                first = count.entered if first is None else first
                tally.talked += 1
                wrong = noisy(data, noise) if noise.random() < 0.5 else damaged(data, noise)
                return [wrong, data] if noise.random() < 0.5 else [wrong]

            conversation(driver, simulator, said)
            tally.talks += 1
            tally.talks_reached += first is not None and count.entered > first
