"""A simulated watch of the newer generation without the old characteristics: steps, pulse, buzz by endpoints.

`ActiveMax`   has the list of endpoints that an Amazfit Active Max gave (piggz/harbour-amazfish, issue #549). It tells
              its steps when they grow and once a minute, and goes on with that in later connections. It measures a
              pulse while it is told to, vibrates until it is told to stop, and asks whether its client is there
`HelioStrap`  says of fourteen endpoints what OneBigHen/OpenCircuitESP tells of a strap without a screen; of its
              fourteen others nobody wrote down which they are

What endpoints send and take is written and read here without the driver's `endpoints`, so that a slip in one shows at
the other. How long a watch waits for an answer, and how long it goes on unless it is told to, nobody has measured.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Literal, Unpack

from hipsync.model import MINUTE, Epoch, State
from hipsync.simulated import Complaint, Service, Shown
from hipsync_devices import gatt
from hipsync_devices.huami import packets
from hipsync_devices.huami.sim_2021 import GivenNewer, MiBand7
from hipsync_devices.simulator import Event

ACTIVE_MAX = bytes.fromhex(
    "0440000000008100011500008400014700002900001700012800004300000a00014600012600013000010d00004800001600002200000500"
    "004900003200003600015000005100001d00003400003100000b00011e00011f00011b00003f00003a00004100014400001a00011100014a"
    "00010300010100014200003c00008200002500004b00000c0001240000a000001800015200013e00010900010f00002300011c0000370001"
    "4d00011300000700000e00001200001400013300014f0001080001"
)
"""What the watch answered when it was asked for its endpoints: `04`, their number, and of each whether it is sealed."""
HELIO = {
    0x0015: False, 0x0016: False, 0x001D: False, 0x0029: False, 0x0047: False, 0x004B: False, 0x0043: False,
    0x000F: False, 0x0000: False, 0x0082: False, 0x001A: True, 0x0018: True, 0x000A: True, 0x0017: True,
}  # fmt: skip
CONNECTION, STEPS, FIND, HEART_RATE = 0x0015, 0x0016, 0x001A, 0x001D
PINGS_EACH, PONG_WITHIN = timedelta(seconds=45), timedelta(seconds=10)
MEASURES_ON = timedelta(seconds=15)
"""How long it measures on after it was last told to."""
SECOND = timedelta(seconds=1)
RESTING = 62


def listed(said: bytes) -> dict[int, bool]:
    """Read a watch's list of endpoints: each with whether its messages are sealed."""
    return {said[at] | said[at + 1] << 8: said[at + 2] == 1 for at in range(3, len(said), 3)}


