"""`reminders` lists the prompts; `done`, `snooze`, `skip`, `standing` answer one; `pause` and `resume` stop and go on.

A command writes an answer or a pause into the database, and then lets a running service look there. So it works the
same with and without a service.
"""

from __future__ import annotations

import contextlib
import re
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

import click

from hipsync.cli.app import App
from hipsync.cli.saying import say, tell_json, tell_rows
from hipsync.errors import ConfigError
from hipsync.instants import latest
from hipsync.model import Answer, Pause, Prompt
from hipsync.report.exercise_words import exercise_name, short_exercise_name
from hipsync.text import clean

if TYPE_CHECKING:
    from hipsync.core.days import Zones
    from hipsync.store import Store

NO_OPEN_REMINDER = "there is no open reminder: `hipsync exercise` starts one anyway"


@click.command("reminders")
@click.option("--since", metavar="DATE", default="-7", show_default=True, help="From which day on.")
@click.option("--json", "as_json", is_flag=True, help="For programs.")
@click.pass_obj
def reminders_command(app: App, since: str, as_json: bool) -> None:
    """List past reminders and your answers.

    \b
    hipsync reminders
    hipsync reminders --since mon --json
    """
    from hipsync.cli.dates import day_of
    from hipsync.report.day_words import OCCASIONS, came_of
    from hipsync.report.json_csv import prompt_json

    now, found = app.now(), list[Prompt]()
    with contextlib.ExitStack() as stack:
        store = app.read_store()
        if store is not None:
            stack.enter_context(store)
        zones = app.zones(store)
        start = zones.day(day_of(since, zones.date_of(now))).start
        if store is not None:
            found = store.prompts(start, latest(now) + timedelta(seconds=1))
    if as_json:
        listed = [prompt_json(prompt, zones.at(prompt.at)) for prompt in found]
        tell_json({"version": 1, "prompts": listed})
        return
    rows: list[Sequence[str]] = []
    for prompt in found:
        up_at = prompt.answered_at if prompt.answer is Answer.MOVED else None
        came = came_of(prompt, up_at, lambda at: f"{zones.local(at):%H:%M}")
        occasion = f"{OCCASIONS[prompt.occasion]}: " if prompt.occasion in OCCASIONS else ""
        times = " (shown twice)" if prompt.shown > 1 else ""
        name, where = short_exercise_name(prompt.exercise), ", ".join(prompt.where) or "nowhere"
        rows.append(
            (f"{_day(zones.local(prompt.at))} {zones.local(prompt.at):%H:%M}", name, where, f"{occasion}{came}{times}")
        )
    tell_rows(rows)
    if not found:
        say(f"No reminders since {_day(zones.local(start))}.")


def _day(at: datetime) -> str:
    """A day as people read it: "Mon 2 Mar 2026"."""
    return f"{at:%a} {at.day} {at:%b %Y}"


@click.command("done")
@click.option("--hurt", is_flag=True, help="It hurt: hipsync won't suggest this exercise again.")
@click.pass_obj
def done_command(app: App, hurt: bool) -> None:
    """Mark the open reminder as done.

    \b
    hipsync done
    hipsync done --hurt       hipsync won't suggest it again
    """
    say(answered(app, Answer.HURT if hurt else Answer.DONE))


@click.command("snooze", context_settings={"ignore_unknown_options": True})
@click.argument("length", required=False, metavar="[10m]")
@click.pass_obj
def snooze_command(app: App, length: str | None) -> None:
    """Remind me again in 10 minutes, if I still sit then.

    \b
    hipsync snooze
    hipsync snooze 20m
    """
    from hipsync.settings.values import minutes_of

    say(answered(app, Answer.SNOOZED, None if length is None else timedelta(minutes=minutes_of(length))))


@click.command("skip")
@click.pass_obj
def skip_command(app: App) -> None:
    """Dismiss the open reminder.

    \b
    hipsync skip
    """
    say(answered(app, Answer.SKIPPED))


@click.command("standing")
@click.pass_obj
def standing_command(app: App) -> None:
    """Say that you were standing when the reminder came.

    \b
    hipsync standing

    The next reminder comes an hour after this minute at the earliest. No minute of the day changes.
    """
    say(answered(app, Answer.STANDING))


@click.command("pause")
@click.argument("words", nargs=-1, metavar="[1h | until 14:00 | until tomorrow]")
@click.pass_obj
def pause_command(app: App, words: tuple[str, ...]) -> None:
    """No reminders for a while: an hour, or as long as you say. A pause ends by itself.

    \b
    hipsync pause
    hipsync pause 2h30m
    hipsync pause until 14:00
    hipsync pause until tomorrow

    If a reminder fell into the pause and you still sit at its end, it comes then.
    """
    say(paused(app, words))


