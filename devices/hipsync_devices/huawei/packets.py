"""Requests and answers of the link, of the login and of the device: bytes to values and back, without state.

A command is written as its service and its number in hexadecimal, such as 01/08. Bodies are fields (`tlv`) in plain;
`ciphers` seals them. Source: docs/protocols/huawei.md, 4 to 7; bytes that others recorded or computed are in
`tests/devices`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import NamedTuple

from hipsync.errors import MalformedPacket, UnexpectedReply
from hipsync_devices import gatt
from hipsync_devices.huawei import tlv
from hipsync_devices.huawei.frames import LINK_SIZE, LONGEST_FRAME, SLICE_SIZE
from hipsync_devices.huawei.tlv import Fields

LINK, NAMES_OF_SERVICES, COMMANDS, TIME = (0x01, 0x01), (0x01, 0x02), (0x01, 0x03), (0x01, 0x05)
PRODUCT, BATTERY, BOND, BOND_PARAMETERS = (0x01, 0x07), (0x01, 0x08), (0x01, 0x0E), (0x01, 0x0F)
AUTH, DEVICE_STATUS, BATTERY_PUSHED, HICHAIN = (0x01, 0x13), (0x01, 0x16), (0x01, 0x27), (0x01, 0x28)
PIN, NEGOTIATION, CAPABILITIES = (0x01, 0x2C), (0x01, 0x33), (0x01, 0x37)
PHONE_INFO, PERMISSION, MOVED = (0x01, 0x10), (0x01, 0x38), (0x01, 0x3D)
TOTALS, REMINDER = (0x07, 0x03), (0x07, 0x07)
LOGIN = frozenset({LINK, BOND, BOND_PARAMETERS, AUTH, DEVICE_STATUS, HICHAIN, PIN, NEGOTIATION})
"""The commands whose bodies are never sealed, in either direction."""
RESULT = 0x7F
OK, BUSY, WRONG_PARAMETER, OUTSIDE = 100_000, 100_004, 100_007, 106_489
"""Results: taken; busy, or not logged in; a wrong parameter; the number of a record that was not counted."""
ASK = tlv.encode((1, b""))
"""The body that asks for something that has one field."""


def result_of(body: bytes) -> int | None:
    """Return the result in an answer in plain; None if it carries none. Raises `MalformedPacket`."""
    return Fields.decode(body).number(RESULT, -1) if body[:1] == bytes([RESULT]) else None


def result(code: int) -> bytes:
    """Return the body that carries a result."""
    return tlv.encode((RESULT, code.to_bytes(4, "big")))


# ------------------------------------------------------------------ link, negotiation

CLASSIC, HICHAIN_1, LITE, HICHAIN_OLD, HICHAIN_3 = 0, 1, 2, 3, 4
"""The kinds of login ("device support type"). What the band wants is known after the negotiation."""
ASK_LINK = tlv.encode(*((tag, b"") for tag in (1, 2, 3, 4)))
ASK_LINK_AW = ASK_LINK + tlv.encode((6, b""))
"""The same question for a Band 3e or 4e, which is a kind of its own ("AW") and then wants `DEVICE_STATUS` too."""
NONCE_BYTES = 16
LONGEST_INTERVAL_MS = 1000
"""The longest pause between requests that a band is granted; a real one asks for 64 ms."""


@dataclass(frozen=True, slots=True)
class LinkParameters:
    """The band's answer to the first message of a connection (01/01)."""

    version: int
    """The version of the login ("auth version")."""
    nonce: bytes = field(repr=False)
    slice_size: int = SLICE_SIZE
    link_size: int = LINK_SIZE
    interval: timedelta = timedelta()
    """How long to pause between two requests."""
    kind: int = CLASSIC
    algorithm: int = 0
    method: int = 0
    """1 if the band seals with AES-GCM whatever its kind."""

    @classmethod
    def decode(cls, body: bytes) -> LinkParameters:
        """Decode the answer; what some old bands leave out has its default. Raises `MalformedPacket`."""
        fields = Fields.decode(body)
        proof = fields.value(0x05)
        if len(proof) != 2 + NONCE_BYTES:
            raise MalformedPacket("link parameters without version and nonce", body)
        slice_size, link_size = fields.number(0x02, SLICE_SIZE), fields.number(0x03, LINK_SIZE)
        if not 10 <= slice_size <= LONGEST_FRAME or not link_size:
            raise MalformedPacket(f"slices of {slice_size} and writes of {link_size} bytes", body)
        return cls(
            proof[1],
            proof[2:],
            slice_size,
            link_size,
            timedelta(milliseconds=min(fields.number(0x04, 0), LONGEST_INTERVAL_MS)),
            fields.number(0x07, CLASSIC),
            fields.number(0x08, 0),
            fields.number(0x0C, 0),
        )

    @property
    def gcm(self) -> bool:
        """Whether the messages of this band are sealed with AES-GCM."""
        return self.kind == HICHAIN_3 or self.method == 1

    @property
    def negotiates(self) -> bool:
        """Whether the band wants to negotiate before the login."""
        return self.kind in {HICHAIN_1, LITE, HICHAIN_OLD, HICHAIN_3}


