"""How one simulated band is received, and the faults on the way that a test can switch on.

A `Reception` belongs to a band. It delays packets, drops advertisements or ends the link. While the link stands it
neither reorders nor loses a packet, as a real link layer does not. Times are the event loop's, be they virtual.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable

SUPERVISION_S = 4.0
"""The supervision time-out in seconds that is usual for wearables; the Core specification allows 0.1 to 32."""
_SOON_S = 1e-5
"""Seconds by which a packet may be delivered early: asyncio fires a timer up to its resolution before it is due."""


class Reception:
    """How one band is received. Its attributes can be set, and its methods called, at any time."""

    def __init__(self, cut: Callable[[], None]) -> None:
        """`cut` ends the band's links on both sides."""
        self._cut = cut
        self.rssi_dbm = -60
        """The signal strength of the band's advertisements, as scans report it."""
        self.lost_adverts = 0.0
        """The share of advertisements that get lost, from 0 to 1."""
        self.refuse: int | None = None
        """The HCI error code with which attempts to connect fail, such as 0x3E; None lets them succeed."""
        self.delay_s = 0.0
        """Seconds between sending and arrival of what the band sends."""
        self.bytes_per_s: float | None = None
        """How many bytes a second the band can send; None for any number."""
        self.mangle: Callable[[bytes], bytes] | None = None
        """Changes each L2CAP frame that the band sends, to test robustness: no real link layer lets damage through."""
        self.in_range = True
        """Whether anything passes between the band and others; see `leave` and `come_back`."""
        self.stalled = False
        """Whether packets from the band wait; see `stall` and `resume`."""
        self.notified = 0
        """The number of notifications and indications sent so far."""
        self.from_band = Lane(lambda: self.in_range and not self.stalled)
        self.to_band = Lane(lambda: self.in_range)
        self._cut_at: int | None = None
        self._supervision: asyncio.TimerHandle | None = None

    def cut_after(self, notifications: int) -> None:
        """Let this many more notifications through, and end the link in place of the next one."""
        self._cut_at = self.notified + notifications

    def cuts_now(self) -> bool:
        """Count a notification. Returns whether the link ends in place of it."""
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
        """Discard every packet that is under way, and the supervision time-out."""
        self.from_band.clear()
        self.to_band.clear()
        if self._supervision is not None:
            self._supervision.cancel()
            self._supervision = None

    def leave(self) -> None:
        """Go out of range: nothing passes from now on, and the link ends after the supervision time-out."""
        self.in_range = False
        if self._supervision is None:
            self._supervision = asyncio.get_running_loop().call_later(SUPERVISION_S, self.drop)

    def come_back(self) -> None:
        """Come back into range: packets that waited arrive, if the link still stands."""
        if self._supervision is not None:
            self._supervision.cancel()
            self._supervision = None
        self.in_range = True
        self.from_band.flow()
        self.to_band.flow()

    def stall(self) -> None:
        """Let packets from the band wait until `resume`; the link stands."""
        self.stalled = True

    def resume(self) -> None:
        """Deliver the packets that wait since `stall`, and all that follow."""
        self.stalled = False
        self.from_band.flow()


class Lane:
    """Packets on their way in one direction, which arrive in order while the lane is open."""

    def __init__(self, is_open: Callable[[], bool]) -> None:
        self._is_open = is_open
        self._waiting: deque[tuple[float, Callable[[], None]]] = deque()
        self._free_at = 0.0
        self._timer: asyncio.TimerHandle | None = None

    def send(
        self, arrive: Callable[[], None], size: int = 0, delay_s: float = 0.0, bytes_per_s: float | None = None
    ) -> None:
        """Call `arrive` when a packet of `size` bytes has been sent at `bytes_per_s` and `delay_s` have passed."""
        now = asyncio.get_running_loop().time()
        self._free_at = max(self._free_at, now) + (size / bytes_per_s if bytes_per_s else 0.0)
        self._waiting.append((self._free_at + delay_s, arrive))
        self.flow()

    def flow(self) -> None:
        """Deliver what is due if the lane is open, and set a timer for the rest."""
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
        """Discard all packets."""
        self._waiting.clear()
        self._free_at = 0.0
        self.flow()
