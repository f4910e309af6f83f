"""A process is killed, told to end, or interrupted, at a random instant of what it does."""

from __future__ import annotations

import json
import shutil
import signal
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from campaign import judge
from campaign.kinds import kind
from campaign.run import INTO_BANDS, OFFICE, Run, stamp, write_csv


@dataclass(frozen=True)
class Work:
    """Something that a command does, and what must hold once it was struck."""

    prepare: Callable[[Run], list[str]]
    """Makes what is there before, and returns the words of the command."""
    check: Callable[[Run], None]
    """Lets everything recover, and judges."""


def _sync(run: Run) -> list[str]:
    run.pair()
    return ["sync"]


def _service(run: Run) -> list[str]:
    run.pair(still=70)
    run.configure_hook()
    return ["run"]


def _import(run: Run) -> list[str]:
    """A file of a new band: all of it, or none."""
    run.office()
    first = run.now_minute - 3000
    run.truth["guest"] = {first + at: run.chance.randrange(100) for at in range(3000)}
    if run.seed % 2:
        write_csv(run.folder / "guest.csv", run.truth["guest"])
        return ["import", "csv", str(run.folder / "guest.csv"), "--band", "guest"]
    _write_json(run.folder / "guest.json", "guest", run.truth["guest"])
    return ["import", "json", str(run.folder / "guest.json")]


def _write_json(path: Path, band: str, minutes: judge.Minutes) -> None:
    """Write what `export --format json` writes of one band."""
    name = {"name": band, "driver": "csv", "address": None, "advertised_name": "", "simulated": False}
    head = {"version": 1, "bands": [{**name, "vouches": False, "reports_wear": False, "added": stamp(0)}]}
    tables = ("zones", "counters", "wears", "charges", "inactivities", "infos", "prompts", "exercises", "pauses")
    start = json.dumps({**head, **{table: [] for table in tables}}).removesuffix("}") + ', "epochs": ['
    rows = [json.dumps({"timestamp": stamp(at), "steps": n, "band": band, "length": 60}) for at, n in minutes.items()]
    path.write_text(start + "\n" + ",\n".join(rows) + "\n]}\n")


def _imported(run: Run) -> None:
    """Nothing half done; and the same import, once more, brings all."""
    found = judge.stored(run.db).get("guest", Counter())
    if len(found) not in {0, len(run.truth["guest"])}:
        run.broke(f"{len(found)} of {len(run.truth['guest'])} minutes of an import are there")
    run.must(run.do(*run.commands[0].argv), 0)
    run.judge()


def _export(run: Run) -> list[str]:
    run.office()
    form = run.chance.choice(("csv", "json"))
    return ["export", "--format", form, "-o", str(run.folder / f"all.{form}")]


def _exported(run: Run) -> None:
    """The file is whole or not there, and another export makes it whole."""
    path = Path(run.commands[0].argv[-1])
    for again in (False, True):
        if again:
            run.must(run.do(*run.commands[0].argv), 0)
        if path.suffix == ".csv" and (again or path.exists()):
            found = judge.exported(path)
            run.outcome.lost += judge.lost(run.truth, found)
            run.outcome.doubled += judge.doubled(run.truth, found)
        elif again or path.exists():
            count = len(json.loads(path.read_text())["epochs"])
            run.outcome.lost += max(len(run.truth[OFFICE]) - count, 0)
            run.outcome.doubled += max(count - len(run.truth[OFFICE]), 0)
    run.judge()


def _backup(run: Run) -> list[str]:
    run.office()
    return ["db", "backup"]


def _backed_up(run: Run) -> None:
    """Each copy is whole, with every minute."""
    run.must(run.do("db", "backup"), 0)
    for copy in (run.home / "backups").glob("*.db"):
        if not judge.is_sound(copy) or judge.lost(run.truth, judge.stored(copy)):
            run.broke(f"{copy.name} is not whole")
    run.judge()


