"""The files of ours are damaged, replaced, cut short, taken away, or somebody else's."""

from __future__ import annotations

import json
import os
import shutil
import signal
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path

from campaign import judge
from campaign.kinds import kind
from campaign.run import BAND, OFFICE, Run, stamp

PAGE = 4096
ROUND = 60
"""The minutes of one round of the band: what is under way while a file is taken away."""


def damaged(run: Run, damage: Callable[[bytearray], None]) -> None:
    """Damage a database that was copied before. It is said where SQLite can see it, and good copies stay."""
    run.office()
    good = run.folder / "good.db"
    run.must(run.do("db", "backup", str(good)), 0)
    if run.chance.random() < 0.5:
        run.pair()
    run.sql("PRAGMA wal_checkpoint(TRUNCATE)")
    whole = run.db.read_bytes()
    run.db.with_name("hipsync.db-wal").unlink(missing_ok=True)
    for _ in range(10):
        content = bytearray(whole)
        damage(content)
        run.db.write_bytes(content)
        if not judge.is_sound(run.db) or run.chance.random() < 0.1:
            break
    run.outcome.hit = not judge.is_sound(run.db)
    run.must(run.do("db", "check"), *((1,) if run.outcome.hit else (0, 1)))
    _read(run)
    _copies_stay(run, good)
    run.must(run.do("db", "restore", str(good)), 0)
    run.truth.pop(BAND, None)
    run.judge()


