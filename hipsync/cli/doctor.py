"""`doctor`: check all that could keep hipsync from working, and say what to do about each.

Each check is a function that yields findings. It catches what it checks for, so that one broken thing hides no other.
No band is contacted: what is known of bands is in the database.
"""

from __future__ import annotations

import contextlib
import os
import re
import stat
from collections.abc import Iterator, Mapping, Sequence
from importlib.util import find_spec
from shlex import quote
from typing import TYPE_CHECKING, Literal, NamedTuple
from zoneinfo import ZoneInfo

import click

from hipsync.cli import exits
from hipsync.cli.app import NO_ZONE, App
from hipsync.cli.saying import say, tell_json
from hipsync.driver import Advertisement, Driver
from hipsync.errors import ConfigError, HipsyncError
from hipsync.home.bridge import NEEDS_EXTRA
from hipsync.home.place import broker_of
from hipsync.host.installed import with_extra
from hipsync.host.interrupt import run_until_interrupted
from hipsync.host.lock import running
from hipsync.host.synchronised import synchroniser_of
from hipsync.host.zone import zone_of_host
from hipsync.instants import is_believed
from hipsync.model import Band, Desk
from hipsync.registry import drivers, family_of
from hipsync.report.pen import padded, wide
from hipsync.service.clock_steps import steps_from_json
from hipsync.service.contact import EARLIEST_YEAR
from hipsync.service.control_client import ask
from hipsync.service.state import Families, contacts_of
from hipsync.service.status_text import clock_step, future_contact
from hipsync.text import Json, clean, counted

if TYPE_CHECKING:
    from hipsync.host.moment.moment import Moment
    from hipsync.host.presence.seen import Seen
    from hipsync.radio.opened import RadioSettings
    from hipsync.radio.ways import Fact

LONGEST_TROUBLE = 200
OVERHEARD = "the password goes through the network in the clear: `hipsync config set mqtt.tls true`"
ANSWERS_WITHIN_S = 2.0
"""Seconds that a running service may take to answer."""
PROXY_WITHIN_S = 35.0
"""Seconds to wait for proxies: an older one is known to be adopted once it was silent for 30 s."""
LONGEST_PROXY_TROUBLE = 400
PASSIVE = "it hears bands and makes no connections: set `active: true` under `bluetooth_proxy:` in its configuration"
READABLE = "what goes through it can be read in your network: give it a key (`api: encryption:`; docs/rooms.md)"
Verdict = Literal["fine", "look", "bad"]
SHOWN: Mapping[Verdict, tuple[str, str]] = {"bad": ("fail", "red"), "look": ("warn", "yellow"), "fine": ("ok", "green")}
"""Each verdict as people read it, and its colour, the worst first."""


LABELS = {
    "bluetooth": "Bluetooth", "notices": "desktop", "home": "Home Assistant", "computer": "this computer",
    "simulation": "practice bands",
}  # fmt: skip
"""What people read instead of the names of checks, which programs know."""


class Finding(NamedTuple):
    """The result of one check. `look` means that a person should look at it, `bad` that something cannot work."""

    what: str
    verdict: Verdict
    text: str


@click.command("doctor")
@click.option("--json", "as_json", is_flag=True, help="For programs.")
@click.pass_context
def doctor_command(ctx: click.Context, as_json: bool) -> None:
    """Find out why something doesn't work.

    It checks settings, database, keys, clock, Bluetooth, bands, notices and service.

    \b
    hipsync doctor
    hipsync doctor --json
    """
    findings = [
        *_settings(ctx.obj),
        *_database(ctx.obj),
        *_keys(ctx.obj),
        *_clock(ctx.obj),
        *_bluetooth(ctx.obj),
        *_proxies(ctx.obj),
        *_bands(ctx.obj),
        *_notices(ctx.obj),
        *_computer(ctx.obj),
        *_service(ctx.obj),
        *_home(ctx.obj),
        *_packages(),
    ]
    if as_json:
        rows = [{"what": what, "verdict": verdict, "text": text} for what, verdict, text in findings]
        tell_json({"version": 1, "findings": rows})
    else:
        _show(findings)
    if any(finding.verdict == "bad" for finding in findings):
        ctx.exit(exits.FAILED)


