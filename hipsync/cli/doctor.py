"""`doctor`: what could keep hipsync from working, each with a verdict and what to do."""

from __future__ import annotations

import asyncio
import json
import os
import stat
from collections.abc import Iterator
from datetime import timedelta
from typing import Literal, NamedTuple

import click

from hipsync.cli.app import App, host_zone
from hipsync.errors import HipsyncError

EXIT_FAILED = 1
Verdict = Literal["fine", "look", "bad"]


class Finding(NamedTuple):
    """`look` needs a person's eye, `bad` keeps something from working."""

    what: str
    verdict: Verdict
    text: str


@click.command("doctor")
@click.option("--json", "as_json", is_flag=True, help="For programs.")
@click.pass_context
def doctor_command(ctx: click.Context, as_json: bool) -> None:
    """Check Bluetooth, permissions, settings, database and clock, and say what to do."""
    findings = [
        *_settings(ctx.obj),
        *_database(ctx.obj),
        *_keys(ctx.obj),
        *_clock(ctx.obj),
        *_bluetooth(),
        *_packages(),
    ]
    if as_json:
        rows = [{"what": what, "verdict": verdict, "text": text} for what, verdict, text in findings]
        click.echo(json.dumps({"version": 1, "findings": rows}, indent=1))
    else:
        for what, verdict, text in findings:
            click.echo(f"{verdict:<5} {what:<12} {text}")
    if any(finding.verdict == "bad" for finding in findings):
        ctx.exit(EXIT_FAILED)


def _settings(app: App) -> Iterator[Finding]:
    try:
        app.config()
    except HipsyncError as error:
        yield Finding("settings", "bad", str(error))
    else:
        held = app.settings_file if app.settings_file.exists() else "the defaults (no file)"
        yield Finding("settings", "fine", str(held))


def _database(app: App) -> Iterator[Finding]:
    path = app.database
    if not path.exists():
        yield Finding("database", "look", f"none yet at {path}: `hipsync pair` or `hipsync import csv` makes it")
        return
    try:
        with app.open_store() as store:
            problems = store.check()
            newest = store.newest()
    except HipsyncError as error:
        yield Finding("database", "bad", str(error))
        return
    yield Finding("database", "bad" if problems else "fine", problems[0] if problems else str(path))
    if os.name == "posix" and stat.S_IMODE(path.stat().st_mode) & 0o077:
        yield Finding("permissions", "look", f"others may read {path}: chmod 600 it")
    if newest is not None and newest > app.now() + timedelta(minutes=2):
        yield Finding(
            "clock", "bad", f"the newest data are from {newest:%Y-%m-%d %H:%M} UTC, in the future: set the clock"
        )


def _keys(app: App) -> Iterator[Finding]:
    keys = app.keys()
    if keys.path.exists():
        try:
            keys.check()
        except HipsyncError as error:
            yield Finding("keys", "bad", str(error))
        else:
            shared = os.name == "posix" and stat.S_IMODE(keys.path.stat().st_mode) & 0o077
            why = f"others may read {keys.path}: chmod 600 it, for who has a key has the band"
            yield Finding("keys", "look", why) if shared else Finding("keys", "fine", str(keys.path))


def _clock(app: App) -> Iterator[Finding]:
    now = app.now()
    if now.year < 2024:
        yield Finding(
            "clock", "bad", f"this host believes it is {now:%Y-%m-%d}: set its clock before bands are set by it"
        )
    else:
        yield Finding("clock", "fine", f"{now:%Y-%m-%d %H:%M} UTC, zone {host_zone()}")


def _bluetooth() -> Iterator[Finding]:
    from hipsync.bluetooth import SYSTEM, why_unavailable

    trouble = asyncio.run(why_unavailable(SYSTEM))
    yield Finding("bluetooth", "bad" if trouble else "fine", trouble or "an adapter is there and on")


def _packages() -> Iterator[Finding]:
    from importlib.util import find_spec

    there = find_spec("bumble") is not None
    yield Finding(
        "simulation", "fine" if there else "look", "bumble is installed" if there else "pip install 'hipsync[demo]'"
    )
