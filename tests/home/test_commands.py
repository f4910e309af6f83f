"""What the home asks for is done only if it is whole, known, fresh and no flood; everything else has a reason."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hipsync.home.commands import MOST_A_MINUTE, Command, Do, Dropped, Gate, command_of

NOW = datetime(2026, 3, 2, 12, tzinfo=UTC)
NOW_S = 1772452800


def judged(text: str | bytes, *, retained: bool = False) -> Command | Dropped:
    return command_of(text.encode() if isinstance(text, str) else text, NOW, retained=retained)


@pytest.mark.parametrize("word", ["done", "snooze", "skip", "hurt", "pause", "resume", "check"])
def test_a_press_in_home_assistant_is_a_command(word: str) -> None:
    """The text is what its template made in the trial: {"do":"done","at":1795931808}."""
    found = judged(f'{{"do":"{word}","at":{NOW_S}}}')
    assert found == Command(Do(word), NOW)


def test_a_pause_may_say_how_long() -> None:
    assert judged(f'{{"do":"pause","at":{NOW_S - 5},"minutes":90}}') == Command(
        Do.PAUSE, NOW - timedelta(seconds=5), 90
    )
    assert judged(f'{{"do":"pause","at":{NOW_S}.5,"minutes":null}}') == Command(Do.PAUSE, NOW + timedelta(seconds=0.5))


@pytest.mark.parametrize(
    ("text", "why"),
    [
        (f'{{"do":"done","at":{NOW_S - 601}}}', Dropped.OLD),
        (f'{{"do":"done","at":{NOW_S + 301}}}', Dropped.FUTURE),
        ('{"do":"done","at":0}', Dropped.OLD),
        ('{"do":"done","at":-1e300}', Dropped.OLD),
        (f'{{"do":"done","at":{"9" * 400}}}', Dropped.FUTURE),
        ('{"do":"done","at":1e999}', Dropped.FUTURE),
        ('{"do":"done","at":NaN}', Dropped.NO_TIME),
        ('{"do":"done","at":"now"}', Dropped.NO_TIME),
        ('{"do":"done","at":true}', Dropped.NO_TIME),
        ('{"do":"done","at":null}', Dropped.NO_TIME),
        ('{"do":"done"}', Dropped.NO_COMMAND),
        (f'{{"at":{NOW_S}}}', Dropped.NO_COMMAND),
        ('["do","at"]', Dropped.NO_COMMAND),
        ('"done"', Dropped.NO_COMMAND),
        ("done", Dropped.NOT_JSON),
        ("", Dropped.NOT_JSON),
        (b"\xff\xfe\x00", Dropped.NOT_JSON),
        ("[" * 900, Dropped.NOT_JSON),
        (f'{{"do":"rm -rf","at":{NOW_S}}}', Dropped.UNKNOWN),
        (f'{{"do":["done"],"at":{NOW_S}}}', Dropped.UNKNOWN),
        (f'{{"do":"DONE","at":{NOW_S}}}', Dropped.UNKNOWN),
        (f'{{"do":"pause","at":{NOW_S},"minutes":0}}', Dropped.MINUTES),
        (f'{{"do":"pause","at":{NOW_S},"minutes":10081}}', Dropped.MINUTES),
        (f'{{"do":"pause","at":{NOW_S},"minutes":true}}', Dropped.MINUTES),
        (f'{{"do":"pause","at":{NOW_S},"minutes":"90"}}', Dropped.MINUTES),
        (f'{{"do":"done","at":{NOW_S},"more":"{"x" * 1000}"}}', Dropped.LONG),
    ],
    ids=lambda value: str(value)[:40],
)  # fmt: skip
def test_what_is_no_command_is_dropped_for_its_reason(text: str | bytes, why: Dropped) -> None:
    assert judged(text) is why


def test_the_bounds_are_ten_minutes_five_minutes_and_a_thousand_bytes() -> None:
    assert isinstance(judged(f'{{"do":"done","at":{NOW_S - 600}}}'), Command)
    assert isinstance(judged(f'{{"do":"done","at":{NOW_S + 300}}}'), Command)
    body = f'{{"do":"done","at":{NOW_S}}}'
    assert isinstance(judged(body + " " * (1000 - len(body))), Command)
    assert judged(body + " " * (1001 - len(body))) is Dropped.LONG


def test_what_the_broker_kept_is_dropped_however_fresh_it_is() -> None:
    assert judged(f'{{"do":"done","at":{NOW_S}}}', retained=True) is Dropped.RETAINED


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["do", "at", "minutes", "x"]), inner),
    max_leaves=6,
)


@given(st.binary(max_size=1200) | JSON.map(lambda value: json.dumps(value).encode()))
def test_no_bytes_raise_anything(payload: bytes) -> None:
    assert isinstance(command_of(payload, NOW, retained=False), Command | Dropped)


@given(st.integers(NOW_S - 600, NOW_S + 300), st.sampled_from(Do), st.none() | st.integers(1, 10080))
def test_each_fresh_command_comes_through_as_it_is(at: int, do: Do, minutes: int | None) -> None:
    found = judged(json.dumps({"do": do, "at": at, "minutes": minutes}))
    assert found == Command(do, datetime.fromtimestamp(at, UTC), minutes)


def test_of_a_flood_thirty_a_minute_come_through() -> None:
    gate = Gate()
    through = [second for second in range(180) for _ in range(50) if gate.lets_through(float(second))]
    assert through == [0] * 30 + [60] * 30 + [120] * 30
    assert MOST_A_MINUTE == 30
