"""What happens on the air: links that end, bands that are silent, refuse, send noise, or are somebody else's."""

from __future__ import annotations

import shutil

from campaign.kinds import kind
from campaign.run import BAND, Run

WORDS = 45
"""About how many notifications a whole sync of ten hours takes."""


def disturbed(run: Run, **wish: int) -> None:
    """Let a sync or the service meet a band with these faults."""
    run.pair(still=70)
    run.air(**wish)
    if run.chance.random() < 0.3:
        run.configure_hook()
        command = run.start("run")
        run.until(lambda: run.rows("SELECT 1 FROM syncs") or command.ended(), 4)
        run.stop(command)
    else:
        command = run.do("sync", within_s=120)  # every deadline of a driver, and what it tries again
        run.must(command, 0, 1)
        if command.code:
            run.one_line(command)


@kind("the link is cut in place of any notification")
def link_cut(run: Run) -> None:
    at = run.chance.randrange(WORDS)
    disturbed(run, cut_at=at)
    run.outcome.hit = run.told()["said"] >= at
    run.settle()


@kind("the band falls silent in the middle", quick=False)
def stall(run: Run) -> None:
    at = run.chance.randrange(WORDS)
    disturbed(run, stall_at=at)
    run.outcome.hit = run.told()["said"] > at
    run.settle()


@kind("the band refuses: the fetch, or the key")
def refusal(run: Run) -> None:
    if run.chance.random() < 0.5:
        disturbed(run, refuse=1)
        run.outcome.hit = bool(run.rows("SELECT 1 FROM syncs WHERE error IS NOT NULL"))
    else:
        run.pair()
        run.write_keys({BAND: "00" * 16})
        command = run.do("sync")
        run.must(command, 1)
        run.one_line(command)
        run.outcome.hit = command.code == 1
        run.write_keys({BAND: run.key})
    run.settle()


@kind("the adapter goes away at a random instant")
def adapter_gone(run: Run) -> None:
    run.pair()
    words = run.chance.choice((["sync"], ["run"]))
    command = run.start(*words)
    run.outcome.hit = run.strike("sync", command, lambda: run.job.band.ask({"do": "gone"}), talking=True)
    held = set(run.told()["held"])
    if words == ["run"]:
        command.ended(0.3)
        run.stop(command)
    run.finish(command)
    if command.code and words == ["sync"]:
        run.one_line(command)
    erased = run.truth[BAND].keys() - held
    run.air(gone=sorted(erased))
    run.settle()


@kind("hostile packets: noise, torn, longer, with bits flipped")
def hostile_packets(run: Run) -> None:
    """A checksum guards what is told, so that no minute is made up."""
    at = run.chance.randrange(WORDS)
    disturbed(run, noise_from=at)
    run.outcome.hit = run.told()["said"] > at
    run.must(run.do("sync"), 0)
    run.judge()


@kind("somebody else's band at the band's address")
def impostor(run: Run) -> None:
    """It refuses our key, or lets everybody in and talks noise. It gets no key, and costs no minute."""
    run.pair()
    shutil.copy(run.home / "keys.json", run.folder / "keys.json")
    truth, run.truth[BAND] = run.truth[BAND], {}
    if run.chance.random() < 0.5:
        run.job.band.ask({"do": "gone"})
        run.air(credulous=True, noise_from=run.chance.randrange(2, 8))
    else:
        mine, run.key = run.key, "ff" * 16
        run.air()
        run.key = mine
    command = run.do("sync")
    run.must(command, 0, 1)
    if command.code:
        run.one_line(command)
    run.outcome.hit = run.told()["said"] > 0
    if run.told()["leaked"]:
        run.broke("the key was sent to an impostor")
    run.truth[BAND] = truth
    run.air()
    run.settle()
