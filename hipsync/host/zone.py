"""The time zone of this computer, as a name that can be stored, such as Europe/London.

`$TZ` counts before the folder /etc, as for every program. The one rule: never another zone than the clock of this
computer shows. What has no name (a rule in POSIX form, a copied /etc/localtime) is given the name of a zone with the
same local time at every instant since `EQUAL_SINCE`; where there is no such zone, `ConfigError` says what to do.

Source: POSIX 8.3 and tzset(3) for `$TZ`; localtime(5) for /etc/localtime; RFC 9636 for the form of a zone's file.
"""

from __future__ import annotations

import functools
import os
import re
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from hipsync.errors import ConfigError

if TYPE_CHECKING:
    from datetime import datetime
    from zoneinfo import ZoneInfo

ETC = Path("/etc")
EQUAL_SINCE, EQUAL_UNTIL = 2010, 2038
"""The years, up to but not including the second, in which two zones must agree to count as equal. Fitness bands store
nothing older, and files of zones list changes up to 2037."""
MOST_LINKS = 8
"""How many links from /etc/localtime are followed. A zone is one or two away."""
LARGEST = 1 << 16
"""The most bytes that are read of a file that should hold a zone. The largest has about 4,000."""
NO_PLACES = frozenset({"Factory", "localtime", "posixrules"})
"""Files among the zones that stand for no zone, or for whichever this computer has."""
ADVICE = "set TZ or link /etc/localtime, as in TZ=Europe/Rome"


def zone_of_host(tz: str | None, etc: Path | None = None) -> str | None:
    """Return the name of this computer's zone; None if nothing names one, and the clock shows UTC for that reason.

    `tz` is the value of `$TZ`, or None if it is not set; an empty one means UTC, as in the C library. `etc` is the
    folder that has `localtime`, /etc if not given. Raises `ConfigError` if the zone cannot be named.
    """
    etc = etc or ETC
    if tz is not None:
        return _zone_of_variable(tz)
    if sys.platform == "win32":  # pragma: no cover  untested: Windows
        return _zone_of_windows()
    try:
        return _zone_of_link(etc / "localtime", _written_name(etc))
    except FileNotFoundError:
        return _written_name(etc)
    except OSError as error:
        raise ConfigError(
            f"this computer's time zone is not known: /etc/localtime: {error.strerror}: {ADVICE}"
        ) from error


def leave_leap_seconds_out(etc: Path | None = None) -> None:
    """Make this process count the seconds as everybody else does, where the zone is one of "right/".

    With such a zone the C library takes 27 leap seconds off every instant, even in UTC, and so does `datetime`. `$TZ`
    is set to the same zone without them, for this process and those that it starts. Other zones change nothing.
    """
    import time

    tz = os.environ.get("TZ")
    try:
        named = str(((etc or ETC) / "localtime").readlink()) if tz is None else tz
    except OSError:
        return
    if "right/" in named and sys.platform != "win32":
        try:
            os.environ["TZ"] = zone_of_host(tz, etc) or "UTC"
        except ConfigError:
            return  # the command that needs the zone says so
        time.tzset()


def named_zone(name: str) -> str:
    """Return the name of a zone without "right/" or "posix/", the folders of the same zones in another form.

    Raises `ConfigError` if there is no such zone.
    """
    found = _known(name)
    if found is None:
        raise ConfigError(f"{name[:80]!r} is no time zone: use an IANA name such as Europe/London")
    return found


def _known(name: str) -> str | None:
    """Return the name of the zone that `name` means, or None if there is none."""
    from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

    plain = re.sub(r"^(?:right|posix)/", "", name)
    try:
        return None if plain in NO_PLACES else ZoneInfo(plain).key
    except (ZoneInfoNotFoundError, ValueError, OSError):  # OSError: the name of a folder, or one that is too long
        return None


# ------------------------------------------------------------------ $TZ


def _zone_of_variable(tz: str) -> str:
    """Return the name of the zone that `$TZ` means. Raises `ConfigError`."""
    text = tz.removeprefix(":")
    if not text:
        return "UTC"
    if text.startswith("/"):
        try:
            found = _zone_of_link(Path(text), None)
        except (OSError, ValueError):  # ValueError: a NUL in the path
            found = None
    else:
        found = _known(text) or _zone_of_rule(text)
    if found is None:
        raise ConfigError(f"TZ={tz[:80]!r} is not understood: use an IANA name, as in TZ=Europe/Rome")
    return found


@functools.cache
def _zone_of_rule(text: str) -> str | None:
    """Return the name of a zone with this rule in POSIX form, such as CET-1CEST,M3.5.0,M10.5.0/3; None if none has it.

    A rule that names summer time must say when it is: the C library would take the dates of the United States.
    """
    from io import BytesIO
    from zoneinfo import ZoneInfo

    match = re.fullmatch(r"(<[A-Za-z0-9+-]{3,}>|[A-Za-z]{3,})([+-]?[0-9:]+)(<[A-Za-z0-9+-]{3,}>|[A-Za-z]{3,})?.*", text)
    if match is None or len(text) > 100 or not text.isascii():
        return None
    try:
        zone = ZoneInfo.from_file(BytesIO(_file_of_rule(text)))
        first = [f"{match[1]}{match[2]}{match[3] or ''}", match[1]] if match[3] else []
        return _equal(zone, first)
    except (ValueError, OverflowError):
        return None


