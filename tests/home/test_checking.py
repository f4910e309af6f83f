"""`hipsync mqtt check` says what a stranger has to mend, in one line; `forget` leaves nothing of him at the broker."""

from __future__ import annotations

import asyncio
import json
import os
import sys
from collections.abc import Generator
from datetime import date
from pathlib import Path

import pytest

from hipsync.home.bridge import this_host
from hipsync.home.broker import connected
from hipsync.home.place import Broker, broker_of
from hipsync.host.lock import only_instance
from hipsync.settings.config import Mqtt
from hipsync.store import Store
from hipsync.together.channel import REFUSED
from hipsync.together.topics import Kind, Part, band_key
from support.machine import Machine
from support.mosquitto import (
    SECRET,
    Mosquitto,
    acl_line,
    certificates,
    free_port,
    listener,
    mosquitto,
    password_line,
)
from support.repository import ROOT

pytestmark = pytest.mark.enable_socket
NEEDED = """\
user anna
topic readwrite hipsync/anna/#
topic write homeassistant/device/#
topic read homeassistant/status
"""
HOST = this_host(Mqtt(wearer="anna")).host


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    found = Machine(tmp_path / "home")
    found.band()
    (found.home / "password").write_text(f"{SECRET}\n")
    (found.home / "password").chmod(0o600)
    return found


def set_up(machine: Machine, port: int, **more: object) -> None:
    keys = {"host": "127.0.0.1", "port": port, "tls": False, "wearer": "anna", **more}
    machine.settings.parent.mkdir(parents=True, exist_ok=True)
    lines = [f"{key} = {json.dumps(value)}" for key, value in keys.items()]
    machine.settings.write_text("\n".join(["[mqtt]", *lines, ""]))
    machine.settings.chmod(0o600)


def guarded(machine: Machine, port: int, **more: object) -> None:
    set_up(machine, port, user="anna", password_file=str(machine.home / "password"), **more)


@pytest.fixture
def broker(tmp_path: Path) -> Generator[Mosquitto]:
    with mosquitto(tmp_path / "broker") as started:
        yield started


def key(machine: Machine) -> str:
    with Store.read(machine.database) as store:
        return band_key(store.bands()[0])


# ------------------------------------------------------------------ what a stranger sees


def test_without_a_host_it_says_how_to_set_one(machine: Machine) -> None:
    said = "no broker is named: `hipsync config set mqtt.host homeassistant.local`"
    assert machine.refused("mqtt", "check", code=2) == said
    assert machine.refused("mqtt", "forget", "--yes", code=2) == said


def test_where_nothing_listens_it_says_so(machine: Machine) -> None:
    port = free_port()
    set_up(machine, port)
    said = machine.refused("mqtt", "check", code=1)
    assert said == f"nothing answers at 127.0.0.1:{port}: does the broker run, and is that its port?"


def test_a_host_that_is_not_found_is_named(machine: Machine) -> None:
    set_up(machine, 1883, host="no-such-host.invalid")
    said = machine.refused("mqtt", "check", code=1)
    assert "no-such-host.invalid" in said


@pytest.mark.skipif(os.name != "posix", reason="owners and modes as POSIX has them")
@pytest.mark.parametrize("mode", [0o640, 0o604, 0o644])
def test_a_password_file_that_others_can_read_is_refused(machine: Machine, mode: int) -> None:
    file = machine.home / "password"
    file.chmod(mode)
    guarded(machine, 1883)
    said = machine.refused("mqtt", "check", code=2)
    assert said == f"{file} can be read by others: it holds the password of the broker; chmod 600 it"
    doctor = machine.type("doctor", env={"DBUS_SYSTEM_BUS_ADDRESS": "unix:path=/nonexistent"}).stdout
    assert "can be read by others" in doctor


@pytest.mark.parametrize(
    ("content", "said"),
    [(None, "cannot be read: No such file or directory"), (b"", "is empty: its first line is the password"),
     (b"\n", "is empty: its first line is the password"), (b"\xff\xfe\n", "is no text in UTF-8")],
)  # fmt: skip
def test_a_password_file_that_holds_none_is_named(machine: Machine, content: bytes | None, said: str) -> None:
    file = machine.home / "password"
    if content is None:
        file.unlink()
    else:
        file.write_bytes(content)
    guarded(machine, 1883)
    assert machine.refused("mqtt", "check", code=2) == f"{file} (mqtt.password_file) {said}"


def test_a_password_without_a_user_is_no_login(machine: Machine) -> None:
    set_up(machine, 1883, password_file=str(machine.home / "password"))
    said = "there is a password and no user: `hipsync config set mqtt.user NAME`"
    assert machine.refused("mqtt", "check", code=2) == said


