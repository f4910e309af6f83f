"""Ctrl-C while coroutines run: pressed once, it cancels them, and they tidy up; pressed again, it ends the process.

`asyncio.run` differs in both. It raises `KeyboardInterrupt` wherever the second press comes, also inside the event
loop: a callback that was already taken off its queue never runs then, and whoever waits for it waits for ever. And it
lets the first press pass without effect while the main thread waits for a person's answer.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import threading
from collections.abc import Callable, Coroutine, Generator
from types import FrameType
from typing import Any, TypeVar

T = TypeVar("T")

INTERRUPTED = 130
"""The exit code after Ctrl-C: 128 and the number of the signal, as shells count."""


def run_until_interrupted(
    main: Coroutine[Any, Any, T], *, loop_factory: Callable[[], asyncio.AbstractEventLoop] | None = None
) -> T:
    """Run a coroutine on an event loop of its own, and return its result.

    Ctrl-C cancels it, and `KeyboardInterrupt` is raised when it has ended. A second Ctrl-C ends the process at once,
    with `INTERRUPTED`. Where Ctrl-C is dealt with already, or outside the main thread, it changes nothing about that.
    """
    task: asyncio.Task[Any] | None = None
    pressed = False

    async def cancellable() -> T:
        nonlocal task
        task = asyncio.current_task()
        if pressed:  # before there was anything to cancel
            main.close()
            raise asyncio.CancelledError
        return await main

    def press(_number: int, _frame: FrameType | None) -> None:
        nonlocal pressed
        if pressed:
            with contextlib.suppress(OSError):
                os.write(2, b"\n")
            os._exit(INTERRUPTED)
        pressed = True
        if task is not None and not task.done():
            task.cancel()
            task.get_loop().call_soon_threadsafe(lambda: None)  # the loop may be waiting for something else

    is_ours = (
        threading.current_thread() is threading.main_thread()
        and signal.getsignal(signal.SIGINT) is signal.default_int_handler
    )
    if is_ours:
        signal.signal(signal.SIGINT, press)
    try:
        with asyncio.Runner(loop_factory=loop_factory) as runner:
            return runner.run(cancellable())
    finally:
        if is_ours:
            signal.signal(signal.SIGINT, signal.default_int_handler)
        if pressed:
            raise KeyboardInterrupt


@contextlib.contextmanager
def asking() -> Generator[None, None, None]:
    """Within the block, which waits for a person's answer and awaits nothing, Ctrl-C raises `KeyboardInterrupt`."""
    former = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, former)
