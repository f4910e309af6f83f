"""The home at a real broker: announced, told, obeyed, and told again after everything that can end a connection."""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
import sys
from collections.abc import AsyncGenerator, Callable
from dataclasses import replace
from datetime import UTC, timedelta
from functools import partial
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from hipsync.core.exercises import next_exercise
from hipsync.core.policy import Policy
from hipsync.home import bridge as bridge_module
from hipsync.home import session as session_module
from hipsync.home.bridge import Bridge
from hipsync.home.names import Names
from hipsync.model import MINUTE, Answer, Charge, Epoch, Prompt
from hipsync.service.now import now_of
from hipsync.service.state import Families, settings_of, state_of
from hipsync.settings.config import Config, Mqtt
from hipsync.store import Store
from hipsync.together.topics import band_key
from support.mosquitto import (
    Listener,
    Mosquitto,
    acl_line,
    certificates,
    lasting_session,
    listener,
    mosquitto,
    password_line,
)
from support.running_service import CLOCK

pytestmark = pytest.mark.enable_socket
STATE, PROMPT, DO, HOST = "hipsync/anna/state", "hipsync/anna/prompt", "hipsync/anna/do", "hipsync/anna/host/desk"
CONFIG, BIRTH = "homeassistant/device/hipsync_anna/config", "homeassistant/status"
MIDDAY = f"Etc/GMT{CLOCK.now().astimezone(UTC).hour - 12:+d}"
"""A zone where it is about noon now, so that what was two hours ago is of today."""


class House:
    """A store with somebody who has sat for an hour and a half, and a bridge that tells it to a broker."""

    def __init__(self, mqtt: Mqtt, host: str = "desk") -> None:
        self.store, self.config = Store.in_memory(), Config(policy=Policy(), desktop=False, mqtt=mqtt)
        now = CLOCK.now().replace(second=0, microsecond=0)
        self.band = self.store.add_band(
            name="desk-band", driver="huami", address="C0:00", now=now, vouches=True, reports_wear=True
        )
        walked = [Epoch(now - (100 - i) * MINUTE, MINUTE, 100, heart_rate=90) for i in range(10)]
        sat = [Epoch(now - (90 - i) * MINUTE, MINUTE, 0, heart_rate=60) for i in range(90)]
        self.store.append(self.band.id, [*walked, *sat, Charge(now, 71)])
        self.store.note_sync(self.band.id, now, now, 100, None)
        self.looks, self._prompts = 0, 0
        self.bridge = Bridge(
            self.store, CLOCK, lambda: self.config, {"huami": "Mi Band 2-7"}, lambda _: Names("anna", host)
        )

    def tell(self) -> None:
        """Tell what is known now, as the service does at each look."""
        now = CLOCK.now()
        state = state_of(self.store, settings_of(self.config, MIDDAY), now, Families())
        self.bridge.tell(state, now_of(state, now, running=True))

    def look(self) -> None:
        self.looks += 1
        self.tell()

    def prompt(self) -> Prompt:
        """A reminder that is shown now; of two within a second the later is stored with the next one."""
        self._prompts += 1
        now = CLOCK.now().replace(microsecond=0) + timedelta(seconds=self._prompts)
        return self.store.add_prompt(Prompt(now, now, "hip-extension", sure=True, last_shown=now))

    async def shown(self, prompt: Prompt) -> bool:
        move = next_exercise(["hip-extension"], [], [], [])
        assert move is not None
        return await self.bridge.show(prompt, move, strong=False)

    @contextlib.asynccontextmanager
    async def lived_in(self) -> AsyncGenerator[None]:
        self.tell()
        async with self.bridge.running(self.look):
            yield


@pytest.fixture(autouse=True)
def short_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    """Numbers are told twice a second, and the broker is tried again soon."""
    monkeypatch.setattr(session_module, "TELL_EVERY_S", 0.5)
    monkeypatch.setattr(session_module, "AT_ONCE_S", 0.02)
    monkeypatch.setattr(bridge_module, "FIRST_WAIT_S", 0.05)
    monkeypatch.setattr(bridge_module, "LONGEST_WAIT_S", 0.2)


@pytest.fixture
def broker(tmp_path: Path) -> object:
    with mosquitto(tmp_path / "broker") as running:
        yield running


