"""The clock of this computer is stepped while the service runs, was wrong some time ago, or stands still."""

from __future__ import annotations

import signal
from pathlib import Path

from campaign.kinds import LeftOut, kind
from campaign.processes import GRACE_S, Supervisor
from campaign.run import BAND, Run

MINUTE, HOUR, DAY = 60, 3600, 86400
STEPS = (61, 5 * MINUTE, HOUR, 5 * HOUR, DAY, 30 * DAY, 365 * DAY)


def stepped(run: Run, seconds: int) -> None:
    """Run the service, step the clock by `seconds` at a random instant, and see that it goes on looking."""
    library = next(Path("/usr/lib").glob("*/faketime/libfaketime.so.1"), None)
    if library is None:
        raise LeftOut("libfaketime is not installed")
    offset = run.job.folder / "offset"
    offset.write_text("+0")
    faked = run.job.server(
        "campaign.warm", "faked",
        {
            "LD_PRELOAD": str(library), "FAKETIME_TIMESTAMP_FILE": str(offset), "FAKETIME_NO_CACHE": "1",
            "FAKETIME_DONT_FAKE_MONOTONIC": "1", "NO_FAKE_STAT": "1",
        },
    )  # fmt: skip
    run.pair(still=70)
    run.configure_hook()
    wrong = f"after the clock was stepped by {seconds:+,} s"
    with Supervisor(run.folder) as supervisor:
        service = run.start("run", server=faked, env=supervisor.env)
        run.outcome.hit = run.strike("service", service, lambda: offset.write_text(f"{seconds:+d}"), talking=True)
        supervisor.forget()
        if not supervisor.hears(b"WATCHDOG=1", GRACE_S):
            run.broke(f"no look within {GRACE_S:g} s {wrong}")
        run.until(run.hooked, 1.0)
        if run.chance.random() < 0.5:
            offset.write_text("+0")
            supervisor.forget()
            if not supervisor.hears(b"WATCHDOG=1", GRACE_S):
                run.broke(f"no look within {GRACE_S:g} s {wrong} and put right again")
        run.stop(service)
    offset.write_text("+0")
    run.serve_once()
    run.settle()


@kind("the clock is put back while the service runs")
def clock_back(run: Run) -> None:
    stepped(run, -run.chance.choice(STEPS))


@kind("the clock is put forward while the service runs")
def clock_forward(run: Run) -> None:
    stepped(run, run.chance.choice((*STEPS, 10 * 365 * DAY)))


@kind("a clock that was ahead has left instants of the future in the database")
def future_rows(run: Run) -> None:
    """None of them may keep the service from its bands; the minutes of the future stay as they are."""
    run.pair(still=70)
    run.configure_hook()
    ahead = run.now_minute * 60 + run.chance.choice((2 * HOUR, DAY, 400 * DAY, 9 * 365 * DAY)) // 60 * 60
    truth = {BAND: {**run.truth[BAND], ahead // 60: 7}}
    run.sql("INSERT INTO epochs (band, start, length, steps, state) VALUES (100, ?, 1, 7, 0)", ahead)
    others = (
        "INSERT INTO syncs (band, started, ended, epochs) VALUES (100, ?1, ?1 + 5, 5)",
        (
            "INSERT INTO prompts (at, due, exercise, sure, shown_where, shown, last_shown, occasion)"
            " VALUES (?1, ?1, 'hip-extension', 1, '', 1, ?1, 'sitting')"
        ),
        "INSERT INTO pauses VALUES (?1, ?1 + 3600)",
        "INSERT INTO zones VALUES ('', ?1, 'Asia/Tokyo')",
        "INSERT INTO charges VALUES (100, ?1, 3, 0)",
        "INSERT INTO remarks VALUES (100, 'battery', ?1)",
    )
    for statement in run.chance.sample(others, run.chance.randrange(len(others) + 1)):
        run.sql(statement, ahead)
    run.outcome.hit = True
    service = run.start("run")
    done = run.until(lambda: len(run.told()["held"]) == 0, GRACE_S)
    if not done:
        run.broke(f"the service has not fetched all: {len(run.told()['held'])} minutes are on the band still")
    if done and not run.until(run.hooked, GRACE_S):
        run.broke("no prompt after an hour of sitting")
    run.stop(service)
    run.must(run.do("sync"), 0)
    run.readers()
    run.judge(truth)


@kind("the computer sleeps at a random instant: stopped, and goes on")
def suspend(run: Run) -> None:
    run.pair(still=70)
    run.configure_hook()
    words = run.chance.choice((["sync"], ["run"]))
    command = run.start(*words)
    run.outcome.hit = run.strike("sync", command, lambda: command.signal(signal.SIGSTOP), talking=True)
    if run.outcome.hit:
        command.ended(0.2 + run.chance.random())
        command.signal(signal.SIGCONT)
    if words == ["run"]:
        run.until(lambda: not run.told()["held"], 5)
        run.until(run.hooked, 2)
        run.stop(command)
    run.finish(command)
    run.settle()
