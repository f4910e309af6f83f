"""The rows of `vectors/zepp.json` that this family reads or writes, against the driver and against the simulated watch.

`test_no_row_is_forgotten` counts them. Expectations are the rows' own; rows of what hipsync leaves alone are named in
`tests/evidence/known.py`, each with why.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from evidence.known import NOT_MET
from hipsync.conversation.dialogue import dialogue
from hipsync.conversation.session import Conversation
from hipsync.driver import Advertisement, Message, Session
from hipsync.errors import MalformedPacket
from hipsync.host.clock import FastClock
from hipsync.model import MINUTE, Epoch, State
from hipsync.registry import drivers
from hipsync.simulated import Notification
from hipsync.testing.direct import DirectConnection, MemoryStore, conversation, run
from hipsync_devices.gatt import HEART_RATE_MEASUREMENT, uuid16
from hipsync_devices.huami import DRIVER, chunked, ecdh, endpoints, packets
from hipsync_devices.huami.auth import answer
from hipsync_devices.huami.chunked import TO_BAND, TO_PHONE, Assembly, Keys
from hipsync_devices.huami.endpoints import Challenge, Hello, Proof
from hipsync_devices.huami.packets import DATA, FETCH, CurrentTime, Round
from hipsync_devices.huami.sim_zepp import ActiveMax, HelioStrap
from support.huami_bands import Script
from support.shared import VECTORS

Row = dict[str, Any]
ROWS: dict[str, Row] = {row["id"]: row for row in json.loads((VECTORS / "zepp.json").read_text("utf-8"))["vectors"]}
AREAS: dict[str, str] = {
    "steps-0016": """
        zepp-steps-push-recorded gb-steps-off gb-steps-0 gb-steps-19 gb-steps-255 gb-steps-8000 gb-steps-12345
        gb-steps-65535 gb-steps-65536 gb-steps-short bio-steps-0 bio-steps-19 bio-steps-255 bio-steps-9101
        bio-steps-65535 pyc-steps-reply-9101
    """,
    "services-0000": "zepp-services-active-max gb-services-ask",
    "advertisement": "zepp-adv-helio zepp-name-active-max",
    "find-001a": "zepp-find-buzz-helio zepp-doc-find-stop gb-find-stop gb-find-from-band-04",
    "battery-0029": "zepp-battery-18 pyc-battery-12 pyc-battery-5d",
    "heart-rate-001d": "gb-hr-start gb-hr-continue gb-hr-from-band-0500 gb-hr-from-band-0600",
    "heart-rate-2a37": "gb-hr-2a37-0048 gb-hr-2a37-0000 gb-hr-2a37-1048",
    "connection-0015": "gb-ping-from-band",
    "time-0047": """
        gb-time-UTC gb-time-Australia/Sydney gb-time-America/St_Johns gb-time-America/Los_Angeles
        gb-time-Pacific/Chatham
    """,
    "auth-0082": "gb-auth-0 gb-auth-2 gb-auth-3 gb-auth-5 bio-ecdh-0 bio-ecdh-2 bio-ecdh-3",
    "chunks": """
        gb-chunks-0-23-1 gb-chunks-0-23-3 gb-chunks-0-23-4 gb-chunks-0-247-1 gb-chunks-0-247-2 gb-chunks-0-247-4
        gb-chunks-0-247-5 gb-chunks-1-23-5 gb-chunks-1-247-1 bio-chunks-23-0 bio-chunks-23-2 bio-chunks-23-7
        bio-chunks-23-9 bio-chunks-23-12 bio-chunks-23-14 bio-chunks-65-9 bio-chunks-65-12 bio-chunks-185-9
        bio-chunks-185-12 bio-chunks-247-2 bio-chunks-247-4 bio-chunks-247-9 bio-chunks-247-11 bio-chunks-247-14
        pyc-test-encrypt
    """,
    "fetch-004b": "zepp-doc-fetch-004b",
    "alarms-000f": "zepp-doc-alarm-sealed",
    "fetch": "zepp-fetch-start-helio-30 zepp-fetch-nothing",
    "timestamp8": """
        bio-time8-2026-09-30T12:34-8 bio-time8-2026-07-01T00:00-22 bio-time8-2026-03-29T02:30-23
        bio-time8-2026-12-31T23:59--32 bio-time8-2027-01-01T00:00-56 bio-time8-read-ea07091e0b3700f0
        bio-time8-read-3a080206021c10f0
    """,
    "activity-round": "bio-activity-0 bio-activity-2 bio-activity-3",
}
"""The rows of each area that are met below, by the driver and, wherever it says or hears it too, by the watch."""
NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)
KEY = bytes.fromhex("00112233445566778899aabbccddeeff")


def of(*areas: str) -> list[Any]:
    return [pytest.param(ROWS[name], id=name) for area in areas for name in AREAS[area].split()]


def raw(text: str) -> bytes:
    return bytes.fromhex(text)


def test_no_row_is_forgotten() -> None:
    here = [name for names in AREAS.values() for name in names.split()]
    assert len(here) == len(set(here)) == 86
    assert all(ROWS[name]["area"] == area for area, names in AREAS.items() for name in names.split())
    left = {name for name in ROWS if name not in here}
    assert left <= NOT_MET.keys()


# ------------------------------------------------------------------ a watch, by hand


class Hand:
    """A phone in somebody's hand: it is logged in to a simulated watch, and writes one message at a time."""

    def __init__(self, watch: ActiveMax, *subscribed: str, now: datetime = NOW) -> None:
        self.watch, self.now, self.heard, self._handle = watch, now, Assembly(), 0
        watch.mtu = 247
        watch.connected(now)
        for uuid in (TO_PHONE, TO_BAND, *subscribed):
            watch.on_subscribe(uuid, True, now)
        private = 1 << 100 | 12345
        challenge = Challenge.decode(self.say(endpoints.LOGIN, Hello(ecdh.public_key(private)).encode())[0])
        keys = Keys.agreed(ecdh.shared_secret(private, challenge.public), KEY)
        proof = Proof(answer(KEY, challenge.random), answer(keys.session, challenge.random))
        assert self.say(endpoints.LOGIN, proof.encode())[0] == raw("100501")
        self.heard.keys, self._sequence = keys, keys.sequence

    def say(self, endpoint: int, payload: bytes) -> list[bytes]:
        """Say a message as the watch's list wants it, and return what the endpoint says to that."""
        self._handle += 1
        sealed = self.heard.keys is not None and self.watch.services_sealed.get(endpoint, False)
        message = chunked.Message(self._handle, endpoint, payload, sealed)
        for chunk in chunked.encode(message, 244, self.heard.keys, getattr(self, "_sequence", 0)):
            self.watch.write(TO_BAND, packets.FEE0, chunk, self.now)
        return self.hear(endpoint)

    def hear(self, endpoint: int, after: timedelta = timedelta()) -> list[bytes]:
        self.now += after
        events = [each for each in self.watch.advance(self.now) if isinstance(each, Notification)]
        messages = [self.heard.take(each.data) for each in events if each.characteristic == TO_PHONE]
        return [each.payload for each in messages if each is not None and each.endpoint == endpoint]


