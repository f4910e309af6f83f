"""A prompt reaches the desktop as a notice with buttons; what is pressed is stored once, and old notices go."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from dbus_fast import Message
from dbus_fast.aio import MessageBus

from hipsync.core.exercises import MOVES
from hipsync.core.figures import FIGURES
from hipsync.model import Answer, BandId, Prompt, Remark, Trouble
from hipsync.report.figure_icon import icon
from hipsync.service import desktop
from hipsync.service.delivery import Delivery
from hipsync.service.desktop import Asking, on_desktop, to_desktop, why_no_notices, withdraw
from hipsync.service.notice import Notice, buttons_of, remark_of
from hipsync.settings.config import Config
from hipsync.store import Store
from support.notice_server import INTERFACE, Desk
from support.private_bus import needs_dbus, on_the_bus, private_bus

NOTICE = Notice("Time to move", "Stand up.")
STRONG = Notice("Time to move", "Stand up.", strong=True)
AT = datetime(2026, 3, 2, 10, tzinfo=UTC)


def asking(answered: Callable[[Answer], None], of: datetime = AT) -> Asking:
    return Asking(of, buttons_of(timedelta(minutes=10)), answered)


def nothing(answer: Answer) -> None:
    pytest.fail(f"nobody pressed {answer}")


@needs_dbus
async def test_a_desktop_notice_carries_the_words_and_three_buttons(session: str) -> None:
    desk = Desk()
    async with on_the_bus(session, INTERFACE, desk.reply):
        assert await to_desktop(Notice("Time to \x1bmove", "Stand up."), asking(nothing))
    (notice,) = desk.notices
    assert (notice[0], notice[3], notice[4]) == ("hipsync", "Time to move", "Stand up.")
    actions = notice[5]
    assert isinstance(actions, list)
    assert [label for label in actions[1::2] if label] == ["Done", "Snooze 10 min", "Skip"]  # pyright: ignore[reportUnknownVariableType]
    hints = notice[6]
    assert isinstance(hints, dict)
    assert hints["urgency"].value == 1, "do-not-disturb would not hold it"  # pyright: ignore[reportUnknownMemberType]


@needs_dbus
async def test_a_strong_notice_is_as_urgent_as_a_gentle_one_and_sounds(session: str) -> None:
    """A second showing, too, is held by do-not-disturb, and delivered after it."""
    desk = Desk()
    async with on_the_bus(session, INTERFACE, desk.reply):
        assert await to_desktop(NOTICE, asking(nothing))
        assert await to_desktop(STRONG, asking(nothing))
    gentle, strong = [str(notice[6]) for notice in desk.notices]
    urgency = "'urgency': <dbus_fast.signature.Variant ('y', 1)>"
    assert urgency in gentle
    assert urgency in strong
    assert ("sound" in gentle, "sound" in strong) == (False, True)


def hint_of(notice: list[object], name: str) -> object:
    hints = notice[6]
    assert isinstance(hints, dict)
    variant: object = hints.get(name)  # pyright: ignore[reportUnknownMemberType, reportUnknownVariableType]
    return getattr(variant, "value", None)  # pyright: ignore[reportUnknownArgumentType]


@needs_dbus
@pytest.mark.parametrize("takes_pictures", [True, False])
async def test_a_picture_is_a_hint_and_a_server_that_refuses_it_gets_the_words_alone(
    takes_pictures: bool, session: str, tmp_path: Path
) -> None:
    """The hint is a file's URI (Desktop Notifications Specification 1.2, "Icons and Images")."""
    desk, picture, pressed = Desk(), tmp_path / "a figure.svg", asyncio.Queue[Answer]()
    desk.takes_pictures = takes_pictures
    async with on_the_bus(session, INTERFACE, desk.reply) as bus:
        assert await to_desktop(Notice("Time to move", "Stand up.", picture=picture), asking(pressed.put_nowait))
        await desk.press(bus, "Done")
        async with asyncio.timeout(20):
            assert await pressed.get() is Answer.DONE
    (notice,) = desk.notices
    assert (notice[3], notice[4]) == ("Time to move", "Stand up.")
    assert hint_of(notice, "image-path") == (f"file://{tmp_path}/a%20figure.svg" if takes_pictures else None)


@needs_dbus
async def test_a_reminder_shows_the_figure_of_its_exercise_and_one_without_a_figure_none(
    session: str, tmp_path: Path
) -> None:
    desk, folder = Desk(), tmp_path / "figures"
    with Store.in_memory() as store:
        delivery = Delivery(store, lambda: AT, Config(), figures=folder)
        async with on_the_bus(session, INTERFACE, desk.reply):
            for move in (MOVES[2], MOVES[2]._replace(name="mine")):
                await delivery.deliver(Prompt(AT, AT, move.name, sure=True), move, False)
    assert [hint_of(notice, "image-path") for notice in desk.notices] == [f"file://{folder}/hip-rotation.svg", None]
    assert (folder / "hip-rotation.svg").read_text() == icon(FIGURES["hip-rotation"])