def test_without_the_extra_it_names_the_command_that_installs_it(
    machine: Machine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "aiomqtt", None)
    set_up(machine, 1883)
    said = machine.refused("mqtt", "check", code=2)
    assert said.startswith("Home Assistant needs an extra (aiomqtt): `")
    assert "mqtt" in said.partition("`")[2]


class TestGuarded:
    @pytest.fixture
    def rules(self) -> str:
        return NEEDED

    @pytest.fixture
    def broker(self, tmp_path: Path, rules: str) -> Generator[Mosquitto]:
        folder = tmp_path / "guarded"
        lines = password_line(folder, anna=SECRET, ha="ha"), acl_line(folder, f"{rules}user ha\ntopic readwrite #\n")
        with mosquitto(folder, *lines) as started:
            yield started

    def test_a_wrong_password_and_none_are_two_things(self, machine: Machine, broker: Mosquitto) -> None:
        place = f"127.0.0.1:{broker.port}"
        set_up(machine, broker.port)
        said = machine.refused("mqtt", "check", code=1)
        assert said == f"{place} wants a user and a password: mqtt.user and mqtt.password_file"
        (machine.home / "password").write_text("wrong\n")
        guarded(machine, broker.port)
        said = machine.refused("mqtt", "check", code=1)
        assert said == f"{place} refuses the user anna or the password (mqtt.user, mqtt.password_file)"

    def test_the_rules_that_it_names_are_enough(self, machine: Machine, broker: Mosquitto) -> None:
        guarded(machine, broker.port)
        said = machine.told("mqtt", "check")
        assert "fail" not in said
        assert f"ok    broker: connected to 127.0.0.1:{broker.port} without TLS, as anna\n" in said
        assert "ok    write homeassistant/device/hipsync_anna/config: ok\n" in said
        assert "ok    read hipsync/anna/do: ok\n" in said
        assert "warn  Home Assistant homeassistant/status: nothing is kept there" in said

    def test_a_password_from_systemd_is_as_good(self, machine: Machine, broker: Mosquitto, tmp_path: Path) -> None:
        (tmp_path / "credentials").mkdir()
        (tmp_path / "credentials" / "mqtt-password").write_text(f"{SECRET}\n")
        set_up(machine, broker.port, user="anna")
        done = machine.type("mqtt", "check", env={"CREDENTIALS_DIRECTORY": str(tmp_path / "credentials")})
        assert done.exit_code == 0, done.output

    @pytest.mark.parametrize("rules", [NEEDED.replace("topic write homeassistant/device/#\n", "")])
    def test_what_may_not_be_written_is_named_with_the_lines_that_are_missing(
        self, machine: Machine, broker: Mosquitto
    ) -> None:
        guarded(machine, broker.port)
        done = machine.type("mqtt", "check")
        assert done.exit_code == 1
        failed = [line for line in done.stdout.splitlines() if line.startswith("fail")]
        said = "the broker's access list does not let hipsync write there"
        assert failed == [
            f"fail  write homeassistant/device/hipsync_anna/config: {said}",
            f"fail  write homeassistant/device/hipsync_anna_band_{key(machine)}/config: {said}",
        ]
        assert "\n".join(f"  {line}" for line in NEEDED.splitlines()) in done.stdout

    @pytest.mark.parametrize("rules", [NEEDED.replace("readwrite hipsync/anna/#", "write hipsync/anna/#")])
    def test_what_may_not_be_read_is_found_although_the_broker_is_silent(
        self, machine: Machine, broker: Mosquitto
    ) -> None:
        guarded(machine, broker.port)
        done = machine.type("mqtt", "check", "--json")
        assert done.exit_code == 1
        found = json.loads(done.stdout)
        bad = {(each["what"], each["topic"]) for each in found["findings"] if each["verdict"] == "bad"}
        assert bad == {("read", f"hipsync/anna/{each}") for each in ("do", f"host/{HOST}", f"run/{HOST}")}

    @pytest.mark.parametrize(
        "rules",
        [NEEDED.replace("readwrite hipsync/anna/#", "read hipsync/anna/do\n").rstrip()
         + "\ntopic readwrite hipsync/anna/host/#\ntopic readwrite hipsync/anna/run/#\n"
         "topic readwrite hipsync/anna/ask/#\ntopic write hipsync/anna/state\ntopic write hipsync/anna/prompt\n"
         "topic write hipsync/anna/band/#\n"],
    )  # fmt: skip
    def test_what_only_home_assistant_could_try_is_not_called_a_fault(
        self, machine: Machine, broker: Mosquitto
    ) -> None:
        guarded(machine, broker.port)
        assert "warn  read hipsync/anna/do: not tried: only who may write there" in machine.told("mqtt", "check")


