"""How well one simulated band is received, and the faults in reception that a test can switch on.

A `Reception` belongs to one band. It delays packets, drops advertisements or ends the link. While the link is open it
neither reorders nor loses packets, like a real link layer. Times are those of the event loop, which may be virtual.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable

SUPERVISION_S = 4.0
"""The supervision time-out in seconds. This value is usual for wearables; the Core specification allows 0.1 to 32."""
_SOON_S = 1e-5
"""Seconds by which a packet may be delivered early: asyncio can fire a timer early by as much as its resolution."""


class Reception:
    """How well one band is received. Attributes can be set and methods called at any time."""

    def __init__(self, cut: Callable[[], None]) -> None:
        """`cut` is a function that ends the band's links on both sides."""
        self._cut = cut
        self.rssi_dbm = -60
        """The signal strength of the band's advertisements in dBm, as scans report it."""
        self.lost_adverts = 0.0
        """The share of advertisements that get lost, from 0 to 1."""
        self.refuse: int | None = None
        """The HCI error code with which attempts to connect fail, such as 0x3E; None lets them succeed."""
        self.delay_s = 0.0
        """Seconds from the end of a packet's transmission by the band to its arrival."""
        self.bytes_per_s: float | None = None
        """How many bytes the band can send in a second; None for no limit."""
        self.mangle: Callable[[bytes], bytes] | None = None
        """A function that changes each L2CAP frame from the band; None changes nothing. For tests of robustness: no
        real link layer lets damaged packets through."""
        self.in_range = True
        """Whether packets can pass between the band and others. Set by `leave` and `come_back`."""
        self.stalled = False
        """Whether packets from the band are kept waiting. Set by `stall` and `resume`."""
        self.notified = 0
        """The number of notifications and indications that the band has sent so far."""
        self.from_band = Lane(lambda: self.in_range and not self.stalled)
        self.to_band = Lane(lambda: self.in_range)
        self._cut_at: int | None = None
        self._supervision: asyncio.TimerHandle | None = None

    def cut_after(self, notifications: int) -> None:
        """Let this many more notifications or indications through, and end the link in place of the next one."""
        self._cut_at = self.notified + notifications

    def cuts_now(self) -> bool:
        """Decide whether the link ends in place of a notification; if it does not, count the notification."""
        if self.notified == self._cut_at:
            self._cut_at = None
            return True
        self.notified += 1
        return False

    def drop(self) -> None:
        """End the link at once, as after a supervision time-out."""
        self._cut()
        self.forget()

    def forget(self) -> None:
        """Discard every packet that is still on its way, and cancel the supervision time-out."""
        self.from_band.clear()
        self.to_band.clear()
        if self._supervision is not None:
            self._supervision.cancel()
            self._supervision = None

    def leave(self) -> None:
        """Go out of range. Nothing passes from now on, and the link ends after `SUPERVISION_S`."""
        self.in_range = False
        if self._supervision is None:
            self._supervision = asyncio.get_running_loop().call_later(SUPERVISION_S, self.drop)

    def come_back(self) -> None:
        """Come back into range. Packets that were waiting now arrive, if the link is still open."""
        if self._supervision is not None:
            self._supervision.cancel()
            self._supervision = None
        self.in_range = True
        self.from_band.flow()
        self.to_band.flow()

    def stall(self) -> None:
        """Keep packets from the band waiting until `resume`. The link stays open."""
        self.stalled = True

    def resume(self) -> None:
        """Deliver the packets that have been waiting since `stall`, and let later ones pass."""
        self.stalled = False
        self.from_band.flow()


class Lane:
    """The packets on their way in one direction. They arrive in order, and only while the lane is open."""

    def __init__(self, is_open: Callable[[], bool]) -> None:
        self._is_open = is_open
        self._waiting: deque[tuple[float, Callable[[], None]]] = deque()
        self._free_at = 0.0
        self._timer: asyncio.TimerHandle | None = None

    def send(
        self, arrive: Callable[[], None], size: int = 0, delay_s: float = 0.0, bytes_per_s: float | None = None
    ) -> None:
        """Send a packet of `size` bytes at `bytes_per_s`, and call `arrive` `delay_s` seconds after it is sent.

        `bytes_per_s` None means that sending takes no time. Packets are sent one after another.
        """
        now = asyncio.get_running_loop().time()
        self._free_at = max(self._free_at, now) + (size / bytes_per_s if bytes_per_s else 0.0)
        self._waiting.append((self._free_at + delay_s, arrive))
        self.flow()

    def flow(self) -> None:
        """Deliver the packets that are due if the lane is open, and set a timer for the next one."""
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
        """Discard all packets that are still on their way."""
        self._waiting.clear()
        self._free_at = 0.0
        self.flow()
