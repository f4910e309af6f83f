"""How one simulated band is received, and what goes wrong on the way."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable

SUPERVISION_S = 4.0
"""Usual for wearables; the specification allows 0.1 to 32."""
_SOON_S = 1e-5
"""What is due within this is due: asyncio fires a timer up to its resolution early."""


class Reception:
    """How one band is received; every knob may be turned at any time."""

    def __init__(self, cut: Callable[[], None]) -> None:
        """`cut` ends the band's links, on both sides."""
        self._cut = cut
        self.rssi_dbm = -60
        self.lost_adverts = 0.0
        """Share of advertisements that nobody hears."""
        self.refuse: int | None = None
        """The HCI error that attempts to connect end with, such as 0x3E; None lets them succeed."""
        self.delay_s = 0.0
        """Before what the band sends arrives."""
        self.bytes_per_s: float | None = None
        """How fast it sends; None is as fast as it can."""
        self.mangle: Callable[[bytes], bytes] | None = None
        """Changes the L2CAP frames that it sends: for robustness alone, no real link layer lets damage through."""
        self.in_range, self.stalled = True, False
        self.notified = 0
        """Notifications sent so far."""
        self.from_band = Lane(lambda: self.in_range and not self.stalled)
        self.to_band = Lane(lambda: self.in_range)
        self._cut_at: int | None = None
        self._supervision: asyncio.TimerHandle | None = None

    def cut_after(self, notifications: int) -> None:
        """Let so many more notifications through, and end the link instead of sending the next."""
        self._cut_at = self.notified + notifications

    def cuts_now(self) -> bool:
        """Counts a notification; true if the link ends in place of it."""
        if self.notified == self._cut_at:
            self._cut_at = None
            return True
        self.notified += 1
        return False

    def drop(self) -> None:
        """End the link now, as after a supervision time-out."""
        self._cut()
        self.forget()

    def forget(self) -> None:
        """Nothing is under way any more."""
        self.from_band.clear()
        self.to_band.clear()
        if self._supervision is not None:
            self._supervision.cancel()
            self._supervision = None

    def leave(self) -> None:
        """Out of range: silence at once, and the end of the link when the supervision time-out has passed."""
        self.in_range = False
        if self._supervision is None:
            self._supervision = asyncio.get_running_loop().call_later(SUPERVISION_S, self.drop)

    def come_back(self) -> None:
        """In range: what waited arrives, if the link still stands."""
        if self._supervision is not None:
            self._supervision.cancel()
            self._supervision = None
        self.in_range = True
        self.from_band.flow()
        self.to_band.flow()

    def stall(self) -> None:
        """The band keeps the link up, and nothing that it sends arrives until `resume`."""
        self.stalled = True

    def resume(self) -> None:
        self.stalled = False
        self.from_band.flow()


class Lane:
    """Packets one way, delivered in order while it is open."""

    def __init__(self, is_open: Callable[[], bool]) -> None:
        self._is_open = is_open
        self._waiting: deque[tuple[float, Callable[[], None]]] = deque()
        self._free_at = 0.0
        self._timer: asyncio.TimerHandle | None = None

    def send(
        self, arrive: Callable[[], None], size: int = 0, delay_s: float = 0.0, bytes_per_s: float | None = None
    ) -> None:
        now = asyncio.get_running_loop().time()
        self._free_at = max(self._free_at, now) + (size / bytes_per_s if bytes_per_s else 0.0)
        self._waiting.append((self._free_at + delay_s, arrive))
        self.flow()

    def flow(self) -> None:
        """Deliver what is due, and wait for what is not."""
        loop = asyncio.get_running_loop()
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        while self._waiting and self._is_open():
            due, arrive = self._waiting[0]
            if due > loop.time() + _SOON_S:
                self._timer = loop.call_at(due, self.flow)
                return
            self._waiting.popleft()
            loop.call_soon(arrive)

    def clear(self) -> None:
        self._waiting.clear()
        self._free_at = 0.0
        self.flow()
