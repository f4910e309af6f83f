"""Shows one prompt: on a terminal, on the desktop, or through a command of the user's.

Nothing here knows when a prompt is due; a band's own vibration goes through its driver. The one rule: each function
returns truly whether the prompt was shown, and raises nothing if there is nowhere to show it.
"""

from __future__ import annotations

import asyncio
import contextlib
import html
import json
import logging
import os
import shutil
import signal
import sys
import time
from asyncio.subprocess import DEVNULL, PIPE, Process
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple, TextIO
from weakref import WeakKeyDictionary

from hipsync.core.exercises import Move
from hipsync.host import transient
from hipsync.host.transient import Transient
from hipsync.model import MINUTE, Answer, Occasion, Prompt, Remark, Trouble
from hipsync.report.card import NARROWEST
from hipsync.report.pen import Pen, pen_for
from hipsync.text import clean, length

if TYPE_CHECKING:
    from desktop_notifier import DesktopNotifier

log = logging.getLogger(__name__)

Buttons = Sequence[tuple[Answer, str]]
"""The buttons of a desktop notice, in their order: what a press answers, and the label."""
SHOW_ME = "Show me"
"""The button that opens the exercise; it stands before those that answer, and a click on the notice does the same."""
WITHOUT_BUTTONS = "Answer: hipsync done, snooze or skip."
"""What a desktop notice says in addition where the notice server shows no buttons."""
DESKTOP_WITHIN_S = 2.0
"""Seconds to wait for a notice server, which usually answers in milliseconds. One that the bus has to start first is
ready for the next prompt."""
MANAGER_WITHIN_S = 3.0
"""Seconds that systemd may take to start a user's command and to end it, beyond the time that the command has."""
LONGEST = 200
"""The most characters of a title or a body, because a notice is read at a glance."""


@dataclass(frozen=True, slots=True)
class Notice:
    """The words of a prompt or a remark. They are neutral, because other people may see them."""

    title: str
    body: str
    strong: bool = False
    picture: Path | None = None
    """A file that a notice server may show beside the words; None for none."""

    @property
    def line(self) -> str:
        """Both in one line, safe to show in a terminal."""
        title = clean(self.title, LONGEST)
        return f"{title if title.endswith(('.', '?')) else f'{title}.'} {clean(self.body, LONGEST)}"


def notice_of(prompt: Prompt, move: Move, *, strong: bool = False) -> Notice:
    """The notice for a prompt, with a question mark where the data leave a doubt."""
    match prompt.occasion:
        case Occasion.MORNING:
            title = "Good morning. Two minutes for your hips?"
        case Occasion.AFTER_RIDE:
            title = "After your ride: two minutes for your hips?"
        case Occasion.WARM_UP:
            title = "Before you go: warm up your hips"
        case Occasion.SITTING:
            title = "Time to move" if prompt.sure else "Time to move?"
    return Notice(title, move.line, strong)


def buttons_of(snooze: timedelta) -> Buttons:
    """The buttons of a notice for a prompt that is snoozed for so long. GNOME shows the first three of all."""
    return ((Answer.DONE, "Done"), (Answer.SNOOZED, f"Snooze {length(snooze // MINUTE)}"), (Answer.SKIPPED, "Skip"))


_TITLES = {Trouble.BATTERY: "Battery low", Trouble.NO_DATA: "No data", Trouble.REFUSED: "Key refused"}


def remark_of(remark: Remark) -> Notice:
    """The notice for a remark on a band."""
    return Notice(_TITLES[remark.what], remark.text)


def to_terminal(notice: Notice, stream: TextIO, card: Callable[[Pen], Sequence[str]] | None = None) -> bool:
    """Write a notice, with a bell if it is strong; return whether it went to a terminal.

    It is one line; on a terminal that is wide enough, what `card` makes for it. Nothing in the words can steer the
    terminal, and characters that it cannot show become question marks. A stream that is closed makes it False.
    """
    text = notice.line
    encoding = stream.encoding or "utf-8"
    try:
        terminal = stream.isatty()
        if card is not None and terminal:
            pen = pen_for(stream, colour=not os.environ.get("NO_COLOR"))
            text = "\n".join(card(pen)) if pen.columns >= NARROWEST else text
        bell = "\a" if notice.strong and terminal else ""
        stream.write(f"{bell}{text.encode(encoding, 'replace').decode(encoding)}\n")
        stream.flush()
    except (OSError, ValueError) as error:  # ValueError: somebody closed it
        log.debug("the terminal is gone: %s", error)
        return False
    return terminal


@dataclass(slots=True)
class _Desktop:
    """The connection to the notice server, which must stay open for as long as buttons are to work."""

    notifier: DesktopNotifier | None = None
    failing: bool = False
    shown: dict[datetime, str] = field(default_factory=dict[datetime, str])
    """The notices for prompts that may be on the desktop: by when the prompt was first shown, the library's name."""


