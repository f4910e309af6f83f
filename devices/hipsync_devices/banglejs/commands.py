"""Commands to a Bangle.js, one a line: a call of `GB` with an object, or a statement of JavaScript.

Source unless a line says otherwise: espruino/BangleApps at 0fe18ed, `apps/android` 0.47 and `apps/boot` 0.69, and
espruino/Espruino at c5ff787. A watch that is not programmable takes only the calls.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import datetime, timedelta

from hipsync_devices.banglejs.packets import JsonObject, milliseconds, to_json

DLE = b"\x10"
"""At the start of a line: run it without echo."""
TITLE, BODY = 80, 400
"""The most characters of a message that Gadgetbridge sends (Freeyourgadget/Gadgetbridge at a0948ee)."""


def command(fields: Mapping[str, object]) -> bytes:
    r"""A call, `\x10GB({...})\n`, in strict JSON and ASCII, as every watch takes it."""
    return DLE + b"GB(" + to_json(fields) + b")\n"


def command_of(line: bytes, *, strict: bool) -> Mapping[str, object] | None:
    """The object in a line without DLE and end, as the watch reads it; None if the line is no such call.

    `strict` is a watch that is not programmable; others allow names without quotes, and a `;`, as JavaScript does.
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
    """The command that fetches the blocks that ended at `since` or later; from android 0.31 and health 0.26 on."""
    return command({"t": "actfetch", "ts": milliseconds(since)})


def live(seconds: int) -> bytes:
    """The command for a `Walked` every so many seconds, never 0, which floods; from android 0.23 on."""
    return command({"t": "act", "hrm": False, "stp": True, "int": seconds})


def notify(number: int, title: str, body: str) -> bytes:
    """The command that shows a message, in place of one with the same number. Number 0 would never be shown."""
    words = {"title": title[:TITLE], "body": body[:BODY], "subject": "", "sender": ""}
    return command({"t": "notify", "id": number, "src": "hipsync", **words})


def statement(javascript: str) -> bytes:
    """A line of JavaScript, which only a programmable watch runs."""
    return DLE + javascript.encode("ascii") + b"\n"


HELLO = statement(
    'Bluetooth.println(JSON.stringify({t:"hip",v:process.env.VERSION,now:Date.now(),'
    "west:new Date().getTimezoneOffset(),bat:E.getBattery(),chg:Bangle.isCharging(),"
    'z:require("Storage").readJSON("hipsync.json",1)}))'
)
"""Our own wording, not tried on a watch. `keep_zone` writes the file; without it `z` is undefined and left out."""
BUZZ = statement("Bangle.buzz(2000,1)")


def set_time(instant: datetime) -> str:
    """The statement that sets the clock, in seconds since 1970; a fraction is allowed."""
    seconds = f"{milliseconds(instant) / 1000:.3f}".rstrip("0").rstrip(".")
    return f"setTime({seconds});"


def set_zone(offset: timedelta) -> str:
    """The statement that sets the zone, in hours east of UTC with summer time, to the minute."""
    return f"E.setTimeZone({offset / timedelta(hours=1)!r});"


def keep_zone(offset: timedelta) -> str:
    """The statement that sets the zone for good and, if that changes it, notes when and from which offset in a file.

    The watch labels its blocks with local time and does not store their zone, so `protocol.sync` needs the note. One
    statement does both, so that a lost link cannot separate them. This is our own wording, not tried on a watch. The
    app `widdst` makes `setTimeZone` do nothing, and then nothing is noted.
    """
    return (
        '{let s=require("Storage"),d=()=>-new Date().getTimezoneOffset(),o=d();'
        + set_zone(offset)
        + 'if(d()!=o){s.writeJSON("hipsync.json",{at:Date.now(),from:o});'
        + 'let j=s.readJSON("setting.json",1);'
        + f'if(j){{j.timezone={offset / timedelta(hours=1)!r};s.writeJSON("setting.json",j);}}}}}}'
    )