def _read(run: Run) -> None:
    """A day's total is right, or the command says in a line what is wrong."""
    midnight = (min(run.truth[OFFICE]) // 1440 + run.chance.randrange(1, 7)) * 1440
    right = sum(run.truth[OFFICE][midnight + at] for at in range(1440))
    for words in (("day", stamp(midnight)[:10], "--json"), ("status",), ("export", "-o", str(run.folder / "x.csv"))):
        command = run.do(*words)
        if command.code not in {0, 3}:
            run.one_line(command)
        elif words[0] == "day" and run.outcome.hit and not command.err.stat().st_size:
            told = json.loads(command.out.read_text())["steps"]
            if told != right:
                run.broke(f"{told:,} steps instead of {right:,}, without a word of the damage")


def _copies_stay(run: Run, good: Path) -> None:
    """Copies of a damaged file do not push out good ones."""
    (run.home / "backups").mkdir(mode=0o700, exist_ok=True)
    for number in range(1, 8):
        shutil.copy(good, run.home / "backups" / f"hipsync-2026010{number}T000000.db")
    for _ in range(2):
        command = run.do("db", "backup")
        if command.code:
            run.one_line(command)
    left = len(judge.copies(run.home))
    if run.outcome.hit and left < 7:
        run.broke(f"copies of a damaged database have pushed out good ones: {left} of 7 are left")


@kind("some bytes of the database are flipped")
def flipped_bytes(run: Run) -> None:
    def damage(content: bytearray) -> None:
        start = run.chance.choice((0, 0, PAGE))
        end = 3 * PAGE if run.chance.random() < 0.4 else len(content)
        for _ in range(run.chance.choice((1, 3, 30))):
            content[run.chance.randrange(start, end)] ^= 1 << run.chance.randrange(8)

    damaged(run, damage)


@kind("a page of the database is overwritten")
def page_overwritten(run: Run) -> None:
    def damage(content: bytearray) -> None:
        at = run.chance.randrange(len(content) // PAGE) * PAGE
        other = run.chance.randrange(len(content) // PAGE) * PAGE
        content[at : at + PAGE] = run.chance.choice(
            (bytes(PAGE), run.chance.randbytes(PAGE), bytes(content[other : other + PAGE]), b"\xff" * PAGE)
        )

    damaged(run, damage)


@kind("the database is cut short")
def truncated(run: Run) -> None:
    def damage(content: bytearray) -> None:
        del content[run.chance.randrange(len(content)) :]

    damaged(run, damage)


@kind("the schema in the database is overwritten with bytes that are no text")
def schema_damaged(run: Run) -> None:
    def damage(content: bytearray) -> None:
        found = content.find(b"CREATE TABLE", run.chance.randrange(PAGE // 2))
        for _ in range(run.chance.randrange(1, 4)):
            content[found + run.chance.randrange(80)] = run.chance.choice((0, 0x80, 0xC3, 0xFF, 0x1B))

    damaged(run, damage)


def taken_away(run: Run, do: Callable[[], None]) -> None:
    """Something is done to the file while a service writes; what is acknowledged later is not lost.

    Minutes that went into the old file are in it still, wherever that is. The round under way may be in either.
    """
    run.office()
    run.pair()
    shutil.copy(run.db, run.folder / "other.db")
    words = run.chance.choice((["sync"], ["run"]))
    command = run.start(*words)

    def strike() -> None:
        command.signal(signal.SIGSTOP)
        time.sleep(0.002)  # a thread in a system call stops when it comes back
        do()
        run.erased = set(run.told()["erased"])
        command.signal(signal.SIGCONT)

    run.outcome.hit = run.strike("sync", command, strike, talking=True)
    if words == ["run"]:
        command.ended(0.5)
        run.stop(command)
    run.finish(command)
    if not run.outcome.hit:
        return
    if command.code and words == ["sync"]:
        run.one_line(command)
    later = set(run.told()["erased"]) - run.erased
    if not run.db.exists():
        shutil.copy(run.folder / "other.db", run.db)
    status = run.do("status")
    if status.code:
        run.one_line(status)
    if not run.rows("SELECT 1 FROM bands WHERE id = 100"):
        run.must(run.do("db", "restore", str(run.folder / "other.db")), 0)
    run.must(run.do("sync"), 0)
    found = judge.stored(run.db).get(BAND, Counter())
    missing = {at for at, steps in run.truth[BAND].items() if not found[at, steps]}
    run.outcome.lost += max(len(missing & later) - ROUND, 0) + len(missing - later - run.erased)
    run.truth[BAND] = {at: steps for at, steps in run.truth[BAND].items() if at not in missing}
    run.judge()


@kind("another file takes the place of the database while it is written to")
def replaced(run: Run) -> None:
    def do() -> None:
        fresh = run.folder / "fresh"
        match run.chance.randrange(3):
            case 0:
                shutil.copy(run.folder / "other.db", fresh)
            case 1:
                fresh.write_bytes(run.chance.randbytes(9000))
            case _:
                fresh.write_bytes(b"")
        for tail in ("-wal", "-shm"):
            run.db.with_name(run.db.name + tail).unlink(missing_ok=True)
        fresh.replace(run.db)

    taken_away(run, do)


@kind("the database is deleted while it is written to")
def deleted(run: Run) -> None:
    def do() -> None:
        for path in run.home.glob("hipsync.db*"):
            path.unlink()

    taken_away(run, do)


@kind("the file of keys is foreign, writable by others, damaged, or a folder")
def keys_foreign(run: Run) -> None:
    """It is refused in a line, and with the right file all comes."""
    run.pair()
    path = run.home / "keys.json"
    ways: list[Callable[[], object]] = [
        lambda: path.chmod(0o666),
        lambda: path.chmod(0o620),
        lambda: path.write_bytes(run.chance.randbytes(run.chance.randrange(100))),
        lambda: path.write_text(json.dumps({BAND: run.key[:-1]})),
        lambda: path.write_text(json.dumps([run.key])),
        lambda: path.write_text('{"' + "[" * 5000),
        lambda: path.rename(path.with_name("away")).with_name(path.name).mkdir(),
        lambda: path.rename(path.with_name("away")).with_name(path.name).symlink_to(path),
    ]
    if os.getuid() == 0:
        ways += [lambda: os.chown(path, 1234, 1234)] * 2
    run.chance.choice(ways)()
    command = run.do("sync")
    run.outcome.hit = True
    run.must(command, 1, 2)
    run.one_line(command)
    if run.told()["erased"]:
        run.broke("it was used without a word")
    shutil.rmtree(path) if path.is_dir() else path.unlink()
    run.write_keys({BAND: run.key})
    run.settle()


@kind("the settings are damaged while the service runs")
def settings_damaged(run: Run) -> None:
    """A wrong file is named in the log and the old settings stay, until it is right again."""
    run.pair(still=70)
    run.configure_hook()
    path = run.home / "config.toml"
    right = path.read_bytes()
    wrong = run.chance.choice(
        (
            run.chance.randbytes(300), b"", right[: run.chance.randrange(len(right))], b"[prompts]\nhours = 3\n",
            b"\xff\xfe[", b"[sitting]\nlimit = 'soon'\n", b"[[" * 3000, right + b"\nx = 1\n",
        )
    )  # fmt: skip
    service = run.start("run")

    def strike() -> None:
        path.write_bytes(wrong)
        service.signal(signal.SIGHUP)

    early = not run.until(lambda: list(run.folder.glob("hipsync/*.sock")), 5)
    run.outcome.hit = run.strike("sync", service, strike) and not early
    run.until(lambda: not run.told()["held"], 6)
    if service.ended():
        run.broke(f"the service ended: {service.said()[-200:]}")
    status = run.do("status")
    run.must(status, 0, 2)
    path.write_bytes(right)
    service.signal(signal.SIGHUP)
    service.ended(0.1)
    run.stop(service)
    run.must(service, 0, -signal.SIGTERM)
    run.settle()
