"""The computer's zone as a name: what `$TZ` and /etc may hold, and that it is never silently another zone.

The expected local times are the C library's, as `date` shows them, or come from the zones' own tables.
"""

from __future__ import annotations

import subprocess
from datetime import UTC, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from hipsync.errors import ConfigError
from hipsync.host.zone import named_zone, zone_of_host

ZONEINFO = Path("/usr/share/zoneinfo")
INSTANTS = [datetime(year, month, 15, 9, tzinfo=UTC) for year in (2012, 2026, 2035) for month in (1, 3, 7, 10, 11)]
needs_zones = pytest.mark.skipif(not (ZONEINFO / "Europe/Rome").is_file(), reason="no zones in /usr/share/zoneinfo")


def by_the_c_library(tz: str) -> list[str]:
    """Return the local times of `INSTANTS`, as `date` shows them."""
    return [
        subprocess.run(
            ["date", f"--date=@{each.timestamp():.0f}", "+%Y-%m-%d %H:%M:%S"],
            env={"TZ": tz, "PATH": "/usr/bin:/bin"}, capture_output=True, text=True, check=True,
        ).stdout.strip()
        for each in INSTANTS
    ]  # fmt: skip


@needs_zones
@pytest.mark.parametrize(
    "tz",
    [
        "CET-1CEST,M3.5.0,M10.5.0/3", "CET-1CEST-2,M3.5.0/2:00:00,M10.5.0/3:00:00", "EST5EDT,M3.2.0,M11.1.0",
        "AEST-10AEDT,M10.1.0,M4.1.0/3", "<+1030>-10:30<+11>-11,M10.1.0,M4.1.0", "UTC-3", "UTC+3", "UTC0", "GMT",
        "GMT-5", "EST5", "<+0545>-5:45", "MST7MDT", "PST8PDT", "CST6CDT", "EST5EDT", "US/East-Indiana",
        "Europe/Uzhgorod", "Europe/Zaporozhye", "Antarctica/Troll", ":Europe/Rome", "", ":", f"{ZONEINFO}/Europe/Rome",
        f":{ZONEINFO}/Asia/Tokyo", "posix/Europe/Rome",
    ],
)  # fmt: skip
def test_what_tz_may_hold_gives_the_local_time_that_every_program_shows(tz: str, tmp_path: Path) -> None:
    name = zone_of_host(tz, tmp_path)
    assert name is not None
    zone = ZoneInfo(name)
    assert [f"{each.astimezone(zone):%Y-%m-%d %H:%M:%S}" for each in INSTANTS] == by_the_c_library(tz)


@pytest.mark.parametrize(
    "tz",
    [
        "nonsense", "Mars/Base", " ", "Europe", "../etc/passwd", "localtime", "Factory", "zone.tab", "/nonexistent",
        "/a\0b", "a\0b", "A" * 3000, "é", "UTC-25", "UTC+200", "europe/Rome",
        "CET-1CEST,M13.5.0,M10.5.0/3", "CET-1CEST,M3.5.0", "CET-1CEST,M3.5.0,M10.5.0/3\n",
        "CET-1CEST",  # summer time, and not when: the C library takes the dates of the United States
        "EST5EDT,J60,J300",  # a rule, but of no place: there is no name by which it could be stored
    ],
)  # fmt: skip
def test_what_tz_may_not_hold_is_one_line(tz: str, tmp_path: Path) -> None:
    (tmp_path / "localtime").symlink_to(ZONEINFO / "Europe/Rome")
    with pytest.raises(ConfigError, match=r"^TZ='.*' is not understood: use an IANA name, as in TZ=Europe/Rome$"):
        zone_of_host(tz, tmp_path)


