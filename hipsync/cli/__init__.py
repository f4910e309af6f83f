"""The command line: each command parses its options, calls one function, and prints the result.

A command's module is imported when the command is used, so that `hipsync today` and the Tab key stay quick. The only
list of all commands is therefore the table `COMMANDS`. A command that fails prints one line on standard error;
`hipsync.cli.exits` has the code with which it ends.
"""

from __future__ import annotations

import importlib
import sys
from pathlib import Path
from typing import Any

import click

from hipsync.cli import exits, streams
from hipsync.cli.app import App
from hipsync.cli.quiet import quieten_libraries, quieten_python
from hipsync.cli.saying import complain
from hipsync.errors import HipsyncError
from hipsync.host.zone import leave_leap_seconds_out
from hipsync.text import one_line

COMMANDS = {
    "demo": "run",
    "run": "run",
    "status": "status",
    "service": "service",
    "scan": "scan",
    "pair": "pairing",
    "bands": "bands",
    "sync": "sync",
    "drivers": "drivers",
    "simulate": "simulate",
    "doctor": "doctor",
    "today": "review",
    "day": "review",
    "week": "review",
    "month": "review",
    "reminders": "prompts",
    "done": "prompts",
    "snooze": "prompts",
    "skip": "prompts",
    "standing": "prompts",
    "desk": "desk",
    "pause": "prompts",
    "resume": "prompts",
    "exercise": "exercise",
    "plan": "plans",
    "trial": "trial",
    "why": "why",
    "import": "importing",
    "export": "exporting",
    "db": "db",
    "config": "config",
    "mqtt": "mqtt",
    "fleet": "fleet",
    "gateway": "gateway",
    "web": "web",
    "live": "live",
}
"""The module of this package that defines each command, by the command's name."""

GROUPS = {
    "Your day": ("live", "today", "day", "week", "month", "status", "web", "why", "trial"),
    "Reminders": (
        "done", "snooze", "skip", "standing", "pause", "resume", "reminders", "exercise", "plan", "desk",
    ),
    "Bands": ("pair", "scan", "bands", "sync", "drivers", "simulate", "demo"),
    "Data": ("import", "export", "db"),
    "Service": ("run", "service", "doctor", "mqtt", "fleet", "gateway", "config"),
}  # fmt: skip
"""The commands as `hipsync --help` groups them."""

OTHER_NAMES = {"prompts": "reminders"}
"""Names that commands had first, which scripts use."""

LOG_NOTHING = frozenset({"today", "day", "week", "month", "status"})
"""The commands that run no library which logs, and so need not import logging."""

CHECK_FIRST = frozenset(
    {
        "live", "today", "day", "week", "month", "status", "bands", "reminders", "exercise", "plan", "export", "web",
        "trial", "why",
    }
)  # fmt: skip
"""The commands that show what the database holds. Before them it is checked if that is due (`hipsync.store.checked`),
and after them it is told if anything was found."""


