"""What a Bangle.js is told: a line a command, a call of `GB` with an object or a statement of JavaScript.

Source unless a line says otherwise: espruino/BangleApps at 0fe18ed, `apps/android` 0.47 and `apps/boot` 0.69, and
espruino/Espruino at c5ff787. A watch that is not programmable takes the calls alone.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import datetime, timedelta

from hipsync_devices.banglejs.packets import JsonObject, milliseconds, to_json

DLE = b"\x10"
"""At the start of an empty line: run what follows without echo."""
TITLE, BODY = 80, 400
"""Characters of a message that Gadgetbridge sends at most (Freeyourgadget/Gadgetbridge at a0948ee)."""


def command(fields: Mapping[str, object]) -> bytes:
    r"""`\x10GB({...})\n`: strict JSON in ASCII, which is all that a watch takes that is not programmable."""
    return DLE + b"GB(" + to_json(fields) + b")\n"


def command_of(line: bytes, *, strict: bool) -> Mapping[str, object] | None:
    """Inverse of `command` for a line without DLE and end: the object, or None if it is no such call.

    `strict` as a watch that is not programmable reads it; else names without quotes and a `;` are allowed, as in the
    language of the watch.
    """
    text = line.decode("latin-1") if strict else line.decode("latin-1").rstrip("; ")
    if not text.startswith("GB({") or not text.endswith("})"):
        return None
    inner = text[3:-1]
    for attempt in [inner] if strict else [inner, re.sub(r"([{,]\s*)([A-Za-z_]\w*)(\s*:)", r'\1"\2"\3', inner)]:
        try:
            return JsonObject.of(attempt.encode("latin-1")).fields
        except (ValueError, RecursionError):
            continue
    return None


def fetch(since: datetime) -> bytes:
    """The blocks that ended at `since` or later; from android 0.31 and health 0.26 on."""
    return command({"t": "actfetch", "ts": milliseconds(since)})


def live(seconds: int) -> bytes:
    """A `Walked` every so often, until an app is loaded or the link ends; from android 0.23 on. Never 0: it floods."""
    return command({"t": "act", "hrm": False, "stp": True, "int": seconds})


def notify(number: int, title: str, body: str) -> bytes:
    """A message; one of the same number is replaced. Numbers start at 1: 0 is never shown."""
    words = {"title": title[:TITLE], "body": body[:BODY], "subject": "", "sender": ""}
    return command({"t": "notify", "id": number, "src": "hipsync", **words})


def statement(javascript: str) -> bytes:
    """A line that a programmable watch runs; any other ignores it."""
    return DLE + javascript.encode("ascii") + b"\n"


HELLO = statement(
    'Bluetooth.println(JSON.stringify({t:"hip",v:process.env.VERSION,now:Date.now(),'
    "west:new Date().getTimezoneOffset(),bat:E.getBattery(),chg:Bangle.isCharging(),"
    'z:require("Storage").readJSON("hipsync.json",1)}))'
)
"""Own wording, not tried on a watch. The file is what `set_zone` leaves; without it `z` is undefined and left out."""
BUZZ = statement("Bangle.buzz(2000,1)")


def set_time(instant: datetime) -> str:
    """A statement in Unix seconds; a fraction is allowed."""
    seconds = f"{milliseconds(instant) / 1000:.3f}".rstrip("0").rstrip(".")
    return f"setTime({seconds});"


def set_zone(offset: timedelta) -> str:
    """A statement in hours east of UTC with daylight saving, to the minute."""
    return f"E.setTimeZone({offset / timedelta(hours=1)!r});"


def keep_zone(offset: timedelta) -> str:
    """A statement that sets the zone for good, and if that changed it notes when and from what.

    The watch labels its blocks with local time and forgets in which zone they were; the note in a file of its own tells
    (`protocol.sync`). In one statement, so that no lost link comes between. Own wording, not tried on a watch; the app
    `widdst` makes `setTimeZone` do nothing, and then nothing is noted.
    """
    return (
        '{let s=require("Storage"),d=()=>-new Date().getTimezoneOffset(),o=d();'
        + set_zone(offset)
        + 'if(d()!=o){s.writeJSON("hipsync.json",{at:Date.now(),from:o});'
        + 'let j=s.readJSON("setting.json",1);'
        + f'if(j){{j.timezone={offset / timedelta(hours=1)!r};s.writeJSON("setting.json",j);}}}}}}'
    )
