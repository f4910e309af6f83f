"""What the tables and columns of the database mean: for Datasette, and for whoever opens the file.

`hipsync db datasette` prints the texts, so they are part of what hipsync promises.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

SECONDS = "seconds since 1970-01-01 00:00 UTC"


class Meaning(NamedTuple):
    """What a table or view and its columns mean."""

    means: str
    """What the table or view means, in one line."""
    columns: Mapping[str, str]
    """What each column means, in a few words."""
    units: Mapping[str, str] = {}
    """Units of those columns that have one, as the library Pint names them."""


_BAND = "the band (bands.id)"
_AT = {"band": _BAND, "at": f"when ({SECONDS})"}

TABLES: Mapping[str, Meaning] = {
    "bands": Meaning(
        "A paired band, or the source of an import",
        {
            "id": "number",
            "name": "what its wearer calls it",
            "driver": "which driver talks to it (`hipsync drivers`)",
            "address": "Bluetooth address; none for an import and for a forgotten band",
            "advertised_name": "the name that it shows",
            "simulated": "1: made up",
            "vouches": "1: its stillness is believed; 0: only near a heart rate, or a word of its own that it is worn",
            "reports_wear": "1: it says itself when it is not worn",
            "added": f"when ({SECONDS})",
            "keeps": "length of the slots that it stores; none: it stores none, or `can` is not known",
            "can": "what it was found to do when last connected, as words; none: not known, so what its family may do",
            "arriving": "1: an import is on its way into it, or was cut off; nobody sees it",
            "identity": "by what computers know it again: its address, form and source of an import, or its first name",
        },
        {"keeps": "min"},
    ),
    "days": Meaning(
        "A day that was judged already; made from the rest, so every row may be deleted",
        {
            "start": f"begin ({SECONDS})",
            "until": f"end ({SECONDS})",
            "zone": "in which it began",
            "of": "`all` bands, or one (bands.id)",
            "judged_by": "settings, bands and program: with others it is judged anew",
            "loaded_from": f"begin of the time that was looked at ({SECONDS})",
            "loaded_until": f"its end ({SECONDS})",
            "kinds": "the kind of each minute, compressed (zlib)",
            "facts": "steps, stretches and breaks, as JSON",
        },
    ),
    "epochs": Meaning(
        "Steps of a minute or a slot",
        {
            "band": _BAND,
            "start": f"begin ({SECONDS})",
            "length": "how long",
            "steps": "counted in this time",
            "intensity": "the band's own scale; comparable within one kind of band",
            "heart_rate": "in this time, beats",
            "state": "what the band says of it (states.code)",
            "kind": "the band's own code, whole",
            "posture": "what the band says of it beside the state: sitting, standing, upright, lying",
        },
        {"length": "min", "heart_rate": "1/min"},
    ),
    "minutes": Meaning(
        "Epochs with names in place of codes",
        {
            "band": "name of the band",
            "start_utc": "begin",
            "minutes": "how long",
            "steps": "counted in this time",
            "intensity": "the band's own scale",
            "heart_rate": "in this time, beats",
            "state": "what the band says of it",
            "kind": "the band's own code, whole",
            "posture": "what the band says of it beside the state",
        },
        {"minutes": "min", "heart_rate": "1/min"},
    ),
    "states": Meaning(
        "What epochs.state means", {"code": "16 more: inferred, not sent by the band", "name": "in words"}
    ),
    "counters": Meaning("A running total of a band that is watched", {**_AT, "steps": "since the band's midnight"}),
    "wears": Meaning("The band was put on or taken off", {**_AT, "worn": "1: put on"}),
    "charges": Meaning("Battery", {**_AT, "percent": "full, in percent", "charging": "1: on its charger"}),
    "inactivities": Meaning("The band's own sit alarm", dict(_AT)),
    "workouts": Meaning(
        "A workout that the band recorded",
        {
            "band": _BAND,
            "start": f"begin ({SECONDS})",
            "until": f"end ({SECONDS})",
            "kind": "cycling, cycling_indoor, rowing, rowing_machine, running, walking, treadmill, other",
        },
    ),
    "infos": Meaning(
        "What a band says of itself", {**_AT, "firmware": "version", "hardware": "version", "serial": "number"}
    ),
    "syncs": Meaning(
        "An attempt to reach a band",
        {
            "id": "number",
            "band": _BAND,
            "started": f"begin ({SECONDS})",
            "ended": f"end ({SECONDS})",
            "epochs": "how many were new",
            "error": "why it failed; none if it went well",
        },
    ),
    "imports": Meaning(
        "A file that was imported into a band",
        {
            "id": "number",
            "band": _BAND,
            "at": f"when ({SECONDS})",
            "form": "what kind of file it was (`hipsync import --help`)",
            "source": "what measured, by its name in the file: it stays in this band whatever that is called",
            "zone": "in which its wearer lived, as asked for; none: the file says it",
            "since": f"begin of the days for which that counts ({SECONDS})",
            "until": f"their end ({SECONDS})",
        },
    ),
    "zones": Meaning(
        "Time zones of each computer",
        {
            "host": "name of the computer; empty: written before computers had names here",
            "since": f"from when on ({SECONDS})",
            "zone": "IANA name, such as Europe/Rome",
        },
    ),
    "forgotten": Meaning(
        "A band that was removed with its data, so that no import brings it back",
        {"mark": "a hash of its family and identity", "at": f"when ({SECONDS})"},
    ),
    "prompts": Meaning(
        "What was said, and what came of it",
        {
            "at": f"first shown ({SECONDS})",
            "due": f"when the limit was reached, its wearer was up, or the ride over ({SECONDS})",
            "exercise": "which was proposed",
            "sure": "1: at most one minute with steps in the hour before",
            "shown_where": "terminal, desktop, band, command, mqtt",
            "shown": "how many times",
            "last_shown": f"when ({SECONDS})",
            "answer": "done, snoozed, skipped, moved, ignored, hurt, standing; none yet",
            "answered_at": f"when ({SECONDS})",
            "snoozed_until": f"when ({SECONDS})",
            "occasion": "what it was for: sitting, morning, after-cycling (a ride or a row), warm-up",
            "sitting_minutes": "how many minutes of its stretch counted then; none for another occasion",
            "host": "name of the computer that showed it first; empty: not known",
        },
        {"sitting_minutes": "min"},
    ),
    "remarks": Meaning(
        "What was said of a band, so that it is said once",
        {"band": _BAND, "what": "battery, no data, refused", "at": f"when ({SECONDS})"},
    ),
    "labels": Meaning("What its wearer said of their posture", {"at": f"when ({SECONDS})", "says": "standing"}),
    "desks": Meaning(
        "When its user worked standing at the computer", {"at": f"begin ({SECONDS})", "until": f"end ({SECONDS})"}
    ),
    "presence": Meaning(
        "Minutes at the computer; of the others nothing is known",
        {"start": f"begin ({SECONDS})", "until": f"end ({SECONDS})", "state": "used, idle, locked"},
    ),
    "pauses": Meaning("When nothing was to be said", {"at": f"begin ({SECONDS})", "until": f"end ({SECONDS})"}),
    "plans": Meaning(
        "A walk, a run or a visit to the gym that is planned for every week",
        {
            "id": "number",
            "outing": "run, walk, gym",
            "days": "weekdays in order with commas between them, such as tue,thu",
            "clock": "when it begins, by the local clock, such as 18:00",
            "skipped": "the local date on which it is left out, such as 2026-11-20; none if it is not",
            "added": f"when, the last time ({SECONDS})",
            "removed": f"when, the last time; it holds if it was added later ({SECONDS})",
        },
    ),
    "trials": Meaning(
        "A trial of whether reminders help: by which seed is drawn which are withheld",
        {"since": f"from when on ({SECONDS})", "seed": "the seed; with the start of a stretch it decides"},
    ),
    "draws": Meaning(
        "What was drawn for a due reminder of a trial",
        {
            "start": f"begin of the stretch ({SECONDS})",
            "at": f"when it was shown, or would have been ({SECONDS})",
            "due": f"when the limit was reached ({SECONDS})",
            "withheld": "1: it was not shown",
        },
    ),
    "exercises": Meaning(
        "An exercise that was done",
        {
            "id": "number",
            "at": f"when ({SECONDS})",
            "name": "which",
            "how": "guided, prompt or manual",
            "hurt": "1: it hurt, and is not offered again",
        },
    ),
}

QUERIES: Mapping[str, tuple[str, str]] = {
    "steps_a_day": (
        "Steps a day",
        (
            "SELECT date(start, 'unixepoch', 'localtime') AS day, name AS band, sum(steps) AS steps"
            " FROM epochs JOIN bands ON id = band WHERE NOT arriving GROUP BY day, band ORDER BY day DESC"
        ),
    ),
    "answers_a_week": (
        "What came of prompts, by week",
        (
            "SELECT strftime('%Y-%W', at, 'unixepoch', 'localtime') AS week, answer, count(*) AS prompts"
            " FROM prompts GROUP BY week, answer ORDER BY week DESC"
        ),
    ),
    "not_reached": (
        "Why a band was not reached",
        (
            "SELECT datetime(started, 'unixepoch', 'localtime') AS at, name, error"
            " FROM syncs JOIN bands ON bands.id = band WHERE error IS NOT NULL ORDER BY started DESC LIMIT 20"
        ),
    ),
}
"""Ready-made queries for Datasette: the title and the SQL, by a name that can be part of an address."""


def datasette() -> Mapping[str, object]:
    """The metadata file of Datasette as a value: descriptions and units of columns, labels, and three queries."""
    tables = {
        name: {"description": table.means, "columns": dict(table.columns), "units": dict(table.units)}
        for name, table in TABLES.items()
    }
    tables["bands"]["label_column"] = "name"
    tables["states"]["label_column"] = "name"
    queries = {name: {"title": title, "sql": sql} for name, (title, sql) in QUERIES.items()}
    return {"title": "hipsync", "databases": {"hipsync": {"tables": tables, "queries": queries}}}