@needs_dbus
async def test_a_plain_notice_has_no_buttons(session: str) -> None:
    desk = Desk()
    remark = Remark(BandId(1), Trouble.BATTERY, "Charge desk-\x1bband: 9 %")
    async with on_the_bus(session, INTERFACE, desk.reply):
        assert await to_desktop(remark_of(remark), None)
    (notice,) = desk.notices
    assert (notice[3], notice[4]) == ("Battery low", "Charge desk-band: 9 %")
    actions = notice[5]
    assert isinstance(actions, list)
    assert [label for label in actions[1::2] if label] == []  # pyright: ignore[reportUnknownVariableType]


@needs_dbus
async def test_a_name_cannot_write_markup_into_a_notice(session: str) -> None:
    """The body is markup, the title is not (Desktop Notifications Specification 1.2, "Basic Design" and "Markup")."""
    desk = Desk()
    async with on_the_bus(session, INTERFACE, desk.reply):
        assert await to_desktop(Notice("Sit & <b>", 'Charge <a href="x">R&D</a>: 9 %'), None)
        assert await to_desktop(Notice("Time to move", "&" * 300), None)
    first, long = desk.notices
    assert (first[3], first[4]) == ("Sit & <b>", 'Charge &lt;a href="x"&gt;R&amp;D&lt;/a&gt;: 9 %')
    assert long[4] == "&amp;" * 200, "the cut is never in the middle of an entity"


@needs_dbus
@pytest.mark.parametrize(
    ("label", "answer"), [("Done", Answer.DONE), ("Snooze 10 min", Answer.SNOOZED), ("Skip", Answer.SKIPPED)]
)
async def test_a_button_answers(label: str, answer: Answer, session: str) -> None:
    desk, pressed = Desk(), asyncio.Queue[Answer]()
    async with on_the_bus(session, INTERFACE, desk.reply) as bus:
        assert await to_desktop(NOTICE, asking(pressed.put_nowait))
        await desk.press(bus, label)
        async with asyncio.timeout(20):
            assert await pressed.get() is answer
    assert pressed.empty()


async def test_without_a_session_bus_one_warning_is_said_and_then_nothing(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setenv("DBUS_SESSION_BUS_ADDRESS", f"unix:path={tmp_path / 'nothing'}")
    for _ in range(3):
        assert not await to_desktop(NOTICE, asking(nothing))
    assert len([record for record in caplog.records if record.levelno >= logging.WARNING]) == 1
    assert "no desktop notice: FileNotFoundError" in caplog.text
    assert "`hipsync doctor` says more" in caplog.text


async def connections(bus: MessageBus) -> int:
    """How many the bus has, all in all."""
    names = await bus.call(
        Message("org.freedesktop.DBus", "/org/freedesktop/DBus", "org.freedesktop.DBus", member="ListNames")
    )
    assert names is not None
    return sum(name.startswith(":") for name in names.body[0])


@needs_dbus
async def test_without_a_notice_server_nothing_is_delivered_and_no_connection_left(
    session: str, caplog: pytest.LogCaptureFixture
) -> None:
    async with on_the_bus(session, "org.example.Other", lambda _: None) as bus:
        for _ in range(3):
            assert not await to_desktop(NOTICE, asking(nothing))
        assert await connections(bus) == 1
    assert "no desktop notice" in caplog.text


@needs_dbus
async def test_a_server_that_refuses_or_hangs_did_not_deliver_and_may_come_back(
    session: str, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(desktop, "DESKTOP_WITHIN_S", 0.3)
    desk = Desk()
    async with on_the_bus(session, INTERFACE, desk.reply):
        desk.fails = True
        assert not await to_desktop(NOTICE, asking(nothing))
        desk.fails, desk.silent = False, True
        assert not await to_desktop(NOTICE, asking(nothing))
        desk.silent = False
        assert await to_desktop(NOTICE, asking(nothing))
        desk.fails = True
        assert not await to_desktop(NOTICE, asking(nothing))
    warnings = [
        record
        for record in caplog.records
        if record.name == "hipsync.service.desktop" and record.levelno >= logging.WARNING
    ]
    assert len(warnings) == 2, "the first of each streak"


@needs_dbus
async def test_doctor_is_told_whether_notices_can_be_seen_and_answered(session: str) -> None:
    desk = Desk()
    assert (await why_no_notices() or "").startswith("no notices here, because no notice server answers")
    async with on_the_bus(session, INTERFACE, desk.reply) as bus:
        before = await connections(bus)
        assert await why_no_notices() is None
        desk.can = ["body"]
        assert (await why_no_notices() or "").startswith("the notice server shows no buttons")
        async with asyncio.timeout(20):  # a bus takes a moment to see that one has hung up
            while await connections(bus) != before:  # noqa: ASYNC110  the bus tells nobody
                await asyncio.sleep(0.01)
    assert desk.notices == []


@needs_dbus
async def test_a_bus_that_comes_later_is_found_where_systemd_puts_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("DBUS_SESSION_BUS_ADDRESS", raising=False)
    monkeypatch.delenv("DISPLAY", raising=False)
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))
    assert not await to_desktop(NOTICE, asking(nothing))
    with private_bus(tmp_path) as address:
        assert (tmp_path / "bus").is_socket()
        desk = Desk()
        async with on_the_bus(address, INTERFACE, desk.reply):
            assert await to_desktop(NOTICE, asking(nothing))
        assert len(desk.notices) == 1
        monkeypatch.delenv("DBUS_SESSION_BUS_ADDRESS")
        desktop._hang_up(desktop._desktops.pop(asyncio.get_running_loop()))  # pyright: ignore[reportPrivateUsage]