def at(broker: Mosquitto, **more: Any) -> Mqtt:
    return Mqtt(host="127.0.0.1", port=broker.port, tls=False)._replace(**more)


def press(do: str, seconds_ago: int = 0, **more: object) -> str:
    """A command as Home Assistant's template makes it."""
    return json.dumps({"do": do, "at": int(CLOCK.now().timestamp()) - seconds_ago, **more})


async def test_home_assistant_finds_devices_state_and_who_is_there_kept_by_the_broker(broker: Mosquitto) -> None:
    house = House(at(broker))
    key = band_key(house.band)
    async with listener(broker) as early, house.lived_in():
        await early.until(lambda: early.last(f"hipsync/anna/band/{key}") is not None)
        async with listener(broker) as late:
            await late.until(lambda: len(late.heard) >= 6)
            kept = {each.topic: each for each in late.heard if each.retained}
            assert kept.keys() == {
                CONFIG, f"homeassistant/device/hipsync_anna_band_{key}/config", STATE, HOST, f"hipsync/anna/band/{key}",
                "hipsync/anna/run/desk",
            }  # fmt: skip
            assert kept[HOST].payload == b"online"
            state = kept[STATE].json
            assert (state["now"], state["stretch"], state["due"], state["host"]) == ("sitting", 90, True, "desk")
            assert kept[f"hipsync/anna/band/{key}"].json["battery"] == 71
            assert kept[CONFIG].json["availability"] == [{"topic": HOST}]
            assert kept[f"homeassistant/device/hipsync_anna_band_{key}/config"].json["device"]["model"] == "Mi Band 2-7"
    assert house.bridge.trouble() is None


async def test_at_the_end_it_says_that_it_is_offline(broker: Mosquitto) -> None:
    async with listener(broker) as ha:
        async with House(at(broker)).lived_in():
            await ha.until(lambda: ha.last(STATE) is not None)
        await ha.until(lambda: (last := ha.last(HOST)) is not None and last.payload == b"offline")


async def test_all_is_announced_anew_when_home_assistant_has_started(broker: Mosquitto) -> None:
    async with listener(broker) as ha, House(at(broker)).lived_in():
        await ha.until(lambda: ha.last(STATE) is not None)
        before = {topic: len(ha.of(topic)) for topic in (CONFIG, STATE, HOST)}
        await ha.say(BIRTH, "online")
        await ha.until(lambda: all(len(ha.of(topic)) > count for topic, count in before.items()))


@pytest.mark.parametrize(
    ("do", "answer"),
    [("done", Answer.DONE), ("snooze", Answer.SNOOZED), ("skip", Answer.SKIPPED), ("hurt", Answer.HURT)],
)
async def test_a_press_answers_the_open_reminder_and_the_state_follows(
    broker: Mosquitto, do: str, answer: Answer
) -> None:
    house = House(at(broker))
    prompt = house.prompt()
    async with listener(broker) as ha, house.lived_in():
        await ha.until(lambda: (last := ha.last(STATE)) is not None and last.json["due"] is True)
        await ha.say(DO, press(do))
        await ha.until(lambda: (last := ha.last(STATE)) is not None and last.json["last_answer"] == answer.value)
        last = ha.last(STATE)
        assert last is not None
        assert last.json["due"] is False
    assert house.store.prompt(prompt).answer is answer
    assert house.looks == 1


async def test_the_switch_pauses_for_an_hour_or_as_long_as_it_says_and_ends_a_pause(broker: Mosquitto) -> None:
    house = House(at(broker))

    def is_paused(length: timedelta | None) -> bool:
        pause, last = house.store.pause(CLOCK.now()), ha.last(STATE)
        stored = None if pause is None else pause.until - pause.at
        return stored == length and last is not None and last.json["paused"] is (length is not None)

    async with listener(broker) as ha, house.lived_in():
        await ha.until(lambda: ha.last(STATE) is not None)
        for text, length in (
            (press("pause"), timedelta(hours=1)), (press("resume"), None), (press("pause", minutes=90), 90 * MINUTE),
        ):  # fmt: skip
            await ha.say(DO, text)
            await ha.until(partial(is_paused, length))


