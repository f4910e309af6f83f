"""`hipsync run` as a process, at a broker that is there, away, wrong or deaf: everything else goes on."""

from __future__ import annotations

import json
import socket
import subprocess
import time
from collections.abc import Callable, Generator
from contextlib import contextmanager
from pathlib import Path

import pytest

from cases.kit import ADDRESS
from hipsync.store import Store
from support.machine import Machine
from support.mosquitto import SECRET, Mosquitto, listener, mosquitto, password_line
from support.running_service import CLOCK

pytestmark = pytest.mark.enable_socket
HOST, STATE = "hipsync/anna/host/", "hipsync/anna/state"
NOWHERE = {"DBUS_SYSTEM_BUS_ADDRESS": "unix:path=/nonexistent", "DBUS_SESSION_BUS_ADDRESS": "unix:path=/nonexistent"}


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    found = Machine(tmp_path / "home", CLOCK.now())
    found.data.mkdir(mode=0o700, parents=True)
    (found.home / "run").mkdir(mode=0o700)
    with Store.open(found.database) as store:
        store.add_band(name="simulated", driver="huami", address=ADDRESS, now=CLOCK.now(), simulated=True, vouches=True)
    return found


def set_up(machine: Machine, port: int, **more: str) -> None:
    """Write the settings; `more` is as in TOML."""
    keys = {"host": '"127.0.0.1"', "port": str(port), "tls": "false", "wearer": '"anna"', **more}
    machine.settings.parent.mkdir(parents=True, exist_ok=True)
    machine.settings.write_text("\n".join(["[mqtt]", *(f"{key} = {value}" for key, value in keys.items()), ""]))
    machine.settings.chmod(0o600)


@contextmanager
def running(machine: Machine, *options: str) -> Generator[subprocess.Popen[str]]:
    """`hipsync run` during the block, which answers questions."""
    with machine.process(*options, "run", env=NOWHERE) as process:
        try:
            until(lambda: any((machine.home / "run").rglob("*.sock")))
            yield process
        finally:
            process.kill()


def until(holds: Callable[[], bool], within_s: float = 30.0) -> None:
    deadline = time.monotonic() + within_s
    while not holds():
        assert time.monotonic() < deadline
        time.sleep(0.05)


def told(machine: Machine) -> object:
    """How things are with the home, by `status --json`."""
    return json.loads(machine.type("status", "--json").stdout)["home"]


def is_connected(machine: Machine) -> bool:
    return '"connected": true' in json.dumps(told(machine))


@pytest.fixture
def broker(tmp_path: Path) -> Generator[Mosquitto]:
    with mosquitto(tmp_path / "broker") as started:
        yield started


async def test_a_service_that_is_killed_is_offline_at_once_and_one_that_is_ended_too(
    machine: Machine, broker: Mosquitto
) -> None:
    set_up(machine, broker.port)

    def said(word: bytes) -> bool:
        found = [each for each in ha.heard if each.topic.startswith(HOST)]
        return bool(found) and found[-1].payload == word

    async with listener(broker) as ha:
        for end in ("kill", "terminate"):
            with running(machine) as process:
                await ha.until(lambda: said(b"online") and ha.last(STATE) is not None)
                getattr(process, end)()
                began = time.monotonic()
                await ha.until(lambda: said(b"offline"), within_s=5)
                process.wait(10)
                assert time.monotonic() - began < 8


