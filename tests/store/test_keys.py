"""Keys of bands: kept from everybody else, also in what is said when they are wrong."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest

from hipsync.errors import ConfigError
from hipsync.model import Band, BandId
from hipsync.store.keys import Kept, KeyFile, key_from_file, parsed_key

KEY = bytes.fromhex("00112233445566778899aabbccddeeff")
OTHER = bytes.fromhex("ffeeddccbbaa99887766554433221100")


def band(name: str) -> Band:
    return Band(BandId(1), name, "huami", None, "", False, False, False, datetime(2026, 3, 2, tzinfo=UTC))


@pytest.mark.parametrize(
    "text",
    [
        "00112233445566778899aabbccddeeff",
        "0x00112233445566778899AABBCCDDEEFF",
        "0X00112233445566778899aabbccddeeff\n",
        " 00112233 44556677 8899aabb ccddeeff ",
        "00:11:22:33:44:55:66:77:88:99:aa:bb:cc:dd:ee:ff",
        "00112233-4455-6677-8899-aabbccddeeff\r\n",
    ],
)
def test_a_key_is_understood_as_people_write_it(text: str) -> None:
    assert parsed_key(text) == KEY


@pytest.mark.parametrize(
    "text",
    [
        "",
        "0x",
        "00112233445566778899aabbccddee",
        "00112233445566778899aabbccddeeff00",
        "00112233445566778899aabbccddeefg",
        "00112233445566778899aabbccddee\u0661\u0661",
        "0x0x00112233445566778899aabbccddeeff",
    ],
)
def test_what_is_no_key_is_not_repeated_when_it_is_refused(text: str) -> None:
    with pytest.raises(ConfigError) as caught:
        parsed_key(text)
    assert str(caught.value) == (
        "that is no key: a key is 32 hexadecimal digits, such as 00112233445566778899aabbccddeeff, "
        "with or without 0x before it"
    )


def test_a_key_file_that_others_can_read_is_taken_with_a_warning(tmp_path: Path) -> None:
    file = tmp_path / "key"
    file.write_bytes(b"\xef\xbb\xbf0x00112233445566778899aabbccddeeff\r\n")
    file.chmod(0o600)
    assert key_from_file(file) == (KEY, None)
    file.chmod(0o640)
    assert key_from_file(file) == (
        KEY, f"{file} can be read by others: chmod 600 it, for who has the key has the band"
    )  # fmt: skip


@pytest.mark.skipif(os.name != "posix", reason="owners and modes as POSIX has them")
@pytest.mark.parametrize("mode", [0o620, 0o602, 0o666])
def test_a_key_file_that_others_can_write_is_refused(tmp_path: Path, mode: int) -> None:
    file = tmp_path / "key"
    file.write_bytes(KEY.hex().encode())
    file.chmod(mode)
    with pytest.raises(ConfigError) as caught:
        key_from_file(file)
    assert str(caught.value) == f"{file} can be written by others: it could give the band another key; chmod 600 it"


@pytest.mark.parametrize("content", [b"secret but short", b"\0" * 16, b"\xff" * 5000, KEY.hex().encode() * 2])
def test_a_file_without_a_key_is_named_and_not_repeated(tmp_path: Path, content: bytes) -> None:
    file = tmp_path / "key"
    file.write_bytes(content)
    with pytest.raises(ConfigError) as caught:
        key_from_file(file)
    message = str(caught.value)
    assert message.startswith(f"{file}: that is no key: a key is 32 hexadecimal digits")
    assert "secret" not in message
    assert KEY.hex() * 2 not in message


@pytest.mark.parametrize("name", ["missing", "."])
def test_a_key_file_that_cannot_be_read_is_one_clear_line(tmp_path: Path, name: str) -> None:
    with pytest.raises(ConfigError, match=r" cannot be read: (No such file|Is a directory)"):
        key_from_file(tmp_path / name)


# ------------------------------------------------------------------ the keys of the bands


def test_keys_are_kept_by_name_in_a_file_for_their_owner_alone(tmp_path: Path) -> None:
    path = tmp_path / "new" / "keys.json"
    before = os.umask(0)
    try:
        keys = KeyFile(path)
        assert keys.secret(band("left")) is None
        assert not path.parent.exists(), "looking makes no file"
        keys.set("left", KEY)
        keys.set("right", OTHER)
    finally:
        os.umask(before)
    assert (path.stat().st_mode & 0o777, path.parent.stat().st_mode & 0o777) == (0o600, 0o700)
    assert (KeyFile(path).secret(band("left")), KeyFile(path).secret(band("right"))) == (KEY, OTHER)
    assert list(path.parent.iterdir()) == [path]


def test_a_file_that_others_could_read_is_private_after_the_next_key(tmp_path: Path) -> None:
    path = tmp_path / "keys.json"
    path.write_text("{}")
    path.chmod(0o644)
    KeyFile(path).set("left", KEY)
    assert path.stat().st_mode & 0o777 == 0o600


def test_a_key_goes_with_its_band(tmp_path: Path) -> None:
    keys = KeyFile(tmp_path / "keys.json")
    keys.set("left", KEY)
    keys.set("right", OTHER)
    keys.rename("left", "middle")
    keys.rename("nobody", "somebody")
    assert [keys.secret(band(name)) for name in ("left", "middle", "right", "somebody")] == [None, KEY, OTHER, None]
    keys.delete("middle")
    keys.delete("middle")
    assert keys.secret(band("middle")) is None
    assert KEY.hex() not in (tmp_path / "keys.json").read_text()


@pytest.mark.parametrize(
    ("content", "why"),
    [
        ("", "cannot be read"),
        ('{"left": "0011', "cannot be read"),
        ("\udcff", "cannot be read"),
        ("[]", "is not a file of keys"),
        (f'"{KEY.hex()}"', "is not a file of keys"),
        ('{"left": "0011"}', "is not a file of keys"),
        ('{"left": 7}', "is not a file of keys"),
        ('{"left": null}', "is not a file of keys"),
    ],
)
def test_a_corrupt_file_is_refused_and_not_written_over(tmp_path: Path, content: str, why: str) -> None:
    path = tmp_path / "keys.json"
    raw = content.encode("utf-8", "surrogateescape")
    path.write_bytes(raw)
    keys = KeyFile(path)
    acts: list[Callable[[], object]] = [
        lambda: keys.secret(band("left")),
        lambda: keys.set("right", OTHER),
        lambda: keys.delete("left"),
        lambda: keys.rename("left", "right"),
    ]
    for act in acts:
        with pytest.raises(ConfigError) as caught:
            act()
        assert str(caught.value) == f"{path} {why}: mend or remove it, and give the keys again"
    assert path.read_bytes() == raw


@pytest.mark.skipif(os.name != "posix", reason="owners and modes as POSIX has them")
class TestOwner:
    @pytest.mark.parametrize("mode", [0o620, 0o602, 0o666])
    def test_a_file_that_others_can_write_is_refused_and_not_written_over(self, tmp_path: Path, mode: int) -> None:
        keys = KeyFile(tmp_path / "keys.json")
        keys.set("left", KEY)
        keys.path.chmod(mode)
        acts: list[Callable[[], object]] = [
            lambda: keys.secret(band("left")),
            lambda: keys.set("right", OTHER),
            lambda: keys.delete("left"),
            lambda: keys.rename("left", "right"),
            keys.check,
        ]
        for act in acts:
            with pytest.raises(ConfigError) as caught:
                act()
            assert str(caught.value) == (
                f"{keys.path} can be written by others: it could give a band another key; chmod 600 it"
            )
        keys.path.chmod(0o600)
        assert keys.secret(band("left")) == KEY

    def test_a_file_of_somebody_else_is_refused(self, tmp_path: Path) -> None:
        keys = KeyFile(tmp_path / "keys.json")
        keys.set("left", KEY)
        try:
            os.chown(keys.path, 65534, -1)
        except PermissionError:
            pytest.skip("only root can give a file away")
        with pytest.raises(ConfigError) as caught:
            keys.secret(band("left"))
        assert str(caught.value) == (
            f"{keys.path} belongs to somebody else: it could give a band another key; make it yours"
        )


def test_a_key_that_cannot_be_written_down_is_one_clear_line(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(ConfigError) as caught:
        KeyFile(tmp_path / "file" / "keys.json").set("left", KEY)
    assert KEY.hex() not in str(caught.value)
    assert " cannot be " in str(caught.value)


# ------------------------------------------------------------------ what is kept before a band has a name

ADDRESS, TOKEN = "C8:0F:10:80:D0:21", bytes(range(58))


def at(address: str | None, name: str = "left") -> Band:
    return band(name)._replace(driver="sealed", address=address)


def test_a_secret_of_any_length_is_kept_by_driver_and_address_for_its_owner_alone(tmp_path: Path) -> None:
    keys = KeyFile(tmp_path / "keys.json")
    assert keys.kept("sealed", ADDRESS) == Kept()
    keys.keep("sealed", ADDRESS, TOKEN)
    keys.keep("other", ADDRESS, b"")
    keys.keep_of(at("C8:0F:10:80:D0:22"), KEY)
    again = KeyFile(tmp_path / "keys.json")
    assert (again.kept("sealed", ADDRESS.lower()), again.kept("other", ADDRESS)) == (Kept(TOKEN), Kept(b""))
    assert again.secret(at("C8:0F:10:80:D0:22")) == KEY
    assert (tmp_path / "secrets.json").stat().st_mode & 0o777 == 0o600
    assert not (tmp_path / "keys.json").exists()


def test_an_older_version_reads_its_keys_beside_it_and_leaves_it_alone(tmp_path: Path) -> None:
    """It knows nothing but names with 32 digits in keys.json, and refuses a file with anything else."""
    keys = KeyFile(tmp_path / "keys.json")
    keys.set("right", OTHER)
    keys.keep("sealed", ADDRESS, TOKEN)
    keys.note_bond("sealed", ADDRESS)
    assert json.loads((tmp_path / "keys.json").read_text()) == {"right": OTHER.hex()}
    before = (tmp_path / "secrets.json").read_bytes()
    keys.set("left", KEY)  # what an older version does
    keys.rename("right", "middle")
    keys.delete("left")
    assert (tmp_path / "secrets.json").read_bytes() == before
    assert keys.kept("sealed", ADDRESS) == Kept(TOKEN, bond=True)


def test_what_a_band_handed_over_counts_before_a_key_of_its_name_until_it_is_dropped(tmp_path: Path) -> None:
    keys = KeyFile(tmp_path / "keys.json")
    keys.set("left", KEY)
    keys.keep("sealed", ADDRESS, TOKEN)
    assert (keys.secret(at(ADDRESS)), keys.secret(at(None))) == (TOKEN, KEY)
    keys.note_bond("sealed", ADDRESS)
    keys.drop_secret("sealed", ADDRESS)
    keys.drop_secret("sealed", ADDRESS)
    assert (keys.secret(at(ADDRESS)), keys.kept("sealed", ADDRESS)) == (KEY, Kept(bond=True))


def test_what_is_kept_goes_to_a_new_address_and_is_forgotten_with_its_band(tmp_path: Path) -> None:
    keys = KeyFile(tmp_path / "keys.json")
    keys.keep("sealed", "C8:00", KEY)
    keys.keep("sealed", ADDRESS, TOKEN)
    keys.move_kept("sealed", "C8:00", ADDRESS)
    keys.move_kept("sealed", "C8:00", ADDRESS)
    keys.move_kept("sealed", ADDRESS, ADDRESS)
    assert (keys.kept("sealed", "C8:00"), keys.kept("sealed", ADDRESS)) == (Kept(), Kept(KEY))
    keys.set("left", OTHER)
    keys.forget(at(ADDRESS))
    keys.forget(at(ADDRESS))
    assert keys.secret(at(ADDRESS)) is None
    assert KEY.hex() not in "".join(file.read_text() for file in tmp_path.iterdir())


@pytest.mark.parametrize(
    "content",
    [
        '{"a b": "0011"}', '{"a b": {"secret": "001", "bond": false}}', '{"a b": {"secret": "", "bond": 1}}',
        '{"a b": {"secret": 5, "bond": true}}', '{"a b": {}}', "[]", "{",
    ],
)  # fmt: skip
def test_a_corrupt_file_of_secrets_is_refused_and_not_written_over(tmp_path: Path, content: str) -> None:
    keys = KeyFile(tmp_path / "keys.json")
    (tmp_path / "secrets.json").write_text(content)
    acts: list[Callable[[], object]] = [
        keys.check,
        lambda: keys.secret(at(ADDRESS)),
        lambda: keys.keep("sealed", ADDRESS, TOKEN),
        lambda: keys.forget(at(ADDRESS)),
    ]
    for act in acts:
        with pytest.raises(
            ConfigError, match=r"secrets.json (cannot be read|is not a file of secrets): mend or remove it"
        ):
            act()
    assert (tmp_path / "secrets.json").read_text() == content
