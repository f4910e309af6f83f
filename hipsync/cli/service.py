"""`service`: let the system start `hipsync run` when the user logs in, and control it with the system's own tools.

What is in the service file, and where the file is, is decided by `hipsync.host.autostart`.
"""

from __future__ import annotations

import contextlib
import logging
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from hipsync.cli import exits
from hipsync.cli.app import App, host_zone
from hipsync.cli.saying import say
from hipsync.errors import ConfigError, Refused
from hipsync.model import Desk
from hipsync.private import replacing

if TYPE_CHECKING:
    from hipsync.host.autostart import Place


log = logging.getLogger(__name__)


@click.group("service")
def service_command() -> None:
    """Start hipsync when you log in.

    \b
    hipsync service install
    hipsync service status
    hipsync service logs
    hipsync service uninstall
    """


@service_command.command("install")
@click.option("--print", "shown", is_flag=True, help="Show the file; write and start nothing.")
@click.pass_obj
def install_command(app: App, shown: bool) -> None:
    """Write the service file and start the service.

    \b
    hipsync service install
    hipsync service install --print
    """
    if shown:
        click.echo(_place(app).text, nl=False)
        return
    for line in install(app):
        say(line)


def install(app: App) -> Sequence[str]:
    """Write the service file and start the service; return what is said then. Raises `HipsyncError`."""
    from hipsync.service.presence import ABOUT

    place = _place(app)
    with app.paired_store() as store:  # without a band, the service would end at once
        known = store.has_presence()
    config = app.config()
    host_zone()
    _refuse_a_second(app)
    _install(place)
    said = [f"The service runs, and starts when you log in: {place.path}"]
    if config.rule.desk is not Desk.OFF and not known:
        said.append(f"{ABOUT[0].upper()}{ABOUT[1:]}.")
    if sys.platform == "linux":
        said.append("Its log: `hipsync service logs`.")
        if (name := _user()) and _lingering(name) is False:
            said.append(f"It ends when you log out. To let it run on: loginctl enable-linger {name}")
    else:
        said.append("On this system nobody has tried this yet: please open an issue and say how it went.")
    return said


@service_command.command("uninstall")
@click.pass_obj
def uninstall_command(app: App) -> None:
    """Stop the service and remove its file; your data stay.

    \b
    hipsync service uninstall
    """
    place = _place(app)
    if not place.path.exists():
        say("The service is not installed.")
        return
    for command in place.stop:
        _run(command)
    place.path.unlink()
    if sys.platform == "linux":
        _run(("systemctl", "--user", "daemon-reload"))
    say(f"The service is gone. Your data stay: {app.database}")


@service_command.command("start")
@click.pass_obj
def start_command(app: App) -> None:
    """Start the installed service.

    \b
    hipsync service start
    """
    _run(_ctl(app, "start"))


@service_command.command("stop")
@click.pass_obj
def stop_command(app: App) -> None:
    """Stop the service until the next log-in.

    \b
    hipsync service stop
    """
    _run(_ctl(app, "stop"))


@service_command.command("status")
@click.pass_context
def status_command(ctx: click.Context) -> None:
    """Show the service as the system sees it.

    `hipsync status` says what hipsync itself does.

    \b
    hipsync service status
    """
    ctx.exit(exits.NO_SERVICE if _shown([*_ctl(ctx.obj, "status"), "--no-pager"]) else 0)


@service_command.command("logs")
@click.option("-n", "lines", default=50, show_default=True, help="How many lines.")
@click.option("-f", "--follow", is_flag=True, help="Go on as they come.")
@click.pass_context
def logs_command(ctx: click.Context, lines: int, follow: bool) -> None:
    """Show what the service logged.

    \b
    hipsync service logs
    hipsync service logs -n 200 -f
    """
    _ctl(ctx.obj, "status")
    ctx.exit(
        _shown(["journalctl", "--user", "-u", "hipsync", "-n", str(lines), *(["-f"] if follow else ["--no-pager"])])
    )


def _place(app: App) -> Place:
    """Return where this system wants the service file, and the text of one that starts hipsync with these options."""
    from hipsync.host.autostart import executable, here

    command = [str(executable())]
    if app.db_path is not None:
        command += ["--db", str(app.db_path.absolute())]
    if app.config_path is not None:
        command += ["--config", str(app.config_path.absolute())]
    try:
        config = app.config()
    except ConfigError:  # settings that cannot be read ask for nothing
        return here([*command, "run"])
    asks_activitywatch = config.activitywatch and config.rule.desk is not Desk.OFF
    return here([*command, "run"], loopback=asks_activitywatch, network=bool(config.mqtt.host or config.proxies))


