"""`config`: show the settings, and change them.

The rule: a file that would be wrong is not written. A change is written beside the file, read as the service would read
it, and only then put in the file's place.
"""

from __future__ import annotations

import sys
from collections.abc import MutableMapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, cast

import click

from hipsync.cli.app import App
from hipsync.cli.saying import complain, say
from hipsync.errors import ConfigError, HipsyncError
from hipsync.private import replacing
from hipsync.text import one_line

if TYPE_CHECKING:
    from tomlkit import TOMLDocument


@click.group("config")
def config_command() -> None:
    """Show and change settings.

    \b
    hipsync config show
    hipsync config set sitting.limit 45m
    hipsync config edit
    """


@config_command.command("path")
@click.pass_obj
def config_path_command(app: App) -> None:
    """Say where the file of settings is, or would be.

    \b
    hipsync config path
    """
    click.echo(app.settings_file)


@config_command.command("show")
@click.pass_obj
def config_show_command(app: App) -> None:
    """Show every setting that holds now, as TOML.

    \b
    hipsync config show
    """
    from hipsync.settings.file import as_toml

    click.echo(as_toml(app.config()), nl=False)


@config_command.command("set")
@click.argument("key")
@click.argument("value")
@click.pass_obj
def config_set_command(app: App, key: str, value: str) -> None:
    """Change one setting; comments in the file stay.

    \b
    hipsync config set sitting.limit 45m
    hipsync config set prompts.hours.sat-sun "10:00-20:00"
    hipsync config set day.start 04:00
    hipsync config set exercises.set '["seated"]'
    hipsync config set prompts.stronger false
    """
    change_setting(app, key, value)
    say(f"{key} is {value} now ({app.settings_file}).")


def change_setting(app: App, key: str, value: str) -> None:
    """Write one setting into the file, and let a running service read it. `value` is as `config set` takes it.

    Raises `ConfigError` if there is no such setting or it does not take that; then the file is as it was.
    """
    import tomlkit

    *tables, last = key.split(".")
    if not tables or not all([*tables, last]):
        raise ConfigError(f"{key!r} names no setting: say table and key, as in sitting.limit")
    document = _document(app)
    place: MutableMapping[str, object] = document
    for table in tables:
        inner = place.setdefault(table, tomlkit.table())
        if not isinstance(inner, MutableMapping):
            raise ConfigError(f"{key!r} names no setting: {table} is a value, not a table")
        place = cast("MutableMapping[str, object]", inner)
    place[last] = _value([*tables, last], value)
    _write(app, tomlkit.dumps(document))


@config_command.command("edit")
@click.pass_obj
def config_edit_command(app: App) -> None:
    """Open the settings in your editor.

    Wrong ones are named, and not kept.

    \b
    hipsync config edit
    EDITOR=nano hipsync config edit
    """
    from hipsync.settings.config import Config
    from hipsync.settings.file import as_toml

    file = app.settings_file
    text = _text(file) if file.exists() else _commented(as_toml(Config()))
    changed = text
    while True:
        edited = click.edit(changed, extension=".toml")
        if edited is None or edited == text:
            say("Nothing was changed.")
            return
        changed = edited
        try:
            _write(app, changed)
        except ConfigError as error:
            if not sys.stdin.isatty():
                raise
            complain(one_line(str(error)))
            if not click.confirm("Edit again?", default=True):
                return
        else:
            say(f"The settings are in {file}.")
            return


def _document(app: App) -> TOMLDocument:
    """Return the file as a document, comments and all. Raises `ConfigError` if it is wrong already."""
    import tomlkit

    if not app.settings_file.exists():
        return tomlkit.document()
    app.config()
    return tomlkit.parse(_text(app.settings_file))


def _text(file: Path) -> str:
    try:
        return file.read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"{file} cannot be read: {error}") from error


def _value(path: Sequence[str], text: str) -> object:
    """Return what `text` means as the value of the setting at `path`, whose readers decide in a doubt.

    It is read as TOML. If it is none, or the setting does not take that and takes the text itself, it is the text:
    `45m` needs no quotes here, nor do 04:00, a telephone number and a name such as 2026-11-20.
    """
    import tomllib

    import tomlkit
    from tomlkit.exceptions import TOMLKitError

    from hipsync.settings.file import takes

    try:
        plain = tomllib.loads(f"value = {text}")["value"]  # tomlkit knows more of TOML than the reader of the file
        item = tomlkit.value(text)
    except (TOMLKitError, ValueError, RecursionError):
        return text
    return text if not takes(path, plain) and takes(path, text) else item


def _commented(text: str) -> str:
    """Return the defaults as a file in which every setting is commented out."""
    return "# The defaults. Take away a # to change one.\n" + "".join(
        line if line.startswith("[") or not line.strip() else f"# {line}" for line in text.splitlines(keepends=True)
    )


def _write(app: App, text: str) -> None:
    """Write the settings if they are right, and let a running service read them.

    Raises `ConfigError`, after which the file is as it was.
    """
    from hipsync.service.control_client import ask
    from hipsync.settings.file import load

    file = app.settings_file.resolve()  # the file may be a link into a folder of dotfiles
    try:
        file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        with replacing(file) as fresh:
            fresh.write_text(text, encoding="utf-8")
            try:
                load(fresh)
            except ConfigError as error:
                why = str(error).removeprefix(f"{fresh}: ").removeprefix(f"{fresh} ")
                raise ConfigError(f"{why}; nothing was changed") from error
    except UnicodeEncodeError as error:
        raise ConfigError("the value holds bytes that are no text: nothing was changed") from error
    except OSError as error:
        raise ConfigError(f"{file} cannot be written: {error.strerror}; name another with --config") from error
    try:
        ask(app.database, {"do": "reload"}, within_s=2.0)
    except HipsyncError as error:
        complain(one_line(f"the service that runs did not take it: {error}"))
