"""The rows of `vectors/xiaomi.json`, and Xiaomi's of `vectors/workouts.json`, against both ends, layer by layer.

`test_no_row_is_outside` counts them: each area has tests here, and each row is met. Expectations are the rows' own.
"""

from __future__ import annotations

import json
import re
import zlib
from collections import deque
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from struct import pack, unpack
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from hipsync.driver import Message as Prompt
from hipsync.errors import DeviceError, MalformedPacket, NotAuthorised
from hipsync.model import MINUTE, Epoch, State, Workout, WorkoutKind
from hipsync_devices.gatt import uuid16
from hipsync_devices.xiaomi import cipher, files, login, packets, sim_files, sim_frames, sim_messages, v1, v2, workouts
from hipsync_devices.xiaomi.cipher import Keys
from hipsync_devices.xiaomi.files import FileId, What
from hipsync_devices.xiaomi.nights import decode_night
from hipsync_devices.xiaomi.packets import Battery, Device, Id, Live, Message
from hipsync_devices.xiaomi.packets import State as Said
from hipsync_devices.xiaomi.sim_messages import SessionKeys
from hipsync_devices.xiaomi.v1 import WireV1
from hipsync_devices.xiaomi.v2 import Frame, Session, Stream, WireV2
from hipsync_devices.xiaomi.wire import Heard, Kind, Packet
from support.shared import VECTORS

Row = dict[str, Any]
ROWS: dict[str, Row] = {row["id"]: row for row in json.loads((VECTORS / "xiaomi.json").read_text("utf-8"))["vectors"]}
WORKOUTS: dict[str, Row] = {
    row["id"]: row
    for row in json.loads((VECTORS / "workouts.json").read_text("utf-8"))["vectors"]
    if row["area"].startswith("xiaomi")
}
AREAS: dict[str, str] = {
    "v2-frame": """
        v2-crc-check v2-session-request v2-session-response v2-ack-1 v2-ack-37 v2-nak v2-login-done-recorded
        v2-bad-crc v2-session-stop v2-data-0 v2-data-1 v2-data-3 v2-auth-plain v2-astro-0 v2-astro-2 v2-astro-3
        v2-astro-5 v2-session-read-0 v2-session-read-2 v2-session-read-3
    """,
    "v1-frame": """
        v1-single-plain v1-single-ack v1-start v1-start-ack v1-end-ack v1-chunk
    """,
    "session-v1": """
        session-v1-login session-v1-battery session-v1-clock session-v1-state session-v1-find session-v1-note
        session-v1-past session-v1-unlive session-v1s-login session-v1s-today
    """,
    "session-v2": """
        session-v2-login session-v2-battery session-v2-info session-v2-state session-v2-find session-v2-past
        session-v2-live session-v2-unlive session-v2s-note session-v2s-today
    """,
    "kdf": """
        kdf-0 kdf-1 kdf-3 kdf-4
    """,
    "cipher": """
        ccm-0 ccm-2 v1-cipher-up-0 v1-cipher-up-1 v1-cipher-up-3 v1-cipher-down-0 v1-cipher-down-2 v2-cipher-0
        v2-cipher-1 v2-cipher-3 ccm-forged
    """,
    "login": """
        login-nonce login-watch login-confirm-0 login-confirm-2 login-done login-no-bond login-error-7
        login-error-10
    """,
    "message": """
        msg-battery-ask msg-info-ask msg-state-ask msg-clock-0 msg-clock-1 msg-clock-4 msg-clock-5 msg-find
        msg-find-stop msg-note-0 msg-today-ask msg-past-ask msg-live-start msg-live-stop msg-file-ask
        msg-vendor-init-0 msg-vendor-init-2 msg-vendor-init-4 msg-vendor-init-6 msg-vendor-init-7
        msg-note-vendor-0 msg-vibrate msg-sit-reminder-set msg-language
    """,
    "answer": """
        ans-battery ans-battery-full ans-info ans-state ans-event-0 ans-event-1 ans-event-3 ans-live-0
        ans-live-1 ans-ids ans-accepted ans-find-ended ans-find-phone ans-phone-silent ans-weather
    """,
    "file-id": """
        fileid-0 fileid-1 fileid-3 fileid-4 fileid-6 fileid-peer-0 fileid-peer-2 fileid-peer-4 fileid-peer-5
    """,
    "day-file": """
        day-v1-full day-v3-full day-v4-sparse day-v3-steps-only day-v3-present-not-valid day-v4-extra-each
        day-v3-dst day-bad-crc-0 day-bad-crc-1 day-growing file-parts file-parts-restart
    """,
    "summary": """
        summary-v5-0 summary-v5-2 summary-v3-3 summary-v5-5 summary-v4-6
    """,
    "sleep": """
        sleep-v1 sleep-v3 sleep-v4 sleep-v6 sleep-stage-packet sleep-v2-earlier sleep-stages-file
    """,
    "xiaomi-id": """
        xiaomi-id-test-8c xiaomi-id-test-a0 xiaomi-id-1 xiaomi-id-2 xiaomi-id-3 xiaomi-id-6 xiaomi-id-8
        xiaomi-id-22
    """,
    "xiaomi-report": """
        xiaomi-report-6-v4 xiaomi-report-7-v9 xiaomi-report-13-v6 xiaomi-report-23-v6-ride
        xiaomi-report-23-v4-skate xiaomi-report-22-v4-trek xiaomi-report-1-v4 xiaomi-report-3-v5
        xiaomi-report-16-v5 xiaomi-report-8-v8-spinning xiaomi-report-8-v5-water-rowing xiaomi-report-8-v9-rower
        xiaomi-report-bad-crc
    """,
    "xiaomi-live": """
        xiaomi-8-26-start xiaomi-8-26-1 xiaomi-8-26-stop xiaomi-8-26-rower-main xiaomi-8-50-recorded
        xiaomi-8-29-ask xiaomi-2-79-13 xiaomi-2-79-0
    """,
}
"""The rows of each layer. Each is met below by our end, and by the simulated one wherever it says it too."""
NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)


