"""What an exercise that was done leaves in the database, wherever it was done: on a terminal, or on a page."""

from __future__ import annotations

from hipsync.cli.app import App


def store_exercise(app: App, name: str, *, hurt: bool) -> None:
    """Store an exercise that was done; it answers the prompt that can be answered now if that asked for it."""
    from hipsync.cli.prompts import notify_service
    from hipsync.model import Answer, Exercise
    from hipsync.service.answers import answer_prompt, open_prompt

    with app.open_store() as store:
        now = app.now()
        prompt = open_prompt(store, now)
        if prompt is not None and prompt.exercise == name:
            answer_prompt(store, prompt, Answer.HURT if hurt else Answer.DONE, now, how="guided")
        else:
            store.add_exercise(Exercise(now, name, "guided", hurt))
        notify_service(store)
