"""One run: a folder of its own, a band, the truth that the run makes up, and the processes that it starts.

A kind of fault is a function of a `Run`. It says what is there (`pair`, `office`), starts commands (`start`, `do`),
strikes (`strike`), and ends with `settle` or `judge`, which compare what is left with the truth. Nothing here imports
hipsync: it is reached through its processes and files alone.
"""

from __future__ import annotations

import csv
import json
import random
import shutil
import signal
import sqlite3
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import closing, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

from campaign import judge
from campaign.processes import GRACE_S, Command, Job, Server, Supervisor

BAND = "band"
OFFICE = "office"
"""The band of the truth that was imported long ago: what a fault to the file can take."""
ADDRESS = "C0:00:00:00:00:01"
OFFICE_DAYS = 8
INTO_BANDS = (
    "INSERT INTO bands (id, name, driver, address, advertised_name, simulated, vouches, reports_wear, added)"
    " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)"
)
"""Adds a band, in each version of the database."""
MOST_MEMORY = 300 << 20
"""Bytes that no process may have resident: a warm one begins with some 60 MiB."""
ALWAYS = 'hours = { mon-sun = "00:00-24:00" }\nlunch = "off"'
NEVER = 'hours = { mon-sun = "off" }\nlunch = "off"'
T = TypeVar("T")


@dataclass
class Outcome:
    """What one run came to."""

    hit: bool = False
    """Whether the fault fell within the work, so that the run counts."""
    lost: int = 0
    doubled: int = 0
    prompts: int = 0
    tracebacks: int = 0
    seen: list[str] = field(default_factory=list[str])
    """The end of each text in which a traceback was seen."""
    broken: list[str] = field(default_factory=list[str])
    """Other promises that were broken, each in a line."""
    peak: int = 0
    """The most memory, in bytes, that one process of the run had resident."""

    @property
    def survived(self) -> bool:
        return not (self.lost or self.doubled or self.prompts or self.tracebacks or self.broken)


