"""The simulated Garmin watch, talked to by hand: what it asks, repeats, sends, lists and forgets."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from hipsync.errors import DeviceError
from hipsync.model import MINUTE, Epoch, State, Workout, WorkoutKind
from hipsync_devices.garmin import cobs, files, gfdi, live, monitoring, multilink, smart, workouts
from hipsync_devices.garmin.gfdi import Event, Frame, Kind
from hipsync_devices.garmin.multilink import Closed, Registered, Status
from hipsync_devices.garmin.sim import GarminWatch
from support.garmin_hand import Hand

NOW = datetime(2026, 3, 2, 12, 0, 20, tzinfo=UTC)
NOON = NOW.replace(second=0)


def life(first: int, last: int, steps: int = 0) -> list[Epoch]:
    """Minutes from `first` to `last`, counted from noon, each with these steps."""
    state = State.WALKING if steps else State.SITTING
    return [Epoch(NOON + i * MINUTE, MINUTE, steps, 30, 70, state) for i in range(first, last)]


def hand(lived: Sequence[Epoch] = (), *, zone: str = "UTC", lane: int = 0, mtu: int = 247, **more: Any) -> Hand:
    return Hand(GarminWatch(lived, now=NOW, zone=ZoneInfo(zone), **more), NOW, lane=lane, mtu=mtu)


def counts(client: Hand, handle: int) -> list[int]:
    return [live.Steps.decode(data[1:]).steps for data in client.live if data[0] == handle]


# ------------------------------------------------------------------ live


def test_steps_come_at_once_and_then_when_they_change() -> None:
    client = hand([*life(-10, -5, 100), *life(-5, 1), *life(1, 2, 30), *life(2, 60)])
    handle = client.register(7).handle
    assert counts(client, handle) == [500]
    client.later(timedelta(seconds=40))
    assert counts(client, handle) == [500]
    client.later(MINUTE)
    assert counts(client, handle)[-1] == 530
    assert counts(client, handle) == sorted(set(counts(client, handle)))


def test_a_heart_rate_comes_all_the_time() -> None:
    client = hand(life(-5, 60))
    handle = client.register(6).handle
    client.later(MINUTE)
    rates = [live.HeartRate.decode(data[1:]).bpm for data in client.live if data[0] == handle]
    assert rates == [70] * 30


def test_the_steps_begin_anew_at_local_midnight() -> None:
    """Noon in UTC is a quarter to six in the evening in Nepal."""
    client = hand([*life(-5, 0, 100), *life(0, 380), *life(380, 381, 40)], zone="Asia/Kathmandu")
    handle = client.register(7).handle
    client.later(timedelta(hours=6, minutes=30))
    assert counts(client, handle)[0] == 500
    assert counts(client, handle)[-1] == 40
    assert 0 in counts(client, handle)


def test_another_clients_handles_are_not_ours() -> None:
    client = hand()
    client.write(multilink.register(7, b"phone\0\0\0"))
    assert client.register(7).status == Status.IN_USE
    assert client.register(1).status == Status.OK


def test_lanes_have_handles_of_their_own() -> None:
    client = hand(lane=2)
    answer = client.register(7)
    assert answer.status == Status.OK
    other = multilink.LANES[0][1]
    client.watch.write(other, multilink.SERVICE, multilink.close_all(), NOW)
    client.later(timedelta(seconds=1))
    client.watch.write(multilink.LANES[-1][1], multilink.SERVICE, multilink.close_all(), NOW)
    client.later(timedelta(seconds=1))
    assert multilink.decode_control(client.controls[-1]) == multilink.AllClosed(multilink.OURS)


def test_a_service_that_there_is_not_is_refused() -> None:
    assert hand().register(77).status == Status.INVALID


def test_a_phone_that_holds_the_watch_lets_it_answer_nothing() -> None:
    client = hand()
    client.watch.link_faults.phone_holds = True
    client.write(multilink.close_all())
    assert client.controls == []


# ------------------------------------------------------------------ GFDI: the opening


def test_the_watch_says_who_it_is_until_it_is_answered() -> None:
    client = hand()
    client.register(1)
    client.later(timedelta(seconds=11))
    assert [frame.kind for frame in client.taken()] == [Kind.DEVICE_INFORMATION] * 3
    client.send(gfdi.answered(Frame(Kind.DEVICE_INFORMATION), rest=b""))
    client.later(timedelta(seconds=6))
    assert [frame.kind for frame in client.taken()] == [Kind.CONFIGURATION] * 2


def test_the_opening_ends_with_the_clock() -> None:
    client = hand(clock_error=timedelta(minutes=7))
    client.open()
    assert client.watch.peer is not None
    assert client.watch.peer.waiting == []
    assert client.watch.peer.ready
    assert client.watch.clock() == NOW
    assert client.watch.peer.host is not None
    assert client.watch.peer.host.name == "hand"


def test_some_watches_ask_for_authentication_first() -> None:
    client = hand(authenticates=True)
    client.register(1)
    client.send(gfdi.answered(Frame(Kind.DEVICE_INFORMATION), rest=b""))
    asked = client.asked(Kind.AUTHENTICATION)
    client.send(gfdi.answered(asked, rest=gfdi.authenticated(asked.payload)))
    assert client.asked(Kind.CONFIGURATION)


def test_it_asks_for_the_time_again_when_it_is_told_that_it_has_changed() -> None:
    client = hand()
    client.open()
    client.taken()
    client.send(gfdi.event(Event.TIME_UPDATED))
    client.tell_time(timedelta(hours=2))
    assert client.watch.memory.ahead == timedelta(hours=2)


def test_an_answer_to_nothing_is_noted() -> None:
    client = hand()
    client.open()
    client.send(gfdi.answered(Frame(Kind.CURRENT_TIME), rest=bytes(20)))
    assert client.watch.peer is not None
    assert client.watch.peer.stray == [Kind.CURRENT_TIME]


def test_what_it_does_not_know_it_says() -> None:
    client = hand()
    client.open()
    client.send(Frame(5111))
    assert client.answer_to(5111).status == gfdi.Said.UNSUPPORTED


def test_a_handle_of_gfdi_that_the_watch_closes_is_registered_again() -> None:
    client = hand()
    client.open()
    client.watch.close_unasked(1)
    client.later(timedelta(seconds=1))
    assert isinstance(multilink.decode_control(client.controls[-1]), Closed)
    assert isinstance(client.register(1), Registered)
    assert client.asked(Kind.DEVICE_INFORMATION)


# ------------------------------------------------------------------ files


def test_the_directory_closes_the_minutes_so_far() -> None:
    client = hand([*life(-30, -20), *life(-20, -10, 90), *life(-10, 30)])
    client.open()
    listed = [each for each in files.decode_directory(client.fetch(files.DIRECTORY)) if each.subtype == 32]
    (entry,) = listed
    file = monitoring.decode(client.fetch(entry.file))
    assert file is not None
    assert (file.runs[0].start, file.runs[-1].end) == (NOON - 30 * MINUTE, NOON)
    assert sum(run.steps for run in file.runs) == 900
    client.later(5 * MINUTE)
    again = [each for each in files.decode_directory(client.fetch(files.DIRECTORY)) if each.subtype == 32]
    assert [each.file for each in again[:1]] == [entry.file]
    later = monitoring.decode(client.fetch(again[1].file))
    assert later is not None
    assert (later.runs[0].start, later.runs[-1].end, later.totals) == (NOON, NOON + 5 * MINUTE, {6: 900})


@pytest.mark.parametrize("mtu", [23, 247, 515])
@pytest.mark.parametrize("longest", [64, 520])
def test_a_file_is_the_same_whatever_its_pieces(mtu: int, longest: int) -> None:
    client = hand(life(-200, 0, 5), mtu=mtu, longest=longest)
    client.open()
    (entry,) = [each for each in files.decode_directory(client.fetch(0)) if each.subtype == 32]
    whole = client.fetch(entry.file)
    assert len(whole) == entry.size
    assert whole == client.watch.memory.stored[entry.file].data


def test_wrong_and_repeated_pieces_are_made_good() -> None:
    client = hand(life(-200, 0, 5), longest=64)
    client.open()
    (entry,) = [each for each in files.decode_directory(client.fetch(0)) if each.subtype == 32]
    client.watch.faults.bad_crc |= {12, 14}
    client.watch.faults.twice |= {13, 17}
    assert client.fetch(entry.file) == client.watch.memory.stored[entry.file].data


def test_a_file_that_is_archived_is_listed_no_more_among_those_to_hand_over() -> None:
    client = hand(life(-30, 0))
    client.open()
    (entry,) = [each for each in files.decode_directory(client.fetch(0)) if each.subtype == 32]
    client.send(files.archive(entry.file))
    assert [each.file for each in client.watch.memory.archived()] == [entry.file]
    (listed,) = [each for each in files.decode_directory(client.fetch(0)) if each.subtype == 32]
    assert listed.flags & files.ARCHIVED
    client.send(files.directory_filter())
    assert not [each for each in files.decode_directory(client.fetch(0)) if each.subtype == 32]


def test_workouts_are_files_of_their_own() -> None:
    ride = Workout(WorkoutKind.CYCLING, NOON - 50 * MINUTE, NOON - 20 * MINUTE)
    later = Workout(WorkoutKind.ROWING, NOON + 10 * MINUTE, NOON + 30 * MINUTE)
    client = hand(life(-60, 60), workouts=(later, ride))
    client.open()
    for over in ([ride], [ride, later]):
        listed = [each for each in files.decode_directory(client.fetch(0)) if each.subtype == 4]
        assert [workouts.decode(client.fetch(each.file)) for each in listed] == [[each] for each in over]
        client.later(40 * MINUTE)


def test_a_file_that_there_is_not_is_refused() -> None:
    client = hand()
    client.open()
    client.send(files.download(999))
    assert files.announced(client.answer_to(Kind.DOWNLOAD)) is None


def test_a_watch_that_was_off_has_a_hole() -> None:
    client = hand(life(-10, 60, 10))
    client.open()
    client.watch.reboot(NOW + 5 * MINUTE, off=3 * MINUTE)
    again = Hand(client.watch, NOW + 20 * MINUTE)
    again.open()
    listed = [each for each in files.decode_directory(again.fetch(0)) if each.subtype == 32]
    found = [monitoring.decode(again.fetch(each.file)) for each in listed]
    spans = [(file.runs[0].start, file.runs[-1].end) for file in found if file is not None]
    assert spans == [(NOON - 10 * MINUTE, NOON + 5 * MINUTE), (NOON + 9 * MINUTE, NOON + 20 * MINUTE)]


class Measuring(Hand):
    """Notes how long the frames are in which a file comes."""

    def __init__(self, watch: GarminWatch, now: datetime) -> None:
        self.lengths: list[int] = []
        super().__init__(watch, now)

    def taken(self) -> list[Frame]:
        found = super().taken()
        self.lengths += [len(frame.encode()) for frame in found if frame.kind == Kind.FILE_DATA]
        return found


def test_no_frame_of_a_file_is_longer_than_the_watch_has_said_and_most_are_as_long() -> None:
    """The sheet: pieces of at most its longest packet less 13 bytes, which are all that is not data."""
    client = Measuring(GarminWatch(life(-40, 0, 50), now=NOW, zone=ZoneInfo("UTC"), longest=80), NOW)
    client.open()
    listed = files.decode_directory(client.fetch(0))
    assert len(client.fetch(listed[-1].file)) > 3 * 80
    assert max(client.lengths) == 80
    assert client.lengths.count(80) >= 3


# ------------------------------------------------------------------ what it asks besides


def test_what_the_watch_asks_in_protobuf_comes_again_until_it_is_answered() -> None:
    client = hand()
    client.open()
    client.taken()
    assert client.watch.peer is not None
    client.watch.peer.ask_protobuf(smart.encode([(27, b"")]))
    client.later(timedelta(seconds=6))
    asked = client.taken()
    assert [frame.kind for frame in asked] == [Kind.PROTOBUF_REQUEST] * 2
    piece = smart.Piece.decode(asked[0].payload)
    client.send(gfdi.answered(asked[0], rest=piece.receipt(smart.DISCARDED, smart.UNKNOWN_REQUEST)))
    assert client.watch.peer.waiting == []


def test_nothing_that_a_client_writes_breaks_it() -> None:
    client = hand(life(-60, 0, 3))
    client.open()
    for kind in (*Kind, 0, 0xFFFF):
        for payload in (b"", b"\0", b"\xff" * 3, bytes(14), b"\xff" * 40):
            client.send(Frame(kind, payload))
    assert client.fetch(files.DIRECTORY)
    for data in (b"", b"\0", b"\0\0", b"\0\5", b"\0\5\0\0" + bytes(6), b"\x23", bytes(30), b"\xff" * 40):
        client.write(data)
    client.open()
    assert client.fetch(files.DIRECTORY)


# ------------------------------------------------------------------ the codec on bytes that no watch sent


def test_a_frame_without_an_end_is_given_up() -> None:
    stream = cobs.Stream()
    list(stream.take(b"\0" + b"\1" * 16_000))
    with pytest.raises(DeviceError):
        list(stream.take(b"\1" * 400))
    assert list(stream.take(cobs.encode(b"later"))) == [b"later"]


def test_a_message_in_pieces_is_put_together_and_one_without_its_beginning_is_not() -> None:
    assembly = smart.Assembly()
    assert assembly.take(smart.Piece(7, 0, 5, b"abc")) is None
    assert assembly.take(smart.Piece(7, 3, 5, b"de")) == b"abcde"
    assert assembly.take(smart.Piece(7, 3, 5, b"de")) is None
    assert assembly.take(smart.Piece(8, 0, 4, b"ab")) is None
    assert assembly.take(smart.Piece(9, 2, 4, b"cd")) is None


@pytest.mark.parametrize(
    "held",
    ["ff", "08", "0880808080808080808080", "42ff01", "0b", "4d0000", "420208"],
)
def test_what_is_no_protobuf_is_refused(held: str) -> None:
    with pytest.raises(DeviceError):
        smart.decode_battery(bytes.fromhex(held))


def test_a_battery_that_cannot_be_is_none() -> None:
    assert smart.decode_battery(bytes.fromhex("42071a0508011080 02".replace(" ", ""))) is None
    assert smart.decode_battery(bytes.fromhex("42061a040802104e")) is None
    assert smart.decode_battery(b"") is None


def test_a_file_is_not_longer_than_it_was_said_to_be() -> None:
    with pytest.raises(DeviceError, match="too long"):
        files.Download(files.MOST_BYTES + 1)
    with pytest.raises(DeviceError, match="beyond the end"):
        files.Download(3).take(files.Piece(gfdi.crc16(b"four"), 0, b"four"))
    repeated = files.Download(9)
    for _ in range(files.MOST_WRONG):
        repeated.take(files.Piece(0, 0, b"?"))
    with pytest.raises(DeviceError, match="again and again"):
        repeated.take(files.Piece(0, 0, b"?"))
