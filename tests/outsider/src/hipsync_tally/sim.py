"""The other end of the wire: a Tally on the wrist of somebody whose minutes are known."""

from bisect import bisect_right
from collections.abc import Sequence
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from hipsync.driver import Advertisement
from hipsync.model import Epoch
from hipsync.simulated import Characteristic, HangUp, Notification, Refused, Service, Shown

from . import BATTERY, COUNT, SERVICE


class Tally:
    def __init__(self, life: Sequence[Epoch], *, now: datetime, zone: ZoneInfo, secret: bytes | None = None) -> None:
        self.mtu, self.shown = 23, list[Shown]()
        self.zone, self.told_until = zone, now
        self.ends = [each.end for each in life]
        self.days = [each.start.astimezone(zone).date() for each in life]
        self.totals = list[int]()
        for each, day, before in zip(life, self.days, [None, *self.days], strict=False):
            self.totals.append(each.steps + (self.totals[-1] if day == before else 0))

    def advertisement(self) -> Advertisement:
        return Advertisement("Tally", frozenset({SERVICE}))

    def services(self) -> Sequence[Service]:
        battery = Characteristic(BATTERY, frozenset({"read"}))
        count = Characteristic(COUNT, frozenset({"read", "notify"}))
        return [Service("0000180f-0000-1000-8000-00805f9b34fb", (battery,)), Service(SERVICE, (count,))]

    def count(self, now: datetime) -> bytes:
        last = bisect_right(self.ends, now) - 1
        today = last >= 0 and self.days[last] == now.astimezone(self.zone).date()
        return (self.totals[last] if today else 0).to_bytes(4, "little")

    def connected(self, now: datetime) -> None:
        self.told_until = now

    def disconnected(self, now: datetime) -> None: ...

    def read(self, characteristic: str, service: str, now: datetime) -> bytes:
        return bytes([80]) if characteristic == BATTERY else self.count(now)

    def write(self, characteristic: str, service: str, data: bytes, now: datetime) -> None:
        raise Refused(0x03)  # it takes no writes

    def on_subscribe(self, characteristic: str, subscribed: bool, now: datetime) -> None: ...

    def advance(self, now: datetime) -> Sequence[Notification | HangUp]:
        before, self.told_until = self.count(self.told_until), now
        after = self.count(now)
        return [Notification(COUNT, after)] if after != before else []

    def wake_at(self) -> datetime:
        return self.told_until.replace(second=0, microsecond=0) + timedelta(minutes=1)
