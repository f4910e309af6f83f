"""Several bands, slots, counters and gaps become one line of minutes."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hipsync.core.days import Zones
from hipsync.core.timeline import ASLEEP, AWAKE, MISSING, MOVING, NOT_WORN, STILL, Source, timeline, zero_runs
from hipsync.model import MINUTE, Counter, Epoch, State, Wear, ZoneChange
from support import independent
from support.builders import MONDAY, day, line, minutes, slots


def at(minute: float) -> datetime:
    return MONDAY + timedelta(minutes=minute)


def test_rows_that_are_absent_are_missing_not_zero_steps() -> None:
    time = line(Source(day("2m sit, 2m gap, 1m sit")), size=6)
    assert list(time.code) == [AWAKE, AWAKE, MISSING, MISSING, AWAKE, MISSING]
    assert time.known_until() == time.first + 5


def test_an_epoch_of_five_minutes_is_minutes_with_the_steps_in_the_last() -> None:
    time = line(Source([Epoch(MONDAY, 5 * MINUTE, 12)]), size=5)
    assert (list(time.code), time.steps) == ([AWAKE] * 5, [0, 0, 0, 0, 12])


def test_a_slot_is_still_below_twenty_steps() -> None:
    time = line(Source(slots([19, 20], 10)), size=20)
    assert list(time.code) == [STILL] * 10 + [MOVING] * 10


def test_a_coarse_epoch_gives_steps_to_the_day_and_no_minute() -> None:
    time = line(Source([Epoch(MONDAY, timedelta(hours=1), 500)]), size=60)
    assert set(time.code) == {MISSING}
    assert time.unplaced == [(time.first + 59, 500)]


def test_a_coarse_epoch_adds_only_what_finer_minutes_lack() -> None:
    hour = [Epoch(MONDAY, timedelta(hours=1), 500)]
    time = line(Source(hour), Source(minutes([100] * 4)), size=60)
    assert time.unplaced == [(time.first + 59, 100)]


def test_two_bands_that_tell_hours_do_not_double_the_steps() -> None:
    hours = [
        [Epoch(MONDAY + i * timedelta(hours=1), timedelta(hours=1), n) for i, n in enumerate(steps)]
        for steps in ([500, 90], [450, 100])
    ]
    time = line(Source(hours[0]), Source(hours[1]), size=120)
    assert sorted(time.unplaced) == [(time.first + 59, 500), (time.first + 119, 100)]


def test_hours_within_a_gap_of_a_counter_are_not_counted_again() -> None:
    """900 steps between 00:00 and 03:00, of which the hours tell 500."""
    hour = Epoch(MONDAY + timedelta(hours=1), timedelta(hours=1), 500)
    gap = [Counter(MONDAY, 100), Counter(MONDAY + timedelta(hours=3), 1000)]
    time = line(Source([hour], gap), size=240)
    assert sorted(time.unplaced) == [(time.first + 119, 500), (time.first + 180, 400)]


def test_hours_that_reach_beyond_a_gap_of_a_counter_are_not_counted_again() -> None:
    # read every minute for half an hour, not for two hours, and again for half an hour; 10 steps a minute
    counters = [Counter(at(minute), 10 * minute) for minute in [*range(31), *range(150, 181)]]
    hours = [Epoch(at(60 * i), timedelta(hours=1), 600) for i in range(3)]
    time = line(Source(hours, counters), size=180)
    assert sum(time.steps) == 600
    assert sum(steps for _, steps in time.unplaced) == 1200


def test_two_bands_out_of_reach_at_once_do_not_double_the_steps() -> None:
    gaps = [[Counter(MONDAY, 0), Counter(MONDAY + timedelta(hours=1), steps)] for steps in (300, 310)]
    time = line(Source([], gaps[0]), Source([], gaps[1]), size=120)
    assert time.unplaced == [(time.first + 60, 310)]


def test_two_bands_worn_at_once_do_not_double_the_steps() -> None:
    time = line(Source(minutes([10, 0, 7])), Source(minutes([8, 3, 7])), size=3)
    assert time.steps == [10, 3, 7]


def test_the_finest_resolution_decides() -> None:
    time = line(Source(slots([300], 15)), Source(minutes([0] * 15)), size=15)
    assert list(time.code) == [AWAKE] * 15
    assert sum(time.steps) == 0


def test_a_band_that_is_not_worn_has_no_say_while_another_is() -> None:
    time = line(Source(minutes([None, None])), Source(minutes([5])), size=2)
    assert list(time.code) == [AWAKE, NOT_WORN]


def test_asleep_beats_still_and_twenty_steps_beat_asleep() -> None:
    sleeping = [Epoch(at(i), MINUTE, steps, state=State.ASLEEP) for i, steps in enumerate([0, 19, 20])]
    assert list(line(Source(sleeping), size=3).code) == [ASLEEP, ASLEEP, AWAKE]
    other = Source(minutes([0, 0, 0]))
    assert list(line(other, Source(sleeping), size=3).code) == [ASLEEP, ASLEEP, AWAKE]


@pytest.mark.parametrize(("length", "code"), [(2, AWAKE), (5, AWAKE), (15, MOVING)])
def test_twenty_steps_beat_asleep_in_each_minute_of_an_epoch(length: int, code: int) -> None:
    held = Epoch(MONDAY, length * MINUTE, 25, state=State.ASLEEP)
    assert list(line(Source([held]), size=length).code) == [code] * length


def test_a_slot_of_twenty_steps_is_no_sleep_for_another_band_either() -> None:
    held = Epoch(MONDAY, 15 * MINUTE, 25, state=State.ASLEEP)
    assert list(line(Source([held]), Source(minutes([0] * 15)), size=15).code) == [AWAKE] * 15


def test_a_band_that_is_off_does_not_say_that_somebody_sleeps() -> None:
    asleep = [Epoch(at(i), MINUTE, 0, state=State.ASLEEP) for i in range(3)]
    slot = [Epoch(MONDAY, 3 * MINUTE, 0, state=State.ASLEEP)]
    for epochs in (asleep, slot):
        off = Source(epochs, wears=[Wear(at(-1), worn=False)], reports_wear=True)
        for sources in ((off, Source(minutes([0] * 3))), (Source(minutes([0] * 3)), off)):
            assert list(line(*sources, size=3).code) == [AWAKE] * 3


def test_an_impossible_epoch_walks_nowhere() -> None:
    beats = [Epoch(at(i), MINUTE, 0, heart_rate=70) for i in range(120)]
    gap = [Epoch(at(120 + i), MINUTE, {3: 5000, 5: 1}.get(i, 0)) for i in range(30)]
    assert list(line(Source(beats + gap), size=150).code[120:]) == [*[AWAKE] * 3, MISSING, *[NOT_WORN] * 26]


@pytest.mark.parametrize("heart_rate", [0, -1])
def test_a_heart_rate_that_is_none_is_no_word(heart_rate: int) -> None:
    still = [Epoch(at(i), MINUTE, 0, heart_rate=heart_rate) for i in range(200)]
    assert line(Source(still), size=200).doubtful == b"\1" * 200
    slotted = [Epoch(at(15 * i), 15 * MINUTE, 0, heart_rate=heart_rate) for i in range(14)]
    assert line(Source(slotted), size=210).doubtful == b"\1" * 210


def test_charging_is_not_worn() -> None:
    assert list(line(Source(day("2m charge, 1m off, 1m sit")), size=4).code) == [NOT_WORN] * 3 + [AWAKE]


def test_wear_readings_take_the_whole_minutes_between() -> None:
    wears = [Wear(at(1.5), worn=False), Wear(at(4.2), worn=True)]
    time = line(Source(minutes([0] * 6), wears=wears, reports_wear=True), size=6)
    assert list(time.code) == [AWAKE, AWAKE, NOT_WORN, NOT_WORN, AWAKE, AWAKE]


@pytest.mark.parametrize(("length", "steps"), [(1, 301), (1, 65535), (1, -1), (10, 3001), (60, 18_001), (60, 65535)])
def test_an_epoch_with_more_steps_than_anybody_makes_is_unknown(length: int, steps: int) -> None:
    # BangleApps #985 (2,000 km in a day) and Gadgetbridge #91 (-1), in epochs, however they came into the store
    time = line(Source([Epoch(MONDAY, length * MINUTE, steps)]), size=60)
    assert (set(time.code), sum(time.steps), time.unplaced) == ({MISSING}, 0, [])


def test_a_sprinter_s_minute_is_believed() -> None:
    assert line(Source([Epoch(MONDAY, MINUTE, 300)]), size=1).steps == [300]


class TestCounters:
    """Live totals: up to five minutes are spread, up to fifteen make a slot, longer is unknown."""

    def test_a_difference_is_spread_in_proportion_largest_remainder_first(self) -> None:
        # 00:00:30 to 00:03:00 is 30 s, 60 s and 60 s: 7 steps are 1.4, 2.8 and 2.8
        time = line(Source([], [Counter(at(0.5), 100), Counter(at(3), 107)]), size=4)
        assert time.steps == [1, 3, 3, 0]
        assert list(time.code) == [AWAKE, AWAKE, AWAKE, MISSING]

    def test_a_minute_known_by_less_than_half_stays_unknown_and_its_steps_count_for_the_day(self) -> None:
        time = line(Source([], [Counter(at(0.75), 0), Counter(at(2), 10)]), size=3)
        assert list(time.code) == [MISSING, AWAKE, MISSING]
        assert (time.steps, time.unplaced) == ([0, 8, 0], [(time.first, 2)])

    def test_a_minute_gathers_several_differences(self) -> None:
        counters = [Counter(at(i / 3), 2 * i) for i in range(7)]
        assert line(Source([], counters), size=2).steps == [6, 6]

    def test_ten_minutes_make_a_slot(self) -> None:
        time = line(Source([], [Counter(at(0), 0), Counter(at(10), 5)]), size=11)
        assert list(time.code) == [STILL] * 10 + [MISSING]

    def test_a_longer_gap_is_unknown_but_its_steps_are_of_the_day(self) -> None:
        time = line(Source([], [Counter(at(0), 0), Counter(at(16), 900)]), size=20)
        assert set(time.code) == {MISSING}
        assert time.unplaced == [(time.first + 16, 900)]

    def test_steps_right_after_a_longer_gap_are_not_taken_from_those_of_the_gap(self) -> None:
        counters = [Counter(at(0), 0), Counter(at(20), 400), Counter(at(21), 460)]
        time = line(Source([], counters), size=22)
        assert (sum(time.steps), time.unplaced) == (60, [(time.first + 20, 400)])

    def test_steps_of_a_longer_gap_that_another_band_saw_count_once(self) -> None:
        counters = [Counter(at(0), 0), Counter(at(20), 400)]
        time = line(Source([], counters), Source(day("5m sit, 3m walk 100, 12m sit")), size=22)
        assert (sum(time.steps), time.unplaced) == (300, [(time.first + 20, 100)])

    def test_a_reset_at_local_midnight_starts_from_nothing(self) -> None:
        counters = [Counter(at(-2), 5000), Counter(at(1), 12)]
        assert sum(timeline([Source([], counters)], line().first - 5, line().first + 5, ZoneInfo("UTC")).steps) == 12

    def test_a_band_whose_midnight_is_a_second_late_is_reset_by_it(self) -> None:
        counters = [Counter(at(-1), 5000), Counter(at(0.01), 5010), Counter(at(1), 12)]
        time = timeline([Source([], counters)], line().first - 5, line().first + 5, ZoneInfo("UTC"))
        assert sum(time.steps) == 10 + 12

    def test_after_a_night_out_of_reach_the_counter_is_the_new_day_s_though_it_never_seemed_to_fall(self) -> None:
        counters = [Counter(at(-4 * 60), 3000), Counter(at(18 * 60), 5000)]
        time = timeline([Source([], counters)], line().first, line().first + 1440, ZoneInfo("UTC"))
        assert time.unplaced == [(time.first + 18 * 60, 5000)]

    def test_what_was_walked_before_midnight_since_the_last_reading_is_unknown_not_still(self) -> None:
        counters = [Counter(at(-4), 5000), Counter(at(1), 0)]
        time = timeline([Source([], counters)], line().first - 5, line().first + 1, ZoneInfo("UTC"))
        assert list(time.code) == [MISSING] * 5 + [AWAKE]

    def test_a_count_is_cleared_by_the_midnight_of_the_watch_not_of_the_wearer(self) -> None:
        # the clock is London's until the contact at 01:00 UTC, in Tokyo, where it is ten o'clock of the same day
        zones = Zones([ZoneChange(at(-600), "Europe/London"), ZoneChange(at(60), "Asia/Tokyo")], "Europe/London")
        counters = [Counter(at(-60), 3000), Counter(at(60), 3200), Counter(at(90), 200)]
        time = timeline([Source([], counters)], line().first, line().first + 120, zones)
        assert time.unplaced == [(time.first + 90, 200)]

    def test_a_restart_within_the_day_leaves_the_time_unknown(self) -> None:
        time = line(Source([], [Counter(at(10), 5000), Counter(at(12), 12), Counter(at(13), 15)]), size=15)
        assert [i for i, code in enumerate(time.code) if code] == [12]
        assert sum(time.steps) == 3

    @given(st.lists(st.tuples(st.integers(1, 2000), st.integers(0, 400)), min_size=1, max_size=40))
    def test_no_step_is_lost_and_none_is_made(self, gaps: list[tuple[int, int]]) -> None:
        counters = [Counter(MONDAY, 0)]
        for seconds, steps in gaps:
            last = counters[-1]
            counters.append(Counter(last.at + timedelta(seconds=seconds), last.steps + steps))
        time = line(Source([], counters), size=1440)
        assert sum(time.steps) + sum(steps for _, steps in time.unplaced) == counters[-1].steps


class TestStepsOfABandThatIsSaidToBeOff:
    """20 steps in an epoch beat "not worn" and "charging", as they beat "asleep"."""

    @pytest.mark.parametrize("state", [State.NOT_WORN, State.CHARGING])
    def test_a_minute_with_twenty_steps_was_worn(self, state: State) -> None:
        epochs = [Epoch(at(i), MINUTE, steps, state=state) for i, steps in enumerate([0, 19, 20, 160])]
        time = line(Source(epochs), size=4)
        assert (list(time.code), time.steps) == ([NOT_WORN] * 2 + [AWAKE] * 2, [0, 0, 20, 160])

    def test_a_minute_after_the_band_said_that_it_was_taken_off_was_worn_too(self) -> None:
        time = line(Source(minutes([0, 19, 20, 0]), wears=[Wear(at(-5), False)], reports_wear=True), size=4)
        assert (list(time.code), time.steps) == ([NOT_WORN, NOT_WORN, AWAKE, NOT_WORN], [0, 0, 20, 0])

    def test_a_slot_and_an_hour_with_twenty_steps_were_worn(self) -> None:
        off = [epoch._replace(state=State.NOT_WORN) for epoch in slots([19, 20], 10)]
        hours = [Epoch(at(60 + 60 * i), 60 * MINUTE, steps, state=State.CHARGING) for i, steps in enumerate([19, 20])]
        time = line(Source([*off, *hours]), size=180)
        assert list(time.code[:20]) == [NOT_WORN] * 10 + [MOVING] * 10
        assert time.unplaced == [(time.first + 179, 20)]

    def test_a_day_that_is_said_to_be_off_throughout_keeps_its_walks(self) -> None:
        walks = [epoch._replace(state=State.NOT_WORN) for epoch in day("8h sit, 182m walk 160, 12h sit, 30m walk 2")]
        time = line(Source(walks))
        assert sum(time.steps) == 182 * 160 == 29_120
        assert list(time.code).count(AWAKE) == 182


class TestHeartRate:
    """A band that says nothing of wear but always has a heart rate: where it stops, the band was taken off."""

    @staticmethod
    def source(beats: list[int | None]) -> Source:
        return Source([Epoch(at(i), MINUTE, 0, heart_rate=bpm) for i, bpm in enumerate(beats)], vouches=True)

    def test_a_gap_of_over_ten_minutes_is_not_worn_from_its_start(self) -> None:
        time = line(self.source([70] * 120 + [None] * 11 + [70] * 5), size=136)
        assert list(time.code) == [AWAKE] * 120 + [NOT_WORN] * 11 + [AWAKE] * 5

    def test_ten_minutes_tell_nothing(self) -> None:
        assert NOT_WORN not in line(self.source([70] * 120 + [None] * 10 + [70]), size=131).code

    def test_a_heart_rate_that_is_rare_anyway_tells_nothing(self) -> None:
        seldom: list[int | None] = [70, None, None] * 40
        assert NOT_WORN not in line(self.source([*seldom, *[None] * 30]), size=150).code

    @staticmethod
    def codes(steps: list[int]) -> list[int]:
        """The codes of these minutes, which have no heart rate and follow two hours with one."""
        beats = [Epoch(at(i), MINUTE, 0, heart_rate=70) for i in range(120)]
        time = line(Source([*beats, *minutes(steps, at(120))], vouches=True), size=120 + len(steps))
        assert set(time.code[:120]) == {AWAKE}
        return list(time.code[120:])

    def test_a_brisk_walk_without_a_heart_rate_was_worn(self) -> None:
        walk = [160] * 40
        assert self.codes(walk) == [AWAKE] * 40
        assert self.codes([0] * 11 + walk + [0] * 11) == [NOT_WORN] * 11 + [AWAKE] * 40 + [NOT_WORN] * 11

    def test_twenty_steps_in_five_minutes_were_worn_from_the_first_to_the_last(self) -> None:
        still, worn = [NOT_WORN] * 8, [AWAKE]
        assert self.codes([0] * 8 + [20] + [0] * 8) == still + worn + still
        assert self.codes([0] * 8 + [12, 0, 0, 0, 8] + [0] * 8) == still + worn * 5 + still
        assert self.codes([0] * 8 + [12, 0, 0, 0, 7] + [0] * 8) == still + [NOT_WORN] * 5 + still
        assert self.codes([0] * 8 + [12, 0, 0, 0, 0, 8] + [0] * 8) == still + [NOT_WORN] * 6 + still
        assert self.codes([0] * 8 + [5] * 7 + [0] * 8) == still + worn * 7 + still

    def test_a_walk_does_not_end_the_gap(self) -> None:
        assert self.codes([0] * 8 + [30] + [0] * 2) == [NOT_WORN] * 8 + [AWAKE] + [NOT_WORN] * 2

    @given(
        st.lists(
            st.tuples(
                st.sampled_from([True, True, False]), st.integers(1, 40), st.lists(st.integers(0, 22), max_size=9)
            ),
            max_size=12,
        )
    )
    def test_any_gaps_are_those_of_the_second_calculation(self, parts: list[tuple[bool, int, list[int]]]) -> None:
        """Parts of a day: with a heart rate or not, how many minutes, and the steps of some of them."""
        drawn = [(True, 100, list[int]()), *parts]
        told = [(steps[n] if n < len(steps) else 0, beats) for beats, size, steps in drawn for n in range(size)]
        epochs = [
            Epoch(at(n), MINUTE, steps, heart_rate=70 if beats else None) for n, (steps, beats) in enumerate(told)
        ]
        time = line(Source(epochs, vouches=True), size=len(told))
        expected = independent.taken_off({at(n): minute for n, minute in enumerate(told)})
        assert {at(n) for n, code in enumerate(time.code) if code == NOT_WORN} == expected


class TestDoubt:
    """Three hours without a step that no band vouches for."""

    def test_a_run_of_three_hours_is_doubtful(self) -> None:
        assert sum(line(Source(day("180m sit, 1m walk, 179m sit", at(540))), size=900).doubtful) == 180

    def test_a_band_that_reports_wear_is_believed(self) -> None:
        assert not any(line(Source(day("400m sit"), vouches=True), size=400).doubtful)

    @staticmethod
    def doubted(told: Sequence[tuple[int, int | None, State | None]], wears: Sequence[Wear] = ()) -> list[int]:
        """The doubtful minutes of a band whose minutes do not say whether it was worn; they begin at 9:00."""
        epochs = [
            Epoch(at(540 + n), MINUTE, steps, heart_rate=bpm, state=state) for n, (steps, bpm, state) in enumerate(told)
        ]
        found = line(Source(epochs, wears=wears), size=len(told), start=at(540)).doubtful
        return [n for n, each in enumerate(found) if each]

    def still(self, size: int, pulses: Sequence[int], state: State | None = None) -> list[int]:
        """The doubtful ones of so many still minutes, with a pulse or a state in some."""
        words = dict.fromkeys(pulses, (0, None, state) if state else (0, 64, None))
        return self.doubted([words.get(n, (0, None, None)) for n in range(size)])

    def test_a_pulse_within_thirty_minutes_of_each_minute_vouches_for_a_run(self) -> None:
        assert self.still(200, [30, 91, 152, 169]) == []
        assert self.still(200, [30, 91, 152, 182]) == []
        assert self.still(200, [31, 91, 152, 182]) == list(range(200))  # the first minute is 31 from it
        assert self.still(200, [30, 92, 153, 183]) == list(range(200))  # minute 61 is 31 from both
        assert self.still(200, [30, 91, 152, 168]) == list(range(200))  # the last minute is 31 from it
        assert self.still(179, [0]) == []

    @pytest.mark.parametrize("state", [State.SITTING, State.STANDING, State.WALKING])
    def test_the_band_s_own_word_that_somebody_is_awake_vouches_as_a_pulse_does(self, state: State) -> None:
        assert self.still(200, [30, 91, 152, 182], state) == []
        assert self.still(200, [30, 91, 152], state) == list(range(200))

    def test_sleep_vouches_for_the_half_hour_beside_it_alone(self) -> None:
        asleep = (0, None, State.ASLEEP)
        run = [(0, None, None)] * 200
        assert self.doubted([asleep, *run, asleep]) == list(range(1, 201))

    def test_steps_and_postures_vouch_for_nothing(self) -> None:
        assert self.doubted([(90, None, None), *[(0, None, None)] * 200, (90, None, None)]) == list(range(1, 201))

    def test_that_it_is_worn_is_believed_for_half_an_hour_and_that_it_is_not_too(self) -> None:
        run: list[tuple[int, int | None, State | None]] = [(0, None, None)] * 200
        said = [Wear(at(540 + n), True) for n in (30, 91, 152, 182)]
        assert self.doubted(run, said) == []
        assert self.doubted(run, said[:3]) == list(range(200))
        codes = list(line(Source(minutes([0] * 60), wears=[Wear(at(5), False)]), size=60).code)
        assert codes == [AWAKE] * 6 + [NOT_WORN] * 30 + [AWAKE] * 24
        again = [Wear(at(5), False), Wear(at(12), True)]
        codes = list(line(Source(minutes([0] * 60), wears=again), size=60).code)
        assert codes == [AWAKE] * 6 + [NOT_WORN] * 6 + [AWAKE] * 48

    @given(
        st.lists(
            st.tuples(st.sampled_from([7, 31, 32, 61, 62, 100]), st.sampled_from(["still", "pulse", "step", "asleep"])),
            min_size=1,
            max_size=12,
        )
    )
    def test_any_day_is_that_of_a_second_calculation(self, parts: list[tuple[int, str]]) -> None:
        """Each part is so many still minutes, and one minute of that sort at its end."""
        told: list[tuple[int, int | None, State | None]] = []
        for size, last in parts:
            told += [(0, None, None)] * size
            told.append(
                (int(last == "step"), 64 if last == "pulse" else None, State.ASLEEP if last == "asleep" else None)
            )
        told = told[:779]  # until 21:59, for at night 90 minutes are enough
        words = [n for n, (_, bpm, state) in enumerate(told) if bpm or state]
        expected: list[int] = []
        run: list[int] = []
        for n in range(len(told) + 1):
            if n < len(told) and told[n][0] == 0 and told[n][2] is None:
                run.append(n)
                continue
            near = all(any(abs(each - word) <= 30 for word in words) for each in run)
            expected += run if len(run) >= 180 and not near else []
            run = []
        assert self.doubted(told) == expected

    def test_inferred_zeros_count_towards_it(self) -> None:
        still = [Epoch(at(i * 15), 15 * MINUTE, 0, inferred=True) for i in range(12)]
        assert sum(line(Source(still), size=180).doubtful) == 180


def test_a_zero_run_goes_on_across_midnight() -> None:
    time = line(Source(day("1m walk, 10m sit", datetime(2026, 3, 1, 23, 54, tzinfo=UTC))), size=20)
    assert list(zero_runs(time)) == [(0, 5)]
    early = timeline([Source(day("1m walk, 10m sit", at(-6)))], time.first - 10, time.first + 10, ZoneInfo("UTC"))
    assert list(zero_runs(early)) == [(5, 15)]
