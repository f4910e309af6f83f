"""`config`: the settings are shown and changed, and never left wrong."""

from __future__ import annotations

import shutil
import tomllib
from dataclasses import replace
from pathlib import Path

import pytest

from hipsync.cli.app import App
from hipsync.settings.config import Config
from hipsync.settings.file import parsed
from support.builders import MONDAY
from support.machine import Machine
from support.stored import NOW


def with_limit(minutes: int) -> Config:
    default = Config()
    return replace(
        default,
        rule=default.rule._replace(limit_minutes=minutes),
        policy=replace(default.policy, limit_minutes=minutes),
    )


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    return Machine(tmp_path, NOW)


def test_days_are_judged_by_the_defaults_where_there_is_no_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    app = App()
    assert (app.rule(), app.day_start()) == (Config().rule, Config().day_start)


def test_the_settings_are_where_config_path_says_and_show_is_a_file_of_them(machine: Machine) -> None:
    assert machine.told("config", "path") == f"{machine.settings}\n"
    shown = machine.told("config", "show")
    assert parsed(tomllib.loads(shown), "shown") == Config()
    mine = machine.home / "mine.toml"
    mine.write_text(shown.replace('limit = "60m"', 'limit = "45m"'))
    mine.chmod(0o600)
    assert 'limit = "45m"' in machine.told("--config", str(mine), "config", "show")
    assert machine.refused("--config", str(machine.home / "none"), "today", code=2).endswith(
        "is not there: `hipsync config path` says where settings belong"
    )
    assert machine.now > MONDAY


def test_a_setting_is_changed_and_the_rest_of_the_file_stays(machine: Machine) -> None:
    machine.settings.parent.mkdir(parents=True)
    machine.settings.write_text('# mine\n[sitting]\nlimit = "60m"  # a long hour\n')
    assert machine.told("config", "set", "sitting.limit", "45m").startswith("sitting.limit is 45m now (")
    machine.told("config", "set", "prompts.hours.sat-sun", "10:00-20:00")
    machine.told("config", "set", "exercises.set", '["seated"]')
    machine.told("config", "set", "prompts.stronger", "false")
    text = machine.settings.read_text()
    assert text.startswith('# mine\n[sitting]\nlimit = "45m"  # a long hour\n')
    held = parsed(tomllib.loads(text), "held")
    assert (held.rule.limit_minutes, held.exercises, held.policy.stronger) == (45, ("seated",), False)
    assert [f"{start:%H:%M}-{end:%H:%M}" for start, end in held.policy.hours[5]] == ["10:00-20:00"]
    assert machine.settings.stat().st_mode & 0o777 == 0o600
    assert machine.files() == ["config/hipsync/config.toml"]


@pytest.mark.parametrize(
    ("key", "value", "said"),
    [
        ("sitting.lmit", "50m", "there is no key sitting.lmit: do you mean sitting.limit?; nothing was changed"),
        ("siting.limit", "50m", "there is no table [siting]: do you mean sitting?; nothing was changed"),
        ("sitting.limit", "9h", "sitting.limit = '9h': must lie between 10m and 240m; nothing was changed"),
        ("sitting.limit.more", "9h", "'sitting.limit.more' names no setting: limit is a value, not a table"),
        ("limit", "50m", "'limit' names no setting: say table and key, as in sitting.limit"),
        ("sitting.", "50m", "'sitting.' names no setting: say table and key, as in sitting.limit"),
    ],
)
def test_a_setting_that_would_be_wrong_is_not_written(key: str, value: str, said: str, machine: Machine) -> None:
    machine.settings.parent.mkdir(parents=True)
    machine.settings.write_text('[sitting]\nlimit = "60m"\n')
    assert machine.refused("config", "set", key, value, code=2) == said
    assert machine.settings.read_text() == '[sitting]\nlimit = "60m"\n'
    assert machine.files() == ["config/hipsync/config.toml"]


def test_settings_that_are_a_link_stay_one(machine: Machine) -> None:
    dotfiles = machine.home / "dotfiles" / "hipsync.toml"
    dotfiles.parent.mkdir()
    dotfiles.write_text("")
    dotfiles.chmod(0o600)
    machine.settings.parent.mkdir(parents=True)
    machine.settings.symlink_to(dotfiles)
    machine.told("config", "set", "sitting.limit", "45m")
    assert machine.settings.is_symlink()
    assert "45m" in dotfiles.read_text()


def test_the_editor_opens_the_defaults_and_what_is_wrong_is_not_kept(machine: Machine) -> None:
    change = {"EDITOR": "sed -i -e 's/^# limit = .60m./limit = \"45m\"/'"}
    assert machine.told("config", "edit", env={"EDITOR": "true"}) == "Nothing was changed.\n"
    assert machine.files() == []
    assert machine.told("config", "edit", env=change) == f"The settings are in {machine.settings}.\n"
    assert parsed(tomllib.loads(machine.settings.read_text()), "held") == with_limit(45)
    done = machine.type("config", "edit", env={"EDITOR": "sed -i s/45m/9h/"})
    assert done.exit_code == 2
    assert "must lie between 10m and 240m; nothing was changed" in done.stderr
    assert parsed(tomllib.loads(machine.settings.read_text()), "held") == with_limit(45)


def test_settings_that_cannot_be_looked_at_are_not_taken_for_none(machine: Machine) -> None:
    machine.band()
    shutil.rmtree(machine.settings.parent, ignore_errors=True)
    machine.settings.parent.parent.mkdir(parents=True, exist_ok=True)
    machine.settings.parent.write_text("a file where their folder belongs")
    assert "config.toml cannot be read: Not a directory" in machine.refused("today", code=2)


def test_proxies_are_set_as_one_list_and_a_table_of_them_is_kept(machine: Machine) -> None:
    bedroom = '[{host = "bedroom.local", name = "bedroom", key_file = "/etc/bedroom.key"}]'
    machine.told("config", "set", "radio.proxies", bedroom)
    machine.told("config", "set", "radio.local", "false")
    shown = machine.told("config", "show")
    assert 'proxies = [{ host = "bedroom.local", name = "bedroom", key_file = "/etc/bedroom.key" }]\n' in shown
    assert "local = false\n" in shown
    machine.settings.write_text('[radio]\nlocal = true\n\n[[radio.proxies]]  # upstairs\nhost = "attic"\n')
    machine.told("config", "set", "radio.local", "false")
    assert '[[radio.proxies]]  # upstairs\nhost = "attic"\n' in machine.settings.read_text()
    machine.told("config", "set", "radio.proxies", bedroom)
    assert "attic" not in machine.told("config", "show")
    for key, value, said in (
        ("radio.proxies", "bedroom", "must be tables: [[radio.proxies]]"),
        ("radio.proxies.host", "bedroom", "names no setting: proxies is a value, not a table"),
        ("radio.proxies", "[]", "leaves no way to a band"),
    ):
        assert said in machine.refused("config", "set", key, value, code=2)
    assert "bedroom.local" in machine.told("config", "show")