def ids(*areas: str) -> list[str]:
    return [name for area in areas for name in AREAS[area].split()]


def row(name: str) -> tuple[Any, Row]:
    return (ROWS | WORKOUTS)[name]["bytes"], (ROWS | WORKOUTS)[name]["decoded"]


def hexed(held: Row, *names: str) -> list[bytes]:
    return [bytes.fromhex(held[name]) for name in names]


def test_no_row_is_outside() -> None:
    of_area = {name: each["area"] for name, each in (ROWS | WORKOUTS).items()}
    assert {name: area for area in AREAS for name in ids(area)} == of_area


# ------------------------------------------------------------------ frames of the second generation


KEYED = {"v2-data-0", "v2-data-1", "v2-data-3"}
"""The rows that give a key beside their frame."""
NAMES = {v2.NAK: "Nak", v2.ACK: "Ack", v2.SESSION: "Cmd", v2.DATA: "Data"}


@pytest.mark.parametrize(
    "name", [each for each in ids("v2-frame") if not each.startswith(("v2-crc", "v2-session-read"))]
)
def test_a_frame_reads_as_astrobox_reads_it_and_both_ends_write_it(name: str) -> None:
    held, decoded = row(name)
    text: str = held if name not in KEYED else held["frame"]
    data = bytes.fromhex(text)
    frames = list(Stream().take(data))
    if decoded.get("accepted") is False:
        assert frames == []
        return
    (frame,) = frames
    frx = str(not frame.numbered).lower()
    assert f"{NAMES[frame.kind]} frx={frx} seq={frame.number} {frame.payload.hex()}" == decoded["astrobox_reads"]
    assert frame.encode() == data
    kind = frame.kind | (0 if frame.numbered else 0x10)
    assert sim_frames.framed(kind, frame.number, frame.payload) == data
    if "plain" in decoded and frame.payload[1] == v2.SEALED:
        assert cipher.ctr(bytes.fromhex(held["key"]), frame.payload[2:]).hex() == decoded["plain"]


def test_the_checksum_is_the_one_of_the_row() -> None:
    held, decoded = row("v2-crc-check")
    data = bytes.fromhex(held["data"])
    assert v2.crc16(data) == sim_frames.arc(data) == decoded["crc16_arc"]
    assert v2.crc16(b"") == 0


@pytest.mark.parametrize("name", [each for each in ids("v2-frame") if each.startswith("v2-session-read")])
def test_a_session_reads_as_astrobox_reads_it(name: str) -> None:
    held, decoded = row(name)
    found = Session.decode(bytes.fromhex(held["payload"]))
    assert found.timeout is not None
    told = dict(re.findall(r"(\w+)=(?:Some\()?(\d+|\([^)]*\))", decoded["astrobox_reads"]))
    assert [found.opcode, found.window, found.timeout / timedelta(milliseconds=1)] == [
        int(told[key]) for key in ("code", "window", "timeout")
    ]


def test_both_sessions_are_the_recorded_ones() -> None:
    assert Frame(v2.SESSION, 0, v2.OURS).encode().hex() == row("v2-session-request")[0]
    assert sim_frames.framed(2, 0, sim_frames.SESSION).hex() == row("v2-session-response")[0]


def test_frames_are_found_however_they_are_cut() -> None:
    one, other = (bytes.fromhex(row(name)[0]) for name in ("v2-login-done-recorded", "v2-ack-37"))
    whole = b"\x00\xa5" + one + other
    for size in range(1, len(whole)):
        stream = Stream()
        found = [frame for at in range(0, len(whole), size) for frame in stream.take(whole[at : at + size])]
        assert [frame.encode() for frame in found] == [one, other], size