@needs_dbus
async def test_where_there_are_no_buttons_the_words_say_how_to_answer(session: str) -> None:
    desk = Desk()
    desk.can = ["body"]
    async with on_the_bus(session, INTERFACE, desk.reply):
        assert await to_desktop(Notice("Time to move", "Stand up."), asking(nothing))
        assert await to_desktop(Notice("Charge desk-band", "9 %."), None)
    assert [notice[4] for notice in desk.notices] == [
        "Stand up. Answer: hipsync done, snooze or skip.",
        "9 %.",
    ]


@needs_dbus
async def test_a_press_of_another_program_s_notice_answers_nothing_and_ours_still_does(session: str) -> None:
    desk, answers = Desk(), list[Answer]()
    async with on_the_bus(session, INTERFACE, desk.reply) as bus:
        assert await to_desktop(NOTICE, asking(answers.append))
        for number, key in ((77, "default"), (4_000_000_000, "x" * 10_000)):
            signal = Message.new_signal(
                "/org/freedesktop/Notifications", INTERFACE, "ActionInvoked", "us", [number, key]
            )
            await bus.send(signal)  # pyright: ignore[reportUnknownMemberType]
        await desk.press(bus, "Done")
        async with asyncio.timeout(20):
            while not answers:  # noqa: ASYNC110  what is awaited is a list
                await asyncio.sleep(0.01)
    assert answers == [Answer.DONE]


@needs_dbus
async def test_a_second_showing_takes_the_place_of_the_first_and_all_are_withdrawn(session: str) -> None:
    desk = Desk()
    async with on_the_bus(session, INTERFACE, desk.reply):
        assert await to_desktop(NOTICE, asking(nothing))
        assert await to_desktop(STRONG, asking(nothing))
        assert (desk.closed, list(on_desktop())) == ([1], [AT])
        assert await to_desktop(NOTICE, asking(nothing, AT + timedelta(hours=1)))
        await withdraw([AT])
        await withdraw([AT, AT - timedelta(days=1)])
        assert (desk.closed, list(on_desktop())) == ([1, 2], [AT + timedelta(hours=1)])
        await withdraw(on_desktop())
        assert (desk.closed, list(on_desktop())) == ([1, 2, 3], [])


@needs_dbus
async def test_a_notice_that_cannot_be_withdrawn_is_no_error(session: str) -> None:
    desk = Desk()
    async with on_the_bus(session, INTERFACE, desk.reply):
        assert await to_desktop(NOTICE, asking(nothing))
    await withdraw(on_desktop())
    assert list(on_desktop()) == []


async def test_a_late_press_changes_nothing() -> None:
    with Store.in_memory() as store:
        delivery = Delivery(store, lambda: AT + timedelta(minutes=20), Config())
        first = store.add_prompt(Prompt(AT, AT, "hip-extension", sure=True, answer=Answer.DONE, answered_at=AT))
        delivery._store_answer(first, Answer.SKIPPED)  # pyright: ignore[reportPrivateUsage]
        assert store.prompt(first).answer is Answer.DONE
        one, nine = AT + timedelta(minutes=1), AT + timedelta(minutes=9)
        old = store.add_prompt(Prompt(one, one, "hip-extension", sure=True, answer=Answer.IGNORED))
        new = store.add_prompt(Prompt(nine, nine, "hip-extension", sure=True))
        delivery._store_answer(old, Answer.DONE)  # pyright: ignore[reportPrivateUsage]
        assert store.prompt(old).answer is Answer.IGNORED
        delivery._store_answer(new, Answer.DONE)  # pyright: ignore[reportPrivateUsage]
        assert store.prompt(new).answer is Answer.DONE