@pytest.mark.parametrize(
    ("link", "name"),
    [
        ("/usr/share/zoneinfo/Europe/Rome", "Europe/Rome"),
        ("../usr/share/zoneinfo/Europe/Rome", "Europe/Rome"),
        ("/usr/share/zoneinfo/right/Europe/Rome", "Europe/Rome"),
        ("/usr/share/zoneinfo/posix/Europe/Rome", "Europe/Rome"),
        ("/var/db/timezone/zoneinfo/Europe/Rome", "Europe/Rome"),
        ("/usr/share/zoneinfo.default/Asia/Tokyo", "Asia/Tokyo"),
        ("/etc/zoneinfo/America/New_York", "America/New_York"),
    ],
)
def test_a_link_names_the_zone(link: str, name: str, tmp_path: Path) -> None:
    (tmp_path / "localtime").symlink_to(link)
    assert zone_of_host(None, tmp_path) == name


def test_a_link_to_a_link_names_the_zone(tmp_path: Path) -> None:
    (tmp_path / "mine").symlink_to("/usr/share/zoneinfo/Europe/Rome")
    (tmp_path / "localtime").symlink_to("mine")
    assert zone_of_host(None, tmp_path) == "Europe/Rome"


@pytest.mark.parametrize("link", ["/usr/share/zoneinfo/Foo/Bar", "/usr/share/zoneinfo/US/Pacific-New", "nowhere", "."])
def test_a_link_to_no_zone_is_one_line(link: str, tmp_path: Path) -> None:
    (tmp_path / "localtime").symlink_to(link)
    with pytest.raises(ConfigError, match="set TZ or link /etc/localtime"):
        zone_of_host(None, tmp_path)


def test_links_in_a_circle_are_one_line(tmp_path: Path) -> None:
    (tmp_path / "localtime").symlink_to("other")
    (tmp_path / "other").symlink_to("localtime")
    with pytest.raises(ConfigError, match="set TZ or link /etc/localtime"):
        zone_of_host(None, tmp_path)


@needs_zones
@pytest.mark.parametrize("zone", ["Europe/Rome", "Asia/Tokyo", "Australia/Lord_Howe", "Africa/Cairo", "Etc/GMT+5"])
def test_a_copy_is_the_zone_that_it_is_a_copy_of_or_one_that_is_equal(zone: str, tmp_path: Path) -> None:
    (tmp_path / "localtime").write_bytes((ZONEINFO / zone).read_bytes())
    name = zone_of_host(None, tmp_path)
    assert name is not None
    assert (ZONEINFO / name).read_bytes() == (ZONEINFO / zone).read_bytes()


@needs_zones
def test_of_zones_that_are_equal_a_copy_is_the_one_that_debian_wrote_down(tmp_path: Path) -> None:
    (tmp_path / "localtime").write_bytes((ZONEINFO / "Europe/Vatican").read_bytes())
    (tmp_path / "timezone").write_text("Europe/Vatican\n")
    assert zone_of_host(None, tmp_path) == "Europe/Vatican"


@needs_zones
def test_a_copy_counts_and_not_what_was_written_down_before_it(tmp_path: Path) -> None:
    (tmp_path / "localtime").write_bytes((ZONEINFO / "Asia/Tokyo").read_bytes())
    (tmp_path / "timezone").write_text("Europe/Rome\n")
    assert zone_of_host(None, tmp_path) == "Asia/Tokyo"


@needs_zones
@pytest.mark.parametrize("content", [b"", b"TZif", b"TZif2" + bytes(39), b"Europe/Rome\n", bytes(1 << 17), None])
def test_a_copy_of_nothing_is_one_line(content: bytes | None, tmp_path: Path) -> None:
    """The last one is cut off in the middle."""
    whole = (ZONEINFO / "Europe/Rome").read_bytes()
    (tmp_path / "localtime").write_bytes(whole[:700] if content is None else content)
    with pytest.raises(ConfigError, match="set TZ or link /etc/localtime"):
        zone_of_host(None, tmp_path)


def test_nothing_names_no_zone(tmp_path: Path) -> None:
    assert zone_of_host(None, tmp_path) is None
    (tmp_path / "timezone").write_text("Europe/Rome\n")
    assert zone_of_host(None, tmp_path) == "Europe/Rome"


@pytest.mark.parametrize(
    ("name", "zone"), [("Europe/Rome", "Europe/Rome"), ("right/Europe/Rome", "Europe/Rome"), ("CET", "CET")]
)
def test_a_zone_has_one_name(name: str, zone: str) -> None:
    assert named_zone(name) == zone
