"""Values of the settings file that are no settings by themselves."""

from __future__ import annotations

import pytest

from hipsync.errors import ConfigError
from hipsync.settings.values import minutes_of


@pytest.mark.parametrize(
    ("text", "minutes"), [("10m", 10), ("10", 10), ("1h", 60), ("1h30m", 90), ("2h5", 125), ("999h", 59940)]
)
def test_a_length_in_minutes(text: str, minutes: int) -> None:
    assert minutes_of(text) == minutes


@pytest.mark.parametrize("text", ["", "m", "h", "-5m", "5 m", "5s", "1.5h", "0h0m", "\u0665m", None, 5, "5m\n"])
def test_what_is_no_length(text: object) -> None:
    with pytest.raises(ConfigError, match="must be longer than zero"):
        minutes_of(text)
