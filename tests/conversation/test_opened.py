"""A family that seals what it says is recorded as its driver opens it: it replays at both ends, and tells no secret."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

import pytest

from hipsync.conversation.capture import Capture, capture_of
from hipsync.conversation.dialogue import dialogue
from hipsync.conversation.recording import Recording, without_name
from hipsync.conversation.session import Connection
from hipsync.driver import OPENED, Driver, Session
from hipsync.errors import DeviceError
from hipsync.host.clock import FastClock
from hipsync.model import Epoch
from hipsync.registry import drivers
from hipsync.simulated import SimulatedBand
from hipsync.testing import replay
from hipsync.testing.direct import DirectConnection, MemoryStore, conversation, run
from hipsync.testing.rules import KEY, NOON, Case
from hipsync_devices.garmin import DRIVER as GARMIN
from hipsync_devices.garmin import opened as garmin_opened
from hipsync_devices.garmin.sim import UNIT, GarminWatch, UnbondedWatch
from hipsync_devices.huawei import DRIVER as HUAWEI
from hipsync_devices.huawei import opened as huawei_opened
from hipsync_devices.huawei import tlv
from hipsync_devices.huawei.keys import Keys
from hipsync_devices.huawei.sim import HonorBand, HonorBand4, HonorBand6, HuaweiBand
from hipsync_devices.xiaomi import DRIVER as XIAOMI
from hipsync_devices.xiaomi import opened as xiaomi_opened
from hipsync_devices.xiaomi import packets
from hipsync_devices.xiaomi import protobuf as pb
from hipsync_devices.xiaomi.sim import SmartBand8, SmartBand9Active
from hipsync_devices.xiaomi.wire import Kind

ADDRESS = "C0:11:22:33:44:55"
SHORTEST = 8
"""How many bytes of a login in a row would be no accident, if they were in a recording."""


@dataclass(frozen=True)
class Sealed:
    """A family with one of its simulated bands, which is paired before it is recorded."""

    driver: Driver
    made: type[GarminWatch | HuaweiBand | SmartBand8 | SmartBand9Active]


SEALED = {
    "xiaomi": Sealed(XIAOMI, SmartBand9Active),
    "xiaomi-8": Sealed(XIAOMI, SmartBand8),
    "garmin": Sealed(GARMIN, GarminWatch),
    "garmin-unbonded": Sealed(GARMIN, UnbondedWatch),
    "huawei": Sealed(HUAWEI, HuaweiBand),
    "honor": Sealed(HUAWEI, HonorBand),
    "honor-4": Sealed(HUAWEI, HonorBand4),
    "honor-6": Sealed(HUAWEI, HonorBand6),
}
every = pytest.mark.parametrize("kind", SEALED)


class Noting(Recording):
    """A recording that notes what had passed on the air when the first message was opened."""

    def __init__(self, now: Callable[[], datetime], passed: list[bytes]) -> None:
        super().__init__(ADDRESS, now)
        self.login: list[bytes] = []
        self._passed = passed

    def opened_message(self, sign: str, data: bytes) -> None:
        self.login = self.login or list(self._passed)
        super().opened_message(sign, data)


class Overheard:
    """A connection that keeps what passes, as somebody near the band would hear it.

    Its band has the characteristic of opened messages, too, as somebody's may who wants hipsync to skip the login.
    """

    def __init__(self, inner: Connection) -> None:
        self._inner = inner
        self.passed: list[bytes] = []
        self.lost = inner.lost

    @property
    def write_size(self) -> int:
        return self._inner.write_size

    def has(self, characteristic: str, service: str | None = None) -> bool:
        return characteristic == OPENED or self._inner.has(characteristic, service)

    async def read(self, characteristic: str, service: str | None = None) -> bytes:
        return await self._inner.read(characteristic, service)

    async def write(self, characteristic: str, data: bytes, response: bool, service: str | None = None) -> None:
        assert characteristic != OPENED, "it says in plain what it should seal"
        self.passed.append(data)
        await self._inner.write(characteristic, data, response, service)

    async def start_notify(self, characteristic: str, callback: Callable[[bytes], None]) -> None:
        def arrived(data: bytes) -> None:
            self.passed.append(data)
            callback(data)

        await self._inner.start_notify(characteristic, arrived)

    async def stop_notify(self, characteristic: str) -> None:
        await self._inner.stop_notify(characteristic)

    async def bond(self) -> None:
        await self._inner.bond()


@dataclass
class Recorded:
    """What came of one recording."""

    capture: Capture
    text: str
    store: MemoryStore
    band: SimulatedBand
    session: Session
    login: list[bytes]
    """What passed on the air before the first opened message."""


def recorded(kind: str, cut_after: int | None = None) -> Recorded:
    """Pair a band, then record a second connection with it, as `hipsync sync --record` does."""
    sealed = SEALED[kind]
    case = Case(sealed.driver, sealed.made)

    async def story(clock: FastClock) -> Recorded:
        band, first, store = case.band(NOON, "UTC"), MemoryStore(), MemoryStore()
        session = case.session(band, first)
        pairing = DirectConnection(band, clock.now)
        async with dialogue(sealed.driver, conversation(pairing, clock, "UTC"), session, first.commit):
            pass
        pairing.drop()
        session = replace(case.session(band, first), pairing=False, since={})
        direct = DirectConnection(band, clock.now)
        if cut_after is not None:
            direct.cut_after(cut_after)
        air = Overheard(direct)
        record = Noting(clock.now, air.passed)
        talk = conversation(direct, clock, "UTC")
        talk.connection = record.connection(air)
        try:
            async with dialogue(record.driver(sealed.driver), talk, session, store.commit) as opened:
                await opened.fetch(store.commit)
        except DeviceError:
            assert cut_after is not None
        direct.drop()
        assert record.capture is not None
        text = without_name(record.capture).text()
        return Recorded(capture_of(text), text, store, band, session, record.login)

    return run(story, NOON)


def epochs(store: Sequence[object]) -> list[Epoch]:
    return [each for each in store if isinstance(each, Epoch)]


def test_every_family_that_seals_is_here() -> None:
    assert {key for key, driver in drivers().items() if driver.sealed} <= {each.driver.key for each in SEALED.values()}
    assert all(each.driver.sealed for each in SEALED.values())


@every
def test_a_recording_replays_in_the_driver_without_login_and_key(kind: str) -> None:
    told = recorded(kind)
    assert {line.place[0] for line in told.capture.lines} == {OPENED}
    assert len(told.capture.lines) > 20
    again = replay(told.capture, SEALED[kind].driver)
    assert epochs(again) == epochs(told.store.readings) != []


@every
def test_a_simulated_band_says_again_what_was_recorded(kind: str) -> None:
    told = recorded(kind)

    def same(data: bytes) -> bytes:
        """What each connection repeats: without the clock of a band of Huawei, which was set a moment later."""
        return data[:4] if kind.startswith("h") and data.startswith(b"\1\5") else data

    login = (SEALED[kind].driver, told.session.secret or b"")
    replay(told.capture, told.band, varies={OPENED: same}, login=login)
    with pytest.raises(ValueError, match="give `login`"):
        replay(told.capture, told.band)
    lines = [line for line in told.capture.lines if line.sign == "<"]
    other = replace(told.capture, lines=[line._replace(data=line.data + b"\1") for line in lines])
    with pytest.raises(AssertionError, match="the band said"):
        replay(other, told.band, varies={OPENED: same}, login=login)


@every
def test_a_fetch_that_was_cut_replays_up_to_there(kind: str) -> None:
    told = recorded(kind, 90)
    assert told.capture.ended == "LinkLost"
    assert len(told.capture.lines) > 2
    again = replay(told.capture, SEALED[kind].driver)
    assert epochs(again) == epochs(told.store.readings)


# ------------------------------------------------------------------ secrets


def test_what_a_xiaomi_band_says_of_itself_is_its_firmware_and_its_model_alone() -> None:
    said = [pb.blob(1, "29000/A9HP00001"), pb.blob(2, "2.3.151"), pb.blob(3, "861234567890123"), pb.blob(4, "M2435B1")]
    body = pb.message(4, [pb.message(3, [*said, pb.blob(5, "Kim")])])
    told = xiaomi_opened.recorded(Kind.MESSAGE, packets.encode(packets.DEVICE, body))
    assert packets.Device.decode(packets.Message.decode(told[1:])) == packets.Device(None, "2.3.151", "M2435B1")
    assert [each in told for each in (b"29000", b"8612", b"Kim")] == [False] * 3
    empty = xiaomi_opened.recorded(Kind.MESSAGE, packets.encode(packets.DEVICE, pb.blob(4, b"\xff\xffKim")))
    assert b"Kim" not in empty


def test_what_a_huawei_band_says_of_itself_is_its_hardware_firmware_and_model_alone() -> None:
    said = (0x03, b"NA"), (0x05, b"C8:0F:10:80:D0:21"), (0x07, b"6.0.0.125"), (0x09, b"QXZ7S20C"), (0x11, b"Kim's")
    told = huawei_opened.recorded((1, 7), tlv.encode(*said))
    assert huawei_opened.decode(told).what == (1, 7)
    kept = tlv.Fields.decode(huawei_opened.decode(told).body)
    assert [(tag, value.strip(b"\0")) for tag, value in kept.held] == [
        (0x03, b"NA"), (0x05, b""), (0x07, b"6.0.0.125"), (0x09, b""), (0x11, b""),
    ]  # fmt: skip
    assert huawei_opened.recorded((1, 7), b"\x09\x7fKim") == bytes([1, 7]), "what cannot be read is left out"


@pytest.mark.parametrize("decode", [huawei_opened.decode, garmin_opened.decode])
def test_a_message_of_a_file_that_was_cut_is_an_error_of_the_band(decode: Callable[[bytes], object]) -> None:
    with pytest.raises(DeviceError, match="no message of a recording"):
        decode(b"\1")


def forms(secret: bytes) -> Iterator[str]:
    """Every way in which a secret may stand in a recording, as a piece of its text."""
    for order in (secret, secret[::-1]):
        yield order.hex()
        yield order.hex().encode().hex()
        yield order.hex().upper().encode().hex()
        yield order.hex(":").encode().hex()
        yield order.decode("latin1").lower()


def secrets_of(told: Recorded) -> dict[str, bytes]:
    """What may not be in a recording, by what it is."""
    band, found = told.band, {"address": bytes.fromhex(ADDRESS.replace(":", ""))}
    if told.session.secret is not None:
        found["secret"] = told.session.secret
        found["the first of it"] = told.session.secret[:16]
    if isinstance(band, SmartBand8 | SmartBand9Active):
        found |= {"key": KEY, "serial": band.serial.encode(), "name": band.name.encode()}
    elif isinstance(band, HuaweiBand):
        kept = Keys.of(told.session.secret or b"")
        found |= {"serial": band.serial.encode(), "name": band.name.encode(), "token": kept.token}
        found |= {
            "identity": kept.identity.encode(),
            "id": bytes.fromhex(kept.identity),
            "session": kept.session,
            "phone": kept.phone.encode(),
        }
    elif isinstance(band, GarminWatch):
        found |= {"unit": UNIT.to_bytes(4, "little"), "unit as text": str(UNIT).encode(), "name": band.name.encode()}
    return found


@every
def test_no_secret_is_in_a_recording_in_any_form(kind: str) -> None:
    told = recorded(kind)
    text = told.text.lower()
    assert len(secrets_of(told)) >= 4
    found = {what for what, secret in secrets_of(told).items() for form in forms(secret) if form.lower() in text}
    assert found == set()


@every
def test_nothing_of_the_login_is_in_a_recording(kind: str) -> None:
    """Neither nonces nor proofs: no eight bytes in a row that passed before the first opened message."""
    told = recorded(kind)
    assert told.login
    first = (
        2 if kind.startswith("garmin") else 0
    )  # a count of steps comes before the login is over, and opens the recording
    held = "".join(line.data.hex() for line in told.capture.lines[first:])
    windows = {data[at : at + SHORTEST].hex() for data in told.login for at in range(len(data) - SHORTEST + 1)}
    windows = {each for each in windows if len(set(bytes.fromhex(each))) > SHORTEST // 2}
    assert windows
    assert {each for each in windows if each in held} == set()


@every
def test_a_login_that_fails_leaves_nothing_of_itself(kind: str) -> None:
    for cut_after in (1, 2, 4):
        told = recorded(kind, cut_after)
        assert [line for line in told.capture.lines if line.sign != "lost"] == [], cut_after
