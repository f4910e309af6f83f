"""The pages for a clinic: they say what the days say, and a report that fails leaves the old one."""

from __future__ import annotations

import re
import shutil
import signal
import stat
import subprocess
import sys
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from click.testing import CliRunner, Result

from hipsync.cli import hipsync
from hipsync.cli.app import App
from hipsync.core.period import period_summary
from hipsync.errors import ConfigError, InputError
from hipsync.fleet.answers import Attention, Handed, Wearer, WeekRow
from hipsync.fleet.folders import MARK, refuse_foreign, replacing_folder, write_private
from hipsync.fleet.names import names_of
from hipsync.fleet.pages import Shown, index_page, wearer_page
from hipsync.model import Reading
from hipsync.report.page.period import ribbons
from support.builders import day as drawn
from support.parsed_page import Parsed
from support.postgres import Postgres
from support.ward import put

DAY = timedelta(days=1)
NOW = datetime(2026, 4, 2, 12, tzinfo=UTC)
"""A Thursday."""
LIVED = "7h sleep, 30m walk, 70m sit, 10m walk, 3h sit, 1h walk, 2h off, 4h sit, 30m walk, 4h sit"
EVIL = ['<script>alert("1")</script>&\'"', "\u202eabc\u05d0\u05d1", "N" * 200, "</title><img src=x onerror=y>"]


def lived(days: int) -> list[Reading]:
    first = NOW.replace(hour=0) - (days - 1) * DAY
    return [each for at in range(days) for each in drawn(LIVED, first + at * DAY) if each.end <= NOW]


def reported(tmp_path: Path, fleet: Postgres, *words: str, login: str = "owner") -> Result:
    settings = tmp_path / "config.toml"
    settings.write_text(f'[fleet]\ndsn = "{fleet.dsn(login)}"\n')
    settings.chmod(0o600)
    variables = {"PGSSLMODE": None, "PGCONNECT_TIMEOUT": None, "PGAPPNAME": None}
    command = ["--config", str(settings), "fleet", "report", *words]
    return CliRunner().invoke(hipsync, command, env=variables, obj=App(lambda: NOW))


def private(file: Path, text: str) -> str:
    file.write_text(text, "utf-8")
    file.chmod(0o600)
    return str(file)


def evil(name: str, *, pseudonym: str = "P-1") -> Shown:
    """A wearer of whom every word that comes from elsewhere is hostile."""
    week = WeekRow(pseudonym, date(2026, 3, 30), 3, True, False, 900, 600, 640, 70, 9, Decimal("0.9"), 5, 2, 60, 4000)
    band = Handed(pseudonym, 7, name, NOW - DAY, None, True, NOW, NOW, 5, False, [name])
    reason = Attention(pseudonym, "battery", NOW, 7, Decimal(5), None, None)
    return Shown(Wearer(pseudonym, "Europe/London", 60, None, None), name, [reason], [band], [week])


@pytest.mark.parametrize("name", EVIL)
def test_words_from_elsewhere_are_words(name: str) -> None:
    shown = [evil(name), evil("", pseudonym=name)]
    pages = [index_page(shown, date(2026, 3, 30), NOW)]
    pages += [wearer_page(each, [], None, NOW, ZoneInfo("Europe/London")) for each in shown]
    for page in pages:
        found = Parsed(page)
        tags = {tag for tag, _ in found.seen}
        assert not tags & {"script", "img", "link", "iframe", "object"}
        assert not [key for _, attributes in found.seen for key in attributes if key.startswith("on")]
        assert not re.search(r"""(?:src|href)=["'](?:https?:)?//|url\(""", page.replace("url(#hatch", ""))
    (link,) = {
        str(attributes["href"]) for tag, attributes in Parsed(pages[0]).seen if tag == "a" and "P-1" in str(attributes)
    }
    assert link == "wearers/P-1.html"
    assert not [page for page in pages if re.search(">[^<]*\u202e", page)]