class Run:
    """One run of one kind, made from a seed."""

    def __init__(self, job: Job, kind: str, seed: int, folder: Path) -> None:
        self.job, self.kind, self.seed = job, kind, seed
        self.chance = random.Random(f"{kind} {seed}")
        self.folder = folder
        self.home = folder / "home"
        self.home.mkdir(mode=0o700)
        self.db = self.home / "hipsync.db"
        self.truth: dict[str, dict[int, int]] = {}
        self.outcome = Outcome()
        self.commands: list[Command] = []
        self.key = self.chance.randbytes(16).hex()
        self.transport: str | None = None
        self.now_minute = int(wall()) // 60
        self.allowed = True
        """Whether prompts are allowed now by the settings."""
        self.erased: set[int] = set()
        """The minutes that the run's command is told to erase."""

    # ------------------------------------------------------------------ what is there

    def pair(self, minutes: int = 600, *, still: int = 0, settings: str = ALWAYS, **wish: Any) -> None:
        """Put a paired band on the air, with a memory of `minutes`, the last `still` of them without a step."""
        self._need_database()
        first = self.now_minute - minutes
        life = {first + at: 0 if at >= minutes - still else self.chance.randrange(1, 120) for at in range(minutes)}
        self.truth[BAND] = life
        self.air(**wish)
        added = (first - 60) * 60
        self.sql(INTO_BANDS, 100, BAND, "huami", ADDRESS, "Mi Smart Band 5", 1, 1, 1, added)
        self.write_keys({BAND: self.key})
        self.configure(settings)

    def air(self, **wish: Any) -> None:
        """Put the band on the air, anew and with all its minutes, with the faults of `campaign.band.Wish`."""
        life = list(self.truth[BAND].items())
        asked = {"do": "new", "key": self.key, "minutes": life, "seed": self.seed, **wish}
        self.transport = self.job.band.ask(asked)["transport"]

    def office(self) -> None:
        """Begin with a database in which another band's days are stored already."""
        made = self.job.template("office", self._make_office)
        for path in made.glob("hipsync.db*"):
            shutil.copy(path, self.home / path.name)
        self.truth[OFFICE] = {int(at): steps for at, steps in json.loads((made / "truth.json").read_text()).items()}

    def _make_office(self, folder: Path) -> None:
        noise = random.Random(OFFICE)
        first = (self.now_minute // 1440 - 14) * 1440
        truth = {first + at: noise.choice((0, 0, 0, noise.randrange(120))) for at in range(OFFICE_DAYS * 1440)}
        (folder / "truth.json").write_text(json.dumps(truth))
        write_csv(folder / "office.csv", truth)
        self._by_hipsync(folder, "import", "csv", str(folder / "office.csv"), "--band", OFFICE)

    def _by_hipsync(self, folder: Path, *words: str) -> None:
        """Make a template by a command, before any fault."""
        ran = self.start("--db", str(folder / "hipsync.db"), *words, plain=True)
        if not ran.ended(GRACE_S) or ran.code:
            raise RuntimeError(f"{words}: {ran.said()}")
        self.commands.remove(ran)

    def _need_database(self) -> None:
        if not self.db.exists():
            made = self.job.template("empty", self._make_empty)
            shutil.copy(made / "hipsync.db", self.db)

    def _make_empty(self, folder: Path) -> None:
        write_csv(folder / "none.csv", {})
        self._by_hipsync(folder, "import", "csv", str(folder / "none.csv"))

    def old_database(self) -> None:
        """Begin with a database of the first schema, with the other band's days in it."""
        self.office()
        truth = self.truth[OFFICE]
        old = self.job.template("old", lambda folder: self._make_old(folder, truth))
        for path in self.home.glob("hipsync.db*"):
            path.unlink()
        shutil.copy(old / "hipsync.db", self.db)

    def _make_old(self, folder: Path, truth: judge.Minutes) -> None:
        path = folder / "hipsync.db"
        self.job.warm.ask({"old": str(path)})
        with closing(sqlite3.connect(path)) as db, db:
            db.execute(INTO_BANDS, (2, OFFICE, "csv", None, "", 0, 0, 0, 0))
            rows = ((minute * 60, steps) for minute, steps in truth.items())
            db.executemany("INSERT INTO epochs (band, start, length, steps, state) VALUES (2, ?, 1, ?, 0)", rows)
        with closing(sqlite3.connect(path)) as db:
            db.execute("PRAGMA wal_checkpoint(TRUNCATE)")

    def configure(self, prompts: str, *, command: Sequence[str] = (), desktop: bool = False) -> None:
        """Write the settings; a band may forget what is stored."""
        told = f"desktop = {str(desktop).lower()}\ncommand = {json.dumps(list(command))}"
        text = f"[sync]\nerase = true\n[prompts]\n{prompts}\n{told}\n"
        (self.home / "config.toml").write_text(text)
        (self.home / "config.toml").chmod(0o600)
        self.allowed = prompts is not NEVER

    def hook(self, slow_s: float = 0.0, end: str = "") -> list[str]:
        """Return a command for prompts that notes each, then waits `slow_s`, and ends with `end`."""
        script = self.home / "hook.sh"
        script.write_text(f"#!/bin/sh\ncat >> {self.home}/prompts.jsonl\nsleep {slow_s}\n{end}\n")
        script.chmod(0o700)
        return [str(script)]

    def configure_hook(self, slow_s: float = 0.0, end: str = "", settings: str = ALWAYS) -> None:
        """Let prompts be noted by a command of the user's."""
        self.configure(settings, command=self.hook(slow_s, end))

    def hooked(self) -> list[str]:
        """Return the prompts that the hook was given."""
        path = self.home / "prompts.jsonl"
        return path.read_text().splitlines() if path.exists() else []

    def write_keys(self, keys: Mapping[str, str]) -> None:
        path = self.home / "keys.json"
        path.unlink(missing_ok=True)
        path.touch(mode=0o600)
        path.write_text(json.dumps(keys))

    def sql(self, statement: str, *values: object) -> list[Any]:
        with closing(sqlite3.connect(self.db, timeout=10)) as db, db:
            return db.execute(statement, values).fetchall()

    def rows(self, statement: str) -> list[Any]:
        """Return what SQLite reads, or nothing if it cannot."""
        with suppress(sqlite3.Error), closing(sqlite3.connect(f"file:{self.db}?mode=ro", uri=True)) as db:
            return db.execute(statement).fetchall()
        return []

    # ------------------------------------------------------------------ processes

    def start(self, *words: str, plain: bool = False, server: Server | None = None, **order: Any) -> Command:
        """Start `hipsync WORDS` on the run's database; `order` has more fields of `campaign.warm.Order`."""
        number = len(list(self.folder.glob("*.out")))
        out, err = self.folder / f"{number}.out", self.folder / f"{number}.err"
        out.touch()
        files = [] if plain else ["--db", str(self.db)]
        if (self.home / "config.toml").exists() and not plain:
            files += ["--config", str(self.home / "config.toml")]
        env = {
            "HOME": str(self.home), "XDG_RUNTIME_DIR": str(self.folder), "XDG_CONFIG_HOME": str(self.home),
            "XDG_DATA_HOME": str(self.home), **order.pop("env", {}),
        }  # fmt: skip
        server = server or self.job.warm
        asked = {
            "argv": [*files, *words], "out": str(order.pop("to", out)), "err": str(err), "env": env,
            "transport": self.transport, "mutant": None if plain else self.job.mutant, **order,
        }  # fmt: skip
        command = Command(server, server.ask(asked)["pid"], words, out, err)
        self.commands.append(command)
        return command

    def do(self, *words: str, within_s: float = GRACE_S, **order: Any) -> Command:
        """Run `hipsync WORDS` to its end. One that does not come to an end is a broken promise, and killed."""
        command = self.start(*words, **order)
        self.finish(command, within_s)
        return command

    def finish(self, command: Command, within_s: float = GRACE_S) -> None:
        if not command.ended(within_s):
            self.broke(f"`{' '.join(command.argv)}` did not end within {within_s:g} s")
            command.kill()

    def stop(self, command: Command, within_s: float = GRACE_S) -> None:
        """End a service as systemd does."""
        command.signal(signal.SIGTERM)
        self.finish(command, within_s)

    def serve_once(self) -> None:
        """Let a service start, do all that is due, and end."""
        with Supervisor(self.folder) as supervisor:
            service = self.start("run", env=supervisor.env)
            if not supervisor.hears(b"STATUS=", GRACE_S):
                self.broke(f"a service has not looked within {GRACE_S:g} s: {service.said()[-300:]}")
            self.stop(service)

    def strike(self, work: str, command: Command, fault: Callable[[], object], *, talking: bool = False) -> bool:
        """Let the fault happen at a random instant of the work; return whether the command was there still.

        With `talking`, the work begins with the first word of the band.
        """
        if talking:
            self.until(lambda: command.code is not None or command.ended() or self.told()["said"] > 0)
        began, usual = time.monotonic(), self.job.usual.get(work, 0.8 if work == "service" else 0.4)
        if command.ended(usual * self.chance.random()):
            self.job.usual[work] = max(0.9 * (time.monotonic() - began), 0.02)
            return False
        self.job.usual[work] = usual * 1.01
        fault()
        return True

    def told(self) -> dict[str, Any]:
        """Return what the band has done so far: `held`, `erased` minutes, what it has `shown`, how much it `said`."""
        return self.job.band.ask({"do": "held"})

    def until(self, holds: Callable[[], T], within_s: float = 10.0) -> T:
        """Wait until something holds, and return it; a falsy value if it does not within that time."""
        end = time.monotonic() + within_s
        while not (found := holds()) and time.monotonic() < end:
            time.sleep(0.005)
        return found

    # ------------------------------------------------------------------ the end

    def broke(self, promise: str) -> None:
        self.outcome.broken.append(promise)

    def must(self, command: Command, *codes: int) -> None:
        """Note a command that ended with another exit code than one of these."""
        if command.code is not None and command.code not in codes:
            said = " | ".join(command.said().strip().splitlines()[-3:])
            self.broke(f"`{' '.join(command.argv)}` exited with {command.code}: {said[:300]}")

    def one_line(self, command: Command) -> None:
        """Note a refusal that is neither one clear line on stderr nor click's word on how a command is used.

        An export that ends well but for the damage of the database says how many rows it wrote, besides.
        """
        lines = command.err.read_text("utf-8", "replace").splitlines()
        if (
            len(lines) == 2
            and command.argv[0] == "export"
            and (" rows in " in lines[0] or " row in " in lines[0])
            and " is damaged " in lines[1]
        ):
            return
        if command.code == 2 and lines[:1] and lines[0].startswith("Usage: hipsync "):
            return
        if command.code not in {1, 2, 4, 5} or len(lines) != 1 or len(lines[0]) > 1000:
            shown = " | ".join(lines[:3])
            self.broke(f"`{' '.join(command.argv)}` exited with {command.code} and {len(lines)} lines: {shown[:300]}")

    def settle(self) -> None:
        """Let everything recover by one ordinary sync, then judge."""
        self.must(self.do("sync"), 0)
        self.judge()

    def readers(self) -> None:
        """Run commands that read everything: each must end in order, whatever the file holds."""
        for words in (
            ("status",),
            ("week",),
            ("prompts",),
            ("bands",),
            ("export", "--format", "json"),
            ("db", "check"),
        ):
            self.must(self.do(*words), 0, 1, 2, 3)

    def judge(self, truth: Mapping[str, judge.Minutes] | None = None) -> None:
        """Compare the database with the truth."""
        truth = self.truth if truth is None else truth
        try:
            found = judge.stored(self.db)
        except judge.Unreadable as error:
            self.broke(f"SQLite cannot read the database: {error}")
            self.outcome.lost += sum(map(len, truth.values()))
            return
        self.outcome.lost += judge.lost(truth, found)
        self.outcome.doubled += judge.doubled(truth, found)
        if not judge.is_sound(self.db):
            self.broke("SQLite finds damage in the database")

    def count_prompts(self) -> None:
        minutes = self.truth.get(BAND, {})
        buzzed: list[str] = [] if self.transport is None else self.told()["shown"]
        for shown in (self.hooked(), buzzed):
            self.outcome.prompts += judge.wrong_prompts(minutes, shown, allowed=self.allowed)

    def close(self) -> None:
        """End what still runs, and add up what all processes have said and used."""
        for command in self.commands:
            with suppress(RuntimeError):  # its helper is dead, which the run has met already
                command.kill()
        if self.transport is not None and self.told()["leaked"]:
            self.broke("the band's key was sent over the air")
        self.count_prompts()
        texts = [command.said() for command in self.commands] + self.job.new_errors()
        self.outcome.tracebacks += judge.troubles(texts)
        troubled = [text for text in texts if judge.troubles([text])]
        self.outcome.seen += [" | ".join(text.strip().splitlines()[-3:])[-400:] for text in troubled]
        self.outcome.peak = self.peak()
        if self.outcome.peak > MOST_MEMORY:
            self.broke(f"a process took {self.outcome.peak >> 20} MiB")

    def peak(self) -> int:
        return max((command.peak for command in self.commands), default=0)


def wall() -> float:
    """The time of this computer's clock, in seconds since 1970."""
    return time.time()  # noqa: TID251  the campaign lives in real time


def write_csv(path: Path, minutes: judge.Minutes) -> None:
    """Write minutes as people would import them."""
    with path.open("w", newline="") as file:
        table = csv.writer(file)
        table.writerow(["timestamp", "steps"])
        table.writerows([stamp(minute), steps] for minute, steps in minutes.items())


def stamp(minute: int) -> str:
    return time.strftime("%Y-%m-%dT%H:%M:00+00:00", time.gmtime(minute * 60))