def _vacuum(run: Run) -> list[str]:
    run.office()
    cut = sorted(run.truth[OFFICE])[len(run.truth[OFFICE]) // 2]
    run.sql("DELETE FROM epochs WHERE start < ?", cut * 60)
    run.truth[OFFICE] = {at: steps for at, steps in run.truth[OFFICE].items() if at >= cut}
    return ["db", "vacuum"]


def _vacuumed(run: Run) -> None:
    run.judge()
    run.must(run.do("db", "vacuum"), 0)
    run.judge()


def _erase(run: Run) -> list[str]:
    """Three of the eight days, in a copy too."""
    run.office()
    (run.home / "backups").mkdir(mode=0o700)
    shutil.copy(run.db, run.home / "backups" / "hipsync-20260101T000000.db")
    first = min(run.truth[OFFICE]) + 2 * 1440
    days = [day(first), day(first + 3 * 1440)]
    run.erased = {at for at in run.truth[OFFICE] if first <= at < first + 3 * 1440}
    return ["db", "erase", "--from", days[0], "--to", days[1], "--yes"]


def day(minute: int) -> str:
    return stamp(minute)[:10]


def _without(run: Run) -> Mapping[str, judge.Minutes]:
    return {OFFICE: {at: steps for at, steps in run.truth[OFFICE].items() if at not in run.erased}}


def _erased(run: Run) -> None:
    """No other day is touched, and repeated it erases all, in the copy too."""
    found = judge.stored(run.db)
    run.outcome.lost += judge.lost(_without(run), found)
    left = sum(minute in run.erased for minute, _ in found[OFFICE])
    if left not in {0, len(run.erased)}:
        run.broke(f"{left} of {len(run.erased)} erased minutes are there still")
    run.must(run.do(*run.commands[0].argv), 0)
    run.judge(_without(run))
    for copy in (run.home / "backups").glob("*.db"):
        if judge.doubled(_without(run), judge.stored(copy)):
            run.broke("erased minutes are in a copy still")


def _restore(run: Run) -> list[str]:
    """The copy has the office's days; the database has a guest's minutes besides."""
    run.office()
    shutil.copy(run.db, run.folder / "copy.db")
    run.sql(INTO_BANDS, 7, "guest", "csv", None, "", 0, 0, 0, 0)
    run.sql("INSERT INTO epochs (band, start, length, steps, state) SELECT 7, start, length, steps, 0 FROM epochs")
    return ["db", "restore", str(run.folder / "copy.db")]


def _restored(run: Run) -> None:
    """The old file or the new one, whole; what was there is kept in a copy once it is not the database any more."""
    with_guest = {**run.truth, "guest": run.truth[OFFICE]}
    now: judge.Found = judge.stored(run.db) if run.db.exists() else {}
    old_is_there = "guest" in now
    run.outcome.lost += judge.lost(with_guest if old_is_there else run.truth, now)
    kept = [copy for copy in judge.copies(run.home) if not judge.lost(with_guest, judge.stored(copy))]
    if not old_is_there and not kept:
        run.broke("the database that was replaced is in no copy")
    run.must(run.do(*run.commands[0].argv), 0)
    run.judge()


def _migration(run: Run) -> list[str]:
    run.old_database()
    return ["db", "vacuum"]


def _migrated(run: Run) -> None:
    run.must(run.do("db", "check"), 0)
    run.must(run.do("status"), 0)
    run.judge()
    if run.rows("PRAGMA user_version") == [(1,)]:
        run.broke("the database was not brought up to date")
    if not [copy for copy in judge.copies(run.home) if not judge.lost(run.truth, judge.stored(copy))]:
        run.broke("no copy of the old database was kept")


WORKS = {
    "sync": Work(_sync, Run.settle),
    "service": Work(_service, Run.settle),
    "import": Work(_import, _imported),
    "export": Work(_export, _exported),
    "backup": Work(_backup, _backed_up),
    "vacuum": Work(_vacuum, _vacuumed),
    "erase": Work(_erase, _erased),
    "restore": Work(_restore, _restored),
    "migration": Work(_migration, _migrated),
}


def struck(run: Run, name: str, number: signal.Signals) -> None:
    """Let a signal come at a random instant of a work."""
    work = WORKS[name]
    command = run.start(*work.prepare(run))
    talking = name in {"sync", "service"}
    run.outcome.hit = run.strike(name, command, lambda: command.signal(number), talking=talking)
    if name == "service" and not run.outcome.hit:
        run.broke("the service ended by itself")
    run.finish(command)
    if run.outcome.hit and number is signal.SIGINT:
        run.must(command, 0, 130, -signal.SIGINT)  # a shell says 130 of the last, too
    if run.outcome.hit and number is signal.SIGTERM:
        run.must(command, 0, -signal.SIGTERM)
    work.check(run)


@kind("SIGKILL in a sync")
def kill_sync(run: Run) -> None:
    struck(run, "sync", signal.SIGKILL)


@kind("SIGKILL of the service while it fetches and prompts")
def kill_service(run: Run) -> None:
    struck(run, "service", signal.SIGKILL)


@kind("SIGKILL in import csv and import json")
def kill_import(run: Run) -> None:
    struck(run, "import", signal.SIGKILL)


@kind("SIGKILL in export")
def kill_export(run: Run) -> None:
    struck(run, "export", signal.SIGKILL)


@kind("SIGKILL in db backup")
def kill_backup(run: Run) -> None:
    struck(run, "backup", signal.SIGKILL)


@kind("SIGKILL in db vacuum")
def kill_vacuum(run: Run) -> None:
    struck(run, "vacuum", signal.SIGKILL)


@kind("SIGKILL in db erase")
def kill_erase(run: Run) -> None:
    struck(run, "erase", signal.SIGKILL)


@kind("SIGKILL in db restore")
def kill_restore(run: Run) -> None:
    struck(run, "restore", signal.SIGKILL)


@kind("SIGKILL while the schema is brought up to date")
def kill_migration(run: Run) -> None:
    struck(run, "migration", signal.SIGKILL)


@kind("SIGTERM in any of these")
def terminate(run: Run) -> None:
    struck(run, run.chance.choice(list(WORKS)), signal.SIGTERM)


@kind("Ctrl-C in any of these")
def interrupt(run: Run) -> None:
    struck(run, run.chance.choice(list(WORKS)), signal.SIGINT)


@kind("SIGKILL while a prompt is being shown")
def kill_prompt(run: Run) -> None:
    """Whatever was shown is not shown again by the next service."""
    run.pair(still=70)
    run.configure_hook(slow_s=0.3)
    command = run.start("run")
    run.until(run.hooked)
    run.outcome.hit = bool(run.hooked()) and not command.ended(0.6 * run.chance.random())  # on the band, too
    command.kill()
    run.serve_once()
    run.settle()


@kind("Ctrl-C in demo and in pair --simulate")
def interrupt_demo(run: Run) -> None:
    words = run.chance.choice((["demo"], ["demo", "--band", "infinitime"], ["pair", "--simulate", "huami"]))
    command = run.start(*words)
    run.outcome.hit = run.strike(words[0], command, lambda: command.signal(signal.SIGINT))
    run.finish(command)
    if run.outcome.hit:
        run.must(command, 0, 130, -signal.SIGINT)
