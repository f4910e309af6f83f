"""What changes under the running service: the settings, and the zone that the host is in."""

from __future__ import annotations

import asyncio
import os
import signal
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from hipsync.core.policy import Policy
from hipsync.errors import ConfigError, Refused
from hipsync.service import control_client as control
from hipsync.service.state import Settings, settings_of
from hipsync.settings.config import Config
from hipsync.store import Store
from support.running_service import Watched, serving, until, warnings_of

pytestmark = pytest.mark.usefixtures("short_waits")


def test_a_hangup_reads_the_settings_anew_and_bad_ones_are_refused(
    database: Path, caplog: pytest.LogCaptureFixture
) -> None:
    quiet = replace(settings_of(Config(), "UTC"), snooze=timedelta(minutes=7))
    answers: list[Settings | ConfigError] = [ConfigError("sitting.limit is no length"), quiet]

    def settings() -> Settings:
        answer = answers.pop(0)
        if isinstance(answer, ConfigError):
            raise answer
        return answer

    async def story(service: Watched) -> None:
        before = service.settings
        os.kill(os.getpid(), signal.SIGHUP)
        await until(lambda: len(answers) == 1)
        assert service.settings is before
        os.kill(os.getpid(), signal.SIGHUP)
        await until(lambda: not answers)
        assert service.settings is quiet

    serving(database, story, settings=settings)
    assert "the settings stay as they were: sitting.limit is no length" in [r.message for r in warnings_of(caplog)]


def test_settings_are_read_anew_when_a_command_asks(database: Path) -> None:
    quiet = replace(settings_of(Config(), "UTC"), policy=Policy(limit_minutes=90))
    answers: list[Settings | ConfigError] = [ConfigError("sitting.limit is no length"), quiet]

    def settings() -> Settings:
        answer = answers.pop(0)
        if isinstance(answer, ConfigError):
            raise answer
        return answer

    async def story(service: Watched) -> None:
        before = service.settings
        with pytest.raises(Refused, match=r"sitting\.limit is no length"):
            await asyncio.to_thread(control.ask, database, {"do": "reload"})
        assert service.settings is before
        await asyncio.to_thread(control.ask, database, {"do": "reload"})
        assert service.settings is quiet

    serving(database, story, settings=settings)


def test_the_host_in_another_zone_is_noticed_and_stored(database: Path) -> None:
    zone = "UTC"

    async def story(service: Watched) -> None:
        nonlocal zone
        await service.until(lambda service: bool(service.said))
        await asyncio.sleep(1)  # the file knows whole seconds
        zone = "Asia/Tokyo"
        await until(lambda: service.settings.host_zone == "Asia/Tokyo")

    serving(database, story, zone=lambda: zone)
    with Store.open(database) as store:
        assert [change.zone for change in store.zones()] == ["UTC", "Asia/Tokyo"]