# ------------------------------------------------------------------ frames of the first generation


def test_the_packets_of_the_first_generation() -> None:
    def read(name: str) -> object:
        return v1.decode(bytes.fromhex(row(name)[0]))

    assert read("v1-single-plain") == v1.Single(sealed=False, payload=bytes.fromhex("08021001"))
    assert read("v1-single-ack") == v1.Receipt(taken=True)
    assert read("v1-start") == v1.Start(sealed=True, count=2)
    assert read("v1-start-ack") == v1.Word(v1.GO_ON)
    assert read("v1-end-ack") == v1.Word(v1.ALL_CAME)
    assert read("v1-chunk") == v1.Part(3, bytes.fromhex("aabbcc"))
    assert v1.RECEIVED.hex() == row("v1-single-ack")[0]
    assert [v1.encode_word(each).hex() for each in (v1.GO_ON, v1.ALL_CAME)] == [
        row("v1-start-ack")[0], row("v1-end-ack")[0],
    ]  # fmt: skip
    assert v1.encode_word(v1.MISSING, [2, 300]).hex() == "000001050200" + "2c01"
    assert v1.packets_of(bytes.fromhex("08021001"), 244, sealed=False)[0].hex() == row("v1-single-plain")[0]
    assert v1.packets_of(bytes(100), 64, sealed=True)[0].hex() == row("v1-start")[0]


# ------------------------------------------------------------------ keys and ciphers


@pytest.mark.parametrize("name", ids("kdf"))
def test_both_ends_derive_the_keys_of_the_row(name: str) -> None:
    held, decoded = row(name)
    key, phone, band = hexed(held, "key", "phone_nonce", "watch_nonce")
    dec, enc, dec_nonce, enc_nonce, band_proof, our_proof = hexed(
        decoded, "dec_key", "enc_key", "dec_nonce", "enc_nonce", "watch_proof", "phone_proof"
    )
    keys = Keys.agreed(key, phone, band)
    assert (keys.dec, keys.enc, keys.dec_nonce, keys.enc_nonce) == (dec, enc, dec_nonce, enc_nonce)
    assert keys.proof == our_proof
    assert keys.proves(band_proof)
    assert not keys.proves(our_proof)
    theirs = SessionKeys.of(key, phone, band)
    assert theirs == (dec, enc, dec_nonce, enc_nonce)
    assert theirs.own_proof(phone, band) == band_proof
    assert theirs.client_proof(phone, band) == our_proof
    assert enc.hex() not in repr(keys)


def keys_of(*, enc: bytes = bytes(16), dec: bytes = bytes(16), enc_nonce: bytes = b"", dec_nonce: bytes = b"") -> Keys:
    return Keys(dec, enc, dec_nonce, enc_nonce, b"", b"")


@pytest.mark.parametrize("name", ids("cipher"))
def test_both_ends_encrypt_as_the_row(name: str) -> None:
    held, decoded = row(name)
    if name.startswith("v1-cipher-up"):
        enc, nonce, plain = hexed(held, "enc_key", "enc_nonce", "plain")
        sealed = keys_of(enc=enc, enc_nonce=nonce).seal_v1(held["counter"], plain)
        assert sealed.hex() == decoded["cipher_and_tag"]
        assert SessionKeys(b"", enc, b"", nonce).unccm(held["counter"], sealed) == plain
        (packet,) = v1.packets_of(pack("<H", held["counter"]) + sealed, 244, sealed=True)
        assert packet.hex() == decoded["frame"]
    elif name.startswith("v1-cipher-down"):
        dec, nonce, sealed = hexed(held, "dec_key", "dec_nonce", "cipher_and_tag")
        assert keys_of(dec=dec, dec_nonce=nonce).open_v1(sealed).hex() == decoded["plain"]
        assert SessionKeys(dec, b"", nonce, b"").ccm(bytes.fromhex(decoded["plain"])) == sealed
    elif name.startswith("v2-cipher"):
        key, plain = hexed(held, "key", "plain")
        assert keys_of(enc=key).seal_v2(plain).hex() == decoded["cipher"]
        assert SessionKeys(key, b"", b"", b"").ctr(plain, own=True).hex() == decoded["cipher"]
        assert keys_of(dec=key).open_v2(bytes.fromhex(decoded["cipher"])) == plain
    elif decoded.get("accepted") is False:
        key, nonce, sealed = hexed(held, "key", "nonce", "cipher_and_tag")
        with pytest.raises(MalformedPacket):
            keys_of(dec=key, dec_nonce=nonce[:4]).open_v1(sealed)
        assert SessionKeys(b"", key, b"", nonce[:4]).unccm(0, sealed) is None
    else:
        key, nonce, plain = hexed(held, "key", "nonce", "plain")
        assert nonce[4:] == bytes(8)
        assert keys_of(enc=key, enc_nonce=nonce[:4]).seal_v1(0, plain).hex() == decoded["cipher_and_tag"]