def _file_of_rule(text: str) -> bytes:
    """Return a file of a zone that has no changes of its own, and this rule for all time (RFC 9636, section 3)."""
    from struct import pack

    block = b"TZif2" + bytes(15) + pack(">6l", 0, 0, 0, 0, 1, 4) + pack(">lBB", 0, 0, 0) + b"-00\0"
    return block + block + b"\n" + text.encode("ascii") + b"\n"


# ------------------------------------------------------------------ /etc/localtime


def _zone_of_link(file: Path, written: str | None) -> str:
    """Return the name of the zone that a link leads to or a file holds.

    `written` is a name that comes first among zones with equal rules. Raises `ConfigError`, `FileNotFoundError` if
    there is neither link nor file, and other `OSError`s.
    """
    at = file
    for _ in range(MOST_LINKS):
        inside = re.search(r"/zoneinfo[^/]*/(.+)", str(at))
        if inside and inside[1] not in NO_PLACES:
            if (found := _known(os.path.normpath(inside[1]))) is not None:
                return found
            raise ConfigError(f"this computer's time zone is not known: {file} names {inside[1]}: {ADVICE}")
        if not at.is_symlink():
            break
        at = at.parent / at.readlink()
    if at != file and not at.exists():
        raise ConfigError(f"this computer's time zone is not known: {file} leads nowhere: {ADVICE}")
    if not at.is_file() and at.exists():
        raise ConfigError(f"this computer's time zone is not known: {file} is no file: {ADVICE}")
    with at.open("rb") as opened:
        content = opened.read(LARGEST)
    if (found := _zone_of_content(content, written)) is not None:
        return found
    raise ConfigError(f"this computer's time zone has no name: {file} is a copy of none that is known: {ADVICE}")


def _written_name(etc: Path) -> str | None:
    """Return the name in /etc/timezone, where Debian keeps it, or None if there is no such name of a zone."""
    try:
        with (etc / "timezone").open("rb") as opened:
            words = opened.read(LARGEST).decode("ascii", "replace").split()
    except OSError:
        return None
    return _known(words[0]) if words else None


@functools.cache
def _zone_of_content(content: bytes, written: str | None) -> str | None:
    """Return the name of a zone whose file this is, or that has equal rules; None if there is none."""
    import struct
    from io import BytesIO
    from zoneinfo import TZPATH, ZoneInfo

    try:
        zone = ZoneInfo.from_file(BytesIO(content))
    except (ValueError, EOFError, ArithmeticError, struct.error):  # the last: the file ends too early
        return None
    for name in _names([written] if written else []):
        for folder in TZPATH:
            if _content(Path(folder) / name) == content:
                return name
    return _equal(zone, [written] if written else [])


def _content(file: Path) -> bytes:
    try:
        return file.read_bytes()
    except OSError:
        return b""


# ------------------------------------------------------------------ zones that are equal


def _names(first: Iterable[str]) -> Iterator[str]:
    """Yield the names of all zones: those in `first` that exist, those of fixed offsets, and then by the alphabet."""
    from zoneinfo import available_timezones

    known = available_timezones() - NO_PLACES
    fixed = ["UTC", *(f"Etc/GMT{hours:+d}" for hours in range(-14, 13) if hours)]
    for name in dict.fromkeys([*first, *fixed, *sorted(known)]):
        if name in known:
            yield name


def _equal(zone: ZoneInfo, first: Iterable[str]) -> str | None:
    """Return the first name of a zone with the same local time as `zone` at every instant; None if there is none."""
    from datetime import UTC, datetime
    from zoneinfo import ZoneInfo

    samples = [datetime(year, month, 1, tzinfo=UTC) for year in range(EQUAL_SINCE, EQUAL_UNTIL, 3) for month in (1, 7)]
    wanted = [each.astimezone(zone).utcoffset() for each in samples]
    changes = None
    for name in _names(first):
        other = ZoneInfo(name)
        if [each.astimezone(other).utcoffset() for each in samples] == wanted:
            changes = changes or _changes(zone)
            if _changes(other) == changes:
                return name
    return None


def _changes(zone: ZoneInfo) -> list[tuple[datetime, object]]:
    """Return the instants in UTC, to the second, at which a zone's offset changes, with the offset from then on.

    The list begins with the first instant of `EQUAL_SINCE`. Two changes within one day that undo each other are missed.
    """
    from datetime import UTC, datetime, timedelta

    at, end = datetime(EQUAL_SINCE, 1, 1, tzinfo=UTC), datetime(EQUAL_UNTIL, 1, 1, tzinfo=UTC)
    found: list[tuple[datetime, object]] = [(at, at.astimezone(zone).utcoffset())]
    while at < end:
        later = at + timedelta(days=1)
        if (offset := later.astimezone(zone).utcoffset()) != found[-1][1]:
            low, high = at, later
            while high - low > timedelta(seconds=1):
                middle = low + timedelta(seconds=(high - low) // timedelta(seconds=2))
                low, high = (middle, high) if middle.astimezone(zone).utcoffset() == found[-1][1] else (low, middle)
            found.append((high, offset))
        at = later
    return found


def _zone_of_windows() -> str:  # pragma: no cover  untested: Windows
    """Return the name of the zone in the registry of Windows. Raises `ConfigError`."""
    from tzlocal import get_localzone_name

    try:
        return get_localzone_name()
    except (LookupError, OSError, ValueError) as error:
        raise ConfigError(f"this computer's time zone is not known: {error}: set TZ, as in TZ=Europe/Rome") from error
