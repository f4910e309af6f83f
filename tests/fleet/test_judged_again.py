"""Days that are judged again from an export are those that stand in Postgres, wherever and by whatever that is done."""

from __future__ import annotations

import importlib.util
import os
import random
import re
import signal
import subprocess
import sys
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from hipsync.core.bouts import Rule
from hipsync.errors import InputError
from hipsync.fleet.database import connected
from hipsync.fleet.exported import digest_of, exported, judged_again
from hipsync.fleet.exporting import export
from hipsync.fleet.judging import judge
from hipsync.fleet.queue import Judged, Queue
from hipsync.fleet.shipping import ship
from hipsync.fleet.wearers import add_wearer, hand
from hipsync.model import MINUTE, Counter, Epoch, Posture, Reading, State, Wear, Workout, WorkoutKind
from hipsync.store import Store
from hipsync.store.identities import mark_of
from support.builders import MONDAY
from support.builders import day as drawn
from support.postgres import Postgres
from support.repository import ROOT

HOUR, DAY = timedelta(hours=1), timedelta(days=1)
NOW = MONDAY + 50 * DAY + 9 * HOUR

pytest.importorskip("pyarrow")


def noisy(noise: random.Random, days: int) -> list[Reading]:
    """Minutes, slots and hours, counters, changes of wear and workouts, with gaps of hours and of days."""
    found: list[Reading] = []
    at, total = MONDAY, 0
    while at < MONDAY + days * DAY:
        length = noise.choice([1, 1, 1, 1, 1, 15, 60])
        for _ in range(noise.randrange(1, 500)):
            steps = noise.choice([0, 0, 0, 0, 0, 0, noise.randrange(1, 90)])
            heart, posture = noise.choice([None, None, 66]), noise.choice([None, None, None, Posture.UPRIGHT])
            state = noise.choice([None, None, None, None, State.ASLEEP, State.NOT_WORN])
            found.append(Epoch(at, length * MINUTE, steps, None, heart, state, posture=posture,
                               inferred=noise.random() < 0.02))  # fmt: skip
            total += steps
            if noise.random() < 0.02:
                found.append(Counter(at + noise.randrange(60) * timedelta(seconds=1), total))
            if noise.random() < 0.005:
                found.append(Wear(at, worn=noise.random() < 0.7))
            if noise.random() < 0.002:
                found.append(Workout(WorkoutKind.ROWING, at, at + 40 * MINUTE))
            at += length * MINUTE
        at += noise.choice([0, 5, 300, 300, 2000]) * MINUTE
    return found


def filled(
    fleet: Postgres, wearers: Sequence[Sequence[Reading]], zones: Sequence[str], change: timedelta | None
) -> None:
    """A wearer for each of these readings, with a band; after so long the first two change theirs. All is judged."""
    with Store.in_memory() as store, connected(fleet.dsn("ward_1")) as database:
        for number, readings in enumerate(wearers):
            address = f"C0:00:00:00:00:{number:02X}"
            says = number % 2 == 0
            band = store.add_band(
                name=f"{number}", driver="huami", now=MONDAY, address=address, vouches=says, reports_wear=says
            )
            store.append(band.id, readings)
        ship(store, database, datetime.now(UTC))  # noqa: TID251  the server's clock is this computer's
    marks = [mark_of("huami", f"C0:00:00:00:00:{number:02X}") for number in range(len(wearers))]
    with connected(fleet.dsn()) as database:
        for number, mark in enumerate(marks):
            add_wearer(database, f"P-{number}", zones[number % len(zones)], 45 + number, None)
            hand(database, mark, f"P-{number}", MONDAY - DAY, None)
        if change is not None:
            hand(database, marks[0], "P-1", MONDAY + change, None)
            hand(database, marks[1], "P-0", MONDAY + change + 5 * MINUTE, None)
        judge(Queue(database), NOW)


def there(fleet: Postgres, pseudonym: str) -> list[Judged]:
    """The judged days of a wearer as they stand in Postgres."""
    with fleet.owner() as db:
        db.execute("SET timezone = 'UTC'")
        rows = db.execute(
            "SELECT day, j.zone, start, until, loaded_from, loaded_until, complete,"
            " ARRAY[sitting, up, standing, asleep, not_worn, unknown], steps, j.limit_minutes, longest, over_30,"
            " over_limit, breaks, kinds, facts FROM hipsync.judged AS j JOIN hipsync.wearers ON id = wearer"
            " WHERE pseudonym = %s ORDER BY day",
            [pseudonym],
        ).fetchall()
    return [Judged._make((*row[:7], tuple(row[7]), *row[8:])) for row in rows]


def study_of(fleet: Postgres, folder: Path) -> Path:
    with connected(fleet.dsn()) as database, database.snapshot(NOW) as snapshot:
        export(snapshot, folder)
    return folder