def a_watch(life: Sequence[Epoch] = (), *, zone: str = "UTC", now: datetime = NOW) -> ActiveMax:
    return ActiveMax(life, now=now, zone=ZoneInfo(zone), secret=KEY)


def walked(steps: int) -> list[Epoch]:
    """A minute with so many steps; more than a minute of a record holds are counted all the same."""
    return [Epoch(NOW - MINUTE, MINUTE, steps)]


# ------------------------------------------------------------------ steps


@pytest.mark.parametrize("row", of("steps-0016"))
def test_a_total_is_read_and_a_watch_says_it_so(row: Row) -> None:
    name, decoded = row["id"], row["decoded"]
    if name == "gb-steps-off":
        assert raw(row["bytes"]) == endpoints.STOP_STEPS
        hand = Hand(a_watch())
        hand.watch.tells_steps = True
        assert hand.say(endpoints.STEPS, raw(row["bytes"])) == [raw("060100")]
        assert not hand.watch.tells_steps
    elif name == "gb-steps-short":
        with pytest.raises(MalformedPacket):
            endpoints.decode_steps(raw(row["bytes"]))
    elif name in {"zepp-steps-push-recorded", "pyc-steps-reply-9101"}:
        chunks = [row["bytes"]] if isinstance(row["bytes"], str) else row["bytes"]
        for chunk in chunks:
            message = Assembly().take(raw(chunk))
            assert message is not None
            assert (message.endpoint, message.encrypted) == (endpoints.STEPS, False)
            assert chunked.receipt_for(raw(chunk)) is None
            assert endpoints.decode_steps(message.payload).steps == (9101 if "9101" in name else decoded["steps"])
    else:
        steps = int(name.rpartition("-")[2])
        for said in (row["bytes"]["push"], row["bytes"]["answer"]):
            assert endpoints.decode_steps(raw(said)).steps == steps
        numbers = decoded.get("by_amazfit_pyclient", decoded)
        told = endpoints.decode_steps(raw(row["bytes"]["push"]))
        assert (told.metres, told.kilocalories) == (numbers["metres"], numbers["kcal"])


