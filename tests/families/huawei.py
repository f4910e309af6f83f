"""What the tests of every family must know about Huawei and Honor bands, in their three ways to log in."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from families.known import Family, Fuzz, Kind, Packet
from hipsync_devices.huawei import minutes, packets, setup, tlv, workouts
from hipsync_devices.huawei.ciphers import Cipher, unsealed
from hipsync_devices.huawei.frames import NOTIFY, Assembly, Message, frames
from hipsync_devices.huawei.hichain import Answer
from hipsync_devices.huawei.minutes import Night, Record
from hipsync_devices.huawei.packets import Battery, Bonded, LinkParameters, Product
from hipsync_devices.huawei.sim import HonorBand, HonorBand4, HonorBand6

CIPHER = Cipher(bytes(32), gcm=True)
IV = bytes(range(16))
ROOM = 0x4000


def _group(*fields: tuple[int, str]) -> bytes:
    return tlv.encode((0x81, tlv.encode(*((tag, bytes.fromhex(value)) for tag, value in fields))))


SEALED: Mapping[tuple[int, int], bytes] = {
    packets.PRODUCT: bytes.fromhex("03024e410709312e302e31302e37380a0443726975"),
    packets.BATTERY: bytes.fromhex("01013d02023d5003020100"),
    packets.TOTALS: _group((2, "00000086"), (0x83, "0401010504000010c2")),
    minutes.COUNT_MINUTES: _group((2, "0001")),
    minutes.MINUTES: _group(
        (2, "0000"), (3, "6553f128"), (0x84, "050100060100"), (0x84, "05010206084e0025000300023d"),
        (0x84, "050103060380623c"),
    ),
    minutes.SLEEP: _group((2, "0000"), (0x83, "04010605066553f1280060")),
    workouts.LIST: _group((2, "0001"), (0x85, "060200070702000208020003")),
    workouts.TOTALS: _group((2, "0007"), (4, "686de490"), (5, "686debd4"), (0x14, "87")),
    packets.COMMANDS: _group((2, "17"), (4, "01"), (2, "01"), (4, "0101")),
    packets.PHONE_INFO: tlv.encode(*((tag, b"") for tag in (2, 4, 8, 0x11))),
    packets.PERMISSION: bytes.fromhex("01020003"),
}  # fmt: skip
"""A body of each kind that comes under a key, which differs in every conversation."""


def _read(_: str, data: bytes) -> None:
    for message in Assembly().take(data):
        body = unsealed(message.body, None if message.what in packets.LOGIN else CIPHER)
        packets.result_of(body)
        _meant(Message(*message.what, body))


def _meant(message: Message) -> None:  # each decoder is named here, because those that are counted are replaced
    match message.what, message.body:
        case packets.LINK, body:
            LinkParameters.decode(body)
        case packets.HICHAIN, body:
            Answer.decode(body)
        case packets.NEGOTIATION, body:
            packets.negotiated(body)
        case packets.BOND_PARAMETERS, body:
            Bonded.decode(body)
        case packets.PRODUCT, body:
            Product.decode(body)
        case packets.BATTERY, body:
            Battery.decode(body)
        case packets.COMMANDS, body:
            packets.commands_in(body, packets.COMMANDS_OF)
        case _:
            _stored(message)


def _stored(message: Message) -> None:
    match message.what, message.body:
        case packets.TOTALS, body:
            packets.steps_today(body)
        case minutes.COUNT_MINUTES, body:
            minutes.counted(body)
        case minutes.MINUTES, body:
            Record.decode(body)
        case minutes.SLEEP, body:
            Night.decode(body)
        case workouts.LIST, body:
            workouts.numbers(body)
        case workouts.TOTALS, body:
            workouts.decode(body, 7)
        case _:
            setup.reply_to(message)


def _messages(said: Sequence[Packet]) -> list[Packet]:
    """Return the messages of the login, each in one frame, and one of each kind that is sealed."""
    heard = Assembly()
    messages = [each for name, data in said if name == NOTIFY for each in heard.take(data)]
    plain = [(NOTIFY, _frame(each)) for each in messages if each.what in packets.LOGIN]
    return plain + [(NOTIFY, _frame(Message(*what, CIPHER.seal(body, IV)))) for what, body in SEALED.items()]


def _frame(message: Message) -> bytes:
    (whole,) = frames(message, ROOM)
    return whole


def _sealed(packet: Packet, damage: Callable[[bytes], bytes]) -> Packet:
    """Damage the body of a message before it is sealed, and give it a new seal and a new checksum."""
    (message,) = Assembly().take(packet[1])
    if message.what in packets.LOGIN:
        return NOTIFY, _frame(Message(*message.what, damage(message.body)))
    return NOTIFY, _frame(Message(*message.what, CIPHER.seal(damage(unsealed(message.body, CIPHER)), IV)))


FUZZ = Fuzz(
    _read,
    ("huawei.minutes:Record.decode", "huawei.minutes:Night.decode", "huawei.packets:LinkParameters.decode",
     "huawei.packets:Battery.decode", "huawei.packets:Product.decode", "huawei.packets:steps_today",
     "huawei.workouts:decode", "huawei.hichain:Answer.decode"),
    _messages, _sealed, lambda packet: packet[1][4:6],
)  # fmt: skip
FAMILY = Family(
    fuzz=FUZZ,
    kinds={
        "Honor Band 3": Kind(HonorBand, FUZZ),
        "Honor Band 4": Kind(HonorBand4, FUZZ),
        "Honor Band 6": Kind(HonorBand6, FUZZ),
    },
    tells_workouts=True,
    streams={NOTIFY},
)
