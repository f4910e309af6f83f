"""FitPro conversations written down by hand: the driver without the simulated band, and both once over real GATT."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from hipsync.conversation.session import Conversation, collect, meet
from hipsync.core.exercises import Move
from hipsync.driver import Advertisement, Session
from hipsync.errors import DeviceError, MalformedPacket, NoReply, UnexpectedReply
from hipsync.host.clock import FastClock, VirtualTimeLoop
from hipsync.model import MINUTE, Epoch, Prompt, Where
from hipsync.radio.bleak_radio import BleakRadio
from hipsync.radio.simulation import simulated_radio
from hipsync.registry import drivers
from hipsync.service.service import Service
from hipsync.service.state import settings_of
from hipsync.settings.config import Config
from hipsync.store import Store
from hipsync.testing.direct import MemoryStore, run
from hipsync_devices.fitpro import DRIVER, packets
from hipsync_devices.fitpro.sim import FitProBand

SLOT = timedelta(minutes=15)
EVENING = datetime(2021, 9, 20, 21, 20, 5, tzinfo=UTC)
STEPS = "cd0031150102002c2b3400058045071a09c8bb067955062609e8b0e47115059b0a08a4dc7b8506670a28b416763506160a48ac57"
"""fit-steps-20210920, a capture: 19:30 to 20:45 of that day."""
STEPS_ACK = "dc00051501003401"  # 52 bytes
CAPTURED = {
    datetime(2021, 9, 20, 19, 30, tzinfo=UTC): 2052,
    datetime(2021, 9, 20, 19, 45, tzinfo=UTC): 1941,
    datetime(2021, 9, 20, 20, 0, tzinfo=UTC): 1809,
    datetime(2021, 9, 20, 20, 15, tzinfo=UTC): 1976,
    datetime(2021, 9, 20, 20, 30, tzinfo=UTC): 1891,
}
BEGIN = "cd00061501060001 01".replace(" ", "")
BEGIN_ACK = "dc00051506000901"
MARK, MARK_ACK = "cd00051501070000", "dc00051501000801"


class Script:
    """A `session.Connection` to a band that acknowledges each command, and says this after that was written."""

    write_size = 20

    def __init__(self, said: Mapping[str, Sequence[str]]) -> None:
        self.lost = asyncio.Event()
        self.written: list[str] = []
        self._said = dict(said)
        self._callback: Callable[[bytes], None] = lambda _: None

    def has(self, characteristic: str, service: str | None = None) -> bool:
        return characteristic in {packets.NOTIFY, packets.WRITE}

    async def read(self, characteristic: str, service: str | None = None) -> bytes:
        raise DeviceError("nothing can be read")

    async def write(self, characteristic: str, data: bytes, response: bool, service: str | None = None) -> None:
        self.written.append(data.hex())
        if data[0] == 0xCD and data.hex() not in self._said:
            self._callback(bytes([0xDC, 0, 5, data[3], data[5], 0, len(data), 1]))
        for each in self._said.get(data.hex(), []):
            self._callback(bytes.fromhex(each))

    async def start_notify(self, characteristic: str, callback: Callable[[bytes], None]) -> None:
        self._callback = callback

    async def stop_notify(self, characteristic: str) -> None:
        return

    async def bond(self) -> None:
        return


def played(
    said: Mapping[str, Sequence[str]], kept: MemoryStore, *, since: datetime | None = None
) -> tuple[Script, DeviceError | None]:
    async def story(clock: FastClock) -> tuple[Script, DeviceError | None]:
        script = Script(said)
        talk = Conversation(script, zone=ZoneInfo("UTC"), now=clock.now)
        session = Session(since={} if since is None else {Epoch: since})
        try:
            await meet(DRIVER, talk, session, kept.commit)
            await collect(DRIVER, talk, session, kept.commit)
        except DeviceError as error:
            return script, error
        return script, None

    return run(story, EVENING)


def steps(kept: MemoryStore) -> dict[datetime, int]:
    return {epoch.start: epoch.steps for epoch in kept.of(Epoch)}


def test_the_band_is_greeted_and_its_clock_set_word_for_word() -> None:
    script, _ = played({}, MemoryStore())
    assert script.written[:10] == [
        "cd000612010a000102",
        "cd0009120101000456695505",  # 2021-09-20 21:20:05: 21<<26 | 9<<22 | 20<<17 | 21<<12 | 20<<6 | 5
        "cd00051a010a0000",
        "cd00051a010c0000",
        "cd0006120115000101",
        "cd00061201ff000101",
        "cd00051a01010000",
        "cd00051a010f0000",
        "cd00051a01100000",  # fit-info
        "cd0005200102 0000".replace(" ", ""),
    ]


@pytest.mark.parametrize("cut", [104, 40, 2])
def test_a_captured_evening_is_stored_acknowledged_and_followed_by_stillness(cut: int) -> None:
    pieces = [STEPS[at : at + cut] for at in range(0, len(STEPS), cut)]
    kept = MemoryStore()
    script, error = played({BEGIN: [BEGIN_ACK, MARK], MARK_ACK: pieces}, kept)
    assert error is None
    # nothing from 20:45 on: the last slot that had ended is that of 21:00
    still = {datetime(2021, 9, 20, 20, 45, tzinfo=UTC): 0, datetime(2021, 9, 20, 21, 0, tzinfo=UTC): 0}
    assert steps(kept) == CAPTURED | still
    assert [epoch.start for epoch in kept.of(Epoch) if epoch.inferred] == list(still)
    assert script.written[-2:] == [MARK_ACK, STEPS_ACK]


def test_what_could_not_be_stored_is_not_acknowledged() -> None:
    kept = MemoryStore()
    kept.fail_at = 1  # the first batch is what the band says of itself

    async def story(clock: FastClock) -> list[str]:
        script = Script({BEGIN: [BEGIN_ACK, MARK], MARK_ACK: [STEPS]})
        talk = Conversation(script, zone=ZoneInfo("UTC"), now=clock.now)
        await meet(DRIVER, talk, Session(), kept.commit)
        with pytest.raises(OSError, match="disk full"):
            await collect(DRIVER, talk, Session(), kept.commit)
        return script.written

    assert run(story, EVENING)[-1] == MARK_ACK


@pytest.mark.parametrize(
    ("said", "error"),
    [
        ({BEGIN: []}, NoReply),
        ({BEGIN: [BEGIN_ACK]}, NoReply),
        ({BEGIN: ["dc00051506000900"]}, UnexpectedReply),
        ({BEGIN: [BEGIN_ACK, MARK], MARK_ACK: [STEPS[:60]]}, NoReply),
        ({BEGIN: [BEGIN_ACK, MARK], MARK_ACK: ["0102030405"]}, MalformedPacket),
        ({BEGIN: [BEGIN_ACK, MARK], MARK_ACK: ["cdffff15"]}, MalformedPacket),
        ({BEGIN: [BEGIN_ACK, MARK], MARK_ACK: ["cd0009150102000 42b340001".replace(" ", "")]}, MalformedPacket),
    ],
    ids=["no word", "no beginning", "refused", "torn", "noise", "endless", "miscounted"],
)
def test_a_band_that_does_not_keep_to_the_protocol_is_given_up_with_nothing_stored(
    said: Mapping[str, Sequence[str]], error: type[DeviceError]
) -> None:
    kept = MemoryStore()
    script, raised = played(said, kept)
    assert type(raised) is error
    assert steps(kept) == {}
    assert script.written[-1] in {BEGIN, MARK_ACK}


def total_of_the_day(steps: int) -> str:
    """15/0C of 2021-09-20 (0x2b34, as in the capture): date, steps, metres, kilocalories."""
    return f"cd001115010c000c2b34{steps:08x}000000000000"


NIGHT = datetime(2021, 9, 20, 0, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("walked", "since", "still"),
    [
        (0, None, 0),  # a new band: nobody may have worn it
        (900, None, 0),
        (0, NIGHT - 2 * SLOT, 2 + 85),  # worn, and nothing walked up to 21:15
        (900, NIGHT - 2 * SLOT, 0),  # walked, and another app has fetched it
        (900, NIGHT + 80 * SLOT, 5),  # 20:00: today's slots were fetched up to then
    ],
    ids=["new, still", "new, walked", "still", "fetched by another", "fetched by us"],
)
def test_what_a_total_without_slots_proves(walked: int, since: datetime | None, still: int) -> None:
    kept = MemoryStore()
    _, error = played({BEGIN: [BEGIN_ACK, MARK], MARK_ACK: [total_of_the_day(walked)]}, kept, since=since)
    assert error is None
    assert [epoch for epoch in kept.of(Epoch) if not epoch.inferred] == []
    assert len(kept.of(Epoch)) == still


@pytest.mark.parametrize("noise", ["0102030405", "cdffff15", "cd000915010200042b340001"])
def test_what_was_whole_beside_noise_is_stored_and_nothing_is_inferred(noise: str) -> None:
    """Noise before the captured evening or after it: its five slots are stored, what follows them is unknown."""
    for said in ([noise, STEPS], [STEPS, noise]):
        kept = MemoryStore()
        script, error = played({BEGIN: [BEGIN_ACK, MARK], MARK_ACK: said}, kept)
        assert type(error) is MalformedPacket
        assert steps(kept) == CAPTURED
        assert script.written[-1] == STEPS_ACK


def test_a_band_that_acknowledges_nothing_tells_its_evening() -> None:
    kept = MemoryStore()
    silent: dict[str, list[str]] = {word: [] for word in played({}, MemoryStore())[0].written}
    _, error = played({**silent, BEGIN: [MARK], MARK_ACK: [STEPS]}, kept)
    assert error is None
    assert {start: count for start, count in steps(kept).items() if count} == CAPTURED


@pytest.mark.parametrize(
    ("name", "ours"),
    [
        ("LH716", True), ("716", True), ("M6", True), ("M4 1A2B", True), ("Sunset 6", True), ("YBW-05", True),
        ("M400", False), ("Mi Band 2", False), ("Lefun", False), ("R02_1A2B", False), ("InfiniTime", False),
        ("", False),
    ],
)  # fmt: skip
def test_a_band_is_told_by_its_name(name: str, ours: bool) -> None:
    assert DRIVER.matches(Advertisement(name=name)) == ours


def test_nordics_service_is_not_the_familys() -> None:
    assert not DRIVER.matches(Advertisement(services=frozenset({"6e400001-b5a3-f393-e0a9-e50e24dcca9e"})))
    assert DRIVER.matches(Advertisement(services=frozenset({"6e400001-b5a3-f393-e0a9-e50e24dcca9d"})))


async def nowhere(prompt: Prompt, move: Move, strong: bool) -> Sequence[Where]:
    return []


def test_a_morning_arrives_over_gatt(tmp_path: Path) -> None:
    nine = datetime(2026, 11, 20, 9, tzinfo=UTC)
    loop = VirtualTimeLoop()
    clock = FastClock(loop, nine + 3 * SLOT + timedelta(seconds=20))
    life = [Epoch(nine + 3 * MINUTE, MINUTE, 90), Epoch(nine + 32 * MINUTE, MINUTE, 30)]
    band = FitProBand(life, now=clock.now(), zone=ZoneInfo("UTC"))

    async def story() -> list[Epoch]:
        async with simulated_radio([band], now=clock.now, addresses=["C0:00:00:00:00:01"]) as air:
            with Store.open(tmp_path / "some.db") as store:
                store.add_band(
                    name="band", driver="fitpro", address="C0:00:00:00:00:01", advertised_name="LH716",
                    now=clock.now(), simulated=True,
                )  # fmt: skip
                service = Service(
                    store, settings_of(Config(), "UTC"), radio=BleakRadio(air.adapter), drivers=drivers(),
                    secret=lambda _: None, deliver=nowhere, now=clock.now,
                )  # fmt: skip
                async with service.connector.talk(store.bands()[0]):
                    return store.epochs(store.bands()[0].id, nine - SLOT, clock.now())

    try:
        stored = loop.run_until_complete(story())
        loop.run_until_complete(loop.shutdown_default_executor())
    finally:
        loop.close()
    assert stored == [
        Epoch(nine, SLOT, 90),
        Epoch(nine + SLOT, SLOT, 0, inferred=True),
        Epoch(nine + 2 * SLOT, SLOT, 30),
    ]