@pytest.mark.parametrize(
    "said",
    ["", "07", "070c8d230000e21800006c0100", "070c8d230000e21800006c01000000", "07008d230000e21800006c010000",
     "04000c8d230000e21800006c010000", "04010c8d230000e21800006c01000000", "08010c8d230000e21800006c010000"],
)  # fmt: skip
def test_a_total_of_another_length_or_status_is_refused(said: str) -> None:
    """Those of row pyc-steps-reply-9101, but for a byte: cut, longer, without `0c`, not successful, another answer."""
    assert endpoints.decode_steps(raw("04010c8d230000e21800006c010000")).steps == 9101
    with pytest.raises(MalformedPacket):
        endpoints.decode_steps(raw(said))


@pytest.mark.parametrize("row", of("steps-0016"))
def test_a_watch_says_a_total_as_recorded(row: Row) -> None:
    """Its metres and energy are by a rule of its own, which is that of these rows but for the rounding."""
    if "push" not in row["bytes"]:
        return
    steps = int(row["id"].rpartition("-")[2])
    hand = Hand(a_watch(walked(steps)))
    hand.watch.asks = False
    (said,) = hand.say(endpoints.STEPS, raw("03"))
    assert said[:7] == raw(row["bytes"]["answer"])[:7]
    assert len(said) == len(raw(row["bytes"]["answer"]))
    assert hand.say(endpoints.STEPS, raw("0501")) == [raw("060101")]
    (told,) = hand.hear(endpoints.STEPS, MINUTE)
    assert told[:6] == raw(row["bytes"]["push"])[:6]
    assert len(told) == len(raw(row["bytes"]["push"]))


def test_a_watch_that_stands_still_tells_each_minute_as_recorded() -> None:
    """zepp-steps-push-recorded: the same total after 60 s, in one chunk that wants no receipt, with the next handle."""
    watch = a_watch()
    watch.asks = False
    hand = Hand(watch)
    hand.say(endpoints.STEPS, raw("0501"))
    chunks: list[bytes] = []
    for second in range(1, 121):
        events = watch.advance(NOW + timedelta(seconds=second))
        chunks += [
            each.data for each in events
            if isinstance(each, Notification) and each.characteristic == TO_PHONE and each.data[9:11] == b"\x16\x00"
        ]  # fmt: skip
    recorded = [raw(each) for each in ROWS["zepp-steps-push-recorded"]["bytes"]]
    assert [each[:3] + each[4:] for each in chunks] == [each[:3] + each[4:] for each in recorded]


# ------------------------------------------------------------------ the list, battery, pulse, buzz, ping


def test_the_recorded_list_is_read_and_the_watch_gives_it_byte_for_byte() -> None:
    row = ROWS["zepp-services-active-max"]
    expected = {int(endpoint, 16): sealed for endpoint, sealed in row["decoded"]["endpoints"].items()}
    assert endpoints.decode_services(raw(row["bytes"])) == expected
    assert Hand(a_watch()).say(0x0000, raw(ROWS["gb-services-ask"]["bytes"])) == [raw(row["bytes"])]


