"""The demo from end to end: a band's memory, over GATT, into prompts and the day's summary.

The prompts are compared with a second calculation that was written from the text of the rule alone, on the minutes that
the band was given.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from hipsync.core.bouts import Rule
from hipsync.core.days import Zones
from hipsync.demo import demo
from hipsync.history.summaries import summarise
from hipsync.model import Epoch, Kind, Occasion, State
from hipsync.office_day import office_days
from hipsync.report.pen import Pen
from hipsync.store import Store
from support import independent, real_people
from support.repository import ROOT

ZONE = ZoneInfo("Europe/London")
README = ROOT / "README.md"
MINUTE = timedelta(minutes=1)


def told(tmp_path: Path, **options: object) -> tuple[list[str], Path]:
    """What the demo prints, and its database."""
    lines: list[str] = []
    chosen: dict[str, object] = {
        "kind": "huami", "data": None, "speed": None, "seed": 1, "database": tmp_path / "demo.db",
        "today": date(2026, 11, 20), "pen": Pen(),
    }  # fmt: skip
    path = demo(echo=lines.append, **{**chosen, **options})  # type: ignore[arg-type]  # a table of options
    return "\n".join(lines).splitlines(), path


def due(rows: independent.Rows, day: date, zone: ZoneInfo) -> list[datetime]:
    """When `docs/rule.md` asks for a prompt on a day, inside the demo's hours and outside the default lunch.

    Of every minute that it was worn and its wearer awake a Mi Band says so, so a stretch that began before the hours
    counts from its first counted minute inside them (section 2, item 1).
    """
    opens = datetime.combine(day, time(7), zone)
    line = independent.Line(rows, max(rows) + MINUTE, independent.Rule(), vouches=True)
    found: list[datetime] = []
    for stretch in line.stretches():
        counted = [i for i in range(stretch.first, stretch.end) if line.conditions[i] == "counted"]
        heard = [at for i in counted if (at := line.origin + i * MINUTE) >= opens]
        found += [at + MINUTE for at in heard[59:60]]
    local = {at: at.astimezone(zone) for at in found}
    return [
        at
        for at in found
        if local[at].date() == day
        and local[at].time() < time(22)
        and not time(12, 30) <= local[at].time() < time(13, 30)
    ]


def minutes_of(epochs: Sequence[Epoch]) -> independent.Rows:
    """As the independent calculation takes them; every other word of a band means awake and worn."""
    said = {State.ASLEEP: "asleep", State.NOT_WORN: "not_worn", State.CHARGING: "charging"}
    return {epoch.start: (epoch.steps, said.get(epoch.state) if epoch.state else None) for epoch in epochs}


def up(rows: independent.Rows, day: date, zone: ZoneInfo) -> datetime:
    """When the wearer of a whole night has first walked: the end of the minute that makes twenty steps in five."""
    noon = datetime.combine(day, time(12), zone)
    minute = max(at for at, (_, state) in rows.items() if at < noon and state == "asleep") + MINUTE
    first = minute
    while sum(rows[at][0] for i in range(5) if (at := minute - i * MINUTE) >= first) < 20:
        minute += MINUTE
    return minute + MINUTE


def prompted(path: Path, occasion: Occasion = Occasion.SITTING) -> list[datetime]:
    with Store.read(path) as store:
        prompts = store.prompts(datetime(2000, 1, 1, tzinfo=UTC), datetime(2100, 1, 1, tzinfo=UTC))
    return [prompt.at.replace(second=0) for prompt in prompts if prompt.occasion is occasion]


def demonstrate(tmp_path: Path, day: date, seed: int) -> int:
    """How many prompts were compared."""
    lines, path = told(tmp_path, today=day, seed=seed, database=tmp_path / f"{day}-{seed}.db")
    life = office_days(day - timedelta(days=1), 2, ZONE, seed)
    expected = due(minutes_of(life), day, ZONE)
    assert prompted(path) == expected
    seven, walked = datetime.combine(day, time(7), ZONE), up(minutes_of(life), day, ZONE)
    morning = prompted(path, Occasion.MORNING)
    if walked <= seven:  # a quarter to seven; in autumn an hour earlier, by the clocks
        assert morning == ([seven] if walked.astimezone(UTC) + 60 * MINUTE >= seven else [])
    else:  # in spring an hour later; the band is called hourly until somebody is up
        (at,) = morning
        assert walked <= at <= walked + 60 * MINUTE
    assert sum("  reminder: " in line for line in lines) == len(expected) + len(morning)
    assert any(line.startswith("See it again:  ") for line in lines)
    with Store.read(path) as store:
        summary = summarise(store, Rule(), Zones([], "Europe/London"), day, datetime(2100, 1, 1, tzinfo=UTC))
    assert sum(summary.minutes.values()) == (summary.end - summary.start) // MINUTE
    assert summary.minutes[Kind.UNKNOWN] == 0
    return len(expected)


def test_every_prompt_of_the_demo_comes_at_its_minute(tmp_path: Path) -> None:
    assert demonstrate(tmp_path, date(2026, 11, 20), seed=1) >= 3


def test_the_readme_shows_the_day_of_the_demo(tmp_path: Path) -> None:
    lines, _ = told(tmp_path)
    first = next(i for i, line in enumerate(lines) if line.startswith("Friday 20 November 2026"))
    last = next(i for i, line in enumerate(lines) if line.startswith("hipsync connected to the band"))
    shown = "\n".join(f"    {line}".rstrip() for line in lines[first:last]).rstrip()
    assert shown in README.read_text(encoding="utf-8")


@pytest.mark.ring
def test_so_it_does_on_other_days_and_when_the_clocks_change(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    days = [date(2026, 3, 29), date(2026, 10, 25), date(2026, 11, 21), date(2026, 2, 28), date(2024, 2, 29)]
    count = sum(demonstrate(tmp_path, day, seed) for day in days for seed in (1, 2, 3))
    with capsys.disabled():
        print(f"\ndemo: {count} prompts on {len(days) * 3} days, each at the minute of the independent calculation")


def own_minutes(tmp_path: Path, person: str, rows: list[real_people.Row]) -> int:
    """How many prompts were compared on the last of the days."""
    file = tmp_path / f"{person}.csv"
    with file.open("w", newline="") as out:
        real_people.write_csv(rows, out)
    _, path = told(tmp_path, data=file, zone="UTC", database=tmp_path / f"{person}.db")
    expected = due({row.at: (row.steps, row.state) for row in rows}, rows[-1].at.date(), ZoneInfo("UTC"))
    assert prompted(path) == expected, person
    return len(expected)


def test_somebody_s_own_minutes_are_prompted_at_theirs(tmp_path: Path) -> None:
    rows = real_people.weeks()[real_people.AT_HOME]
    assert own_minutes(tmp_path, "one", rows[: 3 * 1440]) == 2


@real_people.needs_everybody
@pytest.mark.ring
def test_so_are_those_of_eleven_people(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    weeks = real_people.weeks(real_people.EVERYBODY)
    count = sum(own_minutes(tmp_path, person, rows) for person, rows in weeks.items())
    with capsys.disabled():
        print(f"\ndemo: {count} prompts on a day of each of {len(weeks)} people, each at its minute")