def _show(findings: Sequence[Finding]) -> None:
    """Show findings to people: what fails first, and at the end the one next step."""
    order = list(SHOWN)
    wide_ = max(wide(LABELS.get(what, what)) for what, _, _ in findings)
    sorted_ = sorted(findings, key=lambda finding: order.index(finding.verdict))
    for what, verdict, text in sorted_:
        word, colour = SHOWN[verdict]
        say(
            f"{click.style(word, fg=colour)}{'':<{6 - len(word)}}{padded(LABELS.get(what, what), wide_)}  {text}",
            indent=8 + wide_,
        )
    commands = (re.search(r"`([^`]+ [^`]+)`", text) for _, verdict, text in sorted_ if verdict != "fine")
    if (found := next(filter(None, commands), None)) is not None:
        say(f"\nNext step: `{found[1]}`")


def _settings(app: App) -> Iterator[Finding]:
    try:
        app.config()
    except HipsyncError as error:
        yield Finding("settings", "bad", f"{error}; `hipsync config edit` opens them")
    else:
        source = app.settings_file if app.settings_file.exists() else "defaults"
        yield Finding("settings", "fine", str(source))


def _database(app: App) -> Iterator[Finding]:
    from hipsync.store.checked import remember

    path = app.database
    if not path.exists():
        yield Finding("database", "look", "none yet. `hipsync pair` makes it, and so does `hipsync import`")
        return
    try:
        with app.open_store() as store:
            damage, strange, _ = store.findings()
            notes = [] if damage else store.notes(app.now())
            newest = None if damage else store.newest()
    except HipsyncError as error:
        yield Finding("database", "bad", str(error))
        return
    remember(path, app.now(), damage, strange)
    if damage:
        yield Finding("database", "bad", f"{path} is damaged ({damage[0]}): `hipsync db restore FILE` puts a copy back")
    elif strange:
        yield Finding("database", "bad", f"{path}: {strange[0]}: `hipsync db check` says more")
    else:
        yield Finding("database", "fine", str(path))
    for note in notes:
        yield Finding("database", "look", note)
    if os.name == "posix" and stat.S_IMODE(path.stat().st_mode) & 0o077:
        yield Finding("permissions", "look", f"others may read {path}: chmod 600 it")
    if (program := synchroniser_of(path)) is not None:
        yield Finding(
            "database", "look", f"{program} seems to copy {path.parent}, and may copy half of it: give another place "
            "with --db or HIPSYNC_DB, and let it copy what `hipsync db backup FILE` makes",
        )  # fmt: skip
    if newest is not None and not is_believed(newest, app.now()):
        dated = f"the newest data are from {newest:%Y-%m-%d %H:%M} UTC, in the future"
        yield Finding("clock", "bad", f"{dated}: set the clock, or `hipsync db erase` what a wrong one stamped")


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
    if now.year < EARLIEST_YEAR:
        yield Finding(
            "clock", "bad", f"this host believes it is {now:%Y-%m-%d}: set its clock before bands are set by it"
        )
        return
    try:
        zone = zone_of_host(os.environ.get("TZ"))
    except HipsyncError as error:
        yield Finding("clock", "look", str(error))
        return
    if zone is None:
        yield Finding("clock", "look", f"{now:%a %d %b %H:%M} UTC: {NO_ZONE}")
    else:
        yield Finding("clock", "fine", f"{now.astimezone(ZoneInfo(zone)):%a %d %b %H:%M}, {zone}")


def _bluetooth(app: App) -> Iterator[Finding]:
    from hipsync.radio.opened import BY_DEFAULT
    from hipsync.radio.scan import system_adapter, why_unavailable

    try:
        radio = app.radio()
    except HipsyncError:
        radio = BY_DEFAULT  # wrong settings are a finding of their own
    if not radio.local:
        yield Finding("bluetooth", "fine", "this computer's own is not used (radio.local)")
        return
    if _has_no_real_band(app):
        yield Finding("bluetooth", "fine", "not needed: every band is simulated or imported")
        return
    trouble = run_until_interrupted(why_unavailable(system_adapter(radio.adapter)))
    worst: Verdict = "look" if radio.proxies else "bad"
    yield Finding("bluetooth", worst if trouble else "fine", trouble or "an adapter is there and on")


def _proxies(app: App) -> Iterator[Finding]:
    """How things are with each proxy, by what a service tells, or by trying it."""
    from hipsync.radio.ways import fact_of

    try:
        settings = app.radio()
        if not settings.proxies:
            return
        told: Json = None
        if running(app.database):
            told = (ask(app.database, {"do": "status"}, ANSWERS_WITHIN_S) or {}).get("proxies")
        facts = [fact_of(each) for each in told] if isinstance(told, list) else run_until_interrupted(_tried(settings))
    except HipsyncError as error:
        yield Finding("proxies", "look", str(error))
        return
    for fact in facts:
        what = f"proxy {fact.name}"
        if fact.trouble is not None:
            yield Finding(what, "look", clean(fact.trouble, LONGEST_PROXY_TROUBLE))
            continue
        if not fact.connects:
            yield Finding(what, "look", PASSIVE)
            continue
        free = f"it hears bands, {fact.free} of its {fact.slots} connections free"
        yield Finding(what, "fine" if fact.free else "look", free)
        if not fact.encrypted:
            yield Finding(what, "look", READABLE)


