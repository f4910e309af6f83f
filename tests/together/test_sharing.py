"""Computers of one wearer at a real broker: they become equal, and one of them speaks."""

from __future__ import annotations

import asyncio
import json
import logging
import zlib
from collections.abc import Generator
from contextlib import AsyncExitStack
from datetime import timedelta
from functools import partial
from pathlib import Path

import pytest

from hipsync.formats.shared import FORM, LONGEST_BYTES
from hipsync.home import bridge as bridge_module
from hipsync.model import Answer, Exercise, Occasion
from hipsync.service.answers import answer_prompt, pause_prompts
from hipsync.together import claims as claims_module
from hipsync.together import sharing as sharing_module
from hipsync.together.topics import Kind, Part, Topics, band_key
from support.computers import NOTED, Computer, Noted, both_on, equal, one_speaks_each_time, until, until_speaks
from support.mosquitto import Heard, Listener, Mosquitto, lasting_session, listener, mosquitto

pytestmark = pytest.mark.enable_socket
DESK, CLAIM = Topics("anna", "desk"), "hipsync/anna/claim"


@pytest.fixture(autouse=True)
def short_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in {
        "LOOK_S": 0.05,
        "RECENT_EVERY_S": 0.2,
        "ALL_EVERY_S": 0.4,
        "HEAD_START_S": 0.4,
        "ROW_WITHIN_S": 0.1,
    }.items():
        monkeypatch.setattr(sharing_module, name, value)
    for module in (bridge_module, sharing_module):
        monkeypatch.setattr(module, "FIRST_WAIT_S", 0.05)
        monkeypatch.setattr(module, "LONGEST_WAIT_S", 0.2)
    monkeypatch.setattr(sharing_module, "ASK_SOON_S", 0.5)


@pytest.fixture
def broker(tmp_path: Path) -> Generator[Mosquitto]:
    with mosquitto(tmp_path / "broker") as running:
        yield running


def parts(ha: Listener, kind: Kind | None = None) -> list[tuple[Part, Heard]]:
    found = [(DESK.part_of(each.topic), each) for each in ha.heard]
    return [(part, each) for part, each in found if part is not None and kind in {None, part.kind}]


# -------------------------------------------------------------------- they become equal


async def test_what_either_hears_and_is_told_comes_to_the_other_and_then_nothing_more_is_sent(
    broker: Mosquitto,
) -> None:
    """The desk and the laptop heard the same band at different times; another band reaches the desk alone."""
    desk, laptop = Computer(broker, "desk"), Computer(broker, "laptop")
    for computer, start in ((desk, -3000), (laptop, -1500)):
        computer.hear(computer.band(), start, 1400)
        computer.store.note_zone(computer.minute(-4000), "Europe/London", "x")
    desk.hear(desk.band("ring", "C0:00:00:00:00:02"), -60, 60, steps=9)
    laptop.store.add_exercise(Exercise(laptop.minute(-5), "hip-circles", "manual"))
    async with listener(broker, topic="hipsync/anna/#") as ha, AsyncExitStack() as stack:
        await both_on(stack, desk, laptop)
        await until(lambda: equal(desk, laptop))
        assert len(list(laptop.store.all_epochs(None, None))) == 1400 + 1400 + 60
        (ring,) = [band for band in laptop.store.bands() if band.name == "ring"]
        assert ring.address is None, "the laptop has no key, and must not call it"
        await asyncio.sleep(1)
        sent, states = len(parts(ha)), (desk.store.state_of_file(), laptop.store.state_of_file())
        await asyncio.sleep(1.5)
        assert len(parts(ha)) == sent
        assert states == (desk.store.state_of_file(), laptop.store.state_of_file())
        assert b"C0:00" not in b"".join(each.payload for _, each in parts(ha))
        # A minute more that the desk hears is told once, by the desk.
        desk.hear(desk.store.bands()[0], 0, 1, steps=50)
        await until(lambda: equal(desk, laptop))
        await asyncio.sleep(1)
        assert [part.host for part, _ in parts(ha)[sent:]] == ["desk"]