# ------------------------------------------------------------------ login


KEY = bytes.fromhex("00112233445566778899aabbccddeeff")
PHONE, BAND = bytes(range(16)), bytes(range(16, 32))


def test_the_login_is_the_one_of_the_rows() -> None:
    def message(name: str) -> Message:
        return Message.decode(bytes.fromhex(row(name)[0]))

    assert login.encode_nonce(PHONE).hex() == row("login-nonce")[0]
    keys = login.agreed(KEY, PHONE, message("login-watch"))
    for name in ("login-confirm-0", "login-confirm-2"):
        whole = message(name).fields.at(3, 32)
        assert whole.blob(1) == keys.proof
        plain = bytes.fromhex(row(name)[1]["companion_plain"])
        assert whole.blob(2) == keys.seal_v1(0, plain)
        assert SessionKeys.of(KEY, PHONE, BAND).unccm(0, whole.blob(2) or b"") == plain
    login.confirmed(message("login-done"))
    with pytest.raises(NotAuthorised, match="no owner"):
        login.agreed(KEY, PHONE, message("login-no-bond"))
    with pytest.raises(NotAuthorised, match="wrong key"):
        login.confirmed(message("login-error-7"))
    with pytest.raises(NotAuthorised, match="another phone"):
        login.confirmed(message("login-error-10"))
    with pytest.raises(NotAuthorised, match="wrong key"):
        login.agreed(bytes(16), PHONE, message("login-watch"))


def test_who_we_are_is_written_as_the_row_writes_it() -> None:
    """The companion of row login-confirm-0, but for its region: fields in the same order, 0 written, a float in 2."""
    keys = Keys.agreed(KEY, PHONE, BAND)
    sealed = Message.decode(login.encode_confirm(keys, 0)).fields.at(3, 32).blob(2) or b""
    plain = SessionKeys.of(KEY, PHONE, BAND).unccm(0, sealed)
    assert plain is not None
    assert plain.hex() == row("login-confirm-0")[1]["companion_plain"].replace("4445", "5553")


# ------------------------------------------------------------------ whole conversations


def wire_of(held: Row, decoded: Row, name: str) -> WireV1 | WireV2:
    """A wire as it stands when the frames of a row begin: with keys, unless the row is the login, and its counters."""
    wire: WireV1 | WireV2 = (WireV1 if "-v1" in name else WireV2)(held["mtu"] - 3)
    if not name.endswith("login"):
        wire.keys = Keys.agreed(*hexed(held, "key", "phone_nonce", "watch_nonce"))
        said = [bytes.fromhex(data) for who, _, data in held["frames"] if who == "phone"]
        if isinstance(wire, WireV1):
            first = next(data for data in said if data[:2] == b"\0\0" and data[2] in {0, 2})
            assert first[2] == v1.SINGLE, "the index of a message in parts stands in its first part"
            wire.counter = unpack("<H", first[4:6])[0] - 1
        else:
            wire.begun = True
            wire.number = next(data[3] for data in said if data[:3] == b"\xa5\xa5\x03")
            heard = [bytes.fromhex(data) for who, _, data in held["frames"] if who == "band"]
            wire.expected = next((data[3] for data in heard if data[:3] == b"\xa5\xa5\x03"), 0)
    return wire


def written(wire: WireV1 | WireV2) -> list[Packet]:
    out, wire.out = wire.out, []
    return out


def is_receipt(data: bytes) -> bool:
    return data[:3] in {b"\xa5\xa5\x01", b"\0\0\1", b"\0\0\3"}