def negotiation(link: LinkParameters, identity: str, phone: str) -> bytes:
    """Return the body that begins the login of a band that negotiates (01/33).

    `identity` is the text by which the band knows us, `phone` what it may call this computer.
    """
    newest = link.kind == HICHAIN_3
    fields = [
        (0x01, bytes([4 if newest else 2])),
        (0x02, b"\1"),
        (0x05, identity.encode()),
        (0x03, b"\1"),
        (0x04, b"\0"),
    ]
    if newest:
        fields += [(0x06, b""), (0x07, phone.encode())]
    if link.method == 1:
        fields.append((0x0D, b"\1"))
    return tlv.encode(*fields)


FIRST_MEETING, KNOWN, ANY_HICHAIN = 5, 6, 100_000
"""Answers to the negotiation: the band wants to bind, it holds a token for us, or it says neither."""
HICHAINS = frozenset({FIRST_MEETING, KNOWN, ANY_HICHAIN})
LITES = frozenset({1, 2})


def negotiated(body: bytes) -> int:
    """Return the way to log in that the band chooses ("authType").

    Raises `UnexpectedReply` if it refuses to negotiate, and `MalformedPacket`.
    """
    fields = Fields.decode(body)
    if fields.find(RESULT) is not None:
        raise UnexpectedReply(f"the band refuses to negotiate a login: {fields.number(RESULT)}")
    chosen, mode = fields.number(0x02, 0), fields.number(0x01, 0)
    return ANY_HICHAIN if mode == 1 else chosen ^ 4 if mode == 4 else chosen


# ------------------------------------------------------------------ classic login and bond


def auth(version: int, digest: bytes, nonce: bytes, algorithm: int | None = None) -> bytes:
    """Return the body that proves our word (01/13); HiChain lite tells its algorithm too."""
    fields = [(0x01, digest), (0x02, version.to_bytes(2, "big") + nonce)]
    if algorithm is not None:
        fields.append((0x03, bytes([algorithm])))
    return tlv.encode(*fields)


def bond_parameters(serial: str, phone: str) -> bytes:
    """Return the body that asks whether we are bonded (01/0F); `phone` is our invented address with colons."""
    return tlv.encode(
        (0x01, b""), (0x03, serial.encode()), (0x04, b"\2"), (0x05, b""), (0x07, phone.encode()), (0x09, b"")
    )


class Bonded(NamedTuple):
    """The band's answer to `bond_parameters`."""

    is_bonded: bool
    """Whether the band holds a key of ours, which then is in force."""
    last_count: int
    """The last number that the band has seen in an initialisation vector."""

    @classmethod
    def decode(cls, body: bytes) -> Bonded:
        fields = Fields.decode(body)
        return cls(fields.number(0x01, 0) == 1, fields.number(0x09, 0) & 0xFFFF_FFFF)


def bond(serial: str, encrypted_key: bytes, iv: bytes) -> bytes:
    """Return the body that hands our session key to the band (01/0E)."""
    return tlv.encode((0x01, b""), (0x03, b"\0"), (0x05, serial.encode()), (0x06, encrypted_key), (0x07, iv))


# ------------------------------------------------------------------ clock


