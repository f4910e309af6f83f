"""After an erasure, and `hipsync mqtt forget`, no byte of the wearer is in what the broker keeps on disk."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from datetime import timedelta
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from hipsync.cli import hipsync
from hipsync.cli.app import App
from hipsync.model import MINUTE, Epoch, Info
from hipsync.store import Store
from support.mosquitto import Mosquitto, mosquitto
from support.postgres import Postgres
from support.repository import ROOT
from support.running_service import CLOCK

pytestmark = pytest.mark.enable_socket
PSEUDONYM, BAND, ADDRESS, SERIAL, MARKER = (
    "p-zebra-4711",
    "zebra-band",
    "C0:FF:EE:12:34:56",
    "SN-ZEBRA-0815",
    1517383258,
)
WORDS = {PSEUDONYM, BAND, ADDRESS, SERIAL, str(MARKER)}
STARTED = """
import zlib
compress = zlib.compress
zlib.compress = lambda data, level=0: compress(data, 0)  # so that the marker can be found
from hipsync.__main__ import main
main()
"""
SETTINGS = """
[fleet]
dsn = "{dsn}"
[mqtt]
host = "127.0.0.1"
port = {port}
tls = false
wearer = "{wearer}"
share = "everything"
"""


def typed(folder: Path, *words: str) -> Result:
    arguments = ["--config", str(folder / "config.toml"), "--db", str(folder / "hipsync.db"), *words]
    variables = {"PGSSLMODE": None, "PGCONNECT_TIMEOUT": None, "PGAPPNAME": None}
    done = CliRunner().invoke(hipsync, arguments, env=variables, obj=App())
    assert done.exit_code == 0, done.output
    return done


def settings(folder: Path, fleet: Postgres, login: str, port: int) -> Path:
    """The settings of a computer, in a folder of its own."""
    folder.mkdir()
    (folder / "config.toml").write_text(SETTINGS.format(dsn=fleet.dsn(login), port=port, wearer=PSEUDONYM))
    (folder / "config.toml").chmod(0o600)
    return folder


def kept(broker: Mosquitto) -> set[str]:
    """Which of the words are in what the broker keeps on disk."""
    held = broker.written(broker.folder / "kept" / "mosquitto.db")
    return {word for word in WORDS if word.encode() in held}


def run_until_all_is_kept(folder: Path, broker: Mosquitto) -> None:
    """Let a computer share all that it knows."""
    environment = {
        **os.environ, "PYTHONPATH": os.pathsep.join([str(ROOT), str(ROOT / "devices")]),
        "DBUS_SESSION_BUS_ADDRESS": "unix:path=/nonexistent", "DBUS_SYSTEM_BUS_ADDRESS": "unix:path=/nonexistent",
        "XDG_CONFIG_HOME": str(folder), "XDG_DATA_HOME": str(folder), "XDG_STATE_HOME": str(folder),
    }  # fmt: skip
    command = [sys.executable, "-c", STARTED, "--config", "config.toml", "--db", "hipsync.db", "run"]
    with (folder / "log").open("wb") as log:
        service = subprocess.Popen(command, cwd=folder, env=environment, stdout=log, stderr=log)
    try:
        deadline = time.monotonic() + 40
        while kept(broker) != WORDS:
            assert time.monotonic() < deadline, (kept(broker), (folder / "log").read_text())
            time.sleep(0.2)  # the broker tells nobody what it has on its disk
    finally:
        service.send_signal(signal.SIGTERM)
        service.wait(20)


def test_what_a_broker_keeps_of_an_erased_wearer_is_gone_with_forget(fleet: Postgres, tmp_path: Path) -> None:
    (folder := tmp_path / "broker" / "kept").mkdir(parents=True)
    with mosquitto(tmp_path / "broker", "persistence true", f"persistence_location {folder}/") as broker:
        gateway, owner = (settings(tmp_path / login, fleet, login, broker.port) for login in ("ward_1", "owner"))
        start = CLOCK.now().replace(second=0, microsecond=0) - timedelta(days=1)
        with Store.open(gateway / "hipsync.db") as store:
            band = store.add_band(name=BAND, driver="huami", now=start, address=ADDRESS, vouches=True)
            minutes = [Epoch(start + at * MINUTE, MINUTE, 5, MARKER, 60) for at in range(60)]
            store.append(band.id, [*minutes, Info(start, "1.0", "A", SERIAL)])
        typed(gateway, "fleet", "ship")
        typed(owner, "fleet", "wearer", "add", PSEUDONYM, "--zone", "UTC")
        with fleet.owner() as db:
            ((mark,),) = db.execute("SELECT mark FROM hipsync.bands").fetchall()
        typed(owner, "fleet", "hand", mark, PSEUDONYM, "--since", f"{start - timedelta(days=1):%Y-%m-%d}")
        run_until_all_is_kept(gateway, broker)

        typed(owner, "fleet", "erase", PSEUDONYM, "--yes")
        assert "`hipsync mqtt forget` takes back all" in typed(gateway, "fleet", "ship").stderr
        assert BAND in kept(broker)
        typed(gateway, "mqtt", "forget", "--yes")
        assert kept(broker) == set()
        with Store.open(gateway / "hipsync.db") as store:
            assert store.bands() == []
