"""Messages to and from the endpoints of the newer generation: login, services, battery, clock, settings.

Source: public clients and logs of these bands, as for `chunked`. Numbers are little-endian, and those of endpoints are
written in hexadecimal.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from struct import Struct, iter_unpack

from hipsync.errors import MalformedPacket
from hipsync_devices.huami.packets import RESPONSE, SUCCESS, Battery, CurrentTime, RealtimeSteps

SERVICES, CONFIGURATION, CONNECTION, STEPS, FIND = 0x0000, 0x000A, 0x0015, 0x0016, 0x001A
HEART_RATE, BATTERY, CLOCK, LOGIN = 0x001D, 0x0029, 0x0047, 0x0082
ASK, ANSWER = 0x03, 0x04
"""The first byte of the phone's request, and of the band's answer, at most endpoints."""

PING, PONG = 0x03, 0x04
"""What either end may send to see whether the other one is there, and the answer, at CONNECTION."""
HELLO, PROOF = 0x04, 0x05
WRONG_KEY = 0x25


@dataclass(frozen=True, slots=True)
class Hello:
    """The phone's first message of a login: its public key, of 48 bytes."""

    public: bytes

    def encode(self) -> bytes:
        return bytes([HELLO, 0x02, 0x00, 0x02]) + self.public

    @classmethod
    def decode(cls, payload: bytes) -> Hello:
        if len(payload) != 52 or payload[0] != HELLO:
            raise MalformedPacket("not the first word of a login", payload)
        return cls(payload[4:])


@dataclass(frozen=True, slots=True)
class Challenge:
    """The band's answer to a `Hello`: 16 random bytes for the phone to encrypt, and its public key of 48 bytes."""

    random: bytes
    public: bytes

    def encode(self) -> bytes:
        return bytes([RESPONSE, HELLO, SUCCESS]) + self.random + self.public

    @classmethod
    def decode(cls, payload: bytes) -> Challenge:
        if len(payload) != 67 or payload[:3] != bytes([RESPONSE, HELLO, SUCCESS]):
            raise MalformedPacket("not a challenge of the newer login", payload)
        return cls(payload[3:19], payload[19:])


@dataclass(frozen=True, slots=True)
class Proof:
    """The phone's proof in a login: the challenge, encrypted with the band's key, and with the key of the session."""

    by_key: bytes
    by_session: bytes

    def encode(self) -> bytes:
        return bytes([PROOF]) + self.by_key + self.by_session

    @classmethod
    def decode(cls, payload: bytes) -> Proof:
        if len(payload) != 33 or payload[0] != PROOF:
            raise MalformedPacket("not a proof of the newer login", payload)
        return cls(payload[1:17], payload[17:])


def encode_services(services: Mapping[int, bool]) -> bytes:
    """Encode the band's list of its endpoints, which says for each whether its messages are to be encrypted."""
    listed = b"".join(Struct("<HB").pack(endpoint, wants) for endpoint, wants in services.items())
    return bytes([ANSWER]) + len(services).to_bytes(2, "little") + listed


def decode_services(payload: bytes) -> dict[int, bool]:
    if payload[:1] != bytes([ANSWER]) or len(payload) != 3 + 3 * int.from_bytes(payload[1:3], "little"):
        raise MalformedPacket("not a list of services", payload)
    return {endpoint: bool(wants) for endpoint, wants in iter_unpack("<HB", payload[3:])}


def encode_battery(battery: Battery, quarters: int) -> bytes:
    return bytes([ANSWER]) + battery.encode(quarters)


def decode_battery(payload: bytes) -> Battery:
    """Decode the battery in an answer or a report; after the first byte it is the classic block.

    Bytes after that are ignored. Raises `MalformedPacket`.
    """
    if len(payload) < 21 or payload[0] != ANSWER:
        raise MalformedPacket("not a battery report of the newer generation", payload)
    return Battery.decode(payload[1:])


