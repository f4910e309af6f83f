"""Heart rate packets of a chest strap, byte for byte."""

from __future__ import annotations

import pytest

from hipsync.errors import MalformedPacket
from hipsync_devices.sig.packets import HeartRate


@pytest.mark.parametrize(
    ("packet", "right"),
    [
        ("00 48", HeartRate(72, None, None, ())),
        ("10 48 b1 03 de 03", HeartRate(72, None, None, (945, 990))),
        ("10 48" + " b1 03" * 8, HeartRate(72, None, None, (945,) * 8)),
        ("16 3e b1 03", HeartRate(62, contact=True, energy_kj=None, intervals=(945,))),
        ("06 48", HeartRate(72, contact=True, energy_kj=None, intervals=())),
        ("04 48", HeartRate(72, contact=False, energy_kj=None, intervals=())),
        ("01 48 00", HeartRate(72, None, None, ())),
        ("19 48 00 10 00 b1 03", HeartRate(72, None, 16, (945,))),
        ("00 00", HeartRate(0, None, None, ())),
        ("00 ff", HeartRate(255, None, None, ())),
        ("01 ff ff", HeartRate(65535, None, None, ())),
        ("10 48 b1", HeartRate(72, None, None, ())),
        ("1e 48 05 00 b1 03 c0 03", HeartRate(72, contact=True, energy_kj=5, intervals=(945, 960))),
        ("ff 48 00 01 00 b1 03", HeartRate(72, contact=True, energy_kj=1, intervals=(945,))),
    ],
)
def test_a_heart_rate_is_read_by_its_flags(packet: str, right: HeartRate) -> None:
    """sensors-swift #6 and bleak #237 (several intervals between beats in one packet), web-bluetooth #493, a strap that
    sends 0 or 255, and the bits for contact.

    Flags of 2A37 in hex: 01 the rate has two bytes, 04 contact is reported, 02 there is contact, 08 energy,
    10 intervals.
    """
    assert HeartRate.decode(bytes.fromhex(packet)) == right


@pytest.mark.parametrize("packet", ["", "10"])
def test_a_packet_without_a_pulse_is_refused(packet: str) -> None:
    """sensors-swift #6, web-bluetooth #493."""
    with pytest.raises(MalformedPacket):
        HeartRate.decode(bytes.fromhex(packet))