def total(steps: int) -> bytes:
    """Write a total in thirteen bytes: `0c`, then steps, metres and kilocalories, of four bytes each, lowest first."""
    numbers = (steps, steps * 7 // 10, steps // 25)
    return bytes([0x0C]) + bytes(number >> shift & 0xFF for number in numbers for shift in (0, 8, 16, 24))


class ActiveMax(MiBand7):
    """A simulated Amazfit Active Max on a wrist. It implements `hipsync.simulated.Simulator`, and is `Complaining`."""

    serial = b"5a6f01b20caa"
    default_name, default_firmware = "Amazfit Active Max", "3.2.1.1"
    endpoints_it_has = listed(ACTIVE_MAX)

    def __init__(self, life: Sequence[Epoch], **given: Unpack[GivenNewer]) -> None:
        self.complaints: list[Complaint] = []
        self.buzzes: list[timedelta] = []
        """How long each buzz was that has ended."""
        self.asks = True
        """Whether it asks now and then whether somebody is there."""
        self.silent: set[int] = set()
        """The endpoints at which it takes everything and answers nothing."""
        self.tells_steps = False
        """Whether it tells its total unasked, which it does not forget with the connection."""
        self._told_at = self._pings_at = given["now"]
        self._pulse: int | None = None
        super().__init__(life, **given)
        self.services_sealed = dict(self.endpoints_it_has)

    def _forget_connection(self) -> None:
        super()._forget_connection()
        self._pinged_at: datetime | None = None
        self.measures_until: datetime | None = None
        """Until when it measures a pulse; None if it does not."""
        self._buzzes_since: datetime | None = None
        self._part: tuple[int, int] | None = None

    def services(self) -> Sequence[Service]:
        return [service for service in super().services() if service.uuid != gatt.IMMEDIATE_ALERT]

    # ------------------------------------------------------------------ what it hears

    def _take(self, chunk: bytes) -> None:
        """Take a chunk; one of another message before the last one is whole is complained about."""
        if len(chunk) >= 5 and chunk[0] == 0x03:
            begins, place = chunk[1] & 0x01, (chunk[3], chunk[4])
            if bool(begins) != (self._part is None) or (not begins and place != self._part):
                self._complain("interleaved", f"chunk {place} came where {self._part or 'a first one'} was to come")
            self._part = None if chunk[1] & 0x02 else (chunk[3], chunk[4] + 1)
        super()._take(chunk)

    def _judge_proof(self, payload: bytes) -> None:
        super()._judge_proof(payload)
        self._pings_at = self._time.now + PINGS_EACH

    def _serve(self, endpoint: int, payload: bytes) -> None:
        if endpoint in self.silent:
            return
        if endpoint == CONNECTION and payload == b"\x04":
            if self._pinged_at is None:
                self._complain("twice", "it was told that somebody is there, and had not asked")
            self._pinged_at = None
        elif endpoint == CONNECTION and payload == b"\x01":
            self.send(endpoint, bytes([0x02, self.mtu - 3 & 0xFF, self.mtu - 3 >> 8]))
        elif endpoint == STEPS:
            self._serve_steps(payload)
        elif endpoint == HEART_RATE and payload[:1] == b"\x04":
            going = payload[1:] == b"\x01" or (payload[1:] == b"\x02" and self.measures_until is not None)
            self.measures_until = self._time.now + MEASURES_ON if going else None
            self._beat_at = self._time.now + SECOND
            self.send(endpoint, b"\x05\x00")
        elif endpoint == FIND:
            self._serve_find(payload)
        else:
            super()._serve(endpoint, payload)

    def _serve_steps(self, payload: bytes) -> None:
        if payload == b"\x03":
            self.send(STEPS, b"\x04\x01" + total(self._today))
        elif payload[:1] == b"\x05" and payload[1:] in {b"\x00", b"\x01"}:
            self.tells_steps = payload[1:] == b"\x01"
            self._told_at = self._time.now
            self.send(STEPS, b"\x06\x01" + payload[1:])

    def _serve_find(self, payload: bytes) -> None:
        if payload == b"\x01":
            self.send(FIND, bytes([0x02, 0x01, 0x02]))
        elif payload == b"\x03":
            self._buzzes_since = self._time.now
            self.shown.append(Shown(self._time.now, ""))
            self.send(FIND, b"\x04")
        elif payload == b"\x06" and self._buzzes_since is not None:
            self.buzzes.append(self._time.now - self._buzzes_since)
            self._buzzes_since = None

    def _complain(self, what: Literal["twice", "interleaved", "late"], text: str) -> None:
        self.complaints.append(Complaint(self._time.now, what, text))

    # ------------------------------------------------------------------ what it tells

    def _coming(self) -> Sequence[Event]:
        events = list(super()._coming())
        if self._authenticated:
            if self.asks:
                events.append((self._pings_at, self._ping))
            if self._pinged_at is not None:
                events.append((self._pinged_at + PONG_WITHIN, self._give_up))
            if self.tells_steps:
                events.append((self._told_at + MINUTE, self._tell))
            if self.measures_until is not None:
                events.append((self._beat_at, self._beat))
        return events

    def wake_at(self) -> datetime | None:
        times = [at for at, _ in self._coming()] if self._authenticated else []
        return min([*times, *([before] if (before := super().wake_at()) is not None else [])], default=None)

    def _ping(self) -> None:
        self._pings_at = self._time.now + PINGS_EACH
        self._pinged_at = self._time.now
        self.send(CONNECTION, b"\x03")

    def _give_up(self) -> None:
        self._pinged_at = None
        self._complain("late", "nobody has said that they are there")
        self._authenticated = False
        self._client.hang_up()

    def _tell(self) -> None:
        self._told_at = self._time.now
        self.send(STEPS, b"\x07" + total(self._today))

    def _beat(self) -> None:
        now = self._time.now
        if self.measures_until is None or now >= self.measures_until:
            self.measures_until = None
            return
        self._beat_at = now + SECOND
        worn = self._state not in {State.NOT_WORN, State.CHARGING}
        self._client.send(gatt.HEART_RATE_MEASUREMENT, bytes([0, (self._pulse or RESTING) if worn else 0]))

    def _record(self) -> None:
        before, self._pulse = self._today, self._life[0].heart_rate
        super()._record()
        if self._today != before and self._authenticated and self.tells_steps:
            self._tell()

    def _event(self, event: int, value: bytes = b"") -> None:
        super()._event(event, value)
        if self._authenticated and event in {packets.EVENT_FELL_ASLEEP, packets.EVENT_WOKE_UP}:
            self.send(HEART_RATE, bytes([0x06, event == packets.EVENT_FELL_ASLEEP]))


class HelioStrap(ActiveMax):
    """A simulated Amazfit Helio Strap on a wrist. It implements `hipsync.simulated.Simulator`."""

    serial = b"5a6f01b20cab"
    default_name, default_firmware = "Amazfit Helio Strap", "3.1.1.1"
    endpoints_it_has = HELIO