_desktops: WeakKeyDictionary[asyncio.AbstractEventLoop, _Desktop] = WeakKeyDictionary()
"""The connections by event loop, because a connection to the bus belongs to one loop."""


class Asking(NamedTuple):
    """What makes a notice one for a prompt, which can be answered and is withdrawn in time."""

    of: datetime
    """When the prompt was first shown."""
    buttons: Buttons
    answered: Callable[[Answer], None]
    """Called on the event loop when the person presses a button, at any time later."""
    show: Callable[[], object] | None = None
    """Called in the same way when the person wants to be shown the exercise; None if there is no way to."""


async def to_desktop(notice: Notice, asking: Asking | None) -> bool:
    """Show a desktop notice, and return whether a notice server has accepted it.

    With `asking` it has buttons, and takes the place of an earlier notice for the same prompt. Urgency stays normal, so
    that do-not-disturb silences it; a strong notice makes a sound.
    """
    desktop = _desktop()
    if asking is not None:
        await withdraw([asking.of])
    try:
        taken = await _sent(desktop, notice, asking)
        why = "no notice server took it"
    except Exception as error:  # noqa: BLE001  four systems' notice servers, each with errors of its own
        taken, why = False, f"{type(error).__name__}: {error}".rstrip(": ")
    if not taken:
        level = logging.DEBUG if desktop.failing else logging.WARNING
        log.log(level, "no desktop notice: %s; `hipsync doctor` says more", clean(why, LONGEST))
        _hang_up(desktop)  # the server may come back with another connection
    desktop.failing = not taken
    return taken


def on_desktop() -> Collection[datetime]:
    """When the prompts were first shown whose notices may be on the desktop now."""
    return list(_desktop().shown)


async def withdraw(of: Collection[datetime]) -> None:
    """Ask the notice server to close the notices of the prompts that were first shown at these instants.

    It raises nothing: what the person has closed, or a server that is gone, cannot be closed again.
    """
    desktop = _desktop()
    for at in of:
        identifier = desktop.shown.pop(at, None)
        if identifier is None or desktop.notifier is None:
            continue
        try:
            async with asyncio.timeout(DESKTOP_WITHIN_S):
                await desktop.notifier.clear(identifier)
        except Exception as error:  # noqa: BLE001  four systems' notice servers, each with errors of its own
            log.debug("a notice was not closed: %s: %s", type(error).__name__, error)


def _desktop() -> _Desktop:
    return _desktops.setdefault(asyncio.get_running_loop(), _Desktop())


async def why_no_notices() -> str | None:
    """What keeps desktop notices from being seen and answered, and what to do; None if nothing does."""
    from desktop_notifier import Capability, DesktopNotifier

    _look_for_a_bus()
    notifier = DesktopNotifier(app_name="hipsync", app_icon=None)
    try:
        async with asyncio.timeout(DESKTOP_WITHIN_S):
            can = await notifier.get_capabilities()
    except Exception as error:  # noqa: BLE001  four systems' notice servers, each with errors of its own
        log.debug("no notice server answers: %s", clean(str(error) or type(error).__name__, LONGEST))
        can = frozenset[Capability]()
    finally:
        _hang_up(_Desktop(notifier))
    if not can:
        return "no notices here, because no notice server answers: reminders come on your band and in the terminal"
    if Capability.BUTTONS not in can:
        return "the notice server shows no buttons: answer with `hipsync done`, `snooze` or `skip`"
    return None


async def _sent(desktop: _Desktop, notice: Notice, asking: Asking | None) -> bool:
    """Send a notice, and return whether a server has accepted it. Raises `TimeoutError` and the system's own errors."""
    from desktop_notifier import DEFAULT_SOUND, Attachment, Button, Capability, DesktopNotifier  # 150 ms, no deadline

    _look_for_a_bus()
    notifier = desktop.notifier = desktop.notifier or DesktopNotifier(app_name="hipsync", app_icon=None)
    dispatched: list[bool] = []
    async with asyncio.timeout(DESKTOP_WITHIN_S):
        # send() returns an id even where nobody listens; only capabilities and dispatch show that somebody does
        can = await notifier.get_capabilities()
        if not can:
            return False
        body = notice.body if asking is None or Capability.BUTTONS in can else f"{notice.body} {WITHOUT_BUTTONS}"
        for picture in dict.fromkeys((notice.picture, None)):  # a server that takes no pictures gets the words alone
            identifier = await notifier.send(
                title=clean(notice.title, LONGEST),
                message=_body(clean(body, LONGEST)),
                buttons=[Button(label, on_pressed=pressed) for label, pressed in _presses(asking)],
                on_clicked=None if asking is None else asking.show,
                on_dispatched=lambda: dispatched.append(True),
                sound=DEFAULT_SOUND if notice.strong else None,
                attachment=None if picture is None else Attachment(path=picture),
            )
            if dispatched:
                if asking is not None:
                    desktop.shown[asking.of] = identifier
                return True
    return False


