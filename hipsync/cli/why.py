"""`why`: show all that hipsync has learned of how reminders are followed, and what follows from it."""

from __future__ import annotations

import contextlib

import click

from hipsync.cli.app import App
from hipsync.cli.saying import say, tell_json
from hipsync.core.followed import Learned
from hipsync.core.shares import Share


@click.command("why")
@click.option("--json", "as_json", is_flag=True, help="For programs.")
@click.pass_obj
def why_command(app: App, as_json: bool) -> None:
    """What hipsync learned from your reminders.

    It shows every number, and what follows from it.

    \b
    hipsync why
    hipsync config set prompts.adapt false      nothing follows from it any more
    """
    from hipsync.history.learned import learned_by
    from hipsync.report.json_csv import learned_json
    from hipsync.report.terminal_learned import learned_lines

    known, config = Learned({}, Share(0, 0)), app.config()
    with contextlib.ExitStack() as stack:
        store = app.read_store(to_write=True)
        if store is not None:
            stack.enter_context(store)
            known = learned_by(store, config.rule, app.zones(store), app.now())
    if as_json:
        tell_json({"version": 1, "adapts": config.adapt, **learned_json(known)})
        return
    say("\n".join(learned_lines(known, adapts=config.adapt)))