@pytest.mark.parametrize("seed", range(6))
def test_the_days_are_those_in_postgres(fleet: Postgres, tmp_path: Path, seed: int) -> None:
    noise = random.Random(seed)
    zones = ["Europe/London", "Asia/Tokyo", "America/New_York"]
    filled(fleet, [noisy(noise, 40) for _ in range(2)], noise.sample(zones, 2), noise.randrange(30 * 24) * HOUR)
    study, count = study_of(fleet, tmp_path / "study"), 0
    for pseudonym in ("P-0", "P-1"):
        want = there(fleet, pseudonym)
        found = judged_again(study / f"wearer={pseudonym}", NOW)
        assert found == want
        assert digest_of(found) == digest_of(want)
        count += len(want)
    assert count > 15


def test_what_was_read_long_before_and_after_is_found(fleet: Postgres, tmp_path: Path) -> None:
    """As a store finds it: what a counter or a change of wear is, the reading before it decides, however long ago."""
    middle = MONDAY + 20 * DAY
    off, counters = Wear(MONDAY + 2 * DAY, worn=False), [Counter(MONDAY, 5), Counter(MONDAY + 39 * DAY, 9)]
    readings: list[Reading] = [off, *counters, Epoch(middle, MINUTE, 7)]
    filled(fleet, [readings], ["Europe/London"], None)
    reported = exported(study_of(fleet, tmp_path / "study") / "wearer=P-0").reported
    (band,) = reported.bands()
    assert reported.wears(band.id, middle, middle + HOUR) == [off]
    assert reported.counters(band.id, middle, middle + HOUR) == counters
    assert reported.minute_epochs(band.id, middle, middle + HOUR).steps == [7]


def test_another_rule_judges_otherwise(fleet: Postgres, tmp_path: Path) -> None:
    filled(fleet, [drawn("7h sleep, 10m walk, 50m sit, 10m walk, 4h sit, 10m walk")], ["Europe/London"], None)
    folder = study_of(fleet, tmp_path / "study") / "wearer=P-0"
    (usual,), (other,) = judged_again(folder, NOW), judged_again(folder, NOW, Rule(limit_minutes=55))
    assert (usual.over_limit, other.over_limit) == (2, 1)
    assert digest_of([usual]) != digest_of([other])


def test_what_is_no_folder_of_a_wearer_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="has no month"):
        judged_again(tmp_path, NOW)
    (tmp_path / "2026-03.parquet").write_bytes(b"PAR1")
    with pytest.raises(InputError, match="no month of a fleet"):
        judged_again(tmp_path, NOW)


def recipe() -> str:
    """The script of the docs."""
    blocks = re.findall(r"```python\n(.*?)```", (ROOT / "docs" / "fleet.md").read_text(), re.DOTALL)
    (found,) = [block for block in blocks if "dask.distributed" in block]
    return str(found)


def workers_of(pid: int) -> Iterator[int]:
    """The processes of multiprocessing below another one that have none below themselves."""
    children: dict[int, list[int]] = {}
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            number, parent = int(stat.parent.name), int(stat.read_text().rpartition(")")[2].split()[1])
        except OSError:
            continue
        children.setdefault(parent, []).append(number)
    below = [pid]
    for each in below:
        below += children.get(each, [])
    for each in below[1:]:
        if not children.get(each) and b"spawn_main" in Path(f"/proc/{each}/cmdline").read_bytes():
            yield each


@pytest.mark.long
@pytest.mark.enable_socket
@pytest.mark.skipif(importlib.util.find_spec("distributed") is None, reason="Dask is not installed here")
def test_the_recipe_with_dask_gives_the_same_while_a_worker_is_killed(fleet: Postgres, tmp_path: Path) -> None:
    noise = random.Random(1)
    filled(fleet, [noisy(noise, 40) for _ in range(12)], ["Europe/London"], None)
    study = study_of(fleet, tmp_path / "study")
    plain = {each.name: digest_of(judged_again(each, NOW)) for each in study.glob("wearer=*")}
    script, result = tmp_path / "judge_again.py", tmp_path / "result"
    script.write_text(recipe())
    result.mkdir()
    command = [sys.executable, str(script), str(study), str(result)]
    environment = {**os.environ, "NOW": NOW.isoformat()}
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment) as process:
        assert process.stdout is not None
        first = process.stdout.readline()
        victims = [*workers_of(process.pid)]
        os.kill(victims[0], signal.SIGKILL)
        said = [first, *process.stdout.read().splitlines()]
    assert process.returncode == 0
    assert len(victims) == 2
    assert len(said) == len(plain) == 12
    assert dict(line.split() for line in said) == plain
    assert sorted(file.stem for file in result.glob("*.json")) == sorted(plain)