@pytest.mark.parametrize("name", ids("session-v1", "session-v2"))
def test_our_end_of_a_conversation_writes_the_frames_of_gadgetbridge(name: str) -> None:
    """Receipts in their order, and all else in its own: Gadgetbridge writes some after its next message only."""
    held, decoded = row(name)
    wire, out, heard = wire_of(held, decoded, name), list[Packet](), list[Heard]()
    to_say = deque(bytes.fromhex(each) for each in decoded["client_says"])
    if name == "session-v2-login":
        wire.begin(NOW)
    for who, uuid, data in held["frames"]:
        packet = Packet(uuid16(int(uuid, 16)), bytes.fromhex(data))
        if who == "band":
            heard += wire.hear(packet, NOW)
        elif packet not in out + (taken := written(wire)):
            wire.say(to_say.popleft(), NOW, sealed=wire.keys is not None)
            out += [*taken, *written(wire)]
        else:
            out += taken
    out += written(wire)
    assert not to_say
    theirs = [
        Packet(uuid16(int(uuid, 16)), bytes.fromhex(data)) for who, uuid, data in held["frames"] if who == "phone"
    ]
    for receipts in (True, False):
        mine, others = ([each for each in run if is_receipt(each.data) is receipts] for run in (out, theirs))
        assert mine == others
    messages = [each.payload.hex() for each in heard if each.kind is Kind.MESSAGE]
    assert messages == decoded["band_says"]
    if "minutes" in decoded:
        parts, found = files.Parts(), list[bytes]()
        for each in heard:
            if each.kind is Kind.FILE and (file := parts.take(each.payload)) is not None:
                found.append(file)
        (file,) = found
        id_ = FileId.decode(bytes.fromhex(decoded["ids"][0]))
        came = [
            [int(each.start.timestamp()), each.steps, each.heart_rate]
            for each in files.decode_minutes(id_, files.body_of(file, id_))
        ]
        assert came == decoded["minutes"]


def band_of(held: Row, name: str) -> tuple[sim_frames.FramesV1 | sim_frames.FramesV2, list[Packet], list[bytes]]:
    sent, heard = list[Packet](), list[bytes]()

    def send(uuid: str, data: bytes) -> None:
        sent.append(Packet(uuid, data))

    def hear(data: bytes, sealed: bool) -> None:
        heard.append(data)

    made = sim_frames.FramesV1 if "-v1" in name else sim_frames.FramesV2
    band = made(send, hear, lambda: held["mtu"] - 3, lambda: NOW)
    if not name.endswith("login"):
        band.keys = SessionKeys.of(*hexed(held, "key", "phone_nonce", "watch_nonce"))
        if isinstance(band, sim_frames.FramesV1):
            first = next(bytes.fromhex(data) for who, uuid, data in held["frames"] if who == "phone" and uuid == "0052")
            band.counter = unpack("<H", first[4:6])[0] - 1
        else:
            band.is_open = True
            data = [(who, bytes.fromhex(each)) for who, _, each in held["frames"]]
            band.expected = next(each[3] for who, each in data if who == "phone" and each[:3] == b"\xa5\xa5\x03")
            band.next = next((each[3] for who, each in data if who == "band" and each[:3] == b"\xa5\xa5\x03"), 0)
    return band, sent, heard


@pytest.mark.parametrize("name", ids("session-v1", "session-v2"))
def test_the_simulated_end_of_a_conversation_takes_and_writes_the_same_frames(name: str) -> None:
    """The band's messages are said where the row has them; the frames round them, and its receipts, are its own."""
    held, decoded = row(name)
    band, sent, heard = band_of(held, name)
    out, to_say = deque[Packet](), deque(bytes.fromhex(each) for each in decoded["band_says"])
    parts = deque(parts_of(held, name))
    for who, uuid, data in held["frames"]:
        if who == "phone":
            band.write(uuid16(int(uuid, 16)), bytes.fromhex(data))
        out += sent
        sent.clear()
        if who == "band":
            if not out:
                if to_say:
                    band.say(to_say.popleft(), sealed=band.keys is not None)
                else:
                    band.send_part(parts.popleft())
                out += sent
                sent.clear()
            assert out.popleft() == (uuid16(int(uuid, 16)), bytes.fromhex(data))
    assert not out
    assert [each.hex() for each in heard] == decoded["client_says"]


def parts_of(held: Row, name: str) -> list[bytes]:
    """The parts of files in a row, opened by the keys of the row: what its band was given to send."""
    keys = SessionKeys.of(*hexed(held, "key", "phone_nonce", "watch_nonce"))
    if "-v2" in name:
        stream = Stream()
        frames = [
            frame for who, _, data in held["frames"] if who == "band" for frame in stream.take(bytes.fromhex(data))
        ]
        return [keys.ctr(frame.payload[2:], own=True) for frame in frames if frame.payload[:1] == b"\5"]
    cut = [bytes.fromhex(data) for who, uuid, data in held["frames"] if who == "band" and uuid == "0053"]
    sealed = b"".join(data[2:] for data in cut if data[:2] != b"\0\0")
    mine = Keys(keys.own, b"", keys.own_nonce, b"", b"", b"")
    return [mine.open_v1(sealed)] if sealed else []


# ------------------------------------------------------------------ messages


