"""Whatever the bytes, no exception but `DeviceError`, by decoder and by conversation, in every family."""

from __future__ import annotations

import random
import time

import pytest

from families.known import Fuzz, bands, fuzz_of
from fuzz.counted import counted
from fuzz.inputs import Tally, decoded, talked
from fuzz.talk import recorded
from hipsync.errors import MalformedPacket
from hipsync.registry import drivers
from hipsync_devices.huami import packets

INPUTS = 200_000
"""A family, through its decoders."""
TALKED = 10_000
"""More, in place of what the simulated band says in whole conversations."""
SHARE = 0.3
"""Of the inputs: at least so many reach an innermost decoder."""
DRIVERS = drivers()
BANDS = bands()


def fuzzed(name: str, inputs: int, talks: int, seed: int = 1) -> Tally:
    key, made = BANDS[name]
    declared = fuzz_of(name)
    tally, noise = Tally(), random.Random(seed)
    decoded(declared, recorded(DRIVERS[key], made), inputs, tally, noise)
    talked(DRIVERS[key], made, declared, talks, tally, noise)
    return tally


def told(tally: Tally, declared: Fuzz) -> str:
    decoders = (
        f"{tally.inputs:,} inputs through the decoders, {tally.from_valid:,} of them damaged valid frames, "
        f"{tally.sealed:,} sealed anew"
    )
    talks = f"{tally.talked:,} more in {tally.talks:,} conversations"
    if not declared.innermost:
        return f"{decoders}, {talks}; no innermost decoder is declared (tests/families)"
    return (
        f"{decoders}, {tally.reached / tally.inputs:.0%} reached an innermost decoder and "
        f"{tally.decoded / tally.inputs:.0%} got a value of it; {talks}, of which "
        f"{tally.talks_reached / tally.talks:.0%} reached one after the first damage"
    )


@pytest.mark.ring
@pytest.mark.parametrize("name", sorted(BANDS))
def test_no_bytes_break_a_family(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    begun_s = time.perf_counter()
    tally = fuzzed(name, INPUTS, TALKED)
    declared = fuzz_of(name)
    with capsys.disabled():
        print(f"\n{name}: {told(tally, declared)}; {time.perf_counter() - begun_s:.0f} s")
    assert tally.inputs == INPUTS
    assert tally.from_valid == INPUTS // 2
    assert tally.talked >= TALKED
    if declared.innermost:
        assert tally.reached >= SHARE * tally.inputs


@pytest.mark.parametrize("name", sorted(BANDS))
def test_a_few_bytes_break_no_family(name: str) -> None:
    assert fuzzed(name, 1000, 40, seed=2).talks


def test_what_breaks_is_told_with_its_bytes() -> None:
    def read(_: str, data: bytes) -> None:
        if len(data) > 3:
            raise IndexError("as a careless decoder does")

    with pytest.raises(IndexError) as caught:
        decoded(Fuzz(read, ()), [("fee1", b"\1\2\3\4")], 100, Tally(), random.Random(1))
    assert caught.value.__notes__[0].startswith("fee1 ")


def test_an_innermost_decoder_is_counted_wherever_it_is_bound() -> None:
    with counted(("huami.packets:decode_records",)) as count:
        packets.decode_records(bytes(8), 8, packets.NEVER.replace(year=2026))
        with pytest.raises(MalformedPacket):
            packets.decode_records(bytes(7), 8, packets.NEVER)
    packets.decode_records(b"", 8, packets.NEVER)
    assert (count.entered, count.returned) == (2, 1)
