"""In which zone the wearer was: what this computer observed, and what was said of the days of imports."""

from __future__ import annotations

import random
from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from hipsync.core.days import Zones
from hipsync.model import ZoneChange
from hipsync.store.zones import Abroad, overlaid

HOUR = timedelta(hours=1)
START = datetime(2026, 3, 2, tzinfo=UTC)
LONDON, TOKYO, ROME = "Europe/London", "Asia/Tokyo", "Europe/Rome"


def at(hour: int) -> datetime:
    return START + hour * HOUR


def test_days_of_an_import_have_its_zone_and_all_others_that_of_the_computer() -> None:
    beginning = datetime(1970, 1, 1, tzinfo=UTC)
    assert overlaid([ZoneChange(at(90), LONDON)], [Abroad(at(10), at(20), TOKYO)]) == [
        ZoneChange(beginning, LONDON), ZoneChange(at(10), TOKYO), ZoneChange(at(20), LONDON),
    ]  # fmt: skip


def test_what_the_computer_observed_in_those_days_counts_from_then_on() -> None:
    changes = overlaid([ZoneChange(at(0), LONDON), ZoneChange(at(15), ROME)], [Abroad(at(10), at(20), TOKYO)])
    assert [change.zone for change in changes] == [LONDON, TOKYO, ROME]
    assert changes[2].since == at(15)


def test_without_imports_or_without_a_zone_of_the_computer_nothing_is_added() -> None:
    observed = [ZoneChange(at(0), LONDON), ZoneChange(at(5), ROME)]
    assert overlaid(observed, []) == observed
    assert overlaid([], [Abroad(at(10), at(20), TOKYO)]) == []


SPANS = st.lists(
    st.tuples(st.integers(0, 40), st.integers(1, 20)).map(lambda span: Abroad(at(span[0]), at(sum(span)), TOKYO)),
    max_size=5,
)
OBSERVED = st.dictionaries(st.integers(0, 60), st.sampled_from([LONDON, ROME]), min_size=1, max_size=4)


@given(OBSERVED, SPANS, st.randoms())
def test_of_imports_with_one_zone_no_order_matters_and_each_hour_has_the_zone_by_the_rule(
    observed: dict[int, str], spans: list[Abroad], chance: random.Random
) -> None:
    history = [ZoneChange(at(hour), observed[hour]) for hour in sorted(observed)]
    changes = overlaid(history, spans)
    chance.shuffle(spans)
    assert overlaid(history, spans) == changes
    zones, plain = Zones(changes, LONDON), Zones(history, LONDON)
    for hour in range(70):
        moved = [change for change in history if change.since <= at(hour)]
        abroad = any(
            each.since <= at(hour) < each.until and not any(change.since > each.since for change in moved)
            for each in spans
        )
        assert zones.at(at(hour)).key == (TOKYO if abroad else plain.at(at(hour)).key)
