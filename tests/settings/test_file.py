"""The settings file: each key, each way to get one wrong, and what the user is told then."""

from __future__ import annotations

import os
import tomllib
from dataclasses import fields, replace
from datetime import time
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hipsync.core.bouts import Rule
from hipsync.core.policy import BandText, Policy
from hipsync.errors import ConfigError
from hipsync.model import MINUTE, Desk
from hipsync.settings.config import Config, Mqtt, Proxy, Share
from hipsync.settings.file import as_toml, load, parsed


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "config.toml"


SEVENTEEN = f"[radio]\nproxies = [{', '.join(f'{{host = {chr(34)}h{number}{chr(34)}}}' for number in range(17))}]\n"


def loaded(file: Path, text: str) -> Config:
    file.write_text(text, "utf-8")
    file.chmod(0o600)
    return load(file)


def refusal(file: Path, text: str) -> str:
    """What is said, without the file that it begins with."""
    with pytest.raises(ConfigError) as caught:
        loaded(file, text)
    said = str(caught.value)
    assert "\n" not in said
    assert said.startswith(str(file))
    return said.removeprefix(str(file)).lstrip(": ")


def settings_by_name(config: Config) -> dict[str, object]:
    """All settings, those of the rule, the policy, the broker and the fleet as "rule.limit_minutes" and so on."""
    parts = {"rule", "policy", "mqtt", "fleet", "gateway"}
    single = {each.name: getattr(config, each.name) for each in fields(config) if each.name not in parts}
    mqtt = {f"mqtt.{name}": value for name, value in config.mqtt._asdict().items()}
    fleet = {f"fleet.{name}": value for name, value in config.fleet._asdict().items()}
    gateway = {f"gateway.{name}": value for name, value in config.gateway._asdict().items()}
    rule = {f"rule.{name}": value for name, value in config.rule._asdict().items()}
    policy = {f"policy.{each.name}": getattr(config.policy, each.name) for each in fields(config.policy)}
    return {**single, **rule, **policy, **mqtt, **fleet, **gateway}


def test_without_a_file_the_defaults_hold(file: Path) -> None:
    assert load(file) == Config()


def test_an_empty_file_and_empty_tables_change_nothing(file: Path) -> None:
    assert loaded(file, "") == Config()
    assert loaded(file, "[sitting]\n[prompts]\n[day]\n") == Config()