def test_a_report_says_what_hipsync_says_of_the_days(fleet: Postgres, tmp_path: Path) -> None:
    first = put(fleet, "P-0001", lived(25), NOW, date(2026, 3, 9))
    put(fleet, "P-0002", lived(2), NOW, date(2026, 4, 1), number=1)
    done = reported(tmp_path, fleet, str(tmp_path / "ward"))
    assert (done.exit_code, done.output) == (0, f"2 wearers, nobody to speak to: {tmp_path}/ward/index.html\n")
    index = Parsed((tmp_path / "ward" / "index.html").read_text())
    links = [str(attributes["href"]) for tag, attributes in index.seen if tag == "a"]
    assert links == ["wearers/P-0001.html", "wearers/P-0002.html"]
    assert all((tmp_path / "ward" / link).exists() for link in links)
    page = (tmp_path / "ward" / "wearers" / "P-0001.html").read_text()
    Parsed(page)
    for number, at in enumerate((0, 7, 14)):
        whole = period_summary(first.days[at : at + 7])
        assert ribbons(whole, linked=False, table=f"days-{number}") in page
    weeks = Parsed(page).tables[0]
    assert [row[0] for row in weeks[1:]] == ["30 March 2026", "23 March 2026", "16 March 2026", "9 March 2026"]
    sums = [period_summary(first.days[at : at + 7]) for at in (21, 14, 7, 0)]
    assert [(row[2], row[6]) for row in weeks[1:]] == [
        (f"{each.awake_minutes // 60} h" + (f" {each.awake_minutes % 60:02d}" if each.awake_minutes % 60 else ""),
         f"{each.over_limit}") for each in sums
    ]  # fmt: skip


def test_a_day_of_which_nothing_or_nothing_sound_is_there_has_no_data(fleet: Postgres, tmp_path: Path) -> None:
    put(fleet, "P-0001", lived(4), NOW, date(2026, 3, 30))
    with fleet.owner() as db:
        db.execute("DELETE FROM hipsync.judged WHERE day = '2026-03-30'")
        db.execute("UPDATE hipsync.judged SET kinds = '\\x00' WHERE day = '2026-03-31'")
    assert reported(tmp_path, fleet, str(tmp_path / "ward")).exit_code == 0
    found = Parsed((tmp_path / "ward" / "wearers" / "P-0001.html").read_text())
    pictures = [
        str(attributes["aria-label"])
        for tag, attributes in found.seen
        if tag == "svg" and attributes.get("class") == "strip"
    ]
    assert pictures[:2] == ["Monday: no data", "Tuesday: no data"]
    assert "sitting" in pictures[2]
    assert pictures[4:] == [f"{day}: still to come" for day in ("Friday", "Saturday", "Sunday")]


def test_names_stand_in_pages_only_if_they_are_given(fleet: Postgres, tmp_path: Path) -> None:
    put(fleet, "P-0001", lived(1), NOW, date(2026, 4, 2))
    names = private(tmp_path / "names.csv", "pseudonym,name\nP-0001,Anna <b>Beispiel\nP-9,Nobody\n")
    done = reported(tmp_path, fleet, str(tmp_path / "ward"), "--names", names)
    assert done.exit_code == 0
    assert "1 name of nobody who is there" in done.output
    pages = [*(tmp_path / "ward").rglob("*.html")]
    assert all("Anna &lt;b&gt;Beispiel" in page.read_text() for page in pages)
    assert reported(tmp_path, fleet, str(tmp_path / "ward")).exit_code == 0
    assert not [page for page in pages if "Beispiel" in page.read_text()]
    with fleet.owner() as db:
        every = db.execute("SELECT string_agg(x::text, '') FROM hipsync.wearers AS x").fetchone()
    assert "Beispiel" not in str(every)