@pytest.mark.parametrize("row", of("battery-0029"))
def test_a_battery_is_read_and_written(row: Row) -> None:
    battery = endpoints.decode_battery(raw(row["bytes"]))
    assert (battery.percent, battery.charging) == (row["decoded"]["percent"], bool(row["decoded"]["charging"]))
    quarters = int.from_bytes(raw(row["bytes"])[19:20], "little", signed=True)
    full = raw(row["bytes"])[11]
    assert (
        endpoints.encode_battery(battery, int.from_bytes(bytes([full]), "little", signed=True))[:12]
        == (raw(row["bytes"])[:12])
    )
    assert battery.last_charger_event is not None
    assert packets.encode_stamp(battery.last_charger_event, quarters) == raw(row["bytes"])[12:20]
    assert battery.last_level == raw(row["bytes"])[20]


@pytest.mark.parametrize("row", of("heart-rate-2a37"))
def test_a_heart_rate_is_read(row: Row) -> None:
    reads = row["decoded"]["peer_reads"]
    if reads is None:
        with pytest.raises(MalformedPacket):
            packets.decode_heart_rate(raw(row["bytes"]))
    else:
        assert packets.decode_heart_rate(raw(row["bytes"])) == (reads or None)


def test_a_watch_measures_a_pulse_as_it_is_told() -> None:
    assert raw(ROWS["gb-hr-start"]["bytes"]) == endpoints.MEASURE_HEART
    assert raw(ROWS["gb-hr-continue"]["bytes"]) == endpoints.GO_ON_MEASURING
    watch = a_watch([Epoch(NOW - MINUTE, MINUTE, 0, heart_rate=0x48)])
    hand = Hand(watch, HEART_RATE_MEASUREMENT)
    said = raw(ROWS["gb-hr-from-band-0500"]["bytes"])
    assert hand.say(endpoints.HEART_RATE, raw(ROWS["gb-hr-start"]["bytes"])) == [said]
    events = watch.advance(NOW + timedelta(seconds=1))
    assert Notification(HEART_RATE_MEASUREMENT, raw(ROWS["gb-hr-2a37-0048"]["bytes"])) in events
    assert hand.say(endpoints.HEART_RATE, raw(ROWS["gb-hr-continue"]["bytes"])) == [said]
    assert hand.say(endpoints.HEART_RATE, raw("0400")) == [said]


def test_a_watch_tells_that_its_wearer_woke_up() -> None:
    watch = a_watch([Epoch(NOW, MINUTE, 0, state=State.ASLEEP), Epoch(NOW + MINUTE, MINUTE, 0)])
    watch.asks = False
    hand = Hand(watch)
    told = [*hand.hear(endpoints.HEART_RATE, MINUTE), *hand.hear(endpoints.HEART_RATE, MINUTE)]
    assert told == [raw("0601"), raw(ROWS["gb-hr-from-band-0600"]["bytes"])]


def test_a_watch_buzzes_as_recorded_and_asks_whether_anybody_is_there() -> None:
    row = ROWS["zepp-find-buzz-helio"]["bytes"]
    hand = Hand(a_watch())
    start, stop = (raw(each) for each in row["to_band"])
    assert hand.say(endpoints.FIND, start) == [raw(each) for each in row["from_band"]]
    assert stop == raw(ROWS["gb-find-stop"]["bytes"])
    hand.now += timedelta(milliseconds=500)
    assert hand.say(endpoints.FIND, stop) == []
    assert hand.watch.buzzes == [timedelta(milliseconds=500)]
    ping = ROWS["gb-ping-from-band"]["bytes"]
    assert raw(ping["from_band"]) in hand.hear(endpoints.CONNECTION, timedelta(seconds=45))
    hand.say(endpoints.CONNECTION, raw(ping["answers"][0]))
    hand.hear(endpoints.CONNECTION, timedelta(seconds=30))
    assert hand.watch.complaints == []


