"""One service on one database: a lock beside it, held as long as its process lives."""

from __future__ import annotations

import fcntl
import os
import subprocess
import sys
import threading
from pathlib import Path

import pytest
from click.testing import CliRunner

from hipsync.cli import hipsync
from hipsync.errors import ConfigError, StoreError
from hipsync.host import lock as instance
from hipsync.host.lock import only_instance

HOLD = """
import sys, time
from pathlib import Path
from hipsync.host.lock import only_instance, running
with only_instance(Path(sys.argv[1])):
    print("holds it", flush=True)
    time.sleep(60)
"""


def test_a_second_process_is_refused_naming_the_first_and_a_killed_one_lets_go(tmp_path: Path) -> None:
    database = tmp_path / "new folder" / "hipsync.db"
    first = subprocess.Popen([sys.executable, "-c", HOLD, str(database)], stdout=subprocess.PIPE)
    with first:
        assert first.stdout is not None
        assert first.stdout.readline() == b"holds it\n"
        try:
            refused = pytest.raises(ConfigError, match=rf"already runs on .*hipsync.db \(process {first.pid}\)")
            with refused, only_instance(database):
                pytest.fail("let in")
        finally:
            first.kill()
    itself = pytest.raises(ConfigError, match=rf"\(process {os.getpid()}\)")
    with only_instance(database), only_instance(tmp_path / "another.db"), itself, only_instance(database):
        pytest.fail("let in")
    with only_instance(database):
        pass


def test_a_folder_that_takes_no_lock_is_said(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    refused = pytest.raises(StoreError, match=r"file/hipsync.db.run cannot be made: .*--db FILE")
    with refused, only_instance(tmp_path / "file" / "hipsync.db"):
        pytest.fail("let in")


def test_a_glance_at_the_lock_does_not_keep_a_service_from_starting(tmp_path: Path) -> None:
    database = tmp_path / "hipsync.db"
    with only_instance(database):
        pass
    handle = os.open(tmp_path / "hipsync.db.run", os.O_RDWR)
    fcntl.flock(handle, fcntl.LOCK_EX)
    threading.Timer(0.08, os.close, [handle]).start()
    with only_instance(database):
        assert instance.running(database)


def test_without_a_band_run_says_what_to_do(tmp_path: Path) -> None:
    done = CliRunner().invoke(hipsync, ["--db", str(tmp_path / "hipsync.db"), "run"])
    assert done.exit_code == 2
    assert "no band yet: `hipsync pair` adds your band, `hipsync demo` shows how it works" in done.output