def test_a_doctors_report_has_the_wearers_in_her_care(fleet: Postgres, tmp_path: Path) -> None:
    for number in range(2):
        put(fleet, f"P-{number}", lived(1), NOW, date(2026, 4, 2), number=number)
    with fleet.owner() as db:
        db.execute("GRANT hipsync_doctor TO stranger")
        db.execute("INSERT INTO hipsync.care SELECT 'stranger', id FROM hipsync.wearers WHERE pseudonym = 'P-1'")
    try:
        done = reported(tmp_path, fleet, str(tmp_path / "ward"), login="stranger")
    finally:
        with fleet.owner() as db:
            db.execute("REVOKE hipsync_doctor FROM stranger")
    assert done.exit_code == 0, done.output
    assert [page.name for page in (tmp_path / "ward" / "wearers").iterdir()] == ["P-1.html"]
    assert "P-0" not in (tmp_path / "ward" / "index.html").read_text()


def test_all_of_it_is_for_its_owner_alone(fleet: Postgres, tmp_path: Path) -> None:
    put(fleet, "P-0001", lived(1), NOW, date(2026, 4, 2))
    for _ in range(2):
        assert reported(tmp_path, fleet, str(tmp_path / "ward")).exit_code == 0
    ward = tmp_path / "ward"
    modes = {stat.S_IMODE(each.stat().st_mode) for each in (ward, *ward.rglob("*"))}
    assert modes == {0o700, 0o600}
    assert sorted(each.name for each in tmp_path.iterdir()) == ["config.toml", "ward"]


def test_a_report_that_fails_leaves_the_old_one(fleet: Postgres, tmp_path: Path) -> None:
    put(fleet, "P-0001", lived(1), NOW, date(2026, 4, 2))
    ward = tmp_path / "ward"
    assert reported(tmp_path, fleet, str(ward)).exit_code == 0
    before = {each: each.read_bytes() for each in ward.rglob("*.html")}
    with fleet.owner() as db:
        db.execute("INSERT INTO hipsync.wearers (pseudonym, zone) VALUES ('P-0002', 'Nowhere/At_All')")
    done = reported(tmp_path, fleet, str(ward))
    assert (done.exit_code, done.output.count("\n"), "Nowhere/At_All" in done.output) == (1, 1, True)
    assert {each: each.read_bytes() for each in ward.rglob("*.html")} == before
    with fleet.owner() as db:
        db.execute("ALTER TABLE hipsync.wearers DROP CONSTRAINT wearers_pseudonym_check")
        db.execute("UPDATE hipsync.wearers SET pseudonym = '../../P', zone = 'UTC' WHERE pseudonym = 'P-0002'")
    done = reported(tmp_path, fleet, str(ward))
    assert (done.exit_code, done.output.count("\n"), "can be no file's name" in done.output) == (1, 1, True)
    assert sorted(each.name for each in tmp_path.iterdir()) == ["config.toml", "ward"]


HOLDS = """
import sys, time
from pathlib import Path
from hipsync.fleet.folders import replacing_folder, write_private
with replacing_folder(Path(sys.argv[1]), "some pages") as fresh:
    write_private(fresh / "half.html", b"half")
    print("there", flush=True)
    time.sleep(60)
"""


def test_a_killed_one_leaves_the_old_folder_and_the_next_one_sweeps(tmp_path: Path) -> None:
    folder = tmp_path / "ward"
    with replacing_folder(folder, "some pages") as fresh:
        write_private(fresh / "index.html", b"old")
    process = subprocess.Popen([sys.executable, "-c", HOLDS, str(folder)], stdout=subprocess.PIPE)
    assert process.stdout is not None
    assert process.stdout.readline() == b"there\n"
    with replacing_folder(folder, "some pages") as fresh:  # it lives, so that what it writes is left alone
        write_private(fresh / "index.html", b"other")
    assert len([each for each in tmp_path.iterdir() if each.name.startswith(".ward.")]) == 1
    process.send_signal(signal.SIGKILL)
    process.wait(30)
    process.stdout.close()
    assert (folder / "index.html").read_bytes() == b"other"
    with replacing_folder(folder, "some pages") as fresh:
        write_private(fresh / "index.html", b"new")
    assert sorted(each.name for each in tmp_path.iterdir()) == ["ward"]
    assert (folder / "index.html").read_bytes() == b"new"