def _refuse_a_second(app: App) -> None:
    """Raise `Refused` if `hipsync run` runs on the database already, and is not the installed service."""
    from hipsync.host.autostart import installed
    from hipsync.host.lock import running

    if installed() is None and running(app.database):
        raise Refused("hipsync runs already, in a terminal: end that first; nothing was installed", exits.NO_SERVICE)


def _install(place: Place) -> None:
    """Write a service file and run what starts the service. Raises `Refused`, after which all is as it was before."""
    before = place.path.read_text() if place.path.exists() else None
    made = [folder for folder in place.path.parents if not folder.exists()]
    try:
        place.path.parent.mkdir(parents=True, exist_ok=True)
        _write(place.path, place.text)
    except OSError as error:
        why = f"{place.path} cannot be written: {error.strerror}; nothing was installed"
        raise Refused(why, exits.NO_SERVICE) from error
    try:
        for command in place.start:
            _run(command)
    except Refused as error:
        for command in place.stop if before is None else ():
            with contextlib.suppress(Refused):
                _run(command)
        if before is None:
            place.path.unlink(missing_ok=True)
            for folder in made:
                with contextlib.suppress(OSError):
                    folder.rmdir()
        else:
            _write(place.path, before)
        for command in place.start[:1] if before is None else place.start:
            with contextlib.suppress(Refused):
                _run(command)
        was = "nothing was installed" if before is None else "the file that was there is back"
        raise Refused(f"{error}; {was}", error.code) from error


def _write(path: Path, text: str) -> None:
    """Write a file that is its owner's alone, whatever the umask: whoever could write it could start a program."""
    with replacing(path) as fresh:
        fresh.write_text(text, encoding="utf-8")


def why_install_again(app: App) -> str | None:
    """Return why the installed service file should be written again, or None if it is what this hipsync writes."""
    from hipsync.host.autostart import differs

    try:
        place = _place(app)
        text = place.path.read_text()
    except (OSError, UnicodeDecodeError, ConfigError):
        return None
    return f"{place.path} is not what this version installs" if differs(text, place.text) else None


def _ctl(app: App, verb: str) -> Sequence[str]:
    """Return a command of systemctl for the installed service.

    Raises `Refused` if the service is not installed, and `ConfigError` on a system without systemctl.
    """
    place = _place(app)
    if not place.path.exists():
        raise Refused("the service is not installed: `hipsync service install`", exits.NO_SERVICE)
    if sys.platform != "linux":
        raise ConfigError(f"on this system use its own tools for this: the service's file is {place.path}")
    return ("systemctl", "--user", verb, "hipsync.service")


def _run(command: Sequence[str]) -> None:
    """Run a command and hide its output. Raises `Refused` if it fails; what it printed is logged for `-v`."""
    words = " ".join(command)
    if shutil.which(command[0]) is None:
        raise Refused(f"there is no {command[0]} here: start `hipsync run` by other means", exits.NO_SERVICE)
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=_untranslated())  # noqa: S603  our own words
    if done.returncode == 0:
        return
    said = (done.stderr or done.stdout).strip()
    log.debug("`%s` printed: %s", words, said)
    if command[0] == "systemctl" and re.search("connect to (?:user scope )?bus|No medium found|not been booted", said):
        raise Refused(
            "no systemd answers for this user here, as in a container, or after `su` or `sudo`: log in as yourself, or "
            "start `hipsync run` by other means",
            exits.NO_SERVICE,
        )
    if command[-2:-1] in {("start",), ("restart",)}:
        why = "the service did not start: `hipsync run` in a terminal says why"
        raise Refused(why, exits.NO_SERVICE)
    raise Refused(f"`{words}` failed (exit code {done.returncode}): with -v, hipsync says more", exits.NO_SERVICE)


def _untranslated() -> dict[str, str]:
    return {**os.environ, "LC_ALL": "C"}


def _shown(command: Sequence[str]) -> int:
    """Run a command whose output goes to this terminal; return its exit code. Raises `Refused` if it is missing."""
    if shutil.which(command[0]) is None:
        raise Refused(f"there is no {command[0]} here", exits.NO_SERVICE)
    return subprocess.run(command, check=False).returncode  # noqa: S603  our own words


def _user() -> str:
    """Return the name of the user, or an empty string if the system has none."""
    import getpass

    try:
        return getpass.getuser()
    except (OSError, KeyError):
        return ""


def _lingering(user: str) -> bool | None:
    """Whether systemd lets a user's services run while the user is logged out; None if that is unknown."""
    try:
        return (Path("/var/lib/systemd/linger") / user).exists() if Path("/run/systemd/system").exists() else None
    except OSError:
        return None