@click.command("resume")
@click.pass_obj
def resume_command(app: App) -> None:
    """End a pause.

    \b
    hipsync resume
    """
    say(resumed(app))


def answered(app: App, answer: Answer, snooze: timedelta | None = None) -> str:
    """Answer the open reminder, and return what came of it, in a line or two.

    `snooze` is None for as long as the settings say. Raises `ConfigError` if no reminder is open.
    """
    from hipsync.service.answers import answer_prompt

    with app.existing_store(to_write=True) as store:
        now = app.now()
        open_one = _standing(store, now)
        prompt = answer_prompt(store, open_one, answer, now, app.config().snooze if snooze is None else snooze)
        until = app.zones(store).local(prompt.snoozed_until or now)
        notify_service(store)
    match answer:
        case Answer.SNOOZED:
            return f"Snoozed until {until:%H:%M}."
        case Answer.SKIPPED:
            return "Skipped. The next reminder comes after your next break."
        case Answer.STANDING:
            return "Saved: you were standing. The hour until the next reminder starts again."
        case Answer.HURT:
            return advice_after_pain(app, exercise_name(prompt))
        case _:
            return f"Saved: {exercise_name(prompt)}."


def advice_after_pain(app: App, exercise: str) -> str:
    """That an exercise that hurt is not suggested again, and whom to talk to about it."""
    config = app.config()
    therapist = (config.therapist_name, config.therapist_phone, config.therapist_url)
    contact = ", ".join(clean(part, 200) for part in therapist if part)
    whom = f"your therapist: {contact}" if contact else "a physiotherapist or osteopath"
    return (
        f"Sorry to hear that. hipsync won't suggest {exercise} until you choose it yourself.\n"
        f"If it doesn't ease, talk to {whom}."
    )


def paused(app: App, words: Sequence[str]) -> str:
    """Pause reminders for as long as the words say, and return until when, in a line. Raises `ConfigError`."""
    with app.existing_store(to_write=True) as store:
        now, zones = app.now(), app.zones(store)
        until = pause_end(words, now, zones)
        store.add_pause(Pause(now, until))
        notify_service(store)
        local = zones.local(until)
    day = "" if local.date() == zones.local(now).date() else f"{local:%a %d %b} "
    return f"Paused until {day}{local:%H:%M}. `hipsync resume` ends it."


def resumed(app: App) -> str:
    """End a pause, and return that, in a line."""
    from hipsync.service.answers import resume_prompts

    with app.existing_store(to_write=True) as store:
        if not resume_prompts(store, app.now()):
            return "There is no pause."
        notify_service(store)
    return "Reminders come again."


def pause_end(words: Sequence[str], now: datetime, zones: Zones) -> datetime:
    """Return when a pause that begins now ends, by words such as `2h30m` or `until 14:00`; no words mean an hour.

    A time of day is local, and means the next such time after now. Raises `ConfigError`.
    """
    from hipsync.service.answers import LONGEST_PAUSE, USUAL_PAUSE

    match [word.lower() for word in words]:
        case []:
            return now + USUAL_PAUSE
        case ["until", "tomorrow"]:
            return zones.day(zones.date_of(now) + timedelta(days=1)).start
        case ["until", clock] if found := re.fullmatch(r"([01]?[0-9]|2[0-3]):([0-5][0-9])", clock):
            local = zones.local(now)
            end = local.replace(hour=int(found[1]), minute=int(found[2]), second=0, microsecond=0, fold=0)
            later = end if end > local else end + timedelta(days=1)
            return later.astimezone(now.tzinfo)
        case [length]:
            from hipsync.settings.values import minutes_of

            try:
                return now + min(timedelta(minutes=minutes_of(length)), LONGEST_PAUSE)
            except ConfigError as error:
                raise _no_end(words) from error
        case _:
            raise _no_end(words)


def _no_end(words: Sequence[str]) -> ConfigError:
    text = " ".join(words)
    return ConfigError(f"{text!r} is not a time: use 1h30m, until 14:00, or until tomorrow")


def _standing(store: Store, now: datetime) -> Prompt:
    """Return the prompt that can be answered now. Raises `ConfigError` if there is none."""
    from hipsync.service.answers import open_prompt

    prompt = open_prompt(store, now)
    if prompt is None:
        raise ConfigError(NO_OPEN_REMINDER)
    return prompt


def notify_service(store: Store) -> None:
    """Have a running service read at once what was written into the store. Without one, nothing happens."""
    from hipsync.service.control_client import look

    if store.path is not None:
        look(store.path)