async def test_a_press_that_is_older_than_the_reminder_leaves_it_open(broker: Mosquitto) -> None:
    house = House(at(broker))
    prompt = house.prompt()
    async with listener(broker) as ha, house.lived_in():
        await ha.until(lambda: ha.last(STATE) is not None)
        await ha.say(DO, press("done", seconds_ago=120))
        await ha.until(lambda: house.looks == 1)
    assert house.store.prompt(prompt).answer is None


async def test_what_is_no_command_does_nothing_and_is_logged_once(
    broker: Mosquitto, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.WARNING)
    house = House(at(broker))
    prompt = house.prompt()
    async with listener(broker) as ha:
        await ha.say(DO, press("done"), retain=True)  # before hipsync comes
        async with house.lived_in():
            await ha.until(lambda: ha.last(STATE) is not None)
            for text in (press("done", 700), press("done", -700), "rubbish", "[]", press("fly"), "x" * 1500, b"\xff"):
                for _ in range(3):
                    await ha.say(DO, text)
            await ha.say(DO, press("done"), retain=True)  # while it is there
            await ha.say(DO, press("resume"))  # what comes last has passed all the others
            await ha.until(lambda: house.looks == 1)
        await ha.say(DO, b"", retain=True)
    assert house.store.prompt(prompt).answer is None
    said = [record.getMessage() for record in caplog.records]
    assert len(said) == len(set(said))
    assert {line.partition(": ")[2] for line in said} == {
        "the broker kept it: a button must not be retained", "it is more than 10 minutes old",
        "it comes from the future: one of the two clocks is wrong", "it is not JSON",
        "it is no object with do and at", "hipsync knows no such command", "it has more than 1,000 bytes",
    }  # fmt: skip


@pytest.mark.ring
async def test_of_ten_thousand_commands_a_few_are_done_and_the_rest_harms_nothing(
    broker: Mosquitto, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.WARNING)
    house = House(at(broker))
    async with listener(broker, topic=STATE) as ha, house.lived_in():
        await ha.until(lambda: ha.last(STATE) is not None)
        for number in range(10_000):
            await ha.client.publish(DO, press("pause", minutes=1 + number % 60), 0)
        await ha.client.publish(DO, press("pause"), 1)
        await ha.until(lambda: house.looks >= 30)
        await ha.say(BIRTH, "online")  # it still hears, and tells
        told = len(ha.heard)
        await ha.until(lambda: len(ha.heard) > told)
    assert house.looks == 30
    assert len(caplog.records) <= 1, "one line for a flood"


async def test_a_megabyte_never_reaches_us(broker: Mosquitto) -> None:
    house = House(at(broker))
    async with listener(broker) as ha, house.lived_in():
        await ha.until(lambda: ha.last(STATE) is not None)
        await ha.say(DO, b" " * 1_000_000 + press("pause").encode())
        await ha.say(DO, press("resume"))
        await ha.until(lambda: house.looks == 1)
        assert house.bridge.trouble() is None


async def test_a_prompt_counts_as_shown_only_if_home_assistant_is_online_and_hears_it(broker: Mosquitto) -> None:
    house = House(at(broker))
    async with house.lived_in():
        async with listener(broker) as ha:
            await ha.until(lambda: ha.last(STATE) is not None)
            assert await house.shown(house.prompt()) is False, "nobody said that Home Assistant is online"
            await ha.until(lambda: ha.last(PROMPT) is not None)
            (sent,) = ha.of(PROMPT)
            assert (sent.retained, sent.json["event_type"], sent.json["title"]) == (False, "sitting", "Time to move")
            await ha.say(BIRTH, "online", retain=True)
            await ha.until(lambda: (told := house.bridge.told()) is not None and "online" in json.dumps(told))
            assert await house.shown(house.prompt()) is True
            await ha.say(BIRTH, "offline", retain=True)
            await ha.until(lambda: '"offline"' in json.dumps(house.bridge.told()))
            assert await house.shown(house.prompt()) is False
            await ha.say(BIRTH, "online", retain=True)
            await ha.until(lambda: '"online"' in json.dumps(house.bridge.told()))
        async with asyncio.timeout(5):  # the broker may read what we publish before it reads that the other left
            while await house.shown(house.prompt()):
                pass


async def test_a_later_connection_knows_by_the_word_that_the_broker_kept(broker: Mosquitto) -> None:
    async with listener(broker) as ha:
        await ha.say(BIRTH, "online", retain=True)
        house = House(at(broker))
        async with house.lived_in():
            await ha.until(lambda: '"home_assistant": "online"' in json.dumps(house.bridge.told()))
            assert await house.shown(house.prompt()) is True