async def test_one_that_comes_late_learns_all_from_the_broker_though_nobody_is_there(broker: Mosquitto) -> None:
    desk, laptop = Computer(broker, "desk"), Computer(broker, "laptop")
    band = desk.band()
    for day in range(28):
        desk.hear(band, -day * 1440, 1)
    async with listener(broker, topic="hipsync/anna/#") as ha, desk.on():
        await ha.until(lambda: len(parts(ha, Kind.DAY)) >= 28)
    async with laptop.on():
        await until(lambda: equal(desk, laptop))
    assert laptop.looks >= 28


async def test_days_go_from_the_broker_after_a_while_and_what_lasts_does_not(
    broker: Mosquitto, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sharing_module, "EXPIRES_S", 1)
    desk = Computer(broker, "desk")
    desk.hear(desk.band(), -50, 50)
    desk.store.note_zone(desk.minute(-9000), "Europe/London", "x")
    async with listener(broker, topic="hipsync/anna/#") as ha, desk.on():
        await ha.until(lambda: {part.kind for part, _ in parts(ha)} == {Kind.DAY, Kind.LASTS})
        await asyncio.sleep(2.2)
        async with listener(broker, topic="hipsync/anna/#") as late:
            await late.until(lambda: late.last("hipsync/anna/lasts/desk") is not None)
            await late.say("hipsync/anna/end", "")
            await late.until(lambda: late.last("hipsync/anna/end") is not None)
            assert [part.kind for part, _ in parts(late)] == [Kind.LASTS]


async def test_of_the_days_before_the_last_weeks_nothing_is_told(broker: Mosquitto) -> None:
    desk = Computer(broker, "desk")
    desk.hear(desk.band(), -40 * 1440, 5)
    desk.hear(desk.store.bands()[0], -5, 5)
    async with listener(broker, topic="hipsync/anna/#") as ha, desk.on():
        await ha.until(lambda: bool(parts(ha, Kind.DAY)))
        await asyncio.sleep(0.5)
        assert {part.day for part, _ in parts(ha, Kind.DAY)} <= {desk.minute(-5).date(), desk.minute(0).date()}


async def test_a_broker_that_was_killed_and_kept_nothing_is_told_all_again(broker: Mosquitto) -> None:
    desk, laptop = Computer(broker, "desk"), Computer(broker, "laptop")
    desk.hear(desk.band(), -100, 50)
    async with AsyncExitStack() as stack:
        await both_on(stack, desk, laptop)
        await until(lambda: equal(desk, laptop))
        broker.kill()
        desk.hear(desk.store.bands()[0], -50, 50)
        laptop.store.add_exercise(Exercise(laptop.minute(-5), "hip-circles", "manual"))
        broker.start()
        await until(lambda: equal(desk, laptop))
        async with listener(broker, topic="hipsync/anna/#") as ha:
            await ha.until(lambda: bool(parts(ha, Kind.DAY)))


async def test_an_answer_a_pause_and_an_exercise_are_there_within_seconds(broker: Mosquitto) -> None:
    desk, laptop = Computer(broker, "desk"), Computer(broker, "laptop")
    async with AsyncExitStack() as stack:
        await both_on(stack, desk, laptop)
        prompt = desk.prompt()
        await until(lambda: equal(desk, laptop), 3)
        looks = desk.looks
        answer_prompt(laptop.store, prompt, Answer.DONE, laptop.clock.now())
        pause_prompts(laptop.store, laptop.clock.now())
        await until(lambda: equal(desk, laptop), 3)
        assert desk.store.prompt(prompt).answer is Answer.DONE
        assert desk.store.pause(desk.clock.now()) is not None
        assert [each.name for each in desk.store.exercises(desk.minute(-5), desk.minute(5))] == ["hip-extension"]
        await until(lambda: desk.looks > looks)


async def test_both_answer_at_once_and_both_hold_the_answer_that_says_more(broker: Mosquitto) -> None:
    desk, laptop = Computer(broker, "desk"), Computer(broker, "laptop")
    async with AsyncExitStack() as stack:
        await both_on(stack, desk, laptop)
        for first, second in ((Answer.DONE, Answer.SNOOZED), (Answer.SKIPPED, Answer.DONE)):
            prompt = desk.prompt()
            await until(lambda: equal(desk, laptop))
            answer_prompt(desk.store, prompt, first, desk.clock.now())
            answer_prompt(laptop.store, prompt, second, laptop.clock.now())
            await until(lambda: equal(desk, laptop))
            assert desk.store.prompt(prompt).answer is Answer.DONE
            await asyncio.sleep(1)  # prompts of another second