def test_where_two_folders_cannot_change_places_the_new_one_comes_all_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("hipsync.fleet.folders._EXCHANGE", 1 << 20)  # a flag that no system knows
    for text in (b"old", b"new"):
        with replacing_folder(tmp_path / "ward", "some pages") as fresh:
            write_private(fresh / "index.html", text)
    assert (tmp_path / "ward" / "index.html").read_bytes() == b"new"
    assert sorted(each.name for each in tmp_path.iterdir()) == ["ward"]


def test_what_is_not_ours_is_not_written_over(fleet: Postgres, tmp_path: Path) -> None:
    other = tmp_path / "other"
    other.mkdir(mode=0o700)
    assert reported(tmp_path, fleet, str(other)).exit_code == 0  # an empty folder is nobody's
    (other / "notes.txt").write_text("mine")
    done = reported(tmp_path, fleet, str(other))
    assert (done.exit_code, done.output.count("\n"), "would be lost" in done.output) == (2, 1, True)
    assert (other / "notes.txt").read_text() == "mine"
    (other / MARK).unlink()
    assert "was not written by this command" in reported(tmp_path, fleet, str(other)).output
    (tmp_path / "link").symlink_to(other)
    assert reported(tmp_path, fleet, str(tmp_path / "link")).exit_code == 2
    (tmp_path / "file").write_text("mine")
    assert reported(tmp_path, fleet, str(tmp_path / "file")).exit_code == 2
    assert reported(tmp_path, fleet, str(tmp_path / "none" / "ward")).exit_code == 2
    with pytest.raises(ConfigError):
        refuse_foreign(other, "some pages", lambda _: True)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("a,b\n", "must be `pseudonym,name`"),
        ("", "must be `pseudonym,name`"),
        ("pseudonym,name\nP-1\n", "line 2 has 1 cells, not 2"),
        ("pseudonym,name\nP-1,A\nP-1,B\n", "line 3 gives 'P-1' a second name"),
        ('pseudonym,name\nP-1,"A\n', "unexpected end"),
    ],
)
def test_a_list_of_names_that_is_none_is_refused(tmp_path: Path, text: str, says: str) -> None:
    with pytest.raises(InputError, match=re.escape(says)):
        names_of(Path(private(tmp_path / "names.csv", text)))


def test_names_are_read_as_spreadsheets_write_them(tmp_path: Path) -> None:
    file = Path(private(tmp_path / "names.csv", '\ufeffName;Pseudonym\r\n"O\'Hara; B.";P-1\r\n\u202eevil;P-2\r\n\r\n'))
    assert names_of(file) == {"P-1": "O'Hara; B.", "P-2": "evil"}
    file.chmod(0o644)
    with pytest.raises(ConfigError, match="it holds names"):
        names_of(file)
    with pytest.raises(InputError, match="cannot be read"):
        names_of(tmp_path / "none.csv")
    file = tmp_path / "latin.csv"
    file.write_bytes("pseudonym,name\nP-1,J\u00fcrgen\n".encode("latin-1"))
    file.chmod(0o600)
    with pytest.raises(InputError, match="not UTF-8"):
        names_of(file)


@pytest.mark.ring
@pytest.mark.skipif(shutil.which("chromium") is None, reason="there is no chromium here")
def test_a_browser_says_nothing_of_a_page_with_hostile_names(tmp_path: Path) -> None:
    page = tmp_path / "index.html"
    page.write_text(index_page([evil(name) for name in EVIL], date(2026, 3, 30), NOW))
    done = subprocess.run(
        ["chromium", "--headless", "--no-sandbox", "--enable-logging=stderr", f"--user-data-dir={tmp_path / 'profile'}",
         "--host-resolver-rules=MAP * ~NOTFOUND", f"--screenshot={tmp_path / 'shot.png'}", page.as_uri()],
        capture_output=True, text=True, timeout=120, check=True,
    )  # fmt: skip
    assert [line for line in done.stderr.splitlines() if "CONSOLE" in line] == []
