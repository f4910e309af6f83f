"""Whether a microphone is in use: by hand-made lists, by programs that misbehave, and by a real sound server."""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import socket
import time
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

import pytest

from hipsync.host.moment import programs
from hipsync.host.moment.programs import output_of
from hipsync.host.moment.sound import listening, microphone_in_use
from hipsync.text import Json

MICROPHONE: Json = {"index": 3, "monitor_source": "", "name": "mic"}
MONITOR: Json = {"index": 4, "monitor_source": "out", "name": "out.monitor"}


def stream(source: int, *, paused: bool = False, method: str | None = "") -> Json:
    return {"source": source, "corked": paused, "resample_method": method, "properties": {"media.name": "secret"}}


@pytest.mark.parametrize(
    ("streams", "found"),
    [
        ([], False),
        ([stream(3)], True),
        ([stream(3, method=None)], True),
        ([stream(4)], False),
        ([stream(3, paused=True)], False),
        ([stream(3, method="peaks")], False),
        ([stream(9)], False),
        ([stream(4), stream(3, paused=True), stream(3)], True),
    ],
)
def test_a_microphone_that_a_program_listens_to_is_a_call(streams: list[Json], found: bool) -> None:
    assert listening(streams, [MICROPHONE, MONITOR]) is found


NO_STREAMS: list[tuple[Json, Json]] = [
    ({}, []), ([], {}), ([7], []), ([{}], []), ([], [{"index": "3", "monitor_source": ""}]), ([{"source": 3}], []),
]  # fmt: skip


@pytest.mark.parametrize(("streams", "sources"), NO_STREAMS)
def test_what_is_no_list_of_streams_says_nothing(streams: Json, sources: Json) -> None:
    with pytest.raises(ValueError, match="that is no"):
        listening(streams, sources)


@contextmanager
def played(folder: Path, script: str) -> Generator[dict[str, str]]:
    """An environment with a sound server's socket and this script as `pactl`."""
    (folder / "pulse").mkdir()
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(folder / "pulse" / "native"))
        (folder / "pactl").write_text(f"#!/bin/sh\n{script}\n")
        (folder / "pactl").chmod(0o755)
        yield {"XDG_RUNTIME_DIR": str(folder), "PATH": f"{folder}:/usr/bin:/bin"}


IN_A_CALL = """
[ "$3" = sources ] && echo '[{"index": 1, "monitor_source": ""}]' && exit
echo '[{"source": 1, "corked": false, "resample_method": ""}]'
"""


@pytest.mark.parametrize(
    ("script", "found"),
    [
        (IN_A_CALL, True),
        ("echo '[]'", False),
        ('[ "$PULSE_SERVER" = "unix:$XDG_RUNTIME_DIR/pulse/native" ] && echo "[]"', False),
        ("echo '[]'; exit 1", None),
        ("echo 'Invalid format'", None),
        ("echo '{}'", None),
        ("yes", None),
        ("sleep 20", None),
        ("setsid timeout 10 yes", None),  # it leaves the process group, and holds the pipe open
    ],
)  # fmt: skip
async def test_whatever_pactl_does_the_answer_comes_soon(
    script: str, found: bool | None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(programs, "WITHIN_S", 0.5)
    begun = time.monotonic()
    with played(tmp_path, script) as environment:
        assert await microphone_in_use(environment) is found
    assert time.monotonic() - begun < 5


async def test_without_a_sound_server_or_pactl_nothing_is_known_and_nothing_is_started(tmp_path: Path) -> None:
    (tmp_path / "pactl").write_text(f"#!/bin/sh\ntouch {tmp_path}/started\n")
    (tmp_path / "pactl").chmod(0o755)
    path = f"{tmp_path}:/usr/bin:/bin"
    for environment in ({"PATH": path}, {"PATH": path, "XDG_RUNTIME_DIR": str(tmp_path)}):
        assert await microphone_in_use(environment) is None
    assert not (tmp_path / "started").exists()
    assert await output_of(("no-such-program",), {"PATH": str(tmp_path)}) is None


@pytest.mark.ring
@pytest.mark.skipif(not all(map(shutil.which, ("pulseaudio", "pactl", "parecord"))), reason="needs pulseaudio")
async def test_a_real_sound_server_with_real_recordings(tmp_path: Path) -> None:
    environment = {**os.environ, "XDG_RUNTIME_DIR": str(tmp_path), "HOME": str(tmp_path)}
    modules = ("module-null-sink sink_name=out", "module-null-source source_name=mic", "module-native-protocol-unix")
    server = await asyncio.create_subprocess_exec(
        "pulseaudio", "--daemonize=no", "--exit-idle-time=-1", "-n", *(f"--load={each}" for each in modules),
        env=environment, stderr=asyncio.subprocess.DEVNULL,
    )  # fmt: skip

    async def until(expected: bool) -> None:
        async with asyncio.timeout(10):
            while await microphone_in_use(environment) is not expected:  # noqa: ASYNC110  another program's state
                await asyncio.sleep(0.1)

    async def recording(source: str) -> asyncio.subprocess.Process:
        process = await asyncio.create_subprocess_exec("parecord", "-d", source, "/dev/null", env=environment)
        async with asyncio.timeout(10):
            while json.loads(await output_of(listed, seen) or b"[]") == []:  # noqa: ASYNC110  another program's state
                await asyncio.sleep(0.1)
        return process

    listed = ("pactl", "--format=json", "list", "source-outputs")
    seen = {**environment, "PULSE_SERVER": f"unix:{tmp_path}/pulse/native"}
    try:
        await until(expected=False)
        film = await recording("out.monitor")
        assert await microphone_in_use(environment) is False, "what the computer plays is no call"
        film.terminate()
        await film.wait()
        await until(expected=False)
        call = await recording("mic")
        assert await microphone_in_use(environment) is True
        call.terminate()
        await call.wait()
        await until(expected=False)
    finally:
        server.terminate()
        await server.wait()
    assert await microphone_in_use(environment) is None