TELL_STEPS, STOP_STEPS = bytes([0x05, 1]), bytes([0x05, 0])
"""To STEPS: the band is to tell its total as it grows, or not any more. It does not forget that with the connection."""
TELLS_STEPS, TOLD_STEPS = 0x06, 0x07
"""The first byte of the band's answer to these, and of a total that it tells unasked."""


def decode_steps(payload: bytes) -> RealtimeSteps:
    """Decode the total of the band's day: told unasked (`07`), or as an answer (`04 01`), and then the classic block.

    Raises `MalformedPacket` for another length, and for an answer with another status than success.
    """
    told, answered = payload[:1] == bytes([TOLD_STEPS]), payload[:2] == bytes([ANSWER, SUCCESS])
    block = payload[1:] if told else payload[2:]
    if not (told or answered) or len(block) != 13 or block[0] != 0x0C:
        raise MalformedPacket("not the steps of the newer generation", payload)
    return RealtimeSteps.decode(block)


MEASURE_HEART, GO_ON_MEASURING, STOP_MEASURING = bytes([0x04, 1]), bytes([0x04, 2]), bytes([0x04, 0])
"""To HEART_RATE: the band measures the heart rate until it is told to stop, or not told to go on. The values come over
the standard's characteristic."""
START_FIND, FIND_STARTED, STOP_FIND = 0x03, 0x04, 0x06
"""To FIND: the band vibrates until it is told to stop, and answers the start; not the stop."""

SET_CLOCK, CLOCK_SET = 0x05, 0x06


def encode_clock(clock: CurrentTime) -> bytes:
    """Return the message that sets the clock."""
    return bytes([SET_CLOCK]) + clock.encode_newer()


def decode_clock(payload: bytes) -> CurrentTime:
    if len(payload) != 12 or payload[0] != SET_CLOCK:
        raise MalformedPacket("not a clock to be set", payload)
    return CurrentTime.decode(payload[1:])


SET_CONFIGURATION, CONFIGURATION_SET = 0x05, 0x06
LENGTHS = {0x0B: 1, 0x10: 1, 0x01: 2, 0x03: 4, 0x30: 2}
"""The length of a value in bytes, by its type: a switch, a byte, a short number, a long number, hour and minute."""


@dataclass(frozen=True, slots=True)
class Setting:
    number: int
    type: int
    value: int
    """The value as a number; in an hour and a minute, the hour is the low byte."""


@dataclass(frozen=True, slots=True)
class Settings:
    """Settings of one group to be written. hipsync writes them only when asked to; texts and lists are not decoded."""

    group: int
    version: int
    settings: tuple[Setting, ...]

    def encode(self) -> bytes:
        """Return the message that writes the settings. Raises `KeyError` for a type that is not in `LENGTHS`."""
        listed = b"".join(
            bytes([each.number, each.type]) + each.value.to_bytes(LENGTHS[each.type], "little")
            for each in self.settings
        )
        return bytes([SET_CONFIGURATION, self.group, self.version, 0, len(self.settings)]) + listed

    @classmethod
    def decode(cls, payload: bytes) -> Settings:
        if len(payload) < 5 or payload[0] != SET_CONFIGURATION or payload[3]:
            raise MalformedPacket("not settings to be written", payload)
        settings: list[Setting] = []
        at = 5
        for _ in range(payload[4]):
            length = LENGTHS.get(payload[at + 1]) if len(payload) > at + 1 else None
            if length is None or len(payload) < at + 2 + length:
                raise MalformedPacket("a setting that is cut, or of a type that is not known", payload)
            value = int.from_bytes(payload[at + 2 : at + 2 + length], "little")
            settings.append(Setting(payload[at], payload[at + 1], value))
            at += 2 + length
        if at != len(payload):
            raise MalformedPacket("bytes behind the last setting", payload)
        return cls(payload[1], payload[2], tuple(settings))