def messages_of(watch: ActiveMax, written: Sequence[tuple[str, bytes]]) -> list[tuple[int, str]]:
    """What the driver said over its channel, opened with the keys of the login."""
    heard = Assembly()
    heard.keys = watch._assembly.keys  # pyright: ignore[reportPrivateUsage]  nobody else has them
    found = [heard.take(data) for uuid, data in written if uuid == TO_BAND]
    return [(each.endpoint, each.payload.hex()) for each in found if each is not None]


def test_the_driver_says_it_as_others_do() -> None:
    """It buzzes as was felt on a Helio, and answers a question of the watch."""
    watch, said = a_watch(), list[tuple[int, str]]()

    async def story(clock: FastClock) -> None:
        connection = DirectConnection(watch, clock.now)
        session = Session(name=watch.name, secret=KEY)
        async with dialogue(DRIVER, conversation(connection, clock), session, MemoryStore().commit) as opened:
            await opened.nudge(Message("a", "b"))
            await clock.sleep_until(NOW + timedelta(seconds=60))
            said.extend(messages_of(watch, connection.written))
        connection.drop()

    run(story, NOW)
    to_band = ROWS["zepp-find-buzz-helio"]["bytes"]["to_band"]
    assert [payload for endpoint, payload in said if endpoint == endpoints.FIND] == to_band
    assert watch.buzzes == [timedelta(milliseconds=500)]
    pongs = [payload for endpoint, payload in said if endpoint == endpoints.CONNECTION]
    assert set(pongs) == set(ROWS["gb-ping-from-band"]["bytes"]["answers"])
    assert (endpoints.SERVICES, ROWS["gb-services-ask"]["bytes"]) in said
    assert (endpoints.STEPS, ROWS["gb-steps-off"]["bytes"]) in said
    assert raw(ROWS["gb-find-from-band-04"]["bytes"]["from_band"]) == bytes([endpoints.FIND_STARTED])


UNASKED = {
    "gb-find-from-band-020102": endpoints.FIND, "gb-find-from-band-11": endpoints.FIND,
    "gb-find-from-band-1500": endpoints.FIND, "gb-find-from-band-13": endpoints.FIND,
    "gb-mtu-02f400": endpoints.CONNECTION, "gb-mtu-021400": endpoints.CONNECTION, "gb-silent-05": 0x003B,
    "gb-silent-0700": 0x003B, "gb-hr-from-band-0600": endpoints.HEART_RATE, "gb-notify-from-band-0503": 0x001E,
    "gb-notify-from-band-0444": 0x001E,
}  # fmt: skip
"""What a watch may tell that is no use here, by the row, with the endpoint that tells it."""


def test_what_is_no_use_here_is_left_alone() -> None:
    watch, kept = a_watch(), MemoryStore()
    watch.asks = False
    said: list[tuple[int, str]] = []

    async def story(clock: FastClock) -> None:
        connection = DirectConnection(watch, clock.now)
        session = Session(name=watch.name, secret=KEY)
        async with dialogue(DRIVER, conversation(connection, clock), session, kept.commit) as opened:
            before = len(messages_of(watch, connection.written))
            for name, endpoint in UNASKED.items():
                held = ROWS[name]["bytes"]
                watch.send(endpoint, raw(held if isinstance(held, str) else held["from_band"]))
            await clock.sleep_until(NOW + MINUTE)
            said.extend(messages_of(watch, connection.written)[before:])
            await opened.nudge(Message("a", "b"))
        connection.drop()

    run(story, NOW)
    assert said == []
    assert len(watch.buzzes) == 1


# ------------------------------------------------------------------ the clock