def zone_bytes(offset: timedelta) -> bytes:
    """Return a zone's offset from UTC as hours with a sign bit and minutes, both of the magnitude.

    Clients disagree on offsets below zero with a half hour; this is the reading that no sign is lost in.
    """
    minutes = round(abs(offset) / timedelta(minutes=1))
    return bytes([minutes // 60 | (0x80 if offset < timedelta() else 0), minutes % 60])


def clock(now: datetime, offset: timedelta) -> bytes:
    """Return the body that sets the band's clock (01/05)."""
    return tlv.encode((0x01, int(now.timestamp()).to_bytes(4, "big")), (0x02, zone_bytes(offset)))


# ------------------------------------------------------------------ device

ASK_PRODUCT = tlv.encode(
    *((tag, b"") for tag in (1, 2, 7, 9, 0xA, 0x11, 0x12, 0x16, 0x1A, 0x1D, 0x1E, 0x1F, 0x20, 0x21, 0x22, 0x23))
)
"""The request for what the band is (01/07). Field 00 is not asked for: an Honor Band 4 refuses it."""


class Product(NamedTuple):
    """What a band says of itself. None for what it leaves out."""

    firmware: str | None
    hardware: str | None
    serial: str | None
    model: str | None

    @classmethod
    def decode(cls, body: bytes) -> Product:
        fields = Fields.decode(body)
        firmware, hardware, serial, model = (gatt.text(fields.find(tag) or b"") for tag in (0x07, 0x03, 0x09, 0x0A))
        return cls(firmware, hardware, serial, model)


class Battery(NamedTuple):
    percent: int
    charging: bool | None
    """Whether it charges; None from bands that do not say."""

    @classmethod
    def decode(cls, body: bytes) -> Battery:
        """Decode an answer to 01/08, or 01/27, which comes unasked. Raises `MalformedPacket`."""
        fields = Fields.decode(body)
        percent, charging = fields.number(0x01), fields.find(0x03)
        if percent > 100:
            raise MalformedPacket(f"a battery of {percent} percent", body)
        return cls(percent, None if charging is None else 1 in charging)


ALL_SERVICES = bytes(
    each for each in range(1, 0x36) if each not in {0x1C, 0x1E, 0x1F, 0x21, 0x28, 0x29, 0x2C, 0x2F, 0x31}
)
"""The services that public clients ask a band about."""
COMMANDS_OF: Mapping[int, bytes] = {
    0x01: bytes.fromhex("040708090a0d0e10111213141b1a1d21222324292a2b322e31303536372f"),
    0x02: bytes.fromhex("010405060708"),
    0x07: bytes.fromhex("0103050708090a0e1013161517181b1c1d1e21222324252829061f"),
    0x17: bytes.fromhex("01"),
}
"""The commands that are asked about, by service: those of public clients, and the one that a list of workouts needs."""


def ask_services(services: bytes = ALL_SERVICES) -> bytes:
    """Return the body that asks which services the band has (01/02)."""
    return tlv.encode((0x01, services))


def services_in(body: bytes, asked: bytes = ALL_SERVICES) -> frozenset[int]:
    """Return which of the services that were asked about the band has. Raises `MalformedPacket`."""
    return frozenset(number for number, has in zip(asked, Fields.decode(body).value(0x02), strict=False) if has)


def ask_commands(commands: Mapping[int, bytes]) -> bytes:
    """Return the body that asks which commands of some services the band has (01/03)."""
    return tlv.encode(
        (0x81, b"".join(tlv.encode((0x02, bytes([service])), (0x03, held)) for service, held in commands.items()))
    )


def commands_in(body: bytes, asked: Mapping[int, bytes]) -> frozenset[tuple[int, int]]:
    """Return which of the commands that were asked about the band has. Raises `MalformedPacket`.

    The answer has, for each service, its number and then a byte of 0 or 1 for each command, in the order in which they
    were asked about.
    """
    held = Fields.decode(body).only(0x81).held
    found: set[tuple[int, int]] = set()
    for (tag, service), (list_tag, has) in zip(held[::2], held[1::2], strict=False):
        if (tag, list_tag, len(service)) != (0x02, 0x04, 1):
            raise MalformedPacket("commands without their service, or a service without commands", body)
        numbers = zip(asked.get(service[0], b""), has, strict=False)
        found |= {(service[0], number) for number, is_there in numbers if is_there}
    return frozenset(found)


# ------------------------------------------------------------------ totals


def steps_today(body: bytes) -> int:
    """Return the steps since the band's midnight, the sum over all activities (07/03). Raises `MalformedPacket`."""
    held = list(Fields.decode(body).only(0x81).inside(0x83))
    if not held:
        raise MalformedPacket("totals without an activity", body)
    return sum(each.number(0x05, 0) for each in held)


# ------------------------------------------------------------------ the wearer


GENERIC = 0x7F
_TITLE, _SENDER, _TEXT, _UTF8 = 0x03, 0x02, 0x01, 0x02
NOTIFY = (0x02, 0x01)
LONGEST_LINE = 200
"""The longest line in bytes that is sent. A band cuts what is longer than its own limit, some after 15 characters."""


def line(text: str) -> str:
    """Return a text that is cut to `LONGEST_LINE` bytes of UTF-8, without splitting a character."""
    return text.encode()[:LONGEST_LINE].decode("utf-8", "ignore")


def notification(number: int, title: str, sender: str, text: str, app: str) -> bytes:
    """Return the body that shows a message and vibrates once (02/01), of those lines that are not empty.

    `number` has two bytes.
    """
    lines = ((_TITLE, title), (_SENDER, sender), (_TEXT, text))
    shown = b"".join(
        tlv.encode((0x8D, tlv.encode((0x0E, bytes([kind])), (0x0F, bytes([_UTF8])), (0x10, said.encode()))))
        for kind, said in lines
        if said
    )
    return tlv.encode(
        (0x01, number.to_bytes(2, "big")),
        (0x02, bytes([GENERIC])),
        (0x03, b"\1"),
        (0x84, tlv.encode((0x8C, shown))),
        (0x11, app.encode()),
    )