async def _tried(settings: RadioSettings) -> Sequence[Fact]:
    """Reach each proxy, and wait until it is known how things are with it. Raises `ConfigError`."""
    from hipsync.radio.opened import opened

    async with opened(settings, tried_within_s=PROXY_WITHIN_S) as radio:
        return radio.facts()


def _has_no_real_band(app: App) -> bool:
    """Whether there are bands, and none of them is reached by radio."""
    with contextlib.suppress(HipsyncError):
        store = app.read_store()
        if store is not None:
            with store:
                bands = store.bands()
            return bool(bands) and all(band.simulated or band.address is None for band in bands)
    return False


def _bands(app: App) -> Iterator[Finding]:
    """Judge each band by what is stored of it; no band is contacted."""
    try:
        store = app.read_store()
        if store is None:
            return
        with store:
            zones = app.zones(store)
            found = contacts_of(store, Families(), {}, app.now())
    except HipsyncError:
        return  # another check has found it
    known = drivers()
    for contacts in found:
        name, driver = contacts.band.name, known.get(contacts.band.driver)
        yield from _wrong_family(contacts.band, known)
        if (wrong := future_contact(contacts, zones)) is not None:
            yield Finding("clock", "look", f"{name}: {wrong}")
        if driver is None:
            yield Finding(name, "bad", f"no driver {contacts.band.driver!r} is installed: `hipsync drivers` lists them")
        elif not contacts.band.simulated and _lacks_its_key(app, contacts.band, driver):
            yield Finding(name, "bad", f"it has no key: `hipsync bands key {quote(name)} --key-file FILE`")
        elif (extra := driver.missing_extra()) is not None:
            yield Finding(name, "look", f"its stored minutes need the extra {extra}: `{with_extra(extra)}`")
        elif contacts.failures:
            since = "never" if contacts.reached is None else f"{zones.local(contacts.reached):%a %d %b %H:%M}"
            trouble = clean(contacts.trouble or "", LONGEST_TROUBLE)
            yield Finding(
                name, "look", f"last synced {since}, {counted(contacts.failures, 'attempt')} failed since: {trouble}"
            )
        elif contacts.reached is None:
            yield Finding(name, "look", f"never synced. `hipsync sync {quote(name)}`")
        else:
            synced = f"synced {zones.local(contacts.reached):%a %d %b %H:%M}"
            less = driver.abilities.history is not None and _keeps_nothing(contacts.band)
            why = f"{synced}, and gave no stored minutes: leave hipsync running"
            yield Finding(name, "look", why) if less else Finding(name, "fine", synced)


def _keeps_nothing(band: Band) -> bool:
    """Whether a band has shown that it gives no stored minutes."""
    return band.abilities is not None and band.abilities.history is None


def _wrong_family(band: Band, known: Mapping[str, Driver]) -> Iterator[Finding]:
    """Yield a finding if a band was paired as a standard sensor, and its name is that of a family."""
    driver = known.get(band.driver)
    if driver is None or not driver.generic or (family := family_of(band.advertised_name, known)) is None:
        return
    yield Finding(
        band.name, "look", f"it was paired as a sensor that gives no more than it broadcasts, and is of a family that "
        f"hipsync drives ({family.label}): `hipsync pair {band.address} --again` reads all of it, and its data stay",
    )  # fmt: skip


def _lacks_its_key(app: App, band: Band, driver: Driver) -> bool:
    """Whether the driver wants a key that only a person can give, and there is none for the band."""
    try:
        return driver.secret(Advertisement(band.advertised_name)) == "given" and app.keys().secret(band) is None
    except HipsyncError:
        return False  # a bad file of keys is a finding of its own


def _notices(app: App) -> Iterator[Finding]:
    from hipsync.service.desktop import why_no_notices

    try:
        wanted = app.config().desktop
    except HipsyncError:
        return
    if not wanted:
        yield Finding("notices", "fine", "switched off (prompts.desktop)")
        return
    trouble = run_until_interrupted(why_no_notices())
    yield Finding("notices", "look" if trouble else "fine", trouble or "a notice server answers, with buttons")


