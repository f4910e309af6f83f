"""An erasure that is killed anywhere, by its owner's side or a gateway's, is completed by the next call."""

from __future__ import annotations

import random
import shutil
import subprocess
import sys
import time
from pathlib import Path

import pytest

from fleet.test_erased_bytes import MARKER, WORDS
from fleet.test_erasing import BY_HOURS, count, erased, handed, mark_in, receipt
from fleet.test_fleet_commands import said
from fleet.test_shipping import gateway, present, shipped_from
from hipsync.fleet.band_days import shipped
from hipsync.model import MINUTE, Epoch
from hipsync.store import Store
from support.builders import MONDAY
from support.postgres import Postgres

ERASE = """
import sys
from hipsync.fleet.database import connected
from hipsync.fleet.erasing import erase, finish
with connected(sys.argv[1]) as database:
    print(flush=True)
    finish(database, erase(database, sys.argv[2]), None)
print("done", flush=True)
"""
OBEY = """
import sys
from datetime import UTC, datetime
from pathlib import Path
from hipsync.fleet.database import connected
from hipsync.fleet.obeying import obey
from hipsync.fleet.shipping import ship
from hipsync.store import Store
with Store.read(Path(sys.argv[2])) as store, connected(sys.argv[1]) as database:
    print(flush=True)
    obey(store, database, datetime.now(UTC), lambda _: None)
    ship(store, database, datetime.now(UTC))
print("done", flush=True)
"""
ROUNDS = 12
pytestmark = pytest.mark.ring


def begun(script: str, words: list[str]) -> subprocess.Popen[bytes]:
    """A script that has connected."""
    process = subprocess.Popen([sys.executable, "-c", script, *words], stdout=subprocess.PIPE)
    assert process.stdout is not None
    process.stdout.readline()
    return process


def lasts_s(script: str, words: list[str]) -> float:
    """Let a script come to its end, and return how many seconds it takes on this machine."""
    process, start = begun(script, words), time.monotonic()
    assert b"done" in process.communicate()[0]
    return time.monotonic() - start


def killed(script: str, words: list[str], after_s: float) -> bool:
    """Run a script, kill it so long after it has connected, and return whether that came before its end."""
    process = begun(script, words)
    time.sleep(after_s)  # where it is struck is left to chance
    process.kill()
    return b"done" not in process.communicate()[0]


def test_an_owner_who_is_killed_anywhere_calls_again(fleet: Postgres, tmp_path: Path) -> None:
    noise, struck, in_between = random.Random(present().timestamp()), 0, 0
    with gateway(bands=ROUNDS) as store:
        for band in store.bands():
            store.append(band.id, BY_HOURS)
        shipped_from(store, fleet)
        for number in range(ROUNDS):
            handed(fleet, mark_in(store, number), (f"P-{number}", MONDAY, None))
    whole_s = lasts_s(ERASE, [fleet.dsn(), "P-0"])
    for number in range(1, ROUNDS):
        hit = killed(ERASE, [fleet.dsn(), f"P-{number}"], noise.uniform(0, whole_s))
        struck, whole_s = struck + hit, whole_s if hit else whole_s * 0.8
        with fleet.owner() as db:
            db.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid <> pg_backend_pid()")
            half = db.execute("SELECT count(*) FROM hipsync.wearers AS w FULL JOIN hipsync.worn AS x ON x.wearer = w.id"
                              " WHERE w.id IS NULL OR x.id IS NULL").fetchone()  # fmt: skip
            assert half == (0,)
            ((left,),) = db.execute("SELECT count(*) FROM hipsync.erasures WHERE finished IS NULL").fetchall()
            in_between += left
        done = said(tmp_path, fleet.dsn(), "erase", f"P-{number}", "--yes")
        assert done.exit_code == 0, done.output
        assert receipt(fleet, f"P-{number}").finished is not None
        assert count(fleet, "bands") == ROUNDS - 1 - number
    assert struck >= 3
    assert in_between >= 1
    assert (count(fleet, "band_days"), count(fleet, "wearers"), count(fleet, "erasures")) == (0, 0, ROUNDS)


def test_a_gateway_that_is_killed_anywhere_ships_again(fleet: Postgres, tmp_path: Path) -> None:
    noise, struck = random.Random(present().timestamp()), 0
    template = tmp_path / "template"
    with gateway(template / "hipsync.db", bands=2) as store:
        for band in store.bands():
            minutes = [Epoch(MONDAY + at * MINUTE, MINUTE, 5, MARKER, MARKER) for at in range(1440)]
            store.append(band.id, minutes if band.id == store.bands()[0].id else BY_HOURS)
        store.backup(None, present())
        shipped_from(store, fleet)
        handed(fleet, mark_in(store), ("gone", MONDAY, None))
        kept = [one.mark for one in shipped(store.bands()) if one.band.name == "band 1"]
    erased(fleet, "gone")
    whole = shutil.copytree(template, tmp_path / "whole")
    whole_s = lasts_s(OBEY, [fleet.dsn("ward_1"), str(whole / "hipsync.db")])
    for number in range(ROUNDS):
        folder = shutil.copytree(template, tmp_path / str(number))
        with fleet.owner() as db:
            db.execute("DELETE FROM hipsync.erasures_done")
        hit = killed(OBEY, [fleet.dsn("ward_1"), str(folder / "hipsync.db")], noise.uniform(0, whole_s))
        struck, whole_s = struck + hit, whole_s if hit else whole_s * 0.8
        assert said(folder, fleet.dsn("ward_1"), "ship").exit_code == 0
        held = [path.name for path in folder.rglob("*") if path.is_file() and WORDS["marker"] in path.read_bytes()]
        assert held == []
        with Store.read(folder / "hipsync.db") as store:
            assert [one.mark for one in shipped(store.bands())] == kept
        assert receipt(fleet, "gone").unseen == []
        with fleet.owner() as db:
            assert db.execute("SELECT mark FROM hipsync.bands").fetchall() == [(mark,) for mark in kept]
    assert struck >= 3
