"""`hipsync run`: start, run, stop; one service on one database.

The socket for other commands opens, the alarm wakes the service whenever something is due, each live band has a task
that stays connected to it, and a signal ends the wait. What is done at each wake is for `service`, and when is for
`alarm`. The one rule: a signal ends the process within seconds, with nothing half written.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import signal
from collections.abc import Callable
from pathlib import Path

from hipsync.host.clock import Clock
from hipsync.host.sleep import calling_on_wake
from hipsync.host.systemd_notify import notify_supervisor
from hipsync.service.alarm import Alarm
from hipsync.service.collecting import Collecting
from hipsync.service.control_server import ControlServer, listening
from hipsync.service.home_port import Home
from hipsync.service.line_file import LineFile
from hipsync.service.rooms_port import Rooms
from hipsync.service.state import Settings

log = logging.getLogger(__name__)


async def run(
    service: Collecting,
    clock: Clock,
    *,
    settings: Callable[[], Settings] | None = None,
    zone: Callable[[], str] | None = None,
    trouble: Callable[[], str | None] | None = None,
    line: Path | None = None,
    home: Home | None = None,
    rooms: Rooms | None = None,
) -> None:
    """Wake the service whenever something is due, until SIGINT or SIGTERM.

    `settings` reads the user's settings again, on SIGHUP; `zone` returns the IANA name of the zone that the host is in.
    Without them, settings and zone stay as they are. `trouble` says what else is the matter, for `hipsync status`.
    `line` is the file for plain status bars; None for none. `home` is told what is known, and `rooms` are the proxies;
    None for none.

    Raises `Outdated` if a newer hipsync upgraded the database while this program was running; the program has to be
    restarted.
    """
    stop = asyncio.Event()
    line_file = LineFile(line)
    alarm = Alarm(service, clock, zone, stop, line=line_file, home=home)
    loop = asyncio.get_running_loop()
    with contextlib.suppress(NotImplementedError):  # Windows has no signal handlers on loops; Ctrl-C still ends it
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(number, stop.set)
        if settings is not None:
            loop.add_signal_handler(signal.SIGHUP, lambda: alarm.reload(settings))
    path, server = service.store.path, ControlServer(service, alarm, clock, settings, trouble, home, rooms)
    commands = contextlib.nullcontext() if path is None else listening(path, server.answer)
    touch = contextlib.nullcontext() if home is None else home.running(alarm.look)
    async with commands, calling_on_wake(alarm.look), touch:
        with line_file:
            alarm.start()
            log.info("hipsync watches %s", ", ".join(band.name for band in service.store.bands()))
            notify_supervisor(READY=1, STATUS="started")
            try:
                service.live.attend()
                await stop.wait()
                if alarm.failure is not None:
                    raise alarm.failure
            finally:
                notify_supervisor(STOPPING=1, STATUS="stopping")
                await asyncio.gather(alarm.end(), service.leave())  # each may take the seconds that BlueZ needs
