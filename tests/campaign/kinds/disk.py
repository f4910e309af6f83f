"""The power goes, the disk is full, the file is locked, the folder cannot be written."""

from __future__ import annotations

import shutil
import signal
import sqlite3
import subprocess
import time
from contextlib import closing, suppress
from pathlib import Path

from campaign import judge
from campaign.kinds import LeftOut, kind
from campaign.kinds.signals import WORKS
from campaign.power import after_cut, built
from campaign.processes import GRACE_S, Command
from campaign.run import OFFICE, Run, write_csv


@kind("power cut: the files as the system has them while the process is frozen, without the index -shm")
def power_cut(run: Run) -> None:
    name = run.chance.choice(("sync", "service", "import", "vacuum", "migration"))
    work = WORKS[name]
    command = run.start(*work.prepare(run))
    run.outcome.hit = run.strike(name, command, lambda: command.signal(signal.SIGSTOP), talking=name in TALKING)
    if run.outcome.hit:
        _copied(run.home)
        command.kill()
        _put_back(run.home)
    command.kill()
    work.check(run)


TALKING = {"sync", "service"}


def _copied(home: Path) -> None:
    taken = home.with_name("disk")
    shutil.copytree(home, taken)
    for path in taken.rglob("*-shm"):
        path.unlink()


def _put_back(home: Path) -> None:
    shutil.rmtree(home)
    home.with_name("disk").rename(home)


@kind("power cut: what was not synced is lost, kept or torn at random")
def power_cut_unsynced(run: Run) -> None:
    """The process is frozen, and what it has written since the last sync is undone in part (campaign/power.py)."""
    library = built(run.job.folder)
    if library is None:
        raise LeftOut("no C compiler (cc)")
    shimmed = run.job.server("campaign.warm", "shimmed", {"LD_PRELOAD": str(library)})
    name = run.chance.choice(("sync", "sync", "service", "import", "erase", "restore", "vacuum", "migration"))
    work = WORKS[name]
    words = work.prepare(run)
    log = run.folder / "deeds"
    before = {str(path): path.read_bytes() for path in run.home.rglob("*") if path.is_file()}
    command = run.start(*words, server=shimmed, env={"CUT_LOG": str(log), "CUT_FOLDER": str(run.home)})
    run.outcome.hit = run.strike(name, command, lambda: command.signal(signal.SIGSTOP), talking=name in TALKING)
    ended = command.ended()
    if not ended:
        time.sleep(0.002)  # a thread in a system call stops when it comes back
    left = after_cut(before, log, run.chance)
    command.kill()
    if run.outcome.hit or ended:  # a cut just after the end is a cut, too
        run.outcome.hit = True
        shutil.rmtree(run.home)
        for path, content in left.items():
            Path(path).parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            Path(path).write_bytes(content)
            Path(path).chmod(0o700 if path.endswith(".sh") else 0o600)
    work.check(run)