def test_status_and_doctor_say_how_things_are(machine: Machine, broker: Mosquitto) -> None:
    set_up(machine, broker.port)
    place = f"127.0.0.1:{broker.port}"
    assert told(machine) is None, "no service runs"
    assert f"the broker {place} is set: `hipsync mqtt check` tries it" in machine.type("doctor", env=NOWHERE).stdout
    with running(machine):
        until(lambda: is_connected(machine))
        assert told(machine) == {
            "broker": place,
            "connected": True,
            "home_assistant": None,
            "trouble": None,
            "sharing": None,
        }
        assert f"  Home       connected to {place}\n" in machine.told("status")
        assert (
            f"connected to {place}; nothing was heard of Home Assistant" in machine.type("doctor", env=NOWHERE).stdout
        )
        broker.kill()
        until(lambda: not is_connected(machine))
        lines = machine.told("status")
        assert "  Home       trouble: " in lines
        assert "running (process " in lines
        (line,) = [each for each in machine.type("doctor", env=NOWHERE).stdout.splitlines() if "Home Assistant" in each]
        assert line.startswith("warn ")


def test_without_the_setting_nothing_is_said_and_no_socket_is_opened(machine: Machine) -> None:
    with running(machine) as process:
        assert told(machine) is None
        assert "Home " not in machine.told("status")
        links = [link.readlink().name for link in Path(f"/proc/{process.pid}/fd").iterdir() if link.is_symlink()]
        inodes = {name.removeprefix("socket:[").removesuffix("]") for name in links if name.startswith("socket:")}
        rows = [line.split() for line in Path(f"/proc/{process.pid}/net/tcp").read_text().splitlines()[1:]]
        assert not inodes & {row[9] for row in rows}


def test_a_broker_that_comes_later_is_found_and_the_log_has_a_line_each(machine: Machine, broker: Mosquitto) -> None:
    set_up(machine, broker.port)
    broker.kill()
    with running(machine) as process:
        until(lambda: "nothing answers at" in json.dumps(told(machine)))
        time.sleep(1.5)  # two tries more, each of which may add no line to the log
        broker.start()
        until(lambda: is_connected(machine))
        process.terminate()
        log = process.communicate(timeout=10)[1]
    lines = [line.partition(" ")[2] for line in log.splitlines() if "broker" in line]
    place = f"127.0.0.1:{broker.port}"
    assert lines == [
        f"Home Assistant hears nothing: nothing answers at {place}: does the broker run, and is that its port?",
        f"connected to the broker {place}, for Home Assistant",
    ]


def test_a_wrong_password_is_said_and_is_in_no_log_and_in_no_answer(machine: Machine, tmp_path: Path) -> None:
    file = machine.home / "password"
    file.write_text(f"{SECRET}\n")
    file.chmod(0o600)
    folder = tmp_path / "guarded"
    with mosquitto(folder, password_line(folder, anna="another")) as broker:
        set_up(machine, broker.port, user='"anna"', password_file=f'"{file}"')
        place = f"127.0.0.1:{broker.port}"
        why = f"{place} refuses the user anna or the password (mqtt.user, mqtt.password_file)"
        with running(machine, "-v") as process:
            until(lambda: why in json.dumps(told(machine)))
            said = machine.told("status") + machine.type("doctor", env=NOWHERE).output + machine.told("config", "show")
            process.terminate()
            log = process.communicate(timeout=10)[1]
    assert log.count(f"Home Assistant hears nothing: {why}") >= 1
    assert "mqtt" in said
    assert SECRET not in log + said


@pytest.mark.parametrize("tls", ["true", "false"])
def test_a_broker_that_takes_a_connection_and_says_nothing_does_not_hold_up_the_end(machine: Machine, tls: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as deaf:
        set_up(machine, deaf.getsockname()[1], tls=tls)
        with running(machine) as process, deaf.accept()[0]:
            process.terminate()
            began = time.monotonic()
            assert process.wait(20) == 0
            assert time.monotonic() - began < 12


def test_settings_that_are_changed_while_it_runs_are_followed(machine: Machine, broker: Mosquitto) -> None:
    set_up(machine, broker.port, host='""')
    with running(machine):
        assert told(machine) is None
        machine.told("config", "set", "mqtt.host", "127.0.0.1")
        until(lambda: is_connected(machine))
        machine.told("config", "set", "mqtt.host", "")
        until(lambda: told(machine) is None)