async def test_without_a_broker_a_prompt_waits_for_nothing(tmp_path: Path) -> None:
    house = House(Mqtt(host="127.0.0.1", port=1, tls=False))
    async with house.lived_in(), asyncio.timeout(5):
        assert await house.shown(house.prompt()) is False
        await until(lambda: house.bridge.trouble() is not None)
    assert house.bridge.trouble() == "nothing answers at 127.0.0.1:1: does the broker run, and is that its port?"


async def test_a_broker_that_hangs_holds_a_prompt_for_two_seconds_at_most(broker: Mosquitto) -> None:
    house = House(at(broker))
    async with house.lived_in():
        async with listener(broker) as ha:
            await ha.until(lambda: ha.last(STATE) is not None)
        broker.freeze()
        async with asyncio.timeout(4):
            assert await house.shown(house.prompt()) is False
        broker.thaw()


async def test_a_broker_that_was_killed_is_found_again_and_told_how_things_are(
    broker: Mosquitto, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    house = House(at(broker))
    async with house.lived_in():
        async with listener(broker) as ha:
            await ha.until(lambda: ha.last(STATE) is not None)
        broker.kill()
        await until(lambda: house.bridge.trouble() is not None)
        await asyncio.sleep(0.5)  # several tries
        broker.start()  # it kept nothing
        async with listener(broker) as ha:
            await ha.until(lambda: all(ha.last(topic) is not None for topic in (CONFIG, STATE, HOST)))
        assert house.bridge.trouble() is None
    said = [(record.levelname, record.getMessage()) for record in caplog.records if "hipsync.home" in record.name]
    assert [level for level, _ in said] == ["INFO", "WARNING", "INFO"], said
    assert said[1][1].startswith("Home Assistant hears nothing: ")
    assert said[2][1] == f"connected to the broker 127.0.0.1:{broker.port}, for Home Assistant"


async def test_two_programs_by_one_name_do_not_fight(
    broker: Mosquitto, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The first yields to the second, asks by another name whether it is still there, and comes back when it is not."""
    monkeypatch.setattr(bridge_module, "TAKEN_WAIT_S", 1.0)
    caplog.set_level(logging.WARNING)
    first, second = House(at(broker)), House(at(broker))
    async with listener(broker) as ha, first.lived_in():
        await ha.until(lambda: ha.last(STATE) is not None)
        async with second.lived_in():
            await until(
                lambda: (
                    "another program uses the broker by the same name" in str(first.bridge.trouble())
                    and second.bridge.trouble() is None
                    and broker.log().count(" as hipsync-anna-desk (") >= 4  # each came, and each came back once
                )
            )
            await until(lambda: broker.log().count(" as hipsync-anna-desk-asks-") >= 2)
            came = broker.log().count(" as hipsync-anna-desk (")
            await until(lambda: broker.log().count(" as hipsync-anna-desk-asks-") >= 4)
            assert broker.log().count(" as hipsync-anna-desk (") == came
            assert second.bridge.trouble() is None
            last = ha.last(HOST)
            assert last is not None
            assert last.payload == b"online"
        await until(lambda: first.bridge.trouble() is None)
        await ha.until(lambda: (last := ha.last(HOST)) is not None and last.payload == b"online")
    assert len([record for record in caplog.records if "hipsync.home" in record.name]) <= 3


async def test_two_computers_of_one_wearer_are_one_device_that_is_there_while_one_is(broker: Mosquitto) -> None:
    desk, laptop = House(at(broker)), House(at(broker), "laptop")
    both = [{"topic": "hipsync/anna/host/desk"}, {"topic": "hipsync/anna/host/laptop"}]

    def hosts() -> object:
        last = ha.last(CONFIG)
        return None if last is None else last.json["availability"]

    async with listener(broker) as ha, desk.lived_in():
        await ha.until(lambda: hosts() == both[:1])
        async with laptop.lived_in():
            await ha.until(lambda: hosts() == both)
        await ha.until(lambda: (last := ha.last("hipsync/anna/host/laptop")) is not None and last.payload == b"offline")
        last = ha.last(HOST)
        assert last is not None
        assert last.payload == b"online"
        await ha.say("hipsync/anna/host/laptop", b"", retain=True)  # it is given away
        await ha.until(lambda: hosts() == both[:1])


async def test_of_two_computers_the_one_that_knows_more_tells(broker: Mosquitto) -> None:
    """The laptop heard the band a minute later than the desk did. When it goes, the desk tells again."""
    desk, laptop = House(at(broker)), House(at(broker), "laptop")
    now = CLOCK.now().replace(second=0, microsecond=0)
    laptop.store.append(laptop.band.id, [Epoch(now, MINUTE, 7)])

    def told_by() -> object:
        last = ha.last(STATE)
        return None if last is None else last.json["host"]

    async with listener(broker) as ha, desk.lived_in():
        await ha.until(lambda: told_by() == "desk")
        async with laptop.lived_in():
            await ha.until(lambda: told_by() == "laptop")
            await asyncio.sleep(1.2)  # what both sent at the same time
            told = len(ha.of(STATE))
            desk.store.append(desk.band.id, [Epoch(now - 95 * MINUTE, MINUTE, 130)])
            for _ in range(4):
                desk.tell()
                await asyncio.sleep(0.3)
            assert [each.json["host"] for each in ha.of(STATE)[told:]] == []
            await ha.say(STATE, '{"host":"attic","known_until":null}', retain=True)  # as if it had told at that moment
            await ha.until(lambda: told_by() == "laptop")
        await ha.until(lambda: (last := ha.last("hipsync/anna/host/laptop")) is not None and last.payload == b"offline")
        desk.tell()
        await ha.until(lambda: told_by() == "desk")


async def test_without_the_extra_the_service_goes_on_and_says_what_to_install(
    broker: Mosquitto, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "aiomqtt", None)
    for name in ("broker", "session", "own_name"):
        monkeypatch.delitem(sys.modules, f"hipsync.home.{name}")
    house = House(at(broker))
    async with house.lived_in():
        await until(lambda: house.bridge.trouble() is not None)
        assert str(house.bridge.trouble()).startswith("Home Assistant needs an extra (aiomqtt): `")
        assert await house.shown(house.prompt()) is False


async def test_hosts_that_no_hipsync_would_name_are_not_believed_in(broker: Mosquitto) -> None:
    house = House(at(broker))
    async with listener(broker) as ha, house.lived_in():
        await ha.until(lambda: ha.last(CONFIG) is not None)
        await ha.say("hipsync/anna/host/Bad Host", "online")
        for number in range(50):
            await ha.say(f"hipsync/anna/host/h{number}", "online")
        await ha.say(BIRTH, "online")
        await ha.until(lambda: (last := ha.last(CONFIG)) is not None and len(last.json["availability"]) == 10)
        last = ha.last(CONFIG)
        assert last is not None
        assert "Bad" not in last.payload.decode()


async def test_a_band_that_was_forgotten_is_taken_back_and_a_renamed_one_is_announced_anew(broker: Mosquitto) -> None:
    house = House(at(broker))
    key = band_key(house.band)
    config, topic = f"homeassistant/device/hipsync_anna_band_{key}/config", f"hipsync/anna/band/{key}"
    async with listener(broker) as ha, house.lived_in():
        await ha.until(lambda: ha.last(topic) is not None)
        house.store.rename(house.band.id, "left")
        house.tell()
        await ha.until(lambda: (last := ha.last(config)) is not None and last.json["device"]["name"] == "left")
        house.store.forget(house.band.id, CLOCK.now(), with_data=False)
        house.tell()
        await ha.until(
            lambda: all((last := ha.last(each)) is not None and not last.payload for each in (config, topic))
        )


async def test_numbers_are_told_when_they_change_and_not_more_often_than_is_allowed(
    broker: Mosquitto, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(session_module, "TELL_EVERY_S", 2.0)
    house = House(at(broker))
    now = CLOCK.now().replace(second=0, microsecond=0)
    async with listener(broker) as ha, house.lived_in():
        await ha.until(lambda: ha.last(STATE) is not None)
        for steps in range(1, 31):
            house.store.append(house.band.id, [Epoch(now - 95 * MINUTE, MINUTE, 100 + steps)])
            house.tell()
            await asyncio.sleep(0.02)
        await ha.until(lambda: (last := ha.last(STATE)) is not None and last.json["steps"] == 1030)
        told = ha.of(STATE)
        assert told[0].json["steps"] == 1000
        assert len(told) <= 3
        assert all(later.at_s - earlier.at_s > 1 for earlier, later in pairwise(told))
        house.tell()
        await asyncio.sleep(2.2)
        assert len(ha.of(STATE)) == len(told), "nothing changed"


async def test_settings_that_change_lead_to_the_new_broker_and_to_none(broker: Mosquitto, tmp_path: Path) -> None:
    house = House(Mqtt())
    async with listener(broker) as ha, house.lived_in():
        assert (house.bridge.told(), house.bridge.trouble()) == (None, None)
        house.config = replace(house.config, mqtt=at(broker))
        house.tell()
        await ha.until(lambda: ha.last(STATE) is not None)
        with mosquitto(tmp_path / "other") as other:
            async with listener(other) as there:
                house.config = replace(house.config, mqtt=at(other))
                house.tell()
                await there.until(lambda: there.last(STATE) is not None)
                await ha.until(lambda: (last := ha.last(HOST)) is not None and last.payload == b"offline")
                house.config = replace(house.config, mqtt=Mqtt())
                house.tell()
                await there.until(lambda: (last := there.last(HOST)) is not None and last.payload == b"offline")
                assert house.bridge.told() is None


async def test_tls_with_the_right_ca_connects_and_with_another_does_not(tmp_path: Path) -> None:
    mine, other = certificates(tmp_path / "mine"), certificates(tmp_path / "other")
    with mosquitto(tmp_path / "broker", *mine.lines()) as broker:
        house = House(at(broker, tls=True, ca=str(mine.ca)))
        async with house.lived_in():
            await until(lambda: '"connected": true' in json.dumps(house.bridge.told()))
        house = House(at(broker, tls=True, ca=str(other.ca)))
        async with house.lived_in():
            await until(lambda: house.bridge.trouble() is not None)
            assert "is not signed by anybody whom this computer trusts" in str(house.bridge.trouble())
            assert '"connected": false' in json.dumps(house.bridge.told())


async def test_what_the_acl_refuses_is_told_by_its_topic(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.WARNING)
    folder, file = tmp_path / "broker", tmp_path / "password"
    file.write_text("right\n")
    file.chmod(0o600)
    rules = "user anna\ntopic readwrite hipsync/anna/#\ntopic read homeassistant/status\n"
    with mosquitto(folder, password_line(folder, anna="right"), acl_line(folder, rules)) as broker:
        house = House(at(broker, user="anna", password_file=str(file)))
        async with house.lived_in():
            await until(lambda: CONFIG in str(house.bridge.trouble()))
            assert STATE not in str(house.bridge.trouble())
        assert [record.getMessage() for record in caplog.records if CONFIG in record.getMessage()] == [
            f"the broker does not let hipsync write to {CONFIG}: `hipsync mqtt check` says what it needs"
        ]


async def test_a_queue_that_was_full_at_the_broker_ends_with_how_things_are(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Home Assistant was away with a session that lasts; the broker keeps ten messages for it, and drops the others."""
    monkeypatch.setattr(session_module, "TELL_EVERY_S", 0.02)
    with mosquitto(tmp_path / "broker", "max_queued_messages 10") as broker:
        house = House(at(broker))
        lasting = {"identifier": "ha", "properties": lasting_session()}
        async with listener(broker, topic=STATE, **lasting):
            pass
        now = CLOCK.now().replace(second=0, microsecond=0)
        async with listener(broker) as seen, house.lived_in():
            for steps in range(1, 31):
                house.store.append(house.band.id, [Epoch(now - 95 * MINUTE, MINUTE, 100 + steps)])
                house.tell()
                await seen.until(partial(_has_steps, seen, 1000 + steps))
            async with listener(broker, topic=STATE, clean_start=False, **lasting) as ha:
                await ha.until(partial(_has_steps, ha, 1030))
                assert len(ha.heard) < 30


def _has_steps(ha: Listener, steps: int) -> bool:
    last = ha.last(STATE)
    return last is not None and last.json["steps"] == steps


async def until(condition: Callable[[], bool], within_s: float = 30.0) -> None:
    async with asyncio.timeout(within_s):
        while not condition():  # noqa: ASYNC110  the bridge has no event of it
            await asyncio.sleep(0.01)