async def test_a_queue_of_ten_messages_at_the_broker_loses_nothing(tmp_path: Path) -> None:
    with mosquitto(tmp_path / "broker", "max_queued_messages 10", "max_inflight_messages 1") as broker:
        desk, laptop = Computer(broker, "desk"), Computer(broker, "laptop")
        for number in range(4):
            band = desk.band(f"band {number}", f"C0:00:00:00:00:1{number}")
            for day in range(28):
                desk.hear(band, -day * 1440, 1)
        async with listener(broker, topic="hipsync/anna/#") as ha, desk.on():
            await ha.until(lambda: len({part for part, _ in parts(ha, Kind.DAY)}) >= 4 * 28)
        async with laptop.on():
            await until(lambda: equal(desk, laptop), 60)


# -------------------------------------------------------------------- removed bands


async def test_a_removed_band_goes_from_the_broker_and_stays_elsewhere_until_somebody_says_so(
    broker: Mosquitto,
) -> None:
    desk, laptop = Computer(broker, "desk"), Computer(broker, "laptop")
    for computer in (desk, laptop):
        computer.hear(computer.band(), -100, 50 if computer is desk else 60)
    async with listener(broker, topic="hipsync/anna/#") as ha, AsyncExitStack() as stack:
        await both_on(stack, desk, laptop)
        await until(lambda: equal(desk, laptop))
        desk.store.forget(desk.store.bands()[0].id, desk.clock.now(), with_data=True)
        await until(lambda: "'desk-band': removed with its data on another computer" in str(laptop.bridge.trouble()))
        await ha.until(lambda: all(not last(ha, part) for part, _ in parts(ha, Kind.DAY)))
        assert len(list(laptop.store.all_epochs(None, None))) == 60
        laptop.hear(laptop.store.bands()[0], -10, 5)
        await asyncio.sleep(1)
        assert desk.store.bands() == []
        assert all(not last(ha, part) for part, _ in parts(ha, Kind.DAY))
        laptop.store.forget(laptop.store.bands()[0].id, laptop.clock.now(), with_data=True)
        await until(lambda: equal(desk, laptop) and laptop.bridge.trouble() is None)


def last(ha: Listener, part: Part) -> bytes:
    found = ha.last(DESK.part_topic(part))
    return b"" if found is None else found.payload


# -------------------------------------------------------------------- strangers


async def test_strangers_bytes_on_each_topic_are_refused_in_one_line_a_host_and_all_goes_on(
    broker: Mosquitto, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.WARNING)
    desk, laptop = Computer(broker, "desk"), Computer(broker, "laptop")
    desk.hear(band := desk.band(), -100, 50)
    key, day = band_key(band), desk.minute(-60).date().isoformat()
    bad = [
        b"\x00\xff", b"{", zlib.compress(b"[]"), zlib.compress(b" " * 10_000_000), bytes(LONGEST_BYTES - 1),
        zlib.compress(json.dumps({"form": FORM}).encode()), b"x" * 1_000_000, b"more",
    ]  # fmt: skip
    topics = [f"day/evil/{key}/{day}", f"said/evil/{day}", "lasts/evil"]
    strange = ["day/evil", f"day/../{key}/{day}", f"day/evil/{key}/2026-13-01", "said/evil/x", "day/evil/zz/2026-01-01",
               "lasts", "lasts/evil/more", f"said/{'h' * 200}/{day}"]  # fmt: skip
    async with listener(broker, topic="hipsync/anna/lasts/laptop") as ha, AsyncExitStack() as stack:
        for topic in (*topics, *strange, "claim"):
            await ha.say(f"hipsync/anna/{topic}", bad[0], retain=True)
        await both_on(stack, desk, laptop)
        for payload in bad:
            for topic in (*topics, *strange, "claim"):
                await ha.say(f"hipsync/anna/{topic}", payload, retain=True)
            await asyncio.sleep(0.1)  # of what comes at one topic meanwhile, the last counts
        for number in range(50):
            await ha.say(f"hipsync/anna/lasts/host{number}", bad[0])
        await until(lambda: equal(desk, laptop))
        desk.hear(band, -50, 50)
        await until(lambda: equal(desk, laptop))
        assert await desk.speaks() is True
    said = [record.getMessage() for record in caplog.records if "is not taken" in record.getMessage()]
    assert 1 <= len(said) <= 2, said
    assert all("\n" not in line for line in said)
    assert [record.getMessage() for record in caplog.records if record.levelno >= logging.ERROR] == []