ASKED: dict[str, Callable[[], bytes]] = {
    "msg-battery-ask": lambda: packets.encode(packets.BATTERY),
    "msg-info-ask": lambda: packets.encode(packets.DEVICE),
    "msg-state-ask": lambda: packets.encode(packets.STATE),
    "msg-today-ask": packets.encode_today,
    "msg-past-ask": packets.encode_past,
    "msg-live-start": lambda: packets.encode(packets.LIVE_ON),
    "msg-file-ask": lambda: packets.encode_fetch(bytes.fromhex("90ac6869040300")),
    "msg-note-vendor-0": lambda: packets.encode_show(
        Prompt("Stand up", "Three squats"), 41, datetime(2026, 7, 15, 12, tzinfo=UTC)
    ),
}  # fmt: skip
TAKEN = {
    "msg-vendor-init-0", "msg-vendor-init-2", "msg-vendor-init-4", "msg-vendor-init-6", "msg-vendor-init-7",
    "msg-note-0", "msg-find", "msg-find-stop", "msg-live-stop",
    "msg-vibrate", "msg-sit-reminder-set", "msg-language",
}  # fmt: skip
"""What other clients send and we do not: a simulated band takes it (`test_xiaomi_band`), and our reader reads it."""


@pytest.mark.parametrize("name", ids("message"))
def test_a_message_is_written_as_the_row_has_it(name: str) -> None:
    held, decoded = row(name)
    if name.startswith("msg-clock"):
        local = datetime.fromtimestamp(decoded["utc_ms"] / 1000, UTC).astimezone(ZoneInfo(decoded["zone"]))
        assert f"{local:%Y-%m-%dT%H:%M:%S}" == decoded["local"]
        assert packets.encode_clock(local).hex() == held
    elif name in TAKEN:
        read = Message.decode(bytes.fromhex(held)).id
        kind, number = sim_messages.heard(bytes.fromhex(held)).get(1), sim_messages.heard(bytes.fromhex(held)).get(2)
        assert (read.type, read.number) == (kind, number)
        said = decoded.get("type", decoded.get("what", "").partition("/")[0])
        assert str(said) == str(read.type)
    else:
        assert ASKED[name]().hex() == held


def answer(name: str) -> Message:
    return Message.decode(bytes.fromhex(row(name)[0]))


def test_answers_read_as_the_rows_read_them() -> None:
    assert Battery.decode(answer("ans-battery")) == Battery(85, charging=False)
    assert Battery.decode(answer("ans-battery-full")) == Battery(100, charging=True)
    assert Device.decode(answer("ans-info")) == Device("SN-1", "2.3.151", "M2435B1")
    assert Said.decode(answer("ans-state")) == Said(charging=False, percent=85, worn=True, asleep=False)
    assert Said.decode_event(answer("ans-event-0")) == Said(charging=True)
    assert Said.decode_event(answer("ans-event-1")) == Said(worn=False)
    assert Said.decode_event(answer("ans-event-3")) == Said(asleep=True)
    assert packets.decode_live(answer("ans-live-0")) == Live(0, None)
    assert packets.decode_live(answer("ans-live-1")) == Live(4711, 72)
    assert [each.hex() for each in packets.decode_ids(answer("ans-ids"))] == row("ans-ids")[1]["ids"]
    for name in ("ans-accepted", "ans-find-ended", "ans-find-phone", "ans-phone-silent", "ans-weather"):
        _, decoded = row(name)
        assert answer(name).id == Id(decoded["type"], decoded["id"])
        assert not answer(name).error
    assert len(ids("answer")) == 15


def test_the_simulated_band_writes_the_same_answers() -> None:
    said, deep = sim_messages.said, sim_messages.deep

    def message(kind: int, number: int, *body: tuple[int, bytes]) -> str:
        return said((1, kind), (2, number), *body).hex()

    assert message(2, 1, deep("4.2.1", said((1, 85), (2, 2)))) == row("ans-battery")[0]
    assert message(2, 78, deep("4.48", said((1, 0), (2, 85), (3, 1), (4, 0)))) == row("ans-state")[0]
    assert message(2, 79, deep("4.49", said((2, 2)))) == row("ans-event-1")[0]
    assert (
        message(8, 47, deep("10.39", said((1, 4711), (2, 120), (3, 0), (4, 72), (5, 3), (6, 5))))
        == row("ans-live-1")[0]
    )
    told = said((1, "SN-1"), (2, "2.3.151"), (3, ""), (4, "M2435B1"))
    assert message(2, 2, deep("4.3", told)) == row("ans-info")[0]
    assert message(2, 79, deep("4.49", said((5, said((1, 13), (2, 3)))))) == row("xiaomi-2-79-13")[0]


# ------------------------------------------------------------------ files


@pytest.mark.parametrize("name", ids("file-id"))
def test_an_id_reads_as_gadgetbridge_reads_it(name: str) -> None:
    held, decoded = row(name)
    id_ = FileId.decode(bytes.fromhex(held))
    assert (int(id_.start.timestamp()), id_.quarters, id_.version) == (decoded["at"], decoded["tz"], decoded["version"])
    assert (int(id_.sport), id_.subtype, id_.detail) == (decoded["type"], decoded["subtype"], decoded["detail"])
    flags = decoded["type"] << 7 | decoded["subtype"] << 2 | decoded["detail"]
    assert sim_files.file_id(decoded["at"], decoded["tz"], decoded["version"], flags).hex() == held


