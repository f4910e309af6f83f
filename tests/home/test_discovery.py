"""What Home Assistant is told of its entities, against a message that a real one took.

`discovery.json` is the message of a trial with Home Assistant 2025.4.4, which made all of its entities, with these
changes by hand, for the reasons given:

- `now` has the words of `status --json`, of which there are more than the six kinds of minutes: one word a thing.
- `up`, `breaks`, `line` and `last_answer` were in the trial's state, or belong there, and had no entity.
- The battery is the band's, which is a device of its own (`discovery_band.json`). Without `expire_after`: the time
  begins anew whenever Home Assistant starts and reads the message that the broker kept, so it would not say how old.
- A fourth occasion, `warm-up`, is among the events, and each occasion has a trigger; the trial had one for sitting.
- `origin` says where help is to be had.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from hipsync.home.discovery import Announced, band_message, wearer_message
from hipsync.home.messages import Known, band_state, state_message
from hipsync.home.names import Names
from hipsync.service.state import Contacts
from support.home import at_noon

HERE = Path(__file__).parent
NAMES = Names("anna", "desk")
HOSTS = ("desk", "laptop")
BAND = Announced("0123456789", "desk-band", "Mi Band 2-7")


def golden(name: str) -> Any:
    return json.loads((HERE / name).read_text("utf-8"))


def test_the_device_of_a_wearer_is_what_a_real_home_assistant_took() -> None:
    assert wearer_message(NAMES, HOSTS, "0.9.9") == golden("discovery.json")


def test_a_band_is_a_device_of_its_own_that_hangs_on_its_wearers() -> None:
    assert band_message(NAMES, HOSTS, "0.9.9", BAND) == golden("discovery_band.json")


def components(message: Mapping[str, Any]) -> Iterator[tuple[str, Mapping[str, Any]]]:
    yield from message["components"].items()


ALL = [*components(golden("discovery.json")), *components(golden("discovery_band.json"))]
NEEDED = {
    "sensor": {"state_topic"}, "binary_sensor": {"state_topic"}, "button": {"command_topic"},
    "switch": {"command_topic"}, "event": {"state_topic", "event_types"},
    "device_automation": {"automation_type", "topic", "type", "subtype"},
}  # fmt: skip
"""What Home Assistant's documentation of each platform calls required."""


@pytest.mark.parametrize(("key", "part"), ALL, ids=[f"{part['p']}-{key}" for key, part in ALL])
def test_a_part_has_what_its_platform_requires(key: str, part: Mapping[str, Any]) -> None:
    assert part.keys() >= NEEDED[part["p"]]
    assert ("unique_id" in part) == (part["p"] != "device_automation")
    if part.get("device_class") == "enum":  # the documentation of sensors: options go with enum alone, without a unit
        assert part["options"]
        assert not part.keys() & {"state_class", "unit_of_measurement"}
    if "last_reset_value_template" in part:
        assert part["state_class"] == "total"


def test_no_two_parts_have_one_unique_id() -> None:
    ids = [part["unique_id"] for _, part in ALL if "unique_id" in part]
    assert len(set(ids)) == len(ids)


def test_each_template_asks_for_a_key_that_is_always_there() -> None:
    """A missing key would be a warning in Home Assistant's log for each message."""
    known = at_noon()
    state = state_message(Known(known.now, None, None), known.today, "desk")
    band = band_state(Contacts(known.band, None, None, 0), None, known.now.zones)
    for key, part in ALL:
        for text in (part.get("value_template", ""), part.get("last_reset_value_template", "")):
            asked = text.partition("value_json.")[2].partition(" ")[0]
            there = {"event_type"} if part["p"] == "device_automation" else band if "/band/" in str(part) else state
            assert not text or asked in there, key


def test_the_ids_stay_when_host_version_and_the_bands_name_change() -> None:
    def ids(message: Mapping[str, Any]) -> list[str]:
        return [part["unique_id"] for _, part in components(message) if "unique_id" in part]

    other = Names("anna", "laptop")
    assert ids(wearer_message(other, ("laptop",), "9")) == ids(wearer_message(NAMES, HOSTS, "1"))
    renamed = BAND._replace(name="left", model="other")
    assert ids(band_message(other, ("laptop",), "9", renamed)) == ids(band_message(NAMES, HOSTS, "1", BAND))