@pytest.mark.parametrize(
    ("name", "days", "said"),
    [("localhost", 30, None), ("other.home", 30, "is for another name"), ("localhost", -1, "does not hold today")],
)
def test_a_certificate_is_for_this_name_and_for_today(
    machine: Machine, tmp_path: Path, name: str, days: int, said: str | None
) -> None:
    files = certificates(tmp_path / "certificates", name=name, days=days)
    with mosquitto(tmp_path / "broker", *files.lines()) as broker:
        set_up(machine, broker.port, tls=True, ca=str(files.ca))
        if said is None:
            assert f"connected to 127.0.0.1:{broker.port} with TLS\n" in machine.told("mqtt", "check")
        else:
            assert said in machine.refused("mqtt", "check", code=1)


def test_a_certificate_that_nobody_here_trusts_and_a_port_without_tls(
    machine: Machine, tmp_path: Path, broker: Mosquitto
) -> None:
    files = certificates(tmp_path / "certificates")
    with mosquitto(tmp_path / "other", *files.lines()) as tls:
        set_up(machine, tls.port, tls=True)
        said = machine.refused("mqtt", "check", code=1)
        assert "is not signed by anybody whom this computer trusts" in said
        assert said.endswith("mqtt.ca names its CA's file")
        set_up(machine, tls.port, tls=False)
        assert "its port with TLS is mostly 8883" in machine.refused("mqtt", "check", code=1)
    set_up(machine, broker.port, tls=True)
    assert "its port without TLS is mostly 1883" in machine.refused("mqtt", "check", code=1)


# ------------------------------------------------------------------ what the home sees of it


async def test_it_leaves_all_as_it_was_and_answers_no_reminder(machine: Machine, broker: Mosquitto) -> None:
    set_up(machine, broker.port)
    state, host = "hipsync/anna/state", f"hipsync/anna/host/{HOST}"
    async with listener(broker) as ha:
        await ha.say(state, '{"now":"sitting"}', retain=True)
        await ha.say(host, "online", retain=True)
        await ha.say("hipsync/anna/host/laptop", "online", retain=True)
        await asyncio.to_thread(machine.told, "mqtt", "check")
        await ha.until(lambda: ha.last("hipsync/anna/do") is not None)
        async with listener(broker) as late:
            config = "homeassistant/device/hipsync_anna/config"
            await late.until(lambda: all(late.last(topic) is not None for topic in (state, host, config)))
            kept = {each.topic: each.payload for each in late.heard if each.retained}
        assert kept[state] == b'{"now":"sitting"}'
        assert kept[host] == b"online"
        hosts = json.loads(kept[config])["availability"]
        assert {"topic": "hipsync/anna/host/laptop"} in hosts
        assert [each.payload for each in ha.of("hipsync/anna/prompt")] == [b""], "no prompt"
        (asked,) = ha.of("hipsync/anna/do")
        assert asked.json["do"] == "check"


async def test_after_forget_the_broker_keeps_nothing_of_the_wearer_and_all_of_others(
    machine: Machine, broker: Mosquitto
) -> None:
    set_up(machine, broker.port)
    others = {"hipsync/ben/state", "homeassistant/device/hipsync_ben/config", "homeassistant/status"}
    mine = {
        "hipsync/anna/state", f"hipsync/anna/host/{HOST}", "hipsync/anna/host/laptop", "hipsync/anna/band/fedcba9876",
        "homeassistant/device/hipsync_anna/config", "homeassistant/device/hipsync_anna_band_fedcba9876/config",
    }  # fmt: skip
    async with listener(broker) as ha:
        for topic in others | mine:
            await ha.say(topic, "x", retain=True)
        said = await asyncio.to_thread(machine.told, "mqtt", "forget", "--yes")
        assert {*said.splitlines()[:-1]} == mine
        assert said.splitlines()[-1] == f"The broker 127.0.0.1:{broker.port} keeps nothing of anna any more."
        async with listener(broker) as late:
            await late.until(lambda: {each.topic for each in late.heard} >= others)
            assert {each.topic for each in late.heard if each.payload} == others


def test_forget_is_refused_while_a_service_would_announce_all_again(machine: Machine, broker: Mosquitto) -> None:
    set_up(machine, broker.port)
    with only_instance(machine.database):
        said = machine.refused("mqtt", "forget", "--yes", code=2)
    assert said == "hipsync runs, and would announce all again: stop it first (`hipsync service stop`)"


def test_a_password_in_the_clear_is_warned_of_but_not_within_this_computer(machine: Machine) -> None:
    file = str(machine.home / "password")
    there = Mqtt(host="192.168.1.10", tls=False, user="anna", password_file=file)
    assert broker_of(there).is_overheard
    for fine in (there._replace(tls=True), there._replace(host="localhost"), there._replace(host="127.0.0.1")):
        assert not broker_of(fine).is_overheard
    assert not broker_of(there._replace(password_file="")).is_overheard
    assert SECRET not in repr(broker_of(there))