def _computer(app: App) -> Iterator[Finding]:
    """What this computer says of its use, and of this moment."""
    from hipsync.host.moment.moment import moment
    from hipsync.host.presence.computer import Computer

    try:
        config = app.config()
    except ConfigError:
        return  # said already
    if config.rule.desk is Desk.OFF:
        yield Finding("computer", "fine", 'it is not asked whether it is used: sitting.desk is "off"')
        return

    async def asked() -> tuple[Seen, Moment]:
        with contextlib.closing(Computer(app.now, activitywatch=lambda: config.activitywatch)) as computer:
            return await computer.look(), await moment(computer)

    seen, now = run_until_interrupted(asked())
    yield Finding("computer", "fine", _use(seen, now))


def _use(seen: Seen, now: Moment) -> str:
    """Return what a computer says of its use and of this moment, and last what it does not say."""
    facts = {
        "use": None if seen.idle_s is None else f"last used {seen.idle_s:.0f} s ago",
        "the lock": _either(seen.locked, "locked", "not locked"),
        "calls": _either(now.call, "in a call", "no call"),
        "full screen": _either(now.full_screen, "full screen", "no full screen"),
        "do not disturb": _either(now.do_not_disturb, "do not disturb is on", "do not disturb is off"),
    }
    silent = [name for name, fact in facts.items() if fact is None]
    if len(silent) == len(facts):
        return "does not show whether you are at it; your band alone decides"
    unseen = [f"not to be seen here: {', '.join(silent)}"] if silent else []
    return "; ".join([*filter(None, facts.values()), *unseen])


def _either(fact: bool | None, yes: str, no: str) -> str | None:
    return None if fact is None else yes if fact else no


def _service(app: App) -> Iterator[Finding]:
    from hipsync.cli.service import why_install_again
    from hipsync.host.autostart import installed

    file = installed()
    if running(app.database):
        try:
            status = ask(app.database, {"do": "status"}, ANSWERS_WITHIN_S) or {}
        except HipsyncError:
            yield Finding("service", "bad", "it runs and does not answer: `hipsync service logs`, then restart it")
        else:
            process = f" (process {status['process']})" if "process" in status else ""
            trouble = clean(str(status.get("trouble") or ""), LONGEST_TROUBLE)
            said = f"it runs{process}{', with trouble: ' if trouble else ''}{trouble}"
            yield Finding("service", "look" if trouble else "fine", said)
            yield from _clock_steps(app, status.get("clock_steps"))
    elif file is not None:
        yield Finding("service", "bad", f"installed ({file}), and does not run: `hipsync service start`, then `logs`")
    else:
        starts = "`hipsync --demo run`" if app.is_practice else "`hipsync service install`, or `hipsync run`"
        yield Finding("service", "look", f"not running, so no reminders. {starts}")
    if file is not None and (why := why_install_again(app)) is not None:
        yield Finding("service file", "look", f"{why}: `hipsync service install` writes it again")


def _home(app: App) -> Iterator[Finding]:
    """What keeps Home Assistant from being told, if it was set up: by the settings, and by what a service tells."""
    try:
        mqtt = app.config().mqtt
        if not mqtt.host:
            return
        broker = broker_of(mqtt)
    except HipsyncError as error:
        yield Finding("home", "look", str(error))
        return
    if find_spec("aiomqtt") is None:
        yield Finding("home", "look", NEEDS_EXTRA.format(with_extra("mqtt")))
        return
    told: Json = None
    if running(app.database):
        with contextlib.suppress(HipsyncError):  # a service that does not answer is a finding of its own
            told = (ask(app.database, {"do": "status"}, ANSWERS_WITHIN_S) or {}).get("home")
    match told:
        case {"trouble": str(trouble)}:
            yield Finding("home", "look", clean(trouble, LONGEST_TROUBLE))
        case {"connected": True, "home_assistant": "online"}:
            yield Finding("home", "fine", f"connected to {broker.place}, Home Assistant is online")
        case {"connected": True}:
            yield Finding("home", "fine", f"connected to {broker.place}; nothing was heard of Home Assistant so far")
        case _:
            yield Finding("home", "look", f"the broker {broker.place} is set: `hipsync mqtt check` tries it")
    if broker.is_overheard:
        yield Finding("home", "look", OVERHEARD)


def _clock_steps(app: App, told: Json) -> Iterator[Finding]:
    """Yield the steps of this computer's clock that a running service has told."""
    with contextlib.suppress(HipsyncError):  # a zone that is not known is a finding of its own
        zones = app.zones(None)
        yield from (Finding("clock", "look", clock_step(step, zones)) for step in steps_from_json(told))


def _packages() -> Iterator[Finding]:
    there = find_spec("bumble") is not None
    yield Finding(
        "simulation", "fine" if there else "look", "ready" if there else f"need an extra: `{with_extra('demo')}`"
    )
