"""Shows a notice on the desktop, hears its buttons, and takes it away again.

The library desktop-notifier talks to the notice servers of four systems, each with errors of its own. The one rule:
each function tells truly whether a server took the notice, and raises nothing if there is none.
"""

from __future__ import annotations

import asyncio
import html
import logging
import os
import sys
from collections.abc import Callable, Collection
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple
from weakref import WeakKeyDictionary

from hipsync.model import Answer
from hipsync.service.notice import LONGEST, Buttons, Notice
from hipsync.text import clean

if TYPE_CHECKING:
    from desktop_notifier import DesktopNotifier

log = logging.getLogger(__name__)

SHOW_ME = "Show me"
"""The button that opens the exercise; it stands before those that answer, and a click on the notice does the same."""
WITHOUT_BUTTONS = "Answer: hipsync done, snooze or skip."
"""What a desktop notice says in addition where the notice server shows no buttons."""
DESKTOP_WITHIN_S = 2.0
"""Seconds to wait for a notice server, which usually answers in milliseconds. One that the bus has to start first is
ready for the next prompt."""


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
    """When the prompt fell due."""
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