# ------------------------------------------------------------------ what computers share


PROBES = ("claim", f"lasts/{HOST}", f"said/{HOST}/1970-01-01", f"day/{HOST}/0000000000/1970-01-01")


def test_where_everything_is_shared_these_topics_are_tried_too(machine: Machine, broker: Mosquitto) -> None:
    set_up(machine, broker.port)
    assert "claim" not in machine.told("mqtt", "check")
    set_up(machine, broker.port, share="everything")
    lines = machine.told("mqtt", "check").splitlines()
    for probe in PROBES:
        assert f"ok    write hipsync/anna/{probe}: ok" in lines
        assert f"ok    read hipsync/anna/{probe}: ok" in lines


def test_what_the_access_list_refuses_of_them_is_named(machine: Machine, tmp_path: Path) -> None:
    folder = tmp_path / "guarded"
    rules = NEEDED.replace("hipsync/anna/#", "hipsync/anna/+") + "".join(
        f"topic readwrite hipsync/anna/{each}/#\n" for each in ("host", "run", "ask", "band", "said")
    )
    with mosquitto(folder, password_line(folder, anna=SECRET), acl_line(folder, rules)) as broker:
        guarded(machine, broker.port, share="everything")
        done = machine.type("mqtt", "check", "--json")
        assert done.exit_code == 1
        found = json.loads(done.stdout)["findings"]
        bad = {(each["what"], each["topic"]) for each in found if each["verdict"] == "bad"}
        assert bad == {("write", f"hipsync/anna/{probe}") for probe in (PROBES[1], PROBES[3])}


async def test_the_access_list_of_the_paper_lets_a_computer_do_all_and_write_in_no_other_name(
    machine: Machine, tmp_path: Path
) -> None:
    paper = (ROOT / "docs" / "two-computers.md").read_text("utf-8")
    rules = (
        paper.partition("# /etc/mosquitto/acl\n")[2].partition("```")[0].replace("desk", HOST).replace("-" + HOST, "")
    )
    folder, names = tmp_path / "guarded", this_host(Mqtt(wearer="anna"))
    with mosquitto(folder, password_line(folder, anna=SECRET), acl_line(folder, rules)) as broker:
        guarded(machine, broker.port, share="everything")
        found = json.loads(await asyncio.to_thread(machine.told, "mqtt", "check", "--json"))["findings"]
        assert [each for each in found if each["verdict"] == "bad"] == []
        place = Broker("127.0.0.1", broker.port, None, "anna", SECRET)
        async with connected(place, "someone") as connection:
            for host, may in ((names.host, True), ("laptop", False)):
                part = Part(Kind.DAY, host, date(2026, 1, 1), "0123456789")
                for topic in (names.shared.part_topic(part), names.shared.host_topic(host)):
                    assert (await connection.publish(topic, b"", retain=False) < REFUSED) is may, topic


async def test_forget_takes_back_more_topics_than_the_broker_lets_wait(machine: Machine, broker: Mosquitto) -> None:
    set_up(machine, broker.port, share="everything")
    mine = {f"hipsync/anna/day/laptop/0123456789/{number}" for number in range(1500)} | {"hipsync/anna/lasts/laptop"}
    async with listener(broker, topic="nothing") as ha:
        for topic in mine:
            await ha.say(topic, b"x" * 100_000 if topic.endswith("laptop") else b"x", retain=True)
        said = await asyncio.to_thread(machine.told, "mqtt", "forget", "--yes")
        assert mine <= {*said.splitlines()}
        async with listener(broker) as late:
            await late.say("end", "x")
            await late.until(lambda: late.last("end") is not None)
            assert [each.topic for each in late.heard if each.retained] == []


def test_days_that_would_come_back_are_not_erased(machine: Machine) -> None:
    set_up(machine, 1883, share="everything")
    said = machine.refused("db", "erase", "--to", "2030-01-01", "--yes", code=2)
    assert said.startswith(
        "these days would come back from your other computers: on each `hipsync config set mqtt.share"
    )
    machine.told("config", "set", "mqtt.share", "state")
    machine.told("db", "erase", "--to", "2026-01-01", "--yes")


def test_everything_is_shared_only_if_somebody_said_whose_it_is(machine: Machine) -> None:
    said = machine.refused("config", "set", "mqtt.share", "everything", code=2)
    assert "needs mqtt.wearer, a name that is the same on all your computers and no other person's" in said
    machine.told("config", "set", "mqtt.wearer", "anna")
    machine.told("config", "set", "mqtt.share", "everything")


def test_a_wrong_word_for_what_is_shared_is_refused(machine: Machine) -> None:
    said = machine.refused("config", "set", "mqtt.share", "all", code=2)
    assert 'must be one of "state", "everything"' in said