class Commands(click.Group):
    """A group of commands that imports each on demand, and ends a failed one with one line and an exit code."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002  click's signature
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002
        name = OTHER_NAMES.get(cmd_name, cmd_name)
        if (module := COMMANDS.get(name)) is None:
            return None
        found = getattr(importlib.import_module(f"hipsync.cli.{module}"), f"{name}_command")
        if not isinstance(found, click.Command):
            return None
        name_variables(found, f"HIPSYNC_{cmd_name.upper()}")
        return found

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the commands in groups."""
        room = formatter.width - 6 - max(map(len, COMMANDS))
        for title, names in GROUPS.items():
            commands = ((name, self.get_command(ctx, name)) for name in names)
            with formatter.section(title):
                formatter.write_dl([(name, found.get_short_help_str(room)) for name, found in commands if found])

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Find the command as click does; an unknown one is told with the command that is most like it."""
        if args and not args[0].startswith("-") and self.get_command(ctx, args[0]) is None:
            from difflib import get_close_matches

            close = get_close_matches(args[0], list(COMMANDS), 1)
            meant = f"Did you mean `{close[0]}`?" if close else "`hipsync --help` lists them."
            ctx.fail(f"No command {one_line(args[0])!r}. {meant}")
        return super().resolve_command(ctx, args)

    def make_context(self, *args: Any, **kwargs: Any) -> click.Context:
        try:
            return super().make_context(*args, **kwargs)
        except KeyboardInterrupt:
            sys.exit(exits.INTERRUPTED)

    def main(self, *args: Any, **extra: Any) -> Any:
        """Run as click does; but output that cannot be written, also of `--help`, is one line and no traceback."""
        try:
            found = super().main(*args, **extra)
        except SystemExit:
            streams.flush()
            raise
        except OSError as error:
            streams.end_unwritten(error)
        streams.flush()
        return found

    def invoke(self, ctx: click.Context) -> object:
        try:
            return self._invoked(ctx)
        except KeyboardInterrupt:  # pressed again, while the first time was dealt with
            ctx.exit(exits.INTERRUPTED)

    def _invoked(self, ctx: click.Context) -> object:
        try:
            returned = super().invoke(ctx)
        except click.exceptions.Exit as done:
            ctx.exit(_told(ctx, done.exit_code))
        except HipsyncError as error:
            if ctx.obj is not None and ctx.obj.verbose:
                import traceback

                traceback.print_exception(error)
            complain(one_line(str(error)))
            ctx.exit(exits.code_of(error))
        except KeyboardInterrupt:
            click.echo(err=True)
            ctx.exit(exits.INTERRUPTED)
        except click.Abort as abort:
            if isinstance(abort.__context__, KeyboardInterrupt):  # Ctrl-C while click waits for an answer
                click.echo(err=True)
                ctx.exit(exits.INTERRUPTED)
            raise
        except Exception as error:
            if not _is_interrupt(error):
                raise
            click.echo(err=True)
            ctx.exit(exits.INTERRUPTED)
        if code := _told(ctx, 0):
            ctx.exit(code)
        return returned


def _is_interrupt(error: BaseException) -> bool:
    """Whether Ctrl-C caused an error: Python and libraries make others of it, such as inside the body of a class."""
    cause = error.__cause__ or error.__context__
    return isinstance(error, KeyboardInterrupt) or (cause is not None and _is_interrupt(cause))


def _told(ctx: click.Context, code: int) -> int:
    """Say what the last check of the database found, if anything; return the exit code of a command that had `code`."""
    app: App | None = ctx.obj
    if app is None or (line := app.damage_told()) is None:
        return code
    complain(line)
    return exits.FAILED if app.checked is not None and app.checked.damage else code


def name_variables(command: click.Command, prefix: str) -> None:
    """Let each option be given as an environment variable, too: `today --json` as HIPSYNC_TODAY_JSON.

    The variable is named after the option; click would name it after the function's parameter.
    """
    for option in command.params:
        if isinstance(option, click.Option):
            longest = max(option.opts, key=len)
            option.envvar = f"{prefix}_{longest.lstrip('-').replace('-', '_').upper()}"
    if isinstance(command, click.Group):
        for name, inner in command.commands.items():
            name_variables(inner, f"{prefix}_{name.upper()}")


@click.command(
    cls=Commands,
    invoke_without_command=True,
    context_settings={"help_option_names": ["-h", "--help"], "auto_envvar_prefix": "HIPSYNC", "max_content_width": 100},
)
@click.option("--db", type=click.Path(path_type=Path), help="The database (see `hipsync db path`).")
@click.option("--demo", is_flag=True, help="The database of practice bands (`pair --simulate`).")
@click.option("--config", type=click.Path(path_type=Path), help="The file of settings.")
@click.option("-v", "--verbose", is_flag=True, help="Log what happens; show tracebacks.")
@click.option("--no-color", is_flag=True, help="No colours; NO_COLOR is honoured too.")
@click.version_option(package_name="hipsync")
@click.pass_context
def hipsync(
    ctx: click.Context, db: Path | None, demo: bool, config: Path | None, verbose: bool, no_color: bool
) -> None:
    """Steps and stillness from fitness bands, and a hip exercise after an hour of sitting.

    \b
    hipsync               one screen that stays, or three ways to begin
    hipsync demo          a simulated band lives through a day; no hardware needed
    hipsync pair          choose a band and fetch what it remembers
    hipsync today         how much did I sit, and did I get up?
    hipsync run           watch, and remind you when an hour of sitting is full

    Not medical advice: stop an exercise if it hurts.
    """
    app = ctx.obj = ctx.obj or App()
    app.db_path, app.config_path, app.verbose = db, config, verbose
    if demo:
        if db is not None:
            raise click.UsageError("--demo names a database of its own: leave out --db")
        app.practise()
    app.colour = app.colour and not no_color
    ctx.color = None if app.colour else False
    if app.own_process and ctx.invoked_subcommand not in LOG_NOTHING:
        quieten_libraries()
    if verbose:
        from hipsync.cli.logs import log_everything

        log_everything()
    if ctx.invoked_subcommand in CHECK_FIRST:
        app.look_after_database()
    if ctx.invoked_subcommand is None:
        from hipsync.cli.bare import bare

        bare(ctx, app)


def main() -> None:
    """Run the console script.

    Ctrl-C ends it with `exits.INTERRUPTED` at any instant, and what Python and libraries would print then is not shown.
    """
    try:
        quieten_python()
        streams.prepare()
        leave_leap_seconds_out()
        hipsync(obj=App(own_process=True))
    except KeyboardInterrupt:
        sys.exit(exits.INTERRUPTED)
    finally:
        if (signal := sys.modules.get("signal")) is not None:  # all that takes long has imported it
            signal.signal(signal.SIGINT, signal.SIG_IGN)  # what is left to do is Python's own, and takes a moment
