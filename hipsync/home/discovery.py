"""The messages by which Home Assistant learns which entities there are: one for the wearer, one for each band.

Source: Home Assistant's documentation of its MQTT integration, "Device discovery payload", and of each platform. The
one rule: a key of `components` and a `unique_id` never change, because a person's history and automations hang on them.
Nothing here opens a connection.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from hipsync.home.commands import Do
from hipsync.home.names import Names
from hipsync.model import Answer, Occasion
from hipsync.service.now import Doing
from hipsync.text import Json

SUPPORT = "https://github.com/hipsync/hipsync"
COMMAND = '{{ {"do": value, "at": now().timestamp() | int} | to_json }}'
"""Home Assistant's template by which a command carries the second at which it was given."""
ON_OFF = "{{{{ 'ON' if value_json.{} else 'OFF' }}}}"
DIAGNOSTIC: Mapping[str, Json] = {"entity_category": "diagnostic"}
MINUTES: Mapping[str, Json] = {"device_class": "duration", "unit_of_measurement": "min"}
SINCE_DAY_START: Mapping[str, Json] = {
    "state_class": "total", "last_reset_value_template": "{{ value_json.day_start }}",
}  # fmt: skip
"""A number that begins anew each day, and may become smaller when data come late."""

Message = dict[str, Json]


class Announced(NamedTuple):
    """A band as it is announced."""

    key: str
    """What `band_key` makes of it."""
    name: str
    model: str


def wearer_message(names: Names, hosts: Sequence[str], version: str) -> Message:
    """The message for the device of a wearer, who is there while one of the `hosts` is online."""
    device: Message = {
        "identifiers": [names.device],
        "name": f"hipsync {names.wearer}",
        "manufacturer": "hipsync",
        "model": "sitting and moving",
        "sw_version": version,
    }
    return _message(names, hosts, version, device, {**_sensors(names), **_controls(names), **_prompts(names)})


def band_message(names: Names, hosts: Sequence[str], version: str, band: Announced) -> Message:
    """The message for the device of a band, which hangs on that of its wearer."""
    identifier, topic = names.band_device(band.key), names.band_topic(band.key)
    device: Message = {
        "identifiers": [identifier], "name": band.name, "model": band.model, "via_device": names.device,
    }  # fmt: skip
    battery: Message = {"device_class": "battery", "unit_of_measurement": "%", "state_class": "measurement"}
    parts: Message = {
        "battery": _sensor(identifier, "battery", "Battery", topic, {**battery, **DIAGNOSTIC}),
        "last_contact": _sensor(
            identifier, "last_contact", "Last contact", topic, {"device_class": "timestamp", **DIAGNOSTIC}
        ),
        "trouble": _binary(identifier, "trouble", "Trouble", topic, {"device_class": "problem", **DIAGNOSTIC}),
    }
    return _message(names, hosts, version, device, parts)


def _message(names: Names, hosts: Sequence[str], version: str, device: Message, components: Message) -> Message:
    return {
        "device": device,
        "origin": {"name": "hipsync", "sw_version": version, "support_url": SUPPORT},
        "availability": [{"topic": names.shared.host_topic(host)} for host in hosts],
        "availability_mode": "any",
        "qos": 1,
        "components": components,
    }


def _sensors(names: Names) -> Message:
    """What is known of the wearer, each from its key of the state."""

    def sensor(key: str, name: str, more: Mapping[str, Json]) -> Message:
        return _sensor(names.device, key, name, names.state, more)

    steps: Message = {"unit_of_measurement": "steps", "state_class": "total_increasing", "icon": "mdi:shoe-print"}
    return {
        "sitting": sensor("sitting", "Sitting today", {**MINUTES, **SINCE_DAY_START}),
        "stretch": sensor("stretch", "Sitting stretch", {**MINUTES, "state_class": "measurement"}),
        "up": sensor("up", "Up today", {**MINUTES, **SINCE_DAY_START}),
        "steps": sensor("steps", "Steps today", steps),
        "breaks": sensor("breaks", "Breaks today", {**SINCE_DAY_START, "icon": "mdi:walk"}),
        "next_prompt": sensor("next_prompt", "Next prompt", {"device_class": "timestamp"}),
        "now": sensor("now", "Now", {"device_class": "enum", "options": [each.value for each in Doing]}),
        "line": sensor("line", "In words", {"icon": "mdi:seat-recline-normal"}),
        "known_until": sensor("known_until", "Known until", {"device_class": "timestamp", **DIAGNOSTIC}),
        "last_answer": sensor(
            "last_answer", "Last answer", {"device_class": "enum", "options": [each.value for each in Answer]}
        ),
        "due": _binary(names.device, "due", "Time to move", names.state, {}),
    }


def _controls(names: Names) -> Message:
    """What the wearer can press."""
    press: Message = {"command_topic": names.do, "command_template": COMMAND, "qos": 1}

    def button(do: Do, name: str, icon: str) -> Message:
        unique: Message = {"p": "button", "unique_id": f"{names.device}_{do}", "name": name}
        return {**unique, **press, "payload_press": do.value, "icon": icon}

    pause: Message = {
        "p": "switch", "unique_id": f"{names.device}_pause", "name": "Pause prompts", "state_topic": names.state,
        "value_template": ON_OFF.format("paused"), "payload_on": Do.PAUSE.value, "payload_off": Do.RESUME.value,
        "state_on": "ON", "state_off": "OFF",
    }  # fmt: skip
    return {
        "done": button(Do.DONE, "Done", "mdi:check"),
        "snooze": button(Do.SNOOZE, "Snooze", "mdi:alarm-snooze"),
        "skip": button(Do.SKIP, "Skip", "mdi:skip-next"),
        "pause": {**pause, **press},
    }


def _prompts(names: Names) -> Message:
    """A prompt as an event, and as a trigger of the device for each occasion."""
    event: Message = {
        "p": "event", "unique_id": f"{names.device}_prompt", "name": "Prompt", "state_topic": names.prompt,
        "event_types": [each.value for each in Occasion],
    }  # fmt: skip
    triggers: Message = {
        f"trigger_{each}": {
            "p": "device_automation", "automation_type": "trigger", "type": "prompt", "subtype": each.value,
            "topic": names.prompt, "value_template": "{{ value_json.event_type }}", "payload": each.value,
        }
        for each in Occasion
    }  # fmt: skip
    return {"prompt": event, **triggers}


def _sensor(device: str, key: str, name: str, topic: str, more: Mapping[str, Json]) -> Message:
    return {
        "p": "sensor", "unique_id": f"{device}_{key}", "name": name, "state_topic": topic,
        "value_template": f"{{{{ value_json.{key} }}}}", **more,
    }  # fmt: skip


def _binary(device: str, key: str, name: str, topic: str, more: Mapping[str, Json]) -> Message:
    return {
        "p": "binary_sensor", "unique_id": f"{device}_{key}", "name": name, "state_topic": topic,
        "value_template": ON_OFF.format(key), **more,
    }  # fmt: skip
