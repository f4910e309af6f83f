"""A band is added from the page: the same pairing as at a terminal, told and asked on a board."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping
from html import escape
from pathlib import Path

import pytest
from bleak.backends.device import BLEDevice

from hipsync.cli import page_pairing
from hipsync.cli.app import App
from hipsync.cli.pairing_board import Board, PagePerson
from hipsync.cli.site import Site
from hipsync.driver import Advertisement
from hipsync.errors import BluetoothUnavailable, ConfigError
from hipsync.radio.scan import NearbyDevice
from hipsync.report.page.document import Served
from hipsync.report.page.pair import Asked, Found, Offered, PairingShown, Told, pair_html
from hipsync.store import Store
from support.machine import Machine

KEY = "00112233445566778899aabbccddeeff"
HOSTILE = "<script>alert(1)</script>"


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Site:
    machine = Machine(tmp_path)
    for name, value in machine.environment.items():
        monkeypatch.setenv(name, value)
    app = App()
    app.db_path = machine.database
    return Site(app)


def until(site: Site, holds: Callable[[PairingShown], bool], within_s: float = 60) -> PairingShown:
    """Wait until the board is as wanted."""
    end = time.monotonic() + within_s
    while not holds(shown := site.pairing.shown()):
        assert time.monotonic() < end, shown
        time.sleep(0.02)
    return shown


def said(site: Site, answer: str) -> None:
    """Answer the question that waits."""
    asked = until(site, lambda shown: shown.asked is not None).asked
    assert asked is not None
    site.act("pair-answer", {"question": str(asked.number), "answer": answer})


def shown_as(shown: PairingShown, offered: Offered = Offered()) -> str:  # noqa: B008  it never changes
    return pair_html(shown, offered, Served("secret"), "").split("<main")[1].split("</main>")[0]


def test_a_practice_band_is_added_by_forms_alone(site: Site) -> None:
    assert site.first() == "pair/now"
    assert ("infinitime", "PineTime with InfiniTime") in site.pairing.offered().practice
    site.act("pair-practice", {"kind": "infinitime"})
    with pytest.raises(ConfigError, match="is not over yet"):
        site.act("pair-look", {})
    said(site, "yes")
    said(site, "bad\x07name")
    asked = until(site, lambda shown: shown.asked is not None and bool(shown.asked.wrong)).asked
    assert asked is not None
    assert "cannot be the name of a band" in asked.wrong
    said(site, " my watch ")
    shown = until(site, lambda shown: not shown.busy)
    assert (shown.paired, shown.failed, shown.asked) == ("my watch", "", None)
    with Store.read(site.pairing.database) as store:
        assert [(band.name, band.driver, band.simulated) for band in store.bands()] == [
            ("my watch", "infinitime", True)
        ]
    assert "infinitime" not in dict(site.pairing.offered().practice), "it is paired"
    assert site.first() == "day/today"
    assert "my watch is ready" in site.page("pair", "now", "secret", "")


@pytest.mark.parametrize("form", [{"kind": "none"}, {"kind": HOSTILE}, {}])
def test_what_is_no_kind_is_refused_and_makes_no_file(site: Site, form: Mapping[str, str]) -> None:
    site.act("pair-practice", form)
    assert "there is no practice band" in until(site, lambda shown: not shown.busy).failed
    assert not site.pairing.database.exists()


def test_stopped_while_a_question_waits_it_says_what_is_stored(site: Site) -> None:
    site.act("pair-practice", {"kind": "infinitime"})
    until(site, lambda shown: shown.asked is not None and shown.asked.kind == "felt")
    site.act("pair-stop", {})
    shown = until(site, lambda shown: not shown.busy)
    assert shown.failed == "Stopped. 'InfiniTime' is paired; `hipsync sync` fetches the rest."
    assert shown.asked is None
    with pytest.raises(ConfigError, match="that question is over"):
        site.act("pair-answer", {"question": "1", "answer": "yes"})


def test_stopped_before_anything_came_it_stores_nothing(site: Site) -> None:
    site.act("pair-practice", {"kind": "infinitime"})
    until(site, lambda shown: bool(shown.told))
    site.act("pair-stop", {})
    assert until(site, lambda shown: not shown.busy).failed == "Stopped."
    assert not Store.exists(site.pairing.database)


def test_closing_the_site_ends_a_pairing(site: Site) -> None:
    site.act("pair-practice", {"kind": "infinitime"})
    until(site, lambda shown: bool(shown.told))
    site.close()
    assert not site.pairing.shown().busy


def test_a_known_model_that_no_driver_takes_is_named_and_not_offered(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def scan(*_: object) -> object:
        name = "HUAWEI WATCH GT 4-A1B"
        return [NearbyDevice("C0:07", -51, Advertisement(name), BLEDevice("C0:07", name, None))]

    monkeypatch.setattr("hipsync.radio.scan.scan", scan)
    site.act("pair-look", {})
    shown = until(site, lambda shown: not shown.busy)
    assert shown.found == []
    (told,) = shown.told
    assert told.text.startswith("HUAWEI WATCH GT 4-A1B: not reachable over Bluetooth LE: import from Gadgetbridge")


def test_without_bluetooth_it_says_why_and_looks_again(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    async def scan(*_: object) -> object:
        raise BluetoothUnavailable("Bluetooth is off: turn it on")

    monkeypatch.setattr("hipsync.radio.scan.scan", scan)
    site.act("pair-look", {})
    shown = until(site, lambda shown: not shown.busy)
    assert shown.failed == "Bluetooth is off: turn it on"
    assert "Look again" in shown_as(shown)


def test_a_bug_is_one_line_on_the_page(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    async def broken(*_: object) -> object:
        raise RuntimeError("a driver's own")

    monkeypatch.setattr(page_pairing, "pair_band", broken)
    site.act("pair-band", {"address": "C8:0F:10:80:D0:21"})
    assert until(site, lambda shown: not shown.busy).failed.startswith("a bug in hipsync or in a driver")


async def asked_and_answered(
    ask: Callable[[PagePerson], Callable[[], Awaitable[object]]], *answers: str
) -> tuple[object, list[Asked]]:
    """What the person says to a question of the pairing, and what stood on the board meanwhile."""
    board = Board()
    seen: list[Asked] = []

    def answer() -> None:
        for text in answers:
            while (asked := board.shown.asked) is None:
                time.sleep(0.001)
            seen.append(asked)
            board.answer(str(asked.number), text)

    task = asyncio.create_task(asyncio.to_thread(answer))
    got = await ask(PagePerson(board))()
    await task
    assert board.shown.asked is None
    return got, seen


async def test_a_key_is_asked_again_until_it_is_one_and_never_shown() -> None:
    got, seen = await asked_and_answered(lambda person: person.ask_key, "beef", f"0x{KEY}")
    assert got == bytes.fromhex(KEY)
    assert [bool(each.wrong) for each in seen] == [False, True]
    assert all("beef" not in str(each) for each in seen)


@pytest.mark.parametrize(("typed", "digits"), [(["123456"], 123456), (["12345x", "1234567", "000 042"], 42)])
async def test_a_passkey_is_asked_until_it_is_one(typed: list[str], digits: int) -> None:
    got, _ = await asked_and_answered(lambda person: person.passkey, *typed)
    assert got == digits


async def test_yes_and_no_and_a_pin() -> None:
    assert (await asked_and_answered(lambda person: person.has_buzzed, "yes"))[0] is True
    assert (await asked_and_answered(lambda person: person.has_buzzed, "no"))[0] is False
    assert (await asked_and_answered(lambda person: lambda: person.agrees(42), "no"))[0] is False
    assert (await asked_and_answered(lambda person: lambda: person.agrees(42), "yes"))[0] is True
    assert (await asked_and_answered(lambda person: person.pin, " 0000\x07 "))[0] == "0000"


async def test_nobody_answers(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("KEY_WITHIN_S", "FELT_WITHIN_S", "NAME_WITHIN_S", "BOND_WITHIN_S"):
        monkeypatch.setattr(f"hipsync.cli.pairing_board.{name}", 0.01)
    person = PagePerson(Board())
    assert await person.has_buzzed() is None
    assert await person.passkey() is None
    assert await person.pin() is None
    assert not await person.agrees(1)
    assert await person.name_for("Mi Band") == "Mi Band"
    with pytest.raises(ConfigError, match="nobody gave it"):
        await person.ask_key()


def test_a_key_is_typed_into_a_field_that_no_browser_keeps_and_sent_in_a_body() -> None:
    page = shown_as(PairingShown(busy=True, asked=Asked(3, "key", "The band's key")))
    (field,) = (part for part in page.split("<") if part.startswith("input") and 'name="answer"' in part)
    assert 'type="text"' in field, "browsers offer to keep what is a password"
    assert 'class="secret"' in field
    assert 'autocomplete="off"' in field
    assert page.count('method="post"') == page.count("<form")


def test_what_a_band_says_is_text() -> None:
    shown = PairingShown(
        told=[Told("name", HOSTILE), Told("family", HOSTILE, HOSTILE)],
        found=[Found(HOSTILE, HOSTILE, HOSTILE, HOSTILE, HOSTILE)],
        failed=HOSTILE,
    )
    asked = PairingShown(busy=True, asked=Asked(1, "name", HOSTILE, HOSTILE, HOSTILE))
    pages = [shown_as(shown), shown_as(asked), shown_as(PairingShown(paired=HOSTILE), Offered([(HOSTILE, HOSTILE)]))]
    for page in pages:
        assert HOSTILE not in page
        assert escape(HOSTILE) in page


def test_a_band_that_is_paired_is_paired_again_and_one_that_is_not_is_added() -> None:
    found = [Found("AA", "Mi Band", "Huami", "-60 dBm", "desk"), Found("BB", "R02", "Colmi", "connected")]
    page = shown_as(PairingShown(found=found))
    assert 'value="AA"><input type="hidden" name="again" value="yes"><button aria-label="Pair again Mi Band">' in page
    assert 'value="BB"><input type="hidden" name="again" value=""><button aria-label="Add R02">' in page
    assert "It is paired as desk." in page


def test_while_somebody_types_no_browser_loads_the_page_anew() -> None:
    def refresh(shown: PairingShown) -> bool:
        return 'http-equiv="refresh"' in pair_html(shown, Offered(), Served("secret"), "")

    assert refresh(PairingShown(busy=True))
    assert not refresh(PairingShown(busy=True, asked=Asked(1, "name", "A name for it")))
    assert not refresh(PairingShown())