@pytest.mark.parametrize("row", of("time-0047"))
def test_the_clock_is_said_as_another_client_says_it_and_a_watch_takes_it(row: Row) -> None:
    said, zone = raw(row["bytes"][0]), ZoneInfo(row["decoded"]["zone"])
    local = datetime.fromisoformat(row["decoded"]["local"]).replace(tzinfo=zone)
    fraction = timedelta(microseconds=-(-row["decoded"]["fraction"] * 1_000_000 // 256))
    instant = local.astimezone(UTC) + fraction
    clock = CurrentTime(instant, row["decoded"]["quarters"], row["decoded"]["dst_byte"] == 8)
    assert endpoints.encode_clock(clock) == said
    read = endpoints.decode_clock(said)
    assert (read.instant, read.quarters, read.summer) == (local.astimezone(UTC), clock.quarters, clock.summer)
    hand = Hand(a_watch())
    assert hand.say(endpoints.CLOCK, said) == [raw("0601")]
    assert hand.watch.clock() == local.astimezone(UTC)
    wrong_day = said[:8] + bytes([said[8] + 1]) + said[9:]
    for wrong in (said[:-1], wrong_day):
        assert hand.say(endpoints.CLOCK, wrong) in ([], [raw("0604")])
        assert hand.watch.clock() == local.astimezone(UTC)


@pytest.mark.parametrize("zone", ["UTC", "Australia/Sydney", "America/St_Johns", "Pacific/Chatham"])
def test_the_driver_sets_the_clock_of_its_wearer_s_zone(zone: str) -> None:
    row = ROWS[f"gb-time-{zone}"]
    at = datetime.fromisoformat(row["decoded"]["local"]).replace(tzinfo=ZoneInfo(zone)).astimezone(UTC)
    watch, said = a_watch(now=at, zone=zone), list[tuple[int, str]]()

    async def story(clock: FastClock) -> None:
        connection = DirectConnection(watch, clock.now)
        talk = conversation(connection, clock, zone)
        async with dialogue(DRIVER, talk, Session(name=watch.name, secret=KEY), MemoryStore().commit):
            said.extend(messages_of(watch, connection.written))
        connection.drop()

    run(story, at)
    (told,) = [payload for endpoint, payload in said if endpoint == endpoints.CLOCK]
    assert told[:18] + told[20:] == row["bytes"][0][:18] + row["bytes"][0][20:]  # but for the fraction of the second


# ------------------------------------------------------------------ login and chunks


@pytest.mark.parametrize("row", of("auth-0082"))
def test_a_login_is_the_one_that_others_computed(row: Row) -> None:
    said, decoded = row["bytes"], row["decoded"]
    phone = ecdh.private_key(lambda _: raw(decoded["phone_private"]))
    band = ecdh.private_key(lambda _: raw(decoded["band_private"]))
    key = raw(decoded["key"])
    public = Hello.decode(raw(said["hello"])).public if "hello" in said else raw(said["phone_public"])
    assert ecdh.public_key(phone) == public
    challenge = (
        Challenge.decode(raw(said["challenge"]))
        if "challenge" in said
        else Challenge(raw(decoded["random"]), raw(said["band_public"]))
    )
    assert ecdh.public_key(band) == challenge.public
    shared = ecdh.shared_secret(phone, challenge.public)
    assert shared == ecdh.shared_secret(band, public)
    assert shared.hex() == said.get("shared", shared.hex())
    keys = Keys.agreed(shared, key)
    assert (keys.session.hex(), keys.sequence) == (decoded["session"], decoded["sequence"])
    proof = Proof(answer(key, challenge.random), answer(keys.session, challenge.random))
    assert proof.encode() == raw(said["proof"])
    if "hello" in said:
        assert Hello(public).encode() == raw(said["hello"])
        assert challenge.encode() == raw(said["challenge"])


@pytest.mark.parametrize("row", of("auth-0082"))
def test_a_watch_lets_in_who_logs_in_so(row: Row) -> None:
    said, decoded = row["bytes"], row["decoded"]
    hello = said.get("hello", "04020002" + said.get("phone_public", ""))
    watch = ActiveMax([], now=NOW, zone=ZoneInfo("UTC"), secret=raw(decoded["key"]))
    watch.private = ecdh.private_key(lambda _: raw(decoded["band_private"]))
    watch.challenge = raw(decoded["random"]) if "random" in decoded else raw(said["challenge"])[3:19]
    watch.connected(NOW)
    watch.on_subscribe(TO_PHONE, True, NOW)
    heard = Assembly()
    answers: list[str] = []
    watch.mtu = 247
    for handle, payload in enumerate((hello, said["proof"]), 1):
        for chunk in chunked.encode(chunked.Message(handle, endpoints.LOGIN, raw(payload)), 244):
            watch.write(TO_BAND, packets.FEE0, chunk, NOW)
        for event in watch.advance(NOW):
            assert isinstance(event, Notification)
            message = heard.take(event.data) if event.characteristic == TO_PHONE else None
            if message is not None and message.endpoint == endpoints.LOGIN:
                answers.append(message.payload.hex())
    assert answers[0] == said.get("challenge", answers[0])
    assert answers[1] == "100501"


@pytest.mark.parametrize("row", of("chunks", "fetch-004b", "alarms-000f"))
def test_a_message_is_cut_sealed_and_joined_as_others_do(row: Row) -> None:
    check_chunks(row)


def test_the_stop_of_a_buzz_is_the_published_one() -> None:
    check_chunks(ROWS["zepp-doc-find-stop"])


def check_chunks(row: Row) -> None:
    decoded = row["decoded"]
    if row["id"] == "pyc-test-encrypt":
        keys = Keys(raw(decoded["session"]), 0)
        payload, sealed = raw(row["bytes"]["payload"]), raw(row["bytes"]["sealed"])
        assert keys.seal(decoded["handle"], payload, decoded["sequence"]) == sealed
        assert keys.unseal(decoded["handle"], sealed, len(payload)) == payload
        return
    said: Any = row["bytes"]
    by_mtu: dict[int, list[str]] = {decoded["mtu"]: said} if "mtu" in decoded else {}
    for mtu in (23, 247) if not by_mtu else ():
        by_mtu |= {mtu: said[f"mtu{mtu}"]} if said[f"mtu{mtu}"] else {}
    assert by_mtu
    sequence = decoded.get("sequence", decoded.get("sequence_at_login", 0) + decoded.get("encrypted_before", 0))
    keys = Keys(raw(decoded["session"]), sequence)
    endpoint = int(decoded["endpoint"], 16)
    message = chunked.Message(decoded["handle"], endpoint, raw(decoded["payload"]), decoded["encrypted"])
    for mtu, chunks in by_mtu.items():
        assert [each.hex() for each in chunked.encode(message, mtu - 3, keys, sequence)] == chunks
        heard = Assembly()
        heard.keys = keys
        assert [heard.take(raw(each)) for each in chunks] == [None] * (len(chunks) - 1) + [message]


# ------------------------------------------------------------------ stored minutes


@pytest.mark.parametrize("row", of("timestamp8"))
def test_a_stamp_is_the_one_of_another_client(row: Row) -> None:
    decoded = row["decoded"]
    instant = datetime.fromisoformat(decoded.get("utc", decoded.get("instant")))
    quarters = decoded.get("quarters", int.from_bytes(raw(row["bytes"])[7:], "little", signed=True))
    assert packets.encode_stamp(instant, quarters) == raw(row["bytes"])
    assert packets.decode_stamp(raw(row["bytes"])) == (instant if instant.year < 2100 else None)


@pytest.mark.parametrize("row", of("activity-round"))
def test_a_round_is_read_as_by_others_and_a_watch_gives_it_so(row: Row) -> None:
    payload, start = raw(row["bytes"]["payload"]), packets.decode_stamp(raw(row["bytes"]["start"]))
    assert start is not None
    epochs = packets.decode_records(payload, 8, start, newer=True)
    told = row["decoded"]["epoch_kind_intensity_steps_hr"]
    assert [(int(each.start.timestamp()), each.kind, each.intensity, each.steps) for each in epochs] == [
        (at, kind, intensity, steps) for at, kind, intensity, steps, _ in told
    ]
    assert [each.heart_rate for each in epochs] == [bpm if bpm not in {0, 255} else None for *_, bpm in told]
    assert packets.checksum(payload) == raw(row["bytes"]["crc32"])
    written = [packets.encode_record(kind, intensity, steps, bpm, 8) for _, kind, intensity, steps, bpm in told]
    assert [each[:4] for each in written] == [payload[at : at + 4] for at in range(0, len(payload), 8)]


ZONES = {4: "Europe/Berlin", 8: "Africa/Cairo", 23: "Asia/Kathmandu"}
"""A zone with each offset in November, in quarters of an hour."""


@pytest.mark.parametrize("room", [240, 16], ids=["MTU 247", "MTU 23"])
@pytest.mark.parametrize("row", of("activity-round"))
def test_a_round_comes_in_the_packets_of_another_client(row: Row, room: int) -> None:
    said, told = row["bytes"], row["decoded"]["epoch_kind_intensity_steps_hr"]
    start = packets.decode_stamp(raw(said["start"]))
    assert start is not None
    payload = raw(said["payload"])
    cut = [bytes([at // room & 0xFF]) + payload[at : at + room] for at in range(0, len(payload), room)]
    given = [raw(each) for each in said["packets_mtu247" if room == 240 else "first_packets_mtu23"]]
    assert cut[: len(given)] == given
    quarters = raw(said["start"])[7]
    script = f"""
        P 0004  0101{said["start"]}
        B 0004  100101{len(told).to_bytes(4, "little").hex()}{said["start"]}00
        P 0004  02
        {"".join(f"B 0005  {each.hex()}{chr(10)}" for each in cut)}
        B 0004  100201{said["crc32"]}
        P 0004  0309
        B 0004  100301
        wait 1
        P 0004  0101{packets.encode_stamp(start + len(told) * MINUTE, quarters).hex()}
        B 0004  100101000000000000000000000000 00
        P 0004  0309
        B 0004  100301
    """
    kept = MemoryStore()

    async def story(clock: FastClock) -> None:
        connection = Script(script, {"2A28": b"1"}, write_size=room + 4)
        talk = Conversation(connection, zone=ZoneInfo(ZONES[quarters]), now=clock.now)
        session = Session("Amazfit Helio Strap", KEY, since={Epoch: start})
        async with dialogue(DRIVER, talk, session, kept.commit, log_in=False) as opened:
            await opened.fetch(kept.commit)
        assert connection.left == []

    run(story, start + timedelta(days=1))
    assert [(int(each.start.timestamp()), each.steps) for each in kept.of(Epoch)] == [
        (at, steps) for at, _, _, steps, _ in told
    ]


def test_a_fetch_is_asked_for_and_announced_as_recorded() -> None:
    asked, announced = (raw(each) for each in ROWS["zepp-fetch-start-helio-30"]["bytes"])
    since = datetime(2026, 9, 30, 15, 55, tzinfo=UTC)
    assert packets.encode_fetch(since, -16) == asked
    reply = packets.Reply.decode(announced)
    assert Round.decode(reply.payload) == Round(30, since)
    life = [Epoch(since + each * MINUTE, MINUTE, 2) for each in range(30)]
    now, zone = since + 30 * MINUTE, ZoneInfo("America/New_York")
    strap = HelioStrap(life, now=now, zone=zone, secret=KEY)
    Hand(strap, FETCH, DATA, now=now)
    strap.write(FETCH, packets.FEE0, asked, now)
    assert Notification(FETCH, announced) in strap.advance(now)
    for nothing in ROWS["zepp-fetch-nothing"]["bytes"]:
        assert Round.decode(packets.Reply.decode(raw(nothing)).payload) == Round(0, None)


# ------------------------------------------------------------------ who it is


def test_a_strap_that_broadcasts_like_a_sensor_is_of_this_family() -> None:
    row = ROWS["zepp-adv-helio"]["bytes"]
    data = {int(number): raw(value) for number, value in row["manufacturer_data"].items()}
    services = frozenset(uuid16(int(number, 16)) for number in row["services_16"])
    advertised = Advertisement(name=row["name"], services=services, manufacturer_data=data)
    assert DRIVER.matches(advertised)
    assert not drivers()["sig"].matches(advertised)
    assert packets.decode_advertised_heart_rate(data[packets.COMPANY]) is None, "it measures none"


def test_a_watch_is_known_by_the_name_that_it_has_over_gatt() -> None:
    name = ROWS["zepp-name-active-max"]["bytes"]["gap_device_name"]
    assert DRIVER.knows_name(name)
