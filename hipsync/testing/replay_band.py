"""A simulated band against a capture: it is given what the host did, and must say what the band said."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime, timedelta

from hipsync.conversation.capture import HOST, Capture, Line
from hipsync.conversation.session import Conversation, meet
from hipsync.driver import Driver, Session
from hipsync.host.clock import FastClock
from hipsync.simulated import HangUp, Refused, SimulatedBand
from hipsync.testing.direct import DirectConnection, Kept, run
from hipsync.testing.replay_driver import Varies, part

PATIENCE = timedelta(seconds=30)
"""After the last line, for a band that is slower than the one that was recorded."""


LONG = 64
"""Bytes: more are not shown of a value."""
LOGIN = timedelta(minutes=1)
"""Before the capture; a simulated band asks for no tap."""


async def _logged_in(told: Capture, band: SimulatedBand, login: tuple[Driver, bytes], clock: FastClock) -> None:
    connection = DirectConnection(band, clock.now, mtu=told.write_size + 3)
    driver, secret = login
    conversation = Conversation(connection, zone=told.zone, now=clock.now)
    await meet(driver, conversation, Session(name=told.name, secret=secret), Kept().commit)
    connection.leave()


def hold(
    told: Capture,
    band: SimulatedBand,
    varies: Varies,
    streams: Collection[str],
    login: tuple[Driver, bytes] | None,
) -> None:
    said: dict[str, list[bytes]] = {}
    subscribed = set(told.subscribed)
    services = {each.uuid: service.uuid for service in reversed(band.services()) for each in service.characteristics}

    def hear(until: datetime) -> None:
        while (wake := band.wake_at()) is not None and wake < until:
            listen(max(wake, told.start))
            if band.wake_at() == wake:
                break
        listen(until)

    def listen(now: datetime) -> None:
        for event in band.advance(now):
            if not isinstance(event, HangUp) and event.characteristic in subscribed:
                said.setdefault(event.characteristic, []).append(event.data)

    if login is None:
        band.mtu = told.write_size + 3
        band.connected(told.start)
    else:
        run(lambda clock: _logged_in(told, band, login, clock), told.start - LOGIN)
    for uuid in told.subscribed:
        band.on_subscribe(uuid, True, told.start)
    now = told.start
    for line in told.lines:
        now = max(now, told.start + line.at)
        hear(now)
        if line.sign in HOST and line.sign != "bond":
            (subscribed.add if line.sign == "+" else subscribed.discard if line.sign == "-" else bool)(line.place[0])
            _host(line, band, services, varies, now)
            listen(now)
    hear(now + PATIENCE)
    band.disconnected(now + PATIENCE)
    _same(_joined(told.lines, streams), {**said, **{each: [b"".join(said.get(each, []))] for each in streams}}, varies)


def _host(line: Line, band: SimulatedBand, services: Mapping[str, str], varies: Varies, now: datetime) -> None:
    """Do what the host did; the band must answer as it did."""
    uuid, service = line.place[0], line.place[1] or services.get(line.place[0])
    refused = False
    answer = b""
    if service is None:
        raise AssertionError(f"line {line.number}: the simulated band has no characteristic {uuid}")
    try:
        match line.sign:
            case "+" | "-":
                band.on_subscribe(uuid, line.sign == "+", now)
            case "=":
                answer = band.read(uuid, service, now)
            case _:
                band.write(uuid, service, line.data, now)
    except Refused:
        refused = line.sign != ">"
    if refused != (line.error is not None):
        raise AssertionError(
            f"line {line.number}: the band {'answered' if refused else 'refused'}, the simulated one did not"
        )
    if line.sign == "=" and not refused and part(line.place, answer, varies) != part(line.place, line.data, varies):
        raise AssertionError(f"line {line.number}: read from {uuid}, the band said {_both(line.data, answer)}")


def _joined(lines: Sequence[Line], streams: Collection[str]) -> list[Line]:
    """The lines with all that was notified on a stream in the first of its own."""
    joined: list[Line] = []
    at: dict[str, int] = {}
    for line in lines:
        uuid = line.place[0]
        if line.sign != "<" or uuid not in streams:
            joined.append(line)
        elif uuid in at:
            joined[at[uuid]] = joined[at[uuid]]._replace(data=joined[at[uuid]].data + line.data)
        else:
            at[uuid] = len(joined)
            joined.append(line)
    return joined


def _both(band: bytes, simulated: bytes | None) -> str:
    """Both, from a little before the first difference on if they are long."""
    if simulated is None:
        return f"{band.hex()}; the simulated one nothing"
    at = next((i for i, (a, b) in enumerate(zip(band, simulated, strict=False)) if a != b), 0)
    begin = max(at - 8, 0) if max(len(band), len(simulated)) > LONG else 0
    end = begin + LONG
    where = f" (from byte {begin} on)" if begin or end < len(band) else ""
    return f"{band[begin:end].hex()}; the simulated one {simulated[begin:end].hex()}{where}"


def _same(lines: Sequence[Line], said: Mapping[str, Sequence[bytes]], varies: Varies) -> None:
    """On each characteristic the same notifications in the same order."""
    heard = {uuid: list(values) for uuid, values in said.items() if varies.get(uuid, bytes) is not None}
    for line in lines:
        uuid = line.place[0]
        if line.sign != "<" or varies.get(uuid, bytes) is None:
            continue
        value = heard[uuid].pop(0) if heard.get(uuid) else None
        if value is None or part(line.place, value, varies) != part(line.place, line.data, varies):
            raise AssertionError(f"line {line.number}: on {uuid} the band said {_both(line.data, value)}")
    for uuid, values in heard.items():
        if values:
            raise AssertionError(f"after the last line the simulated band said {values[0].hex()} on {uuid}")
