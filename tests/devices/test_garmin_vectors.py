"""Bytes of Garmin watches that others recorded, published or computed, against both ends.

They are the rows of `vectors/garmin.json`, each with its source there, layer by layer; those of workouts are in
`vectors/workouts.json`, those of texts in `test_garmin_texts.py`, those of the watch's own login in
`test_garmin_login.py`, and the real files of minutes in `test_garmin_fit.py`. What is expected stands in the rows.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from itertools import chain
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from hipsync.conversation.dialogue import dialogue
from hipsync.driver import Message, Session
from hipsync.errors import MalformedPacket
from hipsync.host.clock import FastClock
from hipsync.model import Reading, Workout, WorkoutKind
from hipsync.simulated import Notification
from hipsync.testing.direct import DirectConnection, MemoryStore, conversation, run
from hipsync_devices import gatt
from hipsync_devices.garmin import (
    DRIVER,
    cobs,
    files,
    gfdi,
    live,
    minutes,
    monitoring,
    multilink,
    reliable,
    smart,
    workouts,
)
from hipsync_devices.garmin.gfdi import Answer, Clock, Device, Event, Frame, Kind
from hipsync_devices.garmin.multilink import Closed, Registered
from hipsync_devices.garmin.reliable import Packet
from hipsync_devices.garmin.sim import LANES, GarminWatch
from hipsync_devices.garmin.sim_fit import checksum
from hipsync_devices.garmin.stored import wanted
from support.garmin_rows import ROWS, decoded, frame, frames
from support.shared import VECTORS

WORKOUTS: dict[str, dict[str, Any]] = {
    row["id"]: row
    for row in json.loads((VECTORS / "workouts.json").read_text("utf-8"))["vectors"]
    if row["area"].startswith("garmin")
}
NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)
NOTIFY, WRITE = LANES[0]

NO_USE = "hipsync registers no such service and needs nothing of it"
OUTSIDE = {
    **dict.fromkeys(
        (
            "calories", "intensity-garmin-ble", "stress", "spo2", "body-battery-fr255", "respiration", "accel-face-up",
            "accel-face-up-3", "accel-face-down", "accel-shaken",
        ),
        NO_USE,
    ),
    **dict.fromkeys(
        ("pb-filelist-first", "pb-filelist-response", "pb-filerequest", "pb-mark-synced"),
        "the second way to list files, of the newest models, is not built: the capability for it is not claimed",
    ),
    "fit-MonitoringFile-sdk": "the file belongs to Garmin's SDK, and is not here",
}  # fmt: skip
"""Rows that nothing here meets, and why."""
REGISTRATIONS = [
    "ml-register-hr-fr255",
    "ml-register-1-client2",
    "ml-register-6-client2",
    "ml-register-16-client2",
    "ml-register-gfdi-reliable",
]
REGISTERED = [
    "ml-registered-registration-fr255",
    "ml-registered-realtime-hr-fr255",
]
ENCODED = [
    "cobs-0",
    "cobs-1",
    "cobs-3",
    "cobs-4",
    "cobs-6",
    "cobs-7",
    "cobs-9",
]
CHECKSUMS = [
    "crc-empty",
    "crc-ff",
    "crc-313233343536373839",
    "crc-0102030405060708",
]
ACKNOWLEDGEMENTS = [
    "gfdi-ack-configuration",
    "gfdi-ack-synchronization",
]
HEART_RATES = [
    "hr-fr255-66",
    "hr-fr255-65",
    "hr-fr255-67",
    "hr-none",
    "hr-too-short",
    "hr-garmin-ble",
]
ACTIVITIES = [
    "garmin-edge820-commute",
    "garmin-fenix5-walk",
    "garmin-indoor-trainer",
    "garmin-lowbattery-road",
    "garmin-multisport",
    "garmin-triathlon",
    "garmin-indoor-rowing-15-14",
    "garmin-indoor-rowing-4-14",
    "garmin-rowing-water",
    "garmin-handcycle",
    "garmin-bad-crc",
]
RUNS = [
    "garmin-monitoring-2-6",
    "garmin-monitoring-1-1",
    "garmin-monitoring-6-None",
]


def heard(watch: GarminWatch, now: datetime = NOW) -> list[bytes]:
    return [each.data for each in watch.advance(now) if isinstance(each, Notification)]


def watch(**more: Any) -> GarminWatch:
    made = GarminWatch([], now=NOW, zone=ZoneInfo("UTC"), **more)
    made.mtu = 247
    made.connected(NOW)
    made.on_subscribe(NOTIFY, True, NOW)
    return made


def registered(made: GarminWatch, request: bytes) -> int:
    """Register a service, and return its handle."""
    made.write(WRITE, multilink.SERVICE, request, NOW)
    answer = multilink.decode_control(next(data for data in heard(made) if data[0] == 0))
    assert isinstance(answer, Registered)
    assert answer.status == 0
    return answer.handle


# ------------------------------------------------------------------ Multi-Link


@pytest.mark.parametrize("name", REGISTRATIONS)
def test_a_registration_has_the_bytes_of_others_and_the_watch_takes_it(name: str) -> None:
    told = decoded(name)
    client = told["client_id"]
    client = client.to_bytes(8, "little") if isinstance(client, int) else bytes.fromhex(client)
    assert multilink.register(told["service"], client, reliable=told["flags"] == 2) == frame(name)
    made = watch()
    made.write(WRITE, multilink.SERVICE, frame(name), NOW)
    answer = multilink.decode_control(heard(made)[0])
    assert isinstance(answer, Registered)
    assert (answer.client, answer.service, answer.status) == (client, told["service"], 0)


@pytest.mark.parametrize("name", REGISTERED)
def test_the_answer_to_a_registration_is_read(name: str) -> None:
    told = decoded(name)
    answer = Registered(
        bytes.fromhex(told["client_id"]), told["service"], 0, told["handle"], told["reliable"], told["revision"]
    )
    assert multilink.decode_control(frame(name)) == answer
    assert answer.encode() == frame(name)


def test_the_recorded_registration_is_answered_with_the_recorded_form() -> None:
    made = watch()
    made.write(WRITE, multilink.SERVICE, frame("ml-register-hr-fr255"), NOW)
    answer, recorded = heard(made)[0], frame("ml-registered-realtime-hr-fr255")
    assert answer[:13] + answer[14:] == recorded[:13] + recorded[14:]  # all but the handle, which differs each time


def test_a_handle_that_the_watch_closes_is_read_and_said() -> None:
    told = decoded("ml-closed-by-watch-fr255")
    closed = Closed(bytes.fromhex(told["client_id"]), told["service"], told["handle"], told["status"])
    assert multilink.decode_control(frame("ml-closed-by-watch-fr255")) == closed
    assert closed.encode() == frame("ml-closed-by-watch-fr255")


def test_all_handles_of_a_past_connection_are_closed() -> None:
    assert multilink.close_all((2).to_bytes(8, "little")) == frame("ml-close-all")
    made = watch()
    made.write(WRITE, multilink.SERVICE, frame("ml-register-6-client2"), NOW)
    made.write(WRITE, multilink.SERVICE, frame("ml-close-all"), NOW)
    answers = [multilink.decode_control(data) for data in heard(made)]
    assert answers[-1] == multilink.AllClosed((2).to_bytes(8, "little"))
    assert heard(made, NOW + timedelta(minutes=1)) == []  # no heart rate comes any more


def test_one_handle_is_closed() -> None:
    assert multilink.close(7, 0x24, (2).to_bytes(8, "little")) == frame("ml-close-steps")
    made = watch()
    made.write(WRITE, multilink.SERVICE, frame("ml-close-steps"), NOW)
    assert multilink.decode_control(heard(made)[0]) == Closed((2).to_bytes(8, "little"), 7, 0x24)


def test_which_services_there_are_is_asked_before_anything_is_registered() -> None:
    asked, answer = frames("ml-query-00-fr255")
    assert sorted(multilink.decode_services(answer)) == decoded("ml-query-00-fr255")["services"]
    made = watch()
    made.write(multilink.QUERY, multilink.SERVICE, asked, NOW)
    assert made.read(multilink.QUERY, multilink.SERVICE, NOW) == answer


def test_which_model_it_is_is_asked_as_well() -> None:
    asked, answer = frames("ml-query-03-fr255")
    told = decoded("ml-query-03-fr255")
    assert multilink.decode_identity(answer) == (told["product"], told["second"])
    made = watch()
    made.write(multilink.QUERY, multilink.SERVICE, asked, NOW)
    assert multilink.decode_identity(made.read(multilink.QUERY, multilink.SERVICE, NOW)).product == made.device.product


# ------------------------------------------------------------------ the reliable form


@pytest.mark.parametrize("name", ["mlr-native-d0c2ff", "mlr-native-ffff010203"])
def test_packets_of_the_vendors_own_library_are_read_and_written(name: str) -> None:
    told = decoded(name)
    packet = Packet(told["handle"], told["ack"], told["seq"], bytes.fromhex(told["payload"]))
    assert Packet.decode(frame(name)) == packet
    assert packet.encode() == frame(name)


def test_a_plain_packet_is_not_taken_for_a_reliable_one() -> None:
    with pytest.raises(MalformedPacket):
        Packet.decode(frame("mlr-native-0501"))


def test_a_message_is_cut_as_another_client_cuts_it() -> None:
    told = decoded("mlr-send-45-mtu20")
    ends = reliable.Ends(told["handle"])
    sent = ends.send(bytes.fromhex(told["message"]), told["write_size"])
    first = next(sent)
    ends.take(Packet(told["handle"], 1, 0, b"?"))
    second = next(sent)
    ends.take(Packet(told["handle"], 2, 1, b"?"))
    assert [first, second, *sent] == list(frames("mlr-send-45-mtu20"))


def test_a_packet_out_of_order_is_dropped_and_what_came_is_told_again() -> None:
    early, again = frames("mlr-ack-out-of-order")
    ends = reliable.Ends(decoded("mlr-ack-out-of-order")[0]["handle"])
    for number in range(6):
        assert ends.take(Packet(0x82, 0, number, b"?")) == b"?"
    assert ends.take(Packet.decode(early)) == b""
    assert ends.acknowledgement() == again


# ------------------------------------------------------------------ the stream and the frame


@pytest.mark.parametrize("name", ENCODED)
def test_three_other_encoders_agree_with_ours(name: str) -> None:
    plain = bytes.fromhex(decoded(name)["plain"])
    assert cobs.encode(plain) == frame(name)
    assert list(cobs.Stream().take(frame(name))) == [plain]


@pytest.mark.parametrize("cut", [1, 2, 7, 20])
def test_a_recorded_frame_is_put_together_wherever_it_is_cut(cut: int) -> None:
    plain = bytes.fromhex(decoded("cobs-split")["plain"])
    stream = cobs.Stream()
    assert list(chain.from_iterable(stream.take(part) for part in frames("cobs-split"))) == [plain]
    whole = b"".join(frames("cobs-split"))
    parts = [whole[at : at + cut] for at in range(0, len(whole), cut)]
    assert list(chain.from_iterable(stream.take(part) for part in parts)) == [plain]


def test_what_comes_before_the_first_zero_is_no_frame() -> None:
    (plain,) = decoded("cobs-garbage-before")["plain"]
    assert list(cobs.Stream().take(frame("cobs-garbage-before"))) == [bytes.fromhex(plain)]


@pytest.mark.parametrize("name", CHECKSUMS)
def test_checksums_of_both_ends_are_those_of_another_client(name: str) -> None:
    crc = int(decoded(name)["crc"], 16)
    assert gfdi.crc16(frame(name)) == crc
    assert checksum(frame(name)) == crc


def test_a_frame_whose_checksum_is_wrong_is_never_acted_on() -> None:
    with pytest.raises(MalformedPacket, match="checksum"):
        Frame.decode(frame("gfdi-bad-crc"))
    made = watch()
    handle = registered(made, multilink.register(1))
    made.write(WRITE, multilink.SERVICE, bytes([handle]) + cobs.encode(frame("gfdi-bad-crc")), NOW)
    assert made.peer is not None
    assert made.peer.broken == 1


def test_a_compact_frame_is_answered_in_its_transaction() -> None:
    told = decoded("gfdi-transaction-form")
    got = Frame.decode(frame("gfdi-transaction-form"))
    assert (got.kind, got.transaction) == (told["message_really"], told["transaction"])
    assert got.encode() == frame("gfdi-transaction-form")
    assert Frame.decode(gfdi.answered(got).encode()).transaction == told["transaction"]
    assert gfdi.answered(got).encode()[2:4] == bytes([0, 0x83])


# ------------------------------------------------------------------ messages


def answer_of(name: str) -> Answer:
    got = Frame.decode(frame(name))
    assert got.kind == Kind.ANSWER
    return Answer.decode(got.payload)


def test_a_watch_says_who_it_is() -> None:
    told = decoded("gfdi-devinfo-instinct2s")
    device = Device.decode(Frame.decode(frame("gfdi-devinfo-instinct2s")).payload)
    assert (device.protocol, device.product, device.longest) == (told["protocol"], told["product"], told["max_packet"])
    assert [device.name, device.device, device.model] == told["names"]
    assert device.version == told["software"]
    assert device.rest.hex() == told["rest"]
    assert Frame(Kind.DEVICE_INFORMATION, device.encode()).encode() == frame("gfdi-devinfo-instinct2s")


def test_the_host_says_who_it_is_as_another_client_did() -> None:
    told = decoded("gfdi-devinfo-answer-gb")
    instinct = Device.decode(Frame.decode(frame("gfdi-devinfo-instinct2s")).payload)
    name, maker, model = told["names"]
    host = gfdi.host(instinct, name=name, maker=maker, model=model, software=told["software"])
    asked = Frame(Kind.DEVICE_INFORMATION)
    assert gfdi.answered(asked, rest=host.encode()).encode() == frame("gfdi-devinfo-answer-gb")
    assert Device.decode(answer_of("gfdi-devinfo-answer-gb").rest) == host


def test_what_a_watch_can_do_is_read() -> None:
    payload = Frame.decode(frame("gfdi-configuration-request")).payload
    bits = gfdi.decode_capabilities(payload)
    held = bytes.fromhex(decoded("gfdi-configuration-request")["capabilities"])
    assert bits == {bit for bit in range(32) if held[bit // 8] >> bit % 8 & 1}
    assert gfdi.encode_capabilities(bits) == payload


@pytest.mark.parametrize("name", ACKNOWLEDGEMENTS)
def test_a_bare_acknowledgement(name: str) -> None:
    told = decoded(name)
    assert gfdi.answered(Frame(told["ref"])).encode() == frame(name)
    assert answer_of(name) == Answer(told["ref"], told["status"])


def test_the_question_for_authentication_is_answered_as_on_a_bonded_connection() -> None:
    asked = Frame.decode(frame("gfdi-auth-request"))
    assert gfdi.answered(asked, rest=gfdi.authenticated(asked.payload)).encode() == frame("gfdi-auth-answer-gb")


def test_the_clock_is_told_when_the_watch_asks() -> None:
    told = decoded("gfdi-time-answer")
    asked = Frame.decode(frame("gfdi-time-request"))
    assert gfdi.reference(asked.payload) == decoded("gfdi-time-request")["reference"]
    clock = Clock(42, datetime.fromisoformat(told["utc"]), timedelta(seconds=told["utc_offset_s"]))
    assert gfdi.answered(asked, rest=clock.encode()).encode() == frame("gfdi-time-answer")
    assert Clock.decode(answer_of("gfdi-time-answer").rest) == clock


@pytest.mark.parametrize(
    ("name", "event"),
    [
        ("gfdi-event-sync_complete", Event.SYNC_COMPLETE), ("gfdi-event-sync_ready", Event.SYNC_READY),
        ("gfdi-event-pair_complete", Event.PAIR_COMPLETE), ("gfdi-event-time_updated", Event.TIME_UPDATED),
    ],
)  # fmt: skip
def test_events_are_told(name: str, event: Event) -> None:
    assert decoded(name)["event"] == event
    assert gfdi.event(event).encode() == frame(name)


def test_settings_are_made() -> None:
    told = {int(number): value for number, value in decoded("gfdi-settings-gb")["settings"].items()}
    assert gfdi.settings(told).encode() == frame("gfdi-settings-gb")


# ------------------------------------------------------------------ files


def test_requests_for_files_have_the_bytes_of_others() -> None:
    assert Frame(Kind.FILE_TYPES).encode() == frame("file-types-request")
    assert files.directory_filter().encode() == frame("file-filter-pending")
    assert files.download(files.DIRECTORY).encode() == frame("file-download-directory")
    assert files.download(decoded("file-download-517")["index"]).encode() == frame("file-download-517")
    assert files.archive(decoded("file-archive-517")["index"]).encode() == frame("file-archive-517")


def test_the_watch_answers_the_filter_as_others_say() -> None:
    made = watch()
    handle = registered(made, multilink.register(1))
    heard(made)
    made.write(WRITE, multilink.SERVICE, bytes([handle]) + cobs.encode(frame("file-filter-pending")), NOW)
    stream = cobs.Stream()
    told = list(chain.from_iterable(stream.take(data[1:]) for data in heard(made)))
    assert frame("file-filter-answer") in told


def test_the_length_of_a_file_is_announced() -> None:
    assert files.announced(answer_of("file-download-answer")) == decoded("file-download-answer")["size"]


BODY = bytes((7 * i + 3) & 0xFF for i in range(120))


def test_a_file_comes_in_pieces_and_each_is_answered() -> None:
    download = files.Download(120)
    asked = Frame(Kind.FILE_DATA)
    first = files.Piece.decode(Frame.decode(frame("file-data-0")).payload)
    assert gfdi.answered(asked, rest=download.take(first).encode()).encode() == frame("file-data-0-ack")
    assert first.data == BODY[:50]
    download.take(files.Piece(gfdi.crc16(BODY[:100]), 50, BODY[50:100]))
    assert download.whole is None
    last = files.Piece.decode(Frame.decode(frame("file-data-2")).payload)
    assert gfdi.answered(asked, rest=download.take(last).encode()).encode() == frame("file-data-2-ack")
    assert download.whole == BODY
    for name, piece in (("file-data-0", first), ("file-data-2", last)):
        assert Frame(Kind.FILE_DATA, piece.encode()).encode() == frame(name)
        assert checksum(BODY[: piece.offset + len(piece.data)]) == piece.crc


def test_a_piece_whose_checksum_is_wrong_is_asked_for_again() -> None:
    piece = files.Piece.decode(Frame.decode(frame("file-data-0")).payload)
    taken = files.Download(120).take(piece._replace(crc=piece.crc ^ 1))
    assert gfdi.answered(Frame(Kind.FILE_DATA), rest=taken.encode()).encode() == frame("file-data-crc-mismatch")


def test_what_the_watch_offers_is_read() -> None:
    told = decoded("file-sync-request-8")
    offer = gfdi.Synchronization.decode(Frame.decode(frame("file-sync-request-8")).payload)
    assert (offer.mode, sorted(offer.bits)) == (told["mode"], told["bits"])


def test_the_directory_is_read() -> None:
    listed = files.decode_directory(frame("file-directory"))
    for entry, told in zip(listed, decoded("file-directory")["entries"], strict=True):
        assert (entry.file, [entry.type, entry.subtype][: len(told["type"])]) == (told["index"], told["type"])
        assert entry.size == told["size"]
        assert entry.at == (told["time"] and datetime.fromisoformat(told["time"]))
        assert entry.flags == told.get("flags", entry.flags)
    # its collectors would leave 519 to whoever has archived it; its minutes are wanted here all the same
    assert decoded("file-directory")["to_fetch_for_minutes"] == [517]
    assert [each.file for each in wanted(listed, None)] == [519, 517]
    assert [each.file for each in listed if each.flags & files.ARCHIVED] == [519]
    assert b"".join(each.encode() for each in listed) == frame("file-directory")[16:]


# ------------------------------------------------------------------ protobuf


def test_the_battery_is_asked_for_and_told() -> None:
    assert frame("pb-battery-request") == smart.BATTERY_REQUEST
    told = decoded("gfdi-battery-request")
    piece = smart.Piece(told["request"], told["offset"], told["total"], bytes.fromhex(told["smart"]))
    assert Frame(Kind.PROTOBUF_REQUEST, piece.encode()).encode() == frame("gfdi-battery-request")
    assert smart.decode_battery(frame("pb-battery-response")) == decoded("pb-battery-response")["percent"]
    reply = smart.Piece.decode(Frame.decode(frame("gfdi-battery-response")).payload)
    assert smart.decode_battery(reply.data) == decoded("gfdi-battery-response")["percent"]


def test_the_watch_tells_its_battery_in_the_bytes_of_others() -> None:
    made = watch()
    made.battery = decoded("gfdi-battery-response")["percent"]
    handle = registered(made, multilink.register(1))
    heard(made)
    made.write(WRITE, multilink.SERVICE, bytes([handle]) + cobs.encode(frame("gfdi-battery-request")), NOW)
    stream = cobs.Stream()
    told = list(chain.from_iterable(stream.take(data[1:]) for data in heard(made)))
    assert frame("gfdi-battery-response") in told


def test_a_piece_of_protobuf_is_acknowledged() -> None:
    told = decoded("gfdi-protobuf-ack")
    piece = smart.Piece(told["request"], told["offset"], 0, b"")
    assert gfdi.answered(Frame(told["ref"]), rest=piece.receipt()).encode() == frame("gfdi-protobuf-ack")


def test_the_watch_is_made_to_buzz() -> None:
    assert smart.find(decoded("pb-find-60")["seconds"]) == frame("pb-find-60")
    assert frame("pb-find-cancel") == smart.FIND_CANCEL
    made = watch()
    handle = registered(made, multilink.register(1))
    for request, name in enumerate(("pb-find-60", "pb-find-cancel")):
        asked = smart.Piece(request, 0, len(frame(name)), frame(name))
        sent = cobs.encode(Frame(Kind.PROTOBUF_REQUEST, asked.encode()).encode())
        made.write(WRITE, multilink.SERVICE, bytes([handle]) + sent, NOW)
    assert [each.text for each in made.shown] == [""]


# ------------------------------------------------------------------ live


@pytest.mark.parametrize("name", HEART_RATES)
def test_heart_rates_are_read(name: str) -> None:
    if not ROWS[name]["valid"]:
        with pytest.raises(MalformedPacket):
            live.HeartRate.decode(frame(name))
        return
    told = decoded(name)
    rate = live.HeartRate(told["bpm"], told["resting"])
    assert live.HeartRate.decode(frame(name)) == rate
    if name != "hr-garmin-ble":  # two bytes shorter, of another type
        assert rate.encode() == frame(name)


@pytest.mark.parametrize("name", ["steps-fr255", "steps-garmin-ble"])
def test_steps_are_read(name: str) -> None:
    steps = live.Steps(decoded(name)["steps"], decoded(name)["goal"])
    assert live.Steps.decode(frame(name)) == steps
    assert steps.encode() == frame(name)


# ------------------------------------------------------------------ what hipsync leaves alone


def offered(packets: Sequence[bytes], asked: Sequence[Frame] = ()) -> tuple[GarminWatch, list[Reading]]:
    """The driver meets a watch that sends these packets and asks these frames before its battery is read."""
    store, made = MemoryStore(), GarminWatch([], now=NOW, zone=ZoneInfo("UTC"))

    async def story(clock: FastClock) -> None:
        connection = DirectConnection(made, clock.now)
        async with dialogue(DRIVER, conversation(connection, clock), Session(), store.commit) as opened:
            for packet in packets:
                made.say(packet)
            for each in asked:
                assert made.peer is not None
                made.peer.ask(each.kind, each.payload)
                await connection.read(gatt.DEVICE_NAME)  # the watch is looked at
                await asyncio.sleep(1)
                assert made.peer.waiting == []
            await opened.nudge(Message("Time to move", ""))
        connection.drop()

    run(story, NOW)
    return made, store.readings


def test_readings_of_services_that_nobody_registered_are_left_alone() -> None:
    silent = [name for name, why in OUTSIDE.items() if why == NO_USE]
    plain, without = offered([])
    made, readings = offered([bytes([0xF7]) + frame(name) for name in silent])
    assert len(silent) == 10
    assert readings == without
    assert len(made.shown) == len(plain.shown) == 1


def test_questions_about_texts_that_do_not_stand_are_answered_and_bring_nothing() -> None:
    names = ("notify-ask-attributes", "notify-action-done", "gfdi-notify-action-recorded")
    made, _ = offered([], [Frame.decode(frame(name)) for name in names])
    assert made.peers[0].stray == []
    assert made.peers[0].answers[Kind.NOTIFICATION_CONTROL] == len(names) + 1  # one was for the text of the nudge
    assert [each.text for each in made.shown] == ["Time to move"]


# ------------------------------------------------------------------ workouts


@pytest.mark.parametrize("name", ACTIVITIES)
def test_workouts_are_read(name: str) -> None:
    data, told = bytes.fromhex(WORKOUTS[name]["bytes"]), WORKOUTS[name]["decoded"]
    if "error" in told:
        with pytest.raises(MalformedPacket):
            workouts.decode(data)
        return
    assert workouts.decode(data) == [
        Workout(WorkoutKind(each["kind"]), datetime.fromisoformat(each["start"]), datetime.fromisoformat(each["end"]))
        for each in told["workouts"]
    ]


@pytest.mark.parametrize("name", RUNS)
def test_a_row_of_minutes_says_what_kind_of_workout_it_was(name: str) -> None:
    told = WORKOUTS[name]["decoded"]
    found = monitoring.decode(bytes.fromhex(WORKOUTS[name]["bytes"]))
    assert found is not None
    (run,) = found.runs
    assert (run.activity, run.subtype, run.end) == (
        told["activity_type"], told["activity_subtype"], datetime.fromisoformat(told["row_time"])
    )  # fmt: skip
    assert workouts.kind_of(run.activity, run.subtype) == told["kind"]
    rides = [Workout(WorkoutKind(told["kind"]), run.start, run.end)] if run.activity == 2 else []
    assert minutes.rides(found.runs) == rides


# ------------------------------------------------------------------ the table


def test_every_row_is_met_or_has_its_reason() -> None:
    modules = Path(__file__).name, "test_garmin_texts.py", "test_garmin_login.py"
    here = "".join(Path(__file__).with_name(name).read_text("utf-8") for name in modules)
    assert len(ROWS) == 120
    assert [name for name, row in ROWS.items() if row["layer"] != "fit" and f'"{name}"' not in here] == []
    assert [name for name in WORKOUTS if f'"{name}"' not in here] == []
    assert OUTSIDE.keys() <= ROWS.keys()