@pytest.mark.ring
async def test_ten_thousand_messages_delay_nobody_for_long(broker: Mosquitto) -> None:
    desk, laptop = Computer(broker, "desk"), Computer(broker, "laptop")
    async with listener(broker, topic="nothing") as ha, AsyncExitStack() as stack:
        await both_on(stack, desk, laptop)
        day = desk.minute().date().isoformat()
        for number in range(10_000):
            topic = (CLAIM, f"hipsync/anna/said/evil/{day}", f"hipsync/anna/lasts/h{number}")[number % 3]
            await ha.client.publish(topic, b"\x00garbage", qos=0)
        desk.store.add_exercise(Exercise(desk.minute(-5), "hip-circles", "manual"))
        await until(lambda: equal(desk, laptop), 15)
        assert await laptop.speaks() is True


async def test_what_a_newer_hipsync_tells_is_refused_with_a_line_that_says_what_to_do(
    broker: Mosquitto, caplog: pytest.LogCaptureFixture
) -> None:
    desk = Computer(broker, "desk")
    async with listener(broker, topic="nothing") as ha, desk.on():
        newer = zlib.compress(json.dumps({"form": FORM + 1, "surprise": 1}).encode())
        for _ in range(3):
            await ha.say("hipsync/anna/lasts/laptop", newer, retain=True)
        await until(lambda: "a newer hipsync sent it" in caplog.text)
        await asyncio.sleep(0.5)
    (line,) = [record.getMessage() for record in caplog.records if "newer" in record.getMessage()]
    assert line == (
        "what the computer laptop sends: hipsync/anna/lasts/laptop is not taken: a newer hipsync sent it "
        f"(form {FORM + 1}, this one knows {FORM}): upgrade hipsync here"
    )


@pytest.mark.parametrize("hours", [1, -1])
async def test_a_clock_that_is_an_hour_wrong_spoils_nothing_and_one_speaks(
    broker: Mosquitto, hours: int, caplog: pytest.LogCaptureFixture
) -> None:
    """What is stamped with the future waits; what lies in the past is taken."""
    desk, laptop = Computer(broker, "desk"), Computer(broker, "laptop", timedelta(hours=hours))
    for computer in (desk, laptop):
        computer.hear(computer.band(), -30, 30)
    desk.store.add_exercise(Exercise(desk.minute(-200), "hip-circles", "manual"))
    async with AsyncExitStack() as stack:
        await both_on(stack, desk, laptop)
        ahead, behind = (laptop, desk) if hours > 0 else (desk, laptop)
        await until(lambda: len(list(ahead.store.all_epochs(None, None))) == 60)
        assert len(ahead.store.exercises(desk.minute(-300), desk.minute())) == 1
        await asyncio.sleep(1)
        newest = max(epoch.start for _, epoch in behind.store.all_epochs(None, None))
        assert newest <= behind.clock.now() + timedelta(minutes=5)
        assert "lie in the future: one of the two clocks is wrong" in caplog.text
        assert sorted(await asyncio.gather(desk.speaks(), laptop.speaks())) == [False, True]


# -------------------------------------------------------------------- who speaks


@pytest.mark.parametrize("times", [40, pytest.param(300, marks=pytest.mark.ring)])
async def test_of_two_that_are_due_within_thirty_milliseconds_one_speaks_each_time(
    broker: Mosquitto, monkeypatch: pytest.MonkeyPatch, times: int
) -> None:
    monkeypatch.setattr(sharing_module, "ROW_WITHIN_S", 0.01)
    monkeypatch.setattr(sharing_module, "Claims", Noted)
    NOTED.clear()
    desk, laptop = Computer(broker, "desk"), Computer(broker, "laptop")
    async with listener(broker, topic="nothing") as ha, AsyncExitStack() as stack:
        await both_on(stack, desk, laptop)
        await one_speaks_each_time(desk, laptop, times, partial(ha.say, CLAIM))


