"""Commands to a Bangle.js, one on each line: a call of `GB` with an object, or a statement of JavaScript.

Source unless a line says otherwise: espruino/BangleApps at 0fe18ed, `apps/android` 0.47 and `apps/boot` 0.69, and
espruino/Espruino at c5ff787. A watch that is not programmable accepts only the calls.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import datetime, timedelta

from hipsync_devices.banglejs.packets import JsonObject, milliseconds, to_json

DLE = b"\x10"
"""The byte at the start of a line that makes the watch run the line without echoing it."""
TITLE, BODY = 80, 400
"""The most characters in the title and the body of a message, as in Gadgetbridge (Freeyourgadget/Gadgetbridge at
a0948ee)."""


def command(fields: Mapping[str, object]) -> bytes:
    r"""Return the call `\x10GB({...})\n` of these members, in strict JSON and ASCII, which every watch accepts."""
    return DLE + b"GB(" + to_json(fields) + b")\n"


def command_of(line: bytes, *, strict: bool) -> Mapping[str, object] | None:
    """Return the members of the object in a call of `GB`, as the watch reads them; None if the line is no such call.

    The line is given without DLE and line end. `strict` is for a watch that is not programmable; others allow names
    without quotes and a `;`, as JavaScript does.
    """
    text = line.decode("latin-1") if strict else line.decode("latin-1").rstrip("; ")
    if not text.startswith("GB({") or not text.endswith("})"):
        return None
    inner = text[3:-1]
    for attempt in [inner] if strict else [inner, re.sub(r"([{,]\s*)([A-Za-z_]\w*)(\s*:)", r'\1"\2"\3', inner)]:
        try:
            return JsonObject.decode(attempt.encode("latin-1")).fields
        except (ValueError, RecursionError):
            continue
    return None


def fetch(since: datetime) -> bytes:
    """Return the command that fetches the blocks that ended at `since` or later.

    It works from Android Integration 0.31 and Health Tracking 0.26 on.
    """
    return command({"t": "actfetch", "ts": milliseconds(since)})


def live(seconds: int) -> bytes:
    """Return the command that asks for a `Walked` line every `seconds`; it works from Android Integration 0.23 on.

    `seconds` must not be 0, or the watch sends lines without pause.
    """
    return command({"t": "act", "hrm": False, "stp": True, "int": seconds})


def notify(number: int, title: str, body: str) -> bytes:
    """Return the command that shows a message, in place of one with the same number. A number of 0 is never shown."""
    words = {"title": title[:TITLE], "body": body[:BODY], "subject": "", "sender": ""}
    return command({"t": "notify", "id": number, "src": "hipsync", **words})


def statement(javascript: str) -> bytes:
    """Return a line of JavaScript, which only a programmable watch runs."""
    return DLE + javascript.encode("ascii") + b"\n"


HELLO = statement(
    'Bluetooth.println(JSON.stringify({t:"hip",v:process.env.VERSION,now:Date.now(),'
    "west:new Date().getTimezoneOffset(),bat:E.getBattery(),chg:Bangle.isCharging(),"
    'z:require("Storage").readJSON("hipsync.json",1)}))'
)
"""The statement that asks a programmable watch for its version, clock, zone, battery, and note about its zone.

`keep_zone` writes the note to the file; without the file, `z` is undefined and left out. The wording is our own and not
tried on a watch.
"""
BUZZ = statement("Bangle.buzz(2000,1)")


def set_time(instant: datetime) -> str:
    """Return the statement that sets the clock, in seconds since 1970 with at most three decimals."""
    seconds = f"{milliseconds(instant) / 1000:.3f}".rstrip("0").rstrip(".")
    return f"setTime({seconds});"


def set_zone(offset: timedelta) -> str:
    """Return the statement that sets the zone, in hours east of UTC including summer time, exact to the minute."""
    return f"E.setTimeZone({offset / timedelta(hours=1)!r});"


def keep_zone(offset: timedelta) -> str:
    """Return the statement that sets the zone permanently and, if that changes the zone, writes a note to a file.

    The note has the instant of the change and the offset before it. `protocol.sync` needs it, because the watch labels
    its blocks with local time and does not store their zone. One statement does both, so that a lost link cannot
    separate them. The wording is our own and not tried on a watch. With the app `widdst`, `setTimeZone` does nothing,
    and no note is written.
    """
    return (
        '{let s=require("Storage"),d=()=>-new Date().getTimezoneOffset(),o=d();'
        + set_zone(offset)
        + 'if(d()!=o){s.writeJSON("hipsync.json",{at:Date.now(),from:o});'
        + 'let j=s.readJSON("setting.json",1);'
        + f'if(j){{j.timezone={offset / timedelta(hours=1)!r};s.writeJSON("setting.json",j);}}}}}}'
    )