@pytest.mark.parametrize(
    ("table", "line", "setting", "value"),
    [
        ("sitting", 'limit = "1h30m"', "rule.limit_minutes", 90),
        ("sitting", "break_steps = 30", "rule.break_steps", 30),
        ("sitting", 'break_window = "3m"', "rule.break_window_minutes", 3),
        ("sitting", "moves = 0", "rule.moves", 0),
        ("sitting", "trust_posture = true", "rule.trust_posture", True),
        ("sitting", 'desk = "standing"', "rule.desk", Desk.STANDING),
        ("sitting", 'desk = "off"', "rule.desk", Desk.OFF),
        ("presence", "activitywatch = true", "activitywatch", True),
        ("prompts", 'hours = { tue = "09:00-12:00, 13:00-24:00" }', "policy.hours",
         {1: ((time(9), time(12)), (time(13), time.max))}),
        ("prompts", 'hours = { sat-mon = "9:00-10:00" }', "policy.hours",
         dict.fromkeys((5, 6, 0), ((time(9), time(10)),))),
        ("prompts", 'lunch = ""', "policy.lunch", ()),
        ("prompts", 'lunch = "off"', "policy.lunch", ()),
        ("prompts", 'lunch = "11:00-11:30"', "policy.lunch", ((time(11), time(11, 30)),)),
        ("prompts", 'snooze = "15m"', "snooze", 15 * MINUTE),
        ("prompts", "stronger = false", "policy.stronger", False),
        ("prompts", 'repeat = "60m"', "policy.repeat_minutes", 60),
        ("prompts", 'repeat = "off"', "policy.repeat_minutes", None),
        ("prompts", "desktop = false", "desktop", False),
        ("prompts", "band = false", "band", False),
        ("prompts", 'band_text = "exercise"', "band_text", BandText.EXERCISE),
        ("prompts", 'band_text = "neutral"', "band_text", BandText.NEUTRAL),
        ("prompts", 'command = ["say", "move"]', "command", ("say", "move")),
        ("day", 'start = "04:00"', "day_start", time(4)),
        ("sync", 'at_most_every = "20m"', "at_most_every", 20 * MINUTE),
        ("sync", 'at_least_every = "2h"', "at_least_every", 120 * MINUTE),
        ("sync", "erase = true", "erase", True),
        ("radio", 'adapter = "hci1"', "adapter", "hci1"),
        ("radio", 'adapter = "00:1a:7D:DA:71:13"', "adapter", "00:1a:7D:DA:71:13"),
        ("radio", 'adapter = ""', "adapter", ""),
        ("radio", "local = true", "local", True),
        ("radio", 'proxies = [{host = "::1"}]', "proxies", (Proxy("::1"),)),
        (
            "radio",
            'proxies = [{host = "::2", name = "bed", port = 6054, key_file = "~/k", bands = ["c8:0f:10:80:d0:21"]}]',
            "proxies",
            (Proxy("::2", "bed", 6054, "~/k", ("C8:0F:10:80:D0:21",)),),
        ),
        ("exercises", 'set = ["seated"]', "exercises", ("seated",)),
        ("exercises", 'avoid = ["internal-rotation"]', "avoid", ("internal-rotation",)),
        ("exercises", "morning = false", "morning", False),
        ("mqtt", 'host = "homeassistant.local"', "mqtt.host", "homeassistant.local"),
        ("mqtt", 'host = "192.168.1.10"', "mqtt.host", "192.168.1.10"),
        ("mqtt", 'host = "fe80::1%eth0"', "mqtt.host", "fe80::1%eth0"),
        ("mqtt", "port = 1883", "mqtt.port", 1883),
        ("mqtt", "tls = false", "mqtt.tls", False),
        ("mqtt", 'ca = "/etc/ssl/home.pem"', "mqtt.ca", "/etc/ssl/home.pem"),
        ("mqtt", 'user = "anna"', "mqtt.user", "anna"),
        ("mqtt", 'password_file = "~/mqtt.password"', "mqtt.password_file", "~/mqtt.password"),
        ("mqtt", 'wearer = "anna-2"', "mqtt.wearer", "anna-2"),
        ("mqtt", 'prefix = "ha/test"', "mqtt.prefix", "ha/test"),
        ("fleet", 'dsn = "service=fleet"', "fleet.dsn", "service=fleet"),
        ("gateway", "prompt = true", "gateway.prompt", True),
        ("gateway", "share = true", "gateway.share", True),
        ("gateway", "ship_minutes = 0", "gateway.ship_minutes", 0),
        ("gateway", "ship_minutes = 1440", "gateway.ship_minutes", 1440),
        ("therapist", 'name = "A. Body"', "therapist_name", "A. Body"),
        ("therapist", 'phone = "000"', "therapist_phone", "000"),
        ("therapist", 'url = "https://example.org"', "therapist_url", "https://example.org"),
    ],
)  # fmt: skip
def test_each_key_sets_its_setting_and_no_other(file: Path, table: str, line: str, setting: str, value: object) -> None:
    found, expected = settings_by_name(loaded(file, f"[{table}]\n{line}\n")), settings_by_name(Config())
    expected[setting] = value
    if setting == "rule.limit_minutes":
        expected["policy.limit_minutes"] = value
    assert found == expected


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[siting]\n", "there is no table [siting]: do you mean sitting?"),
        ("[xyz]\n", "there is no table [xyz]; there are sitting, presence, prompts, goals, day, sync, radio,"),
        ('[radio]\nadapter = "usb0"\n', "radio.adapter = 'usb0': must be an adapter such as"),
        ('[radio]\nadapter = "hci0/../x"\n', "radio.adapter = 'hci0/../x': must be an adapter such as"),
        ("[radio]\nlocal = false\n", "radio.local = false leaves no way to a band: name a proxy in [[radio.proxies]]"),
        ('[radio]\nproxies = "bedroom"\n', "radio.proxies = 'bedroom': must be tables: [[radio.proxies]]"),
        ('[radio.proxies]\nhost = "a"\n', "radio.proxies = {'host': 'a'}: must be tables: [[radio.proxies]]"),
        ('[[radio.proxies]]\nname = "a"\n', "radio.proxies: a proxy needs host, such as"),
        ('[[radio.proxies]]\nhost = ""\n', "radio.proxies: host must be a name such as"),
        ('[[radio.proxies]]\nhost = "a:6053"\n', "radio.proxies: host must be a name such as"),
        ('[[radio.proxies]]\nhost = "a"\nhots = 1\n', "radio.proxies: a: there is no key 'hots' of a proxy: do"),
        ('[[radio.proxies]]\nhost = "a"\nport = 0\n', "radio.proxies: a: port must be a whole number from 1 to 65535"),
        ('[[radio.proxies]]\nhost = "a"\nname = "x\\u001b"\n', "radio.proxies: a: name must be 1 to 32 characters"),
        ('[[radio.proxies]]\nhost = "a"\nkey_file = "k"\n', "radio.proxies: a: key_file must be a whole path"),
        ('[[radio.proxies]]\nhost = "a"\nbands = ["b"]\n', "radio.proxies: a: bands must be addresses of bands"),
        ('[radio]\nproxies = [{host = "a"}, {host = "A", port = 1}]\n', "radio.proxies: the name a is there twice"),
        (
            '[radio]\nproxies = [{host = "a", name = "b"}, {host = "A", name = "c"}]\n',
            "radio.proxies: the place a:6053 is there twice",
        ),
        (
            'radio.proxies = [{host="a", bands = ["C8:0F:10:80:D0:21"]}, {host="b", bands = ["c8:0f:10:80:d0:21"]}]',
            "radio.proxies: the band C8:0F:10:80:D0:21 is there twice",
        ),
        (SEVENTEEN, "radio.proxies: must be at most 16"),
        ("sitting = 1\n", "sitting must be a table: [sitting]"),
        ("limit = 1\n", "there is no table [limit]"),
        ("[sitting]\nlimits = 1\n", "there is no key sitting.limits: do you mean sitting.limit?"),
        ("[day]\nxyz = 1\n", "there is no key day.xyz; there are day.start"),
        ("[sitting]\nlimit = 60\n", 'sitting.limit = 60: must be longer than zero, such as "60m" or "1h30m"'),
        ('[sitting]\nlimit = "0m"\n', "sitting.limit = '0m': must be longer than zero"),
        ('[sitting]\nlimit = "1d"\n', "sitting.limit = '1d': must be longer than zero"),
        ('[sitting]\nlimit = "9m"\n', "sitting.limit = '9m': must lie between 10m and 240m"),
        ('[sitting]\nlimit = "5h"\n', "sitting.limit = '5h': must lie between 10m and 240m"),
        ("[sitting]\nbreak_steps = 0\n", "sitting.break_steps = 0: must be a whole number from 1 to 200"),
        ("[sitting]\nbreak_steps = 2.5\n", "sitting.break_steps = 2.5: must be a whole number from 1 to 200"),
        ("[sitting]\nmoves = true\n", "sitting.moves = True: must be a whole number from 0 to 15"),
        ("[sitting]\nmoves = 16\n", "sitting.moves = 16: must be a whole number from 0 to 15"),
        ('[sitting]\nbreak_window = "90m"\n', "sitting.break_window = '90m': must lie between 1m and 60m"),
        ('[sitting]\ndesk = "lying"\n', "sitting.desk = 'lying': must be one of \"sitting\", \"standing\", \"off\""),
        ("[sitting]\ndesk = false\n", 'sitting.desk = False: must be one of "sitting", "standing", "off"'),
        ("[sitting]\ntrust_posture = 1\n", "sitting.trust_posture = 1: must be true or false"),
        ('[prompts]\nhours = "08:00-22:00"\n', "prompts.hours = '08:00-22:00': must be a table by weekdays"),
        ('[prompts]\nhours = { monday = "08:00-22:00" }\n', "prompts.hours = {'monday': '08:00-22:00'}: 'monday' is"),
        ('[prompts]\nhours = { mon = "08:00" }\n', "prompts.hours = {'mon': '08:00'}: must be spans such as"),
        ('[prompts]\nhours = { mon = "08:00-08:00" }\n', "prompts.hours = {'mon': '08:00-08:00'}: must be spans"),
        ('[prompts]\nlunch = "12-13"\n', "prompts.lunch = '12-13': must be a time such as \"08:00\""),
        ('[prompts]\nlunch = "12:00Z-13:00"\n', "prompts.lunch = '12:00Z-13:00': must be a time such as"),
        ('[prompts]\nlunch = "12:00-25:00"\n', "prompts.lunch = '12:00-25:00': must be a time such as"),
        ("[prompts]\nlunch = 12:00:00\n", "prompts.lunch = datetime.time(12, 0): must be text in quotes"),
        ('[prompts]\nrepeat = "never"\n', "prompts.repeat = 'never': must be longer than zero"),
        ('[prompts]\ncommand = "say move"\n', "prompts.command = 'say move': must be a list of texts, such as"),
        ("[prompts]\ncommand = [1]\n", "prompts.command = [1]: must be a list of texts"),
        ('[prompts]\nstronger = "yes"\n', "prompts.stronger = 'yes': must be true or false"),
        ('[prompts]\nband_text = "name"\n', "prompts.band_text = 'name': must be one of \"neutral\", \"exercise\""),
        ("[prompts]\nband_text = true\n", 'prompts.band_text = True: must be one of "neutral", "exercise"'),
        ('[day]\nstart = "24:00"\n', "day.start = '24:00': must be a time such as"),
        ('[exercises]\nset = ["hip-extention"]\n', "exercises.set = ['hip-extention']: there is no exercise or tag"),
        ("[exercises]\nset = []\n", "exercises.set without exercises.avoid leaves nothing: name an exercise that may"),
        ('[exercises]\nset = ["hip-extension"]\navoid = ["hip-extension"]\n', "exercises.set without exercises.avoid"),
        ('[mqtt]\nhost = "mqtt://home"\n', "mqtt.host = 'mqtt://home': must be a name such as"),
        ('[mqtt]\nhost = "home:1883"\n', "mqtt.host = 'home:1883': must be a name such as"),
        ('[mqtt]\nhost = "anna:secret@home"\n', "mqtt.host: must be a name such as"),
        ("[mqtt]\nport = 0\n", "mqtt.port = 0: must be a whole number from 1 to 65535"),
        ('[mqtt]\nca = "ca.pem"\n', "mqtt.ca = 'ca.pem': must be a whole path, such as"),
        ('[mqtt]\npassword_file = "~nobody-here/x"\n', "mqtt.password_file = '~nobody-here/x': must be a whole path"),
        ('[mqtt]\nwearer = "Anna"\n', "mqtt.wearer = 'Anna': must be 1 to 32 of a-z, 0-9, - and _"),
        ('[mqtt]\nwearer = "a/#"\n', "mqtt.wearer = 'a/#': must be 1 to 32 of a-z, 0-9, - and _"),
        ('[mqtt]\nprefix = "#"\n', "mqtt.prefix = '#': must be the beginning of a topic"),
        ('[mqtt]\npassword = "secret"\n', "there is no key mqtt.password: do you mean mqtt.password_file?"),
        ("[therapist]\nname = 1\n", "therapist.name = 1: must be text in quotes"),
        ("[sitting\n", "is not TOML: "),
        ("[sitting]\nmoves = 1\nmoves = 2\n", "is not TOML: "),
    ],
)  # fmt: skip
def test_what_is_wrong_is_named_with_file_and_key_and_what_is_allowed(file: Path, text: str, said: str) -> None:
    assert refusal(file, text).startswith(said)


