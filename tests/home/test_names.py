"""Topics hold only what may stand in a topic, and stay the same."""

from __future__ import annotations

import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hipsync.home.names import Names
from hipsync.model import Band, BandId
from hipsync.together.topics import band_key, slug
from support.builders import MONDAY

NAMES = Names("anna", "desk")


def band(**more: Any) -> Band:
    found = Band(BandId(1), "desk-band", "huami", "C8:0F:10:80:D0:21", "Mi", simulated=False, vouches=True,
                 reports_wear=True, added=MONDAY)  # fmt: skip
    return found._replace(**more)


def test_the_topics_are_those_of_the_design() -> None:
    assert NAMES.state == "hipsync/anna/state"
    assert NAMES.prompt == "hipsync/anna/prompt"
    assert NAMES.do == "hipsync/anna/do"
    assert NAMES.shared.host_topic() == "hipsync/anna/host/desk"
    assert NAMES.band_topic("0123") == "hipsync/anna/band/0123"
    assert NAMES.config() == "homeassistant/device/hipsync_anna/config"
    assert NAMES.config("0123") == "homeassistant/device/hipsync_anna_band_0123/config"
    assert NAMES.birth == "homeassistant/status"
    assert NAMES.client == "hipsync-anna-desk"
    assert Names("anna", "desk", "ha").birth == "ha/status"


@pytest.mark.parametrize(
    ("text", "name"),
    [("Anna", "anna"), ("Zoë's Laptop.local", "zoe_s_laptop_local"), ("a/#+", "a"), ("手", ""), ("--", ""),
     ("x" * 99, "x" * 32), ("DESK-1", "desk-1")],
)  # fmt: skip
def test_a_name_becomes_one_that_a_topic_may_hold(text: str, name: str) -> None:
    assert slug(text) == name


@given(st.text())
def test_a_slug_is_safe_and_its_own_slug(text: str) -> None:
    assert set(slug(text)) <= set("abcdefghijklmnopqrstuvwxyz0123456789-_")
    assert slug(slug(text)) == slug(text)
    assert len(slug(text)) <= 32


def test_a_band_has_one_key_whatever_it_is_called_and_on_whatever_computer() -> None:
    key = band_key(band())
    assert key == band_key(band(name="left", id=BandId(7), address="c8:0f:10:80:d0:21"))
    assert key != band_key(band(address="C8:0F:10:80:D0:22"))
    assert key != band_key(band(driver="garmin"))
    assert re.fullmatch("[0-9a-f]{10}", key)


@pytest.mark.parametrize(
    ("topic", "host"),
    [("hipsync/anna/host/laptop", "laptop"), ("hipsync/anna/host/", None), ("hipsync/anna/host/a/b", None),
     ("hipsync/anna/host/Not A Host", None), ("hipsync/ben/host/laptop", None)],
)  # fmt: skip
def test_only_a_host_that_hipsync_would_name_counts_as_one(topic: str, host: str | None) -> None:
    assert NAMES.shared.host_of(topic) == host
