"""The paper on Home Assistant names entities, topics and lines that there are, and its YAML can be read."""

from __future__ import annotations

import json
import re
from datetime import date

import pytest

from hipsync.formats.shared import LONGEST_BYTES, LONGEST_JSON
from hipsync.home.checking import needed
from hipsync.home.commands import MOST_A_MINUTE, Do
from hipsync.home.discovery import wearer_message
from hipsync.home.names import Names
from hipsync.together.outgoing import DAYS, EXPIRES_S
from hipsync.together.topics import Kind, Part, Topics
from support.repository import ROOT

OTHER = (ROOT / "docs" / "two-computers.md").read_text("utf-8")
PAPER = (ROOT / "docs" / "home.md").read_text("utf-8")
NAMES = Names("anna", "desk")
BLOCKS = re.findall(r"```yaml\n(.*?)```", PAPER, re.DOTALL)


def entities() -> set[str]:
    """The ids that Home Assistant makes of the names of device and entity: small letters with underscores."""
    message = json.loads(json.dumps(wearer_message(NAMES, ["desk"], "1")))
    device = message["device"]["name"]
    parts = [part for part in message["components"].values() if "name" in part]
    return {f"{part['p']}." + re.sub("[^a-z0-9]+", "_", f"{device} {part['name']}".lower()) for part in parts}


def test_it_names_each_entity_of_the_wearer_and_no_other() -> None:
    named = set(re.findall(r"\b(?:sensor|binary_sensor|button|switch|event)\.hipsync_\w+", PAPER))
    assert named == entities()


def test_it_names_each_topic_and_each_command() -> None:
    told = Names("W", "H")
    topics = {
        told.state, told.prompt, told.do, told.shared.host_topic(), told.run, told.band_topic("B"), told.config(),
        told.config("B"),
    }  # fmt: skip
    assert {topic for topic in topics if f"`{topic}`" not in PAPER} == set()
    assert {do for do in Do if do is not Do.CHECK and f"`{do}`" not in PAPER} == set()
    assert f"more than {MOST_A_MINUTE} in a minute" in PAPER


def test_the_paper_on_two_computers_names_each_topic_of_theirs() -> None:
    told, day = Topics("W", "H"), date(2026, 11, 20)
    parts = Part(Kind.DAY, "H", day, "B"), Part(Kind.SAID, "H", day), Part(Kind.LASTS, "H")
    topics = {told.claim, told.ask, *map(told.part_topic, parts)}
    assert {topic for topic in topics if f"| `{topic}` |" not in OTHER} == set()
    for number in (LONGEST_BYTES, LONGEST_JSON):
        assert f"{number:,}" in OTHER
    assert f"last {DAYS} days" in OTHER
    assert f"{EXPIRES_S // 86400} days |" in OTHER


def test_the_access_list_is_the_one_that_check_asks_for() -> None:
    assert "\n".join(needed(NAMES, "anna")) in PAPER


@pytest.mark.parametrize("block", BLOCKS)
def test_its_yaml_can_be_read_and_acts_on_topics_and_entities_that_there_are(block: str) -> None:
    yaml = pytest.importorskip("yaml", reason="it comes with mkdocs, in the dependency group `docs`")
    read = json.loads(json.dumps(yaml.safe_load(block)))
    for topic in re.findall(r"hipsync/[\w/]+", block):
        assert topic in {NAMES.prompt, NAMES.do}
    if isinstance(read, list):
        assert {*read[0]} >= {"alias", "triggers", "actions"}


def test_there_is_a_dashboard_and_three_automations() -> None:
    assert len([block for block in BLOCKS if block.startswith("- alias:")]) == 3
    assert len(BLOCKS) == 4