async def test_the_computer_with_a_person_at_it_speaks_though_the_other_one_is_due_first(broker: Mosquitto) -> None:
    desk, laptop = Computer(broker, "desk"), Computer(broker, "laptop")
    async with AsyncExitStack() as stack:
        await both_on(stack, desk, laptop)
        waiting = asyncio.create_task(desk.speaks(is_there=False))
        await asyncio.sleep(0.2)
        assert await laptop.speaks(is_there=True) is True
        assert await waiting is False


async def test_where_somebody_is_the_minutes_are_known_in_time_though_the_other_one_alone_hears_the_band(
    broker: Mosquitto, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nobody is at the desk, which has just heard that a reminder is due."""
    monkeypatch.setattr(sharing_module, "RECENT_EVERY_S", 1000)
    monkeypatch.setattr(sharing_module, "ALL_EVERY_S", 1000)
    monkeypatch.setattr(sharing_module, "HEAD_START_S", 3.0)
    desk, laptop = Computer(broker, "desk"), Computer(broker, "laptop")
    async with AsyncExitStack() as stack:
        await both_on(stack, desk, laptop)
        await asyncio.sleep(0.5)
        desk.hear(desk.band(), -60, 60)
        await asyncio.sleep(0.5)
        assert list(laptop.store.all_epochs(None, None)) == []
        waiting = asyncio.create_task(desk.speaks(is_there=False))
        await until(lambda: len(list(laptop.store.all_epochs(None, None))) == 60, 2)
        assert await laptop.speaks(is_there=True) is True
        assert await waiting is False


async def test_a_day_that_is_too_long_to_be_shared_is_named_in_the_log_once(
    broker: Mosquitto, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sharing_module, "LONGEST_BYTES", 150)
    desk = Computer(broker, "desk")
    desk.hear(desk.band(), -50, 50)
    async with listener(broker, topic="hipsync/anna/#") as ha, desk.on():
        await until(lambda: "is too long to be shared" in caplog.text)
        for number in range(3):
            desk.store.add_exercise(Exercise(desk.minute(-number), "hip-circles", "manual"))
            await asyncio.sleep(0.3)
        assert parts(ha, Kind.DAY) == []
    days = {desk.minute(-50).date(), desk.minute(-1).date()}
    said = [record for record in caplog.records if record.levelno == logging.WARNING]
    assert len([each for each in said if "/day/" in each.getMessage()]) == len(days)


async def test_alone_it_speaks_at_once(broker: Mosquitto) -> None:
    desk = Computer(broker, "desk")
    async with desk.on():
        await until(desk.sees)
        async with asyncio.timeout(1.5):  # it waits neither for others nor in vain for its own claim
            assert await desk.speaks(is_there=False) is True


async def test_reminders_of_two_occasions_are_two(broker: Mosquitto) -> None:
    desk, laptop = Computer(broker, "desk"), Computer(broker, "laptop")
    async with AsyncExitStack() as stack:
        await both_on(stack, desk, laptop)
        assert await desk.speaks(Occasion.SITTING) is True
        assert await laptop.speaks(Occasion.MORNING) is True


async def test_while_the_broker_is_away_both_speak_and_at_once(broker: Mosquitto) -> None:
    desk, laptop = Computer(broker, "desk"), Computer(broker, "laptop")
    async with AsyncExitStack() as stack:
        await both_on(stack, desk, laptop)
        broker.kill()
        await until(lambda: desk.bridge.trouble() is not None and laptop.bridge.trouble() is not None)
        async with asyncio.timeout(1):
            assert [*await asyncio.gather(desk.speaks(), laptop.speaks())] == [True, True]


async def test_while_the_broker_hangs_both_speak_after_two_seconds(broker: Mosquitto) -> None:
    desk, laptop = Computer(broker, "desk"), Computer(broker, "laptop")
    async with AsyncExitStack() as stack:
        await both_on(stack, desk, laptop)
        broker.freeze()
        async with asyncio.timeout(4):
            assert [*await asyncio.gather(desk.speaks(), laptop.speaks())] == [True, True]
        broker.thaw()


async def test_who_claims_and_is_killed_is_spoken_for_by_the_other(
    broker: Mosquitto, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(claims_module, "HOLDS_S", 2.0)
    monkeypatch.setattr(sharing_module, "ROW_WITHIN_S", 0.1)
    desk, laptop = Computer(broker, "desk"), Computer(broker, "laptop")
    async with laptop.on():
        async with desk.on():
            await until(lambda: desk.sees("laptop") and laptop.sees("desk"))
            assert await desk.speaks() is True
            assert await laptop.speaks() is False
        await until_speaks(laptop)


async def test_a_stranger_who_claims_all_the_time_delays_and_silences_nobody(
    broker: Mosquitto, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(claims_module, "HOLDS_S", 0.6)
    monkeypatch.setattr(sharing_module, "ROW_WITHIN_S", 0.05)
    desk = Computer(broker, "desk")

    async def claims() -> None:
        while True:
            await ha.say(CLAIM, '{"host": "evil", "run": "x", "occasion": "sitting", "at": 1}')
            await asyncio.sleep(0.01)

    async with listener(broker, topic="nothing") as ha, desk.on():
        await until(desk.sees)
        evil = asyncio.create_task(claims())
        await asyncio.sleep(0.2)
        assert await desk.speaks() is False
        await until_speaks(desk)
        evil.cancel()


async def test_a_claim_that_the_broker_kept_or_that_is_old_is_none(broker: Mosquitto) -> None:
    desk = Computer(broker, "desk")
    claim = '{"host": "laptop", "run": "x", "occasion": "sitting", "at": 1}'
    async with listener(broker, topic="nothing") as ha:
        await ha.say(CLAIM, claim, retain=True)  # it is kept, and old by the time that somebody comes
        async with desk.on():
            await until(desk.sees)
            await ha.say(CLAIM, claim, retain=True)
            await ha.say("hipsync/anna/host/attic", "online", retain=True)
            await until(lambda: desk.sees("attic"))
            assert await desk.speaks() is True


async def test_a_claim_expires_at_the_broker(broker: Mosquitto, monkeypatch: pytest.MonkeyPatch) -> None:
    """Somebody whose session lasts was away for longer than a claim is worth anything."""
    monkeypatch.setattr(sharing_module, "CLAIM_EXPIRES_S", 2)
    desk, session = Computer(broker, "desk"), {"identifier": "lasting", "properties": lasting_session()}
    async with desk.on():
        await until(desk.sees)
        async with listener(broker, topic=CLAIM, **session):
            pass
        assert await desk.speaks() is True
        async with listener(broker, topic=CLAIM, clean_start=False, **session) as soon:
            await soon.until(lambda: soon.last(CLAIM) is not None)
        desk.clock.skip(60)
        assert await desk.speaks() is True
        await asyncio.sleep(3.1)
        async with listener(broker, topic=CLAIM, clean_start=False, **session) as late:
            await asyncio.sleep(0.5)
            assert late.of(CLAIM) == []


async def test_two_programs_by_one_name_share_by_turns_and_do_not_fight(
    broker: Mosquitto, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The second throws out the first, at both of its connections, and the first waits until it has gone."""
    monkeypatch.setattr(bridge_module, "TAKEN_WAIT_S", 1.0)
    first, second = Computer(broker, "desk"), Computer(broker, "desk")
    second.hear(second.band(), -10, 10)
    async with first.on():
        await until(first.sees)
        async with second.on():
            await until(lambda: "by the same name" in str(first.bridge.trouble()) and second.bridge.trouble() is None)
            await until(lambda: broker.log().count(" as hipsync-anna-desk-asks-") >= 2)
            came = broker.log().count(" as hipsync-anna-desk-share (")
            await until(lambda: broker.log().count(" as hipsync-anna-desk-asks-") >= 4)
            assert broker.log().count(" as hipsync-anna-desk-share (") == came
            assert await first.speaks() is True
            assert await second.speaks() is True
        await until(lambda: first.bridge.trouble() is None)
