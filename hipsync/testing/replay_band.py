"""Tests a simulated band against a capture: the band receives what the host did, and must send what the real band sent.

The docstring of `hipsync.testing.replay.replay` says what is compared. This module uses no driver, except for a login
that the capture leaves out. The one rule: every difference is an `AssertionError` that names the line.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime, timedelta

from hipsync.conversation.capture import HOST, Capture, Line
from hipsync.conversation.dialogue import dialogue
from hipsync.conversation.session import Conversation
from hipsync.driver import OPENED, Driver, Session
from hipsync.host.clock import FastClock
from hipsync.simulated import HangUp, Refused, SimulatedBand
from hipsync.testing.direct import DirectConnection, MemoryStore, run
from hipsync.testing.replay_driver import Varies, part

PATIENCE = timedelta(seconds=30)
"""The time after the last line in which a simulated band may still send what the real band had sent by that line."""
LOGIN_BEFORE = timedelta(minutes=1)
"""The time from the beginning of a login that the capture leaves out to the start of the capture. It is short,
because a simulated band asks for no tap."""
LONGEST_SHOWN = 64
"""The most bytes of a value that an error shows."""


def check_band(
    capture: Capture,
    band: SimulatedBand,
    varies: Varies,
    streams: Collection[str],
    login: tuple[Driver, bytes] | None,
) -> None:
    """Play a capture to a simulated band. Raises `AssertionError` at the first difference.

    The arguments are those of `hipsync.testing.replay.replay`.
    """
    if any(uuid == OPENED for uuid, _ in capture.has):
        run(lambda clock: _check_opened(capture, band, varies, login, clock), capture.start)
        return
    if login is None:
        band.mtu = capture.write_size + 3
        band.connected(capture.start)
    else:
        run(lambda clock: _log_in(capture, band, login, clock), capture.start - LOGIN_BEFORE)
    for uuid in capture.subscribed:
        band.on_subscribe(uuid, True, capture.start)
    played = _Played(capture, band, varies)
    now = capture.start
    for line in capture.lines:
        now = max(now, capture.start + line.at)
        played.until(now)
        if line.sign in HOST and line.sign != "bond":
            played.do(line, now)
    played.until(now + PATIENCE)
    band.disconnected(now + PATIENCE)
    sent = {**played.sent, **{each: [b"".join(played.sent.get(each, []))] for each in streams}}
    _check_sent(_joined(capture.lines, streams), sent, varies)


async def _check_opened(
    capture: Capture, band: SimulatedBand, varies: Varies, login: tuple[Driver, bytes] | None, clock: FastClock
) -> None:
    """Let a driver log in to a band and fetch, and compare what it opens of the band's with the capture.

    What the driver says is not compared: `replay_driver` does that. Raises `AssertionError`, and `ValueError` without
    a driver, by which alone such a band can be talked to.
    """
    if login is None:
        raise ValueError("a recording of opened messages is played to a band by its driver: give `login`")
    driver, secret = login
    said: list[bytes] = []

    def opened(sign: str, data: bytes) -> None:
        if sign == "<":
            said.append(data)

    session = Session(capture.name, secret or None, since=capture.since, erase=capture.erase, opened=opened)
    connection = DirectConnection(band, clock.now, mtu=capture.write_size + 3)
    conversation = Conversation(connection, zone=capture.zone, now=clock.now)
    store = MemoryStore()
    async with dialogue(driver, conversation, session, store.commit) as talk:
        await talk.fetch(store.commit)
    connection.drop()
    _check_sent(capture.lines, {OPENED: said}, varies)


async def _log_in(capture: Capture, band: SimulatedBand, login: tuple[Driver, bytes], clock: FastClock) -> None:
    """Let a driver log in to a band, and leave the band connected."""
    connection = DirectConnection(band, clock.now, mtu=capture.write_size + 3)
    driver, secret = login
    conversation = Conversation(connection, zone=capture.zone, now=clock.now)
    session = Session(name=capture.name, secret=secret)
    async with dialogue(driver, conversation, session, MemoryStore().commit):
        connection.leave()


class _Played:
    """Plays a capture to a connected simulated band, and collects what the band sends."""

    def __init__(self, capture: Capture, band: SimulatedBand, varies: Varies) -> None:
        self.sent: dict[str, list[bytes]] = {}
        """The values of the notifications so far, by characteristic. Those without a subscription are left out."""
        self._start, self._band, self._varies = capture.start, band, varies
        self._subscribed = set(capture.subscribed)
        self._services = {
            each.uuid: service.uuid for service in reversed(band.services()) for each in service.characteristics
        }

    def until(self, instant: datetime) -> None:
        """Advance the band to an instant, stopping at each `wake_at` before it, and collect what the band sends."""
        while (wake := self._band.wake_at()) is not None and wake < instant:
            self._collect(max(wake, self._start))
            if self._band.wake_at() == wake:
                break
        self._collect(instant)

    def _collect(self, now: datetime) -> None:
        for event in self._band.advance(now):
            if not isinstance(event, HangUp) and event.characteristic in self._subscribed:
                self.sent.setdefault(event.characteristic, []).append(event.data)

    def do(self, line: Line, now: datetime) -> None:
        """Do what the host did. Raises `AssertionError` if the simulated band does not answer as the real one did."""
        uuid = line.place[0]
        if line.sign == "+":
            self._subscribed.add(uuid)
        elif line.sign == "-":
            self._subscribed.discard(uuid)
        refused, answer = self._answer(line, now)
        if refused != (line.error is not None):
            raise AssertionError(
                f"line {line.number}: the band {'answered' if refused else 'refused'}, the simulated one did not"
            )
        if line.sign == "=" and not refused:
            ours, theirs = part(line.place, answer, self._varies), part(line.place, line.data, self._varies)
            if ours != theirs:
                raise AssertionError(f"line {line.number}: read from {uuid}, the band said {_both(line.data, answer)}")
        self._collect(now)

    def _answer(self, line: Line, now: datetime) -> tuple[bool, bytes]:
        """Do what the host did. Returns whether the host would see a refusal, and the answer to a read (else empty).

        A host never sees that a write without response was refused. Raises `AssertionError` if the band has no such
        characteristic.
        """
        uuid, service = line.place[0], line.place[1] or self._services.get(line.place[0])
        if service is None:
            raise AssertionError(f"line {line.number}: the simulated band has no characteristic {uuid}")
        try:
            match line.sign:
                case "+" | "-":
                    self._band.on_subscribe(uuid, line.sign == "+", now)
                case "=":
                    return False, self._band.read(uuid, service, now)
                case _:
                    self._band.write(uuid, service, line.data, now)
        except Refused:
            return line.sign != ">", b""
        return False, b""


def _joined(lines: Sequence[Line], streams: Collection[str]) -> list[Line]:
    """Return the lines with all notifications of a stream joined into the first line of that stream."""
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


def _check_sent(lines: Sequence[Line], sent: Mapping[str, Sequence[bytes]], varies: Varies) -> None:
    """Raise `AssertionError` unless each characteristic has the capture's notifications, in the same order."""
    left = {uuid: list(values) for uuid, values in sent.items() if varies.get(uuid, bytes) is not None}
    for line in lines:
        uuid = line.place[0]
        if line.sign != "<" or varies.get(uuid, bytes) is None:
            continue
        value = left[uuid].pop(0) if left.get(uuid) else None
        if value is None or part(line.place, value, varies) != part(line.place, line.data, varies):
            raise AssertionError(f"line {line.number}: on {uuid} the band said {_both(line.data, value)}")
    for uuid, values in left.items():
        if values:
            raise AssertionError(f"after the last line the simulated band said {values[0].hex()} on {uuid}")


def _both(band: bytes, simulated: bytes | None) -> str:
    """Write both values in hex. Long ones are cut, and begin a little before their first difference."""
    if simulated is None:
        return f"{band.hex()}; the simulated one nothing"
    at = next((i for i, (a, b) in enumerate(zip(band, simulated, strict=False)) if a != b), 0)
    begin = max(at - 8, 0) if max(len(band), len(simulated)) > LONGEST_SHOWN else 0
    end = begin + LONGEST_SHOWN
    where = f" (from byte {begin} on)" if begin or end < len(band) else ""
    return f"{band[begin:end].hex()}; the simulated one {simulated[begin:end].hex()}{where}"
