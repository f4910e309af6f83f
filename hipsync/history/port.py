"""What the judgement of past days asks of a store: the one door by which another store can stand behind it.

`hipsync.store.Store` is one such store. Whatever gives these answers about its bands is judged in just the same way.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AbstractContextManager
from datetime import datetime, timedelta
from typing import Protocol

from hipsync.model import Band, BandId, Counter, DeskTime, Epoch, MinuteEpochs, PresenceSpan, Wear, Workout


class Reported(Protocol):
    """What some bands reported of one wearer. Each method means what that of the same name of `Store` means."""

    def snapshot(self) -> AbstractContextManager[None]:
        """During the block, all that is read is of one instant."""
        ...

    def bands(self) -> Sequence[Band]:
        """All bands of the wearer."""
        ...

    def epochs(self, band: BandId, start: datetime, end: datetime, *, lengths: range = ...) -> Sequence[Epoch]:
        """The epochs that overlap `[start, end)` and have one of these lengths in minutes, in order of time."""
        ...

    def minute_epochs(self, band: BandId, start: datetime, end: datetime) -> MinuteEpochs:
        """The epochs of one minute that overlap `[start, end)`, from the first one to the last one."""
        ...

    def has_heart_rate(self, band: BandId, start: datetime, end: datetime) -> bool:
        """Whether an epoch that begins in `[start, end)` has a heart rate."""
        ...

    def counters(self, band: BandId, start: datetime, end: datetime) -> Sequence[Counter]:
        """The counter readings in `[start, end)`, with the last one before and the first one after, in order."""
        ...

    def wears(self, band: BandId, start: datetime, end: datetime) -> Sequence[Wear]:
        """When the band was put on or taken off in `[start, end)`, with the last change before, in order."""
        ...

    def workouts(self, band: BandId, start: datetime, end: datetime) -> Sequence[Workout]:
        """The workouts that overlap `[start, end)`, in order of time."""
        ...

    def stepped(
        self, band: BandId, start: datetime, end: datetime, *, within: timedelta
    ) -> tuple[datetime, datetime] | None:
        """A time outside of which the band has no steps in `[start, end)`; None if it has none at all."""
        ...

    def resolution(self, band: BandId, start: datetime, end: datetime) -> timedelta | None:
        """The finest resolution of the band's data in `[start, end)`; None if there are none."""
        ...

    def presences(self, start: datetime, end: datetime) -> Sequence[PresenceSpan]:
        """When the wearer's computer was used, as far as that overlaps `[start, end)`."""
        ...

    def desk_times(self, start: datetime, end: datetime) -> Sequence[DeskTime]:
        """When the wearer worked standing at that computer, as far as that overlaps `[start, end)`."""
        ...
