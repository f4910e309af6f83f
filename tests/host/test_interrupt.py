"""Ctrl-C while coroutines run: once, twice, before there is anything to cancel, and while a person is asked."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
from collections.abc import Iterator

import pytest

from hipsync.cli import exits
from hipsync.host.interrupt import asking, run_until_interrupted
from support.repository import ROOT


def press() -> None:
    signal.raise_signal(signal.SIGINT)


@pytest.fixture(autouse=True)
def as_at_a_terminal() -> Iterator[None]:
    """pytest may have been started in the background, where Ctrl-C is ignored."""
    former = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler
    signal.signal(signal.SIGINT, former)


def test_the_result_is_returned() -> None:
    async def three() -> int:
        await asyncio.sleep(0)
        return 3

    assert run_until_interrupted(three()) == 3


def test_pressed_once_it_is_cancelled_and_tidies_up() -> None:
    tidied: list[bool] = []

    async def work() -> None:
        asyncio.get_running_loop().call_soon(press)
        try:
            await asyncio.Event().wait()
        finally:
            await asyncio.sleep(0)
            tidied.append(True)

    with pytest.raises(KeyboardInterrupt):
        run_until_interrupted(work())
    assert tidied == [True]


def test_pressed_before_it_began_it_does_not_begin() -> None:
    begun: list[bool] = []

    async def work() -> None:
        begun.append(True)

    def loop() -> asyncio.AbstractEventLoop:
        press()
        return asyncio.new_event_loop()

    with pytest.raises(KeyboardInterrupt):
        run_until_interrupted(work(), loop_factory=loop)
    assert begun == []


def test_an_error_that_came_of_it_is_not_told() -> None:
    async def work() -> None:
        asyncio.get_running_loop().call_soon(press)
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            raise OSError("half a file") from None

    with pytest.raises(KeyboardInterrupt):
        run_until_interrupted(work())


def test_pressed_while_a_person_is_asked_it_ends_the_question_at_once() -> None:
    tidied: list[bool] = []

    async def work() -> None:
        try:
            with asking():
                press()
                raise AssertionError("the person is still asked")
        finally:
            await asyncio.sleep(0)
            tidied.append(True)

    with pytest.raises(KeyboardInterrupt):
        run_until_interrupted(work())
    assert tidied == [True]


STUBBORN = """
import asyncio, signal, sys
signal.signal(signal.SIGINT, signal.default_int_handler)
from hipsync.cli import exits
from hipsync.host.interrupt import run_until_interrupted
async def work():
    asyncio.get_running_loop().call_soon(signal.raise_signal, signal.SIGINT)
    while True:
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            asyncio.get_running_loop().call_soon(signal.raise_signal, signal.SIGINT)
run_until_interrupted(work())
"""


def test_pressed_twice_it_ends_the_process_whatever_is_still_waited_for() -> None:
    done = subprocess.run(
        [sys.executable, "-c", STUBBORN],
        check=False,
        capture_output=True,
        text=True,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        timeout=60,
    )
    assert (done.returncode, done.stderr) == (exits.INTERRUPTED, "\n")