def opened(data: str | bytes) -> tuple[FileId, bytes]:
    file = bytes.fromhex(data) if isinstance(data, str) else data
    id_ = FileId.decode(file[:7])
    return id_, files.body_of(file, id_)


def minutes_of(data: str | bytes) -> list[Epoch]:
    return files.decode_minutes(*opened(data))


@pytest.mark.parametrize(
    "name", [each for each in ids("day-file") if each.startswith("day-v")]
)  # fmt: skip
def test_minutes_read_as_gadgetbridge_reads_them(name: str) -> None:
    """Gadgetbridge takes 16383 steps in a minute, which nobody makes: here that minute is unknown."""
    held, decoded = row(name)
    possible = [each for each in decoded["minutes"] if each["steps"] <= 300]
    found = minutes_of(held)
    assert [(int(each.start.timestamp()), each.steps) for each in found] == [
        (each["at"], each["steps"]) for each in possible
    ]
    assert [each.heart_rate for each in found] == [
        each["hr"] if each["hr"] not in {0, 255} else None for each in possible
    ]
    assert {each.length for each in found} == {MINUTE}


def test_a_damaged_file_is_refused_and_a_growing_one_read_again() -> None:
    for name in ("day-bad-crc-0", "day-bad-crc-1"):
        with pytest.raises(MalformedPacket, match="checksum"):
            minutes_of(row(name)[0])
    held, decoded = row("day-growing")
    for data, said in zip(held, (decoded["first"], decoded["later"]), strict=True):
        assert [[int(each.start.timestamp()), each.steps] for each in minutes_of(data)] == said


@pytest.mark.parametrize("name", ["file-parts", "file-parts-restart"])
def test_a_file_is_put_together_from_its_parts(name: str) -> None:
    held, decoded = row(name)
    parts = files.Parts()
    *before, last = [parts.take(bytes.fromhex(each)) for each in held]
    assert before == [None] * len(before)
    assert last == bytes.fromhex(decoded["file"])


def test_movement_and_strength_of_a_minute() -> None:
    """Two records that the page of the protocol reads by hand: still with pulse 58; 42 steps of a walk, pulse 88."""
    body = bytes.fromhex("fe00c00000" + "0000403a" + "2a008558")
    whole = bytes.fromhex("90ac686904030000") + body
    still, walk = minutes_of(whole + pack("<I", zlib.crc32(whole)))
    start = datetime(2026, 1, 15, 9, tzinfo=UTC)
    assert still == Epoch(start, MINUTE, 0, heart_rate=58, kind=0x100)
    assert walk == Epoch(start + MINUTE, MINUTE, 42, heart_rate=88, state=State.WALKING, kind=0x200)


@pytest.mark.parametrize("name", ids("summary"))
def test_the_summary_of_a_day_is_known_and_not_read(name: str) -> None:
    """Nothing here needs it: its id says so, and it is never fetched."""
    id_, _ = opened(row(name)[0])
    assert (id_.sport, id_.subtype, id_.detail) == (False, 0, 1)
    assert id_.what is None
    assert not id_.is_workout


@pytest.mark.parametrize("name", [each for each in ids("sleep") if each != "sleep-stage-packet"])
def test_a_night_reads_as_gadgetbridge_reads_it(name: str) -> None:
    held, decoded = row(name)
    id_, body = opened(held)
    night = decode_night(id_, body)
    if "bed" in decoded:
        bed, wake = decoded["bed"], decoded["wake"]
    else:
        (told,) = [json.loads(each[6:]) for each in decoded["parsed"] if each.startswith("SLEEP ")]
        bed, wake = told["bed"], told["wake"]
    assert (int(night.start.timestamp()), int(night.end.timestamp())) == (bed, wake)
    asleep = list(night.asleep())
    if id_.what is What.STAGES or wake == 1768454100:
        assert len(asleep) == 360, "the row says 360 minutes asleep, 15 awake at the end"
        assert asleep[-1] + MINUTE == night.end - 15 * MINUTE


def test_the_stages_of_a_packet() -> None:
    held, decoded = row("sleep-stage-packet")
    names = ("awake", "light", "deep", "rem")
    runs = [(names.index(stage), minutes) for stage, minutes in decoded["stages"]]
    id_, file = sim_files.night(1768431600, runs, 4, records=False)
    assert bytes.fromhex(held) in file
    night = decode_night(*opened(file))
    assert id_[4] == 4
    assert [(each.start, each.end) for each in night.awake] == [
        (datetime.fromtimestamp(1768431600 + 60 * 360, UTC), datetime.fromtimestamp(1768431600 + 60 * 375, UTC))
    ]