def test_a_file_that_is_no_text_is_said_not_to_be_toml(file: Path) -> None:
    file.write_bytes(b"\xff\xfe[\0s\0")
    file.chmod(0o600)
    with pytest.raises(ConfigError, match="is not TOML"):
        load(file)


def test_a_file_that_was_asked_for_must_be_there(file: Path) -> None:
    with pytest.raises(ConfigError) as caught:
        load(file, required=True)
    assert str(caught.value) == f"{file} is not there: `hipsync config path` says where settings belong"


def test_a_folder_is_no_file_of_settings(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="cannot be read: Is a directory"):
        load(tmp_path)


@pytest.mark.skipif(os.name != "posix", reason="owners and modes as POSIX has them")
class TestOwner:
    @pytest.mark.parametrize("mode", [0o620, 0o602, 0o666])
    def test_a_file_that_others_can_write_is_refused(self, file: Path, mode: int) -> None:
        file.write_text('[prompts]\ncommand = ["evil"]\n')
        file.chmod(mode)
        with pytest.raises(ConfigError) as caught:
            load(file)
        assert str(caught.value) == f"{file} can be written by others: it could name a command; chmod 600 it"

    def test_a_file_that_others_can_only_read_is_taken(self, file: Path) -> None:
        file.write_text("")
        file.chmod(0o644)
        assert load(file) == Config()

    def test_a_file_of_somebody_else_is_refused(self, file: Path) -> None:
        file.write_text("")
        try:
            os.chown(file, 65534, -1)
        except PermissionError:
            pytest.skip("only root can give a file away")
        with pytest.raises(ConfigError) as caught:
            load(file)
        assert str(caught.value) == f"{file} belongs to somebody else: it could name a command; make it yours"