def _body(text: str) -> str:
    """Return the body of a notice as its server takes it: freedesktop's specification reads it as markup.

    Servers of macOS and Windows read it as it stands. A title is plain text everywhere.
    """
    return text if sys.platform in {"darwin", "win32"} else html.escape(text, quote=False)


def _look_for_a_bus() -> None:
    """Set the address of the session bus if this process has none, as a service started before anybody logged in.

    The bus is where systemd puts it, `$XDG_RUNTIME_DIR/bus` (file-hierarchy(7)). If it is not there, nothing is set.
    """
    if "DBUS_SESSION_BUS_ADDRESS" not in os.environ and (runtime := os.environ.get("XDG_RUNTIME_DIR")):
        bus = Path(runtime) / "bus"
        if bus.is_socket():
            os.environ["DBUS_SESSION_BUS_ADDRESS"] = f"unix:path={bus}"


def _hang_up(desktop: _Desktop) -> None:
    """Close the connection to the bus, if there is one: the library does not, and a bus allows a user about 256."""
    bus: object = getattr(getattr(desktop.notifier, "_backend", None), "bus", None)
    disconnect: object = getattr(bus, "disconnect", None)
    if callable(disconnect):
        disconnect()
    desktop.notifier = None
    desktop.shown.clear()  # they were of that connection


def _presses(asking: Asking | None) -> list[tuple[str, Callable[[], object]]]:
    """The label of each button, and what pressing it does."""
    if asking is None:
        return []
    show = [] if asking.show is None else [(SHOW_ME, asking.show)]
    return [*show, *((label, partial(asking.answered, answer)) for answer, label in asking.buttons)]


async def run_command(argv: Sequence[str], payload: Mapping[str, object], timeout_s: float) -> str | None:
    """Run the user's command without a shell, with the payload as JSON on its stdin. Return None if it succeeded.

    It succeeds if it exits with 0 within `timeout_s` seconds. After that it is killed, with all that it started. What
    it prints is discarded. Otherwise why it failed is logged and returned, in words that go after "prompts.command: ".

    Under the systemd unit it runs in a unit of its own, outside the service's sandbox (`hipsync.host.transient`).
    """
    why = await _run(argv, json.dumps(payload).encode() + b"\n", timeout_s) if argv else "it is empty"
    if why is not None and argv:
        log.warning("%s (prompts.command) %s", clean(argv[0], LONGEST), why)
    return why


async def _run(argv: Sequence[str], lines: bytes, timeout_s: float) -> str | None:
    """Run a command with these bytes on its stdin. Return why it failed, or None."""
    unit = transient.unit(argv, timeout_s)
    if unit is not None and shutil.which(argv[0]) is None:
        return "does not start: there is no such program"
    if unit is not None and not transient.has_bus():
        return "does not start: systemd is asked by the session's D-Bus, and there is none (install dbus-user-session)"
    begun = time.monotonic()
    starting = asyncio.ensure_future(
        asyncio.create_subprocess_exec(
            *(argv if unit is None else unit.start), stdin=PIPE, stdout=DEVNULL, stderr=DEVNULL, start_new_session=True
        )
    )
    try:
        process = await asyncio.shield(starting)
    except asyncio.CancelledError:  # asyncio would kill it, but not what it has started meanwhile
        with contextlib.suppress(OSError, ValueError):
            await _ended(await starting, unit)
        raise
    except (OSError, ValueError) as error:  # ValueError: a NUL in an argument
        return f"does not start: {error}"
    slow = f"was stopped: it took more than {timeout_s:g} s"
    try:
        async with asyncio.timeout(timeout_s if unit is None else timeout_s + MANAGER_WITHIN_S):
            await process.communicate(lines)
    except TimeoutError:
        return slow
    finally:
        await _ended(process, unit)
    if unit is not None and process.returncode and time.monotonic() - begun >= timeout_s:
        return slow
    if unit is not None and process.returncode == transient.NOT_STARTED:
        return "does not start: it is no program that this system can run"
    return f"exited with {process.returncode}" if process.returncode else None


async def _ended(process: Process, unit: Transient | None = None) -> None:
    """Kill a process that still runs, with its group, because a script's children would live on otherwise.

    A unit is stopped: what runs in it is not a child of the process that waits for it.
    """
    if process.returncode is None:
        if unit is not None:
            stopping = await asyncio.create_subprocess_exec(*unit.stop, stdin=DEVNULL, stdout=DEVNULL, stderr=DEVNULL)
            await stopping.wait()
        with contextlib.suppress(ProcessLookupError):
            if sys.platform == "win32":
                process.kill()
            else:
                os.killpg(process.pid, signal.SIGKILL)
        await process.wait()
