"""A running gateway ships again and again, whatever becomes of the database."""

from __future__ import annotations

import asyncio
import logging
import threading
from pathlib import Path

import pytest
from click.testing import CliRunner

from hipsync.cli import hipsync
from hipsync.cli.app import App
from hipsync.errors import FleetError
from hipsync.fleet import shipper as shipper_module
from hipsync.fleet.shipper import Shipper
from hipsync.fleet.shipping import Told

NEW = Told(there=0, new=1, changed=0, same=0, left_out=0)


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shipper_module, "LOOK_S", 0.001)


async def lived(answers: list[Told | Exception | None]) -> list[str | None]:
    """Let a gateway ship once for each answer, an hour apart; return what `status` says after each time."""
    passed, calls, troubles = 0.0, 0, list[str | None]()

    def ship() -> Told | None:
        nonlocal calls
        calls += 1
        answer = answers[calls - 1]
        if isinstance(answer, Exception):
            raise answer
        return answer

    shipper = Shipper(ship, lambda: 60, lambda: passed)
    async with shipper.running():
        for number in range(len(answers)):
            async with asyncio.timeout(20):
                while calls <= number:  # noqa: ASYNC110  it is called in a thread
                    await asyncio.sleep(0.001)
            await asyncio.sleep(0.3)
            assert calls == number + 1  # not before the hour is over
            troubles.append(shipper.trouble())
            passed += 3600
            if number + 1 == len(answers):
                passed -= 3600
    return troubles


async def test_a_failure_is_one_line_until_the_reason_changes_and_the_next_time_comes(
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.INFO)
    away, refused = FleetError("away"), FleetError("refused")
    troubles = await lived([away, away, refused, None, NEW, away, ValueError("a bug")])
    away_s, bug = "nothing is shipped: away", "nothing is shipped: ValueError: a bug"
    assert troubles == [away_s, away_s, "nothing is shipped: refused", None, None, away_s, bug]
    said = [record.getMessage() for record in caplog.records]
    assert said == [
        away_s, "nothing is shipped: refused", "shipped: 1 band-days are new there, 0 were completed", away_s,
        "a bug in hipsync; the gateway goes on",
    ]  # fmt: skip


async def test_with_zero_minutes_nothing_is_shipped() -> None:
    def ship() -> Told | None:
        raise AssertionError

    async with Shipper(ship, lambda: 0, lambda: 1e9).running():
        await asyncio.sleep(0.05)


async def test_a_database_that_hangs_holds_up_neither_the_gateway_nor_its_end() -> None:
    hangs, begun = threading.Event(), threading.Event()

    def ship() -> Told | None:
        begun.set()
        hangs.wait(60)
        return None

    async with asyncio.timeout(20):
        async with Shipper(ship, lambda: 60, lambda: 0.0).running():
            await asyncio.to_thread(begun.wait)
    hangs.set()


def test_a_gateway_without_a_band_says_what_to_do(tmp_path: Path) -> None:
    settings = tmp_path / "config.toml"
    settings.write_text("")
    settings.chmod(0o600)
    arguments = ["--db", str(tmp_path / "ward.db"), "--config", str(settings), "gateway", "run"]
    done = CliRunner().invoke(hipsync, arguments, obj=App())
    assert (done.exit_code, done.output.count("\n"), "hipsync pair" in done.output) == (2, 1, True), done.output