@kind("the disk is full: a small file system")
def full_disk(run: Run) -> None:
    """Every command says so in a line, and with room again all comes. Root is needed to make the file system."""
    small = run.home
    name = run.chance.choice(("sync", "service", "import", "restore", "backup", "vacuum"))
    work = WORKS[name]
    words = work.prepare(run)
    moved = run.folder / "moved"
    shutil.copytree(small, moved)
    used = sum(path.stat().st_size // 4096 + 2 for path in moved.rglob("*")) * 4
    free = run.chance.randrange(25 if name in TALKING else 75) * 4
    try:
        mount = ["mount", "-t", "tmpfs", "-o", f"size={used + free}k,mode=700", "tmpfs", str(small)]
        subprocess.run(mount, check=True, capture_output=True)
    except (subprocess.CalledProcessError, FileNotFoundError) as error:
        raise LeftOut("no small file system can be made (root is needed)") from error
    try:
        shutil.copytree(moved, small, dirs_exist_ok=True)
        command = run.start(*words)
        _await_fullness(run, command)
        for copy in judge.copies(run.home):
            if judge.lost({OFFICE: run.truth.get(OFFICE, {})}, judge.stored(copy)):
                run.broke(f"{copy.name} is not whole")
        if leftovers := judge.leftovers(run.home, ()):
            run.broke(f"half files lie about: {leftovers}")
        shutil.rmtree(moved)
        shutil.copytree(small, moved)
    finally:
        for each in run.commands:
            each.kill()
        subprocess.run(["umount", "-l", str(small)], check=False)
    shutil.copytree(moved, small, dirs_exist_ok=True)
    work.check(run)


def _await_fullness(run: Run, command: Command) -> None:
    """Let a command meet the limit, and end it; it is hit if it said so."""
    if command.argv[0] == "run":
        run.until(lambda: command.ended() or "disk" in command.said() or run.hooked(), 3)
        run.stop(command)
    run.finish(command)
    said = command.said().lower()
    run.outcome.hit = (
        "full" in said or "grow" in said or "space" in said or "too large" in said or "input/output" in said
    )
    if command.argv[0] != "run" and command.code:
        run.one_line(command)


@kind("no file may grow beyond a limit (RLIMIT_FSIZE)")
def file_limit(run: Run) -> None:
    name = run.chance.choice(("sync", "service", "import", "backup", "vacuum", "erase", "restore"))
    work = WORKS[name]
    words = work.prepare(run)
    size = max(path.stat().st_size for path in run.home.rglob("*") if path.is_file())
    low, high = (8_000, 120_000) if name in TALKING else (size // 4, size)
    command = run.start(*words, file_limit=run.chance.randrange(low, high))
    _await_fullness(run, command)
    if leftovers := judge.leftovers(run.home, ()):
        run.broke(f"half files lie about: {leftovers}")
    work.check(run)


@kind("another program holds the lock of the database")
def locked(run: Run) -> None:
    """For a random time of up to seven seconds; hipsync waits five."""
    name = run.chance.choice(("sync", "service", "import"))
    work = WORKS[name]
    words = work.prepare(run)
    seconds = run.chance.choice((0.1, 0.4, 0.4, 0.8, 6.0))
    with closing(sqlite3.connect(run.db, isolation_level=None, timeout=5)) as db:
        command: Command | None = None
        if run.chance.random() < 0.5:
            command = run.start(*words)
            run.strike(name, command, lambda: None, talking=name in TALKING)
        with suppress(sqlite3.OperationalError):
            db.execute("BEGIN EXCLUSIVE")
        command = command or run.start(*words)
        run.outcome.hit = not command.ended(seconds) or bool(command.code)
    if name == "service":
        run.until(run.hooked, 8)
        run.stop(command)
    run.finish(command)
    if command.code:
        run.one_line(command)
    work.check(run)


@kind("the folder, or the file, cannot be written")
def read_only(run: Run) -> None:
    """Reading works, writing is refused in a line, and once it is writable again all comes."""
    run.office()
    run.pair()
    if run.chance.random() < 0.5:  # an orderly end: everything is in the file
        run.sql("PRAGMA wal_checkpoint(TRUNCATE)")
    for path in (run.home, *run.home.rglob("*")):
        path.chmod(0o500 if path.is_dir() else 0o400)
    if run.chance.random() < 0.3:
        run.home.chmod(0o700)
    words = run.chance.choice((["sync"], ["run"], ["db", "vacuum"], ["import", "csv", str(run.folder / "x.csv")]))
    write_csv(run.folder / "x.csv", {run.now_minute - 9: 5})
    command = run.start(*words, powerless=True)
    if words == ["run"] and not command.ended(2):
        run.stop(command)
    run.finish(command)
    run.outcome.hit = bool(command.code)
    if command.code:
        run.one_line(command)
    read = run.do("status", powerless=True)
    run.must(read, 0)
    for path in (run.home, *run.home.rglob("*")):
        path.chmod(0o700 if path.is_dir() else 0o600)
    if words[0] == "import" and not command.code:
        run.truth["csv"] = {run.now_minute - 9: 5}
    run.settle()


@kind("several commands at once, beside the service", quick=False)
def concurrent(run: Run) -> None:
    run.office()
    run.pair(still=70)
    run.configure_hook()
    service = run.start("run")
    run.until(lambda: "watches" in service.said(), GRACE_S)  # else the second `run` may be the first on the database
    first = run.now_minute - 500
    run.truth["guest"] = {first + at: at % 90 for at in range(500)}
    write_csv(run.folder / "guest.csv", run.truth["guest"])
    words = [
        ["import", "csv", str(run.folder / "guest.csv"), "--band", "guest"], ["db", "backup"], ["status"], ["sync"],
        ["export", "-o", str(run.folder / "all.csv")], ["today"], ["db", "vacuum"], ["db", "check"], ["run"],
        ["pause", "1h"], ["resume"], ["prompts"], ["week"],
    ]  # fmt: skip
    run.chance.shuffle(words)
    commands: list[Command] = []
    for each in words:
        commands.append(run.start(*each))
        service.ended(0.03 * run.chance.random())
    for command in commands:
        run.finish(command)
        codes = {"run": (2,), "today": (0, 3), "sync": (0, 1), "db": (0, 1)}.get(command.argv[0], (0, 3))
        run.must(command, *codes)
    run.outcome.hit = not service.ended()
    run.stop(service)
    run.do("import", "csv", str(run.folder / "guest.csv"), "--band", "guest")
    run.settle()