def _minute(at: time) -> time:
    return at.replace(second=0, microsecond=0)


TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=8)
WINDOWS = st.lists(
    st.tuples(st.times(max_value=time(12)), st.times(min_value=time(12, 1)) | st.just(time.max)).map(
        lambda span: (_minute(span[0]), span[1] if span[1] == time.max else _minute(span[1]))
    ),
    max_size=2,
).map(tuple)
MINUTES = st.integers(1, 9999)
LENGTHS = MINUTES.map(lambda minutes: minutes * MINUTE)
RULES = st.builds(
    Rule,
    limit_minutes=st.integers(10, 240),
    break_steps=st.integers(1, 200),
    break_window_minutes=st.integers(1, 60),
    moves=st.integers(0, 15),
    move_window_minutes=st.just(Rule().move_window_minutes),
    bridge_minutes=st.just(Rule().bridge_minutes),
    trust_posture=st.booleans(),
    desk=st.sampled_from(Desk),
)
POLICIES = st.builds(
    Policy,
    repeat_minutes=st.none() | MINUTES,
    hours=st.dictionaries(st.integers(0, 6), WINDOWS),
    lunch=WINDOWS,
    stronger=st.booleans(),
)
MQTTS = st.builds(
    Mqtt,
    host=st.sampled_from(["", "broker", "::1", "10.0.0.7"]),
    port=st.integers(1, 65535),
    tls=st.booleans(),
    ca=st.sampled_from(["", "/ca.pem"]),
    user=TEXT,
    password_file=st.sampled_from(["", "/p", "~/p"]),
    wearer=st.sampled_from(["", "anna", "0_-"]),
    prefix=st.sampled_from(["homeassistant", "a/b"]),
    share=st.sampled_from(Share),
).filter(lambda each: each.wearer or each.share is not Share.EVERYTHING)
PROXIES = st.lists(
    st.builds(
        Proxy,
        host=st.sampled_from(["bedroom.local", "::1", "10.0.0.7"]),
        name=st.sampled_from(["", "bed room", 'k"itchen\\']),
        port=st.integers(1, 65535),
        key_file=st.sampled_from(["", "/k", "~/k"]),
        bands=st.sampled_from([(), ("C8:0F:10:80:D0:21",), ("C8:0F:10:80:D0:21", "C8:0F:10:80:D0:22")]),
    ),
    max_size=1,
).map(tuple)
CONFIGS = st.builds(
    Config,
    rule=RULES,
    policy=POLICIES,
    snooze=LENGTHS,
    activitywatch=st.booleans(),
    desktop=st.booleans(),
    band=st.booleans(),
    band_text=st.sampled_from(BandText),
    command=st.lists(TEXT, max_size=3).map(tuple),
    adapter=st.sampled_from(["", "hci0", "hci12", "00:1A:7D:DA:71:13"]),
    proxies=PROXIES,
    day_start=st.times().map(_minute),
    at_most_every=LENGTHS,
    at_least_every=LENGTHS,
    erase=st.booleans(),
    exercises=st.just(("seated", "hip-extension")),
    avoid=st.lists(st.sampled_from(["internal-rotation", "hip-rotation"])).map(tuple),
    morning=st.booleans(),
    mqtt=MQTTS,
    therapist_name=TEXT,
    therapist_phone=TEXT,
    therapist_url=TEXT,
).map(lambda config: replace(config, policy=replace(config.policy, limit_minutes=config.rule.limit_minutes)))


@given(CONFIGS)
def test_settings_that_are_shown_are_read_again_the_same(config: Config) -> None:
    assert parsed(tomllib.loads(as_toml(config)), "shown") == config