@pytest.mark.parametrize("records", [True, False])
def test_the_simulated_band_writes_nights_that_read_as_the_rows(records: bool) -> None:
    """Byte for byte the packets of rows sleep-v3 and sleep-v6, which are the same: only series differ before them."""
    theirs = bytes.fromhex(row("sleep-v3" if records else "sleep-v6")[0])
    _, file = sim_files.night(1768431600, [(1, 210), (2, 60), (3, 90), (0, 15)], 4, records=records)
    same = 18 if records else 20
    assert file[:same] == theirs[:same]
    mark = bytes.fromhex("fbfafcff")
    assert file[file.index(mark) : -4] == theirs[theirs.index(mark) : -4]


# ------------------------------------------------------------------ workouts


@pytest.mark.parametrize("name", ids("xiaomi-id"))
def test_the_id_of_a_workout(name: str) -> None:
    held, decoded = row(name)
    id_ = FileId.decode(bytes.fromhex(held))
    assert id_.start == datetime.fromisoformat(decoded["start"])
    assert (id_.quarters, id_.version, id_.sport, id_.subtype) == (
        decoded["quarters"], decoded["version"], decoded["sport"], decoded["subtype"],
    )  # fmt: skip
    assert id_.is_workout is (decoded["detail"] == "report")
    assert workouts.KINDS.get(id_.subtype, WorkoutKind.OTHER) == decoded["kind"]


@pytest.mark.parametrize("name", ids("xiaomi-report"))
def test_a_report_gives_its_workout(name: str) -> None:
    held, decoded = row(name)
    if "error" in decoded:
        with pytest.raises(DeviceError, match="checksum"):
            opened(held)
        return
    id_, body = opened(held)
    start, end = (datetime.fromisoformat(decoded[key]) for key in ("start", "end"))
    workout = Workout(WorkoutKind(decoded["kind"]), start, end)
    assert workouts.decode_workout(id_, body) == workout
    unknown = FileId(id_.data, id_.start, id_.quarters, 250, id_.sport, id_.subtype, id_.detail)
    found = workouts.decode_workout(unknown, body)
    assert found is not None
    assert (found.start, found.end) == (start, end), "looked for, where nobody lists the version"


@pytest.mark.parametrize("kind", list(WorkoutKind))
def test_the_simulated_band_writes_reports_that_read_back(kind: WorkoutKind) -> None:
    start, end = 1_750_000_000, 1_750_001_800
    _, file = sim_files.workout(kind, start, end, 8)
    found = workouts.decode_workout(*opened(file))
    assert found == Workout(kind, datetime.fromtimestamp(start, UTC), datetime.fromtimestamp(end, UTC))


@pytest.mark.parametrize("name", ids("xiaomi-live"))
def test_what_is_said_of_a_workout_while_connected(name: str) -> None:
    held, decoded = row(name)
    message = Message.decode(bytes.fromhex(held))
    ended = decoded.get("state") == 3
    if message.id == packets.EVENT:
        assert Said.decode_event(message).workout_ended is ended
    elif message.id == packets.WORKOUT:
        assert packets.decode_workout_ended(message) is ended
    else:
        assert message.id in {Id(8, 29), Id(8, 50)}, "which nothing here needs"


# ------------------------------------------------------------------ the first collection


def test_the_rows_of_the_first_collection() -> None:
    held = {each["id"]: each for each in json.loads((VECTORS / "huami-xiaomi.json").read_text("utf-8"))["vectors"]}
    id_ = FileId.decode(bytes.fromhex(held["xiaomi-fileid-1"]["bytes"]))
    assert (id_.start, id_.quarters, id_.version) == (datetime(2023, 10, 13, 7, 34, 57, tzinfo=UTC), 4, 0)
    assert (id_.sport, id_.subtype, id_.detail) == (True, 3, 0)
    key, nonce, plain, sealed = hexed(held["xiaomi-ccm"]["bytes"], "key", "nonce", "plain", "cipher_and_tag")
    assert keys_of(enc=key, enc_nonce=nonce[:4]).seal_v1(0, plain) == sealed
    own, phone, band = hexed(held["xiaomi-kdf-computed"]["bytes"], "auth_key", "phone_nonce", "watch_nonce")
    keys, decoded = Keys.agreed(own, phone, band), held["xiaomi-kdf-computed"]["decoded"]
    assert (keys.dec.hex(), keys.enc.hex()) == (decoded["dec_key"], decoded["enc_key"])
    assert (keys.proof.hex(), keys.proves(bytes.fromhex(decoded["watch_hmac"]))) == (decoded["phone_hmac"], True)
    assert nonce[4:] == bytes(8)
